"""Traefik v1 labels give the routes that today's labels give, or a finding."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hitless.domain.common.foreign import Json
from hitless.domain.routing import labels, labels_v1
from hitless.domain.routing.model import Routes
from tests.domain.builders import at, examples, hostile_texts, only, paths

RULE = "traefik.frontend.rule"
ARTICLE = {
    "traefik.enable": "true",
    "traefik.backend": "flask_app",
    "traefik.backend.healthcheck.path": "/health",
    "traefik.backend.healthcheck.interval": "1s",
    "traefik.frontend.rule": "Host:localhost",
    "traefik.port": "8000",
}


def read(found: Mapping[str, str]) -> Routes:
    """The routes of labels that nothing is wrong with."""
    routes, findings = labels_v1.read("app", found)
    assert findings == ()
    return routes


def rule_of(text: str) -> str:
    return read({RULE: text}).routers[0].rule


def middlewares_of(**more: str) -> dict[str, Any]:
    """The middlewares that these labels below `traefik.` give; every one is in the router, too."""
    routes = read(
        {RULE: "Host:a", **{f"traefik.{key.replace('__', '.')}": text for key, text in more.items()}}
    )
    assert set(routes.routers[0].middlewares) == set(routes.middlewares)
    return {kind: fields for middleware in routes.middlewares.values() for kind, fields in middleware.items()}


def load_balancer_of(found: Mapping[str, str]) -> Json:
    return read({RULE: "Host:a", **found}).backends[0].load_balancer


def test_the_articles_labels_are_the_same_as_todays() -> None:
    today = {
        "traefik.enable": "true",
        "traefik.http.routers.flask_app.rule": "Host(`localhost`)",
        "traefik.http.services.flask_app.loadbalancer.server.port": "8000",
        "traefik.http.services.flask_app.loadbalancer.healthcheck.path": "/health",
        "traefik.http.services.flask_app.loadbalancer.healthcheck.interval": "1s",
    }
    routes, findings = labels.read("app", today)
    assert findings == ()
    assert read(ARTICLE) == routes


def test_without_a_backend_everything_is_called_like_the_compose_service() -> None:
    routes = read({RULE: "Host:a"})
    assert (routes.routers[0].name, routes.routers[0].backend, routes.backends[0].name) == ("app",) * 3


def test_case_does_not_matter() -> None:
    shouted = {label.upper(): value for label, value in ARTICLE.items()}
    assert read(shouted) == read(ARTICLE)


@pytest.mark.parametrize(
    ("label", "is_v1"),
    [
        ("traefik.port", True),
        ("traefik.Frontend.rule", True),
        ("traefik.backend", True),
        ("traefik.enable", False),
        ("traefik.http.routers.r.rule", False),
        ("traefik.docker.network", False),
        ("com.example.port", False),
        ("traefik.", False),
    ],
)
def test_which_labels_are_of_the_first_version(label: str, is_v1: bool) -> None:
    assert labels_v1.is_v1({label: "x"}) == is_v1


class TestRule:
    """Matchers and modifiers."""

    @pytest.mark.parametrize(
        ("text", "rule"),
        [
            ("Host:a", "Host(`a`)"),
            ("host: a ", "Host(`a`)"),
            ("Host:a,b", "(Host(`a`) || Host(`b`))"),
            ("Path:/x", "Path(`/x`)"),
            ("PathPrefix:/x,/y", "(PathPrefix(`/x`) || PathPrefix(`/y`))"),
            ("PathStrip:/x", "Path(`/x`)"),
            ("PathPrefixStrip:/x", "PathPrefix(`/x`)"),
            ("Method:GET,HEAD", "(Method(`GET`) || Method(`HEAD`))"),
            ("Headers:X-A,b", "Header(`X-A`, `b`)"),
            ("Host:a;PathPrefix:/x", "Host(`a`) && PathPrefix(`/x`)"),
            ("Host:a,b;Method:GET;", "(Host(`a`) || Host(`b`)) && Method(`GET`)"),
            ("Host:a;AddPrefix:/x", "Host(`a`)"),
            ("Host:a;ReplacePath:/x", "Host(`a`)"),
        ],
    )
    def test_is_carried_over(self, text: str, rule: str) -> None:
        assert rule_of(text) == rule

    @pytest.mark.parametrize(
        ("text", "middleware"),
        [
            ("PathStrip:/x,/y", {"stripPrefix": {"prefixes": ["/x", "/y"]}}),
            ("PathPrefixStrip:/x", {"stripPrefix": {"prefixes": ["/x"]}}),
            ("Host:a;AddPrefix:/x", {"addPrefix": {"prefix": "/x"}}),
            ("Host:a;ReplacePath:/x", {"replacePath": {"path": "/x"}}),
        ],
    )
    def test_modifiers_become_middlewares(self, text: str, middleware: Json) -> None:
        routes = read({RULE: text})
        assert list(routes.middlewares.values()) == [middleware]
        assert routes.routers[0].middlewares == tuple(routes.middlewares)

    @pytest.mark.parametrize(
        "text",
        [
            "",
            ";",
            "Host",
            "Host:",
            "Host:,",
            "a.example",
            "HostRegexp:{sub:.*}.example",
            "HostRegexp:a",
            "Path:/{id:[0-9]+}",
            "Host:a`) || PathPrefix(`/",
            "Headers:X-A",
            "HeadersRegexp:X-A,b",
            "Query:a=b",
            "ReplacePathRegex:/x /y",
            "AddPrefix:/x",
            "Host:a;AddPrefix:/x,/y",
            "Host:a;Nonsense:x",
        ],
    )
    def test_can_not_be_carried_over(self, text: str) -> None:
        routes, findings = labels_v1.read("app", {RULE: text})
        assert only(findings).path == f"services.app.labels.{RULE}"
        assert routes == Routes()

    def test_is_missing(self) -> None:
        routes, findings = labels_v1.read("app", {"traefik.port": "80"})
        assert only(findings).path == f"services.app.labels.{RULE}"
        assert routes == Routes()


class TestServer:
    """What is said of the servers and their load balancer."""

    def test_port_protocol_and_weight(self) -> None:
        found = {"traefik.port": "80", "traefik.protocol": "h2c", "traefik.weight": "3"}
        backend = read({RULE: "Host:a", **found}).backends[0]
        assert (backend.port, backend.scheme, backend.server) == (80, "h2c", {"weight": 3})

    def test_health_check(self) -> None:
        found = {
            "traefik.backend.healthcheck.path": "/h",
            "traefik.backend.healthcheck.port": "81",
            "traefik.backend.healthcheck.hostname": "a",
        }
        assert load_balancer_of(found) == {"healthCheck": {"path": "/h", "port": 81, "hostname": "a"}}

    @pytest.mark.parametrize("word", ["sticky", "stickiness"])
    def test_sticky(self, word: str) -> None:
        label = f"traefik.backend.loadbalancer.{word}"
        assert load_balancer_of({label: "true"}) == {"sticky": {"cookie": {}}}
        assert load_balancer_of({label: "false"}) == {}

    def test_sticky_with_the_name_of_the_cookie(self) -> None:
        found = {
            "traefik.backend.loadbalancer.stickiness.cookieName": "c",
            "traefik.backend.loadbalancer.stickiness": "true",
        }
        assert load_balancer_of(found) == {"sticky": {"cookie": {"name": "c"}}}

    def test_the_method_that_is_left(self) -> None:
        assert load_balancer_of({"traefik.backend.loadbalancer.method": "wrr"}) == {}

    def test_pass_host_header(self) -> None:
        assert load_balancer_of({"traefik.frontend.passHostHeader": "false"}) == {"passHostHeader": False}

    @pytest.mark.parametrize(
        ("label", "value"),
        [
            ("traefik.port", "http"),
            ("traefik.port", "65536"),
            ("traefik.protocol", "ftp"),
            ("traefik.weight", "heavy"),
            ("traefik.backend.healthcheck", "/h"),
            ("traefik.backend.healthcheck.pth", "/h"),
            ("traefik.backend.healthcheck.interval", "often"),
            ("traefik.backend.loadbalancer.method", "drr"),
            ("traefik.backend.loadbalancer.swarm", "true"),
            ("traefik.backend.maxconn.amount", "3"),
            ("traefik.backend.loadbalancer.stickiness", "maybe"),
        ],
    )
    def test_can_not_be_carried_over(self, label: str, value: str) -> None:
        _, findings = labels_v1.read("app", {RULE: "Host:a", label: value})
        assert paths(findings) == [f"services.app.labels.{label}"]

    @pytest.mark.parametrize("name", ["my app", "a@docker", "ü", "a`"])
    def test_a_backends_name_with_odd_characters(self, name: str) -> None:
        # the same names are refused in today's labels: with an @ Traefik looks in another provider
        _, findings = labels_v1.read("app", {RULE: "Host:a", "traefik.backend": name})
        assert "services.app.labels.traefik.backend" in paths(findings)


class TestFrontend:
    """What is said of the route and what becomes a middleware."""

    def test_priority_and_entry_points(self) -> None:
        found = {"traefik.frontend.priority": "7", "traefik.frontend.entryPoints": "http,internal"}
        router = read({RULE: "Host:a", **found}).routers[0]
        assert router.settings == {"priority": 7}
        assert router.entry_points == ("web", "internal")

    def test_users(self) -> None:
        for path in ("frontend__auth__basic", "frontend__auth__basic__users"):
            assert middlewares_of(**{path: "a:$apr1$x,b:y"}) == {"basicAuth": {"users": ["a:$apr1$x", "b:y"]}}

    def test_further_fields_of_basic_auth(self) -> None:
        more = {"frontend__auth__basic__removeHeader": "true", "frontend__auth__basic__users": "a:b"}
        assert middlewares_of(**more) == {"basicAuth": {"removeHeader": True, "users": ["a:b"]}}

    def test_forward_auth(self) -> None:
        more = {
            "frontend__auth__forward__address": "http://auth",
            "frontend__auth__forward__authResponseHeaders": "X-User",
        }
        assert middlewares_of(**more) == {
            "forwardAuth": {"address": "http://auth", "authResponseHeaders": ["X-User"]}
        }

    def test_allowed_addresses(self) -> None:
        assert middlewares_of(frontend__whiteList__sourceRange="10.0.0.0/8") == {
            "ipAllowList": {"sourceRange": ["10.0.0.0/8"]}
        }

    def test_redirect(self) -> None:
        more = {"frontend__redirect__regex": "^http:(.*)", "frontend__redirect__replacement": "https:$1"}
        assert middlewares_of(**more) == {"redirectRegex": {"regex": "^http:(.*)", "replacement": "https:$1"}}

    def test_headers(self) -> None:
        more = {
            "frontend__headers__customRequestHeaders": "X-A:1||X-B: b:c ",
            "frontend__headers__STSSeconds": "60",
            "frontend__headers__frameDeny": "true",
        }
        assert middlewares_of(**more) == {
            "headers": {
                "customRequestHeaders": {"X-A": "1", "X-B": "b:c"},
                "stsSeconds": 60,
                "frameDeny": True,
            }
        }

    def test_circuit_breaker_and_buffering(self) -> None:
        more = {
            "backend__circuitbreaker__expression": "NetworkErrorRatio() > 0.5",
            "backend__buffering__maxRequestBodyBytes": "10",
        }
        assert middlewares_of(**more) == {
            "circuitBreaker": {"expression": "NetworkErrorRatio() > 0.5"},
            "buffering": {"maxRequestBodyBytes": 10},
        }

    @pytest.mark.parametrize(
        ("label", "value"),
        [
            ("traefik.domain", "example"),
            ("traefik.tags", "a"),
            ("traefik.frontend", "x"),
            ("traefik.frontend.auth.digest.users", "a:b"),
            ("traefik.frontend.auth.forward.tls.ca", "x"),
            ("traefik.frontend.errors.site.status", "500"),
            ("traefik.frontend.passTLSCert", "true"),
            ("traefik.frontend.ratelimit.extractorfunc", "client.ip"),
            ("traefik.frontend.redirect.entryPoint", "https"),
            ("traefik.frontend.headers.customRequestHeaders", "no colon"),
            ("traefik.frontend.headers.nonsense", "x"),
            ("traefik.frontend.priority", "high"),
            ("traefik.admin.frontend.rule", "Host:b"),
            ("traefik.docker.lbswarm", "true"),
            ("traefik.", "x"),
        ],
    )
    def test_can_not_be_carried_over(self, label: str, value: str) -> None:
        _, findings = labels_v1.read("app", {RULE: "Host:a", label: value})
        assert at(findings, f"services.app.labels.{label}").is_error

    def test_all_that_is_wrong_is_said_at_once(self) -> None:
        wrong = {RULE: "Nonsense:a", "traefik.port": "x", "traefik.domain": "y"}
        _, findings = labels_v1.read("app", wrong)
        assert paths(findings) == [f"services.app.labels.{label}" for label in wrong]


LABELS = (
    "traefik.enable",
    "traefik.docker.network",
    "traefik.docker.lbswarm",
    "traefik.backend",
    "traefik.port",
    "traefik.protocol",
    "traefik.weight",
    "traefik.domain",
    "traefik.tags",
    "traefik.backend.healthcheck.path",
    "traefik.backend.healthcheck.interval",
    "traefik.backend.healthcheck.port",
    "traefik.backend.healthcheck.headers",
    "traefik.backend.loadbalancer.method",
    "traefik.backend.loadbalancer.sticky",
    "traefik.backend.loadbalancer.stickiness.cookieName",
    "traefik.backend.circuitbreaker.expression",
    "traefik.backend.buffering.retryExpression",
    "traefik.backend.maxconn.amount",
    "traefik.frontend",
    "traefik.frontend.priority",
    "traefik.frontend.entryPoints",
    "traefik.frontend.passHostHeader",
    "traefik.frontend.auth.basic.users",
    "traefik.frontend.auth.basic.removeHeader",
    "traefik.frontend.auth.forward.address",
    "traefik.frontend.whiteList.sourceRange",
    "traefik.frontend.redirect.regex",
    "traefik.frontend.redirect.permanent",
    "traefik.frontend.headers.customRequestHeaders",
    "traefik.frontend.headers.SSLRedirect",
    "traefik.frontend.headers.STSSeconds",
    "traefik.http.routers.r.rule",
    "com.example.owner",
)
RULES = st.lists(
    st.tuples(
        st.sampled_from(
            ["Host", "Path", "PathPrefix", "PathStrip", "Method", "Headers", "AddPrefix", "Query", ""]
        ),
        st.sampled_from([":a", ":/x,/y", ":", "", ":X-A,b", ":{id:[0-9]+}"]),
    ).map("".join),
    max_size=3,
).map(";".join)
VALUES = st.sampled_from(
    ["true", "false", "7", "5s", "a", "a,b", "X-A:1||X-B:2", "wrr", "http", "h2c", "", ",", "web"]
)


@st.composite
def label_names(draw: st.DrawFn) -> str:
    """Something like a v1 label: mostly valid, some a little off."""
    label = draw(st.sampled_from(LABELS))
    twist = draw(st.integers(0, 9))
    if twist == 0:
        cut = draw(st.integers(len("traefik."), max(len(label), len("traefik."))))
        label = label[:cut] + label[cut + 1 :]
    elif twist == 1:
        label += draw(st.sampled_from([".", ".x", "[0]", "s"]))
    elif twist == 2:
        label = label.rsplit(".", 1)[0]
    return label.lower() if draw(st.booleans()) else label


@st.composite
def label_sets(draw: st.DrawFn) -> dict[str, str]:
    """Labels of a service; two that say the same thing twice are left out."""
    pairs = st.tuples(label_names(), VALUES | hostile_texts())
    found = dict(draw(st.lists(pairs, max_size=8, unique_by=lambda pair: pair[0].lower())))
    if any(label.lower() == "traefik.frontend.auth.basic.users" for label in found):
        found = {
            label: text for label, text in found.items() if label.lower() != "traefik.frontend.auth.basic"
        }
    if draw(st.integers(0, 9)):
        found.setdefault(RULE, draw(RULES))
    return found


def says_what_is_so_anyway(label: str, value: str) -> bool:
    """Labels that change nothing: what they ask for is the default."""
    match label.lower().removeprefix("traefik.").split("."):
        case ["backend"]:
            return value in ("", "app")
        case ["protocol"]:
            return value == "http"
        case ["frontend", "entrypoints"]:
            return not value.replace(",", "").strip()
        case ["backend", "loadbalancer", "method"]:
            return value.lower() == "wrr"
        case ["backend", "loadbalancer", "sticky" | "stickiness"]:
            return True  # false is the default, and a cookie's name means true
    return False


@examples(250)
@given(label_sets())
def test_no_label_is_dropped_without_a_word(found: dict[str, str]) -> None:
    routes, findings = labels_v1.read("app", found)
    if not routes.routers:
        assert findings
    named = {path.removeprefix("services.app.labels.") for path in paths(findings)}
    for label, value in found.items():
        ours = label.lower().startswith("traefik.") and not labels.is_fulfilled(label)
        if not ours or label in named or not routes.routers or says_what_is_so_anyway(label, value):
            continue
        without = {other: text for other, text in found.items() if other != label}
        assert labels_v1.read("app", without) != (routes, findings), label
