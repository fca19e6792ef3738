"""Pages, code and tests use plain, present-day English.

Users and contributors read hitless in a second language as often as in their first. `PHRASES` lists words
that such a reader has to look up or read twice, each with what to write instead.
"""

from __future__ import annotations

import ast
import functools
import io
import itertools
import re
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

CHECKED = (
    *("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "docs/**/*.md", "examples/**/*.md"),
    *("src/**/*.py", "bench/**/*.py", "examples/**/*.py", "tests/**/*.py"),
)
"""The files to read, as globs."""

NOT_CHECKED = frozenset(
    {
        "docs/faults.md",
        "docs/benchmarks/abrupt.md",
        "docs/benchmarks/comparison.md",
        "docs/benchmarks/hitless.md",
        "tests/test_plain_words.py",
    }
)
"""Pages that programs write, with words from tests/e2e/matrix.py and bench/; and this list."""

PHRASES = {
    r"anew": "again",
    r"mend(s|ed|ing)?": "fix",
    r"bears?|bearing|bore": "support, carry; or say what works",
    r"nor (am|is|are|was|were|do|does|did|has|have|had|can|could|will|would|may|must)": "and … not",
    r"(it|this|that) is so": "say what is true",
    r"is so already": "nothing to change",
    r"what (is|was) so": "the state",
    r"(for )?(a )?want of": "without, lack of",
    r"hears? of|heard of": "notice, see",
    r"said nowhere|nowhere said": "say what is missing",
    r"(call|name)(s|ed)? (\w+ )?otherwise|or otherwise": "rename; another name",
    r"serves? on|served on(?= (as|while|until))": "keeps serving",
    r"(runs?|ran|goes|went) on(?=[.,;:)]| as\b| until\b| while\b)": "keeps running, continues",
    r"as yet": "yet",
    r"(take|takes|took|taken|taking) away": "remove",
    r"by the same way|by the way (it|they) came": "in the same way",
    r"(is|are|was|were) to be": "must be, will be",
    r"of which": "make two sentences",
    r"that is why": "so, because",
    r"who(m|se)? (is|has) it": "say who",
    r"(none|nobody|everybody|one|it) has it": "say what they have",
    r"save for|but for": "except",
    r"hence|thence|whence|thereby|whereby|thereof|therein|therewith|hereby|lest|ere|nought": "so, because",
    r"upon": "on",
    r"shall|ought": "must, should",
    r"besides": "also",
    r"all else": "everything else",
    r"as ever": "as before",
    r"goes? before (?=(it|them|these|those|what|the same))": "has precedence over, overrides",
    r"alike": "in the same way",
    r"so (is|are|was|were|does|do|did|has|have|had|can|will) (the|a|an|it|they|that|one|who|what)": "…, too",
    r"what (became|becomes|has become|came|comes) of|(came|comes?) of (it|them|that|each|this)": "the result",
    r"nobody (has |had )?said": "nothing says",
    r"that there (is|are)(?=[.,;:)])": "that exists",
    r"has it that|goes by|at hand|in earnest": "says, uses, near, really",
    r"by then|meanwhile(?=[.,;:)]|$)": "at that time, in that time",
    r"all the same": "in any case, nevertheless",
    r"withal|albeit|whilst|amongst|unto": "with, although, while, among, to",
}
"""Expression of whole words -> what to write instead. A space in an expression is any white space."""

FENCE = re.compile(r"^( *)```.*?^\1```", re.MULTILINE | re.DOTALL)
INLINE_CODE = re.compile(r"`(?:[^`\n]|\n(?!\n))+`")


@dataclass(frozen=True)
class Found:
    """A phrase of the list, and where it is."""

    path: str
    line: int
    words: str
    instead: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.words!r}; write: {self.instead}"


def found_in(file: Path) -> list[Found]:
    """The phrases of the list in a file, from the top."""
    path = file.relative_to(ROOT).as_posix()
    read = (
        prose_of_page
        if file.suffix == ".md"
        else words_of_tests
        if path.startswith("tests/")
        else words_of_code
    )
    return sorted(
        (
            Found(path, line + text.count("\n", 0, match.start()), " ".join(match.group().split()), instead)
            for line, text in read(file.read_text(encoding="utf-8"))
            for expression, instead in PHRASES.items()
            for match in whole_words(expression).finditer(text)
        ),
        key=lambda one: one.line,
    )


@functools.cache
def whole_words(expression: str) -> re.Pattern[str]:
    """An expression of `PHRASES`, compiled; a hyphen belongs to its word."""
    anywhere = expression.replace(" ", r"\s+")
    return re.compile(rf"(?<![\w-])(?:{anywhere})(?![\w-])", re.IGNORECASE)


def prose_of_page(source: str) -> Iterator[tuple[int, str]]:
    """A Markdown page without its code, as (first line, text): a program's words are read in the program."""
    without_blocks = FENCE.sub(lambda block: "\n" * block.group().count("\n"), source)
    yield 1, INLINE_CODE.sub(lambda code: "`" + "\n" * code.group().count("\n") + "`", without_blocks)


def words_of_code(source: str) -> Iterator[tuple[int, str]]:
    """The texts and comments of a Python file, each with its line; docstrings and f-strings are texts."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.lineno, node.value
    yield from comments_of_code(source)


def words_of_tests(source: str) -> Iterator[tuple[int, str]]:
    """The names of the tests in a Python file, its docstrings and its comments; other texts are data."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            yield node.lineno, node.name.replace("_", " ")
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            yield node.lineno, str(node.value.value)
    yield from comments_of_code(source)


def comments_of_code(source: str) -> Iterator[tuple[int, str]]:
    """The comments of a Python file, each with its line and the comments of the lines right after it."""
    comments = dict[int, str]()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            comments[token.start[0]] = token.string.lstrip("#")
    for line, text in comments.items():
        if line - 1 not in comments:
            block = itertools.takewhile(comments.__contains__, itertools.count(line + 1))
            yield line, "\n".join([text, *(comments[one] for one in block)])


def checked() -> list[Path]:
    files = {file for glob in CHECKED for file in ROOT.glob(glob)}
    return sorted(file for file in files if file.relative_to(ROOT).as_posix() not in NOT_CHECKED)


@pytest.mark.parametrize("file", checked(), ids=lambda file: file.relative_to(ROOT).as_posix())
def test_a_checked_file_has_only_plain_words(file: Path) -> None:
    assert not found_in(file), "\n".join(map(str, found_in(file)))


def test_each_glob_finds_files_and_each_exception_exists() -> None:
    assert all(any(ROOT.glob(glob)) for glob in CHECKED)
    assert all((ROOT / path).is_file() for path in NOT_CHECKED)


@pytest.mark.parametrize(
    "sentence",
    [
        "Make it anew.",
        "Mend what is named above.",
        "If it does bear that.",
        "Nor is it there.",
        "It is so already.",
        "Status told what was so.",
        "It ended for want of memory.",
        "It hears of that by an event.",
        "Which port is said nowhere.",
        "Call it otherwise.",
        "Whatever was live serves on.",
        "The database runs on as it is.",
        "No port as\nyet.",
        "This takes away the colour.",
        "Go back by the same way.",
        "The port is to be kept.",
        "Two, of which one runs.",
        "That is why it waits.",
        "The gateway ends, and so does the lock.",
        "See what became of it.",
        "All networks that there are.",
        "It goes on meanwhile.",
        "It is read all the same.",
    ],
)
def test_a_phrase_of_the_list_is_found_in_a_page(sentence: str) -> None:
    ((_, text),) = prose_of_page(sentence)
    assert any(whole_words(expression).search(text) for expression in PHRASES)


@pytest.mark.parametrize(
    "sentence",
    [
        "`Authorization: Bearer abc` is a bearer token.",
        "Recommend an amendment.",
        "It has a network of its own.",
        "hitless runs on the host.",
        "Otherwise the deployment waits.",
        "```console\nweb: runs on as it is\n```",
    ],
)
def test_plain_words_and_code_are_not_found(sentence: str) -> None:
    ((_, text),) = prose_of_page(sentence)
    assert not any(whole_words(expression).search(text) for expression in PHRASES)


def test_a_phrase_is_found_with_its_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(globals(), "ROOT", tmp_path)
    page = tmp_path / "page.md"
    page.write_text("# Title\n\n```\ncode\nanew\n```\n\nStart `it\nnow` or\nanew.\n")
    assert [str(one) for one in found_in(page)] == ["page.md:10: 'anew'; write: again"]


def test_texts_docstrings_and_comments_of_code_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(globals(), "ROOT", tmp_path)
    code = tmp_path / "code.py"
    code.write_text(
        '"""Anew."""\n'
        "anew = 1\n"
        "# for want\n"
        "# of it\n"
        "def mend(name: str) -> str:\n"
        '    return f"{name} serves on"\n'
        'longer = "no port "\\\n'
        '    "as yet"\n'
    )  # fmt: skip
    assert [(one.line, one.words) for one in found_in(code)] == [
        (1, "Anew"),
        (3, "for want of"),
        (6, "serves on"),
        (7, "as yet"),
    ]


def test_the_names_docstrings_and_comments_of_tests_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(globals(), "ROOT", tmp_path)
    (tmp_path / "tests").mkdir()
    code = tmp_path / "tests" / "test_it.py"
    code.write_text(
        'def test_what_is_live_serves_on() -> None:\n    """It is so."""\n    # anew\n    assert "mend"\n'
    )
    assert [(one.line, one.words) for one in found_in(code)] == [
        (1, "serves on"),
        (2, "It is so"),
        (3, "anew"),
    ]
