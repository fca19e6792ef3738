"""ci/deploy.py with a docker and a hitless that only note what they get."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from ci import deploy

ROOT = Path(__file__).resolve().parents[2]
STATUS = {
    "application": "shop",
    "live": {"release": 7, "colour": "green"},
    "addresses": ["http://shop.example"],
}
DOCKER = """#!/bin/sh
echo "docker $*" >> "$NOTES/calls"
env > "$NOTES/environment"
[ -z "$DOCKER_CERT_PATH" ] || stat -c '%a %n' "$DOCKER_CERT_PATH" "$DOCKER_CERT_PATH"/* > "$NOTES/modes"
echo 26.1.5
"""
HITLESS = """#!/bin/sh
echo "hitless $*" >> "$NOTES/calls"
case "$*" in
    --version) echo hitless 1.2.3; exit ;;
    *status*) cat "$NOTES/status.json"; exit ;;
    *show*) echo '[]'; exit ;;
esac
trap 'echo signal; stopped=1' INT TERM
printf '%b' "$SAYS"
while [ -n "$WAITS" ] && [ -z "$stopped" ]; do sleep 0.05; done
[ -z "$stopped" ] || exit 130
exit "${CODE:-0}"
"""
START = """
import os, sys
from ci import deploy
deploy.installed = lambda *_: os.environ["NOTES"] + "/hitless"
sys.exit(deploy.main())
"""


class Runner:
    """What a job has: folders, and commands that note what they get."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.temporary = folder / "temp"
        for name, text in (("docker", DOCKER), ("hitless", HITLESS)):
            (folder / name).write_text(text)
            (folder / name).chmod(0o755)
        self.temporary.mkdir()
        (folder / "status.json").write_text(json.dumps(STATUS))
        self.environment = {
            "PATH": f"{folder}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": str(ROOT),
            "NOTES": str(folder),
            "GITHUB_ACTIONS": "true",
            "RUNNER_TEMP": str(self.temporary),
            "GITHUB_OUTPUT": str(folder / "output"),
            "GITHUB_STEP_SUMMARY": str(folder / "summary"),
        }

    def start(self, says: str = "", **inputs: str) -> subprocess.Popen[str]:
        named = {f"HITLESS_CI_{name}": value for name, value in inputs.items() if name.isupper()}
        more = {name.upper(): value for name, value in inputs.items() if not name.isupper()}
        return subprocess.Popen(
            (sys.executable, "-c", START),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=self.folder,
            env={**self.environment, **named, **more, "SAYS": says},
        )

    def run(self, says: str = "", **inputs: str) -> tuple[int, str]:
        process = self.start(says, **inputs)
        output, _ = process.communicate(timeout=60)
        return process.returncode, output

    def noted(self, name: str) -> str:
        file = self.folder / name
        return file.read_text() if file.exists() else ""


@pytest.fixture
def runner(tmp_path: Path) -> Runner:
    return Runner(tmp_path)


def test_a_deployment_tells_its_outputs_and_a_summary(runner: Runner) -> None:
    code, output = runner.run(OPTIONS="-f 'a file.yml' -p shop", ARGUMENTS="--timeout 90s")
    assert code == 0, output
    assert "hitless -f a file.yml -p shop deploy --wait --timeout 90s\n" in runner.noted("calls")
    told = "release=7\ncolour=green\naddress=http://shop.example\noutcome=successful\n"
    assert runner.noted("output") == told
    assert "| live | release 7 (green) |" in runner.noted("summary")


def test_no_input_is_in_the_environment_of_what_is_started(runner: Runner) -> None:
    runner.run(SSH_KEY="a secret")
    assert "PATH=" in runner.noted("environment")
    assert "HITLESS_CI" not in runner.noted("environment")
    assert "a secret" not in runner.noted("environment")


def test_keys_are_in_files_for_one_user_and_removed_at_the_end(runner: Runner) -> None:
    file = runner.folder / "ca"
    file.write_text("the CA\r\n")
    code, output = runner.run(HOST="tcp://10.0.0.1:2376", TLS_CA=str(file), TLS_CERT="cert", TLS_KEY="key")
    assert code == 0, output
    modes = [line.split(" ", 1)[0] for line in runner.noted("modes").splitlines()]
    assert modes == ["700", "600", "600", "600"]
    assert [*runner.temporary.iterdir()] == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("COMMAND", "down"),
        ("COMMAND", "deploy; true"),
        ("COMMAND", "deploy\nplan"),
        ("HOST", "ssh://-oProxyCommand=x"),
        ("HOST", "ssh://a@b@c"),
        ("HOST", "ssh://user@host/a b"),
        ("HOST", "ssh://user@host/x\nProxyCommand y"),
        ("HOST", "ssh://host:22222222"),
        ("HOST", "tcp://host"),
        ("HOST", "unix:///var/run/docker.sock"),
        ("VERSION", "1.0 --index-url http://elsewhere"),
        ("VERSION", "git+https://elsewhere/it"),
        ("GATEWAY", "--help"),
        ("DIRECTORY", "/nowhere"),
        ("OPTIONS", "'not closed"),
    ],
)
def test_an_input_that_is_not_what_it_must_be_is_refused_first(runner: Runner, name: str, value: str) -> None:
    code, output = runner.run(**{name: value})
    assert code == 1
    assert output.startswith(f"::error title=hitless::{name.lower()}")
    assert output.count("\n") == 1
    assert runner.noted("calls") == ""
    assert "outcome=failed" in runner.noted("output")


def test_a_host_over_tcp_without_certificates_is_refused(runner: Runner) -> None:
    code, output = runner.run(HOST="tcp://10.0.0.1:2376")
    assert code == 1
    assert "tls-ca is empty" in output
    assert "docker" not in runner.noted("calls")


def test_a_failure_is_an_annotation_with_its_cause_and_the_exit_code(runner: Runner) -> None:
    says = "began\\nhitless: it is 100% broken\\n  next: repair ``` it\\n"
    code, output = runner.run(says, code="4")
    assert code == 4
    assert "::error title=hitless::hitless: it is 100%25 broken%0A  next: repair ``` it\n" in output
    assert "````\nhitless: it is 100% broken\n  next: repair ``` it\n````" in runner.noted("summary")
    assert "outcome=failed" in runner.noted("output")


def test_what_containers_write_is_no_command_of_the_runner(runner: Runner) -> None:
    says = (
        "::set-output name=release::9\\n  ::add-mask::x\\nx ##[set-output name=release]9\\n::group::a fold\\n"
    )
    _, output = runner.run(says)
    lines = output.splitlines()
    assert "| ::set-output name=release::9" in lines
    assert "|   ::add-mask::x" in lines
    assert "x ## [set-output name=release]9" in lines
    assert "::group::a fold" in lines


def test_outputs_have_one_line_each(runner: Runner) -> None:
    evil = {**STATUS, "addresses": ["http://a\nrelease=9"]}
    (runner.folder / "status.json").write_text(json.dumps(evil))
    runner.run()
    assert "\nrelease=9" not in runner.noted("output")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_reaches_hitless_once_and_nothing_is_left(runner: Runner, number: signal.Signals) -> None:
    process = runner.start("began\\n", waits="yes")
    assert process.stdout
    until(process.stdout.readline, "began\n")
    process.send_signal(number)
    output, _ = process.communicate(timeout=30)
    assert process.returncode == 130
    assert output.count("signal") == 1
    assert "release=" not in runner.noted("output")
    assert [*runner.temporary.iterdir()] == []


def test_a_signal_before_hitless_begins_leaves_nothing(runner: Runner) -> None:
    (runner.folder / "docker").write_text("#!/bin/sh\nexec sleep 30\n")
    process = runner.start()
    assert process.stdout
    until(process.stdout.readline, "::group::connect to the Docker host\n")
    time.sleep(0.2)
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=10)
    assert process.returncode == 130
    assert "nothing has changed" in output
    assert [*runner.temporary.iterdir()] == []


def until(read: Callable[[], str], wanted: str) -> None:
    while (line := read()) != wanted:
        assert line, "it ended"


def test_what_a_killed_job_has_left_is_removed_by_the_next_step(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("hitless-ci-abc", "other"):
        (tmp_path / name).mkdir()
    (tmp_path / "hitless-ci-abc" / "key").write_text("key")
    monkeypatch.setenv("RUNNER_TEMP", str(tmp_path))
    assert deploy.clean() == 0
    assert [one.name for one in tmp_path.iterdir()] == ["other"]


def test_without_a_place_of_the_job_nothing_of_others_is_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("RUNNER_TEMP", "CI_PROJECT_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(tmp_path))
    (tmp_path / "hitless-ci-abc").mkdir()
    assert deploy.clean() == 0
    assert (tmp_path / "hitless-ci-abc").exists()
