"""The image of the Dockerfile, built and used as its first lines say.

No registry answers here. So what the Dockerfile takes from Docker's own image comes from this machine.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hitless import __version__
from tests.e2e.conftest import GATEWAY, ROOT, App, docker

# its build takes packages from Debian and PyPI
pytestmark = [pytest.mark.more, pytest.mark.long]

PLUGINS = ("/usr/local/lib/docker/cli-plugins", "/usr/local/libexec/docker/cli-plugins")
MORE_PLUGINS = ("/usr/lib/docker/cli-plugins", "/usr/libexec/docker/cli-plugins")
SOCKET = "/var/run/docker.sock"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The image, removed at the end."""
    name, here = f"{GATEWAY}-image", tmp_path_factory.mktemp("docker")
    command = shutil.which("docker")
    assert command
    (here / "usr/local/bin").mkdir(parents=True)
    shutil.copy(command, here / "usr/local/bin/docker")
    found = next(Path(one) for one in (*PLUGINS, *MORE_PLUGINS) if (Path(one) / "docker-compose").exists())
    plugins = here / "usr/local/libexec/docker/cli-plugins"
    plugins.mkdir(parents=True)
    for plugin in ("docker-compose", "docker-buildx"):
        shutil.copy(found / plugin, plugins)
    docker("build", "--quiet", "--build-context", f"docker:cli={here}", "--tag", name, str(ROOT))
    yield name
    docker("image", "rm", "--force", name)


def run(image: str, folder: Path, *words: str, options: tuple[str, ...] = ()) -> str:
    """The Dockerfile's own words."""
    mounts = ("-v", f"{SOCKET}:{SOCKET}", "-v", f"{folder}:{folder}", "-w", str(folder))
    command = ("docker", "run", "--rm", *mounts, *options, image, *words)
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_an_image_deploys_from_a_folder_and_by_the_script_of_ci(
    built: str, app: Callable[..., App], tmp_path: Path
) -> None:
    web = app()
    for command in (("init", "-q"), ("add", "."), ("commit", "-q", "-m", "one")):
        who = ("-c", "user.name=a", "-c", "user.email=a@example.org")
        subprocess.run(("git", "-C", str(tmp_path), *who, *command), check=True)
    revision = subprocess.check_output(("git", "-C", str(tmp_path), "rev-parse", "HEAD"), text=True)
    # whose folder it is on the host is not who runs hitless
    shutil.chown(tmp_path / ".git", 1000, 1000)
    assert run(built, tmp_path, "--version") == f"hitless {__version__}\n"

    named = ("-e", f"HITLESS_GATEWAY={GATEWAY}", "-e", "RELEASE=1")
    said = run(built, tmp_path, *web.cli.options, "deploy", options=named)
    assert "release 1 is live" in said
    assert web.get().headers["X-Release"] == "1"
    (latest, *_) = web.cli.json("history")
    assert latest["revision"][:7] == revision[:7]

    inputs = {"OPTIONS": " ".join(web.cli.options), "GATEWAY": GATEWAY, "DOTENV": f"{tmp_path}/hitless.env"}
    variables = [word for name, value in inputs.items() for word in ("-e", f"HITLESS_CI_{name}={value}")]
    options = (*variables, "-e", "RELEASE=2", "-e", "GITLAB_CI=true", "--entrypoint", "hitless-ci")
    run(built, tmp_path, options=options)
    assert web.get().headers["X-Release"] == "2"
    assert "HITLESS_RELEASE=2\n" in (tmp_path / "hitless.env").read_text()

    ssh = run(built, tmp_path, "-c", "ssh -V 2>&1; docker compose version", options=("--entrypoint", "sh"))
    assert "OpenSSH" in ssh
    assert "Compose version" in ssh
