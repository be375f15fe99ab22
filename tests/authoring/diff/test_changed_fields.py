"""What a change of each field comes to."""

from __future__ import annotations

from typing import Any

from guardrails.authoring.diff.changed_fields import EXCEPTION, LIMITS, RULE, comparable_fields
from guardrails.authoring.diff.levels import LEVELS
from guardrails.policy.schema import ExceptionDoc, LimitsDoc, RuleDoc
from tests.cases import each_case


def rule(**given: Any) -> dict[str, Any]:
    """Return the fields of a rule that redacts."""
    return comparable_fields(
        RuleDoc.model_validate({"id": "a", "on": "input", "when": "x > 0", "then": "redact", **given})
    )


@each_case(
    ("doc", "table"),
    [(RuleDoc, RULE), (ExceptionDoc, EXCEPTION), (LimitsDoc, LIMITS)],
    ids=["rule", "exception", "limits"],
)
def test_every_field_has_a_row(doc: Any, table: Any) -> None:
    """A field that is new to the schema must be told how grave its change is."""
    assert {info.alias or name for name, info in doc.model_fields.items()} - {"id"} == {*table}


@each_case(
    ("one", "other"),
    [
        ({}, {"with": "placeholder"}),
        ({}, {"with": {"text": "placeholder"}}),
        ({}, {"on": ["input"]}),
        ({"on": ["input", "output"]}, {"on": ["output", "input"]}),
        ({}, {"on_error": "block"}),
        ({"redact": ["a", "b"]}, {"redact": ["b", "a", "a"]}),
    ],
)
def test_what_means_the_same_is_equal(one: dict[str, Any], other: dict[str, Any]) -> None:
    """The order of sets and defaults that are written out change nothing."""
    assert rule(**one) == rule(**other)


@each_case(
    ("name", "old", "new", "expected"),
    [
        ("mode", "shadow", "enforce", "stricter"),
        ("mode", "enforce", "shadow", "rule_off"),
        ("on_fail", None, "repair", "laxer"),
        ("on_fail", "reask", "repair", "stricter"),
        ("reask", 1, 2, "pace"),
        ("stream", None, "whole", "pace"),
        ("stream", "annotate", None, "stricter"),
        ("stream", "whole", "annotate", "laxer"),
        ("then", "flag", "redact", "stricter"),
        ("then", "block", "redact", "laxer"),
        ("redact", None, ["a"], "stricter"),
        ("redact", ["a"], None, "stricter"),
        ("redact", ["a", "b"], ["a"], "laxer"),
        ("redact", ["a"], ["b"], "stricter"),
    ],
)
def test_what_cannot_be_told_is_stricter(name: str, old: Any, new: Any, expected: str) -> None:
    """Less is said only where it is certain."""
    assert RULE[name](old, new) == expected
    assert expected in LEVELS


@each_case(
    ("name", "old", "new", "expected"),
    [
        ("expires", None, "2030-01-01", "stricter"),
        ("expires", "2030-01-01", "2031-01-01", "laxer"),
        ("categories", ["a"], None, "laxer"),
        ("categories", None, ["a"], "stricter"),
        ("rules", ["a"], ["b"], "stricter"),
        ("tenants", None, ["a"], "stricter"),
        ("on", ["input"], ["input", "output"], "laxer"),
        ("test", None, {"input": "a"}, "tests"),
        ("when", "x == 'a'", None, "laxer"),
        ("when", None, "x == 'a'", "stricter"),
        ("when", "x == 'a'", "x == 'b'", "condition"),
        ("when", "x == 'a'", "x=='a'", "wording"),
    ],
)
def test_an_exception_that_removes_more_is_laxer(name: str, old: Any, new: Any, expected: str) -> None:
    """What an exception removes is not stopped."""
    assert EXCEPTION[name](old, new) == expected
