"""docs/reference/phases.md and its drawing, from the table of phases.

`python -m tests.reference.phases` writes both.

The drawing is a file, not Mermaid: a page with Mermaid loads what draws it from another server.
"""

from __future__ import annotations

from pathlib import Path

from hitless.domain.plan.phases import TABLE, OnFailure, Phase, Recovery, Row

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "phases.md"
DRAWING = PAGE.with_suffix(".svg")

_ON_FAILURE = {
    OnFailure.UNDO: "undone",
    OnFailure.GO_BACK: "a bad release: back to the previous one; else kept",
    OnFailure.KEEP: "kept",
}
_RESUME = {
    Recovery.DEPLOY: "deploys the release again",
    Recovery.TIDY: "keeps what is live, removes the rest",
    Recovery.GO_BACK: "goes back to the previous release",
}

_COLOURS = {
    OnFailure.UNDO: ("#c62828", "a step fails: all is undone"),
    OnFailure.GO_BACK: ("#ef6c00", "the release is bad: back to the previous one"),
    OnFailure.KEEP: ("#2e7d32", "a step fails: kept, the next command continues"),
}
_STEP = 56  # from one phase to the next
_BOX = """<rect x="20" y="{top}" width="130" height="32" rx="6" fill="#e0f2f1" stroke="#00796b"/>
<text x="85" y="{middle}" text-anchor="middle" fill="#222">{phase}</text>
<circle cx="172" cy="{middle}" r="5" fill="{colour}" transform="translate(0 -4)"/>
<text x="186" y="{middle}" fill="#222">{text}</text>"""
_ARROW = """<path d="M85 {bottom} V{next}" stroke="#00796b" marker-end="url(#end)"/>"""
_SVG = """<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 540 {height}" width="540"
  font-family="sans-serif" font-size="14">
<defs><marker id="end" markerWidth="8" markerHeight="8" refX="4" refY="4" orient="auto">
<path d="M0 0 L8 4 L0 8 Z" fill="#00796b"/></marker></defs>
<rect width="540" height="{height}" fill="#fff"/>
{parts}
</svg>
"""

_TEXT = """# The phases of a deployment

A deployment goes through these phases in this order. The table is in `src/hitless/domain/plan/phases.py`.
Plans, execution, `hitless resume` and `hitless abort` use it, and this page is drawn from it (`make docs`).

![from phase to phase, and what a failure in each one does](phases.svg)

{header}
{rows}

- **undone**: hitless undoes every step that has begun, the last one first. Then it reports `undone`.
- **kept**: hitless changes nothing more, and the command ends as `unfinished`. The next command continues.
- A hook that fails in a phase with **kept** does not stop the deployment. The command ends with exit code 6.
- hitless deploys a release again only if its record exists. Before that, `resume` says that it can't.
- hitless goes back to the previous release only while its containers run. Later, `abort` says that it can't.
- After a `scale` or a `prove`, `abort` keeps what is live, in every phase: there is no other release.
- Rollback and prove are deployments, too. Scale uses the phases from `tidy` to `retire`, with `add-replicas`
  in place of `cut-over`.
"""


def page() -> str:
    """The whole page."""
    deployment = _deployment()
    columns = ("phase", "over when", "steps", "next", "a failure", "a kill leaves", "`resume`", "`abort`")
    header = f"| {' | '.join(columns)} |\n| {' | '.join(['---'] * len(columns))} |"
    return _TEXT.format(header=header, rows="\n".join(map(_row, deployment)))


def drawing() -> str:
    """The phases below each other; beside each one what a failure in it does."""
    phases = _deployment()
    parts = []
    for number, one in enumerate(phases):
        top = 20 + number * _STEP
        colour, text = _COLOURS[one.on_failure]
        parts.append(_BOX.format(top=top, middle=top + 20, colour=colour, phase=one.phase, text=text))
        if one is not phases[-1]:
            parts.append(_ARROW.format(bottom=top + 32, next=top + _STEP - 7))
    return _SVG.format(height=20 + len(phases) * _STEP, parts="\n".join(parts))


def _deployment() -> list[Row]:
    return [one for one in TABLE if one.phase is not Phase.FINISH]


def _row(one: Row) -> str:
    cells = (
        f"`{one.phase}`",
        one.fact,
        ", ".join(f"`{kind}`" for kind in sorted(one.steps)),
        f"`{one.next}`" if one.next else "the end",
        _ON_FAILURE[one.on_failure],
        one.leaves,
        _RESUME[one.resume],
        _RESUME[one.abort],
    )
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    DRAWING.write_text(drawing(), encoding="utf-8")
