"""CI jobs of action.yml and templates/deploy.yml, run as GitHub's and GitLab's runners run them.

Only what these two files use is here. Another expression, or an input that is not declared, is an error.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tests.e2e.conftest import ROOT, wait_for

SIGTERM_AFTER, SIGKILL_AFTER = 7.5, 2.5  # ProcessInvoker.cs of actions/runner
JOB = 180.0
_EXPRESSION = re.compile(r"\$\{\{\s*(.*?)\s*\}\}")
_INPUT = re.compile(r"\$\[\[\s*inputs\.([\w-]+)\s*\]\]")
# ActionCommand.cs of actions/runner: the one form at the beginning of a line, the other one anywhere in it
_COMMAND = re.compile(r"^\s*::([\w-]+)([^:]*)::(.*)$|##\[([\w-]+)([^\]]*)\](.*)")


@dataclass
class Job:
    """One job. `log` is all that its page shows; the rest is known when it has ended."""

    folder: Path
    environment: dict[str, str]
    code: int = -1
    outputs: dict[str, str] = field(default_factory=dict)
    cancelled: bool = False
    _process: subprocess.Popen[bytes] | None = None

    @property
    def log(self) -> str:
        file = self.folder / "log"
        return file.read_text(errors="replace") if file.exists() else ""

    @property
    def summary(self) -> str:
        return (self.folder / "summary.md").read_text()

    @property
    def temporary(self) -> Path:
        """What the runner empties."""
        return self.folder / "temp"

    def commands(self, name: str) -> list[str]:
        """What the runner makes of the log: the commands of this name."""
        found = (_COMMAND.search(line) for line in re.split(r"[\r\n]", self.log))
        return [one[3] or one[6] or "" for one in found if one and name in (one[1], one[4])]

    def cancel(self, when: Callable[[str], bool]) -> None:
        """Cancel it as GitHub does, as soon as its log says so: one process alone gets the signals."""
        wait_for(lambda: when(self.log), 60)
        assert self._process
        self.cancelled = True
        for number, seconds in ((signal.SIGINT, SIGTERM_AFTER), (signal.SIGTERM, SIGKILL_AFTER)):
            self._process.send_signal(number)
            try:
                self._process.wait(seconds)
                return
            except subprocess.TimeoutExpired:
                continue
        self._process.kill()

    def step(self, script: str, shell: tuple[str, ...], environment: Mapping[str, str], cwd: Path) -> int:
        """Run one script of the job to its end; its exit code."""
        file = self.folder / f"{uuid.uuid4()}.sh"
        file.write_text(script)
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                (*shell, str(file)),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=cwd,
                env={**self.environment, **environment},
            )
        try:
            return self._process.wait(JOB)
        finally:
            self._process.kill()


def github(folder: Path, inputs: Mapping[str, str], **variables: str) -> Job:
    """A job with one step that uses the action: `variables` are the step's `env`."""
    return github_job(folder, **variables)(inputs)


def github_job(folder: Path, **variables: str) -> GitHub:
    """The same, before it starts: another thread can cancel it."""
    folder.mkdir(exist_ok=True)
    for name in ("temp", "work"):
        (folder / name).mkdir(exist_ok=True)
    environment = {
        **plain_environment(),
        "CI": "true",
        "GITHUB_ACTIONS": "true",
        "GITHUB_ACTION_PATH": str(ROOT),
        "GITHUB_STEP_SUMMARY": str(folder / "summary.md"),
        "GITHUB_ENV": str(folder / "env"),
        "GITHUB_WORKSPACE": str(folder / "work"),
        "RUNNER_TEMP": str(folder / "temp"),
        **variables,
    }
    return GitHub(Job(folder, environment))


@dataclass
class GitHub:
    """A job of GitHub's that has not begun."""

    job: Job

    def __call__(self, inputs: Mapping[str, str]) -> Job:
        job = self.job
        action = yaml.safe_load((ROOT / "action.yml").read_text())
        assert action["runs"]["using"] == "composite"
        assert not {*inputs} - {*action["inputs"]}
        known = {
            f"inputs.{name}": str(inputs.get(name, one.get("default", "")))
            for name, one in action["inputs"].items()
        }
        job.code = 0
        for step in action["runs"]["steps"]:
            assert step.get("if") in (None, "always()") and step["shell"] == "bash"
            assert not _EXPRESSION.search(step["run"]), "an expression in a script is run"
            if step.get("if") is None and job.code:
                continue
            output = job.folder / f"{uuid.uuid4()}.output"
            output.touch()
            environment = {
                **{name: evaluated(value, known) for name, value in step.get("env", {}).items()},
                "GITHUB_OUTPUT": str(output),
            }
            shell = ("bash", "--noprofile", "--norc", "-e", "-o", "pipefail")
            code = job.step(step["run"], shell, environment, job.folder / "work")
            job.code = job.code or code
            for line in output.read_text().splitlines():
                name, _, value = line.partition("=")
                known[f"steps.{step['id']}.outputs.{name}"] = value
        job.outputs = {name: evaluated(one["value"], known) for name, one in action["outputs"].items()}
        return job


def evaluated(value: str, known: Mapping[str, str]) -> str:
    """A value of action.yml; an output that no step has told is empty."""
    return _EXPRESSION.sub(
        lambda found: known.get(found[1], "") if found[1].startswith("steps.") else known[found[1]], value
    )


def gitlab(folder: Path, inputs: Mapping[str, str], **variables: str) -> Job:
    """A job of the component: `variables` are the project's CI/CD variables."""
    spec, jobs = yaml.safe_load_all((ROOT / "templates" / "deploy.yml").read_text())
    declared = spec["spec"]["inputs"]
    assert not {*inputs} - {*declared}
    values = {name: inputs[name] if name in inputs else one["default"] for name, one in declared.items()}
    for name, one in declared.items():
        assert "regex" not in one or re.search(one["regex"], values[name]), f"GitLab refuses {name}"
        assert "options" not in one or values[name] in one["options"], f"GitLab refuses {name}"
    ((_, job),) = interpolated(jobs, values).items()
    work, temporary = folder / "work", folder / "work.tmp"
    for place in (work, temporary, folder / "bin"):
        place.mkdir(parents=True, exist_ok=True)
    # as a wheel installs it, beside a hitless
    command = folder / "bin" / "hitless-ci"
    source = (ROOT / "ci" / "deploy.py").read_text().split("\n", 1)[1]
    command.write_text(f"#!{sys.executable}\n{source}")
    command.chmod(0o755)
    environment = {**plain_environment(), "CI": "true", "GITLAB_CI": "true", "CI_PROJECT_DIR": str(work)}
    environment.update(variables)
    environment["PATH"] = f"{command.parent}{os.pathsep}{environment['PATH']}"
    for name, value in job["variables"].items():
        environment[name] = re.sub(r"\$(\w+)", lambda found: environment.get(found[1], ""), value)
    ran = Job(folder, environment)
    lines = "\n".join(job["script"])
    ran.code = ran.step(f"set -eo pipefail\n{lines}\n", ("bash",), {}, work)
    ran.step("\n".join(job["after_script"]), ("bash",), {}, work)
    artifacts = job["artifacts"]
    (file,) = artifacts["paths"]
    if ran.code == 0:
        shutil.copy(work / file, folder / "summary.md")
        told = (work / artifacts["reports"]["dotenv"]).read_text().splitlines()
        ran.outputs = dict(line.split("=", 1) for line in told)
    return ran


def interpolated(value: Any, inputs: Mapping[str, str]) -> Any:
    """A part of the component, with its inputs."""
    match value:
        case dict():
            return {interpolated(key, inputs): interpolated(one, inputs) for key, one in value.items()}
        case list():
            return [interpolated(one, inputs) for one in value]
        case str():
            return _INPUT.sub(lambda found: inputs[found[1]], value)
    return value


def plain_environment() -> dict[str, str]:
    """What a runner has: no settings of these tests."""
    kept = ("PATH", "HOME", "LANG", "DEBIAN_FRONTEND")
    return {
        name: value for name, value in os.environ.items() if name in kept or name.startswith(("PIP_", "SSL_"))
    }
