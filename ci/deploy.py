#!/usr/bin/env python3
"""Run one hitless command in a CI job: what action.yml and templates/deploy.yml run (docs/ci.md).

    deploy.py          the command of HITLESS_CI_COMMAND; the exit code is hitless's
    deploy.py clean    remove what a killed job has left

Everything comes from variables, HITLESS_CI_*, each described in action.yml. No shell reads any of it. Keys
are never on a command line: they are in files of mode 0600, in a folder that is removed at the end. The
standard library is enough: a runner has nothing else.

In the wheel this file is the command `hitless-ci`.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

PREFIX = "HITLESS_CI_"
FOLDER = "hitless-ci-"
COMMANDS = ("deploy", "rollback", "plan", "resume", "abort")
WAITING = ("deploy", "rollback", "resume", "abort")  # they have --wait
WRONG_USAGE, INTERRUPTED = 2, 130  # of hitless's exit codes
CONNECT = 40.0  # seconds for the SSH connection, after which nobody answers any more
ANSWER = 60.0  # for the engine's first answer
INSTALL = 600.0
LOOK = 60.0  # for what is read for the summary
LAST = 40  # lines of a cause
SOCKET = 88  # bytes of a socket's path: 108 at most, and ssh appends 17 while it makes one
SOURCE = Path(__file__).resolve().parent.parent

VERSION = r"[0-9]+(\.[0-9]+){0,3}((a|b|rc|\.post|\.dev)[0-9]+)?"
HOST = r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9a-fA-F:.]+\]"
SSH = rf"ssh://([A-Za-z_][A-Za-z0-9_.-]*@)?({HOST})(:[0-9]{{1,5}})?(/[A-Za-z0-9/._-]+)?"
TCP = rf"tcp://({HOST}):[0-9]{{1,5}}"
NAME = r"[a-z0-9][a-z0-9_-]*"

# What ssh, docker and the engine say, and what to do about it
REMEDIES = {
    "requires a different Python": "hitless needs Python 3.11 or newer: let actions/setup-python come before",
    "Host key verification failed": "compare the host's key with known-hosts: on the host, "
    "ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub; ssh-keyscan HOST prints the lines for known-hosts",
    "Permission denied (": "put the public half of ssh-key into ~/.ssh/authorized_keys on the host",
    "Could not resolve hostname": "correct the name in host",
    "Connection refused": "see whether that port is right, and open to the runner",
    "timed out": "see whether a firewall lets the runner through",
    "permission denied while trying to connect": "sudo usermod -aG docker USER, for the user of this job",
    "open failed": "on the host: sudo usermod -aG docker USER; see also where Docker's socket is, and "
    "whether sshd has AllowStreamLocalForwarding",
    "certificate signed by unknown authority": "tls-ca must be the CA of the engine's certificate",
    "certificate required": "tls-cert and tls-key must be of the CA that the engine trusts (--tlscacert)",
    "bad certificate": "tls-cert and tls-key must be of the CA that the engine trusts (--tlscacert)",
    "unknown certificate authority": "tls-cert must be of the CA that the engine trusts (--tlscacert)",
}


class Failed(Exception):
    """What is wrong, and what to do next."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


# ------------------------------------------------------------------------------------------------- inputs


INPUTS: dict[str, str] = {}


def take_inputs() -> None:
    """Take the inputs out of the environment: nothing that is started gets a key with it."""
    INPUTS.update((name, os.environ.pop(name)) for name in [*os.environ] if name.startswith(PREFIX))


def text(name: str) -> str:
    """An input, without the space around it."""
    return INPUTS.get(PREFIX + name, "").strip()


def matching(name: str, pattern: str, like: str) -> str:
    """An input that is empty or all of the pattern: nothing else of it goes anywhere."""
    value = text(name)
    if value and not re.fullmatch(pattern, value):
        raise Failed(f"{label(name)} is not like {like}")
    return value


def words(name: str) -> list[str]:
    """An input of several words, in quotes as in a shell; but no shell reads them."""
    try:
        return shlex.split(text(name))
    except ValueError as error:
        raise Failed(f"{label(name)}: {error}") from error


def secret(name: str) -> str:
    """A text, or that of the file that it names, as CI systems give both; with one end of line at its end."""
    value = text(name)
    if value.startswith("/") and "\n" not in value:
        try:
            value = Path(value).read_text()
        except OSError as error:
            raise Failed(f"the file of {label(name)} can't be read: {error.strerror}") from error
    return value.replace("\r\n", "\n").strip() + "\n" if value.strip() else ""


def needed(name: str, why: str) -> str:
    """A secret that must be there."""
    value = secret(name)
    if not value:
        raise Failed(
            f"{label(name)} is empty: {why}",
            "see whether the secret exists, and whether this job may read it (a fork's may not)",
        )
    return value


def label(name: str) -> str:
    """An input as people write it: ssh-key in an action, and the variable elsewhere."""
    if os.environ.get("GITHUB_ACTIONS") == "true":
        return name.lower().replace("_", "-")
    return PREFIX + name


# ---------------------------------------------------------------------------------------------- the screen


def say(line: str) -> None:
    """A line of the log, at once."""
    print(line, flush=True)


@contextmanager
def fold(title: str) -> Iterator[None]:
    """Lines that the log shows folded, where it can."""
    name = f"hitless_{secrets.token_hex(4)}"
    if os.environ.get("GITHUB_ACTIONS") == "true":
        before, after = f"::group::{title}", "::endgroup::"
    elif os.environ.get("GITLAB_CI"):
        begin = f"\x1b[0Ksection_start:{int(time.time())}:{name}[collapsed=true]\r\x1b[0K{title}"
        before, after = begin, ""
    else:
        before, after = title, ""
    say(before)
    try:
        yield
    finally:
        if os.environ.get("GITLAB_CI"):
            after = f"\x1b[0Ksection_end:{int(time.time())}:{name}\r\x1b[0K"
        if after:
            say(after)


def harmless(line: str) -> str:
    """A line that others may have written, as GitHub reads no command in it.

    The runner takes `::name::` at the beginning, after spaces, and `##[name]` anywhere (ActionCommand.cs):
    a container could set the outputs of the job with it. The folds of hitless itself stay.
    """
    line = line.replace("##[", "## [")
    if line.lstrip().startswith("::") and not re.fullmatch(r"::(group::[^:]*|endgroup::)", line):
        return f"| {line}"
    return line


def complain(message: str, hint: str = "") -> None:
    """What went wrong, in the log, and as GitHub's annotation."""
    if os.environ.get("GITHUB_ACTIONS") == "true":
        one = message + (f"\nnext: {hint}" if hint else "")
        for character, code in (("%", "%25"), ("\r", "%0D"), ("\n", "%0A")):
            one = one.replace(character, code)
        say(f"::error title=hitless::{one}")
        return
    say(f"hitless-ci: {message}")
    if hint:
        say(f"  next: {hint}")


# ------------------------------------------------------------------------------------------ the job's folder


def base() -> Path:
    """Where the job's folder is: what the runner empties, if there is such a place."""
    job = os.environ.get("CI_PROJECT_DIR", "")
    for place in (os.environ.get("RUNNER_TEMP", ""), f"{job}.tmp" if job else ""):
        if place and Path(place).is_dir():
            return Path(place)
    return Path(tempfile.gettempdir())


@contextmanager
def folder() -> Iterator[Path]:
    """A folder for this user alone, removed at the end with all that is in it."""
    made = Path(tempfile.mkdtemp(prefix=FOLDER, dir=base()))
    try:
        yield made
    finally:
        hold_signals()
        remove(made)


def hold_signals() -> None:
    """The end takes a moment, and nobody interrupts it."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)


def remove(made: Path) -> None:
    """End the SSH connection that is in there, if it still is, and remove the folder."""
    if (made / "c").exists():
        with suppress(OSError, subprocess.TimeoutExpired):
            config = str(made / "ssh.config")
            closing = ("ssh", "-F", config, "-o", "ControlMaster=no", "-O", "exit", "host")
            subprocess.run(closing, capture_output=True, timeout=5, check=False)
    shutil.rmtree(made, ignore_errors=True)


def clean() -> int:
    """Remove what a job has left that was killed. Only where no other job can be at work."""
    if base() != Path(tempfile.gettempdir()):
        for left in base().glob(f"{FOLDER}*"):
            remove(left)
    return 0


def keep(file: Path, content: str) -> Path:
    """Write a file that nobody else may read, at no moment."""
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
        out.write(content)
    return file


# --------------------------------------------------------------------------------------------- preparations


def installed(version: str, made: Path) -> str:
    """The hitless to run: of this repository, of PyPI, or the one that is there."""
    beside = Path(sys.executable).with_name("hitless")
    if version == "installed" or (not version and not (SOURCE / "pyproject.toml").is_file()):
        found = str(beside) if beside.is_file() else shutil.which("hitless")
        if not found:
            raise Failed("there is no hitless on this runner", "leave version empty, or install it before")
        return found
    wanted = f"hitless=={version}" if version else str(SOURCE)
    venv = made / "venv"
    quietly((sys.executable, "-m", "venv", str(venv)), INSTALL)
    pip = (str(venv / "bin" / "python"), "-m", "pip", "--disable-pip-version-check", "install", "--quiet")
    quietly((*pip, wanted), INSTALL)
    return str(venv / "bin" / "hitless")


def started(command: tuple[str, ...], **options: Any) -> subprocess.Popen[str]:
    """A command in a session of its own: signals reach it from here alone."""
    try:
        return subprocess.Popen(
            command, stdin=subprocess.DEVNULL, text=True, errors="replace", start_new_session=True, **options
        )
    except OSError as error:
        raise Failed(f"{command[0]} can't be started: {error.strerror}") from error


def quietly(command: tuple[str, ...], seconds: float, **environment: str) -> str:
    """The output of a command; its last lines are the cause if it fails."""
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            env={**os.environ, **environment},
            timeout=seconds,
            check=False,
        )
    except OSError as error:
        raise Failed(f"{command[0]} can't be started: {error.strerror}") from error
    except subprocess.TimeoutExpired as error:
        raise Failed(f"{Path(command[0]).name} did not end within {seconds:.0f} s") from error
    if done.returncode:
        said = "\n".join(done.stdout.strip().splitlines()[-LAST:])
        raise Failed(f"{Path(command[0]).name} failed: {said}", remedy(said))
    return done.stdout.strip()


def remedy(said: str) -> str:
    """What to do about a message of ssh, docker or the engine."""
    return next((hint for words, hint in REMEDIES.items() if words in said), "")


@contextmanager
def connection(host: str, made: Path) -> Iterator[None]:
    """The way to the engine, as DOCKER_HOST and what belongs to it, for what this process starts."""
    with ExitStack() as stack:
        if host:
            os.environ.pop("DOCKER_CONTEXT", None)
            os.environ["DOCKER_HOST"] = host
        if host.startswith("ssh://"):
            os.environ["DOCKER_HOST"] = stack.enter_context(over_ssh(host, made))
            os.environ["HITLESS_HOST_NAME"] = re.sub(r"ssh://([^@/]*@)?|(:[0-9]+)?(/.*)?$", "", host)
        if host.startswith("tcp://"):
            (made / "tls").mkdir(0o700)
            for name, file in (("TLS_CA", "ca.pem"), ("TLS_CERT", "cert.pem"), ("TLS_KEY", "key.pem")):
                why = "tcp:// takes all three, because an engine without TLS is open to all"
                keep(made / "tls" / file, needed(name, why))
            os.environ.update(DOCKER_TLS_VERIFY="1", DOCKER_CERT_PATH=str(made / "tls"))
        try:
            version = quietly(("docker", "version", "--format", "{{.Server.Version}}"), ANSWER)
        except Failed as error:
            said = f"{error}{way_said(made)}"
            cause = f"the engine at {host or 'this runner'} does not answer: {said}"
            raise Failed(cause, remedy(said)) from error
        say(f"Engine {version} answers at {host or 'this runner'}")
        yield


def way_said(made: Path) -> str:
    """What ssh wrote: why the way to the host ended, or the engine can't be reached by it."""
    log = made / "ssh.log"
    said = log.read_text(errors="replace").strip() if log.exists() else ""
    return f"\nssh: {said}" if said else ""


@contextmanager
def over_ssh(host: str, made: Path) -> Iterator[str]:
    """The engine's socket, brought here by one SSH connection: what DOCKER_HOST must be.

    With DOCKER_HOST=ssh://, docker makes a new connection for each of hundreds of calls: a deployment takes
    three times as long, and sshd refuses some of many that begin at the same time (MaxStartups).
    """
    found = re.fullmatch(r"ssh://(?:([^@]*)@)?([^/]*?)(?::([0-9]+))?(/.*)?", host)
    assert found
    user, name, port, remote = found.groups()
    socket, control = made / "d", made / "c"
    if len(str(socket)) > SOCKET:
        raise Failed(f"{made} is too long for a socket", "set TMPDIR to a shorter one")
    key = keep(made / "key", needed("SSH_KEY", "ssh:// takes a private key"))
    public = ("ssh-keygen", "-y", "-P", "", "-f", str(key))
    try:
        quietly(public, LOOK)
    except Failed as error:
        raise Failed(
            f"{label('SSH_KEY')} is no private key without a passphrase",
            "ssh-keygen -t ed25519 -N '' -f deploy_key; the whole file deploy_key is the secret",
        ) from error
    known = needed("KNOWN_HOSTS", "without the host's key, anybody could be it; ssh-keyscan HOST prints it")
    settings = {
        "HostName": name.strip("[]"),
        **({"User": user} if user else {}),
        **({"Port": port} if port else {}),
        "IdentityFile": quoted(key),
        "IdentitiesOnly": "yes",
        "IdentityAgent": "none",
        "UserKnownHostsFile": quoted(keep(made / "known_hosts", known)),
        "GlobalKnownHostsFile": "none",
        "StrictHostKeyChecking": "yes",
        "UpdateHostKeys": "no",
        "BatchMode": "yes",
        "PreferredAuthentications": "publickey",
        "ConnectTimeout": "20",
        "ServerAliveInterval": "10",  # a host that is gone is noticed after 30 s
        "ServerAliveCountMax": "3",
        "ExitOnForwardFailure": "yes",
        "LocalForward": f"{quoted(socket)} {remote or '/var/run/docker.sock'}",
        "ControlMaster": "yes",  # a way to end it, if this process is killed
        "ControlPath": quoted(control),
    }
    config = keep(made / "ssh.config", "".join(f"{name} {value}\n" for name, value in settings.items()))
    log = made / "ssh.log"
    with log.open("wb") as out:
        connected = started(("ssh", "-F", str(config), "-N", "host"), stdout=out, stderr=out)
    try:
        deadline = time.monotonic() + CONNECT
        while not socket.exists():
            if connected.poll() is not None or time.monotonic() > deadline:
                said = log.read_text(errors="replace").strip() or "nobody answers (timed out)"
                raise Failed(f"no SSH connection to {host}: {said}", remedy(said))
            time.sleep(0.05)
        yield f"unix://{socket}"
    finally:
        connected.terminate()
        with suppress(subprocess.TimeoutExpired):
            connected.wait(5)
        connected.kill()
        connected.wait()


def quoted(path: Path) -> str:
    """A path as a setting of ssh, which reads `%` and spaces."""
    return '"' + str(path).replace("%", "%%") + '"'


# -------------------------------------------------------------------------------------------------- hitless


class Command:
    """hitless at work, in a session of its own: a signal reaches it once, and from here."""

    def __init__(self, command: list[str]) -> None:
        self.lines: list[str] = []
        self.process = started(tuple(command), stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            shown = harmless(line.rstrip("\n"))
            self.lines.append(shown)
            say(shown)

    def pass_on(self, number: int) -> None:
        """Give it a signal, unless it is over."""
        with suppress(ProcessLookupError):
            self.process.send_signal(number)

    def wait(self) -> int:
        """Its exit code, when all that it wrote is in the log."""
        code = self.process.wait()
        self._reader.join(5)
        return code if code >= 0 else 128 - code

    def cause(self) -> str:
        """Why it failed: its error, or else its last lines."""
        for begin in ("hitless: ", "Error: "):  # click's own begins with the other
            found = [number for number, line in enumerate(self.lines) if line.startswith(begin)]
            if found:
                return "\n".join(self.lines[found[-1] :][:LAST])
        return "\n".join(self.lines[-LAST:])


def run(made: Path, hitless: str, options: list[str], command: str, arguments: list[str]) -> int:
    """Run the command, and tell what came of it in outputs and in a summary."""
    if command in WAITING and not {"--wait", "--help"} & {*arguments}:
        arguments = ["--wait", *arguments]
    running: Command | None = None
    came: list[int] = []
    early: list[int] = []  # those that came while it was being started

    def forward(number: int, _: object) -> None:
        """Hitless undoes at the first signal, and stops at once at the second; both are safe."""
        came.append(number)
        if running:
            running.pass_on(number)
        else:
            early.append(number)

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, forward)
    running = Command([hitless, *options, command, *arguments])
    for one in early:
        running.pass_on(one)
    code = running.wait()
    hold_signals()
    if came:  # a runner that cancels a job has seconds left
        return code or INTERRUPTED
    cause = running.cause() + way_said(made) if code else ""
    has_begun = code != WRONG_USAGE
    status, journal = (looked(hitless, options, verb) if has_begun else None for verb in ("status", "show"))
    own = f"process {running.process.pid}"
    ran = next((one for one in reversed(journal or []) if one["holder"].endswith(own)), None)
    if code:
        complain(cause)
    outcome = (ran["outcome"] or "unfinished") if ran else "failed" if code else "successful"
    tell_outputs(status, outcome)
    append_summary(summary(command, code, status, ran, cause))
    return code


def looked(hitless: str, options: list[str], verb: str) -> Any:
    """A document of hitless, or None: a summary must not fail a job."""
    with suppress(Failed, ValueError):
        return json.loads(quietly((hitless, *options, verb, "--json"), LOOK))
    return None


def tell_outputs(status: Any, outcome: str) -> None:
    """Release, colour, address and outcome: for GitHub, and as a dotenv file."""
    live = (status or {}).get("live") or {}
    values = {
        "release": str(live.get("release", "")),
        "colour": str(live.get("colour", "")),
        "address": next(iter((status or {}).get("addresses") or ()), ""),
        "outcome": outcome,
    }
    one_line = {name: re.sub(r"[\x00-\x1f\x7f]", "", value) for name, value in values.items()}
    append(
        os.environ.get("GITHUB_OUTPUT", ""), "".join(f"{name}={value}\n" for name, value in one_line.items())
    )
    append(text("DOTENV"), "".join(f"HITLESS_{name.upper()}={value}\n" for name, value in one_line.items()))


def append_summary(content: str) -> None:
    """GitHub shows it on the job's page; elsewhere it is a file."""
    append(os.environ.get("GITHUB_STEP_SUMMARY") or text("SUMMARY"), content)


def append(file: str, content: str) -> None:
    """Add to a file that the CI system reads, if it named one."""
    if file:
        with Path(file).open("a") as out:
            out.write(content)


def summary(command: str, code: int, status: Any, ran: Any, cause: str) -> str:
    """The job's summary in Markdown: what is live, where, how long it took, or why it failed."""
    live = (status or {}).get("live") or {}
    name = f" {cell(status['application'])}" if status else ""
    lines = [f"### {'✅' if code == 0 else '❌'} hitless {command}{name}", ""]
    rows = []
    if live:
        rows.append(("live", f"release {live['release']} ({live['colour']})"))
    rows += [("address", cell(address)) for address in (status or {}).get("addresses") or ()]
    if ran:
        rows += figures(ran)
    if rows:
        lines += ["| | |", "| --- | --- |", *(f"| {what} | {value} |" for what, value in rows), ""]
    if cause:
        fence = "`" * max([3, *(len(found) + 1 for found in re.findall("`+", cause))])
        lines += [fence, cause, fence, ""]
    steps = [event for event in (ran or {}).get("events", ()) if event.get("event") == "step_done"]
    if steps:
        lines += ["<details><summary>steps</summary>", "", "| step | seconds |", "| --- | ---: |"]
        lines += [f"| {cell(one['step']['id'])} | {one['seconds']:.1f} |" for one in steps]
        lines += ["", "</details>", ""]
    return "\n".join(lines) + "\n"


def figures(ran: Any) -> list[tuple[str, str]]:
    """What the journal says of this one command."""
    rows = [("outcome", f"{ran['outcome']} after {ran['seconds']:.1f} s")]
    if ran["revision"]:
        rows.append(("revision", cell(ran["revision"])))
    for event in ran["events"]:
        if event["event"] == "live":
            rows.append(("live after", f"{event['seconds']:.1f} s"))
        if event["event"] == "drained":
            rows.append(("requests in flight", f"{event['in_flight']} drained, {event['cut']} cut"))
    return rows


def cell(value: str) -> str:
    """A text that Markdown does not read."""
    return re.sub(r"([\\`*_{}\[\]<>|])", r"\\\1", re.sub(r"[\x00-\x1f\x7f]", " ", value))


# ----------------------------------------------------------------------------------------------------- main


def stop(*_: object) -> None:
    """Before hitless begins there is nothing to undo, only files to remove."""
    raise KeyboardInterrupt


def main() -> int:
    """The exit code of the job."""
    if sys.argv[1:] == ["clean"]:
        return clean()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, stop)
    take_inputs()
    try:
        command = matching("COMMAND", "|".join(COMMANDS), f"one of {', '.join(COMMANDS)}") or "deploy"
        version = matching("VERSION", f"installed|{VERSION}", "1.2.3, or installed")
        host = matching("HOST", f"{SSH}|{TCP}", "ssh://user@host[:port] or tcp://host:port")
        gateway = matching("GATEWAY", NAME, "traefik")
        options, arguments = words("OPTIONS"), words("ARGUMENTS")
        directory = Path(text("DIRECTORY") or ".")
        if not directory.is_dir():
            raise Failed(f"{label('DIRECTORY')} is no folder here", "let actions/checkout come before")
        os.chdir(directory)
        with folder() as made, ExitStack() as connected:
            with fold("install hitless"):
                hitless = installed(version, made)
                say(quietly((hitless, "--version"), LOOK))
            with fold("connect to the Docker host"):
                connected.enter_context(connection(host, made))
            if gateway:
                os.environ["HITLESS_GATEWAY"] = gateway
            return run(made, hitless, options, command, arguments)
    except Failed as error:
        complain(str(error), error.hint)
        tell_outputs(None, "failed")
        append_summary(summary(text("COMMAND") or "deploy", 1, None, None, str(error)))
        return 1
    except KeyboardInterrupt:
        say("interrupted before hitless began: nothing has changed")
        return INTERRUPTED


if __name__ == "__main__":
    sys.exit(main())
