"""The whole vocabulary: contents go in, detections come out, verdicts say what to do.

Standard library only, so that every floor above may use it. Objects here are values: nothing mutates one after it was built.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Literal, Protocol

from guardrails.enums import Action as Action
from guardrails.enums import ActionName as ActionName
from guardrails.enums import AsksFor as AsksFor
from guardrails.enums import Mode as Mode
from guardrails.enums import Severity as Severity
from guardrails.enums import Stage as Stage
from guardrails.enums import StageName as StageName
from guardrails.verdicts.builtin_messages import STOPPED, UNCHECKED, say
from guardrails.verdicts.coverage import NO_COVERAGE
from guardrails.verdicts.coverage import Coverage as Coverage
from guardrails.verdicts.coverage import FilmCoverage as FilmCoverage
from guardrails.verdicts.coverage import KindCoverage as KindCoverage
from guardrails.verdicts.coverage import Unchecked as Unchecked
from guardrails.verdicts.format_failure import FormatFailure
from guardrails.verdicts.frozen_records import quick_init
from guardrails.verdicts.unavailable import Unavailable as Unavailable
from guardrails.verdicts.unavailable import UnavailableReason as UnavailableReason
from guardrails.verdicts.verdict_html import render_verdict

if TYPE_CHECKING:
    # Type checkers bring this module along; before Python 3.13, typing has no defaults.
    from typing_extensions import TypeVar

    T_co = TypeVar("T_co", covariant=True, default=object)
else:
    from typing import TypeVar

    T_co = TypeVar("T_co", covariant=True)


Tool = tuple[str, str]
"""A tool: its name, and the server that has it ("" where there is none)."""


@dataclass(frozen=True, slots=True, eq=False)
class Use:
    """One use of a tool, which all its contents share: a definition, a call, or what a call returned.

    `tools` says of which tool; of several where an id stands for several calls, of none where nobody knows. `arguments` is the
    JSON text of a call's arguments; `changed` tells that the definition is not the one that was approved; `hosted`, that
    the provider makes the call itself, so that the model has read what came of it.
    """

    tools: tuple[Tool, ...]
    arguments: str | None = None
    changed: bool = False
    hosted: bool = False


@quick_init
@dataclass(frozen=True, slots=True)
class Returned:
    """What a tool returned before: which (`tools` as in `Use`), and the text, None where it is not known any more."""

    tools: tuple[Tool, ...]
    text: str | None = None


@quick_init
@dataclass(frozen=True, slots=True)
class Place:
    """Where a content stands in what the caller gave.

    `path` is a JSON Pointer into the body ("" for a bare text); leaves inside a JSON string continue it. `message` and
    `choice_index` are indexes. `also` names further stages whose rules it meets: what a client sends as an assistant's turn may
    be forged. `origin` is the chain of extractors that it came from, such as `base64`; `use` the use of a tool. `declared`: it
    is the application's own, as no client can say. `asks_for`: what a generator is to make; of absence no harm is found.
    """

    stage: Stage = Stage.INPUT
    also: tuple[Stage, ...] = ()
    role: str | None = None
    path: str = ""
    message: int | None = None
    choice_index: int | None = None
    tool: str | None = None
    origin: str | None = None
    use: Use | None = field(default=None, compare=False, repr=False)
    declared: bool = False
    asks_for: AsksFor = ""


TextForm = Literal["prose", "data", "record"]
"""Who reads a text; see `Text`."""


@quick_init
@dataclass(frozen=True, slots=True)
class Text:
    """A text to check. `context` holds what detectors may declare that they read (`system`: the system prompt, `prompt`: the
    prompt of a reply, `sources`: what was retrieved for it, `borders`: of one that is joined of several messages, where all but
    the first of them begin). `form` says who reads it: `prose` every detector; `data` (a name, a
    code, a short value of a record) those that look for words and patterns; `record` (the sentences and phrases of a value, put
    together) those that judge sentences, as all others read its parts.
    """

    kind: ClassVar[str] = "text"
    text: str
    place: Place = Place()
    context: Mapping[str, str] | None = None
    form: TextForm = "prose"


@dataclass(frozen=True, slots=True)
class Media:
    """Bytes to check (`data`), or a reference that was not fetched (`url`); see `Image`, `Video`, `Audio`.

    `source` is what a picture is read from where that is not `data`: a path, a Pillow image, an array. To detectors that look
    at pixels it is the picture itself, decoded (`media.images.picture.Picture`). `declared` is the type that somebody says
    the bytes are of, such as `image/png`; `partial`, that the finished picture follows in its stream.
    """

    kind: ClassVar[str] = "media"
    data: bytes = b""
    place: Place = Place()
    url: str | None = None
    context: Mapping[str, str] | None = None
    source: Any = field(default=None, compare=False, repr=False)
    declared: str | None = None
    partial: bool = False


class Image(Media):
    """A picture."""

    kind: ClassVar[str] = "image"
    __slots__ = ()


class Video(Media):
    """A film."""

    kind: ClassVar[str] = "video"
    __slots__ = ()


class Audio(Media):
    """A sound."""

    kind: ClassVar[str] = "audio"
    __slots__ = ()


@quick_init
@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call that a model asks for: the tool's name and its arguments as the JSON text they travel in.

    Detectors that judge the call as a whole read this; its leaves are checked as `Text` as well.
    """

    kind: ClassVar[str] = "tool_call"
    name: str
    arguments: str
    place: Place = Place(stage=Stage.TOOL_CALL)
    context: Mapping[str, str] | None = None


Content = Text | Media | ToolCall


@dataclass(frozen=True, slots=True)
class Listed:
    """The entry (`id`) of a `list`, as the policy names that, which a content is on: by what kind of hash, how many bits away and
    in which form (`original`, …); of films also the shares, 0..1, of this one (`query`) and the listed one (`target`).
    """

    list: str
    id: str
    kind: str
    distance: int = 0
    form: str = "original"
    query: float | None = None
    target: float | None = None


@quick_init
@dataclass(frozen=True, slots=True)
class JudgedPart:
    """The part of a check that something was found in, as far as rules look at it.

    Attributes:
        number: one that no other part of the check has.
        stages: those whose rules it meets.
        role: whose words it is.
        message: the index of its message, None where it belongs to none.
        derived: it was put together of several parts, or stood encoded in one.
        across: of several messages.
        editable: a redaction may change it.
    """

    number: int
    stages: tuple[Stage, ...]
    role: str
    message: int | None = None
    derived: bool = False
    across: bool = False
    editable: bool = True


@quick_init
@dataclass(frozen=True, slots=True)
class Finding:
    """Something that a detector found, in the coordinates of the ORIGINAL content.

    `score` is in 0..1. `span` is `[start, end)` in code points; `box` is `(x, y, width, height)` in
    pixels after EXIF rotation; `clip` is `[start_ms, end_ms)`; `listed` is the entry of a list that it is found by.
    Detectors leave `path`, `choice_index`, `origin` and `part` alone; the pipeline fills them in.
    """

    category: str
    score: float
    detector: str
    span: tuple[int, int] | None = None
    box: tuple[int, int, int, int] | None = None
    clip: tuple[int, int] | None = None
    path: str = ""
    choice_index: int | None = None
    origin: str | None = None
    listed: Listed | None = None
    part: JudgedPart | None = field(default=None, compare=False, repr=False)

    def to_dict(self) -> dict[str, object]:
        """Return the finding in the JSON shape of a verdict; it has a `listed`, and that shares, only where these are known."""
        known = {} if self.listed is None else asdict(self.listed)
        listed = {name: value for name, value in known.items() if value is not None}
        return {
            "category": self.category,
            "score": self.score,
            "detector": self.detector,
            "span": None if self.span is None else list(self.span),
            "box": None if self.box is None else list(self.box),
            "clip": None if self.clip is None else list(self.clip),
            "path": self.path,
            "choice_index": self.choice_index,
            "origin": self.origin,
            **({"listed": listed} if listed else {}),
        }


@quick_init
@dataclass(frozen=True, slots=True)
class Detection:
    """What one detector says of one content.

    `settled` is the offset before which no further text can change the findings (None: all of it);
    `error` says why the detector failed, in which case its categories are unknown, not 0, and `reason` what kind of failure
    that is.
    """

    findings: tuple[Finding, ...] = ()
    settled: int | None = None
    unchecked: tuple[Unchecked, ...] = ()
    error: str | None = None
    reason: UnavailableReason = "crash"


CLEAN = Detection()
"""Nothing found, all settled, all checked: what a detector answers for most contents."""


class Detector(Protocol):
    """Turns a batch of contents into detections, one for each, in order. Batch first and synchronous;
    knows no policy and no stage. The pipeline alone decides what runs where.
    """

    def detect(self, batch: Sequence[Content]) -> list[Detection]:
        """Judge each content of the batch; raising means that all of it failed."""
        ...


class Stream(Protocol):
    """What one detector says of one text that grows. Findings are final, in offsets of the whole text."""

    settled: int
    """The place before which no continuation changes what is found: findings that begin there were given by then, and none
    of them goes on over it."""

    def feed(self, delta: str) -> Detection:
        """Take the next part; return what it settles."""
        ...

    def flush(self) -> Detection:
        """Take the end; return the rest."""
        ...


@quick_init
@dataclass(frozen=True, slots=True)
class FiredRule:
    """A rule that fired. `action` is what it did to this content; `reason` says why:
    `matched`, `error` (a detector failed and `on_error: flag` decided, or the condition itself failed), `unsound_arguments` (the
    rule reads arguments of a call that are no JSON, or could be read in two ways, and `on_error` decided), `unchecked`,
    `unsafe_edit` (it would redact what must not be changed), `not_redacted` (a picture that could not be redacted, or in which
    a rule still finds something), or `repaired` (a text in a wrong format was mended).
    """

    id: str
    action: Action
    message: str | None = None
    severity: Severity = Severity.MEDIUM
    tags: tuple[str, ...] = ()
    mode: Mode = Mode.ENFORCE
    reason: str = "matched"

    def to_dict(self) -> dict[str, object]:
        """Return the rule in the JSON shape of a verdict."""
        return {
            "id": self.id,
            "action": str(self.action),
            "mode": self.mode.value,
            "severity": str(self.severity),
            "message": self.message,
            "tags": list(self.tags),
            "reason": self.reason,
        }


@dataclass(frozen=True, slots=True)
class DetectorFailure:
    """A detector that failed, and where; `reason` is the kind of failure."""

    detector: str
    error: str
    path: str = ""
    reason: UnavailableReason = "crash"

    def to_dict(self) -> dict[str, object]:
        """Return the failure in the JSON shape of a verdict."""
        return {"detector": self.detector, "error": self.error, "path": self.path, "reason": self.reason}


@dataclass(frozen=True, slots=True)
class PolicyRef:
    """Which policy decided: its name, version and digest (`sha256:…`)."""

    name: str
    version: str
    digest: str

    def to_dict(self) -> dict[str, str]:
        """Return the reference in the JSON shape of a verdict."""
        return {"name": self.name, "version": self.version, "digest": self.digest}


class Restorer(Protocol):
    """What a check handed out in the place of values, with the way back."""

    @property
    def values(self) -> Mapping[str, str]:
        """The user's own values by placeholder."""
        ...

    def restore(self, text: str) -> str:
        """Return a model's text with the user's own values put back where that is safe."""
        ...


NOTHING: Mapping[str, str] = {}


def _plain(content: object) -> object:
    if isinstance(content, Text):
        return content.text
    if isinstance(content, ToolCall):
        return {"name": content.name, "arguments": content.arguments}
    return content if isinstance(content, str | Mapping | list | tuple) else None


@dataclass(frozen=True, slots=True)
class ContentLayout:
    """How the contents of a check lie: the `stages` at which they stand, each combination once, and the message with which the
    current turn begins.
    """

    stages: tuple[tuple[Stage, ...], ...]
    current_from: int = 0


CONFIDENTIAL = ("content", "restorer", "system", "prompt", "sources", "heard", "format_failures")
"""Fields of a verdict that hold what was checked."""


@quick_init
@dataclass(frozen=True, slots=True)
class Verdict(Generic[T_co]):
    """What a policy says of what was checked.

    `content` is what to use from now on, in the shape that was given (`T_co`): redacted where a rule says so, None when blocked.
    `complete` is False when detectors were skipped because nothing stricter could happen. `removed` holds the paths of earlier
    turns that were taken out (`history: remove`). `unavailable` says that the content is blocked because rules with
    `on_error: block` could not be decided, which is no violation: no rule that blocks has fired, and the same content may pass
    another time. None otherwise. `restorer` is what the check handed out (`with: vault`), for `vault`, `restore` and a check of
    the reply; `system` is the system prompt of the conversation that was checked, `prompt` what the user asks in it, `sources`
    what was retrieved for it, `heard` what tools returned in it and before it, for the latter too. `format_failures` are the
    replies that a rule with `on_fail` could not repair, with what is wrong. `timings_ms` has the milliseconds of each detector
    and their `total`, `rule_timings_ms` those that the conditions and exceptions of each rule took which was tried, by its id.
    `layout` is known where decisions are put on record. `language` is that in which a built-in message is said of a block.

    A verdict goes through pickle, as between processes, without what was checked: neither `content` nor what is handed on.
    """

    id: str
    action: Action
    stage: Stage
    policy: PolicyRef
    content: T_co | None
    complete: bool = True
    rules: tuple[FiredRule, ...] = ()
    shadow: tuple[FiredRule, ...] = ()
    findings: tuple[Finding, ...] = ()
    coverage: Coverage = NO_COVERAGE
    errors: tuple[DetectorFailure, ...] = ()
    removed: tuple[str, ...] = ()
    timings_ms: Mapping[str, float] = field(default_factory=dict)
    rule_timings_ms: Mapping[str, float] = field(default_factory=dict, repr=False, compare=False)
    restorer: Restorer | None = field(default=None, repr=False, compare=False)
    system: str = field(default="", repr=False, compare=False)
    prompt: str = field(default="", repr=False, compare=False)
    sources: str = field(default="", repr=False, compare=False)
    heard: tuple[Returned, ...] = field(default=(), repr=False, compare=False)
    format_failures: tuple[FormatFailure, ...] = field(default=(), repr=False, compare=False)
    unavailable: Unavailable | None = None
    layout: ContentLayout | None = field(default=None, repr=False, compare=False)
    language: str = field(default="en", repr=False, compare=False)

    def __reduce__(self) -> tuple[Any, ...]:
        told = {each.name: getattr(self, each.name) for each in fields(self) if each.name not in CONFIDENTIAL}
        return partial(Verdict, content=None, **told), ()

    def __copy__(self) -> Verdict:
        return self

    def __deepcopy__(self, memo: object) -> Verdict:
        return self

    @property
    def vault(self) -> Mapping[str, str]:
        """The user's own values by the placeholder that stands for each; in no other form of the verdict."""
        return NOTHING if self.restorer is None else self.restorer.values

    def restore(self, text: str) -> str:
        """Return a model's text with the user's own values in the place of their placeholders.

        Check the text first. A placeholder stays one in a link, the target of one, and an HTML tag, where a value
        could leave with a request that nobody made; so does one that this check did not hand out. Give texts that a
        person reads, never a call's arguments.
        """
        return text if self.restorer is None else self.restorer.restore(text)

    @property
    def blocked(self) -> bool:
        """Whether the content must not be used."""
        return self.action is Action.BLOCK

    @property
    def message(self) -> str | None:
        """The message of the most severe enforced rule that has one, for the person who is refused."""
        return next((rule.message for rule in self.rules if rule.message is not None), None)

    @property
    def refusal(self) -> str:
        """What a person is told of a block: the message of a rule that blocks, else a notice, else a built-in message."""
        kinds = () if self.unavailable else (self.action, Action.FLAG)
        said = (rule.message for kind in kinds for rule in self.rules if rule.action is kind and rule.message)
        return next(said, say(UNCHECKED if self.unavailable else STOPPED, self.language))

    def _repr_html_(self) -> str:
        """Return the verdict as Jupyter shows it."""
        return render_verdict(self.to_dict())

    def to_dict(self) -> dict[str, object]:
        """Return the verdict as plain JSON values; `content` is None where it is no JSON, as a picture."""
        return {
            "id": self.id,
            "action": str(self.action),
            "stage": self.stage.value,
            "complete": self.complete,
            "policy": self.policy.to_dict(),
            "rules": [rule.to_dict() for rule in (*self.rules, *self.shadow)],
            "findings": [finding.to_dict() for finding in self.findings],
            "content": _plain(self.content),
            "coverage": self.coverage.to_dict(),
            "errors": [error.to_dict() for error in self.errors],
            "unavailable": None if self.unavailable is None else self.unavailable.to_dict(),
            "removed": list(self.removed),
            "timings_ms": dict(self.timings_ms),
        }
