"""The store port on the gateway's state volume, by `docker exec`: any operator's machine sees the same."""

from __future__ import annotations

import io
import json
import re
import subprocess
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from threading import Timer
from typing import Any

from hitless.adapters.docker_cli import DockerCli, failed
from hitless.domain.errors import Locked
from hitless.domain.gateway import ROUTES, STATE, container_name
from hitless.domain.history import Holder
from hitless.domain.model import Image, Json, Release
from hitless.ports import Kept

# Who has the lock: the process that wrote the holder's file, as long as it is there with the lock open.
_HELD = """
held() {
    { read -r pid && read -r name; } 2>/dev/null < "$1/holder" || return 1
    [ "$(readlink "/proc/$pid/fd/9" 2>/dev/null)" = "$1/lock" ] || return 1
    now=$(date +%s)
    echo "held $((now - $(stat -c %Y "$1/holder"))) $((now - $(stat -c %Y "$1/journal"))) $name"
}
"""
# What is kept goes to standard output as an archive, what is said of it to standard error.
_READ = (
    _HELD
    + """
cd /; kept="/var/lib/hitless/$1"
{
    df -Pk /var/lib/hitless | tail -n 1
    if [ -e "$kept/journal" ]; then
        echo "quiet $(($(date +%s) - $(stat -c %Y "$kept/journal")))"
        held "$kept"
        echo journal
        tail -c "$2" "$kept/journal"
    fi
} >&2
set -- etc/hitless/routes
[ -d "$kept/releases" ] && set -- "$@" "var/lib/hitless/${kept##*/}/releases"
exec tar cf - "$@"
"""
)
# the length is checked, or an end of input that came early would leave half a record
_RECORD = (
    'umask 077; mkdir -p "$1" && cat > "$1/.next" && [ "$(wc -c < "$1/.next")" -eq "$3" ]'
    ' && mv -f "$1/.next" "$1/$2.json"'
)
# The lock is the kernel's, held by the process that writes the journal: it goes when that process ends, and
# that ends when its standard input does, which is when hitless ends, however that comes about. A line that
# can't be written, on a full disk, is no reason to end.
_LOCK = (
    _HELD
    + """
umask 077; mkdir -p "$1" || exit 1
exec 9>>"$1/lock"
if ! flock -n 9; then
    held "$1" || echo "held 0 0 a command that has just begun"
    [ "$3" = wait ] || exit 75
    flock 9
fi
[ "$(stat -c %s "$1/journal" 2>/dev/null || echo 0)" -gt 1000000 ] && mv -f "$1/journal" "$1/journal.1"
{ printf '%s\\n' "$$" "$2" > "$1/holder"; echo >> "$1/journal"; } 2>/dev/null
echo locked
while IFS= read -r line; do printf '%s\\n' "$line" >> "$1/journal"; done 2>/dev/null
"""
)
_UNLOCK = (
    _HELD
    + """
held "$1" || exit 0
kill "$pid"
for _ in 1 2 3 4 5 6 7 8 9 10; do held "$1" > /dev/null || exit 0; sleep 0.2; done
kill -9 "$pid"
"""
)
_JOURNAL = (
    'cd "$1" 2>/dev/null || exit 0; for file in journal.1 journal; do [ ! -e $file ] || cat $file; done'
)
_TAKEN = 75  # sysexits.h EX_TEMPFAIL
_GOODBYE = 10.0  # seconds for the process in the gateway to come or to go
_TAIL = 65536  # bytes: the last dozen runs
_PULSE = 5.0  # seconds between two signs of life


@dataclass(frozen=True)
class JournalWriter:
    """The process in the gateway that holds the lock and writes the journal."""

    process: subprocess.Popen[bytes]
    is_over: threading.Event = field(default_factory=threading.Event)

    def write(self, line: str) -> None:
        """Append a line. A lost journal is no reason to stop between two steps; `is_held` tells of it."""
        assert self.process.stdin
        with suppress(OSError, ValueError):
            self.process.stdin.write(f"{line}\n".encode())
            self.process.stdin.flush()

    def pulse(self) -> None:
        """Show signs of life until it is over: an empty line now and then."""
        while not self.is_over.wait(_PULSE):
            self.write("")

    def is_held(self) -> bool:
        """Whether the process is still there; the kernel frees the lock with it."""
        return self.process.poll() is None


@dataclass(frozen=True)
class GatewayStore:
    """The volumes of the gateway of this Compose project."""

    cli: DockerCli
    project: str

    def read(self, application: str | None) -> Kept:
        """All that is kept, in one look; None: no application's releases and no journal."""
        archive, said = self.cli.run_bytes(
            "exec", "-u", "0", self._container, "sh", "-c", _READ, "sh", application or "-", str(_TAIL)
        )
        import tarfile  # 10 ms: not before the gateway is at work

        routing_files = {}
        releases = []
        with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
            for member in tar:
                content = tar.extractfile(member) if member.isfile() else None
                name = member.name.rpartition("/")[2]
                if content is None or "/." in member.name:  # on its way
                    continue
                text = content.read().decode(errors="replace")
                if f"/{member.name}".startswith(f"{ROUTES}/"):
                    routing_files[name] = text
                else:
                    releases.append(decode_release(int(name.removesuffix(".json")), text))
        releases.sort(key=lambda release: release.number)
        about, _, journal = said.partition("\njournal\n")
        return Kept(routing_files, tuple(releases), journal=journal, **_about(about))

    def record(self, application: str, release: Release) -> None:
        """Keep a release."""
        text = json.dumps(asdict(release))
        words = (f"{STATE}/{application}/releases", str(release.number), str(len(text.encode())))
        self._shell(_RECORD, *words, stdin=text)

    def forget(self, application: str, releases: Sequence[int]) -> None:
        """Keep these releases no longer."""
        paths = [f"{STATE}/{application}/releases/{number}.json" for number in releases]
        self.cli.run("exec", "-u", "0", self._container, "rm", "-f", *paths)

    def journal(self, application: str) -> str:
        """The whole journal that is kept of an application: up to two files of about 1 MB."""
        words = ("exec", "-u", "0", self._container, "sh", "-c", _JOURNAL, "sh", f"{STATE}/{application}")
        return self.cli.run(*words)

    def unlock(self, application: str) -> Holder | None:
        """End the process that holds the application's lock; None where there is none."""
        words = ("exec", "-u", "0", self._container, "sh", "-c", _UNLOCK, "sh", f"{STATE}/{application}")
        return _holder(self.cli.run(*words))

    @contextmanager
    def lock(
        self, application: str, holder: str, wait: float, taken: Callable[[str], None]
    ) -> Iterator[JournalWriter]:
        """Hold the application's lock, and with it its journal. Raises `Locked`."""
        words = ("exec", "-i", "-u", "0", self._container, "sh", "-c", _LOCK, "sh")
        patience = "wait" if wait else "now"
        process = self.cli.open(
            *words, f"{STATE}/{application}", " ".join(holder.split()), patience, inherits=False
        )
        assert process.stdin and process.stdout and process.stderr
        writer = JournalWriter(process)
        pulse = threading.Thread(target=writer.pulse, daemon=True)
        is_ours = False
        try:
            _take(process, application, wait, taken, self.cli.argv(*words[:6]))
            is_ours = True
            pulse.start()
            # A command that outlives us (SIGKILL can't be told to it) holds the lock until it has ended
            self.cli.inherited.add(process.stdin.fileno())
            yield writer
        finally:
            self.cli.inherited.discard(process.stdin.fileno())
            writer.is_over.set()
            if is_ours:
                with suppress(OSError):
                    process.stdin.close()
                with suppress(Exception):
                    process.wait(_GOODBYE)
            process.kill()
            for pipe in (process.stdin, process.stdout, process.stderr):
                with suppress(OSError):
                    pipe.close()

    @property
    def _container(self) -> str:
        return container_name(self.project)

    def _shell(self, script: str, *arguments: str, stdin: str) -> None:
        self.cli.run(
            "exec", "-i", "-u", "0", self._container, "sh", "-c", script, "sh", *arguments, stdin=stdin
        )


def _take(
    process: subprocess.Popen[bytes],
    application: str,
    wait: float,
    taken: Callable[[str], None],
    argv: Sequence[str],
) -> None:
    """Wait until the process says that it has the lock. Raises `Locked`, or `DockerFailed` for all else."""
    assert process.stdout and process.stderr
    holder: Holder | None = None
    while True:
        guard = Timer(wait if holder else _GOODBYE, process.kill)
        guard.start()
        try:
            answer = process.stdout.readline().decode(errors="replace").strip()
        finally:
            guard.cancel()
        if answer == "locked":
            return
        found = _holder(answer)
        if found is None:
            break
        holder = found
        if wait:
            taken(holder.describe())
    process.kill()
    code = process.wait()
    if holder is None:
        raise failed(argv, code, process.stderr.read().decode(errors="replace"))
    late = f" and did not end within {wait:.0f} s" if wait else ""
    raise Locked(
        f"another command works on {application}{late}: {holder.describe()}",
        "wait until it has ended (--wait does), or free its lock with hitless unlock if it hangs",
    )


def _holder(text: str) -> Holder | None:
    """Whom a line `held <seconds> <seconds since the last sign of life> <name>` names, if there is one."""
    match = re.search(r"^held (-?\d+) (-?\d+) (.*)$", text, re.MULTILINE)
    return Holder(match[3], max(float(match[1]), 0), max(float(match[2]), 0)) if match else None


def _about(text: str) -> dict[str, Any]:
    """What was said beside the archive: free bytes, the journal's age, the lock's holder."""
    quiet = re.search(r"^quiet (-?\d+)$", text, re.MULTILINE)
    # POSIX: file system, blocks, used, available, …
    free = re.search(r"^\S.*?\s\d+\s+\d+\s+(\d+)\s+\d+%", text, re.MULTILINE)
    return {
        "holder": _holder(text),
        "quiet": max(float(quiet[1]), 0) if quiet else 0.0,
        "free": int(free[1]) * 1024 if free else None,
    }


def decode_release(number: int, text: str) -> Release:
    """A release from its JSON record.

    One that can't be read (of another hitless, or damaged) is as good as never live: nothing can bring it
    back, and the next deployment forgets it.
    """
    try:
        return _decode(number, json.loads(text))
    except (ValueError, KeyError, TypeError, AttributeError):
        return Release(number, "", "", {}, {}, promoted=0)


def _decode(number: int, value: Json) -> Release:
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
