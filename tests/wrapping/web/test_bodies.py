"""Bodies: what they say by media type and character set, and the same bytes again when nothing else is said."""

from __future__ import annotations

import json
from typing import Any

import pytest

from guardrails.errors import RequestError
from guardrails.wrapping.web.bodies import is_judged, read_answer, read_body, read_charset
from tests.cases import each_case

FORM = "application/x-www-form-urlencoded"


@each_case(
    ("content_type", "charset"),
    [
        ("application/json", "utf-8"),
        ('text/plain; charset="UTF-8"', "utf-8"),
        ("text/plain;charset=us-ascii; format=flowed", "utf-8"),
        (f"{FORM}; charset=ISO-8859-1", "latin-1"),
        ("text/plain; charset=utf-8; charset=UTF8", "utf-8"),
    ],
)
def test_the_character_set_of_a_request_is_read(content_type: str, charset: str) -> None:
    """UTF-8 where none is named."""
    assert read_charset(content_type) == charset


@each_case(
    "content_type",
    [
        "text/plain; charset=utf-7",
        f"{FORM}; charset = UTF-7",
        'application/json; charset="utf-16"',
        "text/plain; charset=utf-8; charset=utf-7",
        "text/plain; charset*=utf-8''utf-7",
        "text/plain; charset=",
        "text/plain; charset=windows-1252",
    ],
)
def test_other_character_sets_are_refused(content_type: str) -> None:
    """An application that reads them would read other words than were judged."""
    for read in (read_charset, lambda kind: read_body(kind, b"x")):
        with pytest.raises(RequestError) as caught:
            read(content_type)
        assert caught.value.code == "unsupported_media_type"


@each_case(
    ("content_type", "raw", "value"),
    [
        ("text/plain", b'{"message": "\\u0048i"}', {"message": "Hi"}),
        ("text/json", b'[{"message": "hi"}]', [{"message": "hi"}]),
        ("text/plain", b'\xef\xbb\xbf \n{"a": "b"}', {"a": "b"}),
        (FORM, b'{"message": "hi"}', {"message": "hi"}),
        ("text/plain", b"[not json", "[not json"),
        ("text/plain", b"12", "12"),
        ("text/plain; charset=latin-1", b"caf\xe9", "café"),
        ("text/plain; charset=latin-1", "café".encode(), "café"),
        (f"{FORM}; charset=latin-1", b"a=caf%E9&b=x", {"a": "café", "b": "x"}),
        (f"{FORM}; charset=latin-1", b"a=caf%C3%A9", {"a": "café"}),
        (FORM, b"b=1&a=2&b=3", {"b": ["1", "3"], "a": "2"}),
    ],
)
def test_a_body_is_read_as_applications_may_read_it(content_type: str, raw: bytes, value: Any) -> None:
    """JSON whatever its type says; it is read the same once it is written."""
    body = read_body(content_type, raw)
    assert body.value == value
    assert read_body(content_type, body.write(value)).value == value


def test_json_in_a_form_is_read_as_a_form_too() -> None:
    """Where that says more than the JSON does."""
    assert read_body(FORM, b'{"a": "b"}').other is None
    assert read_body(FORM, b'{"x": "&message=hi&y="}').other == {'{"x": "': "", "message": "hi", "y": '"}'}


@each_case(
    ("content_type", "raw", "code"),
    [
        ("text/plain", "hi there".encode("utf-16-le"), "unsupported_media_type"),
        ("text/plain", b"hi\0there", "unsupported_media_type"),
        ("text/plain", "hi".encode("utf-16"), "invalid_body"),
        ("application/json", '{"a": 1}'.encode("utf-16-le"), "invalid_json"),
        ("text/plain", b'{"a": 1, "a": 2}', "duplicate_key"),
        (FORM, b'{"a": 1, "A": 2}', "duplicate_key"),
    ],
)
def test_what_could_be_read_in_two_ways_is_refused(content_type: str, raw: bytes, code: str) -> None:
    """Nothing of it is written again."""
    with pytest.raises(RequestError) as caught:
        read_body(content_type, raw)
    assert caught.value.code == code


def test_a_form_is_written_in_its_order() -> None:
    """Names that a policy changes stand at the places of the old ones."""
    body = read_body(FORM, b"b=1&a=2&b=3")
    assert body.write({"b": ["1", "[X]"], "a": "2"}) == b"b=1&a=2&b=%5BX%5D"
    assert body.write({"N": ["1", "3"], "a": "2"}) == b"N=1&a=2&N=3"


@each_case(
    ("content_type", "raw", "value"),
    [
        ("application/json", b'{"a": [1, "b"]}', {"a": [1, "b"]}),
        ("application/json", b'{"id": 1, "Id": 2}', {"id": 1, "Id": 2}),
        ("application/json", b'{"a": NaN}', '{"a": NaN}'),
        ("application/json", b'{"a": 1, "a": 2}', '{"a": 1, "a": 2}'),
        ("application/json", b"{", "{"),
        ("application/json", '{"a": "é"}'.encode("utf-16"), {"a": "é"}),
        ("text/plain; charset=iso-8859-1", b"caf\xe9", "café"),
        ("text/plain; charset=utf-16", "café".encode("utf-16"), "café"),
        ("text/plain; charset=none-such", "café".encode(), "café"),
        ("text/plain; charset=utf-8", b"caf\xe9", "café"),
    ],
)
def test_every_answer_can_be_read_and_written(content_type: str, raw: bytes, value: Any) -> None:
    """In its own character set; what is no strict JSON as a text."""
    body = read_answer(content_type, raw)
    assert body.value == value
    written = body.write(value)
    assert read_answer(content_type, written).value == value
    if isinstance(value, str):
        assert written == raw


@each_case(
    ("content_type", "judged"),
    [
        ("application/json", True),
        ("application/problem+json; charset=utf-8", True),
        ("Text/HTML", True),
        ("text/event-stream; charset=utf-8", False),
        ("application/x-ndjson", False),
        ("text/x-ndjson", False),
        ("image/png", False),
    ],
)
def test_answers_that_are_judged_are_whole(content_type: str, judged: bool) -> None:
    """Streams and files are not."""
    assert is_judged(content_type) is judged


def test_json_in_another_character_set_is_written_in_ascii() -> None:
    """Escapes are the same in all of them."""
    body = read_body("text/plain; charset=latin-1", b'{"a": "\\u4e2d"}')
    assert json.loads(body.write({"a": "中 [X]"})) == {"a": "中 [X]"}
    assert body.write({"a": "中"}).isascii()
