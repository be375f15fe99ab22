"""Removes metadata from pictures that go on, where a policy wants that: what no rule has changed is written without it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from guardrails.detectors.binding import BoundDetector
from guardrails.engine.content.content_tree import ContentTree
from guardrails.engine.detector_task import Task
from guardrails.engine.redaction.media_redaction import write_picture
from guardrails.errors import GuardUnavailable
from guardrails.media.errors import MediaError
from guardrails.media.images.picture import Picture, open_picture
from guardrails.media.limits import PictureLimits
from guardrails.media.uploads.strip_metadata import strip_metadata
from guardrails.policy.compiled import CompiledPolicy
from guardrails.types import CLEAN, Content, Detection, Image, Unchecked

NAME: Final = "metadata"
"""Under which timings hold what this took."""

KEPT: Final = "its metadata cannot be removed where it stands"


def removes_metadata(policies: Sequence[CompiledPolicy]) -> bool:
    """Tell whether pictures go on without metadata."""
    return any(policy.media.metadata == "strip" for policy in policies)


class MetadataRemoval:
    """Pictures of which the metadata is removed, but for those `done`: `task` does it, `settle` gives what they became."""

    def __init__(self, tree: ContentTree, done: Sequence[int], limits: PictureLimits) -> None:
        self._limits, self._made = limits, list[bytes | MediaError | None]()
        leaves = [
            index
            for index, leaf in enumerate(tree.leaves)
            if isinstance(leaf.content, Image)
            and isinstance(leaf.content.source, Picture)
            and leaf.content.place.origin is None
            and index not in done
        ]
        contents = [tree.leaves[index].content for index in leaves]
        self.task = Task(BoundDetector(NAME, self, frozenset(), inline=False), leaves, contents)

    def detect(self, batch: Sequence[Content]) -> list[Detection]:
        """Write the pictures anew, one after the other."""
        for each in batch:
            assert isinstance(each, Image)
            try:
                self._made.append(strip_metadata(each.source, self._limits))
            except (MediaError, GuardUnavailable) as error:
                self._made.append(MediaError("undecodable", str(error)))
        return [CLEAN] * len(batch)

    def settle(self, tree: ContentTree, timings: dict[str, float]) -> dict[int, object]:
        """Return the pictures that are others now; what could not be written anew is named as unchecked."""
        timings[NAME] = timings.get(NAME, 0.0) + self.task.took_ms
        made, edits = [*self._made], dict[int, object]()
        made += [MediaError("timeout", "it was not written in time")] * (len(self.task.leaves) - len(made))
        for index, new in zip(self.task.leaves, made, strict=True):
            leaf = tree.leaves[index]
            if new is None:
                continue
            written = None
            if isinstance(new, bytes) and leaf.editable:
                most = replace(self._limits, bytes=max(self._limits.bytes, 4 * len(new)))
                written = write_picture(leaf, new, open_picture(new, most))
            if written is None:
                place = leaf.content.place
                tree.unchecked.append((Unchecked("image", KEPT, place.path), place))
            else:
                edits[index] = written
        return edits
