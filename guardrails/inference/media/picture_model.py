"""Runs classifiers of pictures from a local folder: a score in 0..1 for each label of the model.

    model = load_picture_model(folder, PictureOptions())
    scores = model.scores(picture.views)                # [views, labels]: the highest of the whole and of its parts
    found = model.score_parts(picture.views[0])              # the same part by part, with where each part is

A folder holds `config.json` (`id2label`), `preprocessor_config.json`, and an ONNX file or safetensors; what `manifest.json` names
in it, if it has one, must have the sha256 that stands there. ONNX Runtime runs views beside one another, each on one thread: a
batch is no faster there, and the score of a picture does not depend on its neighbours.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from guardrails.inference.hub.hub_cache import file_digests
from guardrails.inference.hub.labels import Activation, column_labels, infer_activation, read_config
from guardrails.inference.hub.runtimes import TorchRuntime, choose_onnx_file, list_onnx_files
from guardrails.inference.hub.sequence import apply_activation
from guardrails.inference.media.pixels import LARGE, Box, Pixels, prepare_pixels, read_preparation, split_view
from guardrails.inference.onnx import open_session
from guardrails.inference.pool import get_pool
from guardrails.inference.safety.folder import ModelError, first_line, is_shipped, read_manifest_file
from guardrails.inference.safety.scores import Scores
from guardrails.inference.shared_models import SharedModels

if TYPE_CHECKING:
    from PIL.Image import Image as PillowImage

Batch = NDArray[np.float32]
"""[pictures, 3, height, width]."""

_Cut = tuple["Pixels | PillowImage", Box]
"""A part of a view: its pixels, and where in them it is."""

FLOATS: Final = {"tensor(float)": np.float32, "tensor(float16)": np.float16, "tensor(uint8)": np.uint8}
"""The types of numbers that pixels are given in."""


@dataclass(frozen=True, slots=True)
class PictureOptions:
    """How to run a model; what is None is chosen by its folder. `device` is torch's, `file` is the ONNX file; pictures with a
    side of more than `large` pixels are judged in parts as well.
    """

    runtime: Literal["onnx", "torch"] | None = None
    file: str | None = None
    device: str | None = None
    activation: Activation | None = None
    large: int = LARGE


@dataclass(frozen=True, slots=True)
class ScoredPart:
    """A part of a view, and the score of each label for it."""

    box: Box
    scores: Scores


class PictureRuntime(Protocol):
    """A model that is ready to run. `concurrent` says whether several threads may run it at once with gain."""

    concurrent: bool

    def run(self, batch: Batch) -> Scores:
        """Return the logits of all pictures."""
        ...


class PictureModel:
    """A model that is ready to run, by several threads at once. `identity` is a digest of all that scores depend on,
    `activation` what makes scores of what it gives.
    """

    def __init__(self, folder: Path, options: PictureOptions) -> None:
        """Load the model and run it once; raises `ModelError`."""
        verify_folder(folder)
        of = read_config(folder)
        self.labels = column_labels(of, unnamed=2)
        self.identity = " ".join(file_digests(folder))
        self._large = options.large
        self._preparation = read_preparation(folder)
        self.activation: Activation = options.activation or infer_activation(of, len(self.labels))
        if self.activation == "softmax" and len(self.labels) == 1:
            message = "one label that excludes no other has always the score 1 by softmax"
            raise ModelError(message, "write activation: sigmoid", field="activation")
        self._runtime = _runtime(folder, options)
        try:
            self.scores([np.zeros((8, 8, 3), dtype=np.uint8)])
        except ModelError:
            raise
        except Exception as error:
            raise ModelError(f"the model does not run: {first_line(error)}") from error

    def scores(self, views: Sequence[Pixels]) -> Scores:
        """Return the scores of each view, one column a label: the highest of the whole and of its parts.

        Raises:
            ArithmeticError: the model gave something else.
        """
        boxes = [split_view(view, self._large) for view in views]
        found = self._run([part for view, of in zip(views, boxes, strict=True) for part in _cut(view, of)])
        made, at = np.empty((len(views), len(self.labels)), dtype=np.float32), 0
        for row, of in enumerate(boxes):
            made[row] = found[at : at + len(of)].max(axis=0)
            at += len(of)
        return made

    def score_parts(self, view: Pixels) -> tuple[ScoredPart, ...]:
        """Return the scores of a view part by part, the whole first; boxes are in its pixels. Raises as `scores` does."""
        boxes = split_view(view, self._large)
        found = self._run(_cut(view, boxes))
        return tuple(ScoredPart(box, scores) for box, scores in zip(boxes, found, strict=True))

    def _run(self, parts: Sequence[_Cut]) -> Scores:
        if not parts:
            return np.empty((0, len(self.labels)), dtype=np.float32)
        if self._runtime.concurrent:
            logits = np.stack(
                get_pool().map(lambda part: self._logits(self._prepare_parts(part)[None])[0], parts)
            )
        else:
            logits = self._logits(np.stack([self._prepare_parts(part) for part in parts]))
        return apply_activation(logits, self.activation, clipped=False)

    def _prepare_parts(self, part: _Cut) -> Batch:
        view, box = part
        return prepare_pixels(view, self._preparation, box)

    def _logits(self, batch: Batch) -> Scores:
        found = self._runtime.run(batch)
        if found.shape != (len(batch), len(self.labels)):
            shape = " x ".join(map(str, found.shape))
            raise ModelError(
                f"the model gives {shape} scores for {len(batch)} x {len(self.labels)}",
                "the labels are those of id2label in config.json; a model that finds boxes or masks is no classifier",
            )
        return found


class OnnxPictures:
    """ONNX Runtime on the CPU, on one thread that never spins; raises `ModelError` for what is no model of pictures."""

    concurrent = True

    def __init__(self, path: Path) -> None:
        try:
            self._session = open_session(path)
        except ModuleNotFoundError as error:
            message = "runtime 'onnx' needs the package 'onnxruntime', which is not installed"
            raise ModelError(
                message, "pip install onnxruntime", field="runtime", code="missing_extra"
            ) from error
        given = self._session.get_inputs()
        kind = FLOATS.get(given[0].type)
        if len(given) != 1 or kind is None or len(given[0].shape) != 4:
            names = ", ".join(sorted(each.name for each in given))
            raise ModelError(f"{path.name} takes {names}, not pixels alone")
        self._name, self._kind = given[0].name, kind
        self._last = given[0].shape[3] == 3 and given[0].shape[1] != 3  # colours stand behind the pixels
        self._given = self._session.get_outputs()[0].name

    def run(self, batch: Batch) -> Scores:
        values = batch.transpose(0, 2, 3, 1) if self._last else batch
        given = {self._name: np.ascontiguousarray(values, dtype=self._kind)}
        return np.asarray(self._session.run([self._given], given)[0], dtype=np.float32)


class TorchPictures:
    """A model of the transformers library, from safetensors; raises `ModelError`."""

    concurrent = False

    def __init__(self, folder: Path, device: str) -> None:
        self._model = TorchRuntime(folder, "AutoModelForImageClassification", device)

    def run(self, batch: Batch) -> Scores:
        given: Any = {"pixel_values": batch}
        return self._model.run(given)


def _cut(view: Pixels, boxes: Sequence[Box]) -> list[_Cut]:
    """Return the parts of a view; that of several is made a Pillow image once for all of them."""
    from PIL import Image

    source = view if len(boxes) == 1 else Image.fromarray(view)
    return [(source, box) for box in boxes]


def verify_folder(folder: Path) -> None:
    """Raise `ModelError` where a file is not the one that the folder's manifest names, or that is not the one that was pinned."""
    if not (folder / "manifest.json").exists() and not is_shipped(folder):
        return
    try:
        named = json.loads(read_manifest_file(folder))["files"].items()
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelError(f"manifest.json: {error}") from error
    for name, digest in named:
        try:
            with (folder / name).open("rb") as data:
                seen = hashlib.file_digest(data, "sha256").hexdigest()
        except OSError as error:
            raise ModelError(f"{name}: {error.strerror}", "copy the model's whole folder") from error
        if seen != digest:
            raise ModelError(
                f"{name} is not the file that manifest.json names: its sha256 is {seen[:12]}…, not {str(digest)[:12]}…",
                "copy the folder again; for a model of this package, install the package again",
            )


def _runtime(folder: Path, options: PictureOptions) -> PictureRuntime:
    """Return the runtime that the options name, or that they and the folder make the likeliest."""
    on_device = options.device not in (None, "cpu")
    of_onnx = options.file is not None or (not on_device and bool(list_onnx_files(folder)))
    if (options.runtime or ("onnx" if of_onnx else "torch")) == "torch":
        if options.file is not None:
            message = "'file' names an ONNX file, and runtime 'torch' reads safetensors"
            raise ModelError(message, "remove one of both", field="file", code="unused_field")
        return TorchPictures(folder, options.device or "cpu")
    if on_device:
        message = "'device' is of runtime 'torch'; 'onnx' runs on the processor"
        raise ModelError(message, "remove it, or write runtime: torch", field="device", code="unused_field")
    return OnnxPictures(choose_onnx_file(folder, options.file))


_SHARED = SharedModels(PictureModel)


def load_picture_model(folder: Path, options: PictureOptions | None = None) -> PictureModel:
    """Return the model in a folder; the same for all who ask for the same files with the same options.

    Raises:
        ModelError: what is wrong with the folder or the options, or what is missing from the system.
    """
    return _SHARED.get(folder, options or PictureOptions())
