"""Which heads a text needs, by what stands beside it, and scores of a few words."""

from __future__ import annotations

import numpy as np

from guardrails.detectors.classifier.head_table import HeadGroups, HeadTable, doubt
from guardrails.inference.safety.folder import FewWords
from tests.cases import each_case

ONE, TWO, NONE = np.array([True, False]), np.array([False, True]), np.array([False, False])


def test_groups_without_heads_are_left_out() -> None:
    """They would have windows read for nothing; what is wanted is of all groups together."""
    found = HeadGroups.make([ONE, NONE], [TWO])
    assert [(group.tolist(), beside) for group, beside in found.groups] == [
        ([True, False], False),
        ([False, True], True),
    ]
    assert found.wanted.tolist() == [True, True]
    assert HeadGroups.make([NONE]).groups == ()


@each_case(("prompt", "expected"), [(None, "text"), ((), "reply"), ((5, 6), "pair")])
def test_the_prompt_says_which_heads_a_text_needs(prompt: tuple[int, ...] | None, expected: str) -> None:
    """None: it is no reply; no tokens: the prompt is not known."""
    table = HeadTable(HeadGroups.make([ONE]), HeadGroups.make([TWO]), HeadGroups.make([ONE], [TWO]))
    assert table.of(prompt) is getattr(table, expected)


@each_case(
    ("found", "alone", "expected"),
    [(0.9, 0.7, 0.9), (0.9, 0.5, 0.6), (0.4, 0.5, 0.4), (0.4, 0.9, 0.4)],
)
def test_a_few_words_are_doubted_where_the_fast_tier_does_not_agree(
    found: float, alone: float, expected: float
) -> None:
    """Their score is then at most the limit, and never more than it was."""
    few = FewWords(words=4, agreement=0.68, doubted=0.6)
    given = np.array([[found]], dtype=np.float32)
    assert doubt(given, np.array([[alone]], dtype=np.float32), few).tolist() == [[np.float32(expected)]]
