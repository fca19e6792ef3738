"""The certificates that the gateway serves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from hitless.domain.common.findings import Finding
from hitless.domain.gateway.acme import Names
from hitless.domain.gateway.certificates import Certificate


class Certificates(Protocol):
    """Certificates in the gateway: it serves each to clients that ask for one of its names."""

    def certificates(self) -> tuple[Certificate, ...]:
        """Those from the operator's files."""
        ...

    def obtained(self) -> tuple[Certificate, ...]:
        """Those that the gateway has got from the CA."""
        ...

    def failures(self) -> dict[str, tuple[int, ...]]:
        """The orders that failed in the last hour: host name -> seconds since each, the latest first."""
        ...

    def order(self, application: str, names: Names, timeout: float) -> str:
        """Have the gateway order a certificate from the CA; the id of the order. It counts as failed now.

        The gateway goes on with it until `end_order`, for as long as the application's lock is held, and no
        longer than `timeout` seconds. Raises `LockLost` if the lock is not held.
        """
        ...

    def order_again(self, application: str, order: str) -> None:
        """The same order once more, for one that Traefik passed over. Raises as `order`."""
        ...

    def said(self, order: str) -> Mapping[str, str]:
        """The orders for a name of this one that have failed since it began: id -> Traefik's own words."""
        ...

    def end_order(self, application: str, order: str, has_failed: bool) -> None:
        """Go on with it no longer. Only if it has failed, it still counts as a failure."""
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
