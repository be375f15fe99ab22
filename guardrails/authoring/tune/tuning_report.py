"""Renders the report on a tuned rule as one HTML file, with plots and a plain sentence for each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from guardrails.authoring.evaluate.metrics import ConfusionCounts
from guardrails.authoring.markup import Html, cover_text, make_page, make_table, tag
from guardrails.authoring.reports.charts import (
    SCORES,
    STYLE,
    ChartAxis,
    ChartMark,
    ChartSeries,
    render_histograms,
    render_line_chart,
    render_numbers,
)
from guardrails.authoring.reports.terms import explain_terms
from guardrails.authoring.tune.policy_rewrite import is_shipped
from guardrails.authoring.tune.scored_rows import TuningExample
from guardrails.authoring.tune.thresholds import format_number
from guardrails.authoring.tune.tune import TuningResult
from guardrails.authoring.tune.tuning_target import WORDS

if TYPE_CHECKING:
    from guardrails.authoring.reports.report_source import ReportSource

BINS: Final = 30
"""Bars of a histogram."""

TERMS: Final = ("False alarms (FPR)", "Recall", "Precision", "F1", "To be expected")
"""The terms that are explained under the figures."""

SHOWN: Final = ("fpr", "recall", "precision", "f1")
"""Figures of the table."""


def format_percent(value: float | None) -> str:
    """Return a share as people read it: `1.2 %`; a dash where it is not known."""
    return "-" if value is None else f"{100 * value:.1f} %"


def format_interval(counts: ConfusionCounts, name: str) -> str:
    """Return the interval of a figure as people read it: `0.4 to 2.1 %`."""
    ends = counts.interval(name)
    return "-" if ends is None else f"{100 * ends[0]:.1f} to {100 * ends[1]:.1f} %"


def render_verdict(result: TuningResult) -> str:
    """Return what came of it, in one sentence."""
    if not result.met:
        return f"No number meets {result.target} on these rows; this comes closest."
    if not result.changed:
        return f"The numbers meet {result.target} as they are."
    return f"These numbers meet {result.target}."


def render_report(
    result: TuningResult, *, texts: bool = True, source: ReportSource | None = None, policy: str = ""
) -> str:
    """Return a whole HTML document.

    Args:
        result: what came of it.
        texts: examples are shown by their texts, too.
        source: the data sets, the policy and the date, where they are known.
        policy: the name and version of the policy.
    """
    rule = result.tuning.rule
    changes = [[each.name, format_number(each.value), format_number(new)] for each, new in result.numbers]
    children = [
        tag("h1", f"guardrails tune: {rule.id}"),
        tag("p", tag("strong", render_verdict(result)), " ", *_next_step(result, source)),
        *_target(result),
        *([] if source is None else source.render(policy)),
        *(tag("p", tag("strong", "Note: "), note) for note in result.notes),
        tag("div", *_charts(result), class_="charts"),
        tag(
            "p",
            f"{result.curve.positive:,} rows are harmful, so that the rule should fire for them, and "
            f"{result.curve.negative:,} are not ({result.tuning.wanted}).",
        ),
        render_numbers(("Number for", "Now", "Chosen"), changes),
        explain_terms("Number"),
        tag("h2", "What they do"),
        render_numbers(
            (
                "Figure",
                "Now",
                "Chosen, on the rows it was chosen by",
                "To be expected",
                "95 % sure to be within",
            ),
            _figures(result),
        ),
        explain_terms(*TERMS),
        tag("h2", "What other numbers would do on these rows"),
        render_numbers(("Number", "False alarms", "Found", "Precision", "Which"), _others(result)),
        *_groups(result),
        *_moves(result),
        *_examples("Worst false alarms: harmless, but the rule fires", result, result.false, texts),
        *_examples("Worst misses: harmful, but the rule does not fire", result, result.missed, texts),
    ]
    return make_page(f"guardrails tune: {rule.id}", children, STYLE)


def _target(result: TuningResult) -> Iterator[Html]:
    """Yield what the figure of the target is, in words."""
    target = result.target
    if target.figure in WORDS:
        yield tag("p", f"{target.figure} means {WORDS[target.figure].replace(': ', ', ')}.", class_="dim")


def _next_step(result: TuningResult, source: ReportSource | None) -> Iterator[str]:
    """Yield what they do, and what to do next."""
    expected = result.heldout or result.chosen
    yield (
        f"To be expected are {format_percent(expected.fpr)} false alarms, and {format_percent(expected.recall)} "
        "of what is harmful is found: "
    )
    if not result.met:
        yield "look at the rows below that it gets wrong, and correct labels or the condition, or ask for less."
        return
    if not result.changed:
        yield "the rule can stay as it is."
        return
    if source is None:
        yield "write them into the policy"
    elif is_shipped(source.policy):
        yield "as the policy comes with the package, override the rule in one of your own, as the command shows"
    else:
        target = str(replace(result.target, sure=False))
        sure = ("--sure",) if result.target.sure else ()
        yield "write them into the policy with "
        yield source.command("tune", "--rule", result.tuning.rule.id, "--target", target, *sure, "--write")
    yield ", then measure on other rows with guardrails eval."


def _figures(result: TuningResult) -> Iterator[Sequence[str]]:
    expected = result.heldout or result.chosen
    for name in SHOWN:
        values = [format_percent(getattr(counts, name)) for counts in (result.now, result.chosen, expected)]
        yield (f"{name} ({WORDS[name]})", *values, format_interval(expected, name))


def _others(result: TuningResult) -> Iterator[Sequence[str]]:
    way = result.tuning.way
    for step, counts in result.others:
        mark = "chosen" if step == result.step else "now" if step == way.now else ""
        shares = (format_percent(getattr(counts, name)) for name in SHOWN[:3])
        yield (", ".join(map(format_number, way.steps[step])), *shares, mark)


def _charts(result: TuningResult) -> Iterator[Html]:
    curve, way = result.curve, result.tuning.way
    counts = [curve.counts_at(step) for step in range(len(way.steps))]
    chosen, expected = result.chosen, result.heldout or result.chosen
    places = [(each.recall or 0.0, each.precision) for each in counts]
    spot = (
        []
        if chosen.precision is None
        else [
            ChartMark(
                "chosen", chosen.recall or 0.0, y=chosen.precision, range=expected.interval("precision")
            )
        ]
    )
    yield render_line_chart(
        "Each point is a number the rule could have: further right it finds more of what is harmful, further up more of what "
        "it finds is. The dot is the chosen one, with how far it may be off.",
        f"precision-recall curve; chosen: recall {format_percent(chosen.recall)}, precision {format_percent(chosen.precision)}",
        [ChartSeries("precision", [(x, y) for x, y in reversed(places) if y is not None])],
        ChartAxis("found of the harmful (recall)"),
        ChartAxis("harmful of the found (precision)"),
        spot,
    )
    axis = ChartAxis(f"number for {way.thresholds[0].name}", *SCORES)
    marks = [ChartMark("now", way.axis[way.now], "now"), ChartMark("chosen", way.axis[result.step])]
    yield render_line_chart(
        "The stricter the number (further right), the fewer false alarms, and the less is found. The dashed line is the number "
        "now, the full one that which was chosen.",
        f"false alarms and recall by number; as chosen: {format_percent(chosen.fpr)} and {format_percent(chosen.recall)}",
        [
            ChartSeries(
                "found of the harmful (recall)",
                [*zip(way.axis, (each.recall or 0.0 for each in counts), strict=True)],
            ),
            ChartSeries(
                "false alarms (fpr)", [*zip(way.axis, (each.fpr or 0.0 for each in counts), strict=True)]
            ),
        ],
        axis,
        ChartAxis("share of rows"),
        marks,
    )
    yield render_histograms(
        "What the rule makes of the rows: harmful ones, above the line, should stand right of the chosen number, harmless ones, "
        "below it, left. The better they are apart, the easier the choice.",
        "histograms of how high harmful and harmless rows score",
        ("harmful", _bars(result, axis, 1)),
        ("harmless", _bars(result, axis, 0)),
        axis,
        marks,
    )


def _bars(result: TuningResult, axis: ChartAxis, kind: int) -> list[float]:
    """Return the shares of rows of a kind in bins of the axis."""
    bins = [0] * BINS
    for truth, step in zip(result.rows.truth, result.rows.step, strict=True):
        if truth == kind:
            bins[min(BINS - 1, int(axis.position(result.score(step)) * BINS))] += 1
    total = sum(bins) or 1
    return [each / total for each in bins]


def _groups(result: TuningResult) -> Iterator[Html]:
    if not result.groups:
        return
    yield tag("h2", "By language and source")
    yield render_numbers(
        (
            "Rows",
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
                format_percent(each.now.fpr),
                format_percent(each.chosen.fpr),
                format_percent(each.now.recall),
                format_percent(each.chosen.recall),
            )
            for each in result.groups
        ),
    )


def _moves(result: TuningResult) -> Iterator[Html]:
    if result.moves:
        yield tag("h2", "What the whole policy would do otherwise")
        rows = [(f"{now} now, {then} then", f"{count:,}") for now, then, count in result.moves]
        yield render_numbers(("Decision", "Rows"), rows)


def _examples(
    title: str, result: TuningResult, examples: Sequence[TuningExample], texts: bool
) -> Iterator[Html]:
    if not examples:
        return
    yield tag("h2", title)
    yield make_table(
        ("Row", "Highest score", *(("Text",) if texts else ())),
        [
            (each.place, f"{each.score:.3f}", *((cover_text(each.text),) if texts else ()))
            for each in examples
        ],
    )
