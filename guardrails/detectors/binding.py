"""Detectors bound to a policy: each is built once in a process, under the name that the policy calls it by.

This is what the floors above use. Detectors themselves import nothing from here.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from guardrails.detectors import Kind, PolicyFiles, find_kind
from guardrails.detectors.config import Config
from guardrails.detectors.images.text_layout import PlacedText
from guardrails.detectors.shared_builds import RecordingFiles, SharedDetectors
from guardrails.types import Content, Detection, Detector, Finding, Stream

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from guardrails.detectors.speech.transcript import SoundTranscript


class FilmTrack(Detector, Protocol):
    """A detector of the frames of one track of a film, which it gets one after the other, and of what they come to. It is begun
    with the SHA-256 of the film's file in hexadecimal digits, or nothing.
    """

    def findings(self, *, closed: bool) -> Sequence[Finding]:
        """Return what all frames so far come to; unless `closed`, more may come: then only what none of them can take back."""
        ...


@dataclass(frozen=True, slots=True)
class BoundDetector:
    """A detector as one policy uses it. `inline` says that a call costs microseconds per thousand characters
    for certain, so that it may run on the caller's thread; `at_once` is asked first where it does not: what it can
    answer as quickly, None for what needs a worker. One that waits for a service has `adetect`, the coroutine of its
    `detect`, which takes no worker. `digest` names everything that its findings depend on. `stream` begins a text that grows,
    beside its context, and is None, or gives None, where the detector must see all of a text; `passages` says that it can judge
    one passage after the other; `pixels`, that it looks at decoded pictures: their `source` is a `Picture`, and it sees none
    that cannot be; `film` begins to look at one track of a film, where more than single frames tells what that is; `extracts`,
    what reads the texts in pictures; `hears`, what listens to sounds. `family` is the file that
    declares it: what is put together of several detectors is put together of those of one file, so that all policies which
    build on that file share it.
    """

    name: str
    detector: Detector
    categories: frozenset[str]
    spans: bool = True
    tier: int = 0
    inline: bool = True
    at_once: Callable[[Sequence[Content]], list[Detection] | None] | None = None
    adetect: Callable[[Sequence[Content]], Coroutine[Any, Any, Sequence[Detection]]] | None = None
    contents: frozenset[str] = frozenset({"text"})
    reads: tuple[str, ...] = ()
    decoded: bool = True
    digest: str = ""
    stream: Callable[[Mapping[str, str] | None], Stream | None] | None = None
    passages: bool = False
    pixels: bool = False
    film: Callable[[str], FilmTrack] | None = None
    extracts: Callable[[Sequence[Content]], Sequence[Sequence[PlacedText]]] | None = None
    hears: Callable[[Iterable[tuple[int, NDArray[Any]]]], SoundTranscript] | None = None
    family: str = ""


def bind(name: str, of: Kind, config: Config, files: PolicyFiles, family: str = "") -> BoundDetector:
    """Build the detector that a policy calls `name`, declared in the file `family`; raises `ConfigProblems`."""
    detector, seen = _build_or_share(name, of, config, files)
    tier = int(getattr(detector, "tier", of.tier))
    identity = [of.name, of.version, name, config.model_dump(mode="json"), seen.digests]
    if hasattr(detector, "identity"):  # of what comes with the package, and so was not read through `files`
        identity.append(detector.identity)
    digest = hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()
    return BoundDetector(
        name=name,
        detector=detector,
        categories=of.categories(name, config),
        spans=of.spans,
        tier=tier,
        inline=bool(getattr(detector, "inline", tier == 0)),
        at_once=getattr(detector, "at_once", None),
        adetect=getattr(detector, "adetect", None),
        contents=getattr(detector, "contents", of.contents),
        reads=of.reads,
        decoded=of.decoded,
        digest=digest,
        stream=getattr(detector, "stream", None),
        passages=bool(getattr(detector, "passages", False)),
        pixels=bool(getattr(detector, "pixels", False)),
        film=getattr(detector, "film", None),
        extracts=getattr(detector, "extracts", None),
        hears=getattr(detector, "hears", None),
        family=family,
    )


_BUILDS = SharedDetectors()


def _build_or_share(
    name: str, of: Kind, config: Config, files: PolicyFiles
) -> tuple[Detector, RecordingFiles]:
    """Return the detector, a shared one where it is of a kind of this package, and what was read for it."""
    if find_kind(of.name) is of:
        return _BUILDS.get(of.name, name, config, files, lambda read: of.build(name, config, read))
    seen = RecordingFiles(files)
    return of.build(name, config, seen), seen
