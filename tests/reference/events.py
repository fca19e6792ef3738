"""docs/reference/events.md, made from the code. `python -m tests.reference.events` writes it."""

from __future__ import annotations

import inspect
import json
from collections.abc import Mapping
from dataclasses import fields
from enum import EnumType
from pathlib import Path
from typing import Any, get_args

from hitless.cli.views.words import step_text
from hitless.domain.common.events import (
    SCHEMA,
    Drained,
    Ended,
    Event,
    Live,
    Operation,
    Outcome,
    StepDone,
    StepId,
    StepKind,
    as_json,
    name_of,
)
from hitless.domain.common.names import Colour
from tests.reference.schemas import PRINTED_BY

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "events.md"

_TIME = "2026-01-01T12:00:00.000+00:00"
_EXAMPLE: tuple[Event, ...] = (
    StepDone(StepId(StepKind.CUT_OVER, Colour.GREEN), 0.21, "generation 12"),
    Live(7, Colour.GREEN, 4.8),
    Drained(Colour.BLUE, 3, 0, 0.4),
    Ended(Operation.DEPLOY, "shop", Outcome.SUCCESSFUL, 10.2),
)

_SERVICES = (
    *(StepKind.BUILD, StepKind.START_SHARED, StepKind.RECREATE_SHARED, StepKind.CONNECT_SHARED),
    *(StepKind.RUN_JOB, StepKind.RUN_HOOK, StepKind.ATTACH, StepKind.DETACH, StepKind.HAND_OVER),
)
_SUBJECTS: Mapping[StepKind, tuple[str, ...]] = {
    **dict.fromkeys(_SERVICES, ("web",)),
    StepKind.PULL: ("redis:7",),
    StepKind.RUN_LOCAL_HOOK: ("after-cutover-1",),
    StepKind.ADD_REPLICAS: ("shop-green-web-3",),
    StepKind.REMOVE: ("shop-web-1",),
    StepKind.STOP_EXCLUSIVE: ("shop-worker-1",),
    StepKind.FORGET: ("3",),
    StepKind.TAKE_PORTS: ("8080",),
}

_TEXT = """# Events

`hitless deploy --json`, and every other command that works on an application, prints one event on each
line, as a JSON object. The journal (`hitless show --json`) holds the same events. This page is made from the
code (`make docs`).

Every event has these fields:

| field | meaning |
| --- | --- |
| `time` | when it happened: ISO 8601, in UTC |
| `event` | its kind: the names below |
| `schema` | the version of this form: {schema}. In version 1 (no such field) a step was a sentence |

`ended` is the last event of every command, exactly once, also if the command was refused. The exact form is
in [events.schema.json](events.schema.json) (JSON Schema 2020-12). A new field or kind raises the version.

```json
{example}
```

## Kinds

| event | when | fields |
| --- | --- | --- |
{events}

## Steps

A step is an object: `id` is `kind`, `colour`, `release` and `subjects` joined by colons; the other fields
hold the same parts. `subjects` are services, containers, images, releases or ports, depending on the kind.
The words in which hitless shows a step can change. The kinds do not.

| kind | for example |
| --- | --- |
{steps}

## Operations and outcomes

Operations: {operations}.

{outcomes}

## Other output

These commands print one JSON document with `--json`:

| command | schema |
| --- | --- |
{documents}
"""


def page() -> str:
    """The whole page."""
    return _TEXT.format(
        schema=SCHEMA,
        example="\n".join(json.dumps(as_json(one, _TIME)) for one in _EXAMPLE),
        events="\n".join(map(_event, get_args(Event))),
        steps="\n".join(f"| `{kind}` | {_words(kind)} |" for kind in StepKind),
        operations=", ".join(f"`{one}`" for one in Operation),
        outcomes=_doc(Outcome),
        documents="\n".join(
            f"| `hitless {command}` | [{document}.schema.json]({document}.schema.json) |"
            for document, commands in PRINTED_BY.items()
            for command in commands
        ),
    )


def _event(kind: type[Any]) -> str:
    names = ", ".join(f"`{one.name}`" for one in fields(kind)) or "none"
    return f"| `{name_of(kind)}` | {_doc(kind)} | {names} |"


def _doc(kind: type[Any] | EnumType) -> str:
    return " ".join((inspect.getdoc(kind) or "").split())


def _words(kind: StepKind) -> str:
    return step_text(StepId(kind, Colour.GREEN, 7, _SUBJECTS.get(kind, ()), ("shop_default",), 5.0))


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
