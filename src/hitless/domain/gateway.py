"""The gateway as a Compose project: Traefik, its network, and two volumes. Pure."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any

from hitless.domain import publish
from hitless.domain.gateway_image import FLOATING, TRAEFIK_IMAGE
from hitless.domain.model import Json
from hitless.domain.project import LABEL_GATEWAY
from hitless.domain.routing import IDLE_TIMEOUT, WEB
from hitless.domain.world import Gateway

SERVICE = "traefik"
ROUTES = "/etc/hitless/routes"  # the routing files, on the disk
SERVED = "/run/hitless"  # what Traefik reads of them, in memory: made at each start of what is whole
STATE = "/var/lib/hitless"  # releases, journals and locks; Traefik itself can't read it
TRAEFIK = 65532  # its user and its group: nobody's
API_PORT = 8080  # Traefik's API and ping, inside the container
DASHBOARD_PORT = 60_082  # the dashboard, inside the container; published on port 8080 of the loopback

# What Docker's command line gives to each container where its config.json names a company's proxy. Traefik
# would send every request for an application there. What Traefik itself is to ask of the internet (ACME) will
# need them again, with a NO_PROXY that has each container's name, or better a way of its own.
_NO_PROXIES = {
    spelled: ""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "ALL_PROXY", "NO_PROXY")
    for spelled in (name, name.lower())
}

ANY = ""  # every address of the host, as a published port without one: IPv4 and IPv6
LABEL_SETTINGS = "hitless.gateway.settings"
_OLD_ANY = "0.0.0.0"  # noqa: S104 - it is read, not bound


@dataclass(frozen=True)
class GatewaySettings:
    """What `gateway up` can be told. `dashboard` publishes Traefik's own on 127.0.0.1:8080.

    `bind` is the host's address to publish `http_port` on, "" for all. `ports` are further ports of the host,
    for applications: port -> the address to publish it on. `held` are those of all these that others have
    still: they are not published yet. `fast_proxy` has Traefik forward by its experimental engine, which is
    faster and loses some requests (docs/decisions/0024-gateway-speed.md). `read_timeout` is how many seconds
    a request may take to arrive, its body included; 0 for any number. `trusted_proxies` are addresses and
    ranges whose X-Forwarded-* headers are believed. `address_pool` is the range (CIDR) that networks of
    applications take their addresses from, "" until one is chosen. `image_asked`: somebody has asked for
    this image; else it is that of the hitless that made the gateway.
    """

    http_port: int = 80
    bind: str = ANY
    dashboard: bool = False
    docker_provider: bool = False
    image: str = TRAEFIK_IMAGE
    ports: Mapping[int, str] = field(default_factory=dict)
    held: tuple[int, ...] = ()
    fast_proxy: bool = False
    read_timeout: float = 3600.0
    trusted_proxies: tuple[str, ...] = ()
    address_pool: str = ""
    image_asked: bool = False

    @staticmethod
    def from_label(text: str) -> GatewaySettings:
        """The settings that a running gateway was made with; what only a newer hitless knows is left out."""
        known = {setting.name for setting in fields(GatewaySettings)}
        found = {key: value for key, value in json.loads(text).items() if key in known}
        ports = {int(port): address for port, address in found.pop("ports", {}).items()}
        if "read_timeout" not in found:
            # made by a hitless that published on IPv4 alone where every address was meant
            ports = {port: "" if at == _OLD_ANY else at for port, at in ports.items()}
            found["bind"] = "" if found.get("bind") == _OLD_ANY else found.get("bind", ANY)
        # made by a hitless that noted nothing of it, and whose own image was this one
        found.setdefault("image_asked", found.get("image", FLOATING) != FLOATING)
        lists = {key: tuple(found.get(key, ())) for key in ("held", "trusted_proxies")}
        return GatewaySettings(**{**found, "ports": ports, **lists})

    def up_to_date(self) -> GatewaySettings:
        """The same with hitless's own image of today, where no other one was asked for."""
        return self if self.image_asked else replace(self, image=TRAEFIK_IMAGE)

    def to_label(self) -> str:
        """As the text of a label."""
        return json.dumps(asdict(self), sort_keys=True)

    @property
    def entry_points(self) -> dict[str, int]:
        """Its entry points: name -> port inside its container."""
        names = (WEB, *(publish.entry_point(port) for port in sorted(self.ports)))
        return {name: publish.inner_port(name) for name in names}

    @property
    def bound(self) -> dict[str, str]:
        """The host's address that each entry point is published on, "" for all."""
        return {WEB: self.bind, **{publish.entry_point(port): at for port, at in self.ports.items()}}

    @property
    def published(self) -> dict[int, str]:
        """The ports of the host that it takes: port -> address, "" for all."""
        dashboard = {API_PORT: "127.0.0.1"} if self.dashboard else {}
        found = {self.http_port: self.bind, **self.ports, **dashboard}
        return {port: address for port, address in found.items() if port not in self.held}

    def publishing(self, more: Mapping[int, str], fewer: Collection[int] = ()) -> GatewaySettings:
        """The same with these ports besides (port -> address), and without those."""
        ports = {port: at for port, at in {**self.ports, **more}.items() if port not in fewer}
        return replace(self, ports=dict(sorted(ports.items())))


def gateway(project: str, settings: GatewaySettings, container_id: str = "") -> Gateway:
    """The gateway of this name, running with these settings, in this container where there is one already."""
    return Gateway(
        project=project,
        container=container_name(project),
        network=network_name(project),
        entry_points=settings.entry_points,
        http_port=settings.http_port,
        bound=settings.bound,
        pool=settings.address_pool,
        id=container_id,
    )


def network_name(project: str) -> str:
    """The gateway's own network: with each application it shares another one (`Gateway.network_of`)."""
    return f"{project}_webgateway"


def container_name(project: str) -> str:
    """The name that Compose gives the gateway's container."""
    return f"{project}-{SERVICE}-1"


def model(project: str, settings: GatewaySettings, script: str = "") -> dict[str, Any]:
    """The gateway's Compose model; `script` is the text of `gateway.sh`, whose `start` starts Traefik."""
    return {
        "name": project,
        "services": {SERVICE: _service(project, settings, script)},
        "networks": {"webgateway": {"name": network_name(project), "driver": "bridge"}},
        "volumes": {"routes": {}, "state": {}},
    }


def _service(project: str, settings: GatewaySettings, script: str) -> dict[str, Any]:
    inner = settings.entry_points
    user = 0 if settings.docker_provider else TRAEFIK
    published = {settings.http_port: settings.bind, **settings.ports}
    names = {settings.http_port: WEB, **{port: publish.entry_point(port) for port in settings.ports}}
    ports = [
        _port(at, port, inner[names[port]]) for port, at in published.items() if port not in settings.held
    ]
    if settings.dashboard:
        ports.append(_port("127.0.0.1", API_PORT, DASHBOARD_PORT))
    socket: list[Json] = (
        [
            {
                "type": "bind",
                "source": "/var/run/docker.sock",
                "target": "/var/run/docker.sock",
                "read_only": True,
            }
        ]
        if settings.docker_provider
        else []
    )
    return {
        "image": settings.image,
        # Compose takes $ for a variable
        "entrypoint": ["/bin/sh", "-c", script.replace("$", "$$"), "sh", "start"],
        "command": _command(project, settings),
        "environment": dict(_NO_PROXIES),
        # BusyBox's `timeout` leaves a child behind at every probe, which Traefik as the first process would
        # never reap: some hundred zombies in a few minutes (seen)
        "init": True,
        # Nobody's user: it can read the routes that root writes by `docker exec`, and not write them. The
        # Docker socket belongs to root.
        "user": f"{user}:{user}",
        # Its owner, and not a mode, says who may write: at a second start the engine (26.1) has forgotten the
        # mode. A routing file has some ten thousand bytes.
        "tmpfs": [f"{SERVED}:uid={user},gid={user},mode=0755,size=64m"],
        # not unless-stopped: after a crash the engine takes what runs for stopped by hand (measured)
        "restart": "always",
        "read_only": True,
        "cap_drop": ["ALL"],
        "security_opt": ["no-new-privileges:true"],
        "ports": ports,
        "networks": ["webgateway"],
        "volumes": [
            {"type": "volume", "source": "routes", "target": ROUTES},
            {"type": "volume", "source": "state", "target": STATE},
            *socket,
        ],
        "logging": {"driver": "json-file", "options": {"max-size": "10m", "max-file": "3"}},
        "labels": {
            LABEL_GATEWAY: project,
            LABEL_SETTINGS: settings.to_label(),
        },
    }


def _port(bind: str, published: int, target: int) -> Mapping[str, Any]:
    return {
        **({"host_ip": bind} if bind else {}),
        "published": str(published),
        "target": target,
        "protocol": "tcp",
        "mode": "ingress",
    }


def _command(project: str, settings: GatewaySettings) -> list[str]:
    read_timeout = f"transport.respondingtimeouts.readtimeout={settings.read_timeout * 1000:.0f}ms"
    command = [
        "--global.checknewversion=false",
        "--global.sendanonymoususage=false",
        "--log.level=INFO",
        "--ping=true",
        "--ping.entrypoint=traefik",
        "--api.insecure=true",
        f"--api.dashboard={str(settings.dashboard).lower()}",
        # Only this container itself can ask the API here: it tells password hashes. The dashboard's own entry
        # point has routes for the Docker host alone (adapters/dashboard.py); no label can name it.
        f"--entrypoints.traefik.address=127.0.0.1:{API_PORT}",
        *([f"--entrypoints.dashboard.address=:{DASHBOARD_PORT}"] if settings.dashboard else []),
        *(f"--entrypoints.{name}.address=:{port}" for name, port in settings.entry_points.items()),
        # Traefik's default of 60 s cuts every upload that takes longer
        *(f"--entrypoints.{name}.{read_timeout}" for name in settings.entry_points),
        # a route that names no entry point is on this one alone, not on the ports of applications
        f"--entrypoints.{WEB}.asdefault=true",
        f"--providers.file.directory={SERVED}/routes",
        "--providers.file.watch=true",
        # Traefik's default of 2 s would put off every cutover by so much
        "--providers.providersthrottleduration=100ms",
    ]
    if settings.trusted_proxies:
        # the routes for the inside look at the connection, whatever these headers say (measured); the PROXY
        # protocol would say where a connection comes from
        trusted = ",".join(settings.trusted_proxies)
        command += [
            f"--entrypoints.{name}.forwardedheaders.trustedips={trusted}" for name in settings.entry_points
        ]
    if settings.fast_proxy:
        command.append("--experimental.fastproxy=true")
    if settings.docker_provider:
        command += [
            # as our own transport: what is adopted is drained by counting connections, too
            f"--serverstransport.forwardingtimeouts.idleconntimeout={IDLE_TIMEOUT * 1000:.0f}ms",
            "--serverstransport.maxidleconnsperhost=200",
            "--providers.docker=true",
            "--providers.docker.exposedbydefault=false",
            f"--providers.docker.network={network_name(project)}",
        ]
    return command
