"""LiteLLM's generic guardrail API: texts, tools and calls are answered with NONE, BLOCKED or what to use instead.

What comes back are texts and tools, which LiteLLM puts in their places for every API; a change anywhere else blocks. LiteLLM
fails closed on any error unless it is told otherwise (`fail_on_error`, `unreachable_fallback`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from guardrails.engine.content.content_tree import ContentTree
from guardrails.engine.content.field_readers import by_table, each, identifier, keep, opaque
from guardrails.engine.model import Outcome
from guardrails.errors import RequestError
from guardrails.protocols.chat import chat_fields
from guardrails.protocols.errors import Problem
from guardrails.proxy.access.client import preferred_language
from guardrails.proxy.hooks.hook import (
    Hook,
    HookRequest,
    HookResponse,
    Piece,
    keep_all_turns,
    read_field,
    read_strings,
)
from guardrails.types import Place, Stage, Text
from guardrails.wire.pointers import Path

STAGES: Mapping[str, Stage] = {"request": Stage.INPUT, "response": Stage.OUTPUT}
ROLES: Mapping[Stage, str] = {Stage.INPUT: "user", Stage.OUTPUT: "assistant"}
LISTS = ("texts", "images", "tools", "tool_calls", "structured_messages")
CARRIED = frozenset({"texts", "tools"})
"""Fields whose changes come back."""

TAIL = 4_096
"""Characters at the end of a growing reply that are to be held back: no find is longer (DESIGN §4.6)."""


def _aside(tree: ContentTree, value: Any, path: Path, place: Place) -> None:
    """What the gateway says of the request: no model reads it, and nobody could change it."""


def _image(tree: ContentTree, value: Any, path: Path, place: Place) -> None:
    tree.cannot("part", "no detector reads this image", path, place)
    opaque(tree, value, path, place)


FIELDS = by_table(
    {
        "input_type": keep,
        "texts": _aside,  # read apart: their stages stand in the conversation
        "structured_messages": _aside,
        "images": each(_image),
        "tools": each(chat_fields.definition),
        "tool_calls": each(chat_fields.call),
        "model": identifier,
        **dict.fromkeys(
            ("litellm_call_id", "litellm_trace_id", "litellm_version", "request_headers", "request_data"),
            _aside,
        ),
        "additional_provider_specific_params": _aside,
    }
)


def read(body: dict[str, Any]) -> Sequence[Piece]:
    """Return the body as one piece."""
    stage = STAGES.get(read_field(body, "input_type", str))
    if stage is None:
        raise RequestError("invalid_type", f"must be {' or '.join(STAGES)}", "/input_type")
    for name in LISTS:
        read_field(body, name, list, type(None))
    tree = ContentTree()
    if body.get("structured_messages"):
        chat_fields.messages(
            tree, body["structured_messages"], ("structured_messages",), forgeable=stage is Stage.INPUT
        )
    place = Place(stage, role=ROLES[stage])
    FIELDS(tree, body, (), place)
    _texts(tree, read_strings(body, "texts", needed=False), place)
    return [Piece(body, keep_all_turns(tree), stage, carries=_carries)]


def _texts(tree: ContentTree, given: Sequence[str], place: Place) -> None:
    """Read the texts: each at the stages at which the conversation has it; texts that stand in none are judged joined too."""
    known: dict[str, list[Place]] = {}
    for leaf in tree.leaves:
        if isinstance(leaf.content, Text) and not leaf.again and leaf.path[:1] == ("structured_messages",):
            known.setdefault(leaf.content.text, []).append(leaf.content.place)
    alone = []
    for index, text in enumerate(given):
        found = known.get(text, [])
        if text and not found:
            alone.append(len(tree.leaves))
        stages = dict.fromkeys(stage for at in found for stage in (at.stage, *at.also))
        first, *also = stages or (place.stage,)
        same = found[0] if found else Place(role=place.role)
        tree.text(text, ("texts", index), Place(first, (*also,), same.role, tool=same.tool, use=same.use))
    tree.join(alone, ("texts",), place)


def _carries(tree: ContentTree, outcome: Outcome) -> bool:
    """Tell whether all that changes comes back: what changes in the conversation must be a text that changes."""
    edited = [tree.leaves[index] for index in outcome.edits]
    told = {
        leaf.content.text for leaf in edited if leaf.path[0] == "texts" and isinstance(leaf.content, Text)
    }
    return all(
        leaf.path[0] in CARRIED
        or (
            leaf.path[0] == "structured_messages"
            and leaf.inner is None
            and isinstance(leaf.content, Text)
            and leaf.content.text in told
        )
        for leaf in edited
    )


def write(asked: HookRequest) -> HookResponse:
    """Return LiteLLM's answer."""
    judged, body = asked.judged[0], asked.body
    if judged.blocked:
        unavailable = judged.verdict.unavailable is not None
        return _block(judged.reason if unavailable else judged.message)
    content: Any = judged.verdict.content
    changed = {name: content[name] for name in ("texts", "tools") if content.get(name) != body.get(name)}
    answer: dict[str, Any] = {"action": "GUARDRAIL_INTERVENED" if changed else "NONE", **changed}
    if judged.piece.stage is Stage.OUTPUT and body.get("texts"):
        answer["stream_holdback_chars"] = [min(len(text), TAIL) for text in content["texts"]]
    return HookResponse(answer)


def _block(reason: str) -> HookResponse:
    return HookResponse({"action": "BLOCKED", "blocked_reason": reason})


def write_unavailable(told: Problem) -> HookResponse:
    """Return a block: LiteLLM may be told to let errors pass."""
    return replace(_block(told.error["code"]), headers=told.headers)


def write_failure(told: Problem) -> HookResponse:
    """Return an error: LiteLLM reads its status alone."""
    return HookResponse({"error": told.error}, told.status, told.headers)


def read_identity(body: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return who asks: LiteLLM knows its keys' users and teams; the rest is what a client says of itself."""
    data, headers = (
        value if isinstance(value := body.get(name), Mapping) else {}
        for name in ("request_data", "request_headers")
    )
    user, team, end_user = (
        value if isinstance(value := data.get(f"user_api_key_{name}"), str) else None
        for name in ("user_id", "team_id", "end_user_id")
    )
    accepted = headers.get("accept-language")
    client = {
        "user": end_user,
        "language": preferred_language(accepted) if isinstance(accepted, str) else None,
    }
    model = body.get("model")
    return {
        "user": {"id": user} if user else {},
        "tenant": team,
        "client": {name: value for name, value in client.items() if value},
        "model": model if isinstance(model, str) else None,
    }


HOOK = Hook(
    "litellm",
    "/beta/litellm_basic_guardrail_api",
    read,
    write,
    write_failure,
    read_identity,
    write_unavailable=write_unavailable,
    summary="LiteLLM: its generic guardrail API.",
)
