"""`guardrails tune`."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from guardrails import Guard
from guardrails.cli import main

POLICY = """# ours
format: 1
name: small
detectors:
  s2: {use: patterns, patterns: ['\\btwo\\b'], category: custom.own, score: 0.2}
  s4: {use: patterns, patterns: ['\\bfour\\b'], category: custom.own, score: 0.4}
  s6: {use: patterns, patterns: ['\\bsix\\b'], category: custom.own, score: 0.6}
  s8: {use: patterns, patterns: ['\\beight\\b'], category: custom.own, score: 0.8}
rules:
  - id: own.block        # the rule
    on: input
    when: custom.own >= 0.1  # too lax
    then: block
tests:
  - {input: eight, expect: {action: block}}
  - {name: four stops, input: four, expect: {action: block}}
"""


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    """A policy that blocks too much."""
    path = tmp_path / "p.yaml"
    path.write_text(POLICY)
    return path


@pytest.fixture
def data(tmp_path: Path) -> str:
    """200 harmless rows, most of which score nothing, some 0.2 and 0.4, one 0.6; 60 harmful ones that score 0.6 and 0.8."""
    texts = [(f"nothing {at}", 0) for at in range(180)]
    texts += (
        [(f"two {at}", 0) for at in range(10)] + [(f"four {at}", 0) for at in range(9)] + [("six of one", 0)]
    )
    texts += [(f"six {at}", 1) for at in range(30)] + [(f"eight {at}", 1) for at in range(30)]
    path = tmp_path / "rows.jsonl.gz"
    with gzip.open(path, "wt") as file:
        file.writelines(json.dumps({"text": text, "label": label}) + "\n" for text, label in texts)
    return str(path)


def test_a_rule_is_tuned_and_written(policy: Path, data: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Comments stay, the figures are those of the rows, and the tests that would fail hold it back but for --force."""
    command = ["tune", "--policy", str(policy), "--on", data, "--target", "fpr <= 1%"]
    assert main(command) == 0
    out = capsys.readouterr().out
    assert "60 it should fire for (custom.own), 200 it should not" in out
    assert "These numbers meet fpr <= 1%." in out
    assert "fpr         10.0 %    0.5 %" in out
    assert "recall     100.0 %  100.0 %" in out
    assert "policy: 19 rows: block now, allow then" in out
    assert "not written: add --write" in out
    assert policy.read_text() == POLICY

    assert main([*command, "--write"]) == 1
    out = capsys.readouterr().out
    assert f"{policy}:16:5: four stops: action is allow, not block" in out
    assert "not written (--force" in out
    assert policy.read_text() == POLICY

    assert main([*command, "--write", "--force"]) == 0
    assert f"written to {policy}" in capsys.readouterr().out
    assert policy.read_text() == POLICY.replace("0.1  # too lax", "0.5  # too lax")
    assert not Guard.load(policy).check("four").blocked

    assert main([*command, "--write"]) == 0
    assert "The numbers meet fpr <= 1% as they are." in capsys.readouterr().out


def test_programs_get_json(policy: Path, data: str, capsys: pytest.CaptureFixture[str]) -> None:
    """One object with all of it, and what became of the file."""
    command = ["tune", "-p", str(policy), "--on", data, "-t", "recall >= 50%", "--json", "--no-text"]
    assert main(command) == 0
    out = json.loads(capsys.readouterr().out)
    assert out["rule"] == "own.block"
    assert out["numbers"] == [{"name": "custom.own", "from": "0.1", "now": 0.1, "chosen": 0.7}]
    assert out["chosen"]["fpr"] == 0.0
    assert out["heldout"]["parts"] == 5
    assert out["change"]["written"] is False
    assert "+    when: custom.own >= 0.7  # too lax" in out["change"]["diff"]
    assert "six of one" not in json.dumps(out)


def test_people_get_a_report(policy: Path, data: str, tmp_path: Path) -> None:
    """One file, with plots."""
    report = tmp_path / "out.html"
    assert main(["tune", "-p", str(policy), "--on", data, "-t", "fpr <= 1%", "--report", str(report)]) == 0
    assert report.read_text().count('role="img"') == 3


def test_what_no_number_meets_writes_nothing(
    policy: Path, data: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """The closest is shown, and the status is 1."""
    more = Path(data).with_name("more.jsonl")
    more.write_text('{"text": "nothing at all", "label": 1}\n')
    command = [
        "tune",
        "-p",
        str(policy),
        "--on",
        data,
        str(more),
        "-t",
        "recall >= 100%",
        "--write",
        "--force",
    ]
    assert main(command) == 1
    out = capsys.readouterr().out
    assert "No number meets recall >= 100% on these rows" in out
    assert "For 1 harmful rows no number does" in out
    assert "nothing was written" in out
    assert policy.read_text() == POLICY


def test_an_inherited_rule_is_overridden(policy: Path, data: str, capsys: pytest.CaptureFixture[str]) -> None:
    """In the policy that is tuned; its parent stays."""
    child = policy.with_name("child.yaml")
    child.write_text("format: 1\nname: child  # mine\nextends: ./p.yaml\n")
    assert main(["tune", "-p", str(child), "--on", data, "-t", "fpr <= 1%", "--write", "--force"]) == 0
    assert "the rule comes from" in capsys.readouterr().out
    assert child.read_text() == (
        "format: 1\nname: child  # mine\nextends: ./p.yaml\n"
        "override:\n  rules:\n    - id: own.block\n      when: custom.own >= 0.5\n"
    )
    assert policy.read_text() == POLICY


def test_a_shipped_policy_stays(data: str, capsys: pytest.CaptureFixture[str]) -> None:
    """What to do instead is told before anything is judged."""
    command = ["tune", "--rule", "harm.block", "--on", data, "-t", "fpr <= 1%", "--write"]
    assert main(command) == 2
    error = capsys.readouterr().err
    assert "default comes with the package and stays as it is" in error
    assert "extends: [default]\noverride:\n  rules:\n    - id: harm.block\n" in error


def test_what_can_be_written_by_hand_only_is_told(
    policy: Path, data: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """As where an alias shares the condition: at the end, or before anything is judged where it is to be written."""
    text = POLICY.replace("when: custom.own >= 0.1", "when: &w custom.own >= 0.1")
    policy.write_text(text.replace("tests:", "  - {id: other, on: output, when: *w, then: flag}\ntests:"))
    command = ["tune", "-p", str(policy), "--rule", "own.block", "--on", data, "-t", "fpr <= 1%"]
    assert main(command) == 0
    out = capsys.readouterr().out
    assert "this can be written by hand only" in out
    assert "when: custom.own >= 0.5" in out
    assert main([*command, "--write"]) == 2
    captured = capsys.readouterr()
    assert "more than that would change" in captured.err
    assert captured.out == ""


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("-t", "fpr"), "target 'fpr': give one of"),
        (("-t", "fpr <= 1%", "--rule", "x"), "no rule 'x'"),
        (("-t", "fpr <= 1%", "--number", "2"), "has no such number to tune; it has 1 is custom.own >= 0.1"),
        (
            ("-t", "fpr <= 1%", "--label", "spam"),
            "no row is labelled as one that rule 'own.block' should fire for",
        ),
        (("-t", "fpr <= 1%", "--stage", "output"), "it judges input: say where rows stand by --stage"),
        (("-t", "fpr <= 1%", "--on", "missing.jsonl"), "missing.jsonl: No such file"),
        (("-t", "fpr <= 1%", "--report", "r.txt"), "r.txt: a report is an .html file"),
        (("-t", "fpr <= 1%", "--jobs", "0"), "--jobs must be 1 or more"),
    ],
)
def test_what_is_wrong_is_told(
    arguments: tuple[str, ...], reason: str, policy: Path, data: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """On stderr, with the status 2; nothing is written."""
    assert main(["tune", "-p", str(policy), "--on", data, *arguments]) == 2
    captured = capsys.readouterr()
    assert reason in captured.err
    assert captured.out == ""
    assert policy.read_text() == POLICY


def test_help_shows_rows_and_targets(capsys: pytest.CaptureFixture[str]) -> None:
    """An editor needs no more than that."""
    with pytest.raises(SystemExit):
        main(["tune", "--help"])
    out = capsys.readouterr().out
    assert '{"text": "...", "label": "benign"}' in out
    assert '"fpr <= 1%"' in out
