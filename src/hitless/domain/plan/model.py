"""A plan: steps in their order, each in its phase and with what undoes it. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from hitless.domain.common.durations import seconds
from hitless.domain.common.foreign import Json
from hitless.domain.common.names import Colour
from hitless.domain.plan.phases import Phase
from hitless.domain.plan.steps import Attach, Connect, Create, RunHere, RunOnce, StartShared, Step
from hitless.domain.release.networks import Network

_GRACE = 10.0  # seconds, Docker's own


@dataclass(frozen=True)
class Action:
    """A step in its phase. `undo` reverses what it did, also if the step failed or was interrupted."""

    step: Step
    phase: Phase
    undo: tuple[Step, ...] = ()


@dataclass(frozen=True)
class Plan:
    """What will be done, in order. `release` is 0, and `colour` is None, if the plan is not about one."""

    application: str
    release: int
    colour: Colour | None
    actions: tuple[Action, ...]

    @property
    def steps(self) -> tuple[Step, ...]:
        """The steps alone."""
        return tuple(action.step for action in self.actions)

    @property
    def networks(self) -> tuple[Network, ...]:
        """The networks that the plan creates if they are missing."""
        found: list[Network] = []
        for step in self.steps:
            match step:
                case Connect() | Create() | StartShared():
                    found += step.networks
                case Attach():
                    found.append(step.network)
                case _:
                    pass
        return tuple(found)

    def phase(self, done: int) -> Phase:
        """The phase after `done` actions. After the last one it is `FINISH`: nothing is undone any more."""
        return self.actions[done].phase if done < len(self.actions) else Phase.FINISH

    def undo(self, begun: int) -> tuple[Step, ...]:
        """The steps that undo the first `begun` actions, from the last to the first; no hook runs twice.

        Of the actions of the cutover it is that of the last one alone: each brings all of it back.
        """
        found: list[Step] = []
        actions = [action for action in reversed(self.actions[:begun]) if action.undo]
        cut = [action for action in actions if action.phase is Phase.CUT_OVER]
        for step in (step for action in actions if action not in cut[1:] for step in action.undo):
            if not (isinstance(step, RunOnce | RunHere) and step in found):
                found.append(step)
        return tuple(found)


def stop_limit(plan: Plan) -> float:
    """How many seconds the containers that the plan creates may take to stop: the longest of them."""
    made = [step.model["services"] for step in plan.steps if isinstance(step, Create)]
    return max((_grace(one) for services in made for one in services.values()), default=_GRACE)


def _grace(service: Json) -> float:
    try:
        return seconds(service.get("stop_grace_period") or _GRACE)
    except ValueError:  # Compose itself judges it
        return _GRACE


def in_phase(phase: Phase, steps: Iterable[Step]) -> tuple[Action, ...]:
    """Steps of one phase that nothing undoes."""
    return tuple(Action(step, phase) for step in steps)
