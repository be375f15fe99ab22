"""The declared fields: forms of names, dates, and what they refuse."""

from __future__ import annotations

import re

import pytest
from pydantic import ValidationError

from guardrails.policy.schema import (
    CONTENTS,
    DATE,
    DETECTOR_NAME,
    FORMS,
    ID,
    ExceptionDoc,
    PolicyDoc,
    RuleDoc,
)
from guardrails.types import Stage
from tests.cases import each_case


@each_case(
    ("form", "good", "bad"),
    [
        (ID, ["a", "pii.mask", "0-x_y"], ["", "A", ".a", "a b", "a\n", "é"]),
        (DETECTOR_NAME, ["a", "My-list_2"], ["", "9x", "a.b", "a b", "a\n"]),
        (DATE, ["2027-03-31"], ["31.3.2027", "2027-3-31", "2027-03-31T00:00"]),
    ],
)
def test_forms_of_names(form: str, good: list[str], bad: list[str]) -> None:
    """Each form takes what its words say, and nothing else."""
    pattern = re.compile(form.replace("$", r"\Z"))
    assert [text for text in good if not pattern.match(text)] == []
    assert [text for text in bad if pattern.match(text)] == []
    assert FORMS[form]


def test_an_id_ends_where_its_line_ends() -> None:
    """A line break is no part of an id, also not at its end."""
    with pytest.raises(ValidationError):
        RuleDoc.model_validate({"id": "a\n", "on": "input", "when": "x", "then": "flag"})


@each_case(("day", "valid"), [("2027-02-28", True), ("2028-02-29", True), ("2027-02-29", False), ("2027-13-01", False)])  # fmt: skip
def test_an_exception_ends_on_a_real_day(day: str, valid: bool) -> None:
    """A date that the calendar lacks is an error, not an exception without end."""
    data = {"id": "e", "reason": "x", "rules": ["r"], "expires": day}
    if valid:
        assert ExceptionDoc.model_validate(data).expires == day
    else:
        with pytest.raises(ValidationError, match="no day of the calendar"):
            ExceptionDoc.model_validate(data)


@each_case(("value", "valid"), [(1, True), (2, False), (True, False), (1.0, False), ("1", False)])
def test_the_format_is_the_number_one(value: object, valid: bool) -> None:
    """`true` and `1.0` equal 1 and are still mistakes."""
    data = {"format": value, "name": "t"}
    if valid:
        assert PolicyDoc.model_validate(data).format == 1
    else:
        with pytest.raises(ValidationError):
            PolicyDoc.model_validate(data)


def test_tests_may_have_each_stage_as_content() -> None:
    """A test can check a text at every stage, or messages."""
    assert {*CONTENTS} == {*Stage, "messages"}
