"""Files of hashes: three forms, and every mistake with its line."""

from __future__ import annotations

import json

import pytest

from guardrails.errors import PolicyErrors
from guardrails.media.hashes.hash_file import MOST_ERRORS, HashEntry, read_hash_entries
from tests.cases import each_case

ONE, TWO = "ab" * 32, "0F" * 32


def read(text: str, kind: str = "pdq") -> list[HashEntry]:
    """Read a text as a file."""
    return read_hash_entries(text.encode(), "list.csv", kind)


def errors(text: str | bytes) -> list[str]:
    """Return the errors of a file."""
    with pytest.raises(PolicyErrors) as caught:
        read_hash_entries(text if isinstance(text, bytes) else text.encode(), "list.csv")
    return [str(error) for error in caught.value]


def test_a_text_has_a_hash_a_line() -> None:
    """With an id behind it, or without; comments and empty lines are none."""
    found = read(f"# a list\n\n{ONE}\n{TWO}  case 7\r\n{ONE},case 8\n")
    assert found == [
        HashEntry(bytes.fromhex(ONE), "pdq", "line 3"),
        HashEntry(bytes.fromhex(TWO), "pdq", "case 7"),
        HashEntry(bytes.fromhex(ONE), "pdq", "case 8"),
    ]
    assert read(f"\ufeff{ONE}", "sha256") == [HashEntry(bytes.fromhex(ONE), "sha256", "line 1")]


def test_a_csv_says_what_its_columns_are() -> None:
    """In any order, and with cells in quotes."""
    found = read(
        f'id, Hash,distance,category,severity,type,quality\n"a, b",{ONE},12,sexual,high,pdq,77\nc,{TWO},,,,sha256,\n'
    )
    assert found == [
        HashEntry(bytes.fromhex(ONE), "pdq", "a, b", "sexual", "high", 12, 77),
        HashEntry(bytes.fromhex(TWO), "sha256", "c"),
    ]


def test_json_lines_have_the_same_keys() -> None:
    """Those of ThreatExchange among them."""
    rows = [
        {"hash": ONE, "id": 5, "distance": 0, "tags": ["x"]},
        {"value": TWO, "type": "HASH_SHA256", "category": None},
    ]
    assert read("\n".join(map(json.dumps, rows))) == [
        HashEntry(bytes.fromhex(ONE), "pdq", "5", distance=0),
        HashEntry(bytes.fromhex(TWO), "sha256", "line 2"),
    ]


def test_an_id_has_no_line_breaks() -> None:
    """They end it where lists are kept."""
    assert read(json.dumps({"hash": ONE, "id": "a\nb"}))[0].id == "a b"


def test_all_errors_are_told_with_their_lines() -> None:
    """And none quotes what stands there."""
    found = errors(f"{ONE}\nzqx\n{TWO}\n{ONE}0\n")
    assert found == [
        "list.csv:2:1: malformed_hash: a hash has 64 hexadecimal digits, and this has 3 characters",
        "list.csv:4:1: malformed_hash: a hash has 64 hexadecimal digits, and this has 65 characters",
    ]
    assert len(errors("zqx\n" * 500)) == MOST_ERRORS


@each_case(
    ("text", "message"),
    [
        ("", "the file has no hash in it"),
        ("# nothing\n", "the file has no hash in it"),
        (b"\xff\xfe", "it is no text in UTF-8"),
        (f"hash,id\n{ONE}\n", "the row has 1 cells"),
        (f"hash,type\n{ONE},md5\n", "type is none of pdq, sha256"),
        (f"hash,distance\n{ONE},129\n", "distance is no whole number from 0 to 128"),
        (f"hash,distance\n{ONE},-1\n", "distance is no whole number"),
        (f"hash,quality\n{ONE},x\n", "quality is no whole number from 0 to 100"),
        ('{"hash": \n', "the line is no JSON object"),
        ('{"id": "x"}\n', "this has 0 characters"),
        ('{"hash": ' + '{"a":' * 100_000 + "\n", "the line is no JSON object"),
        ("hash,id\n" + "a" * 200_000 + ",1\n", "the row has 0 cells"),
    ],
)
def test_what_is_wrong_is_said(text: str | bytes, message: str) -> None:
    """For each kind of mistake."""
    assert message in errors(text)[0]
