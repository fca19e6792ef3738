"""A real Traefik says whose request it is, if hitless has said that two applications do not collide."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import count, product
from typing import BinaryIO, TypeAlias

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from hitless.domain.application import read as reading
from hitless.domain.application.model import Application
from hitless.domain.checks.application import check
from hitless.domain.common.names import Colour
from hitless.domain.gateway.model import Gateway
from hitless.domain.host.world import World
from hitless.domain.release.colour_routing import colour_routing
from hitless.domain.release.prepared import prepare
from hitless.domain.routing.split import Routing, all_to
from tests.domain.builders import compose, examples, web
from tests.e2e.conftest import GATEWAY
from tests.e2e.traefik import Traefik, traefik_of_its_own

pytestmark = pytest.mark.more

PAIRS = 16  # at a time, each on its own entry point
ENTRY_POINTS = {f"e{number}": 8000 + number for number in range(PAIRS)}
THERE = Gateway("g", "g-traefik-1", "g_webgateway", {"web": 80, **ENTRY_POINTS})

HOSTS = ("a.test", "b.test", "sub.a.test", "z.test")
PATHS = ("/", "/x", "/x/y", "/z")
EXTRAS: tuple[dict[str, str], ...] = ({}, {"X-Canary": "1"}, {"q": "1"}, {"X-Canary": "1", "q": "1"})
METHODS = ("GET", "POST")


@dataclass(frozen=True)
class Asked:
    """A request; in `extra` is a header or a parameter of the query."""

    host: str
    path: str
    extra: tuple[tuple[str, str], ...]
    method: str

    def bytes(self) -> bytes:
        extra = dict(self.extra)
        query = "?q=1" if extra.pop("q", None) else ""
        lines = [f"{self.method} {self.path}{query} HTTP/1.1", f"Host: {self.host}", "Content-Length: 0"]
        lines += [f"{name}: {value}" for name, value in extra.items()]
        return "\r\n".join([*lines, "", ""]).encode()

    def is_named_apart_from(self, other: Asked, most: int) -> bool:
        """Whether the two differ in at most this many things: their hosts, paths, or headers and queries."""
        differ = (self.host != other.host, self.path != other.path, self.extra != other.extra)
        return self.method == other.method and sum(differ) <= most


EVERY = tuple(Asked(*one) for one in product(HOSTS, PATHS, (tuple(e.items()) for e in EXTRAS), METHODS))

HOST = st.sampled_from(
    [
        "Host(`a.test`)",
        "host(`b.test`)",
        'Host("A.test")',
        "Host(`a.te\rst`)",
        "Host(`*.a.test`)",
        r"HostRegexp(`^a\.test$`)",
        r"HostRegexp(`^[a]\.test$`)",
        r"HostRegexp(`^[a-z]+\.test$`)",
        "HostRegexp(`.+`)",
        "!Host(`b.test`)",
    ]
)
PATH = st.sampled_from(
    [
        "Path(`/x`)",
        "PathPrefix(`/x`)",
        "PathPrefix(`/`)",
        "PathRegexp(`^/x$`)",
        "PathRegexp(`^/[x]`)",
        "!Path(`/nothing`)",
    ]
)
OTHER = st.sampled_from(
    [
        "Header(`X-Canary`, `1`)",
        "Header(`x-canary`, `1`)",
        "HeaderRegexp(`X-Canary`, `^1$`)",
        "Query(`q`, `1`)",
        "QueryRegexp(`q`, `^1$`)",
        "!Header(`X-Canary`, `1`)",
        "Method(`POST`)",
        "ClientIP(`0.0.0.0/0`)",
    ]
)


def joined(sign: str, parts: st.SearchStrategy[str], most: int) -> st.SearchStrategy[str]:
    return st.lists(parts, min_size=1, max_size=most).map(sign.join)


ALTERNATIVE = joined(" && ", st.one_of(HOST, HOST, PATH, OTHER), 3)
ROUTES = st.tuples(
    st.one_of(HOST, ALTERNATIVE, joined(" || ", ALTERNATIVE.map("({})".format), 2)),
    st.sampled_from([None, None, None, -1, 0, 1, 12, 30, 1000]),
)


def application(name: str, entry_point: str, rule: str, priority: int | None) -> Application:
    """An application with this route, whose answer to everything is its name."""
    labels = {
        "traefik.http.routers.r.rule": rule,
        "traefik.http.routers.r.entrypoints": entry_point,
        "traefik.http.routers.r.middlewares": "answer",
        "traefik.http.middlewares.answer.redirectregex.regex": ".*",
        "traefik.http.middlewares.answer.redirectregex.replacement": f"http://{name.partition('-')[0]}",
        "traefik.http.services.s.loadbalancer.server.port": "8000",
        "traefik.http.services.s.loadbalancer.healthcheck.path": "/",
    }
    if priority is not None:
        labels["traefik.http.routers.r.priority"] = str(priority)
    found, findings = reading.read(compose({"app": web(labels)}, name))
    assert not findings
    return found


def live(one: Application, generation: int) -> Routing:
    prepared, _ = prepare(one, {}, THERE)
    shown = colour_routing(prepared, 1, (), {"app": ("x",)})
    return Routing(one.name, generation, all_to(Colour.BLUE), {Colour.BLUE: shown})


def is_refused(one: Application, *beside: Routing) -> bool:
    world = World(gateway=THERE, routings={each.application: each for each in beside})
    return any(finding.is_error for finding in check(one, world, {}))


Route: TypeAlias = tuple[str, int | None]


def is_let_pass(pair: tuple[Route, Route]) -> bool:
    """Whether hitless accepts the first's route, and then the second's beside it."""
    first, second = (application(name, "e0", *route) for name, route in zip("ab", pair, strict=True))
    return not is_refused(first) and not is_refused(second, live(first, 1))


LET_PASS = st.lists(st.tuples(ROUTES, ROUTES), min_size=4 * PAIRS, max_size=4 * PAIRS).map(
    lambda pairs: list(filter(is_let_pass, pairs))[:PAIRS]
)


@pytest.fixture(scope="module")
def traefik() -> Iterator[Traefik]:
    with traefik_of_its_own(f"{GATEWAY}-whose-route", ENTRY_POINTS) as made:
        yield made


def answers(traefik: Traefik, entry_point: str) -> dict[Asked, str]:
    """Who answers each request at an entry point: "" if nobody does."""
    port = traefik.ports[ENTRY_POINTS[entry_point]]
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(b"".join(one.bytes() for one in EVERY))
        stream = connection.makefile("rb")
        return {one: answerer(stream) for one in EVERY}


def answerer(stream: BinaryIO) -> str:
    """The application that the next answer on a connection is from."""
    headers = {}
    assert stream.readline().startswith(b"HTTP/1.1 ")
    while (line := stream.readline().strip()) != b"":
        name, _, value = line.decode().partition(": ")
        headers[name.lower()] = value
    stream.read(int(headers["content-length"]))
    return headers.get("location", "").removeprefix("http://")


generations = count(1)


@settings(examples(8), phases=[Phase.explicit, Phase.generate])
@given(LET_PASS)
def test_what_does_not_collide_takes_no_request_but_those_that_it_names_more_exactly(
    traefik: Traefik, drawn: list[tuple[Route, Route]]
) -> None:
    pairs: dict[str, tuple[Routing, Routing]] = {}
    for entry_point, (one, two) in zip(ENTRY_POINTS, drawn, strict=False):
        first = application(f"first-{entry_point}", entry_point, *one)
        second = application(f"second-{entry_point}", entry_point, *two)
        pairs[entry_point] = (live(first, next(generations)), live(second, next(generations)))
    gone = [f"{who}-{entry_point}" for entry_point in ENTRY_POINTS for who in ("first", "second")]
    traefik.deliver(*gone)
    traefik.deliver(*(first for first, _ in pairs.values()))
    with ThreadPoolExecutor(4) as pool:
        before = dict(zip(pairs, pool.map(partial(answers, traefik), pairs), strict=True))
        traefik.deliver(*(second for _, second in pairs.values()))
        after = dict(zip(pairs, pool.map(partial(answers, traefik), pairs), strict=True))
    for entry_point, (there, here) in pairs.items():
        was, now = before[entry_point], after[entry_point]
        assert set(was.values()) <= {"", "first"}
        assert set(now.values()) <= {"", "first", "second"}
        kept = [one for one in EVERY if was[one] == now[one] == "first"]
        stolen = [one for one in EVERY if was[one] == "first" != now[one]]
        # an exception leaves the first what differs by its host, its path, a header or its query, once for
        # each alternative
        most = here.rules[0].rule.count("||") + 1
        assert all(any(one.is_named_apart_from(other, most) for other in kept) for one in stolen), (
            f"{there.rules[0]} lost {stolen[0]} to {here.rules[0]}"
        )
