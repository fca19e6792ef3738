"""Look at the Docker host once, and put what is there into one value."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from hitless.domain.gateway.model import Gateway
from hitless.domain.host import journal
from hitless.domain.host.world import World, read_kept
from hitless.domain.routing.file import READ_BY_TRAEFIK, ForeignRouting, parse
from hitless.domain.routing.split import Routing
from hitless.ports import Ports
from hitless.ports.store import Kept


def world(ports: Ports, application: str | None, gateway: Gateway | None = None) -> World:
    """The world as a deployment of this application sees it; None: of all applications, without releases.

    `gateway` is the gateway where it has been looked at already.
    """
    with ThreadPoolExecutor(max_workers=6) as pool:
        # each look is a process that is waited for; none needs anything of another
        containers = pool.submit(ports.engine.containers, application)
        networked = pool.submit(ports.engine.networked, application) if application else None
        tagged = pool.submit(ports.engine.tagged, application) if application else None
        composed = pool.submit(ports.engine.composed, application) if application else None
        reading = pool.submit(ports.store.read, application)
        gateway = gateway or ports.balancer.gateway()
        others = composed.result() if composed else ()
        base = tuple(one for one in others if one.project == application)
        if gateway is None:  # then the reading has failed, for the same reason
            return World(containers=containers.result(), base=base)
        kept = reading.result()
    found, broken, restored = routings(kept)
    return World(
        gateway=gateway,
        routings=found,
        broken=broken,
        restored=restored,
        containers=containers.result(),
        kept=read_kept(kept.releases, gateway),
        damaged=kept.damaged,
        networked=networked.result() if networked else frozenset(),
        tagged=tagged.result() if tagged else frozenset(),
        foreign=tuple(one.name for one in others if one.project != application),
        base=base,
        runs=journal.runs(kept.journal),
        holder=kept.holder,
        quiet=kept.quiet,
        free=kept.free,
    )


def routings(kept: Kept) -> tuple[dict[str, Routing], dict[str, str], dict[str, str]]:
    """The routings of all applications by name, what is wrong with files, and with files that have a copy.

    Both are path -> problem: of a file of the first kind no routing is known, of the second the copy's is.
    """
    found: dict[str, Routing] = {}
    broken: dict[str, str] = {}
    restored: dict[str, str] = {}
    for path in dict.fromkeys((*kept.routing_files, *kept.copies)):
        if not path.endswith(READ_BY_TRAEFIK):
            continue
        text, problem = kept.routing_files.get(path), ""
        try:
            if text is None:
                raise ForeignRouting(f"{path} in the gateway is gone")
            routing = parse(text, path)
        except ForeignRouting as error:
            copied = _copied(kept, path)
            if copied is None:
                broken[path] = error.message if text else f"{path} in the gateway is empty"
                continue
            routing, problem = copied, error.message if text != "" else f"{path} in the gateway is empty"
        if path != f"{routing.application}.yml":
            broken[path] = f"{path} in the gateway is a copy of {routing.application}.yml"
            continue
        found[routing.application] = routing
        if problem:
            restored[path] = f"{problem}; its last good copy serves"
        elif path in kept.aside:
            broken[path] = (
                f"Traefik refused {path} when it started and serves without it: see hitless gateway logs"
            )
    return found, broken, restored


def _copied(kept: Kept, path: str) -> Routing | None:
    try:
        return parse(kept.copies[path], path)
    except (KeyError, ForeignRouting):
        return None
