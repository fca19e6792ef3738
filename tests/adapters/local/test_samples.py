"""A day of samples in a file."""

from __future__ import annotations

import math
import os
import sqlite3
from pathlib import Path

import pytest

from hitless.adapters.local import samples as module
from hitless.adapters.local.samples import SampleFile, place
from hitless.domain.common.errors import HitlessError
from hitless.domain.common.names import Colour
from hitless.domain.host.metrics import Counted, Look, Sample

BLUE = ("shop", Colour.BLUE)
OTHER = ("other", Colour.GREEN)
NOW = 1_700_000_000.0


@pytest.fixture
def file(tmp_path: Path) -> SampleFile:
    return SampleFile(tmp_path / "state" / "dashboard.sqlite3")


def counted(number: float) -> Counted:
    return Counted(number, 1, {0.1: number - 1, math.inf: number})


def add(file: SampleFile, at: float, number: float = 5, seconds: float = 5) -> None:
    look = Look(at, 1.0, {BLUE: counted(number)})
    file.add(Sample(at, seconds, {BLUE: counted(number), OTHER: counted(2)}), look)


def test_a_sample_comes_back_as_it_was_and_of_one_application_alone(file: SampleFile) -> None:
    add(file, NOW)
    assert file.of(None, NOW - 1) == (Sample(NOW, 5, {BLUE: counted(5), OTHER: counted(2)}),)
    assert file.of("shop", NOW - 1) == (Sample(NOW, 5, {BLUE: counted(5)}),)
    assert file.of("nobody", NOW - 1) == (Sample(NOW, 5, {}),)
    assert file.of("shop", NOW) == ()


def test_a_record_that_is_damaged_is_told_with_what_helps(file: SampleFile) -> None:
    add(file, NOW)
    with sqlite3.connect(file.path) as raw:
        raw.execute("UPDATE look SET text = '{gar'")
    with pytest.raises(HitlessError, match=r"dashboard\.sqlite3") as raised:
        file.last()
    assert "remove the file" in raised.value.hint


def test_the_last_look_is_there_for_the_next_dashboard(file: SampleFile) -> None:
    assert file.last() is None
    file.add(None, Look(NOW, 2.5, {BLUE: counted(9)}))
    assert SampleFile(file.path).last() == Look(NOW, 2.5, {BLUE: counted(9)})
    assert file.of(None, 0) == ()


def test_nobody_else_can_read_it(file: SampleFile) -> None:
    file.begin()
    add(file, NOW)
    assert {one.stat().st_mode & 0o777 for one in file.path.parent.iterdir()} == {0o600}
    assert file.path.parent.stat().st_mode & 0o777 == 0o700


def test_one_dashboard_adds_samples_and_the_next_one_when_it_has_ended(file: SampleFile) -> None:
    other = SampleFile(file.path)
    assert file.begin()
    assert file.begin()
    assert not other.begin()
    assert file._lock is not None
    os.close(file._lock)
    assert other.begin()


def test_older_samples_are_of_a_minute_and_those_of_yesterday_go(file: SampleFile) -> None:
    now_and_again = range(-26 * 3600, -7200, 300)
    with file._open() as raw:
        times = (NOW + second for second in (*now_and_again, *range(-7200, 0, 5)))
        module._insert(raw, tuple(Sample(at, 5, {BLUE: counted(5)}) for at in times))
    add(file, NOW)
    found = file.of("shop", 0)
    assert found[0].at > NOW - 24 * 3600
    assert len([one for one in found if one.at > NOW - 3600]) > 700
    joined = [one for one in found if NOW - 7200 < one.at < NOW - 3660]
    assert len(joined) <= 61
    assert joined[5].seconds == 60
    assert joined[5].counted[BLUE].requests == 60
    with sqlite3.connect(file.path) as raw:
        assert raw.execute("SELECT count(*) FROM counted WHERE at < ?", (NOW - 24 * 3600,)).fetchone() == (0,)


def test_however_many_applications_there_are_the_file_stays_small(
    file: SampleFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_MOST_ROWS", 20)
    for second in range(30):
        file._thinned = 0
        add(file, NOW + second)
    with sqlite3.connect(file.path) as raw:
        assert raw.execute("SELECT count(*) FROM counted").fetchone()[0] <= 22
    assert file.of(None, 0)[-1].at == NOW + 29


def test_a_file_that_is_no_database_is_told_with_its_path(file: SampleFile) -> None:
    file.path.parent.mkdir()
    file.path.write_text("not a database, and longer than the first page of one is" * 40)
    with pytest.raises(HitlessError, match="is not a database"):
        file.last()


def test_a_file_of_another_version_is_made_again(file: SampleFile) -> None:
    add(file, NOW)
    with sqlite3.connect(file.path) as raw:
        raw.execute("PRAGMA user_version = 7")
    assert file.of(None, 0) == ()


def test_each_gateway_of_each_engine_has_a_file_of_its_own(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    here = place("unix:///var/run/docker.sock", "traefik")
    assert here.parent == tmp_path / "hitless"
    assert len({here, place("ssh://there", "traefik"), place("unix:///var/run/docker.sock", "other")}) == 3
    monkeypatch.setenv("XDG_STATE_HOME", "relative")
    assert place("unix:///x", "traefik").is_relative_to(Path.home())
