"""What differs between two releases, or between a release and the file. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from hitless.domain.common import redact
from hitless.domain.common.foreign import Json
from hitless.domain.common.names import X_HITLESS, X_VALUE
from hitless.domain.common.secret_values import is_secret
from hitless.domain.release.model import Image

# What holds values that nobody should see: only its keys are told
_HIDDEN = (
    *("environment", "args", "content", "secret", "additional_contexts", X_VALUE),
    # a password is often a word of a command: redis-cli -a, curl -u
    *("command", "entrypoint", "test", "post_start", "pre_stop", "hooks"),
)
_WORDS = ("command", "entrypoint", "test", "dns")  # lists whose order is meant
_USERS = re.compile(r"auth.*\.(users|basic)$", re.IGNORECASE)
_USERINFO = re.compile(r"://[^/\s@]+@")
_LONGEST = 120
_SHORTEST = 4
_ID = 12  # characters of an image's digest


class ChangeKind(StrEnum):
    """What has happened to a part of the application."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"


@dataclass(frozen=True)
class Difference:
    """A part that differs: `services.web.image`. A value is "" if it is hidden, or not there."""

    path: str
    kind: ChangeKind
    before: str = ""
    after: str = ""


@dataclass(frozen=True)
class State:
    """A state of an application: its resolved Compose model, and its images as far as they are known."""

    model: Json
    images: Mapping[str, Image] = field(default_factory=dict)


def differences(before: State, after: State) -> tuple[Difference, ...]:
    """Everything that differs, by path. Secrets are hidden; of the environment only the keys are told."""
    found = [*_of(before.model, after.model, ""), *_of_images(before, after)]
    hidden = redact.secrets(before.model, after.model)
    named = sorted({*_named(before.model), *_named(after.model)}, key=len, reverse=True)

    def shown(text: str) -> str:
        for secret in named:
            text = text.replace(secret, redact.MARK)
        return redact.redact(text, hidden)

    return tuple(
        Difference(one.path, one.kind, shown(one.before), shown(one.after))
        for one in sorted(found, key=lambda one: one.path)
    )


def _named(value: Any, key: str = "") -> Iterator[str]:
    """Every value whose name says that it is a secret, also one that is an ordinary word."""
    if isinstance(value, Mapping):
        for name, one in value.items():
            yield from _named(one, str(name))
    elif isinstance(value, list):
        for one in value:
            yield from _named(one, key)
    elif isinstance(value, str) and len(value) >= _SHORTEST and is_secret(key):
        yield value.replace("$$", "$")


def _of(before: Any, after: Any, path: str) -> Iterator[Difference]:
    if before == after:
        return
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for key in dict.fromkeys((*before, *after)):
            yield from _of(before.get(key), after.get(key), f"{path}.{key}" if path else str(key))
        return
    is_list = isinstance(before, list | None) and isinstance(after, list | None)
    if is_list and path.rpartition(".")[2] not in _WORDS:
        # an order is seldom meant, and what was added or removed says more than the two lists
        yield from (_removed(path, one) for one in before or () if one not in (after or ()))
        yield from (_added(path, one) for one in after or () if one not in (before or ()))
        return
    if before is None:
        yield from _of_whole(after, path, _added)
    elif after is None:
        yield from _of_whole(before, path, _removed)
    else:
        shown = (_text(path, before), _text(path, after))
        yield Difference(path, ChangeKind.CHANGED, *shown)


def _of_whole(value: Any, path: str, made: Any) -> Iterator[Difference]:
    """What has come or gone as a whole: the entries of a mapping one by one, but a service is one."""
    if isinstance(value, Mapping) and value and path.count(".") != 1:
        for key, one in value.items():
            yield from _of_whole(one, f"{path}.{key}" if path else str(key), made)
    else:
        yield made(path, value)


def _added(path: str, value: Any) -> Difference:
    return Difference(path, ChangeKind.ADDED, after=_text(path, value))


def _removed(path: str, value: Any) -> Difference:
    return Difference(path, ChangeKind.REMOVED, before=_text(path, value))


def _text(path: str, value: Any) -> str:
    """A value for people; "" if it is hidden, or a service as a whole."""
    is_whole = isinstance(value, Mapping) and path.count(".") < 2
    if is_whole or _USERS.search(path) or any(_is_hidden(part) for part in path.split(".")):
        return ""
    text = value if isinstance(value, str) else json.dumps(_without_hidden(value))
    text = _USERINFO.sub(f"://{redact.MARK}@", text.replace("$$", "$"))
    return text if len(text) <= _LONGEST else text[:_LONGEST] + redact.CUT_OFF


def _is_hidden(key: str) -> bool:
    is_own = key.startswith("x-") and key != X_HITLESS  # anchors with an environment, most often
    return key in _HIDDEN or is_own or is_secret(key)


def _without_hidden(value: Any) -> Any:
    match value:
        case Mapping():
            return {
                key: redact.MARK if _is_hidden(str(key)) else _without_hidden(one)
                for key, one in value.items()
            }
        case list():
            return [_without_hidden(one) for one in value]
        case _:
            return value


def _of_images(before: State, after: State) -> Iterator[Difference]:
    """Images whose contents differ, whatever their names are."""
    for service in sorted({*before.images} & {*after.images}):
        ids = [state.images[service].id for state in (before, after)]
        if ids[0] != ids[1]:
            short = [one.removeprefix("sha256:")[:_ID] for one in ids]
            yield Difference(f"services.{service}.image (contents)", ChangeKind.CHANGED, *short)
