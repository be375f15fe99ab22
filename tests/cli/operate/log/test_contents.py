"""What was judged, as `guardrails log` shows, exports and verifies it: to who has the key."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from guardrails.records.kept_content.content_keys import CONTENT_KEY_VARIABLE
from tests.cli.operate.log.log_kit import LogCommands
from tests.records.records_kit import ANOTHER_KEY, CONTENT_KEY, KEEPING, close, recording_guard

FIRST = "A sentence about number 0 zqx."


@pytest.fixture
def kept(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> LogCommands:
    """Return what runs subcommands on ten records with their contents, by their key."""
    monkeypatch.setenv(CONTENT_KEY_VARIABLE, CONTENT_KEY)
    return LogCommands(tmp_path / "records", capsys, KEEPING)


def test_a_decision_is_shown_with_what_was_judged(kept: LogCommands) -> None:
    """Where that is asked for; else the record has the commitment to it alone."""
    done = kept("show", kept.ids[0], "--content")
    assert done.out.endswith(f"  content\n    {FIRST}\n")
    assert "  action        BLOCK\n" in done.out
    [told] = json.loads(kept("show", kept.ids[0], "--content", "--json").out)
    assert told["content"] == FIRST
    [without] = json.loads(kept("show", kept.ids[0], "--json").out)
    assert len(without["content"]) == 32
    assert FIRST not in kept("show", kept.ids[0]).out


def test_nothing_that_was_judged_moves_the_terminal(kept: LogCommands) -> None:
    """Nor does what has no encoding stop the command."""
    guard = recording_guard(kept.folder, KEEPING)
    ids = [guard.check(each).id for each in ("\x1b[2J \ud800\nsecond", {"a": ["\x1b[2J"], "b": "\ud800"})]
    close(guard)
    for id_ in ids:
        done = kept("show", id_, "--content")
        assert (done.status, "\x1b" in done.out) == (0, False)
    assert "    \\x1b[2J \\ud800\n    second\n" in kept("show", ids[0], "--content").out
    [told] = json.loads(kept("show", ids[1], "--content", "--json").out)
    assert told["content"] == {"a": ["\x1b[2J"], "b": "\ud800"}


def test_why_there_is_none_is_shown(kept: LogCommands) -> None:
    """It was too large, or is no more."""
    guard = recording_guard(kept.folder, KEEPING, content={"most_bytes": 10})
    id_ = guard.check("more than ten bytes").id
    close(guard)
    done = kept("show", id_, "--content")
    assert "  unkept        too large\n" in done.out
    assert done.out.endswith("  content       none is kept\n")
    kept("forget", "--user", "u0", "--tenant", "acme", "--yes")
    assert kept("show", kept.ids[0], "--content").out.endswith("  content       none is kept\n")


def test_a_person_gets_what_they_said(kept: LogCommands) -> None:
    """And nothing of others."""
    done = kept("export", "--subject", "u1", "--tenant", "acme", "--content")
    said = [f"A sentence about number {n}{' zqx' if n % 3 == 0 else ''}." for n in (1, 4, 7)]
    assert [row["content"] for row in done.rows] == said
    assert all("content" not in row for row in kept("export", "--subject", "u1", "--tenant", "acme").rows)


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_tables_have_no_contents(kept: LogCommands, tmp_path: Path, form: str) -> None:
    """They are written as JSON lines alone."""
    done = kept("export", "--content", "--out", str(tmp_path / f"all.{form}"))
    assert done.status == 2
    assert f"contents are written as JSON lines, not as {form}: --format jsonl" in done.err


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ("", "contents are encrypted, and their key is not here: set GUARDRAILS_CONTENT_KEY"),
        ("x", "openssl rand -hex 32"),
        (ANOTHER_KEY, "is encrypted by the key"),
    ],
)
def test_without_the_key_it_is_an_error(
    kept: LogCommands, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, key: str, message: str
) -> None:
    """With what to do; all else works without it, verification too."""
    monkeypatch.setenv(CONTENT_KEY_VARIABLE, key)
    out = tmp_path / "all.jsonl"
    for arguments in (["show", kept.ids[0], "--content"], ["export", "--content", "--out", str(out)]):
        done = kept(*arguments)
        assert (done.status, done.out) == (2, "")
        assert message in done.err
    assert not out.exists()
    assert kept("show", kept.ids[0]).status == 0
    assert kept("verify").out.rstrip().endswith(", 10 contents")


def test_a_settings_file_says_where_the_key_is(
    kept: LogCommands, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Relative to its folder, wherever the command runs."""
    monkeypatch.delenv(CONTENT_KEY_VARIABLE)
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys" / "content").write_text(CONTENT_KEY)
    settings = tmp_path / "settings.yaml"
    settings.write_text(
        "upstream: http://127.0.0.1:8000/v1\nrecords: {path: records, content: {key_file: keys/content}}\n"
    )
    done = kept("show", kept.ids[0], "--content", "--config", str(settings))
    assert FIRST in done.out


def test_a_content_that_was_exchanged_is_found(kept: LogCommands) -> None:
    """Without the key of contents; who has it cannot be shown the wrong one."""
    with closing(sqlite3.connect(kept.folder / "records.sqlite")) as database:
        database.execute("DELETE FROM contents WHERE seq = 1")
        database.execute("UPDATE contents SET seq = 1 WHERE seq = 2")
        database.commit()
    done = kept("verify")
    assert done.status == 1
    assert "content_altered  writer " in done.out
    assert "was altered, or belongs to another decision" in kept("show", kept.ids[0], "--content").err
