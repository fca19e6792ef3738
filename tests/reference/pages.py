"""What the pages hold: links, anchors, and blocks of commands."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = sorted(
    (*DOCS.rglob("*.md"), *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")))
)

_FENCE = re.compile(r"^( *)```(?P<info>[^\n`]*)\n(?P<text>.*?)^\1```$", re.MULTILINE | re.DOTALL)
_CODE = re.compile(r"`[^`]*`")
_LINK = re.compile(r"\]\((?P<target>[^)\s]+)\)")
_HEADING = re.compile(r"^#{1,6} (?P<text>.+)$", re.MULTILINE)
_COMMENT = re.compile(r"<!-- not run: (?P<reason>[^>]+?) -->\s*$")
_FILE = re.compile(r'title="(?P<name>[^"]+)"')
# what Material for MkDocs makes of a heading, and what GitHub makes of it
_SPACES = re.compile(r"[-\s]+")
_SIGNS = re.compile(r"[^\w\s-]")

_NUMBER = re.compile(r"(?<![\w.])\d+(?:[.,]\d+)*")


@dataclass(frozen=True)
class Block:
    """A fenced block: the file that it is (`title=`), or the reason why its commands are not run; else ""."""

    page: Path
    line: int
    language: str
    text: str
    file: str
    reason: str

    def commands(self) -> list[tuple[str, list[str]]]:
        """Each command of a console block, with the lines that it prints."""
        found: list[tuple[str, list[str]]] = []
        for line in self.text.splitlines():
            if line.startswith("$ "):
                found.append((line.removeprefix("$ "), []))
            elif found and found[-1][0].endswith("\\"):
                found[-1] = (f"{found[-1][0]}\n{line}", [])
            else:
                found[-1][1].append(line)
        return found


def blocks(page: Path) -> list[Block]:
    """Every fenced block of a page."""
    text = page.read_text(encoding="utf-8")
    found = []
    for match in _FENCE.finditer(text):
        indent, (language, _, rest) = len(match[1]), match["info"].partition(" ")
        body = "".join(line[indent:] for line in match["text"].splitlines(keepends=True))
        reason, file = _COMMENT.search(text[: match.start()]), _FILE.search(rest)
        line = text.count("\n", 0, match.start()) + 1
        found.append(
            Block(
                page, line, language, body, file["name"] if file else "", reason["reason"] if reason else ""
            )
        )
    return found


def links(page: Path) -> Iterator[str]:
    """The targets of a page's links, in its order."""
    text = _CODE.sub("", _FENCE.sub("", page.read_text(encoding="utf-8")))
    yield from (match["target"] for match in _LINK.finditer(text))


def anchors(page: Path) -> set[str]:
    """The anchors that lead to a heading of the page, both on the site and on GitHub."""
    text = _FENCE.sub("", page.read_text(encoding="utf-8"))
    return {anchor for match in _HEADING.finditer(text) for anchor in _anchors_of(match["text"])}


def _anchors_of(heading: str) -> set[str]:
    plain = _SIGNS.sub("", _LINK.sub("", heading)).strip().lower()
    on_site, on_github = _SPACES.sub("-", plain), plain.replace(" ", "-")
    return {on_site} & {on_github}


def first_missing(shown: str, output: str) -> str | None:
    """The first line that a page shows and that is not in the output, in its order.

    Any number may stand for a number, except for 0: so `0 lost` is what the page says. What follows a `…` may
    be anything, and a line that is `…` any lines.
    """
    lines = iter([_plain(line) for line in output.splitlines()])
    for line in shown.splitlines():
        start, is_cut, _ = _plain(line).partition("…")
        start = start.strip()
        if start and not any(one.startswith(start) if is_cut else one == start for one in lines):
            return line
    return None


def _plain(line: str) -> str:
    return " ".join(_NUMBER.sub(lambda match: "0" if match[0] == "0" else "#", line).split())
