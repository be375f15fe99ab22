"""Adds what is written in the files of pictures beside the picture, as texts that stand where the pictures do.

Each has its place in the file as its origin (`metadata:exif.ImageDescription`). Who reads which of them is told as for a mapping:
sentences are read alone, names and phrases together, codes by detectors of words and patterns alone. What is found in one is
found in the picture, and gone from it once that is redacted. Where a policy removes metadata from pictures anyway, nobody gets
these texts, and they are not judged.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any, Final

from guardrails.detectors.binding import BoundDetector
from guardrails.detectors.images.text_layout import PlacedText, TextLine
from guardrails.engine.content.content_tree import ContentTree
from guardrails.engine.content.records import RecordPart, read_records
from guardrails.engine.detector_task import Task
from guardrails.errors import GuardUnavailable
from guardrails.media.errors import MediaError
from guardrails.media.images.outline import sniff_format
from guardrails.media.images.picture import PartedFile, Picture, read_picture_bytes
from guardrails.media.limits import PictureLimits
from guardrails.media.metadata.picture_texts import WALKS, read_info, read_texts
from guardrails.media.metadata.written_texts import WrittenText, WrittenTexts
from guardrails.text.prose import classify_text, find_function_words
from guardrails.types import CLEAN, Content, Detection, Image, Text, TextForm, Unchecked

NAME: Final = "texts of files"
"""Under which timings hold what this took."""

ORIGIN: Final = "metadata"
"""The origin of what a file says of itself; a picture's has where, behind a colon."""

UNREAD: Final = "what is written in its file beside the picture could not be read in time"

FEWEST_WORDS: Final = 2
"""Different words that hold sentences together, from which what was found among other bytes is a sentence."""

NAMES: Final = frozenset(("LayerName",))
"""Fields of names, which programs make of what stands in a picture."""

RIGHTS: Final = frozenset(
    ("Copyright", "CopyrightNotice", "rights", "Credit", "UsageTerms", "WebStatement", "License")
)
"""Fields that say whose a picture is: news pictures have one, and a model that knows texts of rights takes it for a request."""

NOTICE: Final = 200
"""Characters up to which they are notices."""

AVOIDED: Final = "negative_prompt"
"""What lists are called of what a picture is not to show."""


def is_metadata(origin: str | None) -> bool:
    """Tell whether a text of an origin stands in a file beside what it shows."""
    return (origin or "").partition(">")[0].partition(":")[0] == ORIGIN


class MetadataTexts:
    """Pictures whose files are read: `task` does it, `settle` adds what was found. Those of which the metadata is `removed`
    anyway are left out, but for parts of other files.
    """

    def __init__(self, tree: ContentTree, limits: PictureLimits, *, removed: bool) -> None:
        self._limits, self._found = limits, list[WrittenTexts]()
        leaves = [
            index
            for index, leaf in enumerate(tree.leaves)
            if is_readable(leaf.content) and not (removed and leaf.content.place.origin is None)
        ]
        contents = [tree.leaves[index].content for index in leaves]
        self.task = Task(BoundDetector(NAME, self, frozenset(), inline=False), leaves, contents)

    def detect(self, batch: Sequence[Content]) -> list[Detection]:
        """Read the files of pictures, one after the other."""
        for each in batch:
            assert isinstance(each, Image)
            self._found.append(self._read(each))
        return [CLEAN] * len(batch)

    def _read(self, content: Image) -> WrittenTexts:
        source: Any = content.data if content.source is None else content.source
        if isinstance(source, PartedFile):
            return read_texts(source.data)
        info = getattr(source, "info", None)
        if isinstance(info, dict):
            return read_info(info)
        with suppress(MediaError, OSError, GuardUnavailable, TypeError):  # which is told where it is decoded
            data = read_picture_bytes(source, self._limits)
            if data is not None and len(data) <= self._limits.bytes:
                return read_texts(data)
        return WrittenTexts()

    def settle(self, tree: ContentTree, timings: dict[str, float]) -> bool:
        """Add what was found; tell whether there was anything."""
        timings[NAME] = timings.get(NAME, 0.0) + self.task.took_ms
        count, found = len(tree.leaves), [*self._found]  # an abandoned worker may go on
        for index, texts in zip(self.task.leaves, found, strict=False):
            _add_texts(tree, index, texts)
        for index in self.task.leaves[len(found) :]:
            place = tree.leaves[index].content.place
            tree.unchecked.append((Unchecked("limit", UNREAD, place.path), place))
        return len(tree.leaves) > count


def is_readable(content: Content) -> bool:
    """Tell whether a content is a picture beside which something may be written."""
    if not isinstance(content, Image) or isinstance(content.source, Picture | MediaError):
        return False
    return content.source is not None or sniff_format(content.data) in WALKS


def _add_texts(tree: ContentTree, index: int, texts: WrittenTexts) -> None:
    """Add the texts of a picture's file."""
    place = tree.leaves[index].content.place
    tree.unchecked += [(Unchecked("limit", reason, place.path), place) for reason in texts.left]
    kept = [each for each in texts if not each.loose or classify_text(each.text) == "sentence"]
    parts = [
        part
        for at, each in enumerate(kept)
        for part in (RecordPart(-1, _key_of(each), True), RecordPart(at, each.text, False))
        if is_prose(each)
    ]
    reading, begin = read_records(parts), 0
    for at, each in enumerate(kept):
        form = reading.forms.get(at, "data")
        begin = _add(tree, index, each.text, f"{ORIGIN}:{each.place}", form, begin)
    for passage in reading.passages:
        begin = _add(tree, index, passage.text, ORIGIN, passage.form, begin)


def is_prose(written: WrittenText) -> bool:
    """Tell whether a text may be somebody's sentence: what was found among other bytes only where words hold it together,
    names of layers and short notices of rights never. All others are for detectors of words and patterns.
    """
    if written.loose:
        return len(find_function_words(written.text)) >= FEWEST_WORDS
    name = _key_of(written)
    return name not in NAMES and (name not in RIGHTS or len(written.text) > NOTICE)


def _key_of(written: WrittenText) -> str:
    """Return what a text is called."""
    return AVOIDED if written.avoided else written.place.rpartition(".")[2].rpartition(":")[2]


def _add(tree: ContentTree, index: int, text: str, origin: str, form: TextForm, begin: int) -> int:
    """Add a text that begins somewhere in all that is written in a picture; return where the next one does."""
    leaf = tree.leaves[index]
    derived = PlacedText(text, origin, (), begin=begin, lines=((0, TextLine(text, None)),))
    content = Text(
        text, replace(leaf.content.place, origin=origin, declared=False), leaf.content.context, form
    )
    tree.leaves.append(replace(leaf, content=content, parent=index, derived=derived, base64=None))
    return begin + len(text) + 1
