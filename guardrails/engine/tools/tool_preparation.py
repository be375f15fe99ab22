"""The task that prepares a `ToolContext`."""

from __future__ import annotations

from collections.abc import Sequence

from guardrails.detectors.binding import BoundDetector
from guardrails.engine.detector_task import Task
from guardrails.engine.tools.tool_context import ToolContext
from guardrails.types import CLEAN, Content, Detection, Text


class _Preparation:
    """Has uses prepared, as a detector would judge."""

    def __init__(self, uses: ToolContext) -> None:
        self._uses = uses

    def detect(self, batch: Sequence[Content]) -> list[Detection]:
        self._uses.prepare()
        return [CLEAN] * len(batch)


def preparation_task(uses: ToolContext, inline: int) -> Task:
    """Return what has uses prepared: on a worker where they hold more than so many characters, or schemas are asked. If it
    fails, or is not done in time, they are unknown.
    """
    quick = uses.size <= inline and not uses.validates
    bound = BoundDetector("tools", _Preparation(uses), frozenset(), inline=quick)
    return Task(bound, [0], [Text("")])
