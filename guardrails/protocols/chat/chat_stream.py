"""The chunks of a streamed chat completion (OpenAI's chat API): read for a relay, and written where an answer is cut short.

Every string of a delta is a text that grows, whatever it is called. Calls of tools, and all else of a delta that is no
string, wait for the end of the answer, and so does why a choice ended.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final

from guardrails.protocols.chat.chat_fields import CHOICE, MESSAGE, RESPONSE
from guardrails.protocols.chat.chat_payload import SPELLED
from guardrails.protocols.chat.chunk_reader import CHUNK, HEAD, ChunkReader
from guardrails.protocols.streaming.codec import PADDING, Event, EventReading, Patch
from guardrails.protocols.streaming.streamed_text import StreamedText
from guardrails.text.structure import is_structure
from guardrails.types import Place, Stage
from guardrails.wire.pointers import Path, pointer

KIND: Final = "chat.completion"
"""What a whole completion is called."""

SAID_AGAIN: Final = frozenset({"id", "type", "role", "name", "object", "format"})
"""Strings of a delta that do not grow. One that is no word of the protocol waits, as it may come in pieces."""

READ: Final = "content"
"""The field of a delta that people read."""


class ChatCodec(ChunkReader):
    """One completion."""

    def __init__(self) -> None:
        super().__init__(KIND, RESPONSE)
        self._head: dict[str, Any] = {}
        self._texts: dict[tuple[int, str], StreamedText] = {}
        self._begun: set[int] = set()
        self._ended: set[int] = set()
        self._merged: dict[int, dict[str, Any]] = {}
        """Index of a choice → what was merged into it last."""

    def read(self, data: dict[str, Any], kind: str, begin: Callable[..., StreamedText]) -> EventReading:
        """Read a chunk."""
        item, rest = self.read_beside_choices(data)
        choices = [
            self._choice(item, data["choices"][at], index, ("choices", at), begin)
            for at, index in enumerate(item.choices)
        ]
        plain = len(choices) == 1 and len(choices[0]) == 1
        item.bare = plain and len(item.grows) == 1 and rest.keys() <= {*HEAD}
        if rest or not plain:
            item.rest = {**rest, "choices": choices}
        return item

    def _choice(
        self,
        item: EventReading,
        choice: Mapping[str, Any],
        index: int,
        at: Path,
        begin: Callable[..., StreamedText],
    ) -> dict[str, Any]:
        """Add a choice to an item: its texts, and patches of all else in it, which are merged into what came of it before. Return
        what else is to be judged, as a choice of a whole answer.
        """
        rest = {
            name: value
            for name, value in choice.items()
            if name not in ("index", "delta") and (value is not None or self.names.is_new(name, CHOICE))
        }
        item.waits = item.waits or "finish_reason" in rest
        # What a server calls `message` in a chunk is not the delta: both are judged.
        whole = {
            "delta" if name == "message" else name: value for name, value in choice.items() if name != "delta"
        }
        whole["index"] = index
        delta = choice.get("delta")
        said: dict[str, Any] = {}
        others: dict[str, Any] = {}
        for name, value in delta.items() if isinstance(delta, Mapping) else [("content", delta)]:
            if isinstance(value, str) and name not in SAID_AGAIN:
                path = (*at, "delta", name) if isinstance(delta, Mapping) else (*at, "delta")
                item.grows += ((self._text(index, name, begin), path),)
                said[name] = None
                if self.names.is_new(name, MESSAGE):
                    others[name] = ""
                continue
            said[name] = value
            if value not in (None, [], {}):
                others[name] = value
                item.waits = item.waits or not isinstance(value, str) or not is_structure(value)
            elif self.names.is_new(name, MESSAGE):
                others[name] = None
        if "delta" in choice:
            whole["message"] = said
        # Most chunks say nothing besides their text, and what says nothing is merged once.
        if rest or others or whole != self._merged.get(index):
            item.patches.append(Patch("merge", ("choices", index), whole))
            self._merged[index] = whole
        if spelled := [name for name in SPELLED if name in rest]:
            item.spelled += tuple(((*at, name), None) for name in spelled)
            item.spells += tuple(grown for (own, _), grown in self._texts.items() if own == index)
        return {"index": index, **rest, **({"message": others} if others else {})}

    def _text(self, index: int, name: str, begin: Callable[..., StreamedText]) -> StreamedText:
        if (index, name) not in self._texts:
            path = ("choices", index, "message", name)
            place = Place(Stage.OUTPUT, role="assistant", path=pointer(path), choice_index=index)
            self._texts[index, name] = begin(path, place, shown=name == READ)
        return self._texts[index, name]

    def record_sent(self, event: Event) -> Event:
        """Take note of a chunk that is sent."""
        self._head.update((name, event.data[name]) for name in HEAD if name in event.data)
        for choice in event.data.get("choices") or ():
            self._begun.add(choice.get("index", 0))
            if choice.get("finish_reason") is not None:
                self._ended.add(choice.get("index", 0))
        return event

    def write_rest(self, answer: Mapping[str, Any]) -> list[Event] | None:
        """Return the chunks that are missing of a completion; None where something else was told."""
        return self._missing(answer, "")

    def write_refusal(self, answer: Mapping[str, Any] | None, words: str) -> list[Event]:
        """Return the chunks that end a completion: where it is whole, each choice that is withheld is refused, else all."""
        if answer is None:
            refusal = {"message": self.build_refusal(words), "finish_reason": "content_filter"}
            answer = {"choices": [{"index": index, **refusal} for index in sorted(self._begun) or [0]]}
        return self._missing(answer, words) or []

    def build_refusal(self, words: str) -> dict[str, Any]:
        """Return a message that refuses in these words."""
        return {"refusal": words}

    def _missing(self, answer: Mapping[str, Any], words: str) -> list[Event] | None:
        head, out = {**chunk_head(answer), **self._head, "object": CHUNK}, list[Event]()
        for choice in answer["choices"]:
            index = choice.get("index", 0)
            if index in self._ended:
                continue
            texts: dict[str, str] = {}
            for (own, name), grown in self._texts.items():
                if own == index and not refused(choice, words):
                    rest = grown.rest()
                    if rest is None:
                        return None
                    texts[name] = rest
            missing = parts(choice, begun=index in self._begun, texts=texts)
            out += [Event("", {**head, "choices": [{"index": index, **part}]}) for part in missing]
        if answer.get("usage") is not None:
            out.append(Event("", {**head, "choices": [], "usage": answer["usage"]}))
        return out


def write_events(completion: Mapping[str, Any]) -> Iterator[Event]:
    """Write a whole completion as chunks."""
    return write_chunks(completion, CHUNK, parts)


def write_chunks(
    completion: Mapping[str, Any],
    kind: str,
    parts: Callable[[Mapping[str, Any]], Iterable[Mapping[str, Any]]],
) -> Iterator[Event]:
    """Write a whole completion as chunks of a kind, each with a part of a choice; the first has what stands beside choices."""
    head = {**chunk_head(completion), "object": kind}
    left = {*HEAD, "choices", "usage", PADDING}
    beside = {name: value for name, value in completion.items() if name not in left}
    for choice in completion["choices"]:
        for part in parts(choice):
            yield Event("", {**head, **beside, "choices": [{"index": choice.get("index", 0), **part}]})
            beside = {}
    if completion.get("usage") is not None:
        yield Event("", {**head, **beside, "choices": [], "usage": completion["usage"]})


def chunk_head(completion: Mapping[str, Any]) -> dict[str, Any]:
    """Return what every chunk of a completion says."""
    head = {name: completion[name] for name in HEAD if name in completion}
    return {"id": "", "created": 0, "model": "", **head}


def refused(choice: Mapping[str, Any], words: str) -> bool:
    """Tell whether a choice is one that refuses in these words."""
    message = choice.get("message")
    return bool(words) and isinstance(message, Mapping) and message.get("refusal") == words


def parts(
    choice: Mapping[str, Any], *, begun: bool = False, texts: Mapping[str, str] | None = None
) -> Iterator[dict[str, Any]]:
    """Write a choice of a whole completion as parts of chunks: its role, a delta a field, and why it ended.

    Args:
        choice: the choice.
        begun: whether its role was told already.
        texts: what to tell of some fields, instead of all of it.
    """
    message = choice.get("message") or {}
    if not begun:
        yield {"delta": {"role": message.get("role") or "assistant", "content": ""}, "finish_reason": None}
    for name, value in {**message, **(texts or {})}.items():
        if name == "tool_calls" and isinstance(value, list):
            value = [_indexed(call, position) for position, call in enumerate(value)]
        if name != "role" and value not in (None, "", []):
            yield {"delta": {name: value}, "finish_reason": None}
    rest = {name: value for name, value in choice.items() if name not in {"index", "message", "delta"}}
    yield {"delta": {}, "finish_reason": None, **rest}


def _indexed(call: Any, position: int) -> Any:
    return {"index": position, **call} if isinstance(call, Mapping) else call
