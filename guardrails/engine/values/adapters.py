"""Value adapters: how values of Python types are read, and written back as what they were.

`adapter_of` finds the adapter of a value; the reader (`walk`) and the writer (`writer`) ask it and nobody else what a value
is made of. Another type is added with one more adapter.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from guardrails.types import Content, Unchecked


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueAdapter:
    """How values of some types are read and written back. A value is a container, which is judged by its `children`, or a leaf,
    which is judged as one `content`.

    ```python
    TICKETS = ValueAdapter(
        name="acme.ticket",
        types=(Ticket,),
        children=lambda ticket: [("title", ticket.title), ("body", ticket.body)],
        rebuild=lambda ticket, changes: dataclasses.replace(ticket, **changes),
    )
    MARKUP = ValueAdapter(
        name="acme.markup",
        types=(Markup,),
        content=lambda markup: Text(str(markup)),
        write=lambda markup, new: Markup(new),
    )
    ```

    The functions must not change the value that they are given. What they raise ends the check with that error: nothing passes.

    Attributes:
        name: of the adapter, unique among all: by convention the package and the type.
        types: the types whose values it reads, and those of their subclasses that have no adapter of their own.
        matches: whether a value is its own, for those that are known by their structure and not by their type. It is asked for
            each value of a type that is not listed anywhere, so that it must be quick and must not raise.
        children: the parts of a container, each with the step that leads to it: a field's name, a key or an index, which stands
            in the paths of findings. The steps of one value differ, and are the same each time.
        keys: what else in a container comes from data, such as the keys of a mapping: judged as text that cannot be changed.
        rebuild: a container of the same type with other children in the place of some (by step), the rest shared. Without it
            nothing inside can be redacted: a rule that would blocks instead.
        content: what a leaf says: a content of `guardrails.types` (its place is set by the reader), an `Unchecked` for what
            cannot be judged, which the policy's `unchecked:` table decides; None where there is nothing to judge.
        write: a leaf of the same type that holds what a redaction made of its content: the new text of a `Text`, the new bytes or
            picture of a `Media`. Without it the leaf cannot be redacted: a rule that would blocks instead.
    """

    name: str
    types: tuple[type, ...] = ()
    matches: Callable[[Any], bool] | None = None
    children: Callable[[Any], Iterable[tuple[Any, Any]]] | None = None
    keys: Callable[[Any], Iterable[Any]] | None = None
    rebuild: Callable[[Any, Mapping[Any, Any]], Any] | None = None
    content: Callable[[Any], Content | Unchecked | None] | None = None
    write: Callable[[Any, Any], Any] | None = None

    def __post_init__(self) -> None:
        if not self.types and self.matches is None:
            raise ValueError(f"adapter {self.name!r} reads no values: give types or matches")
        if (self.children is None) == (self.content is None):
            raise ValueError(f"adapter {self.name!r} needs either children or content")
        if self.children is None and (self.rebuild is not None or self.keys is not None):
            raise ValueError(f"adapter {self.name!r} has no children: rebuild and keys are for containers")
        if self.content is None and self.write is not None:
            raise ValueError(f"adapter {self.name!r} has no content: write is for leaves")


class AdapterTable:
    """Adapters by the types of values: the exact type first, then those that match by structure (the last registered before the
    others), then the nearest listed base class.
    """

    def __init__(self, adapters: Iterable[ValueAdapter] = ()) -> None:
        self._names: set[str] = set()
        self._by_type: dict[type, ValueAdapter] = {}
        self._structural: list[ValueAdapter] = []
        for adapter in adapters:
            self.register(adapter)

    def register(self, adapter: ValueAdapter) -> None:
        """Add an adapter.

        Raises:
            ValueError: another one has its name, or one of its types.
        """
        if adapter.name in self._names:
            raise ValueError(f"an adapter named {adapter.name!r} is registered already")
        for each in adapter.types:
            if each in self._by_type:
                raise ValueError(
                    f"adapter {adapter.name!r}: {each.__qualname__} is read by {self._by_type[each].name!r} already"
                )
        self._names.add(adapter.name)
        self._by_type.update(dict.fromkeys(adapter.types, adapter))
        if adapter.matches is not None:
            self._structural.insert(0, adapter)

    def of_type(self, kind: type) -> ValueAdapter | None:
        """Return the adapter that lists a type itself, None where none does."""
        return self._by_type.get(kind)

    def find(self, value: Any) -> ValueAdapter | None:
        """Return the adapter of a value, None where no adapter reads it."""
        kind = type(value)
        found = self._by_type.get(kind)
        if found is not None:
            return found
        for adapter in self._structural:
            assert adapter.matches is not None
            if adapter.matches(value):
                return adapter
        return next((self._by_type[base] for base in kind.__mro__ if base in self._by_type), None)
