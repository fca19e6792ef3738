"""Data of others that hitless passes on and does not read; and fields that may hold words of others."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, field
from typing import Any, TypeAlias

Json: TypeAlias = Mapping[str, Any]
"""A decoded JSON or YAML mapping: foreign data that hitless passes on and does not read."""

_FOREIGN = "foreign"


def foreign(default: Any = MISSING, default_factory: Callable[[], Any] | Any = MISSING) -> Any:
    """A dataclass's field that may hold words of others, and so a secret.

    All other fields hold hitless's own names, which stay as they are (`redact`).
    """
    return field(default=default, default_factory=default_factory, metadata={_FOREIGN: True})


def is_foreign(one: Field[Any]) -> bool:
    """Whether a field may hold words of others."""
    return bool(one.metadata.get(_FOREIGN))
