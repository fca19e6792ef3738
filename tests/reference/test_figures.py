"""What the README and compared.md copy from a benchmark's page stands in that page."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = {path.name: path.read_text(encoding="utf-8") for path in (ROOT / "docs/benchmarks").glob("*.md")}
FIGURE = re.compile(r"(?<![\w.,])\d+(?:,\d{3})+(?![\w,])|(?<![\w.,])\d+\.\d+(?= s\b)")


def copied(text: str) -> list[tuple[str, str]]:
    """Each figure of a paragraph that names a page, and of a table below such a paragraph, with that page.

    Where it names several, the figure may stand in any: they are one text then.
    """
    blocks = text.split("\n\n")
    found = []
    for block, after in zip(blocks, [*blocks[1:], ""], strict=True):
        named = {*re.findall(r"benchmarks/([\w-]+\.md)", block)}
        whole = f"{block}\n{after}" if after.startswith("|") else block
        pages = "\n".join(PAGES[name] for name in sorted(named))
        found += [(figure, pages) for figure in FIGURE.findall(whole) if named]
    return found


@pytest.mark.parametrize(("file", "least"), [("README.md", 10), ("docs/compared.md", 20)])
def test_a_figure_that_is_copied_from_a_benchmark_is_that_of_its_page(file: str, least: int) -> None:
    figures = copied((ROOT / file).read_text(encoding="utf-8"))

    missing = [figure for figure, page in figures if not re.search(rf"(?<![\d.,]){figure}(?![\d,])", page)]

    assert missing == []
    assert len(figures) >= least
