"""Where each setting of an application comes from."""

from __future__ import annotations

from typing import Any

import pytest

from hitless.domain.application.read import read
from hitless.domain.application.resolved import Origin, Place, Resolved, resolved

HERE = "compose.yml"
LABEL = "traefik.http.routers.web.rule"
PORT = "traefik.http.services.web.loadbalancer.server.port"


def model(top: dict[str, Any] | None = None, **service: Any) -> dict[str, Any]:
    web = {"image": "web:1", "labels": {LABEL: "Host(`shop.example`)", PORT: "8000"}, **service}
    return {"name": "shop", "x-hitless": top or {}, "services": {"web": web, "db": {"image": "postgres:17"}}}


def settings(of: dict[str, Any], places: dict[str, Place] | None = None) -> dict[str, Resolved]:
    application, findings = read(of)
    return {one.path: one for one in resolved(application, places or {}, [one.path for one in findings])}


def test_without_a_word_it_is_a_default() -> None:
    found = settings(model())
    assert found["x-hitless.timeout"] == Resolved("x-hitless.timeout", "60s", Origin.DEFAULT)
    assert found["services.web.x-hitless.timeout"].origin is Origin.DEFAULT
    assert found["services.web.scale"].origin is Origin.DEFAULT


def test_a_key_of_the_file_has_its_line() -> None:
    found = settings(model({"timeout": "90s"}), {"x-hitless.timeout": Place(HERE, 3)})
    assert found["x-hitless.timeout"] == Resolved(
        "x-hitless.timeout", "90s", Origin.X_HITLESS, "compose.yml:3"
    )
    # a service without a word has the application's
    inherited = found["services.web.x-hitless.timeout"]
    assert (inherited.value, inherited.where) == ("90s", "compose.yml:3")


def test_a_service_may_say_something_else() -> None:
    path = "services.web.x-hitless.timeout"
    said = model({"timeout": "90s"}, **{"x-hitless": {"timeout": "5s"}})
    found = settings(said, {"x-hitless.timeout": Place(HERE, 3), path: Place(HERE, 9)})
    assert (found[path].value, found[path].where) == ("5s", "compose.yml:9")


def test_a_key_without_a_line_is_still_of_the_file() -> None:
    found = settings(model({"keep": 5}, **{"x-hitless": {"successes": 7}}))
    assert found["x-hitless.keep"].where == "the Compose file"
    assert found["services.web.x-hitless.successes"].origin is Origin.X_HITLESS


def test_a_value_with_a_variable_names_it() -> None:
    found = settings(model({"keep": 5}), {"x-hitless.keep": Place(HERE, 3, ("KEEP",))})
    assert found["x-hitless.keep"] == Resolved(
        "x-hitless.keep", "5", Origin.VARIABLE, "KEEP in compose.yml:3"
    )


def test_what_can_not_be_read_is_a_default_that_says_so() -> None:
    found = settings(model({"bake": "soon"}), {"x-hitless.bake": Place(HERE, 3)})
    assert found["x-hitless.bake"] == Resolved(
        "x-hitless.bake", "0s", Origin.DEFAULT, "what the file says can't be read"
    )


@pytest.mark.parametrize(
    ("of", "place", "origin"),
    [
        (model(), "", Origin.DERIVED),
        (model({"roles": {"web": "worker"}}), "x-hitless.roles.web", Origin.X_HITLESS),
        (model(**{"x-hitless": {"role": "web"}}), "services.web.x-hitless.role", Origin.X_HITLESS),
    ],
)
def test_a_role_is_said_or_concluded(of: dict[str, Any], place: str, origin: Origin) -> None:
    found = settings(of, {place: Place(HERE, 8)} if place else {})["services.web.x-hitless.role"]
    assert (found.origin, found.where) == (origin, "compose.yml:8" if place else "it has a route")


def test_labels_are_labels() -> None:
    found = settings(
        model(),
        {f"services.web.labels.{one}": Place(HERE, line) for line, one in enumerate((LABEL, PORT), 5)},
    )
    assert found[f"services.web.labels.{LABEL}"].where == "compose.yml:5"
    assert found[f"services.web.labels.{PORT}"] == Resolved(
        f"services.web.labels.{PORT}", "8000", Origin.LABEL, "compose.yml:6"
    )


def test_a_number_of_containers_is_composes_own_key() -> None:
    found = settings(model(scale=3), {"services.web.scale": Place(HERE, 8)})["services.web.scale"]
    assert (found.value, found.origin) == ("3", Origin.COMPOSE)


def test_no_secret_is_shown() -> None:
    secret = "kjh34-53kjh-34k5j"
    of = model(
        {"hooks": {"after-cutover": {"local": f"curl -u me:{secret} x"}}},
        environment={"API_TOKEN": secret},
        labels={LABEL: f"Host(`a.example`) && Header(`X-Token`, `{secret}`)", PORT: "8000"},
    )
    shown = str(settings(of, {}))
    assert secret not in shown
    assert "[redacted]" in shown
    assert "curl" not in shown
