"""A web application that misbehaves as many do, for the tests of `hitless prove`.

It is handed to Python on the command line, in any image that has one. Environment: WARM_SECONDS (how long
/cart answers 503 though /health says that all is well), IDLE_SECONDS (after which it closes an idle
connection), TERM (`finish` ends well on SIGTERM; else there is no handler for it).
"""

import os
import secrets
import signal
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

STARTED = time.monotonic()
WARM = float(os.environ.get("WARM_SECONDS", "0"))
SESSIONS: set[str] = set()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1
    timeout = float(os.environ.get("IDLE_SECONDS", "30"))

    def do_GET(self) -> None:
        if self.path == "/cart" and time.monotonic() - STARTED < WARM:
            return self.answer(503, "warming up")
        if self.path == "/long":
            time.sleep(6)
        if self.path == "/account":
            return self.account()
        return self.answer(200, "ok")

    def account(self) -> None:
        """Sessions in memory: an unknown visitor gets a new one."""
        cookie = self.headers.get("Cookie", "").partition("sid=")[2]
        if cookie in SESSIONS:
            return self.answer(200, "welcome back")
        SESSIONS.add(sid := secrets.token_hex(8))
        return self.answer(200, "welcome", f"sid={sid}; Path=/; HttpOnly")

    def answer(self, status: int, text: str, cookie: str = "") -> None:
        self.send_response(status)
        if cookie:
            self.send_header("Set-Cookie", cookie)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_: object) -> None:
        """Nothing: a log line for every request is of no use to a test."""


class Server(ThreadingHTTPServer):
    request_queue_size = 128
    daemon_threads = True


if __name__ == "__main__":
    server = Server(("0.0.0.0", 8000), Handler)
    if os.environ.get("TERM") == "finish":
        signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
    server.serve_forever()
