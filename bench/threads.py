"""Threads that work while something else is done."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from threading import Event, Thread


@contextmanager
def running(threads: Sequence[Thread], is_over: Event) -> Iterator[None]:
    """Run them during the `with` block; then tell them that it is over, and wait for their end."""
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        is_over.set()
        for thread in threads:
            thread.join()
