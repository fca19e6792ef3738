"""The way to receivers: each is told once, at the same time as the others, and none for long.

Nothing is tried again: an answer that does not come says nothing about whether the receiver has got it.
"""

from __future__ import annotations

import re
import smtplib
import socket
import ssl
import time
from collections.abc import Mapping, Sequence
from threading import Thread
from urllib.error import HTTPError, URLError
from urllib.parse import unquote, urlsplit
from urllib.request import (
    BaseHandler,
    HTTPDefaultErrorHandler,
    HTTPErrorProcessor,
    HTTPHandler,
    HTTPSHandler,
    OpenerDirector,
    ProxyHandler,
    Request,
)

from hitless.adapters.notices.payloads import mail, request
from hitless.domain.host.notices import Notice
from hitless.domain.host.receivers import Kind, Receiver, is_loopback

SECONDS = 5.0  # for all receivers together
_STEP = 4.0  # seconds for each connection, and for each part of an answer
_PORTS = {"smtp": 587, "smtps": 465}


def send(due: Mapping[Receiver, Sequence[Notice]], seconds: float = SECONDS) -> dict[str, str]:
    """Tell all receivers; name -> why that one may not have got all of it."""
    found: dict[str, str] = {}

    def tell(receiver: Receiver, notices: Sequence[Notice]) -> None:
        said = ""
        for notice in notices:
            try:
                _tell(receiver, notice)
            except Exception as error:  # whatever a receiver does, it is no failure of a command
                said = said or reason(error)
        found[receiver.name] = said

    # threads that nobody waits for: a name server that is silent has no timeout of its own
    threads = [Thread(target=tell, args=one, daemon=True) for one in due.items()]
    deadline = time.monotonic() + seconds
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(deadline - time.monotonic(), 0))
    late = f"no answer within {seconds:g} s; it may have got it"
    answered = dict(found)
    return {one.name: said for one in due if (said := answered.get(one.name, late))}


def _tell(receiver: Receiver, notice: Notice) -> None:
    if receiver.kind is Kind.MAIL:
        _by_mail(receiver, notice)
    else:
        _over_http(receiver, notice)


def _over_http(receiver: Receiver, notice: Notice) -> None:
    sent = request(receiver, notice, int(time.time()))
    # nothing that follows a redirect, which would take the secret elsewhere, or reads files
    opener = OpenerDirector()
    parts = urlsplit(sent.url)
    # what stays on this machine goes through no proxy, which would see the secret
    proxies = ProxyHandler({}) if is_loopback(parts.hostname or "") else ProxyHandler()
    for handler in (_connecting(parts.scheme), proxies, HTTPErrorProcessor()):
        opener.add_handler(handler)
    opener.add_handler(HTTPDefaultErrorHandler())
    asked = Request(sent.url, sent.body, dict(sent.headers), method=sent.method)  # noqa: S310  # see above
    with opener.open(asked, timeout=_STEP):
        pass  # the status says it all: nothing else of an answer is read


def _connecting(scheme: str) -> BaseHandler:
    match scheme:
        case "http":
            return HTTPHandler()
        case "https":
            return HTTPSHandler(context=ssl.create_default_context())
        case _:
            raise ValueError("neither HTTP nor HTTPS")


def _by_mail(receiver: Receiver, notice: Notice) -> None:
    parts = urlsplit(receiver.url)
    host, port = str(parts.hostname), parts.port or _PORTS[parts.scheme]
    context = ssl.create_default_context()
    here = _here()
    with (
        smtplib.SMTP_SSL(host, port, here, timeout=_STEP, context=context)
        if parts.scheme == "smtps"
        else smtplib.SMTP(host, port, here, timeout=_STEP)
    ) as server:
        server.ehlo()
        if parts.scheme == "smtp" and (server.has_extn("starttls") or _is_due(receiver, host)):
            server.starttls(context=context)
        if parts.username:
            _log_in(server, unquote(parts.username), receiver.secret)
        message = mail(receiver, notice, int(time.time()))
        if refused := server.send_message(message, receiver.sender, receiver.to):
            raise smtplib.SMTPRecipientsRefused(refused)


def _log_in(server: smtplib.SMTP, user: str, password: str) -> None:
    try:
        server.login(user, password)
    except smtplib.SMTPServerDisconnected as error:  # before the next way of several: it has had enough
        raise smtplib.SMTPAuthenticationError(535, "") from error


def _is_due(receiver: Receiver, host: str) -> bool:
    """Whether a login needs TLS: everywhere but on this machine."""
    return bool(receiver.secret) and not is_loopback(host)


def _here() -> str:
    """How this machine calls itself; the whole name would be a question to the DNS without a timeout."""
    name = socket.gethostname()
    return name if re.fullmatch("[A-Za-z0-9.-]+", name) else "localhost"


def reason(error: Exception) -> str:
    """Why a receiver has not got it, without a word that may be a secret: addresses are in no text here."""
    match error:
        case HTTPError():
            moved = ", which leads elsewhere: hitless follows no redirect" if 300 <= error.code < 400 else ""
            return f"it answers {error.code}{moved}"
        case URLError() if isinstance(error.reason, Exception):
            return reason(error.reason)
        case smtplib.SMTPAuthenticationError():
            return "it refuses the login"
        case smtplib.SMTPRecipientsRefused():
            return f"it refuses {len(error.recipients)} of the recipients"
        case smtplib.SMTPNotSupportedError():
            return "it offers no TLS, or no login: a password is sent over TLS alone"
        case smtplib.SMTPResponseException():
            return f"it answers {error.smtp_code}"
        case smtplib.SMTPServerDisconnected():
            return "it closes the connection"
        case ssl.SSLCertVerificationError():
            return f"its certificate is not valid: {error.verify_message}"
        case ssl.SSLError():
            return "it speaks no TLS there, or none that is safe"
        case TimeoutError():
            return f"no answer within {_STEP:g} s; it may have got it"
        case socket.gaierror():
            return "its name is not found in the DNS"
        case OSError() if error.strerror:
            return error.strerror.lower()
        case _:
            return f"it can't be told: {type(error).__name__}"
