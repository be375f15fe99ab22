"""Azure Content Safety: `text:analyze` answers with severities, `text:shieldPrompt` with attacks.

Neither brings a text back, so that what the policy would redact is told like what it blocks: as a match of a blocklist that
bears the rule's name, or as an attack.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from guardrails.engine.content.content_tree import ContentTree
from guardrails.errors import RequestError
from guardrails.protocols.errors import Problem
from guardrails.proxy.hooks.hook import (
    Hook,
    HookRequest,
    HookResponse,
    Piece,
    read_field,
    read_strings,
    read_unknown_fields,
    text_piece,
)
from guardrails.proxy.routes.openai.azure_severity import FAMILIES, FOUR, severity
from guardrails.types import Place, Stage

LEVELS: Mapping[str, int] = {"FourSeverityLevels": FOUR, "EightSeverityLevels": 1}
"""Output type → steps of its severities, which go from 0 to 7."""

ANALYZED = ("text", "categories", "blocklistNames", "haltOnBlocklistHit", "outputType")
SHIELDED = ("userPrompt", "documents")
CODES: Mapping[int, str] = {400: "InvalidRequestBody", 404: "NotFound", 429: "TooManyRequests"}


def _rest(body: dict[str, Any], known: Sequence[str]) -> list[Piece]:
    """Return the fields that nobody knows as a piece, if there are any."""
    tree = ContentTree()
    read_unknown_fields(tree, body, known, Place())
    return [Piece(body, tree, Stage.INPUT)] if tree.leaves else []


def read_text(body: dict[str, Any]) -> Sequence[Piece]:
    """Return the text as a piece. Whose it is does not show: it meets the rules of requests and of answers."""
    for index, name in enumerate(read_strings(body, "categories", needed=False)):
        if name not in FAMILIES:
            raise RequestError("invalid_type", f"must be {' or '.join(FAMILIES)}", f"/categories/{index}")
    if read_field(body, "outputType", str, type(None)) not in (*LEVELS, None):
        raise RequestError("invalid_type", f"must be {' or '.join(LEVELS)}", "/outputType")
    read_strings(body, "blocklistNames", needed=False)
    read_field(body, "haltOnBlocklistHit", bool, type(None))
    return [
        text_piece(read_field(body, "text", str), ("text",), Stage.INPUT, Stage.OUTPUT),
        *_rest(body, ANALYZED),
    ]


def write_text(asked: HookRequest) -> HookResponse:
    """Return the severities, and the rules that stop the text as matches of blocklists."""
    body, judged = asked.body, asked.judged[0]
    step = LEVELS[body.get("outputType") or "FourSeverityLevels"]
    wanted = body.get("categories") or [*FAMILIES]
    rules = dict.fromkeys(rule.id for each in asked.judged for rule in each.rules)
    return HookResponse(
        {
            "blocklistsMatch": [
                {"blocklistName": rule, "blocklistItemId": rule, "blocklistItemText": ""} for rule in rules
            ],
            "categoriesAnalysis": [
                {"category": name, "severity": severity(judged.score(FAMILIES[name]), step)}
                for name in wanted
            ],
        }
    )


def read_prompt(body: dict[str, Any]) -> Sequence[Piece]:
    """Return the prompt and each document as pieces, as far as they are there."""
    prompt, documents = (
        read_field(body, "userPrompt", str, type(None)),
        read_strings(body, "documents", needed=False),
    )
    if prompt is None and not documents:
        raise RequestError("invalid_content", f"give {' or '.join(SHIELDED)}")
    asked = [] if prompt is None else [text_piece(prompt, ("userPrompt",), Stage.INPUT)]
    found = [text_piece(text, ("documents", index), Stage.RETRIEVAL) for index, text in enumerate(documents)]
    return [*asked, *found, *_rest(body, SHIELDED)]


def write_prompt(asked: HookRequest) -> HookResponse:
    """Return whether each is an attack; what fields beside them say counts for all."""
    beside = any(each.touched for each in asked.judged if each.piece.given is asked.body)
    found = [
        {"attackDetected": each.touched or beside}
        for each in asked.judged
        if each.piece.given is not asked.body
    ]
    if asked.body.get("userPrompt") is None:
        return HookResponse({"documentsAnalysis": found})
    return HookResponse({"userPromptAnalysis": found[0], "documentsAnalysis": found[1:]})


def write_failure(told: Problem) -> HookResponse:
    """Return an error in Azure's shape."""
    code = CODES.get(told.status, "InvalidRequest" if told.status < 500 else "InternalError")
    error = {"code": code, "message": told.error["message"], "target": told.error["param"], "details": []}
    return HookResponse({"error": error}, told.status, {**told.headers, "x-ms-error-code": code})


HOOKS = (
    Hook(
        "azure.analyze",
        "/contentsafety/text:analyze",
        read_text,
        write_text,
        write_failure,
        complete=True,
        summary="Azure Content Safety: severities of a text.",
    ),
    Hook(
        "azure.shield",
        "/contentsafety/text:shieldPrompt",
        read_prompt,
        write_prompt,
        write_failure,
        summary="Azure Content Safety: attacks in a prompt and documents.",
    ),
)
