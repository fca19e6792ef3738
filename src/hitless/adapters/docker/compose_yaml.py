"""Read the YAML that Compose prints, by the rules that Compose uses; and write YAML for Compose.

Compose writes YAML 1.2 and quotes what 1.1 would read as a boolean, a date or a number in base 60. It does
not quote `=`, `<<` or `0x_`, which PyYAML, a reader of 1.1, reads as something special.
"""

from __future__ import annotations

import re
from typing import Any

import yaml
from yaml import YAMLError

from hitless.adapters.json_yaml import dump

__all__ = ["YAMLError", "dump", "load"]


# the one in C, if PyYAML was built with it
_Base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


_KEPT = ("null", "bool", "float")


_INT = re.compile(r"[-+]?(?:0|[1-9][0-9]*|0x[0-9a-fA-F]+|0o?[0-7]+)")


class _Loader(_Base):  # type: ignore[misc]  # chosen at run time
    """A safe loader that finds only null, booleans and numbers in plain values."""

    yaml_implicit_resolvers = {  # noqa: RUF012 - PyYAML's own shape
        first: [(tag, pattern) for tag, pattern in resolvers if tag.rpartition(":")[2] in _KEPT]
        for first, resolvers in _Base.yaml_implicit_resolvers.items()
    }


_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:int", re.compile(rf"^(?:{_INT.pattern})$"), list("-+0123456789")
)


def load(text: bytes) -> Any:
    """The document as plain Python values."""
    return yaml.load(text, Loader=_Loader)  # noqa: S506 - it is a safe loader
