"""Where a text may stand in Google's Gemini API, for the contract matrix."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from guardrails.protocols.gemini import gemini_answer_fields, gemini_fields

from .conftest import Answer
from .contract import Api, Failure
from .contract_messages import SEALED, WORDS
from .gemini_kit import candidate, chunk, chunks
from .gemini_kit import gemini_answer as answer

HI = {"role": "user", "parts": [{"text": "Hi."}]}
CALL = {"functionCall": {"name": "f", "args": {}}}


def asking(*contents: Any, **fields: Any) -> dict[str, Any]:
    """Return a request."""
    return {"contents": [*contents], **fields}


def saying(*parts: Any) -> dict[str, Any]:
    """Return a request whose user says these parts."""
    return asking({"role": "user", "parts": [*parts]})


def said(*parts: Any) -> dict[str, Any]:
    """Return a request in whose current turn the model has said these parts."""
    return asking(HI, {"role": "model", "parts": [*parts]})


def tool(**fields: Any) -> dict[str, Any]:
    """Return a request with a function."""
    return asking(HI, tools=[{"functionDeclarations": [{"name": "f", "description": "Does.", **fields}]}])


def called(**fields: Any) -> dict[str, Any]:
    """Return a call of a function."""
    return {"functionCall": {**CALL["functionCall"], **fields}}


PARTS: dict[str, Any] = {
    "text": {"text": "@"},
    "text, unknown field": {"text": "x", "x_new": {"a": ["@"]}},
    "text, name of a field": {"text": "x", "@": 1},
    "text, a structure": {"text": ["@"]},
    "text, signature": {"text": "x", "thoughtSignature": "@"},
    "text, signed": {"text": "@", "thoughtSignature": SEALED},
    "text, beside a call": {"text": "@", **CALL},
    "thought": {"text": "@", "thought": True},
    "thought, signed": {"text": "@", "thought": True, "thoughtSignature": SEALED},
    "thought, a flag that is none": {"text": "x", "thought": "@"},
    "part's metadata": {"text": "x", "partMetadata": {"a": "@"}},
    **{
        f"part's {name}": {"text": "x", name: {"a": "@"}}
        for name in ("mediaResolution", "mediaProcessing", "documentMetadata", "spreadsheetMetadata", "audioMetadata")
    },
    "unknown kind": {"x_new": {"deep": ["@"]}},
    "inlineData, data": {"inlineData": {"mimeType": "image/png", "data": "@"}},
    "inlineData, mimeType": {"inlineData": {"mimeType": "@", "data": SEALED}},
    "inlineData, displayName": {"inlineData": {"mimeType": "image/png", "data": SEALED, "displayName": "@"}},
    "inlineData, a text": {"inlineData": {"mimeType": "text/plain", "data": "@"}},
    "inlineData, sound": {"inlineData": {"mimeType": "audio/mp3", "data": "@"}},
    "inlineData, unknown field": {"inlineData": {"mimeType": "image/png", "data": SEALED, "x_new": "@"}},
    "fileData, fileUri": {"fileData": {"mimeType": "video/mp4", "fileUri": "@"}},
    "fileData, displayName": {"fileData": {"fileUri": "u", "displayName": "@"}},
    "videoMetadata": {"fileData": {"fileUri": "u"}, "videoMetadata": {"startOffset": "@"}},
    "functionCall, name": called(name="@"),
    "functionCall, id": called(id="@"),
    "functionCall, args": called(args={"a": {"b": ["@"]}}),
    "functionCall, args' name": called(args={"@": 1}),
    "functionCall, args as a text": called(args="@json"),
    "functionCall, args in pieces": called(partialArgs=[{"jsonPath": "$.a", "stringValue": "@"}]),
    "functionCall, signed": {**called(args={"a": "@"}), "thoughtSignature": SEALED},
    "functionCall, unknown field": called(x_new="@"),
    "toolCall, args": {"toolCall": {"toolType": "GOOGLE_SEARCH", "args": {"queries": ["@"]}}},
    "toolCall, kind": {"toolCall": {"toolType": "@"}},
    "executableCode": {"executableCode": {"language": "PYTHON", "code": "@"}},
    "executableCode, language": {"executableCode": {"language": "@", "code": "x"}},
    "codeExecutionResult": {"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "@"}},
    "codeExecutionResult, outcome": {"codeExecutionResult": {"outcome": "@", "output": "x"}},
}  # fmt: skip
"""Parts with a text, which may stand in a content of any role."""

RESULTS: dict[str, Any] = {
    f"{kind}, {name}": {kind: {"name": "f", "response": {}, **fields}}
    for kind in ("functionResponse", "toolResponse")
    for name, fields in {
        "name": {"name": "@"},
        "id": {"id": "@"},
        "response": {"response": {"a": {"b": ["@"]}}},
        "response's name": {"response": {"@": 1}},
        "parts": {"parts": [{"inlineData": {"mimeType": "image/png", "data": "@"}}]},
        "unknown field": {"x_new": "@"},
    }.items()
}
SNAKES: dict[str, Any] = {
    "system_instruction": asking(HI, system_instruction={"parts": [{"text": "@"}]}),
    "function_call": said({"function_call": {"name": "f", "args": {"a": "@"}}}),
    "function_response": saying({"function_response": {"name": "f", "response": {"a": "@"}}}),
    "inline_data": saying({"inline_data": {"mime_type": "image/png", "data": "@"}}),
    "thought_signature": said({"text": "@", "thought_signature": SEALED}),
    "function_declarations": asking(
        HI, tools=[{"function_declarations": [{"name": "f", "description": "@"}]}]
    ),
    "generation_config": asking(HI, generation_config={"stop_sequences": ["@"]}),
    "cached_content": asking(HI, cached_content="@"),
}
"""Names in their other spelling."""

ASKS: dict[str, Any] = {
    "system": asking(HI, systemInstruction={"parts": [{"text": "@"}]}),
    "system, one part alone": asking(HI, systemInstruction={"parts": {"text": "@"}}),
    "system, two parts": asking(HI, systemInstruction={"parts": [{"text": "@<"}, {"text": "@>"}]}),
    "system, a text": asking(HI, systemInstruction="@"),
    "system, role": asking(HI, systemInstruction={"role": "@", "parts": [{"text": "x"}]}),
    "one content alone": {"contents": {"parts": {"text": "@"}}},
    "contents, a text": {"contents": "@"},
    "a content, a text": asking("@"),
    "content, no role": asking({"parts": [{"text": "@"}]}),
    "content, unknown field": asking({**HI, "x_new": "@"}),
    "content, role": asking({**HI, "role": "@"}),
    "content, parts as a text": asking({"role": "user", "parts": "@"}),
    "earlier turn": asking({"role": "user", "parts": [{"text": "@"}]}, {"role": "model", "parts": [{"text": "Oh."}]}, HI),
    "earlier answer": asking(HI, {"role": "model", "parts": [{"text": "@"}]}, HI),
    "two parts": saying({"text": "@<"}, {"text": "@>"}),
    "two parts, a picture between": saying({"text": "@<"}, {"inlineData": {"mimeType": "image/png", "data": SEALED}}, {"text": "@>"}),
    "model, two parts, a thought between": said({"text": "@<"}, {"text": "x", "thought": True}, {"text": "@>"}),
    **{f"user, {place}": saying(each) for place, each in {**PARTS, **RESULTS}.items()},
    **{f"model, {place}": said(each) for place, each in PARTS.items()},
    "function, response": asking(HI, {"role": "function", "parts": [RESULTS["functionResponse, response"]]}),
    **{f"other spelling: {place}": body for place, body in SNAKES.items()},
    "both spellings": asking(HI, systemInstruction={"parts": [{"text": "x"}]}, system_instruction={"parts": [{"text": "@"}]}),
    "both spellings, in a part": said({**called(args={"a": "x"}), "function_call": {"name": "f", "args": {"a": "@"}}}),
    "tool, name": tool(name="@"),
    "tool, description": tool(description="@"),
    "tool, parameter's description": tool(parameters={"properties": {"p": {"description": "@"}}}),
    "tool, parameter's name": tool(parameters={"properties": {"@": {"type": "STRING"}}}),
    "tool, JSON schema": tool(parametersJsonSchema={"properties": {"p": {"description": "@"}}}),
    "tool, response": tool(response={"description": "@"}),
    "tool, unknown field": tool(x_new="@"),
    "tool, alone": asking(HI, tools={"functionDeclarations": {"name": "f", "description": "@"}}),
    "tool, of the provider": asking(HI, tools=[{"googleSearch": {"excludeDomains": ["@"]}}]),
    "tool, of a server": asking(HI, tools=[{"mcpServers": [{"name": "@"}]}]),
    "tool, unknown kind": asking(HI, tools=[{"x_new": {"a": "@"}}]),
    "toolConfig, names": asking(HI, toolConfig={"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["@"]}}),
    "toolConfig, arguments in pieces": asking(
        {"role": "user", "parts": [{"text": "@"}]}, toolConfig={"functionCallingConfig": {"streamFunctionCallArguments": True}}
    ),
    "generationConfig, stopSequences": asking(HI, generationConfig={"stopSequences": ["@"]}),
    "generationConfig, responseSchema": asking(HI, generationConfig={"responseSchema": {"properties": {"a": {"description": "@"}}}}),
    "generationConfig, responseMimeType": asking(HI, generationConfig={"responseMimeType": "@"}),
    "generationConfig, thinkingConfig": asking(HI, generationConfig={"thinkingConfig": {"thinkingLevel": "@"}}),
    "generationConfig, unknown field": asking(HI, generationConfig={"xNew": {"a": "@"}}),
    "labels": asking(HI, labels={"a": "@"}),
    "safetySettings": asking(HI, safetySettings=[{"category": "@", "threshold": "BLOCK_NONE"}]),
    "another model": asking({"role": "user", "parts": [{"text": "@"}]}, model="models/other"),
    **{f"field {name}": asking(HI, **{name: "@"}) for name in gemini_fields.REQUEST.fields if name != "contents"},
    "field contents": {"contents": "@"},
    "unknown field": asking(HI, xNew={"a": ["@"]}),
    "name of a field": asking(HI, **{"@": 1}),
}  # fmt: skip

COUNTED: dict[str, Any] = {
    "a whole request": {"generateContentRequest": {"model": "models/model", **saying({"text": "@"})}},
    "a whole request, system": {"generateContentRequest": asking(HI, systemInstruction={"parts": [{"text": "@"}]})},
    "a whole request, earlier turn": {
        "generateContentRequest": asking({"role": "user", "parts": [{"text": "@"}]}, {"role": "model", "parts": [{"text": "Oh."}]}, HI)
    },
    "a whole request, of another model": {"generateContentRequest": {"model": "other", **saying({"text": "@"})}},
    "a whole request, and contents": {"generateContentRequest": asking(HI), **saying({"text": "@"})},
    "a whole request, in the other spelling": {"generate_content_request": saying({"text": "@"})},
    "a whole request, unknown field": {"generateContentRequest": asking(HI, xNew="@")},
    "a whole request, a text": {"generateContentRequest": "@"},
}  # fmt: skip


def grounded(**fields: Any) -> dict[str, Any]:
    """Return an answer with what it rests on."""
    return answer("x", groundingMetadata=fields)


TOKEN = {"token": "@", "tokenId": 1, "logProbability": -1.0}
ANSWERS: dict[str, Any] = {
    "text": answer("@"),
    "two parts": answer("@<", "@>"),
    "two parts, a call between": answer("@<", CALL, "@>"),
    "two parts, a thought between": answer("@<", {"text": "x", "thought": True}, "@>"),
    "two thoughts": answer({"text": "@<", "thought": True}, {"text": "@>", "thought": True}, "x"),
    "text behind a thought": answer({"text": "x", "thought": True}, "@"),
    "a thought behind a text": answer("x", {"text": "@", "thought": True}),
    "second part": answer("x ", CALL, "@"),
    **{f"part, {place}": answer("x ", each) for place, each in {**PARTS, **RESULTS}.items() if place != "text"},
    "second candidate": {**answer("x"), "candidates": [candidate("x"), candidate("@", index=1)]},
    "both candidates": {**answer("x"), "candidates": [candidate("@"), candidate("@", index=1)]},
    "content, role": {**answer("x"), "candidates": [{**candidate("x"), "content": {"role": "@", "parts": [{"text": "x"}]}}]},
    "content, unknown field": {**answer("x"), "candidates": [{**candidate("x"), "content": {"parts": [{"text": "x"}], "x_new": "@"}}]},
    "finishReason": answer("x", finishReason="@"),
    "finishMessage": answer("x", finishReason="OTHER", finishMessage="@"),
    "safetyRatings": answer("x", safetyRatings=[{"category": "@", "probability": "LOW"}]),
    "tokenCount": answer("x", tokenCount="@"),
    "avgLogprobs": answer("x", avgLogprobs="@"),
    "citation, uri": answer("x", citationMetadata={"citations": [{"startIndex": 0, "endIndex": 1, "uri": "@"}]}),
    "citation, older name": answer("x", citationMetadata={"citationSources": [{"uri": "u", "license": "@"}]}),
    "citation, unknown field": answer("x", citationMetadata={"citations": [{"x_new": "@"}]}),
    "citation of the text": answer("@", citationMetadata={"citations": [{"startIndex": 0, "endIndex": 99, "uri": "u"}]}),
    "grounding, query": grounded(webSearchQueries=["@"]),
    "grounding, chunk": grounded(groundingChunks=[{"web": {"uri": "u", "title": "@"}}]),
    "grounding, retrieved": grounded(groundingChunks=[{"retrievedContext": {"text": "@"}}]),
    "grounding, segment": grounded(groundingSupports=[{"segment": {"text": "@"}, "groundingChunkIndices": [0]}]),
    "grounding, segment of the text": answer("@", groundingMetadata={"groundingSupports": [{"segment": {"text": "@"}}]}),
    "grounding, entry point": grounded(searchEntryPoint={"renderedContent": "<p> @"}),
    "grounding, blob": grounded(searchEntryPoint={"sdkBlob": "@"}),
    "grounding, unknown field": grounded(x_new="@"),
    "groundingAttributions": answer("x", groundingAttributions=[{"content": {"parts": [{"text": "@"}]}}]),
    "urlContextMetadata": answer("x", urlContextMetadata={"urlMetadata": [{"retrievedUrl": "@"}]}),
    "log-probabilities": answer("@", logprobsResult={"chosenCandidates": [{**TOKEN, "token": "@<"}, {**TOKEN, "token": "@>"}]}),
    "log-probabilities of another text": answer("x", logprobsResult={"chosenCandidates": [{**TOKEN, "token": "@<"}, {**TOKEN, "token": "@>"}]}),
    "log-probabilities, an alternative": answer("x", logprobsResult={"topCandidates": [{"candidates": [TOKEN]}]}),
    "log-probabilities, unknown field": answer("x", logprobsResult={"chosenCandidates": [{**TOKEN, "token": "x", "x_new": "@"}]}),
    "log-probabilities, a number that is none": answer("x", logprobsResult={"chosenCandidates": [{**TOKEN, "token": "x", "tokenId": "@"}]}),
    "candidate, unknown field": answer("x", x_new={"a": ["@"]}),
    "candidate, name of a field": answer("x", **{"@": 1}),
    **{
        f"candidate, field {name}": answer("x", **{name: "@"})
        for name in gemini_answer_fields.CANDIDATE.fields
        if name not in ("content", "index")
    },
    "promptFeedback, why": {"promptFeedback": {"blockReason": "@"}},
    "promptFeedback, message": {"promptFeedback": {"blockReason": "OTHER", "blockReasonMessage": "@"}},
    "promptFeedback, beside a candidate": {**answer("x"), "promptFeedback": {"safetyRatings": [{"category": "@"}]}},
    **{f"field {name}": {**answer("x"), name: "@"} for name in gemini_answer_fields.ANSWER.fields if name != "candidates"},
    "usage, deep": {**answer("x"), "usageMetadata": {"promptTokensDetails": [{"modality": "@"}]}},
    "unknown field": {**answer("x"), "x_new": {"a": ["@"]}},
    "name of a field": {**answer("x"), "@": 1},
    "upstream's error": Failure(400, {"error": {"code": 400, "message": "@", "status": "INVALID_ARGUMENT"}}),
    "upstream's error, details": Failure(500, {"error": {"code": 500, "message": "x", "status": "@", "details": [{"reason": "@"}]}}),
}  # fmt: skip
SECOND = {"finishReason": "STOP", "index": 1}
STREAMED: dict[str, Any] = {
    "streams only: an error": [chunk("x"), {"error": {"code": 500, "message": "@", "status": "INTERNAL"}}],
    "streams only: a field of SSE": [": @\n\n", "id: @\nretry: @\n", chunk("@", finishReason="STOP")],
    "streams only: a name of an event": ["event: @\ndata: " + json.dumps(chunk("x")) + "\n\n", chunk("", finishReason="STOP")],
    "streams only: after the end": [chunk("x ", finishReason="STOP"), chunk("@")],
    "streams only: before the end, each an end": [chunk("@<", finishReason="STOP"), chunk("@>", finishReason="STOP")],
    "streams only: with the first piece": [{**chunk("x"), "x_new": "@"}, chunk("", finishReason="STOP")],
    "streams only: another model each time": [{**chunk("x"), "modelVersion": "@"}, {**chunk("", finishReason="STOP"), "modelVersion": "m"}],
    "streams only: said anew at the end": [chunk("x"), chunk("", finishReason="OTHER", finishMessage="@"), chunk("", finishReason="STOP", finishMessage="x")],
    "streams only: ratings with a piece": [chunk("x", safetyRatings=[{"category": "@"}]), chunk("", finishReason="STOP")],
    "streams only: one part alone": [
        {"candidates": [{"content": {"parts": {"text": "@<"}}}]},
        {"candidates": [{"content": {"parts": {"text": "@>"}}, "finishReason": "STOP"}]},
    ],
    "streams only: candidates take turns": [
        chunk("@<"), chunk("x", index=1), chunk("@>", finishReason="STOP"), chunk("", **SECOND),
    ],
    "streams only: a candidate is missing": [chunk("@", **SECOND)],
    "streams only: a thought and a text in one piece": [chunk({"text": "@<", "thought": True}, "@>", finishReason="STOP")],
    "streams only: a text, a thought, a text": [
        chunk("@<"), chunk({"text": "x", "thought": True}), chunk("@>"), chunk("", finishReason="STOP"),
    ],
    "streams only: a signature between": [
        chunk("@<"), chunk({"text": "", "thoughtSignature": SEALED}), chunk("@>", finishReason="STOP"),
    ],
    "streams only: a part of another kind between": [chunk("@<"), chunk({"x_new": "y"}), chunk("@>", finishReason="STOP")],
    "streams only: no text": [{"candidates": "@"}, chunk("", finishReason="STOP")],
    "streams only: no content": [{"candidates": [{"content": "@", "finishReason": "STOP"}]}],
    "streams only: the prompt was stopped": [{"promptFeedback": {"blockReason": "OTHER", "blockReasonMessage": "@"}}],
}  # fmt: skip


def frames(whole: dict[str, Any], size: int) -> list[bytes]:
    """Return an answer as a stream of chunks whose texts are cut."""
    return [b"data: " + json.dumps(each).encode() + b"\r\n\r\n" for each in chunks(whole, size)]


def ending(answer: Answer) -> str:
    """Tell how an answer ended; asserts its form: clients read each line of a stream."""
    if answer.headers["content-type"].startswith("text/event-stream"):
        lines = answer.raw.decode().split("\n")
        assert all(not line or line.startswith("data: {") for line in lines)
        told = answer.frames
    else:
        told = answer.json if answer.raw.startswith(b"[") else [answer.json]
    if "error" in told[-1]:
        return "error"
    ends = [
        each for frame in told for each in frame.get("candidates", []) if each.get("finishMessage") in WORDS
    ]
    assert all(each["finishReason"] == "SAFETY" and "content" not in each for each in ends)
    words = [frame.get("promptFeedback", {}) for frame in told]
    return (
        "stop"
        if ends or any(isinstance(each, dict) and each.get("blockReasonMessage") in WORDS for each in words)
        else ""
    )


PATH = "/{}/models/{{model}}:{}"
GENERATE = Api(
    PATH.format("v1beta", "generateContent"), ASKS, answer("Hello."), ANSWERS, asking(HI), ending=ending
)
STREAM = Api(
    PATH.format("v1beta", "streamGenerateContent"),
    {
        place: ASKS[place]
        for place in ("two parts", "model, functionCall, args", "tool, description", "cachedContent")
        if place in ASKS
    },
    answer("Hello."),
    {**ANSWERS, **STREAMED},
    asking(HI),
    frames,
    ending,
    streaming={},
    sent=PATH.format("v1beta", "streamGenerateContent") + "?alt=sse",
)
ARRAY = replace(
    STREAM,
    sent="",
    answers={**{place: ANSWERS[place] for place in ("text", "part, functionCall, args")}, **STREAMED},
)
COUNT = Api(
    PATH.format("v1beta", "countTokens"),
    {**{place: ASKS[place] for place in STREAM.asks}, **COUNTED},
    {"totalTokens": 3},
    {
        "upstream's error": ANSWERS["upstream's error"],
        **{f"field {name}": {"totalTokens": 3, name: "@"} for name in gemini_answer_fields.COUNT.fields},
        "unknown field": {"totalTokens": 3, "x_new": "@"},
    },
    asking(HI),
)
FEW = {place: ASKS[place] for place in ("system", "two parts")}
OLDER = tuple(
    replace(
        api,
        path=api.path.replace("v1beta", "v1"),
        sent=api.sent.replace("v1beta", "v1"),
        asks=FEW,
        answers={place: api.answers[place] for place in ("text", "two parts") if place in api.answers}
        or {"unknown field": api.answers["unknown field"]},
    )
    for api in (GENERATE, STREAM, COUNT)
)
GEMINI = (GENERATE, STREAM, ARRAY, COUNT, *OLDER)
