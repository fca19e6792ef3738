from __future__ import annotations

from pathlib import Path

import pytest

from hitless.adapters.docker.compose_files import ComposeOptions, name_unread

BROKEN = "services:\n  web: [\n"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("COMPOSE_FILE", "COMPOSE_PROJECT_NAME", "COMPOSE_PATH_SEPARATOR"):
        monkeypatch.delenv(name, raising=False)
    there = tmp_path / "_My.Shop"
    there.mkdir()
    (there / "compose.yaml").write_text(BROKEN)
    monkeypatch.chdir(there)
    return there


def test_the_name_is_that_of_the_folder_as_compose_writes_it() -> None:
    assert name_unread(ComposeOptions()) == "myshop"


def test_the_name_is_found_from_a_folder_below(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "src").mkdir()
    monkeypatch.chdir(folder / "src")

    assert name_unread(ComposeOptions()) == "myshop"


@pytest.mark.parametrize("line", ["name: shop", 'name: "shop"  # ours', "'name' : 'shop'"])
def test_a_name_in_the_file_counts_more_than_the_folder(folder: Path, line: str) -> None:
    (folder / "compose.yaml").write_text(f"{line}\n{BROKEN}  name: other\n")

    assert name_unread(ComposeOptions()) == "shop"


def test_the_override_has_the_last_word(folder: Path) -> None:
    (folder / "compose.yaml").write_text(f"name: shop\n{BROKEN}")
    (folder / "compose.override.yaml").write_text("name: other\n")

    assert name_unread(ComposeOptions()) == "other"


@pytest.mark.parametrize("value", ["${NAME:?}", "Shop", "[", ""])
def test_a_name_that_only_compose_can_tell_is_none(folder: Path, value: str) -> None:
    (folder / "compose.yaml").write_text(f"name: {value}\n{BROKEN}")

    assert name_unread(ComposeOptions()) is None


def test_the_variable_counts_more_than_the_file(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "compose.yaml").write_text(f"name: shop\n{BROKEN}")
    (folder / ".env").write_text("export COMPOSE_PROJECT_NAME='one'\n")
    assert name_unread(ComposeOptions()) == "one"

    monkeypatch.setenv("COMPOSE_PROJECT_NAME", "two")
    assert name_unread(ComposeOptions()) == "two"


def test_the_folder_is_that_of_the_first_file_or_as_given(folder: Path) -> None:
    (folder / "a").mkdir()
    (folder / "a" / "x.yml").write_text(BROKEN)
    options = ComposeOptions(("a/x.yml", "compose.yaml"))

    assert name_unread(options) == "a"
    assert name_unread(ComposeOptions(options.files, project_directory=str(folder))) == "myshop"


@pytest.mark.parametrize("value", ["../../x", "shop # prod", "play-${S}", "Shop"])
def test_a_variable_that_is_no_name_gives_none(folder: Path, value: str) -> None:
    (folder / ".env").write_text(f"COMPOSE_PROJECT_NAME={value}\n")

    assert name_unread(ComposeOptions()) in (None, "shop")  # Compose leaves a comment out


def test_an_empty_variable_does_not_take_the_next_line(folder: Path) -> None:
    (folder / ".env").write_text("COMPOSE_PROJECT_NAME=\nDB=foo\n")

    assert name_unread(ComposeOptions()) == "myshop"


def test_the_variables_here_count_more_than_those_beside_the_file(folder: Path) -> None:
    (folder / "a").mkdir()
    (folder / "a" / "compose.yml").write_text(BROKEN)
    (folder / ".env").write_text("COMPOSE_FILE=a/compose.yml\nCOMPOSE_PROJECT_NAME=right\n")
    (folder / "a" / ".env").write_text("COMPOSE_PROJECT_NAME=wrong\n")

    assert name_unread(ComposeOptions()) == "right"


def test_a_folder_that_is_a_link_has_its_own_name(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    link = tmp_path / "current"
    link.symlink_to(folder)
    monkeypatch.chdir(link)
    monkeypatch.setenv("PWD", str(link))
    assert name_unread(ComposeOptions()) == "current"

    monkeypatch.setenv("PWD", "/")  # of somewhere else
    assert name_unread(ComposeOptions()) == "myshop"


def test_a_missing_file_of_variables_gives_no_name() -> None:
    assert name_unread(ComposeOptions(env_files=("stagin.env",))) is None


@pytest.mark.parametrize("files", [("nosuch.yml",), ("-",)])
def test_without_the_files_there_is_no_name(files: tuple[str, ...]) -> None:
    assert name_unread(ComposeOptions(files)) is None


def test_a_folder_without_a_file_gives_no_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    assert name_unread(ComposeOptions()) is None
