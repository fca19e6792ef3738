"""The file for `docker stack deploy`, from a colour's Compose model."""

from __future__ import annotations

import json
from typing import Any, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hitless.domain.common.foreign import Json
from hitless.domain.common.names import Colour
from hitless.domain.release.stack_models import StackFile, file_paths, stack_files, stack_model
from tests.domain.builders import SHOP, examples, hostile_texts, unrouted, web
from tests.domain.release.test_compose_models import colour_model

ID = "sha256:" + "1" * 64
ENDED = {"migrate": {"condition": "service_completed_successfully"}}


def images(model: Json) -> dict[str, str]:
    return {service["image"]: ID for service in model["services"].values()}


def stack(services: Json | None = None, colour: Colour = Colour.GREEN, **keys: Any) -> dict[str, Any]:
    """The stack of a colour of release 7."""
    model = colour_model(services, colour, **keys)
    return stack_model(model, images(model), stack_files(model, SHOP, {"/t": b"1", "/other": b"2"}))


def service(**keys: Any) -> dict[str, Any]:
    """One routed service with these keys, in a stack."""
    found: dict[str, Any] = stack({"app": web(**keys)})["services"]["app"]
    return found


class TestService:
    """A service of a stack."""

    def test_is_deployed_by_the_images_id(self) -> None:
        assert service()["image"] == ID

    def test_has_no_task_until_it_is_started(self) -> None:
        deploy = service(deploy={"replicas": 3})["deploy"]
        assert deploy["replicas"] == 0
        assert deploy["labels"]["hitless.replicas"] == "3"
        assert service(scale=2)["deploy"]["labels"]["hitless.replicas"] == "2"

    @pytest.mark.parametrize("colour", Colour)
    def test_has_a_host_name_for_each_slot_as_compose_names_the_container(self, colour: Colour) -> None:
        found = stack(colour=colour)["services"]["app"]
        assert found["hostname"] == f"shop-{colour}-app-{{{{.Task.Slot}}}}"

    def test_has_hitlesss_labels_on_the_service_and_on_its_containers(self) -> None:
        found = service(labels={**web()["labels"], "com.example.owner": "$$me"})
        ours = {
            "traefik.enable": "false",
            "hitless.gateway": "gate",
            "hitless.application": SHOP,
            "hitless.colour": "green",
            "hitless.release": "7",
        }
        assert found["labels"] == {**ours, "com.example.owner": "$$me"}
        assert found["deploy"]["labels"] == {**ours, "hitless.replicas": "1"}

    def test_keeps_labels_of_its_own_but_none_for_another_traefik(self) -> None:
        labels = service(deploy={"labels": {"team": "a", "Traefik.http.routers.x.rule": "y"}})["deploy"][
            "labels"
        ]
        assert labels["team"] == "a"
        assert [key for key in labels if key.lower().startswith("traefik.")] == ["traefik.enable"]

    def test_is_restarted_and_undone_by_hitless_alone(self) -> None:
        wanted = {
            "restart_policy": {"condition": "on-failure"},
            "update_config": {"failure_action": "rollback"},
            "rollback_config": {"parallelism": 1},
            "endpoint_mode": "vip",
        }
        deploy = service(restart="on-failure:3", deploy=wanted)["deploy"]
        assert deploy["restart_policy"] == {"condition": "any"}
        assert deploy["update_config"] == {"failure_action": "continue"}
        assert "rollback_config" not in deploy
        assert deploy["endpoint_mode"] == "dnsrr"

    def test_that_runs_to_its_end_is_not_started_again(self) -> None:
        model = colour_model({"app": web(depends_on=ENDED), "migrate": unrouted()})
        found = stack_model(model, images(model), ending={"migrate"})["services"]
        assert found["migrate"]["deploy"]["restart_policy"] == {"condition": "none"}
        assert found["app"]["deploy"]["restart_policy"] == {"condition": "any"}

    def test_keeps_its_placement_and_its_resources(self) -> None:
        placement = {"constraints": ["node.role==worker"], "max_replicas_per_node": 1}
        resources = {"limits": {"cpus": 0.5, "pids": 9}, "reservations": {"memory": "33554432"}}
        deploy = service(deploy={"placement": placement, "resources": resources})["deploy"]
        assert deploy["placement"] == placement
        assert deploy["resources"] == {
            "limits": {"cpus": "0.5", "pids": 9},
            "reservations": {"memory": "33554432"},
        }

    def test_has_the_limits_of_plain_compose_among_its_resources(self) -> None:
        found = service(cpus=0.5, mem_limit="67108864", mem_reservation="3145728", pids_limit=4)
        assert found["deploy"]["resources"] == {
            "limits": {"cpus": "0.5", "memory": "67108864", "pids": 4},
            "reservations": {"memory": "3145728"},
        }
        assert not {"cpus", "mem_limit", "mem_reservation", "pids_limit"} & set(found)

    def test_without_a_limit_has_none(self) -> None:
        assert "resources" not in service(pids_limit=-1, cpus=0)["deploy"]

    def test_has_its_tmpfs_as_mounts(self) -> None:
        mount = {"type": "tmpfs", "target": "/x", "tmpfs": {"size": "10485760"}}
        assert service(tmpfs=["/run:size=64m,mode=1777", "/tmp"], volumes=[mount])["volumes"] == [
            {"type": "tmpfs", "target": "/x", "tmpfs": {"size": 10485760}},
            {"type": "tmpfs", "target": "/run", "tmpfs": {"size": 67108864}},
            {"type": "tmpfs", "target": "/tmp"},
        ]

    def test_mounts_what_its_node_has(self) -> None:
        mounts = [
            {
                "type": "bind",
                "source": "/proc",
                "target": "/p",
                "read_only": True,
                "bind": {"create_host_path": True},
            },
            {"type": "volume", "source": "media", "target": "/media", "volume": {"nocopy": True}},
            {"type": "volume", "target": "/cache", "volume": {}},
        ]
        assert service(volumes=mounts)["volumes"] == [
            {"type": "bind", "source": "/proc", "target": "/p", "read_only": True},
            {"type": "volume", "source": "media", "target": "/media", "volume": {"nocopy": True}},
            {"type": "volume", "target": "/cache"},
        ]

    def test_has_no_key_without_a_value(self) -> None:
        found = service(
            command=None, entrypoint=None, environment={"A": None, "B": "$$b"}, logging={"options": None}
        )
        assert not {"command", "entrypoint", "logging"} & set(found)
        assert found["environment"] == {"B": "$$b"}

    def test_with_its_check_switched_off(self) -> None:
        check = {"test": ["CMD", "true"], "disable": True}
        assert service(healthcheck=check)["healthcheck"] == {"disable": True}

    def test_with_a_check(self) -> None:
        check = {"test": ["CMD", "true"], "start_interval": "1s", "interval": "5s"}
        assert service(healthcheck=check)["healthcheck"] == check

    @pytest.mark.parametrize("hosts", [["a=1.2.3.4", "b=::1"], {"a": ["1.2.3.4"], "b": "::1"}])
    def test_with_other_hosts(self, hosts: Any) -> None:
        assert service(extra_hosts=hosts)["extra_hosts"] == ["a:1.2.3.4", "b:::1"]

    def test_has_nothing_of_what_hitless_does_itself(self) -> None:
        gone = {
            "depends_on": {},
            "expose": ["80"],
            "links": [],
            "platform": "linux/amd64",
            "container_name": "x",
        }
        found = service(**gone, restart="always")
        assert not {*gone, "restart", "pull_policy", "scale", "build"} & set(found)


class TestNetworks:
    """The networks of a stack."""

    def test_of_its_own_are_overlays(self) -> None:
        own = {
            "driver": "bridge",
            "driver_opts": {"encrypted": ""},
            "ipam": {"driver": "x"},
            "internal": True,
        }
        found = stack(
            {"app": web(networks={"back": {"aliases": ["api"], "priority": 1}})}, networks={"back": own}
        )
        assert found["services"]["app"]["networks"] == {"back": {"aliases": ["api"]}}
        network = found["networks"]["back"]
        assert (network["driver"], network["attachable"], network["internal"]) == ("overlay", True, True)
        assert network["driver_opts"] == {"encrypted": ""}
        assert "ipam" not in network

    def test_that_hitless_creates_are_external(self) -> None:
        found = stack({"app": web(networks={"back": None})}, networks={"back": {}})
        assert found["networks"]["back"] == {"name": "shop-green_back", "external": True}


class TestVolumes:
    """The volumes of a stack, which both colours share."""

    VOLUMES: ClassVar[Json] = {"media": {"driver": "local", "driver_opts": {"type": "nfs", "device": ":/x"}}}

    def test_that_are_there(self) -> None:
        assert stack(volumes=self.VOLUMES)["volumes"] == {"media": {"name": "shop_media", "external": True}}

    def test_that_each_node_creates_from_their_definition(self) -> None:
        model = colour_model(volumes=self.VOLUMES)
        found = stack_model(model, images(model), volumes=self.VOLUMES)
        assert found["volumes"] == {"media": {"name": "shop_media", **self.VOLUMES["media"]}}


class TestFiles:
    """The secrets and configs of a stack."""

    @staticmethod
    def model(secrets: Json, **uses: Any) -> dict[str, Any]:
        used = [{"source": key, "target": f"/run/secrets/{key}"} for key in secrets]
        return colour_model({"app": web(secrets=used, **uses)}, secrets=secrets)

    def one(self, definition: Json, contents: dict[str, bytes] | None = None) -> StackFile:
        (found,) = stack_files(self.model({"token": definition}), SHOP, contents or {})
        return found

    def test_of_a_file(self) -> None:
        model = self.model({"token": {"file": "/t"}})
        assert file_paths(model) == ("/t",)
        (found,) = stack_files(model, SHOP, {"/t": b"\xff1"})
        assert (found.kind, found.key, found.data) == ("secret", "token", b"\xff1")
        assert found.labels == {"hitless.application": SHOP}

    def test_from_the_environment(self) -> None:
        assert self.one({"environment": "T", "x-hitless-value": "a$$b"}).data == b"a$b"

    def test_within_the_file(self) -> None:
        model = colour_model({"app": web(configs=[{"source": "c"}])}, configs={"c": {"content": "ü$$x"}})
        (found,) = stack_files(model, SHOP, {})
        assert (found.kind, found.data) == ("config", "ü$x".encode())

    def test_whose_content_changes_gets_another_name(self) -> None:
        first = self.one({"file": "/t"}, {"/t": b"1"})
        assert first == self.one({"file": "/t"}, {"/t": b"1"})
        assert first.name != self.one({"file": "/t"}, {"/t": b"2"}).name
        assert first.name.startswith("shop.token.")

    def test_does_not_show_its_content(self) -> None:
        assert "geheim" not in repr(self.one({"file": "/t"}, {"/t": b"geheim"}))

    def test_with_a_long_name_fits_into_the_swarms_names(self) -> None:
        (found,) = stack_files(self.model({"t" * 90: {"file": "/t"}}), SHOP, {"/t": b""})
        assert len(found.name) == 64

    def test_is_external_for_the_stack(self) -> None:
        model = self.model({"token": {"file": "/t"}})
        files = stack_files(model, SHOP, {"/t": b"1"})
        found = stack_model(model, images(model), files)
        assert found["secrets"] == {"token": {"name": files[0].name, "external": True}}
        assert found["services"]["app"]["secrets"] == [{"source": "token", "target": "/run/secrets/token"}]

    def test_that_the_swarm_has_keeps_its_name(self) -> None:
        model = self.model({"token": {"external": True, "name": "theirs"}})
        assert stack_files(model, SHOP, {}) == ()
        assert stack_model(model, images(model))["secrets"] == {"token": {"name": "theirs", "external": True}}

    def test_that_no_service_uses_is_not_there(self) -> None:
        model = colour_model(secrets={"build": {"file": "/t"}})
        assert file_paths(model) == ()
        assert "secrets" not in stack_model(model, images(model))

    def test_has_its_mode_as_a_number(self) -> None:
        model = colour_model(
            {"app": web(secrets=[{"source": "token", "mode": "0440"}])}, secrets={"token": {"file": "/t"}}
        )
        found = stack_model(model, images(model), stack_files(model, SHOP, {"/t": b""}))
        assert found["services"]["app"]["secrets"] == [{"source": "token", "mode": 0o440}]


@examples(100)
@given(hostile_texts(), hostile_texts(), st.integers(0, 9))
def test_no_text_of_the_file_changes_on_the_way(key: str, text: str, replicas: int) -> None:
    """Compose and the stack read the same `$$`, so each text is the same in both files."""
    model = colour_model(
        {"app": web(environment={key: text}, command=[text], deploy={"replicas": max(replicas, 1)})}
    )
    before = json.dumps(model)
    found = stack_model(model, images(model))["services"]["app"]
    assert found["environment"] == {key: text}
    assert found["command"] == [text]
    assert found["deploy"]["replicas"] == 0
    assert json.dumps(model) == before
    assert None not in found.values()
