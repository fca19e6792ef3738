"""What happens while a plan is performed. The console, `--json` and the journal all draw from these."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, TypeAlias

from hitless.domain.common.findings import Finding


@dataclass(frozen=True)
class Found:
    """The findings of the check, before anything is touched."""

    findings: tuple[Finding, ...]


@dataclass(frozen=True)
class Began:
    """A command starts to work on an application. `operation` is the verb, `revision` the source's, or ""."""

    operation: str
    application: str
    release: int
    holder: str
    revision: str = ""


@dataclass(frozen=True)
class Waiting:
    """Another command has the application's lock; this one waits for it."""

    application: str
    holder: str


@dataclass(frozen=True)
class Planned:
    """The plan is made, and its first step comes next."""

    steps: tuple[str, ...]


@dataclass(frozen=True)
class StepBegan:
    """A step starts."""

    step: str


@dataclass(frozen=True)
class StepProgress:
    """What the current step waits for just now."""

    step: str
    detail: str


@dataclass(frozen=True)
class Output:
    """The last lines that a job or a hook has written; `logs` maps container (or `here`) -> lines."""

    step: str
    logs: Mapping[str, str]


@dataclass(frozen=True)
class StepDone:
    """A step ended well, after `seconds`."""

    step: str
    seconds: float
    detail: str = ""


@dataclass(frozen=True)
class StepFailed:
    """A step failed, after `seconds`; `logs` maps container -> its last lines."""

    step: str
    seconds: float
    message: str
    hint: str = ""
    logs: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Live:
    """The cutover is confirmed: every new request gets this release. `seconds` since the command began."""

    release: int
    colour: str
    seconds: float


@dataclass(frozen=True)
class Drained:
    """A colour holds no request any more, or the deadline passed with `cut` connections still open."""

    colour: str
    in_flight: int
    cut: int
    seconds: float


@dataclass(frozen=True)
class Undone:
    """All that the command had done is undone: what was live before it is live, and nothing else is left."""


@dataclass(frozen=True)
class Ended:
    """The command is over. `outcome` is `successful`, `failed` (undone, nobody noticed) or `unfinished`."""

    operation: str
    application: str
    outcome: str
    seconds: float


Event: TypeAlias = (
    Found
    | Began
    | Waiting
    | Planned
    | StepBegan
    | StepProgress
    | Output
    | StepDone
    | StepFailed
    | Live
    | Drained
    | Undone
    | Ended
)


def as_json(event: Event) -> dict[str, Any]:
    """An event as one flat JSON object; its kind is in `event`, in lower case with underscores."""
    kind = "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in type(event).__name__)
    return {"event": kind.strip("_"), **asdict(event)}
