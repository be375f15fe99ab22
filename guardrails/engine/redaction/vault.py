"""What one conversation has handed out in the place of values: numbers, made-up values, and the way back.

Nothing is stored: numbers follow the order of first appearance in the conversation that a client sends again, so that
the same conversation gets the same numbers, however many turns follow. A check that belongs to an earlier one (a reply
to its prompt) goes on from the vault of that one.

A placeholder that stands in a text already must not be taken for one that was handed out:

- In an assistant turn it was written by a model. If its number is given already, it means that value. If not, it means
  something that this conversation does not show any more, and the number is never given.
- A system prompt or a tool's definition speaks of the form ("keep [EMAIL_1] as it is"), and an identifier must not be
  edited: the number is never given.
- Anywhere else somebody typed it, or a tool returned it. One that is the same as one handed out is written with a
  hyphen, `[EMAIL-1]`, which a model sees, repeats and cannot mistake; an invisible character would be lost on the way.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

from guardrails.engine.content.places import is_users_own, role_of
from guardrails.engine.redaction.fakes import make_fake
from guardrails.engine.redaction.replacements import canonical, keyed_hash, kind_name
from guardrails.engine.redaction.restore import PLACEHOLDER, restore_values
from guardrails.engine.values.known_types import adapter_of
from guardrails.engine.values.plain import fields_of
from guardrails.engine.values.walk import find_leaves
from guardrails.engine.values.writer import replace_values
from guardrails.types import Place, Text, ToolCall
from guardrails.wire.pointers import Path

ATTEMPTS = 20
"""Made-up values that are tried for one that is not taken: with fewer than a few letters there are not many."""


class Vault:
    """The numbers and made-up values of a conversation. It grows while one check edits, and stays as it is after."""

    def __init__(self, before: Vault | None = None) -> None:
        """Begin empty, or where an earlier check of the same conversation ended."""
        self._numbers: dict[tuple[str, str], str] = dict(before._numbers) if before else {}
        self._given: set[str] = set(before._given) if before else set()
        self._reserved: set[str] = set(before._reserved) if before else set()
        self._own: dict[str, str] = dict(before._own) if before else {}
        self._categories: dict[str, str] = dict(before._categories) if before else {}
        self._fakes: dict[tuple[str, str], str] = dict(before._fakes) if before else {}
        self._made: set[str] = set(before._made) if before else set()
        self._last: dict[str, int] = dict(before._last) if before else {}

    @property
    def is_empty(self) -> bool:
        """Whether no number was handed out."""
        return not self._given

    @property
    def values(self) -> Mapping[str, str]:
        """The user's own values by placeholder."""
        return MappingProxyType(self._own)

    def category(self, placeholder: str) -> str:
        """Return what was found that a placeholder stands for."""
        return self._categories[placeholder]

    def forget(self, placeholder: str) -> None:
        """Put a value back nowhere from now on, though its number stays given."""
        del self._own[placeholder]

    def restore(self, text: str) -> str:
        """Return the text with the user's own values put back, except in links and markup (see `engine.restore`)."""
        return restore_values(text, self._own) if self._own else text

    def number_for(self, category: str, value: str, place: Place) -> str:
        """Return the placeholder of a value: a new number for one that is new in the conversation."""
        name = kind_name(category)
        known = (name, canonical(category, value))
        if known not in self._numbers:
            placeholder = self._next(name)
            self._numbers[known] = placeholder
            self._categories[placeholder] = category
            self._given.add(placeholder)
        placeholder = self._numbers[known]
        if is_users_own(place):
            self._own.setdefault(placeholder, value)
        return placeholder

    def _next(self, name: str) -> str:
        while True:
            self._last[name] = self._last.get(name, 0) + 1
            placeholder = f"[{name}_{self._last[name]}]"
            if placeholder not in self._reserved:
                return placeholder

    def reserve(self, text: str) -> None:
        """Never give out what looks like a placeholder in a text and is none of this vault's."""
        if "[" in text:
            self._reserved.update(found for found in PLACEHOLDER.findall(text) if found not in self._given)

    def find_mistakable(self, text: str) -> Iterator[tuple[tuple[int, int], str]]:
        """Yield the spans of what could be taken for a placeholder of this vault, each with how to write it."""
        for match in PLACEHOLDER.finditer(text):
            if match[0] in self._given:
                name, _, number = match[0].rpartition("_")
                yield match.span(), f"{name}-{number}"

    def fake_for(self, category: str, value: str, place: Place, locale: str) -> str:
        """Return what stands in for a value: the same for the same, never that of another, never a value itself."""
        known = (category, canonical(category, value))
        if role_of(place) in ("assistant", "tool") and value in self._made:
            return value  # made up here, and repeated
        if known not in self._fakes:
            self._fakes[known] = self._fake(category, value, locale)
            self._made.add(self._fakes[known])
        return self._fakes[known]

    def _fake(self, category: str, value: str, locale: str) -> str:
        for attempt in range(ATTEMPTS):
            made = make_fake(category, value, locale, attempt)
            form = canonical(category, made)
            known = made in self._made or (category, form) in self._fakes
            if not known and form != canonical(category, value):
                return made
        return keyed_hash(category, value)


def find_texts(value: Any) -> Iterator[str]:
    """Yield the texts in a value of any type, as far as it shows them."""
    for _, leaf, *_ in find_leaves(value):
        if isinstance(leaf, str):
            yield leaf
        elif isinstance(leaf, ToolCall):
            yield leaf.arguments


def escape_placeholders(value: Any, vault: Vault) -> Any:
    """Return a content in which nobody's words can be taken for what was handed out before, itself if nothing changes.

    Only what a vault has from earlier checks needs this: what a check hands out itself it tells apart as it edits. What an
    assistant said stays as it is.

    Raises:
        RequestError: as `find_leaves` does.
    """
    if vault.is_empty:
        return value
    if type(value) is str:
        return _escape_text(value, vault)
    edits: dict[tuple[Path, Path | None], str] = {}
    find_leaves(value)  # refuses what has no end
    for path, text in _spoken(value, ()):
        if (new := _escape_text(text, vault)) != text:
            edits[path, None] = new
    return replace_values(value, edits)


def _spoken(value: Any, path: Path) -> Iterator[tuple[Path, str]]:
    """Yield the texts in a value that can be changed and that no assistant said, with where they stand."""
    adapter = adapter_of(value)
    if adapter is None:
        return
    if adapter.children is None:
        content = None if adapter.content is None or adapter.write is None else adapter.content(value)
        if isinstance(content, Text) and not isinstance(value, int | float):
            yield path, content.text
    elif adapter.rebuild is not None and fields_of(value).get("role") != "assistant":
        for step, inner in adapter.children(value):
            yield from _spoken(inner, (*path, step))


def _escape_text(text: str, vault: Vault) -> str:
    out, position = "", 0
    for (start, end), new in vault.find_mistakable(text):
        out += text[position:start] + new
        position = end
    return out + text[position:] if out else text
