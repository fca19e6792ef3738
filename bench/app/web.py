"""What the load asks for over HTTP/1.1: answers, uploads, streams, events, WebSockets. An ASGI app.

Environment: RELEASE (what the answers say), BOOT_SECONDS (imitates a slow start), ABRUPT (1: it ends at once
when it is told to stop, as many do).
"""

import asyncio
import hashlib
import itertools
import os
import signal
from pathlib import Path
from urllib.parse import parse_qs

RELEASE = os.environ.get("RELEASE", "dev")
READY = Path("/tmp/ready")
TICK = 0.25
LONGEST = 60.0
# of a page that fails now and then
MOODS = itertools.cycle([200, 500, 200, 200, 503, 200, 200])
HEADERS = [(b"x-release", RELEASE.encode())]


async def app(scope, receive, send):
    """Answer one request, one WebSocket, or the server's own start."""
    match scope["type"]:
        case "lifespan":
            await lifespan(receive, send)
        case "websocket":
            await echo(receive, send)
        case "http":
            await answer(scope, receive, send)


async def lifespan(receive, send):
    """Take as long to start as a real application would; only then can Docker's health check succeed."""
    await receive()
    await asyncio.sleep(float(os.environ.get("BOOT_SECONDS", "0")))
    if os.environ.get("ABRUPT"):
        # in place of uvicorn's own handler, which is set by now
        signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    READY.touch()
    await send({"type": "lifespan.startup.complete"})
    await receive()
    await send({"type": "lifespan.shutdown.complete"})


async def answer(scope, receive, send):
    """Route by path."""
    match scope["path"]:
        case "/":
            await whole(send, f"Hello from release {RELEASE}\n")
        case "/health":
            await whole(send, "ok\n")
        case "/failing":
            status = next(MOODS)
            await whole(send, f"{status} from release {RELEASE}\n", status=status)
        case "/echo":
            digest, size = await read(receive)
            await whole(send, f"{digest} {size}\n")
        case "/slow":
            await asyncio.sleep(seconds(scope, 3.0))
            await whole(send, f"Slowly, from release {RELEASE}\n")
        case "/stream":
            await stream(scope, send, b"text/plain", "{number}/{count} from release {release}\n")
        case "/events":
            await stream(scope, send, b"text/event-stream", "id: {number}\ndata: {release}\n\n")
        case _:
            await whole(send, "nothing here\n", status=404)


async def whole(send, text, status=200):
    """Answer at once, with a length."""
    body = text.encode()
    length = (b"content-length", str(len(body)).encode())
    await send({"type": "http.response.start", "status": status, "headers": [*HEADERS, length]})
    await send({"type": "http.response.body", "body": body})


async def stream(scope, send, kind, line):
    """Answer line by line for as long as asked."""
    count = round(seconds(scope, 5.0) / TICK)
    headers = [*HEADERS, (b"content-type", kind)]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    for number in range(1, count + 1):
        text = line.format(number=number, count=count, release=RELEASE)
        await send({"type": "http.response.body", "body": text.encode(), "more_body": True})
        await asyncio.sleep(TICK)
    await send({"type": "http.response.body", "body": b""})


async def read(receive):
    """The SHA-256 and the length of a request's whole body."""
    digest, size = hashlib.sha256(), 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ConnectionError("the upload was cut")
        digest.update(message.get("body", b""))
        size += len(message.get("body", b""))
        if not message.get("more_body"):
            return digest.hexdigest(), size


async def echo(receive, send):
    """Return every message until the client has had enough."""
    await receive()
    await send({"type": "websocket.accept", "headers": HEADERS})
    while (message := await receive())["type"] == "websocket.receive":
        await send({"type": "websocket.send", "text": message["text"]})


def seconds(scope, default):
    """The query's ``seconds``, bounded so that no request lasts for ever."""
    asked = parse_qs(scope["query_string"].decode()).get("seconds")
    return min(max(float(asked[0]), 0.0), LONGEST) if asked else default
