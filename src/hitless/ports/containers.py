"""The containers of the Docker host, as execution needs them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from hitless.domain.common.names import Colour
from hitless.domain.host.container_facts import HealthCheck, Listener
from hitless.domain.host.world import ComposeContainer, Container, Neighbour, Replica
from hitless.domain.proof.observations import Ending


class Containers(Protocol):
    """The containers of the Docker host.

    Every verb raises `DockerFailed` with the command's last lines. A verb that changes something raises
    `LockLost` as soon as a lock that was held (`State.lock`) is lost.
    Existing containers are named by their ids: a name may belong to another deployment's container by now.
    """

    def of(self, application: str | None) -> tuple[Container, ...]:
        """All containers of the application's colours, running or not; None: of all on this gateway."""
        ...

    def named(self, containers: Sequence[str]) -> tuple[Container, ...]:
        """Those of these containers that exist, running or not."""
        ...

    def replicas(self, application: str, colour: Colour) -> tuple[Replica, ...]:
        """The containers of a colour, running or not, as the engine has named them."""
        ...

    def composed(self, application: str) -> tuple[ComposeContainer, ...]:
        """The containers in the application's and its colours' Compose projects that belong to no release."""
        ...

    def neighbours(self, stopped: bool = False) -> tuple[Neighbour, ...]:
        """Every running container of the host; also the others if they are asked for (`stopped`)."""
        ...

    def set_restart_policies(self, policies: Mapping[str, str]) -> None:
        """Set the restart policies (container -> policy in `docker update`'s words) of running containers."""
        ...

    def stop(self, containers: Sequence[str]) -> None:
        """Stop containers, each with its own grace period."""
        ...

    def start_again(self, containers: Sequence[str]) -> None:
        """Start containers that were stopped."""
        ...

    def logs(self, container: str, lines: int) -> str:
        """The last lines of a container's log."""
        ...

    def last_lines(self, containers: Sequence[str]) -> Mapping[str, str]:
        """What each of these has written last, each line with its time, within a few seconds for all.

        At most `MOST_LINES` lines; "" for a container without a log that can be read.
        """
        ...

    def new_lines(self, since: Mapping[str, str], lines: int) -> Mapping[str, str]:
        """The last lines that these containers wrote, each with its time: container -> so many at most.

        `since` maps container -> the time of the first that counts, "" for all. It takes a few seconds at
        most, and nothing waits for it.
        """
        ...

    def last_check(self, container: str) -> HealthCheck | None:
        """How the container's own Docker health check ended last; None if it has none, or has not ended."""
        ...

    def passes_check(self, container: str, timeout: float) -> bool:
        """Run a container's own Docker health check in it, as the engine does: whether it passes.

        Raises `TimedOut` after `timeout` seconds; the check may still run then.
        """
        ...

    def listening(self, container: str) -> tuple[Listener, ...] | None:
        """The TCP ports on which something in a running container listens; None if nobody can tell."""
        ...

    def endings(self, application: str, seconds: float, now: float) -> tuple[Ending, ...]:
        """The application's containers that ended in the last seconds, as far as the engine remembers.

        `now` is this moment on the clock that their moments refer to.
        """
        ...
