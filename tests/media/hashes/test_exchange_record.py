"""Exchanged records: what is to be done with one, in the forms of each programme."""

from __future__ import annotations

from typing import Any

import pytest

from guardrails.media.hashes.exchange_record import (
    HARMLESS,
    OFF,
    TYPES,
    AddedHash,
    RemovedHash,
    SkippedRecord,
    clean_entry,
    read_record,
)
from guardrails.media.hashes.hash_file import KINDS, HashEntry
from tests.cases import each_case

ONE = "f8f8f0cee0f4a84f06370a22038f63f0b36e2ed596621e1d33e6b39c4e9c9b22"
BYTES = bytes.fromhex(ONE)
MD5 = "a1" * 16

DESCRIPTOR = {"id": "9", "owner": {"id": "1"}, "status": "MALICIOUS", "tags": {"data": [{"text": "b"}, {"text": "a"}]}}  # fmt: skip
INDICATOR = {"id": "17", "type": "HASH_PDQ", "indicator": ONE, "should_delete": False, "descriptors": {"data": [DESCRIPTOR]}}  # fmt: skip
ENTRY = {"id": "image1", "member_id": 42, "entry_type": "image", "classification": "A1", "fingerprints": {"md5": MD5, "pdq": ONE}}  # fmt: skip
STOPNCII = {
    "hashValue": ONE,
    "hashStatus": "Active",
    "caseNumbers": {"cc592711": "Active"},
    "signalType": "ImagePDQ",
}
TAT = {"hash_digest": ONE, "algorithm": "PDQ", "ideology": "far-right", "file_type": "gif", "deleted": False, "id": 2821}  # fmt: skip
BANKED = {"id": 5, "disable_until_ts": 1, "bank": {"name": "B"}, "signals": {"pdq": ONE, "video_md5": MD5}}


def done(row: Any, kind: str = "pdq") -> list[Any]:
    """Return what is to be done with a record."""
    return [*read_record(row, kind)]


@each_case(
    ("row", "id_", "category"),
    [
        (INDICATOR, "17", "a b"),
        ({"id": "3", "raw_indicator": ONE, "type": "HASH_PDQ", "status": "UNKNOWN", "tags": ["x"]}, "3", "x"),
        ({"id": "3", "indicator": {"id": "4", "indicator": ONE, "type": "HASH_PDQ"}, "status": "UNKNOWN"}, "3", ""),
        (STOPNCII, ONE[:16], ""),
        (TAT, "2821", "far-right"),
        ({"signal_type": "pdq", "signal_str": ONE, "collab": "c", "category": "POSITIVE_CLASS", "tags": "x y"}, ONE[:16], "x y"),
        ({"HASH": f" {ONE} ", "id": 7, "category": "c"}, "7", "c"),
        ({"hash": ONE, "norm": "256", "quality": "100", "filename": "a/b.jpg"}, "b.jpg", ""),
    ],
)  # fmt: skip
def test_a_hash_is_taken_with_its_id_and_what_it_is(row: Any, id_: str, category: str) -> None:
    """In the form of each programme."""
    [said] = done(row)
    assert isinstance(said, AddedHash)
    assert not said.disputed
    of = said.entry
    assert (of.hash, of.kind, of.id, of.category) == (BYTES, "pdq", id_, category)


def test_an_entry_with_several_fingerprints_gives_those_that_are_matched() -> None:
    """Of NCMEC, whose entry takes back what it was before; and of a bank."""
    assert done(ENTRY) == [
        RemovedHash(id="42-image1"),
        SkippedRecord("signal type md5"),
        AddedHash(HashEntry(BYTES, "pdq", "42-image1", "A1")),
    ]
    assert done(BANKED) == [
        AddedHash(HashEntry(BYTES, "pdq", "5", "B")),
        SkippedRecord("signal type video_md5"),
    ]
    assert done({"sha256": "ab" * 32, "pdq": ONE, "id": "1"}) == [
        AddedHash(HashEntry(BYTES, "pdq", "1")),
        AddedHash(HashEntry(b"\xab" * 32, "sha256", "1")),
    ]


@each_case(
    ("row", "said"),
    [
        ({**INDICATOR, "should_delete": True}, RemovedHash(hash=BYTES, kind="pdq")),
        ({**ENTRY, "deleted": True, "fingerprints": {}}, RemovedHash(id="42-image1")),
        ({**STOPNCII, "hashStatus": "Withdrawn"}, RemovedHash(hash=BYTES, kind="pdq")),
        ({**STOPNCII, "hashStatus": "Deleted"}, RemovedHash(hash=BYTES, kind="pdq")),
        ({**TAT, "deleted": True}, RemovedHash(hash=BYTES, kind="pdq")),
        ({**INDICATOR, "type": "HASH_MD5", "indicator": MD5}, SkippedRecord("signal type HASH_MD5")),
        ({**INDICATOR, "descriptors": {"data": [{**DESCRIPTOR, "status": "NON_MALICIOUS"}]}}, SkippedRecord(HARMLESS)),
        ({**STOPNCII, "signalType": "VideoMD5"}, SkippedRecord("signal type VideoMD5")),
        ({**TAT, "algorithm": "MD5"}, SkippedRecord("signal type MD5")),
        ({**BANKED, "disable_until_ts": 0, "signals": {"pdq": ONE}}, SkippedRecord(OFF)),
        ({"signal_type": "pdq", "signal_str": ONE, "category": "NEGATIVE_CLASS"}, SkippedRecord(HARMLESS)),
        ({"signal_type": "url", "signal_str": "https://example.com"}, SkippedRecord("signal type url")),
        ({"hash": "0" * 64}, SkippedRecord("the hash of a blank picture")),
    ],
)  # fmt: skip
def test_what_is_taken_back_or_left_out_says_so(row: Any, said: Any) -> None:
    """With its reason, so that none is left out silently."""
    assert done(row) == [said]


def test_a_film_is_none_of_the_pictures() -> None:
    """Its hash is not compared with pictures."""
    assert done({**ENTRY, "entry_type": "video"}) == [RemovedHash(id="42-image1"), SkippedRecord("film")]


@each_case(
    "row",
    [
        {**INDICATOR, "descriptors": {"data": [DESCRIPTOR, {**DESCRIPTOR, "status": "NON_MALICIOUS"}]}},
        {**ENTRY, "fingerprints": {"pdq": ONE}, "feedback": {"Pdq": [{"feedback_type": "downvote"}]}},
        {**STOPNCII, "CSPFeedbacks": [{"source": "x", "feedbackValue": "NotBlocked", "tags": ["t"]}]},
        {"signal_type": "pdq", "signal_str": ONE, "category": "DISPUTED"},
    ],
)
def test_what_some_call_a_mistake_is_taken_and_told(row: Any) -> None:
    """Only what all call one is left out."""
    assert done(row)[-1].disputed


@each_case(
    ("row", "message"),
    [
        ([1], "no JSON object"),
        ({"id": "1"}, "no hash that is known by its field"),
        ({"hash": ONE[:-2]}, "has 62 characters"),
        ({**INDICATOR, "indicator": "0" * 32}, "has 32 characters"),
        ({**ENTRY, "fingerprints": [1]}, "fingerprints is no JSON object"),
        ({"member_id": 42, "fingerprints": {}}, "has no id"),
        ({"signals": "x"}, "signals is no JSON object"),
        ({"hash": ONE, "quality": "101"}, "quality is no whole number"),
    ],
)
def test_what_is_broken_is_an_error(row: Any, message: str) -> None:
    """Bad entries of upstream's lists among them."""
    with pytest.raises(ValueError, match=message):
        done(row)


def test_kinds_are_those_of_lists() -> None:
    """Whatever they are called elsewhere; what says none is of the kind that is asked for."""
    assert {*TYPES.values()} == {*KINDS}
    assert done({"hash": ONE}, "sha256")[0].entry.kind == "sha256"


def test_texts_are_cleaned() -> None:
    """Of what no terminal and no log should get."""
    plain = HashEntry(BYTES, "pdq", "a")
    assert clean_entry(plain) is plain
    assert clean_entry(HashEntry(BYTES, "pdq", "a\x1b[2J", "c\0", "s")) == HashEntry(
        BYTES, "pdq", "a [2J", "c", "s"
    )
    assert clean_entry(HashEntry(BYTES, "pdq", "\x1b")).id == ONE[:16]
