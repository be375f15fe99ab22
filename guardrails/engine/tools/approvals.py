"""Calls of tools that a rule stops and a person may let through: which those are, and the task that asks how they stand.

Who keeps requests, and knows what people decided, stands above the engine and is given to the pipeline (`ApprovalGate`). A call
is the same again where its tool, the tool's definition and its arguments are, whatever the order of their keys.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol

from guardrails.detectors.binding import BoundDetector
from guardrails.engine.content.content_tree import ContentTree, Leaf
from guardrails.engine.detector_task import Task
from guardrails.engine.model import Request, StoppedCall
from guardrails.engine.values.json_text import parse_json_text
from guardrails.policy.compiled import Rule
from guardrails.types import CLEAN, Content, Detection, Place, Stage, Text, Use
from guardrails.verdicts.approval import Approval
from guardrails.wire.lossless_json import write

Definitions = Mapping[str, str]
"""Name of a tool → the digest of its definition."""


class ApprovalGate(Protocol):
    """What keeps requests for approval. Its methods wait for a database and do not raise: what cannot be told is not approved."""

    def find(self, calls: Sequence[StoppedCall], request: Request) -> Sequence[Approval | None]:
        """Return how the calls stand, in their order; people are asked about those of which they were not. Of calls of earlier
        turns nobody is asked (None), and those that were let through then are `approved`. Where nothing can be told, return none.
        """
        ...

    def use(self, approvals: Sequence[Approval]) -> bool:
        """Use up what was approved, all or none; tell whether it was still there."""
        ...


def find_stopped_calls(rule: Rule, places: Iterable[Place], tree: ContentTree) -> list[StoppedCall]:
    """Return the calls that a rule stops at these places; none where it stops something else besides, where arguments are no
    sound JSON, or where the provider has made the call itself.
    """
    calls: dict[int, StoppedCall | None] = {}
    for place in places:
        use = place.use
        if place.stage is not Stage.TOOL_CALL or use is None:
            return []
        if id(use) not in calls:
            calls[id(use)] = _read_call(rule, use, place, tree)
    found = [each for each in calls.values() if each is not None]
    return found if len(found) == len(calls) else []


def _read_call(rule: Rule, use: Use, place: Place, tree: ContentTree) -> StoppedCall | None:
    if use.hosted or use.arguments is None or len(use.tools) != 1:
        return None
    value, sound = parse_json_text(use.arguments or "{}")
    if not sound:
        return None
    is_past = place.message is not None and place.message < len(tree.roles) - 1
    return StoppedCall(rule, use, use.tools[0], write_canonical(value), is_past, use.definition)


def write_canonical(value: Any) -> str:
    """Write a JSON value so that equal ones are written alike: keys in order, in ASCII."""
    return write(_sort_keys(value), ascii_only=True)


def _sort_keys(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _sort_keys(value[name]) for name in sorted(value)}
    return [_sort_keys(each) for each in value] if isinstance(value, list | tuple) else value


def digest_definitions(leaves: Iterable[Leaf]) -> dict[str, str]:
    """Return the digests of the definitions of tools that stand in leaves, by name: over all texts in each, where they stand."""
    parts: dict[str, list[str]] = {}
    for leaf in leaves:
        place = leaf.content.place
        if place.stage is not Stage.TOOL_DEFINITION or place.use is None or leaf.pieces or leaf.again:
            continue
        text = leaf.content.text if isinstance(leaf.content, Text) else ""
        parts.setdefault(place.use.tools[0][0], []).append(f"{place.path.rpartition('/')[2]}\0{text}")
    return {
        name: hashlib.sha256("\0\0".join(texts).encode("utf-8", "surrogatepass")).hexdigest()
        for name, texts in parts.items()
    }


class ApprovalReview:
    """Asks how stopped calls stand, as a detector is asked, so that a check waits for it as for those.

    Args:
        gate: what keeps the requests.
        calls: the calls.
        request: who asks.

    Attributes:
        was_used: whether what was approved was used up.
    """

    def __init__(self, gate: ApprovalGate, calls: Sequence[StoppedCall], request: Request) -> None:
        self._gate, self._calls, self._request = gate, calls, request
        self._found: Sequence[Approval | None] = ()
        self.was_used = False

    @property
    def approvals(self) -> tuple[Approval, ...]:
        """How the calls stand about which people were asked."""
        asked = (each for each in self._found if each is not None)
        return tuple(replace(each, status="used") if self.was_used else each for each in asked)

    @property
    def is_approved(self) -> bool:
        """Whether all of them may pass."""
        return bool(self._found) and all(
            each is not None and each.status == "approved" for each in self._found
        )

    def find_task(self) -> Task:
        """Return the task that finds out how they stand."""
        return _make_task(self._find)

    def use_task(self) -> Task:
        """Return the task that uses up what was approved; `was_used` tells whether it did."""
        return _make_task(self._use)

    def _find(self) -> None:
        found = self._gate.find(self._calls, self._request)
        self._found = found if len(found) == len(self._calls) else ()

    def _use(self) -> None:
        pairs = zip(self._found, self._calls, strict=True)
        self.was_used = self._gate.use(
            [each for each, call in pairs if each is not None and not call.is_past]
        )


class _Step:
    """Does something, as a detector would judge."""

    def __init__(self, do: Callable[[], None]) -> None:
        self._do = do

    def detect(self, batch: Sequence[Content]) -> list[Detection]:
        self._do()
        return [CLEAN] * len(batch)


def _make_task(do: Callable[[], None]) -> Task:
    return Task(BoundDetector("approvals", _Step(do), frozenset()), [0], [Text("")])
