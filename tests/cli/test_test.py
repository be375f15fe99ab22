"""`guardrails test`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from guardrails.cli import main

POLICY = """
format: 1
name: small
detectors:
  words: {{use: terms, terms: [forbidden], category: custom.word}}
rules:
  - {{id: word.block, on: input, when: custom.word > 0, then: block}}
tests:
{tests}
"""


def write(folder: Path, *tests: str) -> str:
    """Write a policy with these tests; return its path."""
    path = folder / "small.yaml"
    path.write_text(POLICY.format(tests="\n".join(f"  - {test}" for test in tests) or "  []"))
    return str(path)


@pytest.mark.parametrize("policy", ["default", "strict", "pii-only", "agents"])
def test_shipped_policies_pass(policy: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Every shipped policy passes its own tests."""
    assert main(["test", policy]) == 0
    assert " 0 failed" in capsys.readouterr().out


def test_failures_are_located_and_explained(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A test that fails is named with its place and with what differs; the status is 1."""
    policy = write(
        tmp_path,
        '{input: "a forbidden word", expect: {action: allow, rules: []}}',
        '{input: "a fine word", expect: {action: allow, content: "a fine word"}}',
    )

    assert main(["test", policy]) == 1
    out = capsys.readouterr().out
    assert f"FAIL {policy}:9:5: input: a forbidden word" in out
    assert "action is block, not allow (by word.block)" in out
    assert "rules are ['word.block'], not []" in out
    assert "1 passed, 1 failed" in out


def test_known_gaps_are_reported_and_do_not_fail(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`todo: true` keeps a gap visible without failing."""
    policy = write(tmp_path, '{input: "neddibrof", todo: true, expect: {action: block}}')

    assert main(["test", policy]) == 0
    assert "0 passed, 0 failed, 1 known gaps" in capsys.readouterr().out


def test_no_tests_is_a_failure(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A policy without tests proves nothing."""
    assert main(["test", write(tmp_path)]) == 1
    assert "has no tests" in capsys.readouterr().err


def test_results_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    """`--json` gives every result to programs."""
    assert main(["test", "--json", "--policy", "pii-only"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["failed"] == 0
    assert all(row["passed"] for row in report["policies"]["pii-only"])
