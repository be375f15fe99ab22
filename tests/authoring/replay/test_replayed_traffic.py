"""Records as traffic: what was decided against what would be, from findings, and anew from what was kept."""

from __future__ import annotations

from pathlib import Path

import pytest

from guardrails import Guard
from guardrails.authoring.diff.traffic.effects import ChangeEffects
from guardrails.authoring.replay.replayed_traffic import LoggedTraffic, ReplayedSide, compare_records
from guardrails.records.content import ContentReader
from guardrails.records.kept_content.content_keys import CONTENT_KEY_VARIABLE, ContentKeys
from tests.records.records_kit import (
    ANOTHER_KEY,
    CONTENT_KEY,
    KEEPING,
    POLICY,
    open_store,
    write_records,
)

LAXER = {**POLICY, "rules": [{**POLICY["rules"][0], "then": "flag"}]}
OTHER = {**POLICY, "detectors": {"words": {**POLICY["detectors"]["words"], "terms": ["number"]}}}


def side(policy: object) -> ReplayedSide:
    """Return the side of a policy."""
    return ReplayedSide.of(Guard.load(policy).policy)


def compare(folder: Path, old: object, new: object, key: str | None = None) -> ChangeEffects:
    """Return what changes in a folder of records, to who has a key of contents."""
    effects = ChangeEffects()
    with open_store(folder) as store:
        keys = None if key is None else ContentReader(store, ContentKeys([bytes.fromhex(key)]))
        compare_records(
            store.select(),
            None if old is None else side(old),
            side(new),
            effects,
            traffic=LoggedTraffic(store, keys),
        )
    return effects


def test_what_was_decided_is_held_against_what_would_be(tmp_path: Path) -> None:
    """Four of ten were blocked, and would be flagged."""
    write_records(tmp_path)
    effects = compare(tmp_path, None, LAXER)
    assert (effects.rows, effects.failed, effects.turns["new_allow"]) == (10, 0, 4)


def test_what_another_detector_would_find_is_not_known(tmp_path: Path) -> None:
    """It is counted with its reason, never left out."""
    write_records(tmp_path)
    effects = compare(tmp_path, POLICY, OTHER)
    assert effects.failed == 10
    assert all(name.startswith("new: a rule reads a detector") for name in effects.errors)


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder of ten records with their contents."""
    monkeypatch.setenv(CONTENT_KEY_VARIABLE, CONTENT_KEY)
    write_records(tmp_path, policy=KEEPING)
    return tmp_path


def test_a_kept_content_is_judged_anew(kept: Path) -> None:
    """Then all is known to who has the key; nobody else knows more than from the findings."""
    effects = compare(kept, None, OTHER, CONTENT_KEY)
    assert (effects.failed, effects.turns["new_block"]) == (0, 6)
    assert compare(kept, None, OTHER, ANOTHER_KEY).failed == 10
    assert compare(kept, None, OTHER).failed == 10
