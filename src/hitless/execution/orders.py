"""Have the gateway get certificates from the CA before a release is live."""

from __future__ import annotations

from hitless.domain.common.errors import GateFailed
from hitless.domain.gateway.acme import (
    Names,
    Refusal,
    left,
    refusal,
)
from hitless.domain.gateway.certificates import covering
from hitless.domain.plan.routing_steps import GetCertificates
from hitless.execution.progress import Progress
from hitless.execution.waits import PAUSE
from hitless.ports import Ports

# Traefik gives up after 35 s with a CA that does not answer (measured). A record in the DNS may take minutes.
_TIMEOUT = 600.0
_LOG_PAUSE = 1.0  # to read the gateway's log is more work than to ask Traefik what it has


def get_certificates(ports: Ports, step: GetCertificates, progress: Progress) -> str:
    """Get each of the certificates that the gateway still lacks. Returns what has come.

    It orders one at a time: whenever one comes, Traefik orders all others again. Raises `GateFailed` with
    what the CA says, and how often the host name may be asked for again.
    """
    got: list[str] = []
    for names in step.certificates:
        if not _is_there(ports, names):  # another application may need the same one
            progress(f"asking for {', '.join(names)}")
            _get(ports, step, names)
            got += names
    return ", ".join(got) or "they are there already"


def _get(ports: Ports, step: GetCertificates, names: Names) -> None:
    order = ports.certificates.order(step.application, names, _TIMEOUT)
    counts = True
    try:
        refused = _answer(ports, step.application, order, names)
        counts = refused is not None and refused.is_counted
    finally:
        ports.certificates.end_order(step.application, order, has_failed=counts)
    if refused:
        raise _failed(ports, names, refused)


def _answer(ports: Ports, application: str, order: str, names: Names) -> Refusal | None:
    """Wait for the certificate; None if it has come.

    Traefik passes over an order while an earlier one for the same name is under way: that of a command that
    was killed. When that one has failed, this one is due.
    """
    earlier: set[str] = set()
    until = ports.clock.now() + _TIMEOUT
    look = ports.clock.now() + _LOG_PAUSE
    while not _is_there(ports, names):
        now = ports.clock.now()
        if now > look:
            said = ports.certificates.said(order)
            if order in said:
                return refusal(said[order])
            if said.keys() - earlier:
                ports.certificates.order_again(application, order)
            earlier |= said.keys()
            look = now + _LOG_PAUSE
        if now > until:
            return Refusal(
                f"no answer came in {_TIMEOUT:.0f} s", "see `hitless gateway logs`", is_counted=True
            )
        ports.clock.pause(PAUSE)
    return None


def _is_there(ports: Ports, names: Names) -> bool:
    there = (*ports.certificates.certificates(), *ports.certificates.obtained())
    return all(covering(there, name, ports.clock.utc()) for name in names)


def _failed(ports: Ports, names: Names, refused: Refusal) -> GateFailed:
    hint = refused.hint
    if refused.is_counted:
        failures = ports.certificates.failures()
        tries = min(left(name, failures) for name in names)
        hint += f"; {_times(tries)} in this hour"
    return GateFailed(f"there is no certificate for {', '.join(names)}: {refused.reason}", hint, {})


def _times(tries: int) -> str:
    return {0: "hitless does not ask again", 1: "hitless asks once more at most"}.get(
        tries, f"hitless asks {tries} more times at most"
    )
