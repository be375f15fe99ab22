"""From pydantic's errors to words for people: one problem for each mistake, in its place."""

from __future__ import annotations

from typing import Any, Literal

from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field

from guardrails.detectors.config import Config
from guardrails.policy.loading.problems import Problems
from guardrails.policy.loading.source import Mark, Path
from tests.cases import each_case


class Part(Config):
    """A part."""

    text: str
    kind: Literal["big", "small"] = "big"


class Whole(Config):
    """A whole."""

    one: Literal[1] = 1
    word: Literal["yes", "no"] | list[Literal["yes", "no"]] = "yes"
    number: int = Field(default=1, ge=1, le=9)
    share: float = Field(default=0.5, gt=0, lt=1)
    flag: bool = False
    parts: list[str | Part] = Field(default=[])
    part: Part | None = None
    names: dict[str, str] | str = "x"
    some: list[str] = Field(default=["a"], min_length=1)
    with_: str = Field(default="w", alias="with", min_length=1, max_length=3)


class Paths:
    """Marks whose file shows the path that was asked for; keys stand in line 2."""

    def mark(self, path: Path) -> Mark:
        return Mark(".".join(map(str, path)), 1, 1)

    def key_mark(self, path: Path) -> Mark:
        return Mark(".".join(map(str, path)), 2, 1)


def said(data: object) -> list[tuple[str, str, str, str]]:
    """Return place, code, message and hint of each problem."""
    problems = Problems()
    assert problems.validate(Whole, data, Paths(), "the whole") is None
    return [(each.file, each.code, each.message, each.hint) for each in problems.errors]


@each_case(
    ("data", "problem"),
    [
        ({"wrod": "yes"}, ("wrod", "unknown_field", "'wrod' is not a field of the whole", "did you mean 'word'?")),
        ({"part": {"txt": "a", "text": "b"}},
         ("part.txt", "unknown_field", "'txt' is not a field of part in the whole", "did you mean 'text'?")),
        ({"part": {"txt": "a"}},
         ("part.txt", "unknown_field", "'txt' is not a field of part in the whole", "did you mean 'text'?")),
        ({"parts": ["a", {"text": "b", "kin": "big"}]},
         ("parts.1.kin", "unknown_field", "'kin' is not a field of parts.1 in the whole", "did you mean 'kind'?")),
        ({"parts": [{"kind": "big"}]}, ("parts.0", "missing_field", "parts.0 in the whole needs 'text'", "add 'text:'")),
        ({"parts": [{"text": "a", "kind": "bgi"}]},
         ("parts.0.kind", "invalid_value", "parts.0.kind must be 'big' or 'small', not the text 'bgi'", "did you mean 'big'?")),
        ({"parts": [5]}, ("parts.0", "wrong_type", "parts.0 must be a text or a mapping, not the number 5", "put it in quotes")),
        ({"word": "yse"}, ("word", "invalid_value", "word must be 'yes', 'no' or a list, not the text 'yse'", "did you mean 'yes'?")),
        ({"word": ["yes", "noo"]}, ("word.1", "invalid_value", "word.1 must be 'yes' or 'no', not the text 'noo'", "did you mean 'no'?")),
        ({"word": True}, ("word", "wrong_type", "word must be 'yes', 'no' or a list, not true", "such as word: yes")),
        ({"word": {}}, ("word", "wrong_type", "word must be 'yes', 'no' or a list, not a mapping", "such as word: yes")),
        ({"one": "1"}, ("one", "invalid_value", "one must be 1, not the text '1'", "write it without quotes")),
        ({"number": 0}, ("number", "invalid_value", "number must be at least 1, not 0", "")),
        ({"number": 10}, ("number", "invalid_value", "number must be at most 9, not 10", "")),
        ({"number": "7"}, ("number", "wrong_type", "number must be a whole number, not the text '7'", "write it without quotes")),
        ({"number": 1.5}, ("number", "wrong_type", "number must be a whole number, not the number 1.5", "")),
        ({"number": True}, ("number", "wrong_type", "number must be a whole number, not true", "")),
        ({"share": 0}, ("share", "invalid_value", "share must be more than 0.0, not 0", "")),
        ({"share": 1}, ("share", "invalid_value", "share must be less than 1.0, not 1", "")),
        ({"flag": "on"}, ("flag", "wrong_type", "flag must be true or false, not the text 'on'", "write true")),
        ({"flag": "No"}, ("flag", "wrong_type", "flag must be true or false, not the text 'No'", "write false")),
        ({"flag": 1}, ("flag", "wrong_type", "flag must be true or false, not the number 1", "")),
        ({"names": {"en": 5}}, ("names.en", "wrong_type", "names.en must be a text, not the number 5", "put it in quotes")),
        ({"names": 5}, ("names", "wrong_type", "names must be a mapping or a text, not the number 5", "put it in quotes")),
        ({"some": "a"}, ("some", "wrong_type", "some must be a list, not the text 'a'", "write a list: [a]")),
        ({"some": []}, ("some", "invalid_value", "some must have at least 1 entry", "")),
        ({"some": None}, ("some", "wrong_type", "some must be a list, not nothing (null)", "remove the key, or write a value")),
        ({"with": ""}, ("with", "invalid_value", "with must not be empty", "")),
        ({"with": "long"}, ("with", "invalid_value", "with must have at most 3 characters", "")),
        ({"with_": "x"}, ("with_", "unknown_field", "'with_' is not a field of the whole", "did you mean 'with'?")),
        ([], ("", "wrong_type", "the whole must be a mapping, not a list", "")),
    ],
)  # fmt: skip
def test_one_mistake_is_one_problem_in_words(data: object, problem: tuple[str, str, str, str]) -> None:
    """Unions, nested mappings, aliases and bounds: one problem, at the value that is meant, with a cure."""
    assert said(data) == [problem]


def test_several_mistakes_are_several_problems() -> None:
    """Every mistake of a mapping is reported, each once; keys are pointed at as keys."""
    problems = Problems()
    data = {"nmuber": 1, "flag": "x", "parts": [1, {"text": 2}], "part": {}}
    problems.validate(Whole, data, Paths(), "the whole")
    assert sorted((each.file, each.line, each.code) for each in problems.errors) == [
        ("flag", 1, "wrong_type"), ("nmuber", 2, "unknown_field"), ("part", 1, "missing_field"),
        ("parts.0", 1, "wrong_type"), ("parts.1.text", 1, "wrong_type"),
    ]  # fmt: skip


def test_what_is_right_is_returned() -> None:
    """Without a mistake the model comes back and nothing is kept."""
    problems = Problems()
    whole = problems.validate(Whole, {"with": "a", "word": ["no"]}, Paths(), "the whole")
    assert whole is not None
    assert (whole.with_, whole.word, problems.errors) == ("a", ["no"], [])


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
FIELDS = [field.alias or name for name, field in Whole.model_fields.items()]


@given(st.dictionaries(st.sampled_from(FIELDS) | st.text(max_size=6), JSON, max_size=5))
def test_any_data_is_read_or_explained(data: dict[str, Any]) -> None:
    """Whatever stands in a file, there is a model or at least one problem with a place, a code and a message."""
    problems = Problems()
    whole = problems.validate(Whole, data, Paths(), "the whole")
    assert (whole is None) is bool(problems.errors)
    assert all(each.code and each.message and each.line for each in problems.errors)


def test_values_can_be_kept_out_of_messages() -> None:
    """What was written in the wrong place may be a key."""

    class Kept(Config):
        name: str = Field(pattern="^[a-z]+$")
        """A name."""
        number: int = 0
        """A number."""

    problems = Problems(quotes=False)
    problems.validate(Kept, {"name": "sk-ZQX", "number": "sk-ZQX"}, Paths(), "x")
    assert len(problems.errors) == 2
    assert all("ZQX" not in str(each) for each in problems.errors)
