"""`hitless init` as a person, or a program, calls it. tests/e2e/test_init.py has the whole way."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from tests.adapters.fake_docker import FakeDocker

NONE = "Error response from daemon: No such container: traefik-traefik-1\n"
GIT = {"image": "gitea", "ports": [{"target": 3000, "published": "3000"}]}
DATA = [{"type": "volume", "source": "data", "target": "/data"}]
SAID = {"publish": "gateway", "exclusive": True}


def told(**keys: object) -> str:
    """What Compose prints for a service that people reach, and that writes to a volume."""
    return json.dumps({"name": "git", "services": {"git": {**GIT, "volumes": DATA, **keys}}})


@pytest.fixture
def folder(docker: FakeDocker, tmp_path: Path) -> Path:
    docker.answers("compose", stdout=told())
    docker.answers("container", "inspect", stdout="[]\n", stderr=NONE, exit_code=1)
    docker.answers("exec", stderr=NONE, exit_code=1, way="refuse")
    missing = "Error response from daemon: No such image: gitea:latest\n"
    docker.answers("image", "inspect", stdout="[]\n", stderr=missing, exit_code=1)
    made = tmp_path / "git"
    made.mkdir()
    (made / "compose.yaml").write_text("services:\n  git:\n    image: gitea\n")
    return made


def init(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        (sys.executable, "-m", "hitless", "init", *words),
        cwd=folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )


def typed(folder: Path, keys: str) -> tuple[int, str]:
    """What a person at a terminal sees, who types these keys; and the exit code."""
    leader, follower = pty.openpty()
    process = subprocess.Popen(
        (sys.executable, "-m", "hitless", "init"),
        cwd=folder,
        stdin=follower,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    os.close(follower)
    os.write(leader, keys.encode())
    output, _ = process.communicate(timeout=20)
    os.close(leader)
    return process.returncode, output


def written(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_without_a_terminal_all_questions_are_listed_and_nothing_changes(folder: Path) -> None:
    done = init(folder)
    assert done.returncode == 1
    assert "1 question, and no terminal to answer on; nothing changed" in done.stderr
    assert "web: Which service do people reach?" in done.stderr
    assert "git (default): the gateway publishes 3000 for it" in done.stderr
    assert "none: no service" in done.stderr
    assert "--yes" in done.stderr
    assert written(folder) == ["compose.yaml"]


def test_it_shows_what_it_found_first(folder: Path) -> None:
    assert init(folder).stdout == "git  shared  it keeps data in the volume data, and has no route\n"


def test_the_defaults_write_nothing_that_lets_two_copies_write(docker: FakeDocker, folder: Path) -> None:
    docker.answers("compose", "--file", stdout=told(**{"x-hitless": SAID}))
    done = init(folder, "--yes")
    assert done.returncode == 0
    assert "+    x-hitless: {publish: gateway, exclusive: true}" in done.stdout
    # of several containers that write nobody but the user knows
    docker.answers("compose", stdout=told(scale=2))
    (folder / "compose.override.yaml").unlink()
    done = init(folder, "--yes")
    assert done.returncode == 0, done.stderr
    assert "nothing to write" in done.stdout
    assert "hitless deploy would refuse" in done.stdout
    assert written(folder) == ["compose.yaml"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--answer", "web=nobody"), "'nobody' is no answer to web"),
        (("--answer", "db.role=shared"), "there is no question db.role"),
    ],
)
def test_an_answer_that_fits_no_question_changes_nothing(
    folder: Path, words: tuple[str, ...], said: str
) -> None:
    done = init(folder, "--yes", *words)
    assert done.returncode == 1
    assert said in done.stderr
    assert "there is: " in done.stderr
    assert written(folder) == ["compose.yaml"]


def test_an_answer_without_a_question_is_wrong_usage(folder: Path) -> None:
    assert init(folder, "--answer", "git").returncode == 2


def test_a_person_who_says_no_to_the_diff_has_changed_nothing(docker: FakeDocker, folder: Path) -> None:
    docker.answers("compose", "--file", stdout=told(**{"x-hitless": SAID}))
    code, output = typed(folder, "git\nn\n")
    assert code == 1
    assert "+    x-hitless: {publish: gateway, exclusive: true}" in output
    assert "cancelled, nothing changed" in output
    assert written(folder) == ["compose.yaml"]


def test_a_person_answers_and_agrees_and_the_file_is_there(docker: FakeDocker, folder: Path) -> None:
    docker.answers("compose", "--file", stdout=told(**{"x-hitless": SAID}))
    code, output = typed(folder, "nobody\ngit\n\n")
    assert code == 0, output
    assert "'nobody' is not one of 'git', 'none'" in output
    path = folder / "compose.override.yaml"
    assert f"wrote {path}" in output
    assert path.read_text() == ("services:\n  git:\n    x-hitless: {publish: gateway, exclusive: true}\n")


def test_the_end_of_the_input_is_no_answer(folder: Path) -> None:
    code, output = typed(folder, "\x04")
    assert code == 1
    assert "cancelled, nothing changed" in output


def test_a_file_that_says_everything_is_left_alone(docker: FakeDocker, folder: Path) -> None:
    docker.answers("compose", stdout=told(**{"x-hitless": SAID}))
    done = init(folder)
    assert done.returncode == 0
    assert "nothing to ask" in done.stdout
    assert "route   *:3000 (http) → git" in done.stdout
    assert written(folder) == ["compose.yaml"]


def test_secrets_in_the_lines_around_a_change_are_not_shown(docker: FakeDocker, folder: Path) -> None:
    secret = {"environment": {"DB_PASSWORD": "hunter2hunter2"}}
    docker.answers("compose", stdout=told(**secret))
    docker.answers("compose", "--file", stdout=told(**secret, **{"x-hitless": SAID}))
    (folder / "compose.yaml").write_text(
        "services:\n  git:\n    environment: {DB_PASSWORD: hunter2hunter2}\n    image: gitea\n"
    )
    done = init(folder, "--in-place", "--yes", "--answer", "web=git")
    assert done.returncode == 0, done.stderr
    assert "+    x-hitless: " in done.stdout
    assert "environment" in done.stdout
    assert "hunter2" not in done.stdout
    assert "hunter2hunter2" in (folder / "compose.yaml").read_text()
