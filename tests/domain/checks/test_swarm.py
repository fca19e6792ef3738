"""What a release can't have on a Swarm."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from hitless.domain.checks.swarm import VERDICTS, Does, of_swarm, verdict_of
from hitless.domain.common.findings import Finding
from hitless.domain.common.foreign import Json
from hitless.domain.release.stack_models import TAKEN, stack_model
from tests.domain.builders import WEB_LABELS, application, at, only, paths, unrouted, web
from tests.domain.release.test_compose_models import colour_model
from tests.reference.compose import KEYS

PINNED: Json = {"placement": {"constraints": ["node.hostname == n1"]}}
# For keys whose value hitless reads; all others get a text
VALUES: Mapping[str, Any] = {
    "services.volumes": [{"type": "tmpfs", "target": "/x"}],
    "services.build": {"context": "."},
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
    "services.labels": WEB_LABELS,
    "services.image": "shop:1",
    "services.logging": {"driver": "local"},
    "services.extra_hosts": ["a=1.2.3.4"],
    "services.networks": {"x": None},
    "services.deploy": {"placement": {"constraints": ["node.role==worker"]}},
    "services.depends_on": {},
    "services.develop": {"watch": []},
    "services.post_start": [{"command": ["true"]}],
    "services.ports": [{"target": 8000, "published": "80", "protocol": "tcp"}],
    "services.tmpfs": ["/run"],
    "services.profiles": ["x"],
}
OF_SERVICES = sorted(key for key in VERDICTS if key.startswith("services.") and key.count(".") == 1)
FILES: Json = {
    "networks": {"x": {}},
    "secrets": {"x": {"external": True}},
    "configs": {"x": {"external": True}},
}


def app(**keys: Any) -> tuple[Finding, ...]:
    """The findings about one routed service."""
    return tuple(of_swarm(application({"app": web(**keys)})))


def network(definition: Json) -> tuple[Finding, ...]:
    """The findings about a network that the routed service is on."""
    services = {"app": web(networks={"back": None})}
    return tuple(of_swarm(application(services, networks={"back": definition})))


def volume(definition: Json | None = None, **keys: Any) -> tuple[Finding, ...]:
    """The findings about a named volume that the routed service mounts."""
    mount = {"type": "volume", "source": "media", "target": "/media"}
    return tuple(of_swarm(application({"app": web(volumes=[mount], **keys)}, volumes={"media": definition})))


class TestTable:
    """Each key of the Compose specification has one verdict."""

    def test_every_key_of_the_specification_has_one(self) -> None:
        assert [key for key in KEYS if verdict_of(key) is None] == []

    def test_a_key_that_is_not_in_the_specification_has_none(self) -> None:
        assert {key for key in VERDICTS if key not in KEYS} == set()
        assert verdict_of("services.warp") is None

    @pytest.mark.parametrize("key", OF_SERVICES)
    def test_a_key_is_refused_or_not_as_the_table_says(self, key: str) -> None:
        service = {**web(), key.partition(".")[2]: VALUES.get(key, "as written")}
        findings = of_swarm(application({"app": service}, **FILES))
        errors = [one for one in findings if one.is_error and one.path.startswith(f"services.app.{key[9:]}")]
        assert bool(errors) == (VERDICTS[key].does is Does.REFUSED)
        assert all(one.hint for one in errors)

    @pytest.mark.parametrize("key", OF_SERVICES)
    def test_a_key_is_in_the_stack_or_not_as_the_table_says(self, key: str) -> None:
        name = key.partition(".")[2]
        if VERDICTS[key].does in (Does.REFUSED, Does.ELSEWHERE, Does.RESOLVED, Does.CHANGED):
            return
        service = {**web(), name: VALUES.get(key, "as written")}
        model = colour_model({"app": service}, **FILES)
        found = stack_model(model, {model["services"]["app"]["image"]: "sha256:1"})["services"]["app"]
        assert (name in found) == (VERDICTS[key].does is Does.TAKEN)

    def test_what_is_taken_as_it_is_has_that_verdict(self) -> None:
        assert {VERDICTS[f"services.{key}"].does for key in TAKEN} == {Does.TAKEN}


class TestRoles:
    """What hitless does for an application on one host, and not on a Swarm yet."""

    def test_a_plain_application_is_fit(self) -> None:
        assert list(of_swarm(application())) == []

    def test_shared_services(self) -> None:
        finding = only(list(of_swarm(application({"app": web(), "db": {"image": "postgres:16"}}))))
        assert (finding.path, finding.is_error) == ("services.db", True)
        assert finding.message == "shared services are not deployed on a Swarm yet"

    def test_jobs(self) -> None:
        services = {
            "app": web(depends_on={"migrate": {"condition": "service_completed_successfully"}}),
            "migrate": unrouted(),
        }
        assert paths(list(of_swarm(application(services)))) == ["services.migrate"]

    def test_hooks_in_containers_but_not_those_of_the_local_machine(self) -> None:
        hooks = {"hooks": {"before-cutover": [{"service": "app", "command": ["true"]}]}}
        assert paths(list(of_swarm(application(x_hitless=hooks)))) == ["x-hitless.hooks.before-cutover"]
        local = {"hooks": {"before-cutover": [{"local": ["true"]}]}}
        assert list(of_swarm(application(x_hitless=local))) == []

    def test_exclusive_services(self) -> None:
        services = {"app": web(), "worker": unrouted(x_hitless={"role": "worker", "exclusive": True})}
        assert paths(list(of_swarm(application(services)))) == ["services.worker.x-hitless.exclusive"]

    def test_workers_are_fit(self) -> None:
        assert list(of_swarm(application({"app": web(), "worker": unrouted()}))) == []

    def test_all_is_said_at_once(self) -> None:
        found = app(privileged=True, devices=["/dev/kvm"], runtime="nvidia", ipc="host", shm_size="64m")
        assert set(paths(found)) == {
            f"services.app.{key}" for key in ("privileged", "devices", "runtime", "ipc", "shm_size")
        }

    def test_what_is_switched_off_is_no_finding(self) -> None:
        assert app(privileged=False, oom_kill_disable=False, security_opt=[], mem_swappiness=0) == ()


class TestServices:
    """Keys of a service that need a closer look."""

    def test_published_ports(self) -> None:
        finding = at(
            app(ports=[{"target": 8000, "published": "8080", "protocol": "tcp"}]), "services.app.ports"
        )
        assert "8080" in finding.message

    def test_a_port_that_nobody_publishes_is_fit(self) -> None:
        assert app(ports=[{"target": 8000, "protocol": "tcp"}]) == ()

    @pytest.mark.parametrize(("mode", "is_fit"), [("replicated", True), ("global", False)])
    def test_how_many_tasks(self, mode: str, is_fit: bool) -> None:
        assert paths(app(deploy={"mode": mode})) == ([] if is_fit else ["services.app.deploy.mode"])

    def test_devices_among_the_resources(self) -> None:
        resources = {"reservations": {"devices": [{"capabilities": ["gpu"]}]}}
        found = only(app(deploy={"resources": resources}))
        assert found.path == "services.app.deploy.resources.reservations.devices"

    def test_a_setting_of_a_network_that_a_stack_refuses(self) -> None:
        services = {"app": web(networks={"back": {"priority": 5}, "front": None})}
        found = of_swarm(application(services, networks={"back": {}, "front": {}}))
        assert paths(list(found)) == ["services.app.networks.priority"]

    def test_a_value_that_a_swarm_would_fill_in(self) -> None:
        finding = only(app(environment={"FORMAT": "{{.Names}}", "PLAIN": "{x}"}))
        assert (finding.path, finding.is_error) == ("services.app.environment.FORMAT", False)

    @pytest.mark.parametrize("text", ["/run", "/run:size=64m,mode=1777", "/run:rw,noexec,nosuid"])
    def test_a_tmpfs_with_what_a_mount_can_have(self, text: str) -> None:
        assert app(tmpfs=[text]) == ()

    @pytest.mark.parametrize("option", ["mode=0700", "exec", "uid=1000", "size=50%"])
    def test_an_option_of_a_tmpfs_that_would_be_lost(self, option: str) -> None:
        assert option in at(app(tmpfs=[f"/run:size=1m,{option}"]), "services.app.tmpfs").message


class TestVolumes:
    """What a task mounts must be there on each node."""

    @staticmethod
    def bind(source: str, **keys: Any) -> list[str]:
        return paths(app(volumes=[{"type": "bind", "source": source, "target": "/x"}], **keys))

    def test_a_path_of_one_machine(self) -> None:
        assert self.bind("/srv/uploads") == ["services.app.volumes"]

    def test_a_path_of_the_node_to_which_the_service_is_pinned(self) -> None:
        assert self.bind("/srv/uploads", deploy=PINNED) == []

    @pytest.mark.parametrize("source", ["/etc/localtime", "/proc", "/var/run/docker.sock"])
    def test_a_path_that_each_node_has(self, source: str) -> None:
        assert self.bind(source) == []

    def test_a_named_volume_is_one_on_each_node(self) -> None:
        finding = at(volume(), "services.app.volumes")
        assert "node.hostname == NAME" in finding.hint

    def test_an_external_volume_too(self) -> None:
        assert paths(volume({"name": "data", "external": True})) == ["services.app.volumes"]

    def test_unless_the_service_is_pinned_to_one_node(self) -> None:
        assert volume(deploy=PINNED) == ()

    @pytest.mark.parametrize(
        "constraint", ["node.role == manager", "node.hostname != n1", "node.labels.a==1"]
    )
    def test_a_constraint_that_more_nodes_may_fulfil_pins_nothing(self, constraint: str) -> None:
        assert volume(deploy={"placement": {"constraints": [constraint]}})

    def test_a_volume_that_each_node_mounts_from_elsewhere(self) -> None:
        assert volume({"driver": "local", "driver_opts": {"type": "nfs4", "device": ":/x"}}) == ()
        assert volume({"driver": "rclone"}) == ()

    def test_an_anonymous_volume_is_fit(self) -> None:
        assert app(volumes=[{"type": "volume", "target": "/cache"}]) == ()

    def test_a_mode_of_a_tmpfs_that_would_be_lost(self) -> None:
        mount = {"type": "tmpfs", "target": "/x", "tmpfs": {"size": "10485760", "mode": 448}}
        assert paths(app(volumes=[mount])) == ["services.app.volumes"]

    def test_a_mount_of_another_type(self) -> None:
        mount = {"type": "image", "source": "x:1", "target": "/x"}
        assert "image" in at(app(volumes=[mount]), "services.app.volumes").message


class TestNetworks:
    """The networks of a release are overlays."""

    @pytest.mark.parametrize("driver", [None, "bridge", "overlay"])
    def test_that_can_be_an_overlay(self, driver: str | None) -> None:
        assert network({"driver": driver} if driver else {}) == ()

    def test_of_another_driver(self) -> None:
        assert paths(network({"driver": "macvlan"})) == ["networks.back.driver"]

    def test_with_options_of_a_bridge(self) -> None:
        options = {"com.docker.network.bridge.name": "x", "com.docker.network.driver.mtu": "1400"}
        assert paths(network({"driver_opts": options})) == ["networks.back.driver_opts"]

    def test_with_ipv6(self) -> None:
        assert paths(network({"enable_ipv6": True})) == ["networks.back.enable_ipv6"]

    def test_whose_addresses_another_program_chooses(self) -> None:
        assert paths(network({"ipam": {"driver": "dhcp"}})) == ["networks.back.ipam.driver"]
        assert network({"ipam": {"driver": "default"}}) == ()

    def test_of_others(self) -> None:
        assert paths(network({"name": "proxy", "external": True})) == ["networks.back"]

    def test_the_gateways_own(self) -> None:
        assert network({"name": "traefik_webgateway", "external": True}) == ()

    def test_that_no_service_of_the_release_is_on(self) -> None:
        assert list(of_swarm(application(networks={"back": {"driver": "macvlan"}}))) == []


class TestFiles:
    """Secrets and configs."""

    def test_with_a_driver(self) -> None:
        found = of_swarm(application(secrets={"token": {"driver": "vault"}}))
        assert paths(list(found)) == ["secrets.token.driver"]

    def test_of_a_file_the_environment_or_the_swarm(self) -> None:
        secrets = {"a": {"file": "/a"}, "b": {"environment": "B"}, "c": {"external": True, "name": "c"}}
        assert list(of_swarm(application(secrets=secrets))) == []
