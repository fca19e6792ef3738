"""The networks port on a Swarm: overlay networks, each on every node that needs it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hitless.adapters.docker.cli import DockerCli
from hitless.adapters.docker.networks import DockerNetworks
from hitless.adapters.docker.queries import inspect, options, rows
from hitless.adapters.swarm.queries import services
from hitless.domain.common.errors import HitlessError
from hitless.domain.common.names import COMPOSE_PROJECT, LABEL_APPLICATION, Colour
from hitless.domain.release.networks import Network, Networked


@dataclass(frozen=True)
class SwarmNetworks:
    """The networks of the applications behind the gateway of this name. `manager` is the Swarm's."""

    manager: DockerCli
    gateway: str

    def create(self, wanted: Sequence[Network]) -> None:
        """Create those that are missing, as overlay networks; Swarm chooses their addresses.

        That of the gateway is there, and the same for all applications. Raises `HitlessError` if one belongs
        to somebody else.
        """
        found = rows(self.manager, "network", "Name", f"={LABEL_APPLICATION}", f"={COMPOSE_PROJECT}")
        there = {name: application or project for name, application, project in found}
        for network in wanted:
            if network.joined:
                continue
            owner = there.get(network.name)
            if owner is None:
                self.manager.change("network", "create", *_options(network), network.name)
            elif owner != network.labels[LABEL_APPLICATION]:
                raise HitlessError(
                    f"there is a network {network.name} that hitless did not make",
                    "remove it (docker network rm), or choose another name with -p",
                )

    def networked(self, application: str) -> Networked:
        """The networks that the application has, and the names of all."""
        found = DockerNetworks(self.manager, self.gateway).networked(application)
        return Networked(found.colours, has_way=False, names=found.names)

    def ranges(self) -> dict[str, tuple[str, ...]]:
        """None: Swarm chooses addresses from a pool of its own."""
        return {}

    def connect(self, network: str, containers: Sequence[str]) -> None:
        """Connect services (ids of their slots) to a network under their own names only.

        A service without a task: each change of its networks replaces the tasks that it has.
        """
        found = inspect(self.manager, "network", (network,))
        if not found:
            raise HitlessError(f"there is no network {network} on this Swarm", "is the gateway up?")
        wanted = {one.rpartition(".")[0] for one in containers}
        for service in services(self.manager, LABEL_APPLICATION):
            on = [one["Target"] for one in service["Spec"]["TaskTemplate"].get("Networks") or ()]
            if service["ID"] in wanted and found[0]["Id"] not in on:
                words = ("--detach", "--network-add", network, service["ID"])
                self.manager.change("service", "update", *words)

    def connect_shared(
        self, networks: Sequence[Network], members: Mapping[str, Mapping[str, Sequence[str]]]
    ) -> None:
        """Raise `HitlessError` for any: shared services have no stack yet."""
        if networks or members:
            raise HitlessError("shared services are not deployed on a Swarm yet")

    def attach(
        self,
        application: str,
        network: Network,
        services: Sequence[str],
        names: Mapping[str, Sequence[str]],
    ) -> None:
        """Raise `HitlessError`: there are no shared services yet."""
        raise HitlessError("shared services are not deployed on a Swarm yet")

    def detach(self, application: str, colour: Colour) -> None:
        """Do nothing: there are no shared services yet."""


def _options(network: Network) -> tuple[str, ...]:
    settings = network.settings
    words = options(label=network.labels, opt=settings.get("driver_opts") or {})
    internal = ("--internal",) if settings.get("internal") else ()
    return ("--driver", "overlay", "--attachable", *internal, *words)
