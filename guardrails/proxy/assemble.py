"""The chunks of a streamed completion in, the whole completion out, and back: what was streamed is judged.

Strings of one field grow by concatenation, whatever the field is called, so that a text which this file has
never heard of is judged as a whole as well. Entries of a list belong together by `index`, else `id` or `type`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from guardrails.engine.fields import digits
from guardrails.engine.tables import WORD
from guardrails.errors import RequestError
from guardrails.proxy import sse, wire
from guardrails.proxy.upstream import failure_in, invalid

HEAD = ("id", "object", "created", "model", "service_tier", "system_fingerprint")
"""Fields that every chunk carries; `chat.RESPONSE` has the same as structure."""

CHUNK = "chat.completion.chunk"
PADDING = "obfuscation"
"""Random characters that hide the length of a delta."""

REPEATED = frozenset({"id", "type", "role", "name", "object", "format", "finish_reason"})
"""Fields that some servers send in every chunk again instead of once."""

APPENDED = frozenset({"annotations", "logprobs"})
"""Fields whose lists hold finished entries: what follows never continues one."""

MOST_CHOICES = 128


class Node:
    """One value as it grows."""

    __slots__ = ("fields", "items", "others", "slots", "texts")

    def __init__(self) -> None:
        self.texts: list[str] | None = None
        self.fields: dict[str, Node] | None = None
        self.items: list[Node] | None = None
        self.others: list[Any] = []
        self.slots: dict[object, Node] = {}

    def add(self, value: Any, *, appended: bool = False) -> None:
        """Take what the next chunk says."""
        if isinstance(value, str):
            if self.texts is None:
                self.texts = []
            self.texts.append(value)
        elif isinstance(value, dict):
            if self.fields is None:
                self.fields = {}
            for name, inner in value.items():
                self._field(name, inner, appended=appended or name in APPENDED)
        elif isinstance(value, list):
            if self.items is None:
                self.items = []
            for entry in value:
                self._item(entry, appended=appended).add(entry, appended=appended)
        elif value is not None and (not self.others or self.others[-1] != value):
            self.others.append(value)

    def _field(self, name: str, value: Any, *, appended: bool) -> None:
        assert self.fields is not None
        node = self.fields.get(name)
        if node is None:
            node = self.fields[name] = Node()
        elif name in REPEATED and isinstance(value, str) and node.texts in (None, [value]):
            node.texts = [value]
            return
        node.add(value, appended=appended)

    def _item(self, entry: Any, *, appended: bool) -> Node:
        """Return the entry of this list that the given one continues, or a new one."""
        assert self.items is not None
        key = _identity(entry)
        if not appended and key is not None and key in self.slots:
            return self.slots[key]
        if not appended and self.items and isinstance(entry, dict) and self.items[-1].continued_by(entry):
            return self.items[-1]
        node = Node()
        self.items.append(node)
        if key is not None:
            self.slots[key] = node
        return node

    def continued_by(self, entry: dict[str, Any]) -> bool:
        """Tell whether an entry without an index goes on with this one."""
        if self.fields is None or isinstance(entry.get("index"), int) or "index" in self.fields:
            return False
        given = entry.get("id")
        own = self.fields.get("id")
        if given and (own is None or own.texts != [given]):
            return False
        kind = entry.get("type")
        known = self.fields.get("type")
        return kind is None or (known is not None and known.texts == [kind])

    def value(self) -> Any:
        """Return the value. What different chunks said differently is a list of all of it."""
        found: list[Any] = []
        if self.texts is not None:
            found.append(whole("".join(self.texts)))
        if self.fields is not None:
            found.append({name: node.value() for name, node in self.fields.items()})
        if self.items is not None:
            found.append([node.value() for node in self.items])
        longs = [other for other in self.others[:-1] if digits(other)]
        found += [*longs, *self.others[-1:]]
        return found[0] if len(found) == 1 else (found or None)


def _identity(entry: Any) -> object:
    index = entry.get("index") if isinstance(entry, dict) else None
    return index if isinstance(index, int) and not isinstance(index, bool) else None


def whole(text: str) -> str:
    """Return a text with the surrogate pairs joined that chunks had cut in two."""
    if wire.HALF_PAIR.search(text) is None:
        return text
    try:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le")
    except UnicodeDecodeError:
        raise invalid("the upstream's stream holds half a surrogate pair") from None


class Chunks:
    """Collects the chunks of one stream."""

    def __init__(self) -> None:
        self._frames: list[bytes] = []
        self._top: dict[str, Node] = {}
        self._choices: dict[int, Node] = {}
        self._finished: set[int] = set()

    def take(self, event: sse.Event) -> bool:
        """Take one event of a stream; returns True at its end."""
        if event.data.strip() == sse.DONE:
            return True
        failure = failure_in(event)
        if failure is not None:
            raise failure
        self.add(event.data)
        self._frames.append(event.data)
        return False

    def replay(self) -> bytes:
        """Return what was taken as a stream."""
        return sse.stream(self._frames)

    def add(self, data: bytes) -> None:
        """Take one chunk.

        Raises:
            BackendError: it is none.
        """
        try:
            chunk = wire.parse(data, halves=True)
        except RequestError as error:
            raise invalid(f"the upstream sent a malformed chunk: {error.code}") from None
        for name, value in chunk.items():
            if name != "choices":
                self._field(name, value)
            elif isinstance(value, list):
                for entry in value:
                    self._choice(entry)
            elif value is not None:
                raise invalid("the upstream sent a malformed chunk: choices is no array")

    def _field(self, name: str, value: Any) -> None:
        word = isinstance(value, str) and WORD.fullmatch(value) is not None
        known = self._top.get(name)
        if name in HEAD and known is not None and (word or known.texts == [value]) and known.texts != [""]:
            return  # every chunk has it, and it is no text that grows
        if word and name == PADDING:
            return
        self._top.setdefault(name, Node()).add(value)

    def _choice(self, entry: Any) -> None:
        if not isinstance(entry, dict):
            raise invalid("the upstream sent a malformed chunk: a choice is no object")
        index = entry.get("index", 0)
        if type(index) is not int or not 0 <= index < MOST_CHOICES:
            raise invalid("the upstream sent a malformed chunk: a choice has no index")
        self._choices.setdefault(index, Node()).add(entry)
        if entry.get("finish_reason") is not None:
            self._finished.add(index)

    @property
    def finished(self) -> bool:
        """Whether there are choices and each has said why it ended."""
        return bool(self._choices) and self._finished == set(self._choices)

    def answer(self) -> dict[str, Any]:
        """Return the whole completion."""
        top = {name: node.value() for name, node in self._top.items()}
        choices = [self._whole_choice(index) for index in sorted(self._choices)]
        if top.get("object") in (None, "", CHUNK):  # what else a server calls it is judged
            top["object"] = "chat.completion"
        return {**top, "choices": choices}

    def _whole_choice(self, index: int) -> dict[str, Any]:
        fields = self._choices[index].value()
        assert isinstance(fields, dict)
        delta = fields.pop("delta", None)
        # What a server calls `message` in a chunk is not the delta: both are judged.
        stray = {"delta": fields.pop("message")} if "message" in fields else {}
        return {
            **fields,
            **stray,
            "index": index,
            "message": delta if isinstance(delta, dict) else {"content": delta},
        }


def chunks(completion: Mapping[str, Any], created: int = 0) -> Iterator[bytes]:
    """Write a whole completion as chunks: of each choice its role, a delta a field, and why it ended."""
    head = {name: completion[name] for name in HEAD if name in completion}
    head = {"id": "", "created": created, "model": "", **head, "object": CHUNK}
    extra = {
        name: value for name, value in completion.items() if name not in {*HEAD, "choices", "usage", PADDING}
    }
    for choice in completion["choices"]:
        for part in _parts(choice):
            yield wire.dump({**head, **extra, "choices": [{"index": choice.get("index", 0), **part}]})
            extra = {}
    if completion.get("usage") is not None:
        yield wire.dump({**head, **extra, "choices": [], "usage": completion["usage"]})


def _parts(choice: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    message = choice.get("message") or {}
    yield {"delta": {"role": message.get("role") or "assistant", "content": ""}, "finish_reason": None}
    for name, value in message.items():
        if name == "tool_calls" and isinstance(value, list):
            value = [_indexed(call, position) for position, call in enumerate(value)]
        if name != "role" and value not in (None, "", []):
            yield {"delta": {name: value}, "finish_reason": None}
    rest = {name: value for name, value in choice.items() if name not in {"index", "message", "delta"}}
    yield {"delta": {}, "finish_reason": None, **rest}


def _indexed(call: Any, position: int) -> Any:
    return {"index": position, **call} if isinstance(call, Mapping) else call
