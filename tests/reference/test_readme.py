"""The README's tables say what the code does."""

from __future__ import annotations

import re
from pathlib import Path

from hitless.cli.exit_codes import ExitCode

README = Path(__file__).parents[2] / "README.md"


def test_the_readme_has_every_exit_code() -> None:
    table = README.read_text(encoding="utf-8").partition("| exit code |")[2].partition("\n\n")[0]
    assert [int(code) for code in re.findall(r"^\| (\d+) \|", table, re.MULTILINE)] == list(ExitCode)
