"""Keep secrets out of what is shown and written down: logs and error texts may hold environment values."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import fields, is_dataclass, replace
from typing import Any, TypeVar
from urllib.parse import unquote

from hitless.domain.model import Json

MARK = "[redacted]"
CUT_OFF = "…"  # at the end of a text that goes on
# The fields of events that hold words of others; the rest are names of hitless's own: a step, a release
_FREE = ("message", "hint", "logs", "detail", "findings")
_SECRET = re.compile(
    r"pass|pwd|secret|token|credential|creds?$|private|authorization|basic_?auth|dsn|api_?key|access_?key|_key$",
    re.I,
)
# where a secret is kept is none
_PLACE = re.compile(r"[_-](file|path|dir)$", re.I)
# up to the last @ of the address: a password that was not escaped may have one itself
_USERINFO = re.compile(r"://[^/\s:@]*:([^/\s]+)@")
# ?password=…&…, Server=…;Password=…
_ASSIGNED = re.compile(r"(?:^|[?&;,\s])([\w.-]+)=(?=([^&;\s]+))")
_OPTION = re.compile(r"--?([\w-]+)(?:=(.*))?", re.S)
_USERS = re.compile(r"auth.*\.(users|basic)$", re.I)
# What is shorter is a word of the language as often as a secret
_SHORTEST = 6

T = TypeVar("T")


def secrets(model: Json) -> frozenset[str]:
    """The values in a resolved Compose model that are secret by their name, or within others."""
    found: set[str] = set()
    for service in (model.get("services") or {}).values():
        if not isinstance(service, dict):
            continue
        build = service.get("build")
        for key, text in (*_pairs(service.get("environment")), *_pairs((build or {}).get("args"))):
            found.update(_within(text))
            if _is_secret(key):
                # a log shows it line by line
                found.update((text, *text.splitlines()))
        for key, text in _pairs(service.get("labels")):
            if _USERS.search(key):
                found.update(text.split(","))
            elif _is_secret(key.rpartition(".")[2]):
                found.add(text)
        for key in ("command", "entrypoint"):
            found.update(_of_options(service.get(key)))
    for volume in (model.get("volumes") or {}).values():
        for _, text in _pairs((volume or {}).get("driver_opts")):
            found.update(_within(text))
    return frozenset(one for one in found if len(one) >= _SHORTEST)


def redact(value: T, hidden: frozenset[str]) -> T:
    """The same value with every secret replaced: in a text, or in the texts of an event that are no names."""
    if not hidden:
        return value
    words = sorted(hidden, key=len, reverse=True)
    found: T = _redact(value, re.compile("|".join(map(re.escape, words))), words)
    return found


def _redact(value: Any, pattern: re.Pattern[str], words: Sequence[str]) -> Any:
    if isinstance(value, str):
        return _without_beginning(pattern.sub(MARK, value), words)
    if isinstance(value, dict):
        return {key: _redact(one, pattern, words) for key, one in value.items()}
    if isinstance(value, tuple):
        return tuple(_redact(one, pattern, words) for one in value)
    if is_dataclass(value) and not isinstance(value, type):
        names = {one.name for one in fields(value)} & set(_FREE)
        return replace(value, **{name: _redact(getattr(value, name), pattern, words) for name in names})
    return value


def _without_beginning(text: str, words: Sequence[str]) -> str:
    """Without the beginning of a secret where the text was cut off, which it says."""
    if not text.endswith(CUT_OFF):
        return text
    rest = text.removesuffix(CUT_OFF)
    for word in words:
        for length in range(min(len(word) - 1, len(rest)), 2, -1):
            if rest.endswith(word[:length]):
                return rest[: len(rest) - length] + MARK + CUT_OFF
    return text


def _is_secret(name: str) -> bool:
    return bool(_SECRET.search(name)) and not _PLACE.search(name)


def _within(text: str) -> Iterator[str]:
    """The secrets within a value: a password of an address, what is assigned to a name that says so."""
    for password in _USERINFO.findall(text):
        yield from (password, unquote(password))
    for name, value in _ASSIGNED.findall(text):
        if _is_secret(name):
            yield from (value, value.partition(",")[0])


def _of_options(command: Any) -> Iterator[str]:
    """What a command line gives to options that are secret by their name."""
    if not isinstance(command, list):
        return
    # a text for the shell is words, too
    for words in (list(map(str, command)), *(str(word).split() for word in command)):
        for word, following in zip(words, (*words, "")[1:], strict=True):
            match = _OPTION.fullmatch(word.replace("$$", "$"))
            if match and _is_secret(match[1]):
                yield match[2] or following.replace("$$", "$")


def _pairs(mapping: Any) -> Iterator[tuple[str, str]]:
    """The pairs of a mapping as texts; in a Compose model a literal $ is written $$."""
    if isinstance(mapping, dict):
        for key, value in mapping.items():
            if value is not None:
                yield str(key), str(value).replace("$$", "$")
