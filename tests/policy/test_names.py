"""What a condition may name: context leaves, categories that are given, and what to say of others."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from guardrails.policy.names import CONTEXT, ConditionNames, find_context_leaf, fold_tool_name
from guardrails.taxonomy import CATEGORIES, with_ancestors
from tests.cases import each_case

NAMES = ConditionNames({"t": frozenset({"hate.threatening", "custom.x"}), "p": frozenset({"pii.email"})})


@each_case(
    ("dotted", "expected"),
    [
        *((name, name) for name in CONTEXT),
        ("request.metadata.a.b", "request.metadata"),
        ("request.user.age", "request.user.age"),
        ("request.user.address.city", "request.user.address"),
        ("request.client.language", "request.client.language"),
        ("tool.arguments.path", "tool.arguments"),
        ("tool.arguments.a.b", "tool.arguments"),
        ("tool.argumentsx", None),
        ("tool.tainted.x", None),
        ("request.metadatax", None),
        ("request.user", None),
        ("request.tenantx", None),
        ("tool.nam", None),
        ("hate", None),
    ],
)
def test_context_leaves(dotted: str, expected: str | None) -> None:
    """Declared leaves, free leaves of user and client, and the free map; nothing else."""
    assert find_context_leaf(dotted) == expected


def test_given_categories_hold_their_parents() -> None:
    """What a detector gives can be asked for by its parents' names, and as `unsafe`."""
    assert NAMES.categories == {
        "hate.threatening",
        "hate",
        "unsafe",
        "custom.x",
        "custom",
        "pii.email",
        "pii",
    }


@each_case(
    ("category", "code", "hint"),
    [
        ("hate", None, ""),
        ("unsafe", None, ""),
        ("haet", "unknown_category", "did you mean 'hate'?"),
        ("Hate", "unknown_category", "did you mean 'hate'?"),
        ("HATE", "unknown_category", "did you mean 'hate'?"),
        ("zzzz", "unknown_category", ""),
        (
            "sexual",
            "category_without_detector",
            "add one under 'detectors:', such as safety: {use: classifier}",
        ),
        ("pii.emial", "category_without_detector", "did you mean 'pii.email'?"),
        ("custom.y", "category_without_detector", "did you mean 'custom.x' or 'custom'?"),
    ],
)
def test_a_category_that_nobody_gives(category: str, code: str | None, hint: str) -> None:
    """A name outside the taxonomy and a category without a detector are different mistakes."""
    problem = NAMES.problem(category)
    assert (problem[0] if problem else None) == code
    assert problem is None or problem[2] == hint


@given(st.sets(st.sampled_from(sorted(CATEGORIES))), st.sampled_from(sorted(CATEGORIES)))
def test_exactly_what_is_given_is_no_problem(given_: set[str], category: str) -> None:
    """A category is fine if and only if some detector gives it or something below it."""
    fine = any(category in with_ancestors(found) for found in given_)
    assert (ConditionNames({"d": frozenset(given_)}).problem(category) is None) is fine


@each_case("name", ["Send_Mail", "send_mail ", " SEND_MAIL", "\uff33end_mail", "send\u200b_mail"])
def test_a_tool_has_one_name(name: str) -> None:
    """Case, width, spaces and what nobody sees make no other tool; another sign does."""
    assert fold_tool_name(name) == "send_mail"
    assert fold_tool_name("send-mail") != "send_mail"
