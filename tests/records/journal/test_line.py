"""A line of a journal: what is read of it, and what is none."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from guardrails.records.decision import NOBODY, encode_person
from guardrails.records.journal.line import FROM_PERSON, FROM_RECORD, parse_line
from guardrails.records.kept_content.sealed_content import SealedContent
from tests.cases import each_case

VALUES = (
    st.text() | st.integers(-(2**40), 2**40) | st.none() | st.booleans() | st.lists(st.text(), max_size=2)
)


@given(
    record=st.dictionaries(st.sampled_from(FROM_RECORD) | st.text(max_size=3), VALUES),
    person=st.fixed_dictionaries({}, optional={name: st.text() | st.none() for name in FROM_PERSON}),
    salt=st.binary(max_size=4) | st.none(),
)
def test_a_line_says_what_was_written(
    record: dict[str, Any], person: dict[str, Any], salt: bytes | None
) -> None:
    """Whatever the values are, lone surrogates too; and it tells whether a text may need care in a column."""
    told = person if salt is None else {**person, "salt": salt.hex()}
    raw = json.dumps(record).encode()
    line = parse_line(b"7\t0aff\t%s\t%s\n" % (json.dumps(told).encode(), raw))
    assert line is not None
    assert (line.seq, line.mac, line.record, line.salt) == (7, b"\x0a\xff", raw, salt)
    assert line.columns == (*map(record.get, FROM_RECORD), *map(person.get, FROM_PERSON))
    texts = [each for each in line.columns if isinstance(each, str)]
    assert line.has_escapes or not any(char in '\0"' or char >= "\ud800" for text in texts for char in text)


@each_case(
    "raw",
    [
        b"\n", b"1\taa\t{}\n", b"x\taa\t{}\t{}\n", b"1\tzz\t{}\t{}\n", b"1\taa\t{\t{}\n", b"1\taa\t{}\t{}\t{}\n", b"\xff\xfe\n",
        b'1\taa\t{"detection":7}\t{}\n', b'1\taa\t{"detection":"\\u0000"}\t{}\n', b'1\taa\t{"detection":"\\ud800"}\t{}\n',
        b"1\taa\t{}\t[]\n", b"1\taa\t1\t{}\n", b'1\taa\t{"salt":"zz"}\t{}\n', b'1\taa\t{"salt":7}\t{}\n',
        b'1\taa\t{}\t{"id":"\xed\xa0\x80"}\n', b'1\taa\t{}\t{"ms":"\xff"}\n', b'1\taa\t{"x":"\xff"}\t{}\n', b'1\taa\t{}\t{"ms":[}}\n',
        b'1\taa\t{"content":"x"}\t{}\n', b'1\taa\t{"content":[1,"c0ffee00","AA=="]}\t{}\n',
        b'1\taa\t{"content":[1,"key\\u0000","AA==","AA=="]}\t{}\n', b'1\taa\t{"content":[-1,"c0ffee00","AA==","AA=="]}\t{}\n',
        b'1\taa\t{"content":[9999999999999999999,"c0ffee00","AA==","AA=="]}\t{}\n', b'1\taa\t{"content":[1,"c0ffee00","A","AA=="]}\t{}\n',
    ],
)  # fmt: skip
def test_what_is_no_line_is_none(raw: bytes) -> None:
    """Whatever somebody, or a disk, did to the file: what no store could take would have all wait that is behind it."""
    assert parse_line(raw) is None


@given(st.integers(0, 2**62), st.binary(max_size=20), st.binary(max_size=90))
def test_what_is_kept_of_a_content_comes_back(expires: int, nonce: bytes, ciphertext: bytes) -> None:
    """As it was encrypted, without a character that a column might not hold."""
    sealed = SealedContent(expires, "c0ffee00", nonce, ciphertext)
    line = parse_line(b"7\tff\t%s\t{}\n" % encode_person(NOBODY, b"salt", sealed))
    assert line is not None
    assert (line.content, line.salt, line.has_escapes) == (sealed, b"salt", False)
