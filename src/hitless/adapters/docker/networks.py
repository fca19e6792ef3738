"""The networks port on Docker's command line, with addresses from hitless's own pool."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass

from hitless.adapters.docker.cli import AT_ONCE, DockerCli
from hitless.adapters.docker.containers import DockerContainers
from hitless.adapters.docker.queries import inspect, listed, options, rows
from hitless.domain.common.errors import DockerFailed, HitlessError
from hitless.domain.common.foreign import Json
from hitless.domain.common.names import (
    COMPOSE_NETWORK,
    COMPOSE_PROJECT,
    LABEL_APPLICATION,
    LABEL_GATEWAY,
    LIVE_NETWORK,
    Colour,
    colour_project,
)
from hitless.domain.gateway.model import container_name, network_name
from hitless.domain.release import networks
from hitless.domain.release.networks import Network, Networked

_TRIES = 20  # others may take the block that was free a moment ago
_OVERLAPS = "pool overlaps"  # the engine's refusal of a block that another network has
_THERE = "already exists in network"
_IN_USE = "has active endpoints"


@dataclass(frozen=True)
class DockerNetworks:
    """The networks of the applications behind the gateway of this project name."""

    cli: DockerCli
    gateway: str

    def create(self, wanted: Sequence[Network]) -> None:
        """Create those of these networks that are missing, and connect at once what belongs on them.

        Raises `HitlessError` if one belongs to somebody else, or if the pool has no room left.
        """
        if not wanted:
            return
        found = rows(self.cli, "network", "Name", f"={LABEL_APPLICATION}", f"={COMPOSE_PROJECT}")
        there = {name: application or project for name, application, project in found}
        for one in wanted:
            _refuse_others(one, there)
        # A missing network to join comes last: a colour's own networks show what a killed command has left.
        last = [one for one in wanted if one.joined and one.name not in there]
        first = [one for one in wanted if one not in last]
        with ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
            list(pool.map(lambda one: self._create(one, there), first))
            list(pool.map(lambda one: self._create(one, there), last))
        for network in wanted:
            if network.joined and not (network.is_joined and network.name in there):
                self.join(network.name, network.joined)

    def join(self, network: str, container: str, aliases: Iterable[str] = ()) -> None:
        """Connect a container, if it is not connected yet, under its own name and these."""
        words = [word for alias in aliases for word in ("--alias", alias)]
        self._join(self.cli.change, network, container, *words)

    def networked(self, application: str) -> Networked:
        """The networks that the application has, and the names of all."""
        found = rows(self.cli, "network", "Name", f"={COMPOSE_PROJECT}", f"={LABEL_APPLICATION}")
        own = {name: project for name, project, whose in found if whose == application}
        return Networked(
            frozenset(colour for colour in Colour if colour_project(application, colour) in own.values()),
            self._way(application) in own,
            frozenset(name for name, _, _ in found),
        )

    def ranges(self) -> dict[str, tuple[str, ...]]:
        """The address ranges (CIDR) of every network of the engine: network -> ranges."""
        for _ in range(_TRIES):
            ids = self.cli.run("network", "ls", "--quiet").split()
            try:
                found = json.loads(self.cli.run("network", "inspect", *ids))
            except DockerFailed as error:
                if not error.is_missing:  # one has just gone
                    raise
            else:
                return {one["Name"]: _ranges(one) for one in found}
        raise HitlessError("the engine's networks change all the time", "try again in a moment")

    def connect(self, network: str, containers: Sequence[str]) -> None:
        """Connect containers to a network under their own names only."""
        with ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
            list(pool.map(lambda name: self.cli.change("network", "connect", network, name), containers))

    def connect_shared(
        self, networks: Sequence[Network], members: Mapping[str, Mapping[str, Sequence[str]]]
    ) -> None:
        """Connect containers to networks, created if missing: network -> id -> its names there."""
        self.create(networks)
        for network, found in members.items():
            for one, names in found.items():
                self.join(network, one, names)

    def attach(
        self,
        application: str,
        network: Network,
        services: Sequence[str],
        names: Mapping[str, Sequence[str]],
    ) -> None:
        """Let shared services find a colour's containers (container -> names) on a network made for it.

        The shared ones are connected first. Docker answers for a name before the connection can be used, on
        either side. A call that leaves by another network in that instant is lost. A call that only has to
        find the address waits for it (measured, docs/decisions/0019-live-network.md).
        """
        found = [
            one.id
            for one in DockerContainers(self.cli, self.gateway).composed(application)
            if one.project == application and one.service in services
        ]
        self.create((network,))
        for caller in found:
            self.join(network.name, caller)
        for called, aliases in names.items():
            self.join(network.name, called, aliases)

    def detach(self, application: str, colour: Colour) -> None:
        """Disconnect the shared services from that network, which cuts what they have open to that colour."""
        self._empty(self._live_networks(application, colour), besides=colour_project(application, colour))

    def own(self) -> tuple[str, ...]:
        """The names of the networks that hitless has created on this engine, for any gateway."""
        return tuple(name for (name,) in rows(self.cli, "network", "Name", labels=(LABEL_APPLICATION,)))

    def connect_gateway(self) -> None:
        """Connect the gateway's container to the networks of all its applications."""
        named = rows(self.cli, "network", "Name", labels=(f"{LABEL_GATEWAY}={self.gateway}",))
        names = {name for (name,) in named}
        container = container_name(self.gateway)
        shape = "{{range $name, $_ := .NetworkSettings.Networks}}{{$name}} {{end}}"
        on = self.cli.run("container", "inspect", "--format", shape, container).split()
        with ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
            # no lock is needed: all locks have gone with the gateway before
            list(pool.map(lambda name: self._join(self.cli.run, name, container), names - set(on)))

    def remove(self, network: str) -> bool:
        """Remove a network; False if containers are on it, and it stays."""
        try:
            self.cli.change("network", "rm", network)
        except DockerFailed as error:
            if _IN_USE in error.output:
                return False
            if not error.is_missing:
                raise
        return True

    def remove_way(self, application: str) -> None:
        """Remove the network between the gateway and an application that has no release any more.

        Shared services with a route may be on it, and continue to run.
        """
        name = self._way(application)
        labels = (f"{LABEL_APPLICATION}={application}", f"{LABEL_GATEWAY}={self.gateway}")
        for network in listed(self.cli, "network", *labels):
            own = (f"{COMPOSE_PROJECT}={application}",)
            on_it = rows(self.cli, "container", "ID", labels=own, filters={"network": (network,)})
            for one in (container_name(self.gateway), *(id_ for (id_,) in on_it)):
                with suppress(DockerFailed):  # the gateway may be gone, or was never on it
                    self.cli.change("network", "disconnect", "--force", network, one)
            try:
                self.cli.change("network", "rm", network)
            except DockerFailed as error:
                if error.is_missing:
                    continue
                raise HitlessError(
                    f"the network {name} can't be removed: {error.output}",
                    f"see who is on it with docker network inspect {name}, then docker network rm {name}",
                ) from error

    def remove_of_colour(self, application: str, colour: Colour) -> tuple[str, ...]:
        """Remove the networks of a colour; returns the names of those that others are on, which stay."""
        labels = (
            f"{COMPOSE_PROJECT}={colour_project(application, colour)}",
            f"{LABEL_APPLICATION}={application}",
        )
        networks = {
            row[0]: row[1] for row in rows(self.cli, "network", "Name", f"={COMPOSE_NETWORK}", labels=labels)
        }
        self._empty([network for network, key in networks.items() if key == LIVE_NETWORK])
        return tuple(network for network in networks if not self.remove(network))

    def _way(self, application: str) -> str:
        """The name of that network."""
        return f"{network_name(self.gateway)}.{application}"

    def _live_networks(self, application: str, colour: Colour) -> tuple[str, ...]:
        project = colour_project(application, colour)
        labels = [
            f"{COMPOSE_PROJECT}={project}",
            f"{COMPOSE_NETWORK}={LIVE_NETWORK}",
            f"{LABEL_APPLICATION}={application}",
        ]
        return tuple(name for (name,) in rows(self.cli, "network", "Name", labels=labels))

    def _empty(self, networks: Sequence[str], besides: str = "") -> None:
        """Disconnect the containers of these networks, except those of one Compose project."""
        for network in inspect(self.cli, "network", networks):
            for id_, endpoint in (network.get("Containers") or {}).items():
                if not (besides and endpoint["Name"].startswith(f"{besides}-")):
                    # a container that has gone leaves an endpoint with a name only
                    one = endpoint["Name"] if id_.startswith("ep-") else id_
                    self.cli.change("network", "disconnect", "--force", network["Id"], one)

    def _join(self, run: Callable[..., str], network: str, container: str, *words: str) -> None:
        try:
            run("network", "connect", *words, network, container)
        except DockerFailed as error:
            if _THERE not in error.output:
                raise

    def _create(self, network: Network, there: Mapping[str, str]) -> None:
        if network.name not in there:
            self._create_somewhere(network)

    def _create_somewhere(self, network: Network) -> None:
        block = networks.first_choice(network)
        for _ in range(_TRIES):
            try:
                self.cli.change("network", "create", *_options(network), "--subnet", str(block), network.name)
            except DockerFailed as error:
                if _OVERLAPS not in error.output.lower():
                    raise
            else:
                return
            taken = (one for ranges in self.ranges().values() for one in ranges)
            other = networks.free(network, taken)
            if other is None:
                break
            block = other
        raise HitlessError(
            f"the pool {network.whole} has no addresses left for the network {network.name}",
            "hitless gateway up --replace --address-pool RANGE takes another one; docker network ls shows "
            "what has them",
        )


def _refuse_others(network: Network, there: Mapping[str, str]) -> None:
    """Raise `HitlessError` if a network of this name is somebody else's; `there` maps name -> whose."""
    application = network.labels[LABEL_APPLICATION]
    owner = there.get(network.name, application)
    if owner == application:
        return
    if network.joined:
        raise HitlessError(
            f"there is a network {network.name} that hitless did not make for {application}",
            "remove it (docker network rm), or choose another name with -p",
        )
    if owner:
        raise HitlessError(
            f"the network {network.name} belongs to the application {owner}",
            "give it its own `name:`, or make it external to share it",
        )


def _ranges(network: Json) -> tuple[str, ...]:
    pools = (network.get("IPAM") or {}).get("Config") or ()
    return tuple(str(pool["Subnet"]) for pool in pools if pool.get("Subnet"))


def _options(network: Network) -> list[str]:
    settings = network.settings
    words = options(label=network.labels, opt=settings.get("driver_opts") or {})
    flags = {"internal": "--internal", "attachable": "--attachable", "enable_ipv6": "--ipv6"}
    return [*words, *(flag for key, flag in flags.items() if settings.get(key))]
