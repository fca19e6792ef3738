from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import Any, ClassVar

import pytest

from hitless.domain.application import read as reading
from hitless.domain.checks.application import check
from hitless.domain.common.foreign import Json
from hitless.domain.plan import deploy as deploy_plan
from hitless.domain.plan.routing_steps import Gate
from hitless.domain.release.model import Image
from hitless.domain.release.prepared import prepare
from hitless.domain.release.requirements import Probe, Readiness
from tests.domain.builders import (
    GATEWAY,
    SHOP,
    WEB_LABELS,
    image,
    prepared,
    release,
    web,
    world,
)
from tests.domain.plan.situations import Situation, of


class TestReadiness:
    """What the gate asks for."""

    @staticmethod
    def of(labels: Json | None = None, from_image: Image | None = None, **keys: Any) -> tuple[Readiness, ...]:
        """Of one routed service, WEB_LABELS changed by what is in `labels` (None: removed)."""
        changed = {**WEB_LABELS, **(labels or {})}
        kept = {label: text for label, text in changed.items() if text is not None}
        release_ = replace(release(1), images={"app": from_image or image(8000)})
        found = Situation(prepared({"app": web(kept, **keys)}), release_, world())
        [gate] = of(found.plan.steps, Gate)
        readiness: tuple[Readiness, ...] = gate.readiness
        return readiness

    CHECK = "traefik.http.services.shop.loadbalancer.healthcheck"
    RULE = "traefik.http.routers.shop.rule"
    UNSAID: ClassVar[Json] = {f"{CHECK}.path": None}

    def probe(self, labels: Json | None = None, **keys: Any) -> Probe:
        [readiness] = self.of(labels, **keys)
        [probe] = readiness.of("shop-blue-app-1").probes
        return probe

    def test_the_health_checks_path_with_the_rules_host(self) -> None:
        assert self.probe() == Probe("shop-blue-app-1", 8000, "/health", "shop.example")

    def test_the_health_checks_own_host_goes_first(self) -> None:
        assert self.probe({f"{self.CHECK}.hostname": "inner.example"}).host == "inner.example"

    def test_a_rule_without_a_host(self) -> None:
        assert self.probe({self.RULE: "PathPrefix(`/`)"}).host == "shop-blue-app-1"

    def test_the_first_of_several_hosts(self) -> None:
        assert self.probe({self.RULE: "Host(`b.example`) || Host(`a.example`)"}).host == "b.example"

    def test_all_that_the_health_check_says(self) -> None:
        found = self.probe(
            {
                f"{self.CHECK}.port": "9000",
                f"{self.CHECK}.method": "HEAD",
                f"{self.CHECK}.status": "204",
                f"{self.CHECK}.headers.X-A": "b",
            }
        )
        assert (found.port, found.method, found.status, found.headers) == (9000, "HEAD", 204, (("X-A", "b"),))

    def test_nothing_says_what_readiness_is(self) -> None:
        found = self.probe(self.UNSAID)
        assert (found.path, found.any_answer, found.host) == ("/", True, "shop.example")

    def test_a_path_is_no_case_for_any_answer(self) -> None:
        assert not self.probe().any_answer

    @pytest.mark.parametrize(
        ("keys", "from_image"),
        [({"healthcheck": {"test": ["CMD", "x"]}}, image(80)), ({}, image(80, healthcheck=True))],
    )
    def test_dockers_health_check_does_it(self, keys: Json, from_image: Image) -> None:
        [readiness] = self.of(self.UNSAID, from_image, **keys)
        assert (readiness.healthcheck, readiness.probes) == (True, ())

    def test_both_are_asked_where_both_are_there(self) -> None:
        [readiness] = self.of(healthcheck={"test": ["CMD", "x"]})
        assert readiness.healthcheck and len(readiness.probes) == 1

    def test_the_images_health_check_is_switched_off(self) -> None:
        [readiness] = self.of(self.UNSAID, image(80, healthcheck=True), healthcheck={"disable": True})
        assert not readiness.healthcheck and len(readiness.probes) == 1

    def test_every_replica_is_asked_and_every_service_waited_for(self) -> None:
        found = prepared({"app": web(deploy={"replicas": 2}), "worker": {"image": "shop:1"}})
        [gate] = of(Situation(found, release(1), world()).plan.steps, Gate)
        assert [(each.service, len(each.probes)) for each in gate.readiness] == [("app", 1), ("worker", 0)]
        for name in ("one", "two"):
            asked = gate.readiness[0].of(name)
            assert (asked.container, asked.probes[0].container) == (name, name)

    def test_only_an_unrouted_service_may_have_ended(self) -> None:
        found = prepared({"app": web(), "warm": {"image": "shop:1"}})
        [gate] = of(Situation(found, release(1), world()).plan.steps, Gate)
        assert [each.may_end for each in gate.readiness] == [False, True]

    def test_every_backend_of_a_service_is_asked(self) -> None:
        more = {
            "traefik.http.routers.shop.service": "shop",
            "traefik.http.routers.admin.rule": "Host(`admin.example`)",
            "traefik.http.routers.admin.service": "admin",
            "traefik.http.services.admin.loadbalancer.server.port": "9000",
        }
        [readiness] = self.of(more)
        assert [(probe.port, probe.host) for probe in readiness.probes] == [
            (8000, "shop.example"),
            (9000, "admin.example"),
        ]

    def test_successes_and_timeout_are_the_services_own(self) -> None:
        [readiness] = self.of(x_hitless={"successes": 5, "timeout": "9s"})
        assert (readiness.successes, readiness.timeout) == (5, 9.0)

    def test_every_routed_container_is_asked_something_unless_the_deployment_is_refused(self) -> None:
        unasked = []
        for scheme, over, mode, path, docker, from_image in product(
            ("http", "https", "h2c"),
            (None, "http", "https"),
            (None, "http", "grpc"),
            (None, "/health"),
            ({}, {"test": ["CMD", "x"]}, {"disable": True}),
            (True, False),
        ):
            said = {"scheme": over, "mode": mode, "path": path}
            labels = {
                self.RULE: "Host(`a`)",
                "traefik.http.services.shop.loadbalancer.server.port": "8000",
                "traefik.http.services.shop.loadbalancer.server.scheme": scheme,
                **{f"{self.CHECK}.{field}": text for field, text in said.items() if text},
            }
            found, problems = reading.read(
                {"name": SHOP, "services": {"app": web(labels, healthcheck=docker)}}
            )
            images = {"app": image(8000, healthcheck=from_image)}
            if any(finding.is_error for finding in (*problems, *check(found, world(), images))):
                continue
            deployed = replace(release(1), images=images)
            ready, _ = prepare(found, images, GATEWAY)
            [gate] = of(deploy_plan.plan_deploy(ready, deployed, world(), GATEWAY).steps, Gate)
            [readiness] = gate.readiness
            if not readiness.healthcheck and not readiness.probes:
                unasked.append((scheme, said, docker))
        assert unasked == []
