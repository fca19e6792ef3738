from __future__ import annotations

from hitless.cli.exit_codes import ExitCode
from tests.reference.events import EXIT_CODES, PAGE, page
from tests.reference.published import UPDATE


def test_the_page_of_the_events_is_made_from_the_code() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), UPDATE


def test_the_page_has_every_exit_code() -> None:
    assert list(EXIT_CODES) == list(ExitCode)
