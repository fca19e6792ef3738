"""What the tests of the checks share: an application without a fault, and the check of another one."""

from __future__ import annotations

from typing import Any

from hitless.domain.checks import application as checks
from hitless.domain.common.findings import Finding
from hitless.domain.common.foreign import Json
from hitless.domain.release.model import Image
from tests.domain.builders import (
    application,
    image,
    unrouted,
    web,
    world,
)

ROUTER = "services.app.labels.traefik.http.routers.shop"


SERVICE = "services.app.labels.traefik.http.services.shop.loadbalancer"


BARE = {
    "traefik.http.routers.shop.rule": "Host(`shop.example`)",
    "traefik.http.services.shop.loadbalancer.server.port": "8000",
}


IMAGES = {"app": image(8000)}


def check(
    services: Json | None = None, images: dict[str, Image] | None = None, **keys: Any
) -> tuple[Finding, ...]:
    return checks.check(application(services, **keys), world(), IMAGES if images is None else images)


def app(labels: Json | None = None, **keys: Any) -> tuple[Finding, ...]:
    """The findings about one routed service."""
    return check({"app": web(labels, **keys)})


def worker(**keys: Any) -> tuple[Finding, ...]:
    """The findings about a service without a route, beside a routed one."""
    return check({"app": web(), "worker": unrouted(**keys)})
