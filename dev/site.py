"""What MkDocs does besides its own work, for the site of docs/ (see mkdocs.yml)."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
_LATER = ("decisions/", "benchmarks/", "faults.", "corpus.")  # found, but below the guides
_LINK = re.compile(r"\[([^\]]*)\]\((\.\./[^)\s]*)\)")
_COMMENT = re.compile(r"^ *<!--.*?-->\n", re.MULTILINE | re.DOTALL)


def on_config(config: Any) -> Any:
    """Name every page of a folder where the nav names the folder, and no page that is not there.

    A name that is spelled wrong is found nevertheless: the page that it means is then not in the nav.
    """
    config.nav = _pages(config.nav)
    return config


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """A page without its comments; what is not in docs/ is named, as the site does not have it."""
    here = Path(page.file.abs_src_path).parent

    def named(match: re.Match[str]) -> str:
        target = (here / match[2].partition("#")[0]).resolve()
        if target.is_relative_to(DOCS):
            return match[0]
        name = str(target.relative_to(ROOT))
        return (
            f"`{name}` (in the repository)"
            if name in match[1]
            else f"{match[1]} (`{name}` in the repository)"
        )

    if page.file.src_uri.startswith(_LATER):
        page.meta["search"] = {"boost": 0.3}
    return _LINK.sub(named, _COMMENT.sub("", markdown))


def _pages(entry: Any) -> Any:
    if isinstance(entry, list):
        return [found for one in entry if (found := _pages(one))]
    if isinstance(entry, dict):
        return {name: found for name, one in entry.items() if (found := _pages(one))}
    if entry.endswith("/"):
        return sorted(str(page.relative_to(DOCS)) for page in (DOCS / entry).glob("*.md"))
    return entry if (DOCS / entry).exists() else None
