"""One SSH connection to an engine behind `ssh://…`, for all that talks to it in one command of hitless.

Docker's command line opens a connection for each of its processes, and several for a build. This one brings
the engine's socket here. It lasts as long as hitless, or any docker process that it started, is there: their
end of a pipe is the standard input of a program on the other side. So a killed hitless leaves it to what it
has begun, and nothing for ever (docs/decisions/0054-one-ssh-connection.md).
"""

from __future__ import annotations

import atexit
import os
import re
import select
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum, auto
from threading import Event, Lock, Thread
from urllib.parse import quote

from hitless.adapters.docker.endpoint import Endpoint
from hitless.adapters.docker.engine import Engine
from hitless.domain.common.errors import TimedOut

_USUAL = "/var/run/docker.sock"
_SAME = (_USUAL, "/run/docker.sock")
# What is not like that is left to Docker's command line: ssh reads `%`, `:` and `$` in such a path.
_PATH = r"/[A-Za-z0-9._/-]*"
_SSH = re.compile(
    rf"ssh://(?:(?P<user>[A-Za-z0-9_][A-Za-z0-9_.-]*)@)?(?P<host>[A-Za-z0-9_][A-Za-z0-9_.-]*|\[[0-9A-Fa-f:.]+\])"
    rf"(?::(?P<port>[0-9]{{1,5}}))?(?P<path>{_PATH})?"
)
_LONGEST = 80  # bytes of the folder of our own folder: the path of a socket has 104 to 108 at most
_LOGIN = 90.0  # seconds until ssh has logged in; nobody answers for 30 s, and ssh itself says so
_GREETING = 20.0  # and from then on until the engine has answered
_PAUSE = 5.0  # seconds between two attempts, where a connection has ended
_FAREWELL = 1.0  # seconds in which ssh ends when its connections do
_SLICE = 0.5
_LAST = 2000  # bytes of what ssh has said
_UNREACHED = 255  # the exit code of ssh itself
# What ssh says if nobody is there; a server's banner may say such words, too, but not in this form. For
# everything else Docker's own way is tried: a connection of the user's own (ControlMaster) may still be
# there, which has logged in by other means.
_NOBODY = re.compile(
    r"^(ssh: (connect to host|could not resolve hostname)|connection timed out"
    r"|connection to \S+ .*timed out|timeout, server )",
    re.IGNORECASE | re.MULTILINE,
)
_OPTIONS = (
    "ConnectTimeout=30",  # as Docker has it
    "ServerAliveInterval=10",
    "ServerAliveCountMax=6",  # a host that is gone is noticed after 60 s
    # By a connection of the user's own, the socket would stay as long as that, whatever becomes of us.
    "ControlPath=none",
    # the user's own forwards in ~/.ssh/config may be in use by another ssh
    "ExitOnForwardFailure=no",
)
# Removes the folder when ssh has ended, also if hitless was killed.
_KEEPER = '"$@"; code=$?; rm -rf "$0"; exit $code'
# What runs on the other side. It says where the docker command there has its engine (rootless Docker has
# another socket), and ends with its standard input.
_ASKS = 'echo "hitless $(docker context inspect --format "{{.Endpoints.docker.Host}}" </dev/null)"'
_STAYS = "exec cat >/dev/null"
_WORD = b"hitless "


class State(Enum):
    """How far a connection is."""

    OPENING = auto()
    OPEN = auto()
    UNREACHABLE = auto()  # nobody is there
    USELESS = auto()  # the host is there, but not its engine in this way


@dataclass(frozen=True)
class _Host:
    words: tuple[str, ...]  # of ssh, as Docker writes them
    path: str  # of the socket there; "" for where the docker command there has it

    @classmethod
    def of(cls, url: str) -> _Host | None:
        """What the address says; None if it is not that simple."""
        found = _SSH.fullmatch(url)
        if found is None:
            return None
        user, port = found["user"], found["port"]
        words = (*(("-l", user) if user else ()), *(("-p", port) if port else ()))
        return cls((*words, "--", found["host"].strip("[]")), (found["path"] or "").rstrip("/"))


class Connection:
    """An SSH connection, from its beginning: `path` is a socket here that leads to the engine there.

    Whatever has `held`, a file descriptor, keeps it open. `elsewhere` is where the engine's socket is, if not
    where it was looked for.
    """

    def __init__(self, url: str, host: _Host, remote: str) -> None:
        self.url = url
        self.began = time.monotonic()
        self.state = State.OPENING
        self.elsewhere = ""
        self.known = Event()  # the state is another one
        self._host = host
        self._remote = remote
        self._folder = _folder()
        self.path = f"{self._folder}/d"
        self.engine = Engine(Endpoint(path=self.path))
        # not a pipe: nobody reads it once hitless has ended
        self._said = tempfile.TemporaryFile()  # noqa: SIM115 - as long as the connection
        options = [word for option in _OPTIONS for word in ("-o", option)]
        script = f"{'echo hitless' if host.path else _ASKS}; {_STAYS}"
        words = (*options, "-T", "-L", f"{self.path}:{remote}", *host.words, f"sh -c '{script}'")
        self._closing = Lock()
        last, self.held = os.pipe()
        try:
            self._process = subprocess.Popen(
                ("sh", "-c", _KEEPER, self._folder, "ssh", *words),
                stdin=last,
                stdout=subprocess.PIPE,
                stderr=self._said,
                # Ctrl-C is for hitless alone, which undoes in order
                start_new_session=True,
            )
        except BaseException:
            os.close(self.held)
            shutil.rmtree(self._folder, ignore_errors=True)
            raise
        finally:
            os.close(last)
        atexit.register(self._leave)
        Thread(target=self._open, daemon=True).start()

    @property
    def is_over(self) -> bool:
        """Whether it has ended, or never came to be."""
        return self._process.poll() is not None

    def trouble(self, patience: float = 0.0) -> str:
        """What is wrong with it, in words like Docker's; "" for nothing.

        `patience` is for an end that nears, in seconds.
        """
        if self.state is State.OPEN:
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(patience)
                return f"error during connect: the SSH connection to {self.url} ended{self._words()}"
        if self.state is State.UNREACHABLE:
            return f"error during connect: no SSH connection to {self.url}{self._words()}"
        return ""

    def _words(self) -> str:
        """What ssh has said, to follow other words; "" for nothing."""
        text = self._said_last()
        return f": {text}" if text else ""

    def _said_last(self) -> str:
        """The end of what ssh has said, without that of single channels."""
        size = os.fstat(self._said.fileno()).st_size
        text = os.pread(self._said.fileno(), _LAST, max(size - _LAST, 0)).decode(errors="replace")
        lines = [line.strip() for line in text.splitlines() if not line.startswith("channel ")]
        return "\n".join(line for line in lines if line)

    def _open(self) -> None:
        state = State.USELESS
        try:
            state = self._found()
        except (OSError, ValueError, TimedOut):
            pass
        finally:
            if state is not State.OPEN:
                self._end()
            self.state = state
            self.known.set()

    def _found(self) -> State:
        assert self._process.stdout
        os.write(self.held, b"hitless\r\n\r\n")  # a forced command that talks to an engine ends with that
        deadline = self.began + _LOGIN
        while not os.path.exists(self.path):  # noqa: PTH110 - each 10 ms
            if self._process.poll() is not None:
                is_gone = self._process.returncode == _UNREACHED and _NOBODY.search(self._said_last())
                return State.UNREACHABLE if is_gone else State.USELESS
            if time.monotonic() > deadline:
                return State.UNREACHABLE
            if select.select([self._process.stdout], [], [], 0.01)[0]:
                # It has ended. Or the other side says something, and before that the socket would be there.
                with suppress(subprocess.TimeoutExpired):
                    self._process.wait(_FAREWELL)
                    continue
                break
        # asked before the other side has said its word; and its connection is there for the first question
        answer = self._answer()
        word = self._word(time.monotonic() + _GREETING)
        if word is None:
            return State.USELESS
        there = word.removeprefix("unix://")
        if not self._host.path and there != self._remote and not {there, self._remote} <= {*_SAME}:
            self.elsewhere = there if re.fullmatch(_PATH, there) else ""
            return State.USELESS
        # the socket may have been there before ssh listened to it
        return State.OPEN if answer or self._answer() else State.USELESS

    def _answer(self) -> object:
        return self.engine.get("/version", {}, _GREETING, lambda: False)

    def _word(self, deadline: float) -> str | None:
        """What the other side says; None if it is not our script. A shell there may print more before it."""
        assert self._process.stdout
        read = b""
        while (left := deadline - time.monotonic()) > 0:
            if not select.select([self._process.stdout], [], [], left)[0]:
                return None
            data = os.read(self._process.stdout.fileno(), _LAST)
            if not data:
                return None
            *lines, read = (read + data).split(b"\n")
            for line in lines:
                if (line + b" ").startswith(_WORD):
                    return line.removeprefix(_WORD).decode(errors="replace").strip()
        return None

    def close(self) -> None:
        """Let go of it, once it is over and nothing begins to use it any more."""
        atexit.unregister(self._leave)
        for file in (self._said, self._process.stdout):
            if file:
                file.close()
        self._let_go()

    def _let_go(self) -> None:
        """Close our end of the pipe, once: its number may be another file's after that."""
        with self._closing:
            held, self.held = self.held, -1
        if held >= 0:
            os.close(held)

    def _leave(self) -> None:
        if self.state is State.OPENING:
            self._end()

    def _end(self) -> None:
        """End it at once. Nothing has got `held` yet."""
        with suppress(ProcessLookupError):
            if self._process.poll() is None:
                os.killpg(self._process.pid, signal.SIGKILL)
        self._let_go()
        self._process.wait()
        shutil.rmtree(self._folder, ignore_errors=True)


class Tunnel:
    """The way to an engine behind SSH. A connection that has ended is opened again, but not all the time."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._host = _Host.of(url)
        self._remote = self._host.path or _USUAL if self._host else ""
        self._lock = Lock()
        self._last: Connection | None = None
        self._former: Connection | None = None  # a command may just begin to use it
        self._is_useless = self._host is None

    def begin(self) -> Connection | None:
        """The connection, which may not be there yet; None if there can be none: Docker's own way is left."""
        with self._lock:
            last = self._last
            if last and last.state is State.USELESS:
                self._is_useless = not last.elsewhere or last.elsewhere == self._remote
                self._remote = last.elsewhere
                self._replace(last)
                last = None
            if self._is_useless or self._host is None:
                return None
            if last is None or (last.is_over and time.monotonic() > last.began + _PAUSE):
                if last:
                    self._replace(last)
                try:
                    self._last = Connection(self.url, self._host, self._remote)
                except OSError:
                    self._is_useless = True
                    return None
            return self._last

    def _replace(self, last: Connection) -> None:
        """Close the connection before this one, which is at least one `_PAUSE` old."""
        if self._former:
            self._former.close()
        self._former, self._last = last, None

    def connection(self, seconds: float, is_interrupted: Callable[[], bool]) -> Connection | None:
        """The connection once it is there, or could not be made: then it has trouble. Raises `TimedOut`.

        None also if the wait for it is interrupted.
        """
        deadline = time.monotonic() + seconds
        while found := self.begin():
            while not found.known.wait(max(min(_SLICE, deadline - time.monotonic()), 0)):
                if is_interrupted():
                    return None
                if time.monotonic() > deadline:
                    raise TimedOut(
                        f"there was no SSH connection to {self.url} within {seconds:.0f} s",
                        "does the host answer? try: docker version",
                    )
            if found.state is not State.USELESS:
                return found
        return None

    def named(self, text: str) -> str:
        """A text of Docker's with the host's address in place of the socket's."""
        path = self._last.path if self._last else ""
        for own in (f"unix://{path}", f"http://{quote(path, safe='')}") if path else ():
            text = text.replace(own, self.url)
        return text

    def trouble(self, is_near: bool) -> str:
        """What is wrong with the last connection; `is_near`: something that used it says that it ended."""
        return self._last.trouble(_FAREWELL if is_near else 0.0) if self._last else ""


_tunnels: dict[str, Tunnel] = {}


def tunnel(url: str) -> Tunnel:
    """The one of this process to the engine at this address."""
    return _tunnels.setdefault(url, Tunnel(url))


def _folder() -> str:
    """A new folder for this user alone, with a path short and plain enough for that of a socket."""
    # not XDG_RUNTIME_DIR, which goes when the user logs out: `nohup hitless deploy` continues
    for place in (tempfile.gettempdir(), "/tmp"):  # noqa: S108
        if re.fullmatch(_PATH, place) and len(place) <= _LONGEST:
            with suppress(OSError):
                return tempfile.mkdtemp(prefix="hitless-", dir=place)
    raise OSError("no folder for a socket")
