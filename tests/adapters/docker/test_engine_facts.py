"""The engine itself on Docker's command line."""

from __future__ import annotations

import json

import pytest

from hitless.adapters.docker.cli import DockerCli
from hitless.adapters.docker.engine_facts import DockerEngine
from hitless.domain.common.errors import HitlessError, TimedOut
from hitless.domain.host.facts import Engine, Usage
from hitless.domain.host.leftovers import AnyContainer, OwnImage, OwnNetwork
from tests.adapters.fake_docker import FakeDocker


@pytest.fixture
def engine(docker: FakeDocker) -> DockerEngine:
    return DockerEngine(DockerCli(), "traefik", "hitless-gateway:aaa")


def rows(*found: tuple[str, ...]) -> str:
    return "".join("\t".join(json.dumps(cell) for cell in row) + "\n" for row in found)


def test_it_tells_its_versions_and_its_time(docker: FakeDocker, engine: DockerEngine) -> None:
    info = {
        "OperatingSystem": "Debian",
        "DockerRootDir": "/data",
        "SystemTime": "2026-11-28T06:46:35.450015335Z",
    }
    docker.answers("info", stdout=json.dumps(info))
    docker.answers("version", stdout=json.dumps({"Version": "26.1.5", "ApiVersion": "1.45"}))
    about, time = engine.about()
    assert about == Engine("26.1.5", "1.45", "Debian", "/data")
    assert time == pytest.approx(1795848395.45, abs=0.001)


def test_one_that_is_away_is_an_error_although_docker_succeeds(
    docker: FakeDocker, engine: DockerEngine
) -> None:
    docker.answers("info", stdout=json.dumps({"ServerErrors": ["Cannot connect to the Docker daemon"]}))
    with pytest.raises(HitlessError, match="Cannot connect"):
        engine.about()


def test_one_that_hangs_is_not_waited_for(docker: FakeDocker) -> None:
    docker.answers("info", way="hang")
    with pytest.raises(TimedOut, match="within 1 s"):
        DockerEngine(DockerCli(most=0.6), "traefik", "").about()


def test_compose_may_be_missing(docker: FakeDocker, engine: DockerEngine) -> None:
    docker.answers("compose", "version", stderr="docker: 'compose' is not a docker command", exit_code=1)
    assert engine.compose_version() == ""


def test_the_disk_is_told_as_docker_tells_it(docker: FakeDocker, engine: DockerEngine) -> None:
    row = {"Type": "Build Cache", "TotalCount": "12", "Size": "1.4GB", "Reclaimable": "1.4GB"}
    docker.answers("system", "df", stdout=json.dumps(row) + "\n")
    assert engine.usage() == (Usage("build cache", 12, "1.4GB", "1.4GB"),)


def test_all_that_has_hitless_names_or_labels_is_found(docker: FakeDocker, engine: DockerEngine) -> None:
    name = "hitless:shop.r1.web"
    docker.answers("images", stdout="sha256:1\nsha256:1\n")
    inspected = [{"Size": 7, "RepoTags": [name, "shop:1"], "RepoDigests": ["shop@sha256:2"]}]
    docker.answers("image", "inspect", stdout=json.dumps(inspected))
    docker.answers("network", "ls", stdout=rows(("shop_default", "shop", "shop", "")))
    docker.answers(
        "ps",
        "--all",
        stdout=rows(("web\t\x1b[2J", "x", "a,b", "shop-blue", "shop", "7"), ("y", "z", "", "", "", "x")),
    )
    docker.answers("volume", "ls", stdout=rows(("shop_data", "shop", "data", "shop"), ("other", "", "", "")))
    found = engine.belongings()
    assert found.images == (OwnImage(name, 7, (name, "shop:1", "shop@sha256:2")),)
    assert found.networks == (OwnNetwork("shop_default", "shop", "shop", ""),)
    assert found.containers == (
        AnyContainer("web\t\x1b[2J", "x", ("a", "b"), "shop-blue", "shop", 7),
        AnyContainer("y", "z", ("",)),
    )
    assert (found.volumes, found.others, found.image) == ({"shop_data": "shop"}, {}, "hitless-gateway:aaa")


def test_other_gateways_are_asked_what_they_know_also_those_that_are_down(
    docker: FakeDocker, engine: DockerEngine
) -> None:
    volumes = [
        (f"{of}_{key}", of, key, "")
        for of in ("traefik", "down", "gone")
        for key in ("routes", "state", "acme")
    ]
    docker.answers("volume", "ls", stdout=rows(*volumes, ("x_state", "x", "state", "")))
    docker.answers("ps", "--filter", stdout=rows(("traefik",), ("edge",)))
    docker.answers("exec", "--user", "0:65532", "edge-traefik-1", stdout="shop\nblog\n")
    docker.answers("run", stderr="no such image", exit_code=125)
    mount = "type=volume,source=down_state,target=/var/lib/hitless,readonly"
    confined = ("--pull", "never", "--read-only", "--cap-drop", "ALL", "--network", "none")
    asleep = ("run", "--rm", *confined, "--mount", mount)
    docker.answers(*asleep, stdout="wiki\n")
    assert engine.belongings().others == {
        "edge": frozenset({"shop", "blog"}),
        "down": frozenset({"wiki"}),
        "gone": None,
    }


def test_an_image_in_use_and_one_that_is_gone_are_no_error(docker: FakeDocker, engine: DockerEngine) -> None:
    docker.answers("rmi", "a", stderr="conflict: unable to remove repository reference", exit_code=1)
    docker.answers("rmi", "b", stderr="Error: No such image: b", exit_code=1)
    engine.remove_images(("a", "b", "c"))
    assert docker.argvs == [("rmi", "a"), ("rmi", "b"), ("rmi", "c")]
    docker.answers("rmi", "d", stderr="it is on fire", exit_code=1)
    with pytest.raises(HitlessError, match="on fire"):
        engine.remove_images(("d",))


def test_the_gateway_leaves_a_network_before_it_goes(docker: FakeDocker, engine: DockerEngine) -> None:
    docker.answers("network", "rm", stderr="network x has active endpoints", exit_code=1)
    engine.remove_networks(("x",))
    assert docker.argvs == [
        ("network", "disconnect", "--force", "x", "traefik-traefik-1"),
        ("network", "rm", "x"),
    ]
