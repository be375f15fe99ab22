"""The chunks of a streamed completion (OpenAI's chat API, and the older one) in, the whole completion out.

Strings of one field grow by concatenation, whatever the field is called, so that a text which nobody has heard of is judged
as a whole as well. Entries of a list belong together by `index`, else by `id` or `type`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from guardrails.engine.content.field_readers import WORD
from guardrails.engine.values.scalars import format_number
from guardrails.protocols.chat.chat_stream import CHUNK, HEAD, MOST_CHOICES, PADDING
from guardrails.protocols.streaming.assembler import join_surrogates
from guardrails.protocols.streaming.codec import malformed_event

REPEATED: Final = frozenset({"id", "type", "role", "name", "object", "format", "finish_reason"})
"""Fields that some servers send in every chunk again instead of once."""

APPENDED: Final = frozenset({"annotations", "citations", "logprobs"})
"""Fields whose lists hold finished entries: what follows never continues one."""


class ValueAssembly:
    """One value as it grows."""

    __slots__ = ("fields", "items", "others", "slots", "texts")

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.fields: dict[str, ValueAssembly] | None = None
        self.items: list[ValueAssembly] | None = None
        self.others: list[Any] = []
        self.slots: dict[int, ValueAssembly] = {}

    def add(self, value: Any, *, appended: bool = False) -> None:
        """Take what the next chunk says; with `appended` the entries of its lists are new ones."""
        if isinstance(value, str):
            self.texts.append(value)
        elif isinstance(value, Mapping):
            self.fields = {} if self.fields is None else self.fields
            for name, inner in value.items():
                node = self.fields.setdefault(name, ValueAssembly())
                if name not in REPEATED or not isinstance(inner, str) or node.texts != [inner]:
                    node.add(inner, appended=appended or name in APPENDED)
        elif isinstance(value, list):
            self.items = [] if self.items is None else self.items
            for entry in value:
                self._item(self.items, entry, appended=appended).add(entry, appended=appended)
        elif value is not None and (not self.others or self.others[-1] != value):
            self.others.append(value)

    def _item(self, items: list[ValueAssembly], entry: Any, *, appended: bool) -> ValueAssembly:
        """Return the entry of this list that the given one continues, or a new one."""
        index = entry.get("index") if isinstance(entry, Mapping) else None
        if not appended and type(index) is int:
            if index not in self.slots:
                behind = [items.index(node) for other, node in self.slots.items() if other > index]
                self.slots[index] = ValueAssembly()
                items.insert(min(behind, default=len(items)), self.slots[index])
            return self.slots[index]
        if not appended and items and isinstance(entry, Mapping) and items[-1].continued_by(entry):
            return items[-1]
        items.append(ValueAssembly())
        return items[-1]

    def continued_by(self, entry: Mapping[str, Any]) -> bool:
        """Tell whether an entry without an index goes on with this one."""
        if self.fields is None or "index" in self.fields:
            return False
        given, own = entry.get("id"), self.fields.get("id")
        if given and (own is None or own.texts != [given]):
            return False
        kind, known = entry.get("type"), self.fields.get("type")
        return kind is None or (known is not None and known.texts == [kind])

    def value(self) -> Any:
        """Return the value. What different chunks said differently is a list of all of it."""
        found: list[Any] = [join_surrogates("".join(self.texts))] if self.texts else []
        if self.fields is not None:
            found.append({name: node.value() for name, node in self.fields.items()})
        if self.items is not None:
            found.append([node.value() for node in self.items])
        longs = [other for other in self.others[:-1] if format_number(other)]
        found += [*longs, *self.others[-1:]]
        return found[0] if len(found) == 1 else (found or None)


class ChatAssembler:
    """Puts one completion together."""

    def __init__(self) -> None:
        self._top: dict[str, ValueAssembly] = {}
        self._choices: dict[int, ValueAssembly] = {}
        self._ended: set[int] = set()

    @property
    def finished(self) -> bool:
        """Whether there are choices and each has said why it ended."""
        return bool(self._choices) and self._ended == self._choices.keys()

    def take(self, data: Mapping[str, Any]) -> bool:
        """Take a chunk; none says that it is the last.

        Raises:
            BackendError: it is none.
        """
        choices = data.get("choices")
        if not isinstance(choices, list | None):
            raise malformed_event("chunk: choices is no array")
        for name, value in data.items():
            if name != "choices":
                self._field(name, value)
        for choice in choices or ():
            self._choice(choice)
        return False

    def _field(self, name: str, value: Any) -> None:
        word = isinstance(value, str) and WORD.fullmatch(value) is not None
        known = self._top.get(name)
        if name in HEAD and known is not None and (word or known.texts == [value]) and known.texts != [""]:
            return  # every chunk has it, and it is no text that grows
        if word and name == PADDING:
            return
        self._top.setdefault(name, ValueAssembly()).add(value)

    def _choice(self, choice: Any) -> None:
        index = choice.get("index", 0) if isinstance(choice, Mapping) else None
        if type(index) is not int or not 0 <= index < MOST_CHOICES:
            raise malformed_event("chunk: a choice has no index")
        self._choices.setdefault(index, ValueAssembly()).add(choice)
        if choice.get("finish_reason") is not None:
            self._ended.add(index)

    def answer(self) -> dict[str, Any]:
        """Return the completion; raises `BackendError` where a choice is missing: texts that went on are found by their index."""
        if [*range(len(self._choices))] != sorted(self._choices):
            raise malformed_event("stream: a choice is missing")
        top = {name: node.value() for name, node in self._top.items()}
        if top.get("object") in (None, "", CHUNK):  # what else a server calls it is judged
            top["object"] = "chat.completion"
        return {**top, "choices": [self._whole(index) for index in sorted(self._choices)]}

    def _whole(self, index: int) -> dict[str, Any]:
        """Return a choice. What a server calls `message` in a chunk is not the delta: both are judged."""
        fields = self._choices[index].value()
        whole = {
            "delta" if name == "message" else name: value for name, value in fields.items() if name != "delta"
        }
        whole["index"] = index
        if "delta" in fields:
            delta = fields["delta"]
            whole["message"] = delta if isinstance(delta, dict) else {"content": delta}
        return whole
