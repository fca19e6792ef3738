"""Every finding of the check, one situation each."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, ClassVar

import pytest

from hitless.domain.application import read as reading
from hitless.domain.checks import application as checks
from hitless.domain.common.findings import Finding
from hitless.domain.common.foreign import Json
from hitless.domain.common.names import Colour
from hitless.domain.host.world import ComposeContainer
from hitless.domain.release.model import Image
from tests.domain.builders import (
    GATEWAY,
    WEB_LABELS,
    application,
    at,
    compose,
    container,
    image,
    only,
    part,
    paths,
    release,
    router,
    routing,
    unrouted,
    web,
    world,
)

ROUTER = "services.app.labels.traefik.http.routers.shop"
SERVICE = "services.app.labels.traefik.http.services.shop.loadbalancer"
BARE = {
    "traefik.http.routers.shop.rule": "Host(`shop.example`)",
    "traefik.http.services.shop.loadbalancer.server.port": "8000",
}
IMAGES = {"app": image(8000)}


def check(
    services: Json | None = None, images: dict[str, Image] | None = None, **keys: Any
) -> tuple[Finding, ...]:
    return checks.check(application(services, **keys), world(), IMAGES if images is None else images)


def app(labels: Json | None = None, **keys: Any) -> tuple[Finding, ...]:
    """The findings about one routed service."""
    return check({"app": web(labels, **keys)})


def worker(**keys: Any) -> tuple[Finding, ...]:
    """The findings about a service without a route, beside a routed one."""
    return check({"app": web(), "worker": unrouted(**keys)})


def test_nothing_is_wrong() -> None:
    assert check() == ()


def test_all_is_said_at_once() -> None:
    findings = app(ports=[{"target": 80, "published": "80"}], network_mode="host", pre_stop=[{}])
    assert paths(findings) == [
        "services.app.ports",
        "services.app.network_mode",
        "services.app.pre_stop",
    ]


def test_a_container_name_is_given_up_and_said() -> None:
    finding = only(app(container_name="the-one"))
    assert (finding.path, finding.is_error) == ("services.app.container_name", False)
    assert "can't both be called the-one" in finding.message


def test_a_traefik_of_the_applications_own_is_all_that_is_said_of_it() -> None:
    proxy = unrouted(image="traefik:v3.1", ports=[{"target": 80, "published": "80"}], network_mode="host")
    finding = only(check({"app": web(), "proxy": proxy}))
    assert (finding.path, finding.is_error) == ("services.proxy", True)
    assert "leave it out" in finding.hint


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
    def test_are_warned_of(self, keys: dict[str, Any], word: str) -> None:
        finding = only(worker(**keys))
        assert (finding.path, finding.is_error) == ("services.worker", False)
        assert f"is a {word} by" in finding.message

    @pytest.mark.parametrize("said", [True, False])
    def test_unless_it_was_said_how_it_is(self, said: bool) -> None:
        assert worker(command=["celery", "beat"], **{"x-hitless": {"exclusive": said}}) == ()

    def test_also_where_x_hitless_is_no_mapping(self) -> None:
        beat = unrouted(command=["celery", "beat"], x_hitless=1)
        found, _ = reading.read(compose({"app": web(), "worker": beat}))
        assert "is a beat by" in only(checks.check(found, world(), IMAGES)).message

    def test_a_heartbeat_is_none(self) -> None:
        assert worker(command=["heartbeat", "clocks"]) == ()


class TestHost:
    """What is wrong with the gateway."""

    def test_a_gateway_of_the_applications_name(self) -> None:
        finding = only(checks.check(application(name="traefik"), world(), IMAGES))
        assert (finding.path, finding.is_error) == ("name", True)

    def test_no_gateway(self) -> None:
        finding = at(checks.check(application(), world(gateway=None), IMAGES), "gateway")
        assert finding.is_error
        assert finding.hint == "run: hitless gateway up"

    def test_no_gateway_is_no_reason_to_complain_about_entry_points(self) -> None:
        labels = {**WEB_LABELS, "traefik.http.routers.shop.entrypoints": "other"}
        findings = checks.check(application({"app": web(labels)}), world(gateway=None), IMAGES)
        assert paths(findings) == ["gateway"]

    def test_a_file_that_hitless_can_not_read(self) -> None:
        broken = {"/routes/a.yml": "is not ours", "/routes/b.yml": "was changed"}
        findings = checks.check(application(), world(broken=broken), IMAGES)
        assert paths(findings, is_error=False) == ["gateway:/routes/a.yml", "gateway:/routes/b.yml"]
        assert findings[0].message.startswith("is not ours")

    def test_its_own_file_that_hitless_can_not_read(self) -> None:
        findings = checks.check(application(), world(broken={"shop.yml": "was changed"}), IMAGES)
        assert paths(findings, is_error=True) == ["gateway:shop.yml"]

    @pytest.mark.parametrize(("free", "errors"), [(None, []), (1_000_000_000, [])])
    def test_room_on_the_disk(self, free: int | None, errors: list[bool]) -> None:
        found = checks.check(application(), replace(world(), free=free), IMAGES)
        assert [finding.is_error for finding in found] == errors

    @pytest.mark.parametrize(("free", "is_error"), [(999_999_999, False), (99_999_999, True), (0, True)])
    def test_a_disk_that_is_nearly_full(self, free: int, is_error: bool) -> None:
        finding = only(checks.check(application(), replace(world(), free=free), IMAGES))
        assert (finding.path, finding.is_error) == ("host", is_error)
        assert f"{free / 1e6:.0f} MB are left" in finding.message

    @pytest.mark.parametrize("volume", ["traefik_routes", "traefik_state"])
    def test_a_volume_of_the_gateways(self, volume: str) -> None:
        mounts = [{"type": "volume", "source": "x", "target": "/x", "read_only": True}]
        model = compose({"app": web(volumes=mounts)}, volumes={"x": {"name": volume, "external": True}})
        found = checks.check(reading.read(model)[0], world(), IMAGES)
        assert at(found, "volumes.x").is_error

    def test_an_application_of_this_name_behind_another_gateway(self) -> None:
        here, there = container(Colour.BLUE), replace(container(Colour.GREEN), gateway="other")
        finding = only(checks.check(application(), world(containers=(here, there)), IMAGES))
        assert (finding.path, finding.is_error) == ("name", True)
        assert "--gateway other" in finding.hint

    def test_an_application_of_this_name_behind_this_gateway(self) -> None:
        assert checks.check(application(), world(containers=(container(Colour.BLUE),)), IMAGES) == ()

    @pytest.mark.parametrize("colour", Colour)
    def test_a_container_of_somebody_elses_in_a_colours_place(self, colour: Colour) -> None:
        foreign = (f"shop-{colour}-db-1", f"shop-{colour}-db-2")
        findings = checks.check(application(), world(foreign=foreign), IMAGES)
        assert paths(findings, is_error=True) == ["name", "name"]
        assert [name in finding.message for name, finding in zip(foreign, findings, strict=True)] == [
            True
        ] * 2

    def test_no_route(self) -> None:
        finding = only(check({"worker": {"image": "shop:1"}}))
        assert (finding.path, finding.is_error) == ("services", True)

    def test_labels_for_swarm_are_no_route(self) -> None:
        label = "traefik.http.routers.shop.rule"
        finding = only(check({"worker": {"image": "shop:1", "deploy": {"labels": {label: "Host(`a`)"}}}}))
        assert (finding.path, finding.is_error) == ("services.worker.deploy.labels", True)
        assert "services.worker.labels" in finding.hint

    def test_a_service_without_a_router_is_no_route(self) -> None:
        label = "traefik.http.services.shop.loadbalancer.server.port"
        findings = check({"app": web({label: "80"}, healthcheck={"test": ["CMD", "x"]})})
        assert paths(findings) == ["services"]


class TestTwoCopies:
    """What two copies of one service can't share."""

    def test_a_container_name(self) -> None:
        assert only(worker(container_name="db")).path == "services.worker.container_name"

    @pytest.mark.parametrize("routed", [True, False])
    def test_a_published_port(self, routed: bool) -> None:
        ports = [{"mode": "ingress", "target": 80, "published": "8080", "protocol": "tcp"}]
        finding = only(app(ports=ports) if routed else worker(ports=ports))
        assert finding.path == f"services.{'app' if routed else 'worker'}.ports"
        assert finding.is_error
        assert "publish: gateway" in finding.hint
        assert ("the gateway reaches" in finding.hint) == routed

    def test_every_published_port_is_named(self) -> None:
        ports = [{"target": 80, "published": "8080"}, {"target": 81, "published": "8081"}]
        assert ["8080" in finding.message for finding in app(ports=ports)] == [True, False]

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

    @pytest.mark.parametrize("key", ["ipv4_address", "ipv6_address"])
    def test_a_fixed_address(self, key: str) -> None:
        findings = worker(networks={"back": {key: "10.0.0.2"}, "front": None, "rest": {"aliases": ["w"]}})
        assert only(findings).path == "services.worker.networks.back"

    def test_no_replica_of_a_routed_service(self) -> None:
        assert only(app(deploy={"replicas": 0})).path == "services.app.deploy.replicas"

    def test_no_replica_of_an_unrouted_service(self) -> None:
        assert worker(deploy={"replicas": 0}) == ()

    def test_fewer_replicas_than_are_live(self) -> None:
        there = world(routing(Colour.BLUE), releases=(release(1, promoted=1),))
        services = {"app": web(deploy={"replicas": 0}), "worker": unrouted(deploy={"replicas": 0})}
        found = checks.check(application(services), there, IMAGES)
        fewer = at(found, "services.app.scale")
        assert (fewer.message, fewer.is_error) == ("is 0, and 1 are live", False)
        # which the live release has none of
        assert "services.worker.scale" not in paths(found)

    def test_more_replicas_than_are_live(self) -> None:
        assert worker(deploy={"replicas": 2}) == ()


class TestVolumes:
    """What two copies would write to at once."""

    DATA: ClassVar[Json] = {"type": "volume", "source": "data", "target": "/data"}
    FOLDER: ClassVar[Json] = {"type": "bind", "source": "/srv/data", "target": "/data"}

    @pytest.mark.parametrize("mount", [DATA, FOLDER])
    def test_of_a_routed_service_is_a_warning(self, mount: Json) -> None:
        finding = only(app(volumes=[mount]))
        assert (finding.path, finding.is_error) == ("services.app.volumes", False)
        assert mount["source"] in finding.message

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

    def test_that_are_said_to_bear_it(self) -> None:
        assert worker(volumes=[self.DATA], x_hitless={"concurrent_writes": True}) == ()

    def test_that_are_said_not_to_bear_it(self) -> None:
        assert len(worker(volumes=[self.DATA], x_hitless={"concurrent_writes": False})) == 1

    def test_in_memory(self) -> None:
        assert worker(volumes=[{"type": "tmpfs", "target": "/x"}]) == ()


class TestAnonymousVolumes:
    """What every release would begin with anew."""

    ANONYMOUS: ClassVar[Json] = {"type": "volume", "target": "/data"}
    DATABASE: ClassVar[Image] = image(volumes=("/data",))

    def of_the_image(self, **keys: Any) -> tuple[Finding, ...]:
        return check({"app": web(), "worker": unrouted(**keys)}, {**IMAGES, "worker": self.DATABASE})

    def test_of_an_unrouted_service(self) -> None:
        finding = only(worker(volumes=[self.ANONYMOUS]))
        assert (finding.path, finding.is_error) == ("services.worker.volumes", True)
        assert "/data" in finding.message

    def test_that_keep_what_the_image_has_from_being_hidden(self) -> None:
        assert worker(volumes=[{"type": "volume", "target": "/app/node_modules"}]) == ()

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
        # a web server's cache: the other copy has its own, and so has the next release
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

    @pytest.mark.parametrize("scheme", ["https", "h2c"])
    def test_a_scheme_that_the_gate_does_not_speak(self, scheme: str) -> None:
        labels = {**WEB_LABELS, "traefik.http.services.shop.loadbalancer.server.scheme": scheme}
        finding = only(app(labels))
        assert (finding.path, finding.is_error) == (f"{SERVICE}.server.scheme", True)

    def test_such_a_scheme_with_dockers_health_check(self) -> None:
        labels = {**WEB_LABELS, "traefik.http.services.shop.loadbalancer.server.scheme": "h2c"}
        assert app(labels, healthcheck={"test": ["CMD", "true"]}) == ()

    @pytest.mark.parametrize("labels", [WEB_LABELS, BARE])
    def test_https_to_the_containers_is_an_error_whoever_asks(self, labels: Json) -> None:
        https = {**labels, "traefik.http.services.shop.loadbalancer.server.scheme": "https"}
        finding = only(app(https, healthcheck={"test": ["CMD", "true"]}))
        assert (finding.path, finding.is_error) == (f"{SERVICE}.server.scheme", True)
        assert "https" in finding.message

    @pytest.mark.parametrize(("field", "value"), [("scheme", "https"), ("mode", "grpc")])
    def test_a_health_check_that_the_gate_does_not_speak(self, field: str, value: str) -> None:
        # nobody would ask the candidate anything before it goes live
        label = f"traefik.http.services.shop.loadbalancer.healthcheck.{field}"
        assert any(finding.is_error for finding in app({**WEB_LABELS, label: value}))


class TestNetworks:
    """What two colours' networks can't share."""

    @staticmethod
    def network(network: Json | None) -> tuple[Finding, ...]:
        return check(networks={"back": network})

    def test_a_fixed_subnet(self) -> None:
        finding = only(self.network({"name": "shop_back", "ipam": {"config": [{"subnet": "10.0.0.0/24"}]}}))
        assert (finding.path, finding.is_error) == ("networks.back.ipam", True)

    def test_a_fixed_name_of_the_bridge(self) -> None:
        options = {"com.docker.network.bridge.name": "br-shop", "com.docker.network.driver.mtu": "1400"}
        finding = only(self.network({"driver_opts": options}))
        assert (finding.path, finding.is_error) == ("networks.back.driver_opts", True)
        assert "br-shop" in finding.message

    def test_a_name_of_its_own(self) -> None:
        finding = only(self.network({"name": "back"}))
        assert (finding.path, finding.is_error) == ("networks.back.name", False)
        assert "that of the shared services alone is called back" in finding.message

    def test_one_of_others(self) -> None:
        finding = only(self.network({"name": "back", "external": True}))
        assert (finding.path, finding.is_error) == ("networks.back", False)
        assert "nobody finds a service of the release by its name" in finding.message

    @pytest.mark.parametrize("name", ["other-blue_default", "a-b-green_x", "other_live-99999998"])
    def test_one_that_goes_with_a_release(self, name: str) -> None:
        finding = only(self.network({"name": name, "external": True}))
        assert (finding.path, finding.is_error) == ("networks.back", True)
        assert "goes with" in finding.message

    @pytest.mark.parametrize(
        "network",
        [
            None,
            {},
            {"name": "shop_back", "ipam": {}},
            {"ipam": {"driver": "default", "config": None}},
            {"name": "traefik_webgateway", "external": True},
        ],
    )
    def test_nothing_to_say(self, network: Json | None) -> None:
        assert self.network(network) == ()


class TestNotSupportedYet:
    """What the next release, or a rollback, could not do right."""

    @staticmethod
    def kept(kind: str, one: Json | None) -> tuple[Finding, ...]:
        keys: dict[str, Any] = {kind: {"token": one}}
        return check(**keys)

    @pytest.mark.parametrize("kind", ["secrets", "configs"])
    def test_secrets_and_configs_from_the_environment(self, kind: str) -> None:
        finding = only(self.kept(kind, {"name": "shop_token", "environment": "TOKEN"}))
        assert (finding.path, finding.is_error) == (f"{kind}.token.environment", True)
        assert kind in finding.message

    @pytest.mark.parametrize("kind", ["secrets", "configs"])
    @pytest.mark.parametrize("one", [None, {"file": "/x"}, {"content": "x"}, {"external": True}])
    def test_secrets_and_configs_from_anywhere_else(self, kind: str, one: Json | None) -> None:
        assert self.kept(kind, one) == ()

    @pytest.mark.parametrize("routed", [True, False])
    def test_a_hook_before_the_stop(self, routed: bool) -> None:
        hooks = [{"command": ["sleep", "1"]}]
        finding = only(app(pre_stop=hooks) if routed else worker(pre_stop=hooks))
        assert (finding.path, finding.is_error) == (
            f"services.{'app' if routed else 'worker'}.pre_stop",
            True,
        )

    def test_a_hook_after_the_start(self) -> None:
        assert app(post_start=[{"command": ["true"]}]) == ()


class TestMiddlewares:
    """Where a request may wait before it has a connection that a drain could count."""

    @pytest.mark.parametrize(
        ("label", "kind"),
        [("buffering.maxrequestbodybytes", "buffering"), ("forwardauth.address", "forwardAuth")],
    )
    def test_which_holds_a_request_back(self, label: str, kind: str) -> None:
        finding = only(app({**WEB_LABELS, f"traefik.http.middlewares.m.{label}": "1"}))
        assert (finding.path, finding.is_error) == (f"traefik.http.middlewares.m.{kind}", False)

    def test_which_lets_it_pass(self) -> None:
        assert app({**WEB_LABELS, "traefik.http.middlewares.m.compress": "true"}) == ()


class TestRoutes:
    """What is wrong with a route on this gateway."""

    def test_an_entry_point_that_the_gateway_does_not_have(self) -> None:
        finding = only(app({**WEB_LABELS, "traefik.http.routers.shop.entrypoints": "web,websecure"}))
        assert (finding.path, finding.is_error) == (f"{ROUTER}.entrypoints", True)
        assert "'websecure'" in finding.message
        assert finding.hint == "it has: web"

    def test_a_certificate_resolver(self) -> None:
        finding = only(app({**WEB_LABELS, "traefik.http.routers.shop.tls.certresolver": "le"}))
        assert (finding.path, finding.is_error) == (f"{ROUTER}.tls.certresolver", True)

    def test_tls_alone(self) -> None:
        finding = only(app({**WEB_LABELS, "traefik.http.routers.shop.tls": "true"}))
        assert (finding.path, finding.is_error) == (f"{ROUTER}.tls", False)

    def test_a_priority_above_the_markers(self) -> None:
        # the marker routers of hitless must win over any, or no routing could be confirmed
        labels = {
            **WEB_LABELS,
            "traefik.http.routers.shop.rule": "PathPrefix(`/`)",
            "traefik.http.routers.shop.priority": "3000000000",
        }
        assert only(app(labels)).path == f"{ROUTER}.priority"

    @pytest.mark.parametrize("priority", ["0", "-1"])
    def test_a_priority_below_one(self, priority: str) -> None:
        finding = only(app({**WEB_LABELS, "traefik.http.routers.shop.priority": priority}))
        assert (finding.path, finding.is_error) == (f"{ROUTER}.priority", True)
        assert "must be at least 1" in finding.message

    def test_rules_in_the_syntax_of_traefik_2(self) -> None:
        # a candidate's rule gets a guard in front of it, which is in the syntax of Traefik 3
        assert only(app({**WEB_LABELS, "traefik.http.routers.shop.rulesyntax": "v2"})).path == (
            f"{ROUTER}.rulesyntax"
        )


class TestOtherApplications:
    """Routes that another application has already."""

    @staticmethod
    def against(live: Colour | None = Colour.BLUE, name: str = "cafe", **fields: Any) -> tuple[Finding, ...]:
        theirs = part(1, router(**fields))
        return checks.check(application(), world(routing(live, {Colour.BLUE: theirs}, name=name)), IMAGES)

    def test_the_same_host(self) -> None:
        finding = only(self.against(rule="Host(`other`) || Host(`SHOP.example`)"))
        assert (finding.path, finding.is_error) == (f"{ROUTER}.rule", True)
        assert "cafe" in finding.message

    def test_another_host(self) -> None:
        assert self.against(rule="Host(`cafe.example`)") == ()

    def test_the_same_host_below_a_path(self) -> None:
        assert self.against(rule="Host(`shop.example`) && PathPrefix(`/cafe`)") == ()

    def test_on_another_entry_point(self) -> None:
        labels = {**WEB_LABELS, "traefik.http.routers.shop.entrypoints": "web"}
        theirs = part(1, router(entry_points=("internal",)))
        there = world(routing(Colour.BLUE, {Colour.BLUE: theirs}, name="cafe"))
        assert checks.check(application({"app": web(labels)}), there, IMAGES) == ()

    def test_on_one_entry_point_of_several(self) -> None:
        labels = {**WEB_LABELS, "traefik.http.routers.shop.entrypoints": "web"}
        theirs = part(1, router(entry_points=("internal", "web")))
        there = world(routing(Colour.BLUE, {Colour.BLUE: theirs}, name="cafe"))
        assert paths(checks.check(application({"app": web(labels)}), there, IMAGES)) == [f"{ROUTER}.rule"]

    def test_on_the_entry_point_of_routes_that_name_none(self) -> None:
        assert len(self.against(entry_points=("web",))) == 1
        assert self.against(entry_points=("internal",)) == ()

    def test_the_whole_host_by_another_way(self) -> None:
        assert len(self.against(rule="host(`shop.example`) && !Path(`/nothing`)")) == 1

    def test_all_of_it_by_a_greater_priority(self) -> None:
        assert self.against(rule="PathPrefix(`/`)") == ()
        assert len(self.against(rule="PathPrefix(`/`)", settings={"priority": 1000})) == 1

    @pytest.mark.parametrize(
        ("ours", "theirs", "said"),
        [
            (
                "PathPrefix(`/shops`)",
                "Host(`cafe.example`)",
                "takes requests for cafe.example from the application cafe",
            ),
            (
                "Host(`shop.example`)",
                "PathPrefix(`/cafes`)",
                "the route PathPrefix(`/cafes`) of the application cafe asks for no host, and so takes "
                "requests for shop.example",
            ),
        ],
    )
    def test_that_take_each_others_paths(self, ours: str, theirs: str, said: str) -> None:
        shop = application({"app": web({**WEB_LABELS, "traefik.http.routers.shop.rule": ours})})
        there = world(routing(Colour.BLUE, {Colour.BLUE: part(1, router(rule=theirs))}, name="cafe"))
        finding = only(checks.check(shop, there, IMAGES))
        assert (finding.path, finding.is_error) == (f"{ROUTER}.rule", False)
        assert said in finding.message
        assert only(checks.strict((finding,))).is_error

    def test_that_is_about_to_get_its_route(self) -> None:
        assert len(self.against(live=None)) == 1

    def test_its_own_route_of_before(self) -> None:
        assert self.against(name="shop") == ()


ID = "3fa9c17e" + 56 * "0"


class TestContainersOfOthers:
    """A service that would run within the gateway's container, or within one of a release."""

    @staticmethod
    def into(key: str, value: object) -> tuple[Finding, ...]:
        there = world(
            gateway=replace(GATEWAY, id=ID),
            containers=(replace(container(Colour.GREEN), id="b" + 63 * "1"),),
            base=(ComposeContainer("shop", "db", "shop-db-1", "running", id="c" + 63 * "2"),),
        )
        services = {
            "app": web(),
            "db": unrouted(image="postgres:16", container_name="keeper", x_hitless={"role": "shared"}),
            "spy": {**unrouted(), key: value},
        }
        return checks.check(application(services), there, IMAGES)

    @pytest.mark.parametrize("key", ["network_mode", "pid", "ipc"])
    @pytest.mark.parametrize(
        "reference",
        [
            "traefik-traefik-1",
            "/traefik-traefik-1",
            ID,
            ID[:12],
            ID[:1],
            "shop-green-app-1",  # it is there
            "shop-blue-app-2",  # it will be
            "shop-db-1",
            "shop-spy-1",
            "keeper",
            "b",
            "c2222",
            "cafe-blue-app-1",  # another application's
            "0123456789ab",  # anybody's, by id
            "fedcbafedcba",
            "f00",
            "other-traefik-1",  # another gateway
            "",
        ],
    )
    def test_is_refused(self, key: str, reference: str) -> None:
        finding = only(self.into(key, f"container:{reference}"))
        assert (finding.path, finding.is_error) == (f"services.spy.{key}", True)

    @pytest.mark.parametrize("reference", ["traefik-traefik-1:ro", ID, f"{ID[:6]}:rw", "shop-db-1"])
    def test_is_refused_for_its_volumes_too(self, reference: str) -> None:
        finding = only(self.into("volumes_from", ["db-keeper", f"container:{reference}"]))
        assert (finding.path, finding.is_error) == ("services.spy.volumes_from", True)

    @pytest.mark.parametrize("reference", ["vpn", "db", "cafe", "media-vpn-1", "shop-vpn-1", "traefik"])
    def test_what_is_nobodys_of_these_may_be_shared(self, reference: str) -> None:
        assert self.into("network_mode", f"container:{reference}") == ()

    @pytest.mark.parametrize("network", ["traefik_webgateway", "traefik_webgateway.cafe", "lan"])
    def test_no_network_is_joined_by_network_mode(self, network: str) -> None:
        finding = only(self.into("network_mode", network))
        assert (finding.path, finding.is_error) == ("services.spy.network_mode", True)


@pytest.mark.parametrize("whose", ["cafe", "shop"])
def test_the_network_between_the_gateway_and_an_application_is_nobody_elses(whose: str) -> None:
    between = {"external": True, "name": f"traefik_webgateway.{whose}"}
    finding = only(check({"app": web(networks={"x": None})}, networks={"x": between}))
    assert (finding.path, finding.is_error) == ("networks.x", True)


def test_a_rule_that_would_end_its_guard_is_refused() -> None:
    labels = {**WEB_LABELS, "traefik.http.routers.shop.rule": "Host(`a`)) || (Host(`b`)"}
    finding = only(checks.check(application({"app": web(labels)}), world(), IMAGES))
    assert (finding.path, finding.is_error) == (f"{ROUTER}.rule", True)
    assert "can't be read" in finding.message


class TestPorts:
    """Ports that can't be known before the image is there."""

    UNSAID: ClassVar[Json] = {
        "traefik.http.routers.shop.rule": "Host(`shop.example`)",
        "traefik.http.services.shop.loadbalancer.healthcheck.path": "/health",
    }

    def test_before_the_image_is_there_nothing_is_said(self) -> None:
        assert check({"app": web(self.UNSAID)}, images={}) == ()

    def test_the_image_names_one(self) -> None:
        assert check({"app": web(self.UNSAID)}, {"app": image(8000)}) == ()

    @pytest.mark.parametrize("service", ["app", "web.api"])
    def test_the_image_names_none(self, service: str) -> None:
        finding = only(check({service: web(self.UNSAID)}, {service: image()}))
        assert (
            finding.path == f"services.{service}.labels.traefik.http.services.shop.loadbalancer.server.port"
        )
        assert finding.is_error


def test_what_is_refused_in_the_labels_does_not_stop_the_check() -> None:
    found, findings = reading.read(compose({"app": web({"traefik.http.routers.shop.rule": ""})}))
    assert findings
    assert "services" in paths(checks.check(found, world(), IMAGES))


@pytest.mark.parametrize("policy", ["no", "always", "unless-stopped", "on-failure", "on-failure:5", None])
def test_a_restart_policy(policy: str | None) -> None:
    assert app(restart=policy) == ()


def test_a_restart_policy_that_docker_does_not_know() -> None:
    assert at(app(restart="sometimes"), "services.app.restart").is_error
