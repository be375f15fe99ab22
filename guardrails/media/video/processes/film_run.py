"""Reads what a process for a film sends: samples of frames or pieces of sound, and why they ended.

A process is not trusted: a decoder that a film took over can lie about that film, and what it says is taken for nothing else.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator, Mapping
from dataclasses import fields
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, cast, get_args

from guardrails.media.files import Closable
from guardrails.media.video.film_parts import FrameSample, Sampling, Stop, WatchAccount, Why
from guardrails.media.video.processes.film_process import Answer, FilmProcess, OutOfTime, ProcessEnded

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Heard = NDArray[np.float32]

CHANNELS: Final = 8
"""Channels that may be told of."""

ENDS: Final[Mapping[int, Stop]] = MappingProxyType({int(signal.SIGXCPU): "wall_clock"})
"""What a signal that ended a process says; any other is that it broke down."""


class ProcessRun(Closable):
    """What one process sends, and why it ended early."""

    def __init__(self, process: FilmProcess) -> None:
        self._process = process
        self._answers = process.answers()
        self._closed = False
        self._done = False
        self.stopped: Stop | None = None

    def _answer(self) -> Answer | None:
        """Return the next answer, or None at the end, whatever brought that about."""
        if self._done:
            return None
        try:
            return next(self._answers)
        except StopIteration:
            self._done = True
        except OutOfTime:
            self._end("wall_clock")
        except ProcessEnded as end:
            self._end("closed" if self._closed else ENDS.get(end.signal, "crashed"))
        except BaseException:
            self._done = True
            raise
        return None

    def _end(self, why: Stop) -> None:
        self._done = True
        self.stopped = self.stopped or why
        self._process.end()

    def close(self) -> None:
        """Kill the process; may be called from any thread, and twice."""
        self._closed = True
        self._process.end()
        if not self._done:
            self._end("closed")


class WatchRun(ProcessRun):
    """An iterator of samples. It ends with the film, or early: then `seen.stopped` says why.

    Raises:
        MediaError: not one frame can be decoded.
    """

    def __init__(self, process: FilmProcess, sampling: Sampling) -> None:
        super().__init__(process)
        self._sampling = sampling
        self._told: dict[str, Any] = {}
        self._given = 0

    @property
    def seen(self) -> WatchAccount:
        """What was looked at so far; complete when it ended (`done`)."""
        told = {**self._told, "stopped": self.stopped or self._told.get("stopped")}
        done = self._done and bool(told["stopped"] or told.get("done"))  # not where it cannot be watched
        return WatchAccount(**{**told, "done": done, "sampled": self._given})

    def __iter__(self) -> Iterator[FrameSample]:
        return self

    def __next__(self) -> FrameSample:
        while (answer := self._answer()) is not None:
            head, body = answer
            try:
                self._account(head["seen"])
                if head["kind"] == "sample" and self._given < self._sampling.budget:
                    sample = _sample(head, body)
                    self._given += 1
                    return sample
            except (KeyError, TypeError, ValueError):
                self._end("crashed")  # it says what cannot be
        if not self._told.get("done") and self.stopped is None:
            self._end("crashed")
        raise StopIteration

    def _account(self, seen: Any) -> None:
        """Take an account of the process, whose word is not trusted for more than itself."""
        told = {each.name: _read_count(each.name, seen[each.name]) for each in fields(WatchAccount)}
        self._told = told
        self._process.grant(told["seconds"])


class SoundRun(ProcessRun):
    """An iterator of pieces of sound: when each begins in milliseconds, and its samples, float32 in -1..1, one channel.

    `stopped` says why it ended early, where it did; `corrupt` counts damaged packets. `apart` are the channels that hold
    something, somewhere, which the mix of all channels does not: those are to be heard by themselves.
    """

    def __init__(self, process: FilmProcess) -> None:
        super().__init__(process)
        self.corrupt = 0
        self.apart: frozenset[int] = frozenset()

    def __iter__(self) -> Iterator[tuple[int, Heard]]:
        return self

    def __next__(self) -> tuple[int, Heard]:
        import numpy as np

        answer = self._answer()
        if answer is None:
            raise StopIteration
        head, body = answer
        try:
            self.corrupt = int(head["corrupt"])
            self.apart |= {int(each) for each in head["apart"][:CHANNELS]}
            if head["stopped"] in get_args(Stop):
                self.stopped = cast(Stop, head["stopped"])
            self._process.grant(float(head["seconds"]))
            return int(head["start"]), np.frombuffer(body, np.float32)
        except (KeyError, TypeError, ValueError) as error:
            self._end("crashed")
            raise StopIteration from error


def _read_count(name: str, value: Any) -> Any:
    if name == "stopped":
        return value if value in get_args(Stop) else None
    if name == "frames_total" and value is None:
        return None
    return float(value) if name == "seconds" else int(value)


def _sample(head: Mapping[str, Any], body: bytes) -> FrameSample:
    import numpy as np

    views, at = [], 0
    for high, wide, deep in head["shapes"]:
        size = high * wide * deep
        if deep != 3 or size < 1:
            raise ValueError("no such picture")
        views.append(np.frombuffer(body, np.uint8, size, at).reshape(high, wide, 3))
        at += size
    if not views or at != len(body) or head["why"] not in get_args(Why):
        raise ValueError("no such sample")
    return FrameSample(
        int(head["index"]),
        int(head["start"]),
        int(head["end"]),
        views[0],
        head["why"],
        int(head["shot"]),
        int(head["track"]),
        bool(head["hidden"]),
        bool(head["corrupt"]),
        tuple(views),
    )
