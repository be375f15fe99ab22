"""Where a value stands in a JSON text."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from guardrails.detectors.formats.json_spans import locate
from tests.cases import each_case

TEXT = ' {"a": [1, {"b\\"c": "x]}"}, []], "": null , "é": -1.5e3}\n'


@each_case(
    ("path", "expected"),
    [
        ((), TEXT.strip()),
        (("a",), '[1, {"b\\"c": "x]}"}, []]'),
        (("a", 0), "1"),
        (("a", 1, 'b"c'), '"x]}"'),
        (("a", 2), "[]"),
        (("",), "null"),
        (("é",), "-1.5e3"),
        (("a", 7), '[1, {"b\\"c": "x]}"}, []]'),
        (("a", 0, "x"), "1"),
    ],
)
def test_values_have_their_places(path: tuple[str | int, ...], expected: str) -> None:
    """Also below escaped keys and beside brackets in strings; what is not there is the last value that is."""
    assert TEXT[slice(*locate(TEXT, path))] == expected


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=4),
    max_leaves=12,
)


@given(JSON, st.sampled_from([None, 1]))
def test_each_value_is_found(value: object, indent: int | None) -> None:
    """The span of every value, read alone, is that value."""
    text = json.dumps(value, indent=indent)

    def check(part: object, path: tuple[str | int, ...]) -> None:
        assert json.loads(text[slice(*locate(text, path))]) == part
        items = part.items() if isinstance(part, dict) else enumerate(part) if isinstance(part, list) else ()
        for key, below in items:
            check(below, (*path, key))

    check(value, ())
