from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from hitless import __version__
from hitless.cli.main import hitless
from tests.adapters.fake_docker import FakeDocker, recorded_text

VERBS = ("gateway", "deploy", "plan", "status", "rollback", "prove", "logs", "down")
GATEWAY_VERBS = ("up", "upgrade", "status", "logs", "metrics", "down")
NONE = "Error response from daemon: No such container: traefik-traefik-1\n"

Done = subprocess.CompletedProcess[str]


def run(*arguments: str, directory: Path | None = None) -> Done:
    command = (sys.executable, "-m", "hitless", *arguments)
    return subprocess.run(
        command,
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
        cwd=directory,
        stdin=subprocess.DEVNULL,
    )


def boundary(body: str) -> Done:
    """Run `main` around a command that does this."""
    program = f"""
import click
import hitless.__main__ as main
from hitless.domain.common.errors import HitlessError
def command(**_):
    {body}
main.hitless = command
main.main()
"""
    command = (sys.executable, "-c", program)
    return subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)


# help, version, usage


@pytest.mark.parametrize("option", ["--help", "-h"])
def test_help_lists_every_verb(option: str) -> None:
    shown = CliRunner().invoke(hitless, [option])

    assert shown.exit_code == 0
    listed = [line.split()[0] for line in shown.output.partition("Commands:")[2].splitlines() if line.strip()]
    assert set(VERBS) <= set(listed)


@pytest.mark.parametrize(
    "words", [*((verb,) for verb in VERBS), *(("gateway", verb) for verb in GATEWAY_VERBS)], ids=" ".join
)
def test_every_verb_has_help_that_needs_no_docker(
    words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    shown = CliRunner().invoke(hitless, [*words, "--help"])

    assert shown.exit_code == 0
    assert f"Usage: hitless {' '.join(words)}" in shown.output
    assert shown.output.splitlines()[2].strip()


def test_help_does_not_load_what_it_does_not_need() -> None:
    program = """
import sys
before = set(sys.modules)
from hitless.cli.main import hitless
hitless(["--help"], standalone_mode=False)
heavy = {"rich", "yaml", "hitless.wiring", "hashlib", "ipaddress", "pathlib", "socket", "difflib"}
print(sorted(heavy & set(sys.modules) - before), file=sys.stderr)
"""
    command = (sys.executable, "-c", program)
    shown = subprocess.run(command, capture_output=True, text=True, timeout=20, check=True)

    assert shown.stderr == "[]\n"


def test_the_version() -> None:
    done = run("--version")

    assert done.returncode == 0
    assert done.stdout.endswith(f"hitless {__version__}\n")


def test_the_installed_command_is_the_module() -> None:
    script = Path(sys.executable).with_name("hitless")

    done = subprocess.run((script, "--version"), capture_output=True, text=True, check=True, timeout=20)

    assert done.stdout == f"hitless {__version__}\n"


@pytest.mark.parametrize(
    "words",
    [
        ("fly",),
        ("deploy", "--nosuch"),
        ("deploy", "--timeout", "soon"),
        ("deploy", "--pull", "often"),
        ("rollback", "0"),
        ("rollback", "last"),
        ("gateway", "up", "--http-port", "70000"),
        ("gateway", "nosuch"),
        ("-f",),
        ("-p", "sho*", "down"),
    ],
    ids=" ".join,
)
def test_wrong_usage_ends_with_2_and_touches_nothing(docker: FakeDocker, words: tuple[str, ...]) -> None:
    done = run(*words)

    assert done.returncode == 2
    assert "Error: " in done.stderr
    assert "Traceback" not in done.stderr
    assert docker.calls == []


@pytest.mark.parametrize("option", ["-p", "--gateway"])
@pytest.mark.parametrize("name", ["sho*", "Shop", "", "../etc", "shop\n", "-shop", "a.b", "größe"], ids=ascii)
def test_a_name_that_compose_would_not_take_touches_nothing(
    docker: FakeDocker, option: str, name: str
) -> None:
    done = CliRunner().invoke(hitless, [option, name, "status"])

    assert done.exit_code == 2
    assert "lower-case letters" in done.output
    assert docker.calls == []


def test_without_a_verb_the_help_is_shown() -> None:
    done = run()

    assert done.returncode == 2
    assert "Usage: " in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


# the error boundary


def test_an_expected_error_ends_with_1_and_says_what_to_do_next() -> None:
    done = boundary("raise HitlessError('port [red] is taken', 'choose [another]')")

    assert done.returncode == 1
    assert done.stderr == "hitless: port [red] is taken\n  next: choose [another]\n"
    assert done.stdout == ""


def test_an_expected_error_without_a_hint_has_no_next() -> None:
    done = boundary("raise HitlessError('it is so')")

    assert (done.returncode, done.stderr) == (1, "hitless: it is so\n")


def test_a_bug_ends_with_3_and_keeps_its_traceback() -> None:
    done = boundary("raise ZeroDivisionError('a bug')")

    assert done.returncode == 3
    assert "Traceback (most recent call last):" in done.stderr
    assert "ZeroDivisionError: a bug" in done.stderr
    assert "bug in hitless" in done.stderr.splitlines()[-1]


def test_a_terminal_that_can_not_show_every_letter_ends_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    done = boundary("print('\u2713 größer'); raise HitlessError('größer')")

    assert (done.returncode, done.stdout) == (1, "? gr??er\n")
    assert done.stderr == "hitless: gr??er\n"


def test_an_interrupt_ends_with_130_and_no_traceback() -> None:
    done = boundary("raise KeyboardInterrupt")

    assert (done.returncode, done.stderr) == (130, "interrupted\n")


def test_a_prompt_that_is_aborted_ends_with_130() -> None:
    assert boundary("raise click.Abort").returncode == 130


@pytest.mark.parametrize(("body", "code"), [("return None", 0), ("return 0", 0), ("return 1", 1)])
def test_a_verb_that_ended_itself_sets_the_exit_code(body: str, code: int) -> None:
    assert boundary(body).returncode == code


def test_a_reader_that_goes_away_is_no_bug_of_hitless(docker: FakeDocker) -> None:
    # `hitless gateway logs | head -1`
    docker.answers("logs", stdout="a line\n" * 20_000)
    reader, writer = os.pipe()
    os.close(reader)

    command = (sys.executable, "-m", "hitless", "gateway", "logs")
    try:
        done = subprocess.run(
            command, stdout=writer, stderr=subprocess.PIPE, text=True, timeout=20, check=False
        )
    finally:
        os.close(writer)

    assert done.returncode != 3
    assert "Traceback" not in done.stderr


# a verb from end to end


def test_an_engine_that_does_not_answer_is_an_expected_error(docker: FakeDocker) -> None:
    said = "Cannot connect to the Docker daemon at unix:///x. Is the docker daemon running?\n"
    for words in (("container",), ("ps",)):
        docker.answers(*words, stderr=said, exit_code=1)

    done = run("gateway", "status")

    assert done.returncode == 1
    assert "Cannot connect to the Docker daemon" in done.stderr
    assert "next: is the Docker engine running?" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_context_and_the_gateways_name_reach_every_call(docker: FakeDocker) -> None:
    docker.answers("container", "inspect", stdout="[]\n", stderr=NONE, exit_code=1)

    done = run("--context", "far", "--gateway", "second", "gateway", "status")

    assert done.returncode == 1
    assert "hitless gateway up" in done.stderr
    assert docker.calls
    assert all(argv[:2] == ("--context", "far") for argv in docker.argvs)
    inspected = [argv[-1] for argv in docker.argvs if "inspect" in argv]
    assert set(inspected) == {"second-traefik-1"}


def test_the_gateways_name_can_come_from_the_environment(
    docker: FakeDocker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HITLESS_GATEWAY", "adapters-rec")
    docker.answers(
        "container", "inspect", "adapters-rec-traefik-1", stdout=recorded_text("container_gateway")
    )

    docker.answers("exec", way="shell")

    done = run("gateway", "up", "--http-port", "18199")

    said = "gateway adapters-rec was up already, nothing changed: http://127.0.0.1:18199\n"
    assert (done.returncode, done.stdout) == (0, said)


def test_a_gateways_name_from_the_environment_is_looked_at_as_well(docker: FakeDocker) -> None:
    done = CliRunner().invoke(hitless, ["gateway", "status"], env={"HITLESS_GATEWAY": "gate*"})

    assert done.exit_code == 2
    assert "lower-case letters" in done.output
    assert docker.calls == []


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (("--http-port", "80"), "http_port is 18199, asked for 80"),
        (("--publish", "127.0.0.1:6379"), "ports is none, asked for 127.0.0.1:6379"),
    ],
)
def test_a_running_gateway_is_not_changed_without_being_told_to(
    docker: FakeDocker, asked: tuple[str, ...], said: str
) -> None:
    docker.answers("exec", way="shell")
    docker.answers(
        "container", "inspect", "adapters-rec-traefik-1", stdout=recorded_text("container_gateway")
    )

    done = run("--gateway", "adapters-rec", "gateway", "up", *asked)

    assert done.returncode == 1
    assert said in done.stderr
    assert "--replace" in done.stderr
    assert not [argv for argv in docker.argvs if argv[0] == "compose"]


@pytest.mark.parametrize("verb", ["deploy", "plan", "status", "rollback", "down"])
def test_every_verb_passes_composes_options_on(docker: FakeDocker, verb: str) -> None:
    docker.answers("compose", stderr="no configuration file provided: not found\n", exit_code=14)
    options = (
        "-f",
        "a.yml",
        "-f",
        "b.yml",
        "--project-directory",
        "/srv",
        "--env-file",
        "e",
        "--profile",
        "x",
    )

    done = run(*options, verb)

    assert done.returncode == 1
    assert "no configuration file provided" in done.stderr
    words = ("--file", "a.yml", "--file", "b.yml", "--project-directory", "/srv", "--env-file", "e")
    composed = [argv for argv in docker.argvs if argv[0] == "compose"]
    assert composed == [("compose", *words, "--profile", "x", "config")]


@pytest.mark.parametrize("verb", ["rollback", "down", "abort", "unlock"])
def test_what_changes_something_guesses_no_name(docker: FakeDocker, verb: str, tmp_path: Path) -> None:
    docker.answers("compose", stderr="required variable TAG is missing a value\n", exit_code=15)
    folder = tmp_path / "shop"
    folder.mkdir()
    (folder / "compose.yaml").write_text("services: {web: {image: 'x:${TAG:?}'}}\n")

    done = run(verb, directory=folder)

    assert done.returncode == 1
    assert "required variable TAG is missing a value" in done.stderr
    assert "for the application shop, say so: -p shop" in done.stderr
    assert [argv[0] for argv in docker.argvs] == ["compose"]


def test_a_context_that_is_not_there_is_no_broken_file(docker: FakeDocker, tmp_path: Path) -> None:
    docker.answers("compose", stderr='context "far": context not found: open /x: no such file\n', exit_code=1)
    (tmp_path / "compose.yaml").write_text("services: {}\n")

    done = run("-c", "far", "status", directory=tmp_path)

    assert "can't be read" not in done.stderr
    assert "context not found" in done.stderr


@pytest.mark.parametrize("verb", ["status", "history"])
def test_what_needs_only_the_name_gets_by_with_a_broken_file(
    docker: FakeDocker, verb: str, tmp_path: Path
) -> None:
    docker.answers("compose", stderr="required variable TAG is missing a value\n", exit_code=15)
    docker.answers("container", "inspect", stdout="[]\n", stderr=NONE, exit_code=1)
    docker.answers("exec", stderr=NONE, exit_code=1, way="refuse")
    folder = tmp_path / "shop"
    folder.mkdir()
    (folder / "compose.yaml").write_text("services: {web: {image: 'x:${TAG:?}'}}\n")

    done = run(verb, directory=folder)

    assert done.returncode == 1
    first, _, rest = done.stderr.partition("\n")
    assert "it is shop's" in first
    assert "required variable TAG is missing a value" in first
    assert "run: hitless gateway up" in rest


@pytest.mark.parametrize("verb", ["status", "rollback", "down"])
def test_what_needs_only_the_name_does_not_read_the_compose_file(docker: FakeDocker, verb: str) -> None:
    docker.answers("container", "inspect", stdout="[]\n", stderr=NONE, exit_code=1)
    docker.answers("exec", stderr=NONE, exit_code=1, way="refuse")

    done = run("-p", "shop", verb)

    assert done.returncode == 1
    assert docker.calls
    assert not [argv for argv in docker.argvs if argv[0] == "compose"]


@pytest.mark.parametrize("verb", ["rollback", "down"])
def test_what_needs_the_gateway_says_how_to_start_it(docker: FakeDocker, verb: str) -> None:
    docker.answers("container", "inspect", stdout="[]\n", stderr=NONE, exit_code=1)
    docker.answers("exec", stderr=NONE, exit_code=1, way="refuse")

    done = run("-p", "shop", verb)

    assert done.returncode == 1
    assert "hitless gateway up" in done.stderr


def test_plan_without_a_gateway_names_what_is_missing_and_ends_with_1(docker: FakeDocker) -> None:
    docker.answers("container", "inspect", stdout="[]\n", stderr=NONE, exit_code=1)
    missing = "Error response from daemon: No such image: x:latest\n"
    docker.answers("image", "inspect", stdout="[]\n", stderr=missing, exit_code=1)
    docker.answers(
        "compose",
        stdout="""\
name: shop
services:
  web:
    image: x
    environment: {PASSWORD: hunter2}
    labels: {traefik.http.routers.web.rule: Host(`a.localhost`)}
""",
    )

    done = run("plan")
    as_json = run("plan", "--json")

    assert (done.returncode, as_json.returncode) == (1, 1)
    assert "error" in done.stdout
    found = json.loads(as_json.stdout)
    assert found["plan"] is None
    assert [one for one in found["findings"] if one["is_error"]]
    assert "hunter2" not in done.stdout + done.stderr + as_json.stdout + as_json.stderr
    # an exec opens a shell in the gateway, if there is one; what to do would be told to that
    changing = ("compose create", "run", "start", "tag", "pull")
    assert not [argv for argv in docker.argvs if " ".join(argv).startswith(changing)]


# Ctrl-C


def interrupted(
    arguments: tuple[str, ...], number: signal.Signals, is_under_way: Callable[[], bool]
) -> tuple[int, str]:
    """Start hitless, send the signal once it is under way; its exit code and standard error."""
    # not `python -m`: CPython ends that by SIGINT itself where a KeyboardInterrupt has passed through `exec`,
    # which the import of a module with dataclasses calls
    command = (str(Path(sys.executable).with_name("hitless")), *arguments)
    environment = {**os.environ, "PYTHONFAULTHANDLER": "1"}
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
        # the tests themselves may have been started by `nohup`
        preexec_fn=lambda: signal.signal(number, signal.SIG_DFL),
    ) as process:
        deadline = time.monotonic() + 20
        while not is_under_way():
            assert time.monotonic() < deadline
            time.sleep(0.02)
        process.send_signal(number)
        try:
            _, stderr = process.communicate(timeout=15)  # what hangs, hangs for 30 s
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGABRT)  # shows where
            _, stderr = process.communicate()
            pytest.fail(f"hitless went on waiting for what hangs\n{stderr}")
        return process.returncode, stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interrupt_while_docker_hangs_ends_with_130(docker: FakeDocker, number: signal.Signals) -> None:
    docker.answers("compose", way="hang")

    code, stderr = interrupted(("plan",), number, lambda: bool(docker.calls))

    assert code == 130, stderr
    assert "Traceback" not in stderr


def test_an_interrupt_is_reported(docker: FakeDocker) -> None:
    docker.answers("compose", way="hang")

    _, stderr = interrupted(("plan",), signal.SIGINT, lambda: bool(docker.calls))

    first, *_, last = stderr.strip().splitlines()
    assert "Traceback" not in stderr, stderr
    assert "ends in order now" in first  # at once: an undo may take a while
    assert last == "interrupted"


def test_an_interrupt_while_all_looks_at_the_host_hang_ends_with_130(docker: FakeDocker) -> None:
    docker.answers("ps", way="hang")
    docker.answers("container", way="hang")

    code, stderr = interrupted(("-p", "shop", "status"), signal.SIGINT, lambda: len(docker.calls) >= 2)

    assert code == 130, stderr
    assert "Traceback" not in stderr


def test_an_interrupt_that_comes_in_a_finalizer_is_not_dropped() -> None:
    done = boundary("""
    import signal, time
    class Finalized:
        def __del__(self):
            signal.raise_signal(signal.SIGINT)
            time.sleep(0)
    Finalized()
    time.sleep(10)
    print("went on")
""")

    assert done.returncode == 130
    assert done.stdout == ""
    assert done.stderr.splitlines()[-1] == "interrupted"


def test_a_dropped_interrupt_that_has_ended_a_command_does_not_cut_what_is_undone_for_it() -> None:
    done = boundary("""
    import signal, time
    import hitless.wiring as wiring
    wiring.kill_running = lambda: True
    class Finalized:
        def __del__(self):
            signal.raise_signal(signal.SIGINT)
    Finalized()
    time.sleep(0.2)
    print("undone")
    raise HitlessError("docker start failed")
""")

    assert (done.returncode, done.stdout) == (130, "undone\n")


def test_an_interrupt_while_a_class_is_made_is_no_bug() -> None:
    done = boundary("""
    class Named:
        def __set_name__(self, owner, name):
            raise KeyboardInterrupt
    class Owner:
        name = Named()
""")

    assert done.returncode == 130
    assert done.stderr.splitlines()[-1] == "interrupted"


def test_an_error_that_comes_of_a_dropped_interrupt_ends_as_interrupted() -> None:
    done = boundary("""
    import signal
    class Finalized:
        def __del__(self):
            signal.raise_signal(signal.SIGINT)
    main._MOMENT = 60
    Finalized()
    raise HitlessError("docker failed")
""")

    assert done.returncode == 130
    assert "docker failed" in done.stderr


UNDO = """
    import signal
    from hitless.cli.interrupts import hearing
    from hitless.domain.common.events import Ended, Operation, Outcome, Undoing, Undone
    emit = hearing(lambda _: None)
    emit(Undoing((), 40.0))
    signal.raise_signal(signal.SIGINT)
    print("goes on", flush=True)
"""


def test_the_first_interrupt_while_something_is_undone_says_so_and_ends_nothing() -> None:
    done = boundary(UNDO + '    raise HitlessError("not ready")\n')

    assert (done.returncode, done.stdout) == (1, "goes on\n")
    assert done.stderr.splitlines() == [
        "",
        "interrupted: hitless undoes what was done, which may take 40 s (again: it stops at once)",
        "hitless: not ready",
    ]


def test_the_second_interrupt_while_something_is_undone_ends_it() -> None:
    done = boundary(UNDO + '    signal.raise_signal(signal.SIGTERM)\n    print("not this")\n')

    assert (done.returncode, done.stdout) == (130, "goes on\n")
    assert done.stderr.splitlines()[-1].startswith("stopped at once; see hitless status")


@pytest.mark.parametrize("end", ["Undone()", 'Ended(Operation.DEPLOY, "shop", Outcome.FAILED, 1.0)'])
def test_an_interrupt_after_an_undo_is_one_as_before_it(end: str) -> None:
    done = boundary(
        UNDO.replace("    signal.raise", f"    emit({end})\n    signal.raise").replace("goes on", "not this")
    )

    assert (done.returncode, done.stdout) == (130, "")
    assert "hitless ends in order now" in done.stderr


def test_an_interrupt_while_deploy_reads_the_compose_file_ends_with_130(docker: FakeDocker) -> None:
    docker.answers("compose", way="hang")

    code, stderr = interrupted(("deploy",), signal.SIGINT, lambda: bool(docker.calls))

    assert code == 130, stderr


@pytest.mark.parametrize("group", [(), ("gateway",), ("shared",)], ids=["hitless", "gateway", "shared"])
def test_every_command_has_a_summary_that_fits_a_terminal(group: tuple[str, ...]) -> None:
    shown = CliRunner().invoke(hitless, [*group, "--help"], terminal_width=80).output
    commands = shown.partition("Commands:\n")[2].splitlines()
    assert len(commands) > 1
    assert [line for line in commands if line.endswith("...") or not line.endswith(".")] == []


def test_what_only_looks_does_not_load_what_it_does_not_need(docker: FakeDocker) -> None:
    program = """
import sys
from hitless.cli.main import hitless
try:
    hitless(["-p", "shop", "status"], standalone_mode=False)
finally:
    print("loaded:", sorted({"yaml", "tarfile", "rich.live"} & set(sys.modules)), file=sys.stderr)
"""
    docker.answers("inspect", stdout="[]\n")
    command = (sys.executable, "-c", program)
    shown = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)

    assert "loaded: []" in shown.stderr.splitlines()
