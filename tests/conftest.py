from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest

from hitless.cli.views import documents, events
from hitless.cli.views.documents import Document
from hitless.domain.common.events import Event
from tests.reference.published import check_document, check_line


@pytest.fixture(autouse=True, scope="session")
def interruptible() -> Iterator[None]:
    """SIGINT interrupts, also where a shell has started the tests in the background, which ignores it."""
    before = signal.getsignal(signal.SIGINT)
    if before is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(autouse=True, scope="session")
def as_outside_of_ci() -> Iterator[None]:
    """In a job of CI hitless folds what it prints; these tests may run in one themselves."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("GITHUB_ACTIONS", "GITLAB_CI"):
            patch.delenv(name, raising=False)
        yield


@pytest.fixture(autouse=True, scope="session")
def everything_printed_keeps_to_its_schema() -> Iterator[None]:
    """Compare each JSON document and each line of events that a test prints with the published schemas."""
    text, line = documents.as_text, events.as_line

    def checked_text(kind: Document, content: object, indent: int | None = None) -> str:
        found = text(kind, content, indent)
        check_document(kind, found)
        return found

    def checked_line(event: Event) -> str:
        found = line(event)
        check_line(found)
        return found

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(documents, "as_text", checked_text)
        patch.setattr(events, "as_line", checked_line)
        yield
