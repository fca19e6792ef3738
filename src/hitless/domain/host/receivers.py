"""Who is told what commands have done: what is kept of each receiver, and what is wrong with one. Pure."""

from __future__ import annotations

import base64
import binascii
import ipaddress
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from urllib.parse import SplitResult, urlsplit

from hitless.domain.common.findings import Finding

WEBHOOK_SECRET = "whsec_"  # noqa: S105  # how the secret of a webhook begins (Standard Webhooks)
_FEWEST, _MOST = 24, 64  # bytes of such a secret
_LONGEST = 2000  # characters of an address or a secret
_MAILBOX = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9.-]+")


class Occasion(StrEnum):
    """What a receiver can be told about."""

    DEPLOYED = "deployed"
    FAILED = "failed"
    ROLLED_BACK = "rolled-back"
    UNFINISHED = "unfinished"
    CERTIFICATE = "certificate"


class Kind(StrEnum):
    """What a receiver speaks."""

    SLACK = "slack"
    DISCORD = "discord"
    MATRIX = "matrix"
    NTFY = "ntfy"
    WEBHOOK = "webhook"
    MAIL = "mail"


@dataclass(frozen=True)
class Receiver:
    """A chat, a program or people, and what they are told.

    `url` and `secret` (a token, a password, or the key of signatures; "" for none) are secrets: nothing shows
    them. `room` is Matrix's, `sender` and `to` are a mail's. Without `applications` it is told about all.
    """

    name: str
    kind: Kind
    url: str = field(repr=False)
    secret: str = field(default="", repr=False)
    room: str = ""
    sender: str = ""
    to: tuple[str, ...] = ()
    on: tuple[Occasion, ...] = tuple(Occasion)
    applications: tuple[str, ...] = ()

    @property
    def address(self) -> str:
        """What may be shown of the address: `https://hooks.slack.com`, without path, user and password."""
        parts = urlsplit(self.url)
        host = parts.hostname or ""
        host = f"[{host}]" if ":" in host else host
        return f"{parts.scheme}://{host}" + (f":{parts.port}" if parts.port else "")


def kind_of(url: str) -> Kind:
    """What the receiver at this address speaks, as far as the address says it; else it is a webhook."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return Kind.WEBHOOK
    host = (parts.hostname or "").lower()
    if parts.scheme in ("smtp", "smtps"):
        return Kind.MAIL
    if host == "hooks.slack.com":
        return Kind.SLACK
    if host in ("discord.com", "discordapp.com") or host.endswith((".discord.com", ".discordapp.com")):
        return Kind.DISCORD
    return Kind.NTFY if host == "ntfy.sh" else Kind.WEBHOOK


def is_loopback(host: str) -> bool:
    """Whether a host name or an address is this machine itself: what is sent there passes no network."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def check(receiver: Receiver) -> tuple[Finding, ...]:
    """What is wrong with it. No finding has a part of its address or its secret."""
    return tuple(_wrong(receiver))


def _wrong(receiver: Receiver) -> Iterator[Finding]:
    # urlsplit drops some of these without a word
    if not _is_printable(receiver.url):
        yield Finding("URL", "has spaces, or characters that are not printable ASCII", "see the one you got")
        return
    try:
        parts = urlsplit(receiver.url)
        _ = parts.port
    except ValueError:
        yield Finding("URL", "can't be read as an address", "it is like https://hooks.example.org/…")
        return
    if receiver.secret and not _is_printable(receiver.secret):
        yield Finding("secret", "has spaces, or characters that are not printable ASCII")
    yield from _of_mail(receiver, parts) if receiver.kind is Kind.MAIL else _over_http(receiver, parts)


def _is_printable(text: str) -> bool:
    return len(text) <= _LONGEST and re.fullmatch("[!-~]+", text) is not None


def _over_http(receiver: Receiver, parts: SplitResult) -> Iterator[Finding]:
    kind = receiver.kind
    if parts.scheme not in ("https", "http") or not parts.hostname:
        yield Finding("URL", f"is no address of a {kind} receiver", "it begins with https://")
        return
    if parts.username is not None or parts.password is not None:
        yield Finding("URL", "has a user or a password in it", "give a token by --secret-from")
    # whoever reads these on their way can write in your name
    gives_away = kind in (Kind.SLACK, Kind.DISCORD) or (receiver.secret and kind is not Kind.WEBHOOK)
    if parts.scheme == "http" and gives_away and not is_loopback(parts.hostname):
        yield Finding("URL", "is not encrypted, and what is sent there has a secret", "use https://")
    if receiver.sender or receiver.to:
        yield Finding("--from, --to", f"are for mail, and this is a {kind} receiver")
    if receiver.room and kind is not Kind.MATRIX:
        yield Finding("--room", f"is for Matrix, and this is a {kind} receiver")
    match kind:
        case Kind.MATRIX:
            yield from _of_matrix(receiver, parts)
        case Kind.NTFY if not re.fullmatch("/[-_A-Za-z0-9]{1,64}", parts.path):
            yield Finding("URL", "names no topic", "it is like https://ntfy.sh/a-topic-that-nobody-guesses")
        case Kind.WEBHOOK:
            yield from _of_webhook(receiver.secret)
        case Kind.SLACK | Kind.DISCORD if receiver.secret:
            yield Finding("--secret-from", f"is not for a {kind} receiver: the address is its secret")
        case _:
            pass


def _of_matrix(receiver: Receiver, parts: SplitResult) -> Iterator[Finding]:
    if parts.path.strip("/") or parts.query or parts.fragment:
        yield Finding("URL", "has a path", "give the home server alone: https://matrix.example.org")
    if not re.fullmatch("![!-~]+", receiver.room):
        yield Finding("--room", "is no id of a room", "it is like '!abc:example.org', in the room's settings")
    if not receiver.secret:
        yield Finding("--secret-from", "is missing: the access token of the user who writes in the room")


def _of_webhook(secret: str) -> Iterator[Finding]:
    """The form of Standard Webhooks 1.0: `whsec_` and 24 to 64 bytes in base64."""
    try:
        key = base64.b64decode(secret.removeprefix(WEBHOOK_SECRET), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not secret.startswith(WEBHOOK_SECRET) or not _FEWEST <= len(key) <= _MOST:
        what = (
            "is not like whsec_ and 24 to 64 bytes in base64" if secret else "is missing: the webhook's key"
        )
        hint = 'make one: echo "whsec_$(openssl rand -base64 32)"; the program that is told needs it, too'
        yield Finding("--secret-from", what, hint)


def _of_mail(receiver: Receiver, parts: SplitResult) -> Iterator[Finding]:
    if parts.scheme not in ("smtp", "smtps") or not parts.hostname:
        yield Finding("URL", "is no mail server", "it is like smtps://user@mail.example.org")
        return
    if parts.path.strip("/") or parts.query or parts.fragment:
        yield Finding("URL", "has a path", "give the server alone; --from and --to say who writes to whom")
    if parts.password is not None:
        yield Finding("URL", "has a password in it", "give it by --secret-from")
    if bool(parts.username) != bool(receiver.secret):
        lacks = (
            "a password (--secret-from)" if parts.username else "a user, as in smtps://user@mail.example.org"
        )
        yield Finding("URL", f"a login lacks {lacks}")
    if receiver.room:
        yield Finding("--room", "is for Matrix, and this is a mail receiver")
    for path, found in (("--from", (receiver.sender,)), ("--to", receiver.to or ("",))):
        if not all(map(_MAILBOX.fullmatch, found)):
            yield Finding(path, "is no mail address", "it is like ann@example.org, without a name")
