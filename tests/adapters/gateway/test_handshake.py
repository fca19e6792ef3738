"""What hitless sends as a TLS handshake, to a server of Python's own."""

from __future__ import annotations

import socket
import ssl
import threading
from pathlib import Path

from hitless.adapters.gateway.certificate import self_signed
from hitless.adapters.gateway.handshake import HANDSHAKE, client_hello


def answer(sent: bytes, folder: Path) -> bytes:
    """All that a server says to these bytes until it closes the connection; the client never does."""
    for name, text in zip(("chain.pem", "key.pem"), self_signed("shop.example"), strict=True):
        (folder / name).write_text(text)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "chain.pem", folder / "key.pem")

    def serve(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        try:
            context.wrap_socket(connection, server_side=True)
        except ssl.SSLError:
            connection.close()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = threading.Thread(target=serve, args=(listener,))
        server.start()
        with socket.create_connection(listener.getsockname(), timeout=10) as client:
            client.sendall(sent)
            said = b"".join(iter(lambda: client.recv(65536), b""))
        server.join()
    return said


def test_a_server_agrees_and_waits_for_nothing_more(tmp_path: Path) -> None:
    assert answer(client_hello("shop.example", "hitless/shop/7"), tmp_path).startswith(HANDSHAKE)
