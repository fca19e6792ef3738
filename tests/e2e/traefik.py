"""A Traefik without hitless around it, and how it reads the files that hitless writes."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from hitless.adapters.gateway.routing_file import render
from hitless.domain.gateway.settings import API_PORT, GatewaySettings
from hitless.domain.routing.split import Routing
from tests.e2e.conftest import docker, wait_for


@dataclass(frozen=True)
class Traefik:
    """Its container, and port of the container -> port of the loopback address."""

    container: str
    ports: Mapping[int, int]

    def deliver(self, *files: Routing | str) -> None:
        """Replace what is there by these routings' files, and no others.

        A text is the name of an application that is to have none.
        """
        script = "cd /routes\n"
        for file in files:
            name = file if isinstance(file, str) else file.application
            text = "" if isinstance(file, str) else render(file)
            script += f"rm -f {name}.yml\n"
            if text:
                octal = "".join(f"\\0{byte:03o}" for byte in text.encode())
                script += f"printf %b '{octal}' > .{name} && mv .{name} {name}.yml\n"
        command = ("docker", "exec", "-i", self.container, "sh", "-e")
        subprocess.run(command, input=script, text=True, check=True, timeout=30)
        expected = {file if isinstance(file, str) else file.application: file for file in files}
        wait_for(lambda: self._shows(expected))

    def api(self, path: str) -> Any:
        """What Traefik's own API says."""
        url = f"http://127.0.0.1:{self.ports[API_PORT]}/api/{path}"
        return httpx.get(url, timeout=10, trust_env=False).raise_for_status().json()

    def _shows(self, expected: Mapping[str, Routing | str]) -> bool:
        routers = self.api("rawdata").get("routers") or {}
        for name, routing in expected.items():
            marker = routers.get(f"{name}.generation.marker@file", {}).get("rule", "")
            if isinstance(routing, str) == bool(marker):
                return False
            if isinstance(routing, Routing) and not marker.endswith(f"/{routing.generation}`)"):
                return False
        return True


@contextmanager
def traefik_of_its_own(name: str, entry_points: Mapping[str, int]) -> Iterator[Traefik]:
    """A Traefik that reads routing files, as the gateway does, and listens on these entry points."""
    ports = {API_PORT, *entry_points.values()}
    subprocess.run(("docker", "rm", "--force", name), capture_output=True, check=False)
    docker(
        *("run", "--detach", "--name", name, "--tmpfs", "/routes"),
        *(word for port in ports for word in ("--publish", f"127.0.0.1::{port}")),
        GatewaySettings().image,
        *("--api.insecure=true", f"--entrypoints.traefik.address=:{API_PORT}"),
        *(f"--entrypoints.{name}.address=:{port}" for name, port in entry_points.items()),
        *("--providers.file.directory=/routes", "--providers.providersthrottleduration=20ms"),
    )
    try:
        found = docker("port", name).splitlines()
        made = Traefik(name, {int(line.partition("/")[0]): int(line.rpartition(":")[2]) for line in found})
        wait_for(lambda: answers(made))
        yield made
    finally:
        docker("rm", "--force", name)


def answers(traefik: Traefik) -> bool:
    try:
        return bool(traefik.api("version"))
    except httpx.HTTPError:
        return False
