"""The picture of the README: a deployment under load, as a terminal shows it, from a real run.

    python -m bench.picture     writes docs/deployment.svg; ends with 1 without it if a request was lost

It starts a gateway and deploys examples/flask, then its second release while requests keep coming. The lines
are those that hitless prints; below them stands what the clients saw. All that it makes is removed.
"""

from __future__ import annotations

import io
import os
import re
import sys
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from rich.text import Text

from bench.applications import free_port, hitless, run
from bench.load import Load
from bench.report import QUICK, Report
from hitless.cli import console as consoles
from hitless.cli.main import hitless as command
from hitless.cli.views import events

ROOT = Path(__file__).resolve().parents[1]
EXAMPLE = ROOT / "examples" / "flask"
PICTURE = ROOT / "docs" / "deployment.svg"
APPLICATION = "hitless-picture"
GATEWAY = f"{APPLICATION}-gateway"
HOST = "flask.localhost"
WIDTH = 94
PARTS = 60  # of the time, each a column
FILLED = "▇"
# the pictures that a browser shows inside a page load no fonts
_FONTS = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)


def main() -> int:
    """Run, draw, remove; the exit code."""
    port = free_port()
    os.chdir(EXAMPLE)
    os.environ |= {
        "COMPOSE_PROJECT_NAME": APPLICATION,
        "HITLESS_GATEWAY": GATEWAY,
        "BOOT_SECONDS": "3",
        "RELEASE": "1",
    }
    run(hitless("gateway", "up", "--http-port", str(port), "--bind", "127.0.0.1"))
    try:
        run(hitless("deploy"))
        os.environ["RELEASE"] = "2"
        out = _recorder()
        events.console = partial(_same, out)  # type: ignore[attr-defined]
        out.print(Text.assemble(("$ ", "green"), ("hitless deploy", "bold")))
        with Load(f"http://127.0.0.1:{port}", host=HOST) as load:
            began = time.monotonic()
            command(["deploy"], standalone_mode=False)
            ended = time.monotonic()
            time.sleep(1)
        report = load.report()
    finally:
        run(hitless("-p", APPLICATION, "down"))
        run(hitless("gateway", "down", "--volumes", "--force"))
    if report.lost or report.mixed():
        print(f"lost {report.lost} of {report.sent}", file=sys.stderr)
        return 1
    for line in what_clients_saw(report, began, ended):
        out.print(line)
    drawn = out.export_svg(title="a new release, while people use the old one")
    # some programs take the spaces at the beginning of a text for none
    drawn = _FONTS.sub("", drawn).replace("<svg ", '<svg xml:space="preserve" ', 1)
    PICTURE.write_text("".join(f"{line.rstrip()}\n" for line in drawn.splitlines()), encoding="utf-8")
    return 0


def what_clients_saw(report: Report, began: float, ended: float) -> Sequence[Text]:
    """Who answered in each part of the time from the command to its end, and what was lost."""
    answered = [one for one in report.samples if one.kind in QUICK and one.first_byte is not None]
    part = (ended - began) / PARTS
    rows, before = [], set[int]()
    for release, colour in (("1", "blue"), ("2", "green")):
        columns = {int((one.started - began) / part) for one in answered if one.release == release} - before
        before |= columns  # the column of the cutover is the old one's: a column is no instant
        bar = "".join(FILLED if number in columns else " " for number in range(PARTS))
        rows.append(Text.assemble(f"  release {release} answers  ", (bar, colour)))
    return (
        Text(""),
        Text(f"What people got in these {ended - began:.0f} seconds:", "bold"),
        *rows,
        Text.assemble(
            f"  {report.sent:,} requests, ",
            ("none lost" if not report.lost else f"{report.lost} lost", "bold green"),
            "; never did both releases answer new requests",
        ),
    )


def _same(console: consoles._Console, _stderr: bool = False) -> consoles._Console:
    return console


def _recorder() -> consoles._Console:
    """A console with colours that notes what it prints, and is no terminal: nothing is drawn over."""
    return consoles._Console(
        record=True,
        width=WIDTH,
        file=io.StringIO(),
        color_system="truecolor",
        force_terminal=False,
        highlight=False,
        emoji=False,
    )


if __name__ == "__main__":
    sys.exit(main())
