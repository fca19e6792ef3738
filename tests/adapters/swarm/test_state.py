"""The state in every gateway of a Swarm."""

from __future__ import annotations

from dataclasses import dataclass, field

from hitless.adapters.swarm.state import HeldEverywhere


@dataclass
class Lock:
    held: bool = True
    lines: list[str] = field(default_factory=list)

    def write(self, line: str) -> None:
        self.lines.append(line)

    def is_held(self) -> bool:
        return self.held


def test_a_lock_is_lost_where_one_gateway_has_lost_it() -> None:
    first, second = Lock(), Lock()
    lock = HeldEverywhere((first, second))
    assert lock.is_held()
    second.held = False
    assert not lock.is_held()


def test_each_gateway_has_the_whole_journal() -> None:
    first, second = Lock(), Lock()
    HeldEverywhere((first, second)).write("began")
    assert (first.lines, second.lines) == (["began"], ["began"])
