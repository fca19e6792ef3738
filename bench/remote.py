"""What a deployment over SSH takes beyond one on the Docker host itself, at several round-trip times.

    python -m bench.remote [MILLISECONDS...]     0 and 50 without any

An SSH server of its own leads to this machine's engine, behind a relay that delays what goes there and
what comes back, by half of the time each. The deployments are in turn, in rounds of one each, and the first
of each way is left out. It needs the OpenSSH server, and root: that is whom the server lets in.
"""

from __future__ import annotations

import asyncio
import os
import socket
import statistics
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread
from time import monotonic

from bench.applications import TINY, applications, build, free_port, gateway, output, run, until, web
from bench.times import Row, Took, deployed

IMAGE = "hitless-speed-tiny:1"
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "5"))
BEYOND = 1.5  # seconds that a deployment over SSH may take beyond one on the host, at 50 ms
SETTINGS = {
    "HostKey": "{folder}/host",
    "AuthorizedKeysFile": "{folder}/user.pub",
    "PidFile": "none",
    "StrictModes": "no",
    "UsePAM": "no",
    "PasswordAuthentication": "no",
    "PermitRootLogin": "prohibit-password",
}


@dataclass(frozen=True)
class Far:
    """A way over SSH to this machine's engine: what a command needs in its environment."""

    folder: Path
    environment: Mapping[str, str]

    def logins(self) -> int:
        """How often somebody has logged in."""
        return (self.folder / "log").read_text().count("Accepted publickey")


@contextmanager
def far(milliseconds: float) -> Iterator[Far]:
    """A way with this round-trip time."""
    with TemporaryDirectory() as directory:
        folder = Path(directory)
        for key in ("host", "user"):
            run(("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / key)))
        near, behind = free_port(), free_port()
        settings = {**SETTINGS, "ListenAddress": f"127.0.0.1:{behind}"}
        text = "".join(f"{key} {value.format(folder=folder)}\n" for key, value in settings.items())
        (folder / "sshd_config").write_text(text)
        # docker starts the `ssh` of the PATH; and ssh finds its settings by the user, not by HOME
        (folder / "known").write_text(f"[127.0.0.1]:{near} {(folder / 'host.pub').read_text()}")
        config = {"IdentityFile": folder / "user", "UserKnownHostsFile": folder / "known"}
        (folder / "config").write_text("".join(f"{key} {value}\n" for key, value in config.items()))
        (folder / "bin").mkdir()
        (folder / "bin" / "ssh").write_text(f'#!/bin/sh\nexec /usr/bin/ssh -F {folder}/config "$@"\n')
        (folder / "bin" / "ssh").chmod(0o755)
        environment = {
            "DOCKER_HOST": f"ssh://root@127.0.0.1:{near}",
            "PATH": f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}",
        }
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
        with (folder / "log").open("wb") as log:
            words = ("/usr/sbin/sshd", "-D", "-e", "-f", str(folder / "sshd_config"))
            server = subprocess.Popen(words, stdout=log, stderr=log)
        try:
            until(lambda: "listening" in (folder / "log").read_text().lower())
            Thread(target=asyncio.run, args=(relay(near, behind, milliseconds / 1000),), daemon=True).start()
            until(lambda: is_open(near))
            yield Far(folder, environment)
        finally:
            server.terminate()
            server.wait()


async def relay(near: int, behind: int, seconds: float) -> None:
    """Pass on what comes to one port to the other one, as over a way with this round-trip time."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(seconds)  # in which TCP itself says hello
        there = await asyncio.open_connection("127.0.0.1", behind)
        await asyncio.gather(late(reader, there[1]), late(there[0], writer), return_exceptions=True)

    async def late(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        under_way: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()

        async def arrive() -> None:
            with suppress(OSError):
                while (one := await under_way.get())[1]:
                    await asyncio.sleep(one[0] - monotonic())
                    writer.write(one[1])
                    await writer.drain()
            writer.close()

        arriving = asyncio.create_task(arrive())
        with suppress(OSError):
            while data := await reader.read(65536):
                under_way.put_nowait((monotonic() + seconds / 2, data))
        under_way.put_nowait((monotonic() + seconds / 2, b""))
        await arriving

    await (await asyncio.start_server(serve, "127.0.0.1", near)).serve_forever()


def is_open(port: int) -> bool:
    """Whether somebody listens there."""
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


def main(arguments: Sequence[str]) -> int:
    """Measure and print; 1 if the goal is missed."""
    delays = [float(one) for one in arguments] or [0.0, 50.0]
    build(IMAGE, TINY)
    with ExitStack() as stack:
        stack.callback(output, "docker", "rmi", IMAGE)
        ways: dict[str, Far | None] = {"on the host": None}
        for delay in delays:
            ways[f"over SSH, {delay:g} ms"] = stack.enter_context(far(delay))
        on = stack.enter_context(gateway("hitless-speed-far"))
        make = stack.enter_context(applications())
        name = "hitless-speed-far-app"
        application = make(name, on, {"web": web(name, IMAGE, environment={"RELEASE": "${RELEASE}"})})
        application.run("deploy", RELEASE="0")
        took: dict[str, list[Took]] = {name: [] for name in ways}
        logins: dict[str, list[int]] = {name: [] for name in ways}
        number = 0
        for _ in range(ROUNDS + 1):
            for name, way in ways.items():
                number += 1
                before = way.logins() if way else 0
                environment = way.environment if way else {}
                took[name].append(deployed(application, str(number), application.host, **environment))
                logins[name].append(way.logins() - before if way else 0)
                one = took[name][-1]
                print(f"{name}: {one.live:.1f} s, {one.end:.1f} s", file=sys.stderr, flush=True)
    host = _median(took["on the host"])
    is_missed = False
    for name in ways:
        median = _median(took[name])
        beyond = median.end - host.end if name == "over SSH, 50 ms" else None
        print(Row(f"{name}: to the first new answer", median.live))
        print(Row(f"{name}: to the end", median.end, host.end + BEYOND if beyond is not None else None))
        print(Row(f"{name}: logins of a deployment", statistics.median(logins[name][1:]), None, ""))
        is_missed |= beyond is not None and beyond > BEYOND
    print(f"load average {os.getloadavg()[0]:.1f}, {ROUNDS} rounds")
    return int(is_missed)


def _median(took: Sequence[Took]) -> Took:
    return Took(
        statistics.median(one.live for one in took[1:]), statistics.median(one.end for one in took[1:])
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
