"""What `hitless doctor` has seen: of the engine, the gateway, the applications, and this machine. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from hitless.domain.gateway.instances import Health
from hitless.domain.gateway.model import GatewayContainer
from hitless.domain.gateway.settings import GatewaySettings
from hitless.domain.host.journal import Holder, Run
from hitless.domain.host.leftovers import Belongings
from hitless.domain.host.world import World


@dataclass(frozen=True)
class Engine:
    """The Docker engine: its version and that of its API, its system, and where it keeps its data."""

    version: str
    api: str
    system: str
    root: str


@dataclass(frozen=True)
class Clock:
    """By how many seconds a clock is before this machine's, and how exact that is."""

    ahead: float
    exact_to: float


@dataclass(frozen=True)
class Usage:
    """What a kind of thing has of Docker's disk, as `docker system df` says it: texts like `1.4GB`."""

    kind: str
    count: int
    size: str
    reclaimable: str


@dataclass(frozen=True)
class Room:
    """The disk of the gateway's state, most often Docker's own: bytes, inodes, and what the state has of it.

    `inodes` is how many are free, None if the file system does not count them.
    """

    total: int
    free: int
    inodes: int | None
    state: int


@dataclass(frozen=True)
class Overview:
    """What the gateway's state says of all applications at once.

    `time` is the Unix time of the gateway's clock. `holders` maps application -> who has its lock just now,
    `last` -> its last command, `kept` -> the releases that have a record. `lock` is who has the
    gateway's own. `old_logs` is how many bytes of kept logs are older than they are kept, `copies`
    are as in `Known`.
    """

    time: float
    room: Room | None = None
    holders: Mapping[str, Holder] = field(default_factory=dict)
    last: Mapping[str, Run] = field(default_factory=dict)
    kept: Mapping[str, frozenset[int]] = field(default_factory=dict)
    quiet: Mapping[str, float] = field(default_factory=dict)
    lock: Holder | None = None
    old_logs: int = 0
    copies: Mapping[str, int] = field(default_factory=dict)

    @property
    def interrupted(self) -> dict[str, Run]:
        """The last commands that have left something: application -> command."""
        return {name: run for name, run in self.last.items() if run.is_left and name not in self.holders}


@dataclass(frozen=True)
class Asked:
    """What answered when the gateway itself asked an address: an HTTP status, 0 for nothing, and why not.

    `is_same`: as the gateway answers the same request on its own loopback address.
    """

    status: int
    said: str
    is_same: bool


@dataclass(frozen=True)
class File:
    """The Compose file: the application's name, and what is wrong with the file, "" for nothing."""

    application: str
    problem: str = ""


@dataclass(frozen=True)
class Facts:
    """All of it. What could not be looked at is in `failed`: the name of the look -> why.

    `here` is this machine's time, ISO, in UTC. `engine` is None where it does not answer, and `compose` is ""
    where there is none. `clocks` maps `engine` and `gateway` to their clocks. `container` is the gateway's,
    None without one; `traefik` is the version of the one that is live. `holders` maps ports of the host that
    the gateway wants and does not have -> who has them. `names` maps each host name of a live route -> its
    addresses, None without an answer in time. `asked` are those of the addresses that the gateway has asked.
    `addresses` are the Docker host's own. `dead` are applications whose lock is that of a process of this
    machine which has ended. `file` is None without a Compose file here.
    """

    here: str
    gateway: str
    engine: Engine | None = None
    compose: str = ""
    clocks: Mapping[str, Clock] = field(default_factory=dict)
    usage: tuple[Usage, ...] = ()
    container: GatewayContainer | None = None
    settings: GatewaySettings | None = None
    traefik: str = ""
    health: Health | None = None
    idle: tuple[int, ...] = ()
    world: World = field(default_factory=World)
    overview: Overview | None = None
    belongings: Belongings | None = None
    holders: Mapping[int, str] = field(default_factory=dict)
    names: Mapping[str, tuple[str, ...] | None] = field(default_factory=dict)
    addresses: tuple[str, ...] = ()
    asked: Mapping[str, Asked] = field(default_factory=dict)
    dead: tuple[str, ...] = ()
    file: File | None = None
    failed: Mapping[str, str] = field(default_factory=dict)
