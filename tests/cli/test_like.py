"""`hitless gateway up --like`: what it shows, and what it refuses. The files need no engine."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.adapters.fake_docker import FakeDocker
from tests.cli.test_cli import run
from tests.reference.published import check_output

OWN = """\
entryPoints:
  web: {address: ':8000'}
  websecure: {address: ':8443'}
accessLog: {}
certificatesResolvers:
  le: {acme: {email: ann@example.org, storage: /acme.json, httpChallenge: {entryPoint: web}}}
"""


@pytest.fixture
def own(tmp_path: Path) -> str:
    path = tmp_path / "traefik.yml"
    path.write_text(OWN)
    return str(path)


def test_it_shows_what_it_makes_of_each_setting(docker: FakeDocker, own: str) -> None:
    done = run("gateway", "up", "--like", own, "--dry-run", "--http-port", "80")
    assert done.returncode == 0, done.stderr
    lines = {line.split()[0]: " ".join(line.split()[1:]) for line in done.stdout.splitlines() if line.strip()}
    assert lines == {
        "entrypoints.websecure.address": "--https-port 8443",
        "certificatesresolvers.le.acme.email": "--acme-email ann@example.org",
        "accesslog": "--access-log",
        "entrypoints.web.address": "nothing to do --http-port of the command line is taken",
        "certificatesresolvers.le.acme.httpchallenge": "nothing to do the default",
        "certificatesresolvers.le.acme.storage": "nothing to do the gateway keeps them",
    }
    assert docker.calls == []


def test_programs_get_one_document(docker: FakeDocker, own: str) -> None:
    words = ("gateway", "up", "--like", own, "--dry-run", "--json")
    done = run(*words)
    check_output(words, done.stdout)
    settings = json.loads(done.stdout)["settings"]
    assert {
        "name": "accesslog",
        "kind": "option",
        "option": "--access-log",
        "value": "",
        "said": "",
    } in settings
    assert docker.calls == []


def test_all_questions_are_asked_at_once_and_nothing_is_touched(docker: FakeDocker, tmp_path: Path) -> None:
    path = tmp_path / "traefik.yml"
    path.write_text(
        "entryPoints:\n  web: {address: ':80', forwardedHeaders: {insecure: true, trustedIPs: [0.0.0.0/0]}}\n"
        "  websecure: {address: ':443'}\n"
        "certificatesResolvers: {le: {acme: {email: ann}}}\n"
    )
    done = run("gateway", "up", "--like", str(path))
    assert done.returncode == 1
    assert "nothing changed: 3 settings need an answer" in done.stderr
    for part in ("ann is not like ann@example.org", "believe every visitor", "every visitor could say"):
        assert part in " ".join(done.stdout.split())
    assert docker.calls == []
    done = run(
        *("gateway", "up", "--like", str(path), "--dry-run"),
        *("--trusted-proxy", "10.0.0.1", "--acme-email", "none"),
    )
    assert done.returncode == 0, done.stderr


def test_what_is_wrong_with_the_files_is_said(docker: FakeDocker, tmp_path: Path) -> None:
    done = run("gateway", "up", "--like", str(tmp_path / "a.yml"), "--like", str(tmp_path / "b.toml"))
    assert done.returncode == 1
    assert "a.yml" in done.stderr
    assert "b.toml" in done.stderr
    assert "nothing changed: 2 errors" in done.stderr
    assert docker.calls == []


@pytest.mark.parametrize("option", [("--dry-run",), ("--without", "accesslog")])
def test_its_options_are_of_no_use_alone(docker: FakeDocker, option: tuple[str, ...]) -> None:
    done = run("gateway", "up", *option)
    assert done.returncode == 2
    assert "are for --like" in done.stderr
    assert docker.calls == []


def test_programs_are_told_how_a_refused_command_ended(docker: FakeDocker, tmp_path: Path) -> None:
    path = tmp_path / "traefik.yml"
    path.write_text("entryPoints: {web: {address: here}}\n")
    done = run("gateway", "up", "--like", str(path), "--json")
    assert done.returncode == 1
    check_output(("gateway", "up", "--json"), done.stdout)
    found, ended = map(json.loads, done.stdout.splitlines())
    assert [one["path"] for one in found["findings"] if one["is_error"]] == ["entrypoints.web.address"]
    assert (ended["event"], ended["outcome"]) == ("ended", "failed")
    assert docker.calls == []
