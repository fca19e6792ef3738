"""What a release's colour brings to the routing. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from hitless.domain.release.prepared import Prepared
from hitless.domain.routing.split import BackendRouting, ColourRouting, ServerOf


def colour_routing(
    application: Prepared,
    release: int,
    awaited: Collection[str],
    there: Mapping[str, Sequence[str]],
) -> ColourRouting:
    """What a colour brings to the routing.

    `awaited` are the services whose replicas the engine is yet to create, `there` maps service -> names of
    the replicas that are there and stay.
    """
    routes = application.routes
    backends = {}
    for backend in routes.backends:
        of = ServerOf(backend.service, backend.scheme, backend.port, backend.server)
        backends[backend.name] = BackendRouting(
            servers=tuple(map(of.server, there.get(backend.service, ()))),
            load_balancer=backend.load_balancer,
            awaits=of if backend.service in awaited else None,
        )
    return ColourRouting(release, routes.routers, routes.middlewares, backends)
