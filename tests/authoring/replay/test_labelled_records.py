"""Labelled records as rows."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from guardrails.authoring.replay.labelled_records import LabelledRecords
from guardrails.authoring.replay.replayed_traffic import LoggedTraffic
from guardrails.authoring.rows import RowError
from guardrails.records.content import ContentReader
from guardrails.records.kept_content.content_keys import CONTENT_KEY_VARIABLE, ContentKeys
from tests.records.records_kit import CONTENT_KEY, KEEPING, POLICY, open_store, write_records

KEYS = ContentKeys([bytes.fromhex(CONTENT_KEY)])


@pytest.fixture
def ids(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the ids of four records, of which the contents of the first two were kept."""
    monkeypatch.setenv(CONTENT_KEY_VARIABLE, CONTENT_KEY)
    return [*write_records(tmp_path, 2, KEEPING), *write_records(tmp_path, 2, POLICY)]


@pytest.fixture
def traffic(tmp_path: Path, ids: list[str]) -> Iterator[LoggedTraffic]:
    """Open these records."""
    with open_store(tmp_path) as store:
        yield LoggedTraffic(store, ContentReader(store, KEYS), str(tmp_path))


def write_labels(folder: Path, rows: list[Any]) -> str:
    """Return a file of labels."""
    path = folder / "labels.jsonl"
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    return str(path)


def test_a_label_takes_the_content_of_its_record(
    tmp_path: Path, ids: list[str], traffic: LoggedTraffic
) -> None:
    """In the order of the labels, whatever else their lines say; those without a content are counted."""
    labels = [
        {"id": ids[1], "label": "benign", "text": "another"},
        {"id": ids[0], "labels": {"hate": 1}},
        {"id": ids[3]},
    ]
    rows = LabelledRecords(traffic, write_labels(tmp_path, labels))
    read = [(row.stage, row.content, dict(row.labels), row.tenant, row.source, row.id) for row in rows]
    place = str(tmp_path)
    assert read == [
        ("input", "A sentence about number 1.", {"benign": True}, "acme", place, ids[1]),
        ("input", "A sentence about number 0 zqx.", {"hate": True}, "acme", place, ids[0]),
    ]
    assert rows.without_content == 1


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ({"label": "benign"}, "has no id"),
        ([], "has no id"),
        ({"id": "vd_0"}, "no record of vd_0"),
        ({"id": None, "label": 1}, "has no id"),
    ],
)
def test_what_is_no_label_is_an_error(tmp_path: Path, traffic: LoggedTraffic, row: object, told: str) -> None:
    """That names the line."""
    with pytest.raises(RowError, match=rf"labels\.jsonl:1: .*{told}"):
        list(LabelledRecords(traffic, write_labels(tmp_path, [row])))
