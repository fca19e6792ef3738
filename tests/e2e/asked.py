"""What this process does when a shell command asks for it: a fault that only the tests can bring about."""

from __future__ import annotations

import shlex
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def when_asked(directory: Path, action: Callable[[], None]) -> Iterator[str]:
    """A shell command that has the action done here and ends when that is done; raises what it raised."""
    asked, done = directory / "asked", directory / "done"
    for file in (asked, done):
        file.unlink(missing_ok=True)
    over = threading.Event()

    def serve() -> None:
        while not asked.exists():
            if over.wait(0.02):
                return
        try:
            action()
        finally:
            done.touch()

    # a thread that another one starts is in the same network
    with ThreadPoolExecutor(max_workers=1) as pool:
        serving = pool.submit(serve)
        try:
            ask, wait = shlex.quote(str(asked)), shlex.quote(str(done))
            yield f"touch {ask}; until [ -e {wait} ]; do sleep 0.02; done"
        finally:
            over.set()
        serving.result()
