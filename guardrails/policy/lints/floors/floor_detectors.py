"""Detectors that a policy changes and the floor does not: what the policy's no longer find, and the floor's still do."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Final

from guardrails.detectors.config import Config
from guardrails.policy.lints.floors.floor_pairs import CURE, FloorPair, PairedRule
from guardrails.policy.lints.issue import LintFinding
from guardrails.policy.lints.scene.scene import LintContext
from guardrails.policy.loading.source import Mark

NUMBERS: Final = {"score": -1, "min_score": 1}
"""Numbers of detectors → whether more of it (1) or less (-1) finds less."""

SHOWN: Final = 3
"""Entries that a message names."""

Lost = tuple[str, str]
"""The field that finds less, and what it is said to do, in words."""


def find_lost_detections(pair: FloorPair) -> Iterator[LintFinding]:
    """Yield what detectors that the policy overrides find no more, where a rule of the floor depends on that."""
    for name, declared in pair.scene.policy.detectors.items():
        item, config = declared.item, declared.config
        there = pair.floor.policy.detectors.get(name)
        if there is None or not item.overrides or not pair.is_shared(item.source.file):
            continue
        side = next((each for each in pair.under if _reads(each, name)), None)
        if side is None or config is None or there.config is None or type(config) is not type(there.config):
            continue
        for field, what in _find_lost(pair, name, config, there.config):
            mark = _mark(pair.scene, name, field)
            yield LintFinding(mark, f"{what} has no effect on detector {name!r}: {side.still()}", CURE, name)


def _reads(side: PairedRule, name: str) -> bool:
    """Tell whether a rule depends on what a detector finds."""
    return any(
        given.detector == name for stage in side.row.rule.on for given in side.possible_findings(stage)
    )


def _mark(scene: LintContext, name: str, field: str) -> Mark:
    item = scene.policy.detectors[name].item
    written = field if field in item.overrides else next(iter(item.overrides))
    return item.key_mark((written,))


def _find_lost(pair: FloorPair, name: str, own: Config, floor: Config) -> Iterator[Lost]:
    """Yield what the policy's detector finds no more."""
    for field, sign in NUMBERS.items():
        mine, theirs = getattr(own, field, None), getattr(floor, field, None)
        if mine is not None and theirs is not None and sign * (mine - theirs) > 0:
            yield field, f"{field}: {mine:g}"
    kinds = pair.floor.bounds[name].categories - pair.scene.bounds[name].categories
    if kinds:
        yield "entities", f"leaving out {_few(sorted(kinds))}"
        return
    terms = {entry.form for each in pair.scene.term_lists if each.name == name for entry in each.entries}
    there = [entry for each in pair.floor.term_lists if each.name == name for entry in each.entries]
    if gone := [entry.text for entry in there if entry.form not in terms]:
        yield "terms", f"leaving out {_few(gone)}"
    patterns = _patterns(own)
    if gone := [text for key, text in _patterns(floor).items() if key not in patterns]:
        yield "patterns", f"leaving out {_few(gone)}"


def _patterns(config: Config) -> dict[str, str]:
    """Return the patterns of a detector, each by all that is said of it."""
    dumped = config.model_dump(mode="json").get("patterns") or ()
    listed = [each if isinstance(each, dict) else {"pattern": each} for each in dumped]
    return {json.dumps(each, sort_keys=True): str(each.get("pattern")) for each in listed}


def _few(names: list[str]) -> str:
    more = f" and {len(names) - SHOWN:,} more" if len(names) > SHOWN else ""
    return f"{', '.join(map(repr, names[:SHOWN]))}{more}"
