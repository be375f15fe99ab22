"""JSON texts that stand in a body."""

from __future__ import annotations

import pytest

from guardrails.engine.values.json_text import parse_json_text


@pytest.mark.parametrize(
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
