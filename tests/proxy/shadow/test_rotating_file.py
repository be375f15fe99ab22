"""A log that grows and is put aside."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardrails.proxy.shadow.rotating_file import DecisionLog
from tests.cases import each_case


def rows(path: Path) -> list[int]:
    """Return the numbers that a file holds, none where there is no such file."""
    return [json.loads(line)["n"] for line in path.read_text().splitlines()] if path.exists() else []


def kept(path: Path, files: int) -> list[int]:
    """Return the numbers that all files hold, oldest first."""
    names = [*(Path(f"{path}.{number}") for number in range(files, 0, -1)), path]
    return [number for name in names for number in rows(name)]


def test_only_its_owner_reads_it(tmp_path: Path) -> None:
    """It may hold what people wrote."""
    log = DecisionLog(tmp_path / "log", 1_000, 3)
    log.open()
    assert (tmp_path / "log").stat().st_mode & 0o777 == 0o600
    log.add([{"n": 1}, {"n": 2}])
    assert rows(tmp_path / "log") == [1, 2]


def test_it_is_put_aside_in_a_bounded_number_of_files(tmp_path: Path) -> None:
    """Rows are never cut; the oldest file goes when there are too many."""
    log = DecisionLog(tmp_path / "log", 40, 3)
    for number in range(100, 120):
        log.add([{"n": number, "x": "y"}])  # 23 bytes: one to a file
    assert [rows(Path(f"{tmp_path / 'log'}{end}")) for end in ("", ".1", ".2")] == [[119], [118], [117]]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["log", "log.1", "log.2"]


def test_a_row_that_is_too_large_has_a_file_of_its_own(tmp_path: Path) -> None:
    """It is written whole, and the next one goes elsewhere."""
    log = DecisionLog(tmp_path / "log", 40, 9)
    log.add([{"n": 1}, {"n": 2, "text": "x" * 100}, {"n": 3}])
    assert kept(tmp_path / "log", 9) == [1, 2, 3]
    assert rows(tmp_path / "log.1") == [2]


def test_one_file_begins_anew(tmp_path: Path) -> None:
    """Where none is kept beside it."""
    log = DecisionLog(tmp_path / "log", 20, 1)
    for number in range(5):
        log.add([{"n": number, "x": "y"}])
    assert rows(tmp_path / "log") == [4]
    assert [*tmp_path.iterdir()] == [tmp_path / "log"]


@given(st.lists(st.lists(st.integers(0, 60), max_size=5), max_size=12), st.integers(16, 200))
def test_nothing_is_lost_but_whole_files(
    tmp_path_factory: pytest.TempPathFactory, batches: list[list[int]], most: int
) -> None:
    """Whatever is written in whatever portions stands there once, in its order, in files of no more than that."""
    path = tmp_path_factory.mktemp("log") / "log"
    log = DecisionLog(path, most, 500)
    number = 0
    for batch in batches:
        log.add([{"n": number + at, "x": "y" * size} for at, size in enumerate(batch)])
        number += len(batch)
    assert kept(path, 500) == [*range(number)]
    for file in path.parent.iterdir():
        assert file.stat().st_size <= most or len(rows(file)) == 1


def test_several_writers_share_it(tmp_path: Path) -> None:
    """As the processes of one server do: each row is whole, and there is each."""

    def write(begin: int) -> None:
        log = DecisionLog(tmp_path / "log", 2_000, 500)
        for number in range(begin, begin + 100):
            log.add([{"n": number, "x": "y" * 50}])

    threads = [threading.Thread(target=write, args=(begin,)) for begin in (0, 100, 200)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert sorted(kept(tmp_path / "log", 500)) == [*range(300)]


def test_a_vanished_file_is_made_anew(tmp_path: Path) -> None:
    """Other programs may put it aside as well."""
    log = DecisionLog(tmp_path / "log", 1_000, 3)
    log.add([{"n": 1}])
    (tmp_path / "log").rename(tmp_path / "elsewhere")
    log.add([{"n": 2}])
    assert (rows(tmp_path / "elsewhere"), rows(tmp_path / "log")) == ([1], [2])


def test_half_a_character_is_written_by_its_name(tmp_path: Path) -> None:
    """JSON can name what UTF-8 cannot write."""
    DecisionLog(tmp_path / "log", 1_000, 3).add([{"n": 1, "text": "\ud800"}])
    assert json.loads((tmp_path / "log").read_text())["text"] == "\ud800"


@each_case("name", ["none/log", "."])
def test_where_nothing_can_be_written_is_an_error(name: str, tmp_path: Path) -> None:
    """It is known before there is anything to write."""
    with pytest.raises(OSError, match=r"No such file|directory"):
        DecisionLog(tmp_path / name, 1_000, 3).open()
