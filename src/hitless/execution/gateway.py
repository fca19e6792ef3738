"""Start and stop the gateway."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from hitless.domain.errors import HitlessError, TimedOut
from hitless.domain.gateway import API_PORT, GatewaySettings
from hitless.ports import Clock, GatewayHost

_ANSWER_TIMEOUT = 30.0
_PAUSE = 0.1


def up(
    host: GatewayHost, clock: Clock, is_running: bool, changes: dict[str, Any], may_replace: bool
) -> tuple[GatewaySettings, bool]:
    """Have the gateway running; its settings, and whether anything was done.

    `changes` are the settings that were asked for explicitly; all others stay what they are. To change a
    running gateway is to restart it, which every application feels; that takes `may_replace`.
    """
    present = host.settings()
    # what another still had when an application was to be adopted is asked for again
    wanted = replace(present or GatewaySettings(), held=(), **changes)
    if is_running and wanted == present and not may_replace:
        return wanted, False
    if is_running and not may_replace:
        differing = ", ".join(
            f"{key} is {_shown(getattr(present, key))}, asked for {_shown(value)}"
            for key, value in vars(wanted).items()
            if getattr(present, key) != value
        )
        raise HitlessError(
            f"the gateway runs with other settings: {differing}",
            "pass --replace to restart it with the new ones; for a second or two nothing is answered",
        )
    if wanted.dashboard and API_PORT in (wanted.http_port, *wanted.ports):
        raise HitlessError(
            f"port {API_PORT} is to be the dashboard's and one for applications",
            f"pass --no-dashboard, or another port than {API_PORT}",
        )
    if wanted.http_port in wanted.ports:
        # Docker would give it to one of the two, and the other would be reached by nobody
        raise HitlessError(
            f"port {wanted.http_port} is to be the gateway's own and one for applications",
            f"choose another one with --http-port, or pass --unpublish {wanted.http_port}, too",
        )
    refuse_unfit(host)
    wanted = with_pool(host, wanted)
    change(host, clock, present if is_running else None, wanted)
    return wanted, True


def with_pool(host: GatewayHost, settings: GatewaySettings) -> GatewaySettings:
    """The same with a pool of addresses for the networks of applications. Raises `HitlessError`."""
    if settings.address_pool:
        return settings
    if pool := host.free_pool(settings.image):
        return replace(settings, address_pool=pool)
    raise HitlessError(
        "every address range that hitless would take for its networks is in use on this Docker host",
        "name one that is free with --address-pool, a private range with a prefix of at most /20",
    )


def refuse_unfit(host: GatewayHost) -> None:
    """Raise `HitlessError` where this host can't have the gateway."""
    if outdated := host.outdated():
        raise HitlessError(
            outdated, "update it on the Docker host; see docker version, docker compose version"
        )
    if foreign := host.foreign():
        raise HitlessError(
            f"there are containers that hitless did not make in the gateway's project: {', '.join(foreign)}",
            "choose another name for the gateway with --gateway NAME, or remove them",
        )


def start(host: GatewayHost, clock: Clock, settings: GatewaySettings) -> None:
    """Start the gateway with these settings, or make it anew, and wait until Traefik answers."""
    host.apply(settings)
    deadline = clock.now() + _ANSWER_TIMEOUT
    while not host.answers():
        if clock.now() > deadline:
            raise TimedOut(
                f"Traefik did not answer within {_ANSWER_TIMEOUT:.0f} s of its start",
                "see `hitless gateway logs`",
            )
        clock.pause(_PAUSE)


def change(host: GatewayHost, clock: Clock, present: GatewaySettings | None, wanted: GatewaySettings) -> None:
    """Start the gateway with these settings; where that fails it runs with the present ones again, if any.

    A port that is taken is found out when the gateway has gone, and with it every application behind it.
    """
    try:
        start(host, clock, wanted)
    except BaseException as error:
        if present is not None:
            undo(error, lambda: start(host, clock, present))
        raise


def undo(error: BaseException, step: Callable[[], None]) -> None:
    """Undo a part of what has failed with this error, which says so where that fails, too."""
    try:
        step()
    except HitlessError as second:
        if isinstance(error, HitlessError):
            error.is_unfinished = True
            error.hint = "; ".join(filter(None, (error.hint, f"nor is all as it was: {second.message}")))


def down(host: GatewayHost, applications: Sequence[str], force: bool, volumes: bool) -> None:
    """Stop the gateway; refuses while applications are routed, unless `force`."""
    settings = host.settings()
    if settings is None:
        raise HitlessError("there is no gateway here", "nothing to do")
    if applications and not force:
        raise HitlessError(
            f"the gateway still routes {', '.join(applications)}",
            "take them down first (hitless -p NAME down), or pass --force to cut them off",
        )
    host.remove(settings, volumes)


def _shown(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{address}:{port}" for port, address in value.items()) or "none"
    if isinstance(value, tuple):
        return ", ".join(map(str, value)) or "none"
    return repr(value)
