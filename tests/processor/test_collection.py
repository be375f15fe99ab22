"""Loading without looking for garbage."""

from __future__ import annotations

import gc
import weakref

import pytest

from guardrails.processor.collection import pause_collection
from tests.cases import each_case


class Garbage:
    """An object that holds on to itself."""

    def __init__(self) -> None:
        self.me = self


def test_nothing_is_collected_while_a_policy_is_loaded() -> None:
    """And everything again afterwards, whatever comes of it."""
    with pause_collection():
        assert not gc.isenabled()
    assert gc.isenabled()
    with pytest.raises(KeyError), pause_collection():
        {}["wrong"]
    assert gc.isenabled()


@each_case(("collect", "stays"), [(True, False), (False, True)])
def test_what_a_block_leaves_behind_goes_where_the_process_stays(collect: bool, stays: bool) -> None:
    """Before the rest is left alone for ever; a short command ends sooner than it would be found."""
    with pause_collection(collect=collect):
        left = weakref.ref(Garbage())
    assert (left() is not None) is stays
