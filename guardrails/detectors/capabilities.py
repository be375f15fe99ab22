"""What a detector may do besides `detect`: a table of attributes, each checked when a policy is loaded.

A detector that has none of them is a good one: it is asked on a worker with whole texts. Each attribute that it has changes
how it is asked. A name that is only nearly one of these is an error, so that nothing is held whole, or never asked, for a
slip of the pen.
"""

from __future__ import annotations

import difflib
import inspect
import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from guardrails.detectors import ConfigProblem, ConfigProblems
from guardrails.types import Content, Detection, Detector, Finding, Stream

CONTENTS: Final = ("text", "image", "video", "audio", "tool_call")
"""The kinds of contents."""

TIERS: Final = (0, 1, 2)
"""How dear a detector is: microseconds, milliseconds, a call over the network."""


class Streaming(Detector, Protocol):
    """A detector that judges a text as it grows, so that what is settled of it goes out before its end."""

    def stream(self, context: Mapping[str, str] | None) -> Stream | None:
        """Begin a text, beside its context; return None where the detector must see all of it."""
        ...


class Async(Detector, Protocol):
    """A detector that waits for a service: its coroutine takes no worker."""

    async def adetect(self, batch: Sequence[Content]) -> Sequence[Detection]:
        """Judge each content of the batch, as `detect` does; raising means that all of it failed."""
        ...


class AtOnce(Detector, Protocol):
    """A detector that knows some answers already, such as from a memory of its own."""

    def at_once(self, batch: Sequence[Content]) -> list[Detection] | None:
        """Judge each content of the batch in microseconds; return None where that cannot be."""
        ...


class Passages(Detector, Protocol):
    """A detector that can judge a long text one passage after the other, so that each goes out once it is judged."""

    passages: bool


class PassageStream(Detector, Protocol):
    """A text that grows, as a detector: each content that it is given is what follows in the text, whole passages all."""

    def is_due(self, characters: int, *, busy: bool) -> bool:
        """Tell whether so much that follows is to be judged now, rather than with the passage behind it; `busy` says that others
        wait for a worker.
        """
        ...

    def fork(self) -> PassageStream:
        """Return a stream that goes on from here apart from this one, so that a judgement which fails changes nothing."""
        ...


class FilmTrack(Detector, Protocol):
    """A detector of the frames of one track of a film, which it gets one after the other, and of what they come to."""

    def findings(self, *, closed: bool) -> Sequence[Finding]:
        """Return what all frames so far come to; unless `closed`, more may come: then only what none of them can take back."""
        ...


class Frames(Detector, Protocol):
    """A detector that looks at decoded pictures, and at films frame by frame: a picture's `source` is a `Picture`."""

    pixels: bool

    def film(self, sha256: str) -> FilmTrack:
        """Begin to look at one track of a film, of whose file this is the SHA-256 in hexadecimal digits, or ""."""
        ...


@dataclass(frozen=True, slots=True)
class Capability:
    """An attribute that a detector may have.

    Attributes:
        name: of the attribute.
        doc: what having it means, in one sentence.
        problem: returns what is wrong with a value of it, "" where nothing is.
        mistaken: names by which it is mistaken for something else, beside those that are spelled nearly alike.
    """

    name: str
    doc: str
    problem: Callable[[Any], str]
    mistaken: tuple[str, ...] = ()


def _flag(value: object) -> str:
    return "" if isinstance(value, bool) else "must be True or False"


def _tier(value: object) -> str:
    return "" if type(value) is int and value in TIERS else "must be 0, 1 or 2"


def _contents(value: object) -> str:
    good = isinstance(value, Collection) and not isinstance(value, str) and value and {*value} <= {*CONTENTS}
    return "" if good else f"must be a set of {', '.join(CONTENTS)}"


def _categories(value: object) -> str:
    good = isinstance(value, frozenset) and all(isinstance(each, str) for each in value)
    return "" if good else "must be a frozenset of categories"


def _json(value: object) -> str:
    try:
        json.dumps(value)
    except (TypeError, ValueError):
        return "must be a value that JSON can hold"
    return ""


def _takes(count: int, *, awaited: bool = False) -> Callable[[object], str]:
    """Return what finds fault with a method that does not take so many arguments, or is of the other colour."""

    def problem(value: object) -> str:
        if value is None and not awaited:
            return ""  # a detector may lack it for some configurations
        if not callable(value):
            return "must be a method"
        if inspect.iscoroutinefunction(value) is not awaited:
            return "must be an async method" if awaited else "must be no async method"
        try:
            inspect.signature(value).bind(*(None,) * count)
        except TypeError:
            return f"must take {count} argument{'s' if count > 1 else ''}"
        except ValueError:
            return ""  # written in another language: not known
        return ""

    return problem


def _optional_awaited(value: object) -> str:
    return "" if value is None else _takes(1, awaited=True)(value)


def _any(value: object) -> str:
    return ""


CAPABILITIES: Final[Mapping[str, Capability]] = {
    each.name: each
    for each in (
        Capability(
            "tier", "How dear it is: 0 microseconds, 1 milliseconds, 2 a call over the network.", _tier
        ),
        Capability(
            "inline",
            "Whether a call costs microseconds per thousand characters for certain, so that it runs on the caller's thread.",
            _flag,
        ),
        Capability("contents", "The kinds of contents that it judges.", _contents, ("kinds", "content")),
        Capability(
            "identity",
            "What else its findings depend on, such as the digest of a model: part of the policy's digest.",
            _json,
        ),
        Capability(
            "at_once",
            "Answers a batch in microseconds where it can, such as from a memory of its own; else returns None.",
            _takes(1),
        ),
        Capability(
            "cancellable",
            "Whether it ends by itself within milliseconds of its deadline: it runs on a thread that waits for it anyway.",
            _flag,
        ),
        Capability(
            "adetect",
            "The coroutine of `detect`, for a detector that waits for a service: it takes no worker.",
            _optional_awaited,
            ("async_detect", "detect_async", "adetection", "areview"),
        ),
        Capability(
            "stream",
            "Begins a text that grows, given its context; returns a `Stream`, or None where it must see all of the text.",
            _takes(1),
            ("streaming", "start", "begin_stream", "open_stream", "feed"),
        ),
        Capability(
            "passages",
            "Whether it can judge one passage of a text after the other.",
            _flag,
            ("chunks", "windows"),
        ),
        Capability(
            "passage_stream",
            "Begins a text that it judges one passage after the other, given its context; returns a `PassageStream`.",
            _takes(1),
        ),
        Capability(
            "prose",
            "Whether it judges sentences: it gets no names and codes, and what a record says as one passage.",
            _flag,
            ("sentences",),
        ),
        Capability("pixels", "Whether it looks at decoded pictures: their `source` is a `Picture`.", _flag),
        Capability(
            "sees",
            "The categories that it judges in what pictures show, where these are not all that it finds.",
            _categories,
        ),
        Capability(
            "film",
            "Begins to look at one track of a film, given the SHA-256 of its file: it gets the frames one after the other.",
            _takes(1),
            ("frames", "films", "video"),
        ),
        Capability(
            "extracts",
            "Reads the texts that stand in pictures, to be judged as texts.",
            _takes(1),
            ("extract", "ocr"),
        ),
        Capability(
            "hears",
            "Writes down what is said in sounds, to be judged as text.",
            _takes(1),
            ("hear", "listen", "transcribe"),
        ),
        Capability(
            "narrow",
            "Returns a detector that looks for some of its categories, given those that are asked for at each stage.",
            _takes(1),
        ),
        Capability("plants", "Whether a canary is planted in the system prompt for it.", _flag),
        Capability(
            "prefilter",
            "A `PatternTable` one of whose patterns is in every text in which the detector finds anything; None: not known.",
            _any,
        ),
        Capability(
            "repair",
            "Returns a text in the format that it looks for, made of one that is not, or None: for rules with `on_fail`.",
            _takes(1),
        ),
        Capability(
            "format_problems",
            "Returns what is wrong with a text that it has findings in, as `FormatProblem`s: for rules with `on_fail`.",
            _takes(1),
        ),
        Capability(
            "merge_streams",
            "Groups detectors of its class that judge texts that grow as one, with what begins a text for each group.",
            _takes(1),
        ),
    )
}
"""Name of an attribute → what it means."""

REQUIRED: Final = "detect"
"""The one method that every detector has."""

_MISTAKEN: Final = {
    word: each.name for each in CAPABILITIES.values() for word in each.mistaken
} | dict.fromkeys(("check", "judge", "detects", "scan", "predict", "validate", "run", "__call__"), REQUIRED)

ALIKE: Final = 0.85
"""How much alike two names must be (`difflib`, 0..1) for one to be taken for a slip of the other: `steam` is 0.91 of `stream`,
and `file`, `time` and `filter`, which detectors may well have, are less of `film`, `tier` and `prefilter`."""


def read_capabilities(detector: object) -> dict[str, Any]:
    """Return what a detector may do besides `detect`: name of the attribute → its value.

    Raises:
        ConfigProblems: it has no `detect`, a capability of the wrong form, or an attribute that is nearly one.
    """
    problems = [*_find_problems(detector)]
    if problems:
        kind = type(detector).__name__
        raise ConfigProblems(
            [
                ConfigProblem("invalid_detector", f"{kind}.{name} {what}", hint=hint)
                for name, what, hint in problems
            ]
        )
    return {name: getattr(detector, name) for name in CAPABILITIES if hasattr(detector, name)}


def find_mistaken(detector: type, fields: Collection[str]) -> tuple[str, str] | None:
    """Return an attribute of a class whose name is nearly that of a field, and that field; None where there is none."""
    for name in sorted(_public_names(detector) - CAPABILITIES.keys() - {*fields, REQUIRED}):
        near = difflib.get_close_matches(name, fields, n=1, cutoff=ALIKE)
        if near and not hasattr(detector, near[0]):
            return name, near[0]
    return None


def _public_names(detector: type) -> set[str]:
    """Return the names that a class and its own bases have, but for private ones."""
    return {name for base in detector.__mro__[:-1] for name in vars(base) if name[:1] != "_"}


def _find_problems(detector: object) -> list[tuple[str, str, str]]:
    """Return what is wrong with a detector: the name of an attribute, what is wrong with it, and a hint."""
    found: list[tuple[str, str, str]] = []
    public = _public_names(type(detector)) | {
        name for name in getattr(detector, "__dict__", ()) if name[:1] != "_"
    }
    if not callable(getattr(detector, REQUIRED, None)):
        wrong = next((name for name in sorted(public) if _meant(name) == REQUIRED), None)
        hint = f"rename {wrong!r} to 'detect'" if wrong else "write detect(self, batch) -> list[Detection]"
        return [(REQUIRED, "is missing", hint)]
    if problem := _takes(1)(detector.detect):  # type: ignore[attr-defined] # it has one, see above
        found.append((REQUIRED, problem, "write detect(self, batch); what waits for a service is 'adetect'"))
    for name in sorted(public - {REQUIRED}):
        if name in CAPABILITIES:
            if problem := CAPABILITIES[name].problem(getattr(detector, name)):
                found.append((name, problem, CAPABILITIES[name].doc))
        elif (meant := _meant(name)) is not None and meant not in public:
            hint = f"did you mean {meant!r}? Else begin the name with an underscore"
            found.append((name, "is no capability of a detector", hint))
    return found


def _meant(name: str) -> str | None:
    """Return the name that was meant by another one, None where that resembles none."""
    if name in _MISTAKEN:
        return _MISTAKEN[name]
    near = difflib.get_close_matches(name, (*CAPABILITIES, REQUIRED), n=1, cutoff=ALIKE)
    return near[0] if near else None
