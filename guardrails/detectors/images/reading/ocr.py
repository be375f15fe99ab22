"""Reads letters in pictures: each line, how sure it is and its corners. By RapidOCR (PP-OCR), the extra `ocr`.

Most pictures have no letters, and looking for them is what takes the time: so the two large models run on several cores, by
sessions of our own in the place of RapidOCR's, which knows no way to have threads that never spin. What is written in grey on
nearly the same grey is found by making all of the contrast that there is; a picture of one colour is not looked at.
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from guardrails.detectors.images.reading.bent_text import outline_bent
from guardrails.detectors.images.reading.ocr_lines import Corners, OcrLine, OcrReader
from guardrails.fork_safety import fork_safe_lock, reset_after_fork
from guardrails.inference.denormals import flush_denormals
from guardrails.inference.onnx import import_runtime
from guardrails.processor.cores import count_cores

if TYPE_CHECKING:
    from guardrails.media.images.picture import Pixels

FAINT: Final = 48
"""A picture in which no colour differs more than so many steps of 255 is stretched to all of them."""

STEP: Final = 16
"""Each how many pixels a picture is looked at first, for whether it has more contrast than that."""

THREADS: Final = 4
"""Cores that one picture is read by at most."""

ARENA: Final = 1_024
"""Up to which side the session that finds letters keeps the memory that it had, a hundred megabytes at 640: to ask the system
anew takes a fifth of the time, but what larger pictures take is too much to be kept.
"""

MODELS: Final = (
    ("Det", "text_det", "ch_ppocr_det", "TextDetector"),
    ("Rec", "text_rec", "ch_ppocr_rec", "TextRecognizer"),
)
"""RapidOCR's settings of its large models, where it holds what runs each, and the module and the class of that."""


def load_reader(side: int) -> OcrReader:
    """Return what reads letters, looked for at so many pixels of the longer side."""
    return LetterReader(side)


class LetterReader:
    """RapidOCR, which is loaded with the first picture, and takes one at a time."""

    def __init__(self, side: int) -> None:
        self._side = side
        self._lock = fork_safe_lock()
        self._loaded: Any = None
        reset_after_fork(self)

    def reset_in_child(self) -> None:
        """Load the models anew: the threads of their sessions stayed behind in the parent, and a session that is freed waits for
        its own, so what there is stays in memory.
        """
        if self._loaded is not None:
            ctypes.pythonapi.Py_IncRef(ctypes.py_object(self._loaded))
            self._loaded = None

    def __call__(self, view: Pixels) -> list[OcrLine]:
        """Return the lines that are read; without a text where some places with letters could not be read all places, and the
        outlines of bent bands of letters.
        """
        seen = stretch_contrast(view)
        if seen is None:
            return []
        with self._lock:
            if self._loaded is None:
                self._loaded = load_rapidocr(self._side)
            with flush_denormals():
                found = self._loaded(seen[:, :, ::-1].copy())  # blue first
            finder = getattr(self._loaded, "text_det", None)
            places, bent = getattr(finder, "last", ()), getattr(finder, "bent", ())
        lines: list[OcrLine] = []
        if found is not None and found.boxes is not None and found.txts:
            for text, score, corners in zip(found.txts, found.scores, found.boxes, strict=True):
                lines.append((str(text), float(score), [(float(x), float(y)) for x, y in corners]))
        high, wide = view.shape[:2]
        unread = [*(places if len(places) > len(lines) else ()), *bent]
        return lines + [("", 0.0, [(x * wide, y * high) for x, y in corners]) for corners in unread]


class FoundPlaces:
    """What finds letters, with the places and the bent bands that it found last, as shares of the picture: RapidOCR tells only of
    those that it could read.
    """

    def __init__(self, finder: Any) -> None:
        self._finder = finder
        self._boxes: Any = getattr(finder, "postprocess_op", None)
        if self._boxes is not None:
            finder.postprocess_op = self._take
        self.last: Sequence[Corners] = ()
        self.bent: Sequence[Corners] = ()

    def _take(self, letters: Any, shape: tuple[int, int]) -> Any:
        self.bent = outline_bent(letters[0, 0])
        return self._boxes(letters, shape)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._finder, name)

    def __call__(self, picture: Pixels) -> Any:
        """Return what is found."""
        found = self._finder(picture)
        boxes = () if found.boxes is None else found.boxes
        high, wide = picture.shape[:2]
        self.last = [[(float(x) / wide, float(y) / high) for x, y in corners] for corners in boxes]
        return found


def stretch_contrast(view: Pixels) -> Pixels | None:
    """Return pixels as they are where they have contrast, else with all that there can be; None where they have one colour."""
    import numpy as np

    if np.ptp(view[::STEP, ::STEP], axis=(0, 1)).max() > FAINT:
        return view
    if (view == view[0, 0]).all():
        return None
    low = view.min(axis=(0, 1))
    most = int((view.max(axis=(0, 1)) - low).max())
    return view if most > FAINT else ((view - low) * np.float32(255 / most)).astype(np.uint8)


def load_rapidocr(side: int) -> Any:
    """Return RapidOCR, loaded: with sessions of ours where it is a version that is known here, else as it comes, on one core."""
    import_runtime()  # before RapidOCR does
    package, reader = import_module("rapidocr"), _plain(side)
    try:
        for section, held, module, kind in MODELS:
            setattr(reader, held, _of_ours(package, reader.cfg[section], module, kind, side))
        reader.text_det = FoundPlaces(reader.text_det)
        reader(_sample())
    except Exception:  # whatever another version says to that
        return _plain(side)
    return reader


def _plain(side: int) -> Any:
    return import_module("rapidocr").RapidOCR(
        params={
            "Global.log_level": "critical",
            "Det.limit_type": "max",
            "Det.limit_side_len": side,
            "EngineConfig.onnxruntime.intra_op_num_threads": 1,
            "EngineConfig.onnxruntime.inter_op_num_threads": 1,
        }
    )


def _sample() -> Pixels:
    """Return a picture with a word, in whose reading each model takes part."""
    import numpy as np
    from PIL import Image, ImageDraw, ImageFont

    image = Image.new("RGB", (160, 64), "white")
    ImageDraw.Draw(image).text((20, 14), "Reading", fill="black", font=ImageFont.load_default(24))
    return np.array(image)


class _Settings(dict[str, Any]):
    """RapidOCR's settings as its classes read them, None where there is none: those that it has as YAML hold no session."""

    def __getattr__(self, name: str) -> Any:
        return self.get(name)


def _of_ours(package: Any, settings: Any, module: str, kind: str, side: int) -> Any:
    """Return what RapidOCR runs a model by, with a session of ours; raises whatever where it is not as it is known."""
    import numpy as np

    folder = Path(package.__file__).parent / "models"
    [path] = folder.glob(f"*_{settings.task_type.value}_*.onnx")
    keeps = settings.task_type.value == "det" and side <= ARENA
    given = _Settings({**settings, "session": _session(path, keeps=keeps)})
    given |= {name: np.array(given[name], np.float32) for name in ("mean", "std") if name in given}
    return getattr(import_module(f"rapidocr.{module}"), kind)(given)


def _session(path: Path, *, keeps: bool) -> Any:
    """Return a session on several cores, whose threads never spin and take numbers next to zero as zero."""
    onnxruntime = import_runtime()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = min(THREADS, count_cores()), 1
    options.enable_cpu_mem_arena = keeps
    options.log_severity_level = 4
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.add_session_config_entry("session.set_denormal_as_zero", "1")
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
