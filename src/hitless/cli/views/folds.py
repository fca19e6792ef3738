"""What is written while a step runs, folded away in the log of a CI server that can."""

from __future__ import annotations

import os
import time
from typing import IO

from hitless.cli.visible import visible


def ci() -> str:
    """`github` or `gitlab` where hitless runs under one of them (or what speaks the same), else ""."""
    if os.environ.get("GITHUB_ACTIONS") == "true":
        return "github"
    return "gitlab" if os.environ.get("GITLAB_CI") else ""


class Folds:
    """A fold for each step that something is written at; the step's own line is outside."""

    def __init__(self, out: IO[str]) -> None:
        self._out = out
        self._ci = ci()
        self._open = ""
        self._number = 0

    @property
    def are_there(self) -> bool:
        """Whether the log can fold."""
        return bool(self._ci)

    def open(self, title: str) -> None:
        """Open a fold, if none is open."""
        if self._open:
            return
        self._number += 1
        self._open = f"hitless_{os.getpid()}_{self._number}"
        line = visible(title)
        if self._ci == "github":
            self._write(f"::group::{line}\n")
        else:
            # https://docs.gitlab.com/ci/jobs/job_logs/#custom-collapsible-sections
            start = f"section_start:{time.time():.0f}:{self._open}[collapsed=true]"
            self._write(f"\x1b[0K{start}\r\x1b[0K{line}\n")

    def close(self) -> None:
        """Close the fold that is open."""
        if not self._open:
            return
        if self._ci == "github":
            self._write("::endgroup::\n")
        else:
            self._write(f"\x1b[0Ksection_end:{time.time():.0f}:{self._open}\r\x1b[0K\n")
        self._open = ""

    def _write(self, text: str) -> None:
        self._out.write(text)
        self._out.flush()
