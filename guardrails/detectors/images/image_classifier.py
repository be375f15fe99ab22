"""The `image_classifier` detector: findings for a whole picture and for parts of a large one, by a model.

The model (`inference/media/picture_model.py`) sees every frame in every way in which somebody may see it, whole, and large ones
in parts as well, as what is small is lost in the whole. A finding in a part has that as its box; one in the whole has none. The
shipped model's labels exclude one another, so that a category is as likely as its labels together; of other models it has
the highest score of its labels.

The shipped model is loaded with the first picture; any other at load, so that what is wrong with it is known then. Networks that
find parts and vision models behind an endpoint are detectors of their own (`image_parts.py`, `vision/vision_judge.py`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

from guardrails.detectors import ConfigProblem, ConfigProblems, PolicyFiles
from guardrails.detectors.classifier.any_classifier import resolve_columns
from guardrails.detectors.classifier.classifier_config import (
    filter_categories,
    find_label_problems,
    read_labels,
)
from guardrails.detectors.images.image_classifier_config import (
    RUNS,
    ImageClassifierConfig,
    SecondDoc,
    find_categories,
    find_form,
    find_way,
    find_way_problems,
    number_prompts,
    resolve_labels,
)
from guardrails.detectors.images.image_parts import ImagePartsDetector
from guardrails.detectors.images.known_image_models import (
    KNOWN_IMAGE_MODELS,
    KnownImageModel,
    find_known_model,
)
from guardrails.detectors.images.view_boxes import scale_box
from guardrails.detectors.images.vision.vision_judge import VisionJudge, VisionQuestions
from guardrails.detectors.kinds import Kind
from guardrails.inference.safety.folder import ModelError, read_manifest_file
from guardrails.types import CLEAN, Content, Detection, Detector, Finding, Image

if TYPE_CHECKING:
    from guardrails.inference.media.picture_model import PictureModel, PictureOptions, ScoredPart
    from guardrails.inference.safety.scores import Scores
    from guardrails.media.images.picture import Picture, Pixels


Model = TypeVar("Model")

DECIDED: Final[Mapping[str, Callable[[float, float], float]]] = {
    "mean": lambda one, other: (one + other) / 2,
    "any": max,
    "all": min,
}
"""What the scores of two models make."""

LEAST: Final = 0.1
"""The score below which nothing is reported, by default."""

LEAST_OF_PARTS: Final = 0.25
"""That of networks which find parts: they tell much below it."""

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
            self._model = _load(self._folder, self._config)
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


def _load(folder: Path, config: ImageClassifierConfig) -> PictureModel:
    from guardrails.inference.media.picture_model import PictureOptions, load_picture_model

    options: PictureOptions = PictureOptions(
        config.runtime, config.file, config.device, config.activation, config.large
    )
    return load_picture_model(folder, options)


def _build(name: str, config: ImageClassifierConfig, files: PolicyFiles) -> Detector:
    way = find_way(config)
    if problems := [*([] if way == "endpoint" else find_label_problems(config)), *find_way_problems(config)]:
        raise ConfigProblems(problems)
    if way == "endpoint":
        return _ask_endpoint(name, config, files)
    if way == "boxes":
        return _find_parts(name, config, files)
    second = None if config.second is None else _second(name, config, config.second, files)
    return _one_of(name, config, files, second)


def _ask_endpoint(name: str, config: ImageClassifierConfig, files: PolicyFiles) -> VisionJudge:
    """Build the detector over a vision model behind an endpoint."""
    labels = {
        label: kept
        for label, categories in (resolve_labels(config) or {}).items()
        if (kept := filter_categories(categories, config.categories))
    }
    how = VisionQuestions(
        find_form(config),
        labels,
        config.policies,
        config.frames,
        config.side,
        config.partial_score,
        LEAST if config.min_score is None else config.min_score,
        config.max_tokens,
        config.probabilities,
    )
    return VisionJudge(name, how, files.endpoint(config.endpoint or ""), config.model)


def _find_parts(name: str, config: ImageClassifierConfig, files: PolicyFiles) -> ImagePartsDetector:
    """Build the detector over a network that finds parts."""
    from guardrails.inference.media.boxes import BoxOptions, load_box_model

    known = find_known_model(config.model)
    options = BoxOptions(
        () if known is None else known.labels,
        None if config.boxes == "auto" else config.boxes,
        config.file,
        LEAST_OF_PARTS if config.min_score is None else config.min_score,
        config.large,
    )
    model = _load_own(config, files, lambda folder: load_box_model(folder, options))[1]
    columns = resolve_columns(config, resolve_labels(config), model.labels)
    return ImagePartsDetector(name, model, columns, partial=config.partial_score)


def _second(name: str, config: ImageClassifierConfig, doc: SecondDoc, files: PolicyFiles) -> ImageClassifier:
    """Build the second detector; raises `ConfigProblems`, with places in its own block."""
    written_ = {
        field: getattr(doc, field)
        for field in ("labels", "file", "activation")
        if field in doc.model_fields_set
    }
    own = ImageClassifierConfig(use=config.use, model=doc.model, large=config.large, **written_)
    try:
        if problems := [*find_label_problems(own), *find_way_problems(own)]:
            raise ConfigProblems(problems)
        made = _one_of(name, own, files)
    except ConfigProblems as problems:
        placed = [replace(each, path=("second", *each.path)) for each in problems.problems]
        raise ConfigProblems(placed) from problems
    if find_categories(name, config).isdisjoint(find_categories(name, own)):
        message = f"the second model {doc.model!r} tells nothing that the first one does"
        raise ConfigProblems([ConfigProblem("unknown_category", message, ("second", "model"))])
    return made


def _one_of(
    name: str, config: ImageClassifierConfig, files: PolicyFiles, second: ImageClassifier | None = None
) -> ImageClassifier:
    of = KNOWN_IMAGE_MODELS.get(config.model)
    if of is not None and of.folder is not None:
        return _load_shipped(name, config, of, of.folder, second)
    load = _load if config.prompts is None else _load_zero_shot
    folder, model = _load_own(config, files, lambda folder: load(folder, config))
    columns = (
        resolve_columns(config, resolve_labels(config), model.labels)
        if config.prompts is None
        else number_prompts(config)
    )
    return ImageClassifier(name, config, folder, columns, model=model, second=second)


def _load_own(
    config: ImageClassifierConfig, files: PolicyFiles, load: Callable[[Path], Model]
) -> tuple[Path, Model]:
    """Return the folder of a model that does not come with the package, and the model; raises `ConfigProblems`."""
    try:
        folder = files.model_folder(config.model, config.revision, download=config.download)
    except OSError as error:
        shipped = ", ".join(each for each, known in KNOWN_IMAGE_MODELS.items() if known.folder is not None)
        message, hint = f"model {config.model!r}: {error.strerror or error}", f"by name there is: {shipped}"
        if isinstance(error.__cause__, ModelError) and error.__cause__.hint:
            hint = f"{error.__cause__.hint}; {hint}"
        raise ConfigProblems([ConfigProblem("unreadable_model", message, ("model",), hint=hint)]) from error
    try:
        return folder, load(folder)
    except ModelError as error:
        message = f"model {config.model!r}: {error}" if error.field == "model" else str(error)
        field = error.field if error.field in ImageClassifierConfig.model_fields else "model"
        raise ConfigProblems([ConfigProblem(error.code, message, (field,), hint=error.hint)]) from error


def _load_zero_shot(folder: Path, config: ImageClassifierConfig) -> PictureModel:
    """Return a model that compares pictures with the texts of all categories, and the neutral ones; raises `ModelError`."""
    from guardrails.inference.media.zero_shot import ZeroShotTexts, load_zero_shot_model

    texts = (each for texts in read_labels(config.prompts or {}).values() for each in texts)
    options = ZeroShotTexts(
        (*texts, *config.neutral),
        None if config.activation == "none" else config.activation,
        config.temperature,
        config.device,
        config.large,
    )
    return load_zero_shot_model(folder, options)


def _load_shipped(
    name: str,
    config: ImageClassifierConfig,
    of: KnownImageModel,
    folder: Path,
    second: ImageClassifier | None,
) -> ImageClassifier:
    problems = [
        ConfigProblem(
            "unused_field",
            f"{field!r} is for other models, and this one comes with the package",
            (field,),
            hint=f"remove {field!r}",
        )
        for field in RUNS
        if field in config.model_fields_set
    ]
    if problems:
        raise ConfigProblems(problems)
    columns = resolve_columns(config, resolve_labels(config), of.labels)
    try:
        return ImageClassifier(name, config, folder, columns, model=None, second=second)
    except ModelError as error:
        message = f"model {config.model!r}: {error}"
        raise ConfigProblems([ConfigProblem(error.code, message, ("model",), hint=error.hint)]) from error


KIND = Kind(
    name="image_classifier",
    doc="What pictures show, by a model: sexual content by the package's own, or what another model tells, here or elsewhere.",
    config=ImageClassifierConfig,
    categories=find_categories,
    build=_build,
    tier=1,
    contents=frozenset({"image"}),
    version=3,
)
