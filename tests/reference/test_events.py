from __future__ import annotations

from tests.reference.events import PAGE, page


def test_the_page_of_the_events_is_made_from_the_code() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run make docs, and look at the difference"
