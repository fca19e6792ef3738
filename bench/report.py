"""What a load run saw: one value per request, and the sums that a reader needs.

Pure values. Moments are seconds of ``time.monotonic()``, which on Linux is one clock for all
processes of the machine, so a caller may compare them with its own.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from dataclasses import asdict, astuple, dataclass, replace
from itertools import pairwise
from typing import Any, Final, Literal, Self

Kind = Literal[
    "kept",
    "fresh",
    "post",
    "slow",
    "stream",
    "upload",
    "long",
    "failing",
    "events",
    "websocket",
    "held",
    "https",
    "http2",
    "unary",
    "streaming",
]
"""What a client does:

- kept, fresh, post: a GET on a kept-alive connection, a GET on a fresh one, a POST of 4 KB
- slow, stream: a request of 3 s, a chunked answer of 5 s
- upload: a chunked request whose body takes 10 s to send
- long: one whose body takes 66 s, which is more than Traefik's own limit for a whole request
- failing: a GET of a page that sometimes answers 500 and 503 by itself: each of these is right
- events: server-sent events for 5 s
- websocket: a WebSocket of 5 s on which every message is echoed
- held: a WebSocket that stays open until the load ends, and is opened again after it was closed
- https: a GET on a TLS connection that is new
- http2: a GET as one of many streams of one HTTP/2 connection over TLS
- unary, streaming: a gRPC call of one answer, and one that is answered for 5 s, over h2c
"""

QUICK: frozenset[Kind] = frozenset({"kept", "fresh", "post", "https", "http2", "unary"})
"""The kinds with an answer at once, so that their latency is meaningful."""

WITH_FRAME: Final = "closed"
"""The beginning of the failure of a WebSocket that was closed with a close frame; the code follows."""
NO_FRAME: Final = "cut without close frame"

AT_DEADLINE: Final = "cut at deadline"
"""The beginning of the failure of a held WebSocket that outlived the drain deadline: not lost, but shown."""

EndedBy = Literal["asked", "time", "count"]


@dataclass(frozen=True, slots=True)
class Sample:
    """One request, from its start to its end, answered or not.

    ``first_byte`` is the moment at which the headers of the answer were complete; None without
    an answer. ``release`` is the answer's X-Release header, also that of an error. ``failure`` is
    None when the answer was right, else a short cause: a status ("502"), "connect refused",
    "connection reset", "disconnected", "read timeout", "stream cut", "wrong body", ...
    """

    kind: Kind
    started: float
    first_byte: float | None
    ended: float
    release: str | None
    failure: str | None

    @property
    def lost(self) -> bool:
        """Whether the request got no right answer; a WebSocket that was cut at the deadline is no request."""
        return self.failure is not None and not self.failure.startswith(AT_DEADLINE)


@dataclass(frozen=True)
class Switch:
    """The change from one release to the next, as clients saw it.

    ``requests`` began after the first answer of ``after`` had been seen, and ``before`` answered them
    nevertheless; ``seconds`` is how long after that answer the last of them began.
    """

    before: str
    after: str
    seconds: float
    requests: int


@dataclass(frozen=True)
class Latency:
    """Seconds from the start of a quick request to the end of its right answer."""

    p50: float
    p99: float
    max: float


@dataclass(frozen=True)
class Report:
    """All that one run of the generator saw.

    ``samples`` are in the order of their start. ``max_lag`` is the longest time by which a request began
    later than its schedule said: more than some tens of milliseconds means that the generator had too little
    CPU, and that the latencies are partly its own. ``cpu_seconds`` is what the generator used. ``ended_by``
    is "asked" if the caller ended the run, else the limit that it reached.
    """

    samples: tuple[Sample, ...]
    max_lag: float
    cpu_seconds: float
    epoch_offset: float
    ended_by: EndedBy

    @property
    def sent(self) -> int:
        """How many requests were begun; each is in ``samples`` once."""
        return len(self.samples)

    @property
    def lost(self) -> int:
        """How many requests got no right answer."""
        return sum(sample.lost for sample in self.samples)

    @property
    def lost_by(self) -> dict[tuple[Kind, str], int]:
        """How many requests were lost, by kind and cause, the most frequent first."""
        return self._failed(lost=True)

    @property
    def cut_at_deadline(self) -> dict[str, int]:
        """How many held WebSockets were cut at the drain deadline, by how (see :meth:`with_deadline`)."""
        return {failure: count for (_, failure), count in self._failed(lost=False).items()}

    @property
    def releases(self) -> tuple[str, ...]:
        """The releases that answered, by the moment of their first answer."""
        first = self._first_answers()
        return tuple(sorted(first, key=first.__getitem__))

    def first_answer(self, release: str) -> float | None:
        """Return when ``release`` was first seen to answer (errors count), or None if never."""
        return self._first_answers().get(release)

    def last_answer(self, release: str) -> float | None:
        """Return when the last answer of ``release`` ended, or None if it never answered."""
        return max((s.ended for s in self.samples if s.release == release), default=None)

    def with_deadline(self, release: str, moment: float) -> Self:
        """Return the report in which a held WebSocket of ``release`` cut from ``moment`` on is not lost.

        It is counted separately (see :attr:`cut_at_deadline`). One that could not be opened stays lost.
        """
        samples = tuple(
            replace(s, failure=f"{AT_DEADLINE}, {s.failure}")
            if _cut(s) and s.release == release and s.started < moment <= s.ended
            else s
            for s in self.samples
        )
        return replace(self, samples=samples)

    def epoch(self, moment: float) -> float:
        """Return a moment of this report as seconds since 1970."""
        return moment + self.epoch_offset

    def switches(self) -> tuple[Switch, ...]:
        """Return one value per pair of consecutive releases, by order of first appearance.

        A return to an earlier release (a rollback) looks like a long overlap here: cut the report
        with :meth:`between` first.
        """
        first = self._first_answers()
        return tuple(
            self._switch(before, after, seen=first[after]) for before, after in pairwise(self.releases)
        )

    def mixed_seconds(self) -> float:
        """Return for how long both of two consecutive releases answered new requests, summed."""
        return sum(switch.seconds for switch in self.switches())

    def mixed(self) -> int:
        """Return how many requests an older release answered after a newer one had been seen."""
        return sum(switch.requests for switch in self.switches())

    def latency(self) -> Latency | None:
        """Return the latency of the quick kinds, or None if none of them was answered."""
        took = sorted(s.ended - s.started for s in self.samples if s.kind in QUICK and s.failure is None)
        if not took:
            return None
        return Latency(p50=_rank(took, 0.50), p99=_rank(took, 0.99), max=took[-1])

    def between(self, start: float, end: float = math.inf) -> Self:
        """Return the report of the requests begun in [start, end)."""
        kept = tuple(s for s in self.samples if start <= s.started < end)
        return type(self)(kept, self.max_lag, self.cpu_seconds, self.epoch_offset, self.ended_by)

    def summary(self) -> dict[str, Any]:
        """Return the sums as plain JSON data, seconds rounded to 0.1 ms."""
        latency = self.latency()
        return {
            "sent": self.sent,
            "lost": self.lost,
            "lost_by": [
                {"kind": kind, "cause": cause, "count": count}
                for (kind, cause), count in self.lost_by.items()
            ],
            "cut_at_deadline": self.cut_at_deadline,
            "sent_by": dict(Counter(sample.kind for sample in self.samples)),
            "releases": list(self.releases),
            "switches": [
                {**asdict(switch), "seconds": round(switch.seconds, 4)} for switch in self.switches()
            ],
            "mixed": self.mixed(),
            "mixed_seconds": round(self.mixed_seconds(), 4),
            "latency": {key: round(value, 4) for key, value in asdict(latency).items()} if latency else None,
            "max_lag": round(self.max_lag, 4),
            "cpu_seconds": round(self.cpu_seconds, 2),
            "ended_by": self.ended_by,
        }

    def to_json(self) -> str:
        """Return the whole report as one line, for :meth:`from_json` in another process."""
        fields = {
            "samples": [astuple(sample) for sample in self.samples],
            "max_lag": self.max_lag,
            "cpu_seconds": self.cpu_seconds,
            "epoch_offset": self.epoch_offset,
            "ended_by": self.ended_by,
        }
        return json.dumps(fields, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str | bytes) -> Self:
        """Read what :meth:`to_json` wrote."""
        fields = json.loads(text)
        samples = tuple(Sample(*row) for row in fields.pop("samples"))
        return cls(samples=samples, **fields)

    def _first_answers(self) -> dict[str, float]:
        first: dict[str, float] = {}
        for sample in self.samples:
            if sample.release is not None and sample.first_byte is not None:
                seen = first.get(sample.release, math.inf)
                first[sample.release] = min(seen, sample.first_byte)
        return first

    def _failed(self, *, lost: bool) -> dict[tuple[Kind, str], int]:
        failed = [(s.kind, s.failure) for s in self.samples if s.failure is not None and s.lost is lost]
        return dict(Counter(failed).most_common())

    def _switch(self, before: str, after: str, seen: float) -> Switch:
        late = [s.started for s in self.samples if s.release == before and s.started > seen]
        return Switch(before, after, max(late) - seen if late else 0.0, len(late))


def _cut(sample: Sample) -> bool:
    """Whether the other side ended a held WebSocket, with a close frame or without."""
    return sample.kind == "held" and (sample.failure or "").startswith((WITH_FRAME, NO_FRAME))


def _rank(ordered: list[float], share: float) -> float:
    """Return the nearest-rank percentile of values in ascending order."""
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]
