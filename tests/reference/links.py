"""tests/reference/links.txt: every address outside that the pages link to.

`python -m tests.reference.links` writes it.
"""

from __future__ import annotations

from pathlib import Path

from tests.reference.pages import PAGES, links

LIST = Path(__file__).with_name("links.txt")


def outside() -> str:
    """The addresses, one a line."""
    found = {link for page in PAGES for link in links(page) if ":" in link}
    return "".join(f"{one}\n" for one in sorted(found))


if __name__ == "__main__":
    LIST.write_text(outside(), encoding="utf-8")
