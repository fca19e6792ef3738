"""What `hitless init` shows: what hitless found, the questions, and the change of the file."""

from __future__ import annotations

from rich.console import Console
from rich.markup import escape

from hitless.cli.views.plan import show_services
from hitless.domain.application.model import Application
from hitless.domain.common import redact
from hitless.domain.questions.dialogue import Dialogue
from hitless.domain.questions.model import Question
from hitless.domain.routing.entry_points import WEB, port_of, shown
from hitless.domain.routing.published import address_of, transport_of


def show_found(out: Console, application: Application) -> None:
    """The services with their roles, and the routes."""
    show_services(out, application)
    for router in application.routes.routers:
        if router.is_port:
            port = port_of(router.entry_points[0]) or 0
            address = address_of(application.model["services"][router.service], port, transport_of(router))
            what = f"{shown(address, port, router.is_udp)} ({router.protocol})"
        else:
            what = f"{router.rule} on {', '.join(router.entry_points) or WEB}"
        out.print(f"route   {escape(what)} → {escape(router.service)}")


def show_question(out: Console, question: Question) -> None:
    """A question with its options."""
    out.print("\n".join(_lines(question)))


def show_dialogue(out: Console, dialogue: Dialogue) -> None:
    """The questions that nobody was asked, with the options that were taken."""
    for one in dialogue.answers:
        out.print(f"[bold]{escape(one.question.name)}[/]: {escape(one.question.asked)}")
        out.print(f"  [bold]{escape(one.option.word)}[/]: {escape(one.option.meaning)}")
        others = (option.word for option in one.question.options if option != one.option)
        given = " or ".join(f"--answer {one.question.name}={word}" for word in others)
        out.print(f"  [dim]({escape(given)} for another answer)[/]")


def question_list(dialogue: Dialogue) -> str:
    """All questions as the text of an error."""
    return "\n".join(line for one in dialogue.answers for line in _plain(one.question))


def show_diff(out: Console, diff: str, application: Application) -> None:
    """A diff, without the secrets that its lines may hold."""
    for line in redact.redact(diff, redact.secrets(application.model)).splitlines():
        colour = {"+": "green", "-": "red"}.get(line[:1])
        out.print(f"[{colour}]{escape(line)}[/]" if colour else escape(line))


def _lines(question: Question) -> list[str]:
    width = max(len(option.word) for option in question.options)
    return [
        f"[bold]{escape(question.name)}[/]: {escape(question.asked)}",
        *(f"  [bold]{escape(one.word):<{width}}[/]  {escape(one.meaning)}" for one in question.options),
    ]


def _plain(question: Question) -> list[str]:
    default = (f"{one.word}{' (default)' * (one.word == question.default)}" for one in question.options)
    return [
        f"  {question.name}: {question.asked}",
        *(f"    {word}: {one.meaning}" for word, one in zip(default, question.options, strict=True)),
    ]
