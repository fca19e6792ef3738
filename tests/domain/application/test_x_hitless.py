"""What `x-hitless` says, and what is wrong in it."""

from __future__ import annotations

from typing import Any

import pytest

from hitless.domain.application import read as reading
from hitless.domain.application import x_hitless
from hitless.domain.application.model import Settings
from hitless.domain.application.x_hitless import Extension
from hitless.domain.common.findings import Finding
from hitless.domain.common.foreign import Json
from tests.domain.builders import (
    application,
    compose,
    only,
    paths,
    web,
)

WEB = "services.app"


def findings_of(services: Json | None = None, **keys: Any) -> tuple[Finding, ...]:
    return reading.read(compose(services, **keys))[1]


KNOWN = (
    "timeout, drain_timeout, successes, keep, bake, ask_routes, https_redirect, certificates, wait_timeout, "
    "wait_limit, wait_page, tls_options, servers_transports, roles, hooks"
)


class TestExtension:
    """`x-hitless`, for the application and for one service."""

    def test_without_it_the_defaults_hold(self) -> None:
        found = application()
        assert found.settings == found.services[0].settings == Settings()

    def test_all_of_it(self) -> None:
        settings = {"timeout": "2m", "drain_timeout": 5, "successes": 3, "keep": 1}
        found = application(x_hitless=settings)
        assert found.settings == Settings(timeout=120, drain_timeout=5, successes=3, keep=1)
        assert found.services[0].settings == found.settings

    def test_a_page_for_those_that_waited_too_long_has_every_dollar_once(self) -> None:
        assert application(x_hitless={"wait_page": "costs $$5"}).settings.wait_page == "costs $5"

    def test_a_page_that_is_no_name_of_a_file(self) -> None:
        finding = only(findings_of(x_hitless={"wait_page": ["a"]}))
        assert (finding.path, "expects the name of a file" in finding.message) == (
            "x-hitless.wait_page",
            True,
        )

    def test_a_service_changes_what_the_application_says(self) -> None:
        services = {
            "app": web(x_hitless={"timeout": "5s", "concurrent_writes": True}),
            "other": web({}),
        }
        found = application(services, x_hitless={"timeout": "2m", "successes": 4})
        app, other = found.services
        assert (app.settings.timeout, app.settings.successes) == (5, 4)
        assert (other.settings.timeout, other.settings.successes) == (120, 4)
        assert found.settings.timeout == 120

    def test_all_errors_are_said_at_once_each_with_its_path(self) -> None:
        own = {"timeout": "soon", "successes": 0, "concurrent_writes": "yes", "drain_timeout": 1}
        findings = findings_of(
            {"app": web(x_hitless=own)},
            x_hitless={"timeout": True, "drain_timeout": "", "successes": 1.5, "keep": -1, "x": 1},
        )
        assert paths(findings) == [
            "x-hitless.x",
            "x-hitless.timeout",
            "x-hitless.drain_timeout",
            "x-hitless.successes",
            "x-hitless.keep",
            f"{WEB}.x-hitless.drain_timeout",
            f"{WEB}.x-hitless.timeout",
            f"{WEB}.x-hitless.successes",
            f"{WEB}.x-hitless.concurrent_writes",
        ]

    @pytest.mark.parametrize(
        ("key", "hint"),
        [
            ("time_out", "did you mean timeout?"),
            ("drain_timout", "did you mean drain_timeout?"),
            ("success", "did you mean successes?"),
            ("zzz", f"known: {KNOWN}"),
            ("concurrent_writes", f"known: {KNOWN}"),
        ],
    )
    def test_an_unknown_key_names_the_nearest_known_one(self, key: str, hint: str) -> None:
        finding = only(findings_of(x_hitless={key: 1}))
        assert (finding.path, finding.hint) == (f"x-hitless.{key}", hint)

    @pytest.mark.parametrize("value", [[], "timeout: 5", 3, True])
    def test_no_mapping(self, value: object) -> None:
        assert only(findings_of(x_hitless=value)).path == "x-hitless"

    @pytest.mark.parametrize("value", [None, {}])
    def test_nothing_in_it(self, value: object) -> None:
        assert findings_of(x_hitless=value) == ()

    def test_what_is_right_in_it_holds_beside_what_is_wrong(self) -> None:
        found, _ = reading.read(compose(x_hitless={"keep": 5, "timeout": "?"}))
        assert found.settings == Settings(keep=5)

    @pytest.mark.parametrize(
        ("value", "said"), [(True, True), (False, False), ("true", False), (None, False)]
    )
    def test_concurrent_writes(self, value: object, said: bool) -> None:
        assert x_hitless.of_service("web", {"x-hitless": {"concurrent_writes": value}}, Settings(), []) == (
            Extension(Settings(), concurrent_writes=said)
        )

    @pytest.mark.parametrize("service", [{}, {"x-hitless": None}, {"x-hitless": []}])
    def test_no_word_of_concurrent_writes(self, service: Json) -> None:
        assert not x_hitless.of_service("web", service, Settings(), []).concurrent_writes
