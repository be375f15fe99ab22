"""The cache of findings: what it keeps, and its bounds."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from guardrails import Action, Detection, Guard
from guardrails.engine.core.findings_cache import CACHES, FULL, SHORTEST, Caches, FindingsCache
from guardrails.media.images.decode_cache import REMEMBERED, DecodedShape
from guardrails.media.limits import PictureLimits
from guardrails.types import CLEAN
from tests.cases import each_case


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
    """Cells of tables must not push out what is dear to judge, nor one huge text all others."""
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


def test_a_smaller_share_is_held_at_once() -> None:
    """What is too much goes when the share gets smaller, not when the next text comes."""
    cache = FindingsCache(entries=100, characters=4_000)
    for number in range(40):
        cache.entry(f"{number:0100}")
    assert len(cache) == 40
    cache.hold(0.5)
    assert len(cache) == 20
    assert cache.entry("x" * 300) is None
    cache.hold(1.0)
    assert cache.entry("x" * 300) == {}


@each_case("guards", [1, FULL, 5 * FULL])
def test_all_caches_together_are_bounded(guards: int) -> None:
    """However many guards there are, they hold what `FULL` may hold; where some go, those that are left may hold more."""
    of_process = Caches()
    caches = [of_process.new() for _ in range(guards)]
    for cache in caches:
        for number in range(5_000):
            cache.entry(f"{number:032}")
    most = min(guards, FULL) * 4096
    assert most - guards <= sum(map(len, caches)) <= most

    del caches[1:], cache
    others = [of_process.new() for _ in range(FULL - 1)]
    for number in range(5_000):
        caches[0].entry(f"{number:032}")
    assert (len(caches[0]), sum(map(len, others))) == (4096, 0)


def test_guards_of_one_policy_do_not_see_what_the_other_has_found(guard_of: Callable[..., Guard]) -> None:
    """They have their detectors in common, and nothing that was judged."""
    text = "detectors: {d: {use: terms, terms: [zqxshared], category: custom.d}}\n"
    text += "rules: [{id: r, on: input, when: custom.d > 0, then: block}]\n"
    one, two = guard_of(text), guard_of(text)
    assert one.policy.detectors[0].detector is two.policy.detectors[0].detector
    one.check(["a zqxshared that is long enough to be kept", "x"])
    assert (len(one.pipeline.cache), len(two.pipeline.cache)) == (1, 0)


def test_pictures_that_were_decoded_have_the_same_share() -> None:
    """Many guards together remember no more of them than a few."""
    cache = FindingsCache()
    for name in "ab":
        cache.shapes.add((name, PictureLimits()), DecodedShape(4, 3, 1, alpha=False, animated=False))
    cache.hold(1 / REMEMBERED)
    assert [name for name in "ab" if cache.shapes.get((name, PictureLimits()))] == ["b"]


def test_a_picture_on_its_way_is_another_than_the_finished_one() -> None:
    """Where both have the same bytes: what is found in each is not the same."""
    cache = FindingsCache()
    digest = "0a" * 32
    cache.picture(digest, partial=True)["detector"] = CLEAN
    assert cache.picture(digest) == {}
    assert cache.picture(digest, partial=True) == {"detector": CLEAN}


def test_one_that_keeps_everything_keeps_short_texts_and_those_that_come_alone(
    guard_of: Callable[..., Guard],
) -> None:
    """For two guards that judge the same, one after the other; a huge text still pushes out none."""
    cache = FindingsCache(every=True)
    assert cache.entry("a") == {}
    assert FindingsCache(characters=8_000, every=True).entry("x" * 1_001) is None
    policy = guard_of("detectors: {d: {use: terms, terms: [zqx], category: custom.d}}\nrules: []\n").policy
    shared = FindingsCache(every=True)
    for text in ("a", "zqx", "a"):
        Guard(policy, cache=shared).check(text)
    assert len(shared) == 2


def test_a_cache_is_shared_with_who_gives_it(guard_of: Callable[..., Guard], tmp_path: Path) -> None:
    """What one guard found the other need not look for; their verdicts are those of guards that share nothing."""
    path = tmp_path / "p.yaml"
    path.write_text(
        "format: 1\nname: p\ndetectors: {d: {use: terms, terms: [zqx], category: custom.d}}\n"
        "rules: [{id: r, on: input, when: custom.d > 0, then: block}]\n"
    )
    one = Guard.load(path)
    two = Guard.load(path, cache=one.pipeline.cache)
    texts = ["a zqx that is long enough to be kept by all", "another text"]
    assert [guard.check(texts).action for guard in (one, two, Guard.load(path))] == [Action.BLOCK] * 3
    assert two.pipeline.cache is one.pipeline.cache


def test_what_is_remembered_is_counted() -> None:
    """What was there, and what was not; what is not worth keeping is neither."""
    cache, before = FindingsCache(), (CACHES.hits, CACHES.misses)
    for text in ("a" * SHORTEST, "a" * SHORTEST, "b" * SHORTEST, "a"):
        cache.entry(text)
    assert (CACHES.hits - before[0], CACHES.misses - before[1]) == (1, 2)
