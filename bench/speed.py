"""What the gateway costs: requests a second, latency and processor time, beside other proxies.

    python -m bench.speed [ROUNDS]

In one run, in rounds one after the other, with the same load (wrk, 32 kept-alive connections at full speed,
answers of 1 KB): to the application directly, through Traefik as hitless runs it, through the same with
`experimental.fastProxy`, through nginx and through HAProxy. All are containers on a bridge network that are
reached by address. A proxy has the last core to itself; the load and the application have the others.

Then handshakes: one client that opens a new TLS connection for each request, without a session of an earlier
one, to Traefik, nginx and HAProxy with the same certificate (EC P-256).

If the machine also does other things, trust the processor time of a request.
"""

from __future__ import annotations

import io
import os
import re
import shutil
import socket
import ssl
import statistics
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.applications import (
    Application,
    address,
    applications,
    at,
    free_port,
    gateway,
    hitless,
    output,
    run,
    until,
    web,
)
from hitless.adapters.gateway.certificate import self_signed
from hitless.domain.routing.entry_points import WEB, WEBSECURE, inner_port

IMAGE = "hitless-speed-servers:1"
SERVED = "hitless-speed-served"
SERVERS = ("nginx", "haproxy")
SECONDS = 5
CONNECTIONS = 32
TLS_PORT = 443
CERTIFICATE, KEY = "certificate.pem", "key.pem"
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
    ssl_certificate /certificate.pem; ssl_certificate_key /key.pem;
    server { listen 80; listen 443 ssl; location / {
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
    bind :443 ssl crt /both.pem
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
    tls_port: int = 0  # 0: it has none


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
    shaken: dict[str, list[Measured]] = {}
    with tempfile.TemporaryDirectory() as folder, _targets(Path(folder)) as targets:
        for _ in range(rounds):
            for name, target in targets.items():
                found.setdefault(name, []).append(_ask(target))
        trusting = ssl.create_default_context(cafile=str(Path(folder, CERTIFICATE)))
        for _ in range(rounds):
            for name, target in targets.items():
                if target.tls_port:
                    shaken.setdefault(name, []).append(_shake_hands(target, trusting))
    print(f"{rounds} rounds of {SECONDS} s, {CONNECTIONS} connections, 1 KB; {len(CORES)} cores; medians")
    show(found)
    print("\nA new TLS connection for each request, one after the other; ms of the handshake")
    show(shaken)


def show(found: Mapping[str, list[Measured]]) -> None:
    """Medians; the ratio is that of each round to Traefik's in the same round."""
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
def _targets(folder: Path) -> Iterator[dict[str, Target]]:
    with ExitStack() as stack:
        secure = ("--https-port", str(free_port()))
        plain = stack.enter_context(gateway("hitless-speed-plain", "--no-fast-proxy", *secure))
        fast = stack.enter_context(gateway("hitless-speed-fast", "--fast-proxy"))
        files = _certificate(folder)
        run(hitless("gateway", "certificate", "add", *map(str, files)), **at(plain))
        _build(folder)
        stack.callback(output, "docker", "rmi", IMAGE)
        make = stack.enter_context(applications())
        more: dict[str, Any] = {"command": ["nginx", "-c", "/application.conf"], "cpuset": OTHER_CORES}
        served = web(SERVED, IMAGE, **more)
        served["labels"][f"traefik.http.routers.{SERVED}.entrypoints"] = f"{WEB},{WEBSECURE}"
        one = make(SERVED, plain, {"web": served})
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
            "Traefik": _target(plain.container, one, tls_port=inner_port(WEBSECURE)),
            "Traefik with fastProxy": _target(fast.container, other),
            "nginx": _target(nginx, one, tls_port=TLS_PORT),
            "HAProxy": _target(haproxy, one, tls_port=TLS_PORT),
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


def _certificate(folder: Path) -> tuple[Path, Path]:
    """A certificate for the application's host and its key, as two files."""
    files = (folder / CERTIFICATE, folder / KEY)
    for file, text in zip(files, self_signed(f"{SERVED}.localhost"), strict=True):
        file.write_text(text)
    return files


def _build(folder: Path) -> None:
    """An image of this machine's nginx and HAProxy, with the libraries that they load, and a certificate."""
    certificate, key = (Path(folder, name).read_text() for name in (CERTIFICATE, KEY))
    path = f"{os.environ['PATH']}:/usr/sbin"
    binaries = [
        shutil.which(name, path=path) or sys.exit(f"{name} is missing: dev/servers") for name in SERVERS
    ]
    libraries = {word for one in binaries for word in output("ldd", one).split() if word.startswith("/")}
    texts = {
        "application.conf": APPLICATION.replace("BODY", "x" * 1024),
        "nginx.conf": NGINX,
        "haproxy.conf": HAPROXY,
        CERTIFICATE: certificate,
        KEY: key,
        "both.pem": certificate + key,
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


def _target(container: str, application: Application, port: int = 80, tls_port: int = 0) -> Target:
    there = address(container, application.network)
    return Target(f"{there}:{port}", application.host, container, tls_port)


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


def _shake_hands(target: Target, trusting: ssl.SSLContext) -> Measured:
    """Open connections for some seconds, one after the other, each for one request."""
    there = (target.at.rpartition(":")[0], target.tls_port)
    request = f"GET / HTTP/1.1\r\nHost: {target.host}\r\nConnection: close\r\n\r\n".encode()
    took: list[float] = []
    os.sched_setaffinity(0, set(CORES[:-1] or CORES))
    before, began = _cpu(target.container), time.monotonic()
    while time.monotonic() < began + SECONDS:
        with socket.create_connection(there, timeout=10.0) as plain:
            # as browsers do; else the request waits 40 ms for the acknowledgement of the handshake
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            first = time.perf_counter()
            with trusting.wrap_socket(plain, server_hostname=target.host) as secure:
                took.append(time.perf_counter() - first)
                secure.sendall(request)
                answer = b"".join(iter(lambda: secure.recv(65536), b""))
        assert answer.startswith(b"HTTP/1.1 200"), answer[:200]
    used, seconds = _cpu(target.container) - before, time.monotonic() - began
    os.sched_setaffinity(0, set(CORES))
    ordered = sorted(took)
    p50, p99 = (ordered[int(len(ordered) * share)] * 1000 for share in (0.5, 0.99))
    return Measured(len(took) / seconds, p50, p99, used / len(took) * 1e6)


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
