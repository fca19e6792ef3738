"""Many looks at once: none can keep a command waiting."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Thread
from typing import Generic, TypeVar

from hitless.domain.common.errors import HitlessError
from hitless.ports.local import Clock

T = TypeVar("T")
D = TypeVar("D")


@dataclass
class Look(Generic[T]):
    """A look in a thread of its own: its result, or why there is none."""

    thread: Thread
    found: list[T] = field(default_factory=list)
    error: str = ""


@dataclass
class Looks:
    """Looks at the same time, which together may take so many seconds; nobody waits for a longer one.

    `failed` maps the name of each look that has no result -> why.
    """

    clock: Clock
    seconds: float
    failed: dict[str, str] = field(default_factory=dict)
    began: float = 0.0

    def __post_init__(self) -> None:
        self.began = self.clock.now()

    def begin(self, look: Callable[[], T]) -> Look[T]:
        """Begin a look."""

        def work() -> None:
            try:
                made.found.append(look())
            except HitlessError as error:
                said = (" ".join(text.split()) for text in (error.message, error.hint) if text)
                made.error = "; ".join(said)
            except Exception as error:  # a doctor that falls ill at what it sees is of no use
                made.error = f"{type(error).__name__}: {error}"

        made: Look[T] = Look(Thread(target=work, daemon=True))
        made.thread.start()
        return made

    def result(self, name: str, look: Look[T], default: D) -> T | D:
        """What was seen; the default if nothing was, which is then noted under this name."""
        look.thread.join(max(0.1, self.began + self.seconds - self.clock.now()))
        if look.found:
            return look.found[0]
        self.failed[name] = look.error or f"no answer within {self.seconds:.0f} s"
        return default
