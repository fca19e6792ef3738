"""A question to the user, and what an answer says in the Compose file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from hitless.domain.common.foreign import Json
from hitless.domain.common.names import X_HITLESS

Said = Mapping[str, Json]
"""What an answer says: service -> keys of its `x-hitless`."""


@dataclass(frozen=True)
class Option:
    """One answer: the word for it, what it means, and what it says in the file."""

    word: str
    meaning: str
    says: Said


@dataclass(frozen=True)
class Question:
    """What the Compose file does not tell about a service, or about all of them.

    `name` is unique: `web`, or a service and what is asked of it, as `db.role`. `default` is the word of one
    option: the one that can't harm data.
    """

    name: str
    asked: str
    options: tuple[Option, ...]
    default: str

    def option(self, word: str) -> Option | None:
        """The option with this word."""
        return next((one for one in self.options if one.word == word), None)


@dataclass(frozen=True)
class Answer:
    """A question and the option that was taken."""

    question: Question
    option: Option


def with_said(model: Json, said: Said) -> Json:
    """The Compose model, with these keys in the `x-hitless` of its services."""
    return {
        **model,
        "services": {
            name: {**service, X_HITLESS: {**extension(service), **said[name]}} if said.get(name) else service
            for name, service in (model.get("services") or {}).items()
        },
    }


def extension(model: Json) -> Json:
    """The `x-hitless` of a service or of a file; empty if it is no mapping, which is a finding elsewhere."""
    said = model.get(X_HITLESS)
    return dict(said) if isinstance(said, Mapping) else {}
