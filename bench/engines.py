"""How Traefik's two engines treat HTTP that few applications use: its own, and `experimental.fastProxy`.

    python -m bench.engines

It deploys `bench/unusual` behind a gateway of each kind, sends both the same bytes, and prints what came
back, with a mark if the two differ. It shows why the default is the default:
docs/decisions/0024-gateway-speed.md.
"""

from __future__ import annotations

import re
import socket
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from bench.applications import ROOT, Application, address, applications, build, gateway, output, until, web
from hitless.adapters.gateway.connections import count_connections

IMAGE = "hitless-speed-unusual:1"
KINDS = {"plain": "--no-fast-proxy", "fast": "--fast-proxy"}
SILENCE = 4.0  # seconds without a byte after which it gives up on an answer
STEP = 0.3  # seconds between two pieces of an upload
BODY = b"x" * 1024


@dataclass(frozen=True)
class Heard:
    """What came back over one connection: (seconds since the request, bytes), and how it ended."""

    pieces: tuple[tuple[float, bytes], ...]
    ended: str

    @property
    def text(self) -> str:
        """All of it."""
        return b"".join(piece for _, piece in self.pieces).decode("latin-1")

    @property
    def body(self) -> str:
        """What follows the headers."""
        return self.text.partition("\r\n\r\n")[2]

    @property
    def status(self) -> str:
        """The last status; 1xx comes before it."""
        found = re.findall(r"HTTP/1\.1 (\d+)", self.text)
        return " ".join(found) or "no answer"

    def at(self, *marks: str) -> str:
        """When each of these texts came, in pauses between pieces: a busy machine is late by tenths."""
        moments = []
        for mark in marks:
            came = [when for when, piece in self.pieces if mark.encode() in piece]
            moments.append(f"{came[0] / STEP:.0f}" if came else "never")
        return f"{' '.join(moments)} pauses"


@dataclass(frozen=True)
class Door:
    """The way through one gateway to an application of one container, and to one of two."""

    single: Application
    pair: Application
    ip: str

    def send(self, head: str, *pieces: bytes, end: bool = True) -> Heard:
        """Send a request, its pieces STEP apart; the answer, with `end` until the connection closes."""
        host = f"Host: {self.single.host}\r\n"
        close = "Connection: close\r\n" if "Connection:" not in head else ""
        first, _, more = head.partition("\n")
        more = "".join(f"{line}\r\n" for line in more.splitlines())
        connection = socket.create_connection((self.ip, 80), timeout=SILENCE)
        began = time.monotonic()
        heard: list[tuple[float, bytes]] = []
        with connection, ThreadPoolExecutor(max_workers=1) as pool:
            sending = pool.submit(
                _trickle, connection, f"{first} HTTP/1.1\r\n{host}{close}{more}\r\n".encode(), pieces
            )
            ended = "closed"
            try:
                while data := connection.recv(1 << 16):
                    heard.append((time.monotonic() - began, data))
                    if not end and b"\r\n\r\n" in data:
                        ended = "kept"
                        break
            except TimeoutError:
                ended = "silent"
            except OSError:
                ended = "reset"
            sending.result()
        return Heard(tuple(heard), ended)

    def get(self, path: str) -> str:
        """The body of a plain answer."""
        return self.send(f"GET {path}").body


def _trickle(connection: socket.socket, head: bytes, pieces: tuple[bytes, ...]) -> None:
    try:
        connection.sendall(head)
        for piece in pieces:
            connection.sendall(piece)
            time.sleep(STEP)
    except OSError:
        pass  # the answer, or its absence, shows it


def main() -> None:
    """Ask both, print."""
    build(IMAGE, ROOT / "bench" / "unusual")
    found: dict[str, dict[str, str]] = {}
    for kind, words in KINDS.items():
        with gateway(f"hitless-speed-{kind}", words) as one, applications() as make:
            single, pair = (
                make(name, one, {"web": web(name, IMAGE, scale=number)})
                for number, name in enumerate((f"hitless-speed-{kind}-one", f"hitless-speed-{kind}-two"), 1)
            )
            for application in (single, pair):
                application.run("deploy")
            door = Door(single, pair, one.address)
            found[kind] = {check: ask(door) for check, ask in CHECKS.items()}
    output("docker", "rmi", IMAGE)
    show(found)


def show(found: Mapping[str, Mapping[str, str]]) -> None:
    """One line for each check; if the engines differ, a line for each of them."""
    for check in CHECKS:
        plain, fast = found["plain"][check], found["fast"][check]
        print(f"{' ' if plain == fast else '!'} {check:<52} {plain}")
        if plain != fast:
            print(f"  {'':<43} fast →  {fast}")


def _died(method: str, body: bytes = b"") -> Callable[[Door], str]:
    def ask(door: Door) -> str:
        key = str(time.monotonic())
        heard = door.send(f"{method} /die/{key}\nContent-Length: {len(body)}", body)
        return f"{heard.status}, sent {door.get(f'/seen/{key}')}x"

    return ask


def _half(path: str) -> Callable[[Door], str]:
    def ask(door: Door) -> str:
        heard = door.send(f"GET {path}")
        body = heard.body
        chunked = "chunked" in heard.text.lower()
        told = "told as whole" if chunked and body.endswith("0\r\n\r\n") else "cut, as it was"
        return f"{heard.status}, {told}: {' '.join(body.split())!r}"

    return ask


def _lines(path: str) -> Callable[[Door], str]:
    return lambda door: f"lines after {door.send(f'GET {path}').at('data: 0', 'data: 1', 'data: 2')}"


def _upload(framing: str) -> Callable[[Door], str]:
    def ask(door: Door) -> str:
        pieces = [b"%x\r\n%s\r\n" % (len(BODY), BODY)] * 3 + [b"0\r\n\r\n"]
        if framing != "chunked":
            pieces = [BODY] * 3
        how = "Transfer-Encoding: chunked" if framing == "chunked" else f"Content-Length: {3 * len(BODY)}"
        heard = door.send(f"POST /echo\n{how}", *pieces)
        return f"{heard.status}, {heard.body}"

    return ask


def _duplex(door: Door) -> str:
    pieces = [b"%x\r\n%s\r\n" % (4, word) for word in (b"one1", b"two2", b"six6")]
    heard = door.send("POST /duplex\nTransfer-Encoding: chunked", *pieces, b"0\r\n\r\n")
    return f"{heard.status}, echoes after {heard.at('one1', 'two2', 'six6')}"


def _refused(door: Door) -> str:
    statuses = set()
    for _ in range(5):
        heard = door.send("POST /refuse\nContent-Length: 8000000", b"x" * 8_000_000)
        statuses.add(heard.status)
    return ", ".join(sorted(statuses))


def _load(path: str) -> Callable[[Door], str]:
    def ask(door: Door) -> str:
        sent, lost = _wrk(door.single, door.ip, path, 4)
        return f"{lost} of {sent} failed" if lost else "all answered"

    return ask


def _crash(door: Door) -> str:
    name, _ = _containers(door.pair)
    with ThreadPoolExecutor(max_workers=1) as pool:
        running = pool.submit(_wrk, door.pair, door.ip, "/", 4)
        time.sleep(1)
        output("docker", "kill", name)
        _, lost = running.result()
    return f"{lost} lost"


def _wrk(application: Application, ip: str, path: str, seconds: int) -> tuple[int, int]:
    """How many requests 16 connections sent at full speed, and how many got no good answer."""
    host = f"Host: {application.host}"
    said = output("wrk", "-t1", "-c16", f"-d{seconds}s", "-H", host, f"http://{ip}{path}")
    sent = re.search(r"(\d+) requests in", said)
    bad = re.search(r"Non-2xx or 3xx responses: (\d+)", said)
    broken = re.search(r"connect (\d+), read (\d+), write (\d+)", said)
    assert sent
    return int(sent[1]), int(bad[1] if bad else 0) + sum(map(int, broken.groups() if broken else ()))


def _drained(door: Door) -> str:
    _wrk(door.single, door.ip, "/", 1)
    one = door.single.gateway
    servers = [address(name, door.single.network) for name in _containers(door.single)]
    began = time.monotonic()
    table = ("docker", "exec", one.container, "cat", "/proc/net/tcp")
    ended = until(lambda: count_connections(output(*table), servers) == 0)
    return "within 2.5 s" if ended - began < 2.5 else f"after {ended - began:.1f} s"


def _containers(application: Application) -> list[str]:
    label = f"label=hitless.application={application.name}"
    return output("docker", "ps", "--filter", label, "--format", "{{.Names}}").split()


def _h2c(door: Door) -> str:
    shape = "%{http_version} %{http_code}"
    host = f"Host: {door.single.host}"
    words = ("--http2-prior-knowledge", "--output", "/dev/null", "--write-out", shape, "--header", host)
    return output("curl", "--silent", *words, f"http://{door.ip}/")


def _kept(door: Door) -> str:
    heard = door.send("HEAD /\nConnection: keep-alive", end=False)
    return f"{heard.status}, {heard.ended}, length told: {'Content-Length: 1024' in heard.text}"


def _status(head: str, *pieces: bytes) -> Callable[[Door], str]:
    return lambda door: door.send(head, *pieces).status


def _has(text: str, head: str, *pieces: bytes) -> Callable[[Door], str]:
    def ask(door: Door) -> str:
        heard = door.send(head, *pieces)
        return f"{heard.status}, {heard.text.count(text)} x {text[:20]!r}"

    return ask


CHECKS: dict[str, Callable[[Door], str]] = {
    "GET": _status("GET /"),
    "HTTP/2 without TLS, from the client": _h2c,
    "HEAD on a kept connection": _kept,
    "204": _status("GET /none/204"),
    "304": _has("one", "GET /none/304"),
    "103 early hints": _status("GET /hints"),
    "two cookies": _has("Set-Cookie", "GET /cookies"),
    "60 KB of headers there, 50 KB back": _has("y" * 50_000, f"GET /headers\nX-Big: {'z' * 60_000}"),
    "trailers": _has("X-Sum: 42", "GET /trailers\nTE: trailers"),
    "upgrade (WebSocket)": _has(
        "helloping", "GET /upgrade\nConnection: Upgrade\nUpgrade: websocket", b"", b"ping"
    ),
    "Expect: 100-continue": _status("POST /echo\nContent-Length: 4\nExpect: 100-continue", b"ping"),
    "upload in pieces, chunked": _upload("chunked"),
    "upload in pieces, with a length": _upload("length"),
    "upload and answer at once": _duplex,
    "413 before 8 MB have been read": _refused,
    "events, chunked": _lines("/events/chunked"),
    "events with a length": _lines("/events/length"),
    "events until the connection closes": _lines("/events/close"),
    "text in pieces, chunked": _lines("/pieces/chunked"),
    "text in pieces with a length": _lines("/pieces/length"),
    "text in pieces until the connection closes": _lines("/pieces/close"),
    "POST, and the application dies": _died("POST", b"ping"),
    "GET, and the application dies": _died("GET"),
    "dies in the middle of a chunked answer": _half("/half"),
    "dies in the middle of an answer with a length": _half("/half-length"),
    "load on answers that close, and say so": _load("/close"),
    "load on answers that close without a word": _load("/silent"),
    "no connection left after load": _drained,
    "one of two replicas killed under load": _crash,
}


if __name__ == "__main__":
    main()
