"""Logs: keep those of containers that go, and find those of a release, whether it is there or gone."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from threading import Thread

from hitless.domain.common.errors import HitlessError, LockLost
from hitless.domain.common.names import Colour, colour_project
from hitless.domain.host.logs import KeptLog, Wanted, cut, moment, service_of, shown
from hitless.domain.host.world import Container
from hitless.execution import observe
from hitless.ports import Ports
from hitless.ports.logs import Logs

_PAUSE = 1.0  # seconds between two looks at what is live


def keep(ports: Ports, containers: Sequence[Container]) -> None:
    """Keep what these containers have written, before they are removed.

    Nothing that goes wrong here fails a deployment. Raises `LockLost` alone.
    """
    try:
        found = ports.containers.last_lines([one.id for one in containers]) if containers else {}
        for one in containers:
            if text := cut(ports.hide(found[one.id])):
                ports.state.keep_log(one.application, KeptLog(one.release, one.name), text)
    except LockLost:
        raise
    except HitlessError:  # a full disk, or a gateway that does not answer: then the others fail, too
        return


@dataclass(frozen=True)
class Source:
    """A release whose logs there are.

    `services` are those of its containers (`colour` is None if it has none), and `running` those that run.
    `shared` are the shared services that are shown with it, `kept` the logs of containers that are gone.
    """

    release: int
    colour: Colour | None = None
    services: tuple[str, ...] = ()
    running: tuple[str, ...] = ()
    shared: tuple[str, ...] = ()
    kept: tuple[KeptLog, ...] = ()

    def is_same(self, other: Source) -> bool:
        """Whether it is the same release, in the same colour."""
        return (self.release, self.colour) == (other.release, other.colour)


def live(ports: Ports, application: str) -> Source | None:
    """The live release, and the shared services; None if there is none."""
    with ThreadPoolExecutor(max_workers=2) as pool:  # each look waits for a process
        containers = pool.submit(ports.containers.of, application)
        composed = pool.submit(ports.containers.composed, application)
        routing = ports.state.read(None).routings.get(application)
    if routing is None or routing.live is None:
        return None
    release = routing.colours[routing.live].release
    here = [one for one in containers.result() if one.colour is routing.live]
    base = [one for one in composed.result() if one.project == application]
    return Source(
        release,
        routing.live,
        _services(here),
        _services(one for one in here if one.is_running),
        tuple(sorted({one.service for one in base if one.is_ours})),
    )


def _services(containers: Iterable[Container]) -> tuple[str, ...]:
    return tuple(sorted({one.service for one in containers}))


def find(ports: Ports, application: str, release: int | None, services: Sequence[str]) -> Source:
    """The release of this number, or the live one. Raises `HitlessError` with what there is instead."""
    if ports.balancer.gateway() is None:
        raise observe.not_here(ports, application)
    found = live(ports, application) if release is None else _release(ports, application, release)
    if found is None:
        observe.refuse_elsewhere(ports, application, ports.containers.of(application))
        what = f"has no log of release {release}" if release else "has no live release"
        raise HitlessError(f"{application} {what}", _instead(ports, application))
    known = {*found.services, *found.shared, *(service_of(application, log) for log in found.kept)}
    if unknown := [name for name in services if name not in known]:
        raise HitlessError(
            f"release {found.release} of {application} has no service {', '.join(unknown)}",
            f"there are: {', '.join(sorted(known))}",
        )
    return found


def _release(ports: Ports, application: str, release: int) -> Source | None:
    kept = tuple(log for log in ports.state.kept_logs(application) if log.release == release)
    here = [one for one in ports.containers.of(application) if one.release == release]
    if not (kept or here):
        return None
    return Source(
        release,
        here[0].colour if here else None,
        _services(here),
        _services(one for one in here if one.is_running),
        kept=kept,
    )


def _instead(ports: Ports, application: str) -> str:
    kept = {log.release for log in ports.state.kept_logs(application)}
    there = sorted(kept | {one.release for one in ports.containers.of(application)})
    if not there:
        return "there are none; hitless status --all lists the applications"
    return f"there are logs of release {', '.join(map(str, there))}: hitless logs --release {there[-1]}"


def gone(ports: Ports, application: str, source: Source, wanted: Wanted) -> Iterator[tuple[str, str]]:
    """The kept lines of a release: each container's name, and the line."""
    logs = ports.state.logs_of(application, source.release) if source.kept else {}
    return shown(application, logs, wanted)


def show(
    ports: Ports,
    logs: Logs,
    application: str,
    source: Source,
    wanted: Wanted,
    line: Callable[[str], None],
    now_live: Callable[[Source], None] | None = None,
) -> bool:
    """Show the lines of a release that is there, and of the shared services. Raises `HitlessError`.

    `now_live`: follow also the releases after it, and tell each. Returns whether this has ended because none
    is live any more.
    """

    def follow_shared() -> None:
        with suppress(HitlessError, OSError):  # the others have the same error
            _show(logs, application, source.shared, wanted, line)

    is_followed = wanted.follows and _chosen(source.services, wanted)
    if is_followed and _chosen(source.shared, wanted):
        Thread(target=follow_shared, daemon=True).start()
    else:
        _show(logs, application, source.shared, wanted, line)
    following: Source | None = source
    while following and following.colour:
        project = colour_project(application, following.colour)
        _show(logs, project, following.services, wanted, line)
        if not (is_followed and now_live):
            return False
        ended, since = following, ports.clock.utc()
        following = _next(ports, application, ended, wanted)
        is_new = following is not None and not following.is_same(ended)
        if following and is_new:
            now_live(following)
        # of a new release everything; of containers that were started again, what came since
        wanted = replace(wanted, tail=None, since="" if is_new else moment(since))
    return following is None


def _show(
    logs: Logs, project: str, services: Sequence[str], wanted: Wanted, line: Callable[[str], None]
) -> None:
    if names := _chosen(services, wanted):
        for one in logs.lines(project, names, wanted):
            line(one)


def _chosen(services: Sequence[str], wanted: Wanted) -> tuple[str, ...]:
    return tuple(name for name in services if not wanted.services or name in wanted.services)


def _next(ports: Ports, application: str, ended: Source, wanted: Wanted) -> Source | None:
    """What to follow after a release whose containers have ended; None if nothing is live."""
    while True:
        found = live(ports, application)
        if found is None or not found.is_same(ended):
            return found
        ports.clock.pause(_PAUSE)
        if _chosen(found.running, wanted):
            return found
