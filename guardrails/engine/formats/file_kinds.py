"""Takes files for what their bytes are where a policy wants that (`media: {mistyped: read}`): a film that is called a picture is
watched, a picture that is called a film is looked at.

A container that may hold sound alone stays the sound that it is called: opening tells whether pictures move in it.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from io import IOBase
from pathlib import Path
from typing import BinaryIO, Final, cast

from guardrails.detectors.binding import BoundDetector
from guardrails.engine.content.content_tree import ContentTree
from guardrails.engine.detector_task import Task
from guardrails.engine.values.media_types import KINDS
from guardrails.media.files import rewind_file
from guardrails.media.images.outline import WALKS, sniff_format
from guardrails.media.video.file_type import HEAD, detect_file_type
from guardrails.types import CLEAN, Audio, Content, Detection, Image, Media

NAME: Final = "kinds of files"
"""Under which timings hold what this took."""


class FileKinds:
    """Files whose beginnings are looked at: `task` does it, `settle` takes them for what they are."""

    def __init__(self, tree: ContentTree) -> None:
        self._found = list[type[Media]]()
        leaves = [index for index, leaf in enumerate(tree.leaves) if isinstance(leaf.content, Media)]
        contents = [tree.leaves[index].content for index in leaves]
        self.task = Task(BoundDetector(NAME, self, frozenset(), inline=False), leaves, contents)

    def detect(self, batch: Sequence[Content]) -> list[Detection]:
        """Look at the beginnings."""
        for each in batch:
            assert isinstance(each, Media)
            self._found.append(find_kind(each))
        return [CLEAN] * len(batch)

    def settle(self, tree: ContentTree, timings: dict[str, float]) -> None:
        """Take each for what it is."""
        timings[NAME] = timings.get(NAME, 0.0) + self.task.took_ms
        for index, kind in zip(self.task.leaves, [*self._found], strict=False):
            given = tree.leaves[index].content
            if isinstance(given, Media) and type(given) is not kind:
                own = kind(
                    given.data,
                    given.place,
                    given.url,
                    given.context,
                    given.source,
                    given.declared,
                    given.partial,
                )
                tree.leaves[index] = replace(tree.leaves[index], content=own)


def find_kind(content: Media) -> type[Media]:
    """Return what a file is by its bytes: as what it was given where they say no more."""
    head = _read_head(content)
    if sniff_format(head) in WALKS:
        return Image
    found = detect_file_type(head)
    if found is None or not found.reader or (isinstance(content, Audio) and found.what == "film"):
        return type(content)
    may_be_sound = found.reader in ("mov", "matroska") and found.what == "sound"
    return type(content) if may_be_sound and not isinstance(content, Image) else KINDS[found.what]


def _read_head(content: Media) -> bytes:
    """Return the beginning of a file; nothing of what is none, or cannot be read, which is told where it is opened."""
    source = content.source
    if source is None:
        return content.data[:HEAD]
    with suppress(OSError):
        if isinstance(source, str | Path):
            with Path(source).open("rb") as file:
                return file.read(HEAD)
        if isinstance(source, IOBase):
            with rewind_file(cast(BinaryIO, source)) as file:
                return file.read(HEAD)
    return b""
