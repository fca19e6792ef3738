"""Where requests for a backend lead: to its servers, or to where they wait; also of `forwardAuth`. Pure.

The names are those of `traefik_document`.
"""

from __future__ import annotations

from typing import Any

from hitless.domain.application.servers_transports import FIELD
from hitless.domain.common.foreign import Json
from hitless.domain.common.names import Colour
from hitless.domain.routing import forward_auth
from hitless.domain.routing.entry_points import API, WEB
from hitless.domain.routing.model import NOOP, Protocol, label_name
from hitless.domain.routing.reserved import (
    IDLE_TIMEOUT,
    INSIDE,
    LOOPBACK,
    MARKER_PRIORITY,
    asked_path,
    busy_path,
)
from hitless.domain.routing.split import BackendRouting, ColourRouting, Routing, Waiting

# In place of a port of the instance that reads the file: each one has others. No text of a user has a NUL.
OWN_PORT = {WEB: "\0web", API: "\0api"}
PAGE_PORT = 65_000  # above those of entry points; BusyBox has the pages there, for the gateway alone (`page`)
NO_PORT = 1  # nobody listens there; and what a reader gets that has no such ports

TRANSPORT: Json = {
    "maxIdleConnsPerHost": 200,
    # A container that has just died leaves its address unanswered for a moment: another try is better than a
    # long one. More than 1 s, because then the kernel sends the first packet to a busy server again.
    "forwardingTimeouts": {"idleConnTimeout": f"{IDLE_TIMEOUT * 1000:.0f}ms", "dialTimeout": "1500ms"},
}

# No connection of a request that has waited is for another one: at the next changeover it would lead to who
# has answered before, and a request would take it and not wait (seen: the old copy never drained).
_ONCE: Json = {**TRANSPORT, "maxIdleConnsPerHost": -1}

# Requests that wait try again as often as their time allows. The interval grows to twice this over all
# attempts (`newBackOff`, 3.7), so it stays what it is.
_ATTEMPTS = 1_000_000
_WAIT_INTERVAL = "200ms"
_LIVE = "live"
_LONGEST_ASK = 25.0  # seconds; after 30 s Traefik gives up what a `forwardAuth` asks, with a 500
# Clients may come again after so many seconds. The page is not what they have asked for: they get the whole
# of it, and do not keep it in its place.
_OF_THE_PAGE: Json = {
    "customRequestHeaders": dict.fromkeys(("Range", "If-Modified-Since", "Authorization", "Cookie"), ""),
    "customResponseHeaders": {
        "Retry-After": "5",
        "Cache-Control": "no-store",
        "Last-Modified": "",
        "Accept-Ranges": "",
    },
}
# Traefik's own answers: nobody is there (502, 504), or too many wait (429)
_BUSY = ("429", "502", "504")


def name_of(routing: Routing, name: str, suffix: str) -> str:
    """A name in the file: the routing's application, the user's name, and what hitless adds."""
    return f"{routing.application}.{name}.{suffix}"


def transports(routing: Routing, colour: Colour, part: ColourRouting) -> dict[str, Json]:
    """The servers transports of a colour's backends over https: hitless's own, with whom to believe."""
    return {
        name_of(routing, name, f"{colour}-transport"): {**TRANSPORT, **backend.load_balancer[FIELD]}
        for name, backend in of_http(part).items()
        if FIELD in backend.load_balancer
    }


def of_http(part: ColourRouting) -> dict[str, BackendRouting]:
    """The backends of HTTP routes, and those without a route."""
    others = {router.backend for router in part.routers if router.protocol is not Protocol.HTTP}
    found = {name: backend for name, backend in part.backends.items() if name not in others}
    # a service of TCP labels may have no router
    return {name: backend for name, backend in found.items() if label_name(name) == name}


def waiting(routing: Routing, part: ColourRouting, waiting: Waiting) -> dict[str, dict[str, Any]]:
    """Where the requests for the live colour wait, and what those get for which that is too long."""
    busy, crowd, wait = _waiting_middlewares(routing)
    services: dict[str, Any] = {}
    once = {name_of(routing, "once", "all"): _ONCE}
    for name, backend in of_http(part).items():
        if name in waiting.ports:
            own = backend.load_balancer.get(FIELD)
            transport = name_of(routing, name if own else "once", "once" if own else "all")
            once[transport] = {**_ONCE, **(own or {})}
            # with several it would set another cookie, or find its only server down
            settings = {
                key: value
                for key, value in backend.load_balancer.items()
                if key in ("passHostHeader", "responseForwarding")
            }
            scheme = backend.servers[0].url.partition("://")[0] if backend.servers else "http"
            url = f"{scheme}://{waiting.address}:{waiting.ports[name]}"
            services[name_of(routing, name, "waiting")] = {
                "loadBalancer": {
                    **settings,
                    "servers": [{"url": url}],
                    FIELD: transport,
                }
            }
    page = name_of(routing, "page", "all")
    services[page] = {"loadBalancer": {"servers": [{"url": f"http://{LOOPBACK}:{PAGE_PORT}"}]}}
    services[busy] = {
        "loadBalancer": {"servers": [{"url": f"http://{LOOPBACK}:{OWN_PORT[WEB]}"}], "passHostHeader": False}
    }
    path = busy_path(routing.application)
    return {
        "services": services,
        "serversTransports": once,
        "routers": {
            busy: {
                "rule": f"{INSIDE} && Path(`{path}`)",
                "priority": MARKER_PRIORITY,
                "service": page,
                "middlewares": [page],
                "entryPoints": [WEB],
            }
        },
        "middlewares": {
            page: {"headers": _OF_THE_PAGE},
            busy: {
                "errors": {
                    "status": list(_BUSY),
                    "statusRewrites": dict.fromkeys(_BUSY, 503),
                    "service": busy,
                    "query": path,
                }
            },
            crowd: {"inFlightReq": {"amount": waiting.most}},
            wait: _wait(waiting.timeout),
        },
    }


def _wait(timeout: float) -> Json:
    """A middleware with which a request waits for at most these seconds."""
    retry = {"attempts": _ATTEMPTS, "initialInterval": _WAIT_INTERVAL, "timeout": f"{timeout * 1000:.0f}ms"}
    return {"retry": retry}


def _waiting_middlewares(routing: Routing) -> tuple[str, str, str]:
    return name_of(routing, "busy", "all"), name_of(routing, "crowd", "all"), name_of(routing, "wait", "all")


def leads_to(routing: Routing, colour: Colour, backend: str, is_live: bool) -> tuple[str, tuple[str, ...]]:
    """Where requests for a backend go, and the last of their middlewares."""
    if backend == NOOP:
        return NOOP, ()
    if is_live and routing.waiting is not None and backend in routing.waiting.ports:
        return name_of(routing, backend, "waiting"), _waiting_middlewares(routing)
    return name_of(routing, backend, "live" if is_live else colour), (name_of(routing, "retry", "all"),)


def ask(routing: Routing, colour: Colour, part: ColourRouting, name: str) -> dict[str, dict[str, Any]]:
    """The ways of a `forwardAuth` middleware to its backend: routes from inside, as requests have them.

    One leads to the servers of its own colour, in all generations: a request that has begun to ask has no
    connection yet to what it asks for, and must get there before that stops. The other one waits where
    requests wait, and leads to what is live else. The request is what Traefik would send to the address in
    the label.
    """
    address = forward_auth.address(part.middlewares[name])
    if address is None:
        return {}
    live = routing.colours[routing.live].asks if routing.live else {}
    service, last = leads_to(routing, colour, part.asks[name], colour == routing.live)
    ways: dict[str, tuple[str, tuple[str, ...]]] = {}
    ways[colour.value] = (name_of(routing, part.asks[name], colour), (name_of(routing, "retry", "all"),))
    waits = {}
    if routing.waiting and service == name_of(routing, part.asks[name], "waiting"):
        wait = name_of(routing, "wait", "ask")
        waits = {wait: _wait(min(routing.waiting.timeout, _LONGEST_ASK))}
        last = (*last[:-1], wait)
    if colour == routing.live or name not in live:
        ways[_LIVE] = (service, last)
    way = f"http://{LOOPBACK}:{OWN_PORT[API]}"
    way += asked_path(routing.application, _LIVE if waits else colour.value, name)
    way += f"?{address.query}" if address.query else ""
    path, headers = (name_of(routing, name, f"{colour}-{kind}") for kind in ("path", "headers"))
    return {
        "routers": {
            name_of(routing, name, f"{key}-ask"): {
                "rule": f"{INSIDE} && Path(`{asked_path(routing.application, key, name)}`)",
                "priority": MARKER_PRIORITY,
                "service": service,
                "middlewares": [path, headers, *last],
                "entryPoints": [API],
            }
            for key, (service, last) in ways.items()
        },
        "middlewares": {
            path: {"replacePath": {"path": address.path or "/"}},
            headers: {"headers": {"customRequestHeaders": {"Host": address.netloc, "X-Replaced-Path": ""}}},
            name_of(routing, name, colour): {
                "forwardAuth": {**part.middlewares[name]["forwardAuth"], "address": way}
            },
            **waits,
        },
    }
