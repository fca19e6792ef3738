"""A small server in place of any image: it listens on some ports, and tells its service and release.

Environment: STANDIN, JSON with `service`, `release`, `ports`, `data` (folders in which it appends a line at
each start), `alone` (those that no other container may write to while it runs), and `once` (it ends at once).
With the argument `check` it is its own health check. Other arguments are those of the image it replaces.
"""

import fcntl
import http.client
import json
import os
import signal
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

told = json.loads(os.environ["STANDIN"])


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        body = b"here\n"
        self.send_response(200)
        self.send_header("X-Release", told["release"])
        self.send_header("X-Service", told["service"])
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def do_GET(self) -> None:
        self.answer()

    def do_HEAD(self) -> None:
        self.answer()

    def do_POST(self) -> None:
        self.answer()

    def log_message(self, *_: object) -> None:
        """Nothing: a log line for every request is of no use here."""


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128


def main() -> None:
    kept = []
    for folder in told["data"]:
        if not Path(folder).is_dir():
            continue
        with Path(folder, "starts").open("a") as starts:
            starts.write(f"{told['service']} {told['release']}\n")
        if folder in told["alone"]:
            writer = Path(folder, ".writer").open("a")  # noqa: SIM115 - it is open as long as this runs
            kept.append(writer)
            try:
                fcntl.flock(writer, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                Path(folder, "TWO-WRITERS").touch()
                sys.exit(f"somebody else writes to {folder}")
    if told["once"]:
        return
    stops = {signal.SIGTERM, signal.SIGINT}
    signal.pthread_sigmask(signal.SIG_BLOCK, stops)
    servers = [Server(("0.0.0.0", port), Handler) for port in told["ports"]]
    for server in servers:
        threading.Thread(target=server.serve_forever, daemon=True).start()
    print("listens", flush=True)
    signal.sigwait(stops)
    os._exit(0)


def check() -> None:
    for port in told["ports"][:1]:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
        connection.request("GET", "/")
        connection.getresponse()


if __name__ == "__main__":
    check() if sys.argv[1:] == ["check"] else main()
