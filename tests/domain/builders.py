"""Small pieces that the domain's tests are put together from: models, applications, routings, worlds."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from hitless.domain.application import read as reading
from hitless.domain.application.model import Application
from hitless.domain.common.findings import Finding
from hitless.domain.common.foreign import Json
from hitless.domain.common.names import Colour
from hitless.domain.gateway.model import Gateway
from hitless.domain.host.world import Container, World, read_kept
from hitless.domain.release.model import Image, Release
from hitless.domain.release.prepared import Prepared, prepare
from hitless.domain.routing.model import Router
from hitless.domain.routing.split import BackendRouting, ColourRouting, Routing, Server, all_to

SHOP = "shop"
GATEWAY = Gateway("traefik", "traefik-traefik-1", "traefik_webgateway", {"web": 80}, bound={"web": ""})
WEB_LABELS = {
    "traefik.enable": "true",
    "traefik.http.routers.shop.rule": "Host(`shop.example`)",
    "traefik.http.services.shop.loadbalancer.server.port": "8000",
    "traefik.http.services.shop.loadbalancer.healthcheck.path": "/health",
}


def examples(number: int) -> settings:
    """How many examples a property is tried with; no deadline, a machine may be busy.

    They are the same in every run, except in `make fuzz`, which takes more, and others each time.
    """
    return settings(
        max_examples=number * int(os.environ.get("HITLESS_EXAMPLES", "1")),
        deadline=None,
        derandomize="HITLESS_EXAMPLES" not in os.environ,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
    )


def web(labels: Mapping[str, str] | None = None, **keys: Any) -> dict[str, Any]:
    """A routed service that nothing is wrong with; `labels` in place of its own."""
    return unrouted(image="shop:1", labels=dict(WEB_LABELS if labels is None else labels), **keys)


def unrouted(image: str = "shop:1", **keys: Any) -> dict[str, Any]:
    """A service without a route: a worker, as it has the code of the routed one.

    `x_hitless=` is the key `x-hitless`, here as in all of these.
    """
    return {"image": image, **_dashed(keys)}


def compose(services: Mapping[str, Json] | None = None, name: str = SHOP, **keys: Any) -> dict[str, Any]:
    """A model as `docker compose config` prints it."""
    return {
        "name": name,
        "services": {"app": web()} if services is None else dict(services),
        **_dashed(keys),
    }


def _dashed(keys: Mapping[str, Any]) -> dict[str, Any]:
    return {key.replace("x_", "x-") if key.startswith("x_") else key: value for key, value in keys.items()}


def application(services: Mapping[str, Json] | None = None, name: str = SHOP, **keys: Any) -> Application:
    """An application that `spec.read` finds nothing wrong with."""
    found, findings = reading.read(compose(services, name, **keys))
    assert findings == ()
    return found


def prepared(services: Mapping[str, Json] | None = None, name: str = SHOP, **keys: Any) -> Prepared:
    """The same with all its ports known: a plan can be made for it."""
    found, findings = prepare(application(services, name, **keys), {}, GATEWAY)
    assert findings == ()
    return found


def image(*ports: int, healthcheck: bool = False, volumes: tuple[str, ...] = ()) -> Image:
    return Image("sha256:0123", ports, healthcheck, volumes)


def release(number: int, promoted: int = 0, services: Sequence[str] = ("app",)) -> Release:
    return Release(
        number=number,
        created="2025-01-01T00:00:00Z",
        revision="",
        images={service: image(8000) for service in services},
        model=compose(),
        promoted=promoted,
    )


def container(colour: Colour, number: int = 1, service: str = "app") -> Container:
    name = f"{SHOP}-{colour}-{service}-1"
    return Container(
        id=name,
        name=name,
        gateway=GATEWAY.project,
        application=SHOP,
        service=service,
        colour=colour,
        release=number,
        state="running",
    )


def router(rule: str = "Host(`shop.example`)", name: str = "shop", **fields: Any) -> Router:
    return Router(name=name, service="app", rule=rule, backend="shop", **fields)


def part(number: int = 1, *routers: Router, servers: int = 1, **fields: Any) -> ColourRouting:
    """What a colour brings to the routing: one backend, called shop."""
    backend = BackendRouting(tuple(Server(f"http://replica-{index}:8000") for index in range(servers)))
    defaults: dict[str, Any] = {"middlewares": {}, "backends": {"shop": backend}}
    return ColourRouting(release=number, routers=routers or (router(),), **{**defaults, **fields})


def routing(
    live: Colour | None,
    colours: Mapping[Colour, ColourRouting] | None = None,
    generation: int = 4,
    name: str = SHOP,
) -> Routing:
    """A routing; without `colours` the live one alone."""
    if colours is None:
        colours = {live: part()} if live else {}
    return Routing(name, generation, all_to(live), colours)


def met(planned: Routing) -> Routing:
    """A plan's routing as it is once each service has two containers."""
    return replace(
        planned,
        colours={
            colour: part.met({service: (f"{service}-1", f"{service}-2") for service in part.awaited})
            for colour, part in planned.colours.items()
        },
    )


def world(*routings: Routing, releases: Sequence[Release] = (), **fields: Any) -> World:
    """A host with a gateway and these routings on it, and these releases kept."""
    known: dict[str, Any] = {
        "gateway": GATEWAY,
        "routings": {each.application: each for each in routings},
        "kept": read_kept(releases, GATEWAY),
    }
    return World(**{**known, **fields})


def paths(findings: Sequence[Finding], is_error: bool | None = None) -> list[str]:
    """Where the findings are: all, only the errors, or only the warnings."""
    return [finding.path for finding in findings if is_error in (None, finding.is_error)]


def only(findings: Sequence[Finding]) -> Finding:
    """The only finding."""
    assert len(findings) == 1, findings
    return findings[0]


def at(findings: Sequence[Finding], path: str) -> Finding:
    """The one finding at this path."""
    return only([finding for finding in findings if finding.path == path])


HOSTILE = (
    "{{",
    "}}",
    "{{{",
    "{",
    '{{"{{"}}',
    "{{ .Env }}",
    "{{- x -}}",
    "{{/* c */}}",
    "\n",
    "\r\n",
    "\t",
    '"',
    "'",
    "`",
    "\\",
    "$",
    "$$",
    "#",
    " # ",
    ": ",
    "- ",
    "? ",
    "&a",
    "*a",
    "!!str",
    "%",
    "@",
    "|",
    ">",
    "---",
    "...",
    "\N{NEXT LINE}",
    "\N{LINE SEPARATOR}",
    "\N{ZERO WIDTH NO-BREAK SPACE}",
    "ü",
    "\N{PILE OF POO}",
    "null",
    "yes",
    "1e3",
    "0x1",
    "12:30",
    "",
    " ",
)


def hostile_texts() -> st.SearchStrategy[str]:
    """Texts that YAML, JSON or Go's template engine could trip over."""
    plain = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
    mixed = st.lists(st.sampled_from(HOSTILE) | plain, min_size=1, max_size=6).map("".join)
    return st.sampled_from(HOSTILE) | plain | mixed
