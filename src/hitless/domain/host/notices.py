"""What receivers are told about a command, and which of them. Pure."""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

from hitless.domain.common.events import (
    Began,
    Ended,
    Event,
    Live,
    Operation,
    Outcome,
    StepFailed,
    StepKind,
)
from hitless.domain.common.redact import CUT_OFF
from hitless.domain.host.certificates import CertificateStatus
from hitless.domain.host.journal import Run
from hitless.domain.host.receivers import Occasion, Receiver

TOLD = frozenset(
    {
        Operation.DEPLOY,
        Operation.ADOPT,
        Operation.ROLLBACK,
        Operation.RESUME,
        Operation.ABORT,
        Operation.SCALE,
        Operation.DOWN,
        Operation.SHARED_UP,
    }
)
"""The operations whose ends are told. A proof is one that somebody looks at."""

_MOST = 300  # characters of a line
_UNSEEN = ("Cc", "Cf", "Cs", "Zl", "Zp")  # control, format (bidi overrides), half a pair, ends of lines


@dataclass(frozen=True)
class Notice:
    """One thing that receivers are told, in words of hitless and of others.

    `id` is the same wherever and whenever the same is told: a receiver can drop what it has got already.
    `occasions`: a receiver that wants any of them gets it; none for a test, which everyone gets. `time` is
    an ISO time in UTC. `by` is who ran the command, `host` is the Docker host; `cause` is why it failed.
    """

    id: str
    occasions: tuple[Occasion, ...]
    summary: str
    applications: tuple[str, ...] = ()
    operation: str = ""
    release: int = 0
    time: str = ""
    by: str = ""
    host: str = ""
    cause: str = ""
    next: str = ""

    @property
    def title(self) -> str:
        """What has happened, in one line without characters that steer anything."""
        return plain(self.summary)

    @property
    def lines(self) -> tuple[str, ...]:
        """The rest: each is one line of such characters."""
        found = (
            ("cause", self.cause),
            ("host", self.host),
            ("by", self.by),
            ("at", self.time),
            ("next", self.next),
        )
        return tuple(f"{name}: {plain(text)}" for name, text in found if text)

    @property
    def is_bad(self) -> bool:
        """Whether somebody should look."""
        return bool({*self.occasions} & {Occasion.FAILED, Occasion.UNFINISHED, Occasion.CERTIFICATE})


@dataclass(frozen=True)
class Around:
    """What all notices of a command say: where, who and when; `words` are options that name the gateway."""

    host: str
    by: str
    time: str
    words: str = ""


def plain(text: str) -> str:
    """The text in one line, without characters that can't be seen, and cut where it is too long."""
    seen = "".join(" " if unicodedata.category(one) in _UNSEEN else one for one in text)
    line = " ".join(seen.split())
    return line if len(line) <= _MOST else line[: _MOST - 1] + CUT_OFF


def first_line(text: str) -> str:
    """The first line that says something."""
    return next((line.strip() for line in text.splitlines() if line.strip()), "")


def wanted(receiver: Receiver, notices: Iterable[Notice]) -> tuple[Notice, ...]:
    """Those that a receiver is told."""
    found = (one for one in notices if not one.occasions or {*receiver.on} & {*one.occasions})
    own = {*receiver.applications}
    return tuple(one for one in found if not (own and one.applications) or own & {*one.applications})


def of_end(
    events: Sequence[Event], ended: Ended, cause: str, left: Run | None, around: Around
) -> Iterator[Notice]:
    """How a command on an application went. Nothing if it had not begun, or if nobody needs to know.

    `cause` is the error's message, "" without one; `left` is the run that it found interrupted.
    """
    began = [event for event in events if isinstance(event, Began)]
    if not began:
        return
    went_live = [event.release for event in events if isinstance(event, Live)]
    release = began[-1].release or (went_live[-1] if went_live else 0)
    # what was live before may have been live again
    live = release if release in went_live else 0
    occasions, summary = _told(events, ended, release, live, cause, left)
    if not occasions:
        return
    name = ended.application
    hints = {
        Outcome.SUCCESSFUL: f"hitless{around.words} -p {name} status",
        Outcome.FAILED: f"hitless{around.words} -p {name} show {release or ''}".rstrip(),
        Outcome.UNFINISHED: f"hitless{around.words} -p {name} status, then resume, abort, or deploy",
    }
    yield Notice(
        id=_id(name, ended.operation, around.by, around.time),
        occasions=occasions,
        summary=f"{name}: {summary}",
        applications=(name,),
        operation=ended.operation,
        release=release,
        time=around.time,
        by=around.by,
        host=around.host,
        cause=first_line(cause),
        next=hints[ended.outcome],
    )


def _told(
    events: Sequence[Event], ended: Ended, release: int, live: int, cause: str, left: Run | None
) -> tuple[tuple[Occasion, ...], str]:
    """The occasions of an end, and what it comes to."""
    failed = {event.step.kind for event in events if isinstance(event, StepFailed)}
    what = f"{ended.operation} of release {release}" if release else str(ended.operation)
    match ended.outcome:
        case Outcome.UNFINISHED:
            return (Occasion.UNFINISHED, Occasion.FAILED), f"{what} is unfinished, something of it is left"
        case Outcome.FAILED:
            more = (Occasion.CERTIFICATE,) if StepKind.GET_CERTIFICATES in failed else ()
            if live:
                said = f"release {live} failed when it was live; everything is as it was before"
                return (Occasion.FAILED, Occasion.ROLLED_BACK, *more), said
            return (Occasion.FAILED, *more), f"{what} failed; everything is as it was before"
        case Outcome.SUCCESSFUL:
            occasion, said = _went_well(ended.operation, release, left)
            if occasion and cause:
                return (occasion, Occasion.FAILED), f"{said}, but a hook after the cutover failed"
            return ((occasion,) if occasion else ()), said


def _went_well(operation: Operation, release: int, left: Run | None) -> tuple[Occasion | None, str]:
    # a command that is resumed is told as what it was
    meant = left.operation if operation is Operation.RESUME and left else operation
    number = f"release {release or (left.release if left else 0)}"
    match meant:
        case Operation.DEPLOY | Operation.ADOPT:
            return Occasion.DEPLOYED, f"{number} is live"
        case Operation.ROLLBACK:
            return Occasion.ROLLED_BACK, f"{number} is live again, by a rollback"
        case Operation.ABORT:
            return Occasion.ROLLED_BACK, f"what was left of {number} is undone"
        case _:
            return None, ""


def of_interrupted(application: str, run: Run, around: Around) -> Notice:
    """A command that was killed could not tell it: the next one that works on the application does."""
    what = f"{run.operation} of release {run.release}" if run.release else run.operation
    return Notice(
        id=_id(application, run.operation, run.holder, run.began, "interrupted"),
        occasions=(Occasion.UNFINISHED,),
        summary=f"{application}: {what}, by {run.holder}, was interrupted at {run.began}",
        applications=(application,),
        operation=run.operation,
        release=run.release,
        time=around.time,
        by=around.by,
        host=around.host,
        next=f"hitless{around.words} -p {application} status",
    )


def of_certificates(found: Iterable[CertificateStatus], around: Around) -> tuple[Notice, ...]:
    """Certificates in use that end soon: each once a day, by its id."""
    return tuple(
        Notice(
            id=_id(one.name, one.not_after, around.time[:10]),
            occasions=(Occasion.CERTIFICATE,),
            summary=f"the certificate {one.name} of {', '.join(one.applications)} "
            + (f"ends in {one.days} days" if one.days >= 0 else f"has ended on {one.not_after[:10]}"),
            applications=one.applications,
            time=around.time,
            by=around.by,
            host=around.host,
            next=f"hitless{around.words} gateway logs says why the CA gives no new one"
            if one.is_renewed
            else f"hitless{around.words} gateway certificate add, with a new one",
        )
        for one in found
        if one.applications and one.is_near_its_end
    )


def a_test(name: str, around: Around) -> Notice:
    """What `hitless gateway notify test` sends."""
    return Notice(
        id=_id("test", name, around.by, around.time),
        occasions=(),
        summary="hitless: this is a test",
        time=around.time,
        by=around.by,
        host=around.host,
    )


def are_claimed(notices: Iterable[Notice], claimed: Collection[str]) -> tuple[Notice, ...]:
    """Those that nobody else tells."""
    return tuple(one for one in notices if one.id in claimed)


def _id(*parts: str) -> str:
    return "msg_" + hashlib.sha256("\0".join(parts).encode()).hexdigest()[:24]
