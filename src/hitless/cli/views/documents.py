"""The JSON documents that `--json` prints if a command tells no events.

The view of each has its type. The schemas in docs/reference are made from these types.
"""

from __future__ import annotations

import json
from enum import StrEnum


class Document(StrEnum):
    """A document, by the name of its schema: docs/reference/<name>.schema.json."""

    PLAN = "plan"
    ADOPT = "adopt"
    STATUS = "status"
    GATEWAY_STATUS = "gateway-status"
    SHARED_STATUS = "shared-status"
    CERTIFICATES = "certificates"
    CONFIGS = "gateway-config"
    RECEIVERS = "gateway-notify"
    HISTORY = "history"
    SHOW = "show"
    PROVE = "prove"
    DIFF = "diff"
    LIKE = "gateway-like"
    DOCTOR = "doctor"
    PRUNE = "prune"
    CONFIG = "config"
    NODES = "nodes"


def print_document(kind: Document, content: object, indent: int | None = None) -> None:
    """Print it. `kind` says which schema it follows: the tests compare the two."""
    print(as_text(kind, content, indent))


def as_text(_: Document, content: object, indent: int | None = None) -> str:
    """The document as it is printed."""
    return json.dumps(content, indent=indent)
