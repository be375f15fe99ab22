"""The fields of tests: what they take, what they refuse, and what is said of names that other tools use."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from guardrails.policy.loading.problems import NOWHERE, Problems
from guardrails.policy.testing.test_fields import (
    DISGUISES,
    ExceptionTestDoc,
    FoundDoc,
    TestDoc,
    TestsDoc,
    parse_comparisons,
)
from tests.cases import each_case

EXPECT = {"action": "allow"}


@each_case(
    "test",
    [
        {"input": "a", "expect": EXPECT},
        {"tool_call": {"name": "shell"}, "expect": EXPECT},
        {"tool_call": {"name": "shell", "server": "s", "arguments": "{broken"}, "expect": EXPECT},
        {"tool_result": {"name": "web", "text": "t"}, "expect": {"findings": []}},
        {"tool_definition": {"name": "web", "parameters": {"type": "object"}}, "expect": EXPECT},
        {"image": "a.png", "stage": "output", "expect": EXPECT},
        {"input": "{each}", "each": ["a", "b"], "todo": "why", "expect": EXPECT},
        {"output": "a", "heard": [{"name": "web", "text": "t"}], "sources": ["a", "b"], "expect": EXPECT},
        {"input": "a", "obfuscate": ["base64"], "every_cut": True, "expect": {"message": None}},
    ],
)
def test_takes_every_form_of_content(test: dict[str, Any]) -> None:
    """Texts, calls, results, definitions, files, tables of texts, and what stands beside them."""
    assert TestDoc.model_validate(test).model_dump(exclude_unset=True) == test


@each_case(
    ("model", "data", "message"),
    [
        (TestDoc, {"text": "a", "expect": EXPECT}, "'text' is not a field of it did you mean 'input'?"),
        (TestDoc, {"input": "a", "expected": EXPECT}, "'expected' is not a field of it did you mean 'expect'?"),
        (TestDoc, {"input": "a", "expect": {"text": "b"}}, "'text' is not a field of expect in it did you mean 'content'?"),
        (
            TestDoc,
            {"tool_call": {"tool": "x"}, "expect": EXPECT},
            "'tool' is not a field of tool_call in it did you mean 'name'?",
        ),
        (TestsDoc, {"cases": []}, "'cases' is not a field of it did you mean 'tests'?"),
        (TestDoc, {"input": "a", "todo": "off", "expect": EXPECT}, "todo must be true or false, not the text 'off' write false"),
        (TestDoc, {"input": "a", "todo": "", "expect": EXPECT}, "todo must be true or false, not the text '' "),
        (TestDoc, {"input": "a", "todo": 1, "expect": EXPECT}, "todo must be true or false or a text, not the number 1 put it in quotes"),
    ],
)  # fmt: skip
def test_names_of_other_tools_are_told_apart(model: type[Any], data: dict[str, Any], message: str) -> None:
    """What is called otherwise elsewhere is told once, with the name here, and nothing is said to be missing besides."""
    problems = Problems()
    assert problems.validate(model, data, NOWHERE, "it") is None
    assert [f"{each.message} {each.hint}" for each in problems.errors] == [message]


@each_case("score", [0.0, 1, 0.85, ">= 0.8", ">0", "<= 1", ">= 0.5, < 0.9", "< .5"])
def test_scores_are_numbers_or_comparisons(score: object) -> None:
    """One number, or one or two comparisons."""
    assert FoundDoc.model_validate({"category": "a", "score": score}).score == score


@each_case(
    "score",
    [
        -0.1,
        1.1,
        85,
        "",
        "high",
        "0.8",
        ">= 8",
        ">= 0.5 < 0.9",
        ">= 0.1, < 0.5, > 0.2",
        "== 1",
        ">= 0.5,",
        True,
    ],
)
def test_what_no_score_reaches_is_refused(score: object) -> None:
    """Outside of 0..1, or no comparison."""
    with pytest.raises(ValidationError):
        FoundDoc.model_validate({"category": "a", "score": score})


@given(st.sampled_from([">=", ">", "<=", "<"]), st.integers(0, 100), st.integers(0, 3))
def test_comparisons_are_read_as_they_are_written(sign: str, percent: int, blanks: int) -> None:
    """The sign and the number, whatever blanks stand between."""
    assert [*parse_comparisons(f"{sign}{' ' * blanks}{percent / 100}")] == [(sign, percent / 100)]


def test_an_exception_expects_that_nothing_happens() -> None:
    """Its test says what it is for; without another word it must pass."""
    assert ExceptionTestDoc.model_validate({"input": "a"}).expect.action == "allow"


def test_disguises_have_names() -> None:
    """Each once."""
    assert len({*DISGUISES}) == len(DISGUISES) > 10
