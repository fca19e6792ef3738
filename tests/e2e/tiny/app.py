"""A web application that starts in a fifth of a second, for the tests that deploy many times.

It answers like the example, but what takes seconds there takes tenths here. So a deployment also drains
requests in flight, and does not wait long for them.

Environment: RELEASE (what the answers say), BOOT_SECONDS (imitates a slow start), BROKEN (never-healthy,
exit, memory or 500).
"""

import hashlib
import itertools
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

RELEASE = os.environ.get("RELEASE", "dev")
BROKEN = os.environ.get("BROKEN", "")
FASTER = 10  # than the request asks for
STREAM_LINES = 20
STOPS = {signal.SIGTERM, signal.SIGINT}

# /error always fails, /moody now and then
moods = itertools.cycle([200, 200, 500, 200, 200, 503, 200])
in_flight = 0
changed = threading.Condition()


@contextmanager
def counted() -> Iterator[None]:
    """A request in flight, which the end of the process waits for."""
    global in_flight
    with changed:
        in_flight += 1
    try:
        yield
    finally:
        with changed:
            in_flight -= 1
            changed.notify_all()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and body in one packet

    def do_GET(self) -> None:
        with counted():
            url = urlsplit(self.path)
            seconds = float(parse_qs(url.query).get("seconds", ["0"])[0]) / FASTER
            if url.path == "/health":
                self.answer(*((503, "never\n") if is_never_healthy() else (200, "ok\n")))
            elif BROKEN == "500":
                self.answer(500, "broken on purpose\n")
            elif url.path == "/error":
                self.answer(500, "an error of this page alone\n")
            elif url.path == "/moody":
                self.answer(next(moods), "as it happens\n")
            elif url.path == "/stream":
                self.stream(seconds)
            else:
                time.sleep(seconds)
                self.answer(200, f"Hello from release {RELEASE}\n")

    def do_POST(self) -> None:
        with counted():
            body = self.rfile.read(int(self.headers["Content-Length"]))
            self.answer(200, f"{hashlib.sha256(body).hexdigest()} {len(body)}\n")

    def answer(self, status: int, text: str) -> None:
        self.send_response(status)
        self.send_header("X-Release", RELEASE)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())
        self.wfile.flush()

    def stream(self, seconds: float) -> None:
        self.send_response(200)
        self.send_header("X-Release", RELEASE)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for number in range(STREAM_LINES):
            line = f"{number} from release {RELEASE}\n"
            self.wfile.write(f"{len(line):x}\r\n{line}\r\n".encode())
            self.wfile.flush()
            time.sleep(seconds / STREAM_LINES)
        self.wfile.write(b"0\r\n\r\n")

    def log_message(self, *_: object) -> None:
        """Nothing: a log line for every request is of no use to a test."""


def is_never_healthy() -> bool:
    # the file is for one replica among several, which share their environment
    return BROKEN == "never-healthy" or os.path.exists("/tmp/never-healthy")  # noqa: PTH110 - imports cost time


class Server(ThreadingHTTPServer):
    request_queue_size = 128
    daemon_threads = True


def main() -> None:
    print(f"release {RELEASE} starts", flush=True)
    signal.pthread_sigmask(signal.SIG_BLOCK, STOPS)
    if BROKEN == "exit":
        print("the settings are wrong", flush=True)
        sys.exit(3)
    if BROKEN == "memory":
        print("loading everything", flush=True)
        hog = [bytearray(os.urandom(1_000_000)) for _ in range(1000)]
        print(len(hog), flush=True)
    if signal.sigtimedwait(STOPS, float(os.environ.get("BOOT_SECONDS", "0"))):
        sys.exit("stopped while starting")
    server = Server(("0.0.0.0", 8000), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(f"release {RELEASE} listens", flush=True)
    signal.sigwait(STOPS)
    server.socket.close()
    with changed:
        changed.wait_for(lambda: in_flight == 0)
    os._exit(0)


if __name__ == "__main__":
    main()
