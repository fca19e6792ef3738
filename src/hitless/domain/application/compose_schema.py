"""The shape of what `docker compose config` prints, for the parts that hitless reads.

Compose checks its files itself. This check is for a damaged record of a kept release, and for another version
of Compose. It comes first, so all other readers can rely on the shape.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from hitless.domain.common.names import X_VALUE


@dataclass(frozen=True)
class Leaf:
    """A single value of one of these types; `noun` is the word for it in messages."""

    noun: str
    types: tuple[type, ...]


Shape: TypeAlias = "Leaf | Mapping[str, Shape] | list[Shape]"
"""All values of a list have one shape. In a mapping, the key `*` means every other key."""


ANYTHING = Leaf("text, numbers, lists and mappings", ())
TEXT = Leaf("a text", (str,))
WHOLE = Leaf("a whole number", (int,))
FLAG = Leaf("true or false", (bool,))
SCALAR = Leaf("a text or a number", (str, int, float, bool))


TEXTS: Shape = {"*": SCALAR}


NETWORK: Shape = {
    "name": TEXT,
    "external": FLAG,
    "labels": TEXTS,
    "ipam": {"config": [{"subnet": TEXT, "*": ANYTHING}], "*": ANYTHING},
    "*": ANYTHING,
}


VOLUME: Shape = {
    "name": TEXT,
    "external": FLAG,
    "labels": TEXTS,
    "driver": TEXT,
    "driver_opts": TEXTS,
    "*": ANYTHING,
}


FROM_ENVIRONMENT: Shape = {"*": {"environment": TEXT, X_VALUE: TEXT, "*": ANYTHING}}


SERVICE: Shape = {
    "image": TEXT,
    "build": {"args": TEXTS, "*": ANYTHING},
    "platform": TEXT,
    "pull_policy": TEXT,
    "scale": WHOLE,
    "restart": TEXT,
    "network_mode": TEXT,
    "pid": TEXT,
    "ipc": TEXT,
    "volumes_from": [TEXT],
    "container_name": TEXT,
    "command": [SCALAR],
    "entrypoint": [SCALAR],
    "environment": TEXTS,
    "labels": TEXTS,
    "depends_on": {"*": {"condition": TEXT, "*": ANYTHING}},
    "deploy": {
        "replicas": WHOLE,
        "restart_policy": {"condition": TEXT, "max_attempts": WHOLE, "*": ANYTHING},
        "*": ANYTHING,
    },
    "healthcheck": {"test": [SCALAR], "disable": FLAG, "*": ANYTHING},
    "expose": [SCALAR],
    "ports": [{"target": WHOLE, "published": SCALAR, "protocol": TEXT, "*": ANYTHING}],
    "volumes": [{"type": TEXT, "source": TEXT, "target": TEXT, "read_only": FLAG, "*": ANYTHING}],
    "networks": {"*": {"ipv4_address": TEXT, "ipv6_address": TEXT, "*": ANYTHING}},
    "*": ANYTHING,
}


MODEL: Shape = {
    "name": TEXT,
    "services": {"*": SERVICE},
    "networks": {"*": NETWORK},
    "volumes": {"*": VOLUME},
    "secrets": FROM_ENVIRONMENT,
    "configs": FROM_ENVIRONMENT,
    "*": ANYTHING,
}


def misshapen(model: Any) -> tuple[str, ...]:
    """Each place of a Compose model that hitless can't read, as a sentence; no values are shown."""
    return tuple(_misshapen(model, MODEL, "", may_be_absent=False))


def _misshapen(value: Any, shape: Shape, path: str, may_be_absent: bool) -> Iterator[str]:
    if value is None and may_be_absent:
        return
    if shape is ANYTHING:
        shape = (
            {"*": ANYTHING}
            if isinstance(value, Mapping)
            else [ANYTHING]
            if isinstance(value, list)
            else SCALAR
        )
    where = path or "the model"
    if isinstance(shape, Leaf):
        # true is not a whole number, although it is one in Python
        if not isinstance(value, shape.types) or (isinstance(value, bool) and bool not in shape.types):
            yield f"{where} must be {shape.noun}, not {_noun(value)}"
    elif isinstance(shape, list):
        if not isinstance(value, list):
            yield f"{where} must be a list, not {_noun(value)}"
            return
        for number, one in enumerate(value):
            yield from _misshapen(one, shape[0], f"{path}[{number}]", shape[0] is ANYTHING)
    elif not isinstance(value, Mapping):
        yield f"{where} must be a mapping, not {_noun(value)}"
    else:
        for key, one in value.items():
            if not isinstance(key, str):
                yield f"{where} must have texts as keys, not {_noun(key)}"
            else:
                below = shape.get(key, shape.get("*", ANYTHING))
                yield from _misshapen(one, below, f"{path}.{key}" if path else key, below is not SERVICE)


def _noun(value: Any) -> str:
    return _NOUNS.get(type(value), "something else")


_NOUNS = {
    type(None): "nothing",
    bool: "true or false",
    int: "a number",
    float: "a number",
    str: "a text",
    bytes: "bytes that are not text",
    list: "a list",
    dict: "a mapping",
}
