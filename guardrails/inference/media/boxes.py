"""Runs detectors of parts: ONNX networks that find things in pictures, each with its box.

    model = load_box_model(folder, BoxOptions(labels))
    found = model.find_boxes(view)          # boxes in the view's pixels, the likeliest first, each thing once

What networks of YOLO's kind give is read in three forms (`FORMS`). The classes are those of `config.json` (`id2label`), or those
that the file names itself, as Ultralytics writes them. A large picture is looked at as a whole and in overlapping parts, as what
is small is lost in the whole.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from guardrails.inference.hub.hub_cache import file_digests
from guardrails.inference.hub.labels import column_labels, read_config
from guardrails.inference.hub.runtimes import choose_onnx_file
from guardrails.inference.media.faces import suppress_overlaps
from guardrails.inference.media.picture_model import verify_folder
from guardrails.inference.media.pixels import LARGE, SIDES, Box, Pixels
from guardrails.inference.onnx import open_session
from guardrails.inference.pool import get_pool
from guardrails.inference.safety.folder import ModelError, first_line
from guardrails.inference.shared_models import SharedModels

Floats = NDArray[np.float32]

SIDE: Final = 640
"""Pixels of a side where neither the network nor its file says."""

GREY: Final = 114
"""What is beside a picture that is no square, as the networks were trained."""

OVERLAP: Final = 0.2
"""How much of a part of a large picture is in the next one too: what lies on a border is whole in one of them."""

Rows = tuple[Floats, Floats]
"""[found, 4]: the corners of boxes in the network's pixels; and [found, labels]: scores."""


@dataclass(frozen=True, slots=True)
class BoxOptions:
    """`labels` are the classes in order, where the files do not have them; `form` is a key of `FORMS`, found out where it is
    None; `least` is the score from which something is found.
    """

    labels: tuple[str, ...] = ()
    form: str | None = None
    file: str | None = None
    least: float = 0.25
    large: int = LARGE


@dataclass(frozen=True, slots=True)
class FoundBox:
    """Something in a picture: where, the index of its class, and how likely it is."""

    box: Box
    label: int
    score: float


def read_yolov8(found: Floats, count: int) -> Rows | None:
    """Read [4 + classes, boxes], or the same turned: middle, size, a score for each class (YOLOv8 to 12, NudeNet)."""
    rows = found.T if found.shape[0] == 4 + count else found
    return (_corners(rows), rows[:, 4:]) if rows.shape[1] == 4 + count else None


def read_yolov5(found: Floats, count: int) -> Rows | None:
    """Read [boxes, 5 + classes]: middle, size, whether anything is there, and the class if so (YOLOv5 and 7)."""
    return (_corners(found), found[:, 4:5] * found[:, 5:]) if found.shape[1] == 5 + count else None


def read_end2end(found: Floats, count: int) -> Rows | None:
    """Read [boxes, 6]: corners, score, class (YOLOv10, and exports that leave out overlaps themselves)."""
    if found.shape[1] != 6:
        return None
    at = np.rint(found[:, 5]).astype(int)
    known = (at >= 0) & (at < count)
    scores = np.zeros((len(found), count), dtype=np.float32)
    scores[np.flatnonzero(known), at[known]] = found[known, 4]
    return found[:, :4], scores


FORMS: Final[Mapping[str, Callable[[Floats, int], Rows | None]]] = {
    "yolov8": read_yolov8,
    "yolov5": read_yolov5,
    "end2end": read_end2end,
}
"""What a network gives for one picture and the number of its classes → boxes and scores; None where that is of another form."""


class BoxModel:
    """A network that is ready to run, by several threads at once. `identity` is a digest of all that boxes depend on."""

    def __init__(self, folder: Path, options: BoxOptions) -> None:
        """Load the network and run it once; raises `ModelError`."""
        verify_folder(folder)
        self.identity = " ".join(file_digests(folder))
        self._options = options
        path = choose_onnx_file(folder, options.file)
        self._session = open_session(path)
        given = self._session.get_inputs()
        if len(given) != 1 or len(given[0].shape) != 4 or given[0].type != "tensor(float)":
            names = ", ".join(sorted(each.name for each in given))
            raise ModelError(f"{path.name} takes {names}, not pixels alone (float32 [1, 3, height, width])")
        self._input = given[0].name
        self._output = self._session.get_outputs()[0].name
        self._side = self._read_side(given[0].shape)
        self.labels = options.labels or self._read_labels(folder)
        try:
            raw = self._run(np.full((self._side, self._side, 3), GREY, dtype=np.uint8))
        except Exception as error:
            raise ModelError(f"the model does not run: {first_line(error)}") from error
        self._read = FORMS[options.form or self._find_form(raw)]
        if self._read(raw, len(self.labels)) is None:
            shape = " x ".join(map(str, raw.shape))
            message = f"the model gives {shape}, which is not {options.form} for {len(self.labels)} labels"
            raise ModelError(message, "correct the labels or boxes:", field="boxes")

    def find_boxes(self, view: Pixels) -> list[FoundBox]:
        """Return what is found in a view, the likeliest first.

        Raises:
            ArithmeticError: the network gave something that is no number.
        """
        parts = split_overlapping(view, self._options.large)
        found = [each for some in get_pool().map(lambda part: self._find(view, part), parts) for each in some]
        found.sort(key=lambda each: (-each.score, each.label, each.box))
        kept: list[FoundBox] = []
        for label in sorted({each.label for each in found}):
            own = [each for each in found if each.label == label]
            boxes = np.array([each.box for each in own], dtype=np.float64)
            kept += [own[at] for at in suppress_overlaps(boxes)]
        return sorted(kept, key=lambda each: (-each.score, each.label, each.box))

    def _find(self, view: Pixels, part: Box) -> list[FoundBox]:
        x, y, wide, high = part
        pixels, scale = fit_square(view[y : y + high, x : x + wide], self._side)
        rows = self._read(self._run(pixels), len(self.labels))
        assert rows is not None  # its shape was looked at when it was loaded
        corners, scores = rows
        if not (np.isfinite(corners).all() and np.isfinite(scores).all()):
            raise ArithmeticError("the model gave something that is no number")
        where, labels = np.nonzero(scores >= self._options.least)
        found = []
        for at, label in zip(where, labels, strict=True):
            left, top, right, bottom = corners[at] / scale
            left, top = max(0, int(np.floor(left))), max(0, int(np.floor(top)))
            right, bottom = min(wide, int(np.ceil(right))), min(high, int(np.ceil(bottom)))
            if left < right and top < bottom:
                box = (x + left, y + top, right - left, bottom - top)
                found.append(FoundBox(box, int(label), min(1.0, float(scores[at, label]))))
        return found

    def _run(self, pixels: Pixels) -> Floats:
        batch = np.ascontiguousarray(pixels.transpose(2, 0, 1)[None], dtype=np.float32) / np.float32(255)
        found = np.asarray(self._session.run([self._output], {self._input: batch})[0], dtype=np.float32)
        if found.ndim != 3 or len(found) != 1:
            raise ModelError(f"the model gives {' x '.join(map(str, found.shape))}, not [1, …, …]")
        made: Floats = found[0]
        return made

    def _read_side(self, shape: Sequence[Any]) -> int:
        """Return the side of the square that the network reads."""
        told = ast.literal_eval(self._metadata().get("imgsz", "None"))
        sides = {each for each in shape[2:] if isinstance(each, int)} or {*(told or (SIDE,))}
        side = sides.pop()
        if sides or not SIDES[0] <= side <= SIDES[1]:
            raise ModelError("the network reads no squares", "export it for square pictures")
        return side

    def _read_labels(self, folder: Path) -> tuple[str, ...]:
        if (folder / "config.json").exists():
            return column_labels(read_config(folder), unnamed=2)
        try:
            named = ast.literal_eval(self._metadata()["names"])
            return tuple(str(named[at]) for at in range(len(named)))
        except (KeyError, ValueError, SyntaxError, TypeError) as error:
            hint = 'write config.json with id2label beside it: {"id2label": {"0": "knife"}}'
            raise ModelError("neither the folder nor the file names the classes", hint) from error

    def _metadata(self) -> Mapping[str, str]:
        return dict(self._session.get_modelmeta().custom_metadata_map)

    def _find_form(self, raw: Floats) -> str:
        """Return the form of what the network gives; raises `ModelError` where it is none, or may be several."""
        fitting = [name for name, read in FORMS.items() if read(raw, len(self.labels)) is not None]
        if len(fitting) == 1:
            return fitting[0]
        shape, count = " x ".join(map(str, raw.shape)), len(self.labels)
        if fitting:
            message = f"{shape} for {count} labels may be {' or '.join(fitting)}"
            raise ModelError(message, "say which by boxes:", field="boxes")
        message = f"the model gives {shape} for {count} labels, which is none of {', '.join(FORMS)}"
        raise ModelError(message, "are these all of its labels?", field="boxes")


def _corners(rows: Floats) -> Floats:
    """Return the corners of boxes that are told by their middle and size."""
    half = rows[:, 2:4] / 2
    return np.concatenate([rows[:, :2] - half, rows[:, :2] + half], axis=1)


def fit_square(view: Pixels, side: int) -> tuple[Pixels, float]:
    """Return a view within a square, from its upper left corner on, with grey beside it; and how many times as large it is."""
    from PIL import Image

    height, width = view.shape[:2]
    scale = side / max(height, width)
    to = (max(1, round(width * scale)), max(1, round(height * scale)))
    image = Image.fromarray(view)
    small = image if to == image.size else image.resize(to, Image.Resampling.BILINEAR, reducing_gap=2.0)
    made = np.full((side, side, 3), GREY, dtype=np.uint8)
    made[: to[1], : to[0]] = np.asarray(small)
    return made, scale


def split_overlapping(view: Pixels, large: int) -> list[Box]:
    """Return what of a view is looked at: all of it, and of a large one four parts that overlap as well."""
    height, width = view.shape[:2]
    whole = (0, 0, width, height)
    if max(height, width) <= large or min(height, width) < 2:
        return [whole]
    wide, high = (min(each, round(each * (1 + OVERLAP) / 2)) for each in (width, height))
    return [whole, *((x, y, wide, high) for y in (0, height - high) for x in (0, width - wide))]


_SHARED = SharedModels(BoxModel)


def load_box_model(folder: Path, options: BoxOptions) -> BoxModel:
    """Return the network in a folder; the same for all who ask for the same files with the same options.

    Raises:
        ModelError: what is wrong with the folder or the options.
    """
    return _SHARED.get(folder, options)
