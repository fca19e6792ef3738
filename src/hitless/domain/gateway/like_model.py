"""What hitless makes of each setting of a Traefik that somebody runs himself. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from hitless.domain.common.foreign import foreign


class Kind(StrEnum):
    """What hitless makes of a setting of Traefik."""

    OPTION = "option"  # it is an option of `gateway up`
    DEFAULT = "default"  # the gateway does so by itself, or needs no such setting
    LEFT = "left"  # the gateway is without it; what is said is what to do instead
    OPEN = "open"  # the gateway does not start without an answer


@dataclass(frozen=True)
class Setting:
    """A setting of Traefik, or all below it, and what hitless makes of it.

    `option` and `value` are words of the command line; a flag has no value. `said`: a remark, or what to do.
    """

    name: str
    kind: Kind
    option: str = ""
    value: str = foreign("")
    said: str = foreign("")


@dataclass(frozen=True)
class Like:
    """What `gateway up` is to do: the settings, and the variables (a secret) for `--acme-dns-env`."""

    settings: tuple[Setting, ...]
    variables: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def open(self) -> tuple[Setting, ...]:
        """The questions."""
        return tuple(one for one in self.settings if one.kind is Kind.OPEN)

    @property
    def left(self) -> tuple[Setting, ...]:
        """What the gateway will be without."""
        return tuple(one for one in self.settings if one.kind is Kind.LEFT)


def is_in(name: str, group: str) -> bool:
    """Whether a setting is this one, or below it."""
    return name == group or name.startswith(f"{group}.")


def is_on(settings: Mapping[str, str], name: str) -> bool:
    """Whether a setting is on: it is there and not `false`, or one below it is."""
    if name in settings:
        return settings[name].lower() != "false"
    return any(one.startswith(f"{name}.") for one in settings)


def groups(settings: Mapping[str, str], prefix: str) -> tuple[str, ...]:
    """The names directly below a prefix (`entrypoints`), each once."""
    return tuple(
        dict.fromkeys(
            name.removeprefix(f"{prefix}.").partition(".")[0]
            for name in settings
            if name.startswith(f"{prefix}.")
        )
    )
