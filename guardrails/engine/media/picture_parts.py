"""Adds what stands behind the end of pictures as contents of their own: a motion photo's film, a phone's trailer.

They are judged as any film, picture or text is, cannot be changed by themselves, and are gone from a picture that is redacted.
What is not understood stays a reason not to judge the picture (`trailing_data`).
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from io import IOBase
from pathlib import Path
from typing import Final

from guardrails.detectors.binding import BoundDetector
from guardrails.engine.content.content_tree import ContentTree, Leaf
from guardrails.engine.detector_task import Task
from guardrails.errors import GuardUnavailable
from guardrails.media.errors import MediaError
from guardrails.media.images.outline import read_outline
from guardrails.media.images.picture import PartedFile, read_picture_bytes
from guardrails.media.limits import PictureLimits
from guardrails.media.uploads.trailing import TrailingPart, find_trailing_parts, may_have_parts
from guardrails.types import CLEAN, Content, Detection, Image, Text, Video

NAME: Final = "parts of pictures"
"""Under which timings hold what this took."""

ORIGIN: Final = "trailer"
"""The origin of what stands behind a picture."""


class PictureParts:
    """Pictures whose ends are looked at: `task` does it, `settle` adds what was found."""

    def __init__(self, tree: ContentTree, limits: PictureLimits) -> None:
        self._limits, self._found = limits, list[tuple[bytes, list[TrailingPart]]]()
        leaves = [index for index, leaf in enumerate(tree.leaves) if has_file(leaf.content)]
        contents = [tree.leaves[index].content for index in leaves]
        self.task = Task(BoundDetector(NAME, self, frozenset(), inline=False), leaves, contents)

    def detect(self, batch: Sequence[Content]) -> list[Detection]:
        """Look at the ends of pictures."""
        for each in batch:
            assert isinstance(each, Image)
            self._found.append(self._parts_of(each))
        return [CLEAN] * len(batch)

    def _parts_of(self, content: Image) -> tuple[bytes, list[TrailingPart]]:
        with suppress(MediaError, OSError, GuardUnavailable):  # which is told where it is decoded
            data = read_picture_bytes(
                content.data if content.source is None else content.source, self._limits
            )
            if data is not None and len(data) <= self._limits.bytes:
                return data, find_trailing_parts(data, read_outline(data)) or []
        return b"", []

    def settle(self, tree: ContentTree, timings: dict[str, float]) -> bool:
        """Add what was found; tell whether there was anything."""
        timings[NAME] = timings.get(NAME, 0.0) + self.task.took_ms
        found = zip(self.task.leaves, [*self._found], strict=False)  # an abandoned worker may go on
        parted = [(index, data, parts) for index, (data, parts) in found if parts]
        for index, data, parts in parted:
            leaf, content = tree.leaves[index], tree.leaves[index].content
            assert isinstance(content, Image)
            tree.leaves += [made for part in parts if (made := _leaf_of(part, leaf)) is not None]
            tree.leaves[index] = replace(leaf, content=replace(content, source=PartedFile(data)))
        return bool(parted)


def has_file(content: Content) -> bool:
    """Tell whether a content is a picture of which there is a file that may have parts."""
    if not isinstance(content, Image):
        return False
    if content.source is None:
        return may_have_parts(content.data)
    return isinstance(content.source, str | Path | IOBase)


def _leaf_of(part: TrailingPart, leaf: Leaf) -> Leaf | None:
    """Return a part as a content of its own; None for numbers, which say nothing."""
    place = replace(leaf.content.place, origin=ORIGIN, declared=False)
    content: Content
    match part.kind:
        case "film":
            content = Video(part.data, place, context=leaf.content.context)
        case "picture":
            content = Image(part.data, place, context=leaf.content.context)
        case "text":
            content = Text(part.data.decode(), place, leaf.content.context, "data")
        case _:
            return None
    return Leaf(content, leaf.path, leaf.inner, editable=False)
