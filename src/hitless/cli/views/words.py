"""The words for steps: one line for people from a step's id."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import assert_never

from hitless.domain.common.events import StepId, StepJson, StepKind, step_json

_MOST = 3  # names in a line


def openable(addresses: Sequence[str], host_name: Callable[[], str]) -> tuple[str, ...]:
    """Addresses as one can open them: with the host's name where a port is open on every address (`*`)."""
    if not any("*:" in address for address in addresses):
        return tuple(addresses)
    name = host_name()
    return tuple(address.replace("*:", f"{name}:") for address in addresses)


def any_step_json(step: StepId | str) -> StepJson | str | None:
    """A step of the journal for `--json`; None for none, a sentence if an older hitless wrote one."""
    return step_json(step) if isinstance(step, StepId) else step or None


def any_step_text(step: StepId | str) -> str:
    """The same for a step of the journal, which an older hitless may have written as a sentence."""
    return step if isinstance(step, str) else step_text(step)


def step_text(step: StepId) -> str:
    """`create green (release 7)`."""
    subjects = ", ".join(step.subjects)
    these = subjects or str(step.colour or "")  # some of a colour's containers, or all of them
    match step.kind:
        case StepKind.BUILD | StepKind.PULL | StepKind.DRAIN | StepKind.RETIRE | StepKind.REMOVE:
            return f"{step.kind} {these}"
        case StepKind.TAG:
            return f"keep the images of release {step.release}"
        case StepKind.START_SHARED:
            return f"start the shared {subjects}"
        case StepKind.RECREATE_SHARED:
            return f"recreate the shared {subjects}"
        case StepKind.CONNECT_SHARED:
            return f"connect the shared {subjects} to {', '.join(step.to)}"
        case StepKind.CREATE:
            more = f"more of {subjects}" if subjects else step.colour
            return f"create {more} (release {step.release})"
        case StepKind.RUN_JOB | StepKind.RUN_HOOK:
            return f"run {subjects}"
        case StepKind.RUN_LOCAL_HOOK:
            return f"run hook-{subjects} here"
        case StepKind.START:
            return f"start {step.colour}"
        case StepKind.SHOW_ROUTES:
            return f"show the routes of {step.colour} to the gateway"
        case StepKind.RESTORE_ROUTES:
            return "restore the routes"
        case StepKind.CONFIRM_ROUTES:
            return "confirm that the routes are in force"
        case StepKind.WITHDRAW_ROUTES:
            return f"remove the routes of {these}" if these else "remove the routes"
        case StepKind.GET_CERTIFICATES:
            return f"get the certificate for {subjects} from {', '.join(step.to)}"
        case StepKind.GATE:
            return f"wait until {step.colour} is ready"
        case StepKind.LET_WAIT:
            return "let new requests wait"
        case StepKind.CUT_OVER:
            return f"cut over to {step.colour}"
        case StepKind.ANSWER:
            return f"have {step.colour} answer the requests that wait"
        case StepKind.ADD_REPLICAS:
            return f"send requests to the new replicas of {subjects}"
        case StepKind.ATTACH:
            return f"have {subjects} call {step.colour}"
        case StepKind.DETACH:
            return f"have {subjects} stop calling {step.colour}"
        case StepKind.BAKE:
            if step.seconds:
                return f"bake {step.colour} for {step.seconds:g} s"
            return f"look at {step.colour} again"
        case StepKind.RECORD | StepKind.PROMOTE:
            return f"{step.kind} release {step.release}"
        case StepKind.HAND_OVER:
            return f"hand {subjects or 'what is exclusive'} over to {step.colour}"
        case StepKind.FORGET:
            return f"forget release {subjects}"
        case StepKind.REMOVE_VOLUMES:
            return "remove the volumes"
        case StepKind.STOP_EXCLUSIVE:
            return f"stop {subjects} of {step.colour}" if step.colour else f"stop {subjects}"
        case StepKind.START_GATEWAY:
            return "start the gateway"
        case StepKind.RESTART_GATEWAY:
            return "restart the gateway"
        case StepKind.TAKE_PORTS:
            return f"take over port {subjects}"
        case StepKind.START_INSTANCE:
            return f"start {subjects} beside the present Traefik"
        case StepKind.PROVE_INSTANCE:
            return "wait until every route answers on the new Traefik"
        case StepKind.SWITCH_INSTANCE:
            return "give all new connections to the new Traefik"
        case StepKind.SWITCH_BACK:
            return "give all new connections to the present Traefik again"
        case StepKind.SETTLE:
            return "write the new settings down"
        case StepKind.DRAIN_INSTANCE:
            return "drain the old Traefik"
        case StepKind.END_INSTANCE:
            return "stop the Traefik that gets no new connections"
        case StepKind.LOAD:
            return f"send requests for {step.seconds:g} s"
        case StepKind.PRUNE:
            return f"remove {subjects if len(step.subjects) <= _MOST else f'{len(step.subjects)} things'}"
        case kind:
            assert_never(kind)
