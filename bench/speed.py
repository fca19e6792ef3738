"""What the gateway costs: requests a second, latency and processor time, beside other proxies.

    python -m bench.speed [ROUNDS]

In one run, in rounds one after the other, with the same load (wrk, 32 kept-alive connections at full speed,
answers of 1 KB): to the application directly, through Traefik as hitless runs it, through the same with
`experimental.fastProxy`, through nginx and through HAProxy. All are containers on a bridge network that are
reached by address. A proxy has the last core to itself; the load and the application have the others.

If the machine also does other things, trust the processor time of a request.
"""

from __future__ import annotations

import io
import os
import re
import shutil
import statistics
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.applications import (
    Application,
    address,
    applications,
    gateway,
    output,
    until,
    web,
)

IMAGE = "hitless-speed-servers:1"
SERVED = "hitless-speed-served"
SERVERS = ("nginx", "haproxy")
SECONDS = 5
CONNECTIONS = 32
CORES = sorted(os.sched_getaffinity(0))
PROXY_CORE = str(CORES[-1])
OTHER_CORES = ",".join(map(str, CORES[:-1] or CORES))
TICKS = os.sysconf("SC_CLK_TCK")

APPLICATION = """
user root; worker_processes 1; pid /tmp/pid; error_log stderr error; daemon off;
events { worker_connections 4096; }
http {
    access_log off; keepalive_requests 1000000000; client_body_temp_path /tmp/body;
    server { listen 8000 reuseport; location / { return 200 "BODY"; } }
}
"""
NGINX = """
user root; worker_processes 1; pid /tmp/pid; error_log stderr error; daemon off;
events { worker_connections 4096; }
http {
    access_log off; keepalive_requests 1000000000; client_body_temp_path /tmp/body;
    upstream web { server SERVER:8000; keepalive 64; keepalive_requests 1000000000; }
    server { listen 80; location / {
        proxy_pass http://web; proxy_http_version 1.1; proxy_set_header Connection "";
        proxy_set_header Host $host; proxy_set_header X-Forwarded-For $remote_addr;
    } }
}
"""
HAPROXY = """
global
    nbthread 1
defaults
    mode http
    http-reuse always
    option forwardfor
    timeout connect 5s
    timeout client 60s
    timeout server 60s
frontend web
    bind :80
    default_backend web
backend web
    server web SERVER:8000
"""


@dataclass(frozen=True)
class Target:
    """A target: an address and port, the name to ask for, and the container whose time counts."""

    at: str
    host: str
    container: str


@dataclass(frozen=True)
class Measured:
    """Requests a second, latencies in ms, and the container's own processor time for a request in µs."""

    rate: float
    p50: float
    p99: float
    cost: float


def main(rounds: int) -> None:
    """Measure, print, and remove what was made."""
    found: dict[str, list[Measured]] = {}
    with _targets() as targets:
        for _ in range(rounds):
            for name, target in targets.items():
                found.setdefault(name, []).append(_ask(target))
    show(found, rounds)


def show(found: Mapping[str, list[Measured]], rounds: int) -> None:
    """Medians; the ratio is that of each round to Traefik's in the same round."""
    print(f"{rounds} rounds of {SECONDS} s, {CONNECTIONS} connections, 1 KB; {len(CORES)} cores; medians")
    print(f"{'':<28}{'requests/s':>11}{'to Traefik':>12}{'p50 ms':>9}{'p99 ms':>9}{'µs of CPU each':>16}")
    base = found["Traefik"]
    for name, all_of_it in found.items():
        ratio = statistics.median(one.rate / other.rate for one, other in zip(all_of_it, base, strict=True))
        rate, p50, p99, cost = (
            statistics.median(getattr(one, key) for one in all_of_it)
            for key in ("rate", "p50", "p99", "cost")
        )
        print(f"{name:<28}{rate:>11,.0f}{ratio:>11.2f}x{p50:>9.2f}{p99:>9.2f}{cost:>16.0f}")


@contextmanager
def _targets() -> Iterator[dict[str, Target]]:
    with ExitStack() as stack:
        plain = stack.enter_context(gateway("hitless-speed-plain", "--no-fast-proxy"))
        fast = stack.enter_context(gateway("hitless-speed-fast", "--fast-proxy"))
        _build()
        stack.callback(output, "docker", "rmi", IMAGE)
        make = stack.enter_context(applications())
        more: dict[str, Any] = {"command": ["nginx", "-c", "/application.conf"], "cpuset": OTHER_CORES}
        one = make(SERVED, plain, {"web": web(SERVED, IMAGE, **more)})
        other = make(f"{SERVED}-fast", fast, {"web": web(f"{SERVED}-fast", IMAGE, **more)})
        for application in (one, other):
            application.run("deploy")
            # Go counts the cores that it may use when it starts
            container = application.gateway.container
            output("docker", "update", "--cpuset-cpus", PROXY_CORE, container)
            output("docker", "restart", container)
        nginx = stack.enter_context(_proxy(one, "nginx", "-c", "/nginx.conf"))
        haproxy = stack.enter_context(_proxy(one, "haproxy", "-f", "/haproxy.conf"))
        targets = {
            "the application itself": _target(f"{one.name}-blue-web-1", one, 8000),
            "Traefik": _target(plain.container, one),
            "Traefik with fastProxy": _target(fast.container, other),
            "nginx": _target(nginx, one),
            "HAProxy": _target(haproxy, one),
        }
        for target in targets.values():
            until(lambda target=target: _answers(target), 0.2)  # type: ignore[misc]
        yield targets


@contextmanager
def _proxy(application: Application, *command: str) -> Iterator[str]:
    """One of the other proxies before this application; its container's name."""
    name = f"hitless-speed-{command[0]}"
    words = ("--detach", "--rm", "--name", name, "--cpuset-cpus", PROXY_CORE)
    output("docker", "run", *words, "--network", application.network, IMAGE, *command)
    try:
        yield name
    finally:
        output("docker", "rm", "--force", name)


def _build() -> None:
    """An image of this machine's nginx and HAProxy, with the libraries that they load."""
    path = f"{os.environ['PATH']}:/usr/sbin"
    binaries = [
        shutil.which(name, path=path) or sys.exit(f"{name} is missing: dev/servers") for name in SERVERS
    ]
    libraries = {word for one in binaries for word in output("ldd", one).split() if word.startswith("/")}
    texts = {
        "application.conf": APPLICATION.replace("BODY", "x" * 1024),
        "nginx.conf": NGINX,
        "haproxy.conf": HAPROXY,
        "etc/passwd": "root:x:0:0::/:/bin/false\n",
        "etc/group": "root:x:0:\n",
    }
    with tempfile.NamedTemporaryFile(suffix=".tar") as file:
        with tarfile.open(fileobj=file, mode="w", dereference=True) as tar:
            for one in binaries:
                tar.add(one, f"bin/{Path(one).name}")
            for one in sorted(libraries):
                tar.add(one, one)
            for name, text in texts.items():
                _add(tar, name, text.replace("SERVER", f"{SERVED}-blue-web-1").encode())
            for name in ("tmp", "run", "var/log/nginx", "var/lib/nginx"):
                _add(tar, name, None)
        file.flush()
        output("docker", "import", "--change", "ENV PATH=/bin", "--change", 'CMD ["nginx"]', file.name, IMAGE)


def _add(tar: tarfile.TarFile, name: str, data: bytes | None) -> None:
    """A file with this content, or a directory."""
    entry = tarfile.TarInfo(name)
    entry.mode = 0o755
    entry.size = len(data or b"")
    entry.type = tarfile.DIRTYPE if data is None else tarfile.REGTYPE
    tar.addfile(entry, io.BytesIO(data or b""))


def _target(container: str, application: Application, port: int = 80) -> Target:
    at = address(container, application.network)
    return Target(f"{at}:{port}", application.host, container)


def _answers(target: Target) -> bool:
    words = ("--silent", "--output", "/dev/null", "--write-out", "%{http_code}", "--max-time", "2")
    host = ("--header", f"Host: {target.host}")
    asked = subprocess.run(
        ("curl", *words, *host, f"http://{target.at}/"), capture_output=True, text=True, check=False
    )
    return asked.stdout == "200"


def _ask(target: Target) -> Measured:
    before = _cpu(target.container)
    load = ("wrk", "-t1", f"-c{CONNECTIONS}", f"-d{SECONDS}s", "--latency")
    said = output("taskset", "-c", OTHER_CORES, *load, "-H", f"Host: {target.host}", f"http://{target.at}/")
    used = _cpu(target.container) - before
    assert "Non-2xx" not in said, said
    sent = re.search(r"(\d+) requests in", said)
    rate = re.search(r"Requests/sec:\s+([\d.]+)", said)
    p50, p99 = (re.search(rf"{share}%\s+([\d.]+)(us|ms|s)", said) for share in (50, 99))
    assert sent and rate and p50 and p99, said
    return Measured(float(rate[1]), _ms(p50), _ms(p99), used / int(sent[1]) * 1e6)


def _ms(found: re.Match[str]) -> float:
    return float(found[1]) * {"us": 0.001, "ms": 1.0, "s": 1000.0}[found[2]]


def _cpu(container: str) -> float:
    """The seconds of processor time that a container's processes have used."""
    used = 0.0
    for pid in output("docker", "top", container, "-eo", "pid").split()[1:]:
        fields = Path("/proc", pid, "stat").read_text().rpartition(")")[2].split()
        used += (int(fields[11]) + int(fields[12])) / TICKS
    return used


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5)
