"""Memory: what is kept of rows that were judged, and for how long."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardrails.cancellation import Cancelled, Token, within
from guardrails.inference.memory import ResultCache
from guardrails.inference.safety.model import load_safety_model
from guardrails.inference.safety.scores import Scores
from guardrails.inference.safety.session import OnnxSession
from guardrails.inference.safety.windows import TokenRow


def row(number: int) -> TokenRow:
    """Return a row that only this number has."""
    return TokenRow((1, number, 2), (0, 0, 0))


@given(st.lists(st.integers(0, 9), max_size=60), st.integers(1, 5))
def test_the_rows_used_last_are_kept(numbers: list[int], most: int) -> None:
    """A row is run where it is not among the last `most` distinct ones, and its logits are always its own."""
    memory = ResultCache(most)
    used: list[int] = []
    for number in numbers:
        ran: list[TokenRow] = []

        def run(rows: Sequence[TokenRow], ran: list[TokenRow] = ran) -> list[Scores]:
            ran.extend(rows)
            return [np.full(3, row.ids[1], dtype=np.float32) for row in rows]

        assert (memory.get([row(number)], run)[row(number)] == number).all()
        assert bool(ran) == (number not in list(dict.fromkeys(reversed(used)))[:most])
        used.append(number)


def test_what_another_call_is_at_work_on_is_waited_for() -> None:
    """Two calls at once run a row once; both have its logits."""
    memory, begun, go = ResultCache(4), threading.Event(), threading.Event()
    ran: list[TokenRow] = []

    def run(rows: Sequence[TokenRow]) -> list[Scores]:
        ran.extend(rows)
        begun.set()
        assert go.wait(10)
        return [np.full(3, each.ids[1], dtype=np.float32) for each in rows]

    with ThreadPoolExecutor(2) as threads:
        first = threads.submit(memory.get, [row(1)], run)
        assert begun.wait(10)
        second = threads.submit(memory.get, [row(1), row(2)], run)
        while row(2) not in ran:  # the second call has begun its own row, and so knows of the first's
            assert not second.done()
        go.set()
        assert (first.result()[row(1)] == second.result()[row(1)]).all()
    assert sorted(each.ids[1] for each in ran) == [1, 2]


def test_what_another_call_is_at_work_on_is_waited_for_until_the_deadline() -> None:
    """Who has no more time is told so; the other call goes on."""
    memory, begun, go = ResultCache(4), threading.Event(), threading.Event()

    def run(rows: Sequence[TokenRow]) -> list[Scores]:
        begun.set()
        assert go.wait(10)
        return [np.ones(3, dtype=np.float32)]

    with ThreadPoolExecutor(1) as threads:
        first = threads.submit(memory.get, [row(1)], run)
        assert begun.wait(10)
        with within(Token(time.perf_counter() + 0.02)), pytest.raises(Cancelled):
            memory.get([row(1)], run)
        go.set()
        assert (first.result(10)[row(1)] == 1).all()


def test_a_failure_is_raised_and_not_kept() -> None:
    """Both the call that ran a row and the one that waited raise; the next call runs it again."""
    memory, begun, go = ResultCache(4), threading.Event(), threading.Event()

    def fails(rows: Sequence[TokenRow]) -> list[Scores]:
        begun.set()
        assert go.wait(10)
        raise OSError(f"{len(rows)} lost")

    with ThreadPoolExecutor(2) as threads:
        first = threads.submit(memory.get, [row(1)], fails)
        assert begun.wait(10)
        second = threads.submit(memory.get, [row(1)], fails)
        go.set()
        for call in (first, second):
            with pytest.raises(OSError, match="1 lost"):
                call.result()
    assert (memory.get([row(1)], lambda rows: [np.ones(3, dtype=np.float32)])[row(1)] == 1).all()


def test_a_row_is_judged_once(text_folder: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """What stood in an earlier call, or twice in this one, is not run again; scores are the same."""
    folder: Path = text_folder({"grey": {"toxic": 1.0}, "bomb": {"toxic": 3.0}}, {})
    model = load_safety_model(folder)
    rows = [model.tokens.row(model.tokens.ids(text)) for text in ("grey", "bomb", "grey bomb", "grey")]
    ran: list[TokenRow] = []
    run = OnnxSession.run

    def counted(self: OnnxSession, given: Any) -> Scores:
        ran.extend(given[0].tolist())
        return run(self, given)

    monkeypatch.setattr(OnnxSession, "run", counted)
    hashed = np.zeros((4, len(model.heads)), dtype=np.float32)
    first = model.both(rows[:2], hashed[:2])
    second = model.both(rows, hashed)
    assert len(ran) == 3
    assert (second[:2] == first).all()
    assert (second[3] == first[0]).all()


def test_a_row_that_another_caller_gave_up_is_run_again() -> None:
    """Who waits for it is not told of a cancellation that was not meant for him."""
    memory, begun, go = ResultCache(4), threading.Event(), threading.Event()

    def given_up(rows: Sequence[TokenRow]) -> list[Scores]:
        begun.set()
        assert go.wait(10)
        raise Cancelled

    def run(rows: Sequence[TokenRow]) -> list[Scores]:
        go.set()  # by now the second call waits for the first one's row
        return [np.full(3, each.ids[1], dtype=np.float32) for each in rows]

    with ThreadPoolExecutor(2) as threads:
        first = threads.submit(memory.get, [row(1)], given_up)
        assert begun.wait(10)
        second = threads.submit(memory.get, [row(1), row(2)], run)
        assert (second.result(10)[row(1)] == 1).all()
        with pytest.raises(Cancelled):
            first.result(10)


def test_what_was_done_before_a_call_was_given_up_is_not_done_again() -> None:
    """Neither by the next call nor by one that waits; it counts once."""
    memory: ResultCache[TokenRow, Scores] = ResultCache(2)
    ran: list[int] = []

    def run(rows: Sequence[TokenRow], most: int = 9) -> list[Scores]:
        found = []
        for each in rows:
            if len(ran) >= most:
                raise Cancelled
            ran.append(each.ids[1])
            found.append(memory.keep(each, np.full(3, each.ids[1], dtype=np.float32)))
        return found

    with pytest.raises(Cancelled):
        memory.get([row(1), row(2)], lambda rows: run(rows, most=1))
    for _ in range(2):
        found = memory.get([row(1), row(2)], run)
        assert [found[row(number)][0] for number in (1, 2)] == [1, 2]
    assert ran == [1, 2]
