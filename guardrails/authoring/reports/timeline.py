"""Renders what was found, seen and heard in a film over its time, as lanes and lines.

Each category has a lane: how each frame that was looked at scores, and the stretches that are findings, with their numbers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from guardrails.authoring.markup import Html, fold, make_table, mark_text, tag
from guardrails.authoring.reports.contact_sheet import Numbered
from guardrails.detectors.images.text_layout import Clip
from guardrails.engine.core.observers import FilmRecord
from guardrails.types import FilmCoverage, Listed

LANES: Final = 12
"""Categories that have a lane, those with the highest scores."""

WIDE, HIGH = 1_000, 100
"""Units of a lane, whatever its size."""

APART: Final = 0.02
"""Share of the width that numbers over a lane are apart at least; those of others stand in the table alone."""

TICKS: Final = 4
"""Parts into which the axis is divided."""

LINES: Final = 200
"""Lines that were read or heard that are listed."""


def describe_watch(film: FilmCoverage) -> str:
    """Return how much of a film or sound was looked at and heard, in a line: `60.0 s, 1,800 frames, 63 looked at, 2 cuts, …`."""
    said = [f"{film.seconds:.1f} s"]
    if film.frames:
        said += [f"{film.frames:,} frames", f"{film.judged:,} looked at"]
        said += [f"{film.read:,} read"] if film.read else []
        said += [f"{film.cuts:,} cuts", f"longest gap {film.largest_gap_ms:,} ms"]
    said.append(f"sound {film.sound.replace('_', ' ')}")
    if film.stopped is not None:
        said.append(f"stopped: {film.stopped}")
    return ", ".join(said)


def describe_nearness(on: Listed) -> str:
    """Return how near an entry of a list is: `12 bits away`, and of a film which share of it and of the listed one."""
    shares = "" if on.query is None else f", {on.query:.0%} of it, {on.target:.0%} of the listed film"
    return f"{on.distance} bits away{shares}"


def describe_clip(clip: Clip) -> str:
    """Return a stretch of time as people read it."""
    return "from {:.2f} s to {:.2f} s".format(*(each / 1_000 for each in clip))


def render_timeline(marks: Sequence[Numbered], told: FilmRecord | None, seconds: float) -> Iterator[Html]:
    """Yield lanes for the categories of findings that have a time, and for those that frames scored for; nothing without any."""
    scores: Mapping[str, Sequence[tuple[Clip, float]]] = {} if told is None else told.scores
    timed = [(number, each, each.clip) for number, each in marks if each.clip is not None]
    best = {category: max(score for _, score in points) for category, points in scores.items()}
    for _, finding, _ in timed:
        best[finding.category] = max(finding.score, best.get(finding.category, 0.0))
    if not best:
        return
    last = max([clip[1] for _, _, clip in timed] + [points[-1][0][1] for points in scores.values()])
    length = max(seconds * 1_000, last, 1)
    yield tag("h3", "Scores over time")
    ranked = sorted(best, key=lambda category: (-best[category], category))
    for category in ranked[:LANES]:
        own = [(number, clip) for number, finding, clip in timed if finding.category == category]
        yield tag("div", tag("span", category), tag("span", f" highest {best[category]:.2f}", class_="dim"))
        yield _lane(category, own, scores.get(category, ()), length)
    yield tag(
        "div",
        *(tag("span", f"{length * at / TICKS / 1_000:.1f} s") for at in range(TICKS + 1)),
        class_="axis",
    )
    if len(ranked) > LANES:
        yield tag("p", f"{len(ranked) - LANES:,} more categories have no lane.", class_="dim")


def _lane(
    category: str, own: Sequence[tuple[int, Clip]], points: Sequence[tuple[Clip, float]], length: float
) -> Html:
    drawn = [
        tag(
            "rect",
            tag("title", f"{number}: {describe_clip(clip)}"),
            x=_at(clip[0], length),
            y=0,
            width=max(1, round(_at(clip[1], length) - _at(clip[0], length), 1)),
            height=HIGH,
            class_="stretch",
        )
        for number, clip in own
    ]
    drawn.append(tag("path", d=f"M0 {HIGH // 2}H{WIDE}", class_="half"))
    if points:
        drawn.append(tag("path", d=_steps(points, length), class_="score"))
    said = f"scores of {category} over {length / 1_000:.1f} s, found {len(own)} times"
    lane = tag(
        "svg",
        *drawn,
        viewBox=f"0 0 {WIDE} {HIGH}",
        preserveAspectRatio="none",
        role="img",
        aria_label=said,
    )
    numbers = tag("svg", *_numbers(own, length), class_="numbers", aria_hidden="true")
    return tag("div", numbers, lane, class_="lane")


def _numbers(own: Sequence[tuple[int, Clip]], length: float) -> Iterator[Html]:
    """Yield the numbers that have room over a lane; all of them stand in the table."""
    free = 0.0
    for number, (start, end) in sorted(own, key=lambda each: each[1]):
        middle = (start + end) / 2 / length
        if middle >= free:
            yield tag("text", str(number), x=f"{100 * middle:.1f}%", y="1em")
            free = middle + APART


def _at(ms: float, length: float) -> float:
    return round(WIDE * ms / length, 1)


def _steps(points: Sequence[tuple[Clip, float]], length: float) -> str:
    """Return the way of a line of steps: each frame's score, until the next one."""
    way = [f"M{_at(points[0][0][0], length)} {HIGH}"]
    for (start, _), score in points:
        way.append(f"H{_at(start, length)}V{round(HIGH * (1 - score), 1)}")
    way.append(f"H{_at(points[-1][0][1], length)}V{HIGH}")
    return "".join(way)


def render_lines(told: FilmRecord, shown: Sequence[str]) -> Iterator[Html]:
    """Yield what was read and heard; `shown` is what may be shown of each line."""
    if not told.lines:
        return
    rows = [
        (origin, "" if clip is None else describe_clip(clip), tag("span", mark_text(text, ()), class_="said"))
        for (origin, _, clip), text in zip(told.lines[:LINES], shown, strict=False)
    ]
    yield tag("h3", "What was read and heard")
    yield fold("Show the lines", make_table(("By", "When", "What"), rows))
    if len(told.lines) > LINES:
        yield tag("p", f"{len(told.lines) - LINES:,} more lines are not shown.", class_="dim")
