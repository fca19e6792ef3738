"""How releases, containers and Traefik behave on the host in memory, and its clock."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from hitless.domain.common.errors import HitlessError
from hitless.domain.host.container_facts import HealthCheck, Listener
from hitless.domain.proof.observations import Ending
from hitless.domain.routing.split import Routing
from hitless.ports.balancer import Answer

OK = Answer(200, "ok")


UNWELL = Answer(503, "not yet")


@dataclass
class FakeClock:
    """Time passes only when somebody waits for it."""

    seconds: float = 0.0

    def now(self) -> float:
        return self.seconds

    def utc(self) -> str:
        return f"2026-01-01T00:00:{self.seconds:06.3f}+00:00"

    def pause(self, seconds: float) -> None:
        self.seconds += seconds


@dataclass
class Behaviour:
    """How the releases' containers and Traefik behave; release numbers are keys, 0 stands for every other."""

    # the answers to a release's probes, one for each look; the last one stays
    answers: dict[int, list[Answer]] = field(default_factory=dict)
    # what a release answers on its route, when the gateway asks
    routes: dict[int, Answer] = field(default_factory=dict)
    # what a started container of the release turns into
    states: dict[int, dict[str, Any]] = field(default_factory=dict)
    # what the containers of a release have written, with times
    words: dict[int, str] = field(default_factory=dict)
    # what a container has written, with times, and what a build of a service writes: name -> text
    written: dict[str, str] = field(default_factory=dict)
    built: dict[str, str] = field(default_factory=dict)
    # why nobody can read it
    unreadable: HitlessError | None = None
    # what a started container of the service turns into: jobs and hooks end, others may not be well
    services: dict[str, dict[str, Any]] = field(default_factory=dict)
    # what a shared service turns into
    shared: dict[str, dict[str, Any]] = field(default_factory=dict)
    # commands on this machine that fail, by their first word
    broken_commands: tuple[str, ...] = ()
    # services that must not run twice at a time
    exclusive: tuple[str, ...] = ()
    # how the engine names and counts the containers of a service
    separator: str = "-"
    first_number: int = 1
    # connections the gateway holds, one number a look; the last one stays
    connections: list[int] = field(default_factory=lambda: [0])
    # sessions of UDP that are left when a drain has not ended, in the same way
    sessions: list[int] = field(default_factory=lambda: [0])
    # what Traefik complains about after a release's routes are there
    complaints: dict[int, str] = field(default_factory=dict)
    # and about the trial of the operator's own middlewares
    of_trials: tuple[str, ...] = ()
    # the containers that ended lately, as the engine remembers them
    endings: tuple[Ending, ...] = ()
    # how long a stop takes, and the exit code that it leaves
    stop_seconds: float = 0.0
    ends_with: int = 0
    # how a container's own health check ended, and where something listens in it
    last_check: HealthCheck | None = None
    # how it ends when hitless runs it, one for each time, and the last one stays; None: not in time
    checks: list[bool | None] = field(default_factory=lambda: [False])
    listening: tuple[Listener, ...] | None = None
    # after how many seconds every container closes an idle connection
    idle: float | None = None
    # what Traefik says about a file that it can't read
    refused: str = ""
    # whether Traefik takes new files at all
    is_deaf: Callable[[Routing | None], bool] = lambda _: False
