"""What a record says beside the verdict, so that another policy can be tried on it: detectors, and where findings stand."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

from guardrails import Guard
from guardrails.types import Finding, JudgedPart, Stage
from tests.cases import each_case
from tests.records.records_kit import POLICY, close, open_store

FLOOR = {
    "format": 1,
    "name": "floor",
    "detectors": {"words": {"use": "terms", "terms": ["qqy"], "category": "custom.word"}},
    "rules": [{"id": "floor", "on": "input", "when": "custom.word > 0", "then": "flag"}],
}

MESSAGES = [
    {"role": "system", "content": "zqx"},
    {"role": "user", "content": [{"type": "text", "text": "a zqx"}, {"type": "text", "text": "zqx"}]},
    {"role": "assistant", "content": "zqx"},
    {"role": "user", "content": "no word"},
]


def recorded(folder: Path, content: Any, floor: object = None, policy: object = POLICY) -> dict[str, Any]:
    """Return the record of a content, with what was looked for."""
    guard = Guard.load(policy, floor=floor, records=folder)
    guard.check(content)
    close(guard)
    with open_store(folder) as store:
        return store.detections.expand(next(store.select()).to_dict())


def test_a_record_has_the_digests_of_detectors(tmp_path: Path) -> None:
    """The first characters, with the stages at which each judges where these are not all."""
    record = recorded(tmp_path, "no word")
    digest = Guard.load(POLICY).policy.detectors[0].digest
    assert record["detectors"] == {"words": f"{digest[:16]} input output"}
    assert "floor" not in record


def test_another_policy_has_other_digests_of_the_same_name(tmp_path: Path) -> None:
    """What is found is known by its detector's name, which must mean one: that of both is left out."""
    record = recorded(tmp_path, "no word", FLOOR)
    assert record["detectors"] == {}
    assert record["floor"]["name"] == "floor"


def test_a_detector_of_all_stages_has_its_digest_alone(tmp_path: Path) -> None:
    """And one of joined conversations says so."""
    rules = [{**POLICY["rules"][0], "on": [stage.value for stage in Stage], "scope": "conversation"}]
    record = recorded(tmp_path, "no word", policy={**POLICY, "rules": rules})
    assert [*record["detectors"]["words"].split()[1:]] == ["conversation"]


def test_a_text_that_comes_alone_needs_no_more_words(tmp_path: Path) -> None:
    """Where it stands is the verdict's stage."""
    record = recorded(tmp_path, "a zqx")
    assert record["findings"] == [
        {"category": "custom.word", "score": 1.0, "detector": "words", "span": [2, 5]}
    ]
    assert "stages" not in record
    assert "current" not in record


def test_findings_of_messages_say_where_they_stand(tmp_path: Path) -> None:
    """In which part, of which message, at which stages, in whose words."""
    record = recorded(tmp_path, MESSAGES)
    known = ("part", "role", "message", "stages")
    assert [{name: each[name] for name in known if name in each} for each in record["findings"]] == [
        {"role": "system", "message": 0},
        {"part": 1, "message": 1},
        {"part": 2, "message": 1},
        {"part": 4, "message": 2, "stages": ["output", "input"]},
    ]
    assert record["stages"] == [["input"], ["output", "input"]]
    assert record["current"] == 3


@each_case("part", [None, JudgedPart(3, (Stage.INPUT,), "user")])
def test_the_part_makes_no_other_finding(part: JudgedPart | None) -> None:
    """It is equal to one without, and goes through pickle."""
    finding = Finding("hate", 0.5, "d", part=part)
    assert finding == Finding("hate", 0.5, "d")
    assert hash(finding) == hash(Finding("hate", 0.5, "d"))
    assert pickle.loads(pickle.dumps(finding)).part == part
    assert "part" not in finding.to_dict()
