"""The certificates port on the gateway's routing directory: each is a file that Traefik reads."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from secrets import token_hex
from typing import Protocol

from hitless.adapters.gateway.orders import Order, failures, order_document
from hitless.adapters.gateway.own_certificates import PREFIX, parse_header, read_pair, render_pair
from hitless.adapters.gateway.shell import GatewayShell
from hitless.domain.common.findings import Finding
from hitless.domain.common.foreign import Json
from hitless.domain.gateway.acme import Names
from hitless.domain.gateway.certificates import Certificate
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
    _orders: dict[str, Order] = field(default_factory=dict, compare=False)

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
        began = self.shell.run("now")[0].decode().strip()
        self._orders[order] = Order(order, names, began, timeout)
        self._place(application, self._orders[order])
        return order

    def order_again(self, application: str, order: str) -> None:
        """The same order once more, for one that Traefik passed over. Raises as `order`."""
        found = self._orders[order]
        self._orders[order] = replace(found, times=found.times + 1)
        self._place(application, self._orders[order])

    def _place(self, application: str, order: Order) -> None:
        content = order_document(order).encode()
        words = (order.id, f"{order.timeout:.0f}", str(len(content)), *order.names)
        self.shell.change("order", application, *words, stdin=content)

    def said(self, order: str) -> dict[str, str]:
        """The orders for a name of this one that have failed since it began: id -> Traefik's own words."""
        found = self._orders[order]
        output, said = self.shell.cli.run_bytes("logs", "--since", found.began, self.shell.name)
        return failures(output.decode(errors="replace") + said, found.names)

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
