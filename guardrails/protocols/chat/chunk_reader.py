"""Reads what the chunks of OpenAI's two completion APIs share: what stands beside their choices, and which choices there are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from guardrails.engine.content.field_readers import Table
from guardrails.engine.values.walk import find_strings
from guardrails.protocols.streaming.codec import (
    PADDING,
    EventReading,
    Patch,
    is_padding,
    malformed_event,
)
from guardrails.text.structure import is_structure

HEAD: Final = ("id", "object", "created", "model", "service_tier", "system_fingerprint")
"""Fields that every chunk carries."""

CHUNK: Final = "chat.completion.chunk"
"""What a chunk of a chat completion calls itself; some servers call those of text completions so too."""

MOST_CHOICES: Final = 128


def _is_of_structure(value: Any) -> bool:
    """Tell whether no string in a value says anything."""
    if isinstance(value, str):
        return is_structure(value)
    return all(is_structure(said) for _, said, _ in find_strings(value))


class UnknownNames:
    """The names of fields that nobody knows: each is to be judged before it goes on, whatever stands behind it."""

    def __init__(self) -> None:
        self._seen: set[str] = set()

    def is_new(self, name: str, table: Table) -> bool:
        """Tell whether a name that a field table does not know is seen for the first time."""
        if name in table.fields or name in self._seen:
            return False
        self._seen.add(name)
        return True


class ChunkReader:
    """The chunks of one completion.

    Args:
        kind: what the whole completion is called.
        table: the fields of a whole completion.

    Attributes:
        names: the names that nobody knows.
    """

    def __init__(self, kind: str, table: Table) -> None:
        self.names = UnknownNames()
        self._kind, self._table = kind, table
        self._said: dict[str, Any] = {}
        """Fields that came; of those that every chunk carries also what it said first."""
        self._ends: dict[int, bool] = {}
        """Index of a choice → whether it said why it ended."""

    def read_beside_choices(self, data: dict[str, Any]) -> tuple[EventReading, dict[str, Any]]:
        """Read a chunk without what its choices say; return what it is read as, and what else in it is to be judged. What is said
        otherwise than before waits for the end, where all of it is judged together.

        Raises:
            BackendError: its choices are none.
        """
        choices = data.get("choices")
        if not isinstance(choices, list | None):
            raise malformed_event("chunk: choices is no array")
        item = EventReading(data, choices=tuple(map(self._index, choices or ())))
        rest: dict[str, Any] = {}
        for name, value in data.items():
            known = self._said.get(name)
            if name == "choices" or (known and known == value) or (value is None and name in self._said):
                continue
            if name == PADDING and is_padding(value):
                continue
            if self.names.is_new(name, self._table) or value is not None:
                rest[name] = value
            if name not in HEAD:
                item.waits = item.waits or (name in self._said and not _is_of_structure(value))
                self._said[name] = None
                item.patches.append(Patch("merge", (name,), value))
                continue
            self._said[name] = known or value
            fits = _is_of_structure(value)
            item.waits = item.waits or bool(known and not fits)
            if not (known and isinstance(value, str) and fits):  # else it is no text that grows
                item.patches.append(Patch("merge", (name,), self._kind if value == CHUNK else value))
        return item, rest

    def _index(self, choice: Any) -> int:
        index = choice.get("index", 0) if isinstance(choice, Mapping) else None
        if type(index) is not int or not 0 <= index < MOST_CHOICES:
            raise malformed_event("chunk: a choice has no index")
        self._ends[index] = self._ends.get(index, False) or choice.get("finish_reason") is not None
        return index

    @property
    def is_finished(self) -> bool:
        """Whether there are choices and each has said why it ended; no chunk says that it is the last."""
        return bool(self._ends) and all(self._ends.values())

    def finish(self) -> list[Patch]:
        """Take the end of the completion; return the patches of what no chunk says.

        Raises:
            BackendError: a choice is missing: texts that went on are found by their index.
        """
        if [*range(len(self._ends))] != sorted(self._ends):
            raise malformed_event("stream: a choice is missing")
        called = [] if self._said.get("object") else [Patch("set", ("object",), self._kind)]
        return called if self._ends else [*called, Patch("set", ("choices",), [])]
