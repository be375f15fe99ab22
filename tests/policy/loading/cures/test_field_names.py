"""Fields of a mapping: which there are, which a name stands for, and where one belongs that stands elsewhere."""

from __future__ import annotations

from guardrails.policy.loading.cures.field_names import (
    explain_misplaced,
    fields_by_name,
    find_meant_field,
    find_model_around,
    give_example,
    inner_model,
)
from guardrails.policy.loading.source import Path
from guardrails.policy.schema import OverrideDoc, PolicyDoc, RedactionDoc, RuleDoc
from guardrails.policy.testing.test_fields import ExpectDoc, TestDoc
from tests.cases import each_case


def test_fields_have_their_names_in_yaml() -> None:
    """`with` is a word of Python, and a field all the same."""
    assert [*fields_by_name(RedactionDoc)] == ["text", "locale", "image", "video"]
    assert "with" in fields_by_name(RuleDoc)
    assert "with_" not in fields_by_name(RuleDoc)


@each_case(
    ("path", "model"),
    [(("rules",), PolicyDoc), (("override", "rules"), OverrideDoc), (("name", "x"), None)],
)
def test_the_mapping_around_a_field_is_found(path: Path, model: type | None) -> None:
    """Through mappings within mappings; a text has no fields."""
    assert find_model_around(PolicyDoc, path) is model


def test_the_model_within_a_list_or_a_choice_is_found() -> None:
    """Of `list[str | Model]` as of `Model | None`."""
    assert inner_model(TestDoc.model_fields["expect"].annotation) is ExpectDoc
    assert inner_model(RuleDoc.model_fields["with_"].annotation) is RedactionDoc
    assert inner_model(RuleDoc.model_fields["id"].annotation) is None


@each_case(
    ("model", "path", "field"),
    [(TestDoc, ("text",), "input"), (TestDoc, ("expect", "verdict"), "action"), (TestDoc, ("wrong",), None)],
)
def test_a_field_of_another_name_is_known(model: type[TestDoc], path: Path, field: str | None) -> None:
    """What people call a field who know other tools."""
    assert find_meant_field(model, path) == field


@each_case(
    ("model", "name", "words"),
    [
        (RuleDoc, "tests", "at the left margin"),
        (PolicyDoc, "when", "below 'rules:'"),
        (PolicyDoc, "no_such_field", ""),
        (None, "when", ""),
    ],
)
def test_a_field_that_stands_elsewhere_has_its_place(
    model: type[PolicyDoc] | None, name: str, words: str
) -> None:
    """Where it belongs, or nothing where nobody knows it."""
    assert words in explain_misplaced(model, name, 1, {name: 1})


@each_case(("name", "example"), [("id", "such as id: pii.mask"), ("when", "such as when: hate >= 0.85")])
def test_a_missing_field_has_an_example(name: str, example: str) -> None:
    """With its name, to be copied."""
    assert give_example(name, fields_by_name(RuleDoc)[name]) == example
