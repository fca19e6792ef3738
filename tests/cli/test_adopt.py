"""What `adopt` prints before it begins, and what it does not print if it refuses."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from hitless.cli.views.adoption import show_adoption
from hitless.domain.common.findings import Finding
from hitless.domain.plan.adopt import Adoption
from tests.execution.applications import shop
from tests.reference.published import check_output

ADOPTION = Adoption("shop", ("shop-web-1",), (), (), {8080: "shop-web-1"}, None, None, is_live=False)
WARNING = Finding("services.web", "is odd", is_error=False)
Capture = pytest.CaptureFixture[str]


def shown(capsys: Capture, *findings: Finding) -> tuple[str, Any]:
    show_adoption(shop(), ADOPTION, findings, as_json_text=False)
    text = capsys.readouterr().out
    show_adoption(shop(), ADOPTION, findings, as_json_text=True)
    document = capsys.readouterr().out
    check_output(("adopt", "--dry-run", "--json"), document)
    return text, json.loads(document)


def test_with_a_warning_it_shows_its_plan(capsys: Capture) -> None:
    text, document = shown(capsys, WARNING)
    assert "adopt shop:" in text
    assert "take over port 8080 from shop-web-1" in text
    assert len(document["steps"]) == 3


def test_with_an_error_it_shows_no_plan(capsys: Capture) -> None:
    text, document = shown(capsys, replace(WARNING, is_error=True))
    assert text == "error services.web: is odd\n"
    assert document["steps"] == []
