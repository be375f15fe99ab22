"""Records as traffic: what was decided against what would be, from findings, or anew from a kept content."""

from __future__ import annotations

from pathlib import Path

from guardrails import Guard
from guardrails.authoring.diff.traffic.effects import ChangeEffects
from guardrails.authoring.replay.replayed_traffic import ReplayedSide, compare_records
from tests.records.records_kit import POLICY, stored, write_records

LAXER = {**POLICY, "rules": [{**POLICY["rules"][0], "then": "flag"}]}
OTHER = {**POLICY, "detectors": {"words": {**POLICY["detectors"]["words"], "terms": ["number"]}}}


def side(policy: object) -> ReplayedSide:
    """Return the side of a policy."""
    return ReplayedSide.of(Guard.load(policy).policy)


def test_what_was_decided_is_held_against_what_would_be(tmp_path: Path) -> None:
    """Four of ten were blocked, and would be flagged."""
    write_records(tmp_path)
    effects = ChangeEffects()
    compare_records(stored(tmp_path), None, side(LAXER), effects)
    assert (effects.rows, effects.failed, effects.turns["new_allow"]) == (10, 0, 4)


def test_what_another_detector_would_find_is_not_known(tmp_path: Path) -> None:
    """It is counted with its reason, never left out."""
    write_records(tmp_path)
    effects = ChangeEffects()
    compare_records(stored(tmp_path), side(POLICY), side(OTHER), effects)
    assert effects.failed == 10
    assert all(name.startswith("new: a rule reads a detector") for name in effects.errors)


def test_a_kept_content_is_judged_anew(tmp_path: Path) -> None:
    """Then all is known."""
    write_records(tmp_path)
    effects = ChangeEffects()
    compare_records(
        stored(tmp_path),
        side(POLICY),
        side(OTHER),
        effects,
        content=lambda record: "A sentence about number 1.",
    )
    assert (effects.failed, effects.turns["new_block"]) == (0, 6)
