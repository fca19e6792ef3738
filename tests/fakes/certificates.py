"""The certificates of a gateway, in memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from hitless.domain.common.findings import Finding
from hitless.domain.gateway.certificates import Certificate


@dataclass
class FakeCertificates:
    """What is there by name; `wrong` is found in every pair, `after` so many looks one is served.

    The CA has given those in `got`, and gives one for every name that has no error in `refusals`. `orders`
    are all that there were, id -> host names; `counted` are the names of those that failed.
    """

    there: dict[str, Certificate] = field(default_factory=dict)
    wrong: tuple[Finding, ...] = ()
    after: int = 0
    got: dict[str, Certificate] = field(default_factory=dict)
    refusals: dict[str, str] = field(default_factory=dict)
    orders: dict[str, tuple[str, ...]] = field(default_factory=dict)
    counted: list[str] = field(default_factory=list)
    # earlier orders: Traefik passes over one for the same names
    under_way: set[tuple[str, ...]] = field(default_factory=set)
    # the CA gives no answer
    silent: bool = False

    def certificates(self) -> tuple[Certificate, ...]:
        return tuple(self.there.values())

    def obtained(self) -> tuple[Certificate, ...]:
        return tuple(self.got.values())

    def failures(self) -> dict[str, tuple[int, ...]]:
        return {name: (0,) * self.counted.count(name) for name in self.counted}

    def order(self, application: str, names: tuple[str, ...], timeout: float) -> str:
        order = str(len(self.orders))
        self.orders[order] = names
        if names not in self.under_way:
            self._give(order)
        return order

    def order_again(self, application: str, order: str) -> None:
        self._give(order)

    def _give(self, order: str) -> None:
        names = self.orders[order]
        if not self.silent and order not in self.said(order):
            self.got[names[0]] = Certificate(
                names[0], names, "CA", "2020-01-01T00:00:00Z", "2099-01-01T00:00:00Z", is_renewed=True
            )

    def said(self, order: str) -> dict[str, str]:
        names = self.orders[order]
        said = {"earlier": "it failed"} if names in self.under_way else {}
        for name in names:
            if name in self.refusals:
                said[order] = self.refusals[name]
        return said

    def end_order(self, application: str, order: str, has_failed: bool) -> None:
        self.counted += self.orders[order] if has_failed else ()

    def read_certificate(
        self, name: str, chain: bytes, key: bytes, now: str
    ) -> tuple[Certificate | None, Sequence[Finding]]:
        names = tuple(chain.decode().split())
        return Certificate(name, names, "CN=CA", "2020-01-01T00:00:00Z", "2099-01-01T00:00:00Z"), self.wrong

    def install_certificate(self, certificate: Certificate, chain: bytes, key: bytes) -> None:
        self.there[certificate.name] = certificate

    def serves_certificate(self, certificate: Certificate) -> bool:
        self.after -= 1
        return self.after < 0

    def remove_certificate(self, name: str) -> None:
        self.there.pop(name, None)
