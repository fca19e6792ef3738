"""How the pages' links, anchors and commands are read."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.reference.pages import anchors, blocks, first_missing, links

PAGE = """# A page & more

See [this](other.md#part), `[not this](code.md)`, ![a picture](drawn.svg).

```yaml title="sub/compose.yaml"
services: {}
```

## Some words, and (more)

<!-- not run: it has no end -->
```console
$ hitless logs -f
```

- In a list:

  ```console
  $ hitless plan \\
      --strict
  web  web
  …
  $ hitless deploy
  ```
"""


@pytest.fixture
def page(tmp_path: Path) -> Path:
    file = tmp_path / "page.md"
    file.write_text(PAGE, encoding="utf-8")
    return file


def test_a_block_is_a_file_or_commands_with_their_output_or_says_why_it_is_not_run(page: Path) -> None:
    file, not_run, commands = blocks(page)
    assert (file.file, file.text, file.line) == ("sub/compose.yaml", "services: {}\n", 5)
    assert (not_run.reason, not_run.language) == ("it has no end", "console")
    assert commands.reason == ""
    assert commands.commands() == [
        ("hitless plan \\\n    --strict", ["web  web", "…"]),
        ("hitless deploy", []),
    ]


def test_links_in_code_are_none(page: Path) -> None:
    assert list(links(page)) == ["other.md#part", "drawn.svg"]


def test_an_anchor_counts_if_it_leads_to_the_heading_on_the_site_and_in_the_repository(page: Path) -> None:
    assert anchors(page) == {"some-words-and-more"}  # "a-page-more" here, and "a-page--more" there


@pytest.mark.parametrize(
    ("shown", "missing"),
    [
        ("done in 2.6 s\n2 lost", None),
        ("done …", None),
        ("…\n3 lost\n…", None),
        ("0 lost", "0 lost"),  # a 0 is meant
        ("done in 2.6", "done in 2.6"),
        ("7 lost\ndone in 4.3 s", "done in 4.3 s"),  # the other way round
    ],
)
def test_what_a_page_shows_must_be_in_the_output_in_its_order(shown: str, missing: str | None) -> None:
    assert first_missing(shown, "begin\ndone in 10.25 s\n12 lost") == missing
