"""Write down what a host looks like that today's hitless has left: `python -m tests.recorded.record`.

By hand, and once for each shape of what is kept: it needs a real engine, takes 20 minutes, and writes `v1`,
which every later hitless must go on to read. Names of situations after it have those alone written.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.e2e.conftest import GATEWAY, IMAGE, ROOT, Cli, Gateway, docker, gateway_of_its_own
from tests.recorded.recordings import APPLICATION, FIRST, MANIFEST, RECORDINGS

COMPOSE = Path(__file__).with_name("compose.yml")
PROJECTS = (APPLICATION, f"{APPLICATION}-blue", f"{APPLICATION}-green")
ROUTES = "/etc/hitless/routes"
STATE = f"/var/lib/hitless/{APPLICATION}"
RELEASES = 3  # deployed before anything is killed: one is live, two are kept
KILLED = -9

# What these labels say is of the machine that recorded, and nobody reads it
_OF_THIS_MACHINE = {
    "hitless.dev",
    "com.docker.compose.project.working_dir",
    "com.docker.compose.project.environment_file",
    "com.docker.compose.version",
}


@dataclass(frozen=True)
class Kill:
    """A command of hitless that is killed at a point (see tests/e2e/faulty.py)."""

    command: str
    at: str


def situations(steps: Mapping[str, str]) -> dict[str, tuple[Kill, ...]]:
    """Every situation by name: what was killed. `steps` maps a deployment's steps -> where to kill it."""
    of_deploy = {
        f"deploy-killed-at-{number:02}-{_slug(step)}": (Kill("deploy", at),)
        for number, (step, at) in enumerate(steps.items(), start=1)
    }
    warm = Kill("deploy", steps["drain"])
    return {
        FIRST: (),
        **of_deploy,
        "rollback-killed-at-hand-scheduler-over": (Kill("rollback", "hand-over: before restart"),),
        "rollback-killed-at-drain": (Kill("rollback", "drain: before restart"),),
        "rollback-killed-at-retire": (Kill("rollback", "retire: before stop"),),
        "down-killed-at-drain": (Kill("down", "drain: before restart"),),
        "down-killed-at-retire": (Kill("down", "retire: before remove"),),
        "down-killed-at-forget-release": (Kill("down", "forget: before untag"),),
        "abort-before-the-cutover-killed-at-retire": (
            Kill("deploy", steps["cut-over"]),
            Kill("abort", "retire: before stop"),
        ),
        "abort-after-the-cutover-killed-at-hand-scheduler-over": (
            warm,
            Kill("abort", "hand-over: before restart"),
        ),
        "abort-after-the-cutover-killed-at-drain": (warm, Kill("abort", "drain: before restart")),
        "abort-after-the-cutover-killed-at-retire": (warm, Kill("abort", "retire: before stop")),
    }


def main() -> None:
    """Record the situations that are named, or all of them."""
    wanted = set(sys.argv[1:])
    docker("build", "--quiet", "--tag", IMAGE, str(ROOT / "tests" / "e2e" / "tiny"))
    taken = docker("ps", "--all", "--filter", f"name=^{APPLICATION}-", "--format", "{{.Names}}")
    if taken.replace(f"{GATEWAY}-traefik-1", ""):
        sys.exit(f"there are containers of that name already: {taken}")
    with tempfile.TemporaryDirectory() as directory, gateway_of_its_own(GATEWAY) as gateway:
        file = Path(directory) / "compose.yml"
        file.write_text(COMPOSE.read_text().replace("IMAGE", IMAGE))
        recorder = Recorder(gateway, Cli(("-p", APPLICATION, "-f", str(file))), Path(directory))
        recorder.begin()
        found = situations(recorder.steps())
        for name, kills in found.items():
            if wanted and name not in wanted:
                continue
            began = time.monotonic()
            recorder.begin()
            for kill in kills:
                recorder.kill(kill)
            write(name, recorder.recorded())
            print(f"{name}  {time.monotonic() - began:.0f} s", flush=True)


@dataclass
class Recorder:
    """The application on its gateway; commands run here, in a directory of no repository."""

    gateway: Gateway
    cli: Cli
    directory: Path
    release: int = 0

    def begin(self) -> None:
        """The application as it is before anything is killed, on a gateway that knows nothing of it."""
        if _containers() or _tags():
            self._run("down", "--volumes", "--drain-timeout", "1")
        self._inside(f"rm -rf {STATE}")
        self.release = 0
        for _ in range(RELEASES):
            self._run("deploy")

    def steps(self) -> dict[str, str]:
        """The steps of the next deployment: name -> the first point at which its journal tells of it."""
        record = self.directory / "points"
        self._run("deploy", faulty=("--record", str(record)))
        points = [json.loads(line)["point"] for line in record.read_text().splitlines()]
        names = [point.removeprefix("before ") for point in points if point.startswith("before ")]
        # one that only looks has no point but its end, which comes before that is written down
        return {
            name: next((point for point in points if point.startswith(f"{name}: ")), f"after {name}")
            for name in names
        }

    def kill(self, kill: Kill) -> None:
        """Run a command that is killed at its point, and wait until its lock has gone."""
        self._run(kill.command, faulty=("--at", kill.at, "--do", "SIGKILL"), code=KILLED)
        deadline = time.monotonic() + 30
        while (self.gateway.cli.json("-p", APPLICATION, "status")["deployment"] or {}).get("is_under_way"):
            assert time.monotonic() < deadline
            time.sleep(0.1)

    def recorded(self) -> dict[str, str]:
        """What is on the host: path -> text."""
        files = {
            **{f"routes/{name}": self._inside(f"cat {ROUTES}/{name}") for name in self._listed(ROUTES)},
            **{
                f"releases/{name}": self._inside(f"cat {STATE}/releases/{name}")
                for name in self._listed(f"{STATE}/releases")
            },
            "journal": _journal(self._inside(f"cat {STATE}/journal")),
            "images.json": _json(_images()),
            "volumes.json": _json(_volumes()),
            **{f"networks/{one['Name']}.json": _json(one) for one in _networks()},
            **{f"containers/{one['inspect']['Name'][1:]}.json": _json(one) for one in _containers()},
        }
        return _nameless(files)

    def _listed(self, directory: str) -> list[str]:
        return self._inside(f"ls {directory} 2>/dev/null || true").split()

    def _inside(self, script: str) -> str:
        words = ("docker", "exec", "-u", "0:65532", self.gateway.container, "sh", "-c", script)
        return subprocess.run(words, capture_output=True, text=True, check=True).stdout

    def _run(self, *command: str, faulty: Iterable[str] = (), code: int = 0) -> None:
        if command[0] == "deploy":
            self.release += 1
        words = (sys.executable, "-m", "tests.e2e.faulty", *faulty, "--", *self.cli.options, *command)
        path = os.pathsep.join((str(ROOT), os.environ.get("PYTHONPATH", "")))
        more = {"HITLESS_GATEWAY": GATEWAY, "RELEASE": str(self.release), "PYTHONPATH": path}
        done = subprocess.run(
            words, cwd=self.directory, env={**os.environ, **more}, capture_output=True, text=True, check=False
        )
        assert done.returncode == code, f"{command}: exit code {done.returncode}\n{done.stdout}{done.stderr}"


def write(situation: str, files: Mapping[str, str]) -> None:
    """Write the files of a situation that lie in no other one's folder yet, and where each is."""
    known = {
        (path.relative_to(folder).as_posix(), path.read_text()): folder.name
        for folder in sorted(RECORDINGS.glob("*/"), key=lambda folder: (folder.name != FIRST, folder.name))
        if folder.name != situation
        for path in folder.rglob("*")
        if path.is_file() and path.name != MANIFEST
    }
    folder = RECORDINGS / situation
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True, exist_ok=True)
    first = RECORDINGS / FIRST / "journal"
    lines = []
    for path, text in sorted(files.items()):
        if path == "journal" and situation != FIRST:
            assert text.startswith(first.read_text()), "the journal does not begin as that of the first one"
            text = text.removeprefix(first.read_text())
            lines.append(f"{path}  {FIRST}, then here")
        elif where := known.get((path, text)):
            lines.append(f"{path}  {where}")
            continue
        else:
            lines.append(f"{path}  here")
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    (folder / MANIFEST).write_text("\n".join(lines) + "\n")


def _containers() -> list[dict[str, Any]]:
    """What `docker inspect` and `docker ps` say of each container, as far as hitless reads it.

    Beside that what it takes to make such a container: its command, its environment, its restart policy.
    """
    found = []
    rows = docker("ps", "--all", "--no-trunc", "--format", "{{json .}}").splitlines()
    said = {row["ID"]: row for row in map(json.loads, rows)}
    ids = [word for project in PROJECTS for word in _of_project("ps", "--all", "--no-trunc", project=project)]
    for one in json.loads(docker("container", "inspect", *ids)) if ids else ():
        state, config, row = one["State"], one["Config"], said[one["Id"]]
        found.append(
            {
                "inspect": {
                    "Id": one["Id"],
                    "Name": one["Name"],
                    "RestartCount": one["RestartCount"],
                    "State": {
                        **_only(state, "Status", "ExitCode", "OOMKilled"),
                        **({"Health": _only(state["Health"], "Status")} if "Health" in state else {}),
                    },
                    "Config": {
                        **_only(config, "Image", "Cmd"),
                        "Env": sorted(config["Env"]),  # Compose writes them in any order
                        **_only(config, *(["Healthcheck"] if "Healthcheck" in config else [])),
                        "Labels": _labels(config["Labels"]),
                    },
                    "HostConfig": {"RestartPolicy": _only(one["HostConfig"]["RestartPolicy"], "Name")},
                    "Mounts": [_only(mount, "Type", "Name", "Destination") for mount in one["Mounts"]],
                    "NetworkSettings": {
                        "Ports": one["NetworkSettings"]["Ports"],
                        "Networks": {
                            network: {
                                "Aliases": endpoint["Aliases"],
                                "IPAddress": _address(one["Name"], network) if endpoint["IPAddress"] else "",
                                "GlobalIPv6Address": "",
                            }
                            for network, endpoint in one["NetworkSettings"]["Networks"].items()
                        },
                    },
                },
                "ps": {
                    **_only(row, "ID", "Names", "State", "Image"),
                    "Networks": ",".join(sorted(row["Networks"].replace(GATEWAY, "traefik").split(","))),
                    "Status": _status(row["Status"]),
                },
            }
        )
    return sorted(found, key=lambda one: str(one["inspect"]["Name"]))


def _status(text: str) -> str:
    """`Up 2 minutes (healthy)`, `Exited (0) 2 minutes ago`, `Created`: without how long it really was."""
    return re.sub(r"(?:(?:About|Less than) an? \w+|\d+ \w+)(?= ago|$| \()", "2 minutes", text)


def _address(container: str, network: str) -> str:
    """An address that is the same at each recording."""
    digest = hashlib.sha256(f"{container} {network}".replace(GATEWAY, "traefik").encode()).digest()
    return f"10.213.{digest[0]}.{digest[1] % 250 + 2}"


def _networks() -> list[dict[str, Any]]:
    label = f"label=hitless.application={APPLICATION}"
    ids = docker("network", "ls", "--quiet", "--filter", label).split()
    found = json.loads(docker("network", "inspect", *ids)) if ids else []
    return [
        {
            **_only(one, "Name", "Labels"),
            "IPAM": {"Config": [_only(pool, "Subnet") for pool in one["IPAM"]["Config"]]},
        }
        for one in found
    ]


def _images() -> dict[str, Any]:
    names = [IMAGE, *_tags()]
    found = json.loads(docker("image", "inspect", *names))
    return {
        name: {
            "Id": one["Id"],
            "Config": {key: one["Config"].get(key) for key in ("ExposedPorts", "Healthcheck", "Volumes")},
        }
        for name, one in zip(names, found, strict=True)
    }


def _tags() -> list[str]:
    found = docker("images", "--filter", f"reference=hitless:{APPLICATION}.*", "--format", "{{.Tag}}")
    return sorted(f"hitless:{tag}" for tag in found.split())


def _volumes() -> dict[str, Any]:
    names = docker("volume", "ls", "--quiet", "--filter", f"label=hitless.application={APPLICATION}").split()
    found = json.loads(docker("volume", "inspect", *names)) if names else []
    return {one["Name"]: one["Labels"] for one in found}


def _journal(text: str) -> str:
    """The journal with times of its own, so that all recordings of the same events are equal.

    Of the empty lines, which are signs of life, those at the beginning of a command stay.
    """
    lines: list[str] = []
    for line in text.splitlines():
        if not line:
            continue
        event = json.loads(line)
        if event["event"] == "began":
            lines.append("")
        number = len(lines)
        event["time"] = f"2026-01-01T{number // 3600:02}:{number // 60 % 60:02}:{number % 60:02}.125+00:00"
        if "holder" in event:
            event["holder"] = "ann@laptop, process 4711"
        if "seconds" in event:
            event["seconds"] = 0.25
        lines.append(json.dumps(event))
    return "\n".join(lines) + "\n"


def _nameless(files: Mapping[str, str]) -> dict[str, str]:
    """The same with the gateway's usual name, and with ids and times that are the same at each recording."""
    every = "\n".join(files.values())
    names = {
        one["inspect"]["Id"]: one["inspect"]["Name"] for one in map(json.loads, _of(files, "containers/"))
    }
    changes = {id_: hashlib.sha256(name.encode()).hexdigest() for id_, name in names.items()}
    images = dict.fromkeys(re.findall(r"\bsha256:([0-9a-f]{64})\b", every))
    changes |= {
        digest: hashlib.sha256(f"image {number}".encode()).hexdigest() for number, digest in enumerate(images)
    }
    changes[GATEWAY] = "traefik"

    def changed(path: str, text: str) -> str:
        if path.startswith("routes/"):  # with a digest of all that it holds, and nothing of the machine
            return text
        for old, new in changes.items():
            text = text.replace(old, new)
        if path.startswith("releases/"):
            number = json.loads(text)["number"]
            text = re.sub(
                r'"created": "[^"]*"', f'"created": "2026-01-01T00:00:{number:02}.125+00:00"', text, count=1
            )
        return text

    return {path.replace(GATEWAY, "traefik"): changed(path, text) for path, text in files.items()}


def _of(files: Mapping[str, str], folder: str) -> list[str]:
    return [text for path, text in files.items() if path.startswith(folder)]


def _of_project(*command: str, project: str) -> list[str]:
    return docker(*command, "--quiet", "--filter", f"label=com.docker.compose.project={project}").split()


def _labels(labels: Mapping[str, str]) -> dict[str, str]:
    found = {name: value for name, value in labels.items() if name not in _OF_THIS_MACHINE}
    # Compose writes them in any order
    waits_for = "com.docker.compose.depends_on"
    return {**found, waits_for: ",".join(sorted(found[waits_for].split(",")))}


def _only(found: Mapping[str, Any], *keys: str) -> dict[str, Any]:
    return {key: found[key] for key in keys}


def _json(value: Any) -> str:
    return json.dumps(value, indent=1, sort_keys=True) + "\n"


def _slug(step: str) -> str:
    return re.sub(r"[^a-z]+", "-", step.lower()).strip("-")


if __name__ == "__main__":
    main()
