from __future__ import annotations

from dataclasses import replace

import pytest

from hitless.domain.checks import application as checks
from hitless.domain.common.findings import Finding
from hitless.domain.common.foreign import Json
from tests.domain.builders import (
    application,
    only,
    web,
    world,
)
from tests.domain.checks.checked import IMAGES, check


class TestNetworks:
    """What two colours' networks can't share."""

    @staticmethod
    def network(network: Json | None) -> tuple[Finding, ...]:
        return check(networks={"back": network})

    def test_a_fixed_subnet(self) -> None:
        fixed: Json = {"name": "shop_back", "ipam": {"config": [{"subnet": "10.0.0.0/24"}]}}
        finding = only(self.network(fixed))
        assert (finding.path, finding.is_error) == ("networks.back.ipam", False)
        assert only(self.network({**fixed, "enable_ipv6": True})).is_error

    def test_a_fixed_name_of_the_bridge(self) -> None:
        options = {"com.docker.network.bridge.name": "br-shop", "com.docker.network.driver.mtu": "1400"}
        finding = only(self.network({"driver_opts": options}))
        assert (finding.path, finding.is_error) == ("networks.back.driver_opts", True)
        assert "br-shop" in finding.message

    def test_a_name_of_its_own(self) -> None:
        finding = only(self.network({"name": "back"}))
        assert (finding.path, finding.is_error) == ("networks.back.name", False)
        assert "only the one of the shared services is called back" in finding.message

    def test_one_of_others(self) -> None:
        finding = only(self.network({"name": "back", "external": True}))
        assert (finding.path, finding.is_error) == ("networks.back", False)
        assert "nobody finds a service of the release by its name" in finding.message

    def test_one_of_others_that_is_not_there(self) -> None:
        """As a file has it whose Traefik was on a host before this one: its containers could not start."""
        others: Json = {"back": {"name": "proxy", "external": True}}
        there = replace(world(), networks=frozenset({"bridge", "host"}))

        finding = only(
            checks.check(
                application(networks=others, services={"app": web(networks={"back": None})}), there, IMAGES
            )
        )

        assert (finding.path, finding.is_error) == ("networks.back", True)
        assert "the Docker host has no network proxy" in finding.message
        assert "docker network create proxy" in finding.hint
        unused = application(networks=others)  # Compose does not mind, either
        assert checks.check(unused, there, IMAGES) == ()

    @pytest.mark.parametrize(
        ("name", "others"),
        [("proxy", {"bridge", "docker_gwbridge"}), ("0123456789abcdef" * 4, {"bridge", "host"})],
        ids=["a node of a Swarm, which may not know it yet", "by its id"],
    )
    def test_one_of_others_that_may_be_there(self, name: str, others: set[str]) -> None:
        networks: Json = {"back": {"name": name, "external": True}}
        there = replace(world(), networks=frozenset(others))
        services = {"app": web(networks={"back": None})}

        finding = only(checks.check(application(networks=networks, services=services), there, IMAGES))

        assert (finding.path, finding.is_error) == ("networks.back", False)

    @pytest.mark.parametrize("name", ["other-blue_default", "a-b-green_x", "other_live-99999998"])
    def test_one_that_goes_with_a_release(self, name: str) -> None:
        finding = only(self.network({"name": name, "external": True}))
        assert (finding.path, finding.is_error) == ("networks.back", True)
        assert "is removed with it" in finding.message

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


@pytest.mark.parametrize("whose", ["cafe", "shop"])
def test_the_network_between_the_gateway_and_an_application_is_nobody_elses(whose: str) -> None:
    between = {"external": True, "name": f"traefik_webgateway.{whose}"}
    finding = only(check({"app": web(networks={"x": None})}, networks={"x": between}))
    assert (finding.path, finding.is_error) == ("networks.x", True)
