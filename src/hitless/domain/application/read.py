"""Read an `Application` from the resolved Compose model, with every finding about it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace

from hitless.domain.application import (
    compose_schema,
    mounts,
    roles,
    servers_transports,
    stores,
    tls_options,
    x_hitless,
)
from hitless.domain.application.model import Application, Role, Service, Settings
from hitless.domain.application.replicas import replicas
from hitless.domain.application.roles import Assignment
from hitless.domain.application.x_hitless import Extension
from hitless.domain.common import names
from hitless.domain.common.errors import HitlessError
from hitless.domain.common.findings import Finding
from hitless.domain.common.foreign import Json
from hitless.domain.common.names import Colour
from hitless.domain.routing import labels, labels_v1
from hitless.domain.routing import published as publishing
from hitless.domain.routing.model import NOOP, Protocol, Router, Routes, label_name, label_of, local_name

_MOST_REPLICAS = 1000
_JOB_TIMEOUT = 300.0  # seconds
# For Docker's own resolver, a container name is one DNS label: at most 63 octets
_LONGEST_HOST = 63


def read(model: Json) -> tuple[Application, tuple[Finding, ...]]:
    """The application of a Compose model, and everything that is wrong with its labels and settings.

    `model` is the output of `docker compose config`, decoded: it has `$$` for every literal `$`. Raises
    `HitlessError` if it is not a Compose model.
    """
    if wrong := compose_schema.misshapen(model):
        raise HitlessError(
            f"the Compose model can't be read: {'; '.join(wrong)}",
            "see what docker compose config prints for your files",
        )
    findings: list[Finding] = []
    said = x_hitless.of_application(model, findings)
    own: dict[str, Extension] = {}
    labelled: dict[str, Routes] = {}
    for name, service in (model.get("services") or {}).items():
        own[name] = x_hitless.of_service(name, service, said.settings, findings)
        found, more = _routes(name, traefik_labels(service), str(model.get("name", "")))
        role = own[name].role or said.roles.get(name)
        if role is Role.GATEWAY or (role is None and stores.is_traefik(str(service.get("image") or ""))):
            # its routes go with it; others may use its middlewares
            found, more = Routes(middlewares=found.middlewares), ()
        labelled[name] = found
        findings += more
    named = {name: one.role for name, one in own.items() if one.role}
    routed = {name for name, found in labelled.items() if found.backends}
    # what the gateway publishes ports for, and what may run twice, is of the release
    web = {
        name: Role.WEB
        for name, one in own.items()
        if one.publish or (one.concurrent_writes and name in routed)
    }
    allowed = {
        str(mount["source"])
        for name, one in own.items()
        if one.concurrent_writes
        for mount in mounts.writable(model["services"][name])
    }
    assignments = roles.assign(model, routed, {**web, **said.roles, **named}, allowed)
    routes = Routes()
    for name, found in labelled.items():
        published, more = _published(name, model["services"][name], own[name], found, assignments[name])
        findings += more
        routes = _merge(_merge(routes, found, findings), published, findings)
    routes = tls_options.resolved(routes, said.tls_options, findings)
    routes = servers_transports.resolved(routes, said.servers_transports, findings)
    application = Application(
        name=str(model.get("name", "")),
        services=tuple(
            _service(name, service, own[name], assignments[name], routes)
            for name, service in (model.get("services") or {}).items()
        ),
        routes=routes,
        settings=said.settings,
        model=model,
        hooks=said.hooks,
    )
    findings += _check_name(application)
    findings += _check_references(routes)
    return application, tuple(findings)


def _published(
    name: str, service: Json, said: Extension, own: Routes, assignment: Assignment
) -> tuple[Routes, tuple[Finding, ...]]:
    """The routes of the ports that the gateway publishes for a service.

    A shared service runs once, and publishes its ports itself.
    """
    if assignment.role is not Role.SHARED:
        return publishing.read(name, service, said.publish, said.protocol, own)
    if said.publish is None and said.protocol is None:
        return Routes(), ()
    path = f"services.{name}.{names.X_HITLESS}.publish"
    return Routes(), (Finding(path, "a shared service runs once, and publishes its ports itself"),)


def traefik_labels(service: Json) -> dict[str, str]:
    """The service's Traefik labels, with `$` instead of Compose's `$$`.

    Those below `deploy`, for a Swarm, say the same of the same service; its own come first.
    """
    of_swarm = (service.get("deploy") or {}).get("labels") or {}
    return {
        key.replace("$$", "$"): str(value).replace("$$", "$")
        for key, value in {**of_swarm, **(service.get("labels") or {})}.items()
        if key.lower().startswith("traefik.")
    }


def _service(name: str, service: Json, said: Extension, assignment: Assignment, routes: Routes) -> Service:
    routers = [router for router in routes.routers if router.service == name]
    check = service.get("healthcheck") or {}
    test = check.get("test") or ()
    reason = assignment.reason
    if assignment.exclusive and said.exclusive is not False:
        reason += f"; exclusive, as {assignment.exclusive}"
    disabled = check.get("disable") is True or list(test)[:1] == ["NONE"]
    return Service(
        name=name,
        image=service.get("image"),
        builds="build" in service,
        replicas=replicas(service),
        healthcheck=False if disabled else True if test else None,
        pull_policy=str(service.get("pull_policy", "missing")),
        settings=said.settings if assignment.role is not Role.JOB else _patient(service, said.settings),
        role=assignment.role,
        reason=reason if said.publish else _with_ports(reason, routers),
        doubt=assignment.doubt,
        exclusive=bool(assignment.exclusive) or None if said.exclusive is None else said.exclusive,
        concurrent_writes=said.concurrent_writes,
        publish=said.publish is not None or any(one.is_port for one in routers),
        depends_on={other: roles.condition(service, other) for other in roles.depends_on(service)},
        ends=roles.ends(service),
        product=stores.stateful(service),
    )


def _with_ports(reason: str, routers: Iterable[Router]) -> str:
    """The reason of a role, and what the gateway publishes without being told."""
    ports = [f"{label_name(one.name).rpartition('.')[2]} ({one.protocol})" for one in routers if one.is_port]
    return f"{reason}; the gateway publishes {', '.join(ports)} for it" if ports else reason


def _patient(service: Json, settings: Settings) -> Settings:
    """The settings of a job. Without a timeout of its own it gets a long one: a migration takes a while."""
    if "timeout" in (service.get(names.X_HITLESS) or {}):
        return settings
    return replace(settings, timeout=max(settings.timeout, _JOB_TIMEOUT))


def _routes(service: str, found: Mapping[str, str], project: str) -> tuple[Routes, tuple[Finding, ...]]:
    if not labels.is_enabled(found) or all(map(labels.is_fulfilled, found)):
        return Routes(), ()
    if labels_v1.is_v1(found) and not any(map(labels.is_of_today, found)):
        return labels_v1.read(service, found)
    return labels.read(service, found, project)


def _merge(one: Routes, two: Routes, findings: list[Finding]) -> Routes:
    for kind, first, second in (
        ("router", [r.name for r in one.routers], [r.name for r in two.routers]),
        ("service", [b.name for b in one.backends], [b.name for b in two.backends]),
        ("middleware", list(one.middlewares), list(two.middlewares)),
    ):
        findings += [
            Finding(
                label_of(f"{kind}s", name),
                f"two Compose services define a Traefik {kind} of this name{_difference(name, one, two)}",
                "give each its own name: Traefik would drop or mix them",
            )
            for name in sorted(set(first) & set(second))
            # the same one twice is one, for Traefik, too
            if kind != "middleware" or one.middlewares[name] != two.middlewares[name]
        ]
    added = tuple(replace(router, backend=local_name(router.backend)) for router in two.routers)
    return Routes(
        one.routers + added,
        one.backends + two.backends,
        {**one.middlewares, **two.middlewares},
    )


def _difference(name: str, one: Routes, two: Routes) -> str:
    """How two middlewares differ, as the end of a sentence; "" if they are no middlewares."""
    if name not in one.middlewares or name not in two.middlewares:
        return ""
    texts = [json.dumps(each.middlewares[name], sort_keys=True) for each in (one, two)]
    return f", and they differ: {texts[0]} and {texts[1]}"


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
        if service.replicas > _MOST_REPLICAS:
            findings.append(Finding(f"services.{service.name}.scale", f"is more than {_MOST_REPLICAS}"))
        longest = f"{name}-{Colour.GREEN}-{service.name}-{service.replicas}"
        if application.is_web(service.name) and len(longest) > _LONGEST_HOST:
            findings.append(
                Finding(
                    f"services.{service.name}",
                    f"the container name {longest} is longer than DNS allows ({_LONGEST_HOST} characters)",
                    "shorten the service's or the application's name",
                )
            )
    return findings


def _check_references(routes: Routes) -> list[Finding]:
    findings = []
    backends = {backend.name for backend in routes.backends}
    for router in routes.routers:
        path = router.path
        is_of_other = label_name(router.backend) != router.backend
        is_there = router.backend in backends or router.backend == NOOP
        if not is_there or (is_of_other and router.protocol is Protocol.HTTP):
            findings.append(
                Finding(f"{path}.service", f"no service {label_name(router.backend)!r} in this application")
            )
        findings += [
            _unknown_middleware(f"{path}.middlewares", name)
            for name in router.middlewares
            # those of HTTP may be the gateway's own: domain/checks/middlewares.py
            if router.is_tcp and name not in routes.middlewares
        ]
    for name, middleware in routes.middlewares.items():
        path = label_of("middlewares", name)
        target = middleware.get("errors", {}).get("service")
        if target is not None and local_name(target) not in (*backends, NOOP):
            findings.append(Finding(f"{path}.errors.service", f"no service {target!r} in this application"))
    return findings


def _unknown_middleware(path: str, name: str) -> Finding:
    return Finding(
        path,
        f"no middleware {label_name(name)!r} in this application",
        "define it with labels in this Compose file; don't rely on one of another application",
    )
