"""Bring a port of a network namespace to the loopback address, where the load goes.

    python -m bench.relay /proc/4711/ns/net 10.99.0.12:80

It prints the loopback port, and relays until its standard input ends. As root.
"""

from __future__ import annotations

import asyncio
import ctypes
import os
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from subprocess import PIPE, Popen

_CLONE_NEWNET = 0x40000000  # sched.h
_CHUNK = 65536


@contextmanager
def relay(namespace: str, address: str) -> Iterator[int]:
    """The loopback port that leads to an address (host:port) in a namespace; in a process of its own."""
    words = (sys.executable, "-m", "bench.relay", namespace, address)
    with Popen(words, stdin=PIPE, stdout=PIPE, text=True) as process:
        assert process.stdin and process.stdout
        try:
            yield int(process.stdout.readline())
        finally:
            process.stdin.close()


def main(namespace: str, address: str) -> None:
    """Relay until standard input ends."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=512)
    print(listener.getsockname()[1], flush=True)
    # a socket stays in the namespace that it was made in: those from here on are of the other one
    with Path(namespace).open() as there:
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.setns(there.fileno(), _CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), f"can't enter {namespace}: {os.strerror(ctypes.get_errno())}")
    host, _, port = address.rpartition(":")
    asyncio.run(_serve(listener, host, int(port)))


async def _serve(listener: socket.socket, host: str, port: int) -> None:
    async def relayed(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            other, to_other = await asyncio.open_connection(host, port)
        except OSError:  # as if nobody listened here
            writer.transport.abort()
            return
        try:
            await asyncio.gather(_pass_on(reader, to_other), _pass_on(other, writer))
        except OSError:
            writer.transport.abort()
            to_other.transport.abort()
        finally:
            for one in (writer, to_other):
                one.close()

    over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    asyncio.get_running_loop().add_reader(sys.stdin.fileno(), over.set_result, None)
    server = await asyncio.start_server(relayed, sock=listener)
    await over
    server.close()
    os._exit(0)  # whoever is relayed still: the load has ended


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(_CHUNK):
        writer.write(data)
        await writer.drain()
    with suppress(OSError):
        writer.write_eof()


if __name__ == "__main__":
    main(*sys.argv[1:])
