"""The Compose model as hitless understands it, and all that is wrong with it at once."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from hitless.adapters.gateway.routing_file import parse, render
from hitless.domain.application import read as reading
from hitless.domain.application.model import Application
from hitless.domain.checks.application import check
from hitless.domain.common.findings import Finding
from hitless.domain.common.foreign import Json
from hitless.domain.plan import deploy as deploy_plan
from hitless.domain.plan.routing_steps import CutOver
from hitless.domain.release import prepared as preparing
from hitless.domain.release.model import Image, Release
from hitless.domain.routing import labels
from hitless.domain.routing.traefik_schema import LOAD_BALANCER, ROUTER, Kind, Schema
from tests.domain.builders import (
    GATEWAY,
    SHOP,
    WEB_LABELS,
    application,
    at,
    compose,
    examples,
    hostile_texts,
    image,
    met,
    only,
    paths,
    unrouted,
    web,
    world,
)
from tests.domain.routing import test_labels, test_labels_v1

WEB = "services.app"
ROUTERS = "traefik.http.routers"
SERVICES = "traefik.http.services"
MIDDLEWARES = "traefik.http.middlewares"


def findings_of(services: Json | None = None, **keys: Any) -> tuple[Finding, ...]:
    return reading.read(compose(services, **keys))[1]


class TestLabels:
    """Which labels are read, and how."""

    def test_the_escaping_of_dollars_is_undone(self) -> None:
        label = f"{MIDDLEWARES}.auth.basicauth.users"
        found = application({"app": web({**WEB_LABELS, label: "me:$$apr1$$x$$$$"})})
        assert found.routes.middlewares["auth"] == {"basicAuth": {"users": ["me:$apr1$x$$"]}}

    def test_labels_of_others_are_no_business_of_ours(self) -> None:
        assert reading.traefik_labels({"labels": {"com.example": "x", "Traefik.x": "y"}}) == {
            "Traefik.x": "y"
        }

    def test_a_service_that_is_switched_off(self) -> None:
        switched_off = {**WEB_LABELS, "traefik.enable": "false", "traefik.tcp.x": "y"}
        assert not application({"app": web(switched_off)}).is_web("app")

    @pytest.mark.parametrize("found", [None, {}, {"traefik.enable": "true"}, {"traefik.docker.network": "x"}])
    def test_a_service_with_nothing_about_routes(self, found: dict[str, str] | None) -> None:
        read = application({"app": unrouted(labels=found)})
        assert read.routes.routers == ()
        assert not read.is_web("app")

    def test_labels_of_the_first_traefik(self) -> None:
        found = application({"app": web(test_labels_v1.ARTICLE)})
        assert found.routes.routers[0].rule == "Host(`localhost`)"

    def test_labels_of_two_generations_in_one_service(self) -> None:
        """Traefik 2 and 3 ignore the older ones."""
        found, findings = reading.read(compose({"app": web({**WEB_LABELS, **test_labels_v1.ARTICLE})}))
        assert paths(findings, is_error=True) == []
        assert {one.path.rpartition(".traefik.")[2] for one in findings} >= {"frontend.rule", "port"}
        assert [router.name for router in found.routes.routers] == ["shop"]

    def test_labels_for_a_swarm_are_read(self) -> None:
        plain = {key: value for key, value in web().items() if key != "labels"}
        service = {**plain, "deploy": {"labels": {**WEB_LABELS, f"{ROUTERS}.shop.priority": "3"}}}
        assert application({"app": service}).routes.routers[0].priority == 3
        both = {**service, "labels": {f"{ROUTERS}.shop.priority": "5"}}
        assert application({"app": both}).routes.routers[0].priority == 5

    def test_a_router_without_a_rule_has_the_default_one(self) -> None:
        made, findings = reading.read(compose({"my_app": web({f"{ROUTERS}.shop.tls": "true"})}))
        assert made.routes.routers[0].rule == "Host(`my-app-shop`)"
        assert (only(findings).is_error, "Host(`my-app-shop`)" in only(findings).message) == (False, True)

    def test_labels_of_two_generations_in_two_services(self) -> None:
        found = application({"app": web(), "old": web(test_labels_v1.ARTICLE)})
        assert [router.name for router in found.routes.routers] == ["shop", "flask_app"]

    def test_all_findings_of_all_services_at_once(self) -> None:
        findings = findings_of({"a": web({f"{ROUTERS}.x.ruel": "x"}), "b": web({"traefik.tcp.x": "y"})})
        assert {"services.a.labels.traefik.http.routers.x.ruel", "services.b.labels.traefik.tcp.x"} <= set(
            paths(findings)
        )


class TestName:
    """Names that could be mistaken or that DNS does not take."""

    @pytest.mark.parametrize("name", ["shop-blue", "shop-green", "a-b-green"])
    def test_an_application_that_is_called_like_a_colour(self, name: str) -> None:
        assert only(findings_of(name=name)).path == "name"

    @pytest.mark.parametrize("name", ["blue", "green", "shopblue", "shop-blues", "blue-shop"])
    def test_an_application_that_only_has_a_colour_in_its_name(self, name: str) -> None:
        assert findings_of(name=name) == ()

    def test_a_container_name_that_just_fits(self) -> None:
        service = "a" * (63 - len("shop-green--1"))
        assert findings_of({service: web()}) == ()

    def test_a_container_name_that_is_too_long(self) -> None:
        service = "a" * (64 - len("shop-green--1"))
        assert only(findings_of({service: web()})).path == f"services.{service}"

    def test_a_container_name_that_nobody_looks_up(self) -> None:
        assert findings_of({"app": web(), "a" * 70: {"image": "x"}}) == ()


class TestReferences:
    """What refers to what, across services."""

    def test_a_service_that_is_not_there(self) -> None:
        findings = findings_of({"app": web({**WEB_LABELS, f"{ROUTERS}.shop.service": "nobody"})})
        assert only(findings).path == f"{WEB}.labels.{ROUTERS}.shop.service"

    @pytest.mark.parametrize("service", ["api@internal", "shop@file"])
    def test_a_service_of_another_provider(self, service: str) -> None:
        findings = findings_of({"app": web({**WEB_LABELS, f"{ROUTERS}.shop.service": service})})
        assert only(findings).path == f"{WEB}.labels.{ROUTERS}.shop.service"

    def test_a_router_whose_middlewares_answer_needs_no_service(self) -> None:
        labels = {
            f"{ROUTERS}.away.rule": "Host(`old.example`)",
            f"{ROUTERS}.away.service": "noop@internal",
            f"{ROUTERS}.away.middlewares": "away",
            f"{MIDDLEWARES}.away.redirectregex.regex": "^http://old",
            f"{MIDDLEWARES}.away.redirectregex.replacement": "http://new",
        }
        services = {"app": web(), "redirects": {"image": "x", "labels": labels}}
        assert findings_of(services) == ()
        made = application(services)
        assert [one.backend for one in made.routes.routers] == ["shop", "noop@internal"]
        # nothing needs a port of it, and nobody is sent there
        assert [one.service for one in made.routes.backends] == ["app"]

    def test_a_service_named_with_its_provider(self) -> None:
        found = application({"app": web({**WEB_LABELS, f"{ROUTERS}.shop.service": "shop@docker"})})
        assert found.routes.routers[0].backend == "shop"

    def test_a_service_that_another_compose_service_defines(self) -> None:
        other = web({f"{ROUTERS}.two.rule": "Host(`two`)", f"{ROUTERS}.two.service": "shop@docker"})
        found = application({"other": other, "app": web()})
        assert [router.backend for router in found.routes.routers] == ["shop", "shop"]

    @pytest.mark.parametrize("name", ["auth", "auth@docker"])
    def test_a_middleware_that_another_compose_service_defines(self, name: str) -> None:
        users = web({f"{MIDDLEWARES}.auth.basicauth.users": "a:b"})
        app = web({**WEB_LABELS, f"{ROUTERS}.shop.middlewares": name})
        assert findings_of({"app": app, "users": users}) == ()

    @pytest.mark.parametrize(("service", "known"), [("shop", True), ("shop@docker", True), ("nobody", False)])
    def test_the_service_of_an_error_page(self, service: str, known: bool) -> None:
        found = {**WEB_LABELS, f"{MIDDLEWARES}.oops.errors.service": service}
        expected = [] if known else [f"{MIDDLEWARES}.oops.errors.service"]
        assert paths(findings_of({"app": web(found)})) == expected

    def test_two_services_with_the_same_names(self) -> None:
        found = {**WEB_LABELS, f"{MIDDLEWARES}.z.compress": "true"}
        findings = findings_of({"app": web(found), "other": web(found)})
        # the same middleware twice is one, as for Traefik
        assert paths(findings) == [f"{ROUTERS}.shop", f"{SERVICES}.shop"]
        other = {**found, f"{MIDDLEWARES}.z.compress": "false", f"{MIDDLEWARES}.z.contenttype": "true"}
        findings = findings_of({"app": web(found), "other": web(other)})
        said = at(findings, f"{MIDDLEWARES}.z").message
        assert said.endswith('they differ: {"compress": {}} and {"contentType": {}}')

    def test_a_traefik_of_the_file_is_left_out_and_its_middlewares_stay(self) -> None:
        labels = {
            f"{ROUTERS}.dashboard.rule": "Host(`traefik.example`)",
            f"{ROUTERS}.dashboard.service": "api@internal",
            f"{MIDDLEWARES}.squeeze.compress": "true",
            "traefik.nonsense": "1",
        }
        traefik = {"image": "docker.io/library/traefik:v3.1", "labels": labels}
        app = web({**WEB_LABELS, f"{ROUTERS}.shop.middlewares": "squeeze"}, depends_on={"proxy": {}})
        made = application({"proxy": traefik, "app": app})
        assert [(one.name, one.role) for one in made.services] == [("proxy", "gateway"), ("app", "web")]
        assert [one.name for one in made.routes.routers] == ["shop"]
        assert made.routes.middlewares == {"squeeze": {"compress": {}}}

    def test_another_gateway_is_left_out_if_the_file_says_so(self) -> None:
        made = application({"edge": web(x_hitless={"role": "gateway"}), "app": web()})
        assert [one.name for one in made.services if one.role == "gateway"] == ["edge"]
        assert [one.service for one in made.routes.routers] == ["app"]


class TestPorts:
    """Which port a backend's servers listen on."""

    UNSAID: ClassVar[Json] = {f"{ROUTERS}.shop.rule": "Host(`shop`)"}

    def port(self, service: Json, images: dict[str, Image]) -> int | None:
        found, findings = preparing.prepare(application({"app": service}), images, GATEWAY)
        assert findings == ()
        return found.routes.backends[0].port

    def test_the_label_goes_first(self) -> None:
        assert self.port(web(expose=["1000"]), {"app": image(500)}) == 8000

    def test_then_what_the_compose_file_exposes(self) -> None:
        assert self.port(web(self.UNSAID, expose=["9000", "8080/tcp"]), {"app": image(500)}) == 8080

    def test_or_publishes(self) -> None:
        ports = [{"target": 7000, "published": "80", "protocol": "tcp"}]
        assert self.port(web(self.UNSAID, ports=ports, expose=["9000"]), {}) == 7000

    def test_then_the_lowest_that_the_image_exposes(self) -> None:
        assert self.port(web(self.UNSAID), {"app": image(9000, 5000, 8000)}) == 5000

    @pytest.mark.parametrize("images", [{}, {"app": Image("sha256:0", (), False)}])
    def test_nothing_names_it(self, images: dict[str, Image]) -> None:
        found, findings = preparing.prepare(application({"app": web(self.UNSAID)}), images, GATEWAY)
        assert only(findings).path == f"{WEB}.labels.{SERVICES}.app.loadbalancer.server.port"
        assert found.routes.backends[0].port is None

    def test_a_port_of_another_protocol_is_no_web_port(self) -> None:
        assert self.port(web(self.UNSAID, expose=["53/udp", "8000/tcp"]), {}) == 8000

    def test_a_published_port_of_another_protocol_is_no_web_port(self) -> None:
        ports = [{"target": 53, "protocol": "udp"}, {"target": 8000, "protocol": "tcp"}]
        assert self.port(web(self.UNSAID, ports=ports), {}) == 8000

    def test_the_image_of_another_service_says_nothing(self) -> None:
        _, findings = preparing.prepare(application({"app": web(self.UNSAID)}), {"db": image(80)}, GATEWAY)
        assert len(findings) == 1


class TestHealthcheck:
    """What the Compose file says about Docker's health check."""

    @pytest.mark.parametrize(
        ("check", "read"),
        [
            (None, None),
            ({}, None),
            ({"interval": "5s"}, None),
            ({"test": ["CMD", "true"]}, True),
            ({"test": ["CMD-SHELL", "true"]}, True),
            ({"test": ["NONE"]}, False),
            ({"disable": True}, False),
            ({"disable": True, "test": ["CMD", "true"]}, False),
            ({"disable": False, "test": ["CMD", "true"]}, True),
        ],
    )
    def test_read(self, check: Json | None, read: bool | None) -> None:
        assert application({"app": web(healthcheck=check)}).services[0].healthcheck is read


class TestService:
    """The rest of a service."""

    @pytest.mark.parametrize(
        ("keys", "replicas"),
        [
            ({}, 1),
            ({"deploy": {}}, 1),
            ({"deploy": None}, 1),
            ({"deploy": {"replicas": 3}}, 3),
            ({"scale": 2}, 2),
            ({"deploy": {"resources": {}}}, 1),
        ],
    )
    def test_replicas(self, keys: Json, replicas: int) -> None:
        assert application({"app": web(**keys)}).services[0].replicas == replicas

    @pytest.mark.parametrize("keys", [{"scale": 0}, {"deploy": {"replicas": 0}}])
    def test_none_at_all(self, keys: Json) -> None:
        # Compose starts none then; the gate would wait in vain for one
        assert application({"app": web(), "idle": {"image": "x", **keys}}).services[1].replicas == 0

    def test_where_its_image_comes_from(self) -> None:
        built, pulled = application(
            {"app": web(build={"context": "."}), "db": {"image": "db:1", "pull_policy": "always"}}
        ).services
        assert (built.builds, built.pull_policy) == (True, "missing")
        assert (pulled.builds, pulled.image, pulled.pull_policy) == (False, "db:1", "always")

    def test_timeouts_of_the_command_line_go_first(self) -> None:
        services = {"app": web(x_hitless={"timeout": 1}), "b": {"image": "x"}}
        found, _ = preparing.prepare(application(services), {}, GATEWAY, preparing.Timeouts(7.0, 8.0))
        assert [service.settings.timeout for service in found.services] == [7.0, 7.0]
        assert found.settings.drain_timeout == 8.0

    def test_timeouts_that_the_command_line_does_not_name(self) -> None:
        found, _ = preparing.prepare(application(), {}, GATEWAY, preparing.Timeouts())
        assert found == application()


def small(keys: st.SearchStrategy[str], values: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.dictionaries(keys, values, max_size=3)


TEXTS = hostile_texts()
WORDS = st.sampled_from(["app", "db", "web.api", "a_b", "shop", "x-1"])
ANYTHING: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=5,
)
EXTENSIONS = (
    st.fixed_dictionaries({"timeout": st.sampled_from(["5s", 3, "x", True])})
    | small(st.sampled_from(["timeout", "drain_timeout", "successes", "keep", "kep"]), ANYTHING)
    | ANYTHING
)
LABEL_SETS = (
    st.just(WEB_LABELS)
    | test_labels.label_sets().map(test_labels.rules_too)
    | test_labels_v1.label_sets()
    | small(TEXTS, TEXTS)
)
PORTS = st.fixed_dictionaries(
    {
        "mode": st.just("ingress"),
        "target": st.integers(1, 65535),
        "protocol": st.sampled_from(["tcp", "udp"]),
    },
    optional={"published": st.sampled_from(["80", "8000-8010"]), "host_ip": st.just("127.0.0.1")},
)
VOLUMES = st.fixed_dictionaries(
    {"type": st.sampled_from(["volume", "bind", "tmpfs"]), "target": st.just("/data")},
    optional={"source": st.sampled_from(["data", "/srv", ""]), "read_only": st.booleans()},
)
SERVICES_MODELS = st.fixed_dictionaries(
    {"image": st.sampled_from(["a:1", "b"])},
    optional={
        "build": st.just({"context": "/src", "dockerfile": "Dockerfile"}),
        "command": st.none() | st.lists(TEXTS, max_size=2),
        "container_name": TEXTS,
        "deploy": st.none() | st.just({}) | st.fixed_dictionaries({"replicas": st.integers(0, 3)}),
        "environment": small(TEXTS, st.none() | TEXTS),
        "expose": st.lists(st.sampled_from(["80", "8000/tcp", "53/udp", "1000-1005"]), max_size=2),
        "healthcheck": st.none()
        | st.fixed_dictionaries(
            {}, optional={"test": st.lists(TEXTS, min_size=1, max_size=2), "disable": st.booleans()}
        ),
        "labels": LABEL_SETS,
        "network_mode": st.sampled_from(["host", "none", "service:db"]),
        "networks": st.none()
        | small(WORDS, st.none() | small(st.sampled_from(["ipv4_address", "gw_priority"]), TEXTS)),
        "ports": st.lists(PORTS, max_size=2),
        "scale": st.integers(0, 3),
        "stop_grace_period": st.sampled_from(["10s", "1m0s"]),
        "volumes": st.lists(VOLUMES, max_size=2),
        "x-hitless": EXTENSIONS,
        "x-more": ANYTHING,
    },
)
NETWORKS = st.none() | st.fixed_dictionaries(
    {},
    optional={
        "name": st.sampled_from(["traefik_webgateway", "shop_default", "shared"]),
        "external": st.booleans(),
        "ipam": st.just({}) | st.just({"config": [{"subnet": "10.0.0.0/24"}]}) | st.just({"config": None}),
    },
)
NAMED_VOLUMES = st.none() | st.fixed_dictionaries(
    {}, optional={"name": st.just("shop_data"), "external": st.booleans()}
)
MODELS = st.fixed_dictionaries(
    {
        "name": st.sampled_from(["shop", "shop-blue", "s_1"]),
        "services": st.dictionaries(WORDS, SERVICES_MODELS, min_size=1, max_size=3),
    },
    optional={
        "networks": st.none() | small(WORDS, NETWORKS),
        "volumes": st.none() | small(WORDS, NAMED_VOLUMES),
        "secrets": small(WORDS, st.just({"file": "/x"})),
        "x-hitless": EXTENSIONS,
        "x-more": ANYTHING,
    },
)
IMAGES = small(WORDS, st.builds(image, st.integers(1, 65535), healthcheck=st.booleans()))


@examples(150)
@given(MODELS, IMAGES)
def test_whatever_compose_emits_is_read_and_checked_without_a_crash(
    model: dict[str, Any], images: dict[str, Image]
) -> None:
    found, findings = reading.read(model)
    assert [service.name for service in found.services] == list(model["services"])
    assert all(finding.path and finding.message for finding in findings)
    check(found, world(), images)
    preparing.prepare(found, images, GATEWAY)


def leaf_labels(section: str, schema: Schema, name: str) -> st.SearchStrategy[dict[str, str]]:
    """Labels with good values for some fields of one router, service or middleware."""
    good = {
        f"traefik.http.{section}.{name}.{path}{'.X-A' if kind in (Kind.NAMED, Kind.NUMBERS) else ''}": (
            test_labels.SAID[kind][0]
        )
        for path, kind in labels.walk(schema)
        if path not in ("middlewares", "service", "server.scheme", "ruleSyntax", "entryPoints", "rule")
        and not path.endswith(("certResolver", "scheme", "mode"))
    }
    return st.lists(st.sampled_from(sorted(good.items())), max_size=4).map(dict)


@st.composite
def sound_models(draw: st.DrawFn) -> dict[str, Any]:
    """Models that most likely nothing is wrong with."""
    services = {}
    for name in draw(st.lists(WORDS, min_size=1, max_size=3, unique=True)):
        traefik = name.replace(".", "_")
        rule = {f"{ROUTERS}.{traefik}.rule": f"Host(`{name}.example`) || Path(`{draw(TEXTS)}`)"}
        router = draw(leaf_labels("routers", ROUTER, traefik))
        balancer = draw(leaf_labels("services", {"loadBalancer": LOAD_BALANCER}, traefik))
        headers = {f"{MIDDLEWARES}.{traefik}.headers.customrequestheaders.X-A": draw(TEXTS)}
        found = {**rule, **router, **balancer, **headers, f"{ROUTERS}.{traefik}.middlewares": traefik}
        keys: dict[str, Any] = draw(
            st.fixed_dictionaries(
                {},
                optional={
                    "deploy": st.fixed_dictionaries({"replicas": st.integers(1, 3)}),
                    "environment": small(TEXTS, st.none() | TEXTS),
                    "expose": st.just(["8000/tcp"]),
                    "healthcheck": st.just({"test": ["CMD", "true"]}),
                    "networks": small(WORDS, st.none()),
                    "x_hitless": st.just({"timeout": "5s", "concurrent_writes": True}),
                },
            )
        )
        services[name] = draw(st.sampled_from([web(found, **keys), unrouted(**keys)]))
    return compose({**services, "always": web()}, networks=draw(small(WORDS, NETWORKS)))


@examples(100)
@given(sound_models())
def test_what_is_not_refused_can_be_planned_and_rendered(model: dict[str, Any]) -> None:
    found, findings = reading.read(model)
    images = {name: image(8000) for name in model["services"]}
    prepared, more = preparing.prepare(found, images, GATEWAY)
    assume(not any(finding.is_error for finding in (*findings, *more, *check(prepared, world(), images))))
    made = deploy_plan.plan_deploy(prepared, Release(1, "", "", images, model), world(), GATEWAY)
    [cutover] = [step for step in made.steps if isinstance(step, CutOver)]
    assert "None" not in servers(prepared)
    routing = met(cutover.routing)
    assert parse(render(routing), "x.yml") == routing


def servers(found: Application) -> str:
    return " ".join(str(backend.port) for backend in found.routes.backends)


def test_a_finding_names_where_it_is_even_in_a_service_with_a_dot_in_its_name() -> None:
    findings = findings_of({"web.api": web({f"{ROUTERS}.r.ruel": "x", f"{ROUTERS}.r.rule": "Host(`a`)"})})
    assert at(findings, f"services.web.api.labels.{ROUTERS}.r.ruel").hint == "did you mean rule?"


def test_the_application_carries_its_name_and_its_model() -> None:
    assert application().name == SHOP
    assert application().model == compose()
