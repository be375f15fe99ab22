"""Renders verdicts that block as the protocol's answers: a tool's result that says so, or an error."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from guardrails.mcp.protocol import rpc
from guardrails.mcp.protocol.rpc import Body, Id
from guardrails.types import Verdict
from guardrails.verdicts.builtin_messages import CALL_STOPPED, RESULT_STOPPED, say

REFUSAL = "stopped by policy"
"""What a server reads, whose matter the rules are not."""

OURS = "guardrails/"
VERDICT, REMOVED = f"{OURS}verdict", f"{OURS}removed"
"""Keys under which `_meta` tells programs what was done. A server's own of such names go nowhere."""


def summarize_verdict(verdict: Verdict) -> Body:
    """Return what programs are told of a verdict; no text that was judged."""
    return {
        VERDICT: {
            "id": verdict.id,
            "action": str(verdict.action),
            "stage": verdict.stage.value,
            "policy": verdict.policy.to_dict(),
            "rules": [rule.id for rule in verdict.rules],
        }
    }


def add_notes(result: Body, notes: Body) -> Body:
    """Return a result with what programs are told; the same object where nothing is, and the server did not say so itself."""
    meta = result.get("_meta")
    own = meta if isinstance(meta, Mapping) else {}
    if not notes and not any(name.startswith(OURS) for name in own):
        return result
    kept = {name: value for name, value in own.items() if not name.startswith(OURS)}
    return {**result, "_meta": {**kept, **notes}}


def render_block(id_: Id, verdict: Verdict, *, tool: bool, modern: bool, result: bool = False) -> Body:
    """Answer a request that was blocked, or whose `result` was: a tool's goes on as a result, so that the model can go on."""
    stopped = say(RESULT_STOPPED if result else CALL_STOPPED, verdict.language)
    text = verdict.message or (stopped if verdict.unavailable is None else verdict.refusal)
    if tool:
        return rpc.make_result(id_, failed_tool_result(text, summarize_verdict(verdict), modern=modern))
    return rpc.make_error(id_, rpc.BLOCKED, text, summarize_verdict(verdict))


def render_refusal(id_: Id, why: str, *, modern: bool) -> Body:
    """Answer a call of a tool that must not be used."""
    text = f"{say(CALL_STOPPED)} Reason: {why}."
    return rpc.make_result(
        id_, failed_tool_result(text, {VERDICT: {"action": "block", "reason": why}}, modern=modern)
    )


def failed_tool_result(text: str, meta: Body, *, modern: bool) -> Body:
    """Return the result of a tool that failed."""
    made: dict[str, Any] = {"content": [{"type": "text", "text": text}], "isError": True, "_meta": meta}
    return {**made, "resultType": "complete"} if modern else made
