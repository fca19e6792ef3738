"""A `docker` for tests, and an `nc`: executables that note how they were called and answer from a table."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pytest

RECORDED = Path(__file__).parent / "recorded"

# answer: reads all of stdin, then answers; refuse: answers without reading any; nc: reads one HTTP request,
# and answers where stdin is still open then; silent: the same, but never answers; hang: sleeps;
# shell: runs what follows the container's name right here
Way = Literal["answer", "refuse", "nc", "silent", "hang", "shell"]

_SCRIPT = """\
import json, os, sys, time
from select import select

home = os.path.dirname(os.path.abspath(__file__))
is_nc = os.path.basename(__file__) == "nc"
words = ["nc", *sys.argv[1:]] if is_nc else sys.argv[1:]
plain = words[2:] if words[:1] in (["--context"], ["--host"]) else words
with open(home + "/table.json") as file:
    table = json.load(file)

def is_like(entry):
    length = len(entry["words"])
    return entry["words"] in (plain[:length], words[:length])

def has_come(entry):
    after, calls = entry["after"], home + "/calls/"
    if not after:
        return True
    names = [name for name in os.listdir(calls) if name.endswith(".json")]
    return any(json.load(open(calls + name))["argv"][: len(after)] == after for name in names)

matching = [entry for entry in table if is_like(entry) and has_come(entry)]
nothing = {"words": [], "stdout": "", "stderr": "", "exit_code": 0, "way": "answer"}
# of two with the same words, the one that waited for another call
matching.sort(key=lambda entry: not entry["after"])
entry = max(matching, key=lambda entry: len(entry["words"]), default=nothing)

def note(stdin):
    seen = {key: value for key, value in os.environ.items() if key.startswith("COMPOSE_")}
    call = {"argv": words, "stdin": stdin, "compose_env": seen}
    path = f"{home}/calls/{time.time_ns()}-{os.getpid()}"
    with open(path, "w") as file:
        json.dump(call, file)
    os.rename(path, path + ".json")  # in one instant, for a test that waits for it

def request():
    read = b""
    while b"\\r\\n\\r\\n" not in read:
        more = os.read(0, 65536)
        if not more:
            break
        read += more
    return read.decode()

if is_nc and "-e" in words:  # asks no more than whether somebody listens
    import socket
    sys.exit(socket.socket().connect_ex((words[1], int(words[2]))) != 0)

way = entry["way"]
if way == "answer" and "serve" in words:
    note("")  # its input has no end
elif way == "answer":
    note(sys.stdin.buffer.read().decode(errors="replace"))
elif way == "refuse":
    note("")
elif way == "hang":
    note("")
    time.sleep(30)
elif way == "silent":
    note(request())
    select([0], [], [], 3)
    sys.exit(0)
elif way == "nc":
    note(request())
    if select([0], [], [], 0.05)[0]:
        sys.exit(0)  # the client has gone, as far as a server can see
elif way == "shell":
    note("")
    root = home + "/root"
    if words is not plain and os.path.isdir(home + "/roots/" + words[1]):
        root = home + "/roots/" + words[1]
    rest = plain[1:]
    while rest[0].startswith("-"):
        rest = rest[2:] if rest[0] == "-u" else rest[1:]
    rest = [word.replace("\\nroot=\\n", "\\nroot=" + root + "\\n") for word in rest[1:]]
    os.execvp(rest[0], rest)

sys.stdout.buffer.write(entry["stdout"].encode("latin-1"))
sys.stderr.write(entry["stderr"])
sys.exit(entry["exit_code"])
"""


@dataclass(frozen=True)
class Call:
    """One call of the executable: `argv` without `docker` itself."""

    argv: tuple[str, ...]
    stdin: str
    compose_env: dict[str, str]


class FakeDocker:
    """The executable in `directory`, and its answers. What it does not know succeeds silently."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._table: list[dict[str, Any]] = []
        (directory / "calls").mkdir(parents=True)
        (directory / "root").mkdir()
        for name in ("docker", "nc"):
            script = directory / name
            script.write_text(f"#!{sys.executable} -IS\n{_SCRIPT}")
            script.chmod(0o755)
        self._write()

    def answers(
        self,
        *words: str,
        stdout: str | bytes = "",
        stderr: str = "",
        exit_code: int = 0,
        way: Way = "answer",
        after: Sequence[str] = (),
    ) -> None:
        """Answer so to every call that starts with these words; the longest match counts.

        Words that start with `--context NAME` are for the calls of that context alone. With `after`, the
        answer counts once there was a call that starts with those words.
        """
        output = stdout.encode() if isinstance(stdout, str) else stdout
        own = (list(words), list(after))
        self._table = [entry for entry in self._table if (entry["words"], entry["after"]) != own]
        self._table.append(
            {
                "words": list(words),
                "stdout": output.decode("latin-1"),
                "stderr": stderr,
                "exit_code": exit_code,
                "way": way,
                "after": list(after),
            }
        )
        self._write()

    @property
    def calls(self) -> list[Call]:
        """All calls so far, in order."""
        texts = [path.read_text() for path in sorted((self.directory / "calls").glob("*.json"))]
        found = [json.loads(text) for text in texts]
        return [Call(tuple(one["argv"]), one["stdin"], one["compose_env"]) for one in found]

    @property
    def requests(self) -> list[Call]:
        """The calls of `nc`, which is beside it."""
        return [call for call in self.calls if call.argv[0] == "nc"]

    @property
    def argvs(self) -> list[tuple[str, ...]]:
        """The arguments of all calls."""
        return [call.argv for call in self.calls]

    @property
    def root(self) -> Path:
        """The directory in place of the container's root, if the answer is `shell`."""
        return self.directory / "root"

    def root_of(self, context: str) -> Path:
        """A directory of its own in place of the root of a container behind this context, made if missing."""
        root = self.directory / "roots" / context
        root.mkdir(parents=True, exist_ok=True)
        return root

    def _write(self) -> None:
        (self.directory / "table.json").write_text(json.dumps(self._table))


@pytest.fixture
def docker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeDocker:
    """The fake, first on PATH, in an environment without a COMPOSE_* or HITLESS_* variable."""
    for name in list(os.environ):
        if name.startswith(("COMPOSE_", "HITLESS_", "DOCKER_")):
            monkeypatch.delenv(name)
    fake = FakeDocker(tmp_path / "fake-docker")
    monkeypatch.setenv("PATH", f"{fake.directory}{os.pathsep}{os.environ['PATH']}")
    return fake


def recorded(name: str) -> Any:
    """What was recorded under this name, decoded."""
    return json.loads((RECORDED / f"{name}.json").read_text())


def recorded_text(name: str) -> str:
    """The same as text, as the command printed it."""
    return (RECORDED / f"{name}.json").read_text()
