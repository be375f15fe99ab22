"""Readers of fields, of which the field tables of all APIs are made: each adds what a field holds to a content tree.

A table maps a field to its reader. No reader lets a string go unjudged for the letters it is made of: it has a closed form
(`text/structure.py`), is Base64 that says nothing, or is judged.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from types import FunctionType
from typing import Any, Final

from guardrails.detectors.encodings.decoders import BASE64
from guardrails.engine.content.content_tree import ContentTree
from guardrails.engine.values.scalars import SHORTEST_LONG, format_number
from guardrails.engine.values.walk import LISTS, MAPPINGS, NUMBERS, find_strings
from guardrails.errors import RequestError
from guardrails.text.prose import classify_text
from guardrails.text.structure import is_id, is_structure
from guardrails.types import Place, Text
from guardrails.wire.pointers import Path, pointer

Reader = Callable[[ContentTree, Any, Path, Place], None]


def keep(tree: ContentTree, value: Any, path: Path, place: Place) -> None:
    """Structure: a word of a protocol, an id, a model's name, a number or a flag. Any other string is judged as a short text."""
    if not isinstance(value, str):
        flag(tree, value, path, place)
    elif not is_structure(value):
        tree.field(value, path, place, editable=False)


def label(tree: ContentTree, value: Any, path: Path, place: Place) -> None:
    """What an application calls a user, a session or a cache: the id of one, else judged as a short text, which is edited."""
    if not isinstance(value, str):
        text(tree, value, path, place)
    elif not is_id(value):
        is_data = classify_text(value) == "data"
        tree.field(value, path, place, form="data" if is_data else "prose")


LARGEST_NUMBER = 10**12
"""Numbers up to which one is a size, a count or a time; those of cards are larger."""


def flag(tree: ContentTree, value: Any, path: Path, place: Place) -> None:
    """A number or a flag: nothing to judge, unless it is something else, or as long as a card's."""
    if isinstance(value, NUMBERS):
        if not -LARGEST_NUMBER < value < LARGEST_NUMBER and (said := format_number(value, path)):
            tree.field(said, path, place, editable=False, form="data")
    elif value is not None:
        identifier(tree, value, path, place)


def seed(tree: ContentTree, value: Any, path: Path, place: Place) -> None:
    """A number that is drawn at random, and as long as any."""
    if not isinstance(value, NUMBERS):
        flag(tree, value, path, place)


def text(tree: ContentTree, value: Any, path: Path, place: Place) -> None:
    """A text to judge."""
    if isinstance(value, str):
        tree.field(value, path, place)
    elif value is not None:
        tree.anything(value, path, place)


def identifier(tree: ContentTree, value: Any, path: Path, place: Place) -> None:
    """A name or id: judged like any text, but nothing in it can be replaced."""
    if isinstance(value, str):
        tree.field(value, path, place, editable=False)
    elif value is not None:
        tree.unknown_field(value, path, place)


def anything(tree: ContentTree, value: Any, path: Path, place: Place) -> None:
    """A free structure: all its strings are judged."""
    if value != []:  # which many answers have
        tree.anything(value, path, place)


def arguments(tree: ContentTree, value: Any, path: Path, place: Place) -> None:
    """A call's arguments: JSON in a string, judged leaf by leaf (or already decoded, as some servers send
    it).
    """
    if isinstance(value, str):
        tree.json_text(value, path, place)
    elif value is not None:
        tree.anything(value, path, place)


def refuse(tree: ContentTree, value: Any, path: Path, place: Place) -> None:
    """A field that would change what the model reads behind the guard's back."""
    raise RequestError(
        "unsupported_field", f"{path[-1]!r} is refused: the guard cannot see what it does", pointer(path)
    )


def refused(reason: str) -> Reader:
    """Read a field that is refused for a reason, unless it says that it is not used."""

    def read(tree: ContentTree, value: Any, path: Path, place: Place) -> None:
        if value is not None and value is not False:
            raise RequestError("unsupported_field", f"{path[-1]!r} is refused: {reason}", pointer(path))

    return read


NULLABLE: Final[Set[object]] = frozenset((keep, label, flag, seed, text, identifier, anything, arguments))
"""Readers to whom null says nothing."""


@dataclass(frozen=True, slots=True)
class Table:
    """Reads a mapping by the readers of its fields. Fields without one are judged and named; `lenient` does not name them."""

    fields: Mapping[str, Reader]
    lenient: bool = False
    nullable: Set[str] = field(init=False, compare=False, repr=False)
    """The fields that need not be read where they are null, as many are."""

    def __post_init__(self) -> None:
        functions = {name: each for name, each in self.fields.items() if isinstance(each, FunctionType)}
        object.__setattr__(self, "nullable", {name for name, each in functions.items() if each in NULLABLE})

    def __call__(self, tree: ContentTree, value: Any, path: Path, place: Place) -> None:
        if not isinstance(value, MAPPINGS):
            text(tree, value, path, place)
            return
        fields = self.fields
        for name, inner in value.items():
            reader = fields.get(name)
            if reader is not None:
                if inner is None and name in self.nullable:
                    continue
                if reader is keep and type(inner) is str and is_structure(inner):
                    continue  # before its path is made: most fields of most bodies are such words
                reader(tree, inner, (*path, name), place)
            elif self.lenient:
                tree.anything({name: inner}, path, place)
            else:
                tree.unknown_field(inner, (*path, name), place)


def by_table(fields: Mapping[str, Reader], *, lenient: bool = False) -> Table:
    """Return the reader of mappings with these fields."""
    return Table(fields, lenient)


def each(reader: Reader) -> Reader:
    """Read each entry of a list."""

    def read(tree: ContentTree, value: Any, path: Path, place: Place) -> None:
        if not isinstance(value, LISTS):
            text(tree, value, path, place)
            return
        for index, inner in enumerate(value):
            reader(tree, inner, (*path, index), place)

    return read


def figures(tree: ContentTree, value: Any, path: Path, place: Place) -> None:
    """A structure of numbers and of words of a protocol: what else stands in it is judged."""
    if type(value) is dict and _are_figures(value, NESTED_FIGURES):
        return
    for where, found, _ in find_strings(value, path):
        if not is_structure(found):
            tree.text(found, where, place, editable=False)


NESTED_FIGURES = 2
"""Mappings within mappings in which figures are told at a glance: those of a usage are counts, and details of counts."""


def _are_figures(value: Mapping[Any, Any], nested: int) -> bool:
    """Tell whether a mapping holds flags and small numbers alone, under words of a protocol: nothing to judge."""
    for name, inner in value.items():
        if type(name) is not str or not is_structure(name):
            return False
        kind = type(inner)
        if kind is int or kind is float:
            if not -SHORTEST_LONG < inner < SHORTEST_LONG:
                return False
        elif kind is dict and nested:
            if not _are_figures(inner, nested - 1):
                return False
        elif inner is not None and kind is not bool:
            return False
    return True


ENTRY = ("token", "logprob", "bytes", "top_logprobs")
"""Fields of one token with its probability."""

LISTED = ("content", "refusal", "tokens", "token_logprobs", "top_logprobs", "text_offset")
"""Names of the lists of log-probabilities."""


def spelling(tree: ContentTree, value: Any, path: Path, place: Place) -> None:
    """Log-probabilities: what their tokens spell is judged unless it was, and which others could have stood there. They go
    as a whole where any of it is edited.
    """
    if value is None:
        return
    lists = value.values() if isinstance(value, Mapping) else [value]
    known = {leaf.content.text for leaf in tree.leaves if isinstance(leaf.content, Text)}
    names = value if isinstance(value, Mapping) else ()
    told: dict[str, None] = dict.fromkeys(name for name in names if name not in LISTED)
    for entries in lists:
        if not isinstance(entries, list) or not all(map(_is_entry, entries)):
            told.update((found, None) for _, found, _ in find_strings(entries, path))
            continue
        told.update(dict.fromkeys(_spelled(entries)))
        others = [other for entry in entries for other in entry.get("top_logprobs") or []]
        told["\n".join(dict.fromkeys(word for other in others for word in _spelled([other]) if word))] = None
    for text_ in told:
        if text_ not in known:
            tree.text(text_, path, place)


def spells(entries: Any, text: str) -> bool:
    """Tell whether log-probabilities are those of a text's own tokens, whatever else could have stood there."""
    return isinstance(entries, list) and all(map(_is_entry, entries)) and {*_spelled(entries)} <= {text, ""}


def _is_entry(entry: Any) -> bool:
    """Whether this is a token with its probability, and no more."""
    if not isinstance(entry, Mapping) or not isinstance(entry.get("token"), str) or set(entry) - {*ENTRY}:
        return False
    others, spelt = entry.get("top_logprobs") or [], entry.get("bytes") or []
    numbers = isinstance(spelt, list) and all(type(byte) is int and 0 <= byte < 256 for byte in spelt)
    likely = isinstance(entry.get("logprob"), int | float | None)
    return numbers and likely and isinstance(others, list) and all(map(_is_entry, others))


def _spelled(entries: Sequence[Mapping[str, Any]]) -> tuple[str, str]:
    """Return what tokens spell, by their texts and by their bytes."""
    spelt = bytes(byte for entry in entries for byte in entry.get("bytes") or [])
    return "".join(entry["token"] for entry in entries), spelt.decode(errors="replace")


def parts(part: Reader, own: Mapping[str, tuple[str, ...]]) -> Reader:
    """Read a message's content: a text, or a list of parts, judged each and joined; `own` names the fields with a part's
    own text, by type.

    Joined are all parts, as one reads them, and those of each kind: a server may drop what lies between two
    texts.
    """

    def read(tree: ContentTree, value: Any, path: Path, place: Place) -> None:
        if type(value) is str:
            tree.field(value, path, place)
            return
        first = len(tree.leaves)
        if isinstance(value, LISTS):
            each(part)(tree, value, path, place)
            by_kind: dict[str, list[int]] = {}
            for index in range(first, len(tree.leaves)):
                kind = _part_kind(value, tree.leaves[index].path[len(path) :], own)
                if kind is not None:
                    by_kind.setdefault(kind, []).append(index)
            for indexes in by_kind.values():
                tree.join(indexes, path, place)
            if len(by_kind) > 1:
                tree.join(sorted(index for indexes in by_kind.values() for index in indexes), path, place)
        elif isinstance(value, Mapping):
            part(tree, value, path, place)
        else:
            text(tree, value, path, place)

    return read


def _part_kind(entries: Sequence[Any], inner: Path, own: Mapping[str, tuple[str, ...]]) -> str | None:
    """Return the kind of the part whose own text stands at a path inside the parts, None for what else stands
    there.
    """
    entry = entries[int(inner[0])]
    if not isinstance(entry, Mapping):
        return "text" if len(inner) == 1 else None
    kind = entry.get("type")
    if not isinstance(kind, str) or len(inner) != 2 or inner[1] not in own.get(kind, ()):
        return None
    return "text" if kind.endswith("text") else kind


SEALED = re.compile(r"[A-Za-z0-9+/=_-]{32,}")
"""Base64 of either alphabet, too long for a word."""

TOKEN = re.compile(r"[A-Za-z0-9+/=_:.~-]{32,}")
"""Several pieces of Base64 with their separators, as in signatures and keys."""

LONGEST_TOKEN = 8_192
"""Characters up to which a signature is read for words and patterns as well, at about a microsecond each."""

LONGEST_KEY = 1_024
"""Characters up to which bytes may be a key."""

DATA_URL = re.compile(r"data:[\w/+.-]{1,64};base64,")


def opaque(tree: ContentTree, value: Any, path: Path, place: Place) -> None:
    """Bytes in Base64, which are judged or named where they stand. What does not look like some is judged as a text; what is no
    longer than a key may be is read for words and patterns.
    """
    start = DATA_URL.match(value) if isinstance(value, str) else None
    if not isinstance(value, str) or not SEALED.fullmatch(value, start.end() if start else 0):
        identifier(tree, value, path, place)
    elif len(value) <= LONGEST_KEY:
        tree.text(value, path, place, editable=False, form="data")


def signature(tree: ContentTree, value: Any, path: Path, place: Place) -> None:
    """A signature, a cursor or another token of a server: read for words and patterns, as it is and decoded, which noise
    withstands. One that is too long for that is decoded alone, and named.
    """
    if not isinstance(value, str) or not TOKEN.fullmatch(value):
        keep(tree, value, path, place)
        return
    if len(value) <= LONGEST_TOKEN:
        tree.text(value, path, place, editable=False, form="data")
    else:
        tree.cannot("sealed", "only the server can open this", path, place)
    _decoded(tree, value, path, place)


def sealed(tree: ContentTree, value: Any, path: Path, place: Place) -> None:
    """A text that its provider has encrypted, such as hidden reasoning: nobody here can judge it, and it is named. What is
    no more than Base64 is judged.
    """
    if isinstance(value, str) and TOKEN.fullmatch(value):
        tree.cannot("sealed", "only the provider can open this", path, place)
        _decoded(tree, value, path, place)
    else:
        identifier(tree, value, path, place)


def _decoded(tree: ContentTree, value: str, path: Path, place: Place) -> None:
    for payload in BASE64.find(value):
        tree.text(payload.text, path, place, editable=False)


CREDENTIAL = re.compile(r"(?:(?:Bearer|Basic|Token) )?(?P<token>[A-Za-z0-9+/=_:.~-]{16,4096})")
"""A key as `Authorization` has it."""

KEY_PIECE = re.compile(r"(?=[A-Za-z]*[0-9])(?=[0-9]*[A-Za-z])[A-Za-z0-9]{16,}")
"""Letters and digits in turn, of which a key is made."""


def credential(tree: ContentTree, value: Any, path: Path, place: Place) -> None:
    """A key that a client gives a server: no text where most of it is drawn at random, but for what it says in Base64."""
    found = CREDENTIAL.fullmatch(value) if isinstance(value, str) else None
    if found is not None and 2 * sum(map(len, KEY_PIECE.findall(found["token"]))) > len(found["token"]):
        _decoded(tree, found["token"], path, place)
    else:
        keep(tree, value, path, place)


def unseen(reason: str) -> Reader:
    """Read what stands for something that the guard cannot see, such as the id of a file: what it says is judged, and what
    it stands for is named as unchecked.
    """

    def read(tree: ContentTree, value: Any, path: Path, place: Place) -> None:
        if value is not None and value != [] and value != {}:
            tree.cannot("part", reason, path, place)
            tree.anything(value, path, place)

    return read


@dataclass(frozen=True, slots=True)
class Kinds:
    """Reads a mapping by what its `type` says. A type without a reader is judged as text, and named as unchecked."""

    kinds: Mapping[str, Reader]

    def __call__(self, tree: ContentTree, value: Any, path: Path, place: Place) -> None:
        if not isinstance(value, Mapping):
            text(tree, value, path, place)
            return
        kind = value.get("type")
        reader = self.kinds.get(kind) if isinstance(kind, str) else None
        if reader is not None:
            reader(tree, value, path, place)
            return
        tree.cannot("part", "no detector reads this type of part", path, place)
        for name, inner in value.items():
            tree.unknown_field(inner, (*path, name), place)


def spoken(tree: ContentTree, roles: Sequence[str]) -> None:
    """Say who speaks in each message of a conversation, the oldest first; the current turn begins with a user's last one."""
    users = [index for index, role in enumerate(roles) if role == "user"]
    tree.turns = max(1, len(users))
    tree.current_from = users[-1] if users else 0
    tree.roles = tuple(roles)


def by_type(kinds: Mapping[str, Reader]) -> Kinds:
    """Return the reader of mappings of these types."""
    return Kinds(kinds)
