"""Finds parts of pictures, each with its box, by a network of YOLO's kind: so that redaction covers the place alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from guardrails.detectors.images.view_boxes import is_covered, scale_box
from guardrails.types import CLEAN, Content, Detection, Finding, Image

if TYPE_CHECKING:
    from guardrails.inference.media.boxes import BoxModel
    from guardrails.media.images.picture import Picture

Box = tuple[int, int, int, int]


class ImagePartsDetector:
    """The detector: all views of all frames, whole and in parts.

    Args:
        name: what the policy calls it.
        model: the network.
        columns: category → the classes that tell it.
        partial: the score that parts of a picture on its way in a stream must reach; the network's own bound holds for others.
    """

    inline = False
    pixels = True

    def __init__(
        self, name: str, model: BoxModel, columns: Mapping[str, Sequence[int]], *, partial: float
    ) -> None:
        self._name, self._model, self._partial = name, model, partial
        self._categories: dict[int, list[str]] = {}
        for category, labels in columns.items():
            for label in labels:
                self._categories.setdefault(label, []).append(category)
        self.identity: list[Any] = [model.identity, sorted(self._categories.items())]

    def detect(self, batch: Sequence[Content]) -> list[Detection]:
        return [self._detect_one(content) if isinstance(content, Image) else CLEAN for content in batch]

    def _detect_one(self, content: Image) -> Detection:
        least = self._partial if content.partial else 0.0
        found: dict[tuple[str, Box], Finding] = {}
        for finding, box in self._findings(content.source):
            known = found.get((finding.category, box))
            if finding.score >= least and (known is None or known.score < finding.score):
                found[finding.category, box] = finding
        return Detection(tuple(found.values())) if found else CLEAN

    def _findings(self, picture: Picture) -> Iterator[tuple[Finding, Box]]:
        for frame in picture.frames:
            clip = (frame.start_ms, frame.end_ms) if picture.animated else None
            for view in frame.views:
                for each in self._model.find_boxes(view):
                    box = scale_box(each.box, view, picture)
                    for category in () if is_covered(box, picture) else self._categories.get(each.label, ()):
                        yield Finding(category, round(each.score, 4), self._name, box=box, clip=clip), box
