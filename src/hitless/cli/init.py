"""hitless init"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import click

from hitless.cli.gateway import up
from hitless.cli.options import Options, pass_options

if TYPE_CHECKING:
    from hitless import wiring
    from hitless.domain.application.model import Application
    from hitless.domain.questions.dialogue import Dialogue
    from hitless.domain.questions.model import Option, Question

_CANCELLED = "cancelled, nothing changed"


class Given(click.ParamType):  # type: ignore[type-arg]  # generic in the stubs alone
    """The answer to a question of `hitless init`, by their names: web=shop, worker.volumes=two."""

    name = "question=answer"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, str]:
        """The two."""
        question, _, word = str(value).rpartition("=")
        if not question:
            self.fail(f"{value} is not like web=shop", param, ctx)
        return question, word


@click.command()
@click.option(
    "-y", "--yes", is_flag=True, help="Ask nothing: take the defaults, which let no two copies write to data."
)
@click.option(
    "--answer", "given", type=Given(), multiple=True, help="Answer a question beforehand; may be repeated."
)
@click.option("--in-place", is_flag=True, help="Write into the Compose file itself, not into an override.")
@pass_options
@click.pass_context
def init(
    ctx: click.Context,
    options: Options,
    /,
    yes: bool,
    given: tuple[tuple[str, str], ...],
    in_place: bool,
) -> None:
    """Ask what the file does not tell, and write it there.

    Shows the roles and routes that hitless found, and what would keep `deploy` from going on. The answers go
    to the override file (compose.override.yaml), or to the last file that you name with -f. A second time it
    asks nothing.
    """
    from hitless import wiring
    from hitless.cli.console import console
    from hitless.cli.views.init import show_diff, show_found
    from hitless.domain.common.errors import HitlessError

    host, out = options.host(), console()
    application, _ = options.application(host)
    show_found(out, application)
    dialogue = _dialogue(application, dict(given), yes)
    if dialogue.said:
        change = wiring.change(host, options.compose(), application.model, dialogue.said, in_place)
        show_diff(out, change.diff(), application)
        if not yes and not _agrees(f"Write {change.path}?"):
            raise HitlessError(_CANCELLED)
        change.write()
        out.print(f"wrote {change.path}")
    else:
        out.print("nothing to write" if dialogue.answers else "nothing to ask")
    _show_rest(ctx, options, host, yes)


def _dialogue(application: Application, given: Mapping[str, str], yes: bool) -> Dialogue:
    """All questions with their answers. Raises `HitlessError` if nobody can answer them."""
    from hitless.cli.console import console
    from hitless.cli.views.init import question_list, show_dialogue
    from hitless.domain.common.errors import HitlessError
    from hitless.domain.questions.dialogue import hold

    is_asking = not yes and sys.stdin.isatty()
    dialogue = hold(application.model, _answering(given, is_asking))
    names = [one.question.name for one in dialogue.answers]
    if unknown := [name for name in given if name not in names]:
        raise HitlessError(
            f"there is no question {', '.join(unknown)}",
            f"there is: {', '.join(names)}" if names else "nothing is open",
        )
    if dialogue.answers and not yes and not is_asking:
        count = f"{len(names)} question{'s' if names[1:] else ''}"
        raise HitlessError(
            f"{count}, and no terminal to answer on; nothing changed\n{question_list(dialogue)}",
            "run it on a terminal, or with --yes for the defaults; --answer NAME=ANSWER gives another answer",
        )
    if not is_asking:
        show_dialogue(console(), dialogue)
    return dialogue


def _answering(given: Mapping[str, str], is_asking: bool) -> Callable[[Question], Option]:
    """What answers a question: an answer from the command line, a person, or its default."""
    from hitless.domain.common.errors import HitlessError
    from hitless.domain.questions.dialogue import default

    def answer(question: Question) -> Option:
        if question.name not in given:
            return _ask(question) if is_asking else default(question)
        word = given[question.name]
        if (option := question.option(word)) is None:
            known = ", ".join(one.word for one in question.options)
            raise HitlessError(f"{word!r} is no answer to {question.name}", f"there is: {known}")
        return option

    return answer


def _ask(question: Question) -> Option:
    """What a person answers."""
    from hitless.cli.console import console
    from hitless.cli.views.init import show_question
    from hitless.domain.common.errors import HitlessError
    from hitless.domain.questions.dialogue import default

    show_question(console(stderr=True), question)
    words = click.Choice([one.word for one in question.options])
    try:
        word = click.prompt("  Answer", type=words, default=question.default, show_choices=False, err=True)
    except click.Abort:  # Ctrl-C, or the end of the input
        raise HitlessError(_CANCELLED) from None
    return question.option(word) or default(question)


def _agrees(question: str) -> bool:
    """Whether there is a person, and agrees."""
    try:
        return sys.stdin.isatty() and click.confirm(question, default=True, err=True)
    except click.Abort:  # Ctrl-C, or the end of the input
        return False


def _show_rest(ctx: click.Context, options: Options, host: wiring.Host, yes: bool) -> None:
    """Open the ports if that costs nobody anything; then say whether a deployment would go."""
    from hitless.cli.console import console, ignore
    from hitless.cli.views.findings import show_findings
    from hitless.domain.routing.entry_points import written
    from hitless.execution import init as execution
    from hitless.execution.deploy import DeployOptions
    from hitless.execution.preview import preview

    out = console()
    application, findings = options.application(host)
    ports = host.ports(ignore)
    missing, is_idle = execution.missing_ports(ports, application)
    words = " ".join(f"--publish {written(address, port, udp)}" for port, address, udp in missing)
    command = f"hitless gateway up --replace {words}"
    if missing and is_idle and (yes or _agrees(f"Run `{command}`? The gateway serves nobody yet.")):
        ctx.invoke(up, replace=True, publish=missing)
        missing = ()
    plan, found = preview(ports, application, DeployOptions(findings=findings))
    show_findings(out, found)
    if plan:
        out.print("ready: run hitless deploy")
    else:
        out.print("hitless deploy would refuse: see the errors above")
    if missing:
        out.print(f"for the ports: {command} (it restarts: for a second or two it answers nobody)")
