from __future__ import annotations

from typing import Any, ClassVar

import pytest

from hitless.domain.checks import application as checks
from hitless.domain.common.findings import Finding
from hitless.domain.common.foreign import Json
from hitless.domain.common.names import Colour
from hitless.domain.release.model import Image
from tests.domain.builders import (
    WEB_LABELS,
    application,
    at,
    image,
    only,
    paths,
    release,
    routing,
    unrouted,
    web,
    world,
)
from tests.domain.checks.checked import BARE, IMAGES, SERVICE, app, check, worker


class TestSchedulers:
    """Workers that by their look must not run twice at a time."""

    @pytest.mark.parametrize(
        ("keys", "word"),
        [
            ({"command": ["celery", "-A", "app", "beat"]}, "beat"),
            ({"command": ["/start-celerybeat"]}, "celerybeat"),
            ({"command": ["php", "artisan", "schedule:work"]}, "schedule"),
            ({"entrypoint": ["/usr/bin/supercronic", "/crontab"]}, "supercronic"),
        ],
    )
    def test_are_exclusive_by_themselves(self, keys: dict[str, Any], word: str) -> None:
        found = application({"app": web(), "worker": unrouted(**keys)}).services[1]
        assert found.exclusive
        assert f"exclusive, as it is a {word} by" in found.reason

    def test_also_as_part_of_a_worker(self) -> None:
        beat = unrouted(command=["celery", "-A", "app", "worker", "-B"])
        assert application({"app": web(), "worker": beat}).services[1].exclusive

    @pytest.mark.parametrize("said", [True, False])
    def test_unless_it_was_said_how_it_is(self, said: bool) -> None:
        beat = unrouted(command=["celery", "beat"], x_hitless={"exclusive": said})
        assert application({"app": web(), "worker": beat}).services[1].exclusive is said

    def test_a_heartbeat_is_none(self) -> None:
        heart = unrouted(command=["heartbeat", "clocks"])
        assert not application({"app": web(), "worker": heart}).services[1].exclusive


class TestTwoCopies:
    """What two copies of one service can't share."""

    def test_a_container_name(self) -> None:
        assert only(worker(container_name="db")).path == "services.worker.container_name"

    def test_a_published_port(self) -> None:
        ports = [{"mode": "ingress", "target": 80, "published": "8080", "protocol": "tcp"}]
        finding = only(worker(ports=ports))
        assert (finding.path, finding.is_error) == ("services.worker.ports", True)
        assert "publish: gateway" in finding.hint

    def test_every_published_port_is_named(self) -> None:
        ports = [{"target": 80, "published": "8080"}, {"target": 81, "published": "8081"}]
        assert ["8080" in finding.message for finding in worker(ports=ports)] == [True, False]

    def test_a_port_that_the_engine_chooses(self) -> None:
        assert app(ports=[{"target": 80, "protocol": "tcp"}]) == ()

    @pytest.mark.parametrize("mode", ["host", "none", "service:db", "container:x"])
    def test_a_network_mode_of_a_routed_service(self, mode: str) -> None:
        assert only(app(network_mode=mode)).path == "services.app.network_mode"

    def test_the_hosts_network_for_an_unrouted_service(self) -> None:
        assert only(worker(network_mode="host")).path == "services.worker.network_mode"

    @pytest.mark.parametrize("mode", ["none", "service:app"])
    def test_other_network_modes_of_an_unrouted_service(self, mode: str) -> None:
        assert worker(network_mode=mode) == ()

    @pytest.mark.parametrize("key", ["ipv4_address", "ipv6_address", "link_local_ips", "mac_address"])
    def test_a_fixed_address(self, key: str) -> None:
        findings = worker(networks={"back": {key: "10.0.0.2"}, "front": None, "rest": {"aliases": ["w"]}})
        assert only(findings).path == f"services.worker.networks.back.{key}"

    def test_no_replica_of_a_routed_service(self) -> None:
        assert only(app(deploy={"replicas": 0})).path == "services.app.deploy.replicas"

    def test_no_replica_of_an_unrouted_service(self) -> None:
        assert worker(deploy={"replicas": 0}) == ()

    def test_fewer_replicas_than_are_live(self) -> None:
        there = world(routing(Colour.BLUE), releases=(release(1, promoted=1),))
        services = {"app": web(deploy={"replicas": 0}), "worker": unrouted(deploy={"replicas": 0})}
        found = checks.check(application(services), there, IMAGES)
        fewer = at(found, "services.app.scale")
        assert (fewer.message, fewer.is_error) == ("is 0, but 1 are live", False)
        # which the live release has none of
        assert "services.worker.scale" not in paths(found)

    def test_more_replicas_than_are_live(self) -> None:
        assert worker(deploy={"replicas": 2}) == ()


class TestVolumes:
    """What two copies would write to at once."""

    DATA: ClassVar[Json] = {"type": "volume", "source": "data", "target": "/data"}
    FOLDER: ClassVar[Json] = {"type": "bind", "source": "/srv/data", "target": "/data"}

    @pytest.mark.parametrize("mount", [DATA, FOLDER])
    def test_of_a_routed_service_alone_are_no_question(self, mount: Json) -> None:
        assert app(volumes=[mount]) == ()
        # that one keeps others from writing is said of what runs once in each release
        assert self.asked([mount], exclusive=False) == 1

    def asked(self, volumes: list[Json], **x_hitless: bool) -> int:
        """How often it is asked whether two copies of a routed service may write there."""
        found = app(volumes=volumes, x_hitless=x_hitless or {"exclusive": False})
        return sum("two copies would write" in one.message for one in found)

    @pytest.mark.parametrize("mount", [DATA, FOLDER])
    def test_of_several_routed_containers_are_asked_about(self, mount: Json) -> None:
        finding = only(app(volumes=[mount], scale=2))
        assert (finding.path, finding.is_error) == ("services.app.volumes", True)
        assert mount["source"] in finding.message
        assert "with its route" in finding.hint
        assert only(app(volumes=[mount], scale=2, x_hitless={"exclusive": True})).path == "services.app.scale"

    @pytest.mark.parametrize("target", ["/app/logs", "/srv/media", "/var/www/uploads", "/app/node_modules"])
    def test_files_may_have_two_writers(self, target: str) -> None:
        assert app(volumes=[{**self.DATA, "target": target}]) == ()

    @pytest.mark.parametrize("target", ["/app/media-db", "/var/cache/index", "/config", "/var/lib/x"])
    def test_what_may_be_data_has_one(self, target: str) -> None:
        assert self.asked([{**self.DATA, "target": target}]) == 1

    def test_the_files_of_products_that_share_them(self) -> None:
        assert app(volumes=[{**self.DATA, "source": "caddy_data"}]) == ()
        site = {**self.DATA, "target": "/var/www/html"}
        assert check({"app": web() | {"image": "wordpress:6", "volumes": [site]}}) == ()
        assert self.asked([site]) == 1

    def test_settings_that_nobody_mounted_read_only(self) -> None:
        for source in ("/srv/app.yml", "/srv/.env.production", "/srv/index.php"):
            assert app(volumes=[{"type": "bind", "source": source, "target": "/x"}]) == ()
        # certificates with the account's key: Traefik's own file has one writer
        assert self.asked([{"type": "bind", "source": "/srv/acme.json", "target": "/x"}]) == 1

    def test_the_source_code_of_what_is_built_here(self) -> None:
        build = {"context": "/srv/app"}
        for source, asked in (("/srv/app", 0), ("/srv/app/src", 0), ("/srv/app/data", 1), ("/srv", 1)):
            mount = {"type": "bind", "source": source, "target": "/x"}
            services = {"app": web(build=build, volumes=[mount], x_hitless={"exclusive": False})}
            assert len(check(services)) == asked, source

    def test_are_asked_about_once(self) -> None:
        services = {"app": web(volumes=[self.DATA]), "worker": unrouted(volumes=[self.DATA])}
        assert only(check(services)).path == "services.app.volumes"
        services["app"]["x-hitless"] = {"concurrent_writes": True}
        # what is said of the volume holds for every service that writes to it
        assert check(services) == ()

    @pytest.mark.parametrize(
        "source", ["/var/run/docker.sock", "/etc/localtime", "/etc/timezone", "/dev/dri", "/proc", "/sys/fs"]
    )
    def test_what_is_the_hosts_own_may_be_had_twice(self, source: str) -> None:
        mount = {"type": "bind", "source": source, "target": "/x"}
        assert app(volumes=[mount]) == ()
        assert worker(volumes=[mount]) == ()

    @pytest.mark.parametrize("mount", [DATA, FOLDER])
    def test_of_an_unrouted_service_is_an_error(self, mount: Json) -> None:
        finding = only(worker(volumes=[mount]))
        assert (finding.path, finding.is_error) == ("services.worker.volumes", True)

    def test_several_of_a_service_are_one_finding(self) -> None:
        finding = only(worker(volumes=[self.DATA, self.FOLDER]))
        assert "data, /srv/data" in finding.message

    def test_that_are_read_only(self) -> None:
        assert worker(volumes=[{**self.DATA, "read_only": True}]) == ()

    def test_that_two_writers_may_share(self) -> None:
        assert worker(volumes=[self.DATA], x_hitless={"concurrent_writes": True}) == ()
        # and nothing is said of it after that
        cache = web(x_hitless={"concurrent_writes": True}, volumes=[self.DATA])
        assert check({"app": {**cache, "image": "redis:7"}}) == ()

    def test_that_two_writers_may_not_share(self) -> None:
        assert len(worker(volumes=[self.DATA], x_hitless={"concurrent_writes": False})) == 1

    def test_in_memory(self) -> None:
        assert worker(volumes=[{"type": "tmpfs", "target": "/x"}]) == ()


class TestSharedWithRoute:
    """What keeps the gateway from a shared service, or would let it take the place of another one."""

    LABELS: ClassVar[Json] = {
        "traefik.http.routers.s3.rule": "Host(`s3.example`)",
        "traefik.http.services.s3.loadbalancer.server.port": "9000",
    }

    def of(self, *, name: str = "s3", labels: Json = LABELS, **keys: Any) -> tuple[Finding, ...]:
        return check({"app": web(), name: {"image": "minio/minio", "labels": dict(labels), **keys}})

    def test_nothing_is_wrong_with_it(self) -> None:
        assert self.of() == ()
        # it runs once, and may have its own port and name
        assert self.of(ports=[{"target": 9000, "published": "9000"}], container_name="minio") == ()

    def test_without_a_network_of_its_own(self) -> None:
        assert only(self.of(network_mode="host")).path == "services.s3.network_mode"

    @pytest.mark.parametrize("key", ["hostname", "container_name"])
    @pytest.mark.parametrize("name", ["shop.db.invalid", "other-blue-web-1", "Other-GREEN-web-1"])
    def test_with_the_name_of_another_services_container(self, key: str, name: str) -> None:
        keys: dict[str, Any] = {key: name}
        finding = only(self.of(**keys))
        assert (finding.path, finding.is_error) == (f"services.s3.{key}", True)

    def test_whose_port_only_its_image_tells(self) -> None:
        labels = {"traefik.http.routers.s3.rule": "Host(`s3.example`)"}
        assert "no port found" in only(self.of(labels=labels)).message
        assert self.of(labels=labels, expose=["9000"]) == ()

    def test_with_a_name_of_the_outside(self) -> None:
        assert self.of(hostname="s3.example.org") == ()

    def test_whose_own_name_is_such_a_name(self) -> None:
        assert only(self.of(name="other-blue-web-1")).path == "services.other-blue-web-1"

    def test_beside_nothing_that_a_deployment_would_replace(self) -> None:
        finding = only(check({"s3": {"image": "minio/minio", "labels": dict(self.LABELS)}}))
        assert (finding.path, finding.is_error) == ("services", True)
        assert "s3 is shared" in finding.message


class TestAnonymousVolumes:
    """What every release would start without."""

    ANONYMOUS: ClassVar[Json] = {"type": "volume", "target": "/data"}
    DATABASE: ClassVar[Image] = image(volumes=("/data",))

    def of_the_image(self, **keys: Any) -> tuple[Finding, ...]:
        return check({"app": web(), "worker": unrouted(**keys)}, {**IMAGES, "worker": self.DATABASE})

    def test_of_an_unrouted_service(self) -> None:
        finding = only(worker(volumes=[self.ANONYMOUS]))
        assert (finding.path, finding.is_error) == ("services.worker.volumes", True)
        assert "/data" in finding.message

    def test_that_keep_what_the_image_has_from_being_hidden(self) -> None:
        for folder in ("/app/node_modules", "/backend/.mypy_cache"):
            assert worker(volumes=[{"type": "volume", "target": folder}]) == ()

    def test_that_the_image_declares(self) -> None:
        finding = only(self.of_the_image())
        assert (finding.path, finding.is_error) == ("services.worker.volumes", True)
        assert "/data" in finding.message

    def test_that_the_image_declares_and_the_file_repeats(self) -> None:
        assert len(self.of_the_image(volumes=[self.ANONYMOUS])) == 1

    def test_every_one_is_named(self) -> None:
        findings = self.of_the_image(volumes=[{"type": "volume", "target": "/cache"}])
        assert ["/cache" in finding.message for finding in findings] == [True, False]

    @pytest.mark.parametrize(
        "mount",
        [
            {"type": "volume", "source": "data", "target": "/data", "read_only": True},
            {"type": "bind", "source": "/srv", "target": "/data", "read_only": True},
        ],
    )
    def test_that_the_image_declares_where_the_file_mounts_something(self, mount: Json) -> None:
        assert self.of_the_image(volumes=[mount]) == ()

    def test_that_hold_nothing_worth_keeping(self) -> None:
        bears = {"concurrent_writes": True}
        assert self.of_the_image(volumes=[self.ANONYMOUS], x_hitless=bears) == ()

    def test_of_a_routed_service(self) -> None:
        # a web server's cache: the other copy has its own, and the next release, too
        declares = {"app": image(8000, volumes=("/data",))}
        assert check({"app": web(volumes=[self.ANONYMOUS])}, declares) == ()

    def test_of_an_image_that_is_not_here_yet(self) -> None:
        assert check({"app": web(), "worker": unrouted()}, images={}) == ()


class TestHealth:
    """What readiness would mean."""

    def test_no_health_check_of_any_kind(self) -> None:
        finding = only(app(BARE))
        assert (finding.path, finding.is_error) == ("services.app", False)
        assert "has no health check of any kind:" in finding.message

    def test_the_image_may_have_one_as_long_as_it_is_unknown(self) -> None:
        finding = only(check({"app": web(BARE)}, images={}))
        assert not finding.is_error
        assert "unless its image has one" in finding.message

    def test_the_image_has_one(self) -> None:
        assert check({"app": web(BARE)}, {"app": image(8000, healthcheck=True)}) == ()

    def test_visitors_bound_to_a_container_that_nobody_asks_for_its_health(self) -> None:
        balancer = "traefik.http.services.shop.loadbalancer."
        labels = {**BARE, f"{balancer}sticky.cookie.name": "lb"}
        finding = only(app(labels, healthcheck={"test": ["CMD", "true"]}))
        assert (finding.path, finding.is_error) == (f"services.app.labels.{balancer}sticky", False)
        assert "the visitors bound to it get 502" in finding.message
        assert app({**labels, f"{balancer}healthcheck.path": "/health"}) == ()
        assert app({**labels, f"{balancer}healthcheck.path": "/health"}, deploy={"replicas": 2}) == ()

    def test_the_compose_file_has_one(self) -> None:
        assert app(BARE, healthcheck={"test": ["CMD", "true"]}) == ()

    def test_the_images_is_switched_off(self) -> None:
        services = {"app": web(BARE, healthcheck={"disable": True})}
        assert len(check(services, {"app": image(8000, healthcheck=True)})) == 1

    def test_an_unrouted_service_needs_none(self) -> None:
        assert worker() == ()

    BELIEVED: ClassVar[Json] = {"servers_transports": {"default": {"insecureSkipVerify": True}}}

    @pytest.mark.parametrize("scheme", ["https", "h2c"])
    def test_a_scheme_that_the_gate_does_not_speak(self, scheme: str) -> None:
        labels = {**WEB_LABELS, "traefik.http.services.shop.loadbalancer.server.scheme": scheme}
        finding = only(check({"app": web(labels)}, x_hitless=self.BELIEVED))
        assert (finding.path, finding.is_error) == (f"{SERVICE}.server.scheme", True)

    @pytest.mark.parametrize("scheme", ["https", "h2c"])
    def test_such_a_scheme_with_dockers_health_check(self, scheme: str) -> None:
        labels = {**WEB_LABELS, "traefik.http.services.shop.loadbalancer.server.scheme": scheme}
        services = {"app": web(labels, healthcheck={"test": ["CMD", "true"]})}
        assert check(services, x_hitless=self.BELIEVED) == ()

    @pytest.mark.parametrize(("field", "value"), [("scheme", "https"), ("mode", "grpc")])
    def test_a_health_check_that_the_gate_does_not_speak(self, field: str, value: str) -> None:
        # nobody would ask the candidate anything before it goes live
        label = f"traefik.http.services.shop.loadbalancer.healthcheck.{field}"
        assert any(finding.is_error for finding in app({**WEB_LABELS, label: value}))


@pytest.mark.parametrize("policy", ["no", "always", "unless-stopped", "on-failure", "on-failure:5", None])
def test_a_restart_policy(policy: str | None) -> None:
    assert app(restart=policy) == ()


def test_a_restart_policy_that_docker_does_not_know() -> None:
    assert at(app(restart="sometimes"), "services.app.restart").is_error
