"""Look at the Docker host once, and put what is there into one value."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from hitless.domain.routing import ForeignRouting, Routing, parse
from hitless.domain.world import World
from hitless.ports import Ports


def world(ports: Ports, application: str | None) -> World:
    """The world as a deployment of this application sees it; None: of all applications, without releases."""
    with ThreadPoolExecutor(max_workers=3) as pool:
        # each look is a process that is waited for; none needs anything of another
        containers = pool.submit(ports.engine.containers, application)
        tagged = pool.submit(ports.engine.tagged, application) if application else None
        gateway = ports.balancer.gateway()
        if gateway is None:
            return World(containers=containers.result())
        kept = ports.store.read(application)
    routings: dict[str, Routing] = {}
    broken: dict[str, str] = {}
    for path, text in kept.routing_files.items():
        try:
            routing = parse(text, path)
        except ForeignRouting as error:
            broken[path] = error.message
        else:
            routings[routing.application] = routing
    return World(
        gateway=gateway,
        routings=routings,
        broken=broken,
        containers=containers.result(),
        releases=kept.releases,
        tagged=tagged.result() if tagged else frozenset(),
    )
