"""The site of docs/: it is built strictly, asks no other server, and every link on a page leads somewhere."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.e2e.test_docs import JOURNEYS
from tests.reference.links import LIST, outside
from tests.reference.pages import DOCS, PAGES, ROOT, anchors, blocks, links

_LOADS = {"script": "src", "link": "href", "img": "src", "iframe": "src", "source": "src", "object": "data"}


class Loaded(HTMLParser):
    """What a browser loads with a page."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if values.get("rel") not in ("canonical", "prev", "next"):
            self.found += [value] if (value := values.get(_LOADS.get(tag, ""))) else []


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    words = (sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder))
    built = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stdout + built.stderr
    return folder


def test_no_page_of_the_site_loads_anything_from_another_server(site: Path) -> None:
    pages = list(site.rglob("*.html"))
    assert len(pages) > 60
    for page in pages:
        seen = Loaded()
        seen.feed(page.read_text(encoding="utf-8"))
        assert seen.found, page
        assert [one for one in seen.found if urlsplit(one).netloc] == [], page
        for one in seen.found:  # and what it loads is there
            if not one.startswith("data:") and page.name != "404.html":
                assert (page.parent / urlsplit(one).path).exists(), f"{page}: {one}"
    # Material's script would load Mermaid from elsewhere for such a block
    assert not any('class="mermaid"' in page.read_text(encoding="utf-8") for page in pages)
    styles = "".join(style.read_text(encoding="utf-8") for style in site.rglob("*.css"))
    assert re.findall(r"url\(['\"]?https?:|@import", styles) == []


def test_the_search_is_there_without_a_server(site: Path) -> None:
    text = (site / "search" / "search_index.js").read_text(encoding="utf-8")
    index = json.loads(text.removeprefix("var __index = "))
    boosts = {one["location"].partition("#")[0]: one.get("boost", 1) for one in index["docs"]}
    assert boosts["tutorial.html"] == 1
    assert boosts["decisions/0001-layers.html"] < 1  # a guide is above the reasons
    assert "iframe-worker.js" in (site / "index.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_of_a_page_leads_to_a_file_and_a_heading(page: Path) -> None:
    for link in links(page):
        path, _, anchor = link.partition("#")
        if ":" not in link:
            target = (page.parent / path).resolve() if path else page
            assert target.exists(), f"{link}: there is no such file"
            assert not anchor or anchor in anchors(target), f"{link}: there is no such heading"


def test_links_to_elsewhere_are_in_one_list_and_well_formed() -> None:
    assert LIST.read_text(encoding="utf-8") == outside(), "run make docs, and look at the difference"
    for link in outside().splitlines():
        parts = urlsplit(link)
        assert parts.scheme == "https", link
        assert re.fullmatch(r"[a-z0-9-]+(\.[a-z0-9-]+)+", parts.netloc), link


@pytest.mark.parametrize("page", sorted(DOCS.rglob("*.md")), ids=lambda page: str(page.relative_to(DOCS)))
def test_every_console_block_is_run_by_a_journey_or_says_why_not(page: Path) -> None:
    found = [block for block in blocks(page) if block.language == "console"]
    for block in found:
        assert block.reason or page.relative_to(DOCS).as_posix() in JOURNEYS, (
            f"{page}:{block.line}: no journey in tests/e2e/test_docs.py runs this page; "
            "write <!-- not run: reason --> before the block"
        )


def test_each_journey_runs_something() -> None:
    for name in JOURNEYS:
        assert any(block.language == "console" and not block.reason for block in blocks(DOCS / name)), name
