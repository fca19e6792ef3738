"""The words of the command line that belong to no verb."""

from __future__ import annotations

import click
import pytest
from click.testing import CliRunner

from hitless.cli.main import hitless
from hitless.cli.options import Options, pass_options
from hitless.cli.root import Root


def options(*words: str) -> Options:
    """What a verb gets by these words."""
    seen: list[Options] = []

    @click.command()
    @click.option("-p", "--path", "path")
    @pass_options
    def verb(given: Options, path: str | None) -> None:
        seen.append(given)

    @click.command()
    @pass_options
    def plain(given: Options) -> None:
        seen.append(given)

    root = Root("hitless", params=hitless.params, callback=hitless.callback)
    root.add_command(verb)
    root.add_command(plain)
    done = CliRunner().invoke(root, words)
    assert done.exit_code == 0, done.output
    return seen[0]


def test_options_after_the_verb_count_as_before_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HITLESS_GATEWAY", "edge")
    words = ("-f", "a.yml", "--env-file", "x", "-p", "shop", "-c", "far", "--project-directory", "/srv")

    assert options("plain", *words) == options(*words, "plain")
    assert options("plain", *words).gateway == "edge"
    assert options("plain", "--gateway", "other").gateway == "other"


def test_what_stands_on_both_sides_is_added_or_the_later_counts() -> None:
    given = options("-f", "a.yml", "-p", "shop", "plain", "-f", "b.yml", "-p", "other")

    assert given.files == ("a.yml", "b.yml")
    assert given.project_name == "other"


def test_a_word_that_the_verb_has_for_itself_stays_its_own() -> None:
    assert options("-p", "shop", "verb", "-p", "/cart").project_name == "shop"


def test_the_other_word_of_that_option_is_still_there() -> None:
    assert options("verb", "-p", "/cart", "--project-name", "shop").project_name == "shop"


def test_a_name_is_checked_after_the_verb_too() -> None:
    done = CliRunner().invoke(hitless, ["status", "-p", "../etc"])

    assert done.exit_code == 2
    assert "lower-case letters" in done.output


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("up", "hitless gateway up"),
        ("ps", "hitless status"),
        ("stop", "hitless down"),
        ("stauts", "hitless status"),
        ("qqq", "hitless --help"),
    ],
)
def test_a_word_that_is_no_verb_says_what_may_be_meant(word: str, said: str) -> None:
    done = CliRunner().invoke(hitless, [word])

    assert done.exit_code == 2
    assert said in done.output


def test_help_is_a_word_too() -> None:
    run = CliRunner().invoke
    assert run(hitless, ["help"]).output == run(hitless, ["--help"]).output
    assert "Usage: hitless gateway up" in run(hitless, ["help", "gateway", "up"]).output
    assert run(hitless, ["help", "nosuch"]).exit_code == 2
