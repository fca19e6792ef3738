"""The role that hitless gives to each service of the corpus, beside the one that it should have.

`roles.tsv` has the judgements of two readers: file, service, role, other roles that do no harm (`also`), what
a wrong one would harm, and why.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from hitless.domain.application import mounts
from hitless.domain.application import read as reading
from hitless.domain.application.model import Application, Role, Service
from hitless.domain.checks import service as checks
from hitless.domain.common.foreign import Json
from hitless.domain.questions.ask import WEB
from hitless.domain.questions.dialogue import default, hold
from hitless.domain.questions.model import Option, Question, with_said

JUDGED = Path(__file__).with_name("roles.tsv")


class Found(StrEnum):
    """What hitless does with a service."""

    RIGHT = "right"
    ASKED = "asked"
    WRONG = "wrong"


@dataclass(frozen=True)
class Judged:
    """The roles that a service may have, and what others would harm: `data`, `stale`, `down`, or nothing."""

    roles: frozenset[str]
    harm: str


def judged() -> dict[tuple[str, str], Judged]:
    """The judgements: file and service -> roles."""
    with JUDGED.open() as rows:
        return {
            (row["file"], row["service"]): Judged(
                frozenset({row["role"], *row["also"].split(",")}), row["harm"] or "nothing"
            )
            for row in csv.DictReader(rows, delimiter="\t")
        }


def figures(number: str, model: Json, known: Mapping[tuple[str, str], Judged]) -> Iterator[tuple[Found, str]]:
    """For each judged service of a file: what hitless does with it, and what that harms if it is wrong.

    A file without a route is taken with the first candidate that `hitless init` names.
    """
    chosen = [one.option for one in hold(model, _first_web).answers if one.question.name == WEB]
    for option in chosen:
        model = with_said(model, option.says)
    application, _ = reading.read(model)
    # all that is open, and that a plan does not go on without, or warns of
    asked = {one.question.name.partition(".")[0] for one in hold(model, default).answers}
    # the question about the route names what two copies would write to
    says = [(name, keys) for option in chosen for name, keys in option.says.items()]
    asked |= {name for name, keys in says if "concurrent_writes" in keys}
    doubted = {
        source for service in application.services for source in checks.written_twice(application, service)
    }
    for service in application.services:
        if (judgement := known.get((number, service.name))) is None:
            continue
        found = _found(application, service, judgement, asked, doubted)
        # of an exclusive one there are never two copies, whatever it should be
        harm = "nothing" if service.exclusive else judgement.harm
        yield found, harm if found is Found.WRONG else ""


def _first_web(question: Question) -> Option:
    return question.options[0] if question.name == WEB else default(question)


def _found(
    application: Application, service: Service, judgement: Judged, asked: set[str], doubted: set[str]
) -> Found:
    of_release = {str(service.role)} if service.role is Role.WEB or not service.exclusive else set()
    if judgement.roles & (of_release | ({"exclusive"} if service.exclusive else set())):
        return Found.RIGHT
    model = application.model["services"][service.name]
    if not application.routes.routers:
        return Found.ASKED  # nothing in the file can have a route: the plan asks for one
    errors = any(one.is_error for one in checks.of_service(application, service, {}))
    writes = {str(mount["source"]) for mount in mounts.writable(model)}
    return Found.ASKED if errors or service.name in asked or writes & doubted else Found.WRONG
