"""JSON texts that stand in a body."""

from __future__ import annotations

from guardrails.engine.values.json_text import (
    find_literals,
    is_unsound_json,
    parse_json_text,
    write_arguments,
)
from tests.cases import each_case


@each_case(
    ("text", "sound"),
    [
        ('{"a": [1, "x", null, true, 1.5]}', True),
        ('"x"', True),
        ("", False),
        ("{", False),
        ('{"a": 1, "a": 2}', False),
        ('{"deep": {"a": 1, "a": 1}}', False),
        ('{"a": NaN}', False),
        ('{"a": -Infinity}', False),
        ('{"a": 1e400}', False),
        ("[" * 100_000, False),
    ],
)
def test_json_that_two_parsers_could_read_in_two_ways_is_unsound(text: str, sound: bool) -> None:
    """Doubled keys, numbers that are none, and what is no JSON are told apart from sound JSON."""
    assert parse_json_text(text)[1] is sound


def test_literals_of_unsound_json_are_read() -> None:
    """Escapes are read, keys are told from values, which stand below them; the last literal may be cut."""
    text = '{"a" : "b\\u0063", "d": ["e", "f'
    assert find_literals(text, ("x",)) == [
        (("x", "a"), "a", False, "key"),
        (("x", "a"), "bc", False, "value"),
        (("x", "d"), "d", False, "key"),
        (("x", "d"), "e", False, "value"),
        (("x", "d"), "f", False, "value"),
    ]


def test_arguments_are_written_where_they_are_json() -> None:
    """What is none is not known."""
    assert write_arguments({"a": [1, "b"]}) == '{"a":[1,"b"]}'
    assert write_arguments({"a": object()}) is None


@each_case(
    ("text", "unsound"),
    [("{", True), (" [1", True), ("{}", False), ("free text", False), ('"a', False), ("", False)],
)
def test_unsound_json_is_told_from_other_text(text: str, unsound: bool) -> None:
    """It begins as a mapping or a list does."""
    assert is_unsound_json(text) is unsound
