"""Batches across callers: in order, bounded, in turns, and what happens when the device fails."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guardrails.cancellation import Cancelled, Token, within
from guardrails.inference.batcher import Batcher
from guardrails.inference.safety.model import load_safety_model
from guardrails.inference.safety.scores import Scores
from guardrails.inference.safety.session import OnnxSession
from guardrails.inference.safety.windows import TokenRow
from tests.cases import scale
from tests.waiting import wait_until


def row(number: int, length: int = 1) -> TokenRow:
    """Return a row of so many tokens, which only this number has."""
    return TokenRow((number,) * length, (0,) * length)


def scored(rows: Sequence[TokenRow]) -> list[Scores]:
    """Return each row's own number."""
    return [np.array([each.ids[0]], dtype=np.float32) for each in rows]


class Device:
    """A device that runs nothing until it may, and remembers its batches."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.begun, self.go = threading.Event(), threading.Event()

    def run(self, rows: Sequence[TokenRow]) -> list[Scores]:
        self.batches.append([each.ids[0] for each in rows])
        self.begun.set()
        assert self.go.wait(10)
        return scored(rows)


@settings(max_examples=scale(30))  # each leaves an idle thread behind
@given(st.lists(st.lists(st.integers(1, 9), max_size=12), max_size=6), st.integers(1, 5))
def test_each_caller_has_its_own_rows_in_order(callers: list[list[int]], most: int) -> None:
    """Whoever else asks at the same time, and however batches are cut."""
    sizes: list[int] = []

    def run(rows: Sequence[TokenRow]) -> list[Scores]:
        sizes.append(len(rows))
        return scored(rows)

    batcher = Batcher(run, most)
    with ThreadPoolExecutor(6) as threads:
        asked = [
            threads.submit(batcher.map, [row(at, length) for at, length in enumerate(lengths)])
            for lengths in callers
        ]
        found = [[int(each[0]) for each in call.result()] for call in asked]
    assert found == [list(range(len(lengths))) for lengths in callers]
    assert sum(sizes) == sum(map(len, callers))
    assert max(sizes, default=0) <= most


def test_a_short_text_does_not_wait_for_a_long_one() -> None:
    """What gathers while the device works makes full batches, in turns of the callers."""
    device = Device()
    batcher = Batcher(device.run, 4)
    with ThreadPoolExecutor(3) as threads:
        first = threads.submit(batcher.map, [row(100)])
        assert device.begun.wait(10)
        long = threads.submit(batcher.map, [row(at) for at in range(20)])
        while not batcher._callers:
            assert not long.done()
        short = threads.submit(batcher.map, [row(200)])
        while len(batcher._callers) < 2:
            assert not short.done()
        device.go.set()
        wait([first, long, short], 10)
    assert device.batches[0] == [100]
    assert 200 in device.batches[1]
    assert [len(batch) for batch in device.batches] == [1, 4, 4, 4, 4, 4, 1]


def test_a_failure_reaches_those_it_concerns() -> None:
    """The callers of a batch that fails get its error; the device goes on."""

    def run(rows: Sequence[TokenRow]) -> list[Scores]:
        if any(not each.ids[0] for each in rows):
            raise MemoryError("the device is full")
        return scored(rows)

    batcher = Batcher(run, 1)
    with pytest.raises(MemoryError, match="the device is full"):
        batcher.map([row(0)])
    assert [int(each[0]) for each in batcher.map([row(3), row(4)])] == [3, 4]


def test_scores_for_other_rows_than_asked_are_a_failure() -> None:
    """A device that answers too little is an error of the callers, who do not wait for ever."""
    batcher = Batcher(lambda rows: scored(rows)[1:], 2)
    with pytest.raises(ValueError, match="zip"):
        batcher.map([row(1), row(2)])


def test_a_model_on_a_device_gives_the_same_scores(
    text_folder: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A session that wants many rows at a time gets them in batches."""
    words = {"grey": {"toxic": 1.0}, "bomb": {"toxic": 3.0}}
    texts = ["grey", "bomb", "so", "grey grey so", "bomb so so so so"] * 3
    scores = []
    for rows in (1, 4):
        monkeypatch.setattr(OnnxSession, "rows", rows)
        model = load_safety_model(text_folder(words, {}, languages=["en", str(rows)]))
        fast = model.fast(texts)
        scores.append(model.both([model.tokens.row(model.tokens.ids(text)) for text in texts], fast.logits))
    assert np.allclose(scores[0], scores[1])


def test_a_child_process_has_a_device_thread_of_its_own() -> None:
    """What ran in the parent is not there any more, nor are its callers."""
    threads: list[int] = []

    def run(rows: Sequence[TokenRow]) -> list[Scores]:
        threads.append(threading.get_ident())
        return scored(rows)

    batcher = Batcher(run, 2)
    assert len(batcher.map([row(1), row(2)])) == 2
    batcher.reset_in_child()
    assert [int(each[0]) for each in batcher.map([row(3)])] == [3]
    assert len({*threads}) == 2


def test_rows_that_nobody_waits_for_are_not_run() -> None:
    """Whoever asked for them is told; the rows of others are run as ever."""
    device, token = Device(), Token()
    batcher = Batcher(device.run, 4)

    def ask(number: int, until: Token) -> list[Scores]:
        with within(until):
            return batcher.map([row(number)] * 2)

    with ThreadPoolExecutor(3) as threads:
        first = threads.submit(ask, 1, Token())
        assert device.begun.wait(10)
        gone = threads.submit(ask, 2, token)
        other = threads.submit(ask, 3, Token())
        wait_until(lambda: len(batcher._callers) == 2)
        token.cancel()
        device.go.set()
        assert [int(each[0]) for each in (*first.result(), *other.result())] == [1, 1, 3, 3]
        with pytest.raises(Cancelled):
            gone.result()
    assert 2 not in [number for batch in device.batches for number in batch]
