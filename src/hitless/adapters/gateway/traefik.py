"""The balancer port on a Traefik container, by `docker exec` alone: a remote engine is the same case."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from hitless.adapters.gateway.certificate import DEFAULT_CERTIFICATE, default_certificate
from hitless.adapters.gateway.connections import count_connections, count_sessions
from hitless.adapters.gateway.container import inspect, labels, others
from hitless.adapters.gateway.dashboard import DASHBOARD, dashboard
from hitless.adapters.gateway.handshake import client_hello
from hitless.adapters.gateway.routing_file import render
from hitless.adapters.gateway.shell import GatewayShell
from hitless.adapters.gateway.traefik_document import tcp_marker_name, udp_servers
from hitless.adapters.gateway.traefik_ways import NO_PORT, PAGE_PORT
from hitless.domain.common.foreign import Json
from hitless.domain.gateway.compose_model import SERVED, TRAEFIK
from hitless.domain.gateway.model import Gateway, network_name
from hitless.domain.gateway.settings import LABEL_SETTINGS, GatewaySettings, gateway
from hitless.domain.release.requirements import Probe
from hitless.domain.routing.entry_points import API, WEB, inner_port
from hitless.domain.routing.model import label_name
from hitless.domain.routing.reserved import (
    LOOPBACK,
    MARKER_HOST,
    NOWHERE,
    handshake_host,
    handshake_protocol,
    marker_path,
    tcp_marker,
)
from hitless.domain.routing.split import Routing
from hitless.ports.balancer import Answer

_PAGES = f"{SERVED}/next/pages"  # as `page` in instances.sh has it
_WAIT_PAGE = Path(__file__).with_name("wait.html")
_LATELY = "20s"  # a number of lines would be filled by an access log
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")
_KINDS = (
    *("routers", "middlewares", "services", "tcpRouters", "tcpMiddlewares", "tcpServices"),
    *("udpRouters", "udpServices"),
)
_TEAPOT = 418  # what Traefik's noop@internal answers


class Instance(Protocol):
    """One Traefik process of the gateway."""

    def rawdata(self) -> Json:
        """All that Traefik knows, from its API. Raises `HitlessError` if the API does not answer."""
        ...

    def ask(self, probes: Sequence[Probe]) -> tuple[Answer, ...]:
        """Make the probes' requests, all at once, from inside its network.

        On the loopback address a probe has a port of the first instance, and means the same of this one.
        """
        ...

    def closes_idle(self, probe: Probe) -> float | None:
        """After how many seconds the server of a probe closes a connection on which nothing comes."""
        ...

    def agrees(self, port: int, hello: bytes) -> bool:
        """Whether a server accepts a TLS handshake that begins with these bytes; a port as for a probe."""
        ...

    def opens_session(self, entry_point: str, servers: Sequence[str]) -> bool:
        """Whether a new session at a UDP entry point leads to one of these servers (host:port)."""
        ...


@dataclass(frozen=True)
class Traefik:
    """The gateway of this Compose project.

    What is in force is in force on all of its instances; the live one, which is the first of them, makes the
    probes' requests. `shell` is where locks and files are.
    """

    shell: GatewayShell
    instances: Callable[[], Sequence[Instance]]

    @property
    def gateway_name(self) -> str:
        """The gateway's name, whether it runs or not."""
        return self.shell.project

    def gateway(self) -> Gateway | None:
        """The running gateway, or None. Raises `HitlessError` if a container of that name isn't ours."""
        project = self.shell.project
        found = inspect(self.shell.cli, project, self.shell.name)
        if found is None:
            return None
        if found["State"]["Status"] != "running":
            return None
        # Traefik may have been replaced by one with other settings since the container was made
        live = self.shell.run("live_settings")[0].decode().strip()
        settings = GatewaySettings.from_label(live or labels(found)[LABEL_SETTINGS])
        networks = found["NetworkSettings"].get("Networks") or {}
        addresses = {name: str(one.get("IPAddress") or "") for name, one in networks.items()}
        since = str(found["State"].get("StartedAt") or "")
        return replace(gateway(project, settings, found["Id"]), networks=addresses, since=since)

    def other_gateways(self) -> tuple[str, ...]:
        """The names of the other gateways that run on this host."""
        return others(self.shell.cli, self.shell.project)

    def deliver(self, application: str, routing: Routing | None) -> None:
        """Put the application's routing file in place in one instant, or remove it (None)."""
        if routing is None:
            self.shell.change("withdraw", application)
        else:
            content = render(routing).encode()
            self.shell.change("deliver", application, str(len(content)), stdin=content)

    def stage(self, application: str, routing: Routing) -> None:
        """Write the application's routing file everywhere, except the one rename that `show` is."""
        content = render(routing).encode()
        self.shell.change("stage", application, str(len(content)), stdin=content)

    def show(self, application: str) -> None:
        """Put what was staged in place, in one instant."""
        self.shell.change("show", application)

    def unstage(self, application: str) -> None:
        """Have on the disk again what is in force, in place of what was staged."""
        self.shell.change("unstage", application)

    def answer(self, application: str, address: str, servers: Mapping[int, str]) -> None:
        """Have these servers answer the requests that wait at the gateway's address: port -> host:port."""
        words = (word for port, server in servers.items() for word in (str(port), *server.rsplit(":", 1)))
        self.shell.change("answer", application, address, *words)

    def show_page(self, application: str, page: str) -> None:
        """Have requests that have waited too long get this page; "" is hitless's own.

        Traefik has no pages of its own, so BusyBox serves them. It reads what clients send, so it is nobody's
        user, as Traefik is. It serves all applications until the container ends: another one finds the port
        taken, and ends.
        """
        content = page.encode() or _WAIT_PAGE.read_bytes()
        self.shell.change("page", application, str(len(content)), stdin=content)
        nobody = ("exec", "-d", "-u", f"{TRAEFIK}:{TRAEFIK}", self.shell.name)
        serve = ("busybox", "httpd", "-f", "-p", f"{LOOPBACK}:{PAGE_PORT}", "-h", _PAGES)
        self.shell.cli.run(*nobody, *serve)

    def in_force(self, application: str, routing: Routing | None, at: Collection[str] | None = None) -> bool:
        """Whether exactly this generation answers on every entry point; None: whether no route is left."""
        if routing is None:
            return not any(
                name.startswith(f"{application}.")
                for data in (instance.rawdata() for instance in self.instances())
                for kind in ("routers", "tcpRouters", "udpRouters")
                for name in data.get(kind) or {}
            )
        path = marker_path(application, routing.generation)
        names = [name for name in routing.entry_points if at is None or name in at]
        secure = [inner_port(name) for name in names if name in routing.over_tls]
        plain = [inner_port(name) for name in names if name in routing.over_http]
        markers = [Probe(LOOPBACK, port, path, MARKER_HOST) for port in plain]
        name, protocol = handshake_host(application), handshake_protocol(application, routing.generation)
        hello = client_hello(name, protocol) if secure else b""
        return all(
            all(answer.status == _TEAPOT for answer in instance.ask(markers))
            and all(instance.agrees(port, hello) for port in secure)
            and _leads(instance, routing, [inner_port(name) for name in names if name in routing.over_tcp])
            and _leads_udp(instance, routing, names)
            for instance in self.instances()
        )

    def certify(self, is_strict: bool) -> None:
        """Create the gateway's own default certificate, if there is none (docs/decisions/0026)."""
        present = self.shell.run("own", DEFAULT_CERTIFICATE)[0]
        is_lax = is_strict and present and b"sniStrict" not in present
        if is_lax or self.shell.run("has", DEFAULT_CERTIFICATE)[0] == b"no\n":
            content = default_certificate(is_strict).encode()
            self.shell.run("provide", DEFAULT_CERTIFICATE, str(len(content)), stdin=content)

    def show_dashboard(self, is_shown: bool) -> None:
        """Create the dashboard's routes, for the Docker host alone, or remove them."""
        wanted = b""
        if is_shown:
            shape = "{{range .IPAM.Config}}{{.Gateway}} {{end}}"
            network = network_name(self.shell.project)
            bridges = self.shell.cli.run("network", "inspect", "--format", shape, network).split()
            # for IPv6 some engines write it with its prefix
            wanted = dashboard([one.partition("/")[0] for one in bridges]).encode()
        present = self.shell.run("own", DASHBOARD)[0]
        if wanted and wanted != present:
            self.shell.run("provide", DASHBOARD, str(len(wanted)), stdin=wanted)
        elif not wanted:
            self.shell.run("retract", DASHBOARD)

    def refused(self) -> str:
        """The routing file that Traefik last could not read, and why, in its own words; "" for none."""
        container = self.shell.name
        output, said = self.shell.cli.run_bytes("logs", "--since", _LATELY, container)
        text = _COLOURS.sub("", output.decode(errors="replace") + said)
        found = re.findall(r'"collecting file configs: (\S+/)?(.+)"', text)
        return found[-1][1] if found else ""

    def complaints(self, routing: Routing) -> tuple[str, ...]:
        """What Traefik says is wrong with this routing's routers, services and middlewares."""
        found: dict[str, None] = {}
        for data in (instance.rawdata() for instance in self.instances()):
            for kind in _KINDS:
                for name, state in (data.get(kind) or {}).items():
                    if name.startswith(f"{routing.application}."):
                        for error in state.get("error") or ():
                            own = _user_name(name.removeprefix(f"{routing.application}."))
                            found[f"{kind[:-1]} {own}: {error}"] = None
        return tuple(found)

    def ask(self, probes: Sequence[Probe]) -> tuple[Answer, ...]:
        """Make the probes' requests, all at once, from inside the gateway's network."""
        return self.instances()[0].ask(probes) if probes else ()

    def connections(self, addresses: Sequence[str]) -> int:
        """The open connections to these addresses: the instances share one network, and its table."""
        table, _ = self.shell.run("connections")
        return count_connections(table.decode(), addresses)

    def end_sessions(self, application: str, addresses: Sequence[str]) -> int:
        """Refuse for two seconds what comes over UDP for these addresses; how many sessions there were."""
        table, _ = self.shell.run("connections")
        sessions = count_sessions(table.decode(), addresses)
        if sessions:
            self.shell.change("refuse", application, *addresses)
        return sessions

    def closes_idle(self, probe: Probe) -> float | None:
        """After how many seconds the server of a probe closes a connection on which nothing comes."""
        return self.instances()[0].closes_idle(probe)


def _leads(instance: Instance, routing: Routing, ports: Sequence[int]) -> bool:
    """Whether a raw connection to each of these ports leads to where this generation has it lead.

    `web` answers for the HTTP marker of this generation, and the API answers otherwise.
    """
    path = marker_path(routing.application, routing.generation)
    place = tcp_marker(routing.generation)
    answers = instance.ask([Probe(LOOPBACK, port, path, MARKER_HOST) for port in ports]) if ports else ()
    return all(_place(answer) == place for answer in answers) or (
        all(_place(answer) == NOWHERE for answer in answers) and _has_no_port(instance, routing)
    )


def _leads_udp(instance: Instance, routing: Routing, names: Collection[str]) -> bool:
    """Whether a new session at each of these UDP entry points leads to a server of this generation.

    Traefik changes UDP after all that the markers prove (`switchRouter`, 3.7), and packets have no marker.
    But a session is a socket, which the kernel shows: so it is one more, and to one of the servers.
    """
    servers = udp_servers(routing)
    return all(instance.opens_session(name, servers[name]) for name in names if name in servers)


def _place(answer: Answer) -> str:
    if not answer.status:
        return NOWHERE
    return WEB if answer.status == _TEAPOT else API


def _has_no_port(instance: Instance, routing: Routing) -> bool:
    """Whether it was started by an older hitless, and so can't be asked for a marker in raw TCP."""
    services = instance.rawdata().get("tcpServices") or {}
    servers = services.get(f"{tcp_marker_name(routing)}@file", {}).get("loadBalancer", {}).get("servers")
    return bool(servers == [{"address": f"{LOOPBACK}:{NO_PORT}"}])


def _user_name(name: str) -> str:
    """`web.green@file` -> `web`, as the user's label has it."""
    return label_name(name.removesuffix("@file").rpartition(".")[0])
