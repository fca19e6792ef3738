"""The certificates port on the gateway's routing directory: each is a file that Traefik reads."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from secrets import token_hex
from typing import Protocol

from hitless.adapters.gateway.orders import failure, order_document
from hitless.adapters.gateway.own_certificates import PREFIX, parse_header, read_pair, render_pair
from hitless.adapters.gateway.shell import GatewayShell
from hitless.domain.common.findings import Finding
from hitless.domain.common.foreign import Json
from hitless.domain.gateway.acme import Names
from hitless.domain.gateway.certificates import Certificate
from hitless.domain.gateway.model import container_name
from hitless.domain.routing.reserved import MARKER_HOST


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
    # order -> when it began, by the gateway's clock
    _began: dict[str, str] = field(default_factory=dict, compare=False)

    def certificates(self) -> tuple[Certificate, ...]:
        """Those from the operator's files."""
        lines = self.shell.run("certificates")[0].decode().splitlines()
        return tuple(found for line in lines if (found := parse_header(line)))

    def obtained(self) -> tuple[Certificate, ...]:
        """Those that the gateway has got from the CA."""
        own = [_served(one.names, one.not_after) for one in self.certificates()]
        return tuple(
            Certificate(
                name=one["sans"][0].lower().replace("*", "wildcard"),
                names=tuple(one["sans"]),
                issuer=one.get("issuerCN") or one.get("issuerOrg") or "",
                not_before=one["notBefore"],
                not_after=one["notAfter"],
                is_renewed=True,
            )
            for one in self.instances()[0].certificates()
            if one["sans"] not in ([], [MARKER_HOST]) and _served(one["sans"], one["notAfter"]) not in own
        )

    def failures(self) -> dict[str, tuple[int, ...]]:
        """The orders that failed in the last hour: host name -> seconds since each, the latest first."""
        found: dict[str, list[int]] = {}
        for line in self.shell.run("failures")[0].decode().splitlines():
            age, _, name = line.partition(" ")
            found.setdefault(name, []).append(int(age))
        return {name: tuple(sorted(ages)) for name, ages in found.items()}

    def order(self, application: str, names: Names, timeout: float) -> str:
        """Have the gateway order a certificate from the CA, until `end_order`; the id of the order."""
        order = token_hex(6)
        self._began[order] = self.shell.run("now")[0].decode().strip()
        content = order_document(order, names).encode()
        words = (order, f"{timeout:.0f}", str(len(content)), *names)
        self.shell.change("order", application, *words, stdin=content)
        return order

    def said(self, order: str) -> str:
        """What Traefik says about an order that has failed, in its own words; "" while it has not."""
        output, said = self.shell.cli.run_bytes(
            "logs", "--since", self._began[order], container_name(self.shell.project)
        )
        return failure(output.decode(errors="replace") + said, order)

    def end_order(self, application: str, order: str, has_failed: bool) -> None:
        """Go on with it no longer. Only if it has failed, it still counts as a failure."""
        self.shell.change("end_order", application, order, "failed" if has_failed else "not")

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
        wanted = _served(certificate.names, certificate.not_after)
        return all(
            any(_served(one["sans"], one["notAfter"]) == wanted for one in instance.certificates())
            for instance in self.instances()
        )

    def remove_certificate(self, name: str) -> None:
        """Have the gateway serve it no more."""
        self.shell.run("retract", f"{PREFIX}{name}")


def _served(names: Iterable[str], not_after: str) -> tuple[frozenset[str], str]:
    """What tells one certificate from another in Traefik's API."""
    return frozenset(names), not_after
