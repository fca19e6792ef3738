"""A server that answers in every way that HTTP/1.1 allows and few applications use, byte by byte.

The path chooses the way. It frames its answers itself, so that nothing between it and the proxy repairs them.
"""

import asyncio
import hashlib
import time
from collections import Counter
from collections.abc import AsyncIterator

STEP = 0.3  # seconds between two pieces of an answer
BODY = b"x" * 1024
seen: Counter[str] = Counter()

Reader = asyncio.StreamReader
Writer = asyncio.StreamWriter
Headers = dict[str, str]


async def serve(reader: Reader, writer: Writer) -> None:
    """Answer requests until one of the sides has enough."""
    try:
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            first, *lines = head[:-4].split("\r\n")
            method, path, _ = first.split(" ")
            pairs = (line.partition(":") for line in lines)
            headers = {key.lower(): value.strip() for key, _, value in pairs}
            if not await answer(method, path, headers, reader, writer):
                break
    except (asyncio.IncompleteReadError, OSError, ValueError):
        pass
    finally:
        writer.close()


async def answer(method: str, path: str, headers: Headers, reader: Reader, writer: Writer) -> bool:
    """Answer one request; whether the connection stays open."""
    name, _, key = path.strip("/").partition("/")
    if name == "refuse":  # before the body has come
        await send(writer, b"HTTP/1.1 413 No\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno")
        return False
    if name == "duplex":
        return await duplex(headers, reader, writer)
    if name == "upgrade":
        await send(writer, b"HTTP/1.1 101 Go\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\nhello")
        while data := await reader.read(4096):
            await send(writer, data)
        return False
    pieces = [(time.monotonic(), piece) async for piece in body(headers, reader)]
    data = b"".join(piece for _, piece in pieces)
    match name:
        case "die":  # asked, and no answer
            seen[key] += 1
            return False
        case "seen":
            await send(writer, whole(str(seen[key]).encode()))
        case "half":  # a piece of a chunked answer, and then the end of the process
            await send(writer, b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", chunk(b"half"))
            await asyncio.sleep(STEP)
            return False
        case "half-length":
            await send(writer, b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nhalf")
            await asyncio.sleep(STEP)
            return False
        case "events" | "pieces":
            kind = "text/event-stream" if name == "events" else "text/plain"
            return await in_pieces(kind, key, writer)
        case "trailers":
            await send(writer, b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n")
            await send(writer, chunk(BODY), b"0\r\nX-Sum: 42\r\n\r\n")
        case "none":
            await send(writer, f"HTTP/1.1 {key} OK\r\nETag: one\r\n\r\n".encode())
        case "hints":
            await send(writer, b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n", whole(BODY))
        case "cookies":
            await send(writer, whole(BODY, "Set-Cookie: a=1\r\nSet-Cookie: b=2\r\n"))
        case "headers":
            size = sum(len(value) for value in headers.values())
            await send(writer, whole(str(size).encode(), f"X-Big: {'y' * 50_000}\r\n"))
        case "echo":
            took = pieces[-1][0] - pieces[0][0] if pieces else 0.0
            told = f"{hashlib.sha256(data).hexdigest()[:8]} {len(data)} {took:.1f}".encode()
            await send(writer, whole(told))
        case "close":  # like a synchronous Gunicorn: one answer for each connection, and it says so
            await send(writer, whole(BODY, "Connection: close\r\n"))
            return False
        case "silent":  # closes after its answer without notice
            await send(writer, whole(BODY))
            return False
        case _:
            await send(writer, whole(b"" if method == "HEAD" else BODY, length=len(BODY)))
    return True


async def in_pieces(kind: str, framing: str, writer: Writer) -> bool:
    """Three lines, STEP apart, framed as asked: chunked, length, or close."""
    lines = [f"data: {number}\n\n".encode() for number in range(3)]
    how = {
        "chunked": "Transfer-Encoding: chunked\r\n",
        "length": f"Content-Length: {sum(map(len, lines))}\r\n",
        "close": "Connection: close\r\n",
    }[framing]
    await send(writer, f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\n{how}\r\n".encode())
    for line in lines:
        await send(writer, chunk(line) if framing == "chunked" else line)
        await asyncio.sleep(STEP)
    if framing == "chunked":
        await send(writer, b"0\r\n\r\n")
    return framing != "close"


async def duplex(headers: Headers, reader: Reader, writer: Writer) -> bool:
    """Return each piece of the body when it comes."""
    await send(writer, b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    async for piece in body(headers, reader):
        await send(writer, chunk(piece))
    await send(writer, b"0\r\n\r\n")
    return True


async def body(headers: Headers, reader: Reader) -> AsyncIterator[bytes]:
    """The pieces of a request's body, when they come."""
    if headers.get("transfer-encoding") == "chunked":
        while size := int((await reader.readline()).strip() or b"0", 16):
            yield (await reader.readexactly(size + 2))[:-2]
        await reader.readline()
        return
    left = int(headers.get("content-length", "0"))
    while left:
        piece = await reader.read(min(left, 65536))
        if not piece:
            raise asyncio.IncompleteReadError(b"", left)
        left -= len(piece)
        yield piece


def whole(data: bytes, more: str = "", length: int | None = None) -> bytes:
    """An answer with its length."""
    size = len(data) if length is None else length
    return f"HTTP/1.1 200 OK\r\n{more}Content-Length: {size}\r\n\r\n".encode() + data


def chunk(data: bytes) -> bytes:
    """A piece of a chunked body."""
    return b"%x\r\n%s\r\n" % (len(data), data)


async def send(writer: Writer, *parts: bytes) -> None:
    """Send, and wait until it is on its way."""
    writer.write(b"".join(parts))
    await writer.drain()


async def main() -> None:
    """Serve until stopped."""
    server = await asyncio.start_server(serve, "0.0.0.0", 8000, limit=1 << 20, backlog=512)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
