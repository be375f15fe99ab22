"""Says who reads the texts of a structure: which are sentences, which are data, and what the structure says as a whole.

Every text is read by the detectors that look for words and patterns. For those that judge sentences (`Text.form`):

* A **sentence** of five words or more is read alone.
* **Phrases**, and sentences that are not closed, are read together, in passages of lines as `key: value`, each once: what a
  hundred rows say is a few passages, not hundreds of texts, and a sentence that is cut over several values is still one.
* **Data** (keys, codes, numbers, names of models; `guardrails/text/prose.py`) is read by none of them, unless it
  may be a sentence in pieces (`["how", "do", "I", ...]`), as some of its words are such as hold sentences together: then the
  values of a small structure, and all of it with its keys, are read in a row, too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, NamedTuple

from guardrails.text.prose import TextKind, classify_text, find_function_words, is_word_list, spell_out
from guardrails.types import TextForm

PASSAGE: Final = 2_000
"""Characters of one passage, about."""
LONGEST_LINE: Final = 300
"""Characters of a text up to which it is read with others, too."""
AVOIDED: Final = frozenset(("negative_prompt", "negative_prompts", "negativeprompt"))
"""Keys of what a picture is not to show."""
MOST_PIECES: Final = 60
"""Texts of a structure up to which they are read in a row, too: a sentence in more pieces is read as lines."""
FEWEST_WORDS: Final = 4
"""Words from which short texts in a row may be a sentence in pieces."""
CODES: Final = frozenset(("da", "de", "el", "en", "es", "is", "it", "la", "no", "se", "so"))
"""Function words that are codes of languages, too."""
CLOSED: Final = (".", "!", "?", "\u2026", "\u3002", "\uff01", "\uff1f")
"""What closes a sentence."""
SCATTERED: Final = 2
"""Different function words from which they are taken for one, where keys are among them."""


class RecordPart(NamedTuple):
    """A text of a structure: its number among what stands there, the text, and whether it is a key. A key of the program's own,
    such as the name of an argument, is no text to judge, and has no number (-1).
    """

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
    avoided = _find_avoided(parts)
    kinds: list[TextKind] = [
        "data" if at in avoided else classify_text(part.text) for at, part in enumerate(parts)
    ]
    forms: dict[int, TextForm] = {
        part.at: "prose" if kind == "sentence" or (prose and not part.is_key) else "data"
        for part, kind in zip(parts, kinds, strict=True)
        if part.at >= 0
    }
    short = [
        (part, kind)
        for at, (part, kind) in enumerate(zip(parts, kinds, strict=True))
        if len(part.text) <= LONGEST_LINE and at not in avoided
    ]
    passages = _write_lines(short, forms)
    own = [part for part, _ in short if part.at >= 0]
    for row in ([part for part in own if not part.is_key], own):
        if _may_be_sentence(row):
            passages += _pack([(spell_out(part.text), (part,)) for part in row], " ")
    return RecordReading(forms, tuple({passage.text: passage for passage in reversed(passages)}.values()))


def _find_avoided(parts: Sequence[RecordPart]) -> frozenset[int]:
    """Return which parts are lists of what a picture is not to show."""
    return frozenset(
        at + 1
        for at, (key, value) in enumerate(pairwise(parts))
        if key.is_key and not value.is_key and key.text.lower() in AVOIDED and is_word_list(value.text)
    )


def _write_lines(
    short: Sequence[tuple[RecordPart, TextKind]], forms: Mapping[int, TextForm]
) -> list[RecordPassage]:
    """Return phrases and sentences as lines, each once, with their keys; none where a sentence is all that is said."""
    lines: dict[str, tuple[RecordPart, ...]] = {}
    said = 0
    key: RecordPart | None = None
    for part, kind in short:
        if kind == "phrase" or (kind == "sentence" and not part.text.endswith(CLOSED)):
            line = spell_out(part.text)
            if key is not None and not part.is_key and key.text not in lines:
                lines[f"{key.text}: {line}"] = (key, part)
            else:
                lines[line] = (part,)
            said += 2 if forms[part.at] == "data" else 1
        key = part if part.is_key else None
    return _pack([*lines.items()]) if said > 1 else []


def _may_be_sentence(row: Sequence[RecordPart]) -> bool:
    """Tell whether texts that stand in a row may be one sentence in pieces: words that hold sentences together stand in one that
    is not closed by itself, and, where there are keys, in a key.
    """
    if not 1 < len(row) <= MOST_PIECES or sum(len(part.text.split()) for part in row) < FEWEST_WORDS:
        return False
    found = find_function_words(" ".join(part.text for part in row if not part.text.endswith(CLOSED)))
    keys = [part.text for part in row if part.is_key]
    if not keys:
        return not found <= CODES or len(found) >= SCATTERED
    # Keys are such words now and then: `from`, `to`.
    return len(found) >= SCATTERED and bool(find_function_words(" ".join(keys)))


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
        begins = (length, length + len(parts[0].text))
        pieces += [(part.at, begin) for part, begin in zip(parts, begins, strict=False) if part.at >= 0]
        texts.append(line)
        length += len(line) + len(between)
    if texts:
        passages.append(RecordPassage(between.join(texts), tuple(pieces)))
    return passages
