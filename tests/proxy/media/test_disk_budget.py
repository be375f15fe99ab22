"""How much all files of a process take."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from guardrails.errors import Overloaded
from guardrails.proxy.media.disk_budget import DiskBudget

MOST = 10


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(-1, 6)), max_size=40))
def test_no_more_than_there_may_be_is_held_by_several(steps: list[tuple[int, int]]) -> None:
    """Files grow, or go (-1); one that is alone may be larger than all may be together, and what is refused holds nothing more."""
    disk, own = DiskBudget(MOST), [0, 0, 0, 0]
    for at, size in steps:
        before = sum(own)
        if size < 0:
            disk.give_back(own[at])
            own[at] = 0
        else:
            alone = before == own[at]
            try:
                disk.take(size, own[at])
                own[at] += size
                assert alone or sum(own) <= MOST
            except Overloaded:
                assert not alone
                assert before + size > MOST
        assert disk.held == sum(own)
