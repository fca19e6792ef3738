"""What a release's colour brings to the routing. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from hitless.domain.release.prepared import Prepared
from hitless.domain.routing.split import BackendRouting, ColourRouting, Server


def colour_routing(
    application: Prepared, release: int, containers: Mapping[str, tuple[str, ...]]
) -> ColourRouting:
    """What a colour brings to the routing. `containers` maps service -> names of its replicas."""
    routes = application.routes
    return ColourRouting(
        release=release,
        routers=routes.routers,
        middlewares=routes.middlewares,
        backends={
            backend.name: BackendRouting(
                servers=tuple(
                    Server(f"{backend.scheme}://{name}:{backend.port}", backend.server)
                    for name in containers[backend.service]
                ),
                load_balancer=backend.load_balancer,
            )
            for backend in routes.backends
        },
    )
