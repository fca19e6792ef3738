"""A Docker host with a gateway, in memory: it keeps to the ports' contracts and watches the invariants.

What it watches it notes in `violations`: stopping or removing a colour that gets requests, a candidate that
gets requests before it was ready, two commands at once, a routing file that is not what hitless writes.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from hitless.adapters.gateway.routing_file import parse, render
from hitless.domain.application.replicas import replicas
from hitless.domain.common.errors import CommandFailed, DockerFailed, Locked, LockLost, TimedOut
from hitless.domain.common.events import Event, StepBegan, StepId, StepKind
from hitless.domain.common.foreign import Json
from hitless.domain.common.names import (
    COMPOSE_NETWORK,
    COMPOSE_PROJECT,
    LABEL_APPLICATION,
    LABEL_COLOUR,
    LABEL_GATEWAY,
    LABEL_RELEASE,
    LIVE_NETWORK,
    Colour,
    colour_project,
    shared_host,
)
from hitless.domain.gateway.model import Gateway
from hitless.domain.gateway.settings import GatewaySettings, gateway
from hitless.domain.host import journal
from hitless.domain.host.container_facts import HealthCheck, Listener
from hitless.domain.host.facts import Overview, Room
from hitless.domain.host.journal import Holder
from hitless.domain.host.logs import KeptLog
from hitless.domain.host.world import ComposeContainer, Container, Neighbour, Replica
from hitless.domain.proof.observations import Ending
from hitless.domain.release.model import Image, Release
from hitless.domain.release.networks import Network, Networked, first_choice
from hitless.domain.release.requirements import Probe
from hitless.domain.routing.gateway_config import TRIAL, Config
from hitless.domain.routing.reserved import COLOUR_HEADER
from hitless.domain.routing.split import Routing
from hitless.ports import Ports
from hitless.ports.balancer import Answer
from hitless.ports.state import Alone, HeldLock, Stored
from tests.fakes.behaviour import OK, Behaviour, FakeClock
from tests.fakes.certificates import FakeCertificates
from tests.fakes.configs import FakeConfigs
from tests.fakes.instances import FakeInstances
from tests.fakes.notices import FakeNotices
from tests.reference.published import check_event, check_line


@dataclass
class FakeHost:
    """All ports of the Docker host in one: they share one truth."""

    clock: FakeClock = field(default_factory=FakeClock)
    behaviour: Behaviour = field(default_factory=Behaviour)
    has_gateway: bool = True
    gateways_beside: tuple[str, ...] = ()
    gateway_settings: GatewaySettings = field(default_factory=GatewaySettings)
    # what is on the disk, by application
    routings: dict[str, Routing] = field(default_factory=dict)
    is_certified: bool = False
    shows_dashboard: bool = False
    # files that can't be read, and those whose second copy can: path -> what is wrong
    broken: dict[str, str] = field(default_factory=dict)
    restored: dict[str, str] = field(default_factory=dict)
    in_traefik: dict[str, Routing] = field(default_factory=dict)
    running: dict[str, Container] = field(default_factory=dict)
    records: dict[int, Release] = field(default_factory=dict)
    tags: dict[str, Image] = field(default_factory=dict)
    networks: dict[str, list[str]] = field(default_factory=dict)
    with_networks: set[Colour] = field(default_factory=set)
    # those of networks that existed before
    address_ranges: dict[str, tuple[str, ...]] = field(default_factory=dict)
    made_networks: dict[str, Network] = field(default_factory=dict)
    volumes: set[str] = field(default_factory=set)
    events: list[Event] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    kept: dict[KeptLog, str] = field(default_factory=dict)
    policies: dict[str, str] = field(default_factory=dict)
    verbs: list[str] = field(default_factory=list)
    gateway_since: str = "the beginning"
    violations: list[str] = field(default_factory=list)
    holder: str = ""
    # who works on which other application
    at_work: dict[str, Holder] = field(default_factory=dict)
    # the applications for which the others were kept away, and "over" at the end of that
    alone_for: list[str] = field(default_factory=list)
    # how many commands have taken the lock and are not over, also those that have lost it since
    commands_at_work: int = 0
    created: int = 0
    strangers: tuple[ComposeContainer, ...] = ()
    others: tuple[Neighbour, ...] = ()
    base: dict[str, ComposeContainer] = field(default_factory=dict)
    started: list[str] = field(default_factory=list)
    # ids that were stopped together
    stopped: list[tuple[str, ...]] = field(default_factory=list)
    # shared service -> the colour whose services it finds by their names
    called: dict[str, Colour] = field(default_factory=dict)
    commands: list[tuple[tuple[str, ...], dict[str, str]]] = field(default_factory=list)
    ready: set[tuple[Colour, int]] = field(default_factory=set)
    traefiks: FakeInstances = field(default_factory=FakeInstances)
    certified: FakeCertificates = field(default_factory=FakeCertificates)
    # the operator's own middlewares
    configured: dict[str, Config] = field(default_factory=dict)
    # who is told what commands have done
    notified: FakeNotices = field(default_factory=FakeNotices)
    # who answers the requests that wait: port -> host:port
    answering: dict[int, str] = field(default_factory=dict)
    # what requests get that have waited too long
    pages: dict[str, str] = field(default_factory=dict)
    # whether requests wait that nobody answers
    has_waiting: bool = False
    # what the gateway's state says of all applications, except what the fields above say
    seen: Overview = field(default_factory=lambda: Overview(1767225600.0, Room(10**11, 10**10, 10**6, 10**6)))
    # called before each verb: raises to make it fail, or to kill hitless there
    before: Callable[[str], None] = lambda _: None

    def ports(self) -> Ports:
        return Ports(
            *(self, self, self, self, self, self, self.clock, self, self.traefiks, self.certified),
            FakeConfigs(self.configured, self.in_traefik),
            self.notified,
            self.told,
        )

    def told(self, event: Event) -> None:
        """Every event keeps to the schema that is published."""
        check_event(event)
        self.events.append(event)

    # -- images, containers, networks, projects --------------------------------------------------------------

    def of(self, application: str | None) -> tuple[Container, ...]:
        found = self.running.values()
        return tuple(one for one in found if application in (None, one.application))

    def named(self, containers: Sequence[str]) -> tuple[Container, ...]:
        return tuple(self.running[name] for name in containers if name in self.running)

    def replicas(self, application: str, colour: Colour) -> tuple[Replica, ...]:
        found = (one for one in self.of(application) if one.colour is colour)
        return tuple(Replica(one.id, one.name, one.service, one.number) for one in found)

    def present(self, references: Mapping[str, str]) -> dict[str, Image]:
        return {key: self.tags[name] for key, name in references.items() if name in self.tags}

    def build(self, model: Json, progress: Callable[[str], None], wrote: Callable[[str, str], None]) -> None:
        self._verb("build")
        for service in self.behaviour.built:
            progress(f"[{service} 2/3] RUN make")
            wrote(service, self.behaviour.built[service])
        for service in model["services"].values():
            self.tags[service["image"]] = Image("sha256:built", (8000,), healthcheck=False)

    def pull(self, reference: str, platform: str | None, progress: Callable[[str], None]) -> None:
        self._verb("pull")
        progress("1 of 1 layers")
        self.tags[reference] = Image("sha256:pulled", (8000,), healthcheck=False)

    def tag(self, references: Mapping[str, str]) -> None:
        self._verb("tag")
        for new, present in references.items():
            if present not in self.tags:
                raise DockerFailed("docker tag", 1, f"No such image: {present}")
            self.tags[new] = self.tags[present]

    def composed(self, application: str) -> tuple[ComposeContainer, ...]:
        found = (*self.base.values(), *self.strangers)
        return tuple(one if one.id else replace(one, id=one.name) for one in found)

    def neighbours(self, stopped: bool = False) -> tuple[Neighbour, ...]:
        own = (
            Neighbour(
                one.name, f"{one.application}-{one.colour}", one.service, "", (), {}, False, True, one.id
            )
            for one in self.running.values()
            if one.is_running
        )
        others = (replace(one, id=one.name) for one in self.others if one.is_running or stopped)
        return (*others, *own)

    def start_again(self, containers: Sequence[str]) -> None:
        self.verbs.append(f"start again {', '.join(containers)}")
        for name, one in self.running.items():
            if one.id in containers:
                self.running[name] = replace(one, state="running")

    def digests(self, model: Json) -> dict[str, str]:
        return {name: str(service) for name, service in model["services"].items()}

    def up(
        self,
        model: Json,
        volumes: Json,
        networks: Sequence[Network],
        services: Sequence[str],
        recreate: bool = False,
    ) -> None:
        self._verb("up")
        self._make(model, volumes, networks)
        digests = self.digests(model)
        for service in services:
            there = self.base.get(service)
            if there is None or (recreate and there.digest != digests[service]):
                there = ComposeContainer(
                    project=model["name"],
                    service=service,
                    name=f"{model['name']}-{service}-1",
                    state="created",
                    digest=digests[service],
                    is_ours=True,
                    id=f"{model['name']}-{service}-1",
                    networks=tuple(one.name for one in networks),
                )
            state = {"state": "running", **self.behaviour.shared.get(service, {})}
            self.base[service] = replace(there, **state)

    def attach(
        self,
        application: str,
        network: Network,
        services: Sequence[str],
        names: Mapping[str, Sequence[str]],
    ) -> None:
        colour = Colour(network.labels["com.docker.compose.project"].rpartition("-")[2])
        self._verb(f"attach {colour}")
        self.called.update(dict.fromkeys(services, colour))
        self._make({}, {}, (network,))
        self._join(network.name, [one.id for one in self.base.values() if one.service in services])

    def detach(self, application: str, colour: Colour) -> None:
        self._verb(f"detach {colour}")
        self.called = {name: one.other if one is colour else one for name, one in self.called.items()}
        project = colour_project(application, colour)
        live = {name for name in self.made_networks if self._is_live(name, project)}
        for key, one in self.base.items():
            if live & set(one.networks):
                self.base[key] = replace(
                    one, networks=tuple(name for name in one.networks if name not in live)
                )

    def remove_base(self, application: str, containers: Sequence[str]) -> None:
        self._verb("remove base")
        self.base = {key: one for key, one in self.base.items() if (one.id or one.name) not in containers}

    def tagged(self, application: str) -> frozenset[int]:
        return frozenset(int(tag.split(".")[1][1:]) for tag in self.tags if f":{application}." in tag)

    def untag(self, application: str, releases: Sequence[int]) -> None:
        self._verb("untag")
        for number in releases:
            for tag in [tag for tag in self.tags if tag.startswith(f"hitless:{application}.r{number}.")]:
                del self.tags[tag]

    def ranges(self) -> dict[str, tuple[str, ...]]:
        made = {name: (str(first_choice(one)),) for name, one in self.made_networks.items()}
        return {**self.address_ranges, **made}

    def networked(self, application: str) -> Networked:
        return Networked(
            frozenset(self.with_networks),
            f"traefik_webgateway.{application}" in self.made_networks,
            frozenset(self.ranges()),
        )

    def create(self, model: Json, volumes: Json, networks: Sequence[Network]) -> None:
        self._verb("create networks")
        self.with_networks.add(Colour(model["name"].rpartition("-")[2]))
        self._make(model, volumes, networks)
        self._verb("create")
        for service, number, definition in self._missing(model):
            name = self.behaviour.separator.join((model["name"], service, str(number)))
            labels = definition["labels"]
            if definition["image"] not in self.tags:
                raise DockerFailed("docker compose create", 1, f"No such image: {definition['image']}")
            self.created += 1
            self.running[name] = Container(
                id=f"{name} {self.created}",
                name=name,
                gateway=labels[LABEL_GATEWAY],
                application=labels[LABEL_APPLICATION],
                service=service,
                colour=Colour(labels[LABEL_COLOUR]),
                release=int(labels[LABEL_RELEASE]),
                state="created",
                depends_on=tuple(definition.get("depends_on") or ()),
                number=number,
            )

    def _missing(self, model: Json) -> Iterator[tuple[str, int, Json]]:
        """The containers that a model lacks, by service and number: Compose counts on from the highest."""
        for service, definition in model["services"].items():
            labels = definition["labels"]
            there = [
                one.number
                for one in self.of(labels[LABEL_APPLICATION])
                if (one.colour, one.service) == (Colour(labels[LABEL_COLOUR]), service)
            ]
            last = max(there, default=self.behaviour.first_number - 1)
            for more in range(1, replicas(definition) - len(there) + 1):
                yield service, last + more, definition

    def connect(self, network: str, containers: Sequence[str]) -> None:
        self._verb("connect")
        for name in self._names(containers):
            number = len(self.running) + 1
            made = self.made_networks.get(network)
            address = str(first_choice(made)[number]) if made else f"10.0.0.{number}"
            addresses = (*self.running[name].addresses, address)
            self.running[name] = replace(self.running[name], addresses=addresses)
            self.networks.setdefault(network, []).append(name)

    def connect_shared(
        self, networks: Sequence[Network], members: Mapping[str, Mapping[str, Sequence[str]]]
    ) -> None:
        self._verb("connect shared")
        self._make({}, {}, networks)
        for network, found in members.items():
            self._join(network, found)

    def start(self, model: Json, containers: Mapping[str, Sequence[str]], timeout: float) -> None:
        self._verb("start")
        for service, ids in containers.items():
            for name in self._names(ids):
                container = self.running[name]
                state = {"state": "running", **self.behaviour.states.get(container.release, {})}
                state.update(self.behaviour.services.get(service, {}))
                self.running[name] = replace(container, **state)
                self.started.append(name)
                self._watch_exclusive()

    def stop(self, containers: Sequence[str]) -> None:
        plain = {one.id for one in self.composed("")} | {one.id for one in self.neighbours()}
        plain -= {one.id for one in self.running.values()}
        if plain.issuperset(containers):
            # those of plain docker compose, whose port changes hands, need no lock
            self.verbs.append("stop")
            return
        self._verb("stop")
        self.stopped.append(tuple(containers))
        for name in self._names(containers):
            self.running[name] = replace(
                self.running[name], state="exited", exit_code=self.behaviour.ends_with
            )
        if self.behaviour.stop_seconds:
            self.clock.pause(self.behaviour.stop_seconds)

    def set_restart_policies(self, policies: Mapping[str, str]) -> None:
        self._verb("set restart policies")
        plain = {one.id: one.name for one in self.composed("")}
        here = {one: policy for one, policy in policies.items() if one not in plain}
        self.policies.update({plain[one]: policy for one, policy in policies.items() if one in plain})
        self.policies.update(zip(self._names(here), here.values(), strict=True))

    def logs(self, container: str, lines: int) -> str:
        known = {*self.running, *(one.name for one in (*self.base.values(), *self.strangers))}
        return f"log of {container}" if container in known else ""

    def last_lines(self, containers: Sequence[str]) -> dict[str, str]:
        if self.behaviour.unreadable:
            raise self.behaviour.unreadable
        found = {one.id: self.behaviour.words.get(one.release, "") for one in self.running.values()}
        return {one: found.get(one, "") for one in containers}

    def new_lines(self, since: Mapping[str, str], lines: int) -> dict[str, str]:
        if self.behaviour.unreadable:
            raise self.behaviour.unreadable
        return {one: self.behaviour.written.get(one, "") for one in since}

    def last_check(self, container: str) -> HealthCheck | None:
        return self.behaviour.last_check

    def passes_check(self, container: str, timeout: float) -> bool:
        checks = self.behaviour.checks
        found = checks.pop(0) if len(checks) > 1 else checks[0]
        if found is None:
            self.clock.pause(timeout)
            raise TimedOut("`docker exec` did not end", "")
        self.clock.pause(0.1)
        return found

    def listening(self, container: str) -> tuple[Listener, ...] | None:
        return self.behaviour.listening

    def endings(self, application: str, seconds: float, now: float) -> tuple[Ending, ...]:
        return self.behaviour.endings

    def remove(
        self, application: str, colour: Colour, containers: Sequence[str], with_networks: bool
    ) -> tuple[str, ...]:
        self._verb(f"remove {colour}")
        routing = self.in_traefik.get(application)
        met = {name for name, one in self.running.items() if one.id in containers}
        if any(self.running[name].is_running for name in met):
            self.violations.append(f"{met} was removed before it was stopped")
        self.running = {name: one for name, one in self.running.items() if name not in met}
        if not with_networks:
            parts = routing.colours.values() if routing else ()
            if gone := {server.host for part in parts for server in part.servers} & met:
                self.violations.append(f"{gone} was removed while Traefik had routes to it")
            return ()
        self.with_networks.discard(colour)
        project = colour_project(application, colour)
        gone_with_it = [name for name, one in self.made_networks.items() if _project(one) == project]
        for name in gone_with_it:
            del self.made_networks[name]
        if not self.of(application):
            self.before("remove way")
            self.made_networks.pop(f"traefik_webgateway.{application}", None)
        if met or not self.is_suspended:
            self._watch_removal(colour, routing)
        return ()

    def _watch_removal(self, colour: Colour, routing: Routing | None) -> None:
        if routing and routing.live is colour:
            self.violations.append(f"{colour} was removed while it was live")
        if routing and colour in routing.colours:
            self.violations.append(f"{colour} was removed while Traefik had routes to it")
        if self.behaviour.connections[0] and not self._has_drained(colour):
            self.violations.append(f"{colour} was removed without a drain")
        # the same release may come to this colour again
        self.ready = {(one, release) for one, release in self.ready if one is not colour}

    def volumes_of(self, application: str) -> tuple[str, ...]:
        return tuple(sorted(self.volumes))

    def remove_volumes(self, application: str) -> tuple[str, ...]:
        self._verb("remove volumes")
        removed, self.volumes = tuple(sorted(self.volumes)), set()
        return removed

    # -- balancer -------------------------------------------------------------------------------------------

    @property
    def gateway_name(self) -> str:
        return "traefik"

    def gateway(self) -> Gateway | None:
        if not self.has_gateway:
            return None
        found = gateway("traefik", self.gateway_settings, "9" * 64)
        way = found.network_of("shop")
        networks = {way: "10.213.0.2"} if self.running else {}
        return replace(found, networks=networks, since=self.gateway_since)

    def other_gateways(self) -> tuple[str, ...]:
        return self.gateways_beside

    def deliver(self, application: str, routing: Routing | None) -> None:
        self._fenced("deliver" if routing else "withdraw")
        for files in (self.broken, self.restored):
            files.pop(f"{application}.yml", None)
        if routing is None:
            self.routings.pop(application, None)
            self.in_traefik.pop(application, None)
            self.has_waiting = False
            return
        self.routings[application] = routing
        if parse(render(routing), application) != routing:
            self.violations.append(f"{application}'s routing is not read back as it was written")
        if self.behaviour.is_deaf(routing):
            return
        if routing.waiting:
            self.in_traefik[application] = routing
            self.has_waiting = True
            return  # nobody gets requests
        if routing.live and (routing.live, routing.colours[routing.live].release) not in self.ready:
            self.violations.append(f"{routing.live} got requests before it was ready")
        if routing.live:
            runs = {shared_host(application, one.service) for one in self.base.values() if one.is_ready}
            for server in routing.colours[routing.live].servers:
                if server.host in runs:
                    continue
                if server.host not in self.running or self.running[server.host].state == "created":
                    self.violations.append(f"{server.host} got requests before it was started")
        self.in_traefik[application] = routing

    def answer(self, application: str, address: str, servers: Mapping[int, str]) -> None:
        self._fenced("answer" if servers else "let wait")
        self.answering = dict(servers)
        for server in servers.values():
            there = self.running.get(server.partition(":")[0])
            if there is None or there.state == "created":
                self.violations.append(f"{server} is to answer those that wait, and was not started")
        # one that does not run gets none of them: they wait on, and are told so in the end
        self.has_waiting = self.has_waiting and not servers

    def show_page(self, application: str, page: str) -> None:
        self._fenced("show page")
        self.pages[application] = page

    def certify(self, is_strict: bool) -> None:
        self.is_certified = True

    def show_dashboard(self, is_shown: bool) -> None:
        self.shows_dashboard = is_shown

    def refused(self) -> str:
        return self.behaviour.refused

    def in_force(self, application: str, routing: Routing | None, at: Collection[str] | None = None) -> bool:
        served = self.in_traefik.get(application)
        # the marker of a generation shows only its number
        return (served and served.generation) == (routing and routing.generation)

    def complaints(self, routing: Routing) -> tuple[str, ...]:
        if routing.application == TRIAL:
            return self.behaviour.of_trials
        found = (self.behaviour.complaints.get(part.release) for part in routing.colours.values())
        return tuple(complaint for complaint in found if complaint)

    def ask(self, probes: Sequence[Probe]) -> tuple[Answer, ...]:
        return tuple(self._asked(probe) for probe in probes)

    def connections(self, addresses: Sequence[str]) -> int:
        left = self.behaviour.connections
        return left.pop(0) if len(left) > 1 else left[0]

    def end_sessions(self, application: str, addresses: Sequence[str]) -> int:
        self.verbs.append("end sessions")
        left = self.behaviour.sessions
        return left.pop(0) if len(left) > 1 else left[0]

    def closes_idle(self, probe: Probe) -> float | None:
        return self.behaviour.idle

    # -- state ----------------------------------------------------------------------------------------------

    def read(self, application: str | None) -> Stored:
        releases = sorted(self.records.values(), key=lambda release: release.number)
        journal = "\n".join(self.lines)
        found = {name: routing for name, routing in self.routings.items() if f"{name}.yml" not in self.broken}
        return Stored(
            found,
            dict(self.broken),
            dict(self.restored),
            tuple(releases),
            journal=journal,
            configs=tuple(self.configured.values()),
        )

    def heal(self) -> tuple[str, ...]:
        healed, self.restored = self.restored, {}
        return tuple(healed)

    def record(self, application: str, release: Release) -> None:
        self._fenced("record")
        self.records[release.number] = release

    def forget(self, application: str, releases: Sequence[int]) -> None:
        self._fenced("forget")
        for number in releases:
            self.records.pop(number, None)

    def keep_log(self, application: str, log: KeptLog, text: str) -> None:
        self._fenced("keep log")
        self.kept[log] = text

    def kept_logs(self, application: str) -> tuple[KeptLog, ...]:
        return tuple(self.kept)

    def logs_of(self, application: str, release: int) -> dict[KeptLog, str]:
        return {log: text for log, text in self.kept.items() if log.release == release}

    def journal(self, application: str) -> str:
        return "\n".join(self.lines)

    def overview(self) -> Overview:
        # the gateway's own journal is another one
        runs = [run for run in journal.runs("\n".join(self.lines)) if run.events[0].get("application")]
        kept = {"shop": frozenset(self.records)} if self.records else {}
        return replace(self.seen, last={"shop": runs[-1]} if runs else {}, kept=kept)

    def drop_old_logs(self) -> None:
        self._fenced("drop old logs")
        self.seen = replace(self.seen, old_logs=0)

    def unlock(self, application: str) -> Holder | None:
        holder, self.holder = self.holder, ""
        return Holder(holder, 0, 0) if holder else None

    @contextmanager
    def alone(self, holder: str, but: str) -> Iterator[Alone]:
        self.alone_for.append(but)
        is_alone = not self.holder  # else the command has the lock of its application, too
        self.holder = self.holder or holder
        try:
            yield Alone(self, {name: one for name, one in self.at_work.items() if name != but})
        finally:
            if is_alone:
                self.holder = ""
        self.alone_for.append("over")

    @contextmanager
    def lock(
        self, application: str, holder: str, wait: float, taken: Callable[[str], None]
    ) -> Iterator[HeldLock]:
        if self.holder and wait:
            taken(self.holder)
            self.clock.pause(wait)
        if self.holder:
            raise Locked(f"another command works on it: {self.holder}", "wait")
        self.holder = holder
        self.commands_at_work += 1
        try:
            yield self
        finally:
            self.holder = ""
            self.commands_at_work -= 1

    def write(self, line: str) -> None:
        check_line(line)
        self.lines.append(line)

    def is_held(self) -> bool:
        return bool(self.holder)

    # -- local ----------------------------------------------------------------------------------------------

    def run(self, command: Sequence[str], environment: Mapping[str, str], timeout: float) -> str:
        self.commands.append((tuple(command), dict(environment)))
        if command[0] in self.behaviour.broken_commands:
            raise CommandFailed("ended with exit code 1 here", "look", "it said no")
        return f"{command[0]} said yes"

    # -- inside ---------------------------------------------------------------------------------------------

    @property
    def is_suspended(self) -> bool:
        """Whether the command that is at work has lost its lock, and has not noticed it yet."""
        return not self.holder and self.commands_at_work > 0

    def _verb(self, verb: str) -> None:
        """The lock is checked before a command; what happens then (`before`) happens during the command."""
        self._insist(verb)
        self.before(verb)
        self.verbs.append(verb)

    def _fenced(self, verb: str) -> None:
        """The gateway itself checks the lock, in the instant in which it acts."""
        self.before(verb)
        self._insist(verb)
        self.verbs.append(verb)

    def _insist(self, verb: str) -> None:
        if self.is_suspended:
            raise LockLost("shop")
        if not self.holder:
            self.violations.append(f"{verb} without the lock")

    def _make(self, model: Json, volumes: Json, networks: Iterable[Network]) -> None:
        """Make what is missing of these volumes and networks."""
        self.made_networks |= {one.name: one for one in networks}
        self.volumes |= {model["volumes"][key]["name"] for key in volumes}

    def _join(self, network: str, ids: Collection[str]) -> None:
        for key, one in self.base.items():
            if one.id in ids and network not in one.networks:
                self.base[key] = replace(one, networks=(*one.networks, network))

    def _is_live(self, network: str, project: str) -> bool:
        labels = self.made_networks[network].labels
        return (labels.get(COMPOSE_PROJECT), labels.get(COMPOSE_NETWORK)) == (project, LIVE_NETWORK)

    def _names(self, ids: Iterable[str]) -> list[str]:
        """The names of the containers with these ids; it fails if one is gone, as Docker does."""
        names = {one.id: one.name for one in self.running.values()}
        if gone := [one for one in ids if one not in names]:
            if self.is_suspended:
                raise LockLost("shop")
            raise DockerFailed("docker", 1, f"No such container: {gone[0]}")
        return [names[one] for one in ids]

    def _asked(self, probe: Probe) -> Answer:
        if probe.container != "127.0.0.1":
            return self._answer(self.running[probe.container])
        colour = Colour(dict(probe.headers)[COLOUR_HEADER])
        served = next(routing for routing in self.in_traefik.values() if colour in routing.colours)
        return self.behaviour.routes.get(served.colours[colour].release, OK)

    def _answer(self, container: Container) -> Answer:
        answers = self.behaviour.answers.get(container.release, [OK])
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if answer.status == 200:
            self.ready.add((container.colour, container.release))
        return answer

    def _watch_exclusive(self) -> None:
        for service in self.behaviour.exclusive:
            colours = {
                one.colour for one in self.running.values() if one.service == service and one.is_running
            }
            if len(colours) > 1:
                self.violations.append(f"{service} ran twice at a time")

    def _has_drained(self, colour: Colour) -> bool:
        return any(event == StepBegan(StepId(StepKind.DRAIN, colour)) for event in self.events)


def _project(network: Network) -> str:
    return network.labels.get(COMPOSE_PROJECT, "")
