"""Adds what is written in pictures, or said in films, to the content tree, as texts that stand where these do.

Each text is judged where its picture stands, with the extractor as its origin. A picture whose text could not be read in time, or
by which the reader failed, is named as unchecked.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from guardrails.detectors.binding import BoundDetector
from guardrails.detectors.images.text_layout import PlacedText, locate_span
from guardrails.engine.content.content_tree import ContentTree, Leaf, resolve_span
from guardrails.engine.detector_task import Task
from guardrails.media.images.picture import Picture
from guardrails.types import CLEAN, Content, Detection, Finding, Image, Media, Text, Unchecked

UNREAD = "what is written in it could not be read"


class PictureReading:
    """Pictures that are to be read by one extractor: `task` does it, `settle` takes what came of it."""

    def __init__(self, bound: BoundDetector, tree: ContentTree) -> None:
        found = [index for index, leaf in enumerate(tree.leaves) if _is_seen(leaf.content)]
        self._bound = bound
        self._read: Sequence[Sequence[PlacedText]] = ()
        own = BoundDetector(bound.name, self, frozenset(), inline=False)
        self.task = Task(own, found, [tree.leaves[index].content for index in found])

    def detect(self, batch: Sequence[Content]) -> list[Detection]:
        """Read the pictures."""
        assert self._bound.extracts is not None
        self._read = self._bound.extracts(batch)
        return [CLEAN] * len(self._read)

    def settle(self, tree: ContentTree, timings: dict[str, float]) -> frozenset[int]:
        """Add the texts to the leaves; return the pictures that were read."""
        name = self._bound.name
        timings[name] = timings.get(name, 0.0) + self.task.took_ms
        failed = [answer for answer in self.task.answers if answer.error is not None]
        for index in self.task.leaves if failed else ():
            place = tree.leaves[index].content.place
            entry = Unchecked("image", UNREAD, place.path, failure=failed[0].reason)
            tree.unchecked.append((entry, place))
        for index, texts in () if failed else zip(self.task.leaves, self._read, strict=True):
            add_texts(tree, index, texts)
        return frozenset(() if failed else self.task.leaves)


def _is_seen(content: Content) -> bool:
    return isinstance(content, Image) and isinstance(content.source, Picture)


def add_texts(tree: ContentTree, index: int, texts: Iterable[PlacedText]) -> None:
    """Add what is written in a picture, or said in a film, as leaves of its own."""
    leaf = tree.leaves[index]
    for each in texts:
        begin = sum(len(other.text) + 1 for other in texts_of(tree.leaves, index))
        each = replace(each, begin=begin)
        place = replace(leaf.content.place, origin=each.origin)
        text = Text(each.text, place, leaf.content.context)
        tree.leaves.append(replace(leaf, content=text, parent=index, derived=each, base64=None))


def locate_in_picture(finding: Finding, leaves: Sequence[Leaf], index: int) -> list[tuple[int, Finding]]:
    """Return a finding as findings in pictures and films: one in a picture as it is, one in what is written or said there with
    its box and its clip.
    """
    if finding.span is None:
        return [(index, finding)] if isinstance(leaves[index].content, Media) else []
    found = []
    for picture, start, end in resolve_span(leaves, index, finding.span):
        if isinstance(leaves[picture].content, Media):
            box, clip = locate_span(texts_of(leaves, picture), (start, end))
            found.append((picture, replace(finding, span=None, box=box, clip=clip)))
    return found


def texts_of(leaves: Sequence[Leaf], picture: int) -> list[PlacedText]:
    """Return what is written in a picture."""
    return [
        leaf.derived for leaf in leaves if leaf.parent == picture and isinstance(leaf.derived, PlacedText)
    ]
