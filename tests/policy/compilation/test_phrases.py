"""Phrases of exceptions: where they stand in a text, and the text without them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from guardrails.policy.compilation.phrases import Phrases, leave_out
from tests.cases import each_case

WORDS = st.lists(
    st.sampled_from(["shoot", "a", "payment", "over", "so", "é", "ﬁ", "\u200b", "日本", " ", ". "]),
    max_size=12,
)


@each_case(
    ("phrase", "text", "found"),
    [
        ("shoot a payment", "Shoot a payment over", ["Shoot a payment"]),
        ("shoot a payment", "shoot\na payment", ["shoot\na payment"]),
        ("shoot a payment", "shoot a payments, reshoot a payment", []),
        ("café", "the CAFE and the cafe\u0301", ["CAFE", "cafe\u0301"]),
        ("支付", "我要支付了", ["支付"]),
        ("a a", "a a a", ["a a", "a a"]),
        ("shoot", "sh00t", []),
        ("", "anything", []),
    ],
)  # fmt: skip
def test_phrases_are_found_as_whole_words_folded(phrase: str, text: str, found: list[str]) -> None:
    """Case, accents and white space make no difference, disguises do: an exception is read plainly."""
    assert [text[start:end] for start, end in Phrases([phrase]).find(text)] == found


@each_case(("reach", "found"), [(0, []), (4, []), (5, ["ours"]), (40, ["ours"]), (80, ["ours", "ours"])])
def test_phrases_are_near_up_to_so_many_characters(reach: int, found: list[str]) -> None:
    """A phrase counts that lies whole within reach, before or behind."""
    text = "ours zqxbomb" + " " * 70 + "ours"
    near = Phrases(["ours"]).find_around(text, (5, 12), reach)
    assert [text[start:end] for start, end in near] == found


@given(WORDS, st.integers(0, 20), st.integers(0, 20), st.integers(0, 12), st.text(max_size=5))
def test_what_is_near_does_not_depend_on_what_is_further_away(
    words: list[str], start: int, length: int, reach: int, more: str
) -> None:
    """Of a text that grows or was forgotten in part, the same is said once what lies within reach is there."""
    text = "".join(words)
    start = min(start, len(text))
    span = (start, min(len(text), start + length))
    low, high = max(0, span[0] - reach - 1), span[1] + reach + 1
    phrases = Phrases(["shoot a", "payment", "é"])
    whole = [*phrases.find_around(text + more, span, reach)] if high <= len(text) else None
    part = text[low:high]
    if whole is not None:
        moved = (span[0] - low, span[1] - low)
        if low > 0:
            assert [*phrases.find_around("." + part + ".", (moved[0] + 1, moved[1] + 1), reach)] == [
                (first - low + 1, last - low + 1) for first, last in whole
            ]
        assert whole == [*phrases.find_around(text[:high] + ".", span, reach)]


@each_case(
    ("text", "stretches", "left"),
    [
        ("abcdef", [(1, 3)], "a def"),
        ("abcdef", [(0, 2), (1, 4)], "ef"),
        ("abcdef", [(3, 6), (0, 1)], "bc"),
        ("abcdef", [(0, 6)], ""),
        ("abcdef", [], "abcdef"),
    ],
)
def test_a_text_without_stretches(text: str, stretches: list[tuple[int, int]], left: str) -> None:
    """What stood on both sides of one does not become a word."""
    assert leave_out(text, stretches) == left
