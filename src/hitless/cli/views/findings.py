"""Findings in lines for people."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape

from hitless.cli.console import say
from hitless.domain.common.findings import Finding


def show_findings(out: Console, findings: Sequence[Finding]) -> None:
    """Every finding with its path and what to do, errors first."""
    for finding in sorted(findings, key=lambda finding: not finding.is_error):
        kind = "[red]error[/]" if finding.is_error else "[yellow]warning[/]"
        say(out, f"{kind} [bold]{escape(finding.path)}[/]: {escape(finding.message)}")
        if finding.hint:
            say(out, f"      {escape(finding.hint)}")
