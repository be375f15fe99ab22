"""Lint checks of score comparisons: thresholds that a detector never reaches, and scores that it gives only by accident."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cache

from guardrails.policy.lints.issue import LintFinding
from guardrails.policy.lints.scene.scene import LintContext, RuleRow
from guardrails.policy.lints.scene.truth import ConstantComparison
from guardrails.policy.lints.scene.truth import PossibleFinding as Given

EXACT = frozenset({"terms", "patterns", "pii", "secrets", "invisible", "length", "format", "urls"})
"""Kinds of detectors that find something or not; the scores of all others are measured."""

SHIPPED = "text-safety"


def findings_for(scene: LintContext, name: str) -> list[Given]:
    """Return what raises a variable of conditions."""
    return scene.feeding.get(name.removeprefix("count "), [])


def comparisons(scene: LintContext) -> Iterator[tuple[RuleRow, ConstantComparison, list[Given]]]:
    """Yield each comparison of a score in each rule, and what raises it."""
    for row in scene.rows:
        shape = scene.shapes[row.rule.id]
        for each in shape.comparisons:
            if each.name in shape.findings and not each.name.startswith("count "):
                yield row, each, findings_for(scene, each.name)


@cache
def read_observed_scores() -> tuple[int, Mapping[str, float]]:
    """Return how many texts the shipped model was tried with, and the highest score of each category
    (`observed.json`).
    """
    from guardrails.detectors.classifier.shipped_classifier import SHIPPED as FOLDERS

    told = json.loads((FOLDERS[SHIPPED] / "observed.json").read_text(encoding="utf-8"))
    return int(told["texts"]), told["highest"]


def threshold_unreachable(scene: LintContext) -> Iterator[LintFinding]:
    """A score of the shipped model is wanted that it did not give to any text it was tried with."""
    for row, each, sources in comparisons(scene):
        if each.op not in ("_>_", "_>=_", "_==_") or not sources:
            continue
        if each.op == "_>_" and float(each.value) >= 1:
            continue  # never fires, and is told as that
        if not all(_is_shipped(scene, source.detector) for source in sources):
            continue
        texts, highest = read_observed_scores()
        most = max(highest.get(source.category, 0.0) for source in sources)
        if float(each.value) > most:
            message = (
                f"{each.name} is compared with {each.value}, and the highest score that {SHIPPED} gave {texts:,} harmful texts "
                f"is {most:.3f}: the rule hardly ever fires"
            )
            yield row.inside(
                each.offset, message, f"write a threshold below {most:.2f}; guardrails tune finds one"
            )


def _is_shipped(scene: LintContext, detector: str) -> bool:
    config = scene.policy.detectors[detector].config
    if scene.kinds[detector].name != "classifier" or getattr(config, "model", "") != SHIPPED:
        return False
    return getattr(config, "escalate_to", None) is None  # of a larger model's scores nothing is on file


def exact_score(scene: LintContext) -> Iterator[LintFinding]:
    """A measured score is compared with one number exactly, which it has by chance."""
    for row, each, sources in comparisons(scene):
        measured = [source for source in sources if scene.kinds[source.detector].name not in EXACT]
        if each.op in ("_==_", "_!=_") and measured and float(each.value) > 0:
            message = f"{each.name} is measured, and is {each.value} exactly by chance alone"
            yield row.inside(
                each.offset, message, f"compare with a bound: {each.name} >= {min(float(each.value), 0.9)}"
            )


def any_score(scene: LintContext) -> Iterator[LintFinding]:
    """Any score of a model counts, also the low ones that it gives to harmless texts."""
    for row, each, sources in comparisons(scene):
        models = [source for source in sources if scene.kinds[source.detector].name == "classifier"]
        if not models or each.op not in ("_>_", "_>=_", "_!=_"):
            continue
        least = min(
            getattr(scene.policy.detectors[source.detector].config, "min_score", 0.0) for source in models
        )
        value = float(each.value)
        if 0 < value < least or value == 0:
            message = (
                f"{each.name} {each.op.strip('_')} {each.value} holds for any score that detector {models[0].detector!r} reports "
                f"(from {least}), and it reports some for many harmless texts"
            )
            yield row.inside(each.offset, message, f"write a threshold, such as {each.name} >= 0.8")


def counts_passages(scene: LintContext) -> Iterator[LintFinding]:
    """What a classifier finds is counted: that is passages of the text, however low their scores."""
    for row in scene.rows:
        for each in scene.shapes[row.rule.id].comparisons:
            if not each.name.startswith("count "):
                continue
            models = [
                s.detector
                for s in findings_for(scene, each.name)
                if scene.kinds[s.detector].name == "classifier"
            ]
            if models:
                category = each.name.removeprefix("count ")
                message = (
                    f'count("{category}") counts the passages to which detector {models[0]!r} gives any score, not what is '
                    "found in them: long texts have more"
                )
                yield row.inside(each.offset, message, f"compare the score: {category} >= 0.8")
