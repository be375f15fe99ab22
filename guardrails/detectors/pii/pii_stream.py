"""The stream of the `pii` detector where it takes more than patterns: what patterns and the shipped model find, as one.

Patterns settle within a few characters, the model with the end of a sentence: what is found goes out once both have settled it,
and no finding goes on over it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from guardrails.detectors.pii.names import EntityHit
from guardrails.types import Detection, Finding, Stream

if TYPE_CHECKING:
    from guardrails.detectors.pii.shipped_names.name_reader import NameReader, NamesFound


def make_finding(detector: str, hit: EntityHit) -> Finding:
    """Return what a detector says of a hit."""
    return Finding(f"pii.{hit.name}", hit.score, detector, (hit.start, hit.end))


def drop_contained(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Return the findings in order of place, without those that lie within one of their category, which takes their
    score if it is higher.
    """
    widest: dict[str, int] = {}
    kept: list[Finding] = []
    for finding in sorted(findings, key=lambda each: (span_of(each)[0], -span_of(each)[1], each.category)):
        at = widest.get(finding.category)
        if at is not None and span_of(finding)[1] <= span_of(kept[at])[1]:
            kept[at] = replace(kept[at], score=max(kept[at].score, finding.score))
        else:
            widest[finding.category] = len(kept)
            kept.append(finding)
    return tuple(kept)


def span_of(finding: Finding) -> tuple[int, int]:
    """Return where a finding in a text stands."""
    assert finding.span is not None
    return finding.span


class PiiStream:
    """One text that grows.

    Args:
        name: of the detector.
        patterns: the text as patterns judge it, if they do.
        names: the text as the model reads it.

    Attributes:
        settled: the place before which nothing more will be found.
    """

    def __init__(self, name: str, patterns: Stream | None, names: NameReader) -> None:
        self._name, self._patterns, self._names = name, patterns, names
        self._known: list[Finding] = []
        self.settled = 0

    def feed(self, delta: str) -> Detection:
        """Take the next part; return what it settles."""
        said = None if self._patterns is None else self._patterns.feed(delta)
        return self._take(said, self._names.add(delta))

    def flush(self) -> Detection:
        """Take the end; return the rest."""
        said = None if self._patterns is None else self._patterns.flush()
        return self._take(said, self._names.close())

    def _take(self, said: Detection | None, named: NamesFound) -> Detection:
        limit = self._names.settled
        self._known += (make_finding(self._name, hit) for hit in named.hits if hit.start < hit.end)
        if said is not None and self._patterns is not None:
            self._known += said.findings
            limit = min(limit, self._patterns.settled)
        while over := [start for start, end in map(span_of, self._known) if start < limit < end]:
            limit = min(over)
        final = [each for each in self._known if span_of(each)[0] < limit]
        if final:
            self._known = [each for each in self._known if span_of(each)[0] >= limit]
        self.settled = max(self.settled, limit)
        found = Detection(drop_contained(final), self.settled, named.unchecked)
        return (
            found
            if said is None or said.error is None
            else replace(found, error=said.error, reason=said.reason)
        )
