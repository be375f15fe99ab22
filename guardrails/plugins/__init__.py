"""What others build on to extend this package without touching it: public, typed, and stable.

An API of models is described by what `guardrails.plugins.protocols` has, which is provisional.

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
from dataclasses import replace
from typing import Any, Final

from guardrails.detectors import ConfigProblem, ConfigProblems, PolicyFiles
from guardrails.detectors.capabilities import Async, AtOnce, FilmTrack, Frames, Passages, Streaming
from guardrails.detectors.config import Config
from guardrails.detectors.kinds import DETECTORS, Kind
from guardrails.engine.values.adapters import ValueAdapter
from guardrails.engine.values.known_types import OTHERS as ADAPTERS
from guardrails.policy.redactions import REDACTIONS, FoundValue, HandedOut, Redaction
from guardrails.protocols.registry import PROTOCOLS
from guardrails.registry.registered import Registry
from guardrails.registry.sources import PluginError, PluginOrigin
from guardrails.sinks.kinds import SINKS, Sink, VerdictSink
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
from guardrails.wrapping.functions import wrap_function
from guardrails.wrapping.registry import WRAPPERS, Wrapper
from guardrails.wrapping.sdk.exchange import Terms

REGISTRIES: Final[Mapping[str, Registry[Any]]] = {
    each.group: each
    for each in (DETECTORS, REDACTIONS, SINKS, WRAPPERS.registry, ADAPTERS.registry, PROTOCOLS)
}
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
    "Sink",
    "Stage",
    "Stream",
    "Streaming",
    "Terms",
    "Text",
    "ToolCall",
    "Unchecked",
    "ValueAdapter",
    "VerdictSink",
    "Video",
    "Wrapper",
    "register",
    "wrap_function",
]


def register(name: str, thing: ValueAdapter | Wrapper) -> None:
    """Register an adapter of values, or a wrapper, in this process, before any value of its class is met. Packages register
    theirs by entry points of the same name, in the groups `guardrails.adapters` and `guardrails.wrappers`.

    Args:
        name: the top package of the class, a dot, and the class: `acme.Ticket`; it stands for classes below it too.
        thing: how its values are read and written, or how its objects are wrapped.

    Raises:
        PluginError: the name is none of a class, or another one is registered for it, or offered by a package.
        TypeError: it is neither an adapter nor a wrapper.
    """
    if isinstance(thing, Wrapper):
        WRAPPERS.register(name, replace(thing, name=name))
    elif isinstance(thing, ValueAdapter):
        ADAPTERS.register(name, thing)
    else:
        raise TypeError(f"give a Wrapper or a ValueAdapter, not {type(thing).__name__}")
