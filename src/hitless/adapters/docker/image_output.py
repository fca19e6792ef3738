"""What Docker writes while it builds and pulls (`--progress plain`, and no terminal), as it comes."""

from __future__ import annotations

import re
from collections.abc import Callable

# BuildKit's lines: `#5 [web 2/3] RUN make`, `#5 0.536 what it writes`, `#5 ERROR: why`, `#5 DONE 1.5s`
_NUMBERED = re.compile(r"#(\d+) (.*)")
_SERVICE = re.compile(r"\[(\S+)")
_WRITTEN = re.compile(r"\d+\.\d+ (.*)")
_LAYER = re.compile(r"[0-9a-f]{12}: (.+)")
_THERE = ("Pull complete", "Already exists")
_ANY = "build"  # what it is called where nothing names the service


class BuildOutput:
    """Takes the lines of a build apart; an older builder's are told as they are."""

    def __init__(self, progress: Callable[[str], None], wrote: Callable[[str, str], None]) -> None:
        self._progress = progress
        self._wrote = wrote
        self._services: dict[str, str] = {}  # number of a part -> its service

    def heard(self, line: str) -> None:
        """Take a line."""
        found = _NUMBERED.fullmatch(line.rstrip("\r"))
        if found is None:
            if line.strip() and not self._services:
                self._wrote(_ANY, line)
            return
        number, said = found.groups()
        if number not in self._services:
            service = _SERVICE.match(said)
            self._services[number] = service[1].rstrip("]") if service else _ANY
            self._progress(said)
        elif written := _WRITTEN.fullmatch(said):
            self._wrote(self._services[number], written[1])
        elif said.startswith("ERROR"):
            self._wrote(self._services[number], said)


class Layers:
    """Counts the layers of an image that are there."""

    def __init__(self, progress: Callable[[str], None]) -> None:
        self._progress = progress
        self._is_there: dict[str, bool] = {}

    def heard(self, line: str) -> None:
        """Take a line."""
        found = _LAYER.fullmatch(line.strip())
        if found is None:
            return
        self._is_there[line.partition(":")[0]] = found[1] in _THERE
        self._progress(f"{sum(self._is_there.values())} of {len(self._is_there)} layers")
