"""What Traefik's file provider reads for an application's routing: routers, services and middlewares. Pure.

Names: `<application>.<name>.<suffix>`. An application's name has no dot and hitless chooses the suffix, so no
two names of one kind can be the same, whatever names the user gives.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import Enum
from types import MappingProxyType
from typing import Any

from hitless.adapters.gateway.traefik_ways import (
    NO_PORT,
    OWN_PORT,
    TRANSPORT,
    ask,
    leads_to,
    name_of,
    of_http,
    transports,
    waiting,
)
from hitless.domain.application.servers_transports import FIELD
from hitless.domain.common.foreign import Json
from hitless.domain.common.names import Colour
from hitless.domain.routing.model import Protocol, Router, label_name, local_name
from hitless.domain.routing.reserved import (
    COLOUR_HEADER,
    GUARDED_PRIORITY,
    INSIDE,
    LOOPBACK,
    MARKER_HOST,
    MARKER_PRIORITY,
    handshake_host,
    handshake_protocol,
    marker_path,
    tcp_marker,
)
from hitless.domain.routing.rules import effective_priority
from hitless.domain.routing.split import BackendRouting, ColourRouting, Routing

# Traefik retries only what it could not send, so it never sends a POST twice. This hides the crash of one of
# several servers, and does not look at any answer. Each try may meet the dead one again: with 4 tries one
# request in 16 was lost, measured with one of two dead. Without any server they take a quarter of a second.
_RETRY: Json = {"retry": {"attempts": 20, "initialInterval": "5ms"}}


class Leaving(Enum):
    """How a Traefik that leaves tells clients to go: by headers of each answer.

    Over HTTP/3 `Connection` makes an answer malformed (RFC 9114, 4.2), and Traefik sends it nevertheless
    (measured). So clients over HTTP/3 go first, by RFC 7838, 3.
    """

    # Go's server closes the connection after such an answer, and sends GOAWAY over HTTP/2 (measured)
    CLOSE = MappingProxyType({"Connection": "close", "Alt-Svc": "clear"})
    DIVERT = MappingProxyType({"Alt-Svc": "clear"})


def document(routing: Routing, leaving: Leaving | None = None) -> dict[str, Any]:
    """The dynamic configuration as Traefik reads it.

    The live colour's routers are plain. The other colour's can be reached only from inside the gateway, with
    the header that names the colour. So Traefik has checked the rules and middlewares of a candidate before
    the cutover, which then changes nothing but who is live. A connection has no header: a TCP route of the
    other colour takes what comes from inside, where nothing but the marker's connection does.
    `leaving`: every answer tells its client to go, for another Traefik gets the new connections.
    """
    http: dict[str, dict[str, Any]] = {
        "routers": {},
        "services": {},
        "middlewares": {name_of(routing, "retry", "all"): _RETRY},
        "serversTransports": {name_of(routing, "transport", "all"): TRANSPORT},
    }
    told = name_of(routing, "leaving", "all")
    if leaving:
        http["middlewares"][told] = {"headers": {"customResponseHeaders": dict(leaving.value)}}
    for colour, part in routing.colours.items():
        is_live = colour in routing.split
        for router in part.routers:
            if router.protocol is not Protocol.HTTP:
                continue
            made = {name_of(routing, router.name, "live" if is_live else colour): is_live}
            if is_live and "tls" in router.settings:
                # a bake asks it from inside, where nothing speaks TLS
                made[name_of(routing, router.name, colour)] = False
            for key, is_open in made.items():
                http["routers"][key] = one = _router(routing, colour, router, is_open)
                if leaving:
                    one["middlewares"].insert(0, told)
        for name, middleware in part.middlewares.items():
            if label_name(name) != name:
                continue  # of TCP
            http["middlewares"][name_of(routing, name, colour)] = _middleware(
                routing, colour, part, middleware
            )
        for name in part.asks:
            for kind, those in ask(routing, colour, part, name).items():
                http[kind].update(those)
        http["serversTransports"].update(transports(routing, colour, part))
        for name, backend in of_http(part).items():
            http["services"][name_of(routing, name, colour)] = {
                "loadBalancer": _servers(routing, colour, name, backend, is_live)
            }
    for colour in routing.split:
        for name in of_http(routing.colours[colour]):
            http["services"][name_of(routing, name, "live")] = {"weighted": _weighted(routing, name)}
    if routing.waiting and routing.live:
        for kind, those in waiting(routing, routing.colours[routing.live], routing.waiting).items():
            http[kind].update(those)
    http["routers"].update(_markers(routing))
    tcp, udp = _tcp(routing), _udp(routing)
    # an empty section would stop every reload (measured): an application with TCP alone has no HTTP services
    http = {kind: those for kind, those in http.items() if those}
    return {"http": http, **({"tcp": tcp} if tcp else {}), **({"udp": udp} if udp else {}), **_tls(routing)}


def _markers(routing: Routing) -> dict[str, Any]:
    """What answers exactly while this generation is in force: one marker for HTTP, and one for TLS.

    On an entry point Traefik takes TLS after HTTP: with 600 TLS hosts old answers came for another 0.3 s
    (measured). So where there is TLS the marker is a handshake.
    """
    marker = {"service": "noop@internal", "priority": MARKER_PRIORITY}
    secure = routing.over_tls
    path = marker_path(routing.application, routing.generation)
    found: dict[str, Any] = {
        name_of(routing, "generation", "marker"): {
            "rule": f"{INSIDE} && Host(`{MARKER_HOST}`) && Path(`{path}`)",
            **marker,
            "entryPoints": list(routing.over_http),
        }
    }
    if secure:
        found[name_of(routing, "generation", "handshake")] = {
            "rule": f"{INSIDE} && Host(`{handshake_host(routing.application)}`)",
            **marker,
            "entryPoints": list(secure),
            "tls": {"options": name_of(routing, "generation", "handshake")},
        }
    return found


def _tls(routing: Routing) -> dict[str, Any]:
    if not routing.over_tls:
        return {}
    options: dict[str, Any] = {
        name_of(routing, "generation", "handshake"): {
            "alpnProtocols": [handshake_protocol(routing.application, routing.generation)],
            "minVersion": "VersionTLS12",
        }
    }
    for router in routing.rules:
        tls = router.settings.get("tls", {})
        if "defined" in tls:
            # a client that asks for no known name gets an alert, as with the default ones
            options[_options(routing, tls["options"])] = {**tls["defined"], "sniStrict": True}
    return {"tls": {"options": options}}


def _options(routing: Routing, name: str) -> str:
    # a route's name has no dot, and so neither have these
    return name_of(routing, name.replace(".", "-"), "options")


def _tcp(routing: Routing) -> dict[str, Any]:
    """The live colour's TCP routes, and the marker of this generation at each of their entry points."""
    routers: dict[str, Any] = {}
    services: dict[str, Any] = {}
    middlewares: dict[str, Any] = {}
    for colour, router in _tcp_routers(routing):
        part = routing.colours[colour]
        key = "live" if colour == routing.live else colour
        routers[name_of(routing, router.name, key)] = _tcp_router(routing, colour, router)
        backend = part.backends[router.backend]
        servers = [{"address": server.url.partition("://")[2]} for server in backend.servers]
        if colour == routing.live and routing.waiting and router.backend in routing.waiting.ports:
            servers = [{"address": f"{LOOPBACK}:{NO_PORT}"}]  # a connection can't wait: it is refused
        settings = dict(backend.load_balancer)
        if colour != routing.live:
            settings.pop("healthCheck", None)  # as for HTTP, see `_servers`
        services[name_of(routing, router.backend, colour)] = {
            "loadBalancer": {**settings, "servers": servers}
        }
        for name in router.middlewares:
            middlewares[name_of(routing, name, colour)] = part.middlewares[name]
    if routing.over_tcp:
        marker = tcp_marker_name(routing)
        routers[marker] = {
            "rule": f"{INSIDE} && HostSNI(`*`)",
            "priority": MARKER_PRIORITY,
            "service": marker,
            "entryPoints": list(routing.over_tcp),
        }
        place = OWN_PORT.get(tcp_marker(routing.generation), NO_PORT)
        services[marker] = {"loadBalancer": {"servers": [{"address": f"{LOOPBACK}:{place}"}]}}
    found = {"routers": routers, "services": services, "middlewares": middlewares}
    return {kind: those for kind, those in found.items() if those}


def _udp(routing: Routing) -> dict[str, Any]:
    """The live colour's UDP routes.

    Traefik leaves an entry point without a route as it was before (`BuildHandlers`, 3.7): new packets would
    still go to a release that drains. So one that only the other colour has leads nowhere.
    """
    routers: dict[str, Any] = {}
    services: dict[str, Any] = {}
    for name, addresses in udp_servers(routing).items():
        key = name_of(routing, name, "udp")
        routers[key] = {"service": key, "entryPoints": [name]}
        services[key] = {"loadBalancer": {"servers": [{"address": address} for address in addresses]}}
    return {"routers": routers, "services": services} if routers else {}


def udp_servers(routing: Routing) -> dict[str, tuple[str, ...]]:
    """Where each UDP entry point leads: its name -> host:port of each server."""
    nowhere: tuple[str, ...] = (f"{LOOPBACK}:{NO_PORT}",)
    found = dict.fromkeys(routing.over_udp, nowhere)
    for colour in routing.split:
        part = routing.colours[colour]
        for router in part.routers:
            servers = part.backends[router.backend].servers if router.is_udp else ()
            addresses = tuple(server.url.partition("://")[2] for server in servers)
            if routing.waiting and router.backend in routing.waiting.ports:
                addresses = ()
            found |= dict.fromkeys(router.entry_points if addresses else (), addresses)
    return found


def _tcp_routers(routing: Routing) -> Iterator[tuple[Colour, Router]]:
    """The live colour's, and another colour's of labels: Traefik checks these before the cutover."""
    for colour, part in routing.colours.items():
        for router in part.routers:
            if router.is_tcp and (colour == routing.live or not router.is_port):
                yield colour, router


def _tcp_router(routing: Routing, colour: Colour, router: Router) -> dict[str, Any]:
    is_live = colour == routing.live
    settings = {key: value for key, value in router.settings.items() if key != "tls"}
    if "tls" in router.settings:
        settings["tls"] = _tls_of(routing, router.settings["tls"], is_live)
    if router.middlewares:
        settings["middlewares"] = [name_of(routing, name, colour) for name in router.middlewares]
    return {
        **settings,
        "rule": router.rule if is_live else f"{INSIDE} && ({router.rule})",
        "service": name_of(routing, router.backend, colour),
        "entryPoints": list(router.entry_points),
    }


def _tls_of(routing: Routing, tls: Json, is_live: bool = True) -> dict[str, Any]:
    # never the resolver: an order is a route of its own (docs/decisions/0034)
    found: dict[str, Any] = {"passthrough": True} if tls.get("passthrough") else {}
    if "defined" in tls and is_live:  # the options that are there are the live ones
        found["options"] = _options(routing, tls["options"])
    return found


def tcp_marker_name(routing: Routing) -> str:
    """The name of the router and the service of a routing's marker in raw TCP."""
    return name_of(routing, "generation", "marker")


def _router(routing: Routing, colour: Colour, router: Router, is_live: bool) -> dict[str, Any]:
    part = routing.colours[colour]
    guard = f"{INSIDE} && Header(`{COLOUR_HEADER}`, `{colour}`) && "
    # A guarded route comes before every other one, and among guarded ones as without the guard. A live one
    # comes before the same route that Traefik's Docker provider has found: that of plain containers during an
    # adoption.
    own = effective_priority(router.rule, router.priority)
    priority = own + 1 if is_live else GUARDED_PRIORITY + own
    # A guarded router has no TLS: with other options than the live one's, Traefik would put both on the
    # default ones (measured), and ask no client for a certificate, say.
    settings = {key: value for key, value in router.settings.items() if key != "tls"}
    if is_live and "tls" in router.settings:
        settings["tls"] = _tls_of(routing, router.settings["tls"])
    service, last = leads_to(routing, colour, router.backend, is_live)
    return {
        **settings,
        "priority": min(priority, MARKER_PRIORITY - 1),
        "rule": router.rule if is_live else f"{guard}({router.rule})",
        "service": service,
        # the retry last: what comes before it (a rate limit, a login) sees each request once
        "middlewares": [
            *(_reference(routing, colour, part.middlewares, name) for name in router.middlewares),
            *last,
        ],
        **({"entryPoints": list(router.entry_points)} if router.entry_points else {}),
    }


def _middleware(routing: Routing, colour: Colour, part: ColourRouting, middleware: Json) -> dict[str, Any]:
    """A middleware; its references to other middlewares and services are renamed as in this file."""
    renamed = {kind: dict(fields) for kind, fields in middleware.items()}
    if "chain" in renamed:
        renamed["chain"]["middlewares"] = [
            _reference(routing, colour, part.middlewares, name)
            for name in renamed["chain"].get("middlewares", ())
        ]
    if "service" in renamed.get("errors", {}):
        renamed["errors"]["service"] = _reference(
            routing, colour, part.backends, renamed["errors"]["service"]
        )
    return renamed


def _reference(routing: Routing, colour: Colour, known: Mapping[str, Any], name: str) -> str:
    """The name in this file; what is not there is one of the gateway's own middlewares."""
    own = local_name(name)
    return name_of(routing, own, colour) if own in known else own


def _servers(
    routing: Routing, colour: Colour, name: str, backend: BackendRouting, is_live: bool
) -> dict[str, Any]:
    settings = dict(backend.load_balancer)
    transport = name_of(routing, "transport", "all")
    if FIELD in settings:
        transport = name_of(routing, name, f"{colour}-transport")
    if not is_live:
        # hitless judges a colour that starts or drains: Traefik's own check would set its servers UP or DOWN
        # by its own clock (traefik#4544).
        settings.pop("healthCheck", None)
    return {
        **settings,
        "servers": [{"url": server.url, **server.fields} for server in backend.servers],
        FIELD: transport,
    }


def _weighted(routing: Routing, backend: str) -> dict[str, Any]:
    return {
        "services": [
            {"name": name_of(routing, backend, colour), "weight": routing.split.get(colour, 0)}
            for colour, part in routing.colours.items()
            if backend in part.backends
        ]
    }
