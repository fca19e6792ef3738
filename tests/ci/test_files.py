"""action.yml, templates/deploy.yml and docs/ci.md agree with each other and with the script."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from ci.deploy import COMMANDS, PREFIX

ROOT = Path(__file__).resolve().parents[2]
ACTION = yaml.safe_load((ROOT / "action.yml").read_text())
SPEC, JOBS = yaml.safe_load_all((ROOT / "templates" / "deploy.yml").read_text())
COMPONENT = SPEC["spec"]["inputs"]
PAGE = (ROOT / "docs" / "ci.md").read_text()
SCRIPT = (ROOT / "ci" / "deploy.py").read_text()
TLS = {"TLS_CA", "TLS_CERT", "TLS_KEY"}
READ = {*re.findall(r'(?:text|matching|words|needed)\(\s*"([A-Z_]+)"', SCRIPT)} | TLS


def blocks() -> list[Any]:
    return [yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)]


def steps() -> list[Any]:
    jobs = [job for block in blocks() for job in block.get("jobs", {}).values()]
    return [step for job in jobs for step in job["steps"] if "hitless" in step.get("uses", "")]


def test_each_input_of_the_action_is_a_variable_that_the_script_reads() -> None:
    (work, _) = ACTION["runs"]["steps"]
    given = {f"${{{{ inputs.{name} }}}}" for name in ACTION["inputs"]}
    assert {*work["env"].values()} == given
    assert {name.removeprefix(PREFIX) for name in work["env"]} == READ - {"DOTENV", "SUMMARY"}


def test_no_script_has_an_expression_in_it() -> None:
    assert all("${{" not in step["run"] for step in ACTION["runs"]["steps"])
    (job,) = JOBS.values()
    assert not [line for line in (*job["script"], *job["after_script"]) if "$" in line]


def test_the_component_gives_the_script_what_it_reads() -> None:
    (job,) = JOBS.values()
    assert {name.removeprefix(PREFIX) for name in job["variables"]} <= READ
    assert COMPONENT["command"]["options"] == [*COMMANDS]


def test_the_page_uses_inputs_and_outputs_that_exist() -> None:
    assert len(steps()) == 2
    assert all({*step["with"]} <= {*ACTION["inputs"]} for step in steps())
    assert {*re.findall(r"steps\.hitless\.outputs\.(\w+)", PAGE)} <= {*ACTION["outputs"]}
    (include,) = [block["include"] for block in blocks() if "include" in block]
    assert {*include[0]["inputs"]} <= {*COMPONENT}
    needed = {name for name, one in COMPONENT.items() if "default" not in (one or {})}
    assert needed <= {*include[0]["inputs"]}


@pytest.mark.parametrize("name", sorted({*ACTION["inputs"]}))
def test_the_page_names_each_input(name: str) -> None:
    assert f"`{name}`" in PAGE
