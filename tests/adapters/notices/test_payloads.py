"""What each kind of receiver is sent: in its documented form, and the words of others stay words."""

from __future__ import annotations

import base64
import email
import email.policy
import hashlib
import hmac
import json
import re
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hitless.adapters.notices.payloads import discord, mail, ntfy, request, signature, slack
from hitless.domain.host.notices import Notice
from hitless.domain.host.receivers import Occasion
from tests.domain.builders import examples
from tests.domain.host.test_receivers import DISCORD, KEY, MAIL, MATRIX, NTFY, SLACK, WEBHOOK
from tests.reference.pages import DOCS, blocks

NOW = 1_790_000_000
FAILED = Notice(
    id="msg_0123",
    occasions=(Occasion.FAILED,),
    summary="shop: deploy of release 7 failed; everything is as it was before",
    applications=("shop",),
    operation="deploy",
    release=7,
    time="2026-11-28T10:00:00+00:00",
    by="ann@laptop, process 17",
    host="far",
    cause="web is not ready: its health check prints <b> & more",
    next="hitless -p shop show 7",
)
# what chats, mail and terminals take for more than text
HOSTILE = st.text(max_size=60) | st.sampled_from(
    [
        "@everyone @here",
        "<!channel> <@U123> <https://evil.example|here>",
        "[here](https://evil.example) ![x](https://evil.example/x.png)",
        "subject\r\nBcc: eve@evil.example\r\n\r\nbody",
        "a\x1b[2J\u202eb\u2028c\x00",
        "**bold** `code` ||spoiler|| <t:1:R> <@&1>",
        "x" * 5000,
        "\\" * 5000,
    ]
)


def notice(text: str) -> Notice:
    return Notice(
        "msg_1", (Occasion.FAILED,), f"shop: {text}", (text,), text, 7, text, text, text, text, text
    )


def body(sent: Any) -> Any:
    return json.loads(sent.body)


def test_slack_gets_text_without_markup() -> None:
    sent = request(SLACK, FAILED, NOW)
    assert (sent.method, sent.url) == ("POST", SLACK.url)
    assert sent.headers["Content-Type"].startswith("application/json")
    assert set(body(sent)) == {"text", "mrkdwn", "unfurl_links", "unfurl_media"}
    assert body(sent)["mrkdwn"] is False
    assert body(sent)["text"].splitlines() == [
        "shop: deploy of release 7 failed; everything is as it was before",
        "cause: web is not ready: its health check prints &lt;b&gt; &amp; more",
        "host: far",
        "by: ann@laptop, process 17",
        "at: 2026-11-28T10:00:00+00:00",
        "next: hitless -p shop show 7",
    ]


@examples(100)
@given(HOSTILE)
def test_no_text_calls_anybody_in_slack_or_is_a_link(text: str) -> None:
    found = str(slack(notice(text))["text"])
    assert not set("<>") & set(found)
    assert re.findall(r"&(?!amp;|lt;|gt;)", found) == []
    assert "](" not in found
    assert re.search(r"(?<![A-Za-z0-9])@\w", found) is None
    assert len(found.splitlines()) <= 6


@examples(100)
@given(HOSTILE)
def test_no_text_calls_anybody_in_discord_or_is_markup(text: str) -> None:
    found = discord(notice(text))
    assert found["allowed_mentions"] == {"parse": []}
    content = str(found["content"])
    assert 0 < len(content) <= 2000
    assert re.search(r"(?<![A-Za-z0-9])@\w", content) is None
    rest = re.sub(r"\\[^0-9A-Za-z\s]", "", content)  # Discord's own expression of an escape
    assert not set("\\*_~`|<>#[]@") & set(rest)


def test_discord_gets_a_message_that_may_call_nobody() -> None:
    sent = request(DISCORD, FAILED, NOW)
    assert (sent.method, sent.url) == ("POST", DISCORD.url)
    assert set(body(sent)) == {"content", "allowed_mentions", "flags"}
    assert body(sent)["flags"] == 4


def test_ntfy_gets_its_topic_in_json_and_its_token_in_a_header() -> None:
    sent = request(NTFY, FAILED, NOW)
    assert (sent.method, sent.url) == ("POST", "https://ntfy.sh/")
    assert sent.headers["Authorization"] == "Bearer tk_hunter2"
    assert body(sent)["topic"] == "hunter2"
    assert body(sent)["title"] == FAILED.summary
    assert body(sent)["priority"] == 4
    assert set(body(sent)) == {"topic", "title", "message", "priority"}


@examples(100)
@given(HOSTILE)
def test_no_text_is_in_a_header_or_an_address(text: str) -> None:
    for receiver in (SLACK, DISCORD, NTFY, MATRIX, WEBHOOK):
        one, other = request(receiver, notice(text), NOW), request(receiver, notice("other"), NOW)
        assert one.url == other.url
        different = {key for key, value in one.headers.items() if other.headers[key] != value}
        assert different <= {"webhook-signature"}
        assert all(value.isascii() and value.isprintable() for value in one.headers.values())


@examples(100)
@given(HOSTILE)
def test_a_title_is_one_line(text: str) -> None:
    title = str(ntfy(notice(text), "topic")["title"])
    assert len(title.splitlines()) <= 1
    assert len(title) <= 300


def test_matrix_gets_plain_text_that_calls_nobody_and_can_drop_a_second_one() -> None:
    sent = request(MATRIX, FAILED, NOW)
    assert sent.method == "PUT"
    room = "/_matrix/client/v3/rooms/%21abc%3Aexample.org/send/m.room.message/msg_0123"
    assert sent.url == f"https://matrix.example.org{room}"
    assert sent.headers["Authorization"] == "Bearer hunter2"
    assert body(sent)["msgtype"] == "m.notice"
    assert body(sent)["m.mentions"] == {}
    assert set(body(sent)) == {"msgtype", "body", "m.mentions"}  # no HTML


def test_a_webhook_is_signed_as_standard_webhooks_says() -> None:
    sent = request(WEBHOOK, FAILED, NOW)
    assert (sent.method, sent.url) == ("POST", WEBHOOK.url)
    assert body(sent)["type"] == "hitless.failed"
    assert body(sent)["data"]["cause"] == FAILED.cause
    signed = f"{sent.headers['webhook-id']}.{sent.headers['webhook-timestamp']}.".encode() + sent.body
    key = base64.b64decode(KEY.removeprefix("whsec_"))
    made = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    assert sent.headers["webhook-signature"] == f"v1,{made}"
    assert sent.headers["webhook-timestamp"] == str(NOW)


def test_a_receiver_verifies_it_as_the_page_says() -> None:
    [code] = [one.text for one in blocks(DOCS / "notifications.md") if one.language == "python"]
    page: dict[str, Any] = {}
    exec(code, page)
    now = int(time.time())
    sent = request(WEBHOOK, FAILED, now)
    headers = dict(sent.headers)
    assert page["is_from_hitless"](KEY, headers, sent.body)
    assert not page["is_from_hitless"](KEY, headers, sent.body + b" ")
    assert not page["is_from_hitless"]("whsec_" + "B" * 43 + "=", headers, sent.body)
    old = request(WEBHOOK, FAILED, now - 3600)
    assert not page["is_from_hitless"](KEY, old.headers, old.body)


def test_the_signature_is_that_of_the_specification() -> None:
    """The example of the specification's own libraries."""
    made = signature(
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "msg_p5jXN8AQM9LWM0D4loKWxJek",
        1614265330,
        b'{"test": 2432232314}',
    )
    assert made == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


@examples(100)
@given(HOSTILE)
def test_a_mail_has_the_headers_that_it_should_have_and_no_others(text: str) -> None:
    read = email.message_from_bytes(mail(MAIL, notice(text), NOW).as_bytes(), policy=email.policy.default)
    assert sorted(name.lower() for name in read) == [
        *("auto-submitted", "content-transfer-encoding", "content-type", "date", "from", "message-id"),
        *("mime-version", "subject", "to"),
    ]
    assert read["To"] == "ann@example.org, bob@example.org"
    assert read["Message-ID"] == "<msg_1@example.org>"


def test_a_mail_is_readable() -> None:
    read = email.message_from_bytes(mail(MAIL, FAILED, NOW).as_bytes(), policy=email.policy.default)
    assert read["Subject"] == FAILED.summary
    text = read.get_content()
    assert "cause: web is not ready: its health check prints <b> & more" in text.splitlines()


@pytest.mark.parametrize("receiver", [SLACK, DISCORD, NTFY, MATRIX, WEBHOOK], ids=lambda one: one.kind)
def test_a_request_does_not_show_its_secrets(receiver: Any) -> None:
    assert "hunter2" not in repr(request(receiver, Notice("msg_1", (), "a test"), NOW))
