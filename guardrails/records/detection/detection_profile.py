"""What a pipeline looks for: who reads it beside a record knows for what nothing was found, and for what nobody looked. A store
has each profile once, by the digest that records name it by.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple

from guardrails.detectors.binding import BoundDetector
from guardrails.policy.compiled import CompiledPolicy
from guardrails.policy.schema import MediaDoc
from guardrails.taxonomy import with_ancestors
from guardrails.types import Stage

DIGITS: Final = 16
"""Hexadecimal characters of a digest that tell one detector from another."""

PROFILE_DIGITS: Final = 32
"""Hexadecimal characters of a profile's digest: so many that nobody finds another text of the same one."""

JOINED: Final = "conversation"
"""Stands among the stages of a detector that judges the joined texts of a conversation, too."""

OF_TIME: Final = {"deadline_ms", "max_hold", "on_limit"}
"""Limits that say nothing of what is found in what was judged."""


class DetectionProfile(NamedTuple):
    """What a pipeline looks for.

    Attributes:
        digest: of the text; a record has it.
        text: JSON, of what `describe_detection` returns and, under a floor, of the floor's reference.
    """

    digest: str
    text: str


def make_profile(policies: Sequence[CompiledPolicy], floor: CompiledPolicy | None) -> DetectionProfile:
    """Return the profile of policies that judge together, the floor among them."""
    told = {} if floor is None else {"floor": floor.ref.to_dict()}
    text = json.dumps(told | describe_detection(policies))
    return DetectionProfile(digest_profile(text), text)


def digest_profile(text: str) -> str:
    """Return the digest of a profile's text."""
    return hashlib.sha256(text.encode()).hexdigest()[:PROFILE_DIGITS]


def describe_detection(policies: Sequence[CompiledPolicy]) -> dict[str, Any]:
    """Return what policies look for together.

    Args:
        policies: the policy, the floor, and what is asked for besides.

    Returns:
        `detectors`: name → the first characters of its digest, which names settings, files and weights; behind it stand the
        stages whose contents it judges, unless these are all, and `conversation`. Where the policies have different detectors of
        a name, it is left out, as findings have nothing but the name. `limits` is a digest of how much is read.
    """
    by_name: dict[str, dict[str, BoundDetector]] = {}
    for policy in policies:
        for bound in policy.detectors:
            by_name.setdefault(bound.name, {})[bound.digest] = bound
    told = {
        name: _describe(next(iter(found.values())), policies)
        for name, found in by_name.items()
        if len(found) == 1
    }
    return {"detectors": {name: text for name, text in told.items() if text}, "limits": _limits(policies)}


def _describe(bound: BoundDetector, policies: Iterable[CompiledPolicy]) -> str:
    names = {name for category in bound.categories for name in with_ancestors(category)}
    readers = [rule for policy in policies for rule in policy.rules if not names.isdisjoint(rule.reads)]
    stages = frozenset[Stage]().union(*(rule.on for rule in readers))
    if not stages:
        return ""
    told = [] if len(stages) == len(Stage) else [stage.value for stage in Stage if stage in stages]
    joined = [JOINED] if any(rule.scope == "conversation" for rule in readers) else []
    return " ".join((bound.digest[:DIGITS], *told, *joined))


def _limits(policies: Iterable[CompiledPolicy]) -> str:
    told = {
        json.dumps(
            [
                policy.limits.model_dump(mode="json", exclude=OF_TIME),
                policy.films.model_dump(mode="json"),
                *([] if policy.media == MediaDoc() else [policy.media.model_dump(mode="json")]),
            ]
        )
        for policy in policies
    }
    return hashlib.sha256("\n".join(sorted(told)).encode()).hexdigest()[:DIGITS]


def read_detector(told: str) -> tuple[str, frozenset[Stage], bool]:
    """Return what `describe_detection` says of one detector: digest, stages, and whether it judges joined texts of conversations;
    raises `ValueError` for what says nothing.
    """
    digest, *words = told.split()
    stages = frozenset(Stage(word) for word in words if word != JOINED)
    return digest, stages or frozenset(Stage), JOINED in words
