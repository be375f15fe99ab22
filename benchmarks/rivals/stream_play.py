"""One product under a stream: chunks go in, what the client is shown comes out, with times, held and leaked characters.

Used for our own filter and, inside each rival's environment, for the rivals' (standard library only). A `Way` is a product as its
users run it: an async generator from a `Source` of chunks to shown texts, which raises `Stopped` where it blocks.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from time import perf_counter, process_time
from typing import Any


class Stopped(Exception):
    """The product ended the stream because of its content."""


class Source:
    """The model's end of a stream: hands out chunks, and notes before each how much the client has not been shown."""

    def __init__(self, chunks: Sequence[str], pace: float = 0.0) -> None:
        self.chunks, self.pace = chunks, pace
        self.received = self.shown = 0
        self.started = perf_counter()
        self.held: list[int] = []

    async def __aiter__(self) -> AsyncIterator[str]:
        for chunk in self.chunks:
            if self.pace and self.received:
                await asyncio.sleep(self.pace)
            self._hand(chunk)
            yield chunk

    def __iter__(self) -> Iterator[str]:
        for chunk in self.chunks:
            self._hand(chunk)
            yield chunk

    def _hand(self, chunk: str) -> None:
        if self.received:
            self.held.append(self.received - self.shown)
        elif chunk:
            self.started = perf_counter()
        self.received += len(chunk)


Show = Callable[[Source], AsyncIterator[str]]


@dataclass(frozen=True, slots=True)
class Way:
    """One way of using a product. `open` begins it anew where that is cheap; `bare` is the same path without the guard;
    `pace`: what measurements of held characters need between chunks where the product reads ahead; `detects`: its verdict on a
    whole text, where one piece does not show it; `parts`: what is measured.
    """

    name: str
    open: Callable[[], Show]
    notes: list[str] = field(default_factory=list)
    bare: Callable[[], Show] | None = None
    pace: float = 0.0
    detects: Callable[[str], bool] | None = None
    parts: tuple[str, ...] = ("notes", "cases", "controls", "first", "held", "costs")


@dataclass(slots=True)
class Played:
    """What came of a stream; `first_ms` and `first_received` are at the first shown character, `seconds` of processor time."""

    source: Source
    text: str = ""
    stopped: bool = False
    error: str = ""
    first_ms: float | None = None
    first_received: int | None = None
    seconds: float = 0.0


async def play(show: Show, chunks: Sequence[str], pace: float = 0.0) -> Played:
    """Play the chunks through the product and return what the client saw."""
    source = Source(chunks, pace)
    played = Played(source)
    shown: list[str] = []
    begun = process_time()
    try:
        async with aclosing(show(source)) as outputs:  # type: ignore[type-var]
            async for output in outputs:
                if output and played.first_ms is None:
                    played.first_ms = (perf_counter() - source.started) * 1e3
                    played.first_received = source.received
                shown.append(output)
                source.shown += len(output)
    except Stopped:
        played.stopped = True
    except Exception as problem:
        played.error = f"{type(problem).__name__}: {problem}"[:120]
    played.seconds = process_time() - begun
    played.text = "".join(shown)
    return played


def common_start(one: str, other: str) -> int:
    """Return how many characters both begin with."""
    pairs = zip(one, other, strict=False)
    return next((at for at, (left, right) in enumerate(pairs) if left != right), min(len(one), len(other)))


def common(one: str, other: str) -> int:
    """Return the length of the longest piece that both hold."""
    return SequenceMatcher(None, one, other, autojunk=False).find_longest_match().size


def leaked(case: dict[str, Any], shown: str) -> int:
    """Return how many characters of the bad span were shown: its beginning, or a piece longer than chance has it."""
    before, bad, after = case["before"], case["bad"], case["after"]
    chance = max(3, common(bad, before[-400:] + "\n" + after[:400]))
    piece = 0
    if shown.startswith(before):
        rest = shown[len(before) :]
        start = common_start(rest, bad)
        piece = common(rest[: 4 * len(bad) + 400], bad)
        return start if piece <= chance else max(start, piece)
    if not before.startswith(shown):  # the product changed what is harmless
        piece = common(shown[max(0, len(before) - 300) :][: 4 * len(bad) + 600], bad)
    return piece if piece > chance else 0
