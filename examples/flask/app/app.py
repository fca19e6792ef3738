"""A small Flask application whose answers say which release gave them.

Environment: RELEASE (what the answers say), BOOT_SECONDS (imitates a slow start), BROKEN
(never-healthy, exit or 500: ways for a release to be bad).
"""

import hashlib
import os
import sys
import time
from collections.abc import Iterator

from flask import Flask, Response, request

RELEASE = os.environ.get("RELEASE", "dev")
BROKEN = os.environ.get("BROKEN", "")
LINE_EVERY = 0.25
LONGEST = 60.0

app = Flask(__name__)


def warm_up() -> None:
    """Block as long as a real application would load models and fill caches."""
    if BROKEN == "exit":
        # Gunicorn's own status for "a worker could not start", which its master passes on.
        sys.exit(3)
    time.sleep(float(os.environ.get("BOOT_SECONDS", "0")))


def asked_seconds(default: float) -> float:
    """Return the query's ``seconds``, bounded so that no request holds a thread for ever."""
    seconds = request.args.get("seconds", default, type=float)
    return min(max(seconds, 0.0), LONGEST)


@app.before_request
def break_on_purpose() -> tuple[str, int] | None:
    """Fail every request except the health check: a release that only looks healthy."""
    if BROKEN == "500" and request.path != "/health":
        return "broken on purpose\n", 500
    return None


@app.after_request
def name_the_release(response: Response) -> Response:
    """Let a client see which release answered, whatever the answer is."""
    response.headers["X-Release"] = RELEASE
    return response


@app.get("/")
def index() -> Response:
    """Answer at once."""
    return Response(f"Hello from release {RELEASE}\n", mimetype="text/plain")


@app.get("/health")
def health() -> tuple[str, int]:
    """Answer 200: the import is over, so the application is warm."""
    return ("never\n", 503) if BROKEN == "never-healthy" else ("ok\n", 200)


@app.get("/slow")
def slow() -> Response:
    """Wait for a while, then answer at once."""
    time.sleep(asked_seconds(3.0))
    return Response(f"Slowly, from release {RELEASE}\n", mimetype="text/plain")


@app.get("/stream")
def stream() -> Response:
    """Answer line by line, in chunks, for as long as asked."""
    count = round(asked_seconds(5.0) / LINE_EVERY)

    def lines() -> Iterator[str]:
        for number in range(1, count + 1):
            yield f"{number}/{count} from release {RELEASE}\n"
            time.sleep(LINE_EVERY)

    return Response(lines(), mimetype="text/plain")


@app.post("/echo")
def echo() -> Response:
    """Answer with the SHA-256 and the length of the body, as proof that it arrived whole."""
    body = request.get_data()
    return Response(f"{hashlib.sha256(body).hexdigest()} {len(body)}\n", mimetype="text/plain")


warm_up()
