"""The table of phases: plans keep to it, and execution, `resume` and `abort` do what it says."""

from __future__ import annotations

import pytest
from hypothesis import given

from hitless.domain.common.events import StepKind
from hitless.domain.plan.phases import TABLE, OnFailure, Phase, Recovery, is_live_after, row
from tests.domain.builders import examples
from tests.domain.plan.situations import Situation, situations


def test_every_phase_has_one_row() -> None:
    assert [one.phase for one in TABLE] == list(Phase)


def test_each_leads_to_the_next_one_and_the_last_ones_to_none() -> None:
    *deployment, last, alone = TABLE
    assert [one.next for one in deployment] == [one.phase for one in TABLE[1:-1]]
    assert last.next is alone.next is None
    assert (last.phase, alone.phase) == (Phase.RETIRE, Phase.FINISH)


def test_every_kind_of_step_of_an_application_is_in_a_phase_of_a_deployment_or_of_no_other() -> None:
    known = frozenset().union(*(one.steps for one in TABLE if one.phase is not Phase.FINISH))
    assert known <= row(Phase.FINISH).steps
    alone = {
        *(StepKind.RECREATE_SHARED, StepKind.RESTORE_ROUTES, StepKind.DETACH, StepKind.REMOVE),
        *(StepKind.REMOVE_VOLUMES, StepKind.START_GATEWAY, StepKind.RESTART_GATEWAY),
        *(StepKind.TAKE_PORTS, StepKind.LOAD, StepKind.SWITCH_BACK, StepKind.PRUNE),
    }
    assert set(StepKind) - known == alone


@pytest.mark.parametrize("phase", Phase)
def test_what_is_undone_is_never_live_and_what_is_live_is_gone_back_from(phase: Phase) -> None:
    found = row(phase)
    if phase is Phase.FINISH:
        return
    if is_live_after(phase):
        assert found.on_failure is not OnFailure.UNDO
        assert (found.resume, found.abort) == (Recovery.TIDY, Recovery.GO_BACK)
    else:
        assert found.on_failure is OnFailure.UNDO
        assert (found.resume, found.abort) == (Recovery.DEPLOY, Recovery.TIDY)


@examples(100)
@given(situations())
def test_a_plan_goes_through_the_phases_in_their_order(at: Situation) -> None:
    order = [one.phase for one in TABLE]
    places = [order.index(action.phase) for action in at.plan.actions]
    assert places == sorted(places)
    assert Phase.FINISH not in {action.phase for action in at.plan.actions}


@examples(100)
@given(situations())
def test_each_step_of_a_plan_is_one_that_its_phase_can_have(at: Situation) -> None:
    for action in at.plan.actions:
        assert action.step.id.kind in row(action.phase).steps


@examples(100)
@given(situations())
def test_a_plan_has_each_phase_from_the_start_to_the_promotion(at: Situation) -> None:
    found = {action.phase for action in at.plan.actions}
    assert {Phase.START, Phase.GATE, Phase.CUT_OVER, Phase.BAKE, Phase.PROMOTE} <= found
