"""What the gateway's container runs: hitless's own image, and in it Traefik's program from Traefik's image.

So hitless needs no more of Traefik's image than the program itself, and a running container can be given the
program of another one (docs/decisions/0032-gateway-container.md).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from secrets import token_hex

from hitless.adapters.docker.cli import DockerCli
from hitless.adapters.gateway.shell import script
from hitless.domain.common.errors import DockerFailed, HitlessError
from hitless.domain.gateway.compose_model import PROGRAMS, PROGRAMS_VOLUME
from hitless.domain.gateway.model import Software

_DOCKERFILE = Path(__file__).with_name("Dockerfile")
_TRAEFIK = "/usr/local/bin/traefik"  # where the official image has it
_SLOW = 900.0  # seconds for a pull or a build
# of one that only looks, or writes to a volume as root
_CONFINED = ("run", "--rm", "--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges")


@cache
def gateway_image() -> str:
    """The name of the gateway's own image, which a change of its Dockerfile changes."""
    return f"hitless-gateway:{hashlib.sha256(_DOCKERFILE.read_bytes()).hexdigest()[:12]}"


@dataclass(frozen=True)
class Programs:
    """The images and programs of a Docker host that the gateway of this Compose project needs."""

    cli: DockerCli
    project: str
    _had: dict[str, tuple[Software, str]] = field(default_factory=dict, compare=False)

    def software(self, traefik: str) -> tuple[Software, str]:
        """What to run for this image of Traefik, all of it on the host; and what its `version` prints.

        It is looked for once: a gateway that restarts need not wait for it. Raises `HitlessError` if the host
        can't get an image.
        """
        if traefik not in self._had:
            self._had[traefik] = self._software(traefik)
        return self._had[traefik]

    def container_image(self) -> str:
        """The gateway's own image, built where the host has none."""
        image = gateway_image()
        if not self._id(image):
            text = _DOCKERFILE.read_text("utf-8")
            try:
                self.cli.run("build", "--tag", image, "-", stdin=text, timeout=_SLOW)
            except DockerFailed as error:
                raise HitlessError(
                    f"the gateway's image {image} can't be built: {error.message}",
                    "hitless builds it once on each Docker host, from debian's image and packages: the host "
                    "must reach a registry and Debian's mirrors, or be given the image by docker load",
                ) from error
        return image

    def keep(self, *names: str) -> None:
        """Keep these programs for this gateway, and others only where other gateways need them."""
        if self.cli.run("volume", "ls", "--quiet", "--filter", f"name=^{PROGRAMS_VOLUME}$").strip():
            self._run("keep_programs", self.project, *names)

    def drop_copies(self) -> None:
        """Remove the copies of programs that were cut short, of commands that were killed."""
        self._run("drop_copies")

    def run(self, *words: str) -> str:
        """Run something in the gateway's image, alone and without a network."""
        return self.cli.run(*_CONFINED, "--network", "none", *words)

    def _software(self, traefik: str) -> tuple[Software, str]:
        container = self.container_image()
        if not (identity := self._id(traefik)):
            self.cli.run("pull", "--quiet", traefik, timeout=_SLOW)
            identity = self._id(traefik)
        name = f"traefik-{identity.removeprefix('sha256:')[:12]}"
        self.cli.run("volume", "create", PROGRAMS_VOLUME)
        said = self._run("program", name, self.project)
        if not said:
            said = self._run("program", name, self.project, self._copied(traefik, name))
        return Software(container, name), said

    def _run(self, *function: str) -> str:
        volume = f"{PROGRAMS_VOLUME}:{PROGRAMS}"
        words = ("--volume", volume, "--entrypoint", "sh", gateway_image(), "-c", script(), "sh")
        return self.run(*words, *function)

    def _copied(self, image: str, name: str) -> str:
        """The name of a copy of an image's program. Raises `HitlessError` where it has none."""
        copy = f".{name}.{token_hex(4)}"
        volume = ("--volume", f"{PROGRAMS_VOLUME}:{PROGRAMS}", "--user", "0", "--entrypoint", "cp")
        try:
            self.run(*volume, image, _TRAEFIK, f"{PROGRAMS}/{copy}")
        except DockerFailed as error:
            raise HitlessError(
                f"the image {image} has no program {_TRAEFIK}, or no `cp` to copy it with: {error.output}",
                "use the official image of Traefik, or build yours from that",
            ) from error
        return copy

    def _id(self, image: str) -> str:
        try:
            return self.cli.run("image", "inspect", "--format", "{{.Id}}", image).strip()
        except DockerFailed as error:
            if error.is_missing:
                return ""
            raise
