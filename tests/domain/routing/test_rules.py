"""Which hosts a rule names, and which rules are in each other's way."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hitless.domain.routing import rules
from hitless.domain.routing.rules import UnreadableRule, collide, example, hosts, parse, takes_from
from tests.domain.builders import examples, hostile_texts


@pytest.mark.parametrize(
    ("rule", "found"),
    [
        ("Host(`a.example`)", ("a.example",)),
        ('Host("a.example")', ("a.example",)),
        ("Host('a.example')", ("a.example",)),
        ("Host( `a.example` )", ("a.example",)),
        ("Host(`A.Example`)", ("a.example",)),
        ("Host(`b`) || Host(`a`)", ("b", "a")),
        ("Host(`a`, `b`)", ("a", "b")),
        ("Host(`a`) || Host(`a`)", ("a",)),
        ("(Host(`a`) || Host(`b`)) && PathPrefix(`/x`)", ("a", "b")),
        ("PathPrefix(`/x`)", ()),
        ("HostRegexp(`.*`)", ()),
        ("HostSNI(`a`) || HostSNI(`B.`)", ("a", "b")),
        ("HostSNI(`*`)", ()),
        ("", ()),
    ],
)
def test_hosts_of_a_rule(rule: str, found: tuple[str, ...]) -> None:
    assert hosts(rule) == found


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ("Host(`a`)", "Host(`a`)"),
        ("Host(`a`)", 'Host("A")'),
        ("Host(`a`)", "Host(`b`) || Host(`a`)"),
        ("(Host(`a`) || Host(`b`))", "Host(`b`) || Host(`c`)"),
        ("Host(`a`) && PathPrefix(`/x`)", 'Host("a")&&PathPrefix("/x")'),
        ("PathPrefix(`/`)", "PathPrefix( '/' )"),
        ("Host(`a`)", "host(`a`)"),
        ("Host(`a`)", "HOST(`a`)"),
        ("Host(`a`)", 'Host("\\u0061")'),
        ("Host(`a`)", "Host(`a`) && PathPrefix(`/`)"),
        ("Host(`a`)", "Host(`a`) && !Path(`/nothing`)"),
        ("Host(`a`)", "Host(`a`) && !(Path(`/nothing`) || Method(`TRACE`))"),
        ("Host(`a`)", "Host(`a`) && PathRegexp(`.*`)"),
        ("Host(`a`)", "Host(`a.`)"),
        ("Host(`a`)", "Host(`a`) && ClientIP(`0.0.0.0/0`)"),
        ("Host(`a.example`)", "Host(`*.example`) || Host(`b`)"),
        ("Host(`a.b.example`)", "Host(`**.example`) || Host(`b`)"),
        ("Host(`a`)", "HostRegexp(`a`)"),
        ("Host(`a.example`)", r"HostRegexp(`^.+\.example$`)"),
        ("Host(`a`) && PathPrefix(`/x`)", "Host(`a`) && (PathPrefix(`/x`) || PathPrefix(`/y`))"),
        ("HostRegexp(`^y\\.test$`)", "HostRegexp(`^y[.]test$`)"),
        ("HostRegexp(`^y\\.test$`) && PathPrefix(`/`)", "HostRegexp(`(?i)^Y\\.test$`)"),
        ("Host(`a`) && PathRegexp(`^/x$`)", "Host(`a`) && PathRegexp(`^/[x]$`)"),
        ("Host(`a`) && Header(`X-Canary`, `1`)", "Host(`a`) && Header(`x-canary`, `1`)"),
        ("Host(`a`) && Path(`/x/y`)", "Host(`a`) && !Host(`b`) && PathPrefix(`/x`) && Method(`GET`)"),
    ],
)
def test_rules_that_claim_the_same_requests(one: str, two: str) -> None:
    assert collide(one, two)


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ("Host(`a`)", "Host(`b`)"),
        ("Host(`a`)", "Host(`a.b`)"),
        ("Host(`a.b.example`)", "Host(`*.example`)"),
        ("Host(`example`)", "Host(`*.example`)"),
        ("Host(`a`)", "Host(`a`) && PathPrefix(`/x`)"),
        ("Host(`a`) && PathPrefix(`/x`)", "Host(`a`) && PathPrefix(`/y`)"),
        ("Host(`a`)", "!Host(`a`)"),
        ("Host(`a`)", "Host(`a`) && Host(`b`)"),
        ("Host(`a`)", "HostRegexp(`b`)"),
        ("Host(`a.example`)", r"HostRegexp(`^.+\.b\.example$`)"),
        ("Host(`a.example`)", "PathPrefix(`/`)"),
        ("Host(`a`)", "Host(`a`) && Header(`X-Canary`, `1`)"),
        ("Host(`a`)", "!(Host(`a`) || Host(`b`))"),
        ("Host(`a`) && HostRegexp(`^a`)", "Host(`b`) && HostRegexp(`^b`)"),
        ("Host(`a`) && PathRegexp(`^/x`)", "Host(`b`) && PathRegexp(`^/x/y`)"),
    ],
)
def test_rules_that_can_be_told_apart(one: str, two: str) -> None:
    assert not collide(one, two)


@pytest.mark.parametrize(
    ("wide", "narrow"),
    [
        ("Host(`a`)", "Host(`a`) && PathPrefix(`/x`)"),
        ("PathPrefix(`/`)", "Host(`a.example`)"),
        ("PathPrefix(`/x`)", "PathPrefix(`/x/y`)"),
        (r"HostRegexp(`^.+\.example$`)", "Host(`a-rather-long-name.example`)"),
        (r"HostRegexp(`^(a|a-name)\.test$`)", "Host(`a-name.test`) && PathPrefix(`/`)"),
        ("Host(`a`) && PathRegexp(`^/a`)", "Host(`a`) && Path(`/a/longer/path`)"),
        ("Host(`a`) && HeaderRegexp(`X`, `^[a-c]`)", "Host(`a`) && Header(`X`, `a-longer-value`)"),
    ],
)
def test_an_exception_collides_only_where_it_is_overridden(wide: str, narrow: str) -> None:
    assert not collide(wide, narrow)
    assert collide(wide, narrow, priority_of_one=1000)
    assert collide(narrow, wide, priority_of_two=1000)
    assert not collide(wide, narrow, priority_of_two=1000)
    assert collide(wide, narrow, 1000, 1000)


@pytest.mark.parametrize(
    ("regular", "plain"),
    [
        (r"HostRegexp(`^y\.test$`)", "Host(`y.test`)"),
        ("Host(`a`) && PathRegexp(`^/x$`)", "Host(`a`) && Path(`/x`)"),
        ("Host(`a`) && PathRegexp(`^/x/`)", "Host(`a`) && PathPrefix(`/x/`)"),
        ("Host(`a`) && HeaderRegexp(`X`, `^1$`)", "Host(`a`) && Header(`x`, `1`)"),
        ("Host(`a`) && QueryRegexp(`q`, `^1$`)", "Host(`a`) && Query(`q`, `1`)"),
        ("Host(`a`) && QueryRegexp(`q`, `1`)", "Host(`a`) && Query(`q`)"),
        ("Path(`/x`)", "HostRegexp(`.+`)"),
        (r"HostRegexp(`^[y]\.test$`) && HostRegexp(`.+`)", "Host(`y.test`)"),
    ],
)
def test_what_is_all_of_a_regular_expression_is_no_exception_to_it(regular: str, plain: str) -> None:
    assert collide(regular, plain, priority_of_two=1000)
    assert collide(plain, regular, priority_of_one=1000)


def test_a_priority_below_one_is_the_length_of_the_rule_as_traefik_takes_it() -> None:
    assert collide("Host(`a`)", "Host(`a`) || Host(`b`)", 10, -1)
    assert collide("Host(`a`)", "Host(`a`) && !Path(`/nothing`)", 0, -1)


@pytest.mark.parametrize(
    "rule", ["Host(`y.\rtest`)", "Host(`y.test\x00`)", 'Host("y\\u000d.test")', "Host(`y\n`)"]
)
def test_a_control_character_in_a_text_is_refused(rule: str) -> None:
    with pytest.raises(UnreadableRule, match="control character"):
        parse(rule)


def test_a_rule_may_have_several_lines() -> None:
    assert hosts("Host(`a`) ||\r\n\tHost(`b`)") == ("a", "b")


@pytest.mark.parametrize(
    ("one", "two", "found"),
    [
        ("PathPrefix(`/x`)", "Host(`a`)", ("a",)),
        ("PathPrefix(`/x`)", "Host(`a`) && Path(`/x`)", ()),  # it is the longer one
        ("PathPrefix(`/x`) && Method(`GET`)", "Host(`a`) && Path(`/x/y`)", ("a",)),
        ("PathPrefix(`/x`) && Method(`GET`)", "Host(`a`) && Path(`/y`)", ()),
        ("PathPrefix(`/x`) && Method(`GET`)", "Host(`a`) && PathPrefix(`/`)", ("a",)),
        ("Path(`/x`) && Method(`GET`)", "Host(`a`) && Path(`/y`)", ()),
        ("Path(`/x`) && Path(`/x`)", "Host(`a`) && Path(`/x`)", ("a",)),
        ("PathPrefix(`/x`) && Method(`GET`)", "Host(`a`) || HostRegexp(`^b`)", ("a", "^b")),
        ("Host(`b`) && PathPrefix(`/x`)", "Host(`a`)", ()),
        ("!Host(`b`) && PathPrefix(`/x`)", "Host(`a`)", ("a",)),
    ],
)
def test_hosts_from_which_a_route_without_a_host_takes_requests(
    one: str, two: str, found: tuple[str, ...]
) -> None:
    assert takes_from(one, two) == found


@pytest.mark.parametrize(
    "rule",
    [
        "",
        "Host(`a`",
        "Host(`a`)) || (Host(`b`)",
        "Host(`a`) Host(`b`)",
        "Host(`a`) &&",
        "Host(a)",
        "Host()",
        "Host(`a`) & Path(`/`)",
        "Host:a.example",
        r'Host("\x61")',
        "(" * 60 + "Host(`a`)" + ")" * 60,
        " && ".join(["(Host(`a`) || Host(`b`))"] * 20),
        "Host(`a`) # a comment",
    ],
)
def test_a_rule_that_cannot_be_read(rule: str) -> None:
    with pytest.raises(UnreadableRule):
        parse(rule)


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ("Host(nc.localhost)", "Host(nc.localhost) needs back-quotes around its text: Host(`nc.localhost`)"),
        ("Host(`a`) && PathPrefix( /x )", "PathPrefix(/x) needs back-quotes"),
        ("Host(`a`) || (Host(10.0.0.1))", "Host(10.0.0.1) needs back-quotes"),
    ],
)
def test_a_text_without_quotes_is_shown_with_them(rule: str, said: str) -> None:
    with pytest.raises(UnreadableRule, match=re.escape(said)):
        parse(rule)


@pytest.mark.parametrize("rule", ["Host(`a`)", "Header(`Host(b)`, `x`)", 'Path("/Host(b)")', "(Host(`a`))"])
def test_quotes_are_missed_where_they_are_missing_alone(rule: str) -> None:
    assert parse(rule)


@pytest.mark.parametrize(
    ("rule", "is_tcp", "said"),
    [
        ("Hots(`a`)", False, "no matcher hots here"),
        ("Host(`a`) && Headers(`x`, `y`)", False, "no matcher headers here"),
        ("Host(`a`)", True, "no matcher host here, only ALPN, ClientIP, HostSNI, HostSNIRegexp"),
        ("Header(`x`)", False, "header takes 2 texts, and has 1"),
        ("Query(`x`, `y`, `z`)", False, "query takes 1 or 2 texts, and has 3"),
        ("Host(`a`) && PathPrefix(`https://a`)", False, "begins with /, not as `https://a` does"),
        ("Path(``)", False, "the path of path begins with /, not as `` does"),
    ],
)
def test_a_matcher_that_traefik_does_not_have_is_told(rule: str, is_tcp: bool, said: str) -> None:
    [found] = rules.strange(rule, is_tcp)
    assert said in found


def test_traefiks_matchers_are_known_in_any_case() -> None:
    assert not rules.strange("HOST(`a`) && (pathprefix(`/x`) || !Query(`a`))", is_tcp=False)
    assert not rules.strange("HostSNI(`*`) && ALPN(`h2`)", is_tcp=True)
    assert not rules.strange("Host(", is_tcp=False)


class Tokens:
    """A pattern that remembers where it was asked to look."""

    def __init__(self, pattern: re.Pattern[str]) -> None:
        self.pattern = pattern
        self.looks: list[tuple[int, int]] = []

    def match(self, text: str, position: int = 0) -> re.Match[str] | None:
        self.looks.append((len(text), position))
        return self.pattern.match(text, position)


@pytest.mark.parametrize("sign", [" || ", " && "])
def test_a_rule_is_read_once_from_left_to_right_up_to_a_bound(
    monkeypatch: pytest.MonkeyPatch, sign: str
) -> None:
    tokens = Tokens(rules._TOKEN)
    monkeypatch.setattr(rules, "_TOKEN", tokens)
    rule = sign.join(["Host(`long.example`)"] * 20_000)
    with pytest.raises(UnreadableRule, match="more than 1000 matchers"):
        parse(rule)
    # five tokens for each matcher and its sign, each looked for where the one before it ended
    assert len(tokens.looks) <= 5 * 1001 + 1
    assert {length for length, _ in tokens.looks} == {len(rule)}
    positions = [position for _, position in tokens.looks]
    assert positions == sorted(set(positions))


def test_a_rule_of_many_matchers_is_read() -> None:
    assert len(parse(" || ".join(f"Host(`{number}.example`)" for number in range(1000)))) == 1000
    assert len(parse(" && ".join(["Host(`long.example`)"] * 1000))[0]) == 1000


@pytest.mark.parametrize(
    ("rule", "found"),
    [
        ("Host(`a`)", ("a", "/")),
        ("Host(`a`) && PathPrefix(`/x`)", ("a", "/x")),
        ("Host(`a`) && (Path(`/x`) || Path(`/y`))", ("a", "/x")),
        ("PathPrefix(`/x`)", ("", "/x")),
        ("Host(`a`) && Header(`X`, `1`) || Host(`b`)", ("b", "/")),
        ("Host(`a`) && Host(`b`)", None),
        ("Host(`a`) && !Path(`/x`)", None),
        ("HostRegexp(`.*`)", None),
        ("Host(`*.example`)", None),
        ("Host(`a`", None),
    ],
)
def test_an_example_of_what_a_rule_matches(rule: str, found: tuple[str, str] | None) -> None:
    assert example(rule) == found


def test_paths_that_differ_in_case_are_different_paths() -> None:
    assert not collide("Host(`a`) && Path(`/Shop`)", "Host(`a`) && Path(`/shop`)")


@examples(200)
@given(hostile_texts(), hostile_texts())
def test_any_text_is_read_without_complaint_and_collisions_are_mutual(one: str, two: str) -> None:
    hosts(one)
    assert collide(one, two) == collide(two, one)
    assert collide(one, one)


@examples(100)
@given(st.lists(st.from_regex(r"[a-z]{1,3}\.example", fullmatch=True), min_size=1, max_size=4, unique=True))
def test_every_host_of_a_rule_collides_with_it(names: list[str]) -> None:
    rule = " || ".join(f"Host(`{name}`)" for name in names)
    assert hosts(rule) == tuple(names)
    assert all(collide(rule, f"Host(`{name}`)") for name in names)


@pytest.mark.parametrize(
    ("rule", "today"),
    [
        ("Host(`a.example`, `b.example`)", "(Host(`a.example`) || Host(`b.example`))"),
        ("!Host( `a` ,`b` ) && PathPrefix(`/x`)", "!(Host(`a`) || Host(`b`)) && PathPrefix(`/x`)"),
        ('HostSNI("a", `b`)', '(HostSNI("a") || HostSNI(`b`))'),
        ("Host(`a`) && Header(`X-A`, `Host(1, 2)`)", "Host(`a`) && Header(`X-A`, `Host(1, 2)`)"),
        ('Header(`X`, `Host("a", "b")`)', 'Header(`X`, `Host("a", "b")`)'),
        ("HostRegexp(`a{1,3}`)", "HostRegexp(`a{1,3}`)"),
    ],
)
def test_several_texts_in_one_matcher_are_alternatives_as_in_traefik_2(rule: str, today: str) -> None:
    assert rules.of_today(rule) == today
    assert rules.of_today(today) == today
    assert rules.parse(today)
