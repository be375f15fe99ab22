"""`guardrails log export`: records in files."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pyarrow.parquet
import pytest

from tests.cli.operate.log.log_kit import LogCommands


@pytest.mark.parametrize("name", ["all.jsonl", "all.csv", "all.parquet", "without-ending"])
def test_the_name_of_the_file_says_the_form(log: LogCommands, tmp_path: Path, name: str) -> None:
    """Oldest first; what is told goes to standard error. No half of a file is left."""
    path = tmp_path / name
    done = log("export", "--out", str(path))
    assert (done.status, done.out, done.err) == (0, "", f"10 records in {path}\n")
    if path.suffix == ".parquet":
        found = pyarrow.parquet.read_table(path)["id"].to_pylist()
    elif path.suffix == ".csv":
        found = [row["id"] for row in csv.DictReader(path.read_text().splitlines())]
    else:
        found = [json.loads(line)["id"] for line in path.read_text().splitlines()]
    assert found == log.ids
    assert [*tmp_path.glob("*.part")] == []


def test_a_person_gets_theirs(log: LogCommands) -> None:
    """All that is about them, and nothing of others."""
    done = log("export", "--subject", "u1", "--tenant", "acme")
    assert [row["id"] for row in done.rows] == log.ids[1::3]
    assert len({row["user"] for row in done.rows}) == 1


def test_a_parquet_file_needs_a_name(log: LogCommands) -> None:
    """It is not for a terminal."""
    done = log("export", "--format", "parquet")
    assert done.status == 2
    assert "--out FILE" in done.err


def test_an_error_leaves_the_file_as_it_was(log: LogCommands, tmp_path: Path) -> None:
    """Whoever reads it sees all of it, or what was there before."""
    path = tmp_path / "all.jsonl"
    path.write_text("before")
    assert log("export", "--out", str(path), "--where", "nonsense ==").status == 2
    assert path.read_text() == "before"
    assert [*tmp_path.glob("*.part")] == []
