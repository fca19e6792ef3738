"""The built wheel, installed and used where nothing else of hitless is."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import venv
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from hitless import __version__
from tests.e2e.conftest import ROOT, App

pytestmark = pytest.mark.more


def run(*command: str | Path, cwd: Path, **environment: str) -> str:
    """The output of a command that has neither this source tree nor its environment."""
    plain = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=False,
        cwd=cwd,
        timeout=300,
        env={**plain, **environment},
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout


def test_the_wheel_deploys_in_an_empty_environment(app: Callable[..., App], tmp_path: Path) -> None:
    built, empty, elsewhere = (tmp_path / name for name in ("built", "empty", "elsewhere"))
    elsewhere.mkdir()
    run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-t", "sdist", "-d", built, cwd=ROOT)
    [wheel] = built.glob("*.whl")
    [sdist] = built.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {"pyproject.toml", "LICENSE", "README.md", "src/hitless/adapters/gateway/state.sh"} <= names
    with zipfile.ZipFile(wheel) as archive:
        files = archive.namelist()
        (metadata,) = (archive.read(name).decode() for name in files if name.endswith("/METADATA"))
    said, _, readme = metadata.partition("\n\n")
    assert {"License-Expression: MIT", "Description-Content-Type: text/markdown"} <= {*said.splitlines()}
    assert "Requires-Python: >=3.11" in said
    assert readme.startswith("# hitless")
    assert [name for name in files if name.endswith("/scripts/hitless-ci")]
    venv.create(empty, with_pip=True)
    run(empty / "bin" / "python", "-m", "pip", "install", "--quiet", wheel, cwd=elsewhere)
    hitless = empty / "bin" / "hitless"
    assert run(hitless, "--version", cwd=elsewhere) == f"hitless {__version__}\n"
    web = app()
    said = run(hitless, "deploy", *web.cli.options, cwd=elsewhere, **web.cli.environment)
    assert "release 1 is live" in said
    assert web.get().headers["X-Release"] == "1"
    second = {**web.cli.environment, "RELEASE": "2"}
    run(empty / "bin" / "python", "-m", "hitless", "deploy", *web.cli.options, cwd=elsewhere, **second)
    assert web.get().headers["X-Release"] == "2"
