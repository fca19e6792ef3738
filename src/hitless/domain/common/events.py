"""What happens while a command works. The console, `--json` and the journal are all drawn from these values.

`docs/reference/events.md` is made from this file. Whoever changes what an event holds raises `SCHEMA`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, TypeAlias, TypedDict

from hitless.domain.common.findings import Finding
from hitless.domain.common.foreign import foreign
from hitless.domain.common.names import Colour

SCHEMA = 3
"""The version of the events' form. In version 1 a step was an English sentence."""


class Operation(StrEnum):
    """What a command does."""

    DEPLOY = "deploy"
    ROLLBACK = "rollback"
    SCALE = "scale"
    RESUME = "resume"
    ABORT = "abort"
    DOWN = "down"
    PROVE = "prove"
    ADOPT = "adopt"
    PRUNE = "prune"
    SHARED_UP = "shared up"
    GATEWAY_UP = "gateway up"
    GATEWAY_UPGRADE = "gateway upgrade"
    GATEWAY_DOWN = "gateway down"
    CERTIFICATE_ADD = "gateway certificate add"
    CERTIFICATE_REMOVE = "gateway certificate remove"
    CONFIG_ADD = "gateway config add"
    CONFIG_REMOVE = "gateway config remove"
    NOTIFY_ADD = "gateway notify add"
    NOTIFY_REMOVE = "gateway notify remove"
    NOTIFY_TEST = "gateway notify test"


class Outcome(StrEnum):
    """How a command ended.

    `failed`: what was live before is live, and nothing else is left of it.
    `unfinished`: something is left for the next command.
    """

    SUCCESSFUL = "successful"
    FAILED = "failed"
    UNFINISHED = "unfinished"


class StepKind(StrEnum):
    """What a step does."""

    BUILD = "build"
    PULL = "pull"
    TAG = "tag"
    START_SHARED = "start-shared"
    RECREATE_SHARED = "recreate-shared"
    CONNECT_SHARED = "connect-shared"
    CREATE = "create"
    RUN_JOB = "run-job"
    RUN_HOOK = "run-hook"
    RUN_LOCAL_HOOK = "run-local-hook"
    START = "start"
    SHOW_ROUTES = "show-routes"
    RESTORE_ROUTES = "restore-routes"
    CONFIRM_ROUTES = "confirm-routes"
    WITHDRAW_ROUTES = "withdraw-routes"
    GET_CERTIFICATES = "get-certificates"
    GATE = "gate"
    LET_WAIT = "let-wait"
    CUT_OVER = "cut-over"
    ANSWER = "answer"
    ADD_REPLICAS = "add-replicas"
    ATTACH = "attach"
    DETACH = "detach"
    BAKE = "bake"
    RECORD = "record"
    PROMOTE = "promote"
    HAND_OVER = "hand-over"
    DRAIN = "drain"
    RETIRE = "retire"
    REMOVE = "remove"
    REMOVE_VOLUMES = "remove-volumes"
    FORGET = "forget"
    STOP_EXCLUSIVE = "stop-exclusive"
    START_GATEWAY = "start-gateway"
    RESTART_GATEWAY = "restart-gateway"
    TAKE_PORTS = "take-ports"
    START_INSTANCE = "start-instance"
    PROVE_INSTANCE = "prove-instance"
    SWITCH_INSTANCE = "switch-instance"
    SWITCH_BACK = "switch-back"
    SETTLE = "settle"
    DRAIN_INSTANCE = "drain-instance"
    END_INSTANCE = "end-instance"
    LOAD = "load"
    PRUNE = "prune"


@dataclass(frozen=True)
class StepId:
    """Which step it is: what it does, and to what. The views make texts of it.

    `subjects` are services, containers, images, networks, releases, host names, or ports of the host,
    depending on the kind. `to` are networks that they are connected to, or the CA that is asked for
    certificates. `seconds` is how long a `bake` or a `load` lasts, else 0.
    """

    kind: StepKind
    colour: Colour | None = None
    release: int = 0
    subjects: tuple[str, ...] = ()
    to: tuple[str, ...] = ()
    seconds: float = 0.0

    def __str__(self) -> str:
        """`create:green:7`: the kind, and what distinguishes it from others of its kind."""
        parts = (self.kind, self.colour, str(self.release or ""), ",".join(self.subjects))
        return ":".join(part for part in parts if part)


class StepJson(TypedDict):
    """A step as JSON: the fields of `StepId`, and its `id`, which is unique within its command."""

    id: str
    kind: StepKind
    colour: Colour | None
    release: int
    subjects: tuple[str, ...]
    to: tuple[str, ...]
    seconds: float


@dataclass(frozen=True)
class Found:
    """The findings of the check, before anything is changed."""

    findings: tuple[Finding, ...] = foreign()


@dataclass(frozen=True)
class Began:
    """A command starts to work on an application. `release` is 0 if it concerns none.

    `holder` is who runs the command, and where; `revision` is the source revision, or "". `expected` is how
    many seconds the last such command took that went well, 0 if hitless knows of none.
    """

    operation: Operation
    application: str
    release: int
    holder: str
    revision: str = ""
    expected: float = 0.0


@dataclass(frozen=True)
class Waiting:
    """Another command has the application's lock; this one waits for it."""

    application: str
    holder: str


@dataclass(frozen=True)
class Planned:
    """The plan is made, and its first step comes next."""

    steps: tuple[StepId, ...]


@dataclass(frozen=True)
class StepBegan:
    """A step starts."""

    step: StepId


@dataclass(frozen=True)
class StepProgress:
    """What the current step waits for now. It is not in the journal.

    `limit` is how many seconds the step waits at most, 0 where it is not known.
    """

    step: StepId
    detail: str = foreign()
    limit: float = 0.0


@dataclass(frozen=True)
class Wrote:
    """A line that `source` wrote while the step waits: a container, or a service that is built.

    It is for people, and not in the journal: lines that come too fast are left out, and a long one is cut.
    """

    step: StepId
    source: str
    line: str = foreign()


@dataclass(frozen=True)
class Output:
    """The last lines that a job or a hook has written. `logs` maps container (or `here`) to lines."""

    step: StepId
    logs: Mapping[str, str] = foreign()


@dataclass(frozen=True)
class StepDone:
    """A step ended well, after `seconds`."""

    step: StepId
    seconds: float
    detail: str = foreign("")


@dataclass(frozen=True)
class StepFailed:
    """A step failed, after `seconds`. `logs` maps container to its last lines."""

    step: StepId
    seconds: float
    message: str = foreign()
    hint: str = foreign("")
    logs: Mapping[str, str] = foreign(default_factory=dict)


@dataclass(frozen=True)
class Live:
    """The cutover is confirmed: every new request gets this release. `seconds` since the command began."""

    release: int
    colour: Colour
    seconds: float


@dataclass(frozen=True)
class Drained:
    """A colour holds no request any more, or the deadline passed with `cut` connections still open.

    Containers of plain `docker compose up` have no `colour`.
    """

    colour: Colour | None
    in_flight: int
    cut: int
    seconds: float


@dataclass(frozen=True)
class Undoing:
    """A step failed, or the command was interrupted: these steps undo what was done.

    `limit` is about how many seconds they may take, until requests have ended and containers have stopped; 0
    where it is not known. What concerns the gateway alone has no steps. It is not in the journal.
    """

    steps: tuple[StepId, ...]
    limit: float


@dataclass(frozen=True)
class Undone:
    """All that the command had done is undone: what was live before is live, and nothing else is left."""


@dataclass(frozen=True)
class NotNotified:
    """A receiver may not have got what it should be told.

    It changes no outcome, and is not in the journal.
    """

    receiver: str
    reason: str = foreign()


@dataclass(frozen=True)
class Ended:
    """The command is over: the last event of every command, exactly once.

    `addresses` are those at which visitors reach the release that it made live; `*` stands for every address
    of the host.
    """

    operation: Operation
    application: str
    outcome: Outcome
    seconds: float
    addresses: tuple[str, ...] = ()


Event: TypeAlias = (
    Found
    | Began
    | Waiting
    | Planned
    | StepBegan
    | StepProgress
    | Wrote
    | Output
    | StepDone
    | StepFailed
    | Live
    | Drained
    | Undoing
    | Undone
    | NotNotified
    | Ended
)


def name_of(kind: type[Event]) -> str:
    """The name of a kind of event: `step_began`."""
    text = "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in kind.__name__)
    return text.strip("_")


def as_json(event: Event, time: str) -> dict[str, Any]:
    """An event as one JSON object, `time` (ISO, in UTC) first: `turns` in state.sh looks for it there."""
    fields = {name: _json(value) for name, value in vars(event).items()}
    return {"time": time, "event": name_of(type(event)), "schema": SCHEMA, **fields}


def step_json(step: StepId) -> StepJson:
    """A step as a JSON object, with its id as one text."""
    return {
        "id": str(step),
        "kind": step.kind,
        "colour": step.colour,
        "release": step.release,
        "subjects": step.subjects,
        "to": step.to,
        "seconds": step.seconds,
    }


def _json(value: Any) -> Any:
    match value:
        case StepId():
            return step_json(value)
        case Finding():
            return asdict(value)
        case tuple():
            return [_json(one) for one in value]
        case _:
            return value
