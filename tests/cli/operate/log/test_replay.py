"""`guardrails log replay`."""

from __future__ import annotations

import json
from pathlib import Path

from guardrails.cli import main
from tests.cli.operate.log.log_kit import LogCommands
from tests.records.records_kit import POLICY


def test_tells_what_would_change(log: LogCommands, tmp_path: Path) -> None:
    """By ids of verdicts; the status is 0 whatever changes."""
    policy = tmp_path / "next.json"
    policy.write_text(json.dumps({**POLICY, "rules": [{**POLICY["rules"][0], "then": "flag"}]}))
    done = log("replay", "--policy", str(policy), "--json")
    (told,) = done.rows
    assert (done.status, told["replayed"], told["not_known"]) == (0, 10, 0)
    assert told["matrix"]["block"]["flag"] == 4
    assert told["examples"]["new_allow"][0]["id"] in log.ids
    assert "10 of 10 records under tested" in log("replay", "--policy", str(policy)).out
    assert (
        log("replay", "--policy", str(policy), "--action", "block", "--limit", "2", "--json").rows[0]["rows"]
        == 2
    )


def test_diff_reads_records(log: LogCommands, tmp_path: Path) -> None:
    """`--on log:FOLDER`; gates count as ever."""
    old, new = tmp_path / "old.json", tmp_path / "new.json"
    old.write_text(json.dumps(POLICY))
    new.write_text(json.dumps({**POLICY, "rules": [{**POLICY["rules"][0], "then": "flag"}]}))
    assert main(["diff", str(old), str(new), "--on", f"log:{log.folder}", "--max-new-allows", "0"]) == 1
