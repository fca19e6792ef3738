"""Which Compose file is written, what must be true before it is, and how."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from hitless.adapters.docker.cli import DockerCli
from hitless.adapters.docker.compose_change import ComposeChange, change
from hitless.adapters.docker.compose_files import ComposeOptions
from hitless.domain.common.errors import HitlessError
from tests.adapters.fake_docker import FakeDocker

SAID = {"web": {"publish": "gateway"}}
MODEL: dict[str, Any] = {"name": "shop", "services": {"web": {"image": "a"}, "db": {"image": "postgres:15"}}}
TEXT = "services:\n  web:\n    image: a # mine\n"
WRITTEN = "services:\n  web:\n    x-hitless: {publish: gateway}\n    image: a # mine\n"
NEW = "services:\n  web:\n    x-hitless: {publish: gateway}\n"


def told(**services: Any) -> str:
    """What Compose prints: the model, with more keys for services."""
    known = {name: {**one, **services.get(name, {})} for name, one in MODEL["services"].items()}
    return json.dumps({**MODEL, "services": known})


@pytest.fixture
def folder(docker: FakeDocker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to work in; Compose reads the answers in its files."""
    docker.answers("compose", stdout=told(web={"x-hitless": SAID["web"]}))
    made = tmp_path / "shop"
    made.mkdir()
    monkeypatch.chdir(made)
    monkeypatch.delenv("COMPOSE_FILE", raising=False)
    return made


def changed(*files: str, in_place: bool = False, **options: Any) -> ComposeChange:
    return change(DockerCli(), ComposeOptions(files, **options), MODEL, SAID, in_place)


def write(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).write_text(TEXT)


# which file


@pytest.mark.parametrize(
    ("there", "written"),
    [
        (["compose.yaml"], "compose.override.yaml"),
        (["docker-compose.yml"], "compose.override.yaml"),
        (["compose.yaml", "docker-compose.override.yml"], "docker-compose.override.yml"),
        (["compose.yaml", "compose.override.yaml", "compose.override.yml"], "compose.override.yml"),
    ],
)
def test_the_override_that_compose_reads_is_written_or_a_new_one(
    folder: Path, there: list[str], written: str
) -> None:
    write(folder, *there)
    found = changed()
    assert found.path == folder / written
    assert found.after.decode() == (WRITTEN if written in there else NEW)
    assert not (folder / "compose.override.yaml").exists() or "compose.override.yaml" in there


def test_in_place_the_file_itself_is_written(folder: Path) -> None:
    write(folder, "compose.yml", "docker-compose.yml", "compose.override.yml")
    assert changed(in_place=True).path == folder / "compose.yml"


def test_the_last_file_that_is_named_is_written(folder: Path) -> None:
    write(folder, "a.yml", "b.yml", "compose.yaml")
    assert changed("a.yml", "b.yml").path == folder / "b.yml"
    assert changed("b.yml", "a.yml", in_place=True).path == folder / "a.yml"


def test_a_folder_above_counts_as_it_does_for_compose(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(folder, "compose.yaml")
    (folder / "src").mkdir()
    monkeypatch.chdir(folder / "src")
    assert changed().path == folder / "compose.override.yaml"


def test_the_files_that_compose_file_names_count(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(folder, "a.yml", "b.yml", "c.yml", "compose.yaml")
    (folder / ".env").write_text('OTHER=1\nCOMPOSE_FILE="a.yml:b.yml"\n')
    assert changed().path == folder / "b.yml"
    monkeypatch.setenv("COMPOSE_FILE", "b.yml:c.yml")
    assert changed().path == folder / "c.yml"


def test_without_a_file_or_from_standard_input_nothing_can_be_written(folder: Path) -> None:
    with pytest.raises(HitlessError, match="no Compose file"):
        changed()
    with pytest.raises(HitlessError, match="standard input"):
        changed("-")


# what Compose makes of it


def test_compose_reads_the_new_text_in_the_place_of_the_old(docker: FakeDocker, folder: Path) -> None:
    write(folder, "compose.yaml", "compose.override.yaml")
    changed(env_files=("x.env",))
    [call] = docker.argvs
    *_, base, _, tried, _, directory, _, env, _ = call
    assert (base, directory, env) == (str(folder / "compose.yaml"), str(folder), "x.env")
    assert Path(tried).parent == folder
    assert Path(tried).suffix == ".yaml"
    assert sorted(path.name for path in folder.iterdir()) == ["compose.override.yaml", "compose.yaml"]


def test_a_text_that_compose_can_not_read_is_not_written(docker: FakeDocker, folder: Path) -> None:
    write(folder, "compose.yaml")
    docker.answers("compose", stderr="yaml: line 3: no", exit_code=15)
    with pytest.raises(HitlessError, match="nothing was written: yaml: line 3"):
        changed()
    assert [path.name for path in folder.iterdir()] == ["compose.yaml"]


def test_a_change_of_anything_else_is_not_written(docker: FakeDocker, folder: Path) -> None:
    write(folder, "compose.yaml")
    docker.answers("compose", stdout=told(web={"x-hitless": SAID["web"]}, db={"image": "postgres:16"}))
    with pytest.raises(HitlessError, match="more of a change") as raised:
        changed()
    assert "web: x-hitless: {publish: gateway}" in raised.value.hint


def test_what_another_service_gets_by_a_merge_key_is_taken_back(docker: FakeDocker, folder: Path) -> None:
    """The fake says the same both times, so here the end is an error."""
    (folder / "compose.yaml").write_text("services:\n  web: &a\n    image: a\n  db:\n    <<: *a\n")
    docker.answers("compose", stdout=told(web={"x-hitless": SAID["web"]}, db={"x-hitless": SAID["web"]}))
    with pytest.raises(HitlessError, match="more of a change"):
        changed(in_place=True)
    assert len(docker.calls) == 2


# the write


def test_a_new_file_and_a_changed_one_are_there_whole_and_nothing_else(folder: Path) -> None:
    write(folder, "compose.yaml")
    changed().write()
    assert (folder / "compose.override.yaml").read_text() == NEW
    changed(in_place=True).write()
    assert (folder / "compose.yaml").read_text() == WRITTEN
    assert len(list(folder.iterdir())) == 2


def test_the_mode_stays_and_a_link_stays_a_link(folder: Path) -> None:
    write(folder, "real.yml")
    (folder / "real.yml").chmod(0o640)
    (folder / "compose.yaml").symlink_to("real.yml")
    changed(in_place=True).write()
    assert (folder / "compose.yaml").is_symlink()
    assert (folder / "real.yml").read_text() == WRITTEN
    assert (folder / "real.yml").stat().st_mode & 0o777 == 0o640


def test_a_new_file_has_the_mode_that_any_new_file_has(folder: Path) -> None:
    write(folder, "compose.yaml")
    mask = os.umask(0o027)
    try:
        changed().write()
    finally:
        os.umask(mask)
    assert (folder / "compose.override.yaml").stat().st_mode & 0o777 == 0o640


def test_a_file_that_somebody_changed_meanwhile_is_left_alone(folder: Path) -> None:
    write(folder, "compose.yaml")
    found = changed(in_place=True)
    (folder / "compose.yaml").write_text("services: {}\n")
    with pytest.raises(HitlessError, match="has changed"):
        found.write()
    assert (folder / "compose.yaml").read_text() == "services: {}\n"


def test_a_file_that_is_not_to_be_written_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(folder, "compose.yaml")
    monkeypatch.setattr(os, "access", lambda path, mode: mode != os.W_OK)  # nothing is forbidden to root
    with pytest.raises(HitlessError, match="not for you to write"):
        changed(in_place=True)


def test_a_full_disk_is_an_error_in_words(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(folder, "compose.yaml")

    def full(*_: Any, **__: Any) -> Any:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("tempfile.mkstemp", full)
    with pytest.raises(HitlessError, match="can't be written: No space left"):
        changed()


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"\xff\xfe", "UTF-8"), (b"services: [web]\n", "no mapping"), (b"a: {", "can't be read")],
)
def test_a_file_that_can_not_be_changed_says_why(folder: Path, content: bytes, said: str) -> None:
    (folder / "compose.yaml").write_bytes(content)
    with pytest.raises(HitlessError, match=said) as raised:
        changed(in_place=True)
    assert raised.value.hint
    assert (folder / "compose.yaml").read_bytes() == content


def test_the_diff_has_the_new_lines_and_one_around_them(folder: Path) -> None:
    write(folder, "compose.yaml")
    lines = changed(in_place=True).diff().splitlines()
    assert lines[2:] == [
        "@@ -2,2 +2,3 @@",
        "   web:",
        "+    x-hitless: {publish: gateway}",
        "     image: a # mine",
    ]
