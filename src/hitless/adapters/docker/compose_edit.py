"""Say something in the text of a Compose file, and leave every other character of it as it is.

PyYAML says where each key and value stands; the text is cut there. So comments, order, quotes, indentation
and the ends of lines stay, which no writer of YAML keeps.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence

import yaml

from hitless.domain.common.foreign import Json

_MARK = "\ufeff"
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
_WORDS = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null"})
_ALIAS = re.compile(r"\s*(\*[^\s,\[\]{}]+)")


class EditFailed(Exception):
    """A text in which something can't be said; the message is the rest of the sentence "it …"."""


def say(text: str, services: Mapping[str, Json], extension: str) -> str:
    """The text of a Compose file that says this: service -> the keys of its extension (`x-hitless`).

    What the extension says already stays, except for these keys. Raises `EditFailed` for a text that is not
    the YAML of a Compose file.
    """
    mark = _MARK if text.startswith(_MARK) else ""
    text = text.removeprefix(_MARK)
    for service, keys in reversed([*services.items()]):  # each new one stands above the others
        path = ("services", service, extension)
        if _find(text, path) is None:
            text = _put(text, path, _flow(keys))
            continue
        for key, value in keys.items():
            text = _put(text, (*path, key), _flow(value))
    return mark + text


def _put(text: str, path: Sequence[str], value: str) -> str:
    """The text with a value at this path."""
    root = _root(text)
    if root is None or (_is_empty(root) and root.start_mark.index == root.end_mark.index):
        start = f"{text}{_end_of_line(text)}" if text and not text.endswith("\n") else text
        return start + _block(path, value, 0, _end_of_line(text)) + _end_of_line(text)
    node, above = root, None
    for depth, key in enumerate(path):
        if not isinstance(node, yaml.MappingNode):
            raise EditFailed(f"has no mapping at {'.'.join(path[:depth]) or 'its top'}")
        found = _own(node, key)
        if found is None:
            return _insert(text, node, above, path[depth:], value)
        above, child = found
        if _is_alias(above, child):
            return _override_alias(text, above, path[depth + 1 :], value)
        if depth + 1 == len(path) or _is_empty(child):
            return _replace(text, above, child, path[depth + 1 :], value)
        node = child
    raise AssertionError("the last key of a path ends it")


def _find(text: str, path: Sequence[str]) -> yaml.Node | None:
    """The value that stands at this path itself, not through an alias or a merge; None if there is none."""
    node = _root(text)
    for key in path:
        found = _own(node, key) if isinstance(node, yaml.MappingNode) else None
        if found is None or _is_alias(*found):
            return None
        node = found[1]
    return node


def _root(text: str) -> yaml.Node | None:
    try:
        # a loader that makes only nodes: no tag makes it build anything
        return yaml.compose(text, Loader=yaml.SafeLoader)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise EditFailed(f"can't be read here: {' '.join(str(error).split())}") from error


def _own(node: yaml.MappingNode, key: str) -> tuple[yaml.Node, yaml.Node] | None:
    pairs = (pair for pair in node.value if isinstance(pair[0], yaml.ScalarNode) and pair[0].value == key)
    return next(pairs, None)


def _is_alias(key: yaml.Node, value: yaml.Node) -> bool:
    """The value of an alias is the node of its anchor, which stands further up."""
    return bool(value.start_mark.index < key.start_mark.index)


def _is_empty(node: yaml.Node) -> bool:
    return isinstance(node, yaml.ScalarNode) and node.tag == "tag:yaml.org,2002:null"


def _override_alias(text: str, key: yaml.Node, rest: Sequence[str], value: str) -> str:
    """`web: *base` becomes `web: {<<: *base, …}`."""
    colon = text.index(":", key.end_mark.index) + 1
    alias = _ALIAS.match(text, colon)
    if alias is None or not rest:
        raise EditFailed(f"has an alias at {key.value} that can't be changed")
    said = f"{{<<: {alias[1]}, {_nested(rest, value)}}}"
    return f"{text[: alias.start(1)]}{said}{text[alias.end(1) :]}"


def _replace(text: str, key: yaml.Node, old: yaml.Node, rest: Sequence[str], value: str) -> str:
    """The text with another value at a key that has a scalar, or nothing."""
    if not isinstance(old, yaml.ScalarNode):
        raise EditFailed(f"has more than a word at {key.value}")
    said = f"{{{_nested(rest, value)}}}" if rest else value
    start, end = old.start_mark.index, old.end_mark.index
    if start == end:  # nothing, not even `null`: it stands right after the colon
        start = end = text.index(":", key.end_mark.index) + 1
        said = f" {said}"
    return f"{text[:start]}{said}{text[end:]}"


def _insert(
    text: str, node: yaml.MappingNode, above: yaml.Node | None, rest: Sequence[str], value: str
) -> str:
    """The text with a new key in a mapping; `above` is the key of the mapping, None for the whole file."""
    end = _end_of_line(text)
    if node.flow_style:
        start = text.index("{", node.start_mark.index) + 1
        return f"{text[:start]}{_nested(rest, value)}{', ' if node.value else ''}{text[start:]}"
    column = node.value[0][0].start_mark.column
    block = _block(rest, value, column, end)
    if above is None:
        text = text if text.endswith("\n") else text + end
        return f"{text}{' ' * column}{block}{end}"
    # right below its name: a comment further down goes on standing above what it is about
    start = text.index("\n", above.end_mark.index) + 1
    return f"{text[:start]}{' ' * column}{block}{end}{text[start:]}"


def _block(path: Sequence[str], value: str, column: int, end: str) -> str:
    """Nested keys, each on a line of its own."""
    lines = [f"{' ' * 2 * depth}{_key(key)}:" for depth, key in enumerate(path)]
    return f"{end}{' ' * column}".join(lines) + f" {value}"


def _nested(path: Sequence[str], value: str) -> str:
    """Nested keys on one line."""
    *outer, last = map(_key, path)
    return "".join(f"{key}: {{" for key in outer) + f"{last}: {value}" + "}" * len(outer)


def _end_of_line(text: str) -> str:
    return "\r\n" if "\r\n" in text else "\n"


def _key(key: str) -> str:
    """A key that every reader of YAML takes for a text."""
    return key if _PLAIN.fullmatch(key) and key.lower() not in _WORDS else json.dumps(key)


def _flow(value: object) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_key(str(key))}: {_flow(one)}" for key, one in value.items()) + "}"
    return _key(value) if isinstance(value, str) else json.dumps(value)
