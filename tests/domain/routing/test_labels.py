"""Traefik labels of v2 and v3: what arrives, under which name, and what is said of the rest."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hitless.domain.routing import labels
from hitless.domain.routing.model import Backend, Protocol, Routes, label_name, own_name
from hitless.domain.routing.traefik_schema import (
    LOAD_BALANCER,
    MIDDLEWARES,
    ROUTER,
    Kind,
    Schema,
)
from tests.domain.builders import at, examples, hostile_texts, only, paths

RULE = "traefik.http.routers.r.rule"
PORT = "traefik.http.services.s.loadbalancer.server.port"
MIDDLEWARE = "traefik.http.middlewares.m"
MISSING = object()

# What a label of each kind says, and what must arrive of it.
SAID: dict[Kind, tuple[str, Any]] = {
    Kind.TEXT: ("some text", "some text"),
    Kind.NUMBER: ("7", 7),
    Kind.PORT: ("7", 7),
    Kind.FLAG: ("true", True),
    Kind.DURATION: ("1m30s", "1m30s"),
    Kind.LIST: ("a, b", ["a", "b"]),
    Kind.NAMED: ("some text", {"X-Some.Name": "some text"}),
    Kind.NUMBERS: ("7", {"X-Some.Name": 7}),
}


def leaves(schema: Schema) -> list[tuple[str, Kind]]:
    return list(labels.walk(schema))


def read(found: Mapping[str, str]) -> Routes:
    """The routes of labels that nothing is wrong with."""
    routes, findings = labels.read("app", found)
    assert findings == ()
    return routes


def described(routes: Routes, section: str, name: str) -> Any:
    """What the routes hold under this name, in the shape of Traefik's labels."""
    if section == "routers":
        for router in routes.routers:
            if router.name == name:
                return {
                    **router.settings,
                    "rule": router.rule,
                    "service": label_name(router.backend),
                    "entryPoints": list(router.entry_points),
                    "middlewares": list(map(label_name, router.middlewares)),
                }
    elif section == "services":
        for backend in routes.backends:
            if backend.name == name:
                server = {**backend.server, "port": backend.port, "scheme": backend.scheme}
                return {"loadBalancer": {**backend.load_balancer, "server": server}}
    elif section == "middlewares":
        return routes.middlewares.get(name, MISSING)
    return MISSING


def below(tree: Any, path: list[str]) -> Any:
    """What stands at a label's path, found in any case."""
    if not path:
        return tree
    if not isinstance(tree, Mapping):
        return MISSING
    if ".".join(path) in tree:
        return tree[".".join(path)]
    name, _, index = path[0].partition("[")
    for key, value in tree.items():
        if key.lower() == name.lower():
            if index and isinstance(value, list):
                number = int(index.rstrip("]"))
                return below(value[number], path[1:]) if number < len(value) else MISSING
            return below(value, path[1:])
    return MISSING


SPELLINGS: list[Callable[[str], str]] = [str, str.lower, str.upper]


@pytest.mark.parametrize("spelling", SPELLINGS, ids=["canonical", "lower", "upper"])
class TestEveryField:
    """Every leaf of the schema arrives under its canonical name and with the right type."""

    @pytest.mark.parametrize(("path", "kind"), leaves(ROUTER))
    def test_of_a_router(self, path: str, kind: Kind, spelling: Callable[[str], str]) -> None:
        value, arrives = SAID[kind]
        rule = {} if path == "rule" else {RULE: "Host(`a`)"}
        found = {**rule, f"traefik.http.routers.r.{spelling(path)}": value}
        assert exactly(described(read(found), "routers", "r"), path) == arrives

    @pytest.mark.parametrize(("path", "kind"), leaves(LOAD_BALANCER))
    def test_of_a_service(self, path: str, kind: Kind, spelling: Callable[[str], str]) -> None:
        value, arrives = ("https", "https") if path == "server.scheme" else SAID[kind]
        name = ".X-Some.Name" if kind in (Kind.NAMED, Kind.NUMBERS) else ""
        label = f"traefik.http.services.s.{spelling('loadBalancer.' + path)}{name}"
        tree = described(read({label: value}), "services", "s")
        assert exactly(tree, f"loadBalancer.{path}") == arrives

    @pytest.mark.parametrize(("path", "kind"), leaves(MIDDLEWARES))
    def test_of_a_middleware(self, path: str, kind: Kind, spelling: Callable[[str], str]) -> None:
        value, arrives = SAID[kind]
        name = ".X-Some.Name" if kind in (Kind.NAMED, Kind.NUMBERS) else ""
        routes = read({f"{MIDDLEWARE}.{spelling(path)}{name}": value})
        assert exactly(described(routes, "middlewares", "m"), path) == arrives

    def test_whatever_the_case_of_the_words_before_the_name(self, spelling: Callable[[str], str]) -> None:
        routes = read({f"{spelling('traefik.http.routers')}.R.{spelling('rule')}": "Host(`a`)"})
        assert routes.routers[0].name == "R"


def exactly(tree: Any, path: str) -> Any:
    """What stands at a path in canonical spelling."""
    for segment in path.split("."):
        name, _, index = segment.partition("[")
        tree = tree[name][int(index.rstrip("]"))] if index else tree[name]
    return tree


class TestServices:
    """Which backend a router means."""

    def test_a_router_without_any_service_gets_one_named_like_the_compose_service(self) -> None:
        routes = read({RULE: "Host(`a`)"})
        assert routes.backends == (Backend("app", "app", None),)
        assert routes.routers[0].backend == "app"

    def test_the_only_service_is_the_routers(self) -> None:
        routes = read({RULE: "Host(`a`)", PORT: "80"})
        assert routes.routers[0].backend == "s"
        assert routes.backends == (Backend("s", "app", 80),)

    def test_several_routers_share_the_only_service(self) -> None:
        routes = read({RULE: "Host(`a`)", RULE.replace(".r.", ".q."): "Host(`b`)", PORT: "80"})
        assert [router.backend for router in routes.routers] == ["s", "s"]

    def test_which_of_two_services_must_be_said(self) -> None:
        found = {RULE: "Host(`a`)", PORT: "80", PORT.replace(".s.", ".t."): "81"}
        routes, findings = labels.read("app", found)
        finding = only(findings)
        assert finding.path == "services.app.labels.traefik.http.routers.r.service"
        assert finding.hint == "one of: s, t"
        assert routes.routers == ()

    def test_a_router_says_which_of_two_services_it_means(self) -> None:
        found = {RULE: "Host(`a`)", PORT: "80", PORT.replace(".s.", ".t."): "81"}
        routes = read({**found, "traefik.http.routers.r.service": "t"})
        assert routes.routers[0].backend == "t"

    def test_a_service_without_a_router_is_kept_for_others_to_name(self) -> None:
        assert read({PORT: "80"}).backends == (Backend("s", "app", 80),)

    def test_a_router_without_a_rule(self) -> None:
        routes, findings = labels.read("app", {"traefik.http.routers.r.priority": "3"})
        assert paths(findings) == ["services.app.labels.traefik.http.routers.r.rule"]
        assert routes.routers == ()

    @pytest.mark.parametrize("scheme", ["http", "https", "h2c"])
    def test_a_scheme_that_a_server_may_have(self, scheme: str) -> None:
        routes = read({"traefik.http.services.s.loadbalancer.server.scheme": scheme})
        assert routes.backends[0].scheme == scheme

    def test_a_scheme_that_no_server_has(self) -> None:
        label = "traefik.http.services.s.loadbalancer.server.scheme"
        _, findings = labels.read("app", {label: "ftp"})
        assert only(findings).path == f"services.app.labels.{label}"
        assert "h2c" in only(findings).hint


class TestStructures:
    """Structures that are switched on as a whole, and lists of structures."""

    def test_tls_without_any_field(self) -> None:
        routes = read({RULE: "Host(`a`)", "traefik.http.routers.r.tls": "true"})
        assert routes.routers[0].settings == {"tls": {}}

    def test_tls_that_is_switched_off(self) -> None:
        routes = read({RULE: "Host(`a`)", "traefik.http.routers.r.tls": "false"})
        assert routes.routers[0].settings == {}

    def test_tls_beside_its_own_fields(self) -> None:
        found = {
            RULE: "Host(`a`)",
            "traefik.http.routers.r.tls.options": "strict",
            "traefik.http.routers.r.tls": "true",
        }
        assert read(found).routers[0].settings == {"tls": {"options": "strict"}}

    def test_a_middleware_without_any_field(self) -> None:
        assert read({f"{MIDDLEWARE}.compress": "true"}).middlewares == {"m": {"compress": {}}}

    def test_a_middleware_that_is_switched_off_is_none(self) -> None:
        _, findings = labels.read("app", {f"{MIDDLEWARE}.compress": "false"})
        assert paths(findings) == ["services.app.labels.traefik.http.middlewares.m"]

    def test_numbered_items_in_any_order(self) -> None:
        found = {
            RULE: "Host(`a`)",
            "traefik.http.routers.r.tls.domains[1].main": "b.example",
            "traefik.http.routers.r.tls.domains[0].sans": "x.a.example, y.a.example",
            "traefik.http.routers.r.tls.domains[0].main": "a.example",
        }
        assert read(found).routers[0].settings["tls"]["domains"] == [
            {"main": "a.example", "sans": ["x.a.example", "y.a.example"]},
            {"main": "b.example"},
        ]

    def test_a_skipped_number_leaves_no_empty_item(self) -> None:
        # Traefik's own reading of labels sorts by number and counts nothing in between
        found = {RULE: "Host(`a`)", "traefik.http.routers.r.tls.domains[7].main": "a.example"}
        assert read(found).routers[0].settings["tls"]["domains"] == [{"main": "a.example"}]

    @pytest.mark.parametrize(
        "path", ["tls.domains.main", "tls.domains", "tls.domains[0]", "tls.domains[x].main"]
    )
    def test_a_list_of_structures_without_number_or_field(self, path: str) -> None:
        label = f"traefik.http.routers.r.{path}"
        _, findings = labels.read("app", {RULE: "Host(`a`)", label: "a.example"})
        assert paths(findings) == [f"services.app.labels.{label}"]

    @pytest.mark.parametrize("path", ["rule[0]", "entrypoints[0]", "tls[0].options"])
    def test_a_number_where_there_is_no_list_of_structures(self, path: str) -> None:
        label = f"traefik.http.routers.r.{path}"
        _, findings = labels.read("app", {RULE: "Host(`a`)", label: "a"})
        assert paths(findings) == [f"services.app.labels.{label}"]

    def test_two_kinds_under_one_middlewares_name(self) -> None:
        found = {f"{MIDDLEWARE}.compress": "true", f"{MIDDLEWARE}.addprefix.prefix": "/x"}
        _, findings = labels.read("app", found)
        assert only(findings).path == "services.app.labels.traefik.http.middlewares.m"
        assert "compress and addPrefix" in only(findings).message


class TestTypes:
    """Values that can't be read as what Traefik wants."""

    @pytest.mark.parametrize("value", ["", "abc", "1.5", "0x10", "1_000", "9" * 19, "٣"])
    def test_no_number(self, value: str) -> None:
        _, findings = labels.read("app", {PORT: value})
        assert at(findings, f"services.app.labels.{PORT}").message == (
            f"expects a whole number, not {value!r}"
        )

    @pytest.mark.parametrize("value", [" 80", "80\n", "80\x1f"])
    def test_a_number_with_blanks_about_it(self, value: str) -> None:
        routes, _ = labels.read("app", {RULE: "Host(`a`)", PORT: value})
        assert [backend.port for backend in routes.backends] == [80]

    @pytest.mark.parametrize("value", ["", "yes", "on", "2"])
    def test_no_flag(self, value: str) -> None:
        label = "traefik.http.services.s.loadbalancer.passhostheader"
        _, findings = labels.read("app", {label: value})
        assert paths(findings) == [f"services.app.labels.{label}"]

    @pytest.mark.parametrize("value", ["", "soon", "5 s", "5d", "s", "-5s"])
    def test_no_duration(self, value: str) -> None:
        label = "traefik.http.services.s.loadbalancer.healthcheck.interval"
        _, findings = labels.read("app", {label: value})
        assert paths(findings) == [f"services.app.labels.{label}"]

    @pytest.mark.parametrize(("value", "read_as"), [("1", True), ("T", True), (" TRUE ", True), ("f", False)])
    def test_flags_as_go_writes_them(self, value: str, read_as: bool) -> None:
        routes = read({"traefik.http.services.s.loadbalancer.passhostheader": value})
        assert routes.backends[0].load_balancer == {"passHostHeader": read_as}

    @pytest.mark.parametrize("value", ["5", "100ms", "1h2m3s", "1.5s", "10µs"])
    def test_durations_as_go_writes_them(self, value: str) -> None:
        routes = read({"traefik.http.services.s.loadbalancer.healthcheck.interval": value})
        assert routes.backends[0].load_balancer == {"healthCheck": {"interval": value}}

    def test_empty_parts_of_a_list(self) -> None:
        routes = read({RULE: "Host(`a`)", "traefik.http.routers.r.middlewares": ",a, ,b,"})
        assert routes.routers[0].middlewares == ("a", "b")

    @pytest.mark.parametrize("port", ["0", "-1", "65536"])
    def test_a_port_that_there_can_not_be(self, port: str) -> None:
        _, findings = labels.read("app", {PORT: port})
        assert paths(findings) == [f"services.app.labels.{PORT}"]


class TestRefused:
    """Labels that are named in a finding."""

    @pytest.mark.parametrize(
        ("label", "hint"),
        [
            ("traefik.http.routers.r.entrypoint", "did you mean entryPoints?"),
            ("traefik.http.routers.r.ruls", "did you mean rule?"),
            ("traefik.http.routers.r.tls.certresolve", "did you mean certResolver?"),
            ("traefik.http.services.s.loadbalancer.servers.port", "did you mean server?"),
            ("traefik.http.services.s.loadbalancer.healthcheck.paht", "did you mean path?"),
            ("traefik.http.services.s.weighted.services", "known: loadBalancer"),
            ("traefik.http.middlewares.m.stripprefixes.prefixes", "did you mean stripPrefix?"),
            ("traefik.http.middlewares.m.headers.stssecond", "did you mean stsSeconds?"),
            ("traefik.http.router.r.rule", "did you mean routers?"),
            ("traefik.htp.routers.r.rule", "did you mean http?"),
            ("traefik.enabled", "did you mean enable?"),
            ("traefik.", "known: docker, enable, http, tcp, udp"),
        ],
    )
    def test_an_unknown_key_names_the_nearest_known_one(self, label: str, hint: str) -> None:
        _, findings = labels.read("app", {RULE: "Host(`a`)", label: "x"})
        assert at(findings, f"services.app.labels.{label}").hint == hint

    @pytest.mark.parametrize("field", ["rule", "Priority", "tls", "middlewares"])
    def test_what_a_udp_route_has_not(self, field: str) -> None:
        label = f"traefik.udp.routers.r.{field}"
        routes, findings = labels.read("app", {label: "HostSNI(`*`)"})
        assert only(findings).path == f"services.app.labels.{label}"
        assert f"a UDP route has no {field}" in only(findings).message
        assert routes == Routes()

    def test_a_middleware_of_udp(self) -> None:
        _, findings = labels.read("app", {"traefik.udp.middlewares.m.ipallowlist.sourcerange": "10.0.0.0/8"})
        assert "middlewares can't be set by a label" in only(findings).message

    @pytest.mark.parametrize("name", ["a b", "a@docker", "ü", "a/b", "a`", "a$", "", "a[0]"])
    def test_a_name_with_odd_characters(self, name: str) -> None:
        label = f"traefik.http.routers.{name}.rule"
        routes, findings = labels.read("app", {label: "Host(`a`)"})
        assert paths(findings) == [f"services.app.labels.{label}"]
        assert routes == Routes()

    @pytest.mark.parametrize("label", ["traefik.http", "traefik.http.routers", "traefik.http.routers.r"])
    def test_an_incomplete_label(self, label: str) -> None:
        _, findings = labels.read("app", {label: "x"})
        assert paths(findings) == [f"services.app.labels.{label}"]

    def test_something_below_a_field_that_has_nothing_below(self) -> None:
        _, findings = labels.read("app", {RULE: "Host(`a`)", f"{RULE}.more": "x"})
        assert paths(findings) == [f"services.app.labels.{RULE}.more"]

    def test_a_header_without_a_name(self) -> None:
        label = f"{MIDDLEWARE}.headers.customrequestheaders"
        _, findings = labels.read("app", {label: "x"})
        assert f"services.app.labels.{label}" in paths(findings)

    def test_all_that_is_wrong_is_said_at_once(self) -> None:
        wrong = {PORT: "x", "traefik.http.routers.r.x": "", "traefik.udp.routers.r.y": ""}
        _, findings = labels.read("app", {RULE: "Host(`a`)", **wrong})
        assert paths(findings) == [f"services.app.labels.{label}" for label in wrong]


class TestEnabled:
    """`traefik.enable` and the labels that are passed over."""

    @pytest.mark.parametrize("value", ["false", "FALSE", "0", " f "])
    def test_switched_off(self, value: str) -> None:
        assert not labels.is_enabled({"Traefik.Enable": value})

    @pytest.mark.parametrize("found", [{}, {"traefik.enable": "true"}, {"traefik.http.x": "false"}])
    def test_not_switched_off(self, found: dict[str, str]) -> None:
        assert labels.is_enabled(found)

    def test_what_hitless_sees_to_itself_is_no_finding(self) -> None:
        found = {
            "traefik.enable": "true",
            "traefik.docker.network": "web",
            "traefik.constraint-label": "public",
            "traefik.constraint-label-stack": "shop",
            "com.example.owner": "me",
        }
        assert labels.read("app", found) == (Routes(), ())


NAMES = st.sampled_from(["r", "s", "m", "R", "a-b_1", "my app", "ü", "x@docker", ""])
LEAVES = {
    f"{protocol}.{section}": [path for path, _ in leaves(table)]
    for protocol, sections in labels.SCHEMAS.items()
    for section, table in sections.items()
}
VALUES = (
    st.sampled_from(["true", "false", "7", " 8 ", "5s", "a, b", "Host(`a`)", "s", "", "x@docker", "https"])
    | hostile_texts()
)


@st.composite
def label_names(draw: st.DrawFn) -> str:
    """Something like a label: mostly valid, some a little off, a few altogether different."""
    section = draw(st.sampled_from(sorted(LEAVES)))
    path = draw(st.sampled_from(LEAVES[section]))
    twist = draw(st.integers(0, 9))
    if twist == 0:
        return draw(
            st.sampled_from(["com.example.a", "traefik.udp.routers.r.rule", "traefik.enable", "Traefik."])
        )
    if twist == 1:
        return "traefik." + draw(st.text(st.sampled_from("htp.routes[0]{}$ ü"), max_size=20))
    if twist == 2:
        path = path.rsplit(".", 1)[0]
    if twist == 3:
        path = path.replace("[0]", draw(st.sampled_from(["[1]", "[2]", "", "[x]", "[-1]", "[]"])))
    if twist == 4:
        path += draw(st.sampled_from([".", ".x", "[0]", "s", ".X-Name", ".X-Name.y"]))
    if twist == 5:
        cut = draw(st.integers(0, len(path)))
        path = path[:cut] + path[cut + 1 :]
    if draw(st.booleans()):
        path = path.lower()
    return f"traefik.{section}.{draw(NAMES)}.{path}"


def label_sets() -> st.SearchStrategy[dict[str, str]]:
    """Labels of a service; two that differ only in case are one to Traefik, too."""
    pairs = st.tuples(label_names(), VALUES)
    return st.lists(pairs, max_size=8, unique_by=lambda pair: pair[0].lower()).map(dict)


def rules_too(found: dict[str, str]) -> dict[str, str]:
    """Give each router a rule, so that most of them come to be."""
    names = {tuple(label.split(".")[1:4:2]) for label in found if ".routers." in label}
    lowered = {label.lower() for label in found}
    rules = {f"traefik.{protocol}.routers.{name}.rule": "Host(`a`)" for protocol, name in names}
    return {**found, **{label: rule for label, rule in rules.items() if label.lower() not in lowered}}


@examples(250)
@given(label_sets() | label_sets().map(rules_too))
def test_no_label_is_dropped_without_a_word(found: dict[str, str]) -> None:
    routes, findings = labels.read("app", found)
    named = {path.removeprefix("services.app.labels.").lower() for path in paths(findings)}
    for label, value in found.items():
        ours = label.lower().startswith("traefik.") and not labels.is_fulfilled(label)
        if not ours or label.lower() in named:
            continue
        _, protocol, section, name, *path = label.split(".")
        if [part.lower() for part in path] == ["service"] and not value:
            continue  # an empty name is none: the only service is meant
        if any(f"[{number}]" in label for number in (1, 2)):
            continue  # a skipped number leaves no item: where each arrives is tested above
        own = own_name(Protocol(protocol.lower()), name)
        tree = described(routes, section.lower(), own)
        if tree is MISSING:
            # the router as a whole is refused
            entity = f"traefik.{protocol}.{section}.{name}".lower()
            assert named & {f"{entity}.rule", f"{entity}.service"}, label
        else:
            arrived = below(tree, path)
            is_said = says(arrived, value) or (own != name and says(arrived, value.replace("@docker", "")))
            assert is_said, (label, value, tree)


def says(arrived: Any, value: str) -> bool:
    """Whether what arrived is what the label said."""
    text = value.strip()
    if arrived is MISSING or isinstance(arrived, dict):
        # a structure that is switched on or off as a whole
        return text.lower() in (
            {"0", "f", "false"} | ({"1", "t", "true"} if arrived is not MISSING else set())
        )
    if isinstance(arrived, bool):
        return text.lower() in ({"1", "t", "true"} if arrived else {"0", "f", "false"})
    if isinstance(arrived, int):
        return arrived == int(text)
    if isinstance(arrived, list):
        return arrived == [piece.strip() for piece in value.split(",") if piece.strip()]
    return arrived in (value, text)
