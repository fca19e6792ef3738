"""action.yml and templates/deploy.yml, run as their runners run them, against an engine of its own.

The engine is reached over SSH, through an sshd of the tests' own, and over TCP with TLS.
"""

from __future__ import annotations

import datetime
import ipaddress
import os
import sys
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from ci import deploy
from hitless.adapters.gateway.programs import gateway_image
from hitless.cli.exit_codes import ExitCode
from hitless.domain.gateway.image import TRAEFIK_IMAGE
from tests.e2e.conftest import Cli, free_port, wait_for
from tests.e2e.runner import Job, github, github_job, gitlab
from tests.e2e.second_engine import SecondEngine
from tests.e2e.ssh_server import SshServer, descendants, new_key, ssh_server

pytestmark = [pytest.mark.more, pytest.mark.long]

GATEWAY = "hitless-ci-gateway"
FILE = """
name: shop
services:
  web:
    image: IMAGE
    command: ${COMMAND:-}
    stop_grace_period: 9s
    environment:
      RELEASE: ${RELEASE}
      BOOT_SECONDS: ${BOOT_SECONDS:-0}
    labels:
      traefik.http.routers.web.rule: Host(`shop.localhost`)
      traefik.http.services.web.loadbalancer.server.port: 8000
      traefik.http.services.web.loadbalancer.healthcheck.path: /health
      traefik.http.services.web.loadbalancer.healthcheck.interval: 1s
"""
# What a container may write so that a runner takes it for its own
WRITES_COMMANDS = (
    "sh -c \"echo '::set-output name=release::evil'; echo 'a ##[set-output name=release]evil'; exit 3\""
)
HANGS = "sh -c \"trap '' TERM; echo starting; while :; do sleep 0.2; done\""


class Authority:
    """A CA, and what it has signed; all as PEM."""

    def __init__(self, name: str) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self.certificate = self._signed(self._key.public_key(), self._name, is_ca=True)

    def sign(self, name: str) -> tuple[str, str]:
        """A certificate for 127.0.0.1, and its key."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        form = serialization.PrivateFormat.PKCS8
        text = key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())
        return self._signed(key.public_key(), subject, is_ca=False), text.decode()

    def _signed(self, key: ec.EllipticCurvePublicKey, subject: x509.Name, is_ca: bool) -> str:
        now = datetime.datetime.now(datetime.UTC)
        address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
        made = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + datetime.timedelta(days=1))
            .add_extension(x509.BasicConstraints(is_ca, None), critical=True)
            .add_extension(x509.SubjectAlternativeName([address]), critical=False)
            .sign(self._key, hashes.SHA256())
        )
        return made.public_bytes(serialization.Encoding.PEM).decode()


@dataclass(frozen=True)
class Host:
    """A Docker host that is reached over SSH and over TCP with TLS, and its gateway."""

    engine: SecondEngine
    ssh: SshServer
    folder: Path
    tcp: int
    http: int
    authority: Authority
    image: str

    @property
    def over_ssh(self) -> dict[str, str]:
        """What a job needs to get there."""
        key = (self.ssh.folder / "user").read_text()
        return {"host": self.ssh.host, "ssh-key": key, "known-hosts": self.ssh.known_hosts}

    def job(self, name: str) -> Path:
        """The folder of a new job that has checked out the application."""
        work = self.folder / name / "work"
        work.mkdir(parents=True)
        (work / "compose.yaml").write_text(FILE.replace("IMAGE", self.image))
        return work.parent

    def github(self, inputs: Mapping[str, str], name: str = "", **variables: str) -> Job:
        """A job with a hitless that is there already."""
        folder = self.job(name or f"job{len([*self.folder.iterdir()])}")
        return github(
            folder, {"version": "installed", "gateway": GATEWAY, **inputs}, **with_hitless(**variables)
        )

    def answering(self) -> str:
        """The release that answers."""
        with self.engine.entered():
            headers = {"Host": "shop.localhost"}
            answer = httpx.get(f"http://127.0.0.1:{self.http}/", headers=headers, timeout=10, trust_env=False)
        return answer.headers["X-Release"]

    def colours(self) -> set[str]:
        """The colours that have containers, also stopped ones."""
        label = "label=hitless.application=shop"
        found = self.engine.docker("ps", "-a", "--filter", label, "--format", '{{.Label "hitless.colour"}}')
        return set(found.split())


def with_hitless(**variables: str) -> dict[str, str]:
    return {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}", **variables}


@pytest.fixture(scope="module")
def host(image: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    folder = tmp_path_factory.mktemp("ci")
    authority, tcp, http = Authority("ci"), free_port(), free_port()
    certificate, key = authority.sign("engine")
    for name, text in (("ca", authority.certificate), ("cert", certificate), ("key", key)):
        (folder / f"{name}.pem").write_text(text)
    tls = ("--tlsverify", f"--tlscacert={folder}/ca.pem", f"--tlscert={folder}/cert.pem")
    options = (*tls, f"--tlskey={folder}/key.pem", "--host", f"tcp://127.0.0.1:{tcp}")
    (folder / "sshd").mkdir()
    (folder / "jobs").mkdir()
    # the socket's path must be short
    with (
        SecondEngine(Path("/tmp/hitless-ci"), options).running() as engine,
        ssh_server(folder / "sshd", engine.host.removeprefix("unix://")) as ssh,
    ):
        engine.load(TRAEFIK_IMAGE, gateway_image(), image)
        up = ("gateway", "up", "--http-port", str(http), "--bind", "127.0.0.1")
        Cli((), {"DOCKER_HOST": engine.host, "HITLESS_GATEWAY": GATEWAY}).run(*up)
        yield Host(engine, ssh, folder / "jobs", tcp, http, authority, image)


@contextmanager
def watched(*texts: str) -> Iterator[list[str]]:
    """Where any of the texts was on a command line or in an environment, of whatever ran here."""
    found, is_over = list[str](), threading.Event()
    before = {*Path("/proc").glob("[0-9]*")}

    def watch() -> None:
        while not is_over.wait(0.05):
            for process in {*Path("/proc").glob("[0-9]*")} - before:
                for name in ("cmdline", "environ"):
                    try:
                        content = (process / name).read_text(errors="replace")
                        command = (process / "cmdline").read_text(errors="replace").replace("\0", " ")
                    except OSError:
                        continue
                    if any(text in content for text in texts):
                        found.append(f"{name}: {command}")

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield found
    finally:
        is_over.set()
        watcher.join()


@dataclass(frozen=True)
class First:
    """The first job on a host, and where its key was seen."""

    job: Job
    key: str
    seen: list[str]


@pytest.fixture(scope="module")
def first(host: Host) -> First:
    """It installs hitless from the repository; after it there is a release that answers."""
    key = (host.ssh.folder / "user").read_text().splitlines()[2][:40]
    with watched(key) as seen:
        job = github(host.job("first"), {**host.over_ssh, "gateway": GATEWAY}, RELEASE="1")
    return First(job, key, seen)


def test_an_action_installs_hitless_and_deploys_over_ssh(host: Host, first: First) -> None:
    job = first.job
    assert job.code == 0, job.log
    address = f"http://shop.localhost:{host.http}"
    told = {"release": "1", "colour": "blue", "address": address, "outcome": "successful"}
    assert job.outputs == told
    assert host.answering() == "1"
    assert [*job.temporary.iterdir()] == []
    assert job.commands("group") == ["install hitless", "connect to the Docker host"]
    assert "release 1 (blue)" in job.summary
    assert "| live after |" in job.summary
    assert "| gate:blue |" in job.summary


def test_the_key_is_in_no_log_and_on_no_command_line(first: First) -> None:
    assert first.key not in first.job.log + first.job.summary
    # the runner gives it to the script in the environment; from there it goes to a file alone
    assert first.seen, "nobody watched"
    assert {one for one in first.seen if one.startswith("cmdline")} == set()
    assert {one for one in first.seen if not is_before_the_script(one)} == set()


def is_before_the_script(seen: str) -> bool:
    """Whether this is the script, or a shell that becomes it: `python3` may be a script of pyenv's."""
    command = seen.removeprefix("environ: ").rstrip()
    # one that ended while it was looked at has no words any more
    return not command or Path(command.split()[0]).name == "bash" or command.endswith("ci/deploy.py")


def test_two_jobs_at_once_over_ssh_and_tls_deploy_one_after_the_other(host: Host, first: First) -> None:
    certificate, key = host.authority.sign("runner")
    secrets = {"TLS_CA": host.authority.certificate, "TLS_CERT": certificate, "TLS_KEY": key}
    folder = host.job("component")
    for name, text in secrets.items():  # as variables of the type File arrive
        (folder / name).write_text(text)
    variables = {f"HITLESS_CI_{name}": str(folder / name) for name in secrets}

    def component() -> Job:
        inputs = {"image": "hitless", "host": f"tcp://127.0.0.1:{host.tcp}", "gateway": GATEWAY}
        with host.engine.entered():
            return gitlab(folder, inputs, **with_hitless(**variables, RELEASE="2", BOOT_SECONDS="1"))

    with ThreadPoolExecutor() as pool:
        other = pool.submit(component)
        action = host.github(host.over_ssh, RELEASE="2", BOOT_SECONDS="1")
    job = other.result()
    assert (action.code, job.code) == (0, 0), action.log + job.log
    assert {action.outputs["release"], job.outputs["HITLESS_RELEASE"]} == {"2", "3"}
    assert "waiting for" in action.log + job.log
    assert host.answering() == "2"
    assert "section_start" in job.log
    assert "release" in job.summary
    assert key.splitlines()[1] not in job.log
    assert [*(folder / "work.tmp").iterdir()] == []

    back = host.github({**host.over_ssh, "command": "rollback", "arguments": "1"}, RELEASE="9")
    assert back.code == 0, back.log
    assert host.answering() == "1"
    assert "✅ hitless rollback shop" in back.summary


@pytest.mark.parametrize(
    ("wrong", "cause"),
    [
        ("host key", "Host key verification failed"),
        ("user's key", "Permission denied (publickey"),
        ("no key", "no private key without a passphrase"),
        ("no known hosts", "known-hosts is empty"),
        ("nobody there", "Connection refused"),
        ("another CA", "certificate signed by unknown authority"),
        ("a client of another CA", "tls"),
        ("no TLS", "tls-ca is empty"),
    ],
)
def test_a_job_that_may_not_connect_says_why_and_leaves_nothing(
    host: Host, tmp_path: Path, wrong: str, cause: str
) -> None:
    other, inputs = Authority("other"), host.over_ssh
    certificate, key = (other if wrong == "a client of another CA" else host.authority).sign("runner")
    tls = {"host": f"tcp://127.0.0.1:{host.tcp}", "tls-cert": certificate, "tls-key": key}
    match wrong:
        case "host key":
            new_key(tmp_path / "other")
            inputs["known-hosts"] = f"[127.0.0.1]:{host.ssh.port} {(tmp_path / 'other.pub').read_text()}"
        case "user's key":
            inputs["ssh-key"] = new_key(tmp_path / "other")
        case "no key":
            inputs["ssh-key"] = "-----BEGIN OPENSSH PRIVATE KEY-----\nno"
        case "no known hosts":
            inputs["known-hosts"] = ""
        case "nobody there":
            inputs["host"] = f"ssh://root@127.0.0.1:{free_port()}"
        case "another CA":
            inputs = {**tls, "tls-ca": other.certificate}
        case "a client of another CA":
            inputs = {**tls, "tls-ca": host.authority.certificate}
        case "no TLS":
            inputs = {"host": tls["host"]}
    with host.engine.entered() if "tls-cert" in inputs else contextmanager(lambda: iter([None]))():
        job = host.github(inputs, RELEASE="9")
    assert job.code == 1
    (error,) = job.commands("error")
    assert cause in error, error
    assert cause in job.summary
    assert job.outputs["outcome"] == "failed"
    assert [*job.temporary.iterdir()] == []


def test_a_failed_deployment_fails_the_job_and_its_containers_command_nothing(
    host: Host, first: First
) -> None:
    before = host.answering()
    job = host.github(host.over_ssh, RELEASE="9", COMMAND=WRITES_COMMANDS)
    assert job.code == ExitCode.FAILED
    (error,) = job.commands("error")
    assert "exited" in error or "exit code 3" in error, error
    assert job.commands("set-output") == []
    assert "set-output name=release" in job.log  # it is there to read
    assert job.outputs["outcome"] == "failed"
    assert "❌ hitless deploy shop" in job.summary
    assert host.answering() == before


@pytest.mark.parametrize(
    "name", ["host", "command", "options", "arguments", "gateway", "directory", "version"]
)
def test_what_looks_like_a_command_in_an_input_is_not_run(host: Host, tmp_path: Path, name: str) -> None:
    mark = tmp_path / "mark"
    evil = f"$(touch {mark})`touch {mark}`; touch {mark}\n::set-output name=release::evil\ntouch {mark}"
    for text in (evil, f"ssh://-oProxyCommand=touch${{IFS}}{mark}", f"-oProxyCommand='touch {mark}'"):
        job = host.github({name: text}, RELEASE="9", DOCKER_HOST=host.engine.host)
        assert job.code in (1, 2), job.log
        assert len(job.commands("error")) == 1
        assert job.commands("set-output") == []
        assert job.outputs["release"] == ""
    assert not mark.exists()


def test_the_step_that_always_runs_ends_the_connection_of_a_script_that_was_killed(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = host.job("killed") / "hitless-ci-1"
    folder.mkdir()
    names = {"ssh-key": "SSH_KEY", "known-hosts": "KNOWN_HOSTS"}
    inputs = {f"HITLESS_CI_{variable}": host.over_ssh[name] for name, variable in names.items()}
    monkeypatch.setattr(deploy, "INPUTS", inputs)
    monkeypatch.setenv("RUNNER_TEMP", str(folder.parent))
    with deploy.over_ssh(host.ssh.host, folder):
        below = [Path(f"/proc/{pid}") for pid in descendants(os.getpid())]
        (connection,) = [one for one in below if (one / "comm").read_text() == "ssh\n"]
        deploy.clean()
        wait_for(lambda: (connection / "stat").read_text().split()[2] == "Z")
    assert not folder.exists()


def has_started(log: str) -> bool:
    """Whether the new release's containers run."""
    return "✓ start green" in log or "✓ start blue" in log


def test_after_a_cancelled_job_and_a_host_that_vanished_the_next_job_deploys(
    host: Host, first: First
) -> None:
    before = host.answering()
    cancelled = github_job(host.job("cancelled"), **with_hitless(RELEASE="9", COMMAND=HANGS))
    inputs = {"version": "installed", "gateway": GATEWAY, **host.over_ssh}
    with ThreadPoolExecutor() as pool:
        running = pool.submit(cancelled, inputs)
        cancelled.job.cancel(has_started)
        job = running.result()
    assert job.code == ExitCode.INTERRUPTED, job.log
    assert [*job.temporary.iterdir()] == []
    assert host.answering() == before

    vanished = github_job(host.job("vanished"), **with_hitless(RELEASE="4", BOOT_SECONDS="30"))
    with ThreadPoolExecutor() as pool:
        running = pool.submit(vanished, inputs)
        wait_for(lambda: has_started(vanished.job.log), 60)
        host.ssh.vanish()
        job = running.result()
    assert job.code in (ExitCode.FAILED, ExitCode.UNFINISHED), job.log
    assert job.commands("error")
    assert [*job.temporary.iterdir()] == []
    assert host.answering() == before

    host.ssh.start()
    job = host.github(host.over_ssh, RELEASE="5")
    assert job.code == 0, job.log
    assert host.answering() == "5"
    assert host.colours() == {job.outputs["colour"]}
