"""Where a text may stand in what other gateways ask, for the contract matrix. The far side is what the gateway goes on with."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from guardrails.protocols.chat import chat_fields
from guardrails.proxy.hooks import HOOKS

from .contract import Api, World, passed, shown, tells

HI = {"role": "user", "content": "Hi."}
CALL = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "@json"}}
TOOL = {"type": "function", "function": {"name": "f", "description": "@", "parameters": {"type": "object"}}}

Use = Callable[[Any, Any], Any]
"""What was asked and its answer → what the gateway goes on with, None if it stops."""

TALKS: dict[str, list[Any]] = {
    **{f"message, {role}": [HI, {"role": role, "content": "@"}] for role in chat_fields.STAGES},
    "earlier turn": [{"role": "user", "content": "@"}, {"role": "assistant", "content": "Oh."}, HI],
    "a part": [{"role": "user", "content": [{"type": "text", "text": "@"}]}],
    "two parts": [
        {"role": "user", "content": [{"type": "text", "text": "@<"}, {"type": "text", "text": "@>"}]}
    ],
    "a picture's address": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "@"}}]}],
    "a call": [HI, {"role": "assistant", "content": None, "tool_calls": [CALL]}],
    "a message's name": [{**HI, "name": "@"}],
    "a message's unknown field": [{**HI, "x_new": "@"}],
    "unknown role": [{"role": "@", "content": "x"}],
}
"""Place → a conversation."""


def judge(use: Use, *, quotes: bool = False) -> Callable[..., str]:
    """Return what sends a request to a hook and says what became of its text; `quotes`: the protocol tells what was found."""

    def outcome(world: World, api: Api, body: Any, word: str, *, default: bool = False) -> str:
        path = api.path.replace("{", "").replace("}", "")
        got = world.send(path, body, default=default)
        action = got.headers.get("x-guardrails-action")
        if action is None:
            assert got.status in (400, 422) or got.json["verdict"] is False, (got.status, got.raw)
            return "refused"
        used = use(body, got.json)
        if used is None:
            assert action in ("block", "redact"), got.raw
            assert quotes or not tells(shown(got.raw) + str(got.headers), word), got.raw
            return "blocked"
        assert got.status == 200, got.raw
        text = json.dumps(used, ensure_ascii=False)
        if tells(text, word):
            return passed(got)
        assert action == "redact", (action, got.raw)
        return "redacted" if "[GONE]" in text else "left out"

    return outcome


def _put_back(value: Any, texts: Mapping[str, str]) -> Any:
    if isinstance(value, str):
        return texts.get(value, value)
    if isinstance(value, dict):
        return {name: _put_back(inner, texts) for name, inner in value.items()}
    return [_put_back(inner, texts) for inner in value] if isinstance(value, list) else value


def litellm(body: Any, answer: Any) -> Any:
    """LiteLLM puts the texts where it took them from; the conversation is what it forwards."""
    if answer["action"] == "BLOCKED":
        return None
    new = answer.get("texts") or body.get("texts") or []
    texts = dict(zip(body.get("texts") or [], new, strict=True))
    sent = {**body, **{name: answer[name] for name in ("tools",) if answer.get(name)}, "texts": new}
    return {**sent, "structured_messages": _put_back(body.get("structured_messages"), texts)}


def portkey(body: Any, answer: Any) -> Any:
    """Portkey takes the other body, if there is one."""
    side = "request" if body["eventType"] == "beforeRequestHook" else "response"
    given = answer.get("transformedData", body)[side]["json"]
    return given if answer["verdict"] else None


def agentgateway(body: Any, answer: Any) -> Any:
    """The members decide; raw, there are messages or nothing."""
    if "action" not in answer:
        return answer["messages"] or body
    told = answer["action"].get("body", body)
    return None if isinstance(told, str) else told


def fms(body: Any, answer: Any) -> Any:
    """Whatever is detected stops."""
    return None if any(answer) else body


def bedrock(body: Any, answer: Any) -> Any:
    """Outputs stand in for the contents."""
    if answer["action"] == "NONE":
        return body
    return None if answer["actionReason"] == "Guardrail blocked." else answer["outputs"]


def analyze(body: Any, answer: Any) -> Any:
    """A match of a blocklist stops."""
    return None if answer["blocklistsMatch"] else body


def shield(body: Any, answer: Any) -> Any:
    """An attack stops."""
    found = [*([answer["userPromptAnalysis"]] if "userPromptAnalysis" in answer else [])]
    return None if any(each["attackDetected"] for each in [*found, *answer["documentsAnalysis"]]) else body


def perspective(body: Any, answer: Any) -> Any:
    """A high score stops."""
    scores = [each["summaryScore"]["value"] for each in answer["attributeScores"].values()]
    return None if max(scores) > 0.9 else body


def _lite(kind: str = "request", **fields: Any) -> dict[str, Any]:
    return {"input_type": kind, "request_data": {}, "images": None, "model": "m", **fields}


def _texts(messages: list[Any]) -> list[str]:
    """Return what LiteLLM takes out of a conversation."""
    found = []
    for message in messages:
        content = message["content"]
        parts = content if isinstance(content, list) else [{"text": content}]
        found += [part["text"] for part in parts if part.get("text")]
    return found


LITELLM = {
    "text": _lite(texts=["@"]),
    "text of a reply": _lite("response", texts=["@"]),
    "two texts": _lite(texts=["@<", "@>"]),
    "tool": _lite(texts=["x"], tools=[TOOL]),
    "tool call": _lite(texts=["x"], tool_calls=[CALL]),
    "tool call of a reply": _lite("response", texts=[], tool_calls=[CALL]),
    "image": _lite(texts=["x"], images=["@"]),
    "model": _lite(texts=["x"], model="@"),
    "unknown field": _lite(texts=["x"], x_new="@"),
    "kind": _lite("@", texts=["x"]),
    **{name: _lite(texts=_texts(messages), structured_messages=messages) for name, messages in TALKS.items()},
    "a message that is no text": _lite(texts=["x"], structured_messages=[{"role": "user", "content": "@"}]),
}


def _port(kind: str, asked: Any, answer: Any = None) -> dict[str, Any]:
    event = "beforeRequestHook" if answer is None else "afterRequestHook"
    head = {"eventType": event, "provider": "openai", "requestType": kind, "metadata": {"user": "u1"}}
    response = {"json": answer or {}, "text": "", "statusCode": 200, "isTransformed": False}
    request = {"json": asked, "text": "hello", "isStreamingRequest": False, "isTransformed": False}
    return {**head, "request": request, "response": response}


def _choice(**message: Any) -> dict[str, Any]:
    return {"index": 0, "message": {"role": "assistant", **message}, "finish_reason": "stop"}


ASKED = {"model": "m", "messages": [HI]}
CHOICES = {
    "reply": [_choice(content="@")],
    "second reply": [_choice(content="x"), {**_choice(content="@"), "index": 1}],
    "a call of a reply": [_choice(content=None, tool_calls=[CALL])],
    "unknown field of a reply": [_choice(content="x", x_new="@")],
}
PORTKEY = {
    **{name: _port("chatComplete", {"model": "m", "messages": messages}) for name, messages in TALKS.items()},
    "tool": _port("chatComplete", {**ASKED, "tools": [TOOL]}),
    "unknown field": _port("chatComplete", {**ASKED, "x_new": "@"}),
    "Messages": _port("messages", {"model": "m", "max_tokens": 9, "messages": [{**HI, "content": "@"}]}),
    "Responses": _port("createModelResponse", {"model": "m", "input": "@"}),
    "completion": _port("complete", {"model": "m", "prompt": "@"}),
    "embedding": _port("embed", {"model": "m", "input": ["x", "@"]}),
    "another API": _port("imageGenerate", {"model": "m", "prompt": "@"}),
    "another API's reply": _port("imageGenerate", {"prompt": "x"}, {"data": [{"revised_prompt": "@"}]}),
    **{
        name: _port("chatComplete", ASKED, {"id": "c", "choices": choices})
        for name, choices in CHOICES.items()
    },
    "completion's reply": _port("complete", {"prompt": "x"}, {"choices": [{"text": "@"}]}),
    "kind of event": {**_port("chatComplete", ASKED), "eventType": "@"},
}
GATEWAY_ASKED = {
    **{name: {"body": {"messages": messages}} for name, messages in TALKS.items()},
    **{f"raw, {name}": {"model": "m", "messages": messages} for name, messages in TALKS.items()},
    "unknown field": {"body": {"messages": [HI], "x_new": "@"}},
}
GATEWAY_ANSWERED = {
    **{name: {"body": {"choices": choices}} for name, choices in CHOICES.items()},
    "unknown field": {"body": {"choices": [_choice(content="x")], "x_new": "@"}},
}
FMS = {
    "contents": {
        "content": {"contents": ["x", "@"], "detector_params": {}},
        "unknown field": {"contents": ["x"], "x_new": "@"},
    },
    "chat": {
        **{name: {"messages": messages} for name, messages in TALKS.items()},
        "tool": {"messages": [HI], "tools": [TOOL]},
        "unknown field": {"messages": [HI], "x_new": "@"},
    },
    "generation": {
        "prompt": {"prompt": "@", "generated_text": "x"},
        "generated text": {"prompt": "x", "generated_text": "@"},
        "unknown field": {"prompt": "x", "generated_text": "x", "x_new": "@"},
    },
    "context/doc": {
        "content": {"content": "@", "context_type": "chunks", "context": ["x"]},
        "document": {"content": "x", "context_type": "document", "context": ["x", "@"]},
        "address": {"content": "x", "context_type": "url", "context": ["@"]},
        "kind": {"content": "x", "context_type": "@", "context": ["x"]},
        "unknown field": {"content": "x", "context_type": "chunks", "context": ["x"], "x_new": "@"},
    },
}


def _apply(*contents: Any, source: str = "INPUT") -> dict[str, Any]:
    return {"source": source, "content": [*contents]}


BEDROCK = {
    "input": _apply({"text": {"text": "@"}}),
    "output": _apply({"text": {"text": "@"}}, source="OUTPUT"),
    "two texts": _apply({"text": {"text": "@<"}}, {"text": {"text": "@>"}}),
    **{
        f"text, {each}": _apply({"text": {"text": "@", "qualifiers": [each]}})
        for each in ("grounding_source", "query", "guard_content")
    },
    "qualifier": _apply({"text": {"text": "x", "qualifiers": ["@"]}}),
    "image": _apply({"image": {"format": "png", "source": {"bytes": "@"}}}),
    "unknown field of a text": _apply({"text": {"text": "x", "x_new": "@"}}),
    "unknown field": {**_apply({"text": {"text": "x"}}), "x_new": "@"},
    "source": _apply({"text": {"text": "x"}}, source="@"),
}
ANALYZE = {
    "text": {"text": "@", "outputType": "FourSeverityLevels"},
    "category": {"text": "x", "categories": ["@"]},
    "kind of output": {"text": "x", "outputType": "@"},
    "unknown field": {"text": "x", "x_new": "@"},
}
SHIELD = {
    "prompt": {"userPrompt": "@", "documents": ["x"]},
    "document": {"userPrompt": "x", "documents": ["x", "@"]},
    "document alone": {"documents": ["@"]},
    "unknown field": {"userPrompt": "x", "x_new": "@"},
}


def _comment(**fields: Any) -> dict[str, Any]:
    return {"comment": {"text": "x"}, "requestedAttributes": {"TOXICITY": {}}, **fields}


PERSPECTIVE = {
    "comment": _comment(comment={"text": "@", "type": "PLAIN_TEXT"}),
    "context": _comment(context={"entries": [{"text": "@"}]}),
    "attribute": _comment(requestedAttributes={"@": {}}),
    "unknown field of a comment": _comment(comment={"text": "x", "x_new": "@"}),
    "unknown field": _comment(x_new="@"),
}

PLACES: Mapping[str, tuple[Mapping[str, Any], Use]] = {
    "litellm": (LITELLM, litellm),
    "portkey": (PORTKEY, portkey),
    "agentgateway.request": (GATEWAY_ASKED, agentgateway),
    "agentgateway.response": (GATEWAY_ANSWERED, agentgateway),
    **{f"fms.{name}": (places, fms) for name, places in FMS.items()},
    "bedrock": (BEDROCK, bedrock),
    "azure.analyze": (ANALYZE, analyze),
    "azure.shield": (SHIELD, shield),
    "perspective": (PERSPECTIVE, perspective),
}
"""Hook → where a text may stand, and what its gateway makes of an answer."""

HOOKED = tuple(
    replace(Api(HOOKS[name].path, dict(places), {}, forwards=False), judge=judge(use, quotes=use is fms))
    for name, (places, use) in PLACES.items()
)
