"""The resolved Compose model -> `Application`, with every finding about it at once."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import fields, replace
from difflib import get_close_matches
from typing import Any

from hitless.domain import labels, labels_v1
from hitless.domain.model import (
    Application,
    Backend,
    Colour,
    Finding,
    Image,
    Json,
    Routes,
    Service,
    Settings,
)
from hitless.domain.routing import local_name

_DURATION_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h)")
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_EXTENSION = "x-hitless"
_SERVICE_SETTINGS = ("timeout", "successes", "ask_routes", "concurrent_writes")
# Docker's own resolver takes a container name as one DNS label of at most 63 octets
_LONGEST_HOST = 63


def read(model: Json) -> tuple[Application, tuple[Finding, ...]]:
    """What hitless understands of a Compose model, and all that is wrong with its labels and settings.

    `model` is the output of `docker compose config`, decoded: in it every literal `$` is written `$$`.
    """
    findings: list[Finding] = []
    settings = _settings(model.get(_EXTENSION), _EXTENSION, Settings(), None, findings)
    services = []
    routes = Routes()
    for name, service in (model.get("services") or {}).items():
        own = _settings(
            service.get(_EXTENSION),
            f"services.{name}.{_EXTENSION}",
            settings,
            _SERVICE_SETTINGS,
            findings,
        )
        services.append(_service(name, service, own))
        found, more = _routes(name, traefik_labels(service))
        findings += more
        routes = _merge(routes, found, findings)
    application = Application(
        name=str(model.get("name", "")),
        services=tuple(services),
        routes=routes,
        settings=settings,
        model=model,
    )
    findings += _check_name(application)
    findings += _check_references(routes)
    return application, tuple(findings)


def traefik_labels(service: Json) -> dict[str, str]:
    """The service's Traefik labels with Compose's escaping of `$` undone."""
    return {
        key.replace("$$", "$"): str(value).replace("$$", "$")
        for key, value in (service.get("labels") or {}).items()
        if key.lower().startswith("traefik.")
    }


def with_images(
    application: Application, images: Mapping[str, Image]
) -> tuple[Application, tuple[Finding, ...]]:
    """The application with every backend's port known: from label, `expose`, or the image's EXPOSE.

    Traefik takes the lowest exposed port where the label is missing; so does this.
    """
    findings: list[Finding] = []
    backends = []
    for backend in application.routes.backends:
        ports = exposed_ports(application, backend.service)
        if not ports and backend.service in images:
            ports = images[backend.service].ports
        port = backend.port or (min(ports) if ports else None)
        if port is None:
            findings.append(_no_port(backend))
        backends.append(replace(backend, port=port))
    routes = replace(application.routes, backends=tuple(backends))
    return replace(application, routes=routes), tuple(findings)


def with_timeouts(
    application: Application, timeout: float | None, drain_timeout: float | None
) -> Application:
    """The application with the timeouts of gate and drain (seconds) that the command line names."""
    if drain_timeout is not None:
        settings = replace(application.settings, drain_timeout=drain_timeout)
        application = replace(application, settings=settings)
    if timeout is not None:
        services = tuple(
            replace(service, settings=replace(service.settings, timeout=timeout))
            for service in application.services
        )
        application = replace(application, services=services)
    return application


def exposed_ports(application: Application, service: str) -> tuple[int, ...]:
    """The container ports that the Compose file itself names for a service."""
    model = application.model["services"][service]
    named = [str(port).partition("/") for port in model.get("expose") or ()]
    named += [(str(port.get("target", "")), "/", port.get("protocol")) for port in model.get("ports") or ()]
    return tuple(int(port) for port, _, protocol in named if port.isdigit() and protocol in ("tcp", "", None))


def seconds(value: Any) -> float:
    """A duration as Compose writes it (`1m30s`, or a number of seconds). Raises `ValueError`."""
    text = str(value).strip()
    if isinstance(value, bool) or not text:
        raise ValueError(f"{value!r} is no duration")
    if re.fullmatch(r"\d+(\.\d+)?", text):
        return float(text)
    if not re.fullmatch(rf"({_DURATION_PART.pattern})+", text):
        raise ValueError(f"{value!r} is no duration; write 90s or 1m30s")
    return sum(float(number) * _UNITS[unit] for number, unit in _DURATION_PART.findall(text))


def concurrent_writes(service: Json) -> bool:
    """Whether the user said that two copies of this service may write to its volumes at once."""
    extension = service.get(_EXTENSION)
    return isinstance(extension, Mapping) and extension.get("concurrent_writes") is True


def _service(name: str, service: Json, settings: Settings) -> Service:
    deploy = service.get("deploy") or {}
    check = service.get("healthcheck") or {}
    test = check.get("test") or ()
    disabled = check.get("disable") is True or list(test)[:1] == ["NONE"]
    return Service(
        name=name,
        image=service.get("image"),
        builds="build" in service,
        replicas=_replicas(service.get("scale"), deploy.get("replicas")),
        healthcheck=False if disabled else True if test else None,
        pull_policy=str(service.get("pull_policy", "missing")),
        settings=settings,
    )


def _replicas(scale: int | None, replicas: int | None) -> int:
    return next((int(said) for said in (scale, replicas) if said is not None), 1)


def _routes(service: str, found: Mapping[str, str]) -> tuple[Routes, tuple[Finding, ...]]:
    if not labels.is_enabled(found) or not set(map(str.lower, found)) - set(labels.FULFILLED):
        return Routes(), ()
    if not labels_v1.is_v1(found):
        return labels.read(service, found)
    if any(label.lower().startswith("traefik.http.") for label in found):
        path = f"services.{service}.labels"
        return Routes(), (
            Finding(path, "mixes labels of Traefik v1 and of v2/v3", "keep one of the two sets"),
        )
    return labels_v1.read(service, found)


def _merge(one: Routes, two: Routes, findings: list[Finding]) -> Routes:
    for kind, first, second in (
        ("router", [r.name for r in one.routers], [r.name for r in two.routers]),
        ("service", [b.name for b in one.backends], [b.name for b in two.backends]),
        ("middleware", list(one.middlewares), list(two.middlewares)),
    ):
        findings += [
            Finding(
                f"traefik.http.{kind}s.{name}",
                f"two Compose services define a Traefik {kind} of this name",
                "give each its own name: Traefik would drop or mix them",
            )
            for name in sorted(set(first) & set(second))
        ]
    added = tuple(replace(router, backend=local_name(router.backend)) for router in two.routers)
    return Routes(
        one.routers + added,
        one.backends + two.backends,
        {**one.middlewares, **two.middlewares},
    )


def _check_name(application: Application) -> list[Finding]:
    findings = []
    name = application.name
    if any(name.endswith(f"-{colour}") for colour in Colour):
        findings.append(
            Finding(
                "name",
                f"an application can't be called {name}: it would be mistaken for a colour",
                "choose another with -p NAME or `name:` in the Compose file",
            )
        )
    for service in application.services:
        longest = f"{name}-{Colour.GREEN}-{service.name}-{service.replicas}"
        if application.is_web(service.name) and len(longest) > _LONGEST_HOST:
            findings.append(
                Finding(
                    f"services.{service.name}",
                    f"the container name {longest} is longer than DNS takes ({_LONGEST_HOST} characters)",
                    "shorten the service's or the application's name",
                )
            )
    return findings


def _check_references(routes: Routes) -> list[Finding]:
    findings = []
    backends = {backend.name for backend in routes.backends}
    for router in routes.routers:
        path = f"services.{router.service}.labels.traefik.http.routers.{router.name}"
        if router.backend not in backends:
            findings.append(Finding(f"{path}.service", f"no service {router.backend!r} in this application"))
        findings += [
            _unknown_middleware(f"{path}.middlewares", name)
            for name in router.middlewares
            if not _is_known(name, routes.middlewares)
        ]
    for name, middleware in routes.middlewares.items():
        path = f"traefik.http.middlewares.{name}"
        findings += [
            _unknown_middleware(f"{path}.chain.middlewares", reference)
            for reference in middleware.get("chain", {}).get("middlewares", ())
            if not _is_known(reference, routes.middlewares)
        ]
        target = middleware.get("errors", {}).get("service")
        if target is not None and local_name(target) not in backends:
            findings.append(Finding(f"{path}.errors.service", f"no service {target!r} in this application"))
    return findings


def _is_known(name: str, middlewares: Mapping[str, Json]) -> bool:
    return local_name(name) in middlewares


def _unknown_middleware(path: str, name: str) -> Finding:
    return Finding(
        path,
        f"no middleware {name!r} in this application",
        "define it by labels in this Compose file; one of another application can't be relied on",
    )


def _no_port(backend: Backend) -> Finding:
    return Finding(
        f"services.{backend.service}.labels.traefik.http.services.{backend.name}.loadbalancer.server.port",
        "which port the service listens on is said nowhere: no label, no `expose`, no EXPOSE in its image",
        "add this label with the port",
    )


def _settings(
    value: Any,
    path: str,
    base: Settings,
    known: tuple[str, ...] | None,
    findings: list[Finding],
) -> Settings:
    """`base` with what `value` (an `x-hitless` mapping) sets; whatever is wrong in it becomes a finding."""
    if value is None:
        return base
    if not isinstance(value, Mapping):
        findings.append(Finding(path, "must be a mapping"))
        return base
    names = known or tuple(setting.name for setting in fields(Settings))
    changes: dict[str, Any] = {}
    for key, raw in value.items():
        if key not in names:
            close = get_close_matches(str(key), names, n=1)
            hint = f"did you mean {close[0]}?" if close else f"known: {', '.join(names)}"
            findings.append(Finding(f"{path}.{key}", "is unknown", hint))
            continue
        try:
            changes[key] = _setting(key, raw)
        except ValueError as error:
            findings.append(Finding(f"{path}.{key}", str(error)))
    changes.pop("concurrent_writes", None)
    return replace(base, **changes)


def _setting(key: str, raw: Any) -> Any:
    match key:
        case "concurrent_writes" | "ask_routes":
            if not isinstance(raw, bool):
                raise ValueError(f"expects true or false, not {raw!r}")
            return raw
        case "successes" | "keep":
            if isinstance(raw, bool) or not isinstance(raw, int) or raw < 1:
                raise ValueError(f"expects a whole number of at least 1, not {raw!r}")
            return raw
        case _:
            return seconds(raw)
