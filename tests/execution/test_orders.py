"""A release gets its certificates from the CA before it gets a request."""

from __future__ import annotations

import pytest

from hitless.domain.application.model import Application
from hitless.domain.common.errors import GateFailed, Refused
from hitless.domain.common.events import StepDone, StepKind
from hitless.domain.gateway.settings import GatewaySettings
from tests.execution.applications import WEB, application
from tests.execution.commands import deploy, rollback
from tests.fakes.host import FakeHost

REFUSED = "error: 400 :: urn:ietf:params:acme:error:dns :: no such name\n"
SETTINGS = GatewaySettings(https_port=443, acme_email="ann@example.org")


@pytest.fixture
def host() -> FakeHost:
    return FakeHost(gateway_settings=SETTINGS)


def site(*hosts: str, **extension: str) -> Application:
    rule = " || ".join(f"Host(`{host}`)" for host in hosts or ("shop.example",))
    labels = {
        **WEB["labels"],
        "traefik.http.routers.web.rule": rule,
        "traefik.http.routers.web.tls.certresolver": "letsencrypt",
    }
    return application({"web": {**WEB, "labels": labels}}, extension)


def told(host: FakeHost) -> list[str]:
    done = [event for event in host.events if isinstance(event, StepDone)]
    return [event.detail for event in done if event.step.kind is StepKind.GET_CERTIFICATES]


def test_each_host_name_has_its_own_before_the_cutover(host: FakeHost) -> None:
    deploy(host.ports(), site("shop.example", "www.shop.example"))
    assert list(host.certified.orders.values()) == [("shop.example",), ("www.shop.example",)]
    assert (told(host), host.certified.counted) == (["shop.example, www.shop.example"], [])
    # and nothing is asked for again
    deploy(host.ports(), site("shop.example", "www.shop.example"))
    rollback(host.ports())
    assert len(host.certified.orders) == 2


def test_a_name_that_the_ca_refuses_undoes_the_release(host: FakeHost) -> None:
    deploy(host.ports(), site())
    host.certified.refusals["new.example"] = REFUSED
    with pytest.raises(
        GateFailed, match=r"no certificate for new.example: the CA says: no such name"
    ) as raised:
        deploy(host.ports(), site("shop.example", "new.example"))
    assert raised.value.hint.endswith("hitless asks 2 more times at most in this hour")
    assert host.certified.counted == ["new.example"]
    live = host.routings["shop"]
    assert live.live and live.colours[live.live].release == 1
    assert host.violations == []


def test_the_fourth_ask_in_an_hour_is_refused_before_anything_changes(host: FakeHost) -> None:
    host.certified.refusals["shop.example"] = REFUSED
    for _ in range(3):
        with pytest.raises(GateFailed):
            deploy(host.ports(), site())
    with pytest.raises(Refused):
        deploy(host.ports(), site())
    assert len(host.certified.orders) == 3


def test_a_ca_that_is_away_counts_no_failure(host: FakeHost) -> None:
    host.certified.refusals["shop.example"] = "cannot get ACME client: dial tcp: connection refused"
    with pytest.raises(GateFailed, match=r"the CA can't be asked: .*connection refused"):
        deploy(host.ports(), site())
    assert host.certified.counted == []


def test_an_order_that_traefik_passes_over_for_that_of_a_killed_command_comes_again(host: FakeHost) -> None:
    host.certified.under_way.add(("shop.example",))
    deploy(host.ports(), site())
    assert (told(host), host.certified.counted) == (["shop.example"], [])


def test_a_ca_that_never_answers_is_given_up(host: FakeHost) -> None:
    host.certified.silent = True
    with pytest.raises(GateFailed, match="no answer came in 600 s"):
        deploy(host.ports(), site())
    assert host.certified.counted == ["shop.example"]


def test_certificates_may_come_later(host: FakeHost) -> None:
    deploy(host.ports(), site(certificates="later"))
    assert host.certified.orders == {}
    deploy(host.ports(), site())
    assert list(host.certified.orders.values()) == [("shop.example",)]


def test_one_that_another_application_got_meanwhile_is_not_asked_for(host: FakeHost) -> None:
    def meanwhile(verb: str) -> None:
        if verb.startswith("deliver"):
            host.certified.order("other", ("shop.example",), 1)

    host.before = meanwhile
    deploy(host.ports(), site())
    assert told(host) == ["they are there already"]
