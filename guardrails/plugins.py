"""What others build on to extend this package without touching it: public, typed, and stable.

Promise: what `__all__` names keeps its name, its arguments and its meaning for all versions of one major number; what is
to go is deprecated for at least two minor versions before, with a warning that names what to use instead. Nothing else of
this package is public to plugins.

A detector is a class with `detect`, described by a `Kind`:

    from guardrails.plugins import CLEAN, Config, Detection, Finding, Kind, Text

    class ShoutingConfig(Config):
        share: float = 0.7

    class Shouting:
        def __init__(self, name, config):
            self._name, self._share = name, config.share

        def detect(self, batch):
            return [self._judge(content.text) if isinstance(content, Text) else CLEAN for content in batch]

        def _judge(self, text):
            letters = [char for char in text if char.isalpha()]
            share = sum(map(str.isupper, letters)) / max(len(letters), 1)
            if len(letters) < 8 or share < self._share:
                return CLEAN
            return Detection((Finding("custom.shouting", share, self._name, (0, len(text))),))

    KIND = Kind("shouting", "Texts in capitals.", ShoutingConfig, ("custom.shouting",), Shouting)

Try it with `guardrails check --plugin ./shouting.py --policy shouting.yaml "SOME TEXT"`; in a package, name it as an entry
point of the group `guardrails.detectors`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from guardrails.detectors import ConfigProblem, ConfigProblems, PolicyFiles
from guardrails.detectors.capabilities import Async, AtOnce, FilmTrack, Frames, Passages, Streaming
from guardrails.detectors.config import Config
from guardrails.detectors.kinds import DETECTORS, Kind
from guardrails.policy.redactions import REDACTIONS, FoundValue, HandedOut, Redaction
from guardrails.registry.registered import Registry
from guardrails.registry.sources import PluginError, PluginOrigin
from guardrails.types import (
    CLEAN,
    Audio,
    Content,
    Detection,
    Detector,
    Finding,
    Image,
    Place,
    Stage,
    Stream,
    Text,
    ToolCall,
    Unchecked,
    Video,
)

REGISTRIES: Final[Mapping[str, Registry[Any]]] = {each.group: each for each in (DETECTORS, REDACTIONS)}
"""Group of entry points → the registry of what is built in and what plugins add. For this package alone."""

__all__ = [
    "CLEAN",
    "Async",
    "AtOnce",
    "Audio",
    "Config",
    "ConfigProblem",
    "ConfigProblems",
    "Content",
    "Detection",
    "Detector",
    "FilmTrack",
    "Finding",
    "FoundValue",
    "Frames",
    "HandedOut",
    "Image",
    "Kind",
    "Passages",
    "Place",
    "PluginError",
    "PluginOrigin",
    "PolicyFiles",
    "Redaction",
    "Stage",
    "Stream",
    "Streaming",
    "Text",
    "ToolCall",
    "Unchecked",
    "Video",
]
