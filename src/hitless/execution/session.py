"""A running command: its lock and journal, the secrets that it hides, and its one end."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack, suppress
from dataclasses import replace
from types import TracebackType

from hitless.domain.common import redact
from hitless.domain.common.errors import (
    DockerFailed,
    HitlessError,
    HookFailed,
    Locked,
    LockLost,
    Refused,
)
from hitless.domain.common.events import (
    Began,
    Ended,
    Event,
    Found,
    NotNotified,
    Operation,
    Outcome,
    Planned,
    StepBegan,
    StepProgress,
    Undoing,
    Undone,
    Waiting,
    Wrote,
    as_json,
)
from hitless.domain.common.findings import Finding
from hitless.domain.common.foreign import Json
from hitless.domain.gateway.model import Gateway
from hitless.domain.host.journal import Run, took
from hitless.domain.host.status import addresses
from hitless.domain.host.world import World
from hitless.domain.plan.model import Plan
from hitless.domain.plan.preview import lets_wait
from hitless.domain.plan.recover import abort
from hitless.domain.plan.routing_steps import CutOver
from hitless.execution import observe
from hitless.execution.perform import perform
from hitless.execution.telling import Telling
from hitless.ports import Ports
from hitless.ports.state import HeldLock

_RESTART = 30.0  # seconds in which the engine starts a gateway again that has ended
_NOTICED = 5.0  # seconds in which it notices the end: we lose the lock before (seen)


class Session:
    """A command from its first event to its last. Enter it once; its last event is always `Ended`.

    The command works with the `ports` of its session: these hide secrets in every event, and by `hide`. They
    also write each event to the journal, from `Began` on and while the session holds the lock. `application`
    is "" until it is known, and for a command without one. `holder` says who runs the command and where.
    `wait` is how many seconds the command waits for other commands.
    """

    def __init__(
        self, ports: Ports, operation: Operation, application: str, holder: str, wait: float = 0.0
    ) -> None:
        self.operation = operation
        self.application = application
        self.holder = holder
        self.wait = wait
        self.began = ports.clock.now()
        self.ports = replace(ports, emit=self._emit, insist=self._insist, hide=self._without_secrets)
        self._bare = ports
        self._stack = ExitStack()
        self._lock: HeldLock | None = None
        self._gateway: Gateway | None = None
        self._models: list[Json] = []
        self._hidden = redact.secrets()
        self._has_begun = False
        self._is_whole = True
        self._stays = False
        self._outcome = Outcome.SUCCESSFUL
        self._addresses: tuple[str, ...] = ()
        self._runs: tuple[Run, ...] = ()
        self._telling = Telling(self._bare, operation, holder)

    def __enter__(self) -> Session:
        """Enter without the lock: `lock` takes it later."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Tell the end, and release the lock. Raises `LockLost` if the lost lock explains the error.

        Receivers are told when the lock is free: whatever they do, nobody waits for it.
        """
        told = error
        ended: Ended | None = None
        try:
            if isinstance(error, HitlessError):
                told = self.settle(error)
            elif error is not None:
                self._outcome = self._failure(error)
            seconds = self._bare.clock.now() - self.began
            ended = Ended(self.operation, self.application, self._outcome, seconds, self._addresses)
            self._note(redact.redact(ended, self._hidden))
        finally:
            try:
                self.unlock()
            finally:
                if ended:
                    self._tell_end(ended, _cause(told))
        if told is not None and told is not error:
            raise told from error

    def _tell_end(self, ended: Ended, cause: str) -> None:
        """Tell receivers, and last of all tell the end: nothing of the first changes the second."""
        try:
            for event in self._telling.told(ended, cause, self._gateway):
                self.tell(event)
        except Exception as bug:  # it must not take the place of the command's own error
            self.tell(NotNotified("all", f"a bug in hitless: {type(bug).__name__}: {bug}"))
        finally:
            self.tell(ended)

    def open(self) -> tuple[Gateway, World]:
        """Take the application's lock, and look at the host.

        Raises `Locked`, and `HitlessError` without a gateway or if the application is behind another one.
        """
        gateway = self.gateway()
        if gateway is None:
            raise observe.not_here(self.ports, self.application)
        self.lock()
        return gateway, self.look(gateway)

    def gateway(self) -> Gateway | None:
        """The running gateway, or None."""
        self._gateway = self._bare.balancer.gateway()
        return self._gateway

    def look(self, gateway: Gateway) -> World:
        """Look at the host. From now on, the secrets of the kept releases are hidden, too."""
        world = observe.world(self.ports, self.application, gateway)
        observe.refuse_elsewhere(self.ports, self.application, world.containers)
        self.know(world)
        return world

    def know(self, world: World) -> None:
        """Learn from what was observed: which secrets to hide, and how long such a command takes."""
        self.hide(*(kept.model for kept in world.releases))
        self._telling.know(world)
        self._runs = world.runs

    def lock(self) -> None:
        """Take the application's lock. Raises `Locked`."""

        def taken(by: str) -> None:
            self.ports.emit(Waiting(self.application, by))

        self._lock = self._stack.enter_context(
            self._bare.state.lock(self.application, self.holder, self.wait, taken)
        )

    def lock_gateway(self, alone: AbstractContextManager[HeldLock | None]) -> None:
        """Hold the gateway's own lock, with its journal, until the command ends. Raises `Locked`."""
        self._lock = self._stack.enter_context(alone)

    def unlock(self) -> None:
        """Release the lock, if there is one."""
        self._lock = None
        self._stack.close()

    def hide(self, *models: Json) -> None:
        """From now on, hide the secrets of these Compose models in events and errors."""
        if new := [model for model in models if model not in self._models]:
            self._models += new
            self._hidden = redact.secrets(*self._models)

    def begin(self, release: int, revision: str = "") -> None:
        """Tell that the work begins. From now on, events also go to the journal."""
        expected = took(self._runs, self.operation)
        self.ports.emit(Began(self.operation, self.application, release, self.holder, revision, expected))
        self._telling.begin(self.application)

    def tell(self, event: Event) -> None:
        """Tell an event that is not part of the work. It does not go to the journal."""
        self._bare.emit(redact.redact(event, self._hidden))

    def stay(self) -> None:
        """Keep what has been done up to now. A failure after this leaves work for the next command."""
        self._stays = True

    def leave_nothing(self) -> None:
        """Note that the work up to now is complete. A failure after this leaves nothing of it to finish."""
        self._is_whole = True

    def refuse(self, found: Sequence[Finding], warn: bool) -> None:
        """Raise `Refused` if a finding is an error. `warn`: tell the findings also if all are warnings."""
        found = tuple(dict.fromkeys(found))
        is_refused = any(finding.is_error for finding in found)
        if is_refused or (warn and found):
            self.ports.emit(Found(found))
        if is_refused:
            raise Refused(found)

    def perform(
        self, plan: Plan, began: float | None = None, heard: Callable[[Event], None] = lambda _: None
    ) -> None:
        """Perform a plan. `heard` also gets each event.

        `began` is when the work for this plan began, by the clock; None: when the command began. Raises
        `HookFailed` if hooks after the cutover failed; everything else is done in that case.
        """

        def emit(event: Event) -> None:
            heard(event)
            self._emit(event)

        # a gateway that ends while requests wait must not leave them waiting
        may_wait = lets_wait(plan)
        try:
            failed = perform(plan, replace(self.ports, emit=emit), self.began if began is None else began)
        except HitlessError as error:
            if may_wait and self._gateway and self._has_restarted(self._gateway):
                self._answer_again(error)
            raise
        self._note_addresses(plan)
        if failed:
            raise HookFailed(
                f"everything else is done, but {'; '.join(error.message for error in failed)}",
                "see its log above; do by hand what the hook does, or deploy again",
            )

    def _note_addresses(self, plan: Plan) -> None:
        """What the plan has made live, as visitors reach it."""
        live = [step.routing for step in plan.steps if isinstance(step, CutOver) and step.routing.live]
        if live and self._gateway:
            there = self._gateway
            self._addresses = tuple(addresses(live[-1], there.http_port, there.https_port, there.bound))

    def _has_restarted(self, before: Gateway) -> bool:
        """Whether the gateway's container has ended, and runs again; waits for that for a while."""
        if self._lock and self._lock.is_held():
            return False
        clock = self._bare.clock
        began = clock.now()
        while clock.now() < began + _RESTART:
            with suppress(HitlessError):  # the engine, perhaps, too
                if there := self._bare.balancer.gateway():
                    if there.since != before.since:
                        return True
                    if clock.now() > began + _NOTICED:
                        return False
            clock.pause(0.5)
        return False

    def _answer_again(self, error: HitlessError) -> None:
        """Take the lock again, and have the live release answer those that wait. Raises `HitlessError` then.

        Does nothing if nobody waits, or if another command has the lock.
        """
        self.unlock()
        with suppress(Locked):
            _, world = self.open()
        if self._lock is None:
            return
        routing = world.routings.get(self.application)
        if not (routing and routing.waiting):
            return
        plan = abort(self.application, world)
        perform(plan, self.ports, self.began)
        self.ports.emit(Undone())
        raise HitlessError(
            f"the gateway was restarted while requests waited, and these were lost; release {plan.release} "
            "answers again",
            "deploy again",
        ) from error

    def settle(self, error: HitlessError) -> HitlessError:
        """The error that ends the command, without secrets and with its outcome. The caller raises it.

        It is `LockLost` if the lock is lost: then another command may have changed anything.
        """
        lost = self._lost() if self._has_begun else None
        told = lost if lost and not isinstance(error, LockLost | DockerFailed) else error
        self._outcome = Outcome.UNFINISHED if lost else self._failure(error)
        told.is_unfinished = self._outcome is Outcome.UNFINISHED
        told.message, told.hint = redact.redact((told.message, told.hint), self._hidden)
        told.args = (told.message,)
        return told

    def _failure(self, error: BaseException) -> Outcome:
        """The outcome of a command that raised this error: `failed` if all is as it was before."""
        if isinstance(error, HookFailed):
            return Outcome.SUCCESSFUL
        is_whole = self._is_whole and not self._stays
        is_left = isinstance(error, HitlessError) and error.is_unfinished
        return Outcome.FAILED if is_whole and not is_left else Outcome.UNFINISHED

    def _without_secrets(self, text: str) -> str:
        return redact.redact(text, self._hidden)

    def _emit(self, event: Event) -> None:
        event = redact.redact(event, self._hidden)
        match event:
            case Began():
                self._has_begun = True
            case Planned():
                self._is_whole = False
            case Undone():
                self._is_whole = True
            case _:
                pass
        self._telling.hear(event)
        self._bare.emit(event)
        self._note(event)
        if isinstance(event, Began | StepBegan):
            self._insist()

    def _note(self, event: Event) -> None:
        """Write an event to the journal, if it belongs there. Its secrets are hidden."""
        # A reader of the journal takes an event before `Began` for one of the previous command
        if self._lock and self._has_begun and not isinstance(event, StepProgress | Wrote | Undoing):
            self._lock.write(json.dumps(as_json(event, self._bare.clock.utc())))

    def _insist(self) -> None:
        if self._lock and not self._lock.is_held():
            raise LockLost(self.application or "the gateway")

    def _lost(self) -> LockLost | None:
        try:
            self._insist()
        except LockLost as lost:
            return lost
        except HitlessError:
            return None  # the gateway does not answer, and the first error says so
        return None


def _cause(error: BaseException | None) -> str:
    """Why a command ended so, for receivers; an error of hitless's own has no secrets any more."""
    if error is None:
        return ""
    if isinstance(error, HitlessError):
        return error.message
    if isinstance(error, KeyboardInterrupt):
        return "interrupted"
    return f"a bug in hitless: {type(error).__name__}"
