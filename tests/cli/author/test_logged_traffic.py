"""`--on log:FOLDER` of `guardrails tune` and `eval`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from guardrails.cli import main
from guardrails.records.kept_content.content_keys import CONTENT_KEY_VARIABLE
from tests.records.records_kit import CONTENT_KEY, KEEPING, write_records

TUNED = {
    **KEEPING,
    "detectors": {"words": {**KEEPING["detectors"]["words"], "terms": ["zqx"], "score": 0.7}},
    "rules": [{**KEEPING["rules"][0], "when": "custom.word > 0.9"}],
}


@pytest.fixture
def logged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[str, str, str]:
    """Return a policy, a log of nine of its decisions, every third of a text that it means, and their labels."""
    monkeypatch.setenv(CONTENT_KEY_VARIABLE, CONTENT_KEY)
    ids = write_records(tmp_path / "log", 9, TUNED)
    policy, labels = tmp_path / "policy.json", tmp_path / "labels.jsonl"
    policy.write_text(json.dumps(TUNED))
    labels.write_text(
        "".join(
            json.dumps({"id": id_, "label": "benign" if n % 3 else "custom.word"}) + "\n"
            for n, id_ in enumerate(ids)
        )
    )
    return str(policy), f"log:{tmp_path / 'log'}", str(labels)


def test_a_rule_is_tuned_on_what_was_kept(
    logged: tuple[str, str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    """By the labels that people gave to decisions."""
    policy, log, labels = logged
    asked = [
        "tune",
        "--policy",
        policy,
        "--on",
        log,
        "--labels",
        labels,
        "--target",
        "recall >= 90%",
        "--json",
    ]
    assert main(asked) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["rows"]["positive"], told["rows"]["negative"]) == (3, 6)


def test_eval_reads_labelled_records(
    logged: tuple[str, str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    """Likewise."""
    policy, log, labels = logged
    assert main(["eval", "--policy", policy, "--on", log, "--labels", labels, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["rows"] == 9


@pytest.mark.parametrize(
    ("on", "labels", "told"),
    [
        (["LOG"], None, "takes --labels FILE"),
        (["rows.jsonl"], "LABELS", "takes --labels FILE"),
        (["LOG", "rows.jsonl"], "LABELS", "nothing beside it"),
        (["log:nowhere"], "LABELS", "there are no records in nowhere"),
    ],
)
def test_what_cannot_be_read_is_an_error(
    logged: tuple[str, str, str],
    capsys: pytest.CaptureFixture[str],
    on: list[str],
    labels: str | None,
    told: str,
) -> None:
    """That says what to write."""
    policy, log, file = logged
    given = [] if labels is None else ["--labels", file]
    asked = ["eval", "--policy", policy, "--on", *(log if each == "LOG" else each for each in on), *given]
    assert main(asked) == 2
    assert told in capsys.readouterr().err


def test_labels_that_nobody_knows_are_asked_about(
    logged: tuple[str, str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    """Before anything is judged."""
    policy, log, labels = logged
    rows = Path(labels).read_text().replace("benign", "bening")
    Path(labels).write_text(rows)
    assert main(["eval", "--policy", policy, "--on", log, "--labels", labels]) == 2
    assert "bening" in capsys.readouterr().err


def test_contents_take_their_key(
    logged: tuple[str, str, str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Which is named."""
    policy, log, labels = logged
    monkeypatch.delenv(CONTENT_KEY_VARIABLE)
    assert main(["eval", "--policy", policy, "--on", log, "--labels", labels]) == 2
    assert CONTENT_KEY_VARIABLE in capsys.readouterr().err
