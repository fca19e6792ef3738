"""docs/reference/events.md, made from the code. `python -m tests.reference.events` writes it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any, get_args

from hitless.cli.exit_codes import ExitCode
from hitless.cli.views.documents import Document
from hitless.cli.views.words import step_text
from hitless.domain.common.events import (
    SCHEMA,
    Event,
    Operation,
    Outcome,
    StepId,
    StepJson,
    StepKind,
    as_json,
    name_of,
)
from hitless.domain.common.names import Colour
from tests.execution import commands
from tests.execution.applications import shop
from tests.fakes.host import FakeHost
from tests.reference.schemas import DOCUMENTS, FOLDER, PRINTED_BY, Schema, events_schema, prose

PAGE = FOLDER / "events.md"

EXIT_CODES = {
    ExitCode.DONE: "done",
    ExitCode.FAILED: "refused, or failed and undone: the release that was live is still live",
    ExitCode.WRONG_USAGE: "wrong usage",
    ExitCode.BUG: "a bug in hitless",
    ExitCode.UNFINISHED: "unfinished: something is left for `hitless resume`, `abort`, or the next `deploy`",
    ExitCode.LOCKED: "another command works on the application, or on the gateway",
    ExitCode.HOOK_FAILED: "done, but a hook after the cutover failed; the outcome is `successful`",
    ExitCode.LOST: "`hitless prove` alone: deployments lost a request or a session",
    ExitCode.INTERRUPTED: "interrupted: undone before the cutover, left as it is after it",
}
"""How a command can end."""

_TEXT = """# Events and JSON outputs

Most commands have `--json`. Commands that change something print **events** while they work. Commands that
only look, and `prove`, print **one document**. Both have schemas in this folder (JSON Schema 2020-12), and
hitless's tests compare everything they print with them. This page and the schemas are made from the code by
`make docs`.

Errors for people go to standard error. If a command can't begin to look, for example because the Compose
file can't be read, it prints no document.

## Exit codes

{exit_codes}

## Documents

{documents}

A document is one JSON value. No field is left out: a field without a value is `null`, `0`, `""` or empty.
`history` has the latest command first, `show` the oldest.

## Events

These commands print events with `--json`: {operations}. `adopt --dry-run` does not.

- Each line is one event: one JSON object. [events.schema.json](events.schema.json) describes it.
- `event` says which kind it is, `schema` is the version of the form, and `time` is an ISO time in UTC.
- `ended` is the last event of every command, exactly once. A refused command has it, too, and a command
  that fails or is interrupted. A command that is killed, or stopped by a second Ctrl-C, has no `ended`.
  Wrong usage (exit code 2) prints no event.
- `began` comes when the work begins. A command that is refused before has no `began`. If the reason is in
  your files, it has `found`.
- `planned` comes after the steps that get the images: what an image exposes is part of the plan.
- The journal has the events from `began` to `ended`, without `step_progress`, `wrote` and `undoing`.
  `hitless show --json` prints them. Events of an older hitless are there in their old form.
- hitless replaces values that look like secrets with `[redacted]`.

### The version

`schema` is now {schema}. It rises with every change of what an event holds: a new kind of event or of step,
a new field, or a field with another meaning. So all events with one `schema` match one file. A program that
meets a higher `schema` should ignore kinds of events that it does not know. In version 1, a step was an
English sentence, and an event had no `schema`. Journals of that time still have such events.

### An example

The second deployment of an application with one service that is built, on a host in memory:

```json
{example}
```

### Kinds of events

Every event has `time`, `event` and `schema`, too.

{events}

### A step

{step}

{step_fields}

`id` is `kind`, `colour`, `release` and `subjects`, joined by colons. `hitless plan` prints words for people.
They can change without a new `schema`; kinds do not.

{steps}

### Outcomes

{outcome}

{outcomes}
"""


def page() -> str:
    """The whole page."""
    definitions = events_schema()["$defs"]
    return _TEXT.format(
        schema=SCHEMA,
        exit_codes=_table(("exit code", "meaning"), EXIT_CODES.items()),
        documents=_table(("command", "document", "schema"), _documents()),
        operations=_list(one for one in Operation if one is not Operation.PROVE),
        example="\n".join(_example()),
        events="\n\n".join(_event(kind, definitions) for kind in get_args(Event)),
        step=prose(StepId),
        step_fields=_fields(definitions[StepJson.__name__]),
        steps=_table(
            ("`kind`", "an `id`", "for people"),
            ((f"`{one.kind}`", f"`{one}`", step_text(one)) for one in map(_sample, StepKind)),
        ),
        outcome=prose(Outcome),
        outcomes=f"The outcomes are {_list(Outcome)}.",
    )


def _documents() -> Iterator[tuple[str, str, str]]:
    for kind in Document:
        file = f"{kind}.schema.json"
        shown = DOCUMENTS[kind]
        of_each = get_args(shown)
        about = f"A list. {prose(of_each[0])}" if of_each else prose(shown)
        commands = _list(f"hitless {one}" for one in PRINTED_BY[kind])
        yield commands, about.partition("\n\n")[0], f"[{file}]({file})"


def _event(kind: Any, definitions: dict[str, Schema]) -> str:
    shown = definitions[kind.__name__]
    of_all = ("time", "event", "schema")
    own = {name: one for name, one in shown["properties"].items() if name not in of_all}
    fields = f"\n\n{_fields({**shown, 'properties': own})}" if own else ""
    return f"#### `{name_of(kind)}`\n\n{prose(kind)}{fields}"


def _fields(of: Schema) -> str:
    return _table(("field", "type"), ((f"`{name}`", _type(one)) for name, one in of["properties"].items()))


def _type(of: Schema) -> str:
    """`list of string`, `Colour or null`."""
    match of:
        case {"$ref": str(name)}:
            named = name.rpartition("/")[2]
            return {
                "StepJson": "a [step](#a-step)",
                "StepKind": "a kind of [step](#a-step)",
                "Outcome": "an [outcome](#outcomes)",
                "Operation": "one of the commands above, or `prove`",
                "Colour": _list(Colour, " or "),
                "Finding": "finding: `path`, `message`, `hint` (text), `is_error` (boolean)",
            }[named]
        case {"anyOf": list(several)}:
            return " or ".join(map(_type, several))
        case {"type": "array", "items": dict(items)}:
            return f"list: {_type(items)}"
        case {"type": "object", "additionalProperties": dict(items)}:
            return f"object: name to {_type(items)}"
        case {"type": str(plain)}:
            return {"string": "text"}.get(plain, plain)
        case _:
            raise TypeError(f"no words for {of}")


def _sample(kind: StepKind) -> StepId:
    """A step of the kind, with subjects of the sort that it has."""
    green = StepId(kind, Colour.GREEN)
    match kind:
        case StepKind.BUILD | StepKind.START_SHARED | StepKind.RECREATE_SHARED | StepKind.STOP_EXCLUSIVE:
            return StepId(kind, subjects=("web", "worker"))
        case StepKind.PULL:
            return StepId(kind, subjects=("redis:8",))
        case StepKind.CONNECT_SHARED:
            return StepId(kind, subjects=("postgres",), to=("shop-green_default",))
        case StepKind.GET_CERTIFICATES:
            return StepId(kind, subjects=("shop.example",), to=("acme-v02.api.letsencrypt.org",))
        case StepKind.CREATE:
            return replace(green, release=7)
        case StepKind.TAG | StepKind.RECORD | StepKind.PROMOTE:
            return StepId(kind, release=7)
        case StepKind.RUN_JOB:
            return replace(green, subjects=("migrate",))
        case StepKind.RUN_HOOK:
            return replace(green, subjects=("hook-before-start",))
        case StepKind.RUN_LOCAL_HOOK:
            return StepId(kind, subjects=("after-cutover",))
        case StepKind.ATTACH | StepKind.DETACH:
            return replace(green, subjects=("postgres",))
        case StepKind.HAND_OVER:
            return replace(green, subjects=("worker",))
        case StepKind.FORGET:
            return StepId(kind, subjects=("3", "4"))
        case StepKind.ADD_REPLICAS:
            return replace(green, subjects=("web",))
        case StepKind.BAKE:
            return replace(green, seconds=30.0)
        case StepKind.LOAD:
            return StepId(kind, seconds=5.0)
        case StepKind.TAKE_PORTS:
            return StepId(kind, subjects=("8080",))
        case (
            StepKind.RESTORE_ROUTES
            | StepKind.CONFIRM_ROUTES
            | StepKind.REMOVE_VOLUMES
            | StepKind.START_GATEWAY
            | StepKind.RESTART_GATEWAY
        ):
            return StepId(kind)
        case _:
            return green


def _example() -> Iterator[str]:
    """What a deployment tells, with the times of a host in memory."""
    host = FakeHost()
    commands.deploy(host.ports(), shop())
    host.behaviour.connections = [2, 0]
    lines: list[str] = []

    def emit(event: Event) -> None:
        lines.append(json.dumps(as_json(event, host.clock.utc())))

    commands.deploy(replace(host.ports(), emit=emit), shop())
    yield from lines


def _list(several: Iterable[str], between: str = ", ") -> str:
    return between.join(f"`{one}`" for one in several)


def _table(columns: tuple[str, ...], rows: Iterable[tuple[object, ...]]) -> str:
    lines = [columns, ("---",) * len(columns), *rows]
    return "\n".join(f"| {' | '.join(map(str, cells))} |" for cells in lines)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
