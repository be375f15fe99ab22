"""Where the records are, and which are asked for."""

from __future__ import annotations

import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from guardrails.cli import main
from guardrails.cli.operate.log.arguments import parse_time
from guardrails.errors import GuardrailsError
from tests.cases import each_case
from tests.cli.operate.log.log_kit import LogCommands
from tests.records.records_kit import close, recording_guard


@each_case(("written", "seconds"), [("30s", 30), ("5m", 300), ("1.5h", 5_400), ("2d", 172_800), ("1w", 604_800)])  # fmt: skip
def test_so_long_ago(written: str, seconds: int) -> None:
    """Seconds, minutes, hours, days, weeks."""
    found = parse_time(written)
    assert found is not None
    assert abs(found / 1e6 - (time.time() - seconds)) < 5


def test_a_date_is_utc_unless_it_says_a_zone() -> None:
    """As ISO 8601 has it."""
    at = datetime(2026, 12, 1, 8, tzinfo=UTC).timestamp() * 1_000_000
    assert parse_time("2026-12-01T08:00") == parse_time("2026-12-01T09:00+01:00") == at
    assert parse_time(None) is None
    with pytest.raises(GuardrailsError, match="'yesterday' is no time: write 30m"):
        parse_time("yesterday")


def test_a_server_s_settings_say_where_records_are(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Relative to the file; settings that switch them off are an error."""
    guard = recording_guard(tmp_path / "kept", identities="plain")
    guard.check("Hello.", user={"id": "u1"})
    close(guard)
    settings = tmp_path / "guard.yaml"
    settings.write_text("upstream: http://127.0.0.1:1\nrecords: {path: kept, identities: plain}\n")

    assert main(["log", "query", "--config", str(settings), "--user", "u1", "--count"]) == 0
    assert capsys.readouterr().out == "1\n"

    settings.write_text("upstream: http://127.0.0.1:1\nrecords: off\n")
    assert main(["log", "query", "--config", str(settings)]) == 2
    assert f"records are off by {settings}" in capsys.readouterr().err


@each_case("way", ["default", "an empty variable", "GUARDRAILS_RECORDS", "--config"])
def test_records_are_found_where_commands_put_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], way: str
) -> None:
    """In the default folder, in the one of the environment, and where settings say nothing in the same."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    if way == "an empty variable":
        monkeypatch.setenv("GUARDRAILS_RECORDS", "")
    if way == "GUARDRAILS_RECORDS":
        monkeypatch.setenv(way, str(tmp_path / "guardrails" / "records"))
        monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "elsewhere"))
    guard = recording_guard(tmp_path / "guardrails" / "records")
    guard.check("Hello.")
    close(guard)
    (tmp_path / "guard.yaml").write_text("upstream: http://127.0.0.1:1\n")
    config = ["--config", str(tmp_path / "guard.yaml")] if way == "--config" else []
    assert main(["log", "query", "--count", *config]) == 0
    assert capsys.readouterr().out == "1\n"


def test_who_looks_for_records_makes_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no command has put any in the default folder there is no folder behind it either, whatever settings are named."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    (tmp_path / "guard.yaml").write_text("upstream: http://127.0.0.1:1\n")
    for config in ([], ["--config", str(tmp_path / "guard.yaml")]):
        assert main(["log", "query", *config]) == 2
    assert not (tmp_path / "state").exists()


def test_no_records_are_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """No folder is made by who only reads."""
    assert main(["log", "query", "--records", str(tmp_path / "none")]) == 2
    assert "there are no records in" in capsys.readouterr().err
    assert not (tmp_path / "none").exists()


def test_a_store_of_a_newer_release_is_refused(log: LogCommands) -> None:
    """With the cure."""
    from guardrails.stores.database import open_database

    database = open_database(f"sqlite:///{log.folder}/records.sqlite")
    database.execute("INSERT INTO guardrails_migrations (version, name, applied) VALUES (99, 'later', 0)")
    database.close()
    done = log("query")
    assert done.status == 2
    assert "use the release that made them, or a newer one" in done.err


def test_what_a_killed_process_left_is_seen(log: LogCommands) -> None:
    """Without a server that starts again: who asks moves it."""
    script = (
        "import os; from guardrails import Guard; from tests.records.records_kit import POLICY\n"
        f"print(Guard.load(POLICY, records={str(log.folder)!r}).check('Hello.').id, flush=True); os.kill(os.getpid(), 9)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == -9
    assert [row["id"] for row in log("tail", "-n", "1", "--json").rows] == [done.stdout.strip()]
    assert log("verify").status == 0
