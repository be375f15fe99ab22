"""The `image_text` extractor: reads texts in pictures (OCR, QR and bar codes), with their boxes, for the rules on texts.

It finds nothing itself: what it reads is judged as a text that stands where the picture does, with `ocr` or `code` as its origin,
and a rule that redacts covers it in the picture. Reading is by RapidOCR (PP-OCR) and zxing-cpp, the extra `ocr`; nothing is
downloaded, both come with what they need. Doubtful lines are left out: on photos OCR sees letters where there are none.
"""

from __future__ import annotations

import importlib.util
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Final, Literal

from pydantic import Field

from guardrails.detectors import ConfigProblem, ConfigProblems, PolicyFiles
from guardrails.detectors.config import Config
from guardrails.detectors.images.reading.distinct_frames import pick_distinct_frames
from guardrails.detectors.images.reading.ocr import load_reader
from guardrails.detectors.images.reading.ocr_lines import Corners, OcrLine, OcrReader
from guardrails.detectors.images.reading.reading_passes import read_in_passes
from guardrails.detectors.images.text_layout import PlacedText, TextLine, place_lines
from guardrails.detectors.images.view_boxes import scale_box
from guardrails.detectors.kinds import Kind
from guardrails.fork_safety import fork_safe_lock
from guardrails.types import CLEAN, Content, Detection, Image

if TYPE_CHECKING:
    from guardrails.media.images.picture import Picture, Pixels

SURE: Final = 0.9
"""The score from which a line of a few characters is believed."""

FEW: Final = 4
"""Characters below which a line must be as sure as that."""

REMEMBERED: Final = 256
"""Pictures whose texts are kept: a conversation that comes again with one turn more costs that turn."""

What = Literal["text", "codes"]
PACKAGES: Final = {"text": ("rapidocr", "onnxruntime"), "codes": ("zxingcpp",)}
"""What reads each, from the extra `ocr`."""


class ImageTextConfig(Config):
    """What is written in pictures, for all rules on texts."""

    use: Literal["image_text"]
    """The kind of detector."""
    read: list[What] = Field(default=["text", "codes"], min_length=1)
    """What is read: letters, and QR and bar codes."""
    min_score: float = Field(default=0.75, ge=0, le=1)
    """How sure a line must be; those of fewer than four characters must be at 0.9."""
    side: int = Field(default=640, ge=320, le=4_096)
    """Pixels of the longer side at which letters are looked for: more finds smaller ones in large pictures, and takes longer."""
    frames: int = Field(default=8, ge=1, le=300)
    """Frames of what moves that are read: those that differ most from one another."""


class ImageTextExtractor:
    """The extractor: letters of all views of some frames, then codes."""

    inline = False
    pixels = True

    def __init__(self, config: ImageTextConfig, readers: Sequence[tuple[str, OcrReader]]) -> None:
        """Take a configuration and what reads, each with the origin that its texts have."""
        self._config = config
        self._readers = readers
        self._kept: OrderedDict[str, tuple[PlacedText, ...]] = OrderedDict()
        self._lock = fork_safe_lock()

    def detect(self, batch: Sequence[Content]) -> list[Detection]:
        return [CLEAN] * len(batch)

    def extracts(self, batch: Sequence[Content]) -> list[tuple[PlacedText, ...]]:
        """Return what is written in each picture."""
        return [self._extract_one(content.source) if isinstance(content, Image) else () for content in batch]

    def _extract_one(self, picture: Picture) -> tuple[PlacedText, ...]:
        with self._lock:
            known = self._kept.get(picture.sha256)
            if known is not None:
                self._kept.move_to_end(picture.sha256)
                return known
        made = tuple(
            text
            for origin, reader in self._readers
            if (text := place_lines(dict.fromkeys(self._lines(picture, origin, reader)), origin)) is not None
        )
        with self._lock:
            self._kept[picture.sha256] = made
            while len(self._kept) > REMEMBERED:
                self._kept.popitem(last=False)
        return made

    def _lines(self, picture: Picture, origin: str, reader: OcrReader) -> Iterator[TextLine]:
        for frame in pick_distinct_frames(picture.frames, self._config.frames):
            for view in frame.views:
                found = [each for each in reader(view) if self._is_sure(*each[:2])]
                for text, _, corners in sorted(found, key=_order):
                    box = scale_box(_bounding_box(corners, view), view, picture)
                    yield TextLine(" ".join(text.split()), box, whole=origin == "code")

    def _is_sure(self, text: str, score: float) -> bool:
        least = self._config.min_score if len(text.strip()) >= FEW else max(SURE, self._config.min_score)
        return bool(text.strip()) and score >= least


def _order(found: OcrLine) -> tuple[float, float]:
    """Return where a line comes: those of one height from left to right."""
    corners = found[2]
    height = max(y for _, y in corners) - min(y for _, y in corners)
    middle = sum(y for _, y in corners) / len(corners)
    return middle // max(1.0, height), min(x for x, _ in corners)


def _bounding_box(corners: Corners, view: Pixels) -> tuple[int, int, int, int]:
    """Return the box around corners, at least one pixel of the view."""
    height, width = view.shape[:2]
    left = min(max(0, int(min(x for x, _ in corners))), width - 1)
    top = min(max(0, int(min(y for _, y in corners))), height - 1)
    right = min(width, int(max(x for x, _ in corners)) + 1)
    bottom = min(height, int(max(y for _, y in corners)) + 1)
    return left, top, max(1, right - left), max(1, bottom - top)


def read_codes(view: Pixels) -> list[OcrLine]:
    """Read QR and bar codes."""
    found = import_module("zxingcpp").read_barcodes(view)
    return [
        (
            each.text,
            1.0,
            [
                (corner.x, corner.y)
                for corner in (
                    each.position.top_left,
                    each.position.top_right,
                    each.position.bottom_right,
                    each.position.bottom_left,
                )
            ],
        )
        for each in found
        if each.text
    ]


def _build(name: str, config: ImageTextConfig, files: PolicyFiles) -> ImageTextExtractor:
    missing = [
        package for what in config.read for package in PACKAGES[what] if not importlib.util.find_spec(package)
    ]
    if missing:
        message = f"reading {' and '.join(config.read)} needs {', '.join(missing)}, which is not installed"
        hint = "pip install 'guardrails-middleware[ocr]'"
        raise ConfigProblems([ConfigProblem("missing_extra", message, ("use",), hint=hint)])
    readers: dict[str, tuple[str, OcrReader]] = {
        "text": ("ocr", read_in_passes(load_reader(config.side), config.side)),
        "codes": ("code", read_codes),
    }
    return ImageTextExtractor(config, [readers[what] for what in dict.fromkeys(config.read)])


KIND = Kind(
    name="image_text",
    doc="What is written in pictures, read for all rules on texts: letters, QR and bar codes.",
    config=ImageTextConfig,
    categories=lambda _name, _config: frozenset(),
    build=_build,
    tier=1,
    contents=frozenset({"image"}),
    version=3,
)
