"""What differs between two states of an application."""

from __future__ import annotations

from typing import Any

import pytest

from hitless.domain.release.difference import ChangeKind, Difference, State, differences
from hitless.domain.release.model import Image

ADDED, REMOVED, CHANGED = ChangeKind


def of(before: dict[str, Any], after: dict[str, Any]) -> list[tuple[str, ChangeKind, str, str]]:
    """What differs between two services `web`."""
    found = differences(*(State({"name": "shop", "services": {"web": one}}) for one in (before, after)))
    return [(one.path.removeprefix("services.web."), one.kind, one.before, one.after) for one in found]


def test_the_same_has_no_difference() -> None:
    assert of({"image": "a", "ports": [1, 2]}, {"image": "a", "ports": [1, 2]}) == []


def test_an_image_and_what_it_holds() -> None:
    state = {"services": {"web": {"image": "shop:latest"}}}
    images = [{"web": Image(f"sha256:{letter * 64}", (), False)} for letter in "ab"]
    found = differences(State(state, images[0]), State(state, images[1]))
    assert found == (Difference("services.web.image (contents)", CHANGED, "a" * 12, "b" * 12),)
    assert of({"image": "a:1"}, {"image": "a:2"}) == [("image", CHANGED, "a:1", "a:2")]


def test_of_the_environment_the_names_alone() -> None:
    before = {"environment": {"MODE": "slow", "OLD": "x", "SAME": "1"}}
    after = {"environment": {"MODE": "quick", "NEW": "y", "SAME": "1"}}
    assert of(before, after) == [
        ("environment.MODE", CHANGED, "", ""),
        ("environment.NEW", ADDED, "", ""),
        ("environment.OLD", REMOVED, "", ""),
    ]


def test_of_a_list_what_was_added_and_removed() -> None:
    before, after = {"volumes": [{"source": "a"}, {"source": "b"}]}, {"volumes": [{"source": "b"}, "c"]}
    assert of(before, after) == [("volumes", REMOVED, '{"source": "a"}', ""), ("volumes", ADDED, "", "c")]
    assert of({"command": ["a", "b"]}, {"command": ["b", "a"]}) == [("command", CHANGED, "", "")]
    assert of({"dns": ["1", "2"]}, {"dns": ["2", "1"]}) == [("dns", CHANGED, '["1", "2"]', '["2", "1"]')]


def test_what_is_new_as_a_whole() -> None:
    assert of({}, {"labels": {"a": "1"}}) == [("labels.a", ADDED, "", "1")]
    found = differences(
        State({"services": {"web": {}}}), State({"services": {"web": {}, "db": {"image": "pg"}}})
    )
    assert found == (Difference("services.db", ADDED),)


SECRET = "hunter22hunter"


def test_a_secret_is_hidden_wherever_it_stands() -> None:
    before = {"environment": {"DB_PASSWORD": SECRET}, "hostname": "serve"}
    after = {"environment": {"DB_PASSWORD": SECRET}, "hostname": f"serve-{SECRET}"}
    assert of(before, after) == [("hostname", CHANGED, "serve", "serve-[redacted]")]


@pytest.mark.parametrize(
    "after",
    [
        {"labels": {"traefik.http.middlewares.a.basicauth.users": f"admin:$$apr1$$abcdefgh$${SECRET}"}},
        {"labels": {"api.token": SECRET}, "annotations": {"api.token": SECRET}},
        {"post_start": [{"command": ["x"], "environment": {"DB_PASSWORD": SECRET}}]},
        {"volumes": [{"environment": {"A": SECRET}, "token": SECRET}]},
        {"x-env": {"REGION": SECRET}},
        {"command": ["redis-cli", "-a", SECRET], "healthcheck": {"test": ["curl", "-u", SECRET]}},
        {"build": {"additional_contexts": {"a": f"https://u:{SECRET}@host/x"}, "labels": {"token": SECRET}}},
        {"image": f"https://{SECRET}:x-oauth-basic@host/x"},
        {"x-hitless": {"hooks": {"before-start": ["sh", "-c", SECRET]}}},
        {"provider": {"options": {"secret_key": SECRET}}},
    ],
)
def test_nothing_that_may_be_a_secret_is_shown(after: dict[str, Any]) -> None:
    for found in (of({}, after), of(after, {}), of({"image": "b", "labels": {}}, after)):
        assert found
        assert SECRET not in str(found)


def test_a_long_value_is_cut_off() -> None:
    [(_, _, _, shown)] = of({"hostname": "a"}, {"hostname": "b" * 999})
    assert len(shown) == 121


@pytest.mark.parametrize(
    "path", ["configs.one.content", "secrets.one.x-hitless-value", "services.web.build.args.X"]
)
def test_what_holds_values_shows_none(path: str) -> None:
    def state(value: str) -> State:
        model: Any = value
        for key in reversed(path.split(".")):
            model = {key: model}
        return State(model)

    assert differences(state("one"), state("two")) == (Difference(path, CHANGED),)
