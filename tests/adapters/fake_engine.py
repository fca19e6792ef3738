"""An engine's API for tests: a server on a socket that answers from a table."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import ThreadingUnixStreamServer
from typing import Any
from urllib.parse import parse_qs, urlsplit


class FakeEngine:
    """An engine's API on a socket: path -> status and answer. `asked` are the questions and filters."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.answers: dict[str, tuple[int, Any]] = {}
        self.asked: list[tuple[str, Any]] = []
        self.connections = 0
        self.may_answer = threading.Event()
        self.may_answer.set()
        self.ends_connections = False
        engine = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self) -> None:
                engine.connections += 1
                super().setup()

            def do_GET(self) -> None:
                engine.may_answer.wait(20)
                url = urlsplit(self.path)
                found = parse_qs(url.query).get("filters")
                plain = url.path.removeprefix("/v1.45")
                engine.asked.append((plain, json.loads(found[0]) if found else None))
                status, said = engine.answers.get(plain, (404, {"message": f"No such thing: {plain}"}))
                body = said if isinstance(said, bytes) else json.dumps(said).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)
                self.close_connection = engine.ends_connections

            def log_message(self, *_: object) -> None:
                pass

        class Server(ThreadingUnixStreamServer):
            daemon_threads = True

            def get_request(self) -> tuple[Any, Any]:
                return self.socket.accept()[0], ("local", 0)

        self.handler = Handler
        self.server = Server(str(path), Handler)
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    def close(self) -> None:
        """End it."""
        self.may_answer.set()
        self.server.shutdown()
        self.server.server_close()
