"""Traefik v1 labels (`traefik.frontend.rule=Host:a.example`) -> the same routes that v3 labels describe."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from hitless.domain.common.findings import Finding
from hitless.domain.routing.labels import (
    LabelError,
    flag,
    insert,
    is_fulfilled,
    label_finding,
    split_list,
    typed,
    valid_name,
)
from hitless.domain.routing.model import Backend, Router, Routes
from hitless.domain.routing.traefik_schema import LOAD_BALANCER, MIDDLEWARES, Kind

_SECTIONS = ("backend", "frontend", "port", "protocol", "weight", "domain", "tags")


def is_v1(labels: Mapping[str, str]) -> bool:
    """Whether any label is one that only Traefik v1 knows."""
    return any(
        label.lower().startswith("traefik.") and label.lower().split(".")[1] in _SECTIONS for label in labels
    )


def read(service: str, labels: Mapping[str, str]) -> tuple[Routes, tuple[Finding, ...]]:
    """The routes that one service's v1 labels describe, and a finding for each that can't be carried over."""
    draft = _Draft(service)
    findings = []
    for label, value in labels.items():
        if not label.lower().startswith("traefik.") or is_fulfilled(label):
            continue
        try:
            _read_label(draft, label.split(".")[1:], value)
        except LabelError as error:
            findings.append(label_finding(service, label, str(error), error.hint))
    if not draft.rule and not any(finding.path.endswith("frontend.rule") for finding in findings):
        findings.append(label_finding(service, "traefik.frontend.rule", "a frontend needs a rule", "Host:…"))
    return draft.routes(), tuple(findings)


@dataclass
class _Draft:
    """What has been read so far of one service's v1 labels."""

    service: str
    name: str = ""
    rule: str = ""
    port: int | None = None
    scheme: str = "http"
    server: dict[str, Any] = field(default_factory=dict)
    load_balancer: dict[str, Any] = field(default_factory=dict)
    entry_points: tuple[str, ...] = ()
    priority: int | None = None
    middlewares: dict[str, dict[str, Any]] = field(default_factory=dict)

    def middleware(self, kind: str, path: list[str], value: str) -> None:
        """Set a field of the middleware of this kind; v1 has at most one of each."""
        name = f"{self.service}-{kind}"
        insert(self.middlewares.setdefault(name, {}), MIDDLEWARES, [kind, *path], value)

    def routes(self) -> Routes:
        """The routes; none if there is no rule."""
        if not self.rule:
            return Routes()
        name = self.name or self.service
        settings = {} if self.priority is None else {"priority": self.priority}
        router = Router(
            name,
            self.service,
            self.rule,
            name,
            self.entry_points,
            tuple(self.middlewares),
            settings,
        )
        backend = Backend(name, self.service, self.port, self.scheme, self.server, self.load_balancer)
        return Routes((router,), (backend,), self.middlewares)


def _read_label(draft: _Draft, path: list[str], value: str) -> None:
    lowered = [part.lower() for part in path]
    match lowered:
        case ["backend"]:
            draft.name = valid_name(value) if value else ""
        case ["port"]:
            draft.port = typed(value, Kind.PORT)
        case ["protocol"]:
            if value not in ("http", "https", "h2c"):
                raise LabelError(f"{value!r} is no protocol", "known: http, https, h2c")
            draft.scheme = value
        case ["weight"]:
            draft.server["weight"] = typed(value, Kind.NUMBER)
        case ["backend", "healthcheck", *rest] if rest:
            insert(draft.load_balancer, LOAD_BALANCER, ["healthCheck", *path[2:]], value)
        case ["backend", "loadbalancer", "method"]:
            if value.lower() != "wrr":
                raise LabelError(f"the method {value!r} does not exist since Traefik v2", "use wrr")
        case ["backend", "loadbalancer", "sticky" | "stickiness"]:
            if flag(value):
                _cookie(draft)
        case ["backend", "loadbalancer", "stickiness", "cookiename"]:
            _cookie(draft)["name"] = value
        case ["backend", "circuitbreaker", "expression"]:
            draft.middleware("circuitBreaker", ["expression"], value)
        case ["backend", "buffering", _]:
            draft.middleware("buffering", path[2:], value)
        case ["frontend", *_]:
            _read_frontend(draft, path[1:], lowered[1:], value)
        case _:
            raise LabelError("has no counterpart in Traefik v3", "remove it, or use v3 labels")


def _read_frontend(draft: _Draft, path: list[str], lowered: list[str], value: str) -> None:
    match lowered:
        case ["rule"]:
            draft.rule = _read_rule(draft, value)
        case ["priority"]:
            draft.priority = typed(value, Kind.NUMBER)
        case ["entrypoints"]:
            # v1's usual name of the plain entry point is http, today's is web
            draft.entry_points = tuple("web" if name == "http" else name for name in split_list(value))
        case ["passhostheader"]:
            draft.load_balancer["passHostHeader"] = flag(value)
        case ["auth", "basic"] | ["auth", "basic", "users"]:
            draft.middleware("basicAuth", ["users"], value)
        case ["auth", "basic", ("removeheader" | "realm" | "usersfile")]:
            draft.middleware("basicAuth", path[2:], value)
        case ["auth", "forward", ("address" | "trustforwardheader" | "authresponseheaders")]:
            draft.middleware("forwardAuth", path[2:], value)
        case ["whitelist", "sourcerange"]:
            draft.middleware("ipAllowList", ["sourceRange"], value)
        case ["redirect", ("regex" | "replacement" | "permanent")]:
            draft.middleware("redirectRegex", path[1:], value)
        case ["headers", ("customrequestheaders" | "customresponseheaders" | "sslproxyheaders")]:
            for header in value.split("||"):
                name, separator, text = header.partition(":")
                if not separator or not name.strip():
                    raise LabelError(f"{header!r} is no header", "Name:value||Name:value")
                draft.middleware("headers", [path[1], name.strip()], text.strip())
        case ["headers", _]:
            draft.middleware("headers", path[1:], value)
        case _:
            raise LabelError("has no counterpart in Traefik v3", "remove it, or use v3 labels")


def _cookie(draft: _Draft) -> dict[str, Any]:
    cookie: dict[str, Any] = draft.load_balancer.setdefault("sticky", {}).setdefault("cookie", {})
    return cookie


def _read_rule(draft: _Draft, text: str) -> str:
    """`Host:a,b;Path:/x` -> ``(Host(`a`) || Host(`b`)) && Path(`/x`)``; modifiers -> middlewares."""
    parts = [_read_matcher(draft, part.strip()) for part in text.split(";") if part.strip()]
    matchers = [part for part in parts if part]
    if not matchers:
        raise LabelError("the rule is empty", "Host:…")
    return " && ".join(matchers)


def _read_matcher(draft: _Draft, part: str) -> str:
    kind, separator, rest = part.partition(":")
    values = split_list(rest)
    if not separator or not values:
        raise LabelError(f"{part!r} is no matcher", "Host:a.example;PathPrefix:/shop is the shape")
    if any(character in rest for character in "{}`"):
        raise LabelError(
            f"the pattern {rest.strip()!r} can't be carried over", "use a v3 rule with a Regexp matcher"
        )
    match kind.strip().lower():
        case "host":
            return _any("Host", values)
        case "path":
            return _any("Path", values)
        case "pathprefix":
            return _any("PathPrefix", values)
        case "pathstrip":
            draft.middleware("stripPrefix", ["prefixes"], ",".join(values))
            return _any("Path", values)
        case "pathprefixstrip":
            draft.middleware("stripPrefix", ["prefixes"], ",".join(values))
            return _any("PathPrefix", values)
        case "method":
            return _any("Method", values)
        case "headers" if len(values) == 2:
            return f"Header(`{values[0]}`, `{values[1]}`)"
        case "addprefix" if len(values) == 1:
            draft.middleware("addPrefix", ["prefix"], values[0])
            return ""
        case "replacepath" if len(values) == 1:
            draft.middleware("replacePath", ["path"], values[0])
            return ""
        case _:
            raise LabelError(f"the matcher {kind!r} can't be carried over", "use a v3 rule")


def _any(matcher: str, values: list[str]) -> str:
    alternatives = [f"{matcher}(`{value}`)" for value in values]
    joined = " || ".join(alternatives)
    return joined if len(alternatives) == 1 else f"({joined})"
