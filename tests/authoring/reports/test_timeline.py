"""What was found in a film over its time, as HTML."""

from __future__ import annotations

import re

from guardrails.authoring.reports.timeline import (
    LANES,
    LINES,
    describe_clip,
    describe_watch,
    render_lines,
    render_timeline,
)
from guardrails.engine.core.observers import FilmRecord
from guardrails.types import FilmCoverage, Finding
from tests.cases import each_case


@each_case(
    ("film", "said"),
    [
        (
            FilmCoverage("", 60.0, 1_800, 63, 2, 0, 0, "silent"),
            "60.0 s, 1,800 frames, 63 looked at, 2 cuts, longest gap 0 ms, sound silent",
        ),
        (
            FilmCoverage("", 3.2, 96, 8, 0, 4, 1_200, "not_checked", "budget"),
            "3.2 s, 96 frames, 8 looked at, 4 read, 0 cuts, longest gap 1,200 ms, sound not checked, stopped: budget",
        ),
        (FilmCoverage(seconds=2.0, sound="checked"), "2.0 s, sound checked"),
    ],
)
def test_how_much_of_a_film_was_looked_at_is_one_line(film: FilmCoverage, said: str) -> None:
    """With what was read and why it ended early where that is so; a sound has no frames."""
    assert describe_watch(film) == said


def found(category: str, score: float, *clip: int) -> Finding:
    """Return a finding of a film."""
    return Finding(category, score, "d", clip=(clip[0], clip[1]) if clip else None)


def test_each_category_has_a_lane_with_its_stretches_and_scores() -> None:
    """The highest first, with the numbers of findings over it; what frames scored alone is there, too."""
    told = FilmRecord(
        "", {"a": [((0, 1_000), 0.25), ((1_000, 2_000), 0.75)], "quiet": [((0, 2_000), 0.1)]}, ()
    )
    markup = "".join(
        render_timeline([(1, found("a", 0.75, 1_000, 2_000)), (2, found("b", 0.9, 0, 500))], told, 2.0)
    )
    assert re.findall(r"<div><span>(\w+)</span><span class=\"dim\"> highest (.*?)</span>", markup) == [
        ("b", "0.90"),
        ("a", "0.75"),
        ("quiet", "0.10"),
    ]
    assert (
        '<rect x="500.0" y="0" width="500.0" height="100" class="stretch"><title>1: from 1.00 s to 2.00 s</title>'
        in markup
    )
    assert '<text x="75.0%" y="1em">1</text>' in markup
    assert '<path d="M0.0 100H0.0V75.0H500.0V25.0H1000.0V100" class="score">' in markup
    assert "<span>0.0 s</span><span>0.5 s</span>" in markup


def test_without_anything_in_time_there_are_no_lanes() -> None:
    """As where a film was not watched, or a finding is of all of it."""
    assert [*render_timeline([(1, found("a", 0.5))], None, 5.0)] == []


def test_lanes_and_numbers_are_bounded() -> None:
    """The rest is counted; numbers that would stand over each other are left to the table."""
    marks = [(at, found(f"c{at}", 0.5, 0, 10)) for at in range(LANES + 3)]
    markup = "".join(render_timeline(marks, None, 1.0))
    assert markup.count('role="img"') == LANES
    assert "3 more categories have no lane." in markup
    close = "".join(render_timeline([(at, found("a", 0.5, at, at + 1)) for at in range(50)], None, 100.0))
    assert (close.count("<rect"), close.count("<text")) == (50, 1)


def test_what_was_read_and_heard_is_listed() -> None:
    """With what may be shown of each line, escaped, and when, covered until a click; no more than some."""
    told = FilmRecord("", {}, [("speech", "<b>", (500, 1_000)), ("metadata", "secret", None)])
    markup = "".join(render_lines(told, ["<b>", "▒▒"]))
    assert '<span class="said">&lt;b&gt;</span>' in markup
    assert ">from 0.50 s to 1.00 s<" in markup
    assert markup.index("<details>") < markup.index("&lt;b&gt;")
    assert "secret" not in markup
    assert [*render_lines(FilmRecord("", {}, ()), [])] == []
    many = FilmRecord("", {}, [("ocr", "x", None)] * (LINES + 5))
    assert "5 more lines are not shown." in "".join(render_lines(many, ["x"] * (LINES + 5)))


def test_times_are_as_people_read_them() -> None:
    """In seconds."""
    assert describe_clip((2_000, 3_456)) == "from 2.00 s to 3.46 s"
