"""A routing as a value, as the text of its file, and as Traefik reads that."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from typing import Any, ClassVar

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from hitless.domain.common.foreign import Json
from hitless.domain.common.names import Colour
from hitless.domain.release.colour_routing import colour_routing
from hitless.domain.release.prepared import Prepared
from hitless.domain.routing.file import ForeignRouting, document, holds, is_whole, parse, render, sealed
from hitless.domain.routing.model import Backend, Protocol, Router, Routes
from hitless.domain.routing.reserved import COLOUR_HEADER, marker_path
from hitless.domain.routing.split import (
    BackendRouting,
    ColourRouting,
    Routing,
    Server,
    without,
)
from tests.domain.builders import application, examples, hostile_texts, part, prepared, router, routing, web

ACTION = '{{"{{"}}'
BLUE, GREEN = Colour.BLUE, Colour.GREEN
INSIDE = "(ClientIP(`127.0.0.1/32`) || ClientIP(`::1/128`))"


def executed(text: str) -> str:
    """What Go's template engine makes of a text; the one action that it may meet prints `{{`."""
    output = []
    while (start := text.find("{{")) >= 0:
        assert text.startswith(ACTION, start), text[start : start + 40]
        output += [text[:start], "{{"]
        text = text[start + len(ACTION) :]
    return "".join([*output, text])


def loaded(text: str) -> Any:
    """What Traefik reads of a routing file."""
    # libyaml, which Traefik's own reader was made from
    return yaml.load(executed(text), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))


TEXTS = hostile_texts()
NAMES = st.sampled_from(["shop", "live", "blue", "retry", "a.b", "a.live"]) | TEXTS
VALUES: st.SearchStrategy[Any] = st.recursive(
    TEXTS | st.booleans() | st.integers(),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(TEXTS, inner, max_size=2),
    max_leaves=4,
)
FIELDS = st.dictionaries(TEXTS, VALUES, max_size=2)
ROUTERS = st.builds(
    Router,
    name=NAMES,
    service=TEXTS,
    rule=TEXTS,
    backend=NAMES,
    entry_points=st.lists(TEXTS, max_size=2).map(tuple),
    middlewares=st.lists(NAMES, max_size=2).map(tuple),
    settings=FIELDS,
)
SERVERS = st.builds(Server, TEXTS, FIELDS)
BACKENDS = st.builds(BackendRouting, st.lists(SERVERS, max_size=2).map(tuple), FIELDS)
MIDDLEWARES = st.dictionaries(
    st.sampled_from(["stripPrefix", "headers", "a b"]), FIELDS, max_size=1
) | st.builds(lambda names: {"chain": {"middlewares": names}}, st.lists(NAMES, max_size=2))
PARTS = st.builds(
    ColourRouting,
    release=st.integers(1, 1000),
    routers=st.lists(ROUTERS, max_size=2).map(tuple),
    middlewares=st.dictionaries(NAMES, MIDDLEWARES, max_size=2),
    backends=st.dictionaries(NAMES, BACKENDS, max_size=2),
)
APPLICATIONS = st.from_regex(r"[a-z0-9][a-z0-9_-]{0,5}", fullmatch=True)


@st.composite
def routings(draw: st.DrawFn, names: st.SearchStrategy[str] = APPLICATIONS) -> Routing:
    """Routings with every kind of text in them."""
    colours = draw(st.dictionaries(st.sampled_from(Colour), PARTS, max_size=2))
    live = draw(st.sampled_from([None, *colours]))
    return Routing(draw(names), draw(st.integers(1, 10**6)), live, colours)


@examples(100)
@given(routings())
def test_what_is_rendered_is_read_back_and_is_what_traefik_reads(each: Routing) -> None:
    text = render(each)
    assert parse(text, "x.yml") == each
    assert loaded(text) == document(each)


@examples(200)
@given(TEXTS)
def test_no_text_reaches_the_template_engine_or_yaml_as_more_than_a_text(text: str) -> None:
    fields: Json = {"headers": {"customRequestHeaders": {text: text}}}
    hostile = part(1, router(text, text, settings={text: text}), middlewares={text: fields})
    each = routing(BLUE, {BLUE: hostile})
    assert parse(render(each), "x.yml") == each
    assert loaded(render(each)) == document(each)


@pytest.mark.parametrize("line_break", ["\N{NEXT LINE}", "\N{LINE SEPARATOR}", "\N{PARAGRAPH SEPARATOR}"])
def test_what_only_yaml_takes_for_a_line_break_stays_as_it_is(line_break: str) -> None:
    each = routing(BLUE, {BLUE: part(1, router(f"PathPrefix(`/a{line_break}b`)"))})
    assert loaded(render(each)) == document(each)


@examples(50)
@given(routings())
def test_what_a_former_hitless_wrote_in_its_own_way_holds_the_same_routing(each: Routing) -> None:
    body = yaml.safe_dump(document(each), sort_keys=False, width=200, allow_unicode=False)
    first = executed(render(each)).partition("\n")[0]
    digest = hashlib.sha256(body.encode()).hexdigest()[:16]
    header = {"digest": digest, **json.loads(first[first.index("{") :])}
    former = f"# hitless {json.dumps(header, separators=(',', ':'))}\n{body}".replace("{{", ACTION)
    assert parse(former, "x.yml") == each
    assert holds(former, each)
    assert not holds(former, each.next(each.live, each.colours))
    assert not holds(former + "# mine\n", each)
    assert not holds(former, None)
    assert not holds(None, each)


@examples(50)
@given(routings(), st.data())
def test_a_change_by_hand_is_noticed(each: Routing, data: st.DataObject) -> None:
    text = render(each)
    start = text.index("\n") + 1
    where = data.draw(st.integers(start, len(text)))
    changed = text[:where] + data.draw(st.text("ab: \n", min_size=1, max_size=3)) + text[where:]
    if changed == text:
        return
    with pytest.raises(ForeignRouting, match=r"x\.yml"):
        parse(changed, "x.yml")


@examples(300)
@given(
    TEXTS | TEXTS.map(lambda text: f"# hitless {text}") | VALUES.map(lambda x: f"# hitless {json.dumps(x)}\n")
)
def test_what_hitless_did_not_write_is_foreign(text: str) -> None:
    with pytest.raises(ForeignRouting, match=r"x\.yml") as raised:
        parse(text, "x.yml")
    assert raised.value.hint


@pytest.mark.parametrize(
    "value",
    [
        None,
        [],
        {},
        {"application": "a"},
        {"application": "a", "generation": 1, "live": "red", "colours": {}},
        {"application": "a", "generation": 1, "live": None, "colours": []},
        {"application": "a", "generation": 1, "live": None, "colours": {"blue": {}}},
        {"application": "a", "generation": 1, "live": None, "colours": {"blue": 3}},
    ],
)
def test_a_header_whose_digest_is_right_and_whose_routing_is_none(value: object) -> None:
    with pytest.raises(ForeignRouting, match=r"x\.yml"):
        parse(sealed({"routing": value}, "http: {}\n"), "x.yml")


@examples(50)
@given(routings(), st.data())
def test_any_damage_is_noticed(each: Routing, data: st.DataObject) -> None:
    text = render(each)
    start = data.draw(st.integers(0, len(text) - 1))
    end = data.draw(st.integers(start + 1, len(text)))
    assert is_whole(text)
    for damaged in (text[:start], text[:start] + "\0" * (end - start) + text[end:]):
        assert not is_whole(damaged)


@examples(50)
@given(routings())
def test_a_file_as_the_first_versions_wrote_it_is_read(each: Routing) -> None:
    first, _, body = render(each).replace('{{"{{"}}', "{{").partition("\n")
    encoded = json.loads(first[first.index("{") :])["routing"]
    header = {"digest": hashlib.sha256(body.encode()).hexdigest()[:16], "routing": encoded}
    old = f"# hitless {json.dumps(header, separators=(',', ':'))}\n{body}".replace("{{", '{{"{{"}}')
    assert parse(old, "x.yml") == each
    with pytest.raises(ForeignRouting):
        parse(old[:-1], "x.yml")


def test_a_file_of_somebody_elses_is_foreign() -> None:
    with pytest.raises(ForeignRouting, match="was not written by hitless"):
        parse("http:\n  routers: {}\n", "x.yml")


def test_a_file_that_somebody_edited_is_said_to_be_so() -> None:
    with pytest.raises(ForeignRouting, match="was changed by hand"):
        parse(render(routing(BLUE)) + "\n", "x.yml")


class TestDocument:
    """What Traefik is told."""

    BOTH: ClassVar[dict[Colour, ColourRouting]] = {
        BLUE: part(1, middlewares={"m": {"compress": {}}}),
        GREEN: part(2, middlewares={"m": {"compress": {}}}),
    }

    @staticmethod
    def http(each: Routing) -> Any:
        return document(each)["http"]

    def test_the_live_colours_routes_are_plain_and_the_others_are_guarded(self) -> None:
        routers = self.http(routing(BLUE, self.BOTH))["routers"]
        assert routers["shop.shop.live"]["rule"] == "Host(`shop.example`)"
        assert routers["shop.shop.green"]["rule"] == (
            f"{INSIDE} && Header(`{COLOUR_HEADER}`, `green`) && (Host(`shop.example`))"
        )
        assert set(routers) == {"shop.shop.live", "shop.shop.green", "shop.generation.marker"}

    def test_before_the_first_cutover_every_route_is_guarded(self) -> None:
        each = routing(None, {BLUE: part()})
        assert set(self.http(each)["routers"]) == {"shop.shop.blue", "shop.generation.marker"}
        assert set(self.http(each)["services"]) == {"shop.shop.blue"}

    def test_a_guard_holds_for_every_alternative_of_a_rule(self) -> None:
        each = routing(None, {BLUE: part(1, router("Host(`a`) || Host(`b`)"))})
        rule = self.http(each)["routers"]["shop.shop.blue"]["rule"]
        assert rule.endswith(" && (Host(`a`) || Host(`b`))")

    def test_a_live_route_goes_to_all_colours_by_weight_and_a_guarded_one_to_its_own(self) -> None:
        http = self.http(routing(GREEN, self.BOTH))
        assert http["routers"]["shop.shop.live"]["service"] == "shop.shop.live"
        assert http["routers"]["shop.shop.blue"]["service"] == "shop.shop.blue"
        assert http["services"]["shop.shop.live"]["weighted"]["services"] == [
            {"name": "shop.shop.blue", "weight": 0},
            {"name": "shop.shop.green", "weight": 1},
        ]

    def test_a_backend_that_only_the_live_colour_has(self) -> None:
        colours = {BLUE: part(), GREEN: part(backends={"new": BackendRouting((Server("http://n:1"),))})}
        services = self.http(routing(GREEN, colours))["services"]
        assert services["shop.new.live"]["weighted"]["services"] == [{"name": "shop.new.green", "weight": 1}]
        assert set(services) == {"shop.shop.blue", "shop.new.green", "shop.new.live"}

    def test_traefiks_own_health_check_is_on_the_live_colour_alone(self) -> None:
        checked = BackendRouting((Server("http://a:1"),), {"healthCheck": {"path": "/h"}, "strategy": "p2c"})
        colours = {BLUE: part(backends={"shop": checked}), GREEN: part(backends={"shop": checked})}
        services = self.http(routing(BLUE, colours))["services"]
        assert services["shop.shop.blue"]["loadBalancer"]["healthCheck"] == {"path": "/h"}
        assert "healthCheck" not in services["shop.shop.green"]["loadBalancer"]
        assert services["shop.shop.green"]["loadBalancer"]["strategy"] == "p2c"

    def test_servers_with_their_fields(self) -> None:
        backend = BackendRouting((Server("http://a:1", {"weight": 2}), Server("http://b:1")))
        services = self.http(routing(BLUE, {BLUE: part(backends={"shop": backend})}))["services"]
        assert services["shop.shop.blue"]["loadBalancer"]["servers"] == [
            {"url": "http://a:1", "weight": 2},
            {"url": "http://b:1"},
        ]

    def test_settings_and_entry_points_of_a_route(self) -> None:
        plain = router(entry_points=("web", "internal"), settings={"priority": 7, "tls": {}})
        found = self.http(routing(BLUE, {BLUE: part(1, plain)}))["routers"]["shop.shop.live"]
        assert (found["entryPoints"], found["priority"], found["tls"]) == (["web", "internal"], 8, {})

    def test_a_live_route_goes_before_the_same_one_of_plain_containers(self) -> None:
        found = self.http(routing(BLUE))["routers"]["shop.shop.live"]
        assert found["priority"] == len(found["rule"]) + 1

    def test_a_route_without_entry_points_is_on_the_gateways_default(self) -> None:
        assert "entryPoints" not in self.http(routing(BLUE))["routers"]["shop.shop.live"]

    def test_the_marker_answers_from_inside_for_this_generation_alone(self) -> None:
        marker = self.http(routing(BLUE, generation=12))["routers"]["shop.generation.marker"]
        assert marker["rule"] == f"{INSIDE} && Host(`hitless.internal`) && Path(`/shop/12`)"
        assert marker_path("shop", 12) == "/shop/12"
        assert marker["service"] == "noop@internal"
        assert marker["entryPoints"] == ["web"]

    def test_the_marker_is_on_every_entry_point_that_has_a_route(self) -> None:
        colours = {BLUE: part(1, router(entry_points=("port-8080",)))}
        marker = self.http(routing(BLUE, colours))["routers"]["shop.generation.marker"]
        assert marker["entryPoints"] == ["port-8080", "web"]

    def test_a_tcp_route_is_there_for_the_live_colour_alone(self) -> None:
        plain = Router("db.6379", "db", "HostSNI(`*`)", "db.6379", ("port-6379",), protocol=Protocol.TCP)
        backend = {"db.6379": BackendRouting((Server("tcp://a:1"), Server("tcp://b:1")))}
        colours = {colour: part(1, plain, backends=backend) for colour in Colour}
        found = document(routing(BLUE, colours))
        assert found["tcp"] == {
            "routers": {
                "shop.db.6379.live": {
                    "rule": "HostSNI(`*`)",
                    "service": "shop.db.6379.blue",
                    "entryPoints": ["port-6379"],
                }
            },
            "services": {
                "shop.db.6379.blue": {"loadBalancer": {"servers": [{"address": "a:1"}, {"address": "b:1"}]}}
            },
        }
        assert list(found["http"]["routers"]) == ["shop.generation.marker"]
        assert "tcp" not in document(routing(None, colours))

    def test_every_reference_within_the_file_is_there(self) -> None:
        http = self.http(routing(GREEN, self.BOTH))
        for found in http["routers"].values():
            assert found["service"] in {*http["services"], "noop@internal"}
            assert set(found.get("middlewares", ())) <= set(http["middlewares"])
        for service in http["services"].values():
            for server in service.get("weighted", {}).get("services", ()):
                assert server["name"] in http["services"]
            if "loadBalancer" in service:
                assert service["loadBalancer"]["serversTransport"] in http["serversTransports"]

    def test_the_rules_that_get_requests_now(self) -> None:
        assert routing(None, {BLUE: part()}).rules == ()
        assert routing(GREEN, {BLUE: part(1, router("a")), GREEN: part(2, router("b"))}).rules == (
            router("b"),
        )


class TestMiddlewares:
    """How references to the user's middlewares and services are renamed."""

    @staticmethod
    def http(middlewares: Json, *named: str, live: Colour | None = BLUE) -> Any:
        each = routing(live, {BLUE: part(1, router(middlewares=named), middlewares=middlewares)})
        return document(each)["http"]

    def test_of_a_route_see_a_request_once_however_often_it_is_sent(self) -> None:
        http = self.http({"z": {"compress": {}}}, "z@docker", "z", "other@file")
        assert http["routers"]["shop.shop.live"]["middlewares"] == [
            "shop.z.blue",
            "shop.z.blue",
            "other@file",
            "shop.retry.all",
        ]

    def test_of_a_guarded_route_are_its_own_colours(self) -> None:
        http = self.http({"z": {"compress": {}}}, "z", live=None)
        assert http["routers"]["shop.shop.blue"]["middlewares"] == ["shop.z.blue", "shop.retry.all"]

    def test_of_a_chain(self) -> None:
        http = self.http({"z": {"compress": {}}, "all": {"chain": {"middlewares": ["z@docker", "x@file"]}}})
        assert http["middlewares"]["shop.all.blue"] == {"chain": {"middlewares": ["shop.z.blue", "x@file"]}}

    @pytest.mark.parametrize("service", ["shop", "shop@docker"])
    def test_the_service_of_an_error_page(self, service: str) -> None:
        http = self.http({"oops": {"errors": {"status": ["500"], "service": service}}})
        assert http["middlewares"]["shop.oops.blue"] == {
            "errors": {"status": ["500"], "service": "shop.shop.blue"}
        }

    def test_the_rest_stays_as_it_is(self) -> None:
        auth: Json = {"basicAuth": {"users": ["a:$apr1$x"]}}
        assert self.http({"auth": auth})["middlewares"]["shop.auth.blue"] == auth

    def test_the_value_itself_is_left_as_it_was(self) -> None:
        middlewares: Json = {"z": {"compress": {}}, "all": {"chain": {"middlewares": ["z"]}}}
        self.http(middlewares)
        assert middlewares["all"] == {"chain": {"middlewares": ["z"]}}


class TestColourRouting:
    """What a colour brings to the routing."""

    @staticmethod
    def of(containers: tuple[str, ...], **fields: Any) -> ColourRouting:
        backend = Backend("b", "app", 80, **fields)
        found = application()
        routes = Routes((router(),), (backend,), {"z": {"compress": {}}})
        return colour_routing(Prepared(replace(found, routes=routes)), 3, {"app": containers})

    def test_a_server_for_every_replica(self) -> None:
        found = self.of(("one", "two"), scheme="h2c", server={"weight": 2})
        assert found.backends["b"].servers == (
            Server("h2c://one:80", {"weight": 2}),
            Server("h2c://two:80", {"weight": 2}),
        )
        assert (found.release, found.routers, found.middlewares) == (3, (router(),), {"z": {"compress": {}}})

    @pytest.mark.parametrize("containers", [("one",), ("one", "two")])
    def test_no_server_is_banned_for_its_answers(self, containers: tuple[str, ...]) -> None:
        assert self.of(containers, load_balancer={"strategy": "p2c"}).backends["b"].load_balancer == {
            "strategy": "p2c"
        }

    @pytest.mark.parametrize(
        "own", [{"maxFailedAttempts": 9}, {"failureWindow": "3s", "maxFailedAttempts": 1}]
    )
    def test_unless_the_user_says_so(self, own: Json) -> None:
        balancer: Json = {"passiveHealthCheck": own}
        found = self.of(("one", "two"), load_balancer=balancer)
        assert found.backends["b"].load_balancer == balancer
        assert without(found, ["two"]).backends["b"].load_balancer == balancer

    def test_a_backend_of_two_replicas_of_a_compose_service(self) -> None:
        found = prepared({"app": web(deploy={"replicas": 2})})
        brought = colour_routing(found, 1, {"app": ("shop-blue-app-1", "shop-blue-app-2")})
        assert [server.url for server in brought.backends["shop"].servers] == [
            "http://shop-blue-app-1:8000",
            "http://shop-blue-app-2:8000",
        ]


SIMPLE = st.from_regex(r"[A-Za-z0-9_-]{1,3}(\.[a-z]{1,4})?", fullmatch=True)
CLASHING = SIMPLE | st.sampled_from(
    ["live", "blue", "green", "all", "retry", "marker", "generation", "transport"]
)


@st.composite
def named_routings(draw: st.DrawFn) -> list[Routing]:
    """Routings of several applications that use each other's words as names."""
    words = draw(st.lists(CLASHING, min_size=1, max_size=4, unique=True))
    applications = draw(
        st.lists(
            st.sampled_from([word.lower() for word in words if "." not in word] or ["a"]) | APPLICATIONS,
            min_size=1,
            max_size=3,
            unique=True,
        )
    )
    each = ColourRouting(
        release=1,
        routers=tuple(router(name=word) for word in words),
        middlewares={word: {"compress": {}} for word in words},
        backends={word: BackendRouting(()) for word in words},
    )
    colours = draw(st.sampled_from([{BLUE: each}, {GREEN: each}, {BLUE: each, GREEN: each}]))
    live = draw(st.sampled_from([None, *colours]))
    return [Routing(name, 1, live, colours) for name in applications]


@examples(100)
@given(named_routings())
def test_no_two_names_ever_meet(found: list[Routing]) -> None:
    names: dict[str, list[str]] = {"routers": [], "services": [], "middlewares": [], "serversTransports": []}
    expected = dict.fromkeys(names, 0)
    for each in found:
        for kind, entries in document(each)["http"].items():
            names[kind] += entries
        for part_ in each.colours.values():
            expected["routers"] += len(part_.routers)
            expected["services"] += len(part_.backends)
            expected["middlewares"] += len(part_.middlewares)
        expected["services"] += len(each.colours[each.live].backends) if each.live else 0
        for kind in ("routers", "middlewares", "serversTransports"):
            expected[kind] += 1  # the marker, the retries, the transport
    for kind, listed in names.items():
        assert len(listed) == len(set(listed)) == expected[kind]
