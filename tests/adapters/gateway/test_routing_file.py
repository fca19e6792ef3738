"""A routing as the text of its file, and back."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from hitless.adapters.gateway.routing_file import ForeignRouting, is_whole, parse, render, sealed
from hitless.adapters.gateway.traefik_document import document
from hitless.adapters.gateway.traefik_ways import OWN_PORT
from hitless.domain.common.foreign import Json
from hitless.domain.common.names import Colour
from hitless.domain.routing.model import Protocol, Router
from hitless.domain.routing.split import (
    BackendRouting,
    ColourRouting,
    Routing,
    Server,
    ServerOf,
    Waiting,
    all_to,
)
from tests.domain.builders import examples, hostile_texts, part, router, routing

ACTION = '{{"{{"}}'
BLUE, GREEN = Colour.BLUE, Colour.GREEN
INSIDE = "(ClientIP(`127.0.0.1/32`) || ClientIP(`::1/128`))"


def executed(text: str) -> str:
    """What Go's template engine makes of a text; the actions that it may meet print `{{`, or a port."""
    output = []
    for name, place in OWN_PORT.items():
        text = text.replace(f"{{{{ env `HITLESS_{name.upper()}` | default `1` }}}}", json.dumps(place)[1:-1])
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
WAITING = st.builds(
    Waiting,
    TEXTS,
    st.dictionaries(NAMES, st.integers(65_001, 65_535), max_size=2),
    st.floats(0, 1000),
    st.integers(1, 10**6),
)
APPLICATIONS = st.from_regex(r"[a-z0-9][a-z0-9_-]{0,5}", fullmatch=True)


@st.composite
def routings(draw: st.DrawFn, names: st.SearchStrategy[str] = APPLICATIONS) -> Routing:
    """Routings with every kind of text in them."""
    colours = draw(st.dictionaries(st.sampled_from(Colour), PARTS, max_size=2))
    live = draw(st.sampled_from([None, *colours]))
    waiting = draw(st.none() | WAITING) if live else None
    return Routing(draw(names), draw(st.integers(1, 10**6)), all_to(live), colours, waiting)


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


def test_a_raw_connection_is_led_to_a_port_of_the_instance_that_reads_the_file() -> None:
    plain = Router("db.6379", "db", "HostSNI(`*`)", "db.6379", ("port-6379",), protocol=Protocol.TCP)
    backends = {"db.6379": BackendRouting((Server('tcp://127.0.0.1:\\u0000web"'),))}
    text = render(routing(BLUE, {BLUE: part(1, plain, backends=backends)}, 3))
    assert '"127.0.0.1:{{ env `HITLESS_WEB` | default `1` }}"' in text
    assert text.count("{{") == 1
    assert parse(text, "x.yml").marks_tcp
    before = text.replace('"marks_tcp":true,', "")
    digest = hashlib.sha256(before.split(" ", 3)[3].encode()).hexdigest()
    assert not parse(f"# hitless {digest} {before.split(' ', 3)[3]}", "x.yml").marks_tcp


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
    with pytest.raises(ForeignRouting):
        parse(former + "# mine\n", "x.yml")


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


def test_what_awaits_replicas_can_not_be_delivered() -> None:
    awaits = BackendRouting((), awaits=ServerOf("app", "http", 8000))
    with pytest.raises(ValueError, match="awaits replicas of app"):
        render(routing(BLUE, {BLUE: part(backends={"shop": awaits})}))


def test_a_file_of_somebody_elses_is_foreign() -> None:
    with pytest.raises(ForeignRouting, match="was not written by hitless"):
        parse("http:\n  routers: {}\n", "x.yml")


def test_a_file_that_somebody_edited_is_reported() -> None:
    with pytest.raises(ForeignRouting, match="was changed by hand"):
        parse(render(routing(BLUE)) + "\n", "x.yml")
