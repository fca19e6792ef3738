"""Compose projects on Docker's and Compose's command lines."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from hitless.adapters.docker import projects as docker_projects
from hitless.adapters.docker.cli import DockerCli
from hitless.adapters.docker.compose_yaml import load
from hitless.adapters.docker.containers import DockerContainers
from hitless.adapters.docker.images import DockerImages
from hitless.adapters.docker.networks import DockerNetworks
from hitless.adapters.docker.projects import DockerProjects
from hitless.domain.common.errors import DockerFailed, HitlessError, LockLost, TimedOut
from hitless.domain.common.names import Colour
from hitless.domain.release.networks import Network
from tests.adapters.fake_docker import FakeDocker

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


def unheard(*_: str) -> None:
    pass


def test_compose_gets_the_model_by_its_standard_input(
    docker: FakeDocker, projects: DockerProjects, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COMPOSE_PROJECT_NAME", "theirs")

    projects.build(MODEL, unheard, unheard)
    projects.create(MODEL, {}, ())

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
    docker: FakeDocker, projects: DockerProjects, key: dict[str, Any]
) -> None:
    model = {**MODEL, "services": {"db": {"image": "y"}, "web": {**MODEL["services"]["web"], **key}}}

    projects.start(model, {"web": ("shop-green-web-1",), "db": ("shop-green-db-1",)}, 60.0)

    assert docker.argvs == [(*COMPOSE, "start", "web", "db")]
    assert json.loads(docker.calls[0].stdin) == model


def test_containers_that_need_nothing_of_compose_are_started_at_once(
    docker: FakeDocker, projects: DockerProjects
) -> None:
    web = {**MODEL["services"]["web"], "depends_on": {}, "configs": None, "secrets": []}

    projects.start(
        {**MODEL, "services": {"web": web}}, {"web": ("shop-green-web-1", "shop-green-web-2")}, 60.0
    )

    assert sorted(docker.argvs) == [("start", "shop-green-web-1"), ("start", "shop-green-web-2")]


def test_a_start_that_waits_too_long_for_another_service_is_ended(
    docker: FakeDocker, projects: DockerProjects, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(docker_projects, "_BUSY", 0.1)
    docker.answers("compose", way="hang")
    depends = {"db": {"condition": "service_healthy"}}
    model = {**MODEL, "services": {"web": {**MODEL["services"]["web"], "depends_on": depends}}}

    with pytest.raises(TimedOut):
        projects.start(model, {"web": ("shop-green-web-1",)}, 0.2)


def test_an_engine_that_is_slow_is_no_release_that_is_late(
    docker: FakeDocker, projects: DockerProjects
) -> None:
    projects.start(MODEL, {"web": ("shop-green-web-1",)}, 0.0)

    assert docker.argvs == [("start", "shop-green-web-1")]


def test_only_the_applications_own_missing_volumes_are_created(
    docker: FakeDocker, projects: DockerProjects
) -> None:
    docker.answers("volume", "ls", stdout="shop_data\t\nother\t\n")
    names = {"data": "shop_data", "cache": "shop_cache", "theirs": "elsewhere"}
    model = {**MODEL, "volumes": {key: {"name": name, "external": True} for key, name in names.items()}}
    cache = {
        "driver": "local",
        "driver_opts": {"type": "tmpfs", "device": "tmpfs"},
        "labels": {"com.example.keep": "yes"},
    }

    projects.create(model, {"data": {}, "cache": cache}, ())

    listing, creation, compose = docker.argvs
    assert listing == ("volume", "ls", "--format", '{{.Name}}\t{{.Label "hitless.application"}}')
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
    docker: FakeDocker, projects: DockerProjects
) -> None:
    model = {**MODEL, "volumes": {"data": {"name": "shop_data", "external": True}}}

    projects.create(model, {"data": {"labels": {"hitless.application": "other"}}}, ())

    creation = docker.argvs[1]
    assert "hitless.application=shop" in creation
    assert "hitless.application=other" not in creation


def test_a_dollar_of_a_volumes_options_is_a_single_one(docker: FakeDocker, projects: DockerProjects) -> None:
    # Compose writes a literal one as two, and `docker volume create` is not Compose
    model = {**MODEL, "volumes": {"data": {"name": "shop_data", "external": True}}}
    share = {"driver_opts": {"o": "username=u,password=a$$b$$$$c"}, "labels": {"com.example.$$x": "$$y"}}

    projects.create(model, {"data": share}, ())

    assert {"o=username=u,password=a$b$$c", "com.example.$x=$y"} <= set(docker.argvs[1])


def test_a_model_with_any_text_in_it_reaches_compose_as_it_is(
    docker: FakeDocker, projects: DockerProjects
) -> None:
    text = "größer \N{PILE OF POO} \N{LINE SEPARATOR} \x7f"
    model = {**MODEL, "services": {"web": {**MODEL["services"]["web"], "environment": {"A": text}}}}

    projects.create(model, {}, ())

    assert load(docker.calls[0].stdin.encode()) == model


def test_without_volumes_none_is_listed(docker: FakeDocker, projects: DockerProjects) -> None:
    projects.create(MODEL, {}, ())

    assert len(docker.calls) == 1


def test_a_colour_is_removed_with_its_networks(docker: FakeDocker, projects: DockerProjects) -> None:
    docker.answers("ps", stdout="c3\n")  # of the other colour
    docker.answers("network", "ls", stdout="n1\tdefault\n")

    projects.remove("shop", Colour.BLUE, ("c1", "c2"), with_networks=True)

    removal, networks, network_removal, _ = docker.argvs
    assert removal == ("rm", "--force", "--volumes", "c1", "c2")
    assert [word for word in networks if word.startswith("label=")] == [
        "label=com.docker.compose.project=shop-blue",
        "label=hitless.application=shop",  # without it, the network is somebody else's
    ]
    assert network_removal == ("network", "rm", "n1")


def test_single_containers_are_removed_without_the_networks(
    docker: FakeDocker, projects: DockerProjects
) -> None:
    projects.remove("shop", Colour.BLUE, ("c2",), with_networks=False)

    assert docker.argvs == [("rm", "--force", "--volumes", "c2")]


def test_what_changes_something_asks_for_the_lock_first(
    docker: FakeDocker,
    cli: DockerCli,
    projects: DockerProjects,
    images: DockerImages,
    networks: DockerNetworks,
    containers: DockerContainers,
) -> None:
    def refuse() -> None:
        raise LockLost("shop")

    cli.guards.append(refuse)
    model = {"name": "shop-blue", "services": {"web": {}}, "volumes": {}}
    changes: tuple[Callable[[], object], ...] = (
        lambda: projects.build(model, unheard, unheard),
        lambda: images.pull("nginx", None, unheard),
        lambda: images.tag({"new": "old"}),
        lambda: projects.up(model, {}, (), ("db",)),
        lambda: networks.connect("n", ("c",)),
        lambda: containers.set_restart_policies({"c": "no"}),
        lambda: projects.start(model, {"web": ("c",)}, 1),
        lambda: containers.stop(("c",)),
        lambda: containers.start_again(("c",)),
        lambda: projects.remove("shop", Colour.BLUE, ("c",), with_networks=True),
        lambda: networks.attach("shop", LIVE, (), {"c": ()}),
        lambda: projects.remove_base("shop", ("c",)),
    )
    for change in changes:
        with pytest.raises(LockLost):
            change()
    # networks, volumes and image tags are looked for first
    assert {argv[:2] for argv in docker.argvs} <= {("ps", "--all"), ("network", "ls")}


def test_shared_services_are_removed_from_the_network_on_which_they_call_a_colour(
    docker: FakeDocker, projects: DockerProjects
) -> None:
    docker.answers("ps", stdout="c3\tgreen\n")
    docker.answers("network", "ls", stdout="n1\tdefault\nn2\thitless-live\n")
    inspected = {"Id": "n2", "Containers": {"c": {"Name": "shop-proxy-1"}}}
    docker.answers("network", "inspect", stdout=json.dumps([inspected]))

    docker.answers("network", "rm", "n1", stderr="network n1 has active endpoints\n", exit_code=1)

    assert projects.remove("shop", Colour.BLUE, (), with_networks=True) == ("n1",)

    assert docker.argvs[1:5] == [
        ("network", "inspect", "n2"),
        ("network", "disconnect", "--force", "n2", "c"),
        ("network", "rm", "n1"),
        ("network", "rm", "n2"),
    ]


def test_a_colour_that_is_not_there_is_removed_without_an_error(
    docker: FakeDocker, projects: DockerProjects
) -> None:
    projects.remove("shop", Colour.BLUE, (), with_networks=True)

    assert [argv[:2] for argv in docker.argvs] == [
        ("network", "ls"),  # of its own
        ("ps", "--all"),
        ("network", "ls"),  # the way to the gateway, because nothing of the application is left
    ]


def test_only_volumes_that_hitless_created_are_removed(docker: FakeDocker, projects: DockerProjects) -> None:
    docker.answers("volume", "ls", stdout="shop_data\n")

    assert projects.remove_volumes("shop") == ("shop_data",)
    listing, removal = docker.argvs
    assert [word for word in listing if word.startswith("label=")] == [
        "label=com.docker.compose.project=shop",
        "label=hitless.application=shop",
    ]
    assert removal == ("volume", "rm", "shop_data")


def test_without_volumes_none_is_removed(docker: FakeDocker, projects: DockerProjects) -> None:
    assert projects.remove_volumes("shop") == ()
    assert len(docker.calls) == 1


def test_a_volume_of_another_application_is_not_taken(docker: FakeDocker, projects: DockerProjects) -> None:
    # `x_data` of `shop` and `data` of `shop_x` have one name
    model = {
        "name": "shop-blue",
        "services": {"web": {"labels": {"hitless.application": "shop"}}},
        "volumes": {"x_data": {"name": "shop_x_data", "external": True}},
    }
    docker.answers("volume", "ls", stdout="other\t\nshop_x_data\tshop_x\n")
    with pytest.raises(HitlessError, match="belongs to the application shop_x"):
        projects.create(model, {"x_data": {}}, ())
    assert not any(argv[0] == "compose" for argv in docker.argvs)
    docker.answers("volume", "ls", stdout="shop_x_data\tshop\n")
    projects.create(model, {"x_data": {}}, ())
    docker.answers("volume", "ls", stdout="shop_x_data\t\n")  # of plain Compose
    projects.create(model, {"x_data": {}}, ())
    assert [argv[0] for argv in docker.argvs].count("compose") == 2


BUILT = """#0 building with "default" instance using docker driver

#1 [web internal] load build definition from Dockerfile
#1 transferring dockerfile: 155B done
#1 DONE 0.1s

#5 [web 2/3] RUN make
#6 [api 2/3] RUN make all
#5 0.536 compiling
#6 0.600 \x1b[2J#5 done\r
#5 1.455\x20
#6 ERROR: process "make all" did not complete successfully: exit code: 3
------
 > [api 2/3] RUN make all:
------
"""


def test_a_build_tells_what_is_built_and_what_commands_write(
    docker: FakeDocker, projects: DockerProjects
) -> None:
    docker.answers("compose", stdout=BUILT)
    told: list[str] = []
    written: list[tuple[str, str]] = []

    projects.build(MODEL, told.append, lambda *one: written.append(one))

    assert told[-2:] == ["[web 2/3] RUN make", "[api 2/3] RUN make all"]
    assert written == [
        ("web", "compiling"),
        ("api", "\x1b[2J#5 done"),
        ("web", ""),
        ("api", 'ERROR: process "make all" did not complete successfully: exit code: 3'),
    ]


def test_the_lines_of_an_older_builder_are_told_as_they_are(
    docker: FakeDocker, projects: DockerProjects
) -> None:
    docker.answers("compose", stdout="Step 1/2 : FROM x\n\nStep 2/2 : RUN make\n")
    written: list[tuple[str, str]] = []

    projects.build(MODEL, unheard, lambda *one: written.append(one))

    assert written == [("build", "Step 1/2 : FROM x"), ("build", "Step 2/2 : RUN make")]


def test_a_build_that_writes_without_end_is_cut_and_its_end_is_in_the_error(
    docker: FakeDocker, projects: DockerProjects
) -> None:
    docker.answers("compose", stdout="x" * 3_000_000 + "\nthe end\n", stderr="why\n", exit_code=3)
    written: list[tuple[str, str]] = []

    with pytest.raises(DockerFailed) as failed:
        projects.build(MODEL, unheard, lambda *one: written.append(one))

    assert (failed.value.output, failed.value.printed.splitlines()[-1]) == ("why", "the end")
    assert [len(line) for _, line in written if line.startswith("x")] == [
        max(len(line) for _, line in written)
    ]
    assert max(len(line) for _, line in written) < 200_000
