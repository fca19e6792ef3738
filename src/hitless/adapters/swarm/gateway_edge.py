"""A node that becomes an edge while gateways run: it first gets what they run, and what they keep."""

from __future__ import annotations

import json
from collections.abc import Iterator

from hitless.adapters.docker.cli import DockerCli
from hitless.adapters.docker.queries import labelled, listed
from hitless.adapters.gateway.programs import gateway_image
from hitless.adapters.swarm.edges import container_on
from hitless.adapters.swarm.gateway_images import GatewayImages
from hitless.adapters.swarm.gateway_project import STACK
from hitless.adapters.swarm.nodes import Node, nodes
from hitless.domain.common.errors import HitlessError
from hitless.domain.common.names import LABEL_GATEWAY
from hitless.domain.gateway.compose_model import ROUTES, STATE, TRAEFIK
from hitless.domain.gateway.settings import LABEL_SETTINGS, GatewaySettings

_KEPT = {"routes": ROUTES, "state": STATE}  # the volumes that every gateway has the same in


def prepare(manager: DockerCli, node: Node) -> None:
    """Bring to a node what each gateway of the Swarm needs there, and what it keeps on its other edges.

    Raises `HitlessError` where a gateway runs on none of them.
    """
    edges = [one for one in nodes(manager) if one.is_edge and one.id != node.id]
    for project, settings in _gateways(manager):
        GatewayImages(manager, project).software((node,), settings.image)
        if edges:
            _copy_kept(project, edges, node)


def _gateways(manager: DockerCli) -> Iterator[tuple[str, GatewaySettings]]:
    """The name and the settings of each gateway."""
    ids = manager.run("service", "ls", "--quiet", *labelled(LABEL_SETTINGS)).split()
    for found in json.loads(manager.run("service", "inspect", *ids)) if ids else ():
        labels = found["Spec"]["Labels"]
        yield labels[LABEL_GATEWAY], GatewaySettings.from_label(labels[LABEL_SETTINGS])


def _copy_kept(project: str, edges: list[Node], node: Node) -> None:
    """Have on a node what the gateway keeps on an edge; what an earlier gateway has left there goes."""
    running = ((edge.cli(), container_on(edge, project)) for edge in edges if edge.is_ready)
    source, container = next((one for one in running if one[1]), (None, ""))
    if source is None:
        raise HitlessError(
            f"the gateway {project} runs on none of its edges, so nothing of what it keeps can be copied",
            f"see docker service ps {project}; hitless gateway down removes it",
        )
    folders = [folder.removeprefix("/") for folder in _KEPT.values()]
    root = ("-u", f"0:{TRAEFIK}")
    kept, _ = source.run_bytes("exec", *root, container, "tar", "cf", "-", "-C", "/", *folders)
    engine = node.cli()
    names = {f"{project}_{volume}": folder for volume, folder in _KEPT.items()}
    if there := [one for one in listed(engine, "volume", f"{STACK}={project}") if one in names]:
        engine.run("volume", "rm", *there)
    for name in names:
        engine.run("volume", "create", "--label", f"{STACK}={project}", name)
    mounts = [word for name, folder in names.items() for word in ("--volume", f"{name}:{folder}")]
    confined = ("--rm", "-i", "--network", "none", "--cap-drop", "ALL", "--read-only")
    engine.run_bytes(
        "run", *confined, *root, *mounts, gateway_image(), "tar", "xpf", "-", "-C", "/", stdin=kept
    )
