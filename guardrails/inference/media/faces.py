"""Finds faces in pictures: the box of each with a score in 0..1.

    model = load_face_model(folder)
    faces = model.faces(picture.views)          # for each view its faces, those with the highest scores first

The network is one of CenterFace's form (Xu and others, 2019: "Face as Point", arXiv 1911.03599). For each place of a grid of
4 x 4 pixels it says how likely that is the middle of a face (`heat`), how far beside the place the middle is (`offset`), and the
logarithm of the face's height and width in such places (`size`). A face is a place that is a peak of its neighbours; of faces
that cover one another, the likelier one stands for all. What the paper calls landmarks is not used.

Pictures of any size are judged as they are, or reduced to as many pixels as a square of `side`. A large one is judged once more
at a small size, as faces that fill it are larger than any that the network has seen; what both tell is put together.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from guardrails.inference.denormals import flush_denormals
from guardrails.inference.hub.hub_cache import file_digests
from guardrails.inference.media.picture_model import verify_folder
from guardrails.inference.media.pixels import Pixels
from guardrails.inference.onnx import open_session
from guardrails.inference.pool import get_pool
from guardrails.inference.safety.folder import ModelError, first_line
from guardrails.inference.shared_models import SharedModels

Floats = NDArray[np.float32]

FILE: Final = "model.onnx"

STRIDE: Final = 4
"""Pixels of a place of the grid, along each side."""

GRAIN: Final = 32
"""Pixels that the sides of what the network reads are multiples of."""

SAME: Final = 0.3
"""How much of two boxes must be common to both, for them to be of one face."""

GREATEST: Final = 10.0
"""The greatest logarithm of a side that is believed, so that no number is infinite: a face of 88,000 pixels."""

LARGE: Final = 640
"""A picture with a longer side is judged a second time, at `SMALL`."""

SMALL: Final = 320

OUTPUTS: Final = {"heat": 1, "size": 2, "offset": 2}
"""What the network gives, and how many numbers for each place."""


@dataclass(frozen=True, slots=True)
class Face:
    """A face: x, y, width and height in pixels, and how likely it is one."""

    x: float
    y: float
    width: float
    height: float
    score: float


@dataclass(frozen=True, slots=True)
class FaceOptions:
    """`least` is the score from which a place is a face, `side` that of the square of as many pixels as are looked at."""

    least: float = 0.3
    side: int = 960


class FaceModel:
    """A network that is ready to run, by several threads at once. `identity` is a digest of all that boxes depend on."""

    def __init__(self, folder: Path, options: FaceOptions) -> None:
        """Load the network and run it once; raises `ModelError`."""
        verify_folder(folder)
        self.identity = " ".join(file_digests(folder))
        self._options = options
        self._session = open_session(folder / FILE)
        given = {each.name for each in self._session.get_outputs()}
        inputs = self._session.get_inputs()
        if len(inputs) != 1 or not {*OUTPUTS} <= given:
            raise ModelError(
                f"{FILE} gives {', '.join(sorted(given))}, and a model of faces gives {', '.join(OUTPUTS)}",
                "name a network of CenterFace's form, with its outputs called so",
            )
        self._input = inputs[0].name
        try:
            self._find_faces(np.zeros((8, 8, 3), dtype=np.uint8))
        except ModelError:
            raise
        except Exception as error:
            raise ModelError(f"the model does not run: {first_line(error)}") from error

    def faces(self, views: Sequence[Pixels]) -> list[list[Face]]:
        """Return the faces of each view, the likeliest first; views run beside one another.

        Raises:
            ArithmeticError: the network gave something that is no number.
        """
        return get_pool().map(self._find_faces, views)

    def _find_faces(self, view: Pixels) -> list[Face]:
        height, width = view.shape[:2]
        scale = min(1.0, self._options.side / math.sqrt(height * width))
        scales = [scale]
        if scale * max(height, width) > LARGE:
            scales.append(SMALL / max(height, width))
        return merge_faces([face for each in scales for face in self._at(view, each)])

    def _at(self, view: Pixels, scale: float) -> list[Face]:
        """Return the faces of a view as seen at a scale, in its own pixels."""
        height, width = view.shape[:2]
        small = resize_view(view, scale)
        with flush_denormals():
            heat, size, offset = self._session.run([*OUTPUTS], {self._input: pad_view(small)})
        for name, values in zip(OUTPUTS, (heat, size, offset), strict=True):
            if (
                values.ndim != 4
                or values.shape[:2] != (1, OUTPUTS[name])
                or values.shape[2:] != heat.shape[2:]
            ):
                raise ModelError(f"the model's output {name!r} has another form: {values.shape}")
            if not np.isfinite(values).all():
                raise ArithmeticError(f"the model gave no number in {name!r}")
        by_x, by_y = width / small.shape[1], height / small.shape[0]
        return [
            Face(each.x * by_x, each.y * by_y, each.width * by_x, each.height * by_y, each.score)
            for each in decode_faces(heat[0, 0], size[0], offset[0], self._options.least)
        ]


def resize_view(view: Pixels, scale: float) -> Pixels:
    """Return a view at a scale, at least one pixel of it."""
    from PIL import Image

    if scale == 1:
        return view
    height, width = view.shape[:2]
    to = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.asarray(Image.fromarray(view).resize(to, Image.Resampling.BILINEAR, reducing_gap=2.0))


def pad_view(view: Pixels) -> Floats:
    """Return a view as the network reads it, [1, 3, height, width], with black beside it up to whole grains."""
    height, width = view.shape[:2]
    made = np.zeros((1, 3, -(-height // GRAIN) * GRAIN, -(-width // GRAIN) * GRAIN), dtype=np.float32)
    made[0, :, :height, :width] = view.transpose(2, 0, 1)
    return made


def decode_faces(heat: Floats, size: Floats, offset: Floats, least: float) -> list[Face]:
    """Return what the network's outputs tell: [rows, columns], and twice [2, rows, columns] with rows first; each face once."""
    rows, columns = np.nonzero((heat >= least) & (heat >= _neighbours(heat)))
    scores = heat[rows, columns]
    height, width = STRIDE * np.exp(np.minimum(size[:, rows, columns], GREATEST))
    middle_y = (rows + offset[0, rows, columns] + 0.5) * STRIDE
    middle_x = (columns + offset[1, rows, columns] + 0.5) * STRIDE
    boxes = np.stack([middle_x - width / 2, middle_y - height / 2, width, height], axis=1)
    order = np.lexsort((columns, rows, -scores))
    found = []
    for at in order[suppress_overlaps(boxes[order])]:
        x, y, wide, high = map(float, boxes[at])
        found.append(Face(x, y, wide, high, min(1.0, float(scores[at]))))
    return found


def _neighbours(heat: Floats) -> Floats:
    """Return for each place the highest of it and the eight around it."""
    wide = np.pad(heat, 1, constant_values=-np.inf)
    rows = np.maximum(np.maximum(wide[:-2], wide[1:-1]), wide[2:])
    return np.asarray(np.maximum(np.maximum(rows[:, :-2], rows[:, 1:-1]), rows[:, 2:]))


def suppress_overlaps(boxes: NDArray[Any], same: float = SAME) -> list[int]:
    """Return which boxes (x, y, width, height; the best first) are not mostly in a better one's place."""
    left = np.arange(len(boxes))
    found = []
    while len(left):
        found.append(int(left[0]))
        left = left[1:][overlap_share(boxes[left[0]], boxes[left[1:]]) <= same]
    return found


def overlap_share(box: NDArray[Any], others: NDArray[Any]) -> NDArray[Any]:
    """Return how much of a box and each other one is common to both: the part of what they cover together."""
    near = np.maximum(box[:2], others[:, :2])
    far = np.minimum(box[:2] + box[2:], others[:, :2] + others[:, 2:])
    common = np.prod(np.maximum(far - near, 0), axis=1)
    both = np.prod(box[2:]) + np.prod(others[:, 2:], axis=1) - common
    return np.asarray(common / np.maximum(both, 1e-9))


def merge_faces(faces: Sequence[Face]) -> list[Face]:
    """Return faces that were seen several times once, with the box around all that was seen of each and its highest score."""
    order = sorted(faces, key=lambda face: (-face.score, face.y, face.x))
    boxes = np.array([(each.x, each.y, each.width, each.height) for each in order]).reshape(-1, 4)
    left = np.arange(len(order))
    found = []
    while len(left):
        first = order[left[0]]
        same = overlap_share(boxes[left[0]], boxes[left]) > SAME
        same[0] = True
        x, y = boxes[left[same], :2].min(axis=0)
        right, bottom = (boxes[left[same], :2] + boxes[left[same], 2:]).max(axis=0)
        found.append(Face(float(x), float(y), float(right - x), float(bottom - y), first.score))
        left = left[~same]
    return found


_SHARED = SharedModels(FaceModel)


def load_face_model(folder: Path, options: FaceOptions | None = None) -> FaceModel:
    """Return the network in a folder; the same for all who ask for the same files with the same options.

    Raises:
        ModelError: what is wrong with the folder.
    """
    return _SHARED.get(folder, options or FaceOptions())
