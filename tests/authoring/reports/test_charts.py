"""Charts: well-formed pictures that say what they show, in words too."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardrails.authoring.markup import make_page
from guardrails.authoring.reports.charts import (
    HIGH,
    SCORES,
    SHARES,
    WIDE,
    ChartAxis,
    ChartMark,
    ChartSeries,
    render_histograms,
    render_line_chart,
    render_numbers,
    render_shares,
)
from tests.authoring.reports.report_kit import without_own_script
from tests.cases import each_case

STRETCHED = ChartAxis("number", *SCORES)
SHARE = st.floats(0, 1)


@given(st.lists(SHARE, min_size=2, max_size=9), st.sampled_from([SHARES, STRETCHED]))
def test_places_on_an_axis_rise_with_the_share(shares: list[float], axis: ChartAxis) -> None:
    """And none is off the axis."""
    places = [axis.position(each) for each in sorted(shares)]
    assert places == sorted(places)
    assert 0 <= places[0] <= places[-1] <= 1 + 1e-9


def test_a_stretched_axis_has_room_where_scores_crowd() -> None:
    """Between 0.9 and 0.99 as much as between 0.5 and 0.9, about."""
    assert STRETCHED.position(0.99) - STRETCHED.position(0.9) == pytest.approx(
        STRETCHED.position(0.1) - STRETCHED.position(0.01)
    )
    assert STRETCHED.position(0.0) == 0
    assert STRETCHED.position(1.0) == pytest.approx(1)


def numbers(svg: ElementTree.Element) -> list[tuple[float, float]]:
    """Return the corners of all paths."""
    found = []
    for path in svg.iter("path"):
        found += [(float(x), float(y)) for x, y in re.findall(r"[ML]([\d.]+) ([\d.]+)", path.attrib["d"])]
    return found


@given(st.lists(st.tuples(SHARE, SHARE), min_size=1, max_size=30), SHARE, SHARE)
def test_lines_stay_in_the_picture(points: list[tuple[float, float]], x: float, y: float) -> None:
    """Whatever the points, and the picture has a name for those who do not see it."""
    marks = [ChartMark("now", x, "now"), ChartMark("chosen", x, y=y, range=(0.0, 1.0))]
    figure = ElementTree.fromstring(
        render_line_chart("how", "said", [ChartSeries("a<b", points)], STRETCHED, SHARES, marks)
    )
    (svg,) = figure.iter("svg")
    assert (svg.attrib["role"], svg.attrib["aria-label"]) == ("img", "said")
    assert all(0 <= px <= WIDE and 0 <= py <= HIGH for px, py in numbers(svg))
    assert [each.text for each in svg.iter("title")] == ["a<b", "now", "chosen", "chosen"]


def test_series_have_a_key_where_there_are_several() -> None:
    """They differ by their stroke, too."""
    series = [ChartSeries(name, [(0, 0), (1, 1)]) for name in ("one", "two", "three")]
    drawn = render_line_chart("how", "said", series, SHARES, SHARES)
    assert [drawn.count(f'class="{name}"') for name in ("first", "second", "third")] == [2, 2, 2]
    assert "<figcaption>" not in render_line_chart("how", "said", series[:1], SHARES, SHARES)


PARTS = st.dictionaries(st.sampled_from(("allow", "flag", "block")), st.integers(0, 10**6))


@given(st.lists(PARTS, max_size=4))
def test_bars_of_shares_are_of_one_length(bars: list[dict[str, int]]) -> None:
    """Whatever the numbers are; the numbers are said in words, and stand in a bar where they have room."""
    drawn = ElementTree.fromstring(render_shares("how", [(f"<{at}>", each) for at, each in enumerate(bars)]))
    svg = next(drawn.iter("svg"))
    lengths: dict[str, float] = {}
    for rect in svg.iter("rect"):
        lengths[rect.attrib["y"]] = lengths.get(rect.attrib["y"], 0.0) + float(rect.attrib["width"])
    assert len(lengths) == sum(any(each.values()) for each in bars)
    assert all(length == pytest.approx(WIDE, abs=0.5) for length in lengths.values())
    for each in bars:
        for part, count in each.items():
            assert not count or f"{count:,} {part}" in svg.attrib["aria-label"]


@each_case(("columns", "lines"), [(3, ["5.0 % (1.0-9.0)"]), (6, ["5.0 % (1.0-9.0)", "(1.0-9.0)"])])
def test_ranges_have_a_line_of_their_own_in_wide_tables(columns: int, lines: list[str]) -> None:
    """The figure stays whole, so that it can be sorted."""
    cells = ["5.0 % (1.0-9.0)"] * (columns - 1)
    table = ElementTree.fromstring(render_numbers(["h"] * columns, [("r", *cells)]))
    cell = [*table.iter("td")][1]
    assert [
        "".join(cell.itertext()),
        *(each.text for each in cell.iter() if each.get("class") == "range"),
    ] == lines


@given(st.lists(SHARE, min_size=1, max_size=40), st.lists(SHARE, min_size=1, max_size=40))
def test_histograms_share_their_scale(up: list[float], down: list[float]) -> None:
    """The highest bar of both fills its half, and none is larger."""
    drawn = render_histograms("how", "said", ("harmful", up), ("harmless", down), SHARES)
    bars = [float(each.attrib["height"]) for each in ElementTree.fromstring(drawn).iter("rect")]
    half = (HIGH - 12 - 44) / 2
    assert len(bars) == len(up) + len(down)
    assert max(bars) <= half + 0.1
    assert max(*up, *down, 0) < 1e-6 or max(bars) == pytest.approx(half, abs=0.1)


def test_a_page_of_charts_needs_nothing_else() -> None:
    """No script, nothing from the network, and what is written on it is text."""
    html = make_page(
        "t",
        [render_line_chart("<b>", "said", [], SHARES, SHARES), render_numbers(("a", "b"), [("<i>", "1")])],
        ".x{}",
    )
    html = without_own_script(html)
    assert "<script" not in html
    assert not re.search(r"""(?:src|href)=|url\(|@import""", html)
    assert "&lt;b&gt;" in html
    assert "&lt;i&gt;" in html
    assert ".x{}</style>" in html
