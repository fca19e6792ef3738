from __future__ import annotations

from tests.reference.phases import DRAWING, PAGE, drawing, page


def test_the_page_of_the_phases_is_drawn_from_the_table() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run make docs, and look at the difference"


def test_the_drawing_is_made_from_the_table() -> None:
    assert DRAWING.read_text(encoding="utf-8") == drawing(), "run make docs, and look at the difference"
