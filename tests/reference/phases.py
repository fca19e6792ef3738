"""docs/reference/phases.md, drawn from the table of phases. `python -m tests.reference.phases` writes it."""

from __future__ import annotations

from pathlib import Path

from hitless.domain.plan.phases import TABLE, OnFailure, Phase, Recovery, Row

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "phases.md"

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

_TEXT = """# The phases of a deployment

A deployment goes through these phases in this order. The table is in `src/hitless/domain/plan/phases.py`.
Plans, execution, `hitless resume` and `hitless abort` use it, and this page is drawn from it (`make docs`).

```mermaid
stateDiagram-v2
{diagram}
```

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
    deployment = [one for one in TABLE if one.phase is not Phase.FINISH]
    lines = [f"    [*] --> {_name(deployment[0])}"]
    for one in deployment:
        following = next((other for other in TABLE if other.phase is one.next), None)
        lines.append(f"    {_name(one)} --> {_name(following) if following else '[*]'}")
        if one.on_failure is OnFailure.UNDO:
            lines.append(f"    {_name(one)} --> undone: a step fails")
        if one.on_failure is OnFailure.GO_BACK:
            lines.append(f"    {_name(one)} --> undone: the release is bad")
    lines.append("    undone --> [*]")
    columns = ("phase", "over when", "steps", "next", "a failure", "a kill leaves", "`resume`", "`abort`")
    header = f"| {' | '.join(columns)} |\n| {' | '.join(['---'] * len(columns))} |"
    return _TEXT.format(header=header, diagram="\n".join(lines), rows="\n".join(map(_row, deployment)))


def _name(one: Row) -> str:
    return one.phase.replace("-", "_")


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
