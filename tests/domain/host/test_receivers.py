"""What is wrong with a receiver, and what of it may be shown."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hitless.domain.host.receivers import Kind, Receiver, check, kind_of

KEY = "whsec_" + "A" * 43 + "="
SLACK = Receiver("ops", Kind.SLACK, "https://hooks.slack.com/services/T0/B0/hunter2")
DISCORD = Receiver("chat", Kind.DISCORD, "https://discord.com/api/webhooks/1/hunter2")
MATRIX = Receiver("room", Kind.MATRIX, "https://matrix.example.org", "hunter2", room="!abc:example.org")
NTFY = Receiver("phone", Kind.NTFY, "https://ntfy.sh/hunter2", "tk_hunter2")
WEBHOOK = Receiver("program", Kind.WEBHOOK, "https://ci.example.org/hooks?a=hunter2", KEY)
MAIL = Receiver(
    "mail",
    Kind.MAIL,
    "smtps://ann@mail.example.org",
    "hunter2",
    sender="hitless@example.org",
    to=("ann@example.org", "bob@example.org"),
)
ALL = (SLACK, DISCORD, MATRIX, NTFY, WEBHOOK, MAIL)


@pytest.mark.parametrize("receiver", ALL, ids=lambda one: one.kind)
def test_each_kind_as_it_should_be(receiver: Receiver) -> None:
    assert check(receiver) == ()
    assert "hunter2" not in repr(receiver) + receiver.address
    assert KEY not in repr(receiver)


@pytest.mark.parametrize("receiver", ALL, ids=lambda one: one.kind)
@pytest.mark.parametrize(
    "url",
    [
        "",
        "hunter2",
        "file:///hunter2",
        "ftp://example.org/hunter2",
        "https://exa mple.org/hunter2",
        "https://example.org/hunter2\r\nHost: evil.example",
        "https://[example.org/hunter2",
        "https://example.org:hunter2/",
        "https:///hunter2",
        "smtp:///hunter2",
        "https://grüße.example/hunter2",
    ],
)
def test_no_other_address_is_taken_and_none_is_shown(receiver: Receiver, url: str) -> None:
    found = check(replace(receiver, url=url))
    assert found
    assert "hunter2" not in str(found)


@pytest.mark.parametrize(
    ("receiver", "path"),
    [
        (replace(SLACK, url="http://chat.example.org/services/T0/B0/x"), "URL"),
        (replace(SLACK, secret="x"), "--secret-from"),
        (replace(SLACK, url="https://user:x@hooks.slack.com/services"), "URL"),
        (replace(NTFY, url="http://ntfy.example.org/topic"), "URL"),
        (replace(NTFY, url="https://ntfy.sh/"), "URL"),
        (replace(NTFY, secret="a\r\nb"), "secret"),
        (replace(MATRIX, room=""), "--room"),
        (replace(MATRIX, secret=""), "--secret-from"),
        (replace(MATRIX, url="https://matrix.example.org/_matrix"), "URL"),
        (replace(WEBHOOK, secret=""), "--secret-from"),
        (replace(WEBHOOK, secret="hunter2"), "--secret-from"),
        (replace(WEBHOOK, secret="whsec_c2hvcnQ="), "--secret-from"),
        (replace(WEBHOOK, room="!a:b"), "--room"),
        (replace(WEBHOOK, to=("ann@example.org",)), "--from, --to"),
        (replace(MAIL, to=()), "--to"),
        (replace(MAIL, to=("ann@example.org, bob@example.org",)), "--to"),
        (replace(MAIL, sender="Ann <ann@example.org>"), "--from"),
        (replace(MAIL, sender="ann@example.org\nBcc: x@y"), "--from"),
        (replace(MAIL, secret=""), "URL"),
        (replace(MAIL, url="smtps://mail.example.org"), "URL"),
        (replace(MAIL, url="smtps://ann:x@mail.example.org"), "URL"),
        (replace(MAIL, url="smtps://ann@mail.example.org/inbox"), "URL"),
    ],
)
def test_what_is_wrong_has_its_place(receiver: Receiver, path: str) -> None:
    assert path in [one.path for one in check(receiver)]


def test_without_a_secret_or_on_this_machine_http_will_do() -> None:
    assert check(replace(NTFY, url="http://ntfy.example.org/topic", secret="")) == ()
    assert check(replace(WEBHOOK, url="http://ci.example.org/hook")) == ()
    for host in ("localhost", "127.0.0.1", "[::1]"):
        assert check(replace(SLACK, url=f"http://{host}:8065/hooks/x")) == ()


def test_the_address_tells_the_kind_where_it_can() -> None:
    known = (SLACK, DISCORD, NTFY, WEBHOOK, MAIL)
    assert [kind_of(one.url) for one in known] == [one.kind for one in known]
    assert kind_of("https://[") is Kind.WEBHOOK
    assert kind_of("https://hooks.slack.com.evil.example/") is Kind.WEBHOOK
