"""Where the keys of Compose files stand. Compose itself says only what they come to."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import yaml

from hitless.adapters.docker.compose_files import ComposeOptions, files
from hitless.domain.application.resolved import Place

_VARIABLE = re.compile(r"(?<!\$)(?:\$\$)*\$(?:\{([A-Za-z_]\w*)|([A-Za-z_]\w*))")
_DEEPEST = 8  # keys of a path that somebody asks for
_LARGEST = 4_000_000  # bytes: nobody's file is larger, and what PyYAML takes for it grows with it


def places(options: ComposeOptions) -> dict[str, Place]:
    """Each key of the files, by its path (`services.web.x-hitless.timeout`): the last file counts.

    What `extends` and `include` bring, and files that can't be read, are left out.
    """
    found: dict[str, Place] = {}
    for file in files(options):
        with suppress(OSError, yaml.YAMLError, ValueError, RecursionError):
            if file.stat().st_size <= _LARGEST:
                node = yaml.compose(file.read_text("utf-8"), Loader=yaml.SafeLoader)
                found.update(_below(node, "", str(file), 0))
    return found


def _below(node: Any, path: str, file: str, depth: int) -> Iterator[tuple[str, Place]]:
    if depth > _DEEPEST:  # an anchor may hold itself
        return
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                continue
            below = f"{path}.{key.value}" if path else str(key.value)
            yield below, Place(file, key.start_mark.line + 1, _variables(value))
            yield from _below(value, below, file, depth + 1)
    elif isinstance(node, yaml.SequenceNode) and path.endswith(".labels"):
        for one in node.value:  # - traefik.enable=true
            if isinstance(one, yaml.ScalarNode):
                key, _, _ = one.value.partition("=")
                yield f"{path}.{key}", Place(file, one.start_mark.line + 1, _variables(one))


def _variables(node: Any) -> tuple[str, ...]:
    if not isinstance(node, yaml.ScalarNode):
        return ()
    return tuple(dict.fromkeys(one or two for one, two in _VARIABLE.findall(node.value)))
