"""The plug-in of Docker's command line, run as Docker runs it."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner

from hitless import __version__
from hitless.cli.main import hitless
from tests.adapters.fake_docker import FakeDocker


@pytest.fixture
def plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "a folder"))
    return tmp_path / "a folder" / "cli-plugins" / "docker-hitless"


def install(*words: str) -> str:
    done = CliRunner().invoke(hitless, ["install-plugin", *words])
    return done.output if done.exit_code == 0 else str(done.exception)


def called(plugin: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run((plugin, *words), capture_output=True, text=True, check=False, timeout=20)


def test_docker_learns_what_it_is(plugin: Path) -> None:
    assert str(plugin) in install()
    about = json.loads(called(plugin, "docker-cli-plugin-metadata").stdout)
    assert (about["SchemaVersion"], about["Vendor"], about["Version"]) == ("0.1.0", "hitless", __version__)


def test_it_is_hitless_with_dockers_own_words_before_it(docker: FakeDocker, plugin: Path) -> None:
    install()
    assert called(plugin, "hitless", "--version").stdout == f"hitless {__version__}\n"
    for words in (("--context", "far"), ("-c", "far"), ("--context=far",)):
        called(plugin, *words, "hitless", "-p", "shop", "history")
        assert docker.argvs[-1][:2] == ("--context", "far")
    refused = called(plugin, "--tls", "hitless", "status")
    assert (refused.returncode, refused.stderr) == (2, "docker hitless takes no --tls before its name\n")


def test_it_runs_no_code_of_the_folder_where_it_is_called(plugin: Path, tmp_path: Path) -> None:
    install()
    (tmp_path / "click.py").write_text("print('a stranger')\n")
    command = (plugin, "hitless", "--version")
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=20, cwd=tmp_path)
    assert done.stdout == f"hitless {__version__}\n", done.stderr


def test_it_goes_again_and_a_strangers_file_stays(plugin: Path) -> None:
    install()
    install()
    install("--remove")
    assert not plugin.exists()
    assert str(plugin) in install("--remove")
    plugin.write_text("#!/bin/sh\n")
    assert "is not from hitless" in install()
    assert "is not from hitless" in install("--remove")
    assert plugin.read_text() == "#!/bin/sh\n"


def test_a_place_that_can_not_be_written_is_an_error(plugin: Path) -> None:
    plugin.parent.parent.write_text("no folder")
    assert "can't be written" in install()
