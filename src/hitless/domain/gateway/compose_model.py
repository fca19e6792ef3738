"""The gateway as a Compose model. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hitless.domain.common.foreign import Json
from hitless.domain.common.names import LABEL_GATEWAY
from hitless.domain.gateway.acme import RESOLVER, Challenge, host_of
from hitless.domain.gateway.instances import listening
from hitless.domain.gateway.model import SERVICE, Software, network_name
from hitless.domain.gateway.settings import API_PORT, DASHBOARD_PORT, LABEL_SETTINGS, GatewaySettings
from hitless.domain.routing import entry_points
from hitless.domain.routing.entry_points import WEB, WEBSECURE
from hitless.domain.routing.reserved import IDLE_TIMEOUT

ROUTES = "/etc/hitless/routes"  # the routing files, on the disk
SERVED = "/run/hitless"  # what Traefik reads, in memory: each start copies the files that are whole
STATE = "/var/lib/hitless"  # releases, journals and locks; Traefik itself can't read it
ACME = "/etc/hitless/acme"  # what Traefik keeps of the CA, account and certificates: it writes it itself
PROGRAMS = "/opt/traefik"  # Traefik's programs, which all gateways of a host share
PROGRAMS_VOLUME = "hitless-traefik"
TRAEFIK = 65532  # its user and its group: nobody's
# Seconds, for the times of requests: each is at most 2.5 times the one before it, and so a percentile is
# known to that. Traefik's own four say nothing below 0.1 s.
_BUCKETS = "0.005,0.01,0.025,0.05,0.1,0.25,0.5,1,2.5,5,10"
# What Docker's command line gives to each container where its config.json names a company's proxy. Traefik
# would send every request for an application there. So it asks a CA without them, too.
_NO_PROXIES = {
    spelled: ""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "ALL_PROXY", "NO_PROXY")
    for spelled in (name, name.lower())
}


def model(project: str, settings: GatewaySettings, software: Software, script: str = "") -> dict[str, Any]:
    """The gateway's Compose model; `script` has the function `start`, which starts Traefik."""
    return {
        "name": project,
        "services": {SERVICE: _service(project, settings, software, script)},
        "networks": {"webgateway": {"name": network_name(project), "driver": "bridge"}},
        "volumes": {
            "routes": {},
            "state": {},
            "acme": {},
            "programs": {"name": PROGRAMS_VOLUME, "external": True},
        },
    }


def _service(project: str, settings: GatewaySettings, software: Software, script: str) -> dict[str, Any]:
    inner = settings.entry_points
    user = 0 if settings.docker_provider else TRAEFIK
    published = {**dict.fromkeys(settings.own_ports, settings.bind), **settings.ports}
    names = {**settings.own_ports, **{port: entry_points.entry_point(port) for port in settings.ports}}
    ports = [
        _port(at, port, inner[names[port]]) for port, at in published.items() if port not in settings.held
    ]
    udp_names = {port: entry_points.udp_entry_point(port) for port in settings.udp_ports}
    for port, at in settings.published_udp.items():
        # HTTP/3 comes in where HTTPS does
        ports.append({**_port(at, port, inner[udp_names.get(port, WEBSECURE)]), "protocol": "udp"})
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
        "image": software.image,
        "pull_policy": "never",  # it is made on the host
        # Compose takes $ for a variable
        "entrypoint": ["/bin/sh", "-c", script.replace("$", "$$"), "sh", "start"],
        "command": [software.program, *arguments(project, settings)],
        # a signal is for every instance, and not for the shell alone that looks after them
        "environment": {**_NO_PROXIES, "TINI_KILL_PROCESS_GROUP": "1"},
        # BusyBox's `timeout` leaves a child behind at every probe, which Traefik as the first process would
        # never reap: some hundred zombies in a few minutes (seen)
        "init": True,
        # Nobody's user: it can read the routes that root writes by `docker exec`, but not write them. The
        # Docker socket belongs to root.
        "user": f"{user}:{user}",
        # The owner says who may write, not a mode: at a second start the engine (26.1) has forgotten the
        # mode. A routing file has some ten thousand bytes, and each of two Traefiks has its own copies.
        "tmpfs": [f"{SERVED}:uid={user},gid={user},mode=0755,size=256m"],
        # not unless-stopped: after a crash the engine thinks that what ran was stopped by hand (measured)
        "restart": "always",
        "read_only": True,
        "cap_drop": ["ALL"],
        # for `nft`, which root runs here to give new connections to another instance; within this container's
        # network alone. Traefik is nobody, and has none of it.
        "cap_add": ["NET_ADMIN"],
        "security_opt": ["no-new-privileges:true"],
        **_memory(settings.memory_limit),
        "ports": ports,
        "networks": ["webgateway"],
        "volumes": [
            {"type": "volume", "source": "routes", "target": ROUTES},
            {"type": "volume", "source": "state", "target": STATE},
            {"type": "volume", "source": "acme", "target": ACME},
            {"type": "volume", "source": "programs", "target": PROGRAMS, "read_only": True},
            *socket,
        ],
        "logging": {"driver": "json-file", "options": {"max-size": "10m", "max-file": "3"}},
        "labels": {
            LABEL_GATEWAY: project,
            LABEL_SETTINGS: settings.to_label(),
        },
    }


def _memory(limit: int) -> Json:
    # no swap: a gateway in it would be slow for everybody
    return {"mem_limit": str(limit), "memswap_limit": str(limit)} if limit else {}


def _port(bind: str, published: int, target: int) -> Mapping[str, Any]:
    return {
        **({"host_ip": bind} if bind else {}),
        "published": str(published),
        "target": target,
        "protocol": "tcp",
        "mode": "ingress",
    }


def arguments(project: str, settings: GatewaySettings, number: int = 0) -> list[str]:
    """The arguments of an instance of Traefik."""
    there = listening(settings.entry_points, number)
    of_tcp = [name for name in settings.entry_points if not entry_points.is_udp(name)]
    place = f"{SERVED}/{number}" if number else SERVED
    read_timeout = f"transport.respondingtimeouts.readtimeout={settings.read_timeout * 1000:.0f}ms"
    command = [
        # not for Traefik: `instance` in instances.sh takes it
        *([f"env:{settings.acme_env}"] if settings.acme_env else []),
        "--global.checknewversion=false",
        "--global.sendanonymoususage=false",
        "--log.level=INFO",
        "--ping=true",
        "--ping.entrypoint=traefik",
        "--api.insecure=true",
        f"--api.dashboard={str(settings.dashboard).lower()}",
        # Only this container itself can ask the API here: it tells password hashes. The dashboard's own entry
        # point has routes for the Docker host alone (adapters/gateway/dashboard.py); no label can name it.
        f"--entrypoints.traefik.address=127.0.0.1:{there.api}",
        # what a `forwardAuth` middleware tells of the client reaches the application as it is
        "--entrypoints.traefik.forwardedheaders.insecure=true",
        "--entrypoints.traefik.forwardedheaders.notappendxforwardedfor=true",
        *([f"--entrypoints.dashboard.address=:{there.dashboard}"] if settings.dashboard else []),
        *(
            f"--entrypoints.{name}.address=:{port}" + ("/udp" if entry_points.is_udp(name) else "")
            for name, port in there.entry_points.items()
        ),
        # Traefik's default of 60 s cuts every upload that takes longer
        *(f"--entrypoints.{name}.{read_timeout}" for name in of_tcp),
        # a route that names no entry point is on this one only, not on the ports of applications
        f"--entrypoints.{WEB}.asdefault=true",
        f"--providers.file.directory={place}/routes",
        "--providers.file.watch=true",
        # Traefik's default of 2 s would delay every cutover by that
        "--providers.providersthrottleduration=100ms",
    ]
    if settings.trusted_proxies:
        # the routes for the inside look at the connection, whatever these headers say (measured); with the
        # PROXY protocol a proxy would say where a connection comes from
        trusted = ",".join(settings.trusted_proxies)
        command += [f"--entrypoints.{name}.forwardedheaders.trustedips={trusted}" for name in of_tcp]
    if settings.http3:
        # what clients are told (Alt-Svc): by itself Traefik names the port inside the container
        command.append(f"--entrypoints.{WEBSECURE}.http3.advertisedport={settings.https_port}")
    if settings.access_log:
        # headers are left out by default; a query may hold a token
        command += [
            "--accesslog=true",
            "--accesslog.format=json",
            "--accesslog.fields.queryparameters.defaultmode=drop",
        ]
    if settings.metrics:
        command += [
            "--metrics.prometheus=true",
            # where only this container can ask
            "--metrics.prometheus.entrypoint=traefik",
            f"--metrics.prometheus.buckets={_BUCKETS}",
        ]
    command += _acme(settings, number)
    if settings.fast_proxy:
        command.append("--experimental.fastproxy=true")
    if settings.docker_provider:
        command += [
            # like our own transport: hitless also drains what it adopts by counting connections
            f"--serverstransport.forwardingtimeouts.idleconntimeout={IDLE_TIMEOUT * 1000:.0f}ms",
            "--serverstransport.maxidleconnsperhost=200",
            "--providers.docker=true",
            "--providers.docker.exposedbydefault=false",
            f"--providers.docker.network={network_name(project)}",
        ]
    return command


def _acme(settings: GatewaySettings, number: int) -> list[str]:
    """The certificate resolver. No router of an application names it: an order is a route of its own."""
    if settings.challenge is None:
        return []
    resolver = f"--certificatesresolvers.{RESOLVER}.acme"
    is_by_dns = settings.challenge is Challenge.DNS
    servers = ",".join(settings.acme_dns_resolvers)
    return [
        f"{resolver}.email={settings.acme_email}",
        f"{resolver}.storage={storage(settings, str(number))}",
        # Traefik's default, RSA with 4096 bits, takes up to 7 s for each
        f"{resolver}.keytype=EC256",
        f"{resolver}.dnschallenge.provider={settings.acme_dns}"
        if is_by_dns
        else f"{resolver}.httpchallenge.entrypoint={WEB}",
        *([f"{resolver}.dnschallenge.resolvers={servers}"] if is_by_dns and servers else []),
        *([f"{resolver}.caserver={settings.acme_server}"] if settings.acme_server else []),
        *([f"{resolver}.cacertificates={ROUTES}/{settings.acme_ca}"] if settings.acme_ca else []),
    ]


def storage(settings: GatewaySettings, of: str) -> str:
    """The file in which an instance (`of` is its number) has the CA's certificates.

    Two instances in one file would overwrite each other's certificates (measured). A CA has its own files:
    what the one for tests has issued is worth nothing under another one.
    """
    return f"{ACME}/{host_of(settings.ca).replace(':', '-')}.{of}.json"
