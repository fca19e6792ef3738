"""The store port on the gateway's state volume, by `docker exec`: any operator's machine sees the same."""

from __future__ import annotations

import io
import json
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from threading import Timer

from hitless.adapters.docker_cli import DockerCli, failed
from hitless.domain.errors import Locked
from hitless.domain.gateway import ROUTES, STATE, container_name
from hitless.domain.model import Image, Json, Release
from hitless.ports import Kept

_READ = (
    'releases="var/lib/hitless/$1/releases"; shift; cd /; set -- etc/hitless/routes; '
    '[ -d "$releases" ] && set -- "$@" "$releases"; exec tar cf - "$@"'
)
# the length is checked, or an end of input that came early would leave half a record
_RECORD = (
    'umask 077; mkdir -p "$1" && cat > "$1/.next" && [ "$(wc -c < "$1/.next")" -eq "$3" ]'
    ' && mv -f "$1/.next" "$1/$2.json"'
)
# The lock is the kernel's, held by the process that writes the journal: it goes when that process ends, and
# that ends when its standard input does, which is when hitless ends, however that comes about.
_LOCK = """
umask 077; mkdir -p "$1" || exit 1
exec 9>>"$1/lock"
flock -n 9 || { cat "$1/holder"; exit 75; }
read -r holder; printf '%s\\n' "$holder" > "$1/holder"
[ "$(stat -c %s "$1/journal" 2>/dev/null || echo 0)" -gt 1000000 ] && mv -f "$1/journal" "$1/journal.1"
echo locked
exec cat >> "$1/journal"
"""
_TAKEN = 75  # sysexits.h EX_TEMPFAIL
_GOODBYE = 10.0  # seconds for the process in the gateway to come or to go


@dataclass(frozen=True)
class JournalWriter:
    """The process in the gateway that holds the lock and writes the journal."""

    process: subprocess.Popen[bytes]

    def write(self, line: str) -> None:
        """Append a line. A lost journal is no reason to stop between two steps; `is_held` tells of it."""
        assert self.process.stdin
        with suppress(BrokenPipeError):
            self.process.stdin.write(f"{line}\n".encode())
            self.process.stdin.flush()

    def is_held(self) -> bool:
        """Whether the process is still there; the kernel frees the lock with it."""
        return self.process.poll() is None


@dataclass(frozen=True)
class GatewayStore:
    """The volumes of the gateway of this Compose project."""

    cli: DockerCli
    project: str

    def read(self, application: str | None) -> Kept:
        """All that is kept, in one look; None: no application's releases."""
        archive, _ = self.cli.run_bytes(
            "exec", "-u", "0", self._container, "sh", "-c", _READ, "sh", application or "-"
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
        return Kept(routing_files, tuple(releases))

    def record(self, application: str, release: Release) -> None:
        """Keep a release."""
        text = json.dumps(asdict(release))
        words = (f"{STATE}/{application}/releases", str(release.number), str(len(text.encode())))
        self._shell(_RECORD, *words, stdin=text)

    def forget(self, application: str, releases: Sequence[int]) -> None:
        """Keep these releases no longer."""
        paths = [f"{STATE}/{application}/releases/{number}.json" for number in releases]
        self.cli.run("exec", "-u", "0", self._container, "rm", "-f", *paths)

    @contextmanager
    def lock(self, application: str, holder: str) -> Iterator[JournalWriter]:
        """Hold the application's lock, and with it its journal. Raises `Locked`."""
        directory = f"{STATE}/{application}"
        words = ("exec", "-i", "-u", "0", self._container, "sh", "-c", _LOCK, "sh", directory)
        process = self.cli.open(*words)
        stdin, stdout, stderr = process.stdin, process.stdout, process.stderr
        assert stdin and stdout and stderr

        writer = JournalWriter(process)
        guard = Timer(_GOODBYE, process.kill)
        guard.start()
        try:
            writer.write(holder.replace("\n", " "))
            answer = stdout.readline().decode(errors="replace").strip()
            guard.cancel()
            if answer != "locked":
                code = process.wait(_GOODBYE)
                if code == _TAKEN:
                    raise Locked(
                        f"another deployment of {application} is under way: {answer}",
                        "wait until it has ended, and try again",
                    )
                raise failed(self.cli.argv(*words[:6]), code, stderr.read().decode())
            yield writer
        finally:
            guard.cancel()
            with suppress(BrokenPipeError):
                stdin.close()
            with suppress(Exception):
                process.wait(_GOODBYE)
            process.kill()
            stdout.close()
            stderr.close()

    @property
    def _container(self) -> str:
        return container_name(self.project)

    def _shell(self, script: str, *arguments: str, stdin: str) -> None:
        self.cli.run(
            "exec", "-i", "-u", "0", self._container, "sh", "-c", script, "sh", *arguments, stdin=stdin
        )


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
