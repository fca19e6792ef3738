"""docs/reference/compose.md says what the code does, for every key of the Compose specification."""

from __future__ import annotations

from typing import Any

import pytest

from hitless.domain.checks import application as checks
from hitless.domain.common.names import Colour
from hitless.domain.gateway.model import Gateway
from hitless.domain.release import compose_models
from tests.domain.builders import application, image, prepared, release, web, world
from tests.reference.compose import KEYS, PAGE, ROWS, Does, page, row_of

GATEWAY = Gateway("gate", "gate-traefik-1", "gate_webgateway", {"web": 80})
# A value for each key that is refused or warned of
VALUES: dict[str, Any] = {
    "services.container_name": "shop",
    "services.hostname": "shop",
    "services.external_links": ["other"],
    "services.mac_address": "02:42:ac:11:65:43",
    "services.models": {"llm": None},
    "services.provider": {"type": "awesomecloud"},
    "services.post_start": [{"command": ["true"]}],
    "services.pre_start": [{"command": ["true"]}],
    "services.pre_stop": [{"command": ["true"]}],
    "services.use_api_socket": True,
    "services.networks.ipv4_address": "10.0.0.2",
    "services.networks.ipv6_address": "fd00::2",
    "services.networks.link_local_ips": ["169.254.8.8"],
    "services.networks.mac_address": "02:42:ac:11:65:43",
    "services.deploy.mode": "global",
    "services.deploy.placement": {"constraints": ["node.role==manager"]},
    "secrets.external": True,
    "configs.external": True,
    "networks.enable_ipv4": False,
}
# Values that other parts of hitless read; all others are kept whatever they are
READ = {
    "services.volumes": [{"type": "tmpfs", "target": "/x"}],
    "services.build": {"context": "."},
    "services.deploy.replicas": 2,
    "services.deploy.labels": {},
    "services.deploy.resources": {"limits": {"cpus": 1}},
    "services.links": ["app"],
    "services.healthcheck": {"test": ["CMD", "true"]},
    "services.environment": {"A": "b"},
    "services.expose": ["8000"],
    "services.scale": 2,
    "services.platform": "linux/amd64",
    "services.ipc": "host",
    "services.pid": "host",
    "services.volumes_from": ["app"],
    "services.entrypoint": ["sh"],
    "services.command": ["sh"],
    "services.secrets": [{"source": "x"}],
    "services.configs": [{"source": "x"}],
}
TAKEN = sorted(
    key
    for row in ROWS
    if row.does is Does.TAKES
    for key in row.keys.split()
    if key.startswith("services.")
    and key not in ("services.build", "services.build.tags", "services.network_mode")
)


def keys(does: Does) -> set[str]:
    return {key for row in ROWS if row.does is does for key in row.keys.split()}


def with_key(key: str, value: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """A web service and the rest of a model in which this key has this value."""
    top, *middle, last = key.split(".")
    keys: dict[str, Any] = {middle[0]: {last: value}} if middle else {last: value}
    if top == "networks":
        return web(networks={"x": None}), {top: {"x": keys}}
    if top != "services":
        return {**web(), top: [{"source": "x"}]}, {top: {"x": keys}}
    if middle == ["networks"]:
        return web(networks={"x": {last: value}}), {"networks": {"x": None}}
    return web(**keys), {}


def test_the_page_is_made_from_the_table() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run make docs, and look at the difference"


def test_the_page_has_every_key_of_the_specification_and_no_other() -> None:
    named = [key for row in ROWS for key in row.keys.split()]
    assert {key for key in named if key not in KEYS} == set()
    assert len(named) == len(set(named))
    assert {key for key in KEYS if not row_of(key)} == set()


def test_each_key_of_a_service_has_a_row_of_its_own() -> None:
    named = {key for row in ROWS for key in row.keys.split()}
    assert {key for key in KEYS if key.count(".") == 1} - named - {
        key for key in KEYS if key.split(".")[0] in ("include", "models", "volumes")
    } == set()


@pytest.mark.parametrize("key", sorted(keys(Does.REFUSES) | keys(Does.WARNS)))
def test_a_key_is_refused_or_warned_of_as_the_page_says(key: str) -> None:
    service, rest = with_key(key, VALUES[key])
    found = checks.check(application({"app": service}, **rest), world(), {"app": image(8000)})
    of_key = [one for one in found if one.path.endswith(f".{key.rpartition('.')[2]}")]
    assert [one.is_error for one in of_key] == [row_of(key).does is Does.REFUSES], found
    assert of_key[0].hint


@pytest.mark.parametrize("key", TAKEN)
def test_a_key_that_is_taken_as_written_is_in_the_colour_and_is_not_complained_of(key: str) -> None:
    service, rest = with_key(key, READ.get(key, "as written"))
    found = checks.check(application({"app": service}, **rest), world(), {"app": image(8000)})
    assert [one for one in found if one.is_error] == []
    made = compose_models.colour_model(prepared({"app": service}, **rest), release(7), Colour.BLUE, GATEWAY)
    _, top, *_ = key.split(".")
    assert made["services"]["app"][top] == service[top]
