"""The way to receivers, with servers on this machine that answer, hang, refuse, or lead elsewhere."""

from __future__ import annotations

import smtplib
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from urllib.error import HTTPError, URLError

import pytest

from hitless.adapters.notices.send import reason, send
from hitless.domain.host.notices import Notice
from hitless.domain.host.receivers import Kind, Receiver
from tests.adapters.notices.servers import Web, web
from tests.domain.host.test_receivers import KEY

NOTICE = Notice("msg_1", (), "hitless: this is a test")


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Web]:
    monkeypatch.setenv("no_proxy", "*")
    with web() as made:
        yield made


def hook(url: str, name: str = "program") -> Receiver:
    return Receiver(name, Kind.WEBHOOK, f"{url}/hunter2?token=hunter2", KEY)


def test_each_receiver_is_told_once(server: Web) -> None:
    two = Notice("msg_2", (), "another")
    assert send({hook(server.url, "a"): (NOTICE, two), hook(server.url, "b"): (NOTICE,)}) == {}
    assert sorted(one.headers["webhook-id"] for one in server.got) == ["msg_1", "msg_1", "msg_2"]
    assert {one.path for one in server.got} == {"/hunter2?token=hunter2"}


@pytest.mark.parametrize("status", [400, 401, 404, 429, 500, 503])
def test_an_answer_that_is_no_success_is_told_and_not_tried_again(server: Web, status: int) -> None:
    server.status = status
    assert send({hook(server.url): (NOTICE,)}) == {"program": f"it answers {status}"}
    assert len(server.got) == 1


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_no_redirect_is_followed(server: Web, status: int) -> None:
    with web() as elsewhere:
        server.status, server.location = status, f"{elsewhere.url}/"
        [said] = send({hook(server.url): (NOTICE,)}).values()
    assert said == f"it answers {status}, which leads elsewhere: hitless follows no redirect"
    assert elsewhere.got == []


def test_no_file_is_read(server: Web) -> None:
    found = send({replace(hook(server.url), url="file:///etc/hostname"): (NOTICE,)})
    assert found == {"program": "it can't be told: ValueError"}


def test_one_that_hangs_keeps_nobody_for_long_and_no_other_from_it(server: Web) -> None:
    with web() as hanging:
        hanging.status = 0
        began = time.monotonic()
        found = send({hook(hanging.url, "slow"): (NOTICE,), hook(server.url, "quick"): (NOTICE,)}, 3)
        assert time.monotonic() - began < 10
    assert list(found) == ["slow"]
    assert found["slow"] == "no answer within 3 s; it may have got it"
    assert len(server.got) == 1
    assert len(hanging.got) == 1


@contextmanager
def answering(piece: bytes, seconds: float) -> Iterator[int]:
    """A server that writes a piece again and again, without an end; its port."""
    over = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def run() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(65536)
                while not over.wait(seconds):
                    try:
                        connection.sendall(piece)
                    except OSError:
                        return

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        yield listener.getsockname()[1]
        over.set()
        thread.join()


@pytest.mark.parametrize(
    ("piece", "seconds"), [(b"H", 0.1), (b"HTTP/1.1 200 OK\r\nX-A: b\r\n" + b"X-A: b\r\n" * 10_000, 0.01)]
)
def test_an_answer_without_an_end_ends(monkeypatch: pytest.MonkeyPatch, piece: bytes, seconds: float) -> None:
    monkeypatch.setenv("no_proxy", "*")
    with answering(piece, seconds) as port:
        began = time.monotonic()
        found = send({hook(f"http://127.0.0.1:{port}"): (NOTICE,)}, 1)
        assert time.monotonic() - began < 3
    assert "program" in found


def test_nobody_listens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "*")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    mail = Receiver("mail", Kind.MAIL, f"smtp://127.0.0.1:{port}", sender="a@b", to=("c@d",))
    found = send({hook(f"http://127.0.0.1:{port}"): (NOTICE,), mail: (NOTICE,)})
    assert found == {"program": "connection refused", "mail": "connection refused"}


def test_a_certificate_that_nobody_knows_is_not_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "*")
    with web() as plain:
        found = send({hook(plain.url.replace("http:", "https:")): (NOTICE,)})
    assert found == {"program": "it speaks no TLS there, or none that is safe"}
    assert plain.got == []


@pytest.mark.parametrize(
    "error",
    [
        HTTPError("https://host/hunter2", 500, "hunter2", None, None),  # type: ignore[arg-type]
        URLError("hunter2"),
        URLError(ssl.SSLError("hunter2")),
        URLError(ConnectionRefusedError(111, "Connection refused")),
        ValueError("https://host/hunter2"),
        TimeoutError("hunter2"),
        socket.gaierror(-2, "hunter2"),
        smtplib.SMTPAuthenticationError(535, b"hunter2"),
        smtplib.SMTPRecipientsRefused({"a@b": (550, b"hunter2")}),
        smtplib.SMTPDataError(554, b"hunter2"),
        smtplib.SMTPServerDisconnected("hunter2"),
        smtplib.SMTPNotSupportedError("hunter2"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_no_reason_has_words_of_an_address_or_of_an_answer(error: Exception) -> None:
    assert "hunter2" not in reason(error)
    assert reason(error)


def test_what_stays_on_this_machine_goes_through_no_proxy(
    server: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    with web() as proxy:
        monkeypatch.delenv("no_proxy")
        monkeypatch.setenv("http_proxy", proxy.url)
        assert send({hook(server.url): (NOTICE,)}) == {}
    assert (len(server.got), len(proxy.got)) == (1, 0)
