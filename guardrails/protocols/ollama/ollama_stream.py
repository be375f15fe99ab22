"""The lines of a streamed answer of Ollama's own API: read for a relay, and written where an answer is cut short.

What people read and what the model thinks are texts that grow. All else waits for the end of the answer, but for what every
line says: calls of tools, and whatever has a name that nobody knows.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from guardrails.engine.content.field_readers import spells
from guardrails.engine.values.writer import nest_value, replace_values, value_at
from guardrails.protocols.ollama.ollama_fields import COUNTS, GENERATED, HEAD, MESSAGE, MESSAGED
from guardrails.protocols.streaming.codec import Event, EventReading, Patch, malformed_event
from guardrails.protocols.streaming.streamed_text import StreamedText
from guardrails.text.structure import is_structure
from guardrails.types import Place, Stage
from guardrails.wire.pointers import Path, pointer

CHAT: Final[Path] = ("message", "content")
GENERATE: Final[Path] = ("response",)
"""Where people read an answer."""

TEXTS: Final = frozenset({CHAT, GENERATE, ("message", "thinking"), ("thinking",)})
WORDS: Final = frozenset({*((name,) for name in HEAD), ("message", "role")})
"""What every line has, in a word."""

NAME: Final = re.compile(r"[A-Za-z0-9_.:/@-]{1,128}")
"""How somebody's own model may be called."""

ENDS: Final = frozenset({"done", "done_reason", "context", *COUNTS})
"""What the last line says."""

STEPS: Final = frozenset({("completed",), ("total",)})
"""Numbers that say how far a picture is."""

KNOWN: Final = frozenset(
    {*((name,) for name in (*MESSAGED.fields, *GENERATED.fields)), *(("message", name) for name in MESSAGE.fields)}
)  # fmt: skip
SPELLED: Final = "logprobs"
AGAIN: Final = (SPELLED, "context")
"""What spells an answer once more, as texts or as the ids of its tokens."""

NO_TIME: Final = "1970-01-01T00:00:00Z"
"""When an answer was made of which nothing came."""


def build_line(text: Path, words: str) -> dict[str, Any]:
    """Return a line that says some words where people read an answer."""
    said: dict[str, Any] = (
        {"message": {"role": "assistant", "content": words}} if text == CHAT else {str(text[0]): words}
    )
    return {"model": "", "created_at": NO_TIME, **said, "done": False}


def build_refusal(text: Path, words: str, head: Mapping[str, Any]) -> dict[str, Any]:
    """Return an answer that says some words and that a policy stopped it; `head` is what stands beside them."""
    return {**build_line(text, words), **head, "done": True, "done_reason": "content_filter"}


def write_events(answer: Mapping[str, Any], text: Path) -> Iterator[Event]:
    """Write a whole answer as lines: what it says, and that it has ended. Clients do not look for a text in the last line."""
    said = {name: value for name, value in answer.items() if name not in ENDS}
    if any(not _says_nothing((*path, name), value) for path, name, value in _fields(said)):
        yield Event("", {**said, "done": False})
    head = {name: value for name, value in answer.items() if name in HEAD or name in ENDS}
    yield Event("", {**build_line(text, ""), **head})


def _fields(data: Mapping[str, Any]) -> Iterator[tuple[Path, str, Any]]:
    """Yield the fields of a line, and those of its message, with where they stand."""
    for name, value in data.items():
        if name != "message":
            yield (), name, value
    message = data.get("message")
    for name, value in message.items() if isinstance(message, Mapping) else ():
        yield ("message",), name, value


def _says_nothing(path: Path, value: Any) -> bool:
    """Tell whether a field has a name that is known, and no more, or what every line has."""
    known = path in KNOWN and value in (None, "", [], {})
    return (
        known
        or _is_word(path, value)
        or (path == ("done",) and value is False)
        or (path in STEPS and type(value) is int)
    )


def _is_word(path: Path, value: Any) -> bool:
    return path in WORDS and isinstance(value, str) and is_structure(value)


class OllamaCodec:
    """One answer, which people read at a path of it."""

    def __init__(self, text: Path) -> None:
        self._text = text
        self.is_finished = False
        """Whether the last line came."""
        self._words: dict[Path, str] = {}
        """What every line has in a word, as the last one had it."""
        self._odd: set[Path] = set()
        """What one line had otherwise of that."""
        self._texts: dict[Path, StreamedText] = {}
        self._spelled = 0
        self._head: dict[str, Any] = {}
        """What every line has, as it was sent."""

    def read(self, data: dict[str, Any], kind: str, begin: Callable[..., StreamedText]) -> EventReading:
        """Read a line."""
        self.is_finished = data.get("done") is True
        item = EventReading(data, is_last=self.is_finished)
        if not isinstance(data.get("message"), Mapping | None):
            raise malformed_event("line: its message is no object")
        more: dict[str, Any] = {}
        for where, name, value in _fields(data):
            if self._goes_on(item, (*where, name), value, begin):
                (more.setdefault("message", {}) if where else more)[name] = value
        item.patches.append(Patch("append", (), more))
        again = [name for name in AGAIN if data.get(name)]
        item.spelled = tuple(((name,), None) for name in again)
        item.bare = len(item.grows) == 1 and not item.waits and not again
        if data.get("done") is True:
            item.closes = tuple(self._texts.values())
        elif again:
            self._spell(item, data.get(SPELLED))
        return item

    def _goes_on(
        self, item: EventReading, path: Path, value: Any, begin: Callable[..., StreamedText]
    ) -> bool:
        """Add a field of a line to an item. Return whether it goes on what came before without being a text that grows; of words
        that all lines have the last counts, unless one had it otherwise.
        """
        if path in TEXTS and value is not None and not isinstance(value, str):
            raise malformed_event(f"line: its {path[-1]} is no text")
        if path in TEXTS and value:
            item.grows += ((self._grown(path, begin), path),)
            return False
        if path in WORDS:
            return self._differs(item, path, value)
        item.waits = item.waits or not (path == (SPELLED,) or _says_nothing(path, value))
        return True

    def _differs(self, item: EventReading, path: Path, value: Any) -> bool:
        """Add what every line has in a word to an item; return whether it is none, as in a line before. One of no protocol, such
        as the name of somebody's own model, is judged, and then the same in all lines.
        """
        is_name = isinstance(value, str) and NAME.fullmatch(value) is not None and path not in self._odd
        is_same = is_name and self._words.get(path, value) == value
        if is_same and not _is_word(path, value) and path not in self._words:
            item.rest = nest_value(path, value)
        if is_same or _is_word(path, value):
            if self._words.get(path) != value and path not in self._odd:
                item.patches.append(Patch("set", path, value))
            self._words[path] = value
            return False
        item.waits = True
        if path not in self._odd:
            item.patches.append(Patch("set", path, None))
            self._odd.add(path)
        return True

    def finish(self) -> tuple[Patch, ...]:
        """Take the end of the stream; raises `BackendError` where the last line is missing."""
        if not self.is_finished:
            raise malformed_event("stream: it has no last line")
        return ()

    def _grown(self, path: Path, begin: Callable[..., StreamedText]) -> StreamedText:
        if path not in self._texts:
            place = Place(Stage.OUTPUT, role="assistant", path=pointer(path))
            self._texts[path] = begin(path, place, shown=path == self._text)
        return self._texts[path]

    def _spell(self, item: EventReading, entries: Any) -> None:
        """Add log-probabilities: those of the texts of their line go on with it, once the others that could have stood there
        were judged. What spells anything else is written once it is known what becomes of that.
        """
        pieces = [value_at(item.data, path) for _, path in item.grows]
        if any(spells(entries, text) for text in (*pieces, "".join(pieces), "".join(reversed(pieces)))):
            item.rest = {**(item.rest or {}), SPELLED: entries}
        else:
            item.waits = item.anew = True

    def record_sent(self, event: Event) -> Event:
        """Take note of a line that is sent."""
        self._spelled += len(event.data.get(SPELLED) or ())
        self._head.update((name, event.data[name]) for name in HEAD if name in event.data)
        return event

    def write_rest(self, answer: Mapping[str, Any]) -> list[Event] | None:
        """Return the lines that are missing of an answer; None where something else was told."""
        said: Any = dict(answer)
        if self._spelled and SPELLED in said:
            said[SPELLED] = said[SPELLED][self._spelled :]
        for path, grown in self._texts.items():
            rest = grown.rest()
            if rest is None:
                return None
            said = replace_values(said, {(path, None): rest})
        return [*write_events(said, self._text)]

    def write_refusal(self, answer: Mapping[str, Any] | None, words: str) -> list[Event]:
        """Return the lines that end an answer with a refusal."""
        known = ((str(path[0]), value) for path, value in self._words.items() if len(path) == 1)
        head = {name: value for name, value in known if is_structure(value)}
        said = answer if answer is not None else build_refusal(self._text, words, {**head, **self._head})
        return [*write_events(said, self._text)]
