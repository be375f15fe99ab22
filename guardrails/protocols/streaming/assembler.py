"""Builds the whole answer that the events of a stream make up: what was streamed is judged as if it had not been.

One `Assembler` serves all APIs: it applies the patches that a `StreamCodec` reads in each event. What different patches say
differently of one place is kept, all of it: a text that nobody has heard of is judged as a whole as well.
"""

from __future__ import annotations

import re
from bisect import bisect, insort
from collections.abc import Iterable, Mapping
from typing import Any, Final

from guardrails.engine.values.scalars import format_number
from guardrails.protocols.streaming.codec import Patch, malformed_event
from guardrails.text.structure import is_structure
from guardrails.wire.pointers import Path

HALF_PAIR: Final = re.compile("[\ud800-\udfff]")

REPEATED: Final = frozenset({"id", "type", "role", "name", "object", "format", "finish_reason"})
"""Fields that some servers send in every event again instead of once."""

WHOLE: Final = (REPEATED - {"name"}) | {"model", "service_tier", "system_fingerprint", "stop_reason"}
"""Fields that no server says in pieces: whoever reads an event reads there what it says by itself."""

APPENDED: Final = frozenset({"annotations", "citations", "logprobs"})
"""Fields whose lists hold finished entries: what is merged never continues one."""

NOTHING: Final = object()


class Assembler:
    """Builds one whole answer."""

    def __init__(self) -> None:
        self._whole = _GrowingValue()

    def apply(self, patches: Iterable[Patch]) -> None:
        """Apply patches, in their order."""
        for patch in patches:
            place = self._whole.at(patch.path)
            if patch.operation == "set":
                place.set(patch.value)
            else:
                place.add(patch.value, merges=patch.operation == "merge")

    def append(self, path: Path, piece: str) -> None:
        """Append a piece of a text."""
        self._whole.at(path).add(piece, merges=False)

    def answer(self) -> Any:
        """Return the answer; raises `BackendError` where half of a surrogate pair is missing in a text that grew."""
        return self._whole.value()


class _GrowingValue:
    """What stands in one place of an answer, as it grows."""

    __slots__ = ("entries", "fields", "given", "indexes", "is_whole", "numbered", "others", "texts")

    def __init__(self, given: Any = NOTHING, *, is_whole: bool = False) -> None:
        self.is_whole = is_whole
        self.set(given)

    def set(self, given: Any) -> None:
        """Have a value stand here instead. It is taken apart only where something in it goes on."""
        self.given = given
        self.texts: list[str] = []
        self.fields: dict[str, _GrowingValue] | None = None
        self.entries: list[_GrowingValue] | None = None
        self.numbered: dict[int, _GrowingValue] = {}
        self.indexes: list[int] = []
        """Those of the numbered entries, in their order."""
        self.others: list[Any] = []

    def at(self, path: Path) -> _GrowingValue:
        """Return what stands at a path from here, begun if nothing does."""
        found = self
        for step in path:
            if found.given is not NOTHING:
                found._open()
            if isinstance(step, int):
                found = found.numbered.get(step) or found._number(step)
            else:
                found = (found.fields or {}).get(step) or found._field(step)
        return found

    def _open(self) -> None:
        """Take apart what was set."""
        given, self.given = self.given, NOTHING
        if isinstance(given, Mapping):
            self.fields = {
                name: _GrowingValue(inner, is_whole=name in WHOLE) for name, inner in given.items()
            }
        elif isinstance(given, list):
            self.entries = [_GrowingValue(entry) for entry in given]
            self.numbered, self.indexes = dict(enumerate(self.entries)), [*range(len(given))]
        elif isinstance(given, str):
            self.texts.append(given)
        elif given is not None:
            self.others.append(given)

    def add(self, value: Any, *, merges: bool) -> None:
        """Have it go on with a value; where that `merges`, entries of lists go on as well."""
        if self.given is not NOTHING:
            self._open()
        if isinstance(value, str):
            self.texts.append(value)
        elif not merges and self._is_empty():
            self.given = value
        elif isinstance(value, Mapping):
            self.fields = {} if self.fields is None else self.fields
            for name, inner in value.items():
                field = self._field(name)
                if name not in REPEATED or not isinstance(inner, str) or not field.is_text(inner):
                    field.add(inner, merges=merges and name not in APPENDED)
        elif isinstance(value, list):
            self.entries = [] if self.entries is None else self.entries
            for entry in value:
                self._entry(self.entries, entry, merges=merges).add(entry, merges=merges)
        elif value is not None and (not self.others or self.others[-1] != value):
            self.others.append(value)

    def _is_empty(self) -> bool:
        return not self.texts and self.fields is None and self.entries is None and not self.others

    def _field(self, name: str) -> _GrowingValue:
        if self.fields is None:
            self.fields = {}
        found = self.fields.get(name)
        if found is None:
            found = self.fields[name] = _GrowingValue(is_whole=name in WHOLE)
        return found

    def _number(self, index: int) -> _GrowingValue:
        """Begin the entry with an index, which stands behind those with lower ones."""
        self.entries = [] if self.entries is None else self.entries
        position, behind = len(self.entries), bisect(self.indexes, index)
        if behind < len(self.indexes):
            position = self.entries.index(self.numbered[self.indexes[behind]])
        insort(self.indexes, index)
        self.numbered[index] = _GrowingValue()
        self.entries.insert(position, self.numbered[index])
        return self.numbered[index]

    def _entry(self, entries: list[_GrowingValue], entry: Any, *, merges: bool) -> _GrowingValue:
        """Return the entry that the given one goes on with, or a new one."""
        if merges and isinstance(entry, Mapping):
            index = entry.get("index")
            if type(index) is int:
                return self.numbered.get(index) or self._number(index)
            if entries and entries[-1].is_continued_by(entry):
                return entries[-1]
        entries.append(_GrowingValue())
        return entries[-1]

    def is_continued_by(self, entry: Mapping[str, Any]) -> bool:
        """Tell whether an entry without an index goes on with this one."""
        if self.given is not NOTHING:
            self._open()
        if self.fields is None or "index" in self.fields:
            return False
        given, own = entry.get("id"), self.fields.get("id")
        if given and (own is None or not own.is_text(given)):
            return False
        kind, known = entry.get("type"), self.fields.get("type")
        return kind is None or (known is not None and known.is_text(kind))

    def is_text(self, text: Any) -> bool:
        """Tell whether it is this text, said once."""
        return self.given == text or self.texts == [text]

    def value(self) -> Any:
        """Return the value. What was said differently is a list of all of it."""
        if self.given is not NOTHING:
            if not has_half_pair(self.given):
                return self.given
            self._open()
        found: list[Any] = [join_surrogates(self._text())] if self.texts else []
        if self.fields is not None:
            found.append({name: field.value() for name, field in self.fields.items()})
        if self.entries is not None:
            found.append([entry.value() for entry in self.entries])
        longs = [other for other in self.others[:-1] if format_number(other)]
        found += [*longs, *self.others[-1:]]
        return found[0] if len(found) == 1 else (found or None)

    def _text(self) -> str:
        """Return the texts put together; where each was said as a whole and one is no word of a protocol, each by itself, too."""
        joined = "".join(self.texts)
        said = list(dict.fromkeys(self.texts))
        if not self.is_whole or len(said) < 2 or all(map(is_structure, said)):
            return joined
        return "\n".join([*said, joined])


def has_half_pair(value: Any) -> bool:
    """Tell whether a JSON value holds half of a surrogate pair."""
    if isinstance(value, str):
        return not value.isascii() and HALF_PAIR.search(value) is not None
    if isinstance(value, Mapping):
        return any(map(has_half_pair, value)) or any(map(has_half_pair, value.values()))
    return isinstance(value, list) and any(map(has_half_pair, value))


def join_surrogates(text: str) -> str:
    """Return a text with the surrogate pairs joined that events had cut in two.

    Raises:
        BackendError: one half is missing.
    """
    if text.isascii() or HALF_PAIR.search(text) is None:
        return text
    try:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le")
    except UnicodeDecodeError:
        raise malformed_event("text, which holds half a surrogate pair") from None
