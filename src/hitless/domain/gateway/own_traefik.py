"""A Traefik that the user runs himself: its settings, its ports on the host, its variables. Pure.

Where Traefik takes its settings from, and how they are written: doc.traefik.io/traefik, "Configuration
Overview" and "Install Configuration". One of three, in this order: a file, the command line, the environment.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from hitless.domain.application import stores
from hitless.domain.common.foreign import Json

FLAGS = "--"
VARIABLES = "TRAEFIK_"
# where Traefik looks for a file if nobody names one; `/` is where it works in its image
_PLACES = ("/etc/traefik", "/root/.config", "")
_ENDINGS = ("toml", "yaml", "yml")
_NAMES_THE_FILE = "configfile"
_INDEX = re.compile(r"\[\d+\]")
_VARIABLE = re.compile("[A-Z_][A-Z0-9_]*")
# the rest may be a provider's; with a proxy's Traefik would send requests for applications there
_NO_CREDENTIALS = re.compile(r"TRAEFIK_.*|TZ|PATH|HOME|XDG_.*|(HTTPS?|FTP|ALL|NO)_PROXY")


@dataclass(frozen=True)
class Published:
    """A port of the container that the host publishes: on this address ("" for all) and port (0: any)."""

    inner: int
    address: str
    port: int
    is_udp: bool


@dataclass(frozen=True)
class OwnTraefik:
    """A Traefik as its user has written it down.

    `settings` maps name -> value: names are in small letters with dots (`entrypoints.web.address`), a list
    has commas. `ports` are those that its container publishes, None if its entry points are the host's own.
    `variables` are its environment without Traefik's own, None if the environment is not known. `labels` are
    those of its container.
    """

    settings: Mapping[str, str]
    ports: tuple[Published, ...] | None = None
    variables: Mapping[str, str] | None = field(default=None, repr=False)
    labels: tuple[str, ...] = ()


def settings_of(document: Any) -> dict[str, str]:
    """The settings in a document of YAML or TOML; nothing stands for what is left empty."""
    found: dict[str, list[str]] = {}
    for name, value in _flat("", document):
        found.setdefault(name, []).append(value)
    return {name: ",".join(values) for name, values in found.items()}


def settings_of_flags(words: Sequence[str]) -> dict[str, str]:
    """The settings on a command line. A word after a setting without `=` is its value."""
    found: dict[str, list[str]] = {}
    rest = list(_without_shell(words))
    while rest:
        word = rest.pop(0)
        if not word.startswith("-"):
            continue
        name, has_value, value = word.lstrip("-").partition("=")
        if not has_value:
            value = rest.pop(0) if rest and not rest[0].startswith("-") else "true"
        found.setdefault(_INDEX.sub("", name.lower()), []).append(value)
    return {name: ",".join(values) for name, values in found.items() if name}


def settings_of_variables(variables: Mapping[str, str]) -> dict[str, str]:
    """The settings in the environment."""
    return {
        name.removeprefix(VARIABLES).lower().replace("_", "."): value
        for name, value in variables.items()
        if name.startswith(VARIABLES)
    }


def services_of(model: Json) -> dict[str, Json]:
    """The services of a Compose model that run Traefik."""
    return {
        name: service
        for name, service in model["services"].items()
        if stores.is_traefik(str(service.get("image") or ""))
    }


def words_of(service: Json) -> tuple[str, ...]:
    """The command line of a service in a resolved model."""
    return tuple(
        _resolved(word) for key in ("entrypoint", "command") for word in service.get(key) or () if word
    )


def variables_of(service: Json) -> dict[str, str]:
    """The environment of a service in a resolved model; what has no value is not there."""
    environment: Mapping[str, Any] = service.get("environment") or {}
    return {name: _resolved(value) for name, value in environment.items() if value is not None}


def files_of(service: Json) -> tuple[str, ...]:
    """Where in its container Traefik looks for a file with its settings, in this order."""
    flags = settings_of_flags(words_of(service))
    named = flags.get(_NAMES_THE_FILE) or settings_of_variables(variables_of(service)).get(_NAMES_THE_FILE)
    usual = (f"{place}/traefik.{ending}" for place in _PLACES for ending in _ENDINGS)
    return (f"/{named.removeprefix('./').lstrip('/')}",) if named else tuple(usual)


def of_service(service: Json, of_file: Mapping[str, str] | None) -> OwnTraefik:
    """The Traefik of a service in a resolved model; `of_file` are the settings of its file, if it has one."""
    variables = variables_of(service)
    settings = of_file or settings_of_flags(words_of(service)) or settings_of_variables(variables)
    is_on_host = service.get("network_mode") == "host"
    labels: Mapping[str, Any] = service.get("labels") or {}
    return OwnTraefik(
        settings={name: value for name, value in settings.items() if name != _NAMES_THE_FILE},
        ports=None if is_on_host else tuple(map(_published, service.get("ports") or ())),
        variables={
            name: value
            for name, value in variables.items()
            if _VARIABLE.fullmatch(name) and not _NO_CREDENTIALS.fullmatch(name)
        },
        labels=tuple(labels),
    )


def _flat(name: str, value: Any) -> Iterator[tuple[str, str]]:
    match value:
        case None:
            return
        case Mapping():
            if not value and name:
                yield name, "true"  # `accessLog: {}` has it on
            for key, one in value.items():
                yield from _flat(f"{name}.{key}".lstrip(".").lower(), one)
        case list():
            for one in value:
                yield from _flat(name, one)
        case bool():
            yield name, str(value).lower()
        case _:
            yield name, str(value)


def _without_shell(words: Sequence[str]) -> Sequence[str]:
    """The words of a command that a shell runs (`sh -c "traefik --api"`)."""
    if "-c" not in words:
        return words
    script = words[-1]
    try:
        return shlex.split(script)
    except ValueError:
        return script.split()


def _resolved(word: object) -> str:
    """As the container gets it: in a resolved model `$$` stands for `$`."""
    return (str(word).lower() if isinstance(word, bool) else str(word)).replace("$$", "$")


def _published(port: Json) -> Published:
    text = str(port.get("published") or 0)
    return Published(
        inner=int(port["target"]),
        address=str(port.get("host_ip") or ""),
        port=int(text) if text.isdecimal() else 0,
        is_udp=port.get("protocol") == "udp",
    )
