"""Look at the Docker host once, and put what is there into one value."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from hitless.domain import history
from hitless.domain.routing import READ_BY_TRAEFIK, ForeignRouting, Routing, parse
from hitless.domain.world import Gateway, World
from hitless.ports import Kept, Ports


def world(ports: Ports, application: str | None, gateway: Gateway | None = None) -> World:
    """The world as a deployment of this application sees it; None: of all applications, without releases.

    `gateway` is the gateway where it has been looked at already.
    """
    with ThreadPoolExecutor(max_workers=5) as pool:
        # each look is a process that is waited for; none needs anything of another
        containers = pool.submit(ports.engine.containers, application)
        tagged = pool.submit(ports.engine.tagged, application) if application else None
        composed = pool.submit(ports.engine.composed, application) if application else None
        reading = pool.submit(ports.store.read, application)
        gateway = gateway or ports.balancer.gateway()
        others = composed.result() if composed else ()
        base = tuple(one for one in others if one.project == application)
        if gateway is None:  # then the reading has failed, for the same reason
            return World(containers=containers.result(), base=base)
        kept = reading.result()
    found, broken = routings(kept)
    return World(
        gateway=gateway,
        routings=found,
        broken=broken,
        containers=containers.result(),
        releases=kept.releases,
        tagged=tagged.result() if tagged else frozenset(),
        foreign=tuple(one.name for one in others if one.project != application),
        base=base,
        runs=history.runs(kept.journal),
        holder=kept.holder,
        quiet=kept.quiet,
        free=kept.free,
    )


def routings(kept: Kept) -> tuple[dict[str, Routing], dict[str, str]]:
    """The routings of all applications by name; and path -> what is wrong with a file that holds none."""
    found: dict[str, Routing] = {}
    broken: dict[str, str] = {}
    for path, text in kept.routing_files.items():
        if not path.endswith(READ_BY_TRAEFIK):
            continue
        try:
            routing = parse(text, path)
        except ForeignRouting as error:
            broken[path] = error.message
            continue
        if path == f"{routing.application}.yml":
            found[routing.application] = routing
        else:
            broken[path] = f"{path} in the gateway is a copy of {routing.application}.yml"
    return found, broken
