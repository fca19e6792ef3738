from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from hitless.domain.checks import application as checks
from hitless.domain.common.findings import Finding
from hitless.domain.common.foreign import Json
from hitless.domain.common.names import Colour
from hitless.domain.gateway.acme import Challenge
from hitless.domain.gateway.certificates import Certificate
from tests.domain.builders import (
    GATEWAY,
    WEB_LABELS,
    application,
    only,
    part,
    paths,
    router,
    routing,
    web,
    world,
)
from tests.domain.checks.checked import IMAGES, ROUTER, app

GATEWAY_HTTPS: Json = {"entry_points": {"web": 80, "websecure": 443}, "https_port": 443}


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
        finding = only(app({**WEB_LABELS, "traefik.http.routers.shop.entrypoints": "web,internal"}))
        assert (finding.path, finding.is_error) == (f"{ROUTER}.entrypoints", True)
        assert "'internal'" in finding.message
        assert "it has: web; if it is one of these by another name" in finding.hint
        assert "--entry-point-alias internal=" in finding.hint

    @pytest.mark.parametrize(
        ("rule", "said"),
        [
            ("Host(`shop.example:8443`) && Path(`/a`)", "write Host(`shop.example`)"),
            ("Host(`shop.example`) || Host(`localhost:80`)", "write Host(`localhost`)"),
            ("Host(`https://shop.example`)", "write the name alone"),
            ("Host(`shop.example/a`)", "a path has a matcher of its own"),
        ],
    )
    def test_a_host_with_more_than_its_name_is_one_that_nobody_reaches(self, rule: str, said: str) -> None:
        finding = only(app({**WEB_LABELS, "traefik.http.routers.shop.rule": rule}))
        assert (finding.path, finding.is_error) == (f"{ROUTER}.rule", True)
        assert said in finding.hint

    @pytest.mark.parametrize(
        ("labels", "is_error"),
        [
            ({}, False),
            ({"middlewares": "https"}, True),
            ({"middlewares": "https", "priority": "9"}, None),
            ({"middlewares": "https", "rule": "Host(`www.example`)"}, None),
        ],
        ids=["both serve it", "one redirects", "another priority", "another host"],
    )
    def test_two_routes_for_the_same_requests(self, labels: Json, is_error: bool | None) -> None:
        other = {"rule": "Host(`shop.example`)", "service": "shop", **labels}
        more = {f"traefik.http.routers.other.{key}": value for key, value in other.items()}
        https = {"traefik.http.middlewares.https.redirectscheme.scheme": "https"}
        found = [one.is_error for one in app({**WEB_LABELS, **https, **more})]
        assert found == ([] if is_error is None else [is_error])

    @pytest.mark.parametrize(
        "label", [{"entrypoints": "websecure"}, {"entrypoints": "https"}, {"tls.certresolver": "le"}], ids=str
    )
    def test_https_on_a_gateway_without_it(self, label: Json) -> None:
        labels = {f"traefik.http.routers.shop.{key}": value for key, value in label.items()}
        finding = only(app({**WEB_LABELS, **labels}))
        assert (finding.path, finding.is_error) == (f"{ROUTER}.entrypoints", True)
        assert "--https-port 443" in finding.hint

    @pytest.mark.parametrize(
        ("names", "lacking"),
        [
            ((), "shop.example"),
            (("other.example",), "shop.example"),
            (("shop.example",), ""),
            (("*.example",), ""),
        ],
        ids=["none", "another name", "its name", "a wildcard"],
    )
    def test_a_host_without_a_certificate(self, names: tuple[str, ...], lacking: str) -> None:
        gateway = replace(GATEWAY, **GATEWAY_HTTPS)
        there = Certificate("one", names, "CN=CA", "2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z")
        at = replace(world(), gateway=gateway, certificates=(there,), now="2026-11-26T12:00:00Z")
        labels = {**WEB_LABELS, "traefik.http.routers.shop.entrypoints": "websecure"}
        found = checks.check(application({"app": web(labels)}), at, IMAGES)
        assert [one.message for one in found if one.is_error] == (
            [f"the gateway has no valid certificate for {lacking}"] if lacking else []
        )

    def test_tls_alone_on_a_gateway_without_https(self) -> None:
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
                "the route PathPrefix(`/cafes`) of the application cafe names no host, so it takes "
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


def test_a_rule_that_would_end_its_guard_is_refused() -> None:
    labels = {**WEB_LABELS, "traefik.http.routers.shop.rule": "Host(`a`)) || (Host(`b`)"}
    finding = only(checks.check(application({"app": web(labels)}), world(), IMAGES))
    assert (finding.path, finding.is_error) == (f"{ROUTER}.rule", True)
    assert "can't be read" in finding.message


class TestCertificates:
    """A host name without a certificate, on a gateway that asks a CA."""

    def found(
        self, rule: str = "Host(`shop.example`)", challenge: Challenge = Challenge.HTTP, **at: Any
    ) -> list[str]:
        extension = {"certificates": "later"} if at.pop("later", False) else {}
        secure = {**GATEWAY_HTTPS, "challenge": challenge, "held": at.pop("held", ())}
        labels = {
            **WEB_LABELS,
            "traefik.http.routers.shop.entrypoints": "websecure",
            **at.pop("labels", {}),
        }
        here = replace(world(), gateway=replace(GATEWAY, **secure), now="2026-11-26T12:00:00Z", **at)
        found = checks.check(application({"app": web(labels)}, x_hitless=extension), here, IMAGES)
        return [f"{'error' if one.is_error else 'warning'}: {one.message}" for one in found]

    def test_it_gets_one(self) -> None:
        assert self.found() == []

    def test_while_another_program_has_port_80_the_ca_would_ask_that(self) -> None:
        [said] = self.found(held=(80, 443))
        assert said.startswith(
            "error: there is no certificate for shop.example yet, and the CA would ask who"
        )
        assert self.found(challenge=Challenge.DNS, held=(80, 443)) == []

    def test_after_three_failures_in_an_hour_it_is_not_ordered_again(self) -> None:
        assert self.found(failures={"shop.example": (60, 120)}) == []
        [said] = self.found(failures={"shop.example": (60, 120, 1800)})
        assert said == (
            "error: the CA has refused a certificate for shop.example 3 times in the last hour: hitless asks "
            "again in 30 minutes"
        )

    def test_a_wildcard_takes_the_dns(self) -> None:
        wild = {"traefik.http.routers.shop.tls.domains[0].main": "*.example"}
        [said] = self.found(labels=wild)
        assert said == "error: a CA gives a certificate for *.example only by a record in the DNS"
        assert self.found(challenge=Challenge.DNS, labels=wild) == []

    @pytest.mark.parametrize("rule", ["PathPrefix(`/`)", "HostRegexp(`^.+[.]example$`)"])
    def test_a_route_that_names_no_host(self, rule: str) -> None:
        [said] = self.found(labels={"traefik.http.routers.shop.rule": rule})
        assert said.startswith("warning: names no host: hitless can't tell which certificate it needs")
        domains = {"traefik.http.routers.shop.tls.domains[0].main": "shop.example"}
        assert self.found(labels={"traefik.http.routers.shop.rule": rule, **domains}) == []

    def test_one_that_has_expired_must_go_first(self) -> None:
        old = Certificate("mine", ("shop.example",), "CN=CA", "2025-01-01T00:00:00Z", "2026-01-01T00:00:00Z")
        [said] = self.found(certificates=(old,))
        assert said == (
            "error: the gateway's certificate for shop.example is valid from 2025-01-01 to 2026-01-01: the "
            "gateway orders no other one while it is there"
        )

    def test_a_host_that_its_domains_leave_out(self) -> None:
        wild = {"traefik.http.routers.shop.tls.domains[0].main": "*.shop.example"}
        [said] = self.found(challenge=Challenge.DNS, labels=wild)
        assert said == "error: none of these names is for shop.example, which the rule takes requests for"

    def test_a_name_that_is_not_in_ascii(self) -> None:
        rule = {"traefik.http.routers.shop.rule": "Host(`bücher.example`)"}
        [said] = self.found(labels=rule)
        assert said == "error: certificates have names in ASCII alone: bücher.example"

    def test_which_may_wait(self) -> None:
        [said] = self.found(later=True, failures={"shop.example": (1, 2, 3)})
        assert said.startswith(
            "warning: the gateway has no valid certificate for shop.example: nobody reaches"
        )


OPTIONS: Json = {
    **WEB_LABELS,
    "traefik.http.routers.shop.entrypoints": "websecure",
    "traefik.http.routers.shop.tls.options": "modern",
}


class TestTlsOptions:
    """Traefik drops options that differ for one host, and takes its default ones."""

    def found(self, labels: Json, **at: Any) -> list[str]:
        gateway = replace(GATEWAY, **GATEWAY_HTTPS, challenge=Challenge.HTTP)
        here = replace(world(), gateway=gateway, now="2026-11-26T12:00:00Z", **at)
        options = {"tls_options": {"modern": {"minVersion": "VersionTLS13"}}}
        found = checks.check(application({"app": web(labels)}, x_hitless=options), here, IMAGES)
        return [one.message for one in found if one.is_error]

    def test_the_same_ones_in_one_application(self) -> None:
        two = {
            "traefik.http.routers.more.rule": "Host(`shop.example`) && Path(`/more`)",
            "traefik.http.routers.more.entrypoints": "websecure",
        }
        assert self.found({**OPTIONS, **two, "traefik.http.routers.more.tls.options": "modern"}) == []
        assert self.found({**OPTIONS, **two}) == [
            "the route more has other TLS options for shop.example: default",
            "the route shop has other TLS options for shop.example: modern",
        ]

    @pytest.mark.parametrize(
        "rule", ["PathPrefix(`/admin`)", "HostRegexp(`^.+$`)", "Host(`shop.example`) || PathPrefix(`/`)"]
    )
    def test_a_rule_without_a_host(self, rule: str) -> None:
        said = self.found({**OPTIONS, "traefik.http.routers.shop.rule": rule})
        assert any("Traefik uses its default TLS options" in one for one in said)

    def test_others_of_another_application(self) -> None:
        path = "Host(`shop.example`) && Path(`/more`)"
        there = routing(
            Colour.BLUE,
            {Colour.BLUE: part(1, router(path, "more", entry_points=("websecure",), settings={"tls": {}}))},
            name="other",
        )
        said = ["the application other has other TLS options for shop.example: default"]
        assert self.found(OPTIONS, routings={"other": there}) == said
        plain = {**OPTIONS, "traefik.http.routers.shop.tls.options": "default"}
        assert self.found(plain, routings={"other": there}) == []
