"""Adds what a file or a JSON text says in its fields beside what they are called, where that stands far from them: columns of a
table, and names beside values (`{"name": "api_key", "value": …}`).

It is done for what goes in: requests, results of tools and retrieved texts, which are there as a whole. What stands right behind
its name is found in the text as it is.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence
from typing import Final, NamedTuple

from guardrails.detectors.encodings.extractors import DerivedText, PayloadPiece
from guardrails.engine.content.content_tree import ContentTree, Leaf
from guardrails.engine.content.labels import is_code, label_values, read_label
from guardrails.engine.values.json_text import parse_json_text
from guardrails.engine.values.walk import find_leaves
from guardrails.types import Stage, Text
from guardrails.wire import lossless_json

STAGES: Final = (Stage.INPUT, Stage.TOOL_RESULT, Stage.RETRIEVAL)
"""Where whole texts come from elsewhere."""
LONGEST: Final = 200_000
"""Characters of a text up to which it is read so."""
BETWEEN: Final = "\n" * 41
"""What keeps the label of one field from being a word of context for the next: more than detectors look back."""
_DELIMITERS: Final = ",\t;|"
_AROUND: Final = " \t\r\"'"


class LabelledField(NamedTuple):
    """A field of a text: what it is called, and where it stands."""

    label: str
    start: int
    end: int


def add_labelled_texts(tree: ContentTree, but: Container[int]) -> None:
    """Add, for each text with such fields, one text of them all, a line each; the leaves in `but` are known to have none."""
    for index in range(len(tree.leaves)):
        if index in but:
            continue
        leaf = tree.leaves[index]
        content = leaf.content
        if not isinstance(content, Text) or leaf.again:
            continue
        if not (fields := find_fields(content)):
            continue
        lines: list[str] = []
        pieces: list[PayloadPiece] = []
        length = 0
        for label, start, end in fields:
            begin = length + len(label) + 2
            pieces.append(PayloadPiece(begin, start, end, range(start, end + 1)))
            lines.append(f"{label}: {content.text[start:end]}")
            length = begin + end - start + len(BETWEEN)
        derived = DerivedText(BETWEEN.join(lines), "fields", (*pieces,))
        text = Text(derived.text, content.place, content.context, "data")
        tree.leaves.append(Leaf(text, leaf.path, leaf.inner, leaf.editable, (), leaf.across, index, derived))


def find_fields(content: Text) -> list[LabelledField]:
    """Return the fields of a text that something far from them names; none where it comes in pieces, or is too long."""
    text = content.text
    if (
        content.place.stage not in STAGES
        or len(text) > LONGEST
        or ("\n" not in text[1:] and text[:1] not in "{[")
    ):
        return []
    return [*_find_json_fields(text)] or [*find_table_fields(text)]


def _find_json_fields(text: str) -> Iterator[LabelledField]:
    """Yield the fields of a JSON text that something else than their key names."""
    if not text.lstrip().startswith(("{", "[")):
        return
    value, sound = parse_json_text(text)
    if not sound:
        return
    found = find_leaves(value)
    labels: dict[int, list[str]] = {}
    for at, label in label_values(found, ()):
        if found[at][0][-1] != label:
            labels.setdefault(at, []).append(label)
    position = 0
    for at, (_, leaf, _, role) in enumerate(found if labels else ()):
        assert isinstance(leaf, str)  # JSON holds nothing else
        start, end = _find_literal(text, leaf, position, role)
        if end > position:
            yield from (LabelledField(label, start, end) for label in labels.get(at, ()))
        position = max(position, end)


def _find_literal(text: str, leaf: str, position: int, role: str) -> tuple[int, int]:
    """Return where a leaf stands from a place on, as leaves come in the order of the text: without its quotes; (0, 0) if it is
    not written as usual.
    """
    literal = lossless_json.write(leaf)
    start = text.find(literal, position)
    if start >= 0:
        return start + 1, start + len(literal) - 1
    start = text.find(leaf, position) if role == "value" else -1
    return (start, start + len(leaf)) if start >= 0 else (0, 0)


def find_table_fields(text: str) -> Iterator[LabelledField]:
    """Yield the fields of tables in a text: lines of as many fields each, the first of which are names."""
    delimiters = [delimiter for delimiter in _DELIMITERS if delimiter in text]
    head: list[str] = []
    delimiter = line = ""
    start = 0
    for following in text.split("\n") if delimiters else ():
        if not line or not following:
            head = []  # a table ends at an empty line
        elif not head:
            delimiter, head = _read_head(line, following, delimiters)
        if head:
            fields = _split_line(following, delimiter)
            if len(fields) == len(head):
                yield from _label_fields(head, fields, start)
            else:
                head = []
        line = following
        start += len(following) + 1


def _label_fields(head: Sequence[str], fields: Sequence[str], start: int) -> Iterator[LabelledField]:
    """Yield the fields of a line that may be codes and have a name; the line begins at `start`."""
    for label, field in zip(head, fields, strict=True):
        if label and is_code(value := field.strip(_AROUND)):
            begin = start + len(field) - len(field.lstrip(_AROUND))
            yield LabelledField(label, begin, begin + len(value))
        start += len(field) + 1


def _read_head(line: str, following: str, delimiters: Sequence[str]) -> tuple[str, list[str]]:
    """Return what separates fields, and their names, where a line is the head of a table; "" for a field that is none."""
    for delimiter in delimiters:
        count = line.count(delimiter)
        if count and following.count(delimiter) >= count:
            names = [field.strip(_AROUND) for field in _split_line(line, delimiter)]
            if all(not name or read_label(name) for name in names) and any(names):
                return delimiter, names
    return "", []


def _split_line(line: str, delimiter: str) -> list[str]:
    """Return the fields of a line, white space and quotes around them included; delimiters in quotes are none."""
    parts = line.split(delimiter)
    if '"' not in line:
        return parts
    fields: list[str] = []
    first, is_open = 0, False
    for at, part in enumerate(parts, 1):
        is_open ^= part.count('"') % 2 == 1
        if not is_open or at == len(parts):
            fields.append(delimiter.join(parts[first:at]))
            first = at
    return fields
