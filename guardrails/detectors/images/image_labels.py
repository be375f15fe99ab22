"""The detector over one classifier of pictures: the scores of its labels, or of texts, become findings.

The model sees every frame in every way in which somebody may see it, whole, and large ones in parts as well, as what is small is
lost in the whole. A finding in a part has that as its box; one in the whole has none. Where labels exclude one another a category
is as likely as its labels together; else it has the highest score of its labels.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from guardrails.detectors.images.image_classifier_config import ImageClassifierConfig
from guardrails.detectors.images.view_boxes import scale_box
from guardrails.inference.safety.folder import read_manifest_file
from guardrails.types import CLEAN, Content, Detection, Finding, Image

if TYPE_CHECKING:
    from guardrails.inference.media.picture_model import PictureModel, PictureOptions, ScoredPart
    from guardrails.inference.safety.scores import Scores
    from guardrails.media.images.picture import Picture, Pixels


DECIDED: Final[Mapping[str, Callable[[float, float], float]]] = {
    "mean": lambda one, other: (one + other) / 2,
    "any": max,
    "all": min,
}
"""What the scores of two models make."""

LEAST: Final = 0.1
"""The score below which nothing is reported, by default."""

LOW: Final = 0.001
"""That of texts which are judged each by itself: such models are seldom sure, and nearly always sure of what is not there."""


class ImageClassifier:
    """The detector: all views of all frames, whole and in parts."""

    inline = False
    pixels = True

    def __init__(
        self,
        name: str,
        config: ImageClassifierConfig,
        folder: Path,
        columns: Mapping[str, Sequence[int]],
        *,
        model: PictureModel | None,
        second: ImageClassifier | None = None,
    ) -> None:
        """Take a model, or the folder of the shipped one, which is loaded with the first picture; and a second detector."""
        self._second = second
        self._name, self._config, self._folder = name, config, folder
        self._columns = {category: [*at] for category, at in columns.items()}
        by_texts = config.prompts is not None
        # Labels that exclude one another add up to their category.
        self._sums = model is None or (by_texts and model.activation == "softmax")
        by_itself = by_texts and not self._sums
        self._least = config.min_score if config.min_score is not None else LOW if by_itself else LEAST
        self._model = model
        shipped = b"" if model is not None else read_manifest_file(folder)
        self.identity: list[Any] = [sorted(self._columns.items()), hashlib.sha256(shipped).hexdigest()]
        if second is not None:
            self.identity.append(second.identity)

    def detect(self, batch: Sequence[Content]) -> list[Detection]:
        return [
            self._detect_one(content.source, self._least_of(content)) if isinstance(content, Image) else CLEAN
            for content in batch
        ]

    def _least_of(self, content: Image) -> float:
        """Return the score below which nothing is reported."""
        return max(self._least, self._config.partial_score) if content.partial else self._least

    def _load_models(self) -> PictureModel:
        if self._model is None:
            self._model = load_labelled_model(self._folder, self._config)
        return self._model

    def _detect_one(self, picture: Picture, least: float) -> Detection:
        found = self._best_findings(picture, self._least)
        doc = self._config.second
        if self._second is not None and doc is not None:
            low, high = doc.unsure
            unsure = [key for key, each in found.items() if low <= each.score <= high]
            others = self._second._best_findings(picture, 0.0) if unsure else {}
            for key in unsure:
                if key in others:
                    score = DECIDED[doc.decide](found[key].score, others[key].score)
                    found[key] = replace(found[key], score=score)
        kept = tuple(each for each in found.values() if each.score >= least)
        return Detection(kept) if kept else CLEAN

    def _best_findings(self, picture: Picture, least: float) -> dict[tuple[str, object], Finding]:
        """Return the highest finding for each category and each part, with the time when that is seen."""
        found: dict[tuple[str, object], Finding] = {}
        for (start, end), box, scores in self._score_frames(picture):
            for category, score in self._scores(scores):
                known = found.get((category, box))
                if score >= least and (known is None or known.score < score):
                    clip = (start, end) if picture.animated else None
                    found[category, box] = Finding(category, score, self._name, box=box, clip=clip)
        return found

    def _score_frames(
        self, picture: Picture
    ) -> Iterator[tuple[tuple[int, int], tuple[int, int, int, int] | None, Scores]]:
        """Yield when something is seen, the box of what is a part, and the scores of the model's labels for it."""
        model = self._load_models()
        views = [((frame.start_ms, frame.end_ms), view) for frame in picture.frames for view in frame.views]
        small = [(when, view) for when, view in views if max(view.shape[:2]) <= self._config.large]
        # Many frames run beside one another; the parts of one view do as well.
        for (when, _), scores in zip(small, model.scores([view for _, view in small]), strict=True):
            yield when, None, scores
        for when, view in views:
            if max(view.shape[:2]) > self._config.large:
                for part in model.score_parts(view):
                    yield when, _box(part, view, picture), part.scores

    def _scores(self, scores: Scores) -> Iterator[tuple[str, float]]:
        for category, at in self._columns.items():
            yield category, min(1.0, float(scores[at].sum() if self._sums else scores[at].max()))


def _box(part: ScoredPart, view: Pixels, picture: Picture) -> tuple[int, int, int, int] | None:
    """Return where a part is in the picture, None for the whole."""
    whole = part.box == (0, 0, view.shape[1], view.shape[0])
    return None if whole else scale_box(part.box, view, picture)


def load_labelled_model(folder: Path, config: ImageClassifierConfig) -> PictureModel:
    """Return the classifier in a folder; raises `ModelError`."""
    from guardrails.inference.media.picture_model import PictureOptions, load_picture_model

    options: PictureOptions = PictureOptions(
        config.runtime, config.file, config.device, config.activation, config.large
    )
    return load_picture_model(folder, options)
