"""Applications for the tests of execution."""

from __future__ import annotations

from typing import Any

from hitless.domain import spec
from hitless.domain.model import Application


def shop(**extension: Any) -> Application:
    """One routed service that is built, with a health check by label."""
    model = {
        "name": "shop",
        "services": {
            "web": {
                "build": {"context": "/src"},
                "labels": {
                    "traefik.http.routers.web.rule": "Host(`shop.example`)",
                    "traefik.http.services.web.loadbalancer.server.port": "8000",
                    "traefik.http.services.web.loadbalancer.healthcheck.path": "/health",
                },
            }
        },
        "x-hitless": extension,
    }
    application, findings = spec.read(model)
    assert not findings
    return application
