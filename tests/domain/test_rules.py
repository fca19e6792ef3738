"""Which hosts a rule names, and which rules are in each other's way."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hitless.domain.rules import collide, hosts
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
        ("HostSNI(`a`)", ()),
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
    ],
)
def test_rules_that_claim_the_same_requests(one: str, two: str) -> None:
    assert collide(one, two)


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ("Host(`a`)", "Host(`b`)"),
        ("Host(`a`)", "Host(`a.b`)"),
        ("Host(`a`)", "Host(`a`) && PathPrefix(`/x`)"),
        ("Host(`a`) && PathPrefix(`/x`)", "Host(`a`) && PathPrefix(`/y`)"),
        ("Host(`a`)", "!Host(`a`)"),
        ("Host(`a`)", "Host(`a`) && Host(`b`)"),
        ("Host(`a`)", "HostRegexp(`a`)"),
    ],
)
def test_rules_that_can_be_told_apart(one: str, two: str) -> None:
    assert not collide(one, two)


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
