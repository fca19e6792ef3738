"""Why a container is not ready, as far as the engine knows."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from hitless.domain.common.errors import HitlessError
from hitless.domain.common.redact import CUT_OFF
from hitless.domain.host.container_facts import Listener
from hitless.ports import Ports

_SAID = 300  # characters of what a check printed
_LONGEST, _CUT = 4096, "..."  # bytes that the engine keeps of it, and what it writes behind them
_NO_PROGRAM = (126, 127)  # a shell's exit codes for what it can't run; the engine's own, too


@dataclass(frozen=True)
class Cause:
    """What is known: the end of an error's message, and the hint."""

    said: str
    hint: str


def of_unhealthy(ports: Ports, container: str) -> Cause | None:
    """What the container's own Docker health check did when it failed last; None if nobody knows."""
    check = None
    with suppress(HitlessError):
        check = ports.containers.last_check(container)
    if check is None or not check.exit_code:
        return None
    # secrets go before the cut, as half of one would not be known for what it is
    output = check.output
    if output.endswith(_CUT) and len(output.encode()) >= _LONGEST:
        output = output.removesuffix(_CUT) + CUT_OFF
    printed = " ".join(ports.hide(output).split())
    if len(printed) > _SAID:  # the cause comes last, in a traceback and in what curl says
        end = printed[-_SAID:]
        printed = CUT_OFF + (end.partition(" ")[2] or end)
    if check.is_too_slow:
        return Cause(
            f"its health check `{check.command}` does not end in time ({printed})",
            "have the check ask for less, or raise its `timeout`",
        )
    said = f"its health check `{check.command}` ends with exit code {check.exit_code}"
    said += f" and prints: {printed}" if printed else " and prints nothing"
    if check.exit_code in _NO_PROGRAM or "executable file not found" in printed:
        return Cause(said, "does the image have the program that the check starts? many have no curl")
    return Cause(said, "correct what the check finds wrong, or the check")


def of_silence(ports: Ports, containers: Sequence[str], port: int) -> Cause | None:
    """Why nothing answers on this port; None if something listens there in each, or if nobody knows."""
    for container in containers:
        found: tuple[Listener, ...] | None = None
        with suppress(HitlessError):
            found = ports.containers.listening(container)
        if found is None or any(one.port == port and not one.is_local for one in found):
            continue
        if any(one.port == port for one in found):
            return Cause(
                f"{container} listens on {port} of its own loopback address alone",
                "have it listen on 0.0.0.0, or on [::]: the gateway is another container",
            )
        nothing = f"nothing listens on {port} in {container}"
        others = dict.fromkeys(str(one.port) for one in found if not one.is_local)
        if not others:
            return Cause(
                nothing, "does the application start its server, and on this port? see its log above"
            )
        return Cause(
            f"{nothing}; it listens on {', '.join(others)}",
            "name the right port (in the label `…loadbalancer.server.port`, or behind the colon in `ports`), "
            "or have it listen there",
        )
    return None
