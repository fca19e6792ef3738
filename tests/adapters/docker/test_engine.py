from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from hitless.adapters.docker import engine as docker_engine
from hitless.adapters.docker import events as docker_events
from hitless.adapters.docker import inspected
from hitless.adapters.docker.cli import DockerCli
from hitless.adapters.docker.compose_yaml import load
from hitless.adapters.docker.engine import DockerEngine
from hitless.domain.common.errors import DockerFailed, HitlessError, LockLost, TimedOut
from hitless.domain.common.names import Colour
from hitless.domain.host.world import ComposeContainer, Container, Port
from hitless.domain.proof.observations import Ending
from hitless.domain.release.model import Image
from hitless.domain.release.networks import Network
from tests.adapters.fake_docker import FakeDocker, recorded, recorded_text

NETWORK = "adapters-rec_webgateway"
COMPOSE = (
    "compose",
    "--env-file",
    "/dev/null",
    "--project-name",
    "shop-green",
    "--progress",
    "plain",
    "--file",
    "-",
)
MODEL: dict[str, Any] = {
    "name": "shop-green",
    "services": {"web": {"image": "x", "labels": {"hitless.application": "shop"}}},
    "volumes": {},
}
LIVE = Network(
    "shop_live-7",
    {"com.docker.compose.project": "shop-blue", "hitless.application": "shop"},
    2,
    "10.213.0.0/16",
    {"internal": True},
)
HEALTHY = "5ea5b42aa90996be4cc7fd1773b8fd9a4bb0d8ccaa9631d7b922b75c34c15b83"


@pytest.fixture
def engine() -> DockerEngine:
    return DockerEngine(DockerCli(), "adapters-rec")


def test_a_running_container_with_its_health_and_its_address_on_the_gateways_network() -> None:
    [found] = recorded("container_running_healthy")

    assert inspected.container(found) == Container(
        id=HEALTHY,
        name="rec-green-app-1",
        gateway="",  # recorded before hitless labelled containers with it
        application="rec",
        service="app",
        colour=Colour.GREEN,
        release=2,
        state="running",
        health="healthy",
        restarts=0,
        exit_code=0,
        addresses=("172.26.0.4", "172.30.0.4"),
    )


def test_a_container_tells_its_gateway() -> None:
    [found] = recorded("container_running_healthy")
    found["Config"]["Labels"]["hitless.gateway"] = "traefik"

    assert inspected.container(found).gateway == "traefik"


def test_a_container_has_addresses_of_both_families_on_each_of_its_networks() -> None:
    [found] = recorded("container_running_healthy")
    found["NetworkSettings"]["Networks"] = {
        "a": {"IPAddress": "10.0.0.2", "GlobalIPv6Address": "fd00::2"},
        "b": {"IPAddress": "", "GlobalIPv6Address": "2001:db8::3"},
        "none": None,
    }

    assert inspected.container(found).addresses == ("10.0.0.2", "fd00::2", "2001:db8::3")


def test_a_container_that_has_exited_tells_its_code() -> None:
    [found] = recorded("container_exited")

    container = inspected.container(found)

    assert (container.state, container.exit_code, container.restarts) == ("exited", 3, 0)
    assert (container.health, container.addresses, container.is_running) == ("", (), False)


def test_a_container_between_two_starts_is_not_running() -> None:
    [found] = recorded("container_restarting")
    assert found["State"]["Running"]  # so the engine says

    container = inspected.container(found)

    assert (container.state, container.exit_code, container.restarts) == ("restarting", 7, 12)
    assert not container.is_running


def test_an_images_exposed_port() -> None:
    [found] = recorded("image")

    assert inspected.image(found) == Image(found["Id"], (8000,), healthcheck=False)


@pytest.mark.parametrize(
    ("config", "ports", "healthcheck"),
    [
        ({"ExposedPorts": {"9000/tcp": {}, "53/udp": {}, "80/tcp": {}}}, (80, 9000), False),
        ({"ExposedPorts": None, "Healthcheck": None}, (), False),
        ({"Healthcheck": {"Test": ["CMD", "true"]}}, (), True),
        ({"Healthcheck": {"Test": ["NONE"]}}, (), False),
        ({"Healthcheck": {"Interval": 1000000000}}, (), False),
        (None, (), False),
    ],
)
def test_what_counts_of_an_images_configuration(
    config: dict[str, Any] | None, ports: tuple[int, ...], healthcheck: bool
) -> None:
    found = {**recorded("image")[0], "Config": config}

    seen = inspected.image(found)

    assert (seen.id, seen.ports, seen.healthcheck) == (found["Id"], ports, healthcheck)


@pytest.mark.parametrize(
    ("volumes", "paths"), [({"/var/lib/data": {}, "/cache": {}}, ("/cache", "/var/lib/data")), (None, ())]
)
def test_an_images_own_volumes(volumes: dict[str, Any] | None, paths: tuple[str, ...]) -> None:
    found = {**recorded("image")[0], "Config": {"Volumes": volumes}}

    assert inspected.image(found).volumes == paths


def test_an_applications_containers_are_found_by_its_label(docker: FakeDocker, engine: DockerEngine) -> None:
    docker.answers("ps", stdout=f"{HEALTHY}\n")
    docker.answers("container", "inspect", stdout=recorded_text("container_running_healthy"))

    [found] = engine.containers("rec")

    assert "172.26.0.4" in found.addresses
    listing, inspect = docker.argvs
    assert listing[0] == "ps"
    assert {"--all", "--no-trunc", "--quiet", "label=hitless.application=rec"} <= set(listing)
    assert inspect == ("container", "inspect", HEALTHY)


def test_the_containers_of_all_applications_are_those_on_this_gateway(
    docker: FakeDocker, engine: DockerEngine
) -> None:
    engine.containers(None)

    [listing] = docker.argvs
    filters = [word for word in listing if word.startswith("label=")]
    assert sorted(filters) == ["label=hitless.application", "label=hitless.gateway=adapters-rec"]


def test_where_there_are_no_containers_none_is_inspected(docker: FakeDocker, engine: DockerEngine) -> None:
    docker.answers("ps", stdout="\n")

    assert engine.containers("rec") == ()
    assert len(docker.calls) == 1


def test_a_container_that_goes_between_two_looks_is_left_out(
    docker: FakeDocker, engine: DockerEngine
) -> None:
    gone = "Error response from daemon: No such container: gone\n"
    docker.answers("ps", stdout=f"{HEALTHY}\ngone\n")
    both = json.dumps(recorded("container_running_healthy"))
    docker.answers("container", "inspect", HEALTHY, "gone", stdout=both, stderr=gone, exit_code=1)
    docker.answers("container", "inspect", HEALTHY, stdout=both)
    docker.answers("container", "inspect", "gone", stdout="[]\n", stderr=gone, exit_code=1)

    assert [found.id for found in engine.containers("rec")] == [HEALTHY]


def test_only_the_images_that_are_there_are_told(docker: FakeDocker, engine: DockerEngine) -> None:
    docker.answers("image", "inspect", "web:1", stdout=recorded_text("image"))
    missing = "Error response from daemon: No such image: job:1\n"
    docker.answers("image", "inspect", "job:1", stdout="[]\n", stderr=missing, exit_code=1)

    found = engine.images({"web": "web:1", "job": "job:1"})

    assert found == {"web": Image(recorded("image")[0]["Id"], (8000,), healthcheck=False)}


def test_images_are_told_by_one_command_and_one_that_two_services_have_is_asked_for_once(
    docker: FakeDocker, engine: DockerEngine
) -> None:
    web, job = recorded("image"), recorded("image_traefik")
    docker.answers("image", "inspect", "web:1", "job:1", stdout=json.dumps([*web, *job]))

    found = engine.images({"web": "web:1", "job": "job:1", "api": "web:1"})

    assert {service: one.id for service, one in found.items()} == {
        "web": web[0]["Id"],
        "job": job[0]["Id"],
        "api": web[0]["Id"],
    }
    assert docker.argvs == [("image", "inspect", "web:1", "job:1")]


def test_containers_that_are_known_by_name_take_one_command(docker: FakeDocker, engine: DockerEngine) -> None:
    there = recorded_text("container_running_healthy")
    docker.answers("container", "inspect", "rec-green-app-1", stdout=there)

    assert [found.id for found in engine.named(("rec-green-app-1",))] == [HEALTHY]
    assert engine.named(()) == ()
    assert docker.argvs == [("container", "inspect", "rec-green-app-1")]


def test_an_engine_that_fails_for_another_reason_has_not_lost_its_images(
    docker: FakeDocker, engine: DockerEngine
) -> None:
    docker.answers("image", "inspect", stderr="Cannot connect to the Docker daemon at x.\n", exit_code=1)

    with pytest.raises(DockerFailed):
        engine.images({"web": "web:1"})


def test_compose_gets_the_model_by_its_standard_input(
    docker: FakeDocker, engine: DockerEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COMPOSE_PROJECT_NAME", "theirs")

    engine.build(MODEL)
    engine.create(MODEL, {}, ())

    assert docker.argvs == [
        (*COMPOSE, "build"),
        (*COMPOSE, "create", "--no-build", "--no-recreate"),
    ]
    for call in docker.calls:
        assert json.loads(call.stdin) == MODEL
        assert call.compose_env == {}


@pytest.mark.parametrize(
    "key",
    [
        {"depends_on": {"db": {"condition": "service_healthy", "required": True}}},
        {"configs": [{"source": "c", "target": "/c"}]},
        {"secrets": [{"source": "s"}]},
        {"post_start": [{"command": ["true"]}]},
    ],
    ids=lambda key: next(iter(key)),
)
def test_what_docker_start_alone_would_leave_out_is_started_by_compose(
    docker: FakeDocker, engine: DockerEngine, key: dict[str, Any]
) -> None:
    model = {**MODEL, "services": {"db": {"image": "y"}, "web": {**MODEL["services"]["web"], **key}}}

    engine.start(model, {"web": ("shop-green-web-1",), "db": ("shop-green-db-1",)}, 60.0)

    assert docker.argvs == [(*COMPOSE, "start", "web", "db")]
    assert json.loads(docker.calls[0].stdin) == model


def test_containers_that_need_nothing_of_compose_are_started_at_once(
    docker: FakeDocker, engine: DockerEngine
) -> None:
    web = {**MODEL["services"]["web"], "depends_on": {}, "configs": None, "secrets": []}

    engine.start({**MODEL, "services": {"web": web}}, {"web": ("shop-green-web-1", "shop-green-web-2")}, 60.0)

    assert sorted(docker.argvs) == [("start", "shop-green-web-1"), ("start", "shop-green-web-2")]


def test_a_start_that_waits_too_long_for_another_service_is_ended(
    docker: FakeDocker, engine: DockerEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(docker_engine, "_BUSY", 0.1)
    docker.answers("compose", way="hang")
    depends = {"db": {"condition": "service_healthy"}}
    model = {**MODEL, "services": {"web": {**MODEL["services"]["web"], "depends_on": depends}}}

    with pytest.raises(TimedOut):
        engine.start(model, {"web": ("shop-green-web-1",)}, 0.2)


def test_an_engine_that_is_slow_is_no_release_that_is_late(docker: FakeDocker, engine: DockerEngine) -> None:
    engine.start(MODEL, {"web": ("shop-green-web-1",)}, 0.0)

    assert docker.argvs == [("start", "shop-green-web-1")]


def test_images_are_pulled_and_tagged(docker: FakeDocker, engine: DockerEngine) -> None:
    engine.pull("nginx:1", None)
    engine.tag({"hitless:shop.r1.web": "nginx:1"})

    assert docker.argvs == [("pull", "--quiet", "nginx:1"), ("tag", "nginx:1", "hitless:shop.r1.web")]


def test_an_image_for_a_platform_of_its_own(docker: FakeDocker, engine: DockerEngine) -> None:
    engine.pull("nginx:1", "linux/arm64")

    assert docker.argvs == [("pull", "--quiet", "--platform", "linux/arm64", "nginx:1")]


def test_what_lies_in_its_compose_projects_and_is_no_release_s(
    docker: FakeDocker, engine: DockerEngine
) -> None:
    rows = (
        "shop-green|web|d1|shop|False|-||i1|shop-green-web-1|running|Up 3 seconds|web:1|",
        "shop-green|db|d2||False|/srv/shop.yml||i2|shop-green-db-1|running|Up 3 seconds|db:1|",
        "shop|db|d3||False|/srv/shop.yml||i3|shop-db-1|running|Up 2 hours (healthy)|postgres:15|",
        "shop|cache|d4||False|-|db:x:true,queue|i4|shop-cache-1|running|Up 1 s (health: starting)|redis|a,b",
        "shop|queue|d5||False|/srv/shop.yml||i5|shop-queue-1|running|Up 2 minutes (unhealthy)|rabbitmq|",
        "shop|init|d6||False|/srv/shop.yml||i6|shop-init-1|exited|Exited (3) 2 minutes ago|init|",
        "shop|db|d3||True|/srv/shop.yml||i7|shop-db-run-7|running|Up 2 s|postgres:15|",
        "other-blue|web|d7||False|/srv/shop.yml||i8|other-blue-web-1|running|Up 3 seconds|web:1|",
        "shop-blue-more|web|d8||False|/srv/shop.yml||i9|shop-blue-more-web-1|running|Up 3 seconds|web:1|",
    )
    docker.answers("ps", stdout="".join(f"{row}\n" for row in rows).replace("|", "\t"))

    assert engine.composed("shop") == (
        ComposeContainer("shop-green", "db", "shop-green-db-1", "running", "", 0, "d2", "db:1", id="i2"),
        ComposeContainer("shop", "db", "shop-db-1", "running", "healthy", 0, "d3", "postgres:15", id="i3"),
        ComposeContainer(
            *("shop", "cache", "shop-cache-1", "running", "starting", 0, "d4", "redis", True),
            id="i4",
            depends_on=("db", "queue"),
            networks=("a", "b"),
        ),
        ComposeContainer(
            "shop", "queue", "shop-queue-1", "running", "unhealthy", 0, "d5", "rabbitmq", id="i5"
        ),
        ComposeContainer("shop", "init", "shop-init-1", "exited", "", 3, "d6", "init", id="i6"),
    )
    [argv] = docker.argvs
    assert {"--all", "label=com.docker.compose.project"} <= set(argv)


def test_where_there_are_no_containers_none_is_found(docker: FakeDocker, engine: DockerEngine) -> None:
    assert engine.composed("shop") == ()


def test_the_tags_of_these_releases_and_no_others_are_taken_away(
    docker: FakeDocker, engine: DockerEngine
) -> None:
    docker.answers("images", stdout="hitless:shop.r1.web\nhitless:shop.r12.job\n")

    engine.untag("shop", (1, 12))

    listing, removal = docker.argvs
    filters = ("--filter", "reference=hitless:shop.r1.*", "--filter", "reference=hitless:shop.r12.*")
    assert listing == ("images", *filters, "--format", "{{.Repository}}:{{.Tag}}")
    assert removal == ("rmi", "hitless:shop.r1.web", "hitless:shop.r12.job")


def test_the_releases_that_have_tags_are_told_by_their_numbers(
    docker: FakeDocker, engine: DockerEngine
) -> None:
    docker.answers("images", stdout="shop.r1.web\nshop.r12.job\nshop.r12.web.v2\n")

    assert engine.tagged("shop") == {1, 12}
    assert "reference=hitless:shop.r*" in docker.argvs[0]


def test_a_tag_that_hitless_did_not_give_is_no_release(docker: FakeDocker, engine: DockerEngine) -> None:
    docker.answers("images", stdout="shop.r1.web\nshop.rc\nshop.rescue.web\n")

    assert engine.tagged("shop") == {1}


def test_where_no_release_is_named_no_image_is_listed(docker: FakeDocker, engine: DockerEngine) -> None:
    engine.untag("shop", ())

    assert docker.calls == []


def test_where_no_tag_is_left_none_is_removed(docker: FakeDocker, engine: DockerEngine) -> None:
    engine.untag("shop", (1,))

    assert [argv[0] for argv in docker.argvs] == ["images"]


def test_only_the_applications_own_missing_volumes_are_created(
    docker: FakeDocker, engine: DockerEngine
) -> None:
    docker.answers("volume", "ls", stdout="shop_data\nother\n")
    names = {"data": "shop_data", "cache": "shop_cache", "theirs": "elsewhere"}
    model = {**MODEL, "volumes": {key: {"name": name, "external": True} for key, name in names.items()}}
    cache = {
        "driver": "local",
        "driver_opts": {"type": "tmpfs", "device": "tmpfs"},
        "labels": {"com.example.keep": "yes"},
    }

    engine.create(model, {"data": {}, "cache": cache}, ())

    listing, creation, compose = docker.argvs
    assert listing == ("volume", "ls", "--format", '{{.Name}} {{.Label "hitless.application"}}')
    assert creation[:4] == ("volume", "create", "--driver", "local")
    assert creation[-1] == "shop_cache"
    pairs = list(zip(creation[4:-1:2], creation[5:-1:2], strict=True))
    assert sorted(pairs) == [
        ("--label", "com.docker.compose.project=shop"),
        ("--label", "com.docker.compose.volume=cache"),
        ("--label", "com.example.keep=yes"),
        ("--label", "hitless.application=shop"),
        ("--opt", "device=tmpfs"),
        ("--opt", "type=tmpfs"),
    ]
    assert compose[: len(COMPOSE)] == COMPOSE


def test_a_user_cannot_overwrite_the_labels_that_volumes_are_found_by(
    docker: FakeDocker, engine: DockerEngine
) -> None:
    model = {**MODEL, "volumes": {"data": {"name": "shop_data", "external": True}}}

    engine.create(model, {"data": {"labels": {"hitless.application": "other"}}}, ())

    creation = docker.argvs[1]
    assert "hitless.application=shop" in creation
    assert "hitless.application=other" not in creation


def test_a_dollar_of_a_volumes_options_is_a_single_one(docker: FakeDocker, engine: DockerEngine) -> None:
    # Compose writes a literal one as two, and `docker volume create` is not Compose
    model = {**MODEL, "volumes": {"data": {"name": "shop_data", "external": True}}}
    share = {"driver_opts": {"o": "username=u,password=a$$b$$$$c"}, "labels": {"com.example.$$x": "$$y"}}

    engine.create(model, {"data": share}, ())

    assert {"o=username=u,password=a$b$$c", "com.example.$x=$y"} <= set(docker.argvs[1])


def test_a_model_with_any_text_in_it_reaches_compose_as_it_is(
    docker: FakeDocker, engine: DockerEngine
) -> None:
    text = "größer \N{PILE OF POO} \N{LINE SEPARATOR} \x7f"
    model = {**MODEL, "services": {"web": {**MODEL["services"]["web"], "environment": {"A": text}}}}

    engine.create(model, {}, ())

    assert load(docker.calls[0].stdin.encode()) == model


def test_without_volumes_none_is_listed(docker: FakeDocker, engine: DockerEngine) -> None:
    engine.create(MODEL, {}, ())

    assert len(docker.calls) == 1


def test_containers_are_connected_without_an_alias(docker: FakeDocker, engine: DockerEngine) -> None:
    engine.connect("traefik_webgateway", ("shop-green-web-1", "shop-green-web-2"))

    assert sorted(docker.argvs) == [
        ("network", "connect", "traefik_webgateway", "shop-green-web-1"),
        ("network", "connect", "traefik_webgateway", "shop-green-web-2"),
    ]


def test_one_container_that_cannot_be_connected_fails_the_verb(
    docker: FakeDocker, engine: DockerEngine
) -> None:
    docker.answers("network", "connect", "n", "b", stderr="No such container: b", exit_code=1)

    with pytest.raises(DockerFailed, match="No such container: b"):
        engine.connect("n", ("a", "b", "c"))


def test_a_log_is_both_streams(docker: FakeDocker, engine: DockerEngine) -> None:
    docker.answers("logs", "--tail", "20", "web", stdout="to stdout\n", stderr="to stderr\n")

    assert engine.logs("web", 20) == "to stdout\nto stderr"


def test_a_container_that_has_gone_has_no_log(docker: FakeDocker, engine: DockerEngine) -> None:
    docker.answers("logs", stderr="No such container", exit_code=1)

    assert engine.logs("web", 20) == ""


def test_a_colours_containers_have_ids(docker: FakeDocker, engine: DockerEngine) -> None:
    docker.answers("ps", stdout="shop-blue-web-1 c1\nshop-blue-web-2 c2\n")

    assert engine.ids("shop", Colour.BLUE) == {"shop-blue-web-1": "c1", "shop-blue-web-2": "c2"}
    (listing,) = docker.argvs
    assert [word for word in listing if word.startswith("label=")] == [
        "label=hitless.application=shop",
        "label=hitless.colour=blue",
        "label=hitless.gateway=adapters-rec",  # another gateway's application of this name is not ours
    ]


def test_containers_are_stopped_with_their_own_grace_period(docker: FakeDocker, engine: DockerEngine) -> None:
    engine.stop(("c1", "c2"))

    assert docker.argvs == [("stop", "c1", "c2")]


def test_a_colour_is_removed_with_its_networks(docker: FakeDocker, engine: DockerEngine) -> None:
    docker.answers("ps", stdout="c3\n")  # of the other colour
    docker.answers("network", "ls", stdout="n1 default\n")

    engine.remove("shop", Colour.BLUE, ("c1", "c2"), with_networks=True)

    removal, networks, network_removal, _ = docker.argvs
    assert removal == ("rm", "--force", "--volumes", "c1", "c2")
    assert [word for word in networks if word.startswith("label=")] == [
        "label=com.docker.compose.project=shop-blue",
        "label=hitless.application=shop",  # without it, it is a network of somebody else's
    ]
    assert network_removal == ("network", "rm", "n1")


def test_single_containers_are_removed_without_the_networks(docker: FakeDocker, engine: DockerEngine) -> None:
    engine.remove("shop", Colour.BLUE, ("c2",), with_networks=False)

    assert docker.argvs == [("rm", "--force", "--volumes", "c2")]


def test_what_changes_something_asks_for_the_lock_first(docker: FakeDocker, engine: DockerEngine) -> None:
    def refuse() -> None:
        raise LockLost("shop")

    engine.cli.guards.append(refuse)
    model = {"name": "shop-blue", "services": {"web": {}}, "volumes": {}}
    changes: tuple[Callable[[], object], ...] = (
        lambda: engine.build(model),
        lambda: engine.pull("nginx", None),
        lambda: engine.tag({"new": "old"}),
        lambda: engine.up(model, {}, (), ("db",)),
        lambda: engine.connect("n", ("c",)),
        lambda: engine.restart({"c": "no"}),
        lambda: engine.start(model, {"web": ("c",)}, 1),
        lambda: engine.stop(("c",)),
        lambda: engine.start_again(("c",)),
        lambda: engine.remove("shop", Colour.BLUE, ("c",), with_networks=True),
        lambda: engine.attach("shop", LIVE, (), {"c": ()}),
        lambda: engine.remove_base("shop", ("c",)),
    )
    for change in changes:
        with pytest.raises(LockLost):
            change()
    # networks, volumes and image tags are looked for first
    assert {argv[:2] for argv in docker.argvs} <= {("ps", "--all"), ("network", "ls")}


def test_where_a_late_command_fails_the_lock_is_why(docker: FakeDocker, engine: DockerEngine) -> None:
    docker.answers("stop", stderr="No such container: c", exit_code=1)
    asked = iter((True, False))

    def guard() -> None:
        if not next(asked):
            raise LockLost("shop")

    engine.cli.guards.append(guard)
    with pytest.raises(LockLost):
        engine.stop(("c",))


def test_shared_services_are_taken_off_the_network_on_which_they_call_a_colour(
    docker: FakeDocker, engine: DockerEngine
) -> None:
    docker.answers("ps", stdout="c3\tgreen\n")
    docker.answers("network", "ls", stdout="n1 default\nn2 hitless-live\n")
    inspected = {"Id": "n2", "Containers": {"c": {"Name": "shop-proxy-1"}}}
    docker.answers("network", "inspect", stdout=json.dumps([inspected]))

    docker.answers("network", "rm", "n1", stderr="network n1 has active endpoints\n", exit_code=1)

    assert engine.remove("shop", Colour.BLUE, (), with_networks=True) == ("n1",)

    assert docker.argvs[1:5] == [
        ("network", "inspect", "n2"),
        ("network", "disconnect", "--force", "n2", "c"),
        ("network", "rm", "n1"),
        ("network", "rm", "n2"),
    ]


def test_a_gateway_of_the_applications_name_is_no_part_of_it(
    docker: FakeDocker, engine: DockerEngine
) -> None:
    engine.composed("shop")
    shape = docker.argvs[-1][-1].split("\t")
    assert shape[3] == '{{.Label "hitless.application"}}{{.Label "hitless.gateway"}}'


def test_shared_services_come_to_the_network_on_which_they_call_a_colour(
    docker: FakeDocker, engine: DockerEngine
) -> None:
    rows = (
        "shop|proxy|d||False|-||p1|shop-proxy-1|running|Up 1 second|nginx|",
        "shop|db|d||False|-||d1|shop-db-1|running|Up 1 second|postgres|",
    )
    docker.answers("ps", stdout="".join(f"{row}\n" for row in rows).replace("|", "\t"))

    engine.attach("shop", LIVE, ("proxy",), {"w1": ("web", "api")})

    assert docker.argvs[-3:] == [
        (
            *("network", "create", "--label", "com.docker.compose.project=shop-blue"),
            *("--label", "hitless.application=shop", "--internal"),
            *("--subnet", "10.213.237.128/26", "shop_live-7"),
        ),
        ("network", "connect", "shop_live-7", "p1"),
        # last: from the instant in which it has a name there, it is called
        ("network", "connect", "--alias", "web", "--alias", "api", "shop_live-7", "w1"),
    ]


def test_what_is_connected_already_is_left_so(docker: FakeDocker, engine: DockerEngine) -> None:
    row = "shop|proxy|d||False|-||p1|shop-proxy-1|running|Up 1 second|nginx|\n"
    docker.answers("ps", stdout=row.replace("|", "\t"))
    docker.answers("network", "ls", stdout="shop_live-7\tshop\tshop-blue\n")
    said = "Error response from daemon: endpoint with name shop-proxy-1 already exists in network n2\n"
    docker.answers("network", "connect", stderr=said, exit_code=1)

    engine.attach("shop", LIVE, ("proxy",), {"shop-blue-web-1": ("web",)})

    assert [argv[:2] for argv in docker.argvs[-3:]] == [
        ("network", "ls"),
        ("network", "connect"),
        ("network", "connect"),
    ]


def test_a_shared_service_that_can_not_be_connected_is_said(docker: FakeDocker, engine: DockerEngine) -> None:
    row = "shop|proxy|d||False|-||p1|shop-proxy-1|running|Up 1 second|nginx|\n"
    docker.answers("ps", stdout=row.replace("|", "\t"))
    docker.answers("network", "ls", stdout="n2\t\t\n")
    docker.answers("network", "connect", stderr="no room\n", exit_code=1)

    with pytest.raises(DockerFailed, match="no room"):
        engine.attach("shop", LIVE, ("proxy",), {})


def test_detached_are_all_but_the_colours_own(docker: FakeDocker, engine: DockerEngine) -> None:
    docker.answers("network", "ls", stdout="n2\t\t\n")
    containers = {"a": {"Name": "shop-blue-web-1"}, "b": {"Name": "shop-proxy-1"}}
    docker.answers("network", "inspect", stdout=json.dumps([{"Id": "n2", "Containers": containers}]))

    engine.detach("shop", Colour.BLUE)

    assert [argv for argv in docker.argvs if argv[1] == "disconnect"] == [
        ("network", "disconnect", "--force", "n2", "b")
    ]


def test_a_colour_that_is_not_there_is_removed_without_a_word(
    docker: FakeDocker, engine: DockerEngine
) -> None:
    engine.remove("shop", Colour.BLUE, (), with_networks=True)

    assert [argv[:2] for argv in docker.argvs] == [
        ("network", "ls"),  # of its own
        ("ps", "--all"),
        ("network", "ls"),  # the way to the gateway, as nothing of the application is left
    ]


def test_only_volumes_that_hitless_created_are_removed(docker: FakeDocker, engine: DockerEngine) -> None:
    docker.answers("volume", "ls", stdout="shop_data\n")

    assert engine.remove_volumes("shop") == ("shop_data",)
    listing, removal = docker.argvs
    assert [word for word in listing if word.startswith("label=")] == [
        "label=com.docker.compose.project=shop",
        "label=hitless.application=shop",
    ]
    assert removal == ("volume", "rm", "shop_data")


def test_without_volumes_none_is_removed(docker: FakeDocker, engine: DockerEngine) -> None:
    assert engine.remove_volumes("shop") == ()
    assert len(docker.calls) == 1


def test_a_container_that_only_bears_our_applications_label_is_not_ours(
    docker: FakeDocker, engine: DockerEngine
) -> None:
    labels = ({"hitless.application": "shop"}, {"hitless.colour": "red", "hitless.release": "1"}, None)
    found = [{"Id": "1", "Name": "/copy", "Config": {"Labels": one}, "State": {}} for one in labels]
    docker.answers("ps", stdout="1\n2\n3\n")
    docker.answers("container", "inspect", stdout=json.dumps(found))
    assert engine.containers("shop") == ()


def test_a_volume_of_another_application_is_not_taken(docker: FakeDocker, engine: DockerEngine) -> None:
    # `x_data` of `shop` and `data` of `shop_x` have one name
    model = {
        "name": "shop-blue",
        "services": {"web": {"labels": {"hitless.application": "shop"}}},
        "volumes": {"x_data": {"name": "shop_x_data", "external": True}},
    }
    docker.answers("volume", "ls", stdout="other\nshop_x_data shop_x\n")
    with pytest.raises(HitlessError, match="belongs to the application shop_x"):
        engine.create(model, {"x_data": {}}, ())
    assert not any(argv[0] == "compose" for argv in docker.argvs)
    docker.answers("volume", "ls", stdout="shop_x_data shop\n")
    engine.create(model, {"x_data": {}}, ())
    docker.answers("volume", "ls", stdout="shop_x_data \n")  # of plain Compose
    engine.create(model, {"x_data": {}}, ())
    assert [argv[0] for argv in docker.argvs].count("compose") == 2


# how containers ended


def event(action: str, at: float, container: str = "shop-blue-web-1", **attributes: str) -> dict[str, Any]:
    labels = {"hitless.colour": "blue", "com.docker.compose.service": "web", "name": container}
    return {
        "Action": action,
        "Actor": {"Attributes": {**labels, **attributes}},
        "timeNano": int(at * 1e9),
    }


def test_how_containers_ended_is_read_from_the_engines_events() -> None:
    events = [
        event("die", 99.0, "shop-green-web-1", **{"hitless.colour": "green", "exitCode": "139"}),
        event("kill", 100.0, signal="15"),
        event("kill", 110.0, signal="9"),
        event("die", 110.5, exitCode="137"),
        event("die", 120.0, "shop-hook-1", **{"hitless.colour": "", "exitCode": "0"}),
    ]

    assert docker_events.endings(events, -50.0) == (
        Ending("shop-green-web-1", "web", Colour.GREEN, 139, False, 0.0, 49.0),
        Ending("shop-blue-web-1", "web", Colour.BLUE, 137, True, 10.5, 60.5),
    )


def test_the_engine_is_asked_for_the_applications_own_events(
    docker: FakeDocker, engine: DockerEngine
) -> None:
    now = time.time()
    rows = [event("kill", now - 2), event("die", now - 1.5, exitCode="0")]
    docker.answers("events", stdout="\n".join(map(json.dumps, rows)) + "\n")

    [found] = engine.endings("shop", 4.2, 1000.0)

    assert (found.exit_code, found.is_asked) == (0, True)
    assert found.at == pytest.approx(998.5, abs=0.5)
    [argv] = docker.argvs
    assert (argv[0], argv[1], argv[3]) == ("events", "--since", "--until")
    assert float(argv[4]) - float(argv[2]) == pytest.approx(4.2, abs=0.001)
    assert "label=hitless.application=shop" in argv


def test_a_neighbour_tells_its_ports_networks_and_routes(docker: FakeDocker, engine: DockerEngine) -> None:
    [found] = recorded("container_running_healthy")
    found["Config"]["Labels"] = {
        "com.docker.compose.project": "shop",
        "com.docker.compose.service": "web",
        "traefik.http.routers.web.rule": "Host(`x`)",
    }
    found["NetworkSettings"]["Ports"] = {
        "8000/tcp": [{"HostIp": "0.0.0.0", "HostPort": "80"}, {"HostIp": "::", "HostPort": "80"}],
        "9000/tcp": [{"HostIp": "127.0.0.1", "HostPort": "9000"}],
        "53/udp": [{"HostIp": "", "HostPort": "53"}],
        "7000/tcp": None,
    }
    docker.answers("ps", stdout="1\n")
    docker.answers("container", "inspect", stdout=json.dumps([found]))

    [neighbour] = engine.neighbours()

    assert (neighbour.project, neighbour.service) == ("shop", "web")
    assert neighbour.ports == (Port(80, 8000), Port(9000, 9000, "127.0.0.1"))
    assert (neighbour.is_labelled, neighbour.is_ours) == (True, False)
    assert neighbour.addresses[NETWORK] == ("172.26.0.4",)


@pytest.mark.parametrize(
    ("labels", "is_labelled", "is_ours"),
    [
        ({"traefik.enable": "false", "traefik.http.routers.web.rule": "x"}, False, False),
        ({"hitless.gateway": "traefik"}, False, True),
        (None, False, False),
    ],
)
def test_a_neighbour_that_no_traefik_routes_to(
    labels: dict[str, str] | None, is_labelled: bool, is_ours: bool
) -> None:
    [found] = recorded("container_running_healthy")
    found["Config"]["Labels"] = labels
    neighbour = inspected.neighbour(found)
    assert (neighbour.is_labelled, neighbour.is_ours) == (is_labelled, is_ours)


def test_what_was_stopped_is_started_again(docker: FakeDocker, engine: DockerEngine) -> None:
    engine.start_again(("one", "two"))
    assert docker.argvs == [("start", "one", "two")]


def test_the_colours_that_have_networks(docker: FakeDocker, engine: DockerEngine) -> None:
    """The application's own network and the one to the gateway are no colour's."""
    docker.answers("network", "ls", stdout="shop\nshop-green\n\nshop-green\n")
    assert engine.networked("shop") == {Colour.GREEN}
    assert "label=hitless.application=shop" in docker.argvs[0]
