"""Says who reads the texts of a structure: which are sentences, which are data, and what the structure says as a whole.

Every text is read by the detectors that look for words and patterns. For those that judge sentences (`Text.form`):

* A **sentence** of five words or more is read alone.
* **Phrases** and sentences are read together, in passages of lines as `key: value`, each once: what a hundred rows say is a
  few passages, not hundreds of texts, and a sentence that is cut over several values is still one.
* **Data** (keys, codes, numbers, names of models; `guardrails/text/prose.py`) is read by none of them, unless so many
  of its words hold sentences together that it is a sentence in pieces (`{"how": "do", "I": "make", ...}`): then all words are
  read in their order.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from guardrails.text.prose import TextKind, classify_text, find_function_words, spell_out
from guardrails.types import TextForm

PASSAGE: Final = 2_000
"""Characters of one passage, about."""
LONGEST_LINE: Final = 300
"""Characters of a text up to which it is read with others, too."""
SCATTERED: Final = 3
"""Different function words among short values and keys from which they are read as a sentence in pieces."""


class RecordPart(NamedTuple):
    """A text of a structure: its number among what stands there, the text, and whether it is a key."""

    at: int
    text: str
    is_key: bool


class RecordPassage(NamedTuple):
    """What some parts say together; `pieces` are the numbers of these, each with where it begins."""

    text: str
    pieces: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class RecordReading:
    """Who reads what of a structure: the form of each part by its number, and the passages for detectors that judge sentences."""

    forms: dict[int, TextForm]
    passages: tuple[RecordPassage, ...]


def read_records(parts: Sequence[RecordPart], *, prose: bool = False) -> RecordReading:
    """Return who reads the texts of a structure.

    Args:
        parts: its texts, in their order; a key comes right before what it leads to.
        prose: whether each value is somebody's words, however short.
    """
    forms: dict[int, TextForm] = {}
    lines: dict[str, tuple[RecordPart, ...]] = {}
    said = 0
    scattered: dict[TextKind, set[str]] = {"data": set(), "phrase": set()}
    key: RecordPart | None = None
    for part in parts:
        kind = classify_text(part.text)
        alone = kind == "sentence" or (prose and not part.is_key)
        forms[part.at] = "prose" if alone else "data"
        if kind != "data" and len(part.text) <= LONGEST_LINE:
            labelled = key is not None and not part.is_key
            line = spell_out(part.text)
            if labelled and key is not None and key.text not in lines:
                lines[f"{key.text}: {line}"] = (key, part)
            else:
                lines[line] = (part,)
            said += 2 if kind == "phrase" and not alone else 1
        if kind != "sentence":
            scattered[kind] |= find_function_words(part.text)
        key = part if part.is_key else None
    passages = _pack(list(lines.items())) if said > 1 else []
    if scattered["data"] and len(scattered["data"] | scattered["phrase"]) >= SCATTERED:
        passages += _pack(
            [(spell_out(part.text), (part,)) for part in parts if len(part.text) <= LONGEST_LINE], " "
        )
    return RecordReading(forms, tuple(passages))


def _pack(lines: Sequence[tuple[str, tuple[RecordPart, ...]]], between: str = "\n") -> list[RecordPassage]:
    """Return passages of some lines each."""
    passages: list[RecordPassage] = []
    texts: list[str] = []
    pieces: list[tuple[int, int]] = []
    length = 0
    for line, parts in lines:
        if length + len(line) > PASSAGE and texts:
            passages.append(RecordPassage(between.join(texts), tuple(pieces)))
            texts, pieces, length = [], [], 0
        pieces.append((parts[0].at, length))
        if len(parts) > 1:
            pieces.append((parts[1].at, length + len(parts[0].text)))
        texts.append(line)
        length += len(line) + len(between)
    if texts:
        passages.append(RecordPassage(between.join(texts), tuple(pieces)))
    return passages
