"""`guardrails log verify`: says whether anybody changed what is on record."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

from tests.cli.operate.log.log_kit import LogCommands


def forge(folder: Path, statement: str) -> None:
    """Change the store without the key."""
    with closing(sqlite3.connect(folder / "records.sqlite")) as database:
        database.execute(statement)
        database.commit()


def test_what_nobody_touched_is_intact(log: LogCommands) -> None:
    """Exit status 0, with what was looked at."""
    done = log("verify")
    assert done.status == 0
    assert done.out.startswith("intact: 10 records of 1 writers, 0 waiting")
    assert json.loads(log("verify", "--json").out)["intact"] is True


def test_what_was_changed_is_named(log: LogCommands) -> None:
    """Exit status 1, with the record."""
    forge(log.folder, "UPDATE decisions SET action = 'allow' WHERE seq = 4")
    done = log("verify")
    assert done.status == 1
    assert "altered  writer " in done.out
    assert " record 4: " in done.out
    assert "NOT INTACT: 10 records" in done.out
    [problem] = json.loads(log("verify", "--json").out)["problems"]
    assert (problem["kind"], problem["seq"]) == ("altered", 4)


def test_many_problems_are_counted(log: LogCommands) -> None:
    """A table that was rewritten does not fill the terminal."""
    forge(log.folder, "WITH RECURSIVE n(i) AS (SELECT 11 UNION ALL SELECT i + 1 FROM n WHERE i < 90) INSERT INTO decisions "
          "SELECT writer, i, id, time, kind, stage, action, tenant, subject, conversation, request_id, record, mac, salt, "
          "erased FROM decisions, n WHERE seq = 10")  # fmt: skip
    done = log("verify")
    assert done.status == 1
    assert "… and 30 more" in done.out


def test_heads_from_elsewhere_show_what_was_cut_off(log: LogCommands, tmp_path: Path) -> None:
    """A copy of the heads on another disk; without any it is said what would not show."""
    heads = tmp_path / "heads.log"
    heads.write_bytes((log.folder / "heads.log").read_bytes())
    (log.folder / "heads.log").unlink()
    forge(log.folder, "DELETE FROM decisions")
    forge(log.folder, "DELETE FROM writers")
    assert "no signed head is here" in log("verify").out
    done = log("verify", "--heads", str(heads))
    assert done.status == 1
    assert "a signed head says that there were 10 records" in done.out
    assert "cannot be read" in log("verify", "--heads", str(tmp_path / "none")).err
