"""The certificates that the gateway serves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from hitless.domain.common.findings import Finding
from hitless.domain.gateway.certificates import Certificate


class Certificates(Protocol):
    """Certificates in the gateway: it serves each to clients that ask for one of its names."""

    def certificates(self) -> tuple[Certificate, ...]:
        """Those that are there."""
        ...

    def read_certificate(
        self, name: str, chain: bytes, key: bytes, now: str
    ) -> tuple[Certificate | None, Sequence[Finding]]:
        """The certificate of a chain and its key, both in PEM, and all that is wrong with them."""
        ...

    def install_certificate(self, certificate: Certificate, chain: bytes, key: bytes) -> None:
        """Have the gateway serve it, in place of one of the same name."""
        ...

    def serves_certificate(self, certificate: Certificate) -> bool:
        """Whether every instance has it."""
        ...

    def remove_certificate(self, name: str) -> None:
        """Have the gateway serve it no more."""
        ...
