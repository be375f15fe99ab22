"""Gates for a change of policy."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardrails.authoring.diff.gates import (
    DOUBT,
    GATES,
    GateLimit,
    GateResult,
    evaluate_gates,
    parse_limit,
    rows_needed,
    upper_bound,
)
from guardrails.authoring.diff.traffic.decisions import Decision
from guardrails.authoring.diff.traffic.effects import ChangeEffects, TrafficExample
from guardrails.errors import GuardrailsError
from guardrails.types import Action
from tests.cases import each_case


@each_case(
    ("text", "share", "count"),
    [("0", None, 0), ("12", None, 12), ("0.1%", 0.001, None), (" 5 % ", 0.05, None), (".5%", 0.005, None), ("0%", 0, None), ("100%", 1, None)],
)  # fmt: skip
def test_a_limit_is_a_count_or_a_share(text: str, share: float | None, count: int | None) -> None:
    """A percent sign says which."""
    found = parse_limit(text)
    assert (found.share, found.count) == (share, count)


@each_case("text", ["", "0.1", "-1", "-1%", "101%", "nan%", "inf", "1e3", "1,5%", "five", "%", "\u0663%"])
def test_all_else_is_no_limit(text: str) -> None:
    """A share without its sign would be read as a count by the next reader."""
    with pytest.raises(GuardrailsError, match="no limit: give a count such as 12, or a percentage"):
        parse_limit(text)


@each_case(
    ("count", "failed", "rows", "text", "exceeded", "thin"),
    [
        (0, 0, 100, "0", False, False),
        (1, 0, 100, "0", True, False),
        (1, 0, 1000, "0.1%", False, True),
        (2, 0, 1000, "0.1%", True, False),
        (0, 0, 500, "0.1%", False, True),
        (0, 0, 2994, "0.1%", False, True),
        (0, 0, 2995, "0.1%", False, False),
        (0, 1, 500, "0.1%", True, False),
        (0, 2, 500, "1", True, False),
        (10, 0, 100_000, "0.1%", False, False),
        (0, 0, 10, "0%", False, False),
        (0, 0, 10, "100%", False, False),
    ],
)
def test_says_what_is_exceeded_and_what_is_too_little(
    count: int, failed: int, rows: int, text: str, exceeded: bool, thin: bool
) -> None:
    """What was not judged counts; a sample shows a share only from some size on."""
    found = GateResult("max_new_blocks", parse_limit(text), count, failed, rows)
    assert (found.exceeded, found.thin) == (exceeded, thin)
    assert found.to_dict()["reason"] == found.reason


def test_reasons_are_sentences() -> None:
    """Each says the limit, what was counted and, where the sample is too small, how large it should be."""
    thin = GateResult("max_new_blocks", parse_limit("0.1%"), 0, 0, 500)
    assert thin.reason == (
        "500 rows cannot show --max-new-blocks 0.1%: 0 of 500 rows blocked now, it may be 0.60%; 2,995 rows without any would"
    )
    over = GateResult("max_changes", parse_limit("1"), 2, 1, 500)
    assert (
        over.reason
        == "--max-changes 1 is exceeded: 2 of 500 rows decided otherwise, and 1 that could not be judged"
    )


@given(st.integers(1, 100_000), st.integers(0, 100_000))
def test_the_bound_is_a_share_above_what_was_counted(rows: int, count: int) -> None:
    """Whatever is counted, more certainty is claimed by no sample than it has."""
    found = upper_bound(min(count, rows), rows)
    assert min(count, rows) / rows <= found <= 1
    assert upper_bound(0, rows + 1) < upper_bound(0, rows)


@given(st.floats(0.00001, 0.5))
def test_as_many_rows_as_are_needed_show_a_share(share: float) -> None:
    """The least number of rows that shows it does, and one less does not."""
    rows = rows_needed(share)
    assert rows is not None
    assert upper_bound(0, rows) <= share * (1 + 1e-9)
    assert rows == 1 or upper_bound(0, rows - 1) > share * (1 - 1e-9)
    assert math.isclose((1 - share) ** rows, DOUBT, rel_tol=1)
    assert (1 - share) ** rows <= DOUBT * (1 + 1e-9)


@each_case("share", [None, 0.0, 1.0])
def test_no_number_of_rows_shows_none_at_all(share: float | None) -> None:
    """A count needs no sample, and that something never happens is shown by none."""
    assert rows_needed(share) is None


def test_each_gate_counts_its_turns() -> None:
    """Only the gates that have a limit are held against the effects."""
    effects = ChangeEffects()
    pairs = (
        (Action.ALLOW, Action.BLOCK),
        (Action.BLOCK, Action.ALLOW),
        (Action.ALLOW, Action.REDACT),
        (Action.ALLOW, Action.FLAG),
    )
    for old, new in pairs:
        effects.add(TrafficExample("t:1", "input"), Decision(old), Decision(new))
    found = evaluate_gates({name: GateLimit("0", count=0) for name in GATES}, effects)
    assert {each.gate: each.count for each in found} == {
        "max_new_blocks": 1,
        "max_new_redactions": 1,
        "max_new_allows": 1,
        "max_changes": 4,
    }
    assert [each.gate for each in evaluate_gates({"max_changes": parse_limit("5")}, effects)] == [
        "max_changes"
    ]
