"""The versions of what hitless works with."""

from __future__ import annotations

from collections.abc import Iterator

from hitless.execution.looks import Looks
from hitless.ports import Ports
from hitless.ports.engine import Engine
from hitless.ports.gateway_project import GatewayProject

LONGEST = 4.0  # seconds for all of them together


def look(ports: Ports, project: GatewayProject, engine: Engine, gateway: str) -> Iterator[str]:
    """A line for each: of the engine, Compose, and the gateway. What does not answer says why."""
    looks = Looks(ports.clock, LONGEST)
    about, compose = looks.begin(engine.about), looks.begin(engine.compose_version)
    settings = looks.begin(project.settings)
    found = looks.result("engine", about, None)
    if found:
        version, api = found[0].version, found[0].api
        yield f"Docker Engine {version}, API {api}"
    else:
        yield f"Docker Engine: {looks.failed['engine']}"
    number = looks.result("compose", compose, "")
    yield (
        f"Docker Compose {number}" if number else f"Docker Compose: {looks.failed.get('compose', 'not here')}"
    )
    if not found:
        return  # the gateway is behind the engine
    known = looks.result("gateway", settings, None)
    if known is None:
        yield f"gateway {gateway}: {looks.failed.get('gateway', 'not there')}"
        return
    traefik = looks.result("traefik", looks.begin(ports.instances.version), "")
    what = f"Traefik {traefik}" if traefik else "Traefik does not answer"
    yield f"gateway {gateway}: {what} ({known.image})"
