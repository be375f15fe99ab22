"""What the steps of compiling a policy share: what each found, for the next."""

from __future__ import annotations

from collections.abc import Iterable

from guardrails.detectors.binding import BoundDetector
from guardrails.policy.compiled import ExceptionRule, Rule
from guardrails.policy.condition import Condition
from guardrails.policy.loading.items import Policy, PolicyItem
from guardrails.policy.names import ConditionNames
from guardrails.policy.tools import ToolLists


class Compilation:
    """A policy that is being compiled: what the steps fill in."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self.problems = policy.problems
        self.detectors: list[BoundDetector] = []
        self.names = ConditionNames()
        self.conditions: dict[int, Condition] = {}
        self.exceptions: list[tuple[frozenset[str] | None, ExceptionRule]] = []
        self.rules: list[Rule] = []
        self.tools = ToolLists()

    def check_categories(self, item: PolicyItem, field: str, categories: Iterable[str] | None) -> None:
        """Report categories of a field that no detector gives."""
        for index, category in enumerate(categories or ()):
            if problem := self.names.problem(category):
                self.problems.add(item.mark((field, index)), *problem)
