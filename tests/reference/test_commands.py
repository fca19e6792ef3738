from __future__ import annotations

from hitless.cli.main import hitless
from tests.reference.commands import PAGE, page


def test_the_page_of_the_commands_is_made_from_their_help() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run make docs, and look at the difference"


def test_every_command_is_on_the_page() -> None:
    assert all(f"\n## hitless {name}\n" in page() for name in hitless.commands)
