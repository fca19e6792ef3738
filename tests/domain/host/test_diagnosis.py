"""What `doctor` says of what it has seen."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from hitless.domain.common.names import Colour
from hitless.domain.gateway.certificates import Certificate
from hitless.domain.gateway.instances import Health
from hitless.domain.gateway.model import GatewayContainer
from hitless.domain.gateway.settings import GatewaySettings, gateway
from hitless.domain.host.diagnosis import CHECKS, Diagnosis, Level, diagnose, size
from hitless.domain.host.facts import Asked, Clock, Engine, Facts, File, Overview, Room, Usage
from hitless.domain.host.journal import Holder, Run
from hitless.domain.host.leftovers import Belongings, OwnImage
from hitless.domain.host.world import Container, World
from hitless.domain.routing.model import Router
from hitless.domain.routing.split import ColourRouting, Routing, Waiting, all_to

HERE = "2026-11-28T12:00:00.000+00:00"
ROUTER = Router("r", "web", "Host(`shop.example`)", "web", entry_points=("web",))
ROUTING = Routing("shop", 3, all_to(Colour.GREEN), {Colour.GREEN: ColourRouting(2, (ROUTER,), {}, {})})
WEB = Container("1", "shop-green-web-1", "traefik", "shop", "web", Colour.GREEN, 2, "running", "healthy")
SETTINGS = GatewaySettings()
WORLD = World(gateway=gateway("traefik", SETTINGS), routings={"shop": ROUTING}, containers=(WEB,), now=HERE)
WELL = Facts(
    HERE,
    "traefik",
    engine=Engine("26.1.5", "1.45", "Debian", "/var/lib/docker"),
    compose="2.30.0",
    clocks={"engine": Clock(0.1, 0.2), "gateway": Clock(-0.1, 0.2)},
    usage=(Usage("build cache", 3, "1.4GB", "1.4GB"),),
    container=GatewayContainer("running", is_current=True),
    settings=SETTINGS,
    traefik="3.7.15",
    health=Health(answers=True, memory=1, started=HERE, restarts=0),
    world=WORLD,
    overview=Overview(0.0, Room(10**11, 10**10, 10**6, 10**6), kept={"shop": frozenset({2})}),
    belongings=Belongings(),
    names={"shop.example": ("9.9.9.9",)},
    addresses=("9.9.9.9",),
    asked={"9.9.9.9": Asked(404, "", is_same=True)},
    file=File("shop"),
)


def wrong(facts: Facts) -> list[Diagnosis]:
    return [one for one in diagnose(facts) if one.level is not Level.OK]


def test_a_host_on_which_all_is_well_has_no_warning_and_each_check_says_something() -> None:
    found = diagnose(WELL)
    assert wrong(WELL) == []
    silent = {"certificates"}  # there is no HTTPS
    assert {one.check for one in found} == {name for name, *_ in CHECKS} - silent


def of_shop(**changes: Any) -> World:
    return replace(WORLD, **changes)


def overview(**changes: Any) -> Overview:
    assert WELL.overview
    return replace(WELL.overview, **changes)


RUN = Run("deploy", 3, "ann@far, process 7", "", HERE, "", "", 0.0, ())
HTTPS = replace(ROUTER, settings={"tls": {}}, entry_points=("websecure",))
SECURE = replace(ROUTING, colours={Colour.GREEN: ColourRouting(2, (HTTPS,), {}, {})})


@pytest.mark.parametrize(
    ("changes", "level", "check", "said", "remedy"),
    [
        ({"engine": None}, "error", "engine", "does not answer", "docker version"),
        ({"engine": Engine("24.0.1", "1.43", "", "")}, "error", "engine", "too old", "update"),
        ({"compose": ""}, "error", "compose", "no Docker Compose", "install"),
        ({"compose": "2.17.0"}, "error", "compose", "too old", "update"),
        ({"file": File("", "yaml: line 3")}, "error", "file", "yaml: line 3", "docker compose config"),
        ({"clocks": {"engine": Clock(-90.0, 0.1)}}, "warning", "clock", "engine is 2 min behind", "NTP"),
        ({"clocks": {"gateway": Clock(90.0, 0.1)}}, "warning", "clock", "2 min ahead of", "NTP"),
        ({"container": None}, "error", "gateway", "no gateway traefik", "hitless gateway up"),
        (
            {"container": None, "world": World(others=("edge",))},
            "error",
            "gateway",
            "no gateway",
            "for one that runs: edge",
        ),
        ({"container": GatewayContainer("exited", True)}, "error", "gateway", "is exited", "gateway up"),
        ({"health": Health(False, 1, HERE, 0)}, "error", "gateway", "does not answer", "gateway logs"),
        ({"health": Health(True, 1, HERE, 4)}, "warning", "gateway", "started the gateway again 4", "logs"),
        (
            {"settings": replace(SETTINGS, image="traefik:v3.7.1")},
            "warning",
            "gateway",
            "would start traefik",
            "hitless gateway upgrade",
        ),
        (
            {"container": GatewayContainer("running", False)},
            "warning",
            "gateway",
            "another version",
            "--replace",
        ),
        (
            {"holders": {80: "nginx (process 9)"}},
            "error",
            "ports",
            "port 80 of the host is taken by nginx",
            "",
        ),
        (
            {"settings": replace(SETTINGS, held=(80,)), "holders": {80: "the container t"}},
            "warning",
            "ports",
            "does not publish it yet",
            "hitless adopt",
        ),
        ({"world": of_shop(broken={"shop.yml": "is empty"})}, "error", "routes", "is empty", "deploy"),
        (
            {"world": of_shop(restored={"shop.yml": "was empty"})},
            "warning",
            "routes",
            "was empty",
            "gateway up",
        ),
        (
            {"world": of_shop(containers=())},
            "error",
            "applications",
            "no container of shop",
            "-p shop deploy",
        ),
        (
            {"world": of_shop(containers=(replace(WEB, health="unhealthy"),))},
            "warning",
            "applications",
            "shop-green-web-1 is unhealthy",
            "-p shop logs",
        ),
        (
            {"world": of_shop(routings={"shop": replace(ROUTING, waiting=Waiting("", {}, 60.0, 9))})},
            "error",
            "applications",
            "requests wait 60 s",
            "-p shop resume",
        ),
        ({"names": {"a.example": None}}, "warning", "dns", "no answer of the DNS", ""),
        ({"names": {"a.example": ()}}, "warning", "dns", "has no address", "leads to 9.9.9.9"),
        (
            {"names": {"a.example": ("198.51.100.1",)}, "asked": {}},
            "warning",
            "dns",
            "198.51.100.1",
            "record",
        ),
        (
            {"names": {"a.example": ("8.8.8.8",)}, "addresses": ("10.0.0.5",), "asked": {}},
            "warning",
            "dns",
            "can't be seen from here",
            "provider",
        ),
        (
            {"asked": {"8.8.8.8": Asked(200, "", False)}},
            "warning",
            "reachable",
            "8.8.8.8:80 answers 200",
            "proxy",
        ),
        ({"asked": {"8.8.8.8": Asked(0, "timed out", False)}}, "warning", "reachable", "(timed out)", "curl"),
        (
            {"world": of_shop(routings={"shop": SECURE})},
            "error",
            "certificates",
            "no certificate",
            "--acme-email",
        ),
        (
            {"world": of_shop(failures={"a.example": (60,)})},
            "warning",
            "certificates",
            "the CA refused a certificate for a.example",
            "gateway logs",
        ),
        ({"overview": overview(room=Room(10**11, 10**8, None, 1))}, "error", "disk", "100.0 MB of", "prune"),
        ({"overview": overview(room=Room(10**11, 10**9, None, 1))}, "warning", "disk", "1.0 GB of", "prune"),
        (
            {"overview": overview(room=Room(10**11, 10**10, 7, 1))},
            "warning",
            "disk",
            "only 7 more files",
            "df",
        ),
        (
            {
                "belongings": Belongings(
                    images=(OwnImage("hitless:shop.r1.web", 7000, ("hitless:shop.r1.web",)),)
                )
            },
            "warning",
            "leftovers",
            "(image: 1): 7.0 kB at most",
            "hitless prune",
        ),
        (
            {"belongings": Belongings(volumes={"v": "blog"})},
            "warning",
            "leftovers",
            "data",
            "docker volume rm",
        ),
        (
            {"overview": overview(holders={"shop": Holder("ann@far, process 7", 900, 800)})},
            "warning",
            "locks",
            "shop is locked by ann@far",
            "if it hangs: hitless unlock -p shop",
        ),
        (
            {"overview": overview(holders={"shop": Holder("ann@here", 900, 800)}), "dead": ("shop",)},
            "warning",
            "locks",
            "dead command",
            "hitless unlock -p shop",
        ),
        (
            {"overview": overview(last={"shop": RUN})},
            "warning",
            "interrupted",
            "deploy of shop, release 3,",
            "resume",
        ),
        (
            {"overview": overview(last={"shop": replace(RUN, operation="adopt")})},
            "warning",
            "interrupted",
            "adopt of shop",
            "hitless -p shop adopt",
        ),
        (
            {"failed": {"usage": "no answer within 8 s"}},
            "warning",
            "usage",
            "could not be looked at: no answer",
            "",
        ),
    ],
)
def test_what_is_wrong_is_told_with_its_remedy(
    changes: dict[str, Any], level: str, check: str, said: str, remedy: str
) -> None:
    found = [one for one in wrong(replace(WELL, **changes)) if one.check == check]
    assert [str(one.level) for one in found] == [level]
    assert said in found[0].message
    assert remedy in found[0].remedy


def test_without_an_engine_there_is_one_error_and_not_ten() -> None:
    found = diagnose(Facts(HERE, "traefik", compose="2.30.0", failed={"engine": "it hangs"}))
    assert [(one.check, one.message) for one in found] == [
        ("engine", "it hangs"),
        ("compose", "Docker Compose 2.30.0"),
    ]


def test_a_command_that_is_at_work_is_no_fault() -> None:
    at_work = overview(holders={"shop": Holder("ann@far", 9, 1)}, last={"shop": RUN})
    assert wrong(replace(WELL, overview=at_work, world=of_shop(containers=()))) == []


@pytest.mark.parametrize(
    ("names", "own"),
    [
        ({"shop.localhost": ()}, ("9.9.9.9",)),
        ({"shop.test": ("127.0.0.1",)}, ("9.9.9.9",)),
        ({"shop.test": ("::1", "127.0.0.1")}, ()),
        ({"behind.example": ("8.8.8.8",)}, ("9.9.9.9",)),
    ],
    ids=["a name for tests", "loopback", "no address is known", "by way of a proxy that leads here"],
)
def test_a_name_that_leads_here_is_no_fault(names: dict[str, tuple[str, ...]], own: tuple[str, ...]) -> None:
    asked = {"8.8.8.8": Asked(404, "", is_same=True)}
    assert [
        one for one in wrong(replace(WELL, names=names, addresses=own, asked=asked)) if one.check == "dns"
    ] == []


@pytest.mark.parametrize(("days", "level"), [(300, "ok"), (5, "warning"), (-2, "error")])
def test_a_certificate_is_judged_by_its_end(days: int, level: str) -> None:
    ends = f"2026-{'12-03' if days == 5 else '11-26'}T13:00:00" if days < 300 else "2027-10-01T13:00:00"
    made = Certificate("shop", ("shop.example",), "me", "2026-01-01T00:00:00", ends)
    found = diagnose(replace(WELL, world=of_shop(certificates=(made,))))
    assert [str(one.level) for one in found if one.check == "certificates"] == [level]


def test_what_answers_from_inside_proves_nothing_about_a_firewall() -> None:
    [found] = [one for one in diagnose(WELL) if one.check == "reachable"]
    assert "proves nothing about a firewall" in found.message


def test_leftovers_are_not_told_where_the_gateway_could_not_be_asked() -> None:
    old = Belongings(images=(OwnImage("hitless:shop.r1.web", 7, ("hitless:shop.r1.web",)),))
    facts = replace(WELL, belongings=old, world=World(), overview=None)
    assert [one for one in diagnose(facts) if one.check == "leftovers"] == []


def test_a_size_is_as_docker_writes_it() -> None:
    assert [size(one) for one in (0, 999, 1_500, 2_000_000, 3_400_000_000)] == [
        "0 B",
        "999 B",
        "1.5 kB",
        "2.0 MB",
        "3.4 GB",
    ]
