from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hitless.adapters.docker.compose_yaml import dump, load
from tests.domain.builders import examples, hostile_texts

# YAML has no key of 1024 characters or more, and nobody uses one
TEXTS = hostile_texts() | st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
VALUES: st.SearchStrategy[Any] = st.recursive(
    TEXTS | st.none() | st.booleans() | st.integers(-(2**63), 2**64) | st.sampled_from([0.5, -1.25]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)


@examples(100)
@given(VALUES)
def test_what_is_written_is_read_back(value: Any) -> None:
    assert load(dump(value).encode()) == value


@examples(100)
@given(VALUES)
def test_what_is_written_is_json(value: Any) -> None:
    assert json.loads(dump(value)) == value


def test_every_character_of_unicode_is_read_back() -> None:
    every = "".join(map(chr, (*range(0xD800), *range(0xE000, 0x110000))))
    assert load(dump(every).encode()) == every


@pytest.mark.parametrize("text", ["\N{PILE OF POO}", "\N{MUSICAL SYMBOL G CLEF}", "\U0010ffff"])
def test_what_lies_beyond_16_bits_is_written_as_it_is(text: str) -> None:
    # JSON's pair of surrogates is refused by YAML, and Compose would not read the model
    assert dump({text: text}) == f'{{"{text}": "{text}"}}'


@examples(100)
@given(TEXTS)
def test_no_surrogate_is_ever_written(text: str) -> None:
    assert not re.search(r"(?<!\\)(?:\\\\)*\\u[dD][89a-fA-F]", dump(text))


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("\x7f", r"\u007f"),
        ("\N{NEXT LINE}", r"\u0085"),
        ("\x9f", r"\u009f"),
        ("\N{LINE SEPARATOR}", r"\u2028"),
        ("\N{PARAGRAPH SEPARATOR}", r"\u2029"),
        ("\N{ZERO WIDTH NO-BREAK SPACE}", r"\ufeff"),
        ("\ufffe", r"\ufffe"),
        ("\uffff", r"\uffff"),
        ("\n", r"\n"),
        ("\t", r"\t"),
        ("\0", r"\u0000"),
        ("ü", "ü"),
        ("~", "~"),
        ("\N{NO-BREAK SPACE}", "\N{NO-BREAK SPACE}"),
    ],
    ids=ascii,
)
def test_what_yaml_takes_for_a_line_break_or_for_nothing_is_escaped(text: str, written: str) -> None:
    assert dump(text) == f'"{written}"'
