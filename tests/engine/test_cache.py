"""The cache of findings: what it keeps, and its bounds."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from guardrails import Detection
from guardrails.engine.cache import SHORTEST, FindingsCache


def test_what_was_put_in_is_found_again() -> None:
    """The entry of a text is the same object at each look-up, and another text has another."""
    cache = FindingsCache()
    entry = cache.entry("a" * 40)
    assert entry == {}
    assert entry is not None
    entry["digest"] = Detection()
    assert cache.entry("a" * 40) is entry
    assert cache.entry("b" * 40) == {}


def test_texts_not_worth_keeping_have_no_entry() -> None:
    """Short texts cost as much to look up as to search; one huge text must not push out all others."""
    cache = FindingsCache(characters=8000)
    assert cache.entry("a" * (SHORTEST - 1)) is None
    assert cache.entry("a" * SHORTEST) == {}
    assert cache.entry("a" * 1001) is None


@given(st.lists(st.integers(0, 60), max_size=200))
def test_the_least_recently_used_goes_first_and_both_bounds_hold(asked: list[int]) -> None:
    """At any time the newest texts are kept, no more than the entries and characters that are allowed."""
    cache = FindingsCache(entries=12, characters=1_000)
    recent: list[str] = []
    for number in asked:
        text = f"{number:02}" * (16 + number)
        known = text in recent
        entry = cache.entry(text)
        if len(text) * 8 > 1_000:
            assert entry is None
            continue
        assert entry is not None
        assert bool(entry) is known
        entry["seen"] = Detection()
        recent = [*(other for other in recent if other != text), text]
        while len(recent) > 12 or sum(map(len, recent)) > 1_000:
            recent.pop(0)
        assert len(cache) == len(recent)


def test_the_characters_held_are_bounded_for_ever() -> None:
    """What goes makes room again: a long stream of texts always leaves the newest ones in."""
    cache = FindingsCache(entries=1_000, characters=1_000)
    for number in range(50):
        assert cache.entry(f"{number:0100}") == {}
        assert len(cache) == min(number + 1, 10)
