"""The routes of Traefik's dashboard, which answer only requests from the Docker host."""

from __future__ import annotations

import json
from collections.abc import Sequence

from hitless.adapters.gateway.routing_file import sealed

DASHBOARD = ".dashboard"  # its file's name in the routing directory: no application's name begins so
ENTRY_POINT = "dashboard"


def dashboard(bridges: Sequence[str]) -> str:
    """The text of a routing file with routes for connections from these addresses of the Docker host.

    They are the host's own addresses on the gateway's network. What reaches the published port over the
    host's loopback comes from there (measured with Engine 26.1), and a container has another address.
    """
    host = " || ".join(f"ClientIP(`{address}`)" for address in bridges)
    # no application's name begins with a dot, so nobody takes these for an application's
    routers = {
        f"{DASHBOARD}.{name}": {
            "entryPoints": [ENTRY_POINT],
            "rule": f"({host}) && {rule}",
            "service": f"{service}@internal",
            "middlewares": list(middlewares),
        }
        for name, rule, service, middlewares in (
            ("api", "PathPrefix(`/api`)", "api", ()),
            (
                "pages",
                "PathPrefix(`/`)",
                "dashboard",
                ("dashboard_redirect@internal", "dashboard_stripprefix@internal"),
            ),
        )
    }
    return sealed({"gateway": "dashboard"}, json.dumps({"http": {"routers": routers}}))
