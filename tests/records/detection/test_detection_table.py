"""The profiles of detection in the store; in SQLite here, in PostgreSQL in tests/system/test_postgresql.py."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from guardrails import Guard
from guardrails.records.decision_store import DecisionStore
from guardrails.records.detection.detection_profile import digest_profile
from guardrails.stores.database import sqlite_url
from tests.records.chain_kit import KEY
from tests.records.records_kit import POLICY, close, open_store, write_records

TEXT = '{"detectors": {"words": "0123"}, "limits": "45"}'
OTHER = {**POLICY, "detectors": {"words": {**POLICY["detectors"]["words"], "terms": ["qqy"]}}}


def count(store: DecisionStore) -> int:
    """Return how many profiles there are."""
    return int(store.database.execute("SELECT count(*) FROM detections")[0][0])


class DetectionTableCases:
    """What holds in every kind of database."""

    @pytest.fixture
    def store(self, url: str) -> Iterator[DecisionStore]:
        """Open a new store, in the empty database that `url` names."""
        with DecisionStore.open(url, KEY) as opened:
            yield opened

    def test_a_profile_takes_the_place_of_its_digest(self, store: DecisionStore) -> None:
        """It is there once, however often it comes."""
        store.detections.insert([TEXT, TEXT])
        store.detections.insert([TEXT])
        assert count(store) == 1
        told = store.detections.expand({"id": "a", "detection": digest_profile(TEXT)})
        assert told == {"id": "a", "detectors": {"words": "0123"}, "limits": "45"}

    def test_what_is_not_here_stays_a_digest(self, store: DecisionStore) -> None:
        """A record of an earlier release stays as it is."""
        for record in ({"detection": "00"}, {"detection": 7}, {"id": "a"}):
            assert store.detections.expand(record) == record

    @pytest.mark.parametrize("text", [TEXT, "no JSON", "[1]"])
    def test_what_was_altered_is_not_taken(self, store: DecisionStore, text: str) -> None:
        """Nor is what no release of ours wrote."""
        store.detections.insert([text])
        if text == TEXT:
            store.database.execute("UPDATE detections SET profile = ?", (TEXT.replace("0123", "4567"),))
        record = {"detection": digest_profile(text)}
        assert store.detections.expand(record) == record


class TestSqlite(DetectionTableCases):
    """In a file."""

    @pytest.fixture
    def url(self, tmp_path: Path) -> str:
        """Return the URL of an empty database."""
        return sqlite_url(tmp_path / "records.sqlite")


def test_records_of_a_policy_share_a_profile(tmp_path: Path) -> None:
    """A record has nothing but its digest; another policy has another one, and another process the same."""
    for policy in (POLICY, OTHER, POLICY):
        write_records(tmp_path, policy=policy)
    with open_store(tmp_path) as store:
        records = [each.to_dict() for each in store.select()]
        assert count(store) == len({each["detection"] for each in records}) == 2
        assert not any("detectors" in each for each in records)
        assert all("detectors" in store.detections.expand(each) for each in records)


def test_a_profile_outlives_its_records(tmp_path: Path) -> None:
    """The next record of the same policy has not to bring it along again."""
    guard = Guard.load(POLICY, records=tmp_path)
    guard.check("a")
    close(guard)
    with open_store(tmp_path) as store:
        assert store.remove_oldest() == 1
    guard.check("b")
    close(guard)
    with open_store(tmp_path) as store:
        assert "detectors" in store.detections.expand(next(store.select()).to_dict())


def test_a_profile_is_named_by_its_text() -> None:
    """That has all that is looked for, and the floor."""
    guards = [Guard.load(POLICY), Guard.load(OTHER), Guard.load(POLICY, floor=OTHER), Guard.load(POLICY)]
    profiles = [guard.detection for guard in guards]
    assert [digest_profile(each.text) for each in profiles] == [each.digest for each in profiles]
    assert len({each.digest for each in profiles}) == 3
    assert json.loads(profiles[2].text)["floor"] == guards[1].policy.ref.to_dict()
