"""Traefik's metrics as values."""

from __future__ import annotations

import math

from hitless.adapters.gateway.counted import began, counted
from hitless.domain.common.names import Colour
from hitless.domain.host.metrics import Counted

# as Traefik 3.7.15 writes it
TEXT = """\
# TYPE process_start_time_seconds gauge
process_start_time_seconds 1.76722560012e+09
# HELP traefik_service_request_duration_seconds How long it took to process the request on a service
# TYPE traefik_service_request_duration_seconds histogram
traefik_service_request_duration_seconds_bucket{code="200",method="GET",protocol="http",service="shop.web.blue@file",le="0.1"} 3
traefik_service_request_duration_seconds_bucket{code="200",method="GET",protocol="http",service="shop.web.blue@file",le="+Inf"} 4
traefik_service_request_duration_seconds_bucket{code="503",method="POST",protocol="http",service="shop.web.blue@file",le="0.1"} 1
traefik_service_request_duration_seconds_bucket{code="503",method="POST",protocol="http",service="shop.web.blue@file",le="+Inf"} 1
traefik_service_request_duration_seconds_sum{code="200",method="GET",protocol="http",service="shop.web.blue@file"} 0.5
traefik_service_request_duration_seconds_count{code="200",method="GET",protocol="http",service="shop.web.blue@file"} 4
traefik_service_requests_total{code="200",method="GET",protocol="http",service="shop.web.blue@file"} 4
traefik_service_requests_total{code="503",method="POST",protocol="http",service="shop.web.blue@file"} 1
traefik_service_requests_total{code="200",method="GET",protocol="http",service="shop.api.v2.green@file"} 7
traefik_service_requests_total{code="200",method="GET",protocol="http",service="web@docker"} 9
traefik_service_requests_total{code="200",method="GET",protocol="http",service="shop.page.all@file"} 9
traefik_service_requests_total{code="200",method="\\"}{",protocol="http",service="other.web.blue@file"} 2
traefik_open_connections{entrypoint="web",protocol="TCP"} 3
"""  # noqa: E501


def test_requests_are_summed_over_codes_methods_and_backends_for_each_colour() -> None:
    assert counted(TEXT) == {
        ("shop", Colour.BLUE): Counted(5, 1, {0.1: 4, math.inf: 5}),
        ("shop", Colour.GREEN): Counted(7, 0, {}),
        ("other", Colour.BLUE): Counted(2, 0, {}),
    }


def test_another_start_is_another_origin() -> None:
    assert began(TEXT) == 1767225600.12
    assert began("") == 0
