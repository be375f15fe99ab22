"""Logs of what two policies decided."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from guardrails.authoring.diff.traffic.decisions import Decision, DecisiveRule
from guardrails.authoring.diff.traffic.effects import ChangeEffects
from guardrails.authoring.rows import RowError
from guardrails.authoring.shadow.shadow_log import DecisionLogError, compare_log, make_log_row
from guardrails.types import Action, PolicyRef
from tests.cases import each_case

OLD, NEW = PolicyRef("p", "1.0.0", "sha256:" + "a" * 64), PolicyRef("p", "1.1.0", "sha256:" + "b" * 64)
BLOCK = Decision(Action.BLOCK, (DecisiveRule("x", Action.BLOCK, ("hate",)),))
AT = {"time": "2026-11-26T01:30:00.123Z", "id": "vd_1", "route": "/v1/check", "stage": "input", "tenant": "a"}


def written(folder: Path, *rows: Any, end: str = "\n") -> Path:
    """Write rows to a log; return its path."""
    path = folder / "log.jsonl"
    path.write_text("\n".join(each if isinstance(each, str) else json.dumps(each) for each in rows) + end)
    return path


def made(old: Decision, new: Decision, ref: PolicyRef = NEW) -> dict[str, Any]:
    """Return a row of a log."""
    return make_log_row(AT, (OLD, old), (ref, new), 1.23456)


def test_what_was_decided_is_counted_as_if_it_were_judged(tmp_path: Path) -> None:
    """Actions, rules, categories, groups and examples come from the log."""
    effects = ChangeEffects()
    path = written(
        tmp_path,
        made(Decision(Action.ALLOW), BLOCK),
        made(BLOCK, BLOCK),
        "",
        {"dropped": 3, "why": "queue_full"},
    )
    assert compare_log(path, effects) == []
    told: Any = effects.to_dict()
    assert (told["rows"], told["changed"], told["failed"]) == (5, 1, 3)
    assert told["errors"] == {"new: queue_full": 3}
    assert told["categories"] == {"hate": {"new_block": 1}}
    assert told["by"]["route"] == {"/v1/check": {"new_block": 1, "same": 1}}
    assert told["by"]["policies"] == {"p 1.0.0 aaaaaaaa → p 1.1.0 bbbbbbbb": {"new_block": 1, "same": 1}}
    assert told["examples"]["new_block"][0]["id"] == "vd_1"


@each_case(("left", "changed"), [("[A]", 0), ("[B]", 1)])
def test_another_redaction_is_known_without_its_text(left: str, changed: int, tmp_path: Path) -> None:
    """The log says that something else is left, not what."""
    old, new = Decision(Action.REDACT, left="[A]"), Decision(Action.REDACT, left=left)
    path = written(tmp_path, made(old, new))
    assert "[" + left not in path.read_text()
    effects = ChangeEffects()
    compare_log(path, effects)
    assert effects.turns["content"] == changed


def test_what_the_shadow_could_not_judge_is_counted(tmp_path: Path) -> None:
    """A row that has an error in place of a decision is a failure of the new policy."""
    one = made(BLOCK, BLOCK)
    one["shadow"] = {"policy": NEW.to_dict(), "error": "Overloaded"}
    effects = ChangeEffects()
    compare_log(written(tmp_path, one), effects)
    assert dict(effects.errors) == {"new: Overloaded": 1}


def test_rows_of_other_versions_are_left_out_and_said(tmp_path: Path) -> None:
    """A log outlives a reload; what is asked for is about two versions."""
    path = written(
        tmp_path, made(BLOCK, BLOCK), made(BLOCK, BLOCK, PolicyRef("p", "1.2.0", "sha256:" + "c" * 64))
    )
    effects = ChangeEffects()
    told = compare_log(path, effects, (OLD.digest, NEW.digest))
    assert told == [f"{path}: 1 rows are of other versions of the policies, and left out"]
    assert effects.rows == 1


def test_a_last_line_that_is_being_written_is_left_out(tmp_path: Path) -> None:
    """The log may be read while it grows."""
    effects = ChangeEffects()
    path = written(tmp_path, made(BLOCK, BLOCK), json.dumps(made(BLOCK, BLOCK))[:50], end="")
    assert compare_log(path, effects) == [f"{path}: its last line was cut off, and is left out"]
    assert effects.rows == 1


@each_case(
    "line",
    [
        "{",
        "[]",
        "5",
        "null",
        "{}",
        '{"live": {}, "shadow": {}}',
        '{"dropped": "x"}',
        '{"dropped": -1}',
        '{"input": "traffic"}',
        "[" * 100_000,
    ],
)
def test_another_file_is_an_error_with_its_line(line: str, tmp_path: Path) -> None:
    """A broken log is never a clean one."""
    path = written(tmp_path, made(BLOCK, BLOCK), line)
    with pytest.raises(DecisionLogError, match=r"log\.jsonl:2: is no row of a log of decisions"):
        compare_log(path, ChangeEffects())


def test_an_empty_log_is_an_error(tmp_path: Path) -> None:
    """Nothing was decided, so nothing is shown."""
    (tmp_path / "log.jsonl").touch()
    with pytest.raises(DecisionLogError, match="is empty"):
        compare_log(tmp_path / "log.jsonl", ChangeEffects())
    with pytest.raises(RowError, match="No such file"):
        compare_log(tmp_path / "none.jsonl", ChangeEffects())
