"""One instance of Traefik: what is asked from inside its container, by `docker exec` alone."""

from __future__ import annotations

import io
import json
import re
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import cast

from hitless.adapters.gateway.connections import udp_sessions
from hitless.adapters.gateway.handshake import HANDSHAKE
from hitless.adapters.gateway.shell import GatewayShell
from hitless.domain.common.errors import DockerFailed, HitlessError
from hitless.domain.common.foreign import Json
from hitless.domain.gateway.instances import Listening
from hitless.domain.gateway.settings import API_PORT
from hitless.domain.release.requirements import Probe
from hitless.domain.routing.entry_points import inner_port, is_udp
from hitless.domain.routing.reserved import IDLE_TIMEOUT, LOOPBACK
from hitless.ports.balancer import Answer

_ASK_TIMEOUT = 5  # seconds for one request of ours from inside the gateway
_MAX_ANSWER = 8_000_000
_LOOKS = 5  # at the sockets, for a session that has just been opened
# A server that keeps a connection clearly longer than the gateway never closes one that the gateway uses.
_IDLE_LOOK = 2  # seconds; BusyBox's timeout takes whole ones
_IDLE_ENOUGH = IDLE_TIMEOUT + 0.35


@dataclass(frozen=True)
class TraefikInstance:
    """One in whose container these shells are; `listening` are its ports, None for those of the first one."""

    shell: GatewayShell
    listening: Listening | None = None

    def answers(self) -> bool:
        """Whether it says itself that it is up."""
        return self._ask(Probe(LOOPBACK, API_PORT, "/ping", "localhost")).status == 200

    def ask(self, probes: Sequence[Probe]) -> tuple[Answer, ...]:
        """Make the probes' requests, all at once, from inside the gateway's network.

        On the loopback address a probe has a port of the first instance, and means the same of this one.
        """
        if len(probes) == 1:
            return (self._ask(probes[0]),)
        with ThreadPoolExecutor(max_workers=4) as pool:
            return tuple(pool.map(self._ask, probes))

    def rawdata(self) -> Json:
        """All that Traefik knows by its API. Raises `HitlessError` where that does not answer."""
        answer = self._ask(Probe(LOOPBACK, API_PORT, "/api/rawdata", "localhost"))
        if answer.status != 200:
            raise HitlessError(
                f"the gateway's API answers {answer.status or answer.body}",
                "see `hitless gateway logs`",
            )
        return cast("Json", json.loads(answer.body))

    def version(self) -> str:
        """Its version, `3.7.15`. Raises `HitlessError` where its API does not answer."""
        answer = self._ask(Probe(LOOPBACK, API_PORT, "/api/version", "localhost"))
        if answer.status != 200:
            raise HitlessError(
                f"the gateway's API answers {answer.status or answer.body}",
                "see `hitless gateway logs`",
            )
        return str(json.loads(answer.body)["Version"])

    def metrics(self) -> str:
        """What it has counted, as Prometheus reads it. Raises `HitlessError` if it does not count."""
        answer = self._ask(Probe(LOOPBACK, API_PORT, "/metrics", "localhost"))
        if answer.status != 200:
            raise HitlessError(
                f"the gateway has no metrics: Traefik answers {answer.status or answer.body}",
                "run: hitless gateway up --metrics",
            )
        return answer.body

    def certificates(self) -> Sequence[Json]:
        """All that it serves: `sans`, `notAfter` (ISO, UTC) and `issuerCN` of each (Traefik 3.7's API)."""
        answer = self._ask(Probe(LOOPBACK, API_PORT, "/api/certificates?per_page=1000000", "localhost"))
        if answer.status != 200:
            raise HitlessError(
                f"the gateway's API answers {answer.status or answer.body}",
                "see `hitless gateway logs`",
            )
        return cast("Sequence[Json]", json.loads(answer.body))

    def routes_of_labels(self) -> frozenset[str]:
        """The names of the routes that its Docker provider has found."""
        data = self.rawdata()
        kinds = ("routers", "tcpRouters", "udpRouters")
        return frozenset(name for kind in kinds for name in data.get(kind) or {} if name.endswith("@docker"))

    def closes_idle(self, probe: Probe) -> float | None:
        """After how many seconds the server of a probe closes a connection on which nothing comes."""
        words = (probe.container, str(probe.port), escaped(request(probe, keep=True)))
        began = time.monotonic()
        raw, _ = self.shell.run("probe", *words, str(_IDLE_LOOK), str(_MAX_ANSWER))
        took = time.monotonic() - began
        head = raw.partition(b"\r\n\r\n")[0].lower()
        says_so = re.search(rb"\r\nconnection: *close", head) or not head.startswith(b"http/1.1")
        return None if says_so or took > _IDLE_ENOUGH else took

    def agrees(self, port: int, hello: bytes) -> bool:
        """Whether a server accepts a TLS handshake that begins with these bytes; a port as for a probe."""
        moved = self._moved(Probe(LOOPBACK, port))
        words = (LOOPBACK, str(moved.port), escaped(hello))
        raw, _ = self.shell.run("probe", *words, str(_ASK_TIMEOUT), "1", timeout=2 * _ASK_TIMEOUT)
        return raw == HANDSHAKE

    def opens_session(self, entry_point: str, servers: Sequence[str]) -> bool:
        """Whether a new session at a UDP entry point leads to one of these servers (host:port).

        The servers get nothing: the packet that opens the session is empty, and not passed on.
        """
        there = self.listening
        port = there.entry_points[entry_point] if there else inner_port(entry_point)
        ports: dict[str, list[int]] = {}
        for host, _, number in (server.rpartition(":") for server in servers):
            ports.setdefault(host, []).append(int(number))
        lines = self.shell.run("knock", str(port), *ports)[0].decode().splitlines()
        rows, named = lines[: -len(ports)], (line.split() for line in lines[-len(ports) :])
        wanted = {address: ports[host] for host, *addresses in named for address in addresses}
        if not wanted:
            return True  # no server is there: the session would be none, and nobody can be asked
        before = udp_sessions("\n".join(rows), wanted)
        # Traefik finds the server's address first; a session that it opens later is seen at the next try
        for _ in range(_LOOKS):
            table, _ = self.shell.run("connections")
            if udp_sessions(table.decode(), wanted) - before:
                return True
        return False

    def _moved(self, probe: Probe) -> Probe:
        """The probe, with this instance's port where it has one of the first instance."""
        there = self.listening
        if there is None or probe.container != LOOPBACK:
            return probe
        of_tcp = {name: port for name, port in there.entry_points.items() if not is_udp(name)}
        own = {inner_port(name): port for name, port in of_tcp.items()} | {API_PORT: there.api}
        return replace(probe, port=own.get(probe.port, probe.port))

    def _ask(self, probe: Probe) -> Answer:
        probe = self._moved(probe)
        if probe.tcp:
            return self._connect(probe)
        words = (probe.container, str(probe.port), escaped(request(probe)))
        limits = (str(_ASK_TIMEOUT), str(_MAX_ANSWER))
        raw, said = self.shell.run("probe", *words, *limits, timeout=2 * _ASK_TIMEOUT)
        return answer_of(raw, said, probe.method)

    def _connect(self, probe: Probe) -> Answer:
        try:
            self.shell.run("reach", probe.container, str(probe.port), str(_ASK_TIMEOUT))
        except DockerFailed as error:
            return Answer(0, error.output)
        return Answer(200, "")


def request(probe: Probe, keep: bool = False) -> bytes:
    """The probe as the bytes of an HTTP/1.1 request that asks to close the connection, or to keep it."""
    headers = {
        "Host": probe.host,
        "User-Agent": "hitless",
        "Accept": "*/*",
        "Connection": "keep-alive" if keep else "close",
        **dict(probe.headers),
    }
    lines = [f"{probe.method} {probe.path} HTTP/1.1"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def escaped(text: bytes) -> str:
    """The bytes as `printf %b` takes them, in one line."""
    plain = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789 /:.,;=?&_*+()-"
    return "".join(chr(byte) if byte in plain else f"\\0{byte:03o}" for byte in text)


def answer_of(raw: bytes, stderr: str, method: str = "GET") -> Answer:
    """The status and body of a raw HTTP answer; status 0 and the reason if it is none."""
    if not raw:
        reason = stderr.strip().removeprefix("nc: ") or "closed without an answer"
        return Answer(0, reason)
    # imported here: it takes 15 ms, and is first needed while an application starts
    from http.client import HTTPException, HTTPResponse, IncompleteRead

    # it only calls makefile
    response = HTTPResponse(_Recorded(raw), method=method)  # type: ignore[arg-type]
    try:
        response.begin()
        body = response.read()
    except IncompleteRead as error:
        body = error.partial  # an answer without an end
        if response.chunked and not body:
            return Answer(0, f"this is no HTTP answer: {error}")
    except (HTTPException, ValueError, OSError) as error:
        return Answer(0, f"this is no HTTP answer: {error}")
    return Answer(response.status, body.decode(errors="replace"))


class _Recorded:
    """In place of a socket for HTTPResponse: bytes that were read before."""

    def __init__(self, raw: bytes) -> None:
        self._raw = raw

    def makefile(self, _mode: str) -> io.BytesIO:
        """The bytes as a file."""
        return io.BytesIO(self._raw)
