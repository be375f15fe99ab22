"""The chunks of a streamed answer of Gemini's API: read for a relay, and written where an answer is cut short.

Texts and thoughts grow; a text that follows a thought ends that. All other parts, and why a candidate ended, wait for the end of
the answer, and are then told as the whole answer has them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from guardrails.protocols.gemini.gemini_chunks import (
    SIGNATURE,
    TextRuns,
    candidates_of,
    kind_of,
    parts_of,
    patches_beside_parts,
)
from guardrails.protocols.gemini.gemini_fields import READ
from guardrails.protocols.streaming.assembler import has_half_pair
from guardrails.protocols.streaming.codec import Event, EventReading, Patch, malformed_event
from guardrails.protocols.streaming.streamed_text import StreamedText
from guardrails.text.structure import is_structure
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
    """A candidate as it comes: its parts, the texts among them by place, and whether it has said why it ended."""

    runs: TextRuns = field(default_factory=TextRuns)
    texts: dict[int, StreamedText] = field(default_factory=dict)
    has_ended: bool = False


class GeminiCodec:
    """One answer."""

    def __init__(self) -> None:
        self._read: dict[str, Any] = {}
        self._head: dict[str, Any] = {}
        self._candidates: dict[int, _Candidate] = {}
        self._is_refused = False

    @property
    def is_finished(self) -> bool:
        """Whether each candidate has said why it ended, or the prompt why there is none; no chunk says that it is the last."""
        if not self._candidates:
            return self._is_refused
        return all(candidate.has_ended for candidate in self._candidates.values())

    def finish(self) -> tuple[Patch, ...]:
        """Take the end of the stream, perhaps of no chunk; raises `BackendError` where a candidate is missing."""
        if [*range(len(self._candidates))] != sorted(self._candidates):
            raise malformed_event("stream: a candidate is missing")
        return (Patch("append", (), {}),)

    def read(self, data: dict[str, Any], kind: str, begin: Callable[..., StreamedText]) -> EventReading:
        """Read a chunk."""
        top = {name: value for name, value in data.items() if name != "candidates"}
        if has_half_pair(top):
            raise malformed_event("chunk")
        rest = {
            name: value for name, value in top.items() if value is not None and self._read.get(name) != value
        }
        # What is said otherwise than before may be the next piece of it: the last alone goes on, once that was judged.
        repeated = (value for name, value in rest.items() if name in self._read and name in SAID_AGAIN)
        waits = not all(isinstance(value, str) and is_structure(value) for value in repeated)
        self._read.update((name, top[name]) for name in SAID_AGAIN if name in top and name not in self._read)
        if "promptFeedback" in top:
            feedback = top["promptFeedback"]
            self._is_refused = isinstance(feedback, Mapping) and bool(feedback.get("blockReason"))
        candidates, others = candidates_of(data), list[dict[str, Any]]()
        item = EventReading(data, choices=tuple(candidate.get("index", 0) for candidate in candidates))
        for at, candidate in enumerate(candidates):
            other = self._candidate(item, candidate, ("candidates", at), begin)
            others += [{"index": candidate.get("index", 0), **other}] if other else []
        item.patches += [Patch("set", (name,), value) for name, value in top.items()]
        if rest or others:
            item.rest = {**rest, **({"candidates": others} if others else {})}
        item.bare = len(item.grows) == len(candidates) == 1 and not item.closes
        item.waits = item.waits or waits or not candidates
        item.anew = item.waits
        return item

    def _candidate(
        self, item: EventReading, candidate: Mapping[str, Any], at: Path, begin: Callable[..., StreamedText]
    ) -> dict[str, Any]:
        """Add a candidate to an item: its texts, and patches of all else in it. Return what else is to be judged, as a candidate
        of a whole answer.
        """
        index = candidate.get("index", 0)
        own = self._candidates.setdefault(index, _Candidate())
        parts, content = parts_of(candidate), candidate.get("content") or {}
        rest = {name: value for name, value in candidate.items() if name not in ("index", "content")}
        said = {name: value for name, value in content.items() if name != "parts"}
        if has_half_pair([rest, said]):
            raise malformed_event("chunk")
        item.patches += patches_beside_parts(index, candidate)
        for number, part in enumerate(parts):
            several = isinstance(content.get("parts"), list)
            path = (*at, "content", "parts", *((number,) if several else ()))
            self._part(item, own, index, part, path, begin)
        if "finishReason" in rest:
            own.has_ended = bool(rest["finishReason"])
        item.waits = item.waits or any(
            value is not None for name, value in rest.items() if name not in BESIDE
        )
        return {
            **rest,
            **({"content": said} if said.keys() - {"role"} or said.get("role", "model") != "model" else {}),
        }

    def _part(
        self,
        item: EventReading,
        own: _Candidate,
        index: int,
        part: Any,
        at: Path,
        begin: Callable[..., StreamedText],
    ) -> None:
        """Add a part of a candidate with an index, which stands at a path of the chunk, to an item."""
        goes_on, kind = own.runs.goes_on(part), kind_of(part)
        place = own.runs.length - 1
        path: Path = ("candidates", index, "content", "parts", place)
        item.waits = item.waits or not kind or SIGNATURE in part
        without_text = {**part, "text": ""} if kind else part
        if has_half_pair(without_text):
            raise malformed_event("chunk")
        if goes_on:
            beside = (name for name in part if name != "text")
            item.patches += [Patch("set", (*path, name), part[name]) for name in beside]
        else:
            item.patches.append(Patch("set", path, without_text))
        if kind and not goes_on:
            before = own.texts.get(place - 1)
            item.closes += () if before is None else (before,)
            own.texts[place] = _begun((*path, "text"), index, kind, begin)
        if kind:
            item.grows += ((own.texts[place], (*at, "text")),)

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


def _begun(path: Path, index: int, kind: str, begin: Callable[..., StreamedText]) -> StreamedText:
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
