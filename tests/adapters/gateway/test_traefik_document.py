"""What Traefik reads for a routing: its routers, services and middlewares."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hitless.adapters.gateway.traefik_document import Leaving, document, udp_servers
from hitless.domain.common.foreign import Json
from hitless.domain.common.names import Colour
from hitless.domain.routing.model import Protocol, Router
from hitless.domain.routing.reserved import COLOUR_HEADER, marker_path
from hitless.domain.routing.split import BackendRouting, ColourRouting, Routing, Server, all_to, waiting_for
from tests.domain.builders import examples, part, router, routing

BLUE, GREEN = Colour.BLUE, Colour.GREEN
INSIDE = "(ClientIP(`127.0.0.1/32`) || ClientIP(`::1/128`))"
APPLICATIONS = st.from_regex(r"[a-z0-9][a-z0-9_-]{0,5}", fullmatch=True)


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

    def test_only_the_live_colours_routes_have_tls_and_no_resolver(self) -> None:
        tls = {"certResolver": "le", "domains": [{"main": "shop.example"}]}
        secure = router(entry_points=("websecure",), settings={"tls": tls})
        each = document(routing(BLUE, {BLUE: part(1, secure), GREEN: part(2, secure)}, generation=7))
        routers = each["http"]["routers"]
        assert routers["shop.shop.live"]["tls"] == {}
        assert "tls" not in routers["shop.shop.green"]
        # and the live one once more, for a bake
        assert "tls" not in routers["shop.shop.blue"]
        assert routers["shop.shop.blue"]["rule"].startswith("(ClientIP(`127.0.0.1/32`)")
        assert routers["shop.shop.blue"]["service"] == "shop.shop.blue"
        assert routers["shop.generation.marker"]["entryPoints"] == ["web"]
        assert routers["shop.generation.handshake"] == {
            "rule": f"{INSIDE} && Host(`shop.hitless.internal`)",
            "service": "noop@internal",
            "priority": 2_000_000_000,
            "entryPoints": ["websecure"],
            "tls": {"options": "shop.generation.handshake"},
        }
        assert each["tls"]["options"] == {
            "shop.generation.handshake": {
                "alpnProtocols": ["hitless/shop/7"],
                "minVersion": "VersionTLS12",
            }
        }

    def test_without_tls_there_is_no_word_of_it(self) -> None:
        assert set(document(routing(BLUE, self.BOTH))) == {"http"}

    def test_requests_for_the_live_colour_wait_and_others_do_not(self) -> None:
        admin = BackendRouting((Server("http://shop.admin.invalid:8000"),))  # a shared service
        backends = {**part().backends, "admin": admin}
        both = {
            BLUE: part(1, router(), router(name="admin", rule="Host(`b`)"), backends=backends),
            GREEN: part(2),
        }
        both[BLUE] = replace(
            both[BLUE],
            routers=(both[BLUE].routers[0], replace(both[BLUE].routers[1], backend="admin")),
        )
        calm = routing(BLUE, both)
        each = calm.held(waiting_for([both[BLUE]], "10.213.0.2", 60, 1000))
        found = self.http(each)
        live = found["routers"]["shop.shop.live"]
        assert live["service"] == "shop.shop.waiting"
        assert live["middlewares"] == ["shop.busy.all", "shop.crowd.all", "shop.wait.all"]
        assert found["services"]["shop.shop.waiting"]["loadBalancer"]["servers"] == [
            {"url": "http://10.213.0.2:65001"}
        ]
        once = found["services"]["shop.shop.waiting"]["loadBalancer"]["serversTransport"]
        assert found["serversTransports"][once]["maxIdleConnsPerHost"] == -1
        assert found["middlewares"]["shop.wait.all"]["retry"]["timeout"] == "60000ms"
        # whatever becomes of the page, they are told when to come again
        assert found["routers"]["shop.busy.all"]["service"] == "shop.page.all"
        headers = found["middlewares"][found["routers"]["shop.busy.all"]["middlewares"][0]]["headers"]
        assert headers["customResponseHeaders"]["Retry-After"] == "5"
        assert found["routers"]["shop.admin.live"]["service"] == "shop.admin.live"
        # the candidate is asked as always, and after the next generation nothing is left of it
        assert found["routers"]["shop.shop.green"] == self.http(calm)["routers"]["shop.shop.green"]
        assert self.http(each.next(all_to(BLUE), both)) == {
            **self.http(calm),
            "routers": {
                **self.http(calm)["routers"],
                "shop.generation.marker": found["routers"]["shop.generation.marker"]
                | {"rule": f"{INSIDE} && Host(`hitless.internal`) && Path(`{marker_path('shop', 6)}`)"},
            },
        }

    def test_a_forward_auth_asks_its_own_colour_and_one_that_waits_asks_where_requests_wait(
        self,
    ) -> None:
        login = {"forwardAuth": {"address": "http://login:9091/verify?to=x", "trustForwardHeader": True}}
        backends = {**part().backends, "login": BackendRouting((Server("http://login-1:9091"),))}
        both = {
            colour: replace(part(release, backends=backends, middlewares={"m": login}), asks={"m": "login"})
            for release, colour in enumerate((BLUE, GREEN), 1)
        }
        calm = routing(BLUE, both)
        found = self.http(calm)
        assert found["middlewares"]["shop.m.blue"]["forwardAuth"] == {
            "address": "http://127.0.0.1:\0api/shop/ask/blue/m?to=x",
            "trustForwardHeader": True,
        }
        ways = {name: one for name, one in found["routers"].items() if name.endswith("-ask")}
        assert {name: (one["service"], one["entryPoints"]) for name, one in ways.items()} == {
            "shop.m.blue-ask": ("shop.login.blue", ["traefik"]),
            "shop.m.green-ask": ("shop.login.green", ["traefik"]),
            "shop.m.live-ask": ("shop.login.live", ["traefik"]),
        }
        # exactly: another middleware's name may begin with this one's
        assert ways["shop.m.live-ask"]["rule"] == f"{INSIDE} && " + "Path(`/shop/ask/live/m`)"
        assert found["middlewares"]["shop.m.blue-path"] == {"replacePath": {"path": "/verify"}}
        each = calm.held(waiting_for([both[BLUE]], "10.213.0.2", 60, 1000))
        waiting = self.http(each)
        assert waiting["middlewares"]["shop.m.blue"]["forwardAuth"]["address"].endswith(
            "/shop/ask/live/m?to=x"
        )
        assert waiting["routers"]["shop.m.live-ask"]["service"] == "shop.login.waiting"
        assert waiting["middlewares"]["shop.wait.ask"]["retry"]["timeout"] == "25000ms"
        # who has begun to ask asks as before
        assert waiting["routers"]["shop.m.blue-ask"] == ways["shop.m.blue-ask"]

    def test_connections_and_packets_cannot_wait(self) -> None:
        tcp = Router("db", "app", "HostSNI(`*`)", "shop", ("port-5432",), protocol=Protocol.TCP)
        udp = Router("dns", "app", "", "shop", ("port-53-udp",), protocol=Protocol.UDP)
        each = routing(BLUE, {BLUE: part(1, tcp, udp)})
        each = each.held(waiting_for([each.colours[BLUE]], "10.213.0.2", 60, 1000))
        nowhere = [{"address": "127.0.0.1:1"}]
        assert document(each)["tcp"]["services"]["shop.shop.blue"]["loadBalancer"]["servers"] == nowhere
        assert udp_servers(each) == {"port-53-udp": ("127.0.0.1:1",)}

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
            {"name": "shop.shop.green", "weight": 100},
        ]

    def test_a_backend_that_only_the_live_colour_has(self) -> None:
        colours = {BLUE: part(), GREEN: part(backends={"new": BackendRouting((Server("http://n:1"),))})}
        services = self.http(routing(GREEN, colours))["services"]
        assert services["shop.new.live"]["weighted"]["services"] == [
            {"name": "shop.new.green", "weight": 100}
        ]
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
        assert found["tcp"]["routers"]["shop.db.6379.live"] == {
            "rule": "HostSNI(`*`)",
            "service": "shop.db.6379.blue",
            "entryPoints": ["port-6379"],
        }
        servers = [{"address": "a:1"}, {"address": "b:1"}]
        assert found["tcp"]["services"]["shop.db.6379.blue"] == {"loadBalancer": {"servers": servers}}
        assert list(found["http"]["routers"]) == ["shop.generation.marker"]
        assert list(document(routing(None, colours))["tcp"]["routers"]) == ["shop.generation.marker"]

    def test_each_generation_leads_raw_connections_from_inside_elsewhere(self) -> None:
        plain = Router("db.6379", "db", "HostSNI(`*`)", "db.6379", ("port-6379",), protocol=Protocol.TCP)
        colours = {BLUE: part(1, plain, backends={"db.6379": BackendRouting((Server("tcp://a:1"),))})}
        places = []
        for generation in (1, 2, 3):
            tcp = document(routing(BLUE, colours, generation))["tcp"]
            assert tcp["routers"]["shop.generation.marker"] == {
                "rule": f"{INSIDE} && HostSNI(`*`)",
                "priority": 2_000_000_000,
                "service": "shop.generation.marker",
                "entryPoints": ["port-6379"],
            }
            [server] = tcp["services"]["shop.generation.marker"]["loadBalancer"]["servers"]
            places.append(server["address"])
        assert places == ["127.0.0.1:\0api", "127.0.0.1:1", "127.0.0.1:\0web"]
        before = replace(routing(BLUE, colours), marks_tcp=False)
        assert list(document(before)["tcp"]["routers"]) == ["shop.db.6379.live"]
        assert before.next(before.split, colours).marks_tcp

    def test_udp_entry_points_lead_to_the_live_colour(self) -> None:
        def of(colour: Colour, *at: str) -> ColourRouting:
            dns = Router("dns.udp", "dns", "", "dns.udp", at, protocol=Protocol.UDP)
            return part(1, dns, backends={"dns.udp": BackendRouting((Server(f"udp://{colour}:53"),))})

        both = {BLUE: of(BLUE, "port-53-udp", "port-54-udp"), GREEN: of(GREEN, "port-53-udp")}
        found = document(routing(BLUE, both))
        assert found["udp"]["routers"] == {
            f"shop.port-{port}-udp.udp": {
                "service": f"shop.port-{port}-udp.udp",
                "entryPoints": [f"port-{port}-udp"],
            }
            for port in (53, 54)
        }
        servers = {name: one["loadBalancer"]["servers"] for name, one in found["udp"]["services"].items()}
        assert servers == {key: [{"address": "blue:53"}] for key in found["udp"]["routers"]}
        assert "services" not in found["http"]
        # Traefik would leave an entry point without a route as it was: to the release that drains
        assert udp_servers(routing(GREEN, both)) == {
            "port-53-udp": ("green:53",),
            "port-54-udp": ("127.0.0.1:1",),
        }
        assert set(udp_servers(routing(None, both)).values()) == {("127.0.0.1:1",)}

    def test_a_service_of_tcp_without_a_route_is_no_service_of_http(self) -> None:
        backends = {"db.tcp": BackendRouting((Server("tcp://a:1"),), {"proxyProtocol": {"version": 1}})}
        found = document(routing(BLUE, {BLUE: part(1, backends=backends)}))
        assert "services" not in found["http"]

    def test_tcp_routes_of_labels(self) -> None:
        def db(**fields: Any) -> Router:
            at = {"entry_points": ("port-5432",), "protocol": Protocol.TCP, **fields}
            return Router("db.tcp", "db", "HostSNI(`db.example`)", "db.tcp", **at)

        backends = {"db.tcp": BackendRouting((Server("tcp://a:5432"),), {"proxyProtocol": {"version": 2}})}
        middlewares = {"few.tcp": {"inFlightConn": {"amount": 9}}}
        tls = {"certResolver": "le", "options": "strict", "defined": {"minVersion": "VersionTLS13"}}
        colours = {
            BLUE: part(
                1,
                db(middlewares=("few.tcp",), settings={"tls": tls, "priority": 7}),
                backends=backends,
                middlewares=middlewares,
            ),
            GREEN: part(2, db(settings={"tls": {**tls, "passthrough": True}}), backends=backends),
        }
        found = document(routing(BLUE, colours))
        assert found["tcp"]["routers"] == {
            "shop.db.tcp.live": {
                "rule": "HostSNI(`db.example`)",
                "service": "shop.db.tcp.blue",
                "entryPoints": ["port-5432"],
                "middlewares": ["shop.few.tcp.blue"],
                "priority": 7,
                "tls": {"options": "shop.strict.options"},
            },
            # Traefik checks it before the cutover; nobody outside reaches it
            "shop.db.tcp.green": {
                "rule": f"{INSIDE} && (HostSNI(`db.example`))",
                "service": "shop.db.tcp.green",
                "entryPoints": ["port-5432"],
                "tls": {"passthrough": True},
            },
        }
        assert found["tcp"]["middlewares"] == {"shop.few.tcp.blue": {"inFlightConn": {"amount": 9}}}
        assert found["tcp"]["services"]["shop.db.tcp.blue"]["loadBalancer"] == {
            "proxyProtocol": {"version": 2},
            "servers": [{"address": "a:5432"}],
        }
        # what proves a generation there is a TLS handshake
        assert found["http"]["routers"]["shop.generation.handshake"]["entryPoints"] == ["port-5432"]
        assert "services" not in found["http"]  # an empty section would stop every reload
        assert list(found["http"]["middlewares"]) == ["shop.retry.all"]

    def test_a_backend_over_https_believes_whom_its_colour_says(self) -> None:
        def over_https(number: int, **transport: Any) -> ColourRouting:
            servers = (Server("https://a:8443"),)
            backend = BackendRouting(servers, {"serversTransport": transport, "passHostHeader": False})
            return part(number, router(), backends={"shop": backend})

        colours = {
            BLUE: over_https(1, serverName="inside.example"),
            GREEN: over_https(2, insecureSkipVerify=True),
        }
        each = routing(BLUE, colours)
        http = self.http(each)
        made = http["services"]["shop.shop.blue"]["loadBalancer"]
        assert made["servers"] == [{"url": "https://a:8443"}]
        assert (made["serversTransport"], made["passHostHeader"]) == ("shop.shop.blue-transport", False)
        transports = http["serversTransports"]
        assert transports["shop.shop.blue-transport"] == {
            **transports["shop.transport.all"],
            "serverName": "inside.example",
        }
        assert transports["shop.shop.green-transport"]["insecureSkipVerify"] is True
        # and so do requests that wait, without a connection of others
        waiting = self.http(each.held(waiting_for(colours.values(), "10.0.0.1", 5, 9)))
        service = waiting["services"]["shop.shop.waiting"]["loadBalancer"]
        assert service["servers"][0]["url"].startswith("https://10.0.0.1:")
        once = waiting["serversTransports"][service["serversTransport"]]
        assert (once["serverName"], once["maxIdleConnsPerHost"]) == ("inside.example", -1)

    def test_a_router_whose_middlewares_answer_leads_nowhere(self) -> None:
        away = replace(router(name="away", middlewares=("m",)), backend="noop@internal")
        routers = self.http(routing(BLUE, {BLUE: part(1, away, middlewares={"m": {"compress": {}}})}))[
            "routers"
        ]
        assert routers["shop.away.live"]["service"] == "noop@internal"
        assert routers["shop.away.live"]["middlewares"] == ["shop.m.blue"]

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
    return [Routing(name, 1, all_to(live), colours) for name in applications]


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


@pytest.mark.parametrize(
    ("how", "headers"),
    [(Leaving.CLOSE, {"Connection": "close", "Alt-Svc": "clear"}), (Leaving.DIVERT, {"Alt-Svc": "clear"})],
    ids=["ends its connections", "sends clients over HTTP/3 away"],
)
def test_each_route_of_a_traefik_that_leaves_first_of_all(how: Leaving, headers: dict[str, str]) -> None:
    shop = routing(Colour.BLUE)
    plain, leaving = document(shop), document(shop, how)
    assert leaving["http"]["middlewares"]["shop.leaving.all"] == {
        "headers": {"customResponseHeaders": headers}
    }
    for name, made in plain["http"]["routers"].items():
        if "middlewares" in made:  # the marker has none: nobody outside asks for it
            expected = ["shop.leaving.all", *made["middlewares"]]
            assert leaving["http"]["routers"][name] == {**made, "middlewares": expected}
    assert "shop.leaving.all" not in plain["http"]["middlewares"]
