"""What clients ask to be told of the judging itself: the verdicts of a request in, fields of its answer beside the model's out.

An aside is one such wish; a request may have several, mostly it has none. Where there is one all detectors have their say,
also on what is certain to be blocked.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from guardrails.engine.content.content_tree import ContentTree
from guardrails.engine.model import Outcome
from guardrails.protocols.chat.chat_stream import chunk_head
from guardrails.protocols.chat.chunk_reader import CHUNK, HEAD
from guardrails.protocols.streaming.codec import Event
from guardrails.types import Stage, Verdict

Side = Literal["input", "output"]


@dataclass(frozen=True, slots=True)
class JudgedSide:
    """What was judged on one side of a call, and how."""

    verdict: Verdict
    tree: ContentTree
    outcome: Outcome

    @property
    def stages(self) -> tuple[Stage, ...]:
        """Where what was judged stands."""
        places = [leaf.content.place for leaf in self.tree.leaves]
        found = {stage for place in places for stage in (place.stage, *place.also)}
        return tuple(stage for stage in Stage if stage in found) or (self.verdict.stage,)

    @property
    def choices(self) -> list[int]:
        """The choices that something was judged of."""
        places = (leaf.content.place for leaf in self.tree.leaves)
        return sorted({place.choice_index for place in places if place.choice_index is not None})

    @property
    def failed(self) -> str:
        """The detectors that failed, "" where none did."""
        return ", ".join(dict.fromkeys(error.detector for error in self.verdict.errors))


class ResponseExtra(Protocol):
    """One wish of a client."""

    @property
    def holds(self) -> bool:
        """Whether nothing of a stream may go on before all of it is judged."""
        ...

    def settled(self, side: Side, outcome: Outcome) -> Outcome:
        """Return an outcome as it is to hold: never a weaker one."""
        ...

    def saw(self, side: Side, heard: JudgedSide) -> None:
        """Take what was judged."""
        ...

    def refused(self, error: dict[str, Any]) -> dict[str, Any]:
        """Return the error that answers a blocked request, with what is told beside it."""
        ...

    def opening(self) -> list[Event]:
        """Return the events that stand before a stream."""
        ...

    def whole(self, answer: dict[str, Any]) -> dict[str, Any]:
        """Return an answer with what is told beside it."""
        ...

    def ending(self, events: list[Event]) -> list[Event]:
        """Return the last events of a stream with what is told beside them."""
        ...


@dataclass(frozen=True, slots=True)
class ResponseExtras:
    """All wishes of a client for one request."""

    all: tuple[ResponseExtra, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.all)

    @property
    def holds(self) -> bool:
        """Whether nothing of a stream may go on before all of it is judged."""
        return any(aside.holds for aside in self.all)

    def settled(self, side: Side) -> Callable[[Outcome], Outcome]:
        """Return a function: an outcome in, as it is to hold out."""

        def settle(outcome: Outcome) -> Outcome:
            for aside in self.all:
                outcome = aside.settled(side, outcome)
            return outcome

        return settle

    def saw(self, side: Side, verdict: Verdict, leaves: ContentTree, outcome: Outcome) -> None:
        """Take what was judged."""
        for aside in self.all:
            aside.saw(side, JudgedSide(verdict, leaves, outcome))

    def refused(self, error: dict[str, Any]) -> dict[str, Any]:
        """Return the error that answers a blocked request, with all that is told beside it."""
        for aside in self.all:
            error = aside.refused(error)
        return error

    def opening(self) -> list[Event]:
        """Return the events that stand before a stream."""
        return [event for aside in self.all for event in aside.opening()]

    def whole(self, answer: dict[str, Any]) -> dict[str, Any]:
        """Return an answer with all that is told beside it; the same object where that is nothing."""
        for aside in self.all:
            answer = aside.whole(answer)
        return answer

    def ending(self, events: list[Event]) -> list[Event]:
        """Return the last events of a stream with all that is told beside them."""
        for aside in self.all:
            events = aside.ending(events)
        return events


NO_EXTRAS = ResponseExtras()


def extra_chunk(events: list[Event], **fields: Any) -> Event:
    """Return one more chunk of a streamed chat, without a choice, that belongs to some others."""
    head: dict[str, Any] = {}
    for event in events:
        head.update((name, event.data[name]) for name in HEAD if name in event.data and name not in head)
    return Event("", {**chunk_head(head), "object": CHUNK, "choices": [], **fields})
