from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from hitless.adapters.docker.cli import DockerCli
from hitless.adapters.docker.compose_file import resolve, revision
from hitless.adapters.docker.compose_files import ComposeOptions
from hitless.domain.common.errors import DockerFailed, HitlessError
from hitless.domain.common.findings import Finding
from hitless.domain.common.foreign import Json
from tests.adapters.fake_docker import FakeDocker

# what Compose 2.26 printed on its two streams
RESOLVED = """\
name: shop
services:
  web:
    environment:
      RELEASE: "2"
      COUNTRY: "no"
      NOTHING: null
    image: 'x:'
    networks:
      default: null
    x-hitless:
      successes: 3
networks:
  default:
    name: shop_default
x-hitless:
  timeout: 1m30s
"""
WARNED = """\
time="2026-11-22T21:54:22Z" level=warning msg="The \\"NOPE\\" variable is not set. \
Defaulting to a blank string."
time="2026-11-22T21:54:22Z" level=warning msg="/srv/shop/c.yml: the attribute `version` is obsolete, it \
will be ignored, please remove it to avoid potential confusion"
time="2026-11-22T21:54:22Z" level=warning msg="networks.n: external.name is deprecated. Please set name \
and external: true"
"""


def warnings_of(docker: FakeDocker, stderr: str) -> tuple[Finding, ...]:
    docker.answers("compose", stdout=RESOLVED, stderr=stderr)
    return resolve(DockerCli(), ComposeOptions())[1]


def test_every_option_is_passed_to_compose_in_order(docker: FakeDocker) -> None:
    docker.answers("compose", stdout=RESOLVED)
    options = ComposeOptions(("a.yml", "b.yml"), "shop", "/srv/shop", ("one.env", "two.env"), ("x", "y"))

    resolve(DockerCli("far"), options)

    files = ("--file", "a.yml", "--file", "b.yml")
    project = ("--project-name", "shop", "--project-directory", "/srv/shop")
    environment = ("--env-file", "one.env", "--env-file", "two.env")
    profiles = ("--profile", "x", "--profile", "y")
    assert docker.argvs == [
        ("--context", "far", "compose", *files, *project, *environment, *profiles, "config"),
    ]


def test_what_is_not_given_is_left_to_compose_and_its_variables(
    docker: FakeDocker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COMPOSE_FILE", "theirs.yml")
    docker.answers("compose", stdout=RESOLVED)

    resolve(DockerCli(), ComposeOptions())

    assert docker.argvs == [("compose", "config")]
    assert docker.calls[0].compose_env == {"COMPOSE_FILE": "theirs.yml"}


def test_the_model_keeps_the_extensions_of_services(docker: FakeDocker) -> None:
    docker.answers("compose", stdout=RESOLVED)

    model, findings = resolve(DockerCli(), ComposeOptions())

    assert model["x-hitless"] == {"timeout": "1m30s"}
    assert model["services"]["web"]["x-hitless"] == {"successes": 3}
    assert model["services"]["web"]["environment"] == {"RELEASE": "2", "COUNTRY": "no", "NOTHING": None}
    assert findings == ()


@pytest.mark.parametrize("value", ["=", "<<", "0x_", "0b_"])
def test_a_value_that_only_yaml_1_1_takes_for_something_special_stays_text(
    docker: FakeDocker, value: str
) -> None:
    # Compose writes these plain (seen with 2.26): to YAML 1.2, and to Go's yaml.v3, they are strings
    docker.answers("compose", stdout=RESOLVED.replace('"2"', value))

    model, _ = resolve(DockerCli(), ComposeOptions())

    assert model["services"]["web"]["environment"]["RELEASE"] == value


def test_an_unset_variable_is_a_warning(docker: FakeDocker) -> None:
    found = warnings_of(docker, WARNED)

    said = 'The "NOPE" variable is not set. Defaulting to a blank string.'
    assert found == (Finding("compose", said, is_error=False),)


def test_an_obsolete_version_and_the_old_external_name_are_not_mentioned(docker: FakeDocker) -> None:
    assert warnings_of(docker, "".join(WARNED.splitlines(keepends=True)[1:])) == ()


def test_lines_that_are_no_warnings_are_passed_over(docker: FakeDocker) -> None:
    assert warnings_of(docker, "time=x level=info msg=hello\nsomething else\n\n") == ()


def test_a_warning_of_one_word_has_no_quotes(docker: FakeDocker) -> None:
    assert [found.message for found in warnings_of(docker, "time=x level=warning msg=careful\n")] == [
        "careful"
    ]


def test_a_warning_that_ends_with_a_quoted_name_keeps_its_quotes(docker: FakeDocker) -> None:
    found = warnings_of(docker, 'time=x level=warning msg="no such service: \\"web\\""\n')

    assert [finding.message for finding in found] == ['no such service: "web"']


def test_an_unset_variable_whose_name_says_obsolete_is_still_a_warning(docker: FakeDocker) -> None:
    said = 'time=x level=warning msg="The \\"obsolete_after\\" variable is not set. Defaulting to a blank."\n'

    assert len(warnings_of(docker, said)) == 1


@pytest.mark.parametrize("output", ["", "name: shop\n", "name: shop\nservices: {}\n", "[]\n"])
def test_a_file_without_services_is_an_error_that_says_what_to_do(docker: FakeDocker, output: str) -> None:
    docker.answers("compose", stdout=output)
    docker.answers("compose", "config", "--profiles")

    with pytest.raises(HitlessError, match="no services") as raised:
        resolve(DockerCli(), ComposeOptions())

    assert "-f FILE" in raised.value.hint


def test_a_file_whose_services_are_all_in_profiles_names_the_profiles(docker: FakeDocker) -> None:
    docker.answers("compose", stdout="name: shop\nservices: {}\n")
    docker.answers("compose", "config", "--profiles", stdout="web\ndefault\n")

    with pytest.raises(HitlessError, match="in a profile") as raised:
        resolve(DockerCli(), ComposeOptions())

    assert raised.value.hint == "enable one with --profile NAME: default, web"


def test_what_compose_refuses_is_told_in_its_own_words(docker: FakeDocker) -> None:
    said = "services.web Additional property imagee is not allowed"
    docker.answers("compose", stderr=f"{said}\n", exit_code=15)

    with pytest.raises(DockerFailed) as raised:
        resolve(DockerCli(), ComposeOptions())

    assert raised.value.output == said


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        (
            "invalid interpolation format for services.web.environment.DB_PASSWORD.\n"
            "You may need to escape any $ with another $.\ns3cr3ts${x\nmore",
            "invalid interpolation format for services.web.environment.DB_PASSWORD.\n"
            "You may need to escape any $ with another $.\n(not shown: it may be a secret)",
        ),
        (
            'failed to read /shop/.env: Invalid template: "s3cr3ts${x"',
            "failed to read /shop/.env: Invalid template: (not shown: it may be a secret)",
        ),
        (
            'line 3: unterminated quoted value "s3cr3ts',
            "line 3: unterminated quoted value (not shown: it may be a secret)",
        ),
        (
            'unexpected character "!" in variable name near "A!B=s3cr3ts\\nC=d\\n"',
            'unexpected character "!" in variable name near (not shown: it may be a secret)',
        ),
    ],
)
def test_what_compose_quotes_of_a_value_is_not_told(docker: FakeDocker, said: str, shown: str) -> None:
    docker.answers("compose", stderr=f"{said}\n", exit_code=15)

    with pytest.raises(DockerFailed) as raised:
        resolve(DockerCli(), ComposeOptions())

    assert raised.value.output == shown
    assert "s3cr3ts" not in raised.value.message


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    at = tmp_path / "repository"
    at.mkdir()
    (at / "file").write_text("one\n")
    for words in (
        ("init", "--quiet"),
        ("add", "file"),
        ("-c", "user.name=t", "-c", "user.email=t@t.invalid", "commit", "--quiet", "--message", "one"),
    ):
        subprocess.run(("git", "-C", str(at), *words), check=True)
    return at


def head(repository: Path) -> str:
    words = ("git", "-C", str(repository), "rev-parse", "HEAD")
    return subprocess.run(words, check=True, capture_output=True, text=True).stdout[:12]


def test_the_revision_of_a_clean_repository_is_its_commit(repository: Path) -> None:
    assert revision(str(repository)) == head(repository)


def test_files_that_git_does_not_know_change_no_revision(repository: Path) -> None:
    (repository / "notes").write_text("mine\n")

    assert revision(str(repository)) == head(repository)


def test_the_revision_of_a_changed_repository_has_a_plus(repository: Path) -> None:
    (repository / "file").write_text("two\n")

    assert revision(str(repository)) == head(repository) + "+"


def test_the_revision_without_a_directory_is_that_of_the_current_one(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(repository)

    assert revision(None) == head(repository)


def test_no_repository_no_revision(tmp_path: Path) -> None:
    assert revision(str(tmp_path)) == ""
    assert revision(str(tmp_path / "nowhere")) == ""


def test_a_repository_without_a_commit_has_no_revision(tmp_path: Path) -> None:
    subprocess.run(("git", "-C", str(tmp_path), "init", "--quiet"), check=True)

    assert revision(str(tmp_path)) == ""


def test_no_git_no_revision(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    assert revision(None) == ""


class TestWaitPage:
    """The file with the page for those that have waited too long is read with the release."""

    def resolved(self, docker: FakeDocker, folder: Path, name: object = "./sorry.html") -> Json:
        docker.answers("compose", stdout=RESOLVED + f"  wait_page: {json.dumps(name)}\n")
        return resolve(DockerCli(), ComposeOptions(files=(str(folder / "compose.yaml"),)))[0]

    def test_its_text_is_in_the_model_as_compose_writes_a_dollar(
        self, docker: FakeDocker, tmp_path: Path
    ) -> None:
        (tmp_path / "sorry.html").write_text("<p>{{ }} costs $5 \u2014 sorry</p>\n")
        found = self.resolved(docker, tmp_path)
        assert found["x-hitless"]["wait_page"] == "<p>{{ }} costs $$5 \u2014 sorry</p>\n"
        assert found["x-hitless"]["timeout"] == "1m30s"

    def test_what_is_no_name_is_left_to_be_told(self, docker: FakeDocker, tmp_path: Path) -> None:
        assert self.resolved(docker, tmp_path, [1])["x-hitless"]["wait_page"] == [1]

    @pytest.mark.parametrize(
        ("content", "said"),
        [
            (None, "can't be read"),
            (b"\xff\xfe", "it is not UTF-8"),
            (b" \n", "is empty"),
            (b"x" * 65_537, "larger than 64 KiB"),
        ],
    )
    def test_a_file_that_is_no_page_is_an_error_at_once(
        self, docker: FakeDocker, tmp_path: Path, content: bytes | None, said: str
    ) -> None:
        if content is not None:
            (tmp_path / "sorry.html").write_bytes(content)
        with pytest.raises(HitlessError, match=said) as error:
            self.resolved(docker, tmp_path)
        assert "wait_page" in error.value.message
        assert str(tmp_path / "sorry.html") in error.value.message
