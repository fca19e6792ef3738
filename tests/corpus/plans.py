"""Plan every Compose file of a folder of files as people wrote them, and say what is refused, and why.

    HITLESS_CORPUS=FOLDER python -m tests.corpus.plans     # also writes docs/corpus.md

The folder has an `index.tsv` (number, repository, …, kind, files here) and a folder for each number. The
gateway is one of this program's own, with HTTPS, and with the ports that the plans ask for.
"""

from __future__ import annotations

import csv
import json
import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tests.e2e.conftest import Cli, _remove_gateway, free_port

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "corpus.md"
GATEWAY = "hitless-corpus"
_AT_ONCE = 2
_MISSING_PORT = re.compile(r"does not publish the port (\d+(?:/udp)?)")
_OWN_WORDS = re.compile(r"(?<!\w)'[^']*'|`[^`]*`|/[\w./-]+|\b\d{2,5}\b")


@dataclass(frozen=True)
class File:
    """One application of the corpus: its number, what it is, and its Compose files."""

    number: str
    kind: str
    folder: Path
    names: tuple[str, ...]

    def plan(self) -> Planned:
        """What `hitless plan` says of it."""
        words = (sys.executable, "-m", "hitless", "-p", f"corpus{self.number}")
        files = [word for name in self.names for word in ("-f", str(self.folder / name))]
        environment = {**os.environ, "HITLESS_GATEWAY": GATEWAY, "PYTHONPATH": str(ROOT / "src")}
        done = subprocess.run(
            (*words, *files, "plan", "--json"),
            cwd=self.folder,
            env=environment,
            capture_output=True,
            text=True,
        )
        if "Traceback" in done.stderr:
            raise AssertionError(f"{self.number}: {done.stderr}")
        if not done.stdout.strip():
            return Planned(self, (done.stderr.partition("\n")[0].removeprefix("hitless: "),))
        findings = json.loads(done.stdout.splitlines()[-1]).get("findings", ())
        return Planned(self, tuple(one["message"] for one in findings if one["is_error"]))


@dataclass(frozen=True)
class Planned:
    """What is wrong with a file, by hitless's messages."""

    file: File
    errors: tuple[str, ...]


def files(corpus: Path) -> Iterator[File]:
    """All applications of the folder."""
    with (corpus / "index.tsv").open() as index:
        for row in csv.DictReader(index, delimiter="\t"):
            yield File(row["number"], row["kind"], corpus / row["number"], tuple(row["files here"].split()))


def planned(found: Sequence[File]) -> list[Planned]:
    """The plans of all of them."""
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return list(pool.map(File.plan, found))


def main(corpus: Path) -> None:
    """Plan all files on a gateway that has what their plans ask for, and write the page."""
    cli = Cli((), {"HITLESS_GATEWAY": GATEWAY})
    _remove_gateway(cli)
    web, https = free_port(), free_port()
    cli.run(
        *("gateway", "up", "--http-port", str(web), "--https-port", str(https), "--bind", "127.0.0.1"),
        *("--acme-email", "corpus@example.org"),
    )
    try:
        found = list(files(corpus))
        first = planned(found)
        ports = {port for one in first for error in one.errors for port in _MISSING_PORT.findall(error)}
        options = [word for port in sorted(ports) for word in ("--publish", f"127.0.0.1:{port}")]
        cli.run("gateway", "up", "--replace", *options)
        PAGE.write_text(page(planned(found), len(ports)))
    finally:
        _remove_gateway(cli)
    print(PAGE.read_text())


def page(plans: Sequence[Planned], ports: int) -> str:
    """The page of the documentation."""
    lines = [
        "# Compose files as people wrote them",
        "",
        "`hitless plan` on public Compose files that nobody wrote for hitless. `make corpus` writes this",
        "page, from a folder of such files (`HITLESS_CORPUS`). The gateway has HTTPS with certificates from",
        f"a CA, and the {ports} ports that the plans ask for by name.",
        "",
        "| files | accepted as they are | of |",
        "| --- | --- | --- |",
    ]
    for kind in sorted({one.file.kind for one in plans}):
        of_kind = [one for one in plans if one.file.kind == kind]
        accepted = sum(not one.errors for one in of_kind)
        said = "with Traefik labels" if kind == "labels" else "without"
        lines.append(f"| {said} | {accepted} | {len(of_kind)} |")
    lines += [
        "",
        "Why the others are refused; a file may have several reasons:",
        "",
        "| files | reason |",
        "| --- | --- |",
    ]
    reasons = Counter(
        reason for one in plans for reason in {_OWN_WORDS.sub("…", error) for error in one.errors}
    )
    lines += [
        f"| {count} | {reason} |"
        for reason, count in sorted(reasons.items(), key=lambda one: (-one[1], one[0]))
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main(Path(os.environ["HITLESS_CORPUS"]))
