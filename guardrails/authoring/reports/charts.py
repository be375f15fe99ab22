"""Draws the charts of reports as SVG, which needs no script and reads in light and dark.

Each chart is a figure: a sentence for people who are no statisticians, the picture, and what it shows in words for those who do
not see it. Series differ by their stroke as well as by their colour.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from guardrails.authoring.markup import Html, join_markup, make_table, tag

WIDE, HIGH = 520, 300
"""The size of a chart, in units that are pixels where there is room."""

LEFT, RIGHT, TOP, BOTTOM = 52, 24, 12, 44
"""What is around the plot itself, for the numbers of axes and their names."""

POINTS: Final = 400
"""Points of a line that are drawn at most."""

STYLE: Final = """
.charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,26rem),1fr));gap:1.5rem;margin:1rem 0}
.chart svg{display:block;width:100%;height:auto;max-width:40rem}
.chart text{fill:var(--text);font:12px system-ui,sans-serif}.chart .tick{fill:var(--dim)}
.chart .grid{stroke:var(--line);stroke-width:1}.chart path{fill:none;stroke-width:2}
.chart .first{stroke:var(--score)}.chart .second{stroke:var(--block);stroke-dasharray:6 3}
.chart .third{stroke:var(--dim);stroke-dasharray:2 3}
.chart .up{fill:var(--block)}.chart .down{fill:var(--allow)}
.chart .now{stroke:var(--dim);stroke-dasharray:4 4;stroke-width:1.5}.chart .chosen{stroke:var(--text);stroke-width:2}
.chart .dot{fill:var(--text)}.chart .range{stroke:var(--text);stroke-width:1.5}
.figures td:not(:first-child),.figures th:not(:first-child){text-align:right;min-width:4.75rem}
.figures td:not(:first-child){overflow-wrap:normal;font-variant-numeric:tabular-nums}
"""
"""CSS of charts."""

CLASSES: Final = ("first", "second", "third")


@dataclass(frozen=True, slots=True)
class ChartAxis:
    """An axis: its name, its ticks, and whether it is `stretched` towards 0 and 1, where scores crowd."""

    name: str
    ticks: tuple[float, ...] = (0, 0.2, 0.4, 0.6, 0.8, 1)
    stretched: bool = False

    def position(self, share: float) -> float:
        """Return where a share stands on the axis, 0..1."""
        if not self.stretched:
            return min(max(share, 0.0), 1.0)
        low, high = (math.log(end / (1 - end)) for end in (self.ticks[0], self.ticks[-1]))
        share = min(max(share, self.ticks[0]), self.ticks[-1])
        return (math.log(share / (1 - share)) - low) / (high - low)


SHARES: Final = ChartAxis("")
SCORES: Final = ((0.01, 0.1, 0.3, 0.5, 0.7, 0.9, 0.99, 0.999, 0.9999), True)
"""Ticks of a stretched axis."""


@dataclass(frozen=True, slots=True)
class ChartSeries:
    """A line: its name, its points, both shares, and its look, one of `CLASSES`; by its place among others if not given."""

    name: str
    points: Sequence[tuple[float, float]]
    look: str = ""


@dataclass(frozen=True, slots=True)
class ChartMark:
    """A place on the first axis: its name and its look (`now` or `chosen`); with `y` a dot, with a `range` that it may be in."""

    name: str
    x: float
    look: str = "chosen"
    y: float | None = None
    range: tuple[float, float] | None = None


def render_line_chart(
    caption: str,
    said: str,
    series: Sequence[ChartSeries],
    x: ChartAxis,
    y: ChartAxis,
    marks: Iterable[ChartMark] = (),
) -> Html:
    """Return a chart of lines; `said` is what it shows, in words."""
    drawn = [*_axes(x, y)]
    looks = [(each.look or CLASSES[at % 3], each) for at, each in enumerate(series)]
    for look, each in looks:
        drawn.append(tag("path", tag("title", each.name), d=_way(each.points, x, y), class_=look))
    drawn += [part for mark in marks for part in _mark(mark, x, y)]
    return _figure(caption, said, drawn, [(look, each.name) for look, each in looks])


def render_histograms(
    caption: str,
    said: str,
    up: tuple[str, Sequence[float]],
    down: tuple[str, Sequence[float]],
    x: ChartAxis,
    marks: Iterable[ChartMark] = (),
) -> Html:
    """Return two histograms, one above the axis and one below it: each a name and the shares of bins of equal width on it."""
    most = max((*up[1], *down[1], 1e-9))
    middle = (TOP + HIGH - BOTTOM) / 2
    half = (HIGH - BOTTOM - TOP) / 2
    drawn = [*_x_axis(x), tag("path", d=f"M{LEFT} {middle}H{WIDE - RIGHT}", class_="grid")]
    for side, (_, shares), sign in (("up", up, -1), ("down", down, 1)):
        step = (WIDE - RIGHT - LEFT) / max(len(shares), 1)
        for at, each in enumerate(shares):
            tall = half * each / most
            top = middle - tall if sign < 0 else middle
            place = {"x": round(LEFT + at * step, 1), "y": round(top, 1)}
            size = {"width": round(step * 0.9, 1), "height": round(tall, 1)}
            drawn.append(tag("rect", tag("title", f"{each:.1%}"), **place, **size, class_=side))
    drawn += [
        tag("text", up[0], x=LEFT + 4, y=TOP + 12),
        tag("text", down[0], x=WIDE - RIGHT - 4, y=HIGH - BOTTOM - 6, text_anchor="end"),
    ]
    drawn += [part for mark in marks for part in _mark(mark, x, SHARES)]
    return _figure(caption, said, drawn, [])


def _figure(caption: str, said: str, drawn: Sequence[Html], names: Sequence[tuple[str, str]]) -> Html:
    key = join_markup(
        part
        for at, (look, name) in enumerate(names if len(names) > 1 else ())
        for part in (
            " " if at else "",
            tag("span", _sample(look), f" {name}", style="white-space:nowrap;margin-right:1rem"),
        )
    )
    svg = tag("svg", *drawn, viewBox=f"0 0 {WIDE} {HIGH}", role="img", aria_label=said)
    return tag("figure", tag("p", caption), svg, tag("figcaption", key), class_="chart")


def _sample(look: str) -> Html:
    line = tag("path", d="M0 4H28", class_=look)
    return tag(
        "svg",
        line,
        viewBox="0 0 28 8",
        aria_hidden="true",
        style="display:inline-block;width:28px;height:8px;vertical-align:middle",
    )


def _axes(x: ChartAxis, y: ChartAxis) -> Iterable[Html]:
    yield from _x_axis(x)
    for tick in y.ticks:
        at = _down(y.position(tick))
        yield tag("path", d=f"M{LEFT} {at}H{WIDE - RIGHT}", class_="grid")
        yield tag("text", f"{tick:.0%}", x=LEFT - 6, y=at + 4, text_anchor="end", class_="tick")
    spot = (TOP + HIGH - BOTTOM) / 2
    yield tag("text", y.name, transform=f"translate(12 {spot}) rotate(-90)", text_anchor="middle")


def _x_axis(x: ChartAxis) -> Iterable[Html]:
    for tick in x.ticks:
        at = _across(x.position(tick))
        yield tag("path", d=f"M{at} {TOP}V{HIGH - BOTTOM}", class_="grid")
        name = f"{tick:g}" if x.stretched else f"{tick:.0%}"
        yield tag("text", name, x=at, y=HIGH - BOTTOM + 16, text_anchor="middle", class_="tick")
    yield tag("text", x.name, x=(LEFT + WIDE - RIGHT) / 2, y=HIGH - 8, text_anchor="middle")


def _mark(mark: ChartMark, x: ChartAxis, y: ChartAxis) -> Iterable[Html]:
    at = _across(x.position(mark.x))
    if mark.y is None:
        yield tag("path", tag("title", mark.name), d=f"M{at} {TOP}V{HIGH - BOTTOM}", class_=mark.look)
        return
    if mark.range is not None:
        low, high = (_down(y.position(end)) for end in mark.range)
        yield tag("path", tag("title", mark.name), d=f"M{at} {low}V{high}", class_="range")
    yield tag("circle", tag("title", mark.name), cx=at, cy=_down(y.position(mark.y)), r=5, class_="dot")


def _way(points: Sequence[tuple[float, float]], x: ChartAxis, y: ChartAxis) -> str:
    every = max(1, len(points) // POINTS)
    shown = [*points[::every], *points[-1:]]
    places = dict.fromkeys(f"{_across(x.position(a))} {_down(y.position(b))}" for a, b in shown)
    return "M" + "L".join(places)


def _across(share: float) -> float:
    return round(LEFT + share * (WIDE - RIGHT - LEFT), 1)


def _down(share: float) -> float:
    return round(HIGH - BOTTOM - share * (HIGH - BOTTOM - TOP), 1)


def render_numbers(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> Html:
    """Return a table of numbers: what its first column names stands at the left, the rest at the right."""
    return tag("div", make_table(heads, [*rows]), class_="figures")
