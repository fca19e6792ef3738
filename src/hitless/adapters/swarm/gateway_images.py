"""What the gateway runs, on each of its nodes: its images and Traefik's program, there before a task is.

Where a node lacks an image, Swarm tries again on that node for ever, and says nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

from hitless.adapters.docker.cli import AT_ONCE, DockerCli
from hitless.adapters.docker.queries import inspect
from hitless.adapters.gateway.programs import Programs
from hitless.adapters.swarm.images import copy_to
from hitless.adapters.swarm.nodes import Node
from hitless.domain.common.errors import HitlessError
from hitless.domain.gateway.model import Software

_SLOW = 900.0  # seconds for a pull


@dataclass(frozen=True)
class GatewayImages:
    """What the gateway of this name needs on nodes. The manager has the images first."""

    manager: DockerCli
    project: str
    _had: dict[tuple[str, str], tuple[Software, str]] = field(default_factory=dict, compare=False)

    def software(self, nodes: Sequence[Node], traefik: str) -> tuple[Software, str]:
        """What every one of these nodes runs for an image of Traefik, all of it there; and what it prints.

        The image is named by its id: for any other name Swarm asks a registry first, for 20 s where none
        answers. Raises `HitlessError` if a node can't get it, or if there are no nodes.
        """
        missing = [node for node in nodes if (node.id, traefik) not in self._had]
        if missing:
            images = (Programs(self.manager, self.project).container_image(), self._pulled(traefik))
            ids = _ids(self.manager, images)
            with ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
                found = pool.map(lambda node: self._brought(node, traefik, ids), missing)
                self._had.update({(node.id, traefik): one for node, one in zip(missing, found, strict=True)})
        several = {self._had[node.id, traefik] for node in nodes}
        if len(several) != 1:
            raise HitlessError(
                f"the edge nodes have different programs for {traefik}", "remove that image on each of them"
            )
        return several.pop()

    def _brought(self, node: Node, traefik: str, ids: Mapping[str, str]) -> tuple[Software, str]:
        engine = node.cli()
        copy_to(node, self.manager, engine, ids)
        software, said = Programs(engine, self.project).software(traefik)
        return replace(software, image=image_id(engine, software.image)), said

    def _pulled(self, image: str) -> str:
        if not _ids(self.manager, (image,)):
            self.manager.run("pull", "--quiet", image, timeout=_SLOW)
        return image


def image_id(cli: DockerCli, image: str) -> str:
    """The id of an image on an engine, "" where it has none of that name."""
    return _ids(cli, (image,)).get(image, "")


def _ids(cli: DockerCli, images: Sequence[str]) -> Mapping[str, str]:
    found = ((image, inspect(cli, "image", (image,))) for image in images)
    return {image: str(there[0]["Id"]) for image, there in found if there}
