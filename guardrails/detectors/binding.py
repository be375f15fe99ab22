"""Detectors bound to a policy: each is built once in a process, under the name that the policy calls it by.

This is what the floors above use. Detectors themselves import nothing from here.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from dataclasses import astuple, dataclass, replace
from typing import TYPE_CHECKING, Any

from guardrails.cancellation import is_interrupt
from guardrails.detectors import ConfigProblem, ConfigProblems, PolicyFiles
from guardrails.detectors.capabilities import FilmTrack, PassageStream, read_capabilities
from guardrails.detectors.config import Config
from guardrails.detectors.images.text_layout import PlacedText
from guardrails.detectors.kinds import BUILTIN, Kind, find_kind
from guardrails.detectors.patterns.table import PatternTable
from guardrails.detectors.shared_builds import RecordingFiles, SharedDetectors
from guardrails.types import Content, Detection, Detector, Image, Stage, Stream
from guardrails.verdicts.format_failure import FormatProblem

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from guardrails.detectors.speech.transcript import SoundTranscript


Begin = Callable[[Mapping[str, str] | None], Stream | None]
"""Begins a text that grows, beside its context."""

MergeStreams = Callable[[Sequence[Any]], Sequence[tuple[Sequence[Any], Begin]]]
"""Detectors of one class, of one file → those that judge texts that grow as one, and what begins a text for them."""


@dataclass(frozen=True, slots=True)
class BoundDetector:
    """A detector as one policy uses it. `inline` says that a call costs microseconds per thousand characters
    for certain, so that it may run on the caller's thread; `at_once` is asked first where it does not: what it can
    answer as quickly, None for what needs a worker; `cancellable` says that it ends by itself soon after the deadline, so that a
    thread which waits for it anyway may run it. One that waits for a service has `adetect`, the coroutine of its `detect`,
    which takes no worker. `digest` names everything that its findings depend on. `stream` begins a text that grows,
    beside its context, and is None, or gives None, where the detector must see all of a text; `passages` says that it can judge
    one passage after the other, and `passage_stream` begins a text where it goes on from one to the next; `prose`, that it judges
    sentences, so that it is given no data (`Text.form`), and what a record says as one; `pixels`, that it looks at decoded
    pictures: their `source` is a `Picture`, and it sees none that cannot be; `film` begins to look at one track of a film,
    where more than single frames tells what that is; `sees` are the categories that it judges in what pictures show; `extracts`,
    what reads the texts in pictures; `hears`, what listens to sounds. `plants` says that a canary is planted for it; one of the
    patterns of `prefilter` is in every text in which it finds anything; `merge_streams` groups detectors of its class that judge
    texts that grow as one (`capabilities.py`). `repair` makes of a text what it was meant to be, and `format_problems`
    says what is wrong with it, for rules with `on_fail`. `narrow` makes a detector that looks for what rules ask for at each
    stage alone, and `declared_digest` is the digest of the one that it is made of (`narrow_detector`). `foreign` says that it is
    none of this package's. `family` is the file that declares it: what is put together of several detectors is put together of
    those of one file, so that all policies which build on that file share it.
    """

    name: str
    detector: Detector
    categories: frozenset[str]
    spans: bool = True
    tier: int = 0
    inline: bool = True
    at_once: Callable[[Sequence[Content]], list[Detection] | None] | None = None
    cancellable: bool = False
    adetect: Callable[[Sequence[Content]], Coroutine[Any, Any, Sequence[Detection]]] | None = None
    contents: frozenset[str] = frozenset({"text"})
    sees: frozenset[str] = frozenset()
    reads: tuple[str, ...] = ()
    decoded: bool = True
    digest: str = ""
    stream: Begin | None = None
    passages: bool = False
    passage_stream: Callable[[Mapping[str, str] | None], PassageStream] | None = None
    prose: bool = False
    pixels: bool = False
    film: Callable[[str], FilmTrack] | None = None
    extracts: Callable[[Sequence[Content]], Sequence[Sequence[PlacedText]]] | None = None
    hears: Callable[[Iterable[tuple[int, NDArray[Any]]]], SoundTranscript] | None = None
    plants: bool = False
    prefilter: PatternTable | None = None
    merge_streams: MergeStreams | None = None
    repair: Callable[[str], str | None] | None = None
    format_problems: Callable[[str], Sequence[FormatProblem]] | None = None
    narrow: Callable[[Mapping[Stage, frozenset[str]]], Detector] | None = None
    declared_digest: str = ""
    family: str = ""
    foreign: bool = False


def bind(name: str, of: Kind, config: Config, files: PolicyFiles, family: str = "") -> BoundDetector:
    """Build the detector that a policy calls `name`, declared in the file `family`; raises `ConfigProblems`."""
    built_in = of.name in BUILTIN and find_kind(of.name) is of
    detector, seen = (_share if built_in else _build)(name, of, config, files)
    able = read_capabilities(detector)
    identity = [of.name, of.version, name, config.model_dump(mode="json"), seen.digests]
    if "identity" in able:  # of what comes with the package, and so was not read through `files`
        identity.append(able.pop("identity"))
    if of.origin is not None:
        identity.append(["plugin", *astuple(of.origin)])
    able.setdefault("tier", of.tier)
    # What others wrote may take any time: only what says that it does not runs where nothing can stop it.
    able.setdefault("inline", built_in and able["tier"] == 0)
    able["contents"] = frozenset(able.get("contents", of.contents))
    digest = hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()
    categories = of.gives(name, config)
    able.setdefault("sees", categories if Image.kind in able["contents"] else frozenset())
    return BoundDetector(
        name=name,
        detector=detector,
        categories=categories,
        spans=of.spans,
        reads=of.reads,
        decoded=of.decoded,
        digest=digest,
        declared_digest=digest,
        family=family,
        foreign=not built_in,
        **able,
    )


def narrow_detector(bound: BoundDetector, asked: Mapping[Stage, frozenset[str]]) -> BoundDetector:
    """Return a detector that looks at each stage for those of its categories alone that are asked for there, if it can and that
    is less; its findings depend on the stage then.
    """
    own = {stage: names & bound.categories for stage, names in asked.items() if names & bound.categories}
    if bound.narrow is None or all(names == bound.categories for names in own.values()):
        return bound
    detector = bound.narrow(own)
    able = read_capabilities(detector)
    for name in ("identity", "tier", "inline", "contents", "sees"):
        able.pop(name, None)
    identity = [bound.digest, {stage.value: sorted(names) for stage, names in own.items()}]
    return replace(
        bound,
        detector=detector,
        reads=(*bound.reads, "stage"),
        digest=hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest(),
        **able,
    )


_BUILDS = SharedDetectors()


def _share(name: str, of: Kind, config: Config, files: PolicyFiles) -> tuple[Detector, RecordingFiles]:
    """Return a detector of a kind of this package, shared with who builds the same, and what was read for it."""
    return _BUILDS.get(of.name, name, config, files, lambda read: of.make(name, config, read))


def _build(name: str, of: Kind, config: Config, files: PolicyFiles) -> tuple[Detector, RecordingFiles]:
    """Return a detector of a kind of others, and what was read for it."""
    seen = RecordingFiles(files)
    try:
        return of.make(name, config, seen), seen
    except ConfigProblems:
        raise
    except BaseException as error:
        if is_interrupt(error):
            raise
        whose = "" if of.origin is None else f" of {of.origin}"
        problem = ConfigProblem(
            "detector_failed", f"{of.name}{whose} cannot be built: {type(error).__name__}: {error}"
        )
        raise ConfigProblems([problem]) from error
