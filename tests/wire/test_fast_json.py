"""What can be proved to be read alike by every parser is read as the careful parser reads it; all else is left to that one."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardrails.errors import RequestError
from guardrails.wire import strict_json
from guardrails.wire.fast_json import parse_unambiguous
from guardrails.wire.lossless_json import Number
from tests.cases import each_case
from tests.thorough.fuzz.harness import CORPUS
from tests.wire.test_strict_json import JSON, REFUSED


def form_of(value: Any) -> Any:
    """Return a value with the type of each part, and with numbers as they were written."""
    if isinstance(value, dict):
        return {name: form_of(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [form_of(inner) for inner in value]
    return type(value), value.written if isinstance(value, Number) else value


def check_alike(raw: bytes) -> bool:
    """Tell whether bytes are read at once, and assert that the careful parser reads the same in them."""
    body = parse_unambiguous(raw)
    if body is None:
        return False
    careful = strict_json.parse_object(raw.decode())
    assert form_of(body) == form_of(careful)
    assert list(body) == list(careful)
    return True


@each_case("raw", [raw for raw, _, _ in REFUSED])
def test_nothing_is_read_that_the_careful_parser_refuses(raw: bytes) -> None:
    """Where that refuses, no body comes of it here, and its error is told."""
    assert parse_unambiguous(raw) is None
    with pytest.raises(RequestError):
        strict_json.parse(raw)


@each_case(
    "raw",
    [
        b'{"model":"m","messages":[{"role":"user","content":"hello"}],"temperature":0.50,"seed":1e400}',
        b'{ "a" : [ 1, 2.5E+3, true, null, {} ],\n\t"b": "c: d" }',
        b'{"arguments":"{\\"city\\":\\"Rome\\",\\"at\\":[1]}"}',
        b'{"date":"2024-05-06","below":-0.5,"big":123456789012345678901234567890}',
        b'{"additionalProperties":{"Type":"x"},"type":"y"}',
        '{"\u00e9":"\u00fc\U0001f600","e":1}'.encode(),
        b'{"pair":"\\ud83d\\ude00","\\u0061":"\\u0022:"}',
        b'{"image":"' + b"QUJD0123" * 4_000 + b'"}',
        b'{"a":{"b":{"c":[[[[[[1]]]]]]}}}',
        b'{"a":[' + b"{}," * 99 + b"{}]}",
    ],
    ids=lambda raw: str(raw[:24]),
)
def test_ordinary_bodies_are_read_at_once(raw: bytes) -> None:
    """White space, escapes, JSON within texts, dates, pictures, and names in other letters than small ones are ordinary."""
    assert check_alike(raw)


@each_case(
    "raw",
    [
        b'{"a":-0}',
        b'{"a":[-0 ]}',
        b'{"a":":b"}',
        b'{"a":"\\\\","b":"\\":"}',
        b'{"a":"' + b"1" * 4_016 + b'"}',
        b'{"a":' + b"[" * 64 + b"]" * 64 + b"}",
        b"[]",
    ],
    ids=lambda raw: str(raw[:24]),
)
def test_what_has_no_proof_is_left_to_the_careful_parser(raw: bytes) -> None:
    """It may be good all the same, which this one does not decide."""
    assert parse_unambiguous(raw) is None


@each_case(
    "raw",
    [
        b'{"a":":","a":1}',
        b'{"a" :1,"a":2}',
        b'{"a"\n\t:1,"a"\r:2,"b":3}',
        b'{"a":"\\":","a":1}',
        b'{"a\\\\":1,"a\\\\":2}',
        b'{"a\\\\":1,"a\\\\":2,"b":"\\":"}',
        b'{"a\\"":1,"a\\"":2}',
        b'{"a":{"b":1,"c":2,"b":"\\u0022:"}}',
        b'{"a":[{"b":1},{"b":1,"B":2}]}',
        b'{"a":"x","a":"\\":\\":"}',
        b'{"a":' + b"9" * 4_001 + b"}",
        b'{"a":[1,' + b"9" * 4_001 + b',"' + b"x" * 9_000 + b'"]}',
        b'{"a":"' + b"x" * 3_999 + b'","b":' + b"9" * 4_200 + b"}",
    ],
    ids=lambda raw: str(raw[:24]),
)
def test_no_double_hides_behind_what_looks_like_a_name(raw: bytes) -> None:
    """Texts with quotes and colons, white space and escapes change what is counted, never what is proved."""
    assert parse_unambiguous(raw) is None


def test_both_parsers_agree_on_what_fuzzing_keeps() -> None:
    """Inputs that once were wrong, of every harness that reads JSON."""
    read = [check_alike(path.read_bytes()) for path in CORPUS.rglob("*") if path.is_file()]
    assert any(read)


@given(st.dictionaries(st.text(max_size=4), JSON), st.sampled_from([None, 1]), st.booleans())
def test_both_parsers_agree_on_any_value(value: dict[str, Any], indent: int | None, ascii_only: bool) -> None:
    """However it is written: with and without white space and escapes."""
    check_alike(json.dumps(value, indent=indent, ensure_ascii=ascii_only).encode(errors="surrogatepass"))


PIECES = st.sampled_from(
    [
        *(
            "{",
            "}",
            "[",
            "]",
            ",",
            ":",
            '"',
            "\\",
            " ",
            "\n",
            "a",
            "A",
            "\u00e9",
            "-0",
            "1",
            "1.5",
            "1e5",
            "9" * 4_001,
        ),
        *(
            '"a":',
            '"a" :',
            '"A":',
            '"b":',
            '\\":',
            "\\u0022",
            "\\u0061",
            "\\ud83d",
            "\\ude00",
            "true",
            "NaN",
            '"x"',
            '":"',
        ),
    ]
)


@given(st.lists(PIECES, max_size=24))
def test_both_parsers_agree_on_any_bytes(pieces: list[str]) -> None:
    """Whatever the pieces of JSON make together; where the careful parser refuses, this one reads nothing."""
    raw = ('{"a":' + "".join(pieces) + "}").encode()
    check_alike(raw)


@given(
    st.lists(st.tuples(st.sampled_from(['"a"', '"A"', '"\\\\"', '"\\""', '"b" ', '":"']), PIECES), max_size=4)
)
def test_both_parsers_agree_on_any_members(members: list[tuple[str, str]]) -> None:
    """Names twice, in other letters and with escapes, beside values of any kind."""
    check_alike(("{" + ",".join(f"{name}:{value}" for name, value in members) + "}").encode())
