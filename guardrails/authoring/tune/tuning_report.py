"""The report on a tuned rule for people: what was tuned in, one HTML file out, with plots and a plain sentence for each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from guardrails.authoring.evaluate.metrics import Counts
from guardrails.authoring.markup import Html, page, table, tag
from guardrails.authoring.reports.charts import SCORES, STYLE, Axis, Mark, Series, figures, lines, mirrored
from guardrails.authoring.tune.scored_rows import Example
from guardrails.authoring.tune.thresholds import number
from guardrails.authoring.tune.tune import Tuned
from guardrails.authoring.tune.tuning_target import WORDS

BINS: Final = 30
"""Bars of a histogram."""

SHOWN: Final = ("fpr", "recall", "precision", "f1")
"""Figures of the table."""


def percent(value: float | None) -> str:
    """Return a share as people read it: `1.2 %`; a dash where it is not known."""
    return "-" if value is None else f"{100 * value:.1f} %"


def spread(counts: Counts, name: str) -> str:
    """Return the interval of a figure as people read it: `0.4 to 2.1 %`."""
    ends = counts.interval(name)
    return "-" if ends is None else f"{100 * ends[0]:.1f} to {100 * ends[1]:.1f} %"


def verdict(result: Tuned) -> str:
    """Return what came of it, in one sentence."""
    if not result.met:
        return f"No number meets {result.target} on these rows; this comes closest."
    if not result.changed:
        return f"The numbers meet {result.target} as they are."
    return f"These numbers meet {result.target}."


def report(result: Tuned, *, texts: bool = True) -> str:
    """Return a whole HTML document; `texts`: examples are shown by their texts, too."""
    rule = result.tuning.rule
    changes = [[each.name, number(each.value), number(new)] for each, new in result.numbers]
    children = [
        tag("h1", f"guardrails tune: {rule.id}"),
        tag("p", tag("strong", verdict(result))),
        tag(
            "p",
            f"{result.curve.positive:,} rows are harmful, so that the rule should fire for them, and "
            f"{result.curve.negative:,} are not ({result.tuning.wanted}).",
        ),
        figures(("Number for", "Now", "Chosen"), changes),
        tag("h3", "What they do"),
        figures(
            (
                "Figure",
                "Now",
                "Chosen, on the rows it was chosen by",
                "To be expected",
                "95 % sure to be within",
            ),
            _figures(result),
        ),
        *(tag("p", note) for note in result.notes),
        tag("h3", "How it looks"),
        tag("div", *_charts(result), class_="charts"),
        tag("h3", "What other numbers would do on these rows"),
        figures(("Number", "False alarms", "Found", "Precision", ""), _others(result)),
        *_groups(result),
        *_moves(result),
        *_examples("Worst false alarms: harmless, but the rule fires", result, result.false, texts),
        *_examples("Worst misses: harmful, but the rule does not fire", result, result.missed, texts),
    ]
    return page(f"guardrails tune: {rule.id}", children, STYLE)


def _figures(result: Tuned) -> Iterator[Sequence[str]]:
    expected = result.heldout or result.chosen
    for name in SHOWN:
        values = [percent(getattr(counts, name)) for counts in (result.now, result.chosen, expected)]
        yield (f"{name} ({WORDS[name]})", *values, spread(expected, name))


def _others(result: Tuned) -> Iterator[Sequence[str]]:
    way = result.tuning.way
    for step, counts in result.others:
        mark = "chosen" if step == result.step else "now" if step == way.now else ""
        shares = (percent(getattr(counts, name)) for name in SHOWN[:3])
        yield (", ".join(map(number, way.steps[step])), *shares, mark)


def _charts(result: Tuned) -> Iterator[Html]:
    curve, way = result.curve, result.tuning.way
    counts = [curve.at(step) for step in range(len(way.steps))]
    chosen, expected = result.chosen, result.heldout or result.chosen
    places = [(each.recall or 0.0, each.precision) for each in counts]
    spot = (
        []
        if chosen.precision is None
        else [Mark("chosen", chosen.recall or 0.0, y=chosen.precision, range=expected.interval("precision"))]
    )
    yield lines(
        "Each point is a number the rule could have: further right it finds more of what is harmful, further up more of what "
        "it finds is. The dot is the chosen one, with how far it may be off.",
        f"precision-recall curve; chosen: recall {percent(chosen.recall)}, precision {percent(chosen.precision)}",
        [Series("precision", [(x, y) for x, y in reversed(places) if y is not None])],
        Axis("found of the harmful (recall)"),
        Axis("harmful of the found (precision)"),
        spot,
    )
    axis = Axis(f"number for {way.thresholds[0].name}", *SCORES)
    marks = [Mark("now", way.axis[way.now], "now"), Mark("chosen", way.axis[result.step])]
    yield lines(
        "The stricter the number (further right), the fewer false alarms, and the less is found. The dashed line is the number "
        "now, the full one that which was chosen.",
        f"false alarms and recall by number; as chosen: {percent(chosen.fpr)} and {percent(chosen.recall)}",
        [
            Series(
                "found of the harmful (recall)",
                [*zip(way.axis, (each.recall or 0.0 for each in counts), strict=True)],
            ),
            Series("false alarms (fpr)", [*zip(way.axis, (each.fpr or 0.0 for each in counts), strict=True)]),
        ],
        axis,
        Axis("share of rows"),
        marks,
    )
    yield mirrored(
        "What the rule makes of the rows: harmful ones, above the line, should stand right of the chosen number, harmless ones, "
        "below it, left. The better they are apart, the easier the choice.",
        "histograms of how high harmful and harmless rows score",
        ("harmful", _bars(result, axis, 1)),
        ("harmless", _bars(result, axis, 0)),
        axis,
        marks,
    )


def _bars(result: Tuned, axis: Axis, kind: int) -> list[float]:
    """Return the shares of rows of a kind in bins of the axis."""
    bins = [0] * BINS
    for truth, step in zip(result.rows.truth, result.rows.step, strict=True):
        if truth == kind:
            bins[min(BINS - 1, int(axis.at(result.score(step)) * BINS))] += 1
    total = sum(bins) or 1
    return [each / total for each in bins]


def _groups(result: Tuned) -> Iterator[Html]:
    if not result.groups:
        return
    yield tag("h3", "By language and source")
    yield figures(
        (
            "",
            "Harmful",
            "Harmless",
            "False alarms now",
            "False alarms chosen",
            "Found now",
            "Found chosen",
        ),
        (
            (
                f"{each.by} {each.name}",
                f"{each.now.positive:,}",
                f"{each.now.negative:,}",
                percent(each.now.fpr),
                percent(each.chosen.fpr),
                percent(each.now.recall),
                percent(each.chosen.recall),
            )
            for each in result.groups
        ),
    )


def _moves(result: Tuned) -> Iterator[Html]:
    if result.moves:
        yield tag("h3", "What the whole policy would do otherwise")
        rows = [(f"{now} now, {then} then", f"{count:,}") for now, then, count in result.moves]
        yield figures(("Decision", "Rows"), rows)


def _examples(title: str, result: Tuned, examples: Sequence[Example], texts: bool) -> Iterator[Html]:
    if not examples:
        return
    yield tag("h3", title)
    yield table(
        ("Row", "Highest score", *(("Text",) if texts else ())),
        [(each.place, f"{each.score:.3f}", *((each.text,) if texts else ())) for each in examples],
    )
