"""Files of exchanged hashes: in the formats of programmes, with a line for each record."""

from __future__ import annotations

import json
import pickle
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardrails.errors import PolicyErrors
from guardrails.media.hashes.exchange_files import read_records
from guardrails.media.hashes.exchange_record import AddedHash, RemovedHash, SkippedRecord
from guardrails.media.hashes.hash_file import HashEntry
from tests.cases import each_case

ONE, TWO = "f8f8f0cee0f4a84f06370a22038f63f0b36e2ed596621e1d33e6b39c4e9c9b22", "62c9789627838f69" * 4
RECORD = {"hashValue": ONE, "hashStatus": "Active", "caseNumbers": {}, "signalType": "ImagePDQ"}

NCMEC = f"""<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<queryResult xmlns="https://hashsharing.ncmec.org/hashsharing/v2">
    <images count="2" maxTimestamp="2017-10-24T15:10:00Z">
        <image>
            <member id="42">Example Member</member>
            <timestamp>2017-10-24T15:00:00Z</timestamp>
            <id>image1</id>
            <classification>A1</classification>
            <fingerprints>
                <md5>a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1</md5>
                <pdq>{ONE}</pdq>
            </fingerprints>
            <feedback lastUpdateTimestamp="2023-06-01T12:48:14Z">
                <affirmativeFeedback type="Md5"><members><member id="7">Other</member></members></affirmativeFeedback>
                <negativeFeedback type="Pdq"><reasons><reason name="r"/></reasons></negativeFeedback>
            </feedback>
        </image>
        <deletedImage>
            <member id="43">Example Member2</member>
            <id>image4</id>
        </deletedImage>
    </images>
    <videos count="1">
        <video><member id="42">Example Member</member><id>video1</id><fingerprints><md5>b1</md5></fingerprints></video>
    </videos>
    <paging><next>/v2/entries?from=2017&amp;to=2018</next></paging>
</queryResult>"""


def found(data: str | bytes, file: str = "f") -> list[Any]:
    """Return the records of a file, each with its line."""
    raw = data.encode() if isinstance(data, str) else data
    return [(record.line, record.outcome) for record in read_records(raw, file)]


def taken(hash_: str, id_: str, category: str = "") -> AddedHash:
    """Return a record that is taken."""
    return AddedHash(HashEntry(bytes.fromhex(hash_), "pdq", id_, category))


def test_answers_of_ncmec() -> None:
    """Entries with all their fingerprints, deleted ones, films, and what members say of them."""
    assert found(NCMEC) == [
        (4, RemovedHash(id="42-image1")),
        (4, SkippedRecord("signal type md5")),
        (4, AddedHash(HashEntry(bytes.fromhex(ONE), "pdq", "42-image1", "A1"), disputed=True)),
        (18, RemovedHash(id="43-image4")),
        (24, RemovedHash(id="42-video1")),
        (24, SkippedRecord("film")),
    ]


def test_answers_of_stopncii_with_their_pages() -> None:
    """A document of one page, one of several, and a page a line; records have their lines."""
    page = {"count": 2, "nextSetTimestamp": 1, "hasMoreRecords": False, "hashRecords": [RECORD, {**RECORD, "hashValue": TWO}]}  # fmt: skip
    both = [taken(ONE, ONE[:16]), taken(TWO, TWO[:16])]
    assert [said for _, said in found(json.dumps(page))] == both
    assert [line for line, _ in found(json.dumps(page, indent=1))] == [7, 13]
    assert [said for _, said in found(json.dumps([page, page]))] == both * 2
    lines = "\n".join(json.dumps(each) for each in (page, page, RECORD))
    assert [line for line, _ in found(lines)] == [1, 1, 2, 2, 3]


def test_answers_of_threatexchange() -> None:
    """Updates of indicators in `data`, with a mark of the end of bytes before them."""
    update = {
        "id": "1",
        "indicator": ONE,
        "type": "HASH_PDQ",
        "should_delete": False,
        "descriptors": {"data": []},
    }
    gone = {"id": "2", "indicator": TWO, "type": "HASH_PDQ", "should_delete": True}
    text = "\ufeff" + json.dumps({"data": [update, gone], "paging": {"next": "https://example.com"}})
    assert [said for _, said in found(text)] == [
        taken(ONE, "1"),
        RemovedHash(hash=bytes.fromhex(TWO), kind="pdq"),
    ]


def test_tables_of_the_package() -> None:
    """`threatexchange dataset -P --csv`, which ends lines as Windows does; another table by tabs."""
    head = "signal_type,signal_str,collab,category,tags\r\n"
    rows = f'pdq,{ONE},"Big, one",POSITIVE_CLASS,a b\r\nurl,https://example.com,Big,POSITIVE_CLASS,\r\n'
    assert found(head + rows) == [(2, taken(ONE, ONE[:16], "a b")), (3, SkippedRecord("signal type url"))]
    assert found(f"id\thash\n7\t{ONE}\n") == [(2, taken(ONE, "7"))]
    assert found(f"hash,id\n{ONE}\n") == [(2, "the row has 1 cells, and the head has 2")]


def test_printed_lines_of_the_package() -> None:
    """`threatexchange dataset -P` with its metadata or without, `threatexchange hash`, and the PDQ tools."""
    text = f"""# a comment
pdq {ONE} 'Sample Data' POSITIVE_CLASS a,b
pdq {ONE}
{ONE} 'Sample Data' INVESTIGATION_SEED
video_md5 a1a1a1 'Sample Data' POSITIVE_CLASS

{ONE} own id
{TWO},other id
hash={ONE},norm=256,delta=1,quality=100,filename=b.jpg
pdq {ONE} 'Sample Data' NEGATIVE_CLASS
"""
    assert found(text) == [
        (2, taken(ONE, ONE[:16], "a,b")),
        (3, taken(ONE, ONE[:16])),
        (4, taken(ONE, ONE[:16])),
        (5, SkippedRecord("signal type video_md5")),
        (7, taken(ONE, "own id")),
        (8, taken(TWO, "other id")),
        (9, taken(ONE, "b.jpg")),
        (10, SkippedRecord("said to be harmless")),
    ]


def test_files_of_indicators_are_known_by_their_name() -> None:
    """`simple.HASH_PDQ.te`, of the package's and of the older Hasher-Matcher-Actioner."""
    text = f"{ONE},88,2020-01-01,a b\n{TWO},17,88,mine,false_positive\n{TWO},1\n"
    assert found(text, "state/simple.HASH_PDQ.te") == [
        (1, taken(ONE, "88", "a b")),
        (2, SkippedRecord("said to be harmless")),
        (3, "the row has 2 cells, not 4 or 5"),
    ]
    assert found("a1a1,1,d,l\n", "simple.HASH_MD5.te") == [(1, SkippedRecord("signal type HASH_MD5"))]


def test_a_record_that_is_not_found_again_has_the_line_of_its_page() -> None:
    """As one whose hash is written in another way."""
    text = (
        "\n\n"
        + json.dumps([RECORD, RECORD]).replace('"' + ONE, '"\\u0066' + ONE[1:])
        + "\n\n"
        + json.dumps(RECORD)
    )
    assert found(text) == [(3, taken(ONE, ONE[:16]))] * 2 + [(5, taken(ONE, ONE[:16]))]


def test_a_cell_without_end_is_malformed() -> None:
    """In a table as in a `.te` file."""
    assert found("hash,id\n" + "a" * 200_000 + ",1\n") == [(2, "the row has 0 cells, and the head has 2")]
    assert found("a" * 200_000, "simple.HASH_PDQ.te") == [(1, "the row has 0 cells, not 4 or 5")]


def test_a_malformed_record_has_its_line() -> None:
    """And hides no other."""
    text = json.dumps([RECORD, {**RECORD, "hashValue": "zz"}, {**RECORD, "hashValue": TWO}], indent=1)
    found_ = found(text)
    assert [type(said) for _, said in found_] == [AddedHash, str, AddedHash]
    assert text.splitlines()[found_[1][0] - 1] == '  "hashValue": "zz",'
    assert found(f"{ONE} a\nnothing\n") == [
        (1, taken(ONE, "a")),
        (2, "a hash has 64 hexadecimal digits, and this has 7 characters"),
    ]


@each_case(
    ("data", "line", "message"),
    [
        (pickle.dumps({"updates": {}}), 1, "it is a pickle, which runs code when it is read"),
        (b"ok\n\xff\xfe", 2, "no text in UTF-8"),
        (b'{"hash": "a"}\n{"hash": ', 2, "it is no JSON"),
        (b"[" * 100_000, 1, "it is too deep"),
        (b'{"hash": "a"}\n{"a": ' + b"1" * 5_000 + b"}", 2, "a number that is too long"),
        (b"<queryResult>\n<images></queryResult>", 2, "it is no XML"),
        (b"<html></html>", 1, "no answer of NCMEC's API"),
        (b'<!DOCTYPE a [<!ENTITY b "c">]>\n<queryResult/>', 1, "declares entities"),
    ],
)
def test_a_file_that_is_none_is_an_error(data: bytes, line: int, message: str) -> None:
    """With its place."""
    with pytest.raises(PolicyErrors) as caught:
        found(data)
    [error] = caught.value
    assert (error.file, error.line) == ("f", line)
    assert message in error.message


@given(st.one_of(st.text(), st.binary(), st.text('{}[]":,<>ah0 \n')))
def test_any_bytes_are_records_or_a_located_error(data: str | bytes) -> None:
    """Nothing else is raised."""
    raw = data.encode("utf-8", "surrogatepass") if isinstance(data, str) else data
    with suppress(PolicyErrors):
        assert all(record.line >= 1 for record in read_records(raw, "f"))
