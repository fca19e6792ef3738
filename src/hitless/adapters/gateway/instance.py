"""One Traefik process of the gateway: hitless asks it from inside its container, by `docker exec` alone."""

from __future__ import annotations

import io
import ipaddress
import json
import re
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import cast

from hitless.adapters.gateway.shell import GatewayShell
from hitless.domain.common.errors import DockerFailed, HitlessError
from hitless.domain.common.foreign import Json
from hitless.domain.gateway.settings import API_PORT
from hitless.domain.release.requirements import Probe
from hitless.domain.routing.reserved import IDLE_TIMEOUT
from hitless.ports.balancer import Answer

_TIME_WAIT, _LISTEN = "06", "0A"  # linux/net/tcp_states.h
_ASK_TIMEOUT = 5  # seconds for one request of ours from inside the gateway
_MAX_ANSWER = 8_000_000
# A server that keeps a connection clearly longer than the gateway never closes one that the gateway uses.
_IDLE_LOOK = 2  # seconds; BusyBox's timeout takes whole ones
_IDLE_ENOUGH = IDLE_TIMEOUT + 0.35


@dataclass(frozen=True)
class TraefikInstance:
    """The Traefik in the container of these shells."""

    shell: GatewayShell

    def ask(self, probes: Sequence[Probe]) -> tuple[Answer, ...]:
        """Make the probes' requests, all at once, from inside the gateway's network."""
        if len(probes) == 1:
            return (self._ask(probes[0]),)
        with ThreadPoolExecutor(max_workers=4) as pool:
            return tuple(pool.map(self._ask, probes))

    def rawdata(self) -> Json:
        """All that Traefik knows, from its API. Raises `HitlessError` if the API does not answer."""
        answer = self._ask(Probe("127.0.0.1", API_PORT, "/api/rawdata", "localhost"))
        if answer.status != 200:
            raise HitlessError(
                f"the gateway's API answers {answer.status or answer.body}",
                "see `hitless gateway logs`",
            )
        return cast("Json", json.loads(answer.body))

    def connections(self, addresses: Sequence[str]) -> int:
        """Its open connections to these addresses, from its own kernel tables."""
        table, _ = self.shell.run("connections")
        return count_connections(table.decode(), addresses)

    def closes_idle(self, probe: Probe) -> float | None:
        """After how many seconds the server of a probe closes a connection on which nothing comes."""
        words = (probe.container, str(probe.port), escaped(request(probe, keep=True)))
        began = time.monotonic()
        raw, _ = self.shell.run("probe", *words, str(_IDLE_LOOK), str(_MAX_ANSWER))
        took = time.monotonic() - began
        head = raw.partition(b"\r\n\r\n")[0].lower()
        says_so = re.search(rb"\r\nconnection: *close", head) or not head.startswith(b"http/1.1")
        return None if says_so or took > _IDLE_ENOUGH else took

    def _ask(self, probe: Probe) -> Answer:
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


def count_connections(table: str, addresses: Sequence[str]) -> int:
    """The rows of /proc/net/tcp and tcp6 with one of these as remote address, without TIME_WAIT.

    If the gateway listens on a row's local port, the row is a container's connection to it, as its client.
    """
    rows = [line.split() for line in table.splitlines()]
    rows = [row for row in rows if len(row) > 3 and row[0].endswith(":")]
    served = {row[1].rpartition(":")[2] for row in rows if row[3] == _LISTEN}
    wanted = {shape for address in addresses for shape in _as_in_the_table(address)}
    return sum(
        row[2].rpartition(":")[0] in wanted and row[1].rpartition(":")[2] not in served
        for row in rows
        if row[3] not in (_TIME_WAIT, _LISTEN)
    )


def _as_in_the_table(address: str) -> tuple[str, ...]:
    """How the kernel prints an address: each word of 32 bits as a little-endian host reads it.

    An IPv4 address is also in tcp6, as the end of an IPv6 one (::ffff:0:0/96).
    """
    found = ipaddress.ip_address(address)
    words = [found.packed[at : at + 4][::-1].hex().upper() for at in range(0, len(found.packed), 4)]
    return (words[0], f"{0:016X}FFFF0000{words[0]}") if found.version == 4 else ("".join(words),)


class _Recorded:
    """In place of a socket for HTTPResponse: bytes that were read before."""

    def __init__(self, raw: bytes) -> None:
        self._raw = raw

    def makefile(self, _mode: str) -> io.BytesIO:
        """The bytes as a file."""
        return io.BytesIO(self._raw)
