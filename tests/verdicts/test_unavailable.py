"""What a verdict says of a check that could not be done."""

from __future__ import annotations

import pickle
from typing import get_args

from guardrails.verdicts.unavailable import (
    CURES,
    PERMANENCE,
    Unavailable,
    UnavailableReason,
    most_lasting,
)
from tests.cases import each_case


def test_each_reason_has_a_rank_and_a_cure() -> None:
    """None is left out of what reads them."""
    assert set(PERMANENCE) == set(CURES) == set(get_args(UnavailableReason))


def test_it_is_plain_json_and_goes_through_pickle() -> None:
    """As a verdict does that holds it."""
    made = Unavailable("timeout", ("a", "b"))
    assert made.to_dict() == {"reason": "timeout", "rules": ["a", "b"]}
    assert pickle.loads(pickle.dumps(made)) == made


@each_case(
    ("reasons", "expected"),
    [
        (["capacity", "crash", "timeout"], "crash"),
        (["timeout", "service"], "service"),
        (["capacity", "timeout"], "timeout"),
        (["capacity"], "capacity"),
        ([], "crash"),
    ],
)
def test_of_several_reasons_that_is_said_which_another_try_helps_least(
    reasons: list[UnavailableReason], expected: str
) -> None:
    """So that nobody is told to come back for what will not change."""
    assert most_lasting(reasons) == expected
