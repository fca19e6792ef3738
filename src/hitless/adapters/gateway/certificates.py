"""The certificates port on the gateway's routing directory: each is a file that Traefik reads."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from hitless.adapters.gateway.own_certificates import PREFIX, parse_header, read_pair, render_pair
from hitless.adapters.gateway.shell import GatewayShell
from hitless.domain.common.findings import Finding
from hitless.domain.common.foreign import Json
from hitless.domain.gateway.certificates import Certificate


class Instance(Protocol):
    """One Traefik process of the gateway."""

    def certificates(self) -> Sequence[Json]:
        """All that it serves, as its API tells it."""
        ...


@dataclass(frozen=True)
class GatewayCertificates:
    """Those of the gateway of this Compose project."""

    shell: GatewayShell
    instances: Callable[[], Sequence[Instance]]

    def certificates(self) -> tuple[Certificate, ...]:
        """Those that are there."""
        lines = self.shell.run("certificates")[0].decode().splitlines()
        return tuple(found for line in lines if (found := parse_header(line)))

    def read_certificate(
        self, name: str, chain: bytes, key: bytes, now: str
    ) -> tuple[Certificate | None, Sequence[Finding]]:
        """The certificate of a chain and its key, both in PEM, and all that is wrong with them."""
        return read_pair(name, chain, key, now)

    def install_certificate(self, certificate: Certificate, chain: bytes, key: bytes) -> None:
        """Have the gateway serve it, in place of one of the same name."""
        content = render_pair(certificate, chain, key).encode()
        self.shell.run("provide", f"{PREFIX}{certificate.name}", str(len(content)), stdin=content)

    def serves_certificate(self, certificate: Certificate) -> bool:
        """Whether every instance has it."""
        wanted = (set(certificate.names), certificate.not_after)
        return all(
            any((set(one["sans"]), one["notAfter"]) == wanted for one in instance.certificates())
            for instance in self.instances()
        )

    def remove_certificate(self, name: str) -> None:
        """Have the gateway serve it no more."""
        self.shell.run("retract", f"{PREFIX}{name}")
