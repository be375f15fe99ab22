"""The field tables of OpenAI's chat API: messages, requests and responses in, leaves out.

Each table maps a field to how it is read. A message's role says at which stage it stands (DESIGN §4.4);
assistant turns that a client sends stand at `output` and at `input` too, because they can be forged.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from guardrails.engine.fields import Leaves, Path, pointer
from guardrails.engine.tables import (
    anything,
    arguments,
    by_table,
    each,
    figures,
    flag,
    identifier,
    keep,
    parts,
    refuse,
    text,
)
from guardrails.errors import RequestError
from guardrails.types import Place, Stage

STAGES: Mapping[str, Stage] = {
    "system": Stage.INPUT,
    "developer": Stage.INPUT,
    "user": Stage.INPUT,
    "assistant": Stage.OUTPUT,
    "tool": Stage.TOOL_RESULT,
    "function": Stage.TOOL_RESULT,
}
LONGEST_ROLE = 32
"""Characters up to which a wrong role is repeated in a message."""


def kind_word(leaves: Leaves, value: Any, path: Path, place: Place) -> None:
    """The `type` of a call or definition: nothing to judge where it is one of the usual words."""
    if value not in ("function", "custom"):
        identifier(leaves, value, path, place)


# Parts of a message. What is no text cannot be judged by this build, and the policy's `unchecked:` decides.
PARTS: Mapping[str, tuple[str, ...]] = {
    "text": ("text",),
    "input_text": ("text",),
    "output_text": ("text",),
    "refusal": ("refusal",),
    "thinking": ("thinking",),
    "reasoning": ("text",),
}
PART_KINDS: Mapping[str, tuple[str, str]] = {
    "image_url": ("part", "image"),
    "input_image": ("part", "image"),
    "image": ("part", "image"),
    "video_url": ("part", "video"),
    "video": ("part", "video"),
    "input_audio": ("audio", "sound"),
    "audio": ("audio", "sound"),
    "file": ("part", "file"),
    "input_file": ("part", "file"),
}


def part(leaves: Leaves, value: Any, path: Path, place: Place) -> None:
    """One part of a message's content."""
    if not isinstance(value, Mapping):
        text(leaves, value, path, place)
        return
    kind = value.get("type")
    fields = PARTS.get(kind, ()) if isinstance(kind, str) else ()
    if not fields:
        unchecked, name = PART_KINDS.get(str(kind), ("part", "type of part"))
        leaves.cannot(unchecked, f"no detector reads this {name}", path, place)
    for name, inner in value.items():
        if name in fields:
            text(leaves, inner, (*path, name), place)
        elif name != "type" and not (name == "data" and not fields):
            leaves.unknown_field(inner, (*path, name), place)


content = parts(part, PARTS)


def call(leaves: Leaves, value: Any, path: Path, place: Place) -> None:
    """One tool call of an assistant: its name and its arguments, at the stage `tool_call`."""
    function = value.get("function", value.get("custom", value)) if isinstance(value, Mapping) else None
    name = function.get("name") if isinstance(function, Mapping) else None
    here = replace(place, stage=Stage.TOOL_CALL, tool=name if isinstance(name, str) else "")
    if isinstance(function, Mapping):
        given = function.get("arguments", function.get("input"))
        leaves.call(here.tool or "", given if isinstance(given, str) else "", path, here)
    CALL(leaves, value, path, here)


def definition(leaves: Leaves, value: Any, path: Path, place: Place) -> None:
    """One tool definition: everything in it is read by the model."""
    inner = value.get("function", value.get("custom", value)) if isinstance(value, Mapping) else None
    name = inner.get("name") if isinstance(inner, Mapping) else None
    here = Place(stage=Stage.TOOL_DEFINITION, role="system", tool=name if isinstance(name, str) else "")
    DEFINITION(leaves, value, path, here)


FUNCTION = by_table({"name": identifier, "arguments": arguments, "input": text})
CALL = by_table(
    {
        "id": identifier,
        "type": kind_word,
        "index": flag,
        "function": FUNCTION,
        "custom": FUNCTION,
        "name": identifier,
        "arguments": arguments,
    }
)
DEFINED = by_table({"name": identifier, "strict": flag}, lenient=True)
DEFINITION = by_table(
    {"type": kind_word, "function": DEFINED, "custom": DEFINED, "name": identifier}, lenient=True
)


def audio(leaves: Leaves, value: Any, path: Path, place: Place) -> None:
    """A spoken reply: its transcript is text, its sound is not judged by this build."""
    if value is None:
        return
    leaves.cannot("audio", "no transcriber for this sound", path, place)
    by_table({"id": identifier, "transcript": text, "data": keep, "expires_at": flag})(
        leaves, value, path, place
    )


MESSAGE = by_table(
    {
        "role": keep,
        "content": content,
        "name": identifier,
        "tool_call_id": identifier,
        "id": identifier,
        "tool_calls": each(call),
        "function_call": call,
        "refusal": text,
        "reasoning": text,
        "reasoning_content": text,
        "annotations": anything,
        "audio": audio,
    }
)


def message(leaves: Leaves, value: Any, path: Path, index: int, *, forgeable: bool) -> str:
    """Read one message of a request; return its role."""
    if not isinstance(value, Mapping):
        raise RequestError(
            "invalid_message", f"a message must be a mapping, not {type(value).__name__}", pointer(path)
        )
    role = value.get("role")
    if not isinstance(role, str) or role not in STAGES:
        shown = f"{role!r} " if isinstance(role, str) and len(role) <= LONGEST_ROLE else ""
        raise RequestError(
            "unknown_role", f"role {shown}is not one of {', '.join(STAGES)}", pointer((*path, "role"))
        )
    also = (Stage.INPUT,) if role == "assistant" and forgeable else ()
    name = value.get("name")
    tool = name if role in {"tool", "function"} and isinstance(name, str) else None
    MESSAGE(leaves, value, path, Place(STAGES[role], also, role, message=index, tool=tool))
    return role


def messages(leaves: Leaves, value: Any, path: Path = (), *, forgeable: bool = True) -> None:
    """Read the messages of a request, oldest first; `forgeable`: a client sent them, assistant turns too."""
    if not isinstance(value, list | tuple):
        raise RequestError("invalid_messages", "messages must be a list", pointer(path))
    roles = [
        message(leaves, entry, (*path, index), index, forgeable=forgeable)
        for index, entry in enumerate(value)
    ]
    users = [index for index, role in enumerate(roles) if role == "user"]
    leaves.turns = max(1, len(users))
    leaves.current_from = users[-1] if users else 0
    leaves.roles = tuple(roles)
    leaves.beside(leaves.system())


def tokens(leaves: Leaves, value: Any, path: Path, place: Place) -> None:
    """Log-probabilities: the tokens of a text that is judged elsewhere. They go where that text is edited."""


def choice(leaves: Leaves, value: Any, path: Path, place: Place) -> None:
    """One choice of a response."""
    index = value.get("index") if isinstance(value, Mapping) else None
    position = index if isinstance(index, int) and not isinstance(index, bool) else int(path[-1])
    CHOICE(leaves, value, path, replace(place, choice_index=position))


CHOICE = by_table(
    {
        "index": keep,
        "finish_reason": keep,
        "stop_reason": keep,
        "message": MESSAGE,
        "logprobs": tokens,
        "text": text,
    }
)
RESPONSE = by_table(
    {
        "id": keep,
        "object": keep,
        "created": keep,
        "model": keep,
        "service_tier": keep,
        "system_fingerprint": keep,
        "usage": figures,
        "choices": each(choice),
    }
)


def prediction(leaves: Leaves, value: Any, path: Path, place: Place) -> None:
    """A predicted reply: text that the model may repeat."""
    by_table({"type": keep, "content": content})(leaves, value, path, place)


def request_messages(leaves: Leaves, value: Any, path: Path, place: Place) -> None:
    """The conversation of a request."""
    messages(leaves, value, path)


RETRIEVED = Place(Stage.RETRIEVAL, role="tool")
REQUEST = by_table(
    {
        "model": keep,
        "messages": request_messages,
        "tools": each(definition),
        "functions": each(definition),
        "tool_choice": anything,
        "function_call": anything,
        "response_format": anything,
        "prediction": prediction,
        "documents": lambda leaves, value, path, place: leaves.anything(value, path, RETRIEVED),
        "stop": anything,
        "user": text,
        "safety_identifier": text,
        "prompt_cache_key": keep,
        "metadata": anything,
        "web_search_options": anything,
        "stream_options": figures,
        "logit_bias": figures,
        "modalities": figures,
        "audio": figures,
        **dict.fromkeys(
            ("stream", "n", "temperature", "top_p", "top_k", "seed", "max_tokens", "max_completion_tokens"),
            flag,
        ),
        **dict.fromkeys(("presence_penalty", "frequency_penalty", "logprobs", "top_logprobs"), flag),
        **dict.fromkeys(("parallel_tool_calls", "store"), flag),
        **dict.fromkeys(("reasoning_effort", "verbosity", "service_tier", "prompt_cache_retention"), keep),
        # These change the prompt after the guard has read it.
        **dict.fromkeys(
            ("chat_template", "chat_template_kwargs", "continue_final_message", "previous_response_id"),
            refuse,
        ),
    }
)


def request(body: Any) -> Leaves:
    """Return the leaves of a chat completion request."""
    leaves = Leaves()
    if not isinstance(body, Mapping) or "messages" not in body:
        raise RequestError("invalid_messages", "the body must be a mapping with 'messages'", "/messages")
    REQUEST(leaves, body, (), Place(Stage.INPUT, role="user"))
    return leaves


def response(body: Any, system: str = "", prompt: str = "", sources: str = "") -> Leaves:
    """Return the leaves of a chat completion, beside the system prompt and the message that it answered to, and what was
    retrieved for it.
    """
    leaves = Leaves()
    RESPONSE(leaves, body, (), Place(Stage.OUTPUT, role="assistant"))
    leaves.beside(system, prompt, sources)
    return leaves
