"""What clients see: real servers on this machine that come and go."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Thread

import pytest

from hitless.adapters.local.outside import FromHere
from hitless.ports.outside import Gaps, Speaks, Watched

HERE = FromHere("localhost")


@contextmanager
def server(port: int, answer: bytes = b"HTTP/1.1 404 Not Found\r\n\r\n") -> Iterator[None]:
    """One that gives this answer to every connection; without one it closes them."""
    with socket.create_server(("127.0.0.1", port)) as listening:
        listening.settimeout(0.02)
        is_over: list[bool] = []

        def serve() -> None:
            while not is_over:
                try:
                    connection, _ = listening.accept()
                except TimeoutError:
                    continue
                with connection:
                    if answer:
                        connection.recv(1000)
                        connection.sendall(answer)

        thread = Thread(target=serve)
        thread.start()
        yield
        is_over.append(True)
        thread.join()


@pytest.fixture
def port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as made:
        found: int = made.getsockname()[1]
    return found


def until(gaps: Callable[[], Gaps], port: int, is_known: bool) -> float | None:
    deadline = time.monotonic() + 10
    while (gaps()[port] is not None) is not is_known:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return gaps()[port]


def test_the_time_in_which_nobody_answers_is_measured(port: int) -> None:
    with HERE.watching([Watched(port, "127.0.0.1", Speaks.HTTP)]) as gaps:
        with server(port):
            until(gaps, port, is_known=True)
        until(gaps, port, is_known=False)
        down = time.monotonic()
        time.sleep(0.3)
        with server(port):
            gap = until(gaps, port, is_known=True)
            assert gap is not None
            assert 0.3 <= gap <= time.monotonic() - down + 1


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 502 Bad Gateway\r\n\r\n", b"\x00\xff"])
def test_a_connection_alone_and_an_error_are_no_answers(port: int, answer: bytes) -> None:
    with server(port, answer), HERE.watching([Watched(port, "127.0.0.1", Speaks.HTTP)]) as gaps:
        time.sleep(0.3)
        assert gaps() == {port: None}


def test_a_port_on_the_loopback_of_another_machine_can_not_be_asked() -> None:
    with FromHere("far.example").watching([Watched(80, "127.0.0.1", Speaks.HTTP)]) as gaps:
        assert gaps() == {80: None}


def test_a_connection_that_stays_is_an_answer_where_no_http_is_spoken(port: int) -> None:
    watched = Watched(port, "", Speaks.TCP)
    with socket.create_server(("127.0.0.1", port), backlog=100), HERE.watching([watched]) as gaps:
        assert until(gaps, port, is_known=True) is not None
