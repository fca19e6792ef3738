"""Middlewares of the gateway's own, for every application: what `hitless gateway config add` takes. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from hitless.domain.common.findings import Finding
from hitless.domain.common.foreign import Json
from hitless.domain.routing.labels import LabelError, canonical, split_list, typed, valid_name
from hitless.domain.routing.model import Router, label_name, local_name
from hitless.domain.routing.split import NOBODY, Routing
from hitless.domain.routing.traefik_schema import MIDDLEWARES, Kind, Schema

CONFIG_FILE = ".config-"  # what the names of their files begin with
TRIAL = ".trial"  # no application's name, and no config's
_FILE = "@file"
_PATH = "http.middlewares"
_BELONGS = "it belongs to an application: give its service labels"
_NOT_YET = "only HTTP middlewares can be added yet"
_NOT_TAKEN: Mapping[str, Mapping[str, str]] = {
    "http": {"routers": _BELONGS, "services": _NOT_YET, "serversTransports": "hitless sets them itself"},
    "tcp": {"": _NOT_YET},
    "udp": {"": _NOT_YET},
    "tls": {
        "certificates": "run: hitless gateway certificate add CERTIFICATE KEY",
        "options": "define them in the Compose file: `x-hitless: {tls_options: …}`",
        "stores": "hitless sets the default one itself",
        "": _NOT_YET,
    },
}
_FILES = ("usersFile",)
_PEM = ("ca", "cert", "key")  # in TLS settings: a file's path, or the text itself


@dataclass(frozen=True)
class Config:
    """A file of the operator's in the gateway: middlewares by name, in Traefik's words.

    `generation` counts how often it was replaced.
    """

    name: str
    generation: int
    middlewares: Mapping[str, Json]

    @property
    def marker(self) -> Routing:
        """A routing without routes: its marker answers while this generation is in force."""
        return Routing(self.place, self.generation, NOBODY, {})

    @property
    def trial(self) -> Routing:
        """The same for the trial of it."""
        return Routing(TRIAL, self.generation, NOBODY, {})

    @property
    def place(self) -> str:
        """What its file is called, and its names in Traefik begin with. No application's name has a dot."""
        return f"{CONFIG_FILE}{self.name}"


def read(document: Any) -> tuple[dict[str, Json], tuple[Finding, ...]]:
    """The middlewares of a file for Traefik's file provider, and all that is wrong with it."""
    findings: list[Finding] = []
    if not isinstance(document, Mapping):
        hint = "the shape is: http: {middlewares: {NAME: {headers: …}}}"
        return {}, (Finding("file", "must be a mapping", hint),)
    for path, hint in _not_taken(document):
        findings.append(Finding(path, "can't be added", hint))
    http = document.get("http") or {}
    given = (http.get("middlewares") or {}) if isinstance(http, Mapping) else {}
    if not isinstance(given, Mapping):
        findings.append(Finding(_PATH, "must be a mapping"))
        given = {}
    if not given and not findings:
        findings.append(Finding(_PATH, "there is none"))
    found = {str(name): _middleware(str(name), one, findings) for name, one in given.items()}
    for name, middleware in found.items():
        findings += [
            Finding(f"{_PATH}.{name}.chain.middlewares", f"no middleware {one!r} in this file")
            for one in _chained(middleware)
            if one not in found
        ]
    return found, tuple(findings)


def _not_taken(document: Json) -> Iterator[tuple[str, str]]:
    for top, below in document.items():
        if top not in _NOT_TAKEN:
            yield str(top), f"known: {', '.join(_NOT_TAKEN)}"
            continue
        hints = _NOT_TAKEN[top]
        for section in below if isinstance(below, Mapping) else ("",):
            if (top, section) != ("http", "middlewares"):
                yield f"{top}.{section}".rstrip("."), hints.get(section, hints.get("", _NOT_YET))


def _middleware(name: str, value: Any, findings: list[Finding]) -> Json:
    path = f"{_PATH}.{name}"
    try:
        valid_name(name)
    except LabelError as error:
        findings.append(Finding(path, str(error), error.hint))
    made: dict[str, Any] = _checked(value, MIDDLEWARES, path, findings) or {}
    if isinstance(value, Mapping) and len(value) != 1:
        what = " and ".join(map(str, value)) or "of none"
        findings.append(Finding(path, f"a middleware has exactly one kind, this one is {what}"))
    if "errors" in made:
        findings.append(
            Finding(f"{path}.errors", "needs a service, which belongs to an application", _BELONGS)
        )
    if "chain" in made:
        made["chain"] = {"middlewares": [shared_name(one) for one in _chained(made)]}
    return made


def _checked(value: Any, schema: Schema, path: str, findings: list[Finding]) -> Any:
    """The value in canonical names and in the types of Traefik. Adds what is wrong to the findings."""
    if isinstance(schema, Kind):
        try:
            return _typed(value, schema)
        except LabelError as error:
            findings.append(Finding(path, str(error), error.hint))
            return None
    # no middleware has a list of structures
    if isinstance(schema, tuple) or not isinstance(value, Mapping):
        findings.append(Finding(path, "must be a mapping", "write {} for one without settings"))
        return None
    made = {}
    for key, below in value.items():
        try:
            field = canonical(str(key), schema)
        except LabelError as error:
            findings.append(Finding(f"{path}.{key}", str(error), error.hint))
            continue
        made[field] = _checked(below, schema[field], f"{path}.{field}", findings)
        if field in _FILES or (field in _PEM and "-----BEGIN" not in str(below)):
            hint = "write the text itself in place of the path"
            hint = "list them in `users`" if field in _FILES else hint
            findings.append(Finding(f"{path}.{field}", "is a file, which the gateway does not have", hint))
    return made


def _typed(value: Any, kind: Kind) -> Any:
    if kind in (Kind.NAMED, Kind.NUMBERS):
        if not isinstance(value, Mapping):
            raise LabelError("must be a mapping of names")
        one = Kind.TEXT if kind is Kind.NAMED else Kind.NUMBER
        return {str(key): typed(_text(below, str(key)), one) for key, below in value.items()}
    if kind is Kind.LIST:
        return [_text(one) for one in value] if isinstance(value, list) else split_list(_text(value))
    if kind is Kind.FLAG and isinstance(value, bool):
        return value
    return typed(_text(value), kind)


def _text(value: Any, name: str = "") -> str:
    """A plain value as the text of a label."""
    of = f"{name} " if name else ""
    # readers of YAML differ in what yes, on or 1e3 is
    if isinstance(value, bool | float):
        what = "a flag" if isinstance(value, bool) else "a number with a point"
        raise LabelError(f"{of}is {what}", "if it is a text, write it in quotes")
    if isinstance(value, int | str):
        return str(value)
    raise LabelError(f"{of}must be a plain value, not {value!r}")


def shared_name(name: str) -> str:
    """`auth@file` and `auth@docker` are how a label refers to a middleware `auth` of another one's."""
    return local_name(name).removesuffix(_FILE)


def _chained(middleware: Json) -> tuple[str, ...]:
    return tuple(map(shared_name, (middleware.get("chain") or {}).get("middlewares") or ()))


def referred(routers: Iterable[Router], own: Mapping[str, Json]) -> Iterator[tuple[str, str]]:
    """What an application's routes refer to and its labels don't define: where, and by which name."""
    for router in routers:
        for name in router.middlewares:
            if not router.is_tcp and not is_own(name, own):
                yield f"{router.path}.middlewares", name


def referred_by_chains(own: Mapping[str, Json]) -> Iterator[tuple[str, str]]:
    """The same for the application's own middlewares: the name of each, and the name that it refers to."""
    for name, middleware in own.items():
        for one in (middleware.get("chain") or {}).get("middlewares") or ():
            if not is_own(one, own):
                yield name, one


def is_own(name: str, own: Collection[str]) -> bool:
    """Whether an HTTP middleware of this name is one of the application's own labels."""
    local = local_name(name)
    return local in own and label_name(local) == local


def shared_by(routing: Routing) -> frozenset[str]:
    """The names of the gateway's middlewares that any of this routing's colours refers to."""
    return frozenset(
        shared_name(name)
        for part in routing.colours.values()
        for references in (referred(part.routers, part.middlewares), referred_by_chains(part.middlewares))
        for _, name in references
    )


def kinds(name: str, known: Mapping[str, Json]) -> Iterator[str]:
    """The kinds of a middleware, a chain's with those of what it chains: `basicAuth`. Unknown: nothing."""
    left, seen = [name], set()
    while left:
        one = left.pop()
        if one not in seen and one in known:
            seen.add(one)
            yield from known[one]
            left += _chained(known[one])


def known_in(configs: Iterable[Config]) -> dict[str, Json]:
    """All their middlewares: name -> kind -> fields."""
    return {name: one for config in configs for name, one in config.middlewares.items()}


def as_labels(document: Any) -> Json:
    """A Compose model in whose labels the document's values are, for those who look for secrets there."""
    flat = {key: text.replace("$", "$$") for key, text in _flat(document, "traefik")}
    return {"services": {"config": {"labels": flat}}}


def _flat(value: Any, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for key, below in value.items():
            yield from _flat(below, f"{path}.{key}")
    elif isinstance(value, list):
        yield path, ",".join(map(str, value))
    else:
        yield path, str(value)
