"""How much of a deployment's time is hitless's own, on this machine, in one run.

    python -m bench.overhead [ROUNDS]

Each round measures, one after the other, on an idle machine: the example from `docker run` to its first good
answer, and from `hitless deploy` to the first answer of the new release through the gateway. The difference
is hitless's. Then it measures how long `hitless --help` and `hitless status` take.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from urllib.parse import urlsplit

from bench.demo import APPLICATION, COMPOSE_FILE, HOST, ROOT, _free_port

GATEWAY = "hitless-bench"
BOOT_SECONDS = "3"
DEADLINE = 60.0
GOALS = {"deploy": 1.5, "status": 0.5, "help": 0.15}  # seconds: hitless's own share; each command as a whole


def main(rounds: int) -> int:
    """Measure, print, remove what was made; 1 if a goal is missed."""
    port = _free_port()
    _hitless("gateway", "up", "--http-port", str(port), "--bind", "127.0.0.1")
    try:
        _hitless("deploy", RELEASE="0")
        # by id: the tag goes with its release; the id stays, because every release is the same image
        image = _output("docker", "image", "inspect", "--format", "{{.Id}}", f"hitless:{APPLICATION}.r1.app")
        own, through = [], []
        for release in range(1, rounds + 1):
            own.append(_docker_run(image))
            through.append(_deploy(port, str(release)))
        shares = [after - before for before, after in zip(own, through, strict=True)]
        figures = {
            "deploy": statistics.median(shares),
            "status": _median(lambda: _hitless("status"), 10),
            "help": _median(lambda: _hitless("--help"), 10),
        }
    finally:
        _hitless("down")
        _hitless("gateway", "down", "--volumes", "--force")
    print(f"rounds: {rounds}, seconds, medians; the application waits {BOOT_SECONDS} s while it starts")
    print(f"docker run -> first good answer          {statistics.median(own):6.2f}  {_all(own)}")
    print(f"hitless deploy -> first new answer       {statistics.median(through):6.2f}  {_all(through)}")
    rows = {
        "deploy": "hitless's own share of that",
        "status": "hitless status",
        "help": "hitless --help",
    }
    for name, text in rows.items():
        verdict = "met" if figures[name] <= GOALS[name] else "MISSED"
        print(f"{text:<40} {figures[name]:6.2f}  goal: at most {GOALS[name]} — {verdict}")
    return int(any(figures[name] > goal for name, goal in GOALS.items()))


def _docker_run(image: str) -> float:
    """Seconds from `docker run` to the first good answer of a container asked directly."""
    began = time.monotonic()
    network = f"{GATEWAY}_webgateway"
    identity = _output(
        "docker",
        "run",
        "--detach",
        "--rm",
        "--network",
        network,
        "--env",
        f"BOOT_SECONDS={BOOT_SECONDS}",
        image,
    )
    try:
        shape = "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}"
        address = _output("docker", "inspect", "--format", shape, identity)
        _until(lambda: _answer(f"http://{address}:8000/health") is not None)
        return time.monotonic() - began
    finally:
        _output("docker", "stop", identity)


def _deploy(port: int, release: str) -> float:
    """Seconds from `hitless deploy` to the first answer of the new release through the gateway."""
    began = time.monotonic()
    process = subprocess.Popen(_argv("deploy"), env=_environment(RELEASE=release), stdout=subprocess.DEVNULL)
    try:
        _until(lambda: _answer(f"http://127.0.0.1:{port}/") == release)
        return time.monotonic() - began
    finally:
        if process.wait(DEADLINE):
            raise SystemExit("hitless deploy failed")


def _answer(url: str) -> str | None:
    """The release that gives a good answer. By http.client, because a look must cost next to nothing here."""
    parts = urlsplit(url)
    connection = HTTPConnection(parts.hostname or "", parts.port, timeout=2.0)
    try:
        connection.request("GET", parts.path, headers={"Host": HOST})
        answer = connection.getresponse()
        return answer.getheader("X-Release") if answer.status == 200 else None
    except (OSError, HTTPException):
        return None
    finally:
        connection.close()


def _until(fact: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DEADLINE
    while not fact():
        if time.monotonic() > deadline:
            raise SystemExit(f"it did not happen within {DEADLINE:.0f} s")
        time.sleep(0.02)


def _median(action: Callable[[], None], times: int) -> float:
    took = []
    for _ in range(times):
        began = time.monotonic()
        action()
        took.append(time.monotonic() - began)
    return statistics.median(took)


def _all(seconds: list[float]) -> str:
    return " ".join(f"{value:.2f}" for value in seconds)


def _hitless(*verb: str, **environment: str) -> None:
    subprocess.run(_argv(*verb), env=_environment(**environment), stdout=subprocess.DEVNULL, check=True)


def _argv(*verb: str) -> tuple[str, ...]:
    script = Path(sys.executable).with_name("hitless")
    return (str(script), "-p", APPLICATION, "-f", str(COMPOSE_FILE.relative_to(ROOT)), *verb)


def _environment(**more: str) -> dict[str, str]:
    return {**os.environ, "HITLESS_GATEWAY": GATEWAY, "BOOT_SECONDS": BOOT_SECONDS, **more}


def _output(*argv: str) -> str:
    return subprocess.run(argv, capture_output=True, text=True, check=True).stdout.strip()


if __name__ == "__main__":
    os.chdir(ROOT)
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 5))
