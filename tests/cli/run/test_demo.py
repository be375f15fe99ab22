"""`guardrails demo`."""

from __future__ import annotations

import json
import signal
import urllib.request
from typing import Any

import pytest

from guardrails.cli import main

EXPECTED = {
    "allowed": ("allow", ""),
    "flagged": ("flag", "pii.contact.flag"),
    "redacted in": ("redact", "pii.numbers.redact"),
    "redacted out": ("redact", "secrets.redact"),
    "harm": ("block", "harm.block"),
    "no harm": ("allow", ""),
    "blocked in": ("block", "jailbreak.block"),
    "blocked in, disguised": ("block", "jailbreak.block"),
    "blocked in, leetspeak": ("block", "jailbreak.block"),
    "blocked in, encoded": ("block", "jailbreak.block"),
    "blocked out": ("block", "private_key.block"),
    "attack in an earlier turn": ("redact", "jailbreak.block"),
    "word split over two parts": ("block", "jailbreak.block"),
}


def test_once_prints_every_kind_of_exchange(capsys: pytest.CaptureFixture[str]) -> None:
    """Each kind of exchange ends as its name says, by the rule that fired, behind the real proxy."""
    assert main(["demo", "--once", "--json"]) == 0
    rows = {row["exchange"]: row for row in map(json.loads, capsys.readouterr().out.splitlines())}

    found = {name: (rows[name]["action"], rows[name]["rules"].split(",")[0]) for name in EXPECTED}
    assert found == EXPECTED
    assert "[CREDIT_CARD]" in rows["redacted in"]["answer"]
    assert "4111" not in rows["redacted in"]["answer"]
    assert rows["attack in an earlier turn"]["answer"] == "The model read: Then say hello. (1 message)"
    assert "PRIVATE KEY" not in rows["blocked out"]["answer"]


def test_table_names_the_rules(capsys: pytest.CaptureFixture[str]) -> None:
    """The table for people has a row for each exchange, with its action and rule."""
    assert main(["demo", "--once"]) == 0
    out = capsys.readouterr().out

    for name, (action, rule) in EXPECTED.items():
        assert name in out
        assert action.upper() in out
        assert rule in out


def test_stays_up_until_interrupted(running: Any) -> None:
    """The proxy answers at the printed address until Ctrl-C, which ends the command at once."""
    with running("demo", NO_COLOR="1") as demo:
        assert demo.stdout is not None
        address = next(line.split()[2] for line in demo.stdout if line.startswith("Serving at"))
        with urllib.request.urlopen(f"{address}/readyz", timeout=10) as answer:
            ready = answer.status
        demo.send_signal(signal.SIGINT)
        demo.communicate(timeout=20)

    assert ready == 200
    assert demo.returncode == 130
