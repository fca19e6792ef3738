"""`prune` on a host in memory."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hitless.domain.common.errors import GatewayDown, Locked
from hitless.domain.common.events import Began, Operation, StepDone, StepKind
from hitless.domain.host.facts import Room
from hitless.domain.host.journal import Holder
from hitless.domain.host.leftovers import Belongings, OwnImage, OwnNetwork
from hitless.execution import prune as execution
from hitless.execution.prune import Pruned
from tests.execution.applications import shop
from tests.execution.commands import deploy, session
from tests.execution.test_adopt import FakeGatewayProject
from tests.fakes.host import FakeHost
from tests.fakes.surroundings import FakeEngine

OLD, KEPT = "hitless:shop.r9.web", "hitless:shop.r1.web"
IMAGES = tuple(OwnImage(one, 1000, (one,)) for one in (OLD, KEPT))
NETWORKS = (OwnNetwork("blog_default", "blog", "blog", ""),)


@pytest.fixture
def host() -> FakeHost:
    """A host where release 1 is live."""
    made = FakeHost()
    deploy(made.ports(), shop())
    made.events.clear()
    return made


def prune(host: FakeHost, engine: FakeEngine) -> Pruned:
    found = execution.look(host.ports(), engine, "traefik")
    with session(host.ports(), Operation.PRUNE, "") as command:
        project = FakeGatewayProject(host, there=host.gateway_settings)
        return execution.prune(command, project, engine, "traefik", found.leftovers)


def test_what_nobody_needs_goes_and_the_rest_stays(host: FakeHost) -> None:
    engine = FakeEngine(Belongings(images=IMAGES, networks=NETWORKS))
    host.seen = replace(host.seen, old_logs=77)
    pruned = prune(host, engine)
    assert [one.name for one in pruned.removed] == [OLD, "kept logs", "blog_default"]
    assert [one.reference for one in engine.there.images] == [KEPT]
    assert engine.there.networks == ()
    assert host.alone_for == ["", "over"]
    assert host.violations == []
    kinds = [event.step.kind for event in host.events if isinstance(event, StepDone)]
    assert kinds == [StepKind.PRUNE] * 3


def test_what_is_needed_again_since_the_question_stays(host: FakeHost) -> None:
    engine = FakeEngine(Belongings(images=IMAGES))
    found = execution.look(host.ports(), engine, "traefik")
    host.records[9] = replace(host.records[1], number=9)
    with session(host.ports(), Operation.PRUNE, "") as command:
        project = FakeGatewayProject(host, there=host.gateway_settings)
        pruned = execution.prune(command, project, engine, "traefik", found.leftovers)
    assert pruned.removed == ()
    assert engine.there.images == IMAGES
    assert not any(isinstance(event, Began) for event in host.events)


def test_an_image_that_the_engine_does_not_give_away_is_not_told_as_removed(host: FakeHost) -> None:
    assert prune(host, FakeEngine(Belongings(images=IMAGES), used=(OLD,))).removed == ()


def test_nothing_is_removed_while_a_command_is_at_work(host: FakeHost) -> None:
    host.at_work = {"blog": Holder("ann@far", 9, 1)}
    engine = FakeEngine(Belongings(images=IMAGES))
    with pytest.raises(Locked, match="on blog"):
        prune(host, engine)
    assert engine.there.images == IMAGES


def test_without_its_gateway_nobody_knows_what_is_needed() -> None:
    host = FakeHost(has_gateway=False, gateways_beside=("edge",))
    with pytest.raises(GatewayDown) as raised:
        execution.look(host.ports(), FakeEngine(), "traefik")
    assert "edge" in raised.value.hint


def test_a_gateway_that_can_not_be_asked_is_told(host: FakeHost) -> None:
    there = Belongings(images=IMAGES, others={"edge": None, "far": frozenset()}, volumes={"v": "blog"})
    found = execution.look(host.ports(), FakeEngine(there), "traefik")
    assert (found.leftovers, found.silent, found.data) == ((), ("edge",), ())


def test_it_ends_a_traefik_that_was_left_beside_the_live_one(host: FakeHost) -> None:
    host.traefiks.running[1] = host.gateway_settings
    pruned = prune(host, FakeEngine())
    assert [one.name for one in pruned.removed] == ["Traefik 1 of the gateway"]
    assert host.traefiks.instances().idle == ()


def test_the_free_bytes_are_told(host: FakeHost) -> None:
    host.seen = replace(host.seen, room=Room(100, 50, 10, 1))
    pruned = prune(host, FakeEngine(Belongings(images=IMAGES)))
    assert (pruned.free, pruned.freed) == (50, 0)
