"""The numbers of an application's releases: the next, the former, and those not to keep any more. Pure."""

from __future__ import annotations

from hitless.domain.host.world import World
from hitless.domain.release.model import Release


def next_release(world: World, application: str) -> int:
    """The number of a new release: one more than the highest number that has left a trace.

    Numbers in the journal count, too: people may still speak of a release that failed and is gone.
    """
    running = (container.release for container in world.containers)
    routing = world.routings.get(application)
    routed = (part.release for part in routing.colours.values()) if routing else ()
    journaled = (run.release for run in world.runs)
    return max((*known_releases(world), *running, *routed, *journaled), default=0) + 1


def former_release(world: World, application: str) -> Release | None:
    """The release that a rollback brings back: the one that was live last, of those older than the live one.

    So a second rollback does not return to the release that the first one left.
    """
    live = world.live(application)
    older = [kept for kept in world.releases if live and kept.promoted and kept.number < live[1]]
    return max(older, key=lambda kept: kept.promoted, default=None)


def releases_over(
    world: World, application: str, deployed: int, keep: int, undone: tuple[int, ...] = ()
) -> tuple[int, ...]:
    """The releases that hitless does not keep any more.

    It keeps `keep` releases: the one that is `deployed`, the live one, and then those that were live last. It
    does not keep a release that never was live, or one that is `undone` (unless it is `deployed`).
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
    """Every release that has a record (also a damaged one) or an image tag."""
    return tuple(sorted({kept.number for kept in world.releases} | world.damaged | world.tagged))


def promotion(live: Release, world: World) -> int:
    """The number of the live release's promotion. If a kill came before that, the number that it will get."""
    latest = max((kept.promoted for kept in world.releases), default=0)
    return live.promoted if live.promoted >= max(latest, 1) else latest + 1
