"""Networks of the applications on Docker's command line, with addresses out of a pool of hitless's own."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass

from hitless.adapters.docker.cli import DockerCli
from hitless.domain.common.errors import DockerFailed, HitlessError
from hitless.domain.common.foreign import Json
from hitless.domain.common.names import COMPOSE_PROJECT, LABEL_APPLICATION, LABEL_GATEWAY
from hitless.domain.gateway.model import container_name, network_name
from hitless.domain.release import networks
from hitless.domain.release.networks import Network

_AT_ONCE = 4
_TRIES = 20  # others may take the block that was just seen to be free
_OVERLAPS = "pool overlaps"  # the engine's refusal of a block that another network has
_THERE = "already exists in network"
_IN_USE = "has active endpoints"


@dataclass(frozen=True)
class DockerNetworks:
    """The networks of the applications behind the gateway of this project name."""

    cli: DockerCli
    gateway: str

    def create(self, wanted: Sequence[Network]) -> None:
        """Create those of these networks that are missing, and connect what is to be on them at once.

        Raises `HitlessError` where one is somebody else's or where the pool has no room left.
        """
        if not wanted:
            return
        labels = "\t".join(f'{{{{.Label "{label}"}}}}' for label in (LABEL_APPLICATION, COMPOSE_PROJECT))
        shape = "{{.Name}}\t" + labels
        rows = (row.split("\t") for row in self.cli.run("network", "ls", "--format", shape).splitlines())
        there = {name: application or project for name, application, project in rows}
        for one in wanted:
            _refuse_others(one, there)
        # What is to be joined and is missing comes last: by a colour's own networks it is known what a killed
        # command has left.
        last = [one for one in wanted if one.joined and one.name not in there]
        first = [one for one in wanted if one not in last]
        with ThreadPoolExecutor(max_workers=_AT_ONCE) as pool:
            list(pool.map(lambda one: self._create(one, there), first))
            list(pool.map(lambda one: self._create(one, there), last))
        for network in wanted:
            if network.joined and not (network.is_joined and network.name in there):
                self.join(network.name, network.joined)

    def join(self, network: str, container: str, aliases: Iterable[str] = ()) -> None:
        """Connect a container, where it is not connected yet, under its own name and these."""
        words = [word for alias in aliases for word in ("--alias", alias)]
        self._join(self.cli.change, network, container, *words)

    def ranges(self) -> dict[str, tuple[str, ...]]:
        """The address ranges (CIDR) of every network of the engine: network -> ranges."""
        for _ in range(_TRIES):
            ids = self.cli.run("network", "ls", "--quiet").split()
            try:
                found = json.loads(self.cli.run("network", "inspect", *ids))
            except DockerFailed as error:
                if not error.is_missing:  # one that has just gone
                    raise
            else:
                return {one["Name"]: _ranges(one) for one in found}
        raise HitlessError("the engine's networks change all the time", "try again in a moment")

    def own(self) -> tuple[str, ...]:
        """The names of the networks that hitless has created on this engine, for whatever gateway."""
        found = self.cli.run(
            "network", "ls", "--filter", f"label={LABEL_APPLICATION}", "--format", "{{.Name}}"
        )
        return tuple(found.split())

    def connect_gateway(self) -> None:
        """Connect the gateway's container to the networks of all its applications."""
        label = f"label={LABEL_GATEWAY}={self.gateway}"
        names = self.cli.run("network", "ls", "--filter", label, "--format", "{{.Name}}").split()
        container = container_name(self.gateway)
        shape = "{{range $name, $_ := .NetworkSettings.Networks}}{{$name}} {{end}}"
        on = self.cli.run("container", "inspect", "--format", shape, container).split()
        with ThreadPoolExecutor(max_workers=_AT_ONCE) as pool:
            # no lock is asked for: those that there were have gone with the gateway before
            list(pool.map(lambda name: self._join(self.cli.run, name, container), set(names) - set(on)))

    def remove(self, network: str) -> bool:
        """Remove a network; False where containers are on it, and it stays."""
        try:
            self.cli.change("network", "rm", network)
        except DockerFailed as error:
            if _IN_USE in error.output:
                return False
            if not error.is_missing:
                raise
        return True

    def remove_way(self, application: str) -> None:
        """Remove the network between the gateway and an application that has no containers any more."""
        name = f"{network_name(self.gateway)}.{application}"
        labels = (f"{LABEL_APPLICATION}={application}", f"{LABEL_GATEWAY}={self.gateway}")
        filters = [word for label in labels for word in ("--filter", f"label={label}")]
        for network in self.cli.run("network", "ls", "--quiet", *filters).split():
            with suppress(DockerFailed):  # the gateway may be gone, or never have been on it
                self.cli.change("network", "disconnect", "--force", network, container_name(self.gateway))
            try:
                self.cli.change("network", "rm", network)
            except DockerFailed as error:
                if error.is_missing:
                    continue
                raise HitlessError(
                    f"the network {name} can't be removed: {error.output}",
                    f"see who is on it with docker network inspect {name}, then docker network rm {name}",
                ) from error

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
    """Raise `HitlessError` where a network of this name is somebody else's; `there` maps name -> whose."""
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
            "give it a `name:` of its own, or make it external to share it",
        )


def _ranges(network: Json) -> tuple[str, ...]:
    pools = (network.get("IPAM") or {}).get("Config") or ()
    return tuple(str(pool["Subnet"]) for pool in pools if pool.get("Subnet"))


def _options(network: Network) -> list[str]:
    settings = network.settings
    pairs = [("--label", network.labels), ("--opt", settings.get("driver_opts") or {})]
    words = [
        word
        for option, found in pairs
        for key, value in found.items()
        # in a Compose model a literal $ is written $$
        for word in (option, f"{key}={value}".replace("$$", "$"))
    ]
    flags = {"internal": "--internal", "attachable": "--attachable", "enable_ipv6": "--ipv6"}
    return [*words, *(flag for key, flag in flags.items() if settings.get(key))]
