"""`doctor` looks at a host in memory: with a gateway, without one, and where things hang or break."""

from __future__ import annotations

from dataclasses import replace
from threading import Event
from typing import Any

import pytest

from hitless.domain.common.errors import HitlessError
from hitless.domain.gateway.settings import GatewaySettings
from hitless.domain.host.diagnosis import Level, diagnose
from hitless.domain.host.facts import Facts, File
from hitless.domain.host.journal import Holder
from hitless.domain.host.world import Neighbour, Port
from hitless.domain.release.requirements import Probe
from hitless.execution import doctor as execution
from hitless.execution.doctor import Doctor
from hitless.ports.balancer import Answer
from tests.execution.applications import shop
from tests.execution.commands import deploy
from tests.execution.test_adopt import FakeGatewayProject
from tests.fakes.host import FakeHost
from tests.fakes.surroundings import FakeEngine, FakeMachine

HELD = Holder("ann@here, process 7", 900, 800)


class Inside(FakeHost):
    """A host whose gateway reaches its own address."""

    def ask(self, probes: Any) -> tuple[Answer, ...]:
        return tuple(self.answer_of(probe) for probe in probes)

    def answer_of(self, probe: Probe) -> Answer:
        if probe.path != "/hitless-doctor":
            return self._asked(probe)
        return Answer(0, "timed out") if probe.container == "9.9.9.8" else Answer(404, "404 page not found")


def doctor(host: FakeHost, **changes: Any) -> Doctor:
    there = GatewaySettings() if host.has_gateway else None
    made = Doctor(
        host.ports(),
        FakeGatewayProject(host, there=there),
        FakeEngine(),
        FakeMachine(dns={"shop.example": ("9.9.9.9", "9.9.9.8")}),
        "traefik",
        lambda: File("shop"),
    )
    return replace(made, **changes)


def errors(facts: Facts) -> list[str]:
    return [one.check for one in diagnose(facts) if one.level is Level.ERROR]


@pytest.fixture
def live() -> Inside:
    host = Inside()
    deploy(host.ports(), shop())
    return host


def test_a_live_application_is_seen_with_all_that_belongs_to_it(live: Inside) -> None:
    facts = execution.look(doctor(live))
    assert facts.failed == {}
    assert (facts.traefik, facts.compose, facts.engine and facts.engine.api) == ("3.7.15", "2.30.0", "1.45")
    assert facts.names == {"shop.example": ("9.9.9.9", "9.9.9.8")}
    assert {name: one.is_same for name, one in facts.asked.items()} == {"9.9.9.9": True, "9.9.9.8": False}
    assert facts.overview and facts.overview.kept == {"shop": frozenset({1})}


def test_without_a_gateway_it_says_who_has_its_port() -> None:
    host = FakeHost(has_gateway=False)
    facts = execution.look(doctor(host, machine=FakeMachine(listeners={80: "nginx (process 9)"})))
    assert (facts.container, facts.holders) == (None, {80: "nginx (process 9)"})
    assert errors(facts) == ["gateway", "ports"]
    host.others = (Neighbour("old", "", "", "", (Port(80, 80),), {}, False, False),)
    assert execution.look(doctor(host)).holders == {80: "the container old"}


def test_without_an_engine_it_still_says_what_it_can() -> None:
    facts = execution.look(doctor(FakeHost(), engine=FakeEngine(problem="the daemon is not there")))
    assert errors(facts) == ["engine"]
    assert (facts.compose, facts.file) == ("2.30.0", File("shop"))


def test_a_broken_file_does_not_end_it(live: Inside) -> None:
    def broken() -> File:
        raise HitlessError("yaml: line 3")

    found = diagnose(execution.look(doctor(live, file=broken)))
    [said] = [one for one in found if one.check == "file"]
    assert "yaml: line 3" in said.message
    assert [one.check for one in found if one.level is Level.ERROR] == []


def test_what_hangs_is_not_waited_for(live: Inside, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(execution, "LONGEST", 0.2)
    over = Event()
    engine = FakeEngine()
    monkeypatch.setattr(engine, "usage", over.wait)
    facts = execution.look(doctor(live, engine=engine))
    over.set()
    assert "usage" in facts.failed
    assert facts.belongings is not None


def test_a_bug_in_one_look_does_not_hide_the_others(live: Inside, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = FakeEngine()

    def broken() -> None:
        raise KeyError("images")

    monkeypatch.setattr(engine, "belongings", broken)
    facts = execution.look(doctor(live, engine=engine))
    assert facts.failed == {"belongings": "KeyError: 'images'"}


@pytest.mark.parametrize(
    ("holder", "over", "dead"),
    [
        (HELD, (HELD.name,), ("shop",)),
        (replace(HELD, quiet=5), (HELD.name,), ()),
        (HELD, (), ()),
    ],
    ids=["dead and silent", "with signs of life", "not a process of this machine"],
)
def test_a_lock_is_dead_only_if_its_process_is(
    live: Inside, holder: Holder, over: tuple[str, ...], dead: tuple[str, ...]
) -> None:
    live.seen = replace(live.seen, holders={"shop": holder})
    assert execution.look(doctor(live, machine=FakeMachine(over=over))).dead == dead


def test_fix_frees_dead_locks_and_restores_files_and_prunes(live: Inside) -> None:
    live.seen = replace(live.seen, holders={"shop": HELD})
    live.holder = HELD.name
    live.restored = {"shop.yml": "shop.yml is empty; its last good copy serves"}
    seen = doctor(live, machine=FakeMachine(over=(HELD.name,)))
    done = list(execution.fix(seen, execution.look(seen), lambda: ["removed it"]))
    assert done == [
        "freed the lock of shop, held by ann@here, process 7, for 0 s, last sign of life 0 s ago",
        "shop.yml was damaged or gone, and is as it was again, from its last good copy",
        "removed it",
    ]
    assert live.holder == ""


def test_fix_leaves_a_lock_that_may_be_alive(live: Inside) -> None:
    live.seen = replace(live.seen, holders={"shop": HELD})
    live.holder = HELD.name
    seen = doctor(live)
    assert list(execution.fix(seen, execution.look(seen), list)) == []
    assert live.holder == HELD.name


def test_what_fails_is_told_in_one_line_with_its_hint(live: Inside, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = FakeEngine()

    def forbidden() -> None:
        raise HitlessError("permission\ndenied", "be in the group docker")

    monkeypatch.setattr(engine, "about", forbidden)
    facts = execution.look(doctor(live, engine=engine))
    assert facts.failed["engine"] == "permission denied; be in the group docker"
