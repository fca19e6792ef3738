"""The one place that starts Docker's own command line, so that contexts and SSH work as usual."""

from __future__ import annotations

import math
import os
import re
import selectors
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

from hitless.adapters.docker.endpoint import behind_ssh, endpoint
from hitless.domain.common.errors import DockerFailed, HitlessError, TimedOut

if TYPE_CHECKING:
    from hitless.adapters.docker.engine import Engine
    from hitless.adapters.docker.tunnel import Connection, Tunnel

# No call of ours takes this long unless the engine hangs; builds and pulls name their own.
DEFAULT_TIMEOUT = 120.0
# Builds and pulls take their time; one that hangs must still end.
LONG = 3600.0
AT_ONCE = 4  # how many commands of one kind run at once
# In seconds: how long the main thread may miss a signal. While it starts a process, CPython blocks its
# signals, and the kernel gives one that comes then to another thread, which wakes nobody up.
_DEAF = 0.5
_LOCAL = ("context", "compose")  # commands that may succeed without the engine
_TLS = ("DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH")  # of a port, and not of a socket
_LAST_LINES = 12
_LAST_PRINTED = 30  # a build that fails writes its reason last
_SHOWN_WORDS = 8
_CHUNK = 65536
_KEPT = 1_000_000  # bytes of a stream that is told as it comes
# What the Docker command line says when the engine, or the way to it, goes away in the middle
_DROPPED = (
    "error during connect",
    "unexpected eof",
    "broken pipe",
    "connection reset by peer",
    "use of closed network connection",
    "client connection lost",
)
_UNREACHED = 255  # the exit code of ssh if there is no connection


# What runs just now, in any thread: an interrupt must not wait for an engine that hangs.
_running: set[subprocess.Popen[bytes]] = set()


# The threads that an interrupt found at work. The main thread sees it; they must not begin anything more.
_interrupted: WeakSet[threading.Thread] = WeakSet()


def kill_running() -> bool:
    """End every command that is under way; the other threads of now can't start one any more.

    Whether there was one.
    """
    _interrupted.update(thread for thread in threading.enumerate() if thread is not threading.main_thread())
    found = tuple(_running)
    for process in found:
        kill(process)
    return bool(found)


def is_open(process: subprocess.Popen[bytes]) -> bool:
    """Whether a command that was opened still runs; False at once if it was killed."""
    return process in _running and process.poll() is None


def kill(process: subprocess.Popen[bytes]) -> None:
    """End a command with all that it has started (a plug-in, ssh), which may keep its pipes open."""
    _running.discard(process)
    with suppress(ProcessLookupError):
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)


@dataclass(frozen=True)
class DockerCli:
    """How to reach the engine: a Docker `context`, or None for the environment's own (DOCKER_HOST).

    `inherited` are file descriptors that commands get: what they are open for lasts while one runs.
    `guards` are asked before a command that changes something; each raises `LockLost` to forbid it.
    `answered` holds something once the engine has answered. `most` is how many seconds any command may take.
    """

    context: str | None = None
    inherited: set[int] = field(default_factory=set, compare=False)
    guards: list[Callable[[], None]] = field(default_factory=list, compare=False)
    answered: set[str] = field(default_factory=set, compare=False)
    most: float = math.inf

    @cached_property
    def _engine(self) -> Engine | None:
        from hitless.adapters.docker.engine import Engine

        there = endpoint(self.context)
        return Engine(there) if there and not there.ssh else None

    @cached_property
    def _tunnel(self) -> Tunnel | None:
        """The way to an engine behind SSH; None for every other engine."""
        if url := behind_ssh(self.context):
            from hitless.adapters.docker.tunnel import tunnel

            return tunnel(url)
        return None

    def _connection(self) -> Connection | None:
        """The SSH connection to the engine; None if Docker's command line finds its own way."""
        if self._tunnel is None:
            return None
        thread = threading.current_thread()
        found = self._tunnel.connection(min(DEFAULT_TIMEOUT, self.most), lambda: thread in _interrupted)
        if found and not found.trouble():
            self.answered.add("tunnel")
        return found

    def ask(self, path: str, **query: Any) -> tuple[bool, Any] | None:
        """Ask the engine's API: whether there is such a thing, and the answer. Raises `TimedOut`.

        None if nobody answers there: then a command gets the answer, or says what is wrong. `query` are the
        question's parameters; one that is no text is written as JSON.
        """
        thread = threading.current_thread()
        if thread in _interrupted:
            return None
        connection = self._connection()
        engine = connection.engine if connection else self._engine
        # the first word to an engine elsewhere is a command's: if nobody can reach it, that says why
        if engine is None or not (engine.endpoint.path or self.answered):
            return None
        answer = engine.get(path, query, min(DEFAULT_TIMEOUT, self.most), lambda: thread in _interrupted)
        if answer:
            self.answered.add(path)
        return answer

    def argv(self, *arguments: str) -> tuple[str, ...]:
        """The whole command line."""
        return ("docker", *(("--context", self.context) if self.context else ()), *arguments)

    def endpoint(self) -> str:
        """Where the engine is that this talks to: unix:///var/run/docker.sock, ssh://somewhere."""
        # Docker's own order: --context, then DOCKER_HOST, then the context that is in use
        if self.context is None and (host := os.environ.get("DOCKER_HOST")):
            return host
        names = (self.context,) if self.context else ()
        found = self.run("context", "inspect", "--format", "{{.Endpoints.docker.Host}}", *names)
        return found.strip()

    def run(
        self,
        *arguments: str,
        stdin: str | None = None,
        timeout: float = DEFAULT_TIMEOUT,
        compose_env: bool = False,
        inherits: bool = True,
        variables: Mapping[str, str] | None = None,
        heard: Callable[[str], None] | None = None,
    ) -> str:
        """Run to the end and return standard output. Raises `DockerFailed` or `TimedOut`.

        `compose_env` lets Compose see its own COMPOSE_* variables; only reading the user's file needs them.
        `variables` are in the command's environment, too.
        `inherits` is False for what may take minutes and does no harm after hitless itself has ended.
        `heard` gets each line of both streams as it comes, a long one cut; then only their ends are kept.
        """
        return self.run_bytes(
            *arguments,
            stdin=None if stdin is None else stdin.encode(),
            timeout=timeout,
            compose_env=compose_env,
            inherits=inherits,
            variables=variables,
            heard=heard,
        )[0].decode(errors="replace")

    def change(self, *arguments: str, **options: Any) -> str:
        """Like `run`, for what changes something: not after a lock is lost, because another may be at work.

        Raises `LockLost`, also if the command failed for that reason: its objects are another's by now.
        """
        self.insist()
        try:
            return self.run(*arguments, **options)
        except DockerFailed as error:
            if not _is_dropped(error.output):  # about the connection there is more to say
                self.insist()
            raise

    def insist(self) -> None:
        """Raise `LockLost` where a lock that a change needs is lost."""
        for guard in tuple(self.guards):
            guard()

    def run_bytes(
        self,
        *arguments: str,
        stdin: bytes | None = None,
        timeout: float = DEFAULT_TIMEOUT,
        compose_env: bool = False,
        inherits: bool = True,
        variables: Mapping[str, str] | None = None,
        heard: Callable[[str], None] | None = None,
    ) -> tuple[bytes, str]:
        """Like `run`, but returns standard output as bytes, and standard error beside it."""
        timeout = min(timeout, self.most)
        process = self.open(*arguments, compose_env=compose_env, inherits=inherits, variables=variables)
        try:
            if heard:
                output, said = _hear(process, stdin or b"", timeout, heard)
            else:
                output, said = _communicate(process, stdin or b"", timeout)
        except subprocess.TimeoutExpired as error:
            raise TimedOut(
                f"`{_shown(self.argv(*arguments))}` did not end within {timeout:.0f} s",
                "does the Docker engine answer? try: docker info",
            ) from error
        finally:
            _running.discard(process)
            if process.poll() is None:
                kill(process)
                process.communicate()
        if process.returncode:
            texts = [one.decode(errors="replace") for one in (said, output)]
            raise self.hinted(failed(self.argv(*arguments), process.returncode, *texts))
        if arguments[0] not in _LOCAL:
            self.answered.add(arguments[0])
        return output, said.decode(errors="replace")

    def hinted(self, error: DockerFailed) -> DockerFailed:
        """The error as it is about the host, not about a socket here; with a hint that fits.

        Another one if the engine has never answered.
        """
        if self._tunnel:
            output = self._tunnel.named(error.output)
            if trouble := self._tunnel.trouble(is_near=_is_dropped(output)):
                output = f"{trouble}\n{output}" if output != trouble else output
                error.hint = _hint(output)
            printed = self._tunnel.named(error.printed)
            error = DockerFailed(error.command, error.exit_code, output, error.hint, printed)
        if _is_dropped(error.output) and not self.answered:
            error.hint = _unreachable(error.output)
        return error

    def open(
        self,
        *arguments: str,
        compose_env: bool = False,
        inherits: bool = True,
        is_interrupted: bool = True,
        stdin: int = subprocess.PIPE,
        stdout: int = subprocess.PIPE,
        stderr: int = subprocess.PIPE,
        variables: Mapping[str, str] | None = None,
    ) -> subprocess.Popen[bytes]:
        """Start a command to talk to through its standard input and output; `kill` it at last.

        `is_interrupted` is False for one that an interrupt must leave alone. `stdin`, `stdout` and `stderr`
        are file descriptors.
        """
        words = argv = self.argv(*arguments)
        environment = {**_environment(compose_env), **(variables or {})}
        held = [*self.inherited] if inherits else []
        if connection := self._way(arguments, compose_env):
            words = ("docker", "--host", f"unix://{connection.path}", *arguments)
            environment = {name: value for name, value in environment.items() if name not in _TLS}
            held += () if compose_env else (connection.held,)
        try:
            process = subprocess.Popen(
                words,
                stdin=stdin,
                stdout=stdout,
                stderr=stderr,
                env=environment,
                pass_fds=held,
                # Ctrl-C is for hitless alone, which undoes in order
                start_new_session=True,
            )
        except OSError as error:
            raise HitlessError(
                f"the `docker` command can't be run: {error.strerror}",
                "install Docker's command line, version 26 or newer",
            ) from error
        if is_interrupted:
            _running.add(process)
        if threading.current_thread() in _interrupted:  # after `add`: else one could slip between the two
            kill(process)
            process.communicate()
            raise failed(argv, process.returncode, "interrupted")
        return process

    def _way(self, arguments: Sequence[str], compose_env: bool) -> Connection | None:
        """The connection for a command. Raises `DockerFailed` if it has ended, or nobody is there."""
        if self._tunnel is None or arguments[0] == "context":
            return None
        if compose_env:  # it asks the engine for nothing, so it need not wait
            return self._tunnel.begin()
        found = self._connection()
        if found and (trouble := found.trouble()):
            raise self.hinted(failed(self.argv(*arguments), _UNREACHED, trouble))
        return found


def chunks(process: subprocess.Popen[bytes], deadline: float = math.inf) -> Iterator[tuple[int, bytes]]:
    """What a command writes, as it comes: 0 with its standard output, 1 with its standard error.

    Raises `TimeoutError` at the deadline, a moment of the monotonic clock.
    """
    with selectors.DefaultSelector() as selector:
        for number, stream in enumerate((process.stdout, process.stderr)):
            if stream:
                selector.register(stream, selectors.EVENT_READ, number)
        while selector.get_map():
            if time.monotonic() > deadline:
                raise TimeoutError
            for key, _ in selector.select(_DEAF):
                if data := os.read(key.fd, _CHUNK):
                    yield key.data, data
                else:
                    selector.unregister(key.fileobj)


def _communicate(process: subprocess.Popen[bytes], stdin: bytes, timeout: float) -> tuple[bytes, bytes]:
    deadline = time.monotonic() + timeout
    sent: bytes | None = stdin
    while (remaining := deadline - time.monotonic()) > _DEAF:
        with suppress(subprocess.TimeoutExpired):
            return process.communicate(sent, timeout=_DEAF)
        sent = None  # it continues with the rest of its input
    return process.communicate(sent, timeout=max(remaining, 0))


def _hear(
    process: subprocess.Popen[bytes], stdin: bytes, timeout: float, heard: Callable[[str], None]
) -> tuple[bytes, bytes]:
    """The end of each stream, and each line as it comes. It reads its input before it writes much."""
    deadline = time.monotonic() + timeout
    if process.stdin:
        with suppress(OSError):  # it has ended, and says why
            process.stdin.write(stdin)
            process.stdin.close()
        process.stdin = None
    kept = (bytearray(), bytearray())
    begun = [b"", b""]  # a line that is not whole yet
    try:
        for stream, data in chunks(process, deadline):
            kept[stream].extend(data)
            del kept[stream][:-_KEPT]
            *whole, rest = data.split(b"\n")
            if whole:
                whole[0] = begun[stream] + whole[0]
                begun[stream] = b""
            begun[stream] = (begun[stream] + rest)[:_CHUNK]
            for line in whole:
                heard(line.decode(errors="replace"))
    except TimeoutError as error:
        raise subprocess.TimeoutExpired(process.args, timeout) from error
    for pipe in (process.stdout, process.stderr):
        if pipe:
            pipe.close()
    process.wait(max(deadline - time.monotonic(), 0))
    return bytes(kept[0]), bytes(kept[1])


def failed(argv: Iterable[str], exit_code: int, stderr: str, stdout: str = "") -> DockerFailed:
    """The error for a command line that did not succeed, with a hint for what is common."""
    output = _last(stderr, _LAST_LINES) or "it printed nothing"
    return DockerFailed(_shown(argv), exit_code, output, _hint(stderr), _last(stdout, _LAST_PRINTED))


def _last(text: str, number: int) -> str:
    return "\n".join([line for line in text.strip().splitlines() if line.strip()][-number:])


def _environment(compose_env: bool) -> dict[str, str]:
    if compose_env:
        return dict(os.environ)
    # a COMPOSE_FILE or COMPOSE_PROJECT_NAME of the user must not change what hitless itself gives to Compose
    return {key: value for key, value in os.environ.items() if not key.startswith("COMPOSE_")}


def _shown(argv: Iterable[str]) -> str:
    words = [word.splitlines()[0] if word else "''" for word in argv]
    return " ".join(words[:_SHOWN_WORDS]) + (" …" if len(words) > _SHOWN_WORDS else "")


def _is_dropped(stderr: str) -> bool:
    said = stderr.lower()
    return any(word in said for word in _DROPPED)


def _unreachable(stderr: str) -> str:
    """The hint for an engine that has not answered at all; ssh's words are those of OpenSSH."""
    said = stderr.lower()
    if "could not resolve hostname" in said:
        return "is the host's name right? docker context inspect shows it"
    if "host key verification failed" in said:
        return "connect to the host once with ssh, and accept its key"
    if "permission denied (" in said:
        return "ssh has no key that the host accepts; try: ssh HOST docker version"
    if "not found" in said and "docker" in said:
        return "install Docker on that host, on the PATH of a shell that is no login shell"
    return "the Docker host does not answer: is it up, and are its name and port right? try: docker version"


def is_context_missing(said: str) -> bool:
    """Whether Docker says that there is no such context."""
    return bool(re.search(r"context .*(not found|does not exist)", said.lower()))


def is_port_taken(stderr: str) -> bool:
    """Whether Docker says that another program has a port that Docker must publish."""
    said = stderr.lower()
    return "port is already allocated" in said or "address already in use" in said


def _hint(stderr: str) -> str:
    said = stderr.lower()
    if _is_dropped(stderr):
        return (
            "the connection to the Docker host was lost; what runs there keeps running. When it is back: "
            "hitless status, then hitless resume or hitless deploy"
        )
    if "no configuration file provided" in said:
        return (
            "give the Compose file with -f FILE, or, where the name is enough, -p NAME; "
            "hitless status --all lists what is there"
        )
    if "cannot connect to the docker daemon" in said:
        return "is the Docker engine running? try: docker info"
    if "permission denied" in said and "docker.sock" in said:
        return "your user may not use the Docker engine; be in the group docker, or use sudo"
    if "no space left on device" in said:
        return "make room on the Docker host's disk; docker system df shows what takes it"
    if "no available ipv4 addresses on this network" in said:
        return (
            "the network was made for fewer containers; it is made again with room for what the file says by "
            "hitless down, then hitless deploy"
        )
    if "is too new" in said or "is too old" in said or "minimum supported api version" in said:
        return "hitless needs Docker Engine 26 or newer on the host; see docker version"
    if "unknown flag" in said and "compose" in said:
        return "hitless needs Compose 2.20 or newer; see docker compose version"
    if "is not a docker command" in said and "compose" in said:
        return "install the Compose v2 plug-in (2.20 or newer)"
    if "the container name" in said and "already in use" in said:
        return "use another name with -p; or rename that container, or remove it if nobody needs it"
    if "no such image: hitless:" in said:
        return (
            "what kept the release is gone, for example by docker image prune --all; deploy its source "
            "again, or roll back to another release"
        )
    if "unable to resolve docker endpoint" in said:
        return "docker context ls shows which there are"
    if is_port_taken(stderr):
        return "another program has this port; choose one with --http-port"
    return ""
