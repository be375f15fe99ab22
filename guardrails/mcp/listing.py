"""Filters what a server lists: entries are judged each, and left out where they are blocked.

A tool that is left out is remembered, so that its calls are refused too.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Mapping
from typing import Any, Protocol

from guardrails.mcp.approvals import definition_digest
from guardrails.mcp.protocol.fields import read_name
from guardrails.mcp.protocol.methods import McpMethod, MethodSide
from guardrails.mcp.protocol.rpc import Body
from guardrails.mcp.tools import NAMELESS, STOPPED, TWICE, ServerTools
from guardrails.types import Use, Verdict

USED_BY: Mapping[str, str] = {
    "resources/list": "resources/read",
    "resources/templates/list": "resources/read",
    "prompts/list": "prompts/get",
}
"""A method that lists → the one that uses what it lists."""


class PlacedJudge(Protocol):
    """What judges."""

    def __call__(self, side: MethodSide, value: Any, use: Use) -> Awaitable[Verdict]:
        """Judge one value."""
        ...

    def use(self, tool: str, *, changed: bool = False) -> Use:
        """Return a use of a tool."""
        ...


Removed = list[Body]
"""What was left out, for programs: where it stood, and why."""


class ListingFilter:
    """Judges the lists and optional fields of one server's results."""

    def __init__(self, judge: PlacedJudge, tools: ServerTools) -> None:
        self._judge, self._tools = judge, tools

    async def filter(self, method: McpMethod, name: str, value: Mapping[str, Any]) -> tuple[Body, Removed]:
        """Return the parts of a result that are judged apart, as the agent may see them (None: not at all), and what was left
        out.
        """
        parts: Body = {}
        removed: Removed = []
        if method.optional is not None and method.optional[0] in value:
            field, side = method.optional
            verdict = await self._judge(side, value[field], self._judge.use(name))
            parts[field] = verdict.content
            if verdict.blocked:
                removed.append(_left_out(verdict, field))
        if method.items is not None and isinstance(value.get(method.items[0]), list):
            field, side = method.items
            judging = self._of_tools if name == "tools/list" else self._entries
            parts[field] = await judging(side, value[field], name, removed)
        return parts, removed

    async def _entries(self, side: MethodSide, entries: list[Any], name: str, removed: Removed) -> list[Any]:
        """Return the entries that are not blocked."""
        kept = []
        for index, entry in enumerate(entries):
            verdict = await self._judge(side, entry, self._judge.use(USED_BY.get(name, name)))
            if verdict.blocked:
                removed.append(_left_out(verdict, name, index))
            else:
                kept.append(verdict.content)
        return kept

    async def _of_tools(self, side: MethodSide, entries: list[Any], what: str, removed: Removed) -> list[Any]:
        """Return the tools that the agent may see."""
        names = Counter(map(read_name, entries))
        passed: dict[str, tuple[Any, Mapping[str, Any]]] = {}
        refused: dict[str, str] = {}
        for index, entry in enumerate(entries):
            name = read_name(entry)
            if not name or names[name] > 1:
                refused[name] = TWICE if name else NAMELESS
                removed.append({"of": what, "index": index, "reason": refused[name]})
                continue
            changed = await asyncio.to_thread(self._tools.differs, name, definition_digest(entry))
            verdict = await self._judge(side, entry, self._judge.use(name, changed=changed))
            if verdict.blocked:
                refused[name] = STOPPED
                removed.append(_left_out(verdict, what, index))
            else:
                passed[name] = (verdict.content, entry)
        definitions = {name: entry for name, (_, entry) in passed.items()}
        waiting = await asyncio.to_thread(self._tools.learn, definitions, refused)
        removed += [{"of": what, "name": name, "reason": why} for name, why in waiting.items()]
        return [content for name, (content, _) in passed.items() if name not in waiting]


def _left_out(verdict: Verdict, what: str, index: int | None = None) -> Body:
    """Say that the policy took something out; not what, which nobody should read."""
    rules = [rule.id for rule in verdict.rules]
    return {"of": what, "index": index, "reason": "stopped by policy", "rules": rules, "verdict": verdict.id}
