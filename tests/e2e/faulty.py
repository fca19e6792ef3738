"""The command line with a fault at one of its points.

`python -m tests.e2e.faulty --at POINT --do FAULT -- <arguments of hitless>`

Nothing in the product knows of this. Every port is wrapped from outside, so that each of its verbs is a
point, whichever verbs and steps there are: `before cut-over`, `cut-over: before deliver`, `retire: half of
remove`. Names hold neither colours nor numbers, so they are the same for every deployment.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shlex
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from hitless import __main__
from hitless.adapters.docker.cli import DockerCli
from hitless.adapters.gateway.shell import GatewayShell
from hitless.domain.common.events import Event, Planned, StepBegan, StepDone, StepFailed
from hitless.ports import Ports
from hitless.wiring import Host

# verbs that only look change nothing: each is the same moment as the verb after it
LOOKS = {
    "of",
    "networked",
    "ranges",
    "named",
    "replicas",
    "present",
    "composed",
    "tagged",
    "logs",
    "last_lines",
    "new_lines",
    "kept_logs",
    "logs_of",
    "last_check",
    "passes_check",
    "volumes_of",
    "listening",
    "gateway",
    "other_gateways",
    "read",
    "journal",
    "instances",
    "unable_to_switch",
    "certificates",
    "obtained",
    "failures",
    "receivers",
    "host_name",
    "said",
    "overview",
    "version",
    "container",
    "counted",
}
# verbs that ask until something is so: their commands change nothing either
WAITS = {
    *("in_force", "complaints", "ask", "connections", "instance_answers"),
    *("instance_connections", "quic_connections"),
}
READING = re.compile(r"(ps|images|logs|inspect|\w+ inspect|\w+ ls)\b")
OBJECTS = ("container", "image", "network", "volume")
CHANGING = ("deliver", "withdraw", "record", "forget", "keep_log")  # what changes something in the gateway
NEVER_PASSED = 99
TWICE = " twice"  # the second time at the next point: during the undo of the first


@dataclass
class Points:
    """Every point that a run passes; the fault happens at one of them (`at`), and `again` at the next one."""

    at: str | None
    fault: Callable[[], None]
    again: Callable[[], None] | None
    record: Path | None
    step: str = "prepare"
    verb: str = ""
    is_fired: bool = False
    _is_planned: bool = False
    _last: str = ""
    _steps: Counter[str] = field(default_factory=Counter)
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def passing(self, name: str) -> None:
        """Note the point, and let the fault happen if this is its point."""
        if self.is_due(name):
            self.fire()

    def is_due(self, name: str) -> bool:
        """Note the point; whether the fault must happen there."""
        with self._lock:
            self._note("point", name)
            if self.is_fired and self.again:
                again, self.again = self.again, None
                again()
            return name == self.at and not self.is_fired

    def fire(self) -> None:
        """Let the fault happen, once."""
        self.is_fired = True
        self._note("fault", "begins")
        self.fault()
        self._note("fault", "is over")

    def heard(self, event: Event) -> None:
        """An event of the command: each step's beginning and its end is a point."""
        match event:
            case Planned():
                self._is_planned = True
            case StepBegan(step):
                name = str(step.kind)
                self._steps[name] += 1
                count = self._steps[name]
                self.step = name if count == 1 else f"{name} ({count})"
                self.passing(f"before {self.step}")
            case StepDone() | StepFailed():
                name, self.step = self.step, "end" if self._is_planned else "prepare"
                self.passing(f"after {name}")
            case _:
                pass

    def _note(self, kind: str, name: str) -> None:
        # at once and in one piece: the next line may be the last thing that this process does
        if self.record:
            with self.record.open("a") as file:
                file.write(json.dumps({kind: name, "moment": time.monotonic()}) + "\n")


class Watched:
    """A port; each of its verbs is a point."""

    def __init__(self, port: Any, points: Points) -> None:
        self._port = port
        self._points = points
        self._seen: set[str] = set()

    def __getattr__(self, verb: str) -> Any:
        attribute = getattr(self._port, verb)
        if verb in LOOKS or not callable(attribute):
            return attribute

        def watched(*arguments: Any, **options: Any) -> Any:
            points = self._points
            where = points.step
            # a verb that is repeated until a fact is true is a point only the first time
            is_first = f"{where}: {verb}" not in self._seen
            self._seen.add(f"{where}: {verb}")
            passing = points.passing if is_first else _nothing
            passing(f"{where}: before {verb}")
            points.verb = verb
            try:
                if is_first and verb in HALVES and points.is_due(f"{where}: half of {verb}"):
                    HALVES[verb](self._port, *arguments, **options)
                    points.fire()
                found = attribute(*arguments, **options)
            finally:
                points.verb = ""
            if isinstance(found, AbstractContextManager):
                return _entered(found, points, verb)
            passing(f"{where}: after {verb}")
            return found

        return watched


@contextmanager
def _entered(context: AbstractContextManager[Any], points: Points, verb: str) -> Iterator[Any]:
    with context as held:
        points.passing(f"{points.step}: after {verb}")
        yield held
        points.passing(f"{points.step}: before the end of {verb}")


def _nothing(_: str) -> None:
    pass


def _half_created(port: Any, model: Any, volumes: Any, networks: Any) -> None:
    services = list(model["services"].items())
    port.create({**model, "services": dict(services[: len(services) // 2])}, volumes, networks)


def _half_connected(port: Any, network: str, containers: Any) -> None:
    port.connect(network, containers[: len(containers) // 2])


def _half_started(port: Any, model: Any, containers: Any, timeout: float) -> None:
    ids = [(service, one) for service, found in containers.items() for one in found]
    for service, one in ids[: len(ids) // 2]:
        port.start(model, {service: (one,)}, timeout)


def _half_stopped(port: Any, containers: Any) -> None:
    port.stop(containers[: (len(containers) + 1) // 2])


def _half_removed(port: Any, application: str, colour: Any, containers: Any, **options: Any) -> None:
    port.remove(application, colour, containers[: len(containers) // 2], with_networks=False)


# verbs on several containers, half done. They are done completely afterwards, if hitless survives the fault.
HALVES: dict[str, Callable[..., None]] = {
    "create": _half_created,
    "connect": _half_connected,
    "start": _half_started,
    "stop": _half_stopped,
    "remove": _half_removed,
}


def watch(points: Points) -> None:
    """Wrap the ports of every host from now on, and the commands that their verbs run."""
    unwatched = Host.ports
    run_bytes = DockerCli.run_bytes

    def ports(host: Host, emit: Callable[[Event], None]) -> Ports:
        def heard(event: Event) -> None:
            emit(event)
            points.heard(event)

        real = unwatched(host, heard)
        wrapped: dict[str, Any] = {
            port.name: Watched(getattr(real, port.name), points)
            for port in fields(Ports)
            if port.name not in ("clock", "emit", "insist")
        }
        return replace(real, **wrapped)

    noted: set[str] = set()

    def run(cli: DockerCli, *arguments: str, **options: Any) -> Any:
        words = " ".join(arguments[:2]) if arguments[0] in OBJECTS else arguments[0]
        words = "compose create" if words == "compose" and "create" in arguments else words
        name = f"{points.step}: while {points.verb} runs docker {words}"
        if points.verb and points.verb not in WAITS and not READING.match(words) and name not in noted:
            noted.add(name)
            if points.is_due(name):
                _begin(cli, *arguments, **options)
        return run_bytes(cli, *arguments, **options)

    def _begin(cli: DockerCli, *arguments: str, stdin: bytes | None = None, **options: Any) -> None:
        """The command has been started and has read half of its input when the fault happens."""
        begun = {key: one for key, one in options.items() if key not in ("timeout", "heard")}
        process = cli.open(*arguments, **begun)
        try:
            if stdin and process.stdin:
                process.stdin.write(stdin[: len(stdin) // 2])
                process.stdin.flush()
            points.fire()
        finally:
            process.kill()
            process.communicate()

    run_function = GatewayShell.run

    def run_in_gateway(shell: GatewayShell, *function: str, stdin: bytes = b"", **options: Any) -> Any:
        name = f"{points.step}: while {points.verb} runs in the gateway"
        if points.verb and function[0] in CHANGING and name not in noted:
            noted.add(name)
            if points.is_due(name):
                _begin_in_gateway(shell, function, stdin)
        return run_function(shell, *function, stdin=stdin, **options)

    def _begin_in_gateway(shell: GatewayShell, function: tuple[str, ...], stdin: bytes) -> None:
        process = shell.cli.open(*shell.argv("serve", "token"))
        message = f"token {shlex.join(function)}\n".encode() + stdin
        try:
            assert process.stdin
            process.stdin.write(message[: len(message) // 2])
            process.stdin.flush()
            points.fire()
        finally:
            process.kill()
            process.communicate()

    GatewayShell.run = run_in_gateway  # type: ignore[assignment, method-assign]
    Host.ports = ports  # type: ignore[assignment, method-assign]
    DockerCli.run_bytes = run  # type: ignore[assignment, method-assign]


def fault(kind: str) -> Callable[[], None]:
    """A fault by its name: a signal to this process, or else a shell command."""
    if kind.startswith("SIG"):
        return lambda: os.kill(os.getpid(), signal.Signals[kind])
    return lambda: _shell(kind)


def _shell(command: str) -> None:
    subprocess.run(command, shell=True, check=True, stdout=subprocess.DEVNULL)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.e2e.faulty")
    parser.add_argument("--at")
    parser.add_argument("--do", default="")
    parser.add_argument("--record", type=Path)
    parser.add_argument("arguments", nargs="*")
    options = parser.parse_args()
    once = options.do.removesuffix(TWICE)
    again = fault(once) if once != options.do else None
    points = Points(options.at, fault(once), again, options.record)
    watch(points)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)  # else some are ignored in the background, or under nohup
    sys.argv = ["hitless", *options.arguments]
    try:
        __main__.main()
    finally:
        if options.at and not points.is_fired:
            print(f"the point `{options.at}` was never passed", file=sys.stderr, flush=True)
            os._exit(NEVER_PASSED)


if __name__ == "__main__":
    main()
