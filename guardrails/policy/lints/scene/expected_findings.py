"""What detectors may find: at which stages, in which kinds of content, and with which scores."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from guardrails.detectors.binding import BoundDetector
from guardrails.policy.compiled import CompiledPolicy
from guardrails.policy.lints.scene.truth import KINDS
from guardrails.policy.lints.scene.truth import PossibleFinding as Given
from guardrails.policy.loading.items import Policy
from guardrails.types import Stage

SEEN: Mapping[str, frozenset[str]] = {
    "text": frozenset({"text"}),
    "image": frozenset({"image", "video"}),
    "audio": frozenset({"audio", "video"}),
    "video": frozenset({"video"}),
}
"""What a detector looks at → the kinds of content in which that is found."""


def expected_findings(policy: Policy, compiled: CompiledPolicy) -> Iterator[Given]:
    """Yield what each detector may find, one for each category.

    Args:
        policy: the policy as it is written.
        compiled: the same, compiled.

    Returns:
        the findings, with their scores where they are fixed.
    """
    reads_media = any(bound.extracts or bound.hears for bound in compiled.detectors)
    for bound in compiled.detectors:
        fixed = _fixed_scores(policy, bound)
        kinds = frozenset().union(*(SEEN.get(each, frozenset(KINDS)) for each in bound.contents))
        if reads_media and "text" in bound.contents:
            kinds = frozenset(KINDS)  # what is read in a picture or heard in a film is a text
        for category in sorted(bound.categories):
            stages = frozenset(Stage) - _never(policy, bound, category)
            yield Given(bound.name, category, fixed.get(category, ()), kinds, stages)


def _fixed_scores(policy: Policy, bound: BoundDetector) -> Mapping[str, tuple[float, ...]]:
    """Return the only scores of a detector, by category, where there are such."""
    kind = _kind(policy, bound)
    config = policy.detectors[bound.name].config
    if kind == "terms" and config is not None:
        return {category: (float(config.score),) for category in bound.categories}  # type: ignore[attr-defined]
    if kind != "patterns":
        return {}
    found: dict[str, set[float]] = {}
    for entry in bound.detector.table.entries:  # type: ignore[attr-defined]
        found.setdefault(entry.row.category, set()).add(entry.row.score)
    return {category: tuple(sorted(scores)) for category, scores in found.items()}


def _never(policy: Policy, bound: BoundDetector, category: str) -> frozenset[Stage]:
    """Return the stages at which a detector does not find a category: a reply is no attack on the model that wrote it."""
    if _kind(policy, bound) == "classifier" and category in ("jailbreak", "injection"):
        from guardrails.detectors.classifier.shipped_classifier import ShippedClassifier

        if isinstance(bound.detector, ShippedClassifier):
            return frozenset({Stage.OUTPUT})
    return frozenset()


def _kind(policy: Policy, bound: BoundDetector) -> str:
    kind = policy.detectors[bound.name].kind
    return "" if kind is None else kind.name
