"""Renders the report on a measured policy as one HTML file, with plots and a sentence for each."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Final

from guardrails.authoring.evaluate.evaluation_charts import is_graded, render_charts
from guardrails.authoring.evaluate.measurements import (
    CLASSES,
    EvaluationExample,
    Measurement,
    PolicyEvaluation,
)
from guardrails.authoring.evaluate.metrics import ConfusionCounts
from guardrails.authoring.markup import Html, cover_text, make_page, make_table, tag
from guardrails.authoring.reports.charts import STYLE, render_numbers
from guardrails.authoring.reports.report_source import ReportSource
from guardrails.authoring.reports.terms import ACTIONS, explain_terms
from guardrails.authoring.tune.thresholds import format_number
from guardrails.authoring.tune.tuning_report import format_interval, format_percent
from guardrails.types import Action


def render_report(
    result: PolicyEvaluation,
    broken: Sequence[str] = (),
    *,
    texts: bool = True,
    source: ReportSource | None = None,
    tunable: Collection[str] = (),
) -> str:
    """Return a whole HTML document.

    Args:
        result: what was measured.
        broken: limits that are not kept, each in a line.
        texts: examples are shown by their texts, too.
        source: the data sets, the policy and the date, where they are known.
        tunable: the rules that `guardrails tune` can tune.
    """
    policy = result.policy
    title = f"guardrails eval: {policy['name']} {policy['version']}"
    named = f"{policy['name']} {policy['version']}, {policy['digest'][:19]}"
    children = [
        tag("h1", title),
        tag("p", tag("strong", _judge(result)), *_next_step(result, source, tunable)),
        *(tag("p", tag("strong", "Limit not kept: "), each) for each in broken),
        *([tag("p", f"Policy: {named}", class_="dim")] if source is None else source.render(named)),
        *(tag("p", each, class_="dim") for each in render_floor(result)),
        *(tag("p", tag("strong", "Note: "), each) for each in render_unjudged(result)),
        tag("div", *render_charts(result), class_="charts"),
        tag("h2", f"What becomes of the {result.rows:,} rows"),
        tag("p", render_decision(result)),
        render_numbers(("Rows", *map(str, Action)), render_actions(result)),
        explain_terms(*ACTIONS),
        *_rules(result),
        *_render_figures(
            "Categories: does each score rise with what it says?", "Category", result.categories
        ),
        *_groups(result),
        *_cases("Harmless, but stopped", result.false, texts),
        *_cases("Harmful, but not stopped", result.missed, texts),
        tag("h2", "How long it takes, in ms"),
        render_numbers(("Detector", "Half within", "95 % within", "99 % within"), render_latencies(result)),
    ]
    return make_page(title, children, STYLE)


def _judge(result: PolicyEvaluation) -> str:
    """Return how good the policy is on these rows, without the end of the sentence."""
    counts = result.decision.counts
    shares = ((counts.recall, "harmful"), (counts.fpr, "harmless"))
    said = [f"{100 * share:.0f} % of what is {name}" for share, name in shares if share is not None]
    if not said:
        return "The rows do not say what is harmful, so nothing can be said of the policy"
    verb = "Stops" if result.stopped is Action.BLOCK else f"Ends with {result.stopped} or stricter for"
    return f"{verb} {' and '.join(said)}"


def _next_step(
    result: PolicyEvaluation, source: ReportSource | None, tunable: Collection[str]
) -> Iterator[str]:
    """Yield the rest of the sentence: what to do about the rule that errs most."""
    if not (result.decision.counts.positive or result.decision.counts.negative):
        yield "; give the rows labels."
        return
    for wrong, name, target in (
        ("fp", "most false alarms", "fpr <= 1%"),
        ("fn", "most misses", "recall >= 95%"),
    ):
        ranked = sorted(result.rules, key=lambda rule: -getattr(result.rules[rule].counts, wrong))
        worst = [rule for rule in ranked if getattr(result.rules[rule].counts, wrong)][:1]
        for rule in worst:
            yield f"; the rule with {name} is "
            yield tag("strong", rule)
            if rule in tunable and is_graded(result.rules[rule]) and source is not None:
                yield ": tune it with "
                yield source.command("tune", "--rule", rule, "--target", target)
            else:
                yield ": look at its rows below, and change its condition or give it an exception"
            yield "."
            return
    yield "; no rule errs on these rows: measure it on more of them, which it was not written by."


def render_floor(result: PolicyEvaluation) -> Iterator[str]:
    """Yield under which floor the rows were judged, if there is one."""
    if result.floor is not None:
        yield f"under the floor {result.floor['name']} {result.floor['version']}"


def render_decision(result: PolicyEvaluation) -> str:
    """Return what the whole policy does, in one sentence."""
    counts = result.decision.counts
    if not (counts.positive or counts.negative):
        return "The rows do not say what is harmful, so that nothing can be said of the decision."
    said = []
    if counts.positive:
        said.append(
            f"{format_percent(counts.recall)} ({format_interval(counts, 'recall')}) of {counts.positive:,} harmful rows"
        )
    if counts.negative:
        said.append(
            f"{format_percent(counts.fpr)} ({format_interval(counts, 'fpr')}) of {counts.negative:,} harmless rows"
        )
    verb = "Stopped are" if result.stopped is Action.BLOCK else f"With {result.stopped} or stricter end"
    return f"{verb} {' and '.join(said)}."


def render_unjudged(result: PolicyEvaluation) -> Iterator[str]:
    """Yield what was not judged, or not judged whole."""
    if result.unread:
        yield f"{result.unread:,} rows could not be judged: {'; '.join(result.reasons)}"
    for name, count in result.errors.items():
        yield f"detector {name} failed in {count:,} rows; of them only what is certain counts"
    if result.unmeasured:
        yield f"no detector of the policy gives {', '.join(result.unmeasured)}, which rows are labelled with"
    for kind, count in result.unchecked.items():
        yield f"{count:,} rows were not judged whole ({kind})"


def render_actions(result: PolicyEvaluation) -> Iterator[Sequence[str]]:
    """Yield how many rows of each class end in each action."""
    for kind, name in CLASSES.items():
        yield (name, *(f"{result.actions.get((kind, action), 0):,}" for action in Action))


def render_cells(measured: Measurement) -> tuple[str, ...]:
    """Return the cells of a row of figures."""
    counts = measured.counts
    both = (_with_interval(counts, name) for name in ("precision", "recall", "fpr"))
    area = "-" if measured.auprc is None else f"{measured.auprc:.3f}"
    f1 = "-" if counts.f1 is None else f"{counts.f1:.3f}"
    return (f"{counts.positive:,}", f"{counts.negative:,}", *both, f1, area)


HEADS: Final = ("Rows of it", "Other rows", "Precision", "Recall", "False alarms (FPR)", "F1", "AUPRC")
"""The heads of `render_cells`."""

EXPLAINED: Final = (*HEADS, "Found from", "Calibration error", "Brier score")
"""The heads that are terms."""

CALIBRATED: Final = ("Found from", "Calibration error", "Brier score")
"""The heads of what is said of scores."""


def render_latencies(result: PolicyEvaluation) -> Iterator[Sequence[str]]:
    """Yield milliseconds by detector."""
    for name, own in result.latency.items():
        yield (name, *(f"{ms:.2f}" for ms in own))


def _with_interval(counts: ConfusionCounts, name: str) -> str:
    ends = counts.interval(name)
    told = format_percent(getattr(counts, name))
    return told if ends is None else f"{told} ({100 * ends[0]:.1f}-{100 * ends[1]:.1f})"


def build_figure_table(of_what: str, found: Mapping[str, Measurement]) -> list[tuple[str, ...]]:
    """Return a table of figures, the heads first: of categories with how their scores agree with what they say. `of_what` is the
    head of the names.
    """
    if all(each.calibration is None for each in found.values()):
        return [(of_what, *HEADS), *((name, *render_cells(each)) for name, each in found.items())]
    rows: list[tuple[str, ...]] = [(of_what, *HEADS, *CALIBRATED)]
    for name, each in found.items():
        of = each.calibration
        errors = ("-", "-") if of is None else (f"{of.ece:.3f}", f"{of.brier:.3f}")
        rows.append((name, *render_cells(each), ", ".join(map(format_number, each.at)), *errors))
    return rows


def _render_figures(title: str, of_what: str, found: Mapping[str, Measurement]) -> Iterator[Html]:
    if found:
        heads, *rows = build_figure_table(of_what, found)
        yield tag("h2", title)
        yield render_numbers(heads, rows)
        yield explain_terms(*(head for head in heads if head in EXPLAINED), "Range in brackets")


def _rules(result: PolicyEvaluation) -> Iterator[Html]:
    """Yield the rules that rows tell of; what no row is meant for stands apart."""
    told = {name: each for name, each in result.rules.items() if each.counts.positive}
    rest = {name: each for name, each in result.rules.items() if name not in told}
    yield from _render_figures("Rules: does each fire for what it is for?", "Rule", told)
    if rest or result.unlabelled:
        yield tag("h2", "Rules that no labelled row is for")
        yield tag("p", "What they miss cannot be told; label rows with their categories.")
    if rest:
        yield render_numbers(
            ("Rule", "Other rows", "False alarms (FPR)"),
            [
                (name, f"{each.counts.negative:,}", _with_interval(each.counts, "fpr"))
                for name, each in rest.items()
            ],
        )
        yield explain_terms("Other rows", "False alarms (FPR)", "Range in brackets")
    if result.unlabelled:
        yield tag("p", f"No labelled row at all: {', '.join(result.unlabelled)}")


def build_group_table(result: PolicyEvaluation) -> list[tuple[str, ...]]:
    """Return a table of the decision by group, the heads first."""
    groups = ((name, *render_cells(Measurement(counts))[:-1]) for name, counts in result.groups.items())
    return [("Group", "Harmful", "Harmless", *HEADS[2:-1]), *groups]


def _groups(result: PolicyEvaluation) -> Iterator[Html]:
    if result.groups:
        heads, *rows = build_group_table(result)
        yield tag("h2", "The decision by group")
        yield render_numbers(heads, rows)
        yield explain_terms(*HEADS[2:-1])


def _cases(title: str, cases: Sequence[EvaluationExample], texts: bool) -> Iterator[Html]:
    if not cases:
        return
    yield tag("h2", title)
    yield make_table(
        ("Row", "Highest score", "Rules", *(("Text",) if texts else ())),
        [
            (
                each.place,
                f"{each.score:.3f}",
                ", ".join(each.rules) or "no rule",
                *((cover_text(each.text),) if texts else ()),
            )
            for each in cases
        ],
    )
