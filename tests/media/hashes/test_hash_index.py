"""The index of hashes finds what comparing all of them finds."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from guardrails.media.hashes.hash_index import FEW, REACH, _all, build_tables, search_tables
from tests.cases import each_case


def rows(count: int, seed: int = 0) -> Any:
    """Return so many hashes."""
    return np.random.default_rng(seed).integers(0, 2**64, (count, 4), dtype=np.uint64)


def flipped(row: Any, bits: list[int]) -> Any:
    """Return a hash with some bits changed."""
    changed = row.copy()
    for bit in bits:
        changed[bit // 64] ^= np.uint64(1 << (bit % 64))
    return changed


def pairs(found: Any) -> list[tuple[int, int, int]]:
    """Return what was found, in order."""
    return sorted((int(which), int(at), int(far)) for which, at, far in zip(*found, strict=True))


MANY = rows(FEW + 1_000)
TABLES = build_tables(MANY)


@given(
    st.lists(
        st.tuples(
            st.integers(0, len(MANY) - 1), st.lists(st.integers(0, 255), max_size=REACH + 2, unique=True)
        ),
        min_size=1,
        max_size=8,
    )
)
def test_the_tables_find_all_that_is_within_reach(asked: list[tuple[int, list[int]]]) -> None:
    """Whichever bits differ."""
    hashes = np.array([flipped(MANY[at], bits) for at, bits in asked])
    found = pairs(search_tables(MANY, TABLES, hashes, REACH))
    assert found == pairs(_all(MANY, hashes, REACH))
    assert {(number, at) for number, (at, bits) in enumerate(asked) if len(bits) <= REACH} <= {
        pair[:2] for pair in found
    }


@given(st.integers(0, len(MANY) - 1), st.lists(st.integers(0, 255), max_size=REACH, unique=True))
def test_a_guess_finds_what_has_a_word_in_common(at: int, bits: list[int]) -> None:
    """And nothing that a thorough search does not find."""
    asked = np.array([flipped(MANY[at], bits)])
    found = pairs(search_tables(MANY, TABLES, asked, REACH, thorough=False))
    assert set(found) <= set(pairs(_all(MANY, asked, REACH)))
    assert ((0, at, len(bits)) in found) is (len({bit // 16 for bit in bits}) < 16)


@given(st.integers(0, 128))
def test_any_reach_is_found(reach: int) -> None:
    """By the tables up to 31, by comparing all above."""
    hashes = MANY[:2] ^ np.uint64(0b101)
    assert pairs(search_tables(MANY, TABLES, hashes, reach)) == pairs(_all(MANY, hashes, reach))


def test_hashes_that_share_words_are_found() -> None:
    """Thousands of the same picture, for which tables help nothing."""
    same = np.tile(rows(1), (FEW + 500, 1))
    same[:, 3] += np.arange(len(same), dtype=np.uint64)
    asked = same[:3]
    assert pairs(search_tables(same, build_tables(same), asked, REACH)) == pairs(_all(same, asked, REACH))


@each_case("count", [0, 1, 100])
def test_a_few_have_no_tables(count: int) -> None:
    """A list of one hash finds it."""
    few = rows(count)
    assert build_tables(few) == {}
    assert pairs(search_tables(few, {}, few, 0)) == [(at, at, 0) for at in range(count)]
