"""Which way a condition changes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from guardrails.authoring.diff.conditions import classify_change, split_tokens
from tests.cases import each_case


@each_case(
    ("old", "new", "expected"),
    [
        ("hate >= 0.8", "hate  >=  0.80", "wording"),
        ("hate >= 0.8", "hate >= 0.8 // as agreed", "wording"),
        ("hate >= 0.8", "hate >= 0.9", "laxer"),
        ("hate >= 0.8", "hate >= 0.7", "stricter"),
        ("hate > 0", "hate > 0.5", "laxer"),
        ("0.8 <= hate", "0.9 <= hate", "laxer"),
        ("0.8 < hate", "0.7 < hate", "stricter"),
        ("hate < 0.8", "hate < 0.9", "stricter"),
        ("hate <= 0.9", "hate <= 0.8", "laxer"),
        ('count("pii") >= 2', 'count("pii") >= 3', "laxer"),
        (
            'hate > 0.5 && request.user.tier != "staff"',
            'hate > 0.4 && request.user.tier != "staff"',
            "stricter",
        ),
        ('hate > 0.5 && message.role in ["user"]', 'hate > 0.6 && message.role in ["user"]', "laxer"),
        ("hate > 0.5 || spam > 0.5", "hate > 0.6 || spam > 0.7", "laxer"),
        ("hate > 0.5 || spam > 0.5", "hate > 0.6 || spam > 0.4", "condition"),
        ("!(hate >= 0.8)", "!(hate >= 0.9)", "condition"),
        ("hate > 0.5 ? spam > 0.1 : spam > 0.9", "hate > 0.6 ? spam > 0.1 : spam > 0.9", "condition"),
        ("(hate > 0.5) == (spam > 0.5)", "(hate > 0.6) == (spam > 0.5)", "condition"),
        ("(hate > 0.5) == false", "(hate > 0.6) == false", "condition"),
        ("hate - spam > 0.5", "hate - spam > 0.6", "condition"),
        ("0.2 < hate && 0.9 > hate", "0.2 < spam && 0.9 > hate", "condition"),
        ("size([1, 2]) > 1", "size([1, 3]) > 1", "condition"),
        ("hate > 0.5", "spam > 0.5", "condition"),
        ("hate > 0.5", "hate > 0.5 && spam > 0.5", "condition"),
        ('tool.name == "a"', 'tool.name == "b"', "condition"),
        ('tool.name == "a 0.5"', 'tool.name == "a 0.6"', "condition"),
        ("hate > 0.5", "hate >= 0.5", "condition"),
    ],
)
def test_tells_what_is_certain(old: str, new: str, expected: str) -> None:
    """Thresholds alone say which way, where nothing turns them round; all else may be stricter."""
    assert classify_change(old, new) == expected


SCORES = st.floats(0, 1, allow_nan=False).map(lambda value: round(value, 3))


@given(SCORES, SCORES, SCORES, st.sampled_from((">", ">=", "<", "<=")), st.booleans())
def test_says_laxer_only_where_nothing_more_is_stopped(
    old: float, new: float, score: float, sign: str, turned: bool
) -> None:
    """Whatever the score: what holds under a laxer condition held before, and the other way round for a stricter one."""
    before, after = (f"{at} {sign} hate" if turned else f"hate {sign} {at}" for at in (old, new))
    held, holds = (eval(each, {"hate": score}) for each in (before, after))  # comparisons are Python, too
    told = classify_change(before, after)
    assert told in ("wording", "laxer", "stricter")
    assert not (told == "laxer" and holds and not held)
    assert not (told == "stricter" and held and not holds)
    assert not (told == "wording" and held is not holds)


def test_words_are_told_apart_without_blanks() -> None:
    """Quotes hold what they hold, comments nothing."""
    assert split_tokens('a.b>=0.5&&c == "x // y" // z') == ["a.b", ">=", "0.5", "&&", "c", "==", '"x // y"']
