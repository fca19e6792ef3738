"""What the pages show, from one look at the host for all of them."""

from __future__ import annotations

import itertools
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from hitless.cli.views.difference import diff_document
from hitless.cli.visible import visible
from hitless.domain.common.errors import HitlessError
from hitless.domain.gateway.settings import GatewaySettings
from hitless.domain.host.facts import Overview
from hitless.domain.host.logs import Wanted
from hitless.execution import difference, logs, watch
from hitless.ports import Ports
from hitless.ports.logs import Logs
from hitless.web import documents
from hitless.web.documents import Document
from hitless.web.looks import Looks, Seen
from hitless.web.recorder import Recorder

FRESH = 2.0  # seconds for which an answer of the host is new enough
_OVERVIEW = 6.0  # the same for what costs more: it reads the end of each journal
_LOGS = 3.0
_KEPT = 3600.0  # of what does not change: the difference of two kept releases, and what has left
_AT_ONCE = 5  # releases whose time is looked up in one look at the host
_POINTS = 180  # of a line in a chart
_LONGEST_LOG = 1000  # lines
_LONGEST_LINE = 4000  # characters
_LINE = re.compile(r"(\S+) +\| (.*)", re.DOTALL)


@dataclass
class Reader:
    """A Docker host with a gateway, as `ports` reach it; each command of theirs ends within seconds.

    `settings` reads those of the gateway, `name` is its name, and `host_name` says by which name this
    machine reaches the host.
    """

    ports: Ports
    settings: Callable[[], GatewaySettings | None]
    container_logs: Logs
    recorder: Recorder
    name: str
    host_name: Callable[[], str]
    looks: Looks = field(default_factory=Looks)
    _overview: tuple[float, Overview] | None = None
    _created: dict[str, dict[int, str]] = field(default_factory=dict)

    async def host(self) -> Seen:
        """The page of the host."""
        return await self.looks.get("host", self._host, FRESH)

    async def application(self, name: str) -> Seen:
        """The page of an application; its value is None if nothing of it is there."""
        seen = await self._application(name)
        return _with(seen, seen.value and documents.application_page(name, seen.value, self.host_name))

    async def run(self, name: str, began: str) -> Seen:
        """A command by when it began; its value is None if the journal has none."""
        seen = await self._application(name)
        return _with(seen, seen.value and documents.run_page(began, seen.value))

    async def chart(self, name: str, minutes: int) -> Seen:
        """The charts of the last minutes."""
        seen = await self._application(name)

        def look() -> Document:
            until = time.time()
            since = until - minutes * 60
            # a window holds at least one sample, or its line would have holes
            width = max(10.0, minutes * 60 / _POINTS)
            samples = self.recorder.samples.of(name, since)
            return documents.chart(name, seen.value, samples, since, until, width)

        found = await self.looks.get(("chart", name, minutes), look, FRESH)
        if found.value is None:
            return found
        told = {"problem": self.recorder.problem, "hint": self.recorder.hint}
        return _with(found, {**found.value, **told})

    async def logs(self, name: str, release: int | None) -> Seen:
        """The last lines of a release, or of the live one."""
        key = ("logs", name, release)
        return await self.looks.get(key, lambda: self._logs(name, release), _LOGS)

    async def diff(self, name: str, before: int, after: int) -> Seen:
        """What differs between two kept releases."""

        def look() -> Document:
            last, found = difference.of_releases(self.ports, name, before, after)
            return dict(diff_document(name, f"release {before}", last, found))

        return await self.looks.get(("diff", name, before, after), look, FRESH)

    async def _application(self, name: str) -> Seen:
        look = lambda: watch.application(self.ports, self.settings(), name)  # noqa: E731  # it is one call
        return await self.looks.get(("application", name), look, FRESH)

    def _host(self) -> Document:
        at, overview = self._overview or (0.0, None)
        if time.monotonic() - at > _OVERVIEW:
            overview = None
        seen = watch.host(self.ports, self.settings(), overview)
        if overview is None and seen.world.gateway:
            self._overview = (time.monotonic(), seen.overview)
        live = {name: found[1] for name in seen.world.routings if (found := seen.world.live(name))}
        unknown = (name for name, release in live.items() if release not in self._created.get(name, {}))
        created = watch.created(self.ports, itertools.islice(unknown, _AT_ONCE))
        self._created.update(
            # a release without a record has no time, and is not asked for again
            {name: {live[name]: "", **found} for name, found in created.items()}
        )
        document = documents.host_page(seen, self._created, self.recorder.recent(), self.host_name)
        told = {"problem": self.recorder.problem, "hint": self.recorder.hint}
        return {"name": self.name, **document, "metrics": told}

    def _logs(self, name: str, release: int | None) -> Document:
        releases = self._with_logs(name)
        try:
            source = logs.find(self.ports, name, release, ())
        except HitlessError as error:
            if release is not None or not releases:
                raise
            problem = f"{error.message}: choose a release above"
            return {"release": 0, "colour": "", "lines": [], "releases": releases, "problem": problem}
        wanted = Wanted(tail=_LONGEST_LOG // 5, has_times=False)
        lines = list(logs.gone(self.ports, name, source, wanted))

        def line(text: str) -> None:
            found = _LINE.fullmatch(text)
            lines.append((found[1], found[2]) if found else ("", text))

        logs.show(self.ports, self.container_logs, name, source, wanted, line)
        return {
            "release": source.release,
            "colour": source.colour or "",
            "lines": [[visible(one)[:_LONGEST_LINE] for one in line] for line in lines[-_LONGEST_LOG:]],
            "releases": releases,
            "problem": "",
        }

    def _with_logs(self, name: str) -> list[int]:
        kept = {log.release for log in self.ports.state.kept_logs(name)}
        return sorted(kept | {one.release for one in self.ports.containers.of(name)}, reverse=True)


def _with(seen: Seen, value: Mapping[str, Any] | None) -> Seen:
    return Seen(value, seen.at, seen.error, seen.hint)
