"""What execution needs of the outside, as small Protocols of idempotent verbs."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Protocol

from hitless.domain.events import Event
from hitless.domain.gateway import GatewaySettings
from hitless.domain.history import Holder
from hitless.domain.model import Colour, Image, Json, Release
from hitless.domain.networks import Network
from hitless.domain.proof import Aim, Ending, Sample, Visit
from hitless.domain.routing import Routing
from hitless.domain.steps import Probe
from hitless.domain.world import ComposeContainer, Container, Gateway, Neighbour


@dataclass(frozen=True)
class Answer:
    """What a probe got: `status` 0 and the reason in `body` where there was no HTTP answer at all."""

    status: int
    body: str


@dataclass(frozen=True)
class Kept:
    """What the gateway's volumes hold, and what they say of an application.

    `routing_files` are texts by file name; `journal` is what the application's journal says of the latest
    commands: of each its beginning, the last step that began, and its end; `quiet` are the seconds since the
    journal's last line, `holder` who has the lock, `free` the bytes left on Docker's disk. `copies` are the
    second copies of those routing files that are damaged or gone, by the files' names, and `aside` the names
    of those that Traefik refused when it started, and that it does without.
    """

    routing_files: Mapping[str, str]
    releases: tuple[Release, ...] = ()
    journal: str = ""
    quiet: float = 0.0
    holder: Holder | None = None
    free: int | None = None
    copies: Mapping[str, str] = field(default_factory=dict)
    aside: tuple[str, ...] = ()


class Engine(Protocol):
    """The Docker engine and Compose. Every verb raises `DockerFailed` with the command's last lines.

    While a lock is held (`Store.lock`), what changes something raises `LockLost` as soon as that has gone.
    Containers that are there are named by their ids: a name may be another deployment's container by now.
    """

    def containers(self, application: str | None) -> tuple[Container, ...]:
        """All containers of the application's colours, running or not; None: of all on this gateway."""
        ...

    def named(self, containers: Sequence[str]) -> tuple[Container, ...]:
        """Those of these containers that there are, running or not."""
        ...

    def ids(self, application: str, colour: Colour) -> dict[str, str]:
        """The containers of a colour, running or not: name -> id."""
        ...

    def images(self, references: Mapping[str, str]) -> dict[str, Image]:
        """Those of the references (service -> image reference) that are on the host."""
        ...

    def build(self, model: Json) -> None:
        """Build every service of the model under its own image reference."""
        ...

    def pull(self, reference: str, platform: str | None) -> None:
        """Pull an image from its registry, for a platform of its own where one is named."""
        ...

    def tag(self, references: Mapping[str, str]) -> None:
        """Give images a second name (new reference -> present one)."""
        ...

    def composed(self, application: str) -> tuple[ComposeContainer, ...]:
        """The containers in the application's and its colours' Compose projects that are no release's."""
        ...

    def networked(self, application: str) -> frozenset[Colour]:
        """The colours of the application that have networks, with or without containers."""
        ...

    def neighbours(self) -> tuple[Neighbour, ...]:
        """Every running container of the host."""
        ...

    def digests(self, model: Json) -> dict[str, str]:
        """Compose's digest of each service's configuration: service -> digest."""
        ...

    def up(
        self,
        model: Json,
        volumes: Json,
        networks: Sequence[Network],
        services: Sequence[str],
        recreate: bool = False,
    ) -> None:
        """Start services of the base project, with what they wait for, and what is missing beside them.

        What runs is left alone. `recreate`: these alone, replaced where their configuration is another.
        """
        ...

    def tagged(self, application: str) -> frozenset[int]:
        """The numbers of the application's releases that have image tags."""
        ...

    def untag(self, application: str, releases: Sequence[int]) -> None:
        """Take away the image tags that keep these releases; an image without a name goes."""
        ...

    def ranges(self) -> dict[str, tuple[str, ...]]:
        """The address ranges (CIDR) of every network of the engine: network -> ranges."""
        ...

    def create(self, model: Json, volumes: Json, networks: Sequence[Network]) -> None:
        """Create a colour's containers (stopped), and the networks and volumes that are missing.

        Those that are there are left as they are.
        """
        ...

    def connect(self, network: str, containers: Sequence[str]) -> None:
        """Connect containers to a network under their own names only."""
        ...

    def connect_shared(
        self, networks: Sequence[Network], members: Mapping[str, Mapping[str, Sequence[str]]]
    ) -> None:
        """Connect shared services to networks, which are created where they are missing.

        `members` maps network -> container (id) -> the names by which it is found there.
        """
        ...

    def restart(self, policies: Mapping[str, str]) -> None:
        """Set the restart policies (container -> policy in `docker update`'s words) of running containers."""
        ...

    def start(self, model: Json, containers: Mapping[str, Sequence[str]], timeout: float) -> None:
        """Start a colour's containers (service -> ids) in the order of their `depends_on`.

        Raises `TimedOut` after `timeout` seconds.
        """
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

    def endings(self, application: str, seconds: float, now: float) -> tuple[Ending, ...]:
        """The application's containers that ended in the last seconds, as far as the engine remembers.

        `now` is this moment on the clock that their moments are to be on.
        """
        ...

    def remove(
        self, application: str, colour: Colour, containers: Sequence[str], with_networks: bool
    ) -> tuple[str, ...]:
        """Remove these containers of a colour, and where it is to have none any more its networks.

        The network between the gateway and the application goes with the last of its containers. Returns the
        names of the colour's networks that stay, since containers of others are on them.
        """
        ...

    def attach(
        self,
        application: str,
        network: Network,
        services: Sequence[str],
        names: Mapping[str, Sequence[str]],
    ) -> None:
        """Have shared services find a colour's containers (id -> names) on a network made for it."""
        ...

    def detach(self, application: str, colour: Colour) -> None:
        """Disconnect the shared services from that network; what they have open to that colour is cut."""
        ...

    def remove_base(self, application: str, containers: Sequence[str]) -> None:
        """Remove these containers of the base project, and its networks where nobody is left."""
        ...

    def remove_volumes(self, application: str) -> tuple[str, ...]:
        """Remove the volumes that were created for the application; their names."""
        ...


class Balancer(Protocol):
    """The gateway: its routing files, and what can be asked from inside its network."""

    def gateway(self) -> Gateway | None:
        """The running gateway, or None."""
        ...

    def deliver(self, application: str, text: str | None) -> None:
        """Put the application's routing file in place in one instant, or take it away (None).

        Raises `LockLost` where the application's lock is not held.
        """
        ...

    def in_force(self, application: str, routing: Routing | None, at: Collection[str] | None = None) -> bool:
        """Whether exactly this generation answers on every entry point; None: whether no route is left.

        `at` are the entry points that are there, where some of the routing's may not be.
        """
        ...

    def certify(self) -> None:
        """Have the gateway's own default certificate there, made once.

        Without one Traefik makes a new RSA key at every reload, and is late by that.
        """
        ...

    def show_dashboard(self, is_shown: bool) -> None:
        """Have the routes of Traefik's dashboard there, for the Docker host alone, or not at all."""
        ...

    def refused(self) -> str:
        """The routing file that Traefik could not read lately, and why, in its own words; "" for none."""
        ...

    def complaints(self, routing: Routing) -> tuple[str, ...]:
        """What Traefik says is wrong with this routing's routers, services and middlewares."""
        ...

    def ask(self, probes: Sequence[Probe]) -> tuple[Answer, ...]:
        """Make the probes' requests, all at once, from inside the gateway's network."""
        ...

    def connections(self, addresses: Sequence[str]) -> int:
        """The gateway's open connections to these addresses."""
        ...

    def closes_idle(self, probe: Probe) -> float | None:
        """After how many seconds the server of a probe closes a connection on which nothing comes any more.

        None where it keeps it for as long as the gateway would, or says that it will close it, or where
        there was no answer at all.
        """
        ...


class HeldLock(Protocol):
    """An application's lock while it is held."""

    def write(self, line: str) -> None:
        """Append a line to the application's journal."""
        ...

    def is_held(self) -> bool:
        """Whether the lock is still there."""
        ...


class Store(Protocol):
    """What is kept on the Docker host, in the gateway's volumes."""

    def read(self, application: str | None) -> Kept:
        """All that is kept, in one look; None: no application's releases."""
        ...

    def heal(self) -> tuple[str, ...]:
        """Put back the routing files that are damaged or gone and have a copy; their names."""
        ...

    def record(self, application: str, release: Release) -> None:
        """Keep a release. Raises `LockLost` where the application's lock is not held."""
        ...

    def forget(self, application: str, releases: Sequence[int]) -> None:
        """Keep these releases no longer. Raises `LockLost` where the application's lock is not held."""
        ...

    def journal(self, application: str) -> str:
        """The whole journal that is kept of an application."""
        ...

    def lock(
        self, application: str, holder: str, wait: float, taken: Callable[[str], None]
    ) -> AbstractContextManager[HeldLock]:
        """Hold the application's lock, and with it its journal.

        Where another has it, `taken` is told who, and it is waited for `wait` seconds. Raises `Locked`,
        naming the holder. The lock goes with its holder's process, whatever ends that.
        """
        ...

    def alone(self, holder: str, but: str) -> AbstractContextManager[Mapping[str, Holder]]:
        """Have nobody begin to work on any application; who works on which already, but for the one `but`.

        Raises `Locked` where another command does the same, or where one just begins. It ends with the
        gateway's container, too.
        """
        ...

    def unlock(self, application: str) -> Holder | None:
        """Take the lock away from whoever has it; None where nobody does."""
        ...


class Here(Protocol):
    """The machine that hitless runs on."""

    def run(self, command: Sequence[str], environment: Mapping[str, str], timeout: float) -> str:
        """Run a command to its end; what it wrote. Raises `CommandFailed`, also after `timeout` seconds."""
        ...


class Sending(Protocol):
    """A load that is under way, or was."""

    @property
    def samples(self) -> Sequence[Sample]:
        """The requests that have ended, in that order; all of them once the load is over."""
        ...

    @property
    def lag(self) -> float:
        """The longest time, in seconds, by which a request was sent later than it was due."""
        ...

    @property
    def is_over(self) -> bool:
        """Whether it has reached its bounds, and sends no more."""
        ...


class Load(Protocol):
    """Requests to the gateway from this machine, as its clients make them."""

    def sending(self, aims: Sequence[Aim], rate: float) -> AbstractContextManager[Sending]:
        """Send so many requests a second to these in turn, whatever becomes of the earlier ones.

        Bounded in rate, time and number. At the end of the block no more are sent, and those under way are
        waited for.
        """
        ...

    def visit(self, aim: Aim, cookies: Mapping[str, str]) -> Visit:
        """One request with these cookies, on a connection of its own."""
        ...


class GatewayHost(Protocol):
    """The gateway as something that is started and stopped."""

    def settings(self) -> GatewaySettings | None:
        """The settings of the gateway that is there, running or not."""
        ...

    def foreign(self) -> tuple[str, ...]:
        """Names of containers in a Compose project of the gateway's name that hitless did not make."""
        ...

    def outdated(self) -> str:
        """What is too old on this Docker host for hitless, "" where nothing is."""
        ...

    def free_pool(self, image: str) -> str:
        """A range (CIDR) for the networks of applications that nothing on the host has, "" for none.

        `image` is the gateway's, which looks at the host's routes.
        """
        ...

    def unfit(self, image: str) -> str:
        """What is wrong with an image (`has no flock, …`), "" where it can be the gateway's.

        Pulls it if needed.
        """
        ...

    def refuse_taken(self, image: str, ports: Mapping[int, str]) -> None:
        """Raise `HitlessError` where others have one of these ports of the host (port -> address)."""
        ...

    def apply(self, settings: GatewaySettings) -> None:
        """Start the gateway with these settings, or replace it where they differ."""
        ...

    def answers(self) -> bool:
        """Whether Traefik itself says that it is up."""
        ...

    def remove(self, settings: GatewaySettings, volumes: bool) -> None:
        """Stop and remove the gateway and its network; its volumes only if asked for."""
        ...


class Clock(Protocol):
    """Time, so that tests need none."""

    def now(self) -> float:
        """Seconds on a clock that never jumps."""
        ...

    def utc(self) -> str:
        """The time of day as ISO text in UTC."""
        ...

    def pause(self, seconds: float) -> None:
        """Let this time pass between two looks at a fact."""
        ...


@dataclass(frozen=True)
class Ports:
    """All of them, as one argument. `emit` takes every event.

    `insist` raises `LockLost` where a command has no longer the lock that it had: another one may have begun.
    """

    engine: Engine
    balancer: Balancer
    store: Store
    clock: Clock
    here: Here
    emit: Callable[[Event], None]
    insist: Callable[[], None] = lambda: None
