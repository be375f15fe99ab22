"""Texts that are nearly JSON, and the values that they were to be."""

from __future__ import annotations

import json
import time

from hypothesis import given
from hypothesis import strategies as st

from guardrails.detectors.formats.json_repair import LONGEST, repair_json
from guardrails.detectors.formats.json_schema import JsonSchema
from tests.cases import each_case

PERSON = JsonSchema(
    {
        "type": "object",
        "required": ["name", "age"],
        "properties": {"name": {"type": "string"}, "age": {"type": "integer"}},
    }
)
JO = {"name": "Jo", "age": 3}

BROKEN = {
    "code fence": ('```json\n{"name": "Jo", "age": 3}\n```', JO),
    "fence without a language": ('```\n{"name": "Jo", "age": 3}\n```', JO),
    "fence that is open": ('```json\n{"name": "Jo", "age": 3}', JO),
    "fence of tildes": ('~~~\n{"name": "Jo", "age": 3}\n~~~', JO),
    "broken JSON in a fence": ("```json\n{'name': 'Jo', 'age': 3,}\n```", JO),
    "prose before": ('Sure, here it is: {"name": "Jo", "age": 3}', JO),
    "prose around": ('Here:\n{"name": "Jo", "age": 3}\nI hope that {this} helps.', JO),
    "brackets in prose before": ('The set {x} is [1]. {"name": "Jo", "age": 3}', JO),
    "prose around broken JSON": ("Here you are: {name: 'Jo', age: 3} Anything else?", JO),
    "trailing comma": ('{"name": "Jo", "age": 3,}', JO),
    "trailing comma in a list": ('{"a": [1, 2,]}', {"a": [1, 2]}),
    "single quotes": ("{'name': 'Jo', 'age': 3}", JO),
    "apostrophe": ('{\'name\': "Jo\'s", \'age\': 3}', {"name": "Jo's", "age": 3}),
    "curly quotes": ("{“name”: “Jo”, “age”: 3}", JO),
    "names without quotes": ('{name: "Jo", age: 3}', JO),
    "line comment": ('{"name": "Jo", // the name\n"age": 3}', JO),
    "block comment": ('{"name": "Jo", /* years */ "age": 3}', JO),
    "hash comment": ('# a person\n{"name": "Jo", "age": 3}', JO),
    "words of Python": (
        "{'a': None, 'b': True, 'c': False}",
        {"a": None, "b": True, "c": False},
    ),
    "numbers that are none": (
        '{"a": NaN, "b": -Infinity, "c": undefined, "d": "NaN"}',
        {"a": None, "b": None, "c": None, "d": "NaN"},
    ),
    "cut off after a value": ('{"name": "Jo", "age": 3', JO),
    "cut off in a list": ('{"a": [1, {"b": 2', {"a": [1, {"b": 2}]}),
    "cut off in a text": ('{"age": 3, "name": "Jo', JO),
    "missing bracket inside": ('{"a": [1, 2, "b": 3}', {"a": [1, 2], "b": 3}),
    "missing brace with a valid list inside": ('{"a": {"b": 1}, "c": [1, {"d": 2}]', {"a": {"b": 1}, "c": [1, {"d": 2}]}),
    "missing comma": ('{"name": "Jo" "age": 3}', JO),
    "missing comma over lines": ('{\n"name": "Jo"\n"age": 3\n}', JO),
    "line break in a text": ('{"a": "one\ntwo"}', {"a": "one\ntwo"}),
    "tab in a text": ('{"a": "one\ttwo"}', {"a": "one\ttwo"}),
    "quotes in a text": ('{"a": "she said "no" twice", "b": 1}', {"a": 'she said "no" twice', "b": 1}),
    "leading zero": ('{"age": 03, "name": "Jo"}', JO),
    "dots for more": ('{"a": [1, 2, ...]}', {"a": [1, 2]}),
    "tuple": ('{"a": (1, 2)}', {"a": [1, 2]}),
}  # fmt: skip


@each_case(("text", "meant"), BROKEN.values(), ids=[*BROKEN])
def test_what_is_broken_is_mended(text: str, meant: object) -> None:
    """What comes out is what was meant, and valid JSON."""
    repaired = repair_json(text)
    assert repaired is not None
    assert json.loads(repaired) == meant


@each_case(
    "text",
    [
        "",
        "I cannot do that.",
        "See [1] and [2, 3].",
        "{}",
        "42",
        '"a text',
        "x" * 100,
    ],
)
def test_what_was_never_json_is_not(text: str) -> None:
    """Prose, numbers of sources and empty objects say nothing."""
    assert repair_json(text) is None


def test_what_stands_there_as_valid_json_is_taken_as_it_is() -> None:
    """Its spaces too; what prose has in brackets is none, and the same said twice is one."""
    assert repair_json('The set [1]:\n{ "name":  "Jo", "age": 3 }!') == '{ "name":  "Jo", "age": 3 }'
    assert repair_json('```json\n{"a": 1}\n```\nAgain: {"a": 1}') == '{"a": 1}'


UNCLEAR = {
    "a space in a number": '{"price": 1 200}',
    "another space in a number": "{'price': 12 500, 'name': 'Jo'}",
    "two numbers": '{"price": 10 or 20}',
    "a currency before": '{"price": €12}',
    "a currency after": '{"price": 12 EUR}',
    "a unit in a list": '{"sizes": [12 cm, 14]}',
    "two objects": '{"price": 1} {"price": 2}',
    "two broken objects": "{'price': 1} {'price': 2}",
    "another thought": 'Here: {"price": 1}. No wait, {"price": 2}',
    "another thought, broken": "{'price': 1}. No wait, {'price': 2}",
    "two fences": '```json\n{"a": 1}\n```\nor\n```json\n{"a": 2}\n```',
    "a fence and another thought": '```json\n{"a": 1}\n```\nNo wait, {"a": 2}',
    "a key twice": '{"price": 1, "price": 2}',
    "a key twice, broken": "{'price': 1, 'price': 2,}",
    "a value that is missing": '{"price": , "name": "Jo"}',
    "cut off before a value": '{"name": "Jo", "price":',
}


@each_case("text", UNCLEAR.values(), ids=[*UNCLEAR])
def test_what_would_be_a_guess_is_not_mended(text: str) -> None:
    """Of two values, or where a word would go, nobody knows what was meant."""
    assert repair_json(text) is None


def test_a_schema_chooses() -> None:
    """Only what fits is taken, and be it shorter; what cannot fit is not made to."""
    fits = lambda text: not PERSON.problems(text)  # noqa: E731

    assert (
        repair_json('{"draft": "of an answer that is longer"} {"name": "Jo", "age": 3}', fits)
        == '{"name": "Jo", "age": 3}'
    )
    assert repair_json("{'name': 'Jo', 'age': 'three'}", fits) is None
    assert repair_json("{'name': 'Jo'}", fits) is None


@given(st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
))  # fmt: skip
def test_valid_json_stays_what_it_is(value: object) -> None:
    """Whatever the value: the text that is given is the text that comes back."""
    text = json.dumps(value)
    assert repair_json(text, lambda _: True) == text


@each_case(
    "text",
    ['{"a": "x"y' * 9_000, "[" * 99_000, "{a " * 30_000, '{"a": ' * 15_000, "`" * 99_000, "```\n" * 20_000],
)
def test_hostile_texts_take_little_time(text: str) -> None:
    """Linear in the text, whatever it nests; a longer one is not looked at."""
    began = time.process_time()
    repair_json(text)
    assert time.process_time() - began < 10
    assert repair_json('{"a": 1,}' + " " * LONGEST) is None
