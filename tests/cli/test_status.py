from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from hitless import wiring
from hitless.cli.views.gateway import show_applications
from hitless.cli.views.status import show_status
from hitless.cli.views.words import openable
from hitless.domain.common.errors import HitlessError
from hitless.domain.common.names import Colour
from hitless.domain.gateway.image import TRAEFIK_IMAGE
from hitless.domain.gateway.instances import Health, Instances
from hitless.domain.gateway.model import Gateway
from hitless.domain.gateway.settings import GatewaySettings
from hitless.domain.host.journal import Holder, Run
from hitless.domain.host.status import application_status, host_status
from hitless.domain.host.world import Container, World, read_kept
from hitless.domain.release.model import Image, Release
from hitless.domain.routing.model import Router
from hitless.domain.routing.split import ColourRouting, Routing, all_to

SETTINGS = GatewaySettings(http_port=18080, bind="127.0.0.1")
SECRET = "hunter2"
GATEWAY = Gateway("traefik", "traefik-traefik-1", "traefik_webgateway", {"web": 80})

Capture = pytest.CaptureFixture[str]


def container(colour: Colour, release: int, number: int = 1, **fields: Any) -> Container:
    name = f"shop-{colour}-web-{number}"
    known = {"state": "running", "health": "healthy", **fields}
    return Container(
        id=name,
        name=name,
        gateway="traefik",
        application="shop",
        service="web",
        colour=colour,
        release=release,
        **known,
    )


def release(number: int, promoted: int = 1) -> Release:
    return Release(
        number=number,
        created=f"2026-11-0{number}T21:46:16.752+00:00",
        revision=f"5beba4c8a3f{number}",
        images={"web": Image(f"sha256:{number}", (8000,), False)},
        model={"services": {"web": {"environment": {"PASSWORD": SECRET}}}},
        promoted=promoted,
    )


def routing(live: Colour | None, *rules: str) -> Routing:
    rule = rules or ("Host(`shop.localhost`) || Host(`www.shop.localhost`)",)
    routers = tuple(Router(f"r{number}", "web", one, "web") for number, one in enumerate(rule))
    part = ColourRouting(2, routers, {}, {})
    return Routing("shop", 3, all_to(live), {live: part} if live else {})


LIVE = World(
    gateway=GATEWAY,
    routings={"shop": routing(Colour.GREEN)},
    containers=(container(Colour.GREEN, 2, 2), container(Colour.GREEN, 2)),
    kept=read_kept((release(1), release(2), release(3, promoted=0)), GATEWAY),
)
LEFTOVER = replace(LIVE, containers=(*LIVE.containers, container(Colour.BLUE, 1, state="exited", health="")))
STOPPED = replace(
    LIVE, containers=tuple(replace(one, state="exited", health="unhealthy") for one in LIVE.containers)
)
# without the gateway nobody can read its routing files or the releases
DOWN = World(gateway=None, containers=LIVE.containers)
NOTHING = World(gateway=GATEWAY)
ALL = {"live": LIVE, "leftover": LEFTOVER, "stopped": STOPPED, "gateway-down": DOWN}


def text_of(capsys: Capture, world: World, settings: GatewaySettings | None = SETTINGS) -> str:
    show_status(application_status("shop", world, settings), as_json=False)
    return capsys.readouterr().out


def json_of(capsys: Capture, world: World, settings: GatewaySettings | None = SETTINGS) -> dict[str, Any]:
    show_status(application_status("shop", world, settings), as_json=True)
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


# one application


def test_an_application_that_is_not_deployed_is_an_error_that_says_what_to_do() -> None:
    with pytest.raises(HitlessError, match="shop is not deployed here") as raised:
        show_status(application_status("shop", NOTHING, SETTINGS), as_json=False)

    assert "hitless deploy" in raised.value.hint


def test_an_application_that_is_not_deployed_as_json(capsys: Capture) -> None:
    assert json_of(capsys, NOTHING) == {
        "application": "shop",
        "live": None,
        "addresses": [],
        "deployment": None,
        "problems": [],
        "containers": [],
        "releases": [],
    }


def test_a_live_application(capsys: Capture) -> None:
    shown = text_of(capsys, LIVE).splitlines()

    assert shown[0] == "shop  live: green, release 2"
    assert shown[1:3] == ["  http://shop.localhost:18080", "  http://www.shop.localhost:18080"]
    rows = [line.split() for line in shown if "shop-green" in line]
    assert rows == [
        ["green", "2", "web", "shop-green-web-1", "running", "healthy"],
        ["green", "2", "web", "shop-green-web-2", "running", "healthy"],
    ]
    assert shown[-3:] == [
        "  release 3  2026-11-03 21:46:16  5beba4c8a3f3 (never was live)",
        "  release 2  2026-11-02 21:46:16  5beba4c8a3f2 (live)",
        "  release 1  2026-11-01 21:46:16  5beba4c8a3f1",
    ]


def test_a_live_application_as_json(capsys: Capture) -> None:
    found = json_of(capsys, LIVE)

    assert found["application"] == "shop"
    assert found["live"] == {"colour": "green", "release": 2}
    assert found["addresses"] == ["http://shop.localhost:18080", "http://www.shop.localhost:18080"]
    assert found["problems"] == []
    assert found["containers"][0] == {
        "colour": "green",
        "release": 2,
        "service": "web",
        "container": "shop-green-web-1",
        "state": "running",
        "health": "healthy",
    }
    assert [one["number"] for one in found["releases"]] == [3, 2, 1]
    assert found["releases"][1] == {
        "number": 2,
        "created": "2026-11-02T21:46:16.752+00:00",
        "revision": "5beba4c8a3f2",
        "promoted": True,
        "images": {"web": "sha256:2"},
    }


def test_the_leftover_of_an_interrupted_deployment(capsys: Capture) -> None:
    [problem] = json_of(capsys, LEFTOVER)["problems"]
    shown = text_of(capsys, LEFTOVER)

    assert problem.startswith("blue is there but not live")
    assert "the next hitless deploy removes it" in problem
    assert problem in shown
    assert "shop  live: green, release 2" in shown
    [row] = [line.split() for line in shown.splitlines() if "shop-blue" in line]
    assert row == ["blue", "1", "web", "shop-blue-web-1", "exited", "-"]


def test_a_live_colour_without_a_running_container(capsys: Capture) -> None:
    [problem] = json_of(capsys, STOPPED)["problems"]

    assert problem == "no container of the live colour green is running; run: hitless deploy"
    assert problem in text_of(capsys, STOPPED)


def test_a_live_colour_whose_containers_are_gone(capsys: Capture) -> None:
    [problem] = json_of(capsys, replace(LIVE, containers=()))["problems"]

    assert problem.startswith("no container of the live colour green is running")


def test_a_gateway_that_is_down(capsys: Capture) -> None:
    found = json_of(capsys, DOWN)
    shown = text_of(capsys, DOWN)

    assert found["live"] is None
    assert "the gateway is not up; run: hitless gateway up" in found["problems"]
    assert "nothing is live" in shown
    assert "hitless gateway up" in shown
    assert shown.count("shop-green-web-") == 2


def test_with_the_gateway_down_nobody_can_say_what_is_left_over(capsys: Capture) -> None:
    # the routing file cannot be read, so green may well be the live colour, and will be when it is up again
    assert json_of(capsys, DOWN)["problems"] == ["the gateway is not up; run: hitless gateway up"]


def test_a_routing_file_that_cannot_be_read_is_a_problem(capsys: Capture) -> None:
    world = replace(LIVE, broken={"x.yml": "x.yml in the gateway was changed [by hand]"})

    [problem] = json_of(capsys, world)["problems"]

    assert "was changed [by hand]" in problem
    assert "was changed [by hand]" in text_of(capsys, world)


def test_a_damaged_record_is_a_problem(capsys: Capture) -> None:
    [problem] = json_of(capsys, replace(LIVE, damaged=frozenset({1})))["problems"]

    assert problem == "the record of release 1 is damaged; the next hitless deploy removes it"


def test_where_nobody_knows_what_is_live_nothing_is_called_a_leftover(capsys: Capture) -> None:
    changed = replace(LIVE, routings={}, broken={"shop.yml": "shop.yml in the gateway was changed by hand"})
    behind = replace(
        LIVE, routings={}, containers=tuple(replace(one, gateway="other") for one in LIVE.containers)
    )
    for world, said in ((changed, "changed by hand"), (behind, "use --gateway other")):
        [problem] = json_of(capsys, world)["problems"]
        assert said in problem
    assert "nothing is live" not in text_of(capsys, changed)
    with pytest.raises(HitlessError, match="runs behind the gateway other"):
        text_of(capsys, behind)


def test_with_the_wrong_gateway_the_right_one_is_named(capsys: Capture) -> None:
    there = tuple(replace(one, gateway="edge") for one in LIVE.containers)
    with pytest.raises(HitlessError, match="runs behind the gateway edge") as raised:
        text_of(capsys, World(containers=there, others=("edge",)))
    assert "HITLESS_GATEWAY=edge" in raised.value.hint
    # its own gateway is down
    assert "others run: far" in text_of(capsys, World(containers=there, others=("far",)))
    with pytest.raises(HitlessError) as raised:
        text_of(capsys, World(others=("edge",)))
    assert raised.value.hint == "run: hitless gateway up; or use --gateway NAME, for one that runs: edge"


def test_an_address_can_be_opened_as_it_is_shown() -> None:
    shown = ("http://shop.example", "http://*:8080", "tcp://*:5432")
    assert openable(shown, lambda: "far") == ("http://shop.example", "http://far:8080", "tcp://far:5432")
    assert openable(shown[:1], lambda: pytest.fail("nobody needs the name")) == shown[:1]


@pytest.mark.parametrize(
    ("endpoint", "name"),
    [
        ("unix:///var/run/docker.sock", "localhost"),
        ("ssh://ann@far.example:2222", "far.example"),
        ("tcp://10.0.0.5:2376", "10.0.0.5"),
    ],
)
def test_the_hosts_name_is_that_of_its_context(
    endpoint: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", endpoint)
    assert wiring.host(None, "traefik").name() == name


def test_the_usual_port_is_not_part_of_an_address(capsys: Capture) -> None:
    found = json_of(capsys, LIVE, GatewaySettings())

    assert found["addresses"] == ["http://shop.localhost", "http://www.shop.localhost"]


def test_two_routers_of_one_host_are_one_address(capsys: Capture) -> None:
    rules = ("Host(`shop.localhost`)", "Host(`shop.localhost`) && PathPrefix(`/api`)")
    world = replace(LIVE, routings={"shop": routing(Colour.GREEN, *rules)})

    assert json_of(capsys, world)["addresses"] == ["http://shop.localhost:18080"]


def test_a_routing_without_a_live_colour_has_no_address(capsys: Capture) -> None:
    found = json_of(capsys, replace(LIVE, routings={"shop": routing(None)}))

    assert (found["live"], found["addresses"]) == (None, [])


def test_a_long_name_is_shown_whole(capsys: Capture) -> None:
    name = "a-rather-long-application-name-green-and-a-rather-long-service-1"
    world = replace(LIVE, containers=(replace(LIVE.containers[0], name=name),))

    assert name in text_of(capsys, world)


@pytest.mark.parametrize("as_json", [True, False], ids=["json", "text"])
@pytest.mark.parametrize("world", ALL.values(), ids=ALL.keys())
def test_no_environment_value_is_ever_shown(capsys: Capture, world: World, as_json: bool) -> None:
    world = replace(world, kept=LIVE.kept)

    show_status(application_status("shop", world, SETTINGS), as_json)
    show_applications(host_status(world, SETTINGS, Instances()), as_json)

    out, err = capsys.readouterr()
    assert out
    assert SECRET not in out + err
    assert "PASSWORD" not in out + err


# the gateway and all applications


def applications_of(capsys: Capture, world: World, settings: GatewaySettings | None) -> tuple[str, Any]:
    show_applications(host_status(world, settings, Instances()), as_json=False)
    text = capsys.readouterr().out
    show_applications(host_status(world, settings, Instances()), as_json=True)
    return text, json.loads(capsys.readouterr().out)


def test_the_gateway_and_its_applications(capsys: Capture) -> None:
    text, found = applications_of(capsys, LIVE, SETTINGS)

    assert text.splitlines() == [
        "gateway up: http://127.0.0.1:18080, " + TRAEFIK_IMAGE,
        "  shop  green, release 2  http://shop.localhost:18080, http://www.shop.localhost:18080",
    ]
    lists: dict[str, list[str]] = {"held": [], "trusted_proxies": [], "acme_dns_resolvers": []}
    settings = {**vars(SETTINGS), **lists}
    assert found["gateway"] == {
        "running": True,
        "settings": settings,
        "newer_image": "",
        "broken": {},
        "left": 0,
        "health": None,
        "ending": [],
        "edges": [],
    }
    assert found["applications"] == [
        {
            "application": "shop",
            "live": {"colour": "green", "release": 2},
            "addresses": ["http://shop.localhost:18080", "http://www.shop.localhost:18080"],
        }
    ]


def test_the_ports_of_applications_and_one_that_another_has_still(capsys: Capture) -> None:
    settings = replace(SETTINGS, ports={6379: "127.0.0.1"}, held=(6379,))
    text, _ = applications_of(capsys, LIVE, settings)
    assert text.splitlines()[:2] == [
        "gateway up: http://127.0.0.1:18080, 127.0.0.1:6379, " + TRAEFIK_IMAGE,
        "  others still have port 6379: see hitless adopt, or gateway up --replace",
    ]


def test_no_gateway_at_all(capsys: Capture) -> None:
    with pytest.raises(HitlessError, match="the gateway is not up") as raised:
        show_applications(host_status(World(others=("edge",)), None, Instances()), as_json=False)
    assert "for one that runs: edge" in raised.value.hint
    show_applications(host_status(World(), None, Instances()), as_json=True)
    found = json.loads(capsys.readouterr().out)

    assert found == {
        "gateway": {
            "running": False,
            "settings": None,
            "newer_image": "",
            "broken": {},
            "left": 0,
            "health": None,
            "ending": [],
            "edges": [],
        },
        "applications": [],
    }


def test_a_gateway_that_was_stopped_and_the_applications_that_wait_for_it(capsys: Capture) -> None:
    text, found = applications_of(capsys, DOWN, SETTINGS)

    assert text.splitlines()[0].startswith("gateway down: ")
    assert found["gateway"]["running"] is False
    assert [one["application"] for one in found["applications"]] == ["shop"]


def test_a_gateway_without_applications(capsys: Capture) -> None:
    text, found = applications_of(capsys, NOTHING, SETTINGS)

    assert len(text.splitlines()) == 1
    assert found["applications"] == []


def test_a_file_whose_copy_serves_is_named_with_what_to_do(capsys: Capture) -> None:
    world = replace(
        LIVE, restored={"shop.yml": "shop.yml in the gateway is empty; its last good copy serves"}
    )

    text, found = applications_of(capsys, world, SETTINGS)

    said = "shop.yml in the gateway is empty; its last good copy serves; hitless gateway up puts it back"
    assert f"  {said}" in text
    assert "shop.yml" in found["gateway"]["broken"]
    assert said in json_of(capsys, world)["problems"]


def test_a_broken_routing_file_is_shown_literally(capsys: Capture) -> None:
    world = replace(NOTHING, broken={"x[/].yml": "was not written by [red]hitless[/]"})

    text, found = applications_of(capsys, world, SETTINGS)

    assert "x[/].yml: was not written by [red]hitless[/]" in text
    assert found["gateway"]["broken"] == world.broken


@pytest.mark.parametrize(
    ("health", "said"),
    [
        (
            Health(True, 64 << 20, "2026-11-26T12:00:00.5Z", 0),
            "since 2026-11-26 12:00:00, 64 MB",
        ),
        (Health(True, -1, "2026-11-26T12:00:00.5Z", 2), "12:00:00, Docker started it again 2 times"),
        (Health(False, -1, "2026-11-26T12:00:00.5Z", 0), "Traefik does not answer; see hitless gateway logs"),
    ],
    ids=["well", "ended twice", "silent"],
)
def test_how_the_gateways_container_is(health: Health, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    show_applications(host_status(World(gateway=GATEWAY), SETTINGS, Instances(), health), as_json=False)
    assert said in capsys.readouterr().out


def left(holder: str) -> World:
    """A deployment that has begun, and whoever has the lock now."""
    run = Run("deploy", 3, "ann@desk, process 7", "", "", "drain green", "", 0.0, ())
    return replace(LIVE, runs=(run,), holder=Holder(holder, 90, 2) if holder else None, quiet=200)


def test_an_interrupted_deployment_is_told(capsys: Capture) -> None:
    show_status(application_status("shop", left(""), SETTINGS), as_json=False)

    shown = capsys.readouterr().out
    assert "interrupted deploy of release 3, at drain green, by ann@desk, process 7, 3 min ago" in shown
    assert "hitless resume" in shown


def test_a_deployment_that_is_under_way_is_told(capsys: Capture) -> None:
    show_status(application_status("shop", left("ann@desk, process 7"), SETTINGS), as_json=False)

    shown = capsys.readouterr().out
    assert "deploy of release 3 is under way, at drain green, by ann@desk, process 7" in shown
    assert "last sign of life 2 s ago" in shown
    assert "(not live yet)" in shown
    assert "never was live" not in shown


def test_who_has_just_taken_the_lock_is_not_taken_for_whoever_had_it_before(capsys: Capture) -> None:
    show_status(application_status("shop", left("bob@laptop, process 9"), SETTINGS), as_json=True)

    assert json.loads(capsys.readouterr().out)["deployment"] == {
        "operation": "",
        "release": 0,
        "step": None,
        "began": "",
        "by": "bob@laptop, process 9",
        "is_under_way": True,
        "seconds_since": 2,
    }


@pytest.mark.parametrize(
    ("label", "newer"),
    [
        ('{"image": "traefik:v3.7"}', TRAEFIK_IMAGE),  # of a hitless that recorded nothing more
        ('{"image": "traefik:v3.7.4", "image_asked": false}', TRAEFIK_IMAGE),
        ('{"image": "traefik:v3.7", "image_asked": true}', ""),
        ('{"image": "mine:1"}', ""),
        (GatewaySettings().to_label(), ""),
    ],
)
def test_a_gateway_with_an_older_image_of_hitlesss_own_is_told(
    capsys: Capture, label: str, newer: str
) -> None:
    text, found = applications_of(capsys, LIVE, GatewaySettings.from_label(label))
    assert found["gateway"]["newer_image"] == newer
    assert ("hitless gateway upgrade takes it" in " ".join(text.split())) is bool(newer)
