"""Says who reads the texts of a structure: which are sentences, which are data, and what the structure says as a whole.

Every text is read by the detectors that look for words and patterns. For those that judge sentences (`Text.form`):

* A **sentence** of five words or more is read alone.
* **Phrases**, and sentences that are not closed, are read together, in passages of lines, each and each key once: what a
  hundred rows say is a few passages, not hundreds of texts, and a sentence that is cut over several values is still one.
* **Data** (keys, codes, numbers, names of models; `guardrails/text/prose.py`) is read by none of them, unless it
  may be a sentence in pieces (`["how", "do", "I", ...]`), as some of its words are such as hold sentences together: then the
  values of a small structure, and all of it with its keys, are read in a row, too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, NamedTuple

from guardrails.text.prose import (
    TextKind,
    classify_text,
    find_function_words,
    is_word_list,
    says_nothing,
    spell_out,
)
from guardrails.types import TextForm

PASSAGE: Final = 2_000
"""Characters of one passage, about."""
LONGEST_LINE: Final = 300
"""Characters of a text up to which it is read with others, too."""
SAID: Final = frozenset(
    ("prompt", "user_prompt", "user_input", "user_message", "message", "question", "comment", "utterance")
)
"""Keys of what somebody says, however short."""
AVOIDED: Final = frozenset(("negative_prompt", "negative_prompts", "negativeprompt"))
"""Keys of what a picture is not to show."""
MOST_PIECES: Final = 60
"""Texts of a structure up to which all are read in a row, too; of more the short ones, so many at a time."""
FEWEST_WORDS: Final = 4
"""Words from which short texts in a row may be a sentence in pieces."""
CODES: Final = frozenset(("da", "de", "el", "en", "es", "is", "it", "la", "no", "se", "so"))
"""Function words that are codes of languages, too."""
CLOSED: Final = (".", "!", "?", "\u2026", "\u3002", "\uff01", "\uff1f")
"""What closes a sentence."""
CLOSED_WORDS: Final = 3
"""Words from which one that is closed is a sentence."""
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
    """What some parts say together; `pieces` are the numbers of these, each with where it begins, `form` says who reads it."""

    text: str
    pieces: tuple[tuple[int, int], ...]
    form: TextForm = "record"


_OTHER_SCRIPTS: Final = re.compile(r"[^\W\d_a-zA-Z\u00c0-\u024f]{2,}")
"""Words of other scripts than Latin."""


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
    avoided: set[int] = set()
    said: set[int] = set()
    for at, key, value in _pair_keys(parts):
        name = key.text.lower()
        if name in AVOIDED and is_word_list(value.text):
            avoided.add(at)
        if name in SAID:
            said.add(at)
    kinds: list[TextKind] = [
        "data" if at in avoided else classify_text(part.text) for at, part in enumerate(parts)
    ]
    forms: dict[int, TextForm] = {
        part.at: "prose" if kind == "sentence" or at in said or (prose and not part.is_key) else "data"
        for at, (part, kind) in enumerate(zip(parts, kinds, strict=True))
        if part.at >= 0
    }
    short = [
        (part, kind)
        for at, (part, kind) in enumerate(zip(parts, kinds, strict=True))
        if len(part.text) <= LONGEST_LINE and at not in avoided
    ]
    passages = _write_lines(short, forms)
    own = [(part, kind) for part, kind in short if part.at >= 0]
    for row in _cut_rows(own):
        if _may_be_sentence(row):
            passages += _pack([(spell_out(part.text), (part,)) for part in row], " ")
    each_once = {passage.text: passage for passage in reversed(passages)}
    return RecordReading(forms, (*each_once.values(),))


def _pair_keys(parts: Sequence[RecordPart]) -> Iterator[tuple[int, RecordPart, RecordPart]]:
    """Yield each text that has a key: its number among the parts, the key, and the text."""
    for at, (key, value) in enumerate(pairwise(parts), 1):
        if key.is_key and not value.is_key:
            yield at, key, value


def _cut_rows(own: Sequence[tuple[RecordPart, TextKind]]) -> Iterator[list[RecordPart]]:
    """Yield what may be a sentence in pieces: the values, and all with the keys; of a large structure, whose phrases are lines,
    the short ones of both, in windows that overlap.
    """
    if len(own) <= MOST_PIECES:
        yield [part for part, _ in own if not part.is_key]
        yield [part for part, _ in own]
        return
    words = [part for part, kind in own if kind == "data" and not says_nothing(part.text)]
    for row in ([part for part in words if not part.is_key], words):
        for start in range(0, len(row), MOST_PIECES // 2):
            yield row[start : start + MOST_PIECES]


def _write_lines(
    short: Sequence[tuple[RecordPart, TextKind]], forms: Mapping[int, TextForm]
) -> list[RecordPassage]:
    """Return phrases and sentences as lines, each once, the first of a key with it; none where a sentence is all that is said."""
    lines: dict[str, tuple[RecordPart, ...]] = {}
    behind: dict[str, set[str]] = {}  # the lines of each key
    said = 0
    key: RecordPart | None = None
    for part, kind in short:
        if part.at >= 0 and (kind == "phrase" or (kind == "sentence" and not _is_closed(part.text))):
            line = spell_out(part.text)
            said += 2 if forms[part.at] == "data" else 1
            if key is None or part.is_key or key.text in lines:
                lines[line] = (part,)
            elif key.text not in behind:
                behind[key.text] = {line}
                lines[f"{key.text}: {line}"] = (key, part)
            elif line not in behind[key.text]:
                behind[key.text].add(line)
                lines[line] = (part,)
        key = part if part.is_key else None
    return _pack([*lines.items()]) if said > 1 else []


def _may_be_sentence(row: Sequence[RecordPart]) -> bool:
    """Tell whether texts that stand in a row may be one sentence in pieces: words that hold sentences together stand in one that
    is not closed by itself, and, where there are keys, in a key.
    """
    if not 1 < len(row) <= MOST_PIECES:
        return False
    keys = [part.text for part in row if part.is_key]
    # Keys are such words now and then: `from`, `to`. Of other scripts there is no list of them.
    if keys and not find_function_words(" ".join(keys)) and all(part.text.isascii() for part in row):
        return False
    if sum([len(part.text.split()) for part in row]) < FEWEST_WORDS:
        return False
    text = " ".join([spell_out(part.text) for part in row if not _is_closed(part.text)])
    found = find_function_words(text)
    if len(_OTHER_SCRIPTS.findall(text)) >= FEWEST_WORDS:
        return True
    if not keys:
        return not found <= CODES or len(found) >= SCATTERED
    return len(found) >= SCATTERED and bool(find_function_words(" ".join(keys)))


def _is_closed(text: str) -> bool:
    """Tell whether a text is a sentence that ends."""
    return text.endswith(CLOSED) and len(text.split()) >= CLOSED_WORDS


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
