"""Plan every Compose file of a folder of files as people wrote them, and say what is refused, and why.

Then `hitless init --yes` writes into a copy of each, and once more with the answer that two copies may write.

    HITLESS_CORPUS=FOLDER python -m tests.corpus.plans     # also writes docs/corpus.md
    HITLESS_CORPUS=FOLDER python -m tests.corpus.plans times     # only how long a plan takes, into that page

The folder has an `index.tsv` (number, repository, …, kind, files here) and a folder for each number. The
gateway is one of this program's own, with HTTPS, and with the ports that the plans ask for.
"""

from __future__ import annotations

import csv
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import yaml

from hitless.domain.common.errors import HitlessError
from hitless.domain.common.foreign import Json
from hitless.domain.questions.ask import WEB
from hitless.domain.questions.dialogue import default, hold
from hitless.domain.questions.model import Option, Question
from hitless.wiring import ComposeOptions, application, host
from tests.corpus import roles
from tests.e2e.conftest import Cli, _remove_gateway, free_port

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "corpus.md"
GATEWAY = "hitless-corpus"
NOT_UP = "hitless-corpus-not-up"
_AT_ONCE = 2
_TIMES = "\n`hitless plan` takes longer than `docker compose config`"
_MISSING_PORT = re.compile(r"does not publish the port (\d+(?:/udp)?)")
_MISSING_MIDDLEWARE = re.compile(r"no middleware '([\w-]+)(?:@file|@docker)?' in this application, nor")
_MISSING_FILE = re.compile(r"env file (/\S+) not found")
_OF_A_RULE = re.compile(r"\b(Host|PathPrefix)\(`\$\{?(\w+)[^`]*`\)")
_OWN_WORDS = re.compile(r"(?<!\w)'[^']*'|`[^`]*`|/[\w./-]+|\b\d{2,5}\b")


@dataclass(frozen=True)
class File:
    """One application of the corpus: its number, what it is, and its Compose files."""

    number: str
    kind: str
    folder: Path
    names: tuple[str, ...]
    profile: str = ""

    def plan(self) -> Planned:
        """What `hitless plan` says of it."""
        done = self._run("plan", "--json")
        if not done.stdout.strip():
            return Planned(self, (done.stderr.partition("\n")[0].removeprefix("hitless: "),))
        findings = json.loads(done.stdout.splitlines()[-1]).get("findings", ())
        return Planned(self, tuple(one["message"] for one in findings if one["is_error"]))

    def initialised(self, folder: Path, answer: Callable[[Question], Option]) -> File:
        """A copy of it, into which `hitless init` has written these answers."""
        copy = replace(self, folder=folder / self.number)
        shutil.copytree(self.folder, copy.folder)
        try:
            model = copy.model()
        except HitlessError:  # no model: `plan` says why
            return copy
        words = [f"--answer={one.question.name}={one.option.word}" for one in hold(model, answer).answers]
        # without a gateway, init opens no ports of it
        done = copy._run("init", "--yes", *words, gateway=NOT_UP)
        if done.returncode:
            print(f"{self.number}: init: {done.stderr}", file=sys.stderr)
        return copy

    def as_run(self, folder: Path) -> File:
        """A copy of it, as its user runs it.

        If every service is in a profile, one is enabled: that of the first service with labels. Files with
        variables that it names are there, and empty. A variable that is a host or a path in a rule is one.
        """
        copy = replace(self, folder=folder / self.number)
        shutil.copytree(self.folder, copy.folder)
        copy.make_variables_fit()
        services = yaml.safe_load((copy.folder / self.names[0]).read_text()).get("services") or {}
        if services and all((one or {}).get("profiles") for one in services.values()):
            labelled = (one for one in services.values() if "traefik" in str(one.get("labels")))
            copy = replace(copy, profile=next(labelled, next(iter(services.values())))["profiles"][0])
        while missing := _MISSING_FILE.search(copy.resolved().stderr):
            path = Path(missing[1])
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
        return copy

    def make_variables_fit(self) -> None:
        """The folder has addresses (`https://app.example.com`) where rules want a part of one."""
        file = self.folder / ".env"
        if not file.exists():
            return
        written = "".join((self.folder / name).read_text() for name in self.names)
        matchers = {name: matcher for matcher, name in _OF_A_RULE.findall(written)}
        lines = []
        for line in file.read_text().splitlines():
            name, _, value = line.partition("=")
            host = value.partition("://")[2]
            fitting = {"Host": host, "PathPrefix": f"/{name.lower()}"}
            lines.append(f"{name}={fitting[matchers[name]]}" if host and name in matchers else line)
        file.chmod(0o644)
        file.write_text("\n".join(lines) + "\n")

    def resolved(self) -> subprocess.CompletedProcess[str]:
        """What Compose itself makes of it."""
        words = [word for path in self.paths for word in ("-f", path)]
        return subprocess.run(
            ("docker", "compose", *words, "config"),
            cwd=self.folder,
            env={**os.environ, "COMPOSE_PROFILES": self.profile},
            capture_output=True,
            text=True,
        )

    def like(self) -> subprocess.CompletedProcess[str]:
        """What `hitless gateway up --like` says of a Traefik in it."""
        words = [word for path in self.paths for word in ("--like", path)]
        return self._run("gateway", "up", *words, "--dry-run")

    def model(self) -> Json:
        """Its Compose model. Raises `HitlessError`."""
        profiles = (self.profile,) if self.profile else ()
        return application(host(None, NOT_UP), ComposeOptions(self.paths, profiles=profiles), {})[0].model

    @property
    def paths(self) -> tuple[str, ...]:
        """The Compose files."""
        return tuple(str(self.folder / name) for name in self.names)

    def _run(self, *words: str, gateway: str = GATEWAY) -> subprocess.CompletedProcess[str]:
        files = [word for path in self.paths for word in ("-f", path)]
        done = subprocess.run(
            (sys.executable, "-m", "hitless", "-p", f"corpus{self.number}", *files, *words),
            cwd=self.folder,
            env={
                **os.environ,
                "HITLESS_GATEWAY": gateway,
                "PYTHONPATH": str(ROOT / "src"),
                "COMPOSE_PROFILES": self.profile,
            },
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
        )
        if "Traceback" in done.stderr:
            raise AssertionError(f"{self.number}: {done.stderr}")
        return done


@dataclass(frozen=True)
class Planned:
    """What is wrong with a file, by hitless's messages."""

    file: File
    errors: tuple[str, ...]

    @property
    def missing_ports(self) -> frozenset[str]:
        """The ports that the gateway would need for it."""
        return frozenset(port for error in self.errors for port in _MISSING_PORT.findall(error))

    @property
    def missing_middlewares(self) -> frozenset[str]:
        """The middlewares that the gateway would need for it."""
        return frozenset(name for error in self.errors for name in _MISSING_MIDDLEWARE.findall(error))

    def again(self) -> Planned:
        """The same on a gateway that has what it missed."""
        return self.file.plan() if self.missing_ports or self.missing_middlewares else self


def files(corpus: Path) -> Iterator[File]:
    """All applications of the folder."""
    with (corpus / "index.tsv").open() as index:
        for row in csv.DictReader(index, delimiter="\t"):
            yield File(row["number"], row["kind"], corpus / row["number"], tuple(row["files here"].split()))


def planned(found: Iterable[File]) -> list[Planned]:
    """The plans of all of them."""
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return list(pool.map(File.plan, found))


def planned_again(plans: Sequence[Planned]) -> list[Planned]:
    """The same plans, on a gateway that has the ports and middlewares which some of them miss."""
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return list(pool.map(Planned.again, plans))


def initialised(found: Sequence[File], folder: Path, answer: Callable[[Question], Option]) -> list[File]:
    """Copies of all of them, after `hitless init`."""
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return list(pool.map(lambda one: one.initialised(folder, answer), found))


def give(cli: Cli, plans: Sequence[Planned], folder: Path) -> tuple[int, int]:
    """Give the gateway the ports and the middlewares that these plans miss; how many there are of each."""
    ports = sorted({port for one in plans for port in one.missing_ports})
    options = [word for port in ports for word in ("--publish", f"127.0.0.1:{port}")]
    cli.run("gateway", "up", "--replace", *options)
    names = sorted({name for one in plans for name in one.missing_middlewares})
    if names:
        config = folder / "common.yml"
        middlewares = {name: {"headers": {"frameDeny": True}} for name in names}
        config.write_text(json.dumps({"http": {"middlewares": middlewares}}))
        cli.run("gateway", "config", "add", str(config))
    return len(ports), len(names)


def trusting(question: Question) -> Option:
    """The answer of a user who knows that two copies may write: a copy in each release wherever possible."""
    if question.name == WEB:
        return question.options[0]
    both = (one for one in question.options if any("concurrent_writes" in keys for keys in one.says.values()))
    return next(both, default(question))


def main(corpus: Path, folder: Path) -> None:
    """Plan all files on a gateway that has what their plans ask for, and write the page.

    `folder` is an empty one for the copies.
    """
    found = [one.as_run(folder / "as-is") for one in files(corpus)]
    with gateway() as cli:
        ways = [found, initialised(found, folder / "yes", default)]
        ways.append(initialised(found, folder / "trusting", trusting))
        plans = [planned(way) for way in ways]
        counts = give(cli, [one for way in plans for one in way], folder)
        ways_planned = [planned_again(way) for way in plans]
        PAGE.write_text(page(ways_planned, *counts) + roles_of(found) + likes_of(found) + times_of(found))
    print(PAGE.read_text())


def main_times(corpus: Path, folder: Path) -> None:
    """Write into the page how long a plan of each file takes. `folder` is an empty one for the copies."""
    found = [one.as_run(folder / "as-is") for one in files(corpus)]
    with gateway():
        said = times_of(found)
    before, times, _ = PAGE.read_text().partition(_TIMES)
    if not times:
        raise SystemExit(f"{PAGE} has no such part yet: run all of it first")
    PAGE.write_text(before + said)
    print(said)


@contextmanager
def gateway() -> Iterator[Cli]:
    """A gateway of this program's own, with HTTPS."""
    cli = Cli((), {"HITLESS_GATEWAY": GATEWAY})
    _remove_gateway(cli)
    web, https = free_port(), free_port()
    cli.run(
        *("gateway", "up", "--http-port", str(web), "--https-port", str(https), "--bind", "127.0.0.1"),
        *("--acme-email", "corpus@example.org"),
    )
    try:
        yield cli
    finally:
        _remove_gateway(cli)


def likes_of(found: Sequence[File]) -> str:
    """What `hitless gateway up --like` makes of the Traefik that some files have."""
    counts: Counter[str] = Counter()
    for one in found:
        done = one.like()
        if "no service runs Traefik" not in done.stderr:
            is_gone = "which can't be read" in done.stderr
            counts["gone" if is_gone else "open" if done.returncode else "read"] += 1
    return (
        "\n`hitless gateway up --like`, with the files that run a Traefik of their own: "
        f"of {counts.total()},\n"
        f"{counts['read']} are read without a question, {counts['open']} with one, "
        f"and {counts['gone']} have their settings in a file that\nis not in the folder.\n"
    )


def times_of(found: Sequence[File]) -> str:
    """How much longer `hitless plan` takes than `docker compose config`: the better of two runs of each."""
    more = []
    for one in found:
        pairs = [(_seconds(one.resolved), _seconds(one.plan)) for _ in range(2)]
        more.append(min(plan for _, plan in pairs) - min(config for config, _ in pairs))
    return (
        f"{_TIMES}: at most {max(more):.2f} s,\n"
        f"in the middle {statistics.median(more):.2f} s: one after the other, the better of two runs, on\n"
        f"{os.cpu_count()} cores with a load of {os.getloadavg()[2]:.1f}, most of it by others.\n"
    )


def _seconds(of: Callable[[], object]) -> float:
    began = time.monotonic()
    of()
    return time.monotonic() - began


def roles_of(found: Sequence[File]) -> str:
    """How many roles are right, asked for, and wrong."""
    known = roles.judged()
    counts: Counter[roles.Found] = Counter()
    harm: Counter[str] = Counter()
    for one in found:
        try:
            model = one.model()
        except HitlessError:  # no model: `plan` says why
            continue
        for what, harmed in roles.figures(one.number, model, known):
            counts[what] += 1
            harm[harmed] += what is roles.Found.WRONG
    said = ", ".join(f"{number} would harm {name}" for name, number in sorted(harm.items()) if number)
    right, asked, wrong = (counts[one] for one in roles.Found)
    return (
        f"\nThe roles of {counts.total()} services, beside those that two readers gave them from the files\n"
        f"and from what the products are: {right} are right, {asked} are asked for, {wrong} are wrong\n"
        f"({said or 'none'}).\n"
        "Not counted are services in profiles, and those of files that Compose does not resolve.\n"
    )


def page(ways: Sequence[Sequence[Planned]], ports: int, middlewares: int) -> str:
    """The page of the documentation: the plans as they are, after `init --yes`, and with other answers."""
    plans, after, trusted = ways
    lines = [
        "# Compose files as people wrote them",
        "",
        "`hitless plan` on public Compose files that nobody wrote for hitless. `make corpus` writes this",
        "page, from a folder of such files (`HITLESS_CORPUS`). The gateway has HTTPS with certificates from",
        f"a CA, and the {ports} ports and {middlewares} middlewares that the plans ask for by name.",
        "",
        "A file whose services are all in profiles has one of these enabled, as its user must. Files with",
        "variables that it names are there, and empty. A variable that is a host or a path in a rule is one.",
        "",
        "`hitless init --yes` asks nothing, and never lets two copies write to one's data. The last column",
        "has the answers of a user who says that two copies may.",
        "",
        "| files | of | accepted as they are | after `init --yes` | after `init`, if two copies may write |",
        "| --- | --- | --- | --- | --- |",
    ]
    for kind in sorted({one.file.kind for one in plans}):
        counts = [sum(not one.errors for one in way if one.file.kind == kind) for way in ways]
        of_kind = sum(one.file.kind == kind for one in plans)
        said = "with Traefik labels" if kind == "labels" else "without"
        lines.append(f"| {said} | {of_kind} | {' | '.join(map(str, counts))} |")
    lines += _reasons("Why the others are refused as they are; a file may have several reasons:", plans)
    lines += _reasons("After `init --yes`:", after)
    lines += _reasons("After `init`, if two copies may write:", trusted)
    return "\n".join(lines) + "\n"


def _reasons(title: str, plans: Sequence[Planned]) -> list[str]:
    """A table of the errors."""
    reasons = Counter(
        reason for one in plans for reason in {_OWN_WORDS.sub("…", error) for error in one.errors}
    )
    return [
        *("", title, "", "| files | reason |", "| --- | --- |"),
        *(
            f"| {count} | {reason} |"
            for reason, count in sorted(reasons.items(), key=lambda one: (-one[1], one[0]))
        ),
    ]


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as made:
        run = main_times if sys.argv[1:] == ["times"] else main
        run(Path(os.environ["HITLESS_CORPUS"]), Path(made))
