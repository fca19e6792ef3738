"""What hitless prints, compared with the schemas that docs/reference publishes."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from functools import cache, lru_cache
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match

from hitless.cli.views.documents import Document
from hitless.domain.common.events import Event, as_json
from tests.reference.schemas import FOLDER, PRINTED_BY

UPDATE = (
    "run make docs, look at the difference, and raise SCHEMA in domain/common/events.py if what an event "
    "holds has changed since the last release"
)

_DOCUMENT_OF = {command: kind for kind, commands in PRINTED_BY.items() for command in commands}


def check_event(event: Event) -> None:
    """Fail if the event, as JSON, does not keep to the schema of events."""
    _check_text("events", json.dumps(as_json(event, "2026-01-01T00:00:00.000+00:00")))


def check_line(line: str) -> None:
    """Fail if a line of the journal, or of `--json`, does not keep to the schema of events."""
    _check_text("events", line)


def check_document(kind: Document, text: str) -> None:
    """Fail if a document does not keep to its schema."""
    _check_text(str(kind), text)


def check_output(arguments: Sequence[str], output: str) -> None:
    """Fail if what a command printed with `--json` does not keep to its schema: a document, or events.

    Lines that are no JSON are left out: tests read standard error on the same pipe.
    """
    words = " ".join(arguments)
    called = [command for command in _DOCUMENT_OF if _is_called(words, command)]
    start = re.search(r"^[{\[]", output, re.MULTILINE)
    if called and start:
        content, _ = json.JSONDecoder().raw_decode(output[start.start() :])
        check(str(_DOCUMENT_OF[max(called, key=len)]), content)
    elif not called:
        for line in output.splitlines():
            if line.startswith("{"):
                _check_text("events", line)


def check(name: str, content: Any) -> None:
    """Fail if this is not what the schema of that name says."""
    event = content["event"] if name == "events" else ""
    if error := best_match(_validator(name, event).iter_errors(content)):
        where = f"docs/reference/{name}.schema.json, at {event}{error.json_path}"
        raise AssertionError(f"not as in {where}: {error.message}\nif that is meant: {UPDATE}")


@lru_cache(maxsize=4096)  # tests tell the same events again and again
def _check_text(name: str, text: str) -> None:
    check(name, json.loads(text))


@cache
def _validator(name: str, event: str) -> Draft202012Validator:
    """For a file; `event`: for this kind of event alone, whose errors tell more than those of all kinds."""
    schema = json.loads((FOLDER / f"{name}.schema.json").read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(schema)
    if event:
        [of] = [
            key
            for key, one in schema["$defs"].items()
            if one.get("properties", {}).get("event") == {"const": event}
        ]
        schema = {"$ref": f"#/$defs/{of}", "$defs": schema["$defs"]}
    return Draft202012Validator(schema)


def _is_called(words: str, command: str) -> bool:
    """Whether these words call the command: its name first, and its option anywhere."""
    name, _, option = command.partition(" --")
    return words.startswith(name) and (not option or f"--{option}" in words)
