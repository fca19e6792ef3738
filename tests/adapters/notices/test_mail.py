"""Mails to a real server: with a login over TLS, without TLS, and where one of them is wrong."""

from __future__ import annotations

import ssl
from dataclasses import replace
from pathlib import Path

import pytest

from hitless.adapters.notices import send as sending
from hitless.adapters.notices.send import send
from hitless.domain.host.notices import Notice
from hitless.domain.host.receivers import Kind, Receiver
from tests.adapters.notices.mailbox import PASSWORD, mailbox
from tests.common.certificates import Authority

NOTICE = Notice("msg_1", (), "shop: größer\r\nBcc: eve@example.org")
TO = ("ann@example.org", "bob@example.org")
MAIL = Receiver("mail", Kind.MAIL, "", sender="hitless@example.org", to=TO)


@pytest.fixture
def context(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ssl.SSLContext:
    """That of a server whose certificate this machine believes."""
    authority = Authority("the tests'")
    certificate, key = authority.issue("localhost")
    for name, content in (("ca", authority.certificate), ("cert", certificate), ("key", key)):
        (tmp_path / name).write_bytes(content)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca"))
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(tmp_path / "cert", tmp_path / "key")
    return made


def test_on_this_machine_it_needs_neither() -> None:
    with mailbox() as box:
        receiver = replace(MAIL, url=f"smtp://127.0.0.1:{box.port}")
        assert send({receiver: (NOTICE,)}) == {}
    [mail] = box.mails
    assert mail["Subject"] == "shop: größer Bcc: eve@example.org"
    assert mail["Bcc"] is None
    assert box.to == [[*TO]]


def test_a_login_goes_over_tls(context: ssl.SSLContext) -> None:
    with mailbox(context, needs_login=True) as box:
        receiver = replace(MAIL, url=f"smtp://ann@localhost:{box.port}", secret=PASSWORD)
        assert send({receiver: (NOTICE,)}) == {}
        wrong = replace(receiver, secret="wrong")
        assert send({wrong: (NOTICE,)}) == {"mail": "it refuses the login"}
    assert box.over_tls == [True]


def test_a_certificate_that_nobody_knows_gets_no_password(
    context: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    with mailbox(context, needs_login=True) as box:
        receiver = replace(MAIL, url=f"smtp://ann@localhost:{box.port}", secret=PASSWORD)
        [said] = send({receiver: (NOTICE,)}).values()
    assert said.startswith("its certificate is not valid: ")
    assert box.mails == []


def test_elsewhere_no_password_goes_without_tls(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "is_loopback", lambda _: False)
    with mailbox() as box:
        receiver = replace(MAIL, url=f"smtp://ann@127.0.0.1:{box.port}", secret=PASSWORD)
        [said] = send({receiver: (NOTICE,)}).values()
    assert said == "it offers no TLS, or no login: a password is sent over TLS alone"
    assert box.mails == []


def test_a_server_that_does_not_take_it() -> None:
    with mailbox() as box:
        box.refuses = "554 no hunter2 here"
        receiver = replace(MAIL, url=f"smtp://127.0.0.1:{box.port}")
        assert send({receiver: (NOTICE,)}) == {"mail": "it answers 554"}
