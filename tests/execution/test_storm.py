"""Commands one after the other, each with a fault. No fault may touch containers that get requests."""

from __future__ import annotations

from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass, field, replace

from hypothesis import given
from hypothesis import strategies as st

from hitless.domain.application.model import Application
from hitless.domain.common.errors import DockerFailed, HitlessError
from hitless.domain.common.names import Colour
from hitless.domain.host.world import Container
from hitless.domain.routing.split import Routing
from hitless.ports.balancer import Answer
from tests.domain.builders import examples
from tests.execution import commands
from tests.execution.applications import WEB, application
from tests.execution.test_deploy import Killed, down, live, rollback
from tests.execution.test_interrupted import abort, resume
from tests.fakes.host import FakeHost


def shop(is_alone: bool) -> Application:
    return application(
        {
            "web": {**WEB, "x-hitless": {"exclusive": is_alone}},
            "beat": {"build": WEB["build"], "x-hitless": {"exclusive": True}},
            "proxy": {"image": "nginx", "depends_on": {"web": {"condition": "service_started"}}},
        }
    )


@dataclass
class StormyHost(FakeHost):
    """A host whose gateway may fail to load a new file, or to confirm it."""

    is_blind: bool = False
    # whether its web service must not run twice, either
    is_alone: bool = False
    # containers that end by themselves right after the last look: no fault of hitless
    ended: set[str] = field(default_factory=set)

    def in_force(self, application: str, routing: Routing | None, at: Collection[str] | None = None) -> bool:
        return not self.is_blind and super().in_force(application, routing)

    def weather(self) -> None:
        """The gateway loads files again, also those that it has missed."""
        self.is_blind = False
        self.behaviour.is_deaf = lambda _: False
        self.in_traefik = dict(self.routings)

    def end_the_candidate(self) -> None:
        served = self.in_traefik.get("shop")
        for name, one in self.running.items():
            if one.is_running and one.colour is not (served and served.live):
                self.running[name] = replace(one, state="exited", exit_code=137)
                self.ended.add(name)

    def watch(self) -> None:
        served = self.in_traefik.get("shop")
        if served and served.waiting:
            return  # nobody gets requests
        for server in served.colours[served.live].servers if served and served.live else ():
            there = self.running.get(server.host)
            if there is None or not (there.is_running or server.host in self.ended):
                self.violations.append(f"{server.host} has requests, and is {there and there.state}")


def deploy(host: FakeHost) -> None:
    commands.deploy(host.ports(), shop(isinstance(host, StormyHost) and host.is_alone))


def deploy_the_other_kind(host: FakeHost) -> None:
    """One whose web service must not run twice, after one that may, or the other way round."""
    assert isinstance(host, StormyHost)
    host.is_alone = not host.is_alone
    deploy(host)


def deploy_a_bad_one(host: FakeHost) -> None:
    for release in range(1, 40):
        if all(one.release != release for one in host.running.values()):
            host.behaviour.states[release] = {"state": "exited", "exit_code": 1}
    deploy(host)


def deploy_one_with_a_bad_route(host: FakeHost) -> None:
    for release in range(1, 40):
        host.behaviour.routes[release] = Answer(500, "no")
    deploy(host)


def grow(host: FakeHost) -> None:
    commands.scale(host.ports(), {"web": 3})


def shrink(host: FakeHost) -> None:
    commands.scale(host.ports(), {"web": 1})


COMMANDS: tuple[Callable[[FakeHost], None], ...] = (
    deploy,
    deploy_the_other_kind,
    deploy_a_bad_one,
    deploy_one_with_a_bad_route,
    rollback,
    abort,
    resume,
    grow,
    shrink,
    down,
)
# routes that get no requests may stay if hitless can't write
ALLOWED = tuple(f"{colour} was removed while Traefik had routes to it" for colour in Colour)
FAULTS = (
    "nothing",
    "killed",
    "interrupted",
    "docker fails",
    "fails on",
    "deaf",
    "blind",
    "lock lost",
    "suspended",
    "gateway restarts",
    "candidate ends",
)


def faulty(host: StormyHost, command: Callable[[FakeHost], None], fault: str, at: int) -> None:
    """Run one command, with the fault at its verb number `at`."""
    seen = 0
    theirs: dict[str, Container] = {}

    def another_deploys() -> None:
        """Another deployment runs while this command is suspended. Its lock is lost, and it does not know."""
        own = host.before, host.behaviour.states, host.behaviour.routes
        host.before, host.behaviour.states, host.behaviour.routes = (lambda _: host.watch()), {}, {}
        host.holder = ""
        with suppress(HitlessError):
            deploy(host)
        host.before, host.behaviour.states, host.behaviour.routes = own
        theirs.update(host.running)

    def before(verb: str) -> None:
        nonlocal seen
        host.watch()
        seen += 1
        if seen < at:
            return
        match fault:
            case "killed":
                raise Killed
            case "interrupted" if seen == at:
                raise KeyboardInterrupt
            case "docker fails" if seen == at:
                raise DockerFailed(f"docker {verb}", 1, "no")
            case "fails on":
                raise DockerFailed(f"docker {verb}", 1, "no")
            case "deaf":
                host.behaviour.is_deaf = lambda _: True
            case "blind":
                host.is_blind = True
            case "lock lost" if seen == at:
                host.holder = ""
            case "suspended" if seen == at:
                another_deploys()
            case "gateway restarts" if seen == at:
                host.holder = ""
                host.gateway_since += ", and later"
                host.weather()
            case "candidate ends" if seen == at:
                host.end_the_candidate()

    host.before = before
    host.behaviour.states, host.behaviour.routes = {}, {}
    has_ended_well = False
    with suppress(HitlessError, Killed, KeyboardInterrupt):
        command(host)
        has_ended_well = True
    # a command that has lost its lock fails, and has not touched what another command created
    assert not (theirs and has_ended_well)
    assert {name: host.running.get(name) for name in theirs} == theirs
    host.before = lambda _: None
    host.watch()


@examples(60)
@given(
    st.lists(
        st.tuples(st.sampled_from(COMMANDS), st.sampled_from(FAULTS), st.integers(1, 25), st.booleans()),
        min_size=1,
        max_size=6,
    ),
    st.booleans(),
)
def test_the_live_release_is_never_touched_and_the_next_deployment_repairs_everything(
    storm: list[tuple[Callable[[FakeHost], None], str, int, bool]], is_alone: bool
) -> None:
    host = StormyHost(is_alone=is_alone)
    is_always_so = all(command is not deploy_the_other_kind for command, *_ in storm)
    host.behaviour.exclusive = ("beat", "web") if is_alone and is_always_so else ("beat",)
    deploy(host)
    for command, fault, at, is_over in storm:
        faulty(host, command, fault, at)
        if is_over:
            host.weather()
    host.weather()
    host.behaviour.states, host.behaviour.routes = {}, {}
    deploy(host)
    host.watch()
    assert [one for one in host.violations if not one.startswith(ALLOWED)] == []
    assert len(live(host)[1]) == 1
    assert {one.colour for one in host.running.values()} == {live(host)[0]}
    assert all(one.is_running for one in host.running.values())
    assert host.in_traefik["shop"].waiting is None
    assert not host.has_waiting
