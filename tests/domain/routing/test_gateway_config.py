"""What is taken of a file for Traefik's file provider, and what is said of the rest."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hitless.domain.common.names import Colour
from hitless.domain.common.redact import redact, secrets
from hitless.domain.routing import gateway_config
from hitless.domain.routing.gateway_config import Config, as_labels, kinds, read, shared_by, shared_name
from hitless.domain.routing.labels import typed, walk
from hitless.domain.routing.traefik_schema import MIDDLEWARES, Kind
from tests.domain.builders import examples, part, router, routing

SAMPLES: dict[Kind, Any] = {
    Kind.TEXT: "text",
    Kind.NUMBER: 3,
    Kind.PORT: 80,
    Kind.FLAG: True,
    Kind.DURATION: "5s",
    Kind.LIST: ["a", "b,c"],
    Kind.NAMED: {"X-One": "1"},
    Kind.NUMBERS: {"418": 404},
}


def of(**middlewares: Any) -> Any:
    return {"http": {"middlewares": middlewares}}


def wrong(document: Any) -> dict[str, str]:
    return {one.path: f"{one.message}; {one.hint}" for one in read(document)[1]}


@pytest.mark.parametrize(
    ("path", "kind"),
    [one for one in walk(MIDDLEWARES) if not one[0].startswith(("errors", "chain"))],
)
def test_every_field_is_read_in_any_case_and_in_its_type(path: str, kind: Kind) -> None:
    value: Any = SAMPLES[kind]
    if path.rpartition(".")[2] in ("ca", "cert", "key"):
        value = "-----BEGIN CERTIFICATE-----"
    expected = value
    for field in reversed(path.split(".")):
        value, expected = {field.upper(): value}, {field: expected}
    found, findings = read(of(one=value))
    if path.endswith("usersFile"):
        assert "list them in `users`" in findings[0].hint
    else:
        assert (found, findings) == ({"one": expected}, ())


def test_all_that_is_wrong_is_said_at_once_with_its_path() -> None:
    found = wrong(
        {
            "http": {
                "routers": {"all": {}},
                "middlewares": {
                    "a.b": {"compress": {}},
                    "two": {"compress": {}, "contentType": {}},
                    "none": {},
                    "flag": {"stripPrefix": {"forceSlash": "perhaps"}},
                    "near": {"headres": {}},
                    "empty": {"compress": None},
                    "pages": {"errors": {"service": "web"}},
                    "chained": {"chain": {"middlewares": ["nobody@file"]}},
                    "half": {"headers": {"customRequestHeaders": {"X-Half": 0.5}}},
                    "yes": {"headers": {"customRequestHeaders": {"X-Yes": True}}},
                    "tls": {"forwardAuth": {"tls": {"ca": "/etc/ca.pem"}}},
                },
            },
            "tls": {"certificates": []},
            "certificatesResolvers": {},
        }
    )
    expected = {
        "http.routers": "belongs to an application",
        "http.middlewares.a.b": "can't be a name in Traefik",
        "http.middlewares.two": "compress and contentType",
        "http.middlewares.none": "of none",
        "http.middlewares.flag.stripPrefix.forceSlash": "expects true or false",
        "http.middlewares.near.headres": "did you mean headers?",
        "http.middlewares.empty.compress": "must be a mapping",
        "http.middlewares.pages.errors": "needs a service",
        "http.middlewares.chained.chain.middlewares": "no middleware 'nobody' in this file",
        "http.middlewares.half.headers.customRequestHeaders": "X-Half is a number with a point",
        "http.middlewares.yes.headers.customRequestHeaders": "X-Yes is a flag",
        "http.middlewares.tls.forwardAuth.tls.ca": "is a file",
        "tls.certificates": "hitless gateway certificate add",
        "certificatesResolvers": "known: http",
    }
    assert found.keys() == expected.keys()
    assert [path for path, part_ in expected.items() if part_ not in found[path]] == []


@pytest.mark.parametrize("document", [None, [], "text", {}, {"http": None}, {"http": {"middlewares": []}}])
def test_a_file_without_a_middleware(document: Any) -> None:
    assert read(document)[1]


@examples(200)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
        lambda below: (
            st.lists(below, max_size=3)
            | st.dictionaries(st.sampled_from(["http", "middlewares", "chain", "headers", "a"]), below)
        ),
    )
)
def test_whatever_is_in_a_file_it_is_read_or_refused(document: Any) -> None:
    found, findings = read(document)
    if not findings:
        assert found
        assert read(of(**found)) == (found, ())  # what is kept can be read again


def test_a_chain_names_middlewares_of_the_file_however_it_refers_to_them() -> None:
    found, findings = read(
        of(all={"chain": {"middlewares": ["one@file", "two"]}}, one={"compress": {}}, two={"compress": {}})
    )
    assert findings == ()
    assert found["all"] == {"chain": {"middlewares": ["one", "two"]}}
    assert list(kinds("all", found)) == ["chain", "compress", "compress"]


def test_a_chain_that_ends_nowhere_has_its_kinds_once() -> None:
    known = {"a": {"chain": {"middlewares": ["b"]}}, "b": {"chain": {"middlewares": ["a"]}}}
    assert list(kinds("a", known)) == ["chain", "chain"]


@pytest.mark.parametrize("name", ["auth", "auth@file", "auth@docker"])
def test_names_of_a_shared_middleware(name: str) -> None:
    assert shared_name(name) == "auth"


def test_an_application_uses_what_its_labels_dont_define() -> None:
    own = {"mine": {"chain": {"middlewares": ["deep@file"]}}, "db.tcp": {}}
    routes = (router(middlewares=("mine", "auth@file")), router(name="b", middlewares=("mine@file", "bare")))
    blue = part(1, *routes, middlewares=own)
    assert shared_by(routing(Colour.BLUE, {Colour.BLUE: blue})) == {"auth", "deep", "mine", "bare"}


def test_no_place_of_a_config_is_an_applications() -> None:
    config = Config("shop", 3, {})
    assert config.marker.application == ".config-shop"
    assert config.marker.generation == config.trial.generation == 3
    assert config.place != gateway_config.TRIAL


def test_its_secrets_are_hidden() -> None:
    document = of(
        login={"basicAuth": {"users": ["ann:$apr1$H6uskkkW$IgXLP6ew"]}},
        api={"headers": {"customRequestHeaders": {"X-Api-Key": "fourty2-words"}}},
    )
    said = "users ann:$apr1$H6uskkkW$IgXLP6ew key fourty2-words"
    shown = redact(said, secrets(as_labels(document)))
    assert "H6uskkkW" not in shown
    assert "fourty2" not in shown


def test_numbers_and_texts_are_what_labels_make_of_them() -> None:
    found, findings = read(of(a={"redirectScheme": {"port": 443, "scheme": "https", "permanent": "true"}}))
    assert findings == ()
    assert found["a"]["redirectScheme"] == {
        "port": typed("443", Kind.TEXT),
        "scheme": "https",
        "permanent": typed("true", Kind.FLAG),
    }
