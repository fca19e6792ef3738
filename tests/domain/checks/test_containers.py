from __future__ import annotations

from dataclasses import replace

import pytest

from hitless.domain.checks import application as checks
from hitless.domain.common.findings import Finding
from hitless.domain.common.names import Colour
from hitless.domain.host.world import ComposeContainer
from tests.domain.builders import (
    GATEWAY,
    application,
    container,
    only,
    unrouted,
    web,
    world,
)
from tests.domain.checks.checked import IMAGES

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
