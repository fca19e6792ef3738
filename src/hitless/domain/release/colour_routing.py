"""The part of a routing that is a release's colour. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from hitless.domain.common.names import shared_host
from hitless.domain.release.prepared import Prepared
from hitless.domain.routing import forward_auth
from hitless.domain.routing.split import BackendRouting, ColourRouting, ServerOf


def colour_routing(
    application: Prepared,
    release: int,
    awaited: Collection[str],
    there: Mapping[str, Sequence[str]],
) -> ColourRouting:
    """The part of a routing that is this release's colour.

    `awaited` are the services whose replicas the engine will create later. `there` maps service -> names of
    the replicas that exist and stay.
    """
    routes = application.routes
    shared = {service.name for service in application.shared_with_route}
    backends = {}
    for backend in routes.backends:
        of = ServerOf(backend.service, backend.scheme, backend.port, backend.server)
        backends[backend.name] = BackendRouting(
            # a shared service is the same one for both colours
            servers=(of.server(shared_host(application.name, backend.service)),)
            if backend.service in shared
            else tuple(map(of.server, there.get(backend.service, ()))),
            load_balancer=backend.load_balancer,
            awaits=of if backend.service in awaited else None,
        )
    asks = forward_auth.asks(routes)
    return ColourRouting(release, routes.routers, routes.middlewares, backends, asks)
