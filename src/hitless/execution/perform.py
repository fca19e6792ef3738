"""Perform a plan step by step; undo it if it fails before the cutover."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial

from hitless.domain.common.errors import (
    CommandFailed,
    DockerFailed,
    GateFailed,
    HitlessError,
    LockLost,
    TimedOut,
)
from hitless.domain.common.events import (
    Drained,
    Live,
    Output,
    Planned,
    StepBegan,
    StepDone,
    StepFailed,
    StepId,
    Undoing,
    Undone,
)
from hitless.domain.common.names import Colour
from hitless.domain.host.logs import narrow
from hitless.domain.host.world import Container
from hitless.domain.plan.model import Plan, stop_limit
from hitless.domain.plan.phases import OnFailure, Phase, row
from hitless.domain.plan.routing_steps import Bake, CutOver, Gate, RoutingStep
from hitless.domain.plan.steps import (
    Attach,
    Connect,
    Create,
    Detach,
    Drain,
    DrainBase,
    Forget,
    HandOver,
    Needs,
    Record,
    Remove,
    RemoveBase,
    RemoveVolumes,
    RunHere,
    RunOnce,
    Start,
    StartShared,
    Step,
    Stop,
)
from hitless.execution import logs, readiness, stopping, waits
from hitless.execution.instances import perform_instance
from hitless.execution.progress import Progress
from hitless.execution.replicas import Replicas
from hitless.execution.routings import perform_routing
from hitless.ports import Ports

_SLOW = 2.0  # seconds of a stop; one that is quicker needs no explanation


def perform(plan: Plan, ports: Ports, began: float) -> tuple[HitlessError, ...]:
    """Perform every step. `began` is when the command began, by the clock.

    If a step fails or is interrupted, the table of phases says what is undone, and the error is raised again.
    A hook that fails in a phase without an undo does not stop the plan. Returns such failures.
    """
    done = 0
    failed = []
    known = Replicas(ports.containers)

    def carry_out(step: Step) -> str:
        nonlocal done
        detail = _perform(step, ports, known)
        # Count here, not after the event of the end: an interrupt may come while that event is told
        done += 1
        return detail

    ports.emit(Planned(tuple(step.id for step in plan.steps)))
    try:
        for action in plan.actions:
            try:
                announced(ports, action.step.id, partial(carry_out, action.step))
            except HitlessError as error:
                if not (_is_hook(action.step) and row(action.phase).on_failure is OnFailure.KEEP):
                    raise
                failed.append(error)
                done += 1
            is_tidying = action.phase is Phase.TIDY  # what comes back there is another release
            if isinstance(action.step, CutOver) and action.step.routing.live and not is_tidying:
                ports.emit(Live(plan.release, action.step.routing.live, ports.clock.now() - began))
        ports.insist()  # a process that was suspended in its last step may have lost the lock
    except LockLost:
        raise  # what is there may belong to another command
    except BaseException as error:
        if _is_undone(plan.phase(done), error):
            undo(plan.undo(done + 1), ports, known, stop_limit(plan))
        raise
    return tuple(failed)


def _is_undone(phase: Phase, error: BaseException) -> bool:
    match row(phase).on_failure:
        case OnFailure.UNDO:
            return True
        case OnFailure.GO_BACK:  # only if the release is bad
            return isinstance(error, GateFailed)
        case OnFailure.KEEP:
            return False


def undo(steps: Sequence[Step], ports: Ports, known: Replicas, stop: float) -> None:
    """Perform the steps of an undo until one fails. `stop` is how many seconds its containers may take.

    Each step is safe only after the one before it: a container that still has a route must not stop. The next
    command removes what is left. A hook that fails does not end the undo.
    """
    drains = sum(step.timeout for step in steps if isinstance(step, Drain))
    stops = stop if any(isinstance(step, Remove | Stop) for step in steps) else 0.0
    ports.emit(Undoing(tuple(step.id for step in steps), drains + stops))
    for step in steps:
        try:
            if named := _by_name(step, ports):
                announced(ports, named.id, partial(_perform, named, ports, known))
        except HitlessError:  # its own event tells it; the caller raises the first error
            if not _is_hook(step):
                return
    ports.emit(Undone())


def _by_name(step: Step, ports: Ports) -> Step | None:
    """The step with the names of its containers. None if it is for new ones, and there are none."""
    if not isinstance(step, Drain | Remove) or step.beside is None:
        return step
    names = tuple(one.name for one in _meant(ports, step))
    return replace(step, containers=names, beside=None) if names else None


def _is_hook(step: Step) -> bool:
    return isinstance(step, RunOnce | RunHere) and step.when is not None


def announced(ports: Ports, step: StepId, action: Callable[[], str | None]) -> None:
    """Run an action between the events of a step. The text that it returns goes into the last event."""
    began = ports.clock.now()
    try:
        ports.emit(StepBegan(step))
        detail = action()
    except HitlessError as error:
        seconds = ports.clock.now() - began
        # secrets first: half of one is not found any more
        last = {name: narrow(ports.hide(text)) for name, text in error.logs.items()}
        ports.emit(StepFailed(step, seconds, error.message, error.hint, last))
        raise
    ports.emit(StepDone(step, ports.clock.now() - began, detail or ""))


def _perform(step: Step, ports: Ports, known: Replicas) -> str:
    progress = Progress(ports, step.id, _limit(step))
    if isinstance(step, RoutingStep):
        return perform_routing(ports, step, known, progress)
    match step:
        case StartShared():
            ports.projects.up(step.model, step.volumes, step.networks, step.services, step.recreate)
            waits.until_shared_ready(ports, step, progress)
            return ""
        case Connect():
            ports.networks.connect_shared(step.networks, step.members)
            return ""
        case Create():
            return _create(ports, step, known)
        case Start():
            _start(ports, step, known)
            return ""
        case Attach(application, colour, network, services, names):
            ports.networks.attach(application, network, services, known.each(application, colour, names))
            return ""
        case Detach(application, colour):
            ports.networks.detach(application, colour)
            return ""
        case RunOnce():
            return _run_once(ports, step, known, progress)
        case RunHere():
            return _run_here(ports, step)
        case Stop(application, colour, services):
            _stop(ports, application, colour, services)
            return ""
        case HandOver():
            return _hand_over(ports, step, known, progress)
        case Record(application, release):
            ports.state.record(application, release)
            return ""
        case Drain():
            return _drain(ports, step, progress)
        case DrainBase():
            began = ports.clock.now()
            drained = waits.until_drained(ports, step.addresses, step.timeout, progress)
            return _drained(ports, None, drained, step.timeout, ports.clock.now() - began)
        case Remove():
            return _remove(ports, step)
        case RemoveBase():
            _remove_base(ports, step)
            return ""
        case Forget():
            return _forget(ports, step)
        case RemoveVolumes(application):
            return ", ".join(ports.projects.remove_volumes(application)) or "there were none"
        case _:
            return perform_instance(ports, step, progress)


def _limit(step: Step) -> float:
    """How many seconds the step waits at most; 0 where that is not known."""
    match step:
        case StartShared() | RunOnce() | RunHere() | Drain() | DrainBase():
            return step.timeout
        case Gate() | HandOver():
            return max((one.timeout for one in step.readiness), default=0.0)
        case Bake():
            return step.seconds
        case _:
            return 0.0


def _create(ports: Ports, step: Create, known: Replicas) -> str:
    """Create the containers and connect them. Returns the names of those that join existing ones."""
    ports.projects.create(step.model, step.volumes, step.networks)
    created = known.meet(step)
    for network, services in step.connect.items():
        ports.networks.connect(network, known.ids(step.application, step.colour, services))
    return ", ".join(one.name for one in created) if step.beside is not None else ""


def _start(ports: Ports, step: Start | HandOver, known: Replicas) -> None:
    """Start the containers. If one that others wait for does not get ready, the error has its log."""
    try:
        if step.services:
            found = known.of(step.application, step.colour, step.services)
            ids = {service: tuple(one.id for one in those) for service, those in found.items()}
            ports.projects.start(step.model, ids, step.timeout)
    except (DockerFailed, TimedOut) as error:
        logs = {
            container.name: ports.containers.logs(container.name, waits.LOG_LINES)
            for container in ports.containers.of(step.application)
            if container.colour is step.colour
            and (not container.is_running or container.health == "unhealthy")
        }
        raise GateFailed(
            error.message, error.hint, {name: text for name, text in logs.items() if text}
        ) from error


def _run_once(ports: Ports, step: RunOnce, known: Replicas, progress: Progress) -> str:
    """Run a job or a hook in its container. Returns the last line that it wrote."""
    found = known.of(step.application, step.colour, (step.service,))[step.service]
    if not found:
        raise HitlessError(f"{step.service} has no container", "did somebody remove it? deploy again")
    container = found[0]
    ports.projects.start(step.model, {step.service: (container.id,)}, step.timeout)
    try:
        waits.until_ended(ports, step, container.name, progress)
    except BaseException:
        with suppress(HitlessError):  # hitless waits no longer for it, so it must not keep running
            ports.containers.stop((container.id,))
        raise
    return _output(ports, step, container.name, ports.containers.logs(container.name, waits.LOG_LINES))


def _run_here(ports: Ports, step: RunHere) -> str:
    try:
        text = ports.local.run(step.command, step.environment, step.timeout)
    except CommandFailed as error:
        said = f"hook-{step.name} {error.message}"
        raise GateFailed(said, error.hint, {"here": error.output}) from error
    return _output(ports, step, "here", text)


def _output(ports: Ports, step: RunOnce | RunHere, where: str, text: str) -> str:
    lines = text.strip().splitlines()[-waits.LOG_LINES :]
    if lines:
        ports.emit(Output(step.id, {where: narrow(ports.hide("\n".join(lines)))}))
    return lines[-1] if lines else ""


def _stop(ports: Ports, application: str, colour: Colour, services: Sequence[str]) -> None:
    there = ports.containers.of(application) if services else ()
    leaving = [one for one in there if one.colour is colour and one.service in services]
    if leaving:
        with suppress(DockerFailed):  # it may be gone; the next line stops what is still there
            ports.containers.set_restart_policies({one.id: "no" for one in leaving})
        stopping.stop(ports.containers, leaving)


def _hand_over(ports: Ports, step: HandOver, known: Replicas, progress: Progress) -> str:
    application, colour = step.application, step.colour
    _stop(ports, application, colour.other, step.leaving)
    if step.restart:
        ports.containers.set_restart_policies(known.each(application, colour, step.restart))
    _start(ports, step, known)
    gate = Gate(application, colour, step.readiness)
    try:
        there = known.ready(application, colour, step.readiness)
        readiness.until_ready(ports, gate, there, known.passed, progress)
    except GateFailed as error:
        if not _is_enough(ports, step):
            raise
        if error.logs:
            ports.emit(Output(step.id, error.logs))
        return f"NOT READY, and live nevertheless: {error.message}"
    if not (step.needs is Needs.READY or _is_enough(ports, step)):
        raise GateFailed(
            f"a container of {', '.join(step.services)} of {colour} is not there any more",
            "requests wait for a while and then get 503: deploy a good release",
        )
    return ""


def _is_enough(ports: Ports, step: HandOver) -> bool:
    """Whether what the services of a step are, ready or not, is what it needs."""
    there = [one for one in ports.containers.of(step.application) if one.colour is step.colour]
    running = {one.service for one in there if one.is_running}
    return step.needs is Needs.NOTHING or (step.needs is Needs.RUNNING and {*step.services} <= running)


def _drain(ports: Ports, step: Drain, progress: Progress) -> str:
    began = ports.clock.now()
    leaving = _meant(ports, step)
    if leaving:
        with suppress(DockerFailed):  # it is gone, or will be removed in any case
            ports.containers.set_restart_policies({container.id: "no" for container in leaving})
    addresses = [address for container in leaving if container.is_running for address in container.addresses]
    drained = waits.until_drained(ports, [*addresses, *step.waited], step.timeout, progress)
    if drained.cut:
        waits.until_sessions_end(ports, step.application, addresses)
    return _drained(ports, step.colour, drained, step.timeout, ports.clock.now() - began)


def _drained(
    ports: Ports, colour: Colour | None, drained: waits.Drainage, timeout: float, seconds: float
) -> str:
    ports.emit(Drained(colour, drained.in_flight, drained.cut, seconds))
    if drained.cut:
        return f"{drained.cut} still open after {timeout:.0f} s, cut"
    return f"{drained.in_flight} in flight answered" if drained.in_flight else "nothing in flight"


def _meant(ports: Ports, step: Drain | Remove) -> list[Container]:
    return [
        container
        for container in ports.containers.of(step.application)
        if container.colour is step.colour
        and (not step.containers or container.name in step.containers)
        and container.id not in (step.beside or ())
    ]


def _remove(ports: Ports, step: Remove) -> str:
    found = _meant(ports, step)
    began = ports.clock.now()
    stopping.stop(ports.containers, found)
    seconds = ports.clock.now() - began
    killed = _killed(ports, found) if seconds > _SLOW else ""
    logs.keep(ports, found)
    ids = [container.id for container in found]
    left = ports.projects.remove(step.application, step.colour, ids, with_networks=not step.containers)
    stays = f"{', '.join(left)} stays: other containers are connected to it" if left else ""
    return "; ".join(one for one in (killed, stays) if one)


def _killed(ports: Ports, stopped: Sequence[Container]) -> str:
    """Which services did not end when they were asked to, and what would help; "" for none."""
    names = [one.name for one in stopped if one.is_running]
    killed = [one.service for one in ports.containers.named(names) if one.exit_code == waits.KILLED]
    if not killed:
        return ""
    return (
        f"{', '.join(sorted({*killed}))} did not end on the stop signal, and was killed after its "
        "stop_grace_period: `init: true`, `stop_signal` or a handler for it saves this time"
    )


def _remove_base(ports: Ports, step: RemoveBase) -> None:
    found = [one for one in ports.containers.composed(step.application) if one.project == step.application]
    found = [one for one in found if one.name in step.containers]
    stopping.stop(ports.containers, found)
    ports.projects.remove_base(step.application, [one.id for one in found])


def _forget(ports: Ports, step: Forget) -> str:
    ports.images.untag(step.application, step.releases)
    ports.state.forget(step.application, step.releases)
    return ""
