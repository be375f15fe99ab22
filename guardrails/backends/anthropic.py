"""The calls of Anthropic's API: how each is read, how its stream is put together, and how a block is answered in kind."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

from guardrails.backends.answers import broken
from guardrails.backends.calls import Calls
from guardrails.backends.client import wrap as guarded
from guardrails.backends.events import Event
from guardrails.backends.exchange import Api, Body, Terms
from guardrails.backends.grown import Grown, Where
from guardrails.engine import messages, subject
from guardrails.engine.exact import write
from guardrails.engine.subject import Subject

MOST_BLOCKS = 4096
DELTAS = {"partial_json": "input"}
"""What a delta calls a field of its block, where that is not the block's own name."""

PIECES = {"text": "text_delta", "thinking": "thinking_delta", "signature": "signature_delta"}
"""Fields of a block that a stream sends in deltas, with their type."""

NO_USAGE = {"input_tokens": 0, "output_tokens": 0}


def request(body: Body) -> Subject:
    """Read a request."""
    return subject.body(body, messages.request(body), messages.changed)


def response(body: Body) -> Subject:
    """Read a message."""
    return subject.body(body, messages.response(body), messages.changed)


def joined(events: Sequence[Body]) -> Grown:
    """Put the events of a message together.

    Raises:
        BackendError: one is malformed, or of no known type.
    """
    whole = Grown()
    for at, event in enumerate(events):
        kind = event.get("type")
        if not isinstance(kind, str) or kind not in FIELDS:
            raise broken("its stream has an event of no known type")
        for name, value in event.items():
            if name in FIELDS[kind]:
                if not isinstance(value, Mapping):
                    raise broken(f"an event of its stream has a malformed {name}")
                _take(_target(whole, kind, event), value, (at, (name,)))
            elif name not in ("type", "index"):
                whole.grow(name, value, (at, (name,)))
    return whole


FIELDS: Mapping[str, tuple[str, ...]] = {
    "message_start": ("message",),
    "content_block_start": ("content_block",),
    "content_block_delta": ("delta",),
    "content_block_stop": (),
    "message_delta": ("delta",),
    "message_stop": (),
    "ping": (),
    "error": (),
}
"""The types of events, with the field of each that holds a piece of the message or of a block."""


def _target(whole: Grown, kind: str, event: Body) -> Grown:
    """Return what an event speaks of: the message, or one of its blocks."""
    if kind in ("message_start", "message_delta"):
        return whole
    index = event.get("index")
    if type(index) is not int or not 0 <= index < MOST_BLOCKS:
        raise broken("an event of its stream has no index")
    return whole.field("content").slot(index)


def _take(target: Grown, piece: Body, where: Where) -> None:
    for name, value in piece.items():
        place = (where[0], (*where[1], name))
        if name == "type" and where[1] == ("delta",):
            continue  # of the delta
        if name == "citation":
            target.field("citations").append(value, place)
        elif name != "input" or value != {}:  # the arguments come in deltas
            target.grow(DELTAS.get(name, name), value, place)


def refusal(message: str, body: Body, answer: Body) -> dict[str, Any]:
    """Answer a request with a message alone; `answer` is what was stopped."""
    return {
        "id": answer.get("id") or "msg_" + os.urandom(12).hex(),
        "type": "message",
        "role": "assistant",
        "model": answer.get("model") or body.get("model", ""),
        "content": [],
        "stop_reason": "refusal",
        "stop_sequence": None,
        "stop_details": {"type": "refusal", "category": None, "explanation": message},
        "usage": answer.get("usage") or NO_USAGE,
    }


def split(message: Body) -> list[Event]:
    """Cut a message into the events of its stream."""
    usage = message.get("usage") or NO_USAGE
    opened = {**message, "content": [], "stop_reason": None, "stop_sequence": None, "stop_details": None}
    events: list[dict[str, Any]] = [{"type": "message_start", "message": opened}]
    for index, block in enumerate(message.get("content") or ()):
        start, deltas = _pieces(block)
        events.append({"type": "content_block_start", "index": index, "content_block": start})
        events += [{"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas]
        events.append({"type": "content_block_stop", "index": index})
    ending = {name: message.get(name) for name in ("stop_reason", "stop_sequence", "stop_details")}
    events.append({"type": "message_delta", "delta": ending, "usage": usage})
    return [Event(event["type"], event) for event in (*events, {"type": "message_stop"})]


def _pieces(block: Body) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return a block as it starts, and the deltas that make the rest of it."""
    start = dict(block)
    deltas: list[dict[str, Any]] = []
    for name, kind in PIECES.items():
        if isinstance(block.get(name), str):
            start[name] = ""
            deltas.append({"type": kind, name: block[name]})
    if "input" in block:
        given = block["input"]
        start["input"] = {}
        deltas.append(
            {"type": "input_json_delta", "partial_json": given if isinstance(given, str) else write(given)}
        )
    if isinstance(block.get("citations"), list):
        start["citations"] = []
        deltas += [{"type": "citations_delta", "citation": entry} for entry in block["citations"]]
    return start, deltas


MESSAGES = Api(request, response, refusal, None, joined, split, done=False)

CALLS = Calls(
    {
        "POST /v1/messages": MESSAGES,
        "POST /v1/messages/count_tokens": Api(request),
        # Nothing here is a prompt or an answer of a model.
        **dict.fromkeys(["* /v1/models/**", "* /v1/files/**"], None),
    }
)
"""What a wrapped client may call; all else is refused."""


def wrap(client: Any, terms: Terms) -> Any:
    """Return a client of Anthropic's with a guard around every call."""
    return guarded(client, terms, CALLS)
