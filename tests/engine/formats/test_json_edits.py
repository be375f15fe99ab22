"""New texts in JSON that stays JSON."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from guardrails.engine.formats.json_edits import replace_in_json
from guardrails.engine.model import Change
from tests.cases import each_case


def changed(text: str, old: str, new: str) -> str | None:
    """Return a text with the first place of something replaced."""
    at = text.index(old)
    return replace_in_json(text, [Change(at, at + len(old), new)])


@each_case(
    ("text", "old", "new", "left"),
    [
        ('{"a": "to jo@x.org now"}', "jo@x.org", "[EMAIL]", {"a": "to [EMAIL] now"}),
        ('{"a": "x"}', "x", 'say "no"\n', {"a": 'say "no"\n'}),
        ('{"a": 4111111111111111, "b": 1}', "4111111111111111", "[CARD]", {"a": "[CARD]", "b": 1}),
        ("[12345]", "234", "[N]", ["[N]"]),
        ('{"jo@x.org": true}', "jo@x.org", "[EMAIL]", {"[EMAIL]": True}),
        ('{"a": "x", "b": "y"}', 'x", "b": "y', "[Z]", None),
        ('{"a": "x"}', '{"a"', "[Z]", None),
        ('{"a": "\\"x\\""}', "x", "y", {"a": '"y"'}),
        ('{"a": "b\\nx c"}', "nx", "[X]", {"a": "b[X] c"}),
        ('{"a": "b\\u00e4 c"}', "b\\u0", "[X]", {"a": "[X] c"}),
        ('{"a": "\\ud83d\\ude00 c"}', "\\ude00", "[X]", {"a": "[X] c"}),
    ],
)
def test_replaced_stretches(text: str, old: str, new: str, left: object) -> None:
    """In a string it is escaped, a number becomes a string; what lies over several values cannot be replaced."""
    made = changed(text, old, new)
    assert (None if made is None else json.loads(made)) == left


@given(st.dictionaries(st.text(), st.text() | st.integers()), st.data())
def test_the_rest_stays_as_it_is(value: dict[str, object], data: st.DataObject) -> None:
    """Without a change the text is the same; with one it is valid, whatever is put there."""
    text = json.dumps(value, ensure_ascii=False)
    assert replace_in_json(text, []) == text
    strings = [
        inner for inner in value.values() if isinstance(inner, str) and inner.isalnum() and inner.isascii()
    ]
    if strings:
        assert json.loads(
            changed(text, json.dumps(data.draw(st.sampled_from(strings)))[1:-1], data.draw(st.text())) or "[]"
        )
