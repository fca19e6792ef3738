"""What can go wrong that is not a bug of hitless: every such error says what to do next."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from hitless.domain.common.findings import Finding


class HitlessError(Exception):
    """Your input or your environment is at fault, not hitless; `hint` is the next thing to do.

    `is_unfinished`: something is left that the next command has to finish or to undo. `logs` maps where
    something was written (a container's name, say) -> its last lines.
    """

    is_unfinished = False

    def __init__(self, message: str, hint: str = "", logs: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.logs = logs or {}


class GatewayDown(HitlessError):
    """There is no running gateway of this name, and nothing can be done without one.

    `others` are the names of those that run on this host.
    """

    def __init__(self, others: Sequence[str] = ()) -> None:
        meant = f"; or use --gateway NAME, for one that runs: {', '.join(others)}" if others else ""
        super().__init__("the gateway is not up on this Docker host", f"run: hitless gateway up{meant}")


class Elsewhere(HitlessError):
    """The application runs behind another gateway of this host: only that one knows what is live."""

    def __init__(self, application: str, gateway: str) -> None:
        super().__init__(
            f"{application} runs behind the gateway {gateway}, not behind the one that was asked",
            f"use --gateway {gateway}, or set HITLESS_GATEWAY={gateway}",
        )


class Refused(HitlessError):
    """The plan has errors; nothing was touched."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        errors = sum(finding.is_error for finding in findings)
        noun = "error" if errors == 1 else "errors"
        super().__init__(
            f"refused, nothing changed: {errors} {noun}",
            "fix the errors above and try again; `hitless plan` shows it without deploying",
        )
        self.findings = tuple(findings)


class DockerFailed(HitlessError):
    """A Docker command line did not succeed.

    `command` is the whole argv joined for reading, without its standard input; `output` holds the last lines
    of its standard error, `printed` those of its standard output.
    """

    def __init__(self, command: str, exit_code: int, output: str, hint: str = "", printed: str = "") -> None:
        super().__init__(f"`{command}` failed with exit code {exit_code}: {output}", hint)
        self.printed = printed
        self.command = command
        self.exit_code = exit_code
        self.output = output

    @property
    def is_missing(self) -> bool:
        """Whether Docker says that there is no such thing. Its exit code does not show it."""
        said = self.output.lower()
        kinds = ("container", "image", "object", "network")
        return any(f"no such {kind}" in said for kind in kinds) or bool(
            re.search(r"network \S+ not found", said)
        )


class TimedOut(HitlessError):
    """A deadline passed; the message says what hitless waited for."""


class GateFailed(HitlessError):
    """The candidate did not get ready; `logs` are those of its containers."""


class BuildFailed(HitlessError):
    """An image could not be built; `logs` has the end of what the build wrote."""


class CommandFailed(HitlessError):
    """A hook on the operator's machine did not succeed; `output` is the end of what it wrote."""

    def __init__(self, message: str, hint: str, output: str) -> None:
        super().__init__(message, hint)
        self.output = output


class HookFailed(HitlessError):
    """Everything was done, but a hook after the cutover failed: there is nothing to undo."""


class NotConfirmed(HitlessError):
    """The gateway did not show the routing that was delivered to it within the deadline."""


class Locked(HitlessError):
    """Another deployment of the same application is under way."""


class LockLost(HitlessError):
    """The lock of an application was lost in the middle: another deployment may have begun."""

    is_unfinished = True

    def __init__(self, application: str) -> None:
        super().__init__(
            f"the lock of {application} went away: was the gateway restarted, the connection cut, this "
            "command suspended, or the lock freed with hitless unlock?",
            "see what is there with hitless status; then hitless resume, abort, or deploy again",
        )
