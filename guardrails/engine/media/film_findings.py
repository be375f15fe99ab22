"""Joins findings in single frames of a film into findings with clips, and drops what one frame says alone.

A classifier that is wrong about one picture in two hundred is wrong about every film of some minutes. So a score counts as far as
other looks near it, in the same shot, reach it too (`corroborate` of `of` neighbours), unless it is `hard`, which decides alone.
A shot of one look has no neighbours: it is looked at again more closely where that can be (`find_doubtful`), and believed where
it cannot, as a single odd frame between two cuts is a shot of one.

Looks that belong together become one finding: from where a score reaches `enter` until it falls below `leave`, over gaps of up to
`gap_ms`. What stays below `enter` is cut by tenths, so that a rule with a lower threshold fires for what reaches that, and for
nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Final

from guardrails.detectors.images.text_layout import Clip, bounding_box
from guardrails.types import Finding

UNSURE: Final = 0.3
"""The score from which a look that no other bears out is worth a closer look."""

AROUND_MS: Final = 1_000
"""How far around such a look that goes."""

FINE_MS: Final = 100
"""How exactly the ends of a segment are known at least where they were looked for."""


@dataclass(frozen=True, slots=True)
class SegmentSettings:
    """When looks make a finding (`FilmsDoc` says what each field is)."""

    hard: float
    corroborate: int
    of: int
    enter: float
    leave: float
    gap_ms: int = 1_500


@dataclass(frozen=True, slots=True)
class FrameFindings:
    """What one detector says of one frame, which stands for [start_ms, end_ms) of its shot."""

    start_ms: int
    end_ms: int
    shot: int
    findings: tuple[Finding, ...] = ()


Track = Sequence[tuple[float, Finding | None]]
"""For each look the score of a category there, and the finding that says so."""


def segments(
    looks: Sequence[FrameFindings], how: SegmentSettings, *, closed: bool = True
) -> tuple[Finding, ...]:
    """Return what looks in the order of time, each at a place of its own, come to. Unless `closed`, more may come: then only
    what no later look can take back counts.
    """
    found: list[Finding] = []
    for track in _tracks(looks).values():
        scores = count_scores(looks, track, how, closed=closed)
        for first, last in _runs(looks, scores, how):
            found.append(_finding(looks, track, scores, first, last))
    return tuple(sorted(found, key=lambda each: (each.clip or (0, 0), each.category)))


def find_doubtful(looks: Sequence[FrameFindings], how: SegmentSettings) -> list[Clip]:
    """Return the clips to look at more closely, those that matter most first: around what one look alone says, and where segments
    begin and end between two looks.
    """
    found: list[tuple[float, Clip]] = []
    for track in _tracks(looks).values():
        raw = [score for score, _ in track]
        sure = count_scores(looks, track, how, closed=False)
        for at, score in enumerate(raw):
            if score >= UNSURE and score > sure[at]:
                found.append((score, _within_shot(looks, at)))
        for first, last in _runs(looks, count_scores(looks, track, how, closed=True), how):
            score = max(raw[first : last + 1])
            if score >= how.enter:
                found += [(score, clip) for clip in _borders(looks, first, last)]
    return list(dict.fromkeys(clip for _, clip in sorted(found, key=lambda each: -each[0])))


def _tracks(looks: Sequence[FrameFindings]) -> Mapping[tuple[str, bool], Track]:
    """Return the scores of each category, of whole frames and of boxes apart."""
    empty: tuple[float, Finding | None] = (0.0, None)
    found: dict[tuple[str, bool], list[tuple[float, Finding | None]]] = {}
    for at, look in enumerate(looks):
        for finding in look.findings:
            track = found.setdefault((finding.category, finding.box is not None), [empty] * len(looks))
            score, known = track[at]
            if known is None or finding.score > score:
                track[at] = (finding.score, _holding(finding, known))
            else:
                track[at] = (score, _holding(known, finding))
    return found


def _holding(finding: Finding, other: Finding | None) -> Finding:
    """Return a finding with a box that holds another one's too."""
    boxes = [each.box for each in (finding, other) if each is not None and each.box is not None]
    return replace(finding, box=bounding_box(boxes)) if len(boxes) > 1 else finding


def count_scores(
    looks: Sequence[FrameFindings], track: Track, how: SegmentSettings, *, closed: bool
) -> list[float]:
    """Return how much of each score counts; unless `closed`, more looks may come. A picture of a list is no guess: it counts."""
    scores: list[float] = []
    raw = [score for score, _ in track]
    for shot in _shots(looks):
        size = min(max(how.of, how.corroborate), len(shot))
        least = min(how.corroborate, len(shot)) if closed else how.corroborate
        for at in shot:
            starts = range(max(shot.start, at - size + 1), min(at, shot.stop - size) + 1)
            windows = (sorted(raw[start : start + size], reverse=True) for start in starts)
            borne = max((window[least - 1] for window in windows if len(window) >= least), default=0.0)
            found = track[at][1]
            sure = raw[at] >= how.hard or (found is not None and found.listed is not None)
            scores.append(raw[at] if sure else min(raw[at], borne))
    return scores


def _shots(looks: Sequence[FrameFindings]) -> Iterator[range]:
    at = 0
    for _, same in groupby(looks, key=lambda look: look.shot):
        count = sum(1 for _ in same)
        yield range(at, at + count)
        at += count


def _runs(
    looks: Sequence[FrameFindings], scores: Sequence[float], how: SegmentSettings
) -> Iterator[tuple[int, int]]:
    """Yield the first and last look of each segment."""
    high = _high(looks, scores, how)
    inside = {at for first, last in high for at in range(first, last + 1)}
    yield from high
    levels = [-1 if at in inside or score <= 0 else int(score * 10) for at, score in enumerate(scores)]
    at = 0
    for level, same in groupby(levels):
        count = sum(1 for _ in same)
        if level >= 0:
            yield at, at + count - 1
        at += count


def _high(
    looks: Sequence[FrameFindings], scores: Sequence[float], how: SegmentSettings
) -> list[tuple[int, int]]:
    """Return the segments that reach `enter`, with what does not fall below `leave` around them, joined over small gaps."""
    found: list[tuple[int, int]] = []
    at = 0
    for stays, same in groupby(scores, key=lambda score: score >= min(how.leave, how.enter)):
        count = sum(1 for _ in same)
        if stays and max(scores[at : at + count]) >= how.enter:
            gap = looks[at].start_ms - _end(looks, found[-1][1]) if found else how.gap_ms + 1
            if gap <= how.gap_ms:
                found[-1] = (found[-1][0], at + count - 1)
            else:
                found.append((at, at + count - 1))
        at += count
    return found


def _finding(
    looks: Sequence[FrameFindings], track: Track, scores: Sequence[float], first: int, last: int
) -> Finding:
    own = [finding for _, finding in track[first : last + 1] if finding is not None]
    best = max(range(first, last + 1), key=lambda at: scores[at])
    found = track[best][1]
    assert found is not None  # a score above nothing is a finding's
    box = bounding_box(each.box for each in own if each.box is not None) if found.box is not None else None
    clip = (looks[first].start_ms, max(_end(looks, last), looks[first].start_ms + 1))
    return replace(found, score=scores[best], box=box, clip=clip)


def _end(looks: Sequence[FrameFindings], at: int) -> int:
    """Return until when a look stands for the film: until the next one."""
    return looks[at + 1].start_ms if at + 1 < len(looks) else looks[at].end_ms


def _within_shot(looks: Sequence[FrameFindings], at: int) -> Clip:
    shot = next(shot for shot in _shots(looks) if at in shot)
    start, end = looks[shot.start].start_ms, _end(looks, shot.stop - 1)
    return max(start, looks[at].start_ms - AROUND_MS), min(end, looks[at].start_ms + AROUND_MS)


def _borders(looks: Sequence[FrameFindings], first: int, last: int) -> Iterator[Clip]:
    for before, after in ((first - 1, first), (last, last + 1)):
        if before < 0 or after >= len(looks):
            continue
        if after == first and looks[before].shot != looks[after].shot:
            continue  # it begins with a cut, of which the time is known; it may end some time before one
        clip = (looks[before].start_ms, looks[after].start_ms)
        if clip[1] - clip[0] > FINE_MS:
            yield clip
