"""The gateway as a Compose project: Traefik, its network, and two volumes. Pure."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, field, fields, replace

from hitless.domain.gateway.acme import LETS_ENCRYPT, Challenge
from hitless.domain.gateway.image import FLOATING, TRAEFIK_IMAGE
from hitless.domain.gateway.model import Gateway, container_name, network_name
from hitless.domain.routing import entry_points
from hitless.domain.routing.entry_points import WEB, WEBSECURE

API_PORT = 8080  # Traefik's API and ping, inside the container
DASHBOARD_PORT = 60_082  # the dashboard, inside the container; published on port 8080 of the loopback
ANY = ""  # every address of the host, as a published port without one: IPv4 and IPv6
LABEL_SETTINGS = "hitless.gateway.settings"
_OLD_ANY = "0.0.0.0"  # noqa: S104 - it is read, not bound


@dataclass(frozen=True)
class GatewaySettings:
    """What `gateway up` can set. `dashboard` publishes Traefik's dashboard on 127.0.0.1:8080.

    `bind` is the host's address to publish `http_port` on, "" for all. `ports` are further ports of the host,
    for applications: port -> the address to publish it on; `udp_ports` are those of UDP. `held` are those of
    TCP that others have still: they are not published yet. `fast_proxy` has Traefik forward by its
    experimental engine, which is faster and loses some requests (docs/decisions/0024-gateway-speed.md).
    `read_timeout` is how many seconds a request may take to arrive, its body included; 0 for any number.
    `trusted_proxies` are addresses and ranges whose X-Forwarded-* headers are believed. `address_pool` is the
    range (CIDR) that networks of applications take their addresses from, "" until one is chosen.
    `image_asked`: somebody has asked for this image; else it is that of the hitless that made the gateway.
    `access_log`: a line of JSON for each request in the container's log. `metrics`: Traefik counts requests
    and times, for `gateway metrics`. `memory_limit` is how many bytes of memory its container may use, 0 for
    any number. `https_port` is the port for HTTPS, 0 for none. `aliases` are more names of entry points that
    labels may use: name -> `web` or `websecure`. `acme_email` is the account's at the CA that certificates
    come from, "" for none of that; `acme_server` is the CA's ACME address, "" for Let's Encrypt. If names are
    proved by records in the DNS, `acme_dns` is its provider, in Traefik's words, and `acme_dns_resolvers` are
    the servers (host:port) that Traefik asks for a record, those of the host if there are none. `acme_ca` and
    `acme_env` are the names of files in the gateway, "" for none: what the CA itself is known by, and the
    provider's variables. `http3` answers HTTP/3 on the port for HTTPS, too.
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
    access_log: bool = False
    metrics: bool = False
    memory_limit: int = 0
    https_port: int = 0
    aliases: Mapping[str, str] = field(default_factory=dict)
    acme_email: str = ""
    acme_server: str = ""
    acme_dns: str = ""
    acme_dns_resolvers: tuple[str, ...] = ()
    acme_ca: str = ""
    acme_env: str = ""
    udp_ports: Mapping[int, str] = field(default_factory=dict)
    http3: bool = False

    @staticmethod
    def from_label(text: str) -> GatewaySettings:
        """The settings of a running gateway, without those that only a newer hitless knows."""
        known = {setting.name for setting in fields(GatewaySettings)}
        found = {key: value for key, value in json.loads(text).items() if key in known}
        ports, udp_ports = (
            {int(port): address for port, address in found.pop(key, {}).items()}
            for key in ("ports", "udp_ports")
        )
        if "read_timeout" not in found:
            # an older hitless made it, which published on IPv4 alone if every address was meant
            ports = {port: "" if at == _OLD_ANY else at for port, at in ports.items()}
            found["bind"] = "" if found.get("bind") == _OLD_ANY else found.get("bind", ANY)
        # an older hitless made it, which did not note this, and whose own image was this one
        found.setdefault("image_asked", found.get("image", FLOATING) != FLOATING)
        lists = {key: tuple(found.get(key, ())) for key in ("held", "trusted_proxies", "acme_dns_resolvers")}
        return GatewaySettings(**{**found, "ports": ports, "udp_ports": udp_ports, **lists})

    def up_to_date(self) -> GatewaySettings:
        """The same with the image that this hitless takes by itself, if nobody asked for another one."""
        return self if self.image_asked else replace(self, image=TRAEFIK_IMAGE)

    def to_label(self) -> str:
        """As the text of a label."""
        return json.dumps(asdict(self), sort_keys=True)

    @property
    def ca(self) -> str:
        """The CA's ACME address."""
        return self.acme_server or LETS_ENCRYPT

    @property
    def challenge(self) -> Challenge | None:
        """How the CA proves host names; None if the gateway asks no CA."""
        if not (self.acme_email and self.https_port):
            return None
        return Challenge.DNS if self.acme_dns else Challenge.HTTP

    @property
    def entry_points(self) -> dict[str, int]:
        """Its entry points: name -> port inside its container."""
        return {name: entry_points.inner_port(name) for name in self.bound}

    @property
    def bound(self) -> dict[str, str]:
        """The host's address that each entry point is published on, "" for all."""
        own = (WEB, WEBSECURE) if self.https_port else (WEB,)
        ports = {entry_points.entry_point(port): at for port, at in sorted(self.ports.items())}
        udp = {entry_points.udp_entry_point(port): at for port, at in sorted(self.udp_ports.items())}
        return {**dict.fromkeys(own, self.bind), **ports, **udp}

    @property
    def own_ports(self) -> dict[int, str]:
        """The ports of the host for its own entry points: port -> entry point."""
        return {self.http_port: WEB, **({self.https_port: WEBSECURE} if self.https_port else {})}

    @property
    def published(self) -> dict[int, str]:
        """The TCP ports of the host that it uses: port -> address, "" for all."""
        dashboard = {API_PORT: "127.0.0.1"} if self.dashboard else {}
        found = {**dict.fromkeys(self.own_ports, self.bind), **self.ports, **dashboard}
        return {port: address for port, address in found.items() if port not in self.held}

    @property
    def published_udp(self) -> dict[int, str]:
        """The UDP ports of the host that it uses: port -> address, "" for all."""
        has_http3 = self.http3 and self.https_port and self.https_port not in self.held
        return {**self.udp_ports, **({self.https_port: self.bind} if has_http3 else {})}

    def publishing(
        self, more: Mapping[int, str], fewer: Collection[int] = (), over_udp: bool = False
    ) -> GatewaySettings:
        """The same with these ports added (port -> address), and without those."""
        present = self.udp_ports if over_udp else self.ports
        ports = {port: at for port, at in sorted({**present, **more}.items()) if port not in fewer}
        return replace(self, udp_ports=ports) if over_udp else replace(self, ports=ports)


def gateway(project: str, settings: GatewaySettings, container_id: str = "") -> Gateway:
    """The gateway of this name, running with these settings, in this container if there is one already."""
    return Gateway(
        project=project,
        container=container_name(project),
        network=network_name(project),
        entry_points=settings.entry_points,
        http_port=settings.http_port,
        https_port=settings.https_port,
        http3=settings.http3,
        aliases={**entry_points.ALIASES, **settings.aliases},
        bound=settings.bound,
        pool=settings.address_pool,
        challenge=settings.challenge,
        ca=settings.ca,
        held=settings.held,
        id=container_id,
    )
