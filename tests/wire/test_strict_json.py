"""Strict JSON: what two parsers could read in two ways is refused; what passes keeps its form."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardrails.errors import RequestError
from guardrails.wire import strict_json
from tests.cases import each_case

REFUSED = [
    (b'{"a":1,"a":2}', "duplicate_key", "/a"),
    (b'{"a":1,"\\u0061":2}', "duplicate_key", "/a"),
    (b'{"x":[{"messages":1,"Messages":2}]}', "duplicate_key", "/x/0/Messages"),
    ('{"messages":1,"me\u017fsages":2}'.encode(), "duplicate_key", "/me\u017fsages"),
    ('{"k":1,"\u212a":2}'.encode(), "duplicate_key", "/\u212a"),
    (b'{"a":{"b":1,"b":2},"a":1}', "duplicate_key", "/a"),
    (b'{"a":"\xff"}', "invalid_utf8", ""),
    (b'{"a":"\xed\xa0\x80"}', "invalid_utf8", ""),
    (b'{"a":"\xc0\xaf"}', "invalid_utf8", ""),
    ('{"a":1}'.encode("utf-16"), "invalid_utf8", ""),
    (b'{"a":["\\ud800"]}', "lone_surrogate", "/a/0"),
    (b'{"a":["\\uDFFFx"]}', "lone_surrogate", "/a/0"),
    (b'{"\\ud800":1}', "lone_surrogate", ""),
    (b'{"a":NaN}', "invalid_json", ""),
    (b'{"a":[Infinity]}', "invalid_json", ""),
    (b'{"a":-Infinity}', "invalid_json", ""),
    (b'{"a":1} {"a":1}', "invalid_json", ""),
    (b'{"a":1}\x00', "invalid_json", ""),
    (b'\xef\xbb\xbf{"a":1}', "invalid_json", ""),
    (b'{"a":01}', "invalid_json", ""),
    (b'{"a":+1}', "invalid_json", ""),
    (b'{"a":.5}', "invalid_json", ""),
    (b"{'a':1}", "invalid_json", ""),
    (b'{"a":1,}', "invalid_json", ""),
    (b'{"a":1/*x*/}', "invalid_json", ""),
    (b'{"a":"\n"}', "invalid_json", ""),
    (b'{"a":"\\x41"}', "invalid_json", ""),
    (b"[]", "invalid_json", ""),
    (b'"x"', "invalid_json", ""),
    (b"null", "invalid_json", ""),
    (b"1", "invalid_json", ""),
    (b"", "invalid_json", ""),
    (b'{"a":' + b"[" * 65 + b"]" * 65 + b"}", "too_deep", "/a" + "/0" * 64),
    (b'{"a":' * 65 + b"1" + b"}" * 65, "too_deep", "/a" * 65),
    (b'{"a":' + b"[" * 100_000, "too_deep", ""),
    (b'{"a":' + b"9" * 4001 + b"}", "number_too_long", ""),
]


@each_case(("raw", "code", "path"), REFUSED, ids=[str(raw[:24]) for raw, _, _ in REFUSED])
def test_what_can_be_read_in_two_ways_is_refused(raw: bytes, code: str, path: str) -> None:
    """Each with its own code and, where it has one, its place."""
    with pytest.raises(RequestError) as caught:
        strict_json.parse(raw)
    shown = (caught.value.code, caught.value.path)
    # An unclosed depth is a syntax error to some versions of Python's parser.
    assert shown == (code, path) or (raw.endswith(b"[" * 1000) and shown[0] in {"too_deep", "invalid_json"})


@each_case(
    "raw",
    [
        b'{"a":1.10,"b":1e400,"c":-0,"d":1E+2,"e":123456789012345678901234567890,"f":0.1e-7}',
        b'{"a":[' + b"9" * 4000 + b"]}",
        b'{"z":1,"a":{"y":[],"b":{}},"m":[true,false,null,""]}',
        '{"a":"é\U0001f600\u2028"}'.encode(),
        b'{"a":' + b"[" * 63 + b"]" * 63 + b"}",
        b"{}",
    ],
)
def test_numbers_order_and_texts_keep_their_form(raw: bytes) -> None:
    """Parsed and written again the bytes are the same."""
    assert strict_json.dump(strict_json.parse(raw)) == raw


def test_whole_pairs_and_escapes_pass() -> None:
    """An escaped character outside the BMP is whole; escapes in keys and texts mean what they say."""
    assert strict_json.parse(b'{"\\u0061":"\\ud83d\\ude00\\n"}') == {"a": "\U0001f600\n"}


def test_halves_pass_where_they_are_asked_for() -> None:
    """Chunks of a stream may cut a pair; the other checks hold."""
    assert strict_json.parse(b'{"a":"\\ud83d"}', halves=True) == {"a": "\ud83d"}
    with pytest.raises(RequestError):
        strict_json.parse(b'{"a":1,"a":2}', halves=True)


def test_a_number_is_judged_as_it_was_written() -> None:
    """A card number needs no quotes, whatever its form; as text a number is what it was."""
    from guardrails.engine.values.scalars import format_number

    body = strict_json.parse(b'{"a":4111111111111111,"b":4111111111111111.0,"c":1.10}')
    assert [format_number(value) for value in body.values()] == ["4111111111111111", "4111111111111111", ""]
    assert str(body["c"]) == "1.10"
    assert body["c"] == 1.1


# Two names of one object must not differ in case alone.
NAMES = st.text('abc \u00e9\U0001f600\n"\\', max_size=4)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from(["a", "b", "c"]), JSON))
def test_what_is_written_is_read(value) -> None:
    """Any JSON value that passes comes back the same, through this parser and through Python's."""
    raw = strict_json.dump(value)
    assert json.loads(raw) == value
    assert strict_json.parse(raw) == value


def test_what_is_no_json_is_not_written() -> None:
    """No NaN leaves by accident."""
    with pytest.raises(ValueError):
        strict_json.dump({"a": float("nan")})


def test_half_a_surrogate_pair_is_written_as_it_was_read() -> None:
    """Pieces of a stream may hold one: only an escape can carry it."""
    raw = b'{"delta":"a\\ud83d"}'

    assert strict_json.dump(strict_json.parse(raw, halves=True)) == raw


def test_a_request_with_very_many_values_is_refused(monkeypatch) -> None:
    """They take far more memory than their bytes; what an upstream answers may have more."""
    monkeypatch.setattr(strict_json, "MOST_VALUES", 8)
    assert strict_json.parse_request(b'{"a":[1,2,3,4,5,6]}') == {"a": [1, 2, 3, 4, 5, 6]}
    for raw in (b'{"a":[1,2,3,4,5,6,7,8]}', b'{"a":[[[[[[[[]]]]]]]]}', b'{"a":"' + b"," * 8 + b'"}'):
        with pytest.raises(RequestError) as caught:
            strict_json.parse_request(raw)
        assert caught.value.code == "too_many_values"
        assert strict_json.parse(raw)
    assert strict_json.parse_request(b'{"a":"' + b"x" * 99 + b'"}')


@each_case(
    ("raw", "weight"),
    [
        (b"", 0),
        (b"x" * 9_000, 9_000),
        (b"[1,2,3]", 3 * strict_json.VALUE_BYTES),
        (b'{"a":{},"b":[]}', 4 * strict_json.VALUE_BYTES),
        (b"a, b" + b"x" * 9_000, 9_004),
    ],
)
def test_many_values_weigh_more_than_their_bytes(raw, weight) -> None:
    """Each takes as long to be read as so many bytes of a long text."""
    assert strict_json.weigh(raw) == weight
