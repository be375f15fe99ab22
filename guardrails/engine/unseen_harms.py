"""Finds what nobody looked for in the pictures and films of a check: categories of harm that they can show."""

from __future__ import annotations

from guardrails.detectors.binding import BoundDetector
from guardrails.engine.core.detection_round import DetectionRound
from guardrails.taxonomy import VISIBLE, find_not_seen
from guardrails.types import Image, Video


def find_unseen_harms(round_: DetectionRound) -> tuple[str, ...]:
    """Return the categories, in the order of `taxonomy.VISIBLE`, that some picture or film was not judged by: no detector that
    ran on it, and did not fail, judges them.
    """
    missing: set[str] = set()
    for index, content in enumerate(round_.contents):
        if isinstance(content, Image | Video):
            judged = {each for bound in _ran(round_, index) for each in bound.sees}
            missing.update(find_not_seen(judged))
    return tuple(each for each in VISIBLE if each in missing)


def _ran(round_: DetectionRound, index: int) -> list[BoundDetector]:
    found = round_.found[index]
    bounds = (bound for plan in round_.plans[index] for tier in plan.tiers for bound in tier)
    return [bound for bound in bounds if bound.digest in found and found[bound.digest].error is None]
