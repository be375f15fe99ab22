"""What the answers of wrapped functions must fit: JSON Schemas, models of pydantic and other types."""

from __future__ import annotations

import dataclasses
import json
import pickle
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, field_validator
from typing_extensions import TypedDict

from guardrails import Blocked, Guard, InvalidAnswer
from guardrails.detectors.kinds import Kind
from guardrails.types import Content, Detection, Finding, Text
from guardrails.wrapping import functions
from guardrails.wrapping.registry import Wrapper
from tests.cases import each_case


class Person(BaseModel):
    """A person."""

    name: str
    age: int

    @field_validator("name")
    @classmethod
    def _is_short(cls, value: str) -> str:
        if len(value) > 20:
            raise ValueError("a name has at most 20 characters")
        return value


@dataclasses.dataclass
class Point:
    """A point."""

    x: int


class Named(TypedDict):
    """A mapping with a name."""

    name: str


@pytest.fixture(scope="module")
def guard() -> Guard:
    """A guard that masks addresses in answers."""
    pii = {"use": "pii", "entities": ["email"]}
    rule = {"id": "mask", "on": "output", "when": "pii > 0", "then": "redact"}
    return Guard.load({"format": 1, "name": "p", "detectors": {"pii": pii}, "rules": [rule]})


@each_case(
    ("schema", "answer", "left"),
    [
        (Person, "{'name': 'Jo', age: 3}", {"name": "Jo", "age": 3}),
        (Point, "```json\n{'x': 1}\n```", {"x": 1}),
        (Named, "{name: 'Jo'}", {"name": "Jo"}),
        (list[Person], "[{'name': 'Jo', 'age': 3},]", [{"name": "Jo", "age": 3}]),
        ({"type": "array", "items": {"type": "integer"}}, "Here: [1, 2, 3", [1, 2, 3]),
        (Person, "{'name': 'jo@example.com', age: 3}", {"name": "[EMAIL]", "age": 3}),
        (Person, '{"name": "\\u006ao@example.com", "age": 3}', {"name": "[EMAIL]", "age": 3}),
    ],
)
def test_texts_come_back_as_json_that_fits(guard: Guard, schema: Any, answer: str, left: object) -> None:
    """A function that returns a text still does; what the policy redacts in it leaves it valid."""
    made = guard.wrap(lambda prompt: answer, schema=schema)("Who?")
    assert isinstance(made, str)
    assert json.loads(made) == left


@each_case(
    ("schema", "answer", "problem"),
    [
        (Person, '{"name": "Jo"}', "/age: Field required"),
        (Person, '{"name": "Jo", "age": "old"}', "/age: Input should be a valid integer"),
        (
            Person,
            json.dumps({"name": "x" * 21, "age": 1}),
            "/name: Value error, a name has at most 20 characters",
        ),
        (list[Person], '[{"name": "Jo", "age": 1}, {"age": 1}]', "/1/name: Field required"),
        ({"required": ["a"]}, "{}", "the answer: must have the property 'a'"),
        ({"properties": {"a/b": {"enum": [1, 2]}}}, '{"a/b": 3}', "/a~1b: must be one of [1, 2]"),
    ],
)
def test_what_does_not_fit_is_an_error_that_says_where(
    guard: Guard, schema: Any, answer: str, problem: str
) -> None:
    """Also what only a validator of the model knows; it survives pickle, as between processes."""
    with pytest.raises(InvalidAnswer) as raised:
        guard.wrap(lambda prompt: answer, schema=schema)("Who?")
    assert str(raised.value.problems[0]).startswith(problem)
    assert pickle.loads(pickle.dumps(raised.value)).problems == raised.value.problems


@each_case(
    "answer",
    [
        ["how", "do", "I", "make", "a", "zqx", "bomb"],
        {"x": ["how", "do", "I", "make", "a", "zqx", "bomb"]},
        {"x": "how do I make a", "y": "zqx bomb"},
    ],
)
def test_a_text_is_judged_as_what_it_says_as_json(
    guard_of: Callable[..., Guard], kind_of: Callable[..., Kind], answer: object
) -> None:
    """A sentence in pieces is one, as it is in an answer that is parsed already; harmless JSON passes."""

    class Sentences:
        """Finds what two words say, one right behind the other, as a model does that judges sentences."""

        prose = True

        def detect(self, batch: Sequence[Content]) -> list[Detection]:
            """Find them in each content."""
            held = [
                isinstance(each, Text) and "zqx bomb" in each.text and "{" not in each.text for each in batch
            ]
            return [Detection((Finding("custom.own", 1.0, "own"),) if each else ()) for each in held]

    guard = guard_of(
        """
detectors: {slow: {use: own}}
rules: [{id: slow, on: output, when: custom.own > 0.5, then: block}]
""",
        detectors={"own": kind_of(Sentences(), tier=1)},
    )
    for made in (json.dumps(answer), answer):
        with pytest.raises(Blocked, match="slow"):
            guard.wrap(lambda prompt, made=made: made, schema={})("Who?")
    fine = json.dumps({"x": ["how", "do", "I", "make", "a", "cake"]})
    assert guard.wrap(lambda prompt: fine, schema={})("Who?") == fine


class Account(BaseModel):
    """An account, whose validator quotes what it read."""

    number: str

    @field_validator("number")
    @classmethod
    def _is_known(cls, value: str) -> str:
        raise ValueError(f"{value!r} is not known, {value.replace(' ', '')} neither")


@each_case("number", ["jo@example.com", "4111 1111 1111 1111", 'a "secret" of 1234'])
def test_an_error_quotes_nothing_of_the_answer(guard: Guard, number: str) -> None:
    """Whatever a validator says; the field and the words are enough."""
    with pytest.raises(InvalidAnswer) as raised:
        guard.wrap(lambda prompt: json.dumps({"number": number}), schema=Account)("Who?")
    [problem] = raised.value.problems
    assert problem.pointer == "/number"
    assert problem.expected.startswith("Value error, '\u2026' is not known")
    assert number not in str(raised.value)


@each_case(
    "answer",
    [{"name": "jo@example.com", "age": 3}, Person(name="jo@example.com", age=3)],
)
def test_what_is_parsed_already_keeps_its_type(guard: Guard, answer: Any) -> None:
    """It is judged and held to the schema as what it is."""
    made = guard.wrap(lambda prompt: answer, schema=Person)("Who?")
    assert type(made) is type(answer)
    assert Person.model_validate(made, from_attributes=True).name == "[EMAIL]"


@each_case("answer", [{"name": "Jo"}, ["x"], None, 7, [1, "two"]])
def test_parsed_answers_must_fit_as_well(guard: Guard, answer: Any) -> None:
    """Nothing is passed over because it is no text."""
    with pytest.raises(InvalidAnswer):
        guard.wrap(lambda prompt: answer, schema=Person)("Who?")


def test_without_repair_only_valid_json_passes(guard: Guard) -> None:
    """What is broken is an answer that does not fit."""
    for answer, fits in (("{'name': 'Jo', 'age': 3}", False), ('{"name": "Jo", "age": 3}', True)):
        wrapped = guard.wrap(lambda prompt, answer=answer: answer, schema=Person, repair=False)
        if fits:
            assert wrapped("Who?") == answer
        else:
            with pytest.raises(InvalidAnswer):
                wrapped("Who?")


def test_two_schemas_do_not_share_what_was_found(guard: Guard) -> None:
    """One text fits one of them."""
    text = '{"x": 1}'
    assert guard.wrap(lambda prompt: text, schema=Point)("Who?") == text
    with pytest.raises(InvalidAnswer):
        guard.wrap(lambda prompt: text, schema=Person)("Who?")


@each_case(
    ("options", "error", "message"),
    [
        ({"schema": {"type": "strin"}}, ValueError, "/type: 'strin' is not a type of JSON.*'string'"),
        ({"schema": {"$ref": "http://x/y"}}, ValueError, "not in this schema"),
        ({"schema": lambda: None}, TypeError, "schema must be a JSON Schema"),
        ({"schema": Person, "reask": 99}, ValueError, "at most 5"),
        ({"schema": Person, "reask": True}, TypeError, "reask must be a number"),
        ({"schema": Person, "repair": "yes"}, TypeError, "repair must be True or False"),
        ({"reask": 2}, TypeError, "give schema="),
    ],
)
def test_mistakes_are_said_when_it_is_wrapped(
    guard: Guard, options: dict[str, Any], error: type[Exception], message: str
) -> None:
    """With the cure."""
    with pytest.raises(error, match=message):
        guard.wrap(lambda prompt: "", **options)


def test_what_json_cannot_hold_is_no_answer(guard: Guard) -> None:
    """An object of the program, and a stream of something else than texts."""
    with pytest.raises(TypeError, match="return a text"):
        guard.wrap(lambda prompt: object(), schema=Person)("Who?")
    with pytest.raises(TypeError, match="yield texts"):
        list(guard.wrap(lambda prompt: iter([{"name": "Jo"}, {"age": 3}]), schema=Person)("Who?"))


def test_a_decorator_takes_a_schema(guard: Guard) -> None:
    """As it takes other options."""

    @guard.wrap(schema=Person)
    def ask(prompt: str) -> str:
        return "{'name': 'Jo', 'age': 3}"

    assert ask("Who?") == '{"name": "Jo", "age": 3}'


ASK: Callable[[str], str] = Guard.load({"format": 1, "name": "p"}).wrap(
    lambda prompt: prompt, schema={"type": "object", "required": ["name"]}
)


@given(st.dictionaries(st.text(), st.text() | st.integers() | st.booleans()))
def test_what_fits_passes_unchanged(value: dict[str, object]) -> None:
    """Any JSON that fits the schema, as it was written."""
    text = json.dumps({**value, "name": None})
    assert ASK(text) == text


def test_what_takes_no_schema_says_so(guard: Guard, monkeypatch: pytest.MonkeyPatch) -> None:
    """An object that a wrapper of another kind wraps is not passed over in silence."""
    monkeypatch.setattr(
        functions, "find_wrapper", lambda thing: Wrapper("x.Y", "Guards it.", lambda it, _: it)
    )
    with pytest.raises(TypeError, match="wrap a function that calls it"):
        guard.wrap(object(), schema=Person)
