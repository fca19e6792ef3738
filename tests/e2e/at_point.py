"""Run hitless, and a shell command at one point of it: python -m tests.e2e.at_point POINT COMMAND ARGUMENT…

A POINT is "before STEP", "after STEP" or "within STEP": the beginning of a step's line as hitless prints it.
Within a step that routes is when the routing file is delivered and not yet confirmed.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable

from hitless.__main__ import main
from hitless.execution import operations, perform, waits
from hitless.ports import Ports


def at_point(point: str, command: str) -> None:
    """Have the command run once, at the point; hitless goes on when it has ended."""
    when, _, wanted = point.partition(" ")
    announced, until_in_force = perform.announced, waits.until_in_force
    steps: list[str] = []
    done: list[str] = []

    def reached(moment: str, step: str) -> None:
        if moment == when and step.startswith(wanted) and not done:
            done.append(step)
            subprocess.run(command, shell=True, check=True)

    def announced_here(ports: Ports, name: str, action: Callable[[], str | None]) -> None:
        def act() -> str | None:
            steps.append(name)
            reached("before", name)
            return action()

        announced(ports, name, act)
        reached("after", name)

    def until_in_force_here(*arguments: object) -> None:
        reached("within", steps[-1])
        until_in_force(*arguments)  # type: ignore[arg-type]  # whatever it takes

    perform.announced = operations.announced = announced_here  # type: ignore[attr-defined]
    waits.until_in_force = until_in_force_here


if __name__ == "__main__":
    at_point(*sys.argv[1:3])
    sys.argv[1:3] = []
    main()
