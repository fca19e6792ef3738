"""The gateway as a Compose project that is started and stopped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from hitless.domain.gateway.model import EdgeStatus, GatewayContainer
from hitless.domain.gateway.settings import GatewaySettings


class GatewayProject(Protocol):
    """The gateway as a Compose project that is started and stopped."""

    def settings(self) -> GatewaySettings | None:
        """The settings of the gateway that exists, running or not."""
        ...

    def container(self) -> GatewayContainer | None:
        """The gateway's container, running or not; None where there is none."""
        ...

    def foreign(self) -> tuple[str, ...]:
        """Names of containers in a Compose project of the gateway's name that hitless did not make."""
        ...

    def outdated(self) -> str:
        """What is too old on this Docker host for hitless, or ""."""
        ...

    def free_pool(self) -> str:
        """A range (CIDR) for the networks of applications that nothing on the host has, "" for none."""
        ...

    def unfit(self, image: str) -> str:
        """What is wrong with an image of Traefik (`has Traefik 3.6.1; …`), "" where the gateway takes it.

        Has its program on the host then. Raises `HitlessError` where an image can't be had.
        """
        ...

    def refuse_taken(self, ports: Mapping[int, str], udp_ports: Mapping[int, str]) -> None:
        """Raise `HitlessError` where others have one of these ports of the host (port -> address)."""
        ...

    def give(self, files: Mapping[str, bytes]) -> None:
        """Have these files, name -> content, where the gateway keeps its own, before it next starts."""
        ...

    def apply(self, settings: GatewaySettings) -> None:
        """Start the gateway with these settings, or replace it if they differ."""
        ...

    def drop_copies(self) -> None:
        """Remove the copies of Traefik's program that were cut short."""
        ...

    def answers(self) -> bool:
        """Whether Traefik itself says that it is up."""
        ...

    def edge_statuses(self) -> Sequence[EdgeStatus]:
        """The nodes of a Swarm on which the gateway should run, by name; none on one host."""
        ...

    def logs(self, lines: int) -> str:
        """The last lines of the gateway's log."""
        ...

    def remove(self, settings: GatewaySettings, volumes: bool) -> None:
        """Stop and remove the gateway and its network; its volumes only if asked for."""
        ...
