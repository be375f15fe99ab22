"""Edits: spans in, new texts out."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardrails import Action, Finding, Guard, Image, Text
from guardrails.engine.actions import REPLACEMENTS, Span, edits, mask, placeholder, replaced, spans
from guardrails.engine.evaluate import Fired
from guardrails.engine.fields import Leaf
from guardrails.policy.compile import Rule


@pytest.fixture(scope="module")
def rules(guard_of: Callable[..., Guard]) -> tuple[Rule, Rule, Rule]:
    """Three redact rules: the first in the file, a mask after it, and a grave one at the end."""
    guard = guard_of("""
detectors:
  words: {use: terms, terms: [x], category: custom.word}
rules:
  - {id: first, on: input, when: custom.word > 0, then: redact}
  - {id: masks, on: input, when: custom.word > 0, then: redact, with: mask}
  - {id: grave, on: input, when: custom.word > 0, then: redact, severity: critical}
""")
    first, masks, grave = guard.policy.rules
    return first, masks, grave


@pytest.mark.parametrize(
    ("category", "shown"),
    [
        ("pii.email", "[EMAIL]"),
        ("pii.credit_card", "[CREDIT_CARD]"),
        ("secret.aws_access_key", "[SECRET]"),
        ("secret", "[SECRET]"),
        ("hate", "[HATE]"),
        ("hate.threatening", "[THREATENING]"),
        ("custom.team.name", "[NAME]"),
    ],
)
def test_a_placeholder_names_the_kind_in_capitals(category: str, shown: str) -> None:
    """The last part of the category, except that all credentials are one kind."""
    assert placeholder(category, "whatever") == shown


@given(st.text())
def test_a_mask_hides_every_character_but_white_space(text: str) -> None:
    """Lines and words stay where they are; nothing else can be read."""
    masked = mask("hate", text)
    assert len(masked) == len(text)
    assert all(new == (old if old.isspace() else "*") for old, new in zip(text, masked, strict=True))


def test_each_replacement_of_the_schema_is_in_the_table() -> None:
    """What `with:` may name is what the table has."""
    assert REPLACEMENTS.keys() == {"placeholder", "mask"}


intervals = st.lists(st.tuples(st.integers(0, 30), st.integers(1, 6)), max_size=8)


@given(st.text("abc ", min_size=37, max_size=37), intervals)
def test_only_the_spans_change(rules: tuple[Rule, ...], text: str, chosen: list[tuple[int, int]]) -> None:
    """Characters outside the spans stay as they were, and nothing of what was inside remains."""
    found = [Span(a, a + n, rules[0], Finding("custom.word", 1.0, "d", (a, a + n))) for a, n in chosen]
    inside = {index for span in found for index in range(span.start, span.end)}
    expected = ""
    for index, char in enumerate(text):
        if index not in inside:
            expected += char
        elif index - 1 not in inside or (
            any(span.start == index for span in found)
            and not any(span.start < index < span.end for span in found)
        ):
            expected += "[WORD]"
    assert replaced(text, found) == expected


def test_overlapping_spans_are_replaced_once_by_the_first_rule(rules: tuple[Rule, ...]) -> None:
    """The graver rule comes first, then the place in the file; spans that only touch stay two."""
    first, masks, grave = rules

    def span(start: int, end: int, rule: Rule, category: str) -> Span:
        return Span(start, end, rule, Finding(category, 1.0, "d", (start, end)))

    text = "0123456789"
    assert replaced(text, [span(2, 5, masks, "pii.a"), span(4, 7, first, "pii.b")]) == "01[B]789"
    assert replaced(text, [span(2, 5, grave, "pii.a"), span(4, 9, first, "pii.b")]) == "01[A]9"
    assert replaced(text, [span(2, 9, first, "pii.long"), span(3, 4, first, "pii.short")]) == "01[LONG]9"
    assert replaced(text, [span(2, 4, first, "pii.a"), span(4, 6, first, "pii.b")]) == "01[A][B]6789"
    assert replaced(text, [span(2, 6, masks, "pii.a"), span(4, 8, masks, "pii.b")]) == "01******89"


@given(st.text(min_size=1), st.text(min_size=1), st.text(min_size=1), st.data())
def test_a_finding_in_a_joined_text_leaves_no_piece_in_any_part(
    rules: tuple[Rule, ...], before: str, found: str, after: str, data: st.DataObject
) -> None:
    """However the whole is cut, the parts together are what the whole would be with its one placeholder."""
    whole = before + found + after
    cuts = sorted(data.draw(st.sets(st.integers(1, len(whole) - 1), min_size=1, max_size=4)))
    parts = [whole[a:b] for a, b in zip([0, *cuts], [*cuts, len(whole)], strict=True)]
    starts = [0, *cuts]
    leaves = [Leaf(Text(part), (index,)) for index, part in enumerate(parts)]
    leaves.append(Leaf(Text(whole), pieces=tuple(enumerate(starts))))
    finding = Finding("custom.word", 1.0, "d", (len(before), len(before) + len(found)))
    fired = Fired(rules[0], Action.REDACT, "matched", (len(parts),), replace=((len(parts), finding),))
    texts, blocks = edits(leaves, [fired])
    assert blocks == []
    assert "".join(texts.get(index, part) for index, part in enumerate(parts)) == f"{before}[WORD]{after}"


@pytest.mark.parametrize("leaf", [Leaf(Text("abcdef"), editable=False), Leaf(Image(b"abcdef"))])
def test_what_must_not_be_changed_is_blocked(rules: tuple[Rule, ...], leaf: Leaf) -> None:
    """A redaction in an identifier, or in what is no text, becomes a block by the same rules."""
    finding = Finding("custom.word", 1.0, "d", (1, 3))
    fired = [Fired(rule, Action.REDACT, "matched", (0,), replace=((0, finding),)) for rule in rules[:2]]
    texts, blocks = edits([leaf], fired)
    assert texts == {}
    assert [(each.rule.id, each.action, each.reason) for each in blocks] == [
        ("first", Action.BLOCK, "unsafe_edit"),
        ("masks", Action.BLOCK, "unsafe_edit"),
    ]


def test_spans_are_grouped_by_leaf(rules: tuple[Rule, ...]) -> None:
    """Each leaf gets its own stretches, in its own offsets."""
    leaves = [Leaf(Text("abc")), Leaf(Text("def")), Leaf(Text("abcdef"), pieces=((0, 0), (1, 3)))]
    finding = Finding("custom.word", 1.0, "d", (2, 5))
    found = spans(leaves, [Fired(rules[0], Action.REDACT, "matched", (2,), replace=((2, finding),))])
    assert {leaf: [(s.start, s.end, s.leads) for s in each] for leaf, each in found.items()} == {
        0: [(2, 3, True)],
        1: [(0, 2, False)],
    }
