"""Draws the plots of the report on a measured policy, each with a sentence for people who are no statisticians."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from guardrails.authoring.evaluate.measurements import CLASSES, Measurement, PolicyEvaluation
from guardrails.authoring.markup import Html
from guardrails.authoring.reports.charts import ChartAxis, ChartSeries, render_line_chart, render_shares
from guardrails.types import Action

CURVES: Final = 2
"""Categories in one chart: those with the most rows."""


def is_graded(measured: Measurement) -> bool:
    """Tell whether scores differ among what is found. Those of lists do not: another number finds all of it or nothing."""
    return len(measured.curve) != 1


def render_charts(result: PolicyEvaluation) -> Iterator[Html]:
    """Yield what becomes of the rows, then plots of categories whose scores differ, of those with the most rows first."""
    yield from _outcomes(result)
    drawn = {name: each for name, each in result.categories.items() if each.curve and is_graded(each)}
    ranked = sorted(drawn, key=lambda name: (-drawn[name].counts.positive, name))
    for at in range(0, len(ranked), CURVES):
        names = ranked[at : at + CURVES]
        named = " and ".join(names)
        areas = ", ".join(f"{name} {drawn[name].auprc or 0:.3f}" for name in names)
        yield render_line_chart(
            f"{named}: each point is a score from which on one could act. Further right more of what is harmful is found, "
            "further up more of what is found is harmful. The nearer to the upper right corner, the better.",
            f"precision-recall curves; areas: {areas}",
            [ChartSeries(name, [(0.0, drawn[name].curve[0][1]), *drawn[name].curve]) for name in names],
            ChartAxis("found of it (recall)"),
            ChartAxis("right (precision)"),
        )
        yield render_line_chart(
            f"{named}: scores that are honest lie on the dotted line. Of the rows with a score near 0.8, "
            "80 in a hundred are what it says. Below the line a score says too much, above it too little.",
            f"calibration of {', '.join(names)}",
            [
                *(ChartSeries(name, _reliability(drawn[name])) for name in names),
                ChartSeries("honest", [(0.0, 0.0), (1.0, 1.0)], "third"),
            ],
            ChartAxis("score"),
            ChartAxis("share that is of it"),
        )


def _outcomes(result: PolicyEvaluation) -> Iterator[Html]:
    """Yield a bar for each class of rows with what becomes of them."""
    bars = [
        (name, {str(action): result.actions.get((kind, action), 0) for action in Action})
        for kind, name in CLASSES.items()
    ]
    shown = [(name, parts) for name, parts in bars if any(parts.values())]
    if shown:
        yield render_shares(
            "What becomes of the rows. Of the harmful ones as much as can be should be stopped, of the harmless ones nothing.",
            shown,
        )


def _reliability(measured: Measurement) -> list[tuple[float, float]]:
    of = measured.calibration
    return [] if of is None else [(each.score, each.share) for each in of.bins]
