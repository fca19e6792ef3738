"""A real mail server on this machine (aiosmtpd), which keeps what it gets."""

from __future__ import annotations

import email
import email.policy
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

USER, PASSWORD = "ann", "hunter2"


@dataclass
class Mailbox:
    """What came: the mails as their readers see them, and to whom each went."""

    port: int
    mails: list[EmailMessage] = field(default_factory=list)
    to: list[list[str]] = field(default_factory=list)
    over_tls: list[bool] = field(default_factory=list)
    # the answer to a mail, in place of one that it was taken
    refuses: str = ""

    async def handle_DATA(  # noqa: N802  # the library's name
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        if self.refuses:
            return self.refuses
        content = envelope.content
        assert isinstance(content, bytes)
        read = email.message_from_bytes(content, policy=email.policy.default)
        assert isinstance(read, EmailMessage)
        self.mails.append(read)
        self.to.append(list(envelope.rcpt_tos))
        self.over_tls.append(session.ssl is not None)
        return "250 OK"


@contextmanager
def mailbox(context: ssl.SSLContext | None = None, needs_login: bool = False) -> Iterator[Mailbox]:
    """One that runs until the block ends, with STARTTLS by this context."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        made = Mailbox(free.getsockname()[1])

    def login(server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any) -> AuthResult:
        known = LoginPassword(USER.encode(), PASSWORD.encode())
        return AuthResult(success=data == known)

    controller = Controller(
        made,
        hostname="127.0.0.1",
        port=made.port,
        tls_context=context,
        require_starttls=context is not None,
        authenticator=login,
        auth_required=needs_login,
    )
    controller.start()
    try:
        yield made
    finally:
        controller.stop()
