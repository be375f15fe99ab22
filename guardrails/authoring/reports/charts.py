"""Draws the charts of reports as SVG, which needs no script and reads in light and dark.

Each chart is a figure: a sentence for people who are no statisticians, the picture, and what it shows in words for those who do
not see it. Series differ by their stroke as well as by their colour.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from guardrails.authoring.markup import Html, make_table, tag

WIDE, HIGH = 520, 300
"""The size of a chart, in units that are pixels where there is room."""

LEFT, RIGHT, TOP, BOTTOM = 52, 24, 12, 44
"""What is around the plot itself, for the numbers of axes and their names."""

BAR, GAP = 34, 26
"""How high a bar of `render_shares` is, and what is between two, where their names stand."""

FITS: Final = 9
"""Units that a digit of a bar's number takes."""

MANY: Final = 6
"""Columns from which on a table of numbers needs narrow ones."""

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
.figures td:not(:first-child){overflow-wrap:normal;white-space:nowrap;font-variant-numeric:tabular-nums}
.figures .list{white-space:normal}.range{display:block;color:var(--dim)}
.key{white-space:nowrap;margin-right:1rem}
.chart .sample{display:inline-block;width:28px;height:8px;vertical-align:middle}
.chart .swatch{display:inline-block;width:14px;height:14px;vertical-align:-2px}
.chart .allow{fill:var(--allow)}.chart .flag{fill:var(--flag)}.chart .redact{fill:var(--redact)}.chart .block{fill:var(--block)}
.chart .bar{stroke:var(--page);stroke-width:1.5}.chart .count{fill:var(--page);font-weight:700}
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


def render_shares(caption: str, bars: Sequence[tuple[str, Mapping[str, int]]]) -> Html:
    """Return bars of the same length, each a name and how many of it are of which part: name → count. A part's name is the class
    that it is coloured by, and what it says stands below; numbers stand in the bars where there is room.
    """
    drawn: list[Html] = []
    said: list[str] = []
    for at, (name, parts) in enumerate(bars):
        total = sum(parts.values())
        top, left = at * (BAR + GAP) + GAP, 0.0
        drawn.append(tag("text", f"{name}: {total:,}", x=0, y=top - 7))
        for part, count in parts.items():
            width = round(WIDE * count / total, 1) if total else 0
            if not count:
                continue
            title = tag("title", f"{part}: {count:,} of {total:,}")
            drawn.append(tag("rect", title, x=left, y=top, width=width, height=BAR, class_=f"bar {part}"))
            if width > FITS * (len(f"{count:,}") + 1):
                middle = {"x": round(left + width / 2, 1), "y": top + BAR / 2 + 4, "text_anchor": "middle"}
                drawn.append(tag("text", f"{count:,}", **middle, class_="count"))
            left = round(left + width, 1)
        said.append(f"{name}: {', '.join(f'{count:,} {part}' for part, count in parts.items() if count)}")
    names = dict.fromkeys(part for _, parts in bars for part in parts)
    key = [tag("span", _swatch(part), f" {part}", class_="key") for part in names]
    return _draw(caption, "; ".join(said), drawn, key, len(bars) * (BAR + GAP))


def _figure(caption: str, said: str, drawn: Sequence[Html], names: Sequence[tuple[str, str]]) -> Html:
    key = [
        tag("span", _sample(look), f" {name}", class_="key")
        for look, name in (names if len(names) > 1 else ())
    ]
    return _draw(caption, said, drawn, key)


def _draw(caption: str, said: str, drawn: Sequence[Html], key: Sequence[Html], high: int = HIGH) -> Html:
    svg = tag("svg", *drawn, viewBox=f"0 0 {WIDE} {high}", role="img", aria_label=said)
    names = tag("figcaption", *(part for each in key for part in (each, " "))) if key else None
    return tag("figure", tag("p", caption), svg, names, class_="chart")


def _swatch(look: str) -> Html:
    box = tag("rect", width=14, height=14, class_=look)
    return tag("svg", box, viewBox="0 0 14 14", aria_hidden="true", class_="swatch")


def _sample(look: str) -> Html:
    line = tag("path", d="M0 4H28", class_=look)
    return tag("svg", line, viewBox="0 0 28 8", aria_hidden="true", class_="sample")


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
    cells = [[*row[:1], *(_number(cell, len(heads)) for cell in row[1:])] for row in rows]
    return tag("div", make_table(heads, cells), class_="figures")


def _number(cell: str, columns: int) -> str:
    """Return a cell of a table with so many columns: of many, a range in brackets has a line of its own, and so has each number
    of a list that has no room.
    """
    figure, space, rest = cell.partition(" (")
    if columns >= MANY and space and rest.endswith(")"):
        return tag("span", f"{figure} ", tag("span", f"({rest}", class_="range"))
    return tag("span", cell, class_="list") if ", " in cell else cell
