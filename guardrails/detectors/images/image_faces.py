"""The `image_faces` detector: one finding with its box for each face, so that a rule can cover it.

    detectors: {faces: {use: image_faces}}
    rules: [{id: faces.cover, on: [input, output], when: pii.face > 0, then: redact, with: {image: pixelate}}]

Every frame is looked at in every way in which somebody may see it. It tells that there is a face, not whose: nothing is compared
with anything, and nothing of a face is kept. In a picture in which this guard has covered faces, these are none. The model
(`guardrails/models/centerface`) is loaded with the first picture.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from pydantic import Field

from guardrails.detectors import ConfigProblem, ConfigProblems, PolicyFiles
from guardrails.detectors.config import Config
from guardrails.detectors.images.text_layout import Box
from guardrails.detectors.images.view_boxes import is_covered, scale_box
from guardrails.detectors.kinds import Kind
from guardrails.detectors.patterns.patterns_detector import category_problem
from guardrails.inference.safety.folder import ModelError, read_manifest_file
from guardrails.types import CLEAN, Content, Detection, Finding, Image

if TYPE_CHECKING:
    from guardrails.inference.media.faces import Face, FaceModel
    from guardrails.media.images.picture import Picture, Pixels

SHIPPED: Final = {"centerface": Path(__file__).parents[2] / "models" / "centerface"}
"""The models that come with the package, by name."""


class ImageFacesConfig(Config):
    """Faces in pictures, with their boxes."""

    use: Literal["image_faces"]
    """The kind of detector."""
    model: str = Field(default="centerface", examples=["centerface", "models/own"])
    """The model that comes with the package, by name; or a folder with another one of CenterFace's form (`model.onnx`), relative
    to the policy or to the operator's folder (GUARDRAILS_MODELS)."""
    category: str = "pii.face"
    """What a face is."""
    min_score: float = Field(default=0.3, ge=0.05, le=1)
    """How sure the model must be. Lower ones find faces that are small, covered or turned away, and more that are none."""
    side: int = Field(default=960, ge=320, le=4_096)
    """A picture of more pixels than a square of this side is reduced to as many: more finds smaller faces in large pictures, and
    takes longer. Faces are found from about 10 pixels."""


class ImageFacesDetector:
    """The detector: all views of all frames."""

    inline = False
    pixels = True

    def __init__(self, name: str, config: ImageFacesConfig, folder: Path, model: FaceModel | None) -> None:
        """Take a model, or the folder of the shipped one, which is loaded with the first picture."""
        self._name, self._config, self._folder = name, config, folder
        self._model = model
        shipped = b"" if model is not None else read_manifest_file(folder)
        self.identity: list[Any] = [hashlib.sha256(shipped).hexdigest()]

    def detect(self, batch: Sequence[Content]) -> list[Detection]:
        return [
            self._detect_one(content.source) if isinstance(content, Image) else CLEAN for content in batch
        ]

    def _detect_one(self, picture: Picture) -> Detection:
        if self._model is None:
            self._model = _load(self._folder, self._config)
        views = [(frame, view) for frame in picture.frames for view in frame.views]
        found: dict[Box, Finding] = {}
        for (frame, view), faces in zip(views, self._model.faces([view for _, view in views]), strict=True):
            clip = (frame.start_ms, frame.end_ms) if picture.animated else None
            for face in faces:
                box = _box(face, view, picture)
                if box is None or is_covered(box, picture):
                    continue
                known = found.get(box)
                if known is None or known.score < face.score:
                    found[box] = Finding(
                        self._config.category, round(face.score, 4), self._name, box=box, clip=clip
                    )
        return Detection(tuple(found.values())) if found else CLEAN


def _box(face: Face, view: Pixels, picture: Picture) -> Box | None:
    """Return where a face is in the picture, all of it inside; None where none of it is."""
    height, width = view.shape[:2]
    left, top = max(0, math.floor(face.x)), max(0, math.floor(face.y))
    right, bottom = min(width, math.ceil(face.x + face.width)), min(height, math.ceil(face.y + face.height))
    if left >= right or top >= bottom:
        return None
    return scale_box((left, top, right - left, bottom - top), view, picture)


def _load(folder: Path, config: ImageFacesConfig) -> FaceModel:
    from guardrails.inference.media.faces import FaceOptions, load_face_model

    return load_face_model(folder, FaceOptions(config.min_score, config.side))


def _build(name: str, config: ImageFacesConfig, files: PolicyFiles) -> ImageFacesDetector:
    if problem := category_problem(config.category, ("category",)):
        raise ConfigProblems([problem])
    shipped = SHIPPED.get(config.model)
    try:
        if shipped is not None:
            return ImageFacesDetector(name, config, shipped, None)
        folder = files.model_folder(config.model)
        return ImageFacesDetector(name, config, folder, _load(folder, config))
    except (OSError, ModelError) as error:
        reason = str(error) if isinstance(error, ModelError) else error.strerror or str(error)
        named = (
            f"by name there is: {', '.join(SHIPPED)}" if shipped is None else "name another folder by model:"
        )
        hint = getattr(error, "hint", "") or named
        message = f"model {config.model!r}: {reason}"
        raise ConfigProblems([ConfigProblem("unreadable_model", message, ("model",), hint=hint)]) from error


KIND = Kind(
    name="image_faces",
    doc="Faces in pictures, with their boxes, so that they can be covered; not whose they are.",
    config=ImageFacesConfig,
    categories=lambda _name, config: frozenset({config.category}),
    build=_build,
    tier=1,
    contents=frozenset({"image"}),
)
