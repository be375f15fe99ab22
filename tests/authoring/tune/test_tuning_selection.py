"""What is to be tuned."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from guardrails import Guard
from guardrails.authoring.rows import ContentRow
from guardrails.authoring.tune.tuning_selection import TuneError, list_tunable_rules, select_tuning
from tests.cases import each_case

RULE = "  - {id: r, on: input, when: custom.own >= 0.5, then: block}"
TWO = f"""{RULE}
  - {{id: other, on: input, when: custom.own >= 0.9 || detector.own.custom.own >= 0.8, then: flag}}
  - {{id: any, on: input, when: custom.own > 0, then: flag}}"""


@each_case(
    ("rule", "category", "nth", "numbers", "fixed"),
    [
        ("r", None, None, ["custom.own >= 0.5"], []),
        ("other", None, None, ["custom.own >= 0.9", "detector.own.custom.own >= 0.8"], []),
        ("other", "detector.own.custom.own", None, ["detector.own.custom.own >= 0.8"], ["custom.own >= 0.9"]),
        ("other", None, 1, ["custom.own >= 0.9"], ["detector.own.custom.own >= 0.8"]),
        ("any", None, None, ["custom.own > 0"], []),
    ],
)
def test_what_is_tuned(
    rule: str,
    category: str | None,
    nth: int | None,
    numbers: list[str],
    fixed: list[str],
    scoring: Callable[..., Guard],
) -> None:
    """All numbers of the rule together, or those that are named."""
    tuning = select_tuning(scoring(TWO).policy, rule_id=rule, category=category, nth=nth)
    assert [str(each) for each in tuning.way.thresholds] == numbers
    assert [str(each) for each in tuning.fixed] == fixed


@each_case(
    ("rules", "rule", "category", "nth", "reason"),
    [
        (TWO, None, None, None, r"say which rule.*\n  r: custom.own >= 0.5\n  other: "),
        (TWO, "x", None, None, "no rule 'x' in policy tested: it has r, other, any"),
        (TWO, "other", "hate", None, "has no such number to tune; it has 1 is custom.own >= 0.9; 2 is"),
        (TWO, "other", None, 3, "has no such number"),
        (TWO, None, "hate", None, "no rule with a number to tune for 'hate'"),
        (
            "  - {id: r, on: input, when: content.length > 9, then: flag}",
            "r",
            None,
            None,
            "no number to tune",
        ),
        (
            "  - {id: r, on: input, when: custom.own < 0.5, then: flag}",
            None,
            None,
            None,
            "no rule with a number",
        ),
    ],
)
def test_what_cannot_be_tuned_is_told(
    rules: str,
    rule: str | None,
    category: str | None,
    nth: int | None,
    reason: str,
    scoring: Callable[..., Guard],
) -> None:
    """With what there is."""
    with pytest.raises(TuneError, match=reason):
        select_tuning(scoring(rules).policy, rule_id=rule, category=category, nth=nth)


def test_the_only_rule_with_a_number_need_not_be_named(scoring: Callable[..., Guard]) -> None:
    """Those that ask whether anything was found have none."""
    guard = scoring(f"{RULE}\n  - {{id: any, on: input, when: custom.own > 0, then: flag}}")
    assert [*list_tunable_rules(guard.policy)] == ["r"]
    assert select_tuning(guard.policy).rule.id == "r"


@each_case(
    ("label", "wanted", "answers"),
    [(None, "custom.own", [True, False, None]), ("bad", "bad", [None, False, True])],
)
def test_which_rows_should_make_it_fire(
    label: str | None, wanted: str, answers: list[bool | None], scoring: Callable[..., Guard]
) -> None:
    """Those of the rule's categories, or with the label that is named."""
    tuning = select_tuning(scoring(RULE).policy, label=label)
    labels = ({"custom.own": True}, {"benign": True}, {"bad": True})
    assert tuning.wanted == wanted
    assert [tuning.truth(ContentRow("f:1", "input", "", each)) for each in labels] == answers
