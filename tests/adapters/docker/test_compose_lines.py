"""Where the keys of Compose files stand."""

from __future__ import annotations

from pathlib import Path

import pytest

from hitless.adapters.docker.compose_files import ComposeOptions
from hitless.adapters.docker.compose_lines import places
from hitless.domain.application.resolved import Place

FIRST = """\
name: shop
x-hitless:
  timeout: ${T:-45s}
  bake: $$5
services:
  web.a:
    x-hitless: {successes: 4}
    labels:
      - traefik.enable=true
      - traefik.x=${A}-${B:?no}-$C
"""


def test_the_last_file_counts(tmp_path: Path) -> None:
    one, two = tmp_path / "one.yml", tmp_path / "two.yml"
    one.write_text(FIRST)
    two.write_text("x-hitless:\n\n  bake: 1s\n")
    found = places(ComposeOptions((str(one), str(two))))
    assert found["name"] == Place(str(one), 1)
    assert found["x-hitless.timeout"] == Place(str(one), 3, ("T",))
    assert found["x-hitless.bake"] == Place(str(two), 3)
    assert found["services.web.a.x-hitless.successes"] == Place(str(one), 7)
    assert found["services.web.a.labels.traefik.enable"] == Place(str(one), 9)
    assert found["services.web.a.labels.traefik.x"] == Place(str(one), 10, ("A", "B", "C"))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a: [",
        "- 1",
        "a: &a\n  b: *a\n",
        "\0",
        "? [x]\n: y\n",
        "a: !!python/object:os.system x",
        "{" * 5000,
    ],
)
def test_a_strange_file_has_no_lines_and_no_error(tmp_path: Path, text: str) -> None:
    file = tmp_path / "x.yml"
    file.write_text(text)
    assert "x-hitless.timeout" not in places(ComposeOptions((str(file),)))


def test_a_dollar_that_is_meant_is_no_variable(tmp_path: Path) -> None:
    file = tmp_path / "x.yml"
    file.write_text("a: $$b\nc: $$$d\n")
    found = places(ComposeOptions((str(file),)))
    assert (found["a"].variables, found["c"].variables) == ((), ("d",))


def test_files_that_are_not_there_have_none() -> None:
    assert places(ComposeOptions(("/nowhere.yml", "-"))) == {}
