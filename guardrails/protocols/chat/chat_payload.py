"""Payloads in the form of OpenAI's chat API: messages, requests and responses, which come back with an outcome's edits.

`read` takes everything that a caller of the library may give to be checked: these, and what `engine.content.payload` reads.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from guardrails.engine.content import payload
from guardrails.engine.content.content_tree import ContentTree
from guardrails.engine.content.payload import Payload, apply_edits, body, remove_messages
from guardrails.engine.model import Outcome
from guardrails.engine.values.writer import replace_values, value_at
from guardrails.protocols.chat import chat_fields
from guardrails.types import Stage

SPELLED = ("logprobs", "token_ids")
"""Fields of a choice that spell its text once more, in tokens."""


def read(given: object, stage: Stage) -> Payload:
    """Read what a caller gave: messages in OpenAI's form (a list, or one mapping with `role`), a chat request (a mapping with
    `messages`) or response (with `choices`), or anything that `payload.read` takes.

    Raises:
        TypeError: it is of a type that cannot be checked.
        RequestError: for messages of no known form, and for values inside that are no JSON.
    """
    if isinstance(given, list | tuple) and any(map(_is_message, given)):
        return _messages(given, stage)
    if isinstance(given, Mapping) and (_is_message(given) or "messages" in given or "choices" in given):
        return _mapping(given, stage)
    return payload.read(given, stage)


def _is_message(entry: object) -> bool:
    return isinstance(entry, Mapping) and "role" in entry


def apply_spoken_edits(given: object, tree: ContentTree, outcome: Outcome) -> object:
    """Return a chat response with the new texts of an outcome; what is spoken goes where its transcript is edited, as it says the
    same.
    """
    changed: Any = apply_edits(given, tree, outcome)
    for path in {tree.leaves[index].path for index in outcome.edits}:
        if path[-2:] == ("audio", "transcript") and value_at(changed, path[:-1]).get("data"):
            changed = replace_values(changed, {((*path[:-1], "data"), None): ""})
    return changed


def _messages(given: list[Any] | tuple[Any, ...], stage: Stage) -> Payload:
    tree = ContentTree()
    # What a model answered has not passed through a client, who could have forged it.
    chat_fields.messages(tree, given, forgeable=stage is not Stage.OUTPUT)
    return Payload(tree, lambda outcome: remove_messages(apply_edits(given, tree, outcome), outcome.removed))


def _mapping(given: Mapping[str, Any], stage: Stage) -> Payload:
    # A client may add `choices` to its request, to have it read as a response.
    if "messages" in given and not (stage is Stage.OUTPUT and "choices" in given):
        tree = chat_fields.read_request(given)
        return Payload(tree, lambda outcome: edit_request(given, tree, outcome))
    if "choices" in given:
        return response_payload(given, chat_fields.read_response(given))
    tree = ContentTree()
    chat_fields.message(tree, given, (), 0, forgeable=stage is not Stage.OUTPUT)
    return body(given, tree)


def response_payload(given: Mapping[str, Any], tree: ContentTree) -> Payload:
    """Read a chat response. An edited choice loses the fields that spell its text as it was."""

    def apply(outcome: Outcome) -> object:
        changed: Any = apply_spoken_edits(given, tree, outcome)
        paths = {tree.leaves[index].path[:2] for index in outcome.edits}
        for place in (path for path in paths if len(path) == 2 and path[0] == "choices"):
            choice = changed["choices"][place[1]]
            if isinstance(choice, Mapping):
                gone = dict.fromkeys(name for name in SPELLED if name in choice)
                changed = replace_values(changed, {(place, None): {**choice, **gone}})
        return changed

    return Payload(tree, apply)


def edit_request(given: Any, tree: ContentTree, outcome: Outcome) -> Any:
    """Return a chat request with edits applied and removed turns left out; the same object where nothing
    changes.
    """
    changed: Any = apply_edits(given, tree, outcome)
    if not outcome.removed:
        return changed
    return {**changed, "messages": remove_messages(changed["messages"], outcome.removed)}
