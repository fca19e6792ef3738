"""The numbers of an application's releases: the next, the former, those that are over. Pure."""

from __future__ import annotations

from hitless.domain.host.world import World
from hitless.domain.release.model import Release


def next_release(world: World, application: str) -> int:
    """The number of a new release: one more than any of the application that has left a trace.

    The journal's count, too: what failed and is gone had a number by which it is spoken of.
    """
    running = (container.release for container in world.containers)
    routing = world.routings.get(application)
    routed = (part.release for part in routing.colours.values()) if routing else ()
    journaled = (run.release for run in world.runs)
    return max((*known_releases(world), *running, *routed, *journaled), default=0) + 1


def former_release(world: World, application: str) -> Release | None:
    """The release that a rollback brings back: of those older than the live one the one last live.

    So a release that was rolled back from is not gone back to after the next one.
    """
    live = world.live(application)
    older = [kept for kept in world.releases if live and kept.promoted and kept.number < live[1]]
    return max(older, key=lambda kept: kept.promoted, default=None)


def releases_over(
    world: World, application: str, deployed: int, keep: int, undone: tuple[int, ...] = ()
) -> tuple[int, ...]:
    """The releases that are over: beyond `keep` the longest ago live, and every one that never was.

    Those that are `undone` are over, too, unless one of them is the one that is `deployed`.
    """
    live = world.live(application)
    promotions = {
        kept.number: kept.promoted for kept in world.releases if kept.promoted and kept.number not in undone
    }
    others = sorted(
        (set(promotions) | ({live[1]} if live else set())) - {deployed},
        key=lambda number: (live is not None and number == live[1], promotions.get(number, 0)),
        reverse=True,
    )
    remaining = {deployed, *others[: keep - 1]}
    return tuple(number for number in known_releases(world) if number not in remaining)


def latest_promotion(world: World) -> int:
    """The number of the last promotion; 0 before the first."""
    return max((kept.promoted for kept in world.releases), default=0)


def known_releases(world: World) -> tuple[int, ...]:
    """Every release that has a record, whole or not, or an image tag."""
    return tuple(sorted({kept.number for kept in world.releases} | world.damaged | world.tagged))


def promotion(live: Release, world: World) -> int:
    """The number of the live release's promotion; where a kill came first, the one that it will get."""
    latest = max((kept.promoted for kept in world.releases), default=0)
    return live.promoted if live.promoted >= max(latest, 1) else latest + 1
