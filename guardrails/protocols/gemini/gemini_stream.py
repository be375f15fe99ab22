"""The chunks of a streamed answer of Gemini's API: read for a relay, and written where an answer is cut short.

Texts and thoughts grow; a text that follows a thought ends that. All other parts, and why a candidate ended, wait for the end of
the answer, and are then told as the whole answer has them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from guardrails.protocols.gemini.gemini_assembly import SIGNATURE, TextRuns, candidates_of, kind_of, parts_of
from guardrails.protocols.gemini.gemini_fields import READ
from guardrails.protocols.streaming.codec import Event, EventReading
from guardrails.protocols.streaming.streamed_text import StreamedText
from guardrails.types import Place, Stage
from guardrails.wire.pointers import Path, pointer

ALL: Final = "all"
"""The name of the text that texts and thoughts of a candidate make up."""

BESIDE: Final = ("index", "content", "safetyRatings", "tokenCount")
"""Fields of a candidate that say nothing of its end."""

SAID_AGAIN: Final = ("modelVersion", "responseId", "createTime")
"""Fields that every chunk has."""

STOPPED: Final = "SAFETY"
"""Why a candidate ended, or a prompt is not answered, that a policy stops."""


@dataclass(slots=True)
class _Candidate:
    """A candidate as it comes: its parts, and the texts among them by place."""

    runs: TextRuns = field(default_factory=TextRuns)
    texts: dict[int, StreamedText] = field(default_factory=dict)


class GeminiCodec:
    """One answer. Its chunks were taken by the assembler before, which raises for what is malformed."""

    def __init__(self) -> None:
        self._read: dict[str, Any] = {}
        self._head: dict[str, Any] = {}
        self._candidates: dict[int, _Candidate] = {}

    def read(self, data: dict[str, Any], kind: str, begin: Callable[..., StreamedText]) -> EventReading:
        """Read a chunk."""
        rest = {
            name: value
            for name, value in data.items()
            if name != "candidates" and value is not None and self._read.get(name) != value
        }
        self._read.update(
            (name, data[name]) for name in SAID_AGAIN if name in data and name not in self._read
        )
        candidates, others = candidates_of(data), list[dict[str, Any]]()
        item = EventReading(data, choices=tuple(candidate.get("index", 0) for candidate in candidates))
        for at, candidate in enumerate(candidates):
            other = self._candidate(item, candidate, ("candidates", at), begin)
            others += [{"index": candidate.get("index", 0), **other}] if other else []
        if rest or others:
            item.rest = {**rest, **({"candidates": others} if others else {})}
        item.bare = len(item.grows) == len(candidates) == 1 and not item.closes
        item.waits = item.waits or not candidates
        item.anew = item.waits
        return item

    def _candidate(
        self, item: EventReading, candidate: Mapping[str, Any], at: Path, begin: Callable[..., StreamedText]
    ) -> dict[str, Any]:
        """Add the texts of a candidate to an item; return what else is in it, as one of a whole answer."""
        index = candidate.get("index", 0)
        own = self._candidates.setdefault(index, _Candidate())
        parts, content = parts_of(candidate), candidate.get("content") or {}
        several = isinstance(content.get("parts"), list)
        for number, part in enumerate(parts):
            goes_on, kind = own.runs.goes_on(part), kind_of(part)
            place = own.runs.length - 1
            item.waits = item.waits or not kind or SIGNATURE in part
            if kind and not goes_on:
                before = own.texts.get(place - 1)
                item.closes += () if before is None else (before,)
                own.texts[place] = _begun(index, place, kind, begin)
            if kind:
                path = (*at, "content", "parts", *((number,) if several else ()), "text")
                item.grows += ((own.texts[place], path),)
        rest = {name: value for name, value in candidate.items() if name not in ("index", "content")}
        item.waits = item.waits or any(
            value is not None for name, value in rest.items() if name not in BESIDE
        )
        said = {name: value for name, value in content.items() if name != "parts"}
        return {
            **rest,
            **({"content": said} if said.keys() - {"role"} or said.get("role", "model") != "model" else {}),
        }

    def record_sent(self, event: Event) -> Event:
        """Take note of a chunk that is sent."""
        self._head.update((name, event.data[name]) for name in SAID_AGAIN if name in event.data)
        return event

    def write_rest(self, answer: Mapping[str, Any]) -> list[Event] | None:
        """Return a chunk with what is missing of an answer; None where something else was told."""
        candidates = list[dict[str, Any]]()
        for at, candidate in enumerate(answer.get("candidates") or ()):
            own = self._candidates.get(candidate.get("index", at), _Candidate())
            content = candidate.get("content")
            if content is not None:
                parts = _missing(content.get("parts") or [], own.texts)
                if parts is None:
                    return None
                candidate = {**candidate, "content": {**content, "parts": parts}}
            candidates.append(candidate)
        more = {"candidates": candidates} if candidates else {}
        return [
            Event("", {**more, **{name: value for name, value in answer.items() if name != "candidates"}})
        ]

    def write_refusal(self, answer: Mapping[str, Any] | None, words: str) -> list[Event]:
        """Return the chunk that ends an answer: where it is whole, each candidate that is withheld is refused, else all."""
        if answer is None:
            stopped = [build_refusal(index, words) for index in sorted(self._candidates) or [0]]
            answer = {"candidates": stopped, **self._head}
        return self.write_rest(answer) or []


def build_refusal(index: int, words: str) -> dict[str, Any]:
    """Return what stands in the place of a candidate that is stopped."""
    return {"index": index, "finishReason": STOPPED, "finishMessage": words}


def _begun(index: int, place: int, kind: str, begin: Callable[..., StreamedText]) -> StreamedText:
    path = ("candidates", index, "content", "parts", place, "text")
    where = Place(Stage.OUTPUT, role="assistant", path=pointer(path), choice_index=index)
    # Texts follow after thoughts that may go on behind them: they are not held until that is known.
    joined, passing = ((READ, ALL), ()) if kind == READ else ((ALL,), (kind,))
    return begin(path, where, *joined, passing=passing, shown=kind == READ)


def _missing(parts: list[Any], texts: Mapping[int, StreamedText]) -> list[Any] | None:
    """Return the parts that are missing of a candidate with these texts, None where something else was told of one."""
    out: list[Any] = []
    for place, part in enumerate(parts):
        grown = texts.get(place)
        if grown is None:
            out.append(part)
            continue
        rest = grown.rest()
        if rest is None:
            return None
        if rest or part.get(SIGNATURE):
            out.append({**part, "text": rest})
    return out
