"""Deploy the files of the corpus that a plan accepts, with one small server in place of every image.

    HITLESS_CORPUS=FOLDER python -m tests.corpus.deployed [NUMBER…]     # also writes docs/corpus-deployed.md

`hitless init` has answered first, as a user who says that two copies may write. What the stand-in replaces:
image, build, entrypoint, health-check commands, devices, users and limits; what a file mounts from elsewhere
on the host is a folder of its own. Everything else is as the files have it. Ports are published on the
loopback address alone; those of shared services at a number of Docker's choice, because other files have the
same. Each file is deployed, deployed again under load, rolled back, and removed.
"""

from __future__ import annotations

import http.client
import json
import os
import socket
import ssl
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from textwrap import wrap
from typing import Any

from bench.threads import running
from hitless.domain.application import mounts
from hitless.domain.application import read as reading
from hitless.domain.application.model import Application, Role, Service
from hitless.domain.common.foreign import Json
from hitless.domain.routing import forward_auth, rules
from hitless.domain.routing.entry_points import ALIASES, WEB, WEBSECURE, port_of
from hitless.domain.routing.https import named
from tests.corpus.plans import (
    GATEWAY,
    ROOT,
    File,
    files,
    give,
    initialised,
    planned,
    planned_again,
    trusting,
)
from tests.e2e.conftest import Cli, _remove_gateway, docker, free_port
from tests.e2e.pebble import introduce, pebble

PAGE = ROOT / "docs" / "corpus-deployed.md"
IMAGE = "hitless-corpus-standin"
_PROBES = 8
_WIDTH = 118
_PAUSE = 0.02  # seconds between two requests of a probe
_BY_A_MIDDLEWARE = {301, 302, 303, 307, 308, 401, 403, 429}
_HOW = """
`make corpus` deploys every file of [the corpus](corpus.md) that a plan accepts after `hitless init` by a user
who says that two copies may write. One small server stands in for every image. It listens on the ports in
question, tells its release, and holds a lock in each volume that only one may write to. Then come a second
deployment under requests to every route, a rollback, and `down`.
""".strip()
_WHAT = """
Of {of} files {deployed} were deployed. With {good} of them nothing went wrong: no request of {requests} was
lost, none got the old release after the first answer of the new one, shared services were not touched, no
volume had two writers, and nothing was left behind.
""".strip()
# keys that the stand-in replaces, or that it could not start with
_KEYS = """
    build image entrypoint healthcheck devices device_cgroup_rules gpus privileged runtime user group_add
    cap_add cap_drop security_opt mem_limit memswap_limit mem_reservation cpus cpuset platform sysctls
    shm_size logging read_only working_dir pull_policy ulimits pids_limit tmpfs profiles
"""
_LEFT_OUT = frozenset(_KEYS.split())


@dataclass(frozen=True)
class Probe:
    """A request that a client of the application sends all the time, by its own host name."""

    port: int
    is_tls: bool
    host: str
    path: str

    def ask(self) -> tuple[int, str]:
        """The status, and the release that has answered; "" if something else has."""
        if self.is_tls:
            context = ssl._create_unverified_context()
            connection: http.client.HTTPConnection = http.client.HTTPSConnection(
                "127.0.0.1", self.port, timeout=20, context=context
            )
            raw = socket.create_connection(("127.0.0.1", self.port), timeout=20)
            connection.sock = context.wrap_socket(raw, server_hostname=self.host or "localhost")
        else:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request("GET", self.path, headers={"Host": self.host or "localhost"})
            answer = connection.getresponse()
            answer.read()
            return answer.status, answer.headers.get("X-Release") or ""
        finally:
            connection.close()


@dataclass
class Seen:
    """What the clients saw: when each request began, its answer, and what was lost."""

    answers: list[tuple[float, str]] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)

    def mixed(self, old: str, new: str) -> int:
        """How many requests got the old release though they began after an answer of the new one."""
        first = min((began for began, release in self.answers if release == new), default=float("inf"))
        return sum(began > first and release == old for began, release in self.answers)


@contextmanager
def clients(probes: Sequence[Probe], usual: Mapping[Probe, int]) -> Iterator[Seen]:
    """One client for each probe; a status that is not its usual one is a loss."""
    seen, is_over = Seen(), threading.Event()

    def work(probe: Probe) -> None:
        while not is_over.is_set():
            began = time.monotonic()
            try:
                status, release = probe.ask()
            except OSError as error:
                seen.lost.append(f"{probe.host}{probe.path}: {error!r}")
            else:
                # when the answer came counts for the new release, when it was asked for the old one
                seen.answers.append((time.monotonic() if release == "2" else began, release))
                if status not in (usual[probe], 429):
                    seen.lost.append(f"{probe.host}{probe.path}: {status}")
            time.sleep(_PAUSE)

    threads = [threading.Thread(target=work, args=(probe,)) for probe in probes]
    with running(threads, is_over):
        yield seen


@dataclass(frozen=True)
class Outcome:
    """The result for a file: the requests of the second deployment, and every problem."""

    number: str
    requests: int
    problems: tuple[str, ...]


def deploy(file: File, folder: Path, web: int, https: int, gateway: str = GATEWAY) -> Outcome:
    """Deploy a file twice, roll back, and take it down."""
    model = file.model()
    found, _ = reading.read(model)
    folder.mkdir()
    made = [_write(found, folder, release) for release in ("1", "2")]
    name = f"corpus{file.number}"
    first, second = (Cli(("-p", name, "-f", str(path)), {"HITLESS_GATEWAY": gateway}) for path in made)
    problems: list[str] = []
    seen = Seen()
    created = _external(model)
    try:
        first.run("deploy")
        probes = _probes(found, web, https)
        usual = {probe: probe.ask()[0] for probe in probes}
        problems += [
            f"{probe.host}{probe.path}: {status} after the first deployment"
            for probe, status in usual.items()
            if status != 200 and status not in _BY_A_MIDDLEWARE
        ]
        shared = _containers(name)
        with clients(probes, usual) as seen:
            second.run("deploy")
        problems += sorted(set(seen.lost))
        if mixed := seen.mixed("1", "2"):
            problems.append(f"{mixed} answers of the old release after one of the new")
        first.run("rollback")
        problems += [f"{one} is another container now" for one in set(shared) - set(_containers(name))]
        problems += [f"two writers: {path}" for path in folder.rglob("TWO-WRITERS")]
    except AssertionError as error:
        problems.append(_cause(str(error)))
    except OSError as error:  # of a probe before the load
        problems.append(f"not reached after the first deployment: {error}")
    finally:
        with suppress(AssertionError):
            first.run("down", "--volumes", "--drain-timeout", "5")
        left = docker("ps", "--all", "--filter", f"name=^{name}", "--format", "{{.Names}}").split()
        left += [
            one
            for one in docker("network", "ls", "--format", "{{.Name}}").split()
            if one.startswith(name) and one not in created
        ]
        problems += [f"left behind: {one}" for one in left]
        if left:
            docker("rm", "--force", *docker("ps", "-aq", "--filter", f"name=^{name}").split())
        for one, kind in created.items():
            with suppress(AssertionError):
                docker(kind, "rm", one)
    return Outcome(file.number, len(seen.answers), tuple(problems))


def build_standin() -> None:
    """Build the image that stands in for others."""
    docker("build", "--quiet", "--tag", IMAGE, str(Path(__file__).with_name("standin")))


def _cause(output: str) -> str:
    """The lines of a failed command that say why: hitless's own, and the engine's."""
    lines = [line.strip() for line in output.splitlines()]
    first = next((line for line in lines if line.startswith(("hitless:", "error "))), lines[0])
    return " ".join([first, *(line for line in lines if line.startswith("Error response"))])


def _containers(name: str) -> list[str]:
    """The ids of the containers of the shared services."""
    label = f"label=com.docker.compose.project={name}"
    return docker("ps", "--quiet", "--filter", label).split()


def _external(model: Json) -> dict[str, str]:
    """Create the networks and volumes that the file expects on the host: name -> kind."""
    found = {}
    for kind in ("network", "volume"):
        for key, one in (model.get(f"{kind}s") or {}).items():
            name = str((one or {}).get("name") or key)
            if (one or {}).get("external") and name not in docker(
                kind, "ls", "--format", "{{.Name}}"
            ).split():
                docker(kind, "create", name)
                found[name] = kind
    return found


def _probes(found: Application, web: int, https: int) -> tuple[Probe, ...]:
    """A request for each HTTP route that says by its rule what it wants."""
    probes = []
    for router in found.routes.routers:
        example = rules.example(router.rule)
        if router.is_tcp or example is None:
            continue
        for entry_point in named(router, ALIASES).entry_points or (WEB,):
            port = {WEB: web, WEBSECURE: https}.get(entry_point) or port_of(entry_point)
            if port:
                probes.append(Probe(port, entry_point == WEBSECURE, *example))
    # over TLS a route without a host is reached by a name that has a certificate
    known = next((one.host for one in probes if one.is_tls and one.host), "")
    probes = [replace(one, host=known) if one.is_tls and not one.host else one for one in probes]
    return tuple(dict.fromkeys(probes))[:_PROBES]


def _write(found: Application, folder: Path, release: str) -> Path:
    """The Compose file of a release, with the stand-in for every image."""
    model = dict(found.model)
    model.pop("name", None)
    model["services"] = {one.name: _service(found, one, folder, release) for one in found.services}
    for kind in ("secrets", "configs"):
        for one in (model.get(kind) or {}).values():
            if path := (one or {}).get("file"):
                Path(path).parent.mkdir(parents=True, exist_ok=True)
                if not Path(path).exists():
                    Path(path).write_text("secret\n")
    path = folder / f"release-{release}.json"
    path.write_text(json.dumps(model, ensure_ascii=False))
    return path


def _service(found: Application, service: Service, folder: Path, release: str) -> dict[str, Any]:
    own: Json = found.model["services"][service.name]
    kept = {key: value for key, value in own.items() if key not in _LEFT_OUT}
    is_kept = service.role is Role.SHARED
    volumes = [_mount(dict(mount), folder) for mount in own.get("volumes") or ()]
    data = {str(mount["target"]) for mount in mounts.writable({"volumes": volumes})}
    others = [one for name, one in found.model["services"].items() if name != service.name]
    together = {str(mount["source"]) for one in others for mount in mounts.writable(one)}
    single = set(mounts.data(own)) - together if is_kept or service.exclusive else set()
    alone = [str(mount["target"]) for mount in own.get("volumes") or () if mount.get("source") in single]
    ports = {int(port["target"]) for port in own.get("ports") or ()}
    ports |= {int(str(port).partition("/")[0]) for port in own.get("expose") or () if "-" not in str(port)}
    ports |= {one.port or 80 for one in found.routes.backends_of(service.name)}
    ports |= {int(one.health_check.get("port") or 80) for one in found.routes.backends_of(service.name)}
    addresses = map(forward_auth.address, found.routes.middlewares.values())
    asked = {forward_auth.port(one) for one in addresses if one and one.hostname == service.name}
    told = {
        "service": service.name,
        "release": "shared" if is_kept else release,
        "ports": sorted({*(ports or {80}), *filter(None, asked)}),
        "data": sorted(data),
        "alone": alone,
        "once": service.role is Role.JOB or (is_kept and _is_waited_for(found, service)),
    }
    deploy = {key: value for key, value in (own.get("deploy") or {}).items() if key not in ("resources",)}
    made: dict[str, Any] = {
        **kept,
        **({"deploy": deploy} if deploy else {}),
        "image": IMAGE,
        "pull_policy": "never",
        "volumes": volumes,
        # what its image would expose
        **({"expose": [str(port) for port in asked if port]} if asked else {}),
        "ports": [_published(port, is_kept) for port in own.get("ports") or ()],
        "environment": {**(own.get("environment") or {}), "STANDIN": json.dumps(told).replace("$", "$$")},
        "x-hitless": {
            **(own.get("x-hitless") or {}),
            "role": str(service.role),
            # what its image is tells more than the stand-in's name
            **({"concurrent_writes": True} if service.role in (Role.WEB, Role.WORKER) else {}),
            **({"exclusive": service.exclusive} if service.exclusive is not None else {}),
        },
    }
    if service.healthcheck:
        made["healthcheck"] = {
            "test": ["CMD", "python3", "-S", "/standin.py", "check"],
            "interval": "1s",
            "retries": 20,
        }
    return made


def _published(port: dict[str, Any], is_kept: bool) -> dict[str, Any]:
    """A published port on loopback; of Docker's choice where Docker itself publishes it."""
    kept = {key: value for key, value in port.items() if key != "published" or not is_kept}
    return {**kept, "host_ip": "127.0.0.1"}


def _is_waited_for(found: Application, service: Service) -> bool:
    """Whether another service waits for its end."""
    return any(one.depends_on.get(service.name) == "service_completed_successfully" for one in found.services)


def _mount(mount: dict[str, Any], folder: Path) -> dict[str, Any]:
    """A bind mount as it is, but of a folder or file below `folder`."""
    if mount.get("type") != "bind":
        return mount
    source = Path(str(mount["source"]))
    if str(source).startswith("/etc/") and source.is_file():
        return mount  # the clock
    here = folder / "host" / str(source).lstrip("/")
    if source.suffix or str(source).endswith(".sock"):
        here.parent.mkdir(parents=True, exist_ok=True)
        if not here.exists():
            here.touch()
    else:
        here.mkdir(parents=True, exist_ok=True)
    return {**mount, "source": str(here)}


def main(corpus: Path, folder: Path, numbers: Sequence[str]) -> bool:
    """Deploy all that a plan accepts, and write the page; False if something went wrong.

    `numbers` are the files to try, all without any: then the page is written.
    """
    build_standin()
    cli = Cli((), {"HITLESS_GATEWAY": GATEWAY})
    _remove_gateway(cli)
    web, https = free_port(), free_port()
    cli.run(
        *("gateway", "up", "--http-port", str(web), "--https-port", str(https), "--bind", "127.0.0.1"),
        *("--acme-email", "corpus@example.org", *introduce(folder)),
    )
    outcomes: list[Outcome] = []
    try:
        found = [
            one.as_run(folder / "as-is") for one in files(corpus) if not numbers or one.number in numbers
        ]
        found = initialised(found, folder / "answered", trusting)
        plans = planned(found)
        give(cli, plans, folder)
        accepted = [one.file for one in planned_again(plans) if not one.errors]
        with pebble(GATEWAY, folder):
            for one in accepted:
                outcomes.append(deploy(one, folder / f"deployed-{one.number}", web, https))
                print(outcomes[-1], flush=True)
    finally:
        _remove_gateway(cli)
    if not numbers:
        PAGE.write_text(page(len(found), outcomes))
    return not any(one.problems for one in outcomes)


def page(of: int, outcomes: Sequence[Outcome]) -> str:
    """The page of the documentation."""
    good = [one for one in outcomes if not one.problems]
    requests = f"{sum(one.requests for one in good):,}"
    what = _WHAT.format(of=of, deployed=len(outcomes), good=len(good), requests=requests)
    lines = ["# The corpus, deployed", "", *wrap(_HOW, _WIDTH), "", *wrap(what, _WIDTH)]
    if len(good) < len(outcomes):
        lines += ["", "| file | what went wrong |", "| --- | --- |"]
        lines += [f"| {one.number} | {'; '.join(one.problems)} |" for one in outcomes if one.problems]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as made:
        sys.exit(not main(Path(os.environ["HITLESS_CORPUS"]), Path(made), sys.argv[1:]))
