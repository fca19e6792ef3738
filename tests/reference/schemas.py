"""docs/reference/*.schema.json, made from the code. `python -m tests.reference.schemas` writes them."""

from __future__ import annotations

import inspect
import json
import types
from collections.abc import Mapping, Sequence
from dataclasses import is_dataclass
from enum import EnumType
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints, is_typeddict

from hitless.cli.views.adoption import AdoptDocument
from hitless.cli.views.certificates import CertificatesDocument
from hitless.cli.views.config import ConfigDocument
from hitless.cli.views.configs import ConfigsDocument
from hitless.cli.views.diagnosis import DoctorDocument
from hitless.cli.views.difference import DiffDocument
from hitless.cli.views.documents import Document
from hitless.cli.views.gateway import GatewayStatusDocument
from hitless.cli.views.history import HistoryDocument, ShowDocument
from hitless.cli.views.like import LikeDocument
from hitless.cli.views.nodes import NodesDocument
from hitless.cli.views.plan import PlanDocument
from hitless.cli.views.proof import ProofDocument
from hitless.cli.views.prune import PruneDocument
from hitless.cli.views.receivers import ReceiversDocument
from hitless.cli.views.shared import SharedStatusDocument
from hitless.cli.views.status import StatusDocument
from hitless.domain.common.events import SCHEMA, Event, StepId, StepJson, name_of

FOLDER = Path(__file__).parents[2] / "docs" / "reference"
DIALECT = "https://json-schema.org/draft/2020-12/schema"

DOCUMENTS: Mapping[Document, Any] = {
    Document.PLAN: PlanDocument,
    Document.ADOPT: AdoptDocument,
    Document.STATUS: StatusDocument,
    Document.GATEWAY_STATUS: GatewayStatusDocument,
    Document.SHARED_STATUS: SharedStatusDocument,
    Document.CERTIFICATES: CertificatesDocument,
    Document.CONFIGS: ConfigsDocument,
    Document.RECEIVERS: ReceiversDocument,
    Document.HISTORY: HistoryDocument,
    Document.SHOW: ShowDocument,
    Document.PROVE: ProofDocument,
    Document.DIFF: DiffDocument,
    Document.LIKE: LikeDocument,
    Document.DOCTOR: DoctorDocument,
    Document.PRUNE: PruneDocument,
    Document.CONFIG: ConfigDocument,
    Document.NODES: NodesDocument,
}
"""What each document is, as a type."""

PRINTED_BY: Mapping[Document, tuple[str, ...]] = {
    Document.PLAN: ("plan",),
    Document.ADOPT: ("adopt --dry-run",),
    Document.STATUS: ("status",),
    Document.GATEWAY_STATUS: ("status --all", "gateway status"),
    Document.SHARED_STATUS: ("shared status",),
    Document.CERTIFICATES: ("gateway certificate list",),
    Document.CONFIGS: ("gateway config list",),
    Document.RECEIVERS: ("gateway notify list",),
    Document.HISTORY: ("history",),
    Document.SHOW: ("show",),
    Document.PROVE: ("prove",),
    Document.DIFF: ("diff",),
    Document.LIKE: ("gateway up --dry-run",),
    Document.DOCTOR: ("doctor",),
    Document.PRUNE: ("prune",),
    Document.CONFIG: ("config",),
    Document.NODES: ("nodes list",),
}
"""The commands that print each document with `--json`."""

Schema = dict[str, Any]
_NULL = type(None)
_PLAIN: Mapping[Any, str] = {bool: "boolean", int: "integer", float: "number", str: "string", _NULL: "null"}


def texts() -> dict[Path, str]:
    """Every file, with what it must hold."""
    found = {"events": events_schema(), **{str(kind): document_schema(kind) for kind in Document}}
    return {
        FOLDER / f"{name}.schema.json": json.dumps(schema, indent=2, ensure_ascii=False) + "\n"
        for name, schema in found.items()
    }


def events_schema() -> Schema:
    """One line of a command that tells events."""
    definitions: dict[str, Schema] = {}
    body = _any_event(definitions)
    return {
        "$schema": DIALECT,
        "title": f"An event of hitless, schema {SCHEMA}",
        **body,
        "$defs": dict(sorted(definitions.items())),
    }


def document_schema(kind: Document) -> Schema:
    """One document."""
    definitions: dict[str, Schema] = {}
    body = _of(DOCUMENTS[kind], definitions)
    commands = ", ".join(f"hitless {command} --json" for command in PRINTED_BY[kind])
    return {"$schema": DIALECT, "title": commands, **body, "$defs": dict(sorted(definitions.items()))}


def _any_event(definitions: dict[str, Schema]) -> Schema:
    """An event of any kind: `event` says which one."""
    kinds = {name_of(kind): kind for kind in get_args(Event)}
    for name, kind in kinds.items():
        known = _fields(kind, definitions)
        more = {
            "time": {"type": "string", "format": "date-time"},
            "event": {"const": name},
            "schema": {"const": SCHEMA},
        }
        definitions[kind.__name__] = {
            **known,
            "properties": {**more, **known["properties"]},
            "required": [*more, *known["required"]],
        }
    return {"oneOf": [{"$ref": f"#/$defs/{kind.__name__}"} for kind in kinds.values()]}


def _journal_event(definitions: dict[str, Schema]) -> Schema:
    """An event of the journal: of this schema, or of another hitless, whose events may hold anything."""
    definitions["Event"] = _any_event(definitions)
    return {
        "type": "object",
        "properties": {"event": {"type": "string"}, "schema": {"type": "integer"}},
        "required": ["event"],
        "if": {"properties": {"schema": {"const": SCHEMA}}, "required": ["schema"]},
        "then": {"$ref": "#/$defs/Event"},
    }


def _of(kind: Any, definitions: dict[str, Schema]) -> Schema:
    """The schema of a type. A type with a name is a definition, and its schema is a reference to that."""
    if kind in _PLAIN:
        return {"type": _PLAIN[kind]}
    if kind is StepId:
        return _of(StepJson, definitions)
    if isinstance(kind, EnumType) or is_dataclass(kind) or is_typeddict(kind):
        name = kind.__name__
        if name not in definitions:
            definitions[name] = {}  # it may hold itself
            definitions[name] = _fields(kind, definitions)
        return {"$ref": f"#/$defs/{name}"}
    arguments = get_args(kind)
    match get_origin(kind):
        case origin if origin is Annotated:  # JSON that holds a value of another type
            return _journal_event(definitions) if arguments[1] is Event else _of(arguments[1], definitions)
        case origin if origin is Literal:
            return {"enum": list(arguments)}
        case origin if origin in (Union, types.UnionType):
            return {"anyOf": [_of(one, definitions) for one in arguments]}
        case origin if origin in (list, tuple, Sequence):
            return {"type": "array", "items": _of(arguments[0], definitions)}
        case origin if origin in (dict, Mapping):
            return {"type": "object", "additionalProperties": _of(arguments[1], definitions)}
        case _:
            raise TypeError(f"there is no schema for {kind}")


def _fields(kind: Any, definitions: dict[str, Schema]) -> Schema:
    """The definition of an enumeration, a dataclass or a `TypedDict`: every field is there, and no other."""
    about = {"description": prose(kind)}
    if isinstance(kind, EnumType):
        return {**about, "enum": [str(one) for one in kind]}  # type: ignore[var-annotated]
    hints = get_type_hints(kind, include_extras=True)
    return {
        **about,
        "type": "object",
        "properties": {name: _of(one, definitions) for name, one in hints.items()},
        "required": list(hints),
        "additionalProperties": False,
    }


def prose(kind: Any) -> str:
    """What the docstring of a type says: one line a paragraph."""
    paragraphs = inspect.cleandoc(kind.__doc__).split("\n\n")
    return "\n\n".join(" ".join(one.split()) for one in paragraphs)


if __name__ == "__main__":
    for path, text in texts().items():
        path.write_text(text, encoding="utf-8")
