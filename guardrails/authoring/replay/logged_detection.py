"""What a record says of the detection behind its decision: the parts in which something was found, and for which detectors that
is all that there was.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, Final

from guardrails.detectors.binding import BoundDetector
from guardrails.engine.content.places import ROLES
from guardrails.engine.model import Request
from guardrails.records.decision import LONGEST, UNKNOWN_ROLE
from guardrails.records.detection.detection_profile import DIGITS, read_detector
from guardrails.types import Finding, Place, Stage, Text

PLAIN: Final = {"text", "tool_call"}
"""Kinds of content of which a record says all that rules ask for."""

FILMS: Final = {"video", "audio"}

OF_CALLER: Final = ("tenant", "model")
"""What conditions may read of a request and a record has: `request.tenant`, `request.model`."""


@dataclass(frozen=True, slots=True)
class LoggedPart:
    """A part of what was checked, as far as it is known.

    Attributes:
        stages: at which it stands.
        findings: what was found in it.
        role: whose words it is, None where that is not known.
        message: the index of its message.
        choice: of its choice.
        derived: it was put together of several parts, or stood encoded in one.
        across: of several messages.
        editable: a redaction may change it.
        is_found: something was found in it by some detector.
    """

    stages: tuple[Stage, ...]
    findings: tuple[Finding, ...] = ()
    role: str | None = None
    message: int | None = None
    choice: int | None = None
    derived: bool = False
    across: bool = False
    editable: bool = True
    is_found: bool = True

    def content(self, characters: int) -> Text:
        """Return a content for what the engine reads of one; its text has nothing but a length."""
        first, *also = self.stages
        place = Place(first, tuple(also), self.role, "", self.message, self.choice)
        return Text(" " * characters, place)


class LoggedDetection:
    """The detection of one record (`StoredRecord.to_dict`).

    Attributes:
        record: the record.
        parts: those in which something was found.
        stages: the combinations of stages at which contents stood.
        failed: the detectors that failed.

    Raises:
        ValueError, TypeError or KeyError where the record is none of ours.
    """

    def __init__(self, record: Mapping[str, Any]) -> None:
        self.record = record
        usual = (record["stage"],)
        self.stages = [_read_stages(each) for each in record.get("stages", [usual])]
        self.parts = [*_read_parts(record, usual)]
        self.failed = frozenset(each["detector"] for each in record.get("errors", ()))
        self._detectors = {name: read_detector(told) for name, told in record["detectors"].items()}
        coverage = record.get("coverage", {})
        self._counts = {kind: count for kind, count in coverage.items() if "parts" in _as_mapping(count)}
        self.unchecked: Mapping[str, int] = coverage.get("unchecked", {})

    @property
    def has_media(self) -> bool:
        """Whether anything but texts and calls of tools was checked."""
        return bool(self._counts.keys() - PLAIN)

    @cached_property
    def is_single(self) -> bool:
        """Whether it was one part that was checked, beside what stood encoded in it."""
        return sum(int(count["parts"]) for count in self._counts.values()) == 1

    @property
    def characters(self) -> int | None:
        """The characters of the text, where it was a single one and nothing stood encoded in it."""
        if not self.is_single or "text" not in self._counts or any(part.derived for part in self.parts):
            return None
        return int(self._counts["text"]["characters"])

    @cached_property
    def current(self) -> int:
        """The message with which the current turn begins; what lies before may be left out."""
        return int(self.record.get("current", 0))

    @cached_property
    def request(self) -> Request:
        """Who asked, as far as it is known, on the day of the decision."""
        day = datetime.fromtimestamp(self.record["time"] / 1_000_000, UTC).date().isoformat()
        return Request(tenant=self.record.get("tenant"), model=self.record.get("model"), today=day)

    @cached_property
    def context(self) -> frozenset[str]:
        """The context that conditions may read wherever a content stands."""
        whole = (name for name in OF_CALLER if len(self.record.get(name) or "") < LONGEST)
        known = {f"request.{name}" for name in whole}
        return frozenset(known if self.characters is None else known | {"content.length", "content.kind"})

    def knows(self, bound: BoundDetector, stages: Iterable[Stage], *, across: bool) -> bool:
        """Tell whether what a detector found at some stages is in the record, and all of it."""
        return bound.name not in self.failed and self.asked(bound, stages, across=across)

    def asked(self, bound: BoundDetector, stages: Iterable[Stage], *, across: bool) -> bool:
        """Tell whether a detector was asked of all that stood at some stages; `across`: of what was joined of messages, too."""
        digest, asked, joined = self._detectors.get(bound.name, ("", frozenset[Stage](), False))
        if digest != bound.digest[:DIGITS] or asked.isdisjoint(stages) or (across and not joined):
            return False
        # A check that ended early had run the first tier, but for what was still to come of a film.
        return bool(self.record.get("complete", True)) or (bound.tier == 0 and FILMS.isdisjoint(self._counts))

    def empty_parts(self) -> Iterator[tuple[LoggedPart, bool]]:
        """Yield parts in which nothing was found, one for each place where there is one or may be, and whether there is."""
        for stages in self.stages:
            found = [part for part in self.parts if part.stages == stages]
            if not (self.is_single and any(not part.derived for part in found)):
                yield LoggedPart(stages, is_found=False), not found

    @property
    def may_join(self) -> bool:
        """Whether there may be several messages, which are judged together where a rule has the scope `conversation`."""
        return not self.is_single


def _as_mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _read_stages(told: Iterable[str]) -> tuple[Stage, ...]:
    return tuple(map(Stage, told))


def _read_parts(record: Mapping[str, Any], usual: tuple[str, ...]) -> Iterator[LoggedPart]:
    by_part: dict[int, list[Mapping[str, Any]]] = {}
    for each in record.get("findings", ()):
        by_part.setdefault(each.get("part", 0), []).append(each)
    for found in by_part.values():
        told = found[0]
        stages = _read_stages(told.get("stages", usual))
        role = told.get("role", ROLES[stages[0]])
        yield LoggedPart(
            stages,
            tuple(map(_read_finding, found)),
            None if role == UNKNOWN_ROLE else role,
            told.get("message"),
            told.get("choice"),
            derived=told.get("derived", False),
            across=told.get("across", False),
            editable=not told.get("fixed", False),
        )


def _read_finding(told: Mapping[str, Any]) -> Finding:
    span = told.get("span")
    place = None if span is None else (int(span[0]), int(span[1]))
    return Finding(told["category"], told["score"], told["detector"], place)
