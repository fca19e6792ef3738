"""The containers port on Docker's command line."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from hitless.adapters.docker.cli import AT_ONCE, DockerCli
from hitless.adapters.docker.container_log import last_lines
from hitless.adapters.docker.events import endings
from hitless.adapters.docker.inspected import (
    DEPENDS_ON,
    check_command,
    composed,
    container,
    is_ours,
    last_check,
    neighbour,
    number,
)
from hitless.adapters.docker.queries import filtered, inspect, labelled, listed, rows
from hitless.domain.common.errors import DockerFailed
from hitless.domain.common.names import COMPOSE_PROJECT as PROJECT
from hitless.domain.common.names import (
    LABEL_APPLICATION,
    LABEL_COLOUR,
    LABEL_GATEWAY,
    LABEL_NUMBER,
    LABEL_SERVICE,
    Colour,
    colour_project,
)
from hitless.domain.gateway.model import container_name
from hitless.domain.host.container_facts import HealthCheck, Listener, listeners
from hitless.domain.host.world import ComposeContainer, Container, Neighbour, Replica
from hitless.domain.proof.observations import Ending

_DIGEST = "com.docker.compose.config-hash"
_ONE_OFF = "com.docker.compose.oneoff"
_FILES = "com.docker.compose.project.config_files"
_COLUMNS = ("ID", "Names", "State", "Status", "Image", "Networks")
# The longest grace period that a stop waits for.
_STOP_TIMEOUT = 900.0


_LOOK = 20.0  # seconds
_READING = 5.0  # seconds for the logs of containers that are about to be removed


@dataclass(frozen=True)
class DockerContainers:
    """The containers of this engine; `gateway` is the gateway's project name."""

    cli: DockerCli
    gateway: str

    def of(self, application: str | None) -> tuple[Container, ...]:
        """All containers of the application's colours, running or not; None: of all on this gateway."""
        labels = [LABEL_APPLICATION, f"{LABEL_GATEWAY}={self.gateway}"]
        if application is not None:
            labels = [f"{LABEL_APPLICATION}={application}"]
        ids = listed(self.cli, "container", *labels)
        inspected = inspect(self.cli, "container", ids)
        return tuple(container(found) for found in inspected if is_ours(found))

    def named(self, containers: Sequence[str]) -> tuple[Container, ...]:
        """Those of these containers that exist: one command, where `of` needs two."""
        inspected = inspect(self.cli, "container", containers)
        return tuple(container(found) for found in inspected if is_ours(found))

    def replicas(self, application: str, colour: Colour) -> tuple[Replica, ...]:
        """The containers of a colour, running or not."""
        labels = [
            f"{LABEL_APPLICATION}={application}",
            f"{LABEL_COLOUR}={colour}",
            f"{LABEL_GATEWAY}={self.gateway}",
        ]
        columns = ("ID", f"={LABEL_SERVICE}", f"={LABEL_NUMBER}", "Names")
        found = rows(self.cli, "container", *columns, labels=labels)
        return tuple(Replica(id_, name, service, number(label)) for id_, service, label, name in found)

    def composed(self, application: str) -> tuple[ComposeContainer, ...]:
        """The containers in the application's and its colours' Compose projects that belong to no release."""
        projects = {application, *(colour_project(application, colour) for colour in Colour)}
        labels = (
            *(PROJECT, LABEL_SERVICE, _DIGEST, LABEL_APPLICATION, LABEL_GATEWAY),
            *(_ONE_OFF, _FILES, DEPENDS_ON),
        )
        columns = (*(f"={label}" for label in labels), *_COLUMNS)
        there = rows(self.cli, "container", *columns, labels=(PROJECT,))
        return tuple(found for row in there if (found := composed(row)) and found.project in projects)

    def neighbours(self, stopped: bool = False) -> tuple[Neighbour, ...]:
        """Every running container of the host; also the others if they are asked for."""
        ids = listed(self.cli, "container", running=not stopped)
        return tuple(map(neighbour, inspect(self.cli, "container", ids)))

    def stop(self, containers: Sequence[str]) -> None:
        """Stop containers, each with its own grace period."""
        self.cli.change("stop", *containers, timeout=_STOP_TIMEOUT, inherits=False)

    def start_again(self, containers: Sequence[str]) -> None:
        """Start containers that were stopped."""
        self.cli.change("start", *containers)

    def set_restart_policies(self, policies: Mapping[str, str]) -> None:
        """Set the restart policies (container -> policy in `docker update`'s words) of containers."""
        with ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
            list(pool.map(lambda policy: self._set_restart_policy(policies, policy), set(policies.values())))

    def _set_restart_policy(self, policies: Mapping[str, str], policy: str) -> None:
        names = [container for container, wanted in policies.items() if wanted == policy]
        self.cli.change("update", f"--restart={policy}", *names)

    def logs(self, container: str, lines: int) -> str:
        """The last lines of a container's log, standard output and error; "" if there is none."""
        try:
            output, said = self.cli.run_bytes("logs", "--tail", str(lines), container)
        except DockerFailed:
            return ""
        return (output.decode(errors="replace") + said).strip()

    def last_lines(self, containers: Sequence[str]) -> dict[str, str]:
        """What each of these has written last, each line with its time; "" for one without a log."""
        deadline = time.monotonic() + _READING
        with ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
            found = pool.map(lambda one: last_lines(self.cli, one, deadline), containers)
            return dict(zip(containers, found, strict=True))

    def new_lines(self, since: Mapping[str, str], lines: int) -> dict[str, str]:
        """The last lines that these containers wrote, each with its time.

        One after the other, and none of them counts as a command that is under way: nothing waits for it.
        """
        until = time.monotonic() + _READING
        return {
            one: last_lines(self.cli, one, until, lines, first, is_interrupted=False)
            for one, first in since.items()
        }

    def last_check(self, container: str) -> HealthCheck | None:
        """How the container's own Docker health check ended last; None if it has none, or has not ended."""
        return next((last_check(found) for found in inspect(self.cli, "container", (container,))), None)

    def passes_check(self, container: str, timeout: float) -> bool:
        """Run a container's own health check in it, with its user, environment and directory."""
        found = inspect(self.cli, "container", (container,))
        command = check_command(found[0]) if found else ()
        if not command:
            return False
        try:
            # it changes nothing, and ends by itself
            self.cli.run("exec", found[0]["Id"], *command, timeout=timeout, inherits=False)
        except DockerFailed:
            return False
        return True

    def listening(self, container: str) -> tuple[Listener, ...] | None:
        """The TCP ports on which something in a running container listens; None if nobody can tell.

        An image may have no shell, so the gateway's image looks, in the container's network.
        """
        gateway = inspect(self.cli, "container", (container_name(self.gateway),))
        if not gateway:
            return None
        read = ("sh", gateway[0]["Image"], "-c", "cat /proc/net/tcp /proc/net/tcp6 2>/dev/null; true")
        alone = ("--rm", "--user", "65534:65534", "--cap-drop", "ALL", "--read-only")
        try:
            said = self.cli.run(
                "run", *alone, "--network", f"container:{container}", "--entrypoint", *read, timeout=_LOOK
            )
        except DockerFailed:  # it has ended by now
            return None
        return listeners(said)

    def endings(self, application: str, seconds: float, now: float) -> tuple[Ending, ...]:
        """The application's containers that ended in the last seconds, as far as the engine remembers.

        It keeps its latest 256 events, and every health check takes three: so ask for this soon.
        """
        # as moments: Docker's command line rounds a span like `5s` to whole seconds, without the latest
        until = time.time()
        events = self.cli.run(
            "events",
            *("--since", f"{until - seconds:.6f}", "--until", f"{until:.6f}"),
            *filtered("event", ("kill", "die")),
            *labelled(f"{LABEL_APPLICATION}={application}"),
            *("--format", "{{json .}}"),
        ).splitlines()
        return endings([json.loads(row) for row in events], now - time.time())
