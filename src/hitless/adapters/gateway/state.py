"""The state port on the gateway's state volume, by `docker exec`: every operator's machine sees the same."""

from __future__ import annotations

import json
import re
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass, field
from functools import partial
from threading import Timer
from typing import Any

from hitless.adapters.docker.cli import failed, kill
from hitless.adapters.gateway.archive import files_in
from hitless.adapters.gateway.configs import parse as parse_config
from hitless.adapters.gateway.container import others
from hitless.adapters.gateway.lifeline import Lifeline, lifeline
from hitless.adapters.gateway.overview import holder_in, read_overview
from hitless.adapters.gateway.routing_directory import RoutingDirectory
from hitless.adapters.gateway.routing_file import is_whole
from hitless.adapters.gateway.shell import GATEWAY_LOCK, GatewayShell, whose
from hitless.domain.application import compose_schema
from hitless.domain.common.errors import DockerFailed, GatewayDown, Locked, LockLost, TimedOut
from hitless.domain.common.foreign import Json
from hitless.domain.gateway.compose_model import ROUTES
from hitless.domain.host.facts import Overview
from hitless.domain.host.journal import Holder
from hitless.domain.host.logs import KeptLog, kept_log
from hitless.domain.release.model import Image, Release
from hitless.domain.routing.gateway_config import CONFIG_FILE, Config
from hitless.ports.state import Alone, Stored

_TAKEN = 75  # sysexits.h EX_TEMPFAIL
_GOODBYE = 10.0  # seconds in which the process in the gateway must come or go
_UNABLE = 71  # sysexits.h EX_OSERR: nobody can take a lock there
_LOOKS = 3
_KEEPING = 10.0  # seconds in which a log must have been written down, or a deployment goes on without it
_TAIL = 300  # lines: three a command
_PULSE = 5.0  # seconds between two signs of life
_REMNANT = 30.0  # seconds to wait for a Docker command that a killed hitless has left at work
_FRESH = 1.0  # seconds for which the gateway's answer counts that the lock is held


@dataclass(frozen=True)
class JournalWriter:
    """The process in the gateway that holds the lock and writes the journal."""

    process: subprocess.Popen[bytes]
    lifeline: Lifeline
    ask: Callable[[], bool]
    is_over: threading.Event = field(default_factory=threading.Event)
    _asking: threading.Lock = field(default_factory=threading.Lock)
    _seen: list[float] = field(default_factory=lambda: [_awake_or_not()])  # when it was last known

    def write(self, line: str) -> None:
        """Append a line. A lost journal is no reason to stop between two steps; `is_held` reports it."""
        self.lifeline.write(f"{line}\n".encode())

    def pulse(self) -> None:
        """Give signs of life until it is over: an empty line now and then."""
        while not self.is_over.wait(_PULSE):
            self.write("")

    def is_held(self) -> bool:
        """Whether the lock is still there: the kernel frees it with its process in the gateway.

        We notice the end of that process at once, as long as we are awake and connected. A process that was
        suspended has not noticed it. So after a while without an answer of the gateway, this asks the
        gateway.
        """
        if self.process.poll() is not None:
            return False
        with self._asking:
            if _awake_or_not() - self._seen[0] < _FRESH:
                return True
            began = _awake_or_not()
            if self.ask():
                self._seen[0] = began
                return True
            return False


@dataclass(frozen=True)
class GatewayState:
    """The volumes of the gateway of this Compose project."""

    shell: GatewayShell

    def read(self, application: str | None) -> Stored:
        """All that is stored, in one look; None: no application's releases and no journal."""
        archive, said = self._look(application or "-")
        files = {}
        releases: dict[int, Release | None] = {}
        configs: list[Config | None] = []
        for path, text in files_in(archive):
            name = path.rpartition("/")[2]
            if name.startswith(CONFIG_FILE):
                configs.append(parse_config(text))
            elif "/." in path:  # on its way
                continue
            elif f"/{path}".startswith(f"{ROUTES}/"):
                files[name] = text
            else:
                number = int(name.removesuffix(".json"))
                releases[number] = decode_release(number, text)
        about, _, journal = said.partition("\njournal\n")
        routings, broken, restored = self._directory(files, about).read()
        return Stored(
            routings,
            broken,
            restored,
            releases=tuple(release for _, release in sorted(releases.items()) if release),
            damaged=frozenset(number for number, release in releases.items() if release is None),
            journal=journal,
            configs=tuple(sorted((one for one in configs if one), key=lambda one: one.name)),
            **_about(about),
        )

    def _directory(self, files: Mapping[str, str], about: str) -> RoutingDirectory:
        damaged = [name for name, text in files.items() if not is_whole(text)]
        copies = self._copies([*damaged, *re.findall(r"^gone (.+)$", about, re.MULTILINE)])
        return RoutingDirectory(files, copies, re.findall(r"^aside (.+)$", about, re.MULTILINE))

    def _copies(self, names: Sequence[str]) -> dict[str, str]:
        archive = self.shell.run("copies", *names)[0] if names else b""
        return {f"{path}.yml": text for path, text in files_in(archive)}

    def _look(self, application: str) -> tuple[bytes, str]:
        """The archive; if another command removes a file just then, that is no reason to fail."""
        for _ in range(_LOOKS - 1):
            with suppress(DockerFailed):
                return self.shell.run("look", application, str(_TAIL))
        return self.shell.run("look", application, str(_TAIL))

    def heal(self) -> tuple[str, ...]:
        """Restore the routing files that are damaged or gone and have a copy; their names."""
        names = self.shell.run("heal")[0].decode().split()
        return tuple(name for name in names if not name.startswith("."))

    def record(self, application: str, release: Release) -> None:
        """Keep a release."""
        text = json.dumps(asdict(release)).encode()
        self.shell.change("record", application, str(release.number), str(len(text)), stdin=text)

    def forget(self, application: str, releases: Sequence[int]) -> None:
        """Stop keeping these releases."""
        self.shell.change("forget", application, " ".join(map(str, releases)))

    def keep_log(self, application: str, log: KeptLog, text: str) -> None:
        """Keep what a container has written."""
        data = text.encode()
        words = (log.name, str(len(data)))
        self.shell.change("keep_log", application, *words, stdin=data, timeout=_KEEPING)

    def kept_logs(self, application: str) -> tuple[KeptLog, ...]:
        """The logs that are kept of an application. Raises `GatewayDown`."""
        found = map(kept_log, self._first("kept_logs", application).split())
        return tuple(log for log in found if log)

    def logs_of(self, application: str, release: int) -> dict[KeptLog, str]:
        """The logs that are kept of a release."""
        archive = self.shell.run("logs_of", application, str(release))[0]
        found = ((kept_log(name), text) for name, text in files_in(archive))
        return {log: text for log, text in found if log}

    def journal(self, application: str) -> str:
        """The whole journal that is kept of an application: up to two files of about 1 MB.

        Raises `GatewayDown`.
        """
        return self._first("journal", application)

    def unlock(self, application: str) -> Holder | None:
        """End the process that holds the application's lock; None if there is none. Raises `GatewayDown`."""
        return holder_in(self._first("unlock", application))

    def overview(self) -> Overview:
        """What is stored of all applications at once."""
        return read_overview(self.shell.run("overview")[0].decode(errors="replace"))

    def drop_old_logs(self) -> None:
        """Remove the kept logs that are older than they are kept."""
        self.shell.change("drop_old_logs", GATEWAY_LOCK)

    def _first(self, function: str, application: str) -> str:
        """What a function prints that a command begins with: nothing has asked for the gateway before."""
        try:
            return self.shell.run(function, application)[0].decode(errors="replace")
        except DockerFailed as error:
            if error.is_missing or "is not running" in error.output:
                raise GatewayDown(others(self.shell.cli, self.shell.project)) from error
            raise

    def _holds(self, application: str) -> bool:
        try:
            self.shell.run("holds", application, self.shell.claims.get(application, "none"))
        except DockerFailed:  # or the gateway has gone, and the lock with it
            return False
        return True

    @contextmanager
    def alone(self, holder: str, but: str) -> Iterator[Alone]:
        """Have nobody begin on any application; who works on which already, except one. Raises `Locked`."""
        name = f"{holder}, which works on the gateway"
        with ExitStack() as gate:
            try:
                lock = gate.enter_context(self.lock(GATEWAY_LOCK, name, 0, lambda _: None))
            except DockerFailed as error:
                if error.exit_code != _UNABLE:
                    raise
                yield Alone(
                    None, {}
                )  # where nobody can take a lock nobody has one: such a gateway must be replaced
                return
            found = {}
            for line in self.shell.run("busy", but or "-")[0].decode(errors="replace").splitlines():
                application, _, who = line.partition(" ")
                if at_work := holder_in(who):
                    found[application] = at_work
            yield Alone(lock, found)

    @contextmanager
    def lock(
        self, application: str, holder: str, wait: float, taken: Callable[[str], None]
    ) -> Iterator[JournalWriter]:
        """Hold the application's lock, and with it its journal. Raises `Locked`."""
        cli = self.shell.cli
        patience = "wait" if wait else "now"
        words = self.shell.argv("lock", application, " ".join(holder.split()), patience)
        line = lifeline()
        try:
            process = cli.open(*words, inherits=False, is_interrupted=False, stdin=line.end)
        except BaseException:
            line.cut()
            raise
        finally:
            line.passed_on()
        assert process.stdout and process.stderr
        writer = JournalWriter(process, line, partial(self._holds, application))
        pulse = threading.Thread(target=writer.pulse, daemon=True)
        is_ours = False

        def insist() -> None:
            if not writer.is_held():
                raise LockLost(whose(application))

        try:
            try:
                claim = _take(process, application, wait, taken, cli.argv(*words[:6]))
            except DockerFailed as error:
                raise cli.hinted(error) from None
            self.shell.claims[application] = claim
            is_ours = True
            cli.guards.append(insist)
            pulse.start()
            # A command that outlives us (nobody can tell it of SIGKILL) holds the lock until it has ended
            cli.inherited.add(line.commands)
            self.shell.close()  # and the shells hold it, too, from now on
            yield writer
        finally:
            if is_ours:
                cli.guards.remove(insist)
                del self.shell.claims[application]
            cli.inherited.discard(line.commands)
            self.shell.close()
            writer.is_over.set()
            line.cut()
            if is_ours:
                with suppress(Exception):
                    process.wait(_GOODBYE)
            kill(process)
            kill(line.process)
            line.process.wait()
            for pipe in (process.stdout, process.stderr):
                with suppress(OSError):
                    pipe.close()


def _take(
    process: subprocess.Popen[bytes],
    application: str,
    wait: float,
    taken: Callable[[str], None],
    argv: Sequence[str],
) -> str:
    """Wait until the process says that it has the lock, and by which claim.

    Raises `Locked`, or `DockerFailed` for everything else.
    """
    assert process.stdout and process.stderr
    holder: Holder | None = None
    is_late = threading.Event()

    def give_up() -> None:
        is_late.set()
        kill(process)

    while True:
        # it waits in any case for what a command that has ended has left at work
        patience = max(wait, _REMNANT if holder and holder.has_ended else 0)
        guard = Timer(patience if holder else _GOODBYE, give_up)
        guard.start()
        try:
            answer = process.stdout.readline().decode(errors="replace").strip()
        finally:
            guard.cancel()
        word, _, claim = answer.partition(" ")
        if word == "locked":
            return claim
        found = holder_in(answer)
        if found is None:
            break
        holder = found
        if wait or holder.has_ended:
            taken(holder.describe())
    kill(process)
    code = process.wait()
    if holder is None and is_late.is_set():
        raise TimedOut(
            f"the gateway did not give the lock of {application} within {_GOODBYE:.0f} s",
            "does the Docker engine answer? try: docker info",
        )
    if holder is None:
        error = failed(argv, code, process.stderr.read().decode(errors="replace"))
        if code == _UNABLE:
            error.hint = "hitless gateway up --replace says whether the gateway's image lacks something"
        raise error
    what = whose(application)
    if patience and not is_late.is_set():  # with its container
        raise Locked(
            f"the gateway ended while another command worked on {what}: {holder.describe()}",
            "try again when it is up; see hitless gateway status",
        )
    late = f" and did not end within {patience:.0f} s" if patience else ""
    raise Locked(
        f"another command works on {what}{late}: {holder.describe()}",
        "wait until it has ended (--wait does), or free its lock with hitless unlock if it hangs",
    )


def _awake_or_not() -> float:
    """Seconds on a clock that also counts while this machine, or this process, is suspended."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


def _about(text: str) -> dict[str, Any]:
    """What was said beside the archive: free bytes, the journal's age, the lock's holder."""
    quiet = re.search(r"^quiet (-?\d+)$", text, re.MULTILINE)
    # POSIX: file system, blocks, used, available, …
    free = re.search(r"^\S.*?\s\d+\s+\d+\s+(\d+)\s+\d+%", text, re.MULTILINE)
    return {
        "holder": holder_in(text),
        "quiet": max(float(quiet[1]), 0) if quiet else 0.0,
        "free": int(free[1]) * 1024 if free else None,
    }


def decode_release(number: int, text: str) -> Release | None:
    """A release from its JSON record; None if it can't be read (another hitless's, or damaged)."""
    try:
        return _decode(number, json.loads(text))
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def _decode(number: int, value: Json) -> Release:
    if wrong := compose_schema.misshapen(value["model"]):
        raise ValueError(wrong[0])
    return Release(
        number=number,
        created=value["created"],
        revision=value["revision"],
        images={
            service: Image(image["id"], tuple(image["ports"]), image["healthcheck"], tuple(image["volumes"]))
            for service, image in value["images"].items()
        },
        model=value["model"],
        promoted=int(value["promoted"]),
    )
