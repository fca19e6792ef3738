"""Certificates are added and removed."""

from __future__ import annotations

import pytest

from hitless.domain.common.errors import HitlessError, NotConfirmed, Refused
from hitless.domain.common.events import Operation
from hitless.domain.common.findings import Finding
from hitless.domain.common.names import Colour
from hitless.domain.gateway.certificates import Certificate
from hitless.domain.gateway.settings import GatewaySettings
from hitless.execution import certificates
from tests.domain.builders import part, router, routing
from tests.execution.commands import session
from tests.execution.test_adopt import FakeGatewayProject
from tests.fakes.host import FakeHost


@pytest.fixture
def host() -> FakeHost:
    return FakeHost(gateway_settings=GatewaySettings(https_port=443))


def add(host: FakeHost, *names: str, name: str = "") -> None:
    with session(host.ports(), Operation.CERTIFICATE_ADD, "") as command:
        certificates.add(
            command, FakeGatewayProject(host, host.gateway_settings), name, " ".join(names).encode(), b"key"
        )


def remove(host: FakeHost, name: str, force: bool = False) -> None:
    with session(host.ports(), Operation.CERTIFICATE_REMOVE, "") as command:
        certificates.remove(command, FakeGatewayProject(host, host.gateway_settings), name, force)


def with_one_of_the_cas() -> FakeHost:
    host = FakeHost(gateway_settings=GatewaySettings(https_port=443, acme_email="ann@example.org"))
    dates = ("2020-01-01T00:00:00Z", "2099-01-01T00:00:00Z")
    found = Certificate("shop.example", ("shop.example",), "CA", *dates, is_renewed=True)
    host.certified.got["shop.example"] = found
    return host


@pytest.mark.parametrize(
    ("names", "name", "expected"),
    [
        (("Shop.example",), "", "shop.example"),
        (("*.shop.example",), "", "wildcard.shop.example"),
        (("shop.example",), "mine", "mine"),
    ],
)
def test_it_is_named_after_its_first_host_name(
    host: FakeHost, names: tuple[str, ...], name: str, expected: str
) -> None:
    host.certified.after = 3
    add(host, *names, name=name)
    assert list(host.certified.there) == [expected]


def test_a_pair_that_is_wrong_is_not_installed(host: FakeHost) -> None:
    host.certified.wrong = (Finding("key", "is not the certificate's"),)
    with pytest.raises(Refused):
        add(host, "shop.example")
    assert host.certified.there == {}


def test_one_that_the_gateway_does_not_take_in_time_is_told(host: FakeHost) -> None:
    host.certified.after = 10**6
    with pytest.raises(NotConfirmed, match="does not serve the certificate after 15 s"):
        add(host, "shop.example")


def test_without_a_port_for_https_there_is_nothing_to_serve(host: FakeHost) -> None:
    host.gateway_settings = GatewaySettings()
    with pytest.raises(HitlessError, match="no port for HTTPS"):
        add(host, "shop.example")
    with pytest.raises(HitlessError, match="no port for HTTPS"):
        remove(host, "shop.example")


def test_one_that_an_application_needs_is_removed_by_force_alone(host: FakeHost) -> None:
    add(host, "shop.example")
    add(host, "other.example")
    secure = router(entry_points=("websecure",), settings={"tls": {}})
    host.routings["shop"] = routing(Colour.BLUE, {Colour.BLUE: part(1, secure)})
    remove(host, "other.example")
    with pytest.raises(HitlessError, match=r"nobody would reach shop \(shop.example\)"):
        remove(host, "shop.example")
    add(host, "*.example", name="wide")
    remove(host, "shop.example")
    remove(host, "wide", force=True)
    assert host.certified.there == {}


def test_one_that_is_not_there(host: FakeHost) -> None:
    add(host, "shop.example")
    with pytest.raises(HitlessError, match="no certificate other") as raised:
        remove(host, "other")
    assert raised.value.hint == "there are: shop.example"


def test_one_of_ones_own_takes_the_place_of_the_cas() -> None:
    host = with_one_of_the_cas()
    add(host, "other.example")
    assert host.traefiks.verbs == []
    add(host, "shop.example")
    assert host.traefiks.forgotten == [("shop.example",)]
    assert host.traefiks.live == 1


def test_if_no_new_traefik_starts_it_is_not_added() -> None:
    host = with_one_of_the_cas()
    host.traefiks.broken = True
    with pytest.raises(HitlessError):
        add(host, "shop.example")
    assert host.certified.there == {}


def test_one_of_the_cas_goes_with_a_new_traefik() -> None:
    host = with_one_of_the_cas()
    remove(host, "shop.example")
    assert host.traefiks.forgotten == [("shop.example",)]
