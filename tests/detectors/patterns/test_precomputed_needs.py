"""What rows need, from the file or worked out: the same."""

from __future__ import annotations

import json

from guardrails.detectors.patterns import literals
from guardrails.detectors.patterns.precomputed_needs import format_needs, look_up_needs
from guardrails.detectors.patterns.table import compile_row
from guardrails.detectors.pii import pii_detector
from guardrails.detectors.secrets import secrets_detector
from tests.cases import each_case

ROWS = [
    (row.pattern, compile_row(row).group)
    for row in (*pii_detector.CHOICE.rows, *secrets_detector.CHOICE.rows)
]
"""Every row of the built-in tables."""


@each_case("wide", [False, True])
def test_the_file_says_what_would_be_worked_out(wide: bool) -> None:
    """For every row of the built-in tables."""
    wrong = [
        pattern
        for pattern, group in ROWS
        if look_up_needs(pattern, group, wide=wide) != literals.find_needs(pattern, group, wide=wide)
    ]
    assert wrong == []


@each_case("pattern", [r"\bmy own-\d{4}\b", r"(?a)x", "", "(?i)straße"])
def test_other_rows_are_worked_out(pattern: str) -> None:
    """Whatever a policy has of its own."""
    assert look_up_needs(pattern, 0, wide=True) == literals.find_needs(pattern, 0, wide=True)


def test_a_row_has_one_line_whatever_the_order() -> None:
    """Twins count once; those of ASCII are the same for both kinds of texts."""
    one, other = (r"(?a)abc\d", 0), (r"abc\d", 0)
    made = [*format_needs([one, other, one])]
    assert made == [*format_needs([other, one])]
    assert len({json.loads(line)[0] for line in made}) == len(made) == 3
