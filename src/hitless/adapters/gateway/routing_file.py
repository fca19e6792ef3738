"""An application's routing as the text of the one file that Traefik's file provider reads for it.

The file's first line is a comment that holds the value itself as JSON. hitless reads only that line, so it
does not matter how an older or newer hitless draws the rest. Traefik reads the rest. A digest in the first
line shows whether it is whole: not damaged, and not changed by hand.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

from hitless.adapters import json_yaml
from hitless.adapters.gateway.traefik_document import Leaving, document
from hitless.adapters.gateway.traefik_ways import NO_PORT, OWN_PORT
from hitless.domain.common.errors import HitlessError
from hitless.domain.common.foreign import Json
from hitless.domain.common.names import Colour
from hitless.domain.routing.model import Protocol, Router
from hitless.domain.routing.reserved import LOOPBACK
from hitless.domain.routing.split import (
    BackendRouting,
    ColourRouting,
    Routing,
    Server,
    Split,
    Waiting,
    all_to,
)

_HEADER = "# hitless "
# What `instance` in instances.sh tells Traefik. One that an older hitless has started has no port there.
_PORTS = {
    place: f"{{{{ env `HITLESS_{name.upper()}` | default `{NO_PORT}` }}}}" for name, place in OWN_PORT.items()
}
_BRACES = '{{"{{"}}'  # two of them, for Go's template engine


class ForeignRouting(HitlessError):
    """A routing file that hitless did not write, or that somebody has changed."""


def render(routing: Routing, leaving: Leaving | None = None) -> str:
    """The whole text of the application's routing file; `leaving`: for a Traefik that is replaced."""
    # JSON: what one reader of YAML takes for a text, another takes for a number (1e3)
    return sealed({"routing": _encode(routing)}, json_yaml.dump(document(routing, leaving), indent=1) + "\n")


def sealed(header: Json, body: str) -> str:
    """A file's text: its first line holds the digest of all that comes after it, and a header.

    `whole` in `routes.sh` looks at it, too: what is not whole is not given to Traefik.
    """
    text = f"{json.dumps(header, separators=(',', ':'))}\n{body}"
    # Traefik runs each file through Go's template engine first, comments included
    text = text.replace("{{", _BRACES)
    for place, variable in _PORTS.items():
        for scheme in ("", "http://"):
            start = json.dumps(f"{scheme}{LOOPBACK}:{place}")[:-1]  # a path may follow
            text = text.replace(start, f'"{scheme}{LOOPBACK}:{variable}')
    return f"{_HEADER}{_digest(text)} {text}"


def is_whole(text: str) -> bool:
    """Whether a file's text is as hitless wrote it."""
    digest, _, rest = text.removeprefix(_HEADER).partition(" ")
    if text.startswith(_HEADER) and digest == _digest(rest):
        return True
    # the form of the first ones: a shorter digest, of the body before it was made safe for templates
    first, _, body = text.replace(_BRACES, "{{").partition("\n")
    return first.startswith(f'{_HEADER}{{"digest":"{_digest(body)[:16]}"')


def parse(text: str, path: str) -> Routing:
    """The routing that a file's text holds. Raises `ForeignRouting` naming `path`."""
    first = text.replace(_BRACES, "{{").partition("\n")[0]
    hint = (
        "move the file out of the gateway's routing directory; for an application of yours, use hitless down"
    )
    if not first.startswith(_HEADER):
        raise ForeignRouting(f"{path} in the gateway was not written by hitless", hint)
    if not is_whole(text):
        raise ForeignRouting(f"{path} in the gateway is damaged, or was changed by hand", hint)
    try:
        return _decode(json.loads(first[first.index("{") :])["routing"])
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ForeignRouting(f"{path} in the gateway can't be read: {error}", hint) from error


def _digest(text: str) -> str:
    # our texts have no lone surrogate; a damaged text must be reported, and not fail here
    return hashlib.sha256(text.encode(errors="replace")).hexdigest()


def _encode(routing: Routing) -> dict[str, Any]:
    if awaited := [service for part in routing.colours.values() for service in part.awaited]:
        raise ValueError(f"the routing of {routing.application} awaits replicas of {', '.join(awaited)}")
    return {
        "application": routing.application,
        "generation": routing.generation,
        "marks_tcp": routing.marks_tcp,
        # for a hitless that knows no split
        "live": routing.live,
        "split": dict(routing.split),
        **({"waiting": vars(routing.waiting)} if routing.waiting else {}),
        "colours": {
            colour: {
                "release": part.release,
                "routers": [vars(router) for router in part.routers],
                "middlewares": dict(part.middlewares),
                "backends": {
                    name: {
                        "servers": [vars(server) for server in backend.servers],
                        "load_balancer": backend.load_balancer,
                    }
                    for name, backend in part.backends.items()
                },
                **({"asks": dict(part.asks)} if part.asks else {}),
            }
            for colour, part in routing.colours.items()
        },
    }


def _decode(value: Json) -> Routing:
    return Routing(
        application=value["application"],
        generation=value["generation"],
        split=_decode_split(value),
        colours={
            Colour(colour): ColourRouting(
                release=part["release"],
                routers=tuple(_decode_router(router) for router in part["routers"]),
                middlewares=part["middlewares"],
                backends={
                    name: BackendRouting(
                        tuple(Server(**server) for server in backend["servers"]),
                        backend["load_balancer"],
                    )
                    for name, backend in part["backends"].items()
                },
                asks=part.get("asks", {}),
            )
            for colour, part in value["colours"].items()
        },
        waiting=Waiting(**value["waiting"]) if value.get("waiting") else None,
        marks_tcp=value.get("marks_tcp", False),
    )


def _decode_split(value: Json) -> Split:
    if "split" not in value:  # an older hitless wrote it
        return all_to(Colour(value["live"]) if value["live"] else None)
    return {Colour(colour): int(share) for colour, share in value["split"].items()}


def _decode_router(value: Json) -> Router:
    lists = {key: tuple(value[key]) for key in ("entry_points", "middlewares")}
    return Router(**{**value, **lists, "protocol": Protocol(value.get("protocol", Protocol.HTTP))})
