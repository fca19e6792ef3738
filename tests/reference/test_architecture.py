"""The page on the architecture names files and packages that exist."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "architecture.md"


def test_every_file_that_the_page_names_is_there() -> None:
    named = re.findall(r"`([\w/]+\.(?:py|sh))`", PAGE.read_text(encoding="utf-8"))
    assert len(named) > 20
    there = [str(path.relative_to(ROOT / "src" / "hitless")) for path in (ROOT / "src").rglob("*.*")]
    # a file without a folder is in the folder of the one before it
    missing = [name for name in named if not any(path == name or path.endswith(f"/{name}") for path in there)]
    assert missing == []


def test_the_packages_stand_in_the_order_that_is_checked() -> None:
    with (ROOT / "pyproject.toml").open("rb") as file:
        contracts = tomllib.load(file)["tool"]["importlinter"]["contracts"]
    [rooms] = [one["layers"] for one in contracts if one.get("containers") == ["hitless.domain"]]
    named = re.findall(r"^\| `(\w+)` \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert named == list(reversed(rooms))
