"""What each kind of receiver is sent, in its own form. Pure.

The words of others in a notice (an application's name, a cause) must stay words: each form has characters
that it takes for commands, for links, or for calls to everybody.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from urllib.parse import quote, urlsplit, urlunsplit

from hitless.domain.host.notices import Notice
from hitless.domain.host.receivers import WEBHOOK_SECRET, Kind, Receiver

_NO_BREAK = "\N{ZERO WIDTH SPACE}"
_CALL = re.compile(r"(?<![A-Za-z0-9])@")  # not the one of ann@laptop
_DISCORD_MARKUP = re.compile(r"([\\*_~`|<>#\[\]()@:-])")
_DISCORD_MOST = 2000  # characters
_NO_EMBEDS = 1 << 2
_HIGH, _USUAL = 4, 3  # ntfy's priorities


@dataclass(frozen=True)
class Sent:
    """A request over HTTP. Address and headers have the receiver's secrets."""

    method: str
    url: str = field(repr=False)
    body: bytes = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)


def request(receiver: Receiver, notice: Notice, now: int) -> Sent:
    """The request that tells a receiver; `now` is in seconds since 1970. Not for mail."""
    match receiver.kind:
        case Kind.SLACK:
            return _post(receiver.url, slack(notice))
        case Kind.DISCORD:
            return _post(receiver.url, discord(notice))
        case Kind.NTFY:
            parts = urlsplit(receiver.url)
            root = urlunsplit((parts.scheme, parts.netloc, "/", "", ""))
            return _post(root, ntfy(notice, parts.path.strip("/")), _bearer(receiver.secret))
        case Kind.MATRIX:
            return _to_matrix(receiver, notice)
        case _:
            return _signed(receiver, notice, now)


def slack(notice: Notice) -> Mapping[str, object]:
    """An incoming webhook of Slack's (docs.slack.dev/messaging/sending-messages-using-incoming-webhooks).

    In a text, `&`, `<` and `>` are control characters: `<!channel>` calls everybody, and they are escaped as
    docs.slack.dev/messaging/formatting-message-text says. `mrkdwn` switches other markup off. Servers that
    speak the same form (Mattermost) take `@channel` and `[text](address)` for more than text.
    """

    def safe(text: str) -> str:
        text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        return _CALL.sub(f"@{_NO_BREAK}", text).replace("](", f"]{_NO_BREAK}(")

    text = "\n".join(map(safe, (notice.title, *notice.lines)))
    return {"text": text, "mrkdwn": False, "unfurl_links": False, "unfurl_media": False}


def discord(notice: Notice) -> Mapping[str, object]:
    """A webhook of Discord's (docs.discord.com/developers/resources/webhook, Execute Webhook).

    `allowed_mentions` without `parse` lets no text call anybody, and a backslash takes its meaning from a
    character of the markup. At most 2,000 characters are taken; a half escape at the end would show one.
    """

    def safe(text: str) -> str:
        return _CALL.sub(f"@{_NO_BREAK}", _DISCORD_MARKUP.sub(r"\\\1", text))

    text = "\n".join(map(safe, (notice.title, *notice.lines)))
    if len(text) > _DISCORD_MOST:
        text = text[: _DISCORD_MOST - 1].rstrip("\\") + "…"
    return {"content": text, "allowed_mentions": {"parse": []}, "flags": _NO_EMBEDS}


def ntfy(notice: Notice, topic: str) -> Mapping[str, object]:
    """A message as JSON to ntfy's root (docs.ntfy.sh/publish, Publish as JSON): no text is in a header.

    Without `markdown` the text is plain.
    """
    return {
        "topic": topic,
        "title": notice.title,
        "message": "\n".join(notice.lines) or notice.title,
        "priority": _HIGH if notice.is_bad else _USUAL,
    }


def _to_matrix(receiver: Receiver, notice: Notice) -> Sent:
    """A message in a room (spec.matrix.org, client-server API, `PUT …/send/{eventType}/{txnId}`).

    The home server drops a second one with the same transaction id. `body` alone is plain text, and an empty
    `m.mentions` says that it calls nobody, whatever is in it ("User and room mentions").
    """
    room, id_ = (quote(text, safe="") for text in (receiver.room, notice.id))
    path = f"/_matrix/client/v3/rooms/{room}/send/m.room.message/{id_}"
    content = {
        "msgtype": "m.notice",
        "body": "\n".join((notice.title, *notice.lines)),
        "m.mentions": {},
    }
    sent = _post(receiver.url.rstrip("/") + path, content, _bearer(receiver.secret))
    return Sent("PUT", sent.url, sent.body, sent.headers)


def _signed(receiver: Receiver, notice: Notice, now: int) -> Sent:
    """A webhook as Standard Webhooks 1.0 has it (github.com/standard-webhooks, spec/standard-webhooks.md).

    The signature is over the id, the time and the body. Any of its libraries verifies it.
    """
    kind = notice.occasions[0] if notice.occasions else "test"
    body = json.dumps(
        {
            "type": f"hitless.{kind}",
            "timestamp": notice.time,
            "data": {
                "id": notice.id,
                "occasions": notice.occasions,
                "summary": notice.title,
                "applications": notice.applications,
                "operation": notice.operation,
                "release": notice.release,
                "host": notice.host,
                "by": notice.by,
                "cause": notice.cause,
                "next": notice.next,
            },
        }
    ).encode()
    headers = {
        "webhook-id": notice.id,
        "webhook-timestamp": str(now),
        "webhook-signature": signature(receiver.secret, notice.id, now, body),
    }
    return Sent("POST", receiver.url, body, {**_JSON, **headers})


def signature(secret: str, id_: str, now: int, body: bytes) -> str:
    """The signature of a webhook, by its secret (`whsec_…`)."""
    key = base64.b64decode(secret.removeprefix(WEBHOOK_SECRET))
    made = hmac.new(key, f"{id_}.{now}.".encode() + body, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(made).decode()}"


def mail(receiver: Receiver, notice: Notice, now: int) -> EmailMessage:
    """A mail (RFC 5322). No header has an end of a line in it: Python refuses it, and `title` has none.

    `Auto-Submitted` (RFC 3834) keeps programs from answering it.
    """
    message = EmailMessage(policy=SMTP)
    message["From"] = receiver.sender
    message["To"] = ", ".join(receiver.to)
    message["Subject"] = notice.title
    message["Date"] = format_datetime(datetime.fromtimestamp(now, UTC))
    message["Message-ID"] = f"<{notice.id}@{receiver.sender.rpartition('@')[2]}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content("\n".join((notice.title, "", *notice.lines)) + "\n")
    return message


_JSON = {"Content-Type": "application/json; charset=utf-8", "User-Agent": "hitless"}


def _post(url: str, content: object, headers: Mapping[str, str] | None = None) -> Sent:
    return Sent("POST", url, json.dumps(content).encode(), {**_JSON, **(headers or {})})


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"} if token else {}
