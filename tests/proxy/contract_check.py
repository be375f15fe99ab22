"""Where a text may stand in what `/v1/check` is asked, for the contract matrix. The answer is the verdict."""

from __future__ import annotations

from typing import Any

from guardrails.protocols.chat import chat_fields
from guardrails.proxy.routes.check import CONTENTS
from guardrails.types import Stage

from .contract import Api

HI = {"role": "user", "content": "Hi."}
CALL = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "@json"}}

ASKS: dict[str, Any] = {
    **{
        f"{name}": {name: [{"role": "user", "content": "@"}] if name == "messages" else "@"}
        for name in CONTENTS
    },
    **{f"text, {stage}": {"text": "@", "stage": stage.value} for stage in Stage},
    **{f"message, {role}": {"messages": [HI, {"role": role, "content": "@"}]} for role in chat_fields.STAGES},
    "earlier turn": {
        "messages": [{"role": "user", "content": "@"}, {"role": "assistant", "content": "Oh."}, HI]
    },
    "message, a part": {"messages": [{"role": "user", "content": [{"type": "text", "text": "@"}]}]},
    "message, two parts": {
        "messages": [
            {"role": "user", "content": [{"type": "text", "text": "@<"}, {"type": "text", "text": "@>"}]}
        ]
    },
    "message, a call": {"messages": [HI, {"role": "assistant", "content": None, "tool_calls": [CALL]}]},
    "message, unknown field": {"messages": [{**HI, "x_new": "@"}]},
    "message, unknown role": {"messages": [{"role": "@", "content": "x"}]},
    "content, a structure": {"content": [{"a": ["b", "@"]}]},
    "content, a name": {"content": [{"@": 1}]},
    "stage": {"text": "x", "stage": "@"},
    "unknown field": {"text": "x", "x_new": "@"},
    "two contents": {"text": "x", "content": "@"},
}
CHECK = Api("/v1/check", ASKS, {}, forwards=False)
