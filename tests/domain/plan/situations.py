"""Situations of a host with an application, for the properties of plans."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from hitless.cli.views.words import step_text
from hitless.domain.common.names import Colour
from hitless.domain.host.world import Container, World
from hitless.domain.plan import deploy as deploy_plan
from hitless.domain.plan import releases
from hitless.domain.plan.model import Plan
from hitless.domain.plan.steps import Step
from hitless.domain.release.model import Release
from hitless.domain.release.prepared import Prepared
from hitless.domain.routing.split import Routing
from tests.domain.builders import (
    GATEWAY,
    SHOP,
    container,
    part,
    prepared,
    release,
    routing,
    web,
    world,
)

BLUE, GREEN = Colour.BLUE, Colour.GREEN


@dataclass(frozen=True)
class Situation:
    """A deployment that is about to be planned."""

    application: Prepared
    release: Release
    world: World

    @property
    def before(self) -> Routing | None:
        """The routing that the host has."""
        return self.world.routings.get(SHOP)

    @property
    def live(self) -> Colour | None:
        return self.before.live if self.before else None

    @property
    def is_live(self) -> bool:
        """Whether the release is what is live already."""
        live = self.world.live(SHOP)
        return live is not None and live[1] == self.release.number

    @property
    def is_new(self) -> bool:
        return not self.release.promoted and not self.is_live

    @property
    def plan(self) -> Plan:
        return deploy_plan.plan_deploy(self.application, self.release, self.world, GATEWAY)


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """Hosts as any deployments before have left them, whole or killed at any point."""
    live = draw(st.sampled_from([None, *Colour]))
    numbers = draw(st.lists(st.integers(1, 9), max_size=6, unique=True))
    promotions = draw(st.permutations(range(1, len(numbers) + 1)))
    kept = []
    damaged = set()
    for number, promoted in zip(numbers, promotions, strict=True):
        match draw(st.sampled_from(["never live", "was live", "damaged"])):
            case "never live":
                kept.append(release(number))
            case "was live":
                kept.append(release(number, promoted))
            case _:
                damaged.add(number)
    colours = {}
    containers: list[Container] = []
    for colour in Colour:
        number = draw(st.integers(1, 9))
        if colour is live or draw(st.booleans()):
            colours[colour] = part(number)
        if draw(st.booleans()):
            containers.append(container(colour, number))
    there = [routing(live, colours, draw(st.integers(1, 50)))] if colours else []
    others = [routing(BLUE, name="cafe")] if draw(st.booleans()) else []
    tagged = draw(st.frozensets(st.integers(1, 9), max_size=4))
    return world(
        *there,
        *others,
        containers=tuple(containers),
        releases=kept,
        damaged=frozenset(damaged),
        tagged=tagged,
    )


APPLICATIONS = [
    prepared(services, x_hitless={"keep": keep})
    for services in (None, {"app": web(deploy={"replicas": 2}), "worker": {"image": "shop:1"}})
    for keep in range(1, 6)
]


@st.composite
def situations(draw: st.DrawFn) -> Situation:
    """Deployments of a new release, and of a kept one."""
    found = draw(worlds())
    fresh = release(releases.next_release(found, "shop"))
    return Situation(
        draw(st.sampled_from(APPLICATIONS)), draw(st.sampled_from([fresh, *found.releases])), found
    )


def of(steps: Sequence[Step], kind: type[Step]) -> list[Any]:
    return [step for step in steps if isinstance(step, kind)]


def undone(plan: Plan) -> tuple[Step, ...]:
    """All that would undo the whole of it."""
    return plan.undo(len(plan.actions))


def traces(found: World) -> set[int]:
    """The releases that have a record or an image tag."""
    return {kept.number for kept in found.releases} | found.damaged | found.tagged


def lines(made: Plan) -> list[str]:
    return [step_text(step.id) for step in made.steps]
