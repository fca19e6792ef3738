"""A colour as a stack of a Swarm."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from hitless.adapters.docker.cli import DockerCli
from hitless.adapters.swarm import projects
from hitless.adapters.swarm.projects import SwarmProjects, in_order
from hitless.domain.common.errors import HitlessError, LockLost, TimedOut
from hitless.domain.common.names import Colour
from hitless.domain.release.networks import Network
from tests.adapters.fake_docker import FakeDocker
from tests.adapters.swarm.test_tasks import LABELS, service, task

MODEL: dict[str, Any] = {
    "name": "shop-green",
    "services": {
        "db": {"image": "hitless:shop.r7.db", "labels": LABELS},
        "web": {
            "image": "hitless:shop.r7.web",
            "labels": LABELS,
            "depends_on": {"db": {"condition": "service_healthy"}},
        },
    },
    "networks": {"default": {"name": "shop-green_default", "external": True}},
    "volumes": {},
}
OWN = Network("shop-green_default", {"hitless.application": "shop"}, 4, "")
WAY = Network("zzz-edge-edge", {"hitless.application": "shop"}, 4, "", joined="edge-traefik-1")


@pytest.fixture
def own() -> SwarmProjects:
    return SwarmProjects(DockerCli(), "edge")


def test_services_start_after_those_that_they_depend_on() -> None:
    chain: dict[str, Any] = {"web": {"depends_on": {"api": {}}}, "api": {"depends_on": {"db": {}}}, "db": {}}
    assert list(in_order(chain)) == [("db",), ("api",), ("web",)]


def test_what_depends_on_nothing_starts_together() -> None:
    assert list(in_order({"a": {}, "b": {}, "c": {"depends_on": {"elsewhere": {}}}})) == [("a", "b", "c")]


def test_a_circle_has_an_end() -> None:
    assert list(in_order({"a": {"depends_on": {"b": {}}}, "b": {"depends_on": {"a": {}}}})) == [("a", "b")]


def test_networks_come_first_then_secrets_then_the_stack(docker: FakeDocker, own: SwarmProjects) -> None:
    docker.answers("image", "inspect", stdout='[{"Id": "sha256:1"}]')
    said = "Error response from daemon: rpc error: code = AlreadyExists desc = secret already exists\n"
    docker.answers("secret", "create", stderr=said, exit_code=1)
    model = {
        **MODEL,
        "services": {"web": {**MODEL["services"]["web"], "secrets": [{"source": "token"}]}},
        "secrets": {"token": {"content": "a"}},
    }
    own.create(model, {}, (OWN, WAY))
    changes = [argv[:2] for argv in docker.argvs if argv[0] in ("network", "secret", "stack")]
    assert changes == [("network", "ls"), ("network", "create"), ("secret", "create"), ("stack", "deploy")]
    # that of the gateway is not hitless's to create for an application
    assert not [argv for argv in docker.argvs if argv[0] == "network" and "zzz-edge-edge" in argv]
    assert docker.argvs[-1] == (
        *("stack", "deploy", "--resolve-image", "never", "--compose-file", "-", "shop-green"),
    )


def test_without_an_image_on_the_manager_nothing_is_deployed(docker: FakeDocker, own: SwarmProjects) -> None:
    docker.answers("image", "inspect", stderr="Error: No such image: x\n", exit_code=1, stdout="[]")
    with pytest.raises(HitlessError, match="there is no image"):
        own.create(MODEL, {}, ())
    assert not [argv for argv in docker.argvs if argv[0] == "stack"]


def test_a_network_of_another_application_is_refused(docker: FakeDocker, own: SwarmProjects) -> None:
    docker.answers("network", "ls", stdout="shop-green_default\tother\tother-blue\n")
    with pytest.raises(HitlessError, match="that hitless did not make"):
        own.create(MODEL, {}, (OWN,))


@pytest.mark.parametrize("states", [("running", "starting"), ("running",), ()])
def test_what_others_wait_for_must_run_in_every_slot(
    docker: FakeDocker, own: SwarmProjects, states: tuple[str, ...]
) -> None:
    found = [task(f"t{slot}", slot, state) for slot, state in enumerate(states, 1)]
    if len(found) == 1:  # of another service there is none yet
        found[0]["ServiceID"] = "s2"
    docker.answers("service", "ls", stdout="s1\n")
    docker.answers("inspect", "--type", "service", stdout=json.dumps([service()]))
    docker.answers("service", "ps", stdout="".join(f"{one['ID']}\n" for one in found))
    docker.answers("inspect", "--type", "task", stdout=json.dumps(found))
    with pytest.raises(TimedOut, match="what others wait for"):
        own.start(MODEL, {"db": ("s1.1", "s1.2"), "web": ("s9.1",)}, 0.2)
    scaled = [argv[3:] for argv in docker.argvs if argv[:2] == ("service", "scale")]
    assert scaled == [("s1=2",)]


def test_a_service_that_is_gone_is_removed_already(docker: FakeDocker, own: SwarmProjects) -> None:
    docker.answers("service", "rm", stderr="Error: No such service: s1\n", exit_code=1)
    assert own.remove("shop", Colour.GREEN, ("s1.1", "s1.2"), with_networks=False) == ()
    assert [argv for argv in docker.argvs if argv[:2] == ("service", "rm")] == [("service", "rm", "s1")]


def test_a_network_that_others_are_on_stays_and_is_named(
    docker: FakeDocker, own: SwarmProjects, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(projects, "_GONE", 0.2)
    docker.answers("network", "ls", stdout="shop-green_default\n")
    docker.answers("network", "rm", stderr="Error: network has active endpoints\n", exit_code=1)
    assert own.remove("shop", Colour.GREEN, ("s1.1",), with_networks=True) == ("shop-green_default",)


def test_a_service_is_connected_to_a_network_only_once(docker: FakeDocker, own: SwarmProjects) -> None:
    docker.answers("service", "ls", stdout="s1\n")
    docker.answers("inspect", "--type", "service", stdout=json.dumps([service()]))
    docker.answers("network", "inspect", stdout='[{"Id": "n1"}]')
    own.networks.connect("zzz-edge-edge", ("s1.1",))
    assert not [argv for argv in docker.argvs if argv[:2] == ("service", "update")]
    docker.answers("network", "inspect", stdout='[{"Id": "n2"}]')
    own.networks.connect("zzz-edge-edge", ("s1.1",))
    assert docker.argvs[-1] == ("service", "update", "--detach", "--network-add", "zzz-edge-edge", "s1")


def test_what_many_depend_on_starts_before_all_of_them() -> None:
    fan: dict[str, Any] = {
        "web": {"depends_on": {"db": {}, "cache": {}}},
        "worker": {"depends_on": {"db": {}}},
        "db": {},
        "cache": {},
    }
    assert list(in_order(fan)) == [("db", "cache"), ("web", "worker")]


def with_files(tmp_path: Path) -> dict[str, Any]:
    """The model with a secret from a file, and with a config."""
    (tmp_path / "token").write_bytes(b"\xffa$$")
    web = {**MODEL["services"]["web"], "secrets": [{"source": "token"}], "configs": [{"source": "settings"}]}
    return {
        **MODEL,
        "services": {"web": web},
        "secrets": {"token": {"file": str(tmp_path / "token")}},
        "configs": {"settings": {"content": "price: 5$$"}},
    }


def test_the_stack_names_the_secrets_and_configs_that_were_made_for_it(
    docker: FakeDocker, own: SwarmProjects, tmp_path: Path
) -> None:
    docker.answers("image", "inspect", stdout='[{"Id": "sha256:1"}]')
    own.create(with_files(tmp_path), {}, ())
    made = [call for call in docker.calls if call.argv[1] == "create"]
    assert [call.argv[:4] for call in made] == [
        ("secret", "create", "--label", "hitless.application=shop"),
        ("config", "create", "--label", "hitless.application=shop"),
    ]
    assert [call.stdin for call in made] == ["\ufffda$$", "price: 5$"]  # of a file each byte as it is
    stack = docker.calls[-1]
    assert stack.argv[:2] == ("stack", "deploy")
    assert all(call.argv[-2] in stack.stdin for call in made)
    assert "sha256:1" in stack.stdin


def test_a_secret_that_can_not_be_made_is_an_error_before_the_stack(
    docker: FakeDocker, own: SwarmProjects, tmp_path: Path
) -> None:
    docker.answers("image", "inspect", stdout='[{"Id": "sha256:1"}]')
    docker.answers("secret", "create", stderr="Error: data must be less than 512000 bytes", exit_code=1)
    with pytest.raises(HitlessError, match="less than 512000 bytes"):
        own.create(with_files(tmp_path), {}, ())
    assert not [argv for argv in docker.argvs if argv[0] == "stack"]


def test_a_file_of_a_secret_that_is_gone_is_an_error_before_anything_is_made(
    docker: FakeDocker, own: SwarmProjects, tmp_path: Path
) -> None:
    docker.answers("image", "inspect", stdout='[{"Id": "sha256:1"}]')
    model = with_files(tmp_path)
    (tmp_path / "token").unlink()
    with pytest.raises(HitlessError, match="token can't be read: No such file"):
        own.create(model, {}, ())
    assert not [argv for argv in docker.argvs if argv[1] in ("create", "deploy")]


def test_after_a_lock_is_lost_no_secret_is_made(docker: FakeDocker, tmp_path: Path) -> None:
    def lost() -> None:
        raise LockLost("shop")

    docker.answers("image", "inspect", stdout='[{"Id": "sha256:1"}]')
    with pytest.raises(LockLost):
        SwarmProjects(DockerCli(guards=[lost]), "edge").create(with_files(tmp_path), {}, ())
    assert not [argv for argv in docker.argvs if argv[1] == "create"]


def test_services_go_once_each_then_files_then_networks_until_they_are_gone(
    docker: FakeDocker, own: SwarmProjects
) -> None:
    docker.answers("secret", "ls", stdout="x1\nx2\n")
    docker.answers("secret", "rm", "x1", stderr="Error: secret 'x1' is in use by s7\n", exit_code=1)
    docker.answers("config", "ls", stdout="y1\n")
    docker.answers("network", "ls", stdout="n1\n")
    docker.answers("network", "ls", stdout="", after=("network", "rm"))

    assert own.remove("shop", Colour.GREEN, ("s2.1", "s1.1", "s1.2"), with_networks=True) == ()

    assert [" ".join(argv) for argv in docker.argvs if argv[1] == "rm"] == [
        *("service rm s1", "service rm s2", "secret rm x1", "secret rm x2", "config rm y1", "network rm n1"),
    ]


def test_a_service_that_can_not_be_removed_keeps_its_networks(docker: FakeDocker, own: SwarmProjects) -> None:
    docker.answers("service", "rm", stderr="Error: The swarm does not have a leader\n", exit_code=1)
    with pytest.raises(HitlessError, match="does not have a leader"):
        own.remove("shop", Colour.GREEN, ("s1.1",), with_networks=True)
    assert not [argv for argv in docker.argvs if argv[:2] == ("network", "rm")]


def test_services_start_once_what_they_wait_for_runs(docker: FakeDocker, own: SwarmProjects) -> None:
    """The task of the database runs after a while; of the others nobody waits for the web server."""
    there = [service(1), {**service(), "ID": "s2"}]
    docker.answers("service", "ls", stdout="s1\ns2\n")
    docker.answers("inspect", "--type", "service", stdout=json.dumps(there))
    docker.answers("service", "ps", stdout="t1\n")
    docker.answers("inspect", "--type", "task", stdout=json.dumps([task("t1", 1, "starting")]))
    running = json.dumps([task("t1", 1, "running")])
    docker.answers("inspect", "--type", "task", stdout=running, after=("inspect", "--type", "task"))

    own.start(MODEL, {"web": ("s2.1", "s2.2"), "db": ("s1.1",)}, 20)

    order = [argv for argv in docker.argvs if argv[:2] in (("service", "scale"), ("service", "ps"))]
    assert order[0] == ("service", "scale", "--detach", "s1=1")
    assert order[-1] == ("service", "scale", "--detach", "s2=2")
    assert {argv[-1] for argv in order[1:-1]} == {"s1"}
    assert len(order) >= 4  # it looked again
