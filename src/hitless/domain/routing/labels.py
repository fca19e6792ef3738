"""Traefik labels of v2 and v3 on one Compose service -> the routes they describe.

Reading is total: every `traefik.` label is carried over or is a finding that names it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from difflib import get_close_matches
from types import MappingProxyType
from typing import Any, TypeAlias

from hitless.domain.common.findings import Finding
from hitless.domain.routing import rules
from hitless.domain.routing.model import NOOP, Backend, Protocol, Router, Routes, local_name, own_name
from hitless.domain.routing.traefik_schema import (
    LOAD_BALANCER,
    MIDDLEWARES,
    ROUTER,
    TCP_LOAD_BALANCER,
    TCP_MIDDLEWARES,
    TCP_ROUTER,
    UDP_LOAD_BALANCER,
    UDP_ROUTER,
    Kind,
    Schema,
    Struct,
)

_TRUE = {"1", "t", "true"}  # what Go's strconv.ParseBool takes
_FALSE = {"0", "f", "false"}
_DURATION = re.compile(r"[0-9]+|([0-9]+(\.[0-9]+)?(ns|us|µs|ms|s|m|h))+")
_INDEXED = re.compile(r"(?P<name>[^\[\]]+)\[(?P<index>[0-9]{1,2})\]")
_NAME = re.compile(r"[A-Za-z0-9_-]+")
_SCHEMES = ("http", "https", "h2c")
_Section: TypeAlias = dict[str, dict[str, Any]]
SCHEMAS: Mapping[Protocol, Mapping[str, Struct]] = {  # section -> what may stand below a name in it
    Protocol.HTTP: {
        "routers": ROUTER,
        "services": {"loadBalancer": LOAD_BALANCER},
        "middlewares": MIDDLEWARES,
    },
    Protocol.TCP: {
        "routers": TCP_ROUTER,
        "services": {"loadBalancer": TCP_LOAD_BALANCER},
        "middlewares": TCP_MIDDLEWARES,
    },
    Protocol.UDP: {
        "routers": UDP_ROUTER,
        "services": {"loadBalancer": UDP_LOAD_BALANCER},
    },
}
_NOT_OF_UDP = ("rule", "rulesyntax", "priority", "tls", "middlewares")


# Labels that change nothing with hitless: which containers and which network is its own business.
FULFILLED = ("traefik.enable", "traefik.docker.network")


# What a Traefik's `providers.docker.constraints` usually ask for, so that each finds its own containers.
_CONSTRAINT = "traefik.constraint-label"


class LabelError(ValueError):
    """A label that can't be carried over; the text says why, the second argument what to do."""

    def __init__(self, why: str, hint: str = "") -> None:
        super().__init__(why)
        self.hint = hint


def read(service: str, labels: Mapping[str, str], project: str = "") -> tuple[Routes, tuple[Finding, ...]]:
    """The routes that one service's labels describe, and a finding for each that can't be carried over.

    `labels` are all labels of the service; it skips those that aren't Traefik's. `project` is the Compose
    project's name: a router without a rule has one by that.
    """
    read: dict[Protocol, dict[str, _Section]] = {
        protocol: {section: {} for section in schemas} for protocol, schemas in SCHEMAS.items()
    }
    findings = []
    for label, value in labels.items():
        if not label.lower().startswith("traefik.") or is_fulfilled(label):
            continue
        if not is_of_today(label):
            hint = _nearest(label.split(".")[1], ["enable", "docker", *SCHEMAS])
            ignored = label_finding(service, label, "Traefik 2 and 3 ignore this label", hint)
            findings.append(replace(ignored, is_error=False))
            continue
        try:
            protocol, section, name, path = _split(label)
            if protocol is Protocol.UDP and path[0].lower() in _NOT_OF_UDP:
                said = f"a UDP route has no {path[0]}: it takes all that comes to its entry points"
                raise LabelError(said, "remove the label")
            target = read[protocol][section]
            insert(target.setdefault(name, {}), SCHEMAS[protocol][section], path, value)
        except LabelError as error:
            findings.append(label_finding(service, label, str(error), error.hint))
    routes = Routes()
    for protocol, sections in read.items():
        if protocol is Protocol.HTTP:
            findings += _ruled(service, project, sections["routers"])
        found, more = _assemble(service, protocol, **sections)
        routes = Routes(
            routes.routers + found.routers,
            routes.backends + found.backends,
            {**routes.middlewares, **found.middlewares},
        )
        findings += more
    return routes, tuple(findings)


def _ruled(service: str, project: str, routers: _Section) -> Iterator[Finding]:
    """Give routers without a rule Traefik's default one."""
    # `normalize` and the name of a Compose container, in pkg/provider/docker of Traefik 3.7
    host = "-".join(part for part in re.split(r"[^A-Za-z0-9]+", f"{service}-{project}") if part)
    for name, fields in routers.items():
        if not fields.get("rule", "").strip() and project:
            fields["rule"] = f"Host(`{host}`)"
            path = f"services.{service}.labels.traefik.http.routers.{name}.rule"
            said = f"there is none, so it is Traefik's default: Host(`{host}`)"
            yield Finding(path, said, "add the label: Host(`…`)", is_error=False)


def is_of_today(label: str) -> bool:
    """Whether Traefik 2 and 3 read a label: their Docker provider decodes these protocols alone."""
    return label.lower().split(".")[1] in SCHEMAS


def is_fulfilled(label: str) -> bool:
    """Whether hitless does what a label says in any case."""
    return label.lower() in FULFILLED or label.lower().startswith(_CONSTRAINT)


def label_finding(service: str, label: str, why: str, hint: str = "") -> Finding:
    """An error that names the label by its path in the Compose file."""
    return Finding(f"services.{service}.labels.{label}", why, hint)


def is_enabled(labels: Mapping[str, str]) -> bool:
    """Whether Traefik is to see this service at all: `traefik.enable` is not false."""
    return all(
        value.strip().lower() not in _FALSE
        for label, value in labels.items()
        if label.lower() == "traefik.enable"
    )


def insert(target: dict[str, Any], struct: Struct, path: list[str], value: str) -> None:
    """Put a label's value at its path below `target`, in canonical names and in the type that Traefik wants.

    Raises `LabelError` if the path or the value does not fit the schema.
    """
    name, index = _indexed(path[0])
    field = canonical(name, struct)
    schema = struct[field]
    rest = path[1:]
    if isinstance(schema, tuple):
        if index is None or not rest:
            raise LabelError(f"{field} is a list: write {field}[0].<field>")
        _insert_item(target.setdefault(field, []), schema[0], index, rest, value)
    elif isinstance(schema, Kind):
        if index is not None:
            raise LabelError(f"{field} is no list of structures")
        _insert_value(target, field, schema, rest, value)
    elif index is not None:
        raise LabelError(f"{field} is no list of structures")
    elif rest:
        below = target.setdefault(field, {})
        insert(below, schema, rest, value)
    elif flag(value):
        target.setdefault(field, {})


def flag(value: str) -> bool:
    """A flag as Go's strconv.ParseBool reads it."""
    text = value.strip().lower()
    if text in _TRUE:
        return True
    if text in _FALSE:
        return False
    raise LabelError(f"expects true or false, not {value!r}")


def split_list(value: str) -> list[str]:
    """The parts of a comma-separated list, trimmed."""
    return [part.strip() for part in value.split(",") if part.strip()]


def _insert_value(target: dict[str, Any], field: str, kind: Kind, rest: list[str], value: str) -> None:
    if kind in (Kind.NAMED, Kind.NUMBERS):
        if not rest:
            raise LabelError(f"{field} needs a name below it")
        below = target.setdefault(field, {})
        below[".".join(rest)] = typed(value, Kind.TEXT if kind is Kind.NAMED else Kind.NUMBER)
    elif rest:
        raise LabelError(f"{field} has nothing below it")
    else:
        target[field] = typed(value, kind)


def _insert_item(
    items: list[dict[str, Any]], struct: Struct, index: int, rest: list[str], value: str
) -> None:
    while len(items) <= index:
        items.append({})
    insert(items[index], struct, rest, value)


def typed(value: str, kind: Kind) -> Any:
    """A label's text as the type that the file provider wants. Raises `LabelError`."""
    match kind:
        case Kind.TEXT | Kind.NAMED:
            return value
        case Kind.NUMBER | Kind.NUMBERS:
            # bare int() would take other scripts' digits, too, and refuses what strip() removes as blank
            if not re.fullmatch(r"[+-]?[0-9]{1,18}", value.strip()):
                raise LabelError(f"expects a whole number, not {value!r}")
            return int(value.strip())
        case Kind.PORT:
            port = typed(value, Kind.NUMBER)
            if not 1 <= port <= 65535:
                raise LabelError(f"expects a port of 1 to 65535, not {value!r}")
            return port
        case Kind.FLAG:
            return flag(value)
        case Kind.DURATION:
            if not _DURATION.fullmatch(value.strip()):
                raise LabelError(f"expects a duration such as 5s, not {value!r}")
            return value.strip()
        case Kind.LIST:
            return split_list(value)


def _split(label: str) -> tuple[Protocol, str, str, list[str]]:
    parts = label.split(".")
    protocol = parts[1].lower() if len(parts) > 1 else ""
    if len(parts) < 5:
        field = "entrypoints" if protocol == Protocol.UDP else "rule"
        raise LabelError("is incomplete", f"traefik.{protocol}.routers.<name>.{field} is the shape")
    section = parts[2].lower()
    sections = SCHEMAS[Protocol(protocol)]
    if section not in sections:
        raise LabelError(f"{parts[2]} can't be set by a label", _nearest(section, list(sections)))
    name = parts[3]
    return Protocol(protocol), section, valid_name(name), parts[4:]


def valid_name(name: str) -> str:
    """The name, if it can be one in Traefik. Raises `LabelError`."""
    if not _NAME.fullmatch(name):
        raise LabelError(f"{name!r} can't be a name in Traefik", "use letters, digits, - and _ only")
    return name


def _indexed(segment: str) -> tuple[str, int | None]:
    match = _INDEXED.fullmatch(segment)
    return (match["name"], int(match["index"])) if match else (segment, None)


def canonical(name: str, struct: Struct) -> str:
    """The field's name as the schema has it: Traefik's are case-insensitive. Raises `LabelError`."""
    for field in struct:
        if field.lower() == name.lower():
            return field
    raise LabelError(f"{name!r} is unknown here", _nearest(name, list(struct)))


def _nearest(name: str, known: list[str]) -> str:
    close = get_close_matches(name.lower(), [field.lower() for field in known], n=1)
    spelled = [field for field in known if close and field.lower() == close[0]]
    return f"did you mean {spelled[0]}?" if spelled else f"known: {', '.join(sorted(known))}"


def _assemble(
    service: str,
    protocol: Protocol,
    routers: _Section,
    services: _Section,
    middlewares: Mapping[str, dict[str, Any]] = MappingProxyType({}),
) -> tuple[Routes, tuple[Finding, ...]]:
    findings = [
        Finding(
            f"services.{service}.labels.traefik.{protocol}.middlewares.{name}",
            f"a middleware has exactly one kind, this one is {' and '.join(kinds) or 'of none'}",
        )
        for name, kinds in middlewares.items()
        if len(kinds) != 1
    ]
    if routers and not services and not all(one.get("service") == NOOP for one in routers.values()):
        # Traefik does the same: a router without a service gets one named after the container
        services = {service: {}}
    backends = tuple(
        _backend(service, protocol, name, fields.get("loadBalancer", {})) for name, fields in services.items()
    )
    findings += [
        label_finding(
            service,
            f"traefik.http.services.{backend.name}.loadbalancer.server.scheme",
            f"{backend.scheme!r} is no scheme of a server",
            f"known: {', '.join(_SCHEMES)}",
        )
        for backend in backends
        if protocol is Protocol.HTTP and backend.scheme not in _SCHEMES
    ]
    built = []
    for name, fields in routers.items():
        # numbers only order the items; a number that was skipped is no item
        if "domains" in fields.get("tls", {}):
            fields["tls"]["domains"] = [item for item in fields["tls"]["domains"] if item]
        path = f"services.{service}.labels.traefik.{protocol}.routers.{name}"
        if protocol is not Protocol.UDP and not fields.get("rule", "").strip():
            findings.append(Finding(f"{path}.rule", "a router needs a rule"))
            continue
        target = fields.get("service") or (next(iter(services)) if len(services) == 1 else "")
        if not target:
            findings.append(
                Finding(
                    f"{path}.service",
                    "several services are defined here, and the router does not say which it means",
                    f"one of: {', '.join(services)}",
                )
            )
            continue
        built.append(_router(service, protocol, name, target, fields))
    named = {own_name(protocol, name): fields for name, fields in middlewares.items()}
    return Routes(tuple(built), backends, named), tuple(findings)


def _backend(service: str, protocol: Protocol, name: str, fields: Mapping[str, Any]) -> Backend:
    server = dict(fields.get("server", {}))
    return Backend(
        name=own_name(protocol, name),
        service=service,
        port=server.pop("port", None),
        scheme=server.pop("scheme", "http") if protocol is Protocol.HTTP else protocol,
        server=server,
        load_balancer={key: value for key, value in fields.items() if key != "server"},
    )


def _router(service: str, protocol: Protocol, name: str, backend: str, fields: Mapping[str, Any]) -> Router:
    own = ("rule", "service", "entryPoints", "middlewares")
    return Router(
        name=own_name(protocol, name),
        service=service,
        # a block of YAML ends with a line break, which Go's parser takes at the end of a rule only
        rule=rules.of_today(fields.get("rule", "").strip()),
        backend=backend if protocol is Protocol.HTTP else own_name(protocol, local_name(backend)),
        entry_points=tuple(fields.get("entryPoints", ())),
        middlewares=tuple(
            name if protocol is Protocol.HTTP else own_name(protocol, local_name(name))
            for name in fields.get("middlewares", ())
        ),
        settings={key: value for key, value in fields.items() if key not in own},
        protocol=protocol,
    )


def walk(schema: Schema, prefix: str = "") -> Iterator[tuple[str, Kind]]:
    """Every leaf of a schema with its dotted path: the tests go through it, so that none is forgotten."""
    if isinstance(schema, Kind):
        yield prefix, schema
    elif isinstance(schema, tuple):
        yield from walk(schema[0], f"{prefix}[0]")
    else:
        for field, below in schema.items():
            yield from walk(below, f"{prefix}.{field}" if prefix else field)
