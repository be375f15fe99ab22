"""The `image_classifier` detector: what pictures show, by a model of any kind.

A classifier with labels and a model that compares pictures with texts are `image_labels.py`, a network that finds parts is
`image_parts.py`, a vision model behind an endpoint `vision/vision_judge.py`; here they are built. The shipped model is loaded
with the first picture; any other at load, so that what is wrong with it is known then.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

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
from guardrails.detectors.images.image_labels import LEAST, ImageClassifier, load_labelled_model
from guardrails.detectors.images.image_parts import ImagePartsDetector
from guardrails.detectors.images.known_image_models import (
    KNOWN_IMAGE_MODELS,
    KnownImageModel,
    find_known_model,
)
from guardrails.detectors.kinds import Kind
from guardrails.inference.safety.folder import ModelError
from guardrails.types import Detector

if TYPE_CHECKING:
    from guardrails.detectors.images.vision.vision_judge import VisionJudge
    from guardrails.inference.media.picture_model import PictureModel


Model = TypeVar("Model")

LEAST_OF_PARTS: Final = 0.25
"""That of networks which find parts: they tell much below it."""


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
    from guardrails.detectors.images.vision.vision_judge import VisionJudge, VisionQuestions

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
    load = load_labelled_model if config.prompts is None else _load_zero_shot
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
