"""`guardrails eval`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from guardrails.cli import main

POLICY = """
format: 1
name: small
detectors:
  low: {use: patterns, patterns: ['\\blow\\b'], category: custom.own, score: 0.4}
  high: {use: patterns, patterns: ['\\bhigh\\b'], category: custom.own, score: 0.9}
rules:
  - {id: own.block, on: [input, output], when: custom.own >= 0.5, then: block}
"""

ROWS = [
    {"text": "high one", "labels": {"custom.own": 1}, "lang": "en"},
    {"text": "low one", "labels": {"custom.own": 1}, "lang": "en"},
    {"text": "high two", "labels": {"custom.own": 1}, "lang": "de"},
    {"text": "high three", "label": "benign", "lang": "de"},
    {"text": "nothing", "label": "benign", "lang": "en"},
    {"text": "nothing two", "label": "benign", "kind": "response"},
    {"text": "nothing three", "label": 0},
    {"text": "nobody knows"},
]


@pytest.fixture
def given(tmp_path: Path) -> list[str]:
    """The arguments for a policy and rows: 2 of 3 are found, and 1 of 4 falsely."""
    policy, rows = tmp_path / "p.yaml", tmp_path / "rows.jsonl"
    policy.write_text(POLICY)
    rows.write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    return ["--policy", str(policy), "--on", str(rows)]


def test_people_get_tables(given: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """The decision in a sentence, the actions, rules, categories, groups, latency and the worst rows."""
    assert main(["eval", *given, "--by", "lang"]) == 0
    out = capsys.readouterr().out
    assert "small 0 on 8 rows" in out
    assert (
        "Stopped are 66.7 % (9.4 to 99.2 %) of 3 harmful rows and 25.0 % (0.6 to 80.6 %) of 4 harmless rows."
        in out
    )
    for line in (
        "  harmful         1     0       0      2",
        "  harmless        3     0       0      1",
        "  unlabelled      1     0       0      0",
    ):
        assert line in out
    assert "rules: does each fire for what it is for?" in out
    assert "the decision by lang" in out
    assert "0.900  own.block  high three" in out
    assert "0.400  no rule  low one" in out


def test_programs_get_json(given: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """One object; without texts where that is wanted."""
    assert main(["eval", *given, "--json", "--no-text"]) == 0
    out = json.loads(capsys.readouterr().out)
    assert (out["rows"], out["not_judged"]) == (8, 0)
    assert out["decision"]["f1"] == pytest.approx(2 / 3, abs=1e-6)
    assert out["rules"]["own.block"]["fpr"] == 0.25
    assert out["categories"]["custom.own"]["calibration"]["brier"] == pytest.approx(
        (0.01 + 0.36 + 0.01 + 0.81) / 7, abs=1e-6
    )
    assert [*out["latency_ms"]["total"]] == ["p50", "p95", "p99"]
    assert out["broken"] == []
    assert "high three" not in json.dumps(out)


@pytest.mark.parametrize(
    ("limits", "status", "broken"),
    [
        (["--fail-under", "f1=0.6", "--max-fpr", "25%"], 0, []),
        (["--fail-under", "f1=0.7"], 1, ["decision f1 >= 0.7: it is 0.6667"]),
        (
            ["--max-fpr", "10%", "--max-fpr", "own.block:10%", "--fail-under", "custom.own:recall=1"],
            1,
            [
                "custom.own recall >= 1: it is 0.6667",
                "decision fpr <= 0.1: it is 0.25",
                "own.block fpr <= 0.1: it is 0.25",
            ],
        ),
    ],
)
def test_limits_decide_the_status(
    limits: list[str], status: int, broken: list[str], given: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """For builds: each that is not kept is told."""
    assert main(["eval", *given, *limits]) == status
    out = capsys.readouterr().out
    assert [line.partition(": ")[2] for line in out.splitlines() if line.startswith("limit")] == broken


def test_a_report_is_written(given: list[str], tmp_path: Path) -> None:
    """One file, with plots, also where a limit is not kept."""
    report = tmp_path / "out.html"
    assert main(["eval", *given, "--report", str(report), "--fail-under", "f1=1"]) == 1
    html = report.read_text()
    assert html.count('role="img"') == 3
    assert "Limit not kept: " in html


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("--fail-under", "f1"), "'f1': give f1=0.8"),
        (("--max-fpr", "x:1%"), "'x' is no rule of policy small"),
        (("--examples", "-1"), "--examples must be 0 or more"),
        (("--on", "missing.jsonl"), "missing.jsonl: No such file"),
    ],
)
def test_what_is_wrong_is_told(
    arguments: tuple[str, ...], reason: str, given: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """On stderr, with the status 2."""
    assert main(["eval", *given, *arguments]) == 2
    captured = capsys.readouterr()
    assert reason in captured.err
    assert captured.out == ""


def test_what_counts_as_stopped_can_be_said(given: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """And rows can be taken to stand elsewhere."""
    assert main(["eval", *given, "--stopped", "flag", "--stage", "tool_result", "--jobs", "2"]) == 0
    assert "With flag or stricter end 0.0 %" in capsys.readouterr().out


def test_figures_are_those_under_the_floor(
    given: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What it blocks counts as stopped; it is named for people, for programs and in the report."""
    (tmp_path / "org.yaml").write_text(POLICY.replace("name: small", "name: org").replace(">= 0.5", ">= 0.4"))
    floor, report = ["--floor", str(tmp_path / "org.yaml")], tmp_path / "r.html"
    assert main(["eval", *given, *floor, "--report", str(report)]) == 0
    out = capsys.readouterr().out
    assert "small 0 on 8 rows\nunder the floor org 0\nStopped are 100.0 %" in out
    assert "under the floor org 0" in report.read_text()
    assert main(["eval", *given, *floor, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["floor"]["name"] == "org"
    assert main(["eval", *given, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["floor"] is None
