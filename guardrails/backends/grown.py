"""The pieces of a streamed value in, the whole value out, and the changes of the whole back in the pieces.

Strings of one field grow by concatenation, whatever the field is called, so that a text which nobody has heard of is
judged as a whole as well. Entries of a list belong together by `index`, else by `id` or `type`. Each piece remembers
where it stood, so that an edit of the whole changes those pieces and nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from guardrails.backends.answers import broken
from guardrails.engine.fields import Path, digits

Where = tuple[int, Path]
"""An event, and the path in its data."""

REPEATED = frozenset(
    {
        "id",
        "type",
        "role",
        "name",
        "object",
        "model",
        "format",
        "finish_reason",
        "service_tier",
        "system_fingerprint",
    }
)
"""Fields that some servers send in every event again instead of once."""

APPENDED = frozenset({"annotations", "citations", "logprobs"})
"""Fields whose lists hold finished entries: what follows never continues one."""

LOOSE = frozenset({"status", "id"})
"""Fields that may change while a value grows: all that they were is judged, but for the usual words."""

STATES = frozenset(
    {"queued", "in_progress", "searching", "interpreting", "generating", "completed", "incomplete", "failed"}
)

HALF_PAIR = re.compile("[\ud800-\udfff]")


class Unplaced(Exception):
    """A change of the whole that is none of its pieces alone."""


class Grown:
    """One value as it grows. `places` are those of its texts, `copies` those that say it as a whole, `seen` all where an
    event says anything of it. `loose`: copies may differ; `detached`: entries of this list came one by one.
    """

    __slots__ = (
        "copies",
        "detached",
        "fields",
        "items",
        "loose",
        "others",
        "places",
        "repeated",
        "seen",
        "slots",
        "texts",
    )

    def __init__(self, *, loose: bool = False) -> None:
        self.loose = loose
        self.detached = False
        self.copies: list[tuple[Where, str]] = []
        self.texts: list[str] = []
        self.places: list[Where] = []
        self.fields: dict[str, Grown] | None = None
        self.items: list[Grown] | None = None
        self.others: list[Any] = []
        self.slots: dict[int, Grown] = {}
        self.seen: list[Where] = []
        self.repeated = False

    def add(self, value: Any, where: Where, *, appended: bool = False) -> None:
        """Take what an event says at a place."""
        self.seen.append(where)
        if isinstance(value, str):
            self.texts.append(value)
            self.places.append(where)
        elif isinstance(value, Mapping):
            self.fields = {} if self.fields is None else self.fields
            for name, inner in value.items():
                self.grow(name, inner, (where[0], (*where[1], name)), appended=appended)
        elif isinstance(value, list):
            self.items = [] if self.items is None else self.items
            for index, entry in enumerate(value):
                self._item(entry, appended=appended).add(
                    entry, (where[0], (*where[1], index)), appended=appended
                )
        elif value is not None and (not self.others or self.others[-1] != value):
            self.others.append(value)

    def grow(self, name: str, value: Any, where: Where, *, appended: bool = False) -> None:
        """Take what an event says of a field."""
        node = self.field(name)
        if name in REPEATED and isinstance(value, str) and node.texts == [value]:
            node.repeated = True
            node.places.append(where)
            node.seen.append(where)
        else:
            node.add(value, where, appended=appended or name in APPENDED)

    def copy(self, value: Any, where: Where) -> None:
        """Take what an event says of the whole value, as far as it is there by then."""
        self.seen.append(where)
        at, path = where
        if isinstance(value, str):
            self.copies.append((where, value))
        elif isinstance(value, Mapping):
            self.fields = {} if self.fields is None else self.fields
            for name, inner in value.items():
                self.field(name).copy(inner, (at, (*path, name)))
        elif isinstance(value, list):
            self.items = [] if self.items is None else self.items
            for index, entry in enumerate(value):
                self.slot(index).copy(entry, (at, (*path, index)))
        elif value is not None and value not in self.others[-1:]:
            self.others.append(value)

    def field(self, name: str) -> Grown:
        """Return a field, a new one if there is none."""
        self.fields = {} if self.fields is None else self.fields
        if name not in self.fields:
            self.fields[name] = Grown(loose=name in LOOSE)
        return self.fields[name]

    def slot(self, index: int) -> Grown:
        """Return the entry of this list with an index, a new one if there is none."""
        self.items = [] if self.items is None else self.items
        if index not in self.slots:
            self.slots[index] = Grown()
            self.items.append(self.slots[index])
        return self.slots[index]

    def append(self, entry: Any, where: Where) -> None:
        """Take a new entry of this list."""
        self.items = [] if self.items is None else self.items
        self.items.append(Grown())
        self.items[-1].add(entry, where, appended=True)

    def _item(self, entry: Any, *, appended: bool) -> Grown:
        """Return the entry of this list that the given one continues, or a new one."""
        assert self.items is not None
        index = entry.get("index") if isinstance(entry, Mapping) else None
        if not appended and type(index) is int:
            return self.slot(index)
        if not appended and self.items and isinstance(entry, Mapping) and self.items[-1].continued_by(entry):
            return self.items[-1]
        self.items.append(Grown())
        return self.items[-1]

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
        """Return the value. What different events said differently is a list of all of it."""
        found: list[Any] = [*self._said()]
        if self.fields is not None:
            found.append({name: node.value() for name, node in self.fields.items()})
        if self.items is not None:
            found.append([node.value() for node in self.items])
        longs = [other for other in self.others[:-1] if digits(other)]
        found += [*longs, *self.others[-1:]]
        return found[0] if len(found) == 1 else (found or None)

    def _said(self) -> list[str]:
        """Return the text, none or one, or of a loose word all that it was.

        Raises:
            BackendError: pieces and copies of it differ.
        """
        said = {_whole("".join(self.texts)): None} if self.texts else {}
        said |= {text: None for _, text in self.copies}
        if self.loose and self.copies:
            last = self.copies[-1][1]
            return [*(text for text in said if text not in {*STATES, last}), last]
        told = [text for text in said if text]
        if len(told) > 1:
            raise broken("its stream says one text in two ways")
        return told or [*said][:1]

    def put(self, old: Any, new: Any, out: dict[Where, Any]) -> None:
        """Note in `out` what the events must say for this value to become another.

        Raises:
            Unplaced: its pieces are of several kinds, or an entry of a list is gone.
        """
        if new is old or new == old:
            return
        if new is None or (new == [] and not self.detached):
            out.update(dict.fromkeys(self.seen, new))
        elif isinstance(old, str) and isinstance(new, str):
            self._put_text(new, out)
        elif isinstance(old, Mapping) and isinstance(new, Mapping) and self.fields is not None:
            for name, node in self.fields.items():
                node.put(old[name], new.get(name), out)
        elif isinstance(old, list) and isinstance(new, list) and self._holds(old, new):
            assert self.items is not None
            for index, node in enumerate(self.items):
                node.put(old[index], new[index], out)
        else:
            raise Unplaced

    def _put_text(self, new: str, out: dict[Where, Any]) -> None:
        """Let the first piece that says anything say all of it, and each copy too."""
        out.update(dict.fromkeys(self.places, new if self.repeated else ""))
        said = [place for place, text in zip(self.places, self.texts, strict=False) if text]
        out.update(dict.fromkeys(said[:1], new))
        out.update({place: new for place, text in self.copies if text})

    def _holds(self, old: list[Any], new: list[Any]) -> bool:
        return self.items is not None and len(self.items) == len(old) == len(new) and not self.texts


def _whole(text: str) -> str:
    """Return a text with the surrogate pairs joined that events had cut in two."""
    if HALF_PAIR.search(text) is None:
        return text
    try:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le")
    except UnicodeDecodeError:
        raise broken("its stream holds half a surrogate pair") from None
