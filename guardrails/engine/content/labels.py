"""Finds what values of a structure are called: `ssn` of `{"ssn": "219456789"}`, of `{"name": "ssn", "value": "219456789"}`, and
of the tables `[["name", "ssn"], ["Jo", "219456789"]]` and `{"columns": ["name", "ssn"], "rows": [["Jo", "219456789"]]}`.

Beside what it is called a number is a person's, or a credential, and by itself might be anything: detectors that look for words
of context read both (`label: value`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from guardrails.engine.values.walk import Found
from guardrails.wire.pointers import Path

PEM_BEGIN: Final = "-----BEGIN "
"""What a key in PEM begins with (RFC 7468)."""
LONGEST_LABELLED: Final = 300
"""Characters of a value up to which its label is read with it: in a longer text words say what stands there."""
LONGEST_LABEL: Final = 40
"""Characters of a text up to which it may be what another one is called."""
FEWEST_DIGITS: Final = 2
"""Digits from which a value may be a number, such as a code of the post, or a date."""
FEWEST_LETTERS: Final = 8
"""Characters from which a word without digits may be a code, such as a BIC."""

GENERIC: Final = frozenset({
    "code", "const", "content", "current", "data", "default", "digits", "display", "enum", "example", "examples", "formatted",
    "full", "id", "input", "key", "new", "no", "nr", "num", "number", "old", "original", "plain", "primary", "raw", "ref", "str",
    "string", "text", "token", "val", "value", "values",
})  # fmt: skip
"""Keys that do not say of what: what they stand in does, as in `{"passport": {"number": …}}`."""

NAMING: Final = (
    "name",
    "key",
    "field",
    "label",
    "header",
    "attribute",
    "property",
    "column",
    "question",
    "type",
    "id",
)
"""Keys of what another value of the same mapping is called, the likeliest first."""

NAMED: Final = frozenset(
    ("value", "val", "answer", "content", "data", "text", "input", "number", "string", "response")
)
"""Keys of what is called so, without regard to case; a type stands behind `stringValue` and the like."""

COLUMNS: Final = (
    "columns",
    "headers",
    "header",
    "fields",
    "cols",
    "column_names",
    "columnNames",
    "keys",
    "names",
)
"""Keys of the names of columns, beside the key of the rows."""

_COUNTED: Final = (
    "At|Calls|Count|Duration|Index|Length|Limit|Ms|Ns|Offset|Port|Size|Status|Timestamp|Total|Version"
)
_NUMBERED: Final = r"(?:[Cc]all|[Rr]un|[Pp]age)[\W_]?(?:ID|Id|id)"
COUNTED: Final = re.compile(
    rf"(?:(?:^|[\W_])(?i:{_COUNTED})|(?<=[a-z])(?:{_COUNTED})|(?:^|[\W_]|(?<=[a-z])){_NUMBERED})s?$"
)
"""Keys of what is counted, measured or numbered by a program, whatever else they say: `phone_calls_total`, `toolCallId`."""

_Texts = Mapping[Path, str]


def label_values(found: Sequence[Found], root: Path) -> Iterator[tuple[int, str]]:
    """Yield, for each value of a structure that a label may tell more of, its number among what was found and the label; twice
    where two may be its own.

    Args:
        found: what was found in the structure.
        root: where the structure stands; what lies above it names nothing.
    """
    texts: dict[Path, str] = {
        where: leaf for where, leaf, _, role in found if role == "value" and isinstance(leaf, str)
    }
    depth = len(root)
    for at, (where, leaf, _, role) in enumerate(found):
        if role == "value" and isinstance(leaf, str) and len(where) > depth and is_code(leaf):
            labels = (
                *_label_by_column(texts, where, depth),
                _label_by_sibling(texts, where, depth),
                *_label_by_keys(where[depth:]),
            )
            yield from ((at, label) for label in dict.fromkeys(labels) if label)


def find_key_lines(found: Sequence[Found]) -> Iterator[list[int]]:
    """Yield, for each list of texts in which a key in PEM begins, the numbers of these: its lines say little by themselves."""
    lists: dict[Path, list[int]] = {}
    begun: dict[Path, None] = {}
    for at, (where, leaf, _, role) in enumerate(found):
        if role == "value" and isinstance(leaf, str) and where and isinstance(where[-1], int):
            lists.setdefault(where[:-1], []).append(at)
            if PEM_BEGIN in leaf:
                begun[where[:-1]] = None
    yield from (lists[path] for path in begun if len(lists[path]) > 1)


def is_code(text: str) -> bool:
    """Tell whether a value may be a number, a date or a code."""
    if len(text) > LONGEST_LABELLED:
        return False
    if sum(map(str.isdigit, text)) >= FEWEST_DIGITS:
        return True
    return len(text) >= FEWEST_LETTERS and not text.islower() and not text.istitle() and " " not in text


def _label_by_keys(path: Path) -> Iterator[str]:
    """Yield the key of a value, behind that of what it stands in where it says nothing; of a list also without its plural."""
    keys = [(at, str(step)) for at, step in enumerate(path) if isinstance(step, str)]
    if not keys:
        return
    at, key = keys[-1]
    label = key
    for _, above in reversed(keys[:-1]):
        if key.lower().strip("_@#$") not in GENERIC:
            break
        key, label = above, f"{above} {label}"
    if any(map(str.isalpha, label)) and not COUNTED.search(label):
        yield label
        if at < len(path) - 1 and label.lower().endswith("s"):
            yield label[:-1]


def _label_by_sibling(texts: _Texts, where: Path, depth: int) -> str:
    """Return what a mapping calls the value beside it, or the first of a pair."""
    key = where[-1]
    if isinstance(key, int):
        pair = (*where[:-1], 0)
        is_pair = key == 1 and len(where) > depth + 1 and (*where[:-1], 2) not in texts
        return read_label(texts.get(pair, "")) if is_pair else ""
    lowered = key.lower()
    if lowered not in NAMED and not lowered.endswith("value"):
        return ""
    for name in NAMING:
        for spelt in (name, name.capitalize(), name.upper()):
            if spelt != key and (label := read_label(texts.get((*where[:-1], spelt), ""))):
                return label
    return ""


def _label_by_column(texts: _Texts, where: Path, depth: int) -> Iterator[str]:
    """Yield the name of the column in which a value of a table stands: beside the rows, and in the first row."""
    if len(where) - depth < 2 or not isinstance(where[-1], int) or not isinstance(where[-2], int):
        return
    column, row, table = where[-1], where[-2], where[:-2]
    for name in COLUMNS if len(table) > depth else ():
        for at in ((*table[:-1], name, column), (*table[:-1], name, column, "name")):
            yield read_label(texts.get(at, ""))
    if row:
        yield read_label(texts.get((*table, 0, column), ""))


def read_label(text: str) -> str:
    """Return a text that may be what something is called: short, with letters, and no value itself."""
    text = text.strip()
    is_name = 0 < len(text) <= LONGEST_LABEL and any(map(str.isalpha, text))
    return text if is_name and sum(map(str.isdigit, text)) <= FEWEST_DIGITS else ""
