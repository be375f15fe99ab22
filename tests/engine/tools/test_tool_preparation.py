"""The use of tools is found out by a task: on a worker where that may take long."""

from __future__ import annotations

from collections.abc import Callable

from guardrails import Guard
from guardrails.engine.content import value_reader
from guardrails.engine.tools.tool_context import PREPARED, ToolContext
from guardrails.engine.tools.tool_preparation import preparation_task
from guardrails.types import CLEAN, Stage, ToolCall


def context_of(guard: Guard, arguments: str) -> ToolContext:
    """Return what conditions may read of one call, not found out yet."""
    leaves = value_reader.read(ToolCall("f", arguments), Stage.TOOL_CALL).tree.leaves
    return ToolContext(guard.policy.tools, frozenset(PREPARED), leaves, (), guard.pipeline.decoding)


def test_long_arguments_are_read_on_a_worker(guard_of: Callable[..., Guard]) -> None:
    """A task for a detector of no category, which finds nothing."""
    guard = guard_of("rules: [{id: r, on: tool_call, when: tool.tainted, then: block}]\n")
    for arguments, inline in (('{"a": 1}', True), (f'{{"a": "{"x" * 100}"}}', False)):
        context = context_of(guard, arguments)
        task = preparation_task(context, 50)
        assert task.bound.inline is inline
        task.run()
        assert list(task.answers) == [CLEAN]
