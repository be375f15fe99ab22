"""The chunks of a streamed text completion (OpenAI's older API): read for a relay, and written where one is cut short.

The text of each choice grows; all else of it waits for the end of the answer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from guardrails.protocols.chat.chat_payload import SPELLED
from guardrails.protocols.chat.chat_stream import chunk_head
from guardrails.protocols.chat.chunk_reader import HEAD, ChunkReader
from guardrails.protocols.completions.completions_fields import CHOICE, RESPONSE
from guardrails.protocols.streaming.codec import Event, EventReading, Patch, malformed_event
from guardrails.protocols.streaming.streamed_text import StreamedText
from guardrails.types import Place, Stage
from guardrails.wire.pointers import pointer

KIND: Final = "text_completion"


class CompletionCodec:
    """One completion."""

    def __init__(self) -> None:
        self._chunks = ChunkReader(KIND, RESPONSE)
        self._head: dict[str, Any] = {}
        self._texts: dict[int, StreamedText] = {}
        self._ended: set[int] = set()

    @property
    def is_finished(self) -> bool:
        """Whether there are choices and each has said why it ended; no chunk says that it is the last."""
        return self._chunks.is_finished

    def finish(self) -> list[Patch]:
        """Take the end of the completion; return the patches of what no chunk says."""
        return self._chunks.finish()

    def read(self, data: dict[str, Any], kind: str, begin: Callable[..., StreamedText]) -> EventReading:
        """Read a chunk."""
        item, rest = self._chunks.read(data)
        for at, index in enumerate(item.choices):
            choice = data["choices"][at]
            text = choice.get("text")
            if not isinstance(text, str | None):
                raise malformed_event("chunk: the text of a choice is none")
            if text is not None:
                item.grows += ((self._text(index, begin), ("choices", at, "text")),)
            if spelled := [name for name in SPELLED if choice.get(name) is not None]:
                item.spelled += tuple((("choices", at, name), None) for name in spelled)
                item.spells += (self._text(index, begin),)
            said = {**choice, "index": index, **({"text": None} if "text" in choice else {})}
            item.patches.append(Patch("merge", ("choices", index), said))
            others = {name: value for name, value in choice.items() if name not in ("index", "text")}
            item.waits = item.waits or any(value is not None for value in others.values())
            if named := {name: None for name in others if self._chunks.names.is_new(name, CHOICE)}:
                rest.setdefault("choices", []).append({"index": index, **named})
        item.bare = len(item.grows) == len(item.choices) == 1 and rest.keys() <= {*HEAD}
        item.rest = rest or None
        return item

    def _text(self, index: int, begin: Callable[..., StreamedText]) -> StreamedText:
        if index not in self._texts:
            path = ("choices", index, "text")
            place = Place(Stage.OUTPUT, role="assistant", path=pointer(path), choice_index=index)
            self._texts[index] = begin(path, place, shown=True)
        return self._texts[index]

    def record_sent(self, event: Event) -> Event:
        """Take note of a chunk that is sent."""
        self._head.update((name, event.data[name]) for name in HEAD if name in event.data)
        for choice in event.data.get("choices") or ():
            if choice.get("finish_reason") is not None:
                self._ended.add(choice.get("index", 0))
        return event

    def write_rest(self, answer: Mapping[str, Any]) -> list[Event] | None:
        """Return a chunk for each choice with what is missing of it; None where something else was told."""
        return self._missing(answer, "")

    def write_refusal(self, answer: Mapping[str, Any] | None, words: str) -> list[Event]:
        """Return the chunks that end a completion: where it is whole, each choice that is withheld is refused, else all."""
        if answer is None:
            refusal = {"text": words, "logprobs": None, "finish_reason": "content_filter"}
            answer = {"choices": [{"index": index, **refusal} for index in sorted(self._texts) or [0]]}
        return self._missing(answer, words) or []

    def _missing(self, answer: Mapping[str, Any], words: str) -> list[Event] | None:
        head, out = {**chunk_head(answer), **self._head, "object": KIND}, list[Event]()
        for choice in answer["choices"]:
            index, grown = choice.get("index", 0), self._texts.get(choice.get("index", 0))
            if index in self._ended:
                continue
            text: str | None = choice.get("text") or ""
            if grown is not None and not (words and text == words):
                text = grown.rest()
            if text is None:
                return None
            out.append(Event("", {**head, "choices": [{**choice, "text": text}]}))
        if answer.get("usage") is not None:
            out.append(Event("", {**head, "choices": [], "usage": answer["usage"]}))
        return out
