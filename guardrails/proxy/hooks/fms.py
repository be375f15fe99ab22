"""The detector API of FMS and TrustyAI: contents, chats, answers and documents are answered with detections.

A detection is told for each rule that stops or changes a text, where its findings stand: the orchestrator decides what becomes
of it. It knows no stages, so that a text_piece content meets the rules of requests and those of answers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from guardrails.engine.content.content_tree import ContentTree
from guardrails.errors import RequestError
from guardrails.protocols.chat import chat_fields
from guardrails.protocols.errors import Problem
from guardrails.proxy.hooks.hook import (
    Hook,
    HookRequest,
    HookResponse,
    JudgedPiece,
    Piece,
    keep_all_turns,
    read_field,
    read_strings,
    read_unknown_fields,
    text_piece,
)
from guardrails.types import Finding, FiredRule, Place, Stage

BASE = "/api/v1/text"
INVALID = 422
"""Status of a body that is no good."""

PARAMETERS = "detector_params"


def read_contents(body: dict[str, Any]) -> Sequence[Piece]:
    """Return each content as a piece."""
    given = read_strings(body, "contents")
    pieces = [
        text_piece(text, ("contents", index), Stage.INPUT, Stage.OUTPUT) for index, text in enumerate(given)
    ]
    return [*pieces, *_unknown(body, "contents")]


def read_chat(body: dict[str, Any]) -> Sequence[Piece]:
    """Return the conversation as one piece; tools beside it are definitions."""
    read_field(body, "messages", list)
    tree = ContentTree()
    chat_fields.messages(tree, body["messages"], ("messages",))
    for index, tool in enumerate(read_field(body, "tools", list, type(None)) or []):
        chat_fields.definition(tree, tool, ("tools", index), Place())
    read_unknown_fields(tree, body, ("messages", "tools", PARAMETERS), Place())
    return [Piece(body, keep_all_turns(tree), Stage.INPUT)]


def read_generation(body: dict[str, Any]) -> Sequence[Piece]:
    """Return a prompt and its answer as one piece."""
    tree = ContentTree()
    tree.text(read_field(body, "prompt", str), ("prompt",), Place(role="user"))
    tree.text(
        read_field(body, "generated_text", str), ("generated_text",), Place(Stage.OUTPUT, role="assistant")
    )
    tree.beside("", body["prompt"])
    read_unknown_fields(tree, body, ("prompt", "generated_text", PARAMETERS), Place())
    return [Piece(body, tree, Stage.OUTPUT)]


CONTEXTS = ("url", "chunks", "document", "docs")


def read_documents(body: dict[str, Any]) -> Sequence[Piece]:
    """Return an answer and what was retrieved for it as one piece."""
    if read_field(body, "context_type", str) not in CONTEXTS:
        raise RequestError("invalid_type", f"must be one of {', '.join(CONTEXTS)}", "/context_type")
    tree = ContentTree()
    for index, text in enumerate(read_strings(body, "context")):
        tree.text(text, ("context", index), Place(Stage.RETRIEVAL))
    tree.text(read_field(body, "content", str), ("content",), Place(Stage.OUTPUT, (Stage.INPUT,)))
    tree.beside("", "", tree.sources())
    if body["context_type"] == "url" and body["context"]:
        tree.cannot("part", "no detector reads what stands at an address", ("context",), Place())
    read_unknown_fields(tree, body, ("content", "context_type", "context", PARAMETERS), Place())
    return [Piece(body, tree, Stage.OUTPUT)]


def _unknown(body: Mapping[str, Any], name: str) -> Iterator[Piece]:
    """Yield a piece of the fields that nobody knows, if there are any."""
    tree = ContentTree()
    read_unknown_fields(tree, body, (name, PARAMETERS), Place())
    if tree.leaves:
        yield Piece(body, tree, Stage.INPUT)


def _kind(finding: Finding) -> str:
    return finding.category.split(".", 1)[0]


def _detections(judged: JudgedPiece) -> Iterator[tuple[FiredRule, Finding | None]]:
    """Yield each rule that stops or changes something with each of its findings; one with none, if it has none."""
    for rule in judged.rules:
        for finding in judged.grounds.get(rule.id) or (None,):
            yield rule, finding


def _detection(rule: FiredRule, finding: Finding | None) -> dict[str, Any]:
    found: list[dict[str, Any]] = [{"name": "rule", "value": rule.id, "score": None, "evidence": []}]
    name, kind = (rule.id, rule.reason) if finding is None else (finding.category, _kind(finding))
    score = 1.0 if finding is None else finding.score
    return {
        "detection": name,
        "detection_type": kind,
        "score": score,
        "evidence": found,
        "metadata": {"action": str(rule.action)},
    }


def _in_content(judged: JudgedPiece) -> list[dict[str, Any]]:
    """Return the detections of one content: where they stand in it, in characters."""
    text = judged.piece.given
    found = []
    for rule, finding in _detections(judged):
        start, end = (finding.span if finding else None) or (0, len(text))
        found.append({"start": start, "end": end, "text": text[start:end], **_detection(rule, finding)})
    return found


def write_contents(asked: HookRequest) -> HookResponse:
    """Return an array of detections for each content; what fields beside them say counts for all."""
    asides = [each for each in asked.judged if each.piece.given is asked.body and each.touched]
    contents = [each for each in asked.judged if each.piece.given is not asked.body]
    beside = [_detection(rule, found) for each in asides for rule, found in _detections(each)]
    return HookResponse(
        [
            _in_content(each)
            + [
                {"start": 0, "end": len(each.piece.given), "text": each.piece.given, **found}
                for found in beside
            ]
            for each in contents
        ]
    )


def write(asked: HookRequest) -> HookResponse:
    """Return the detections of the whole."""
    return HookResponse(
        [_detection(rule, found) for each in asked.judged for rule, found in _detections(each)]
    )


def write_failure(told: Problem) -> HookResponse:
    """Return an error in two fields."""
    status = INVALID if told.status == 400 else told.status
    return HookResponse({"code": status, "message": told.error["message"]}, status, told.headers)


DETECTORS: Mapping[
    str, tuple[str, Callable[[dict[str, Any]], Sequence[Piece]], Callable[[HookRequest], HookResponse]]
] = {
    "contents": ("texts", read_contents, write_contents),
    "chat": ("a conversation", read_chat, write),
    "generation": ("an answer", read_generation, write),
    "context/doc": ("documents", read_documents, write),
}
"""Path below the base → what it is about, how a body is read, and how what became of it is written."""

HOOKS = tuple(
    Hook(
        f"fms.{name}",
        f"{BASE}/{name}",
        read,
        write,
        write_failure,
        complete=True,
        summary=f"FMS: detections in {words}.",
    )
    for name, (words, read, write) in DETECTORS.items()
)
