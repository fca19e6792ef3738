"""Data of others that is passed on, and not interpreted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

Json: TypeAlias = Mapping[str, Any]
"""A decoded JSON or YAML mapping: foreign data that is passed on, not interpreted."""
