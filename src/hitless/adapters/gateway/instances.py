"""The instances of Traefik in the gateway's container, by `docker exec` alone."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Any

from hitless.adapters.gateway.connections import count_clients
from hitless.adapters.gateway.container import inspect, labels, others
from hitless.adapters.gateway.counted import began, counted
from hitless.adapters.gateway.instance import TraefikInstance
from hitless.adapters.gateway.orders import without
from hitless.adapters.gateway.programs import Programs
from hitless.adapters.gateway.routing_file import render
from hitless.adapters.gateway.shell import GATEWAY_LOCK, GatewayShell
from hitless.adapters.gateway.traefik_document import Leaving
from hitless.domain.common.errors import DockerFailed, GatewayDown, HitlessError
from hitless.domain.gateway.acme import Names
from hitless.domain.gateway.compose_model import TRAEFIK, arguments, storage
from hitless.domain.gateway.instances import (
    Health,
    Instances,
    Listening,
    listening,
    quic_ports,
    quic_redirection,
    redirection,
    udp_redirection,
)
from hitless.domain.gateway.settings import LABEL_SETTINGS, GatewaySettings
from hitless.domain.host.metrics import Look
from hitless.domain.routing.entry_points import is_udp
from hitless.domain.routing.split import Routing

# The engine can change the limit of a container that runs, and not remove it.
_NO_LIMIT = 2**50  # bytes


@dataclass(frozen=True)
class TraefikInstances:
    """Those in the container of these shells. `only_one` is why there can't be another, "" if there can."""

    shell: GatewayShell
    programs: Programs
    only_one: str = ""
    _seen: list[Instances] = field(default_factory=list, compare=False)

    def instances(self) -> Instances:
        """Those that run, and the live one."""
        first, *numbers = self.shell.run("instances")[0].decode().splitlines()
        # a gateway that an older hitless has made has one, and no more of it to see
        there = tuple(map(int, numbers)) or (0,)
        self._seen[:] = [Instances(int(first.removeprefix("live ")), there)]
        return self._seen[0]

    def all(self) -> tuple[TraefikInstance, ...]:
        """All that were there at the last look; the live one first."""
        found = self._seen[0] if self._seen else self.instances()
        return tuple(self._instance(number) for number in (found.live, *found.idle))

    def health(self) -> Health:
        """How the gateway's container is."""
        found = self._container()
        memory = self.shell.run("memory")[0].strip()
        return Health(
            answers=self.all()[0].answers(),
            memory=int(memory or -1),
            started=found["State"]["StartedAt"],
            restarts=found["RestartCount"],
        )

    def version(self) -> str:
        """The version of the live instance's Traefik."""
        return self.all()[0].version()

    def metrics(self) -> str:
        """What the live instance has counted, as Prometheus reads it."""
        return self.all()[0].metrics()

    def counted(self, at: float) -> Look:
        """The same as values."""
        text = self.metrics()
        return Look(at, began(text), counted(text))

    def unable_to_switch(self) -> str:
        """Why new connections can't be given to another instance, "" where they can."""
        if self.only_one:
            return self.only_one
        try:
            self.shell.run("can_switch")
        except DockerFailed as error:
            return error.output
        return ""

    def begin_instance(
        self, number: int, settings: GatewaySettings, forgotten: Collection[Names] = ()
    ) -> None:
        """Start one with these settings, the live one's routes and certificates, and no less memory."""
        if forgotten:
            self._bequeath(forgotten)
        text = self._with_settings(settings, number)
        self._limit_memory(max(self._memory_limit(), settings.memory_limit or _NO_LIMIT))
        whose = "given" if forgotten else "live"
        self._change("begin_instance", str(number), whose, str(len(text)), stdin=text)
        self.instances()

    def instance_answers(self, number: int, certificates: Collection[Names] = ()) -> bool:
        """Whether an instance itself says that it is up, and serves certificates with these host names."""
        if number not in self.instances().there:
            raise HitlessError("the new Traefik has ended", "see `hitless gateway logs`")
        instance = self._instance(number)
        if not instance.answers() or not self._has_found_as_much(number):
            return False
        served = {frozenset(one["sans"]) for one in instance.certificates()} if certificates else set()
        return {frozenset(names) for names in certificates} <= served

    def _has_found_as_much(self, number: int) -> bool:
        """Whether it has every route that the live one has found in the labels of containers."""
        live, new = (self._instance(one).routes_of_labels() for one in (self._seen[0].live, number))
        return live <= new

    def switch_to(self, number: int) -> None:
        """Give every new connection to this instance, in one instant."""
        settings = self._settings()
        there = settings.entry_points
        quic = quic_redirection(there, number) if settings.http3 else ("", "")
        pairs = (redirection(there, number), *udp_redirection(there, number), *quic)
        self._change("switch", str(number), *pairs)
        self.instances()

    def settle(self, settings: GatewaySettings) -> None:
        """Have the container start with these settings from now on."""
        text = self._with_settings(settings, 0)  # the container starts with the first one
        self._change("settle", str(len(text)), stdin=text)
        self.programs.keep(self.programs.software(settings.image)[0].program)

    def close_instance(self, number: int, routings: Iterable[Routing]) -> None:
        """Have an instance that leaves end each connection after its next answer to one of these."""
        settings = self._settings()
        if settings.http3:
            self._change("refuse_quic", str(quic_ports(settings.entry_points)[number]))
        self._leave(number, routings, Leaving.CLOSE)

    def divert(self, number: int, routings: Iterable[Routing], is_over: bool = False) -> None:
        """Have an instance tell clients over HTTP/3 to come back over TCP, or no more (`is_over`)."""
        self._leave(number, routings, None if is_over else Leaving.DIVERT)

    def quic_connections(self, number: int) -> int:
        """The QUIC connections of clients to an instance that have been used in the last 20 s."""
        return int(self.shell.run("quic", str(quic_ports(self._settings().entry_points)[number]))[0])

    def _leave(self, number: int, routings: Iterable[Routing], how: Leaving | None) -> None:
        for routing in routings:
            text = render(routing, how).encode()
            self._change("give", str(number), routing.application, str(len(text)), stdin=text)

    def instance_connections(self, number: int) -> int:
        """The open connections of clients to an instance; UDP has none, and is answered while it ends."""
        there = self._listening(number)
        table, _ = self.shell.run("connections")
        of_tcp = {port for name, port in there.entry_points.items() if not is_udp(name)}
        return count_clients(table.decode(), {*of_tcp, there.dashboard})

    def end_instance(self, number: int, is_killed: bool) -> None:
        """Tell an instance to end, or the kernel to end it."""
        self._change("end_instance", str(number), "KILL" if is_killed else "TERM")

    def fit_memory(self) -> None:
        """Give the container the memory limit that the live instance's settings have."""
        self._limit_memory(self._live_settings().memory_limit or _NO_LIMIT)

    def _bequeath(self, forgotten: Collection[Names]) -> None:
        """Have the next instance take what the live one has of the CA, without these certificates."""
        settings = self._live_settings()
        # root has no capability here to read what is Traefik's own
        user = "0:0" if settings.docker_provider else f"{TRAEFIK}:{TRAEFIK}"
        file = storage(settings, str(self.instances().live))
        text = self.shell.cli.run("exec", "-u", user, self.shell.name, "cat", file)
        left = without(text, forgotten).encode()
        self._change("bequeath", storage(settings, "given"), str(len(left)), stdin=left)

    def _live_settings(self) -> GatewaySettings:
        text = self.shell.run("live_settings")[0].decode().strip()
        return GatewaySettings.from_label(text) if text else self._settings()

    def _instance(self, number: int) -> TraefikInstance:
        # an older gateway, or one that was never replaced: its ports need no look at its settings
        return TraefikInstance(self.shell, self._listening(number) if number else None)

    def _listening(self, number: int) -> Listening:
        return listening(self._settings().entry_points, number)

    def _settings(self) -> GatewaySettings:
        """Those that the container was made with: its ports are the same for all that it runs."""
        return GatewaySettings.from_label(labels(self._container())[LABEL_SETTINGS])

    def _container(self) -> dict[str, Any]:
        found = inspect(self.shell.cli, self.shell.project, self.shell.name)
        if found is None:
            raise GatewayDown(others(self.shell.cli, self.shell.project))
        return found

    def _change(self, function: str, *words: str, stdin: bytes = b"") -> None:
        self.shell.change(function, GATEWAY_LOCK, *words, stdin=stdin)

    def _memory_limit(self) -> int:
        limit: int = self._container()["HostConfig"]["Memory"]
        return limit or _NO_LIMIT

    def _limit_memory(self, wanted: int) -> None:
        if wanted != self._memory_limit():
            both = (f"--memory={wanted}", f"--memory-swap={wanted}")
            self.shell.cli.run("update", *both, self.shell.name)

    def _with_settings(self, settings: GatewaySettings, number: int) -> bytes:
        software, _ = self.programs.software(settings.image)
        command = (software.program, *arguments(self.shell.project, settings, number))
        return ("\n".join((settings.to_label(), *command)) + "\n").encode()
