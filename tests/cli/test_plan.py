"""What `hitless plan` prints."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from hitless.cli.views.plan import show_plan
from hitless.domain.application.model import Application, Role, Service, Settings
from hitless.domain.common.findings import Finding
from hitless.domain.common.names import Colour
from hitless.domain.host.journal import Waited
from hitless.domain.plan.images import Build, ImagesPlan
from hitless.domain.plan.model import Plan, in_phase
from hitless.domain.plan.phases import Phase
from hitless.domain.plan.preview import Preview
from hitless.domain.plan.routing_steps import LetWait
from hitless.domain.plan.steps import Drain, Record
from hitless.domain.release.model import Image, Release
from hitless.domain.routing.model import Routes
from tests.domain.builders import part, router, routing

Capture = pytest.CaptureFixture[str]

RELEASE = Release(
    7, "", "", {"web": Image("sha256:x", (), False)}, {"environment": {"PASSWORD": "hunter2"}}, 1
)
SERVICE = Service("web", None, True, 1, None, "missing", Settings(), Role.WEB, "it has a route")
APPLICATION = Application("shop", (SERVICE,), Routes(), Settings(), RELEASE.model)
STEPS = (Drain("shop", Colour.BLUE, 30.0), Record("shop", RELEASE))
PLAN = Preview(
    ImagesPlan("shop", 7, (Build("shop", 7, RELEASE.model, ("web",)),), {}),
    Plan("shop", 7, Colour.GREEN, in_phase(Phase.FINISH, STEPS)),
)
WARNING = Finding("services.web", "has no health check", is_error=False)


def test_a_plan_is_numbered_steps_with_the_builds_first(capsys: Capture) -> None:
    show_plan(APPLICATION, PLAN, [WARNING], as_json_text=False)

    assert capsys.readouterr().out.splitlines() == [
        "web  web     it has a route",
        "warning services.web: has no health check",
        "deploy shop release 7 as green:",
        "  1. build web",
        "  2. drain blue",
        "  3. promote release 7",
    ]


def test_a_plan_that_would_be_refused_says_that(capsys: Capture) -> None:
    show_plan(APPLICATION, None, [Finding("gateway", "is not up")], as_json_text=False)

    shown = capsys.readouterr().out
    assert "error gateway: is not up\n" in shown
    assert "would refuse" in shown


def test_a_plan_as_json_has_findings_and_steps_and_no_environment(capsys: Capture) -> None:
    show_plan(APPLICATION, PLAN, [WARNING], as_json_text=True)

    text = capsys.readouterr().out
    found = json.loads(text)
    assert [Finding(**one) for one in found["findings"]] == [WARNING]
    assert [step["id"] for step in found["plan"]["steps"]] == ["build:web", "drain:blue", "promote:7"]
    assert [step["text"] for step in found["plan"]["steps"]] == [
        "build web",
        "drain blue",
        "promote release 7",
    ]
    assert {key: found["plan"][key] for key in ("application", "release", "colour")} == {
        "application": "shop",
        "release": 7,
        "colour": "green",
    }
    assert found["plan"]["waiting"] is None
    assert "hunter2" not in text


BLUE = routing(Colour.BLUE, {Colour.BLUE: part(1, router())})
LET_WAIT = LetWait(BLUE, BLUE)


@pytest.mark.parametrize(
    ("waited", "said", "shown"),
    [
        (None, "requests will wait; for how long is not known yet", {"seconds": None, "release": None}),
        (
            Waited(6, 3.6),
            "requests will wait for about 4 s, as for release 6",
            {"seconds": 3.6, "release": 6},
        ),
        (
            Waited(6, 75.0),
            "requests will wait for about 75 s, as for release 6; after 60 s (`wait_timeout`) they get 503",
            {"seconds": 75.0, "release": 6},
        ),
    ],
)
def test_a_plan_in_which_requests_wait_says_how_long(
    capsys: Capture, waited: Waited | None, said: str, shown: object
) -> None:
    plan = replace(PLAN.deployment, actions=in_phase(Phase.CUT_OVER, (LET_WAIT,)))
    preview = Preview(PLAN.images, plan, waited)
    show_plan(APPLICATION, preview, (), as_json_text=False)
    assert " ".join(capsys.readouterr().out.split()).endswith(said)
    show_plan(APPLICATION, preview, (), as_json_text=True)
    assert json.loads(capsys.readouterr().out)["plan"]["waiting"] == shown


def test_a_refused_plan_as_json_is_none(capsys: Capture) -> None:
    show_plan(APPLICATION, None, [], as_json_text=True)

    services = [{"service": "web", "role": "web", "exclusive": False, "reason": "it has a route"}]
    found = json.loads(capsys.readouterr().out)
    assert found == {
        "application": "shop",
        "is_refused": True,
        "services": services,
        "findings": [],
        "plan": None,
    }
