from __future__ import annotations

from dataclasses import replace

import pytest

from hitless.domain.application import read as reading
from hitless.domain.checks import application as checks
from hitless.domain.common.foreign import Json
from hitless.domain.common.names import Colour
from tests.domain.builders import (
    WEB_LABELS,
    application,
    at,
    compose,
    container,
    only,
    paths,
    unrouted,
    web,
    world,
)
from tests.domain.checks.checked import IMAGES, check

BUILT: Json = {"build": {"context": "/src"}}
PORT: Json = {"mode": "ingress", "target": 80, "published": "8080", "protocol": "tcp"}


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

    @pytest.mark.parametrize(
        ("services", "said"),
        [
            (
                {
                    "db": unrouted(image="postgres", ports=[PORT]),
                    "site": unrouted(build={"context": "/src"}, ports=[PORT]),
                },
                "Is it site? Then it is `x-hitless: {publish: gateway}` at services.site, and the",
            ),
            (
                {"job": unrouted(**BUILT), "front": unrouted(image="nginx", ports=[PORT])},
                "Is it front? Then it is `x-hitless",
            ),
            (
                {"db": unrouted(image="redis"), "web": unrouted(**BUILT)},
                "Write at services.web: labels: [",
            ),
            ({"db": unrouted(image="redis")}, "give the web service a label"),
        ],
        ids=["built and published", "published", "built", "a database alone"],
    )
    def test_no_route_names_the_service_that_most_likely_is_to_have_one(
        self, services: Json, said: str
    ) -> None:
        found = at(check(services), "services")
        assert said in found.hint

    def test_a_service_without_a_router_is_no_route(self) -> None:
        label = "traefik.http.services.shop.loadbalancer.server.port"
        findings = check({"app": web({label: "80"}, healthcheck={"test": ["CMD", "x"]})})
        assert paths(findings) == ["services"]
