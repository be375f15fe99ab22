"""Streams whose events stand apart, without any call: bytes in, what may go on out, however they are cut."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardrails import BackendError, Blocked, Guard
from guardrails.protocols.images.protocol import GENERATIONS
from guardrails.wrapping.sdk.exchange import Exchange, Terms
from guardrails.wrapping.sdk.independent_events import IndependentResponse
from tests.cases import each_case

PARTIAL, LAST = "image_generation.partial_image", "image_generation.completed"
CUTS = st.lists(st.integers(0, 400), max_size=8)


def told(*events: dict[str, Any], done: bool = False) -> bytes:
    """Return the bytes of a stream."""
    raw = "".join(f"event: {each['type']}\ndata: {json.dumps(each)}\n\n" for each in events)
    return raw.encode() + (b"data: [DONE]\n\n" if done else b"")


def pieces(raw: bytes, cuts: list[int]) -> list[bytes]:
    """Return bytes cut at these places."""
    at = [0, *sorted(min(cut, len(raw)) for cut in cuts), len(raw)]
    return [raw[start:end] for start, end in itertools.pairwise(at)]


def passed(guard: Guard, raw: bytes, cuts: list[int]) -> bytes:
    """Return what may go on of a stream, on an event loop and without one."""

    def exchange() -> Exchange:
        return Exchange(Terms(guard, answers=True), GENERATIONS, {"prompt": "x", "stream": True})

    async def apart() -> bytes:
        async def some() -> AsyncIterator[bytes]:
            for piece in pieces(raw, cuts):
                yield piece

        return b"".join([out async for out in IndependentResponse(exchange()).areleased(some())])

    found = b"".join(IndependentResponse(exchange()).released(pieces(raw, cuts)))
    assert asyncio.run(apart()) == found
    return found


@pytest.fixture(scope="module")
def lenient(guard_of: Any, kit: Any) -> Guard:
    """A guard that lets events pass which have no picture."""
    made: Guard = guard_of(kit.POLICY + "unchecked: {part: flag, image: flag}\n")
    return made


@given(cuts=CUTS)
def test_events_go_on_as_they_came(lenient: Guard, cuts: list[int]) -> None:
    """Byte for byte."""
    raw = told({"type": PARTIAL, "partial_image_index": 0}, {"type": LAST, "size": "1x1"}, done=True)
    assert passed(lenient, raw, cuts) == raw


@given(cuts=CUTS)
def test_texts_are_redacted(lenient: Guard, cuts: list[int]) -> None:
    """What else an event says stays."""
    raw = told({"type": PARTIAL}, {"type": LAST, "x_new": "a zqxmask", "size": "1x1"})
    assert passed(lenient, raw, cuts).endswith(
        b'data: {"type":"image_generation.completed","x_new":"a [MASK]","size":"1x1"}\n\n'
    )


def test_a_block_is_raised(lenient: Guard) -> None:
    """Whichever way blocks are answered."""
    with pytest.raises(Blocked):
        passed(lenient, told({"type": PARTIAL, "x_new": "zqxbomb"}, {"type": LAST}), [])


@each_case(
    "raw",
    [
        told({"type": PARTIAL}),
        b"",
        b"event: other\n" + told({"type": LAST}).partition(b"\n")[2],
        b"data: [1]\n\n",
        b"data: {\n\n",
    ],
)
def test_a_stream_that_is_none_cannot_be_judged(lenient: Guard, raw: bytes) -> None:
    """It breaks off, has two types, or is no JSON."""
    with pytest.raises(BackendError):
        passed(lenient, raw, [])


@each_case("said", [{"type": "error", "message": "x"}, {"type": "odd", "error": {"message": "x"}}])
def test_a_failure_is_an_end(lenient: Guard, said: dict[str, Any]) -> None:
    """Nothing else needs to follow."""
    raw = told({"type": PARTIAL}, said)
    assert passed(lenient, raw, []) == raw


def test_a_name_that_is_not_in_the_data_does_not_go_on(lenient: Guard) -> None:
    """Nobody judges it."""
    raw = b'event: zqxbomb\ndata: {"size":"1x1"}\n\n'
    found = passed(lenient, raw + told({"type": LAST}), [])
    assert found == b'data: {"size":"1x1"}\n\n' + told({"type": LAST})
