"""Applications for the tests of execution."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from hitless.domain.application import read as reading
from hitless.domain.application.model import Application

WEB = {
    "build": {"context": "/src"},
    "labels": {
        "traefik.http.routers.web.rule": "Host(`shop.example`)",
        "traefik.http.services.web.loadbalancer.server.port": "8000",
        "traefik.http.services.web.loadbalancer.healthcheck.path": "/health",
    },
}


def shop(**extension: Any) -> Application:
    """One routed service that is built, with a health check by label."""
    return application({"web": WEB}, extension)


def application(services: dict[str, Any], extension: dict[str, Any] | None = None) -> Application:
    """An application of these services, as Compose would resolve them."""
    # a copy, because a test may change the model
    model = deepcopy({"name": "shop", "services": services, "x-hitless": extension or {}})
    read, findings = reading.read(model)
    assert not findings
    return read
