"""Ask everything that the Compose file does not tell: an answer may raise the next question. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from hitless.domain.application import read as reading
from hitless.domain.common.foreign import Json
from hitless.domain.questions.ask import open_questions
from hitless.domain.questions.model import Answer, Option, Question, Said, with_said


@dataclass(frozen=True)
class Dialogue:
    """All questions with their answers, in the order in which they were asked."""

    answers: tuple[Answer, ...]

    @property
    def said(self) -> Said:
        """What all the answers say together: service -> keys of its `x-hitless`."""
        said: dict[str, Json] = {}
        for answer in self.answers:
            for service, keys in answer.option.says.items():
                said[service] = {**said.get(service, {}), **keys}
        return said


def hold(model: Json, answer: Callable[[Question], Option]) -> Dialogue:
    """Ask about a resolved Compose model until nothing is open; each question comes once.

    Raises what `answer` raises, and `HitlessError` if it is not a Compose model.
    """
    answers: list[Answer] = []
    while True:
        application, _ = reading.read(model)
        asked = tuple(one.question.name for one in answers)
        question = next((one for one in open_questions(application, asked) if one.name not in asked), None)
        if question is None:
            return Dialogue(tuple(answers))
        option = answer(question)
        answers.append(Answer(question, option))
        model = with_said(model, option.says)


def default(question: Question) -> Option:
    """The option that can't harm data."""
    option = question.option(question.default)
    if option is None:
        raise AssertionError(f"{question.name} has no option {question.default}")
    return option
