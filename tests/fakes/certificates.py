"""The certificates of a gateway, in memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from hitless.domain.common.findings import Finding
from hitless.domain.gateway.certificates import Certificate


@dataclass
class FakeCertificates:
    """What is there by name; `wrong` is found in every pair, `after` so many looks one is served."""

    there: dict[str, Certificate] = field(default_factory=dict)
    wrong: tuple[Finding, ...] = ()
    after: int = 0

    def certificates(self) -> tuple[Certificate, ...]:
        return tuple(self.there.values())

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
