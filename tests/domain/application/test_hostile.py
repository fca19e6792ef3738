"""Whatever comes as a Compose model: it is read, or refused in words; nothing ends in a traceback."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hitless.adapters.gateway.routing_file import parse, render
from hitless.domain.application import compose_schema
from hitless.domain.application import read as reading
from hitless.domain.checks.application import check
from hitless.domain.common import redact
from hitless.domain.common.errors import HitlessError
from hitless.domain.common.names import Colour
from hitless.domain.plan import deploy as deploy_plan
from hitless.domain.plan.routing_steps import CutOver
from hitless.domain.questions import dialogue
from hitless.domain.release import prepared as preparing
from tests.domain.builders import (
    GATEWAY,
    compose,
    examples,
    hostile_texts,
    image,
    met,
    release,
    routing,
    unrouted,
    web,
    world,
)

WORLD = world(routing(Colour.BLUE))
IMAGES = {"app": image(8000), "job": image()}

Path = tuple[str | int, ...]


def full() -> dict[str, Any]:
    """A model with every key that hitless reads."""
    return compose(
        {
            "app": web(
                build={"context": ".", "args": {"TOKEN": "a-secret"}},
                environment={"PASSWORD": "a-secret", "EMPTY": None},
                deploy={"replicas": 2, "restart_policy": {"condition": "on-failure", "max_attempts": 3}},
                healthcheck={"test": ["CMD", "true"], "interval": "1s"},
                expose=["8000", "9000/udp"],
                ports=[{"target": 8000, "protocol": "tcp", "mode": "ingress"}],
                volumes=[{"type": "volume", "source": "data", "target": "/data", "read_only": True}],
                networks={"default": None, "back": {"aliases": ["app"]}},
                x_hitless={"timeout": "5s", "successes": 3},
                restart="always",
                platform="linux/amd64",
                pull_policy="missing",
                command=["serve", "--all"],
            ),
            "job": unrouted(scale=1, network_mode="none", depends_on={"app": {"condition": "x"}}),
        },
        networks={"default": {"name": "shop_default"}, "back": {"ipam": {"config": [{"gateway": "1"}]}}},
        volumes={"data": {"name": "shop_data", "driver_opts": {"o": "x"}, "labels": {"a": "b"}}},
        secrets={"key": {"file": "key"}},
        configs={"one": {"content": "x"}},
        x_hitless={"keep": 2, "bake": "1s", "drain_timeout": "1m"},
    )


def places(value: Any, path: Path = ()) -> Iterator[Path]:
    """Every place in a model, itself included."""
    yield path
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, below in pairs:
        yield from places(below, (*path, key))


def changed(model: dict[str, Any], path: Path, value: Any) -> Any:
    """The model with another value at this place."""
    if not path:
        return value
    found = copy.deepcopy(model)
    below: Any = found
    for key in path[:-1]:
        below = below[key]
    below[path[-1]] = value
    return found


def anything() -> st.SearchStrategy[Any]:
    leaves = (
        st.none()
        | st.booleans()
        | st.integers()
        | st.floats()
        | hostile_texts()
        | st.sampled_from(["²", "1e400h", "9" * 400, "-1", b"\xff"])
    )
    return st.recursive(
        leaves,
        lambda below: (
            st.lists(below, max_size=3) | st.dictionaries(hostile_texts() | leaves, below, max_size=3)
        ),
        max_leaves=5,
    )


def used(model: Any) -> None:
    """Do with a model all that a deployment does before it touches anything."""
    if wrong := compose_schema.misshapen(model):
        assert "a-secret" not in str(wrong)
        with pytest.raises(HitlessError):
            reading.read(model)
        return
    application, findings = reading.read(model)
    redact.secrets(model)
    findings = (*findings, *check(application, WORLD, {}))
    dialogue.hold(model, dialogue.default)
    prepared, more = preparing.prepare(application, IMAGES, GATEWAY)
    findings = (*findings, *more, *check(prepared, WORLD, IMAGES))
    assert not any("a-secret" in finding.message for finding in findings)
    if any(finding.is_error for finding in findings):
        return
    planned = deploy_plan.plan_deploy(prepared, release(2, services=tuple(model["services"])), WORLD, GATEWAY)
    (cutover,) = (step for step in planned.steps if isinstance(step, CutOver))
    routing = met(cutover.routing)
    assert parse(render(routing), "x") == routing


def test_nothing_is_wrong_with_the_model_that_the_others_are_made_of() -> None:
    assert compose_schema.misshapen(full()) == ()
    assert [finding for finding in reading.read(full())[1] if finding.is_error] == []
    used(full())


PLACES = sorted(places(full()), key=str)


def plain() -> dict[str, Any]:
    """A model without a route, about which there are questions."""
    ports = [{"published": "8000", "target": 8000, "protocol": "tcp", "host_ip": "127.0.0.1"}]
    volumes = [{"type": "volume", "source": "data", "target": "/data"}, {"type": "volume", "target": "/b"}]
    services = {
        "app": unrouted(build={"context": "."}, ports=ports, x_hitless={"protocol": "http"}),
        "worker": unrouted(volumes=volumes, command=["beat"], depends_on={"app": {"condition": "x"}}),
        "other": unrouted(ports=ports),
    }
    return compose(services, x_hitless={"roles": {"other": "worker"}})


@pytest.mark.parametrize("path", sorted(places(plain()), key=str), ids=str)
@pytest.mark.parametrize("value", [None, True, 3, "text", b"\xff", [], [[]], {}, {"a": {"b": 1}}], ids=repr)
def test_questions_about_a_model_in_every_shape(path: Path, value: Any) -> None:
    used(changed(plain(), path, value))


@examples(600)
@given(st.sampled_from(PLACES), anything())
def test_one_place_of_the_model_holds_anything(path: Path, value: Any) -> None:
    used(changed(full(), path, value))


@pytest.mark.parametrize("path", PLACES, ids=lambda path: ".".join(map(str, path)) or "all")
@pytest.mark.parametrize("value", [None, True, 3, "text", b"\xff", [], [[]], {}, {"a": {"b": 1}}], ids=repr)
def test_every_place_of_the_model_in_every_shape(path: Path, value: Any) -> None:
    used(changed(full(), path, value))


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        (("services", "app"), None, "services.app must be a mapping, not nothing"),
        (("services", "app", "labels"), ["a=b"], "services.app.labels must be a mapping, not a list"),
        (
            ("services", "app", "labels"),
            {3: "x"},
            "services.app.labels must have texts as keys, not a number",
        ),
        (("services", "job", "scale"), "x", "services.job.scale must be a whole number, not a text"),
        (("services", "job", "scale"), True, "services.job.scale must be a whole number, not true or false"),
        (
            ("services", "app", "command", 0),
            b"\xff",
            "services.app.command[0] must be a text or a number, not b",
        ),
        (("services", "app", "build"), ".", "services.app.build must be a mapping, not a text"),
        ((), [], "the model must be a mapping, not a list"),
    ],
)
def test_what_cannot_be_read_is_named(path: Path, value: Any, said: str) -> None:
    with pytest.raises(HitlessError) as raised:
        reading.read(changed(full(), path, value))
    assert said in raised.value.message


def test_all_that_cannot_be_read_is_named_at_once() -> None:
    model = changed(changed(full(), ("networks",), 3), ("volumes",), 3)
    assert compose_schema.misshapen(model) == (
        "networks must be a mapping, not a number",
        "volumes must be a mapping, not a number",
    )
