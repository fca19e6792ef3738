from __future__ import annotations

from typing import ClassVar

import pytest

from hitless.domain.common.foreign import Json
from tests.domain.builders import (
    image,
    only,
    web,
)
from tests.domain.checks.checked import check


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
