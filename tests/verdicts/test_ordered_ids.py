"""Ids that begin with the time: in order, of one form, and not to be guessed."""

from __future__ import annotations

import re
import time

from guardrails import Guard
from guardrails.verdicts.ordered_ids import make_id, make_verdict_id
from tests.cases import each_case


@each_case(("prefix", "size"), [("vd_", 12), ("req_", 16)])
def test_an_id_is_the_time_and_chance(prefix: str, size: int) -> None:
    """The first six bytes are the milliseconds at which it was made; of a thousand that are made at once none is another."""
    before = time.time_ns() // 1_000_000
    made = [make_id(prefix, size) for _ in range(1_000)]
    after = time.time_ns() // 1_000_000
    assert all(re.fullmatch(rf"{prefix}[0-9a-f]{{{2 * size}}}", each) for each in made)
    times = [int(each.removeprefix(prefix)[:12], 16) for each in made]
    assert before <= times[0] <= times[-1] <= after
    assert times == sorted(times)
    assert len({each[-2 * (size - 6) :] for each in made}) == len(made)


def test_a_verdict_has_such_an_id() -> None:
    """As long as ids of verdicts always were."""
    before = make_verdict_id()
    found = Guard.load("pii-only").check("hello").id
    assert re.fullmatch("vd_[0-9a-f]{24}", found)
    assert before[:15] <= found[:15] <= make_verdict_id()[:15]
