"""What the gateway's state says of all applications at once, as the script prints it. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable

from hitless.domain.host.facts import Overview, Room
from hitless.domain.host.journal import Holder, runs

# POSIX `df -P`: file system, total, used, free, share; the name of the file system may have blanks
_DISK = re.compile(r"^\S.*?\s(\d+)\s+\d+\s+(\d+)\s+\d+%", re.MULTILINE)
_INODES = re.compile(r"^inodes \S.*?\s(\d+)\s+\d+\s+(\d+)\s+(?:\d+%|-)", re.MULTILINE)


def read_overview(text: str) -> Overview:
    """The overview. What another version of the script does not print is not known."""
    about, *parts = re.split(r"^of (?=[.a-z0-9][a-z0-9_-]*$)", text, flags=re.MULTILINE)
    found = {name: rest for name, _, rest in (part.partition("\n") for part in parts)}
    gateway = found.pop(".gateway", "")
    last = {name: runs(rest)[-1] for name, rest in found.items() if runs(rest)}
    return Overview(
        time=float(about.partition("\n")[0]),
        room=_room(about),
        holders={name: one for name, rest in found.items() if (one := holder_in(rest))},
        last=last,
        kept={name: frozenset(_numbers(r"^kept (\d+)\.json$", rest)) for name, rest in found.items()},
        quiet={name: max((0.0, *_numbers(r"^quiet (-?\d+)$", rest))) for name, rest in found.items()},
        lock=holder_in(gateway),
        old_logs=sum(_numbers(r"^log (\d+)$", about)),
        copies=_copies(re.findall(r"^copy (\d+) (.+)$", about, re.M)),
    )


def holder_in(text: str) -> Holder | None:
    """The holder that a line `held <seconds> <seconds since the last sign of life> <name>` names, if any.

    `left` in place of `held` says that the holder itself has ended.
    """
    match = re.search(r"^(held|left) (-?\d+) (-?\d+) (.*)$", text, re.MULTILINE)
    if match is None:
        return None
    return Holder(match[4], max(float(match[2]), 0), max(float(match[3]), 0), match[1] == "left")


def _numbers(pattern: str, text: str) -> list[int]:
    return [int(one) for one in re.findall(pattern, text, re.MULTILINE)]


def _copies(found: Iterable[tuple[str, str]]) -> dict[str, int]:
    return {path.rpartition("/")[2]: int(size) for size, path in found}


def _room(about: str) -> Room | None:
    disk, inodes = _DISK.search(about), _INODES.search(about)
    state = re.search(r"^state (\d+)\s", about, re.M)
    if disk is None:
        return None
    counted = inodes is not None and int(inodes[1]) > 0  # some file systems have no such limit
    return Room(
        total=int(disk[1]) * 1024,
        free=int(disk[2]) * 1024,
        inodes=int(inodes[2]) if inodes and counted else None,
        state=int(state[1]) * 1024 if state else 0,
    )
