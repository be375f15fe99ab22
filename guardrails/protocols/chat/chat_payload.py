"""The forms of OpenAI's chat API that a caller may give to be checked: messages, requests and responses.

`read` reads everything that a caller of the library may give: these, and any other value (`value_reader.read`). What counts as
one of these forms:

* A **message** is a mapping, or an object with fields, that has a `role` and something that a message says: `content`,
  `tool_calls`, `function_call`, `refusal` or `audio`. A record that merely has a role (`{"name": "Jo", "role": "editor"}`) is
  none.
* **Messages** are a list in which at least one entry is a message. What else stands among them is refused.
* A **request** has `messages` that are such a list, or an empty one.
* A **response** has `choices`, a list in which an entry has a `message`, or a `text` with its `index` or `finish_reason`.

All else, be it called `messages`, is an ordinary value: all of it is judged at the stage that the caller names.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from guardrails.engine.content import value_reader
from guardrails.engine.content.content_tree import ContentTree
from guardrails.engine.content.payload import Payload, apply_edits, body
from guardrails.engine.content.value_reader import BodyForm
from guardrails.engine.model import Outcome
from guardrails.engine.values.plain import fields_of, to_plain
from guardrails.engine.values.writer import remove_entries, replace_values, value_at
from guardrails.protocols.chat import chat_fields
from guardrails.protocols.chat.replies import find_replies, message_texts
from guardrails.types import Stage
from guardrails.wire.pointers import Path

SPELLED: Final = ("logprobs", "token_ids")
"""Fields of a choice that spell its text once more, in tokens."""

SAYS: Final = ("content", "tool_calls", "function_call", "refusal", "audio")
"""Fields of which a message has at least one."""

COMPLETES: Final = ("index", "finish_reason")
"""Fields of which a choice with a bare `text` has at least one."""


def read(given: object, stage: Stage) -> Payload:
    """Read what a caller gave: messages, a chat request or response, or any other value.

    Raises:
        TypeError: it is of a type that cannot be checked.
        RequestError: for messages of no known form, and as `value_reader.read` does.
    """
    return value_reader.read(given, stage, FORMS)


def is_message(entry: Any) -> bool:
    """Tell whether something is a message, in a mapping or as an object of some library."""
    fields = fields_of(entry)
    return "role" in fields and any(name in fields for name in SAYS)


def is_messages(given: Any) -> bool:
    """Tell whether something is a list with messages in it."""
    if isinstance(given, str | dict | range):
        return False
    return isinstance(given, list | tuple | Sequence) and any(map(is_message, given))


def is_conversation(given: Any) -> bool:
    """Tell whether something is a message, messages, or a chat request or response."""
    return any(form.matches(given, Stage.INPUT) for form in FORMS)


def _is_request(given: Any, stage: Stage) -> bool:
    fields = fields_of(given)
    if "messages" not in fields:
        return False
    # A client may add `choices` to its request, to have it read as a response.
    if stage is Stage.OUTPUT and "choices" in fields:
        return False
    messages = fields["messages"]
    return is_messages(messages) or (isinstance(messages, list | tuple) and not messages)


def _is_response(given: Any, stage: Stage) -> bool:
    choices = fields_of(given).get("choices")
    return isinstance(choices, list | tuple) and any(map(_is_choice, choices))


def _is_choice(entry: Any) -> bool:
    fields = fields_of(entry)
    return bool(fields_of(fields.get("message"))) or (
        "text" in fields and any(name in fields for name in COMPLETES)
    )


def _read_messages(given: Any, stage: Stage) -> ContentTree:
    tree = ContentTree()
    # What a model answered has not passed through a client, who could have forged it.
    plain = to_plain(given)
    chat_fields.messages(tree, plain, forgeable=stage is not Stage.OUTPUT)
    if stage is Stage.OUTPUT:
        tree.replies = _find_said((message, (index,)) for index, message in enumerate(plain))
    return tree


def _read_request(given: Any, stage: Stage) -> ContentTree:
    fields = to_plain(given)
    if not isinstance(given, Mapping):  # an object has all fields of its class, also those that are not sent
        fields = {name: value for name, value in fields.items() if value is not None}
    return chat_fields.read_request(fields)


def _read_message(given: Any, stage: Stage) -> ContentTree:
    tree = ContentTree()
    plain = to_plain(given)
    chat_fields.message(tree, plain, (), 0, forgeable=stage is not Stage.OUTPUT)
    if stage is Stage.OUTPUT:
        tree.replies = _find_said([(plain, ())])
    return tree


def _find_said(messages: Iterable[tuple[Any, Path]]) -> list[tuple[Path, ...]]:
    """Return where the texts stand that messages of an assistant reply with."""
    found = (
        (*message_texts(message, path),)
        for message, path in messages
        if fields_of(message).get("role") == "assistant"
    )
    return [paths for paths in found if paths]


def _read_response(given: Any, stage: Stage) -> ContentTree:
    answer = to_plain(given)
    tree = chat_fields.read_response(answer)
    tree.replies = find_replies(answer)
    return tree


def edit_messages(given: Any, tree: ContentTree, outcome: Outcome) -> Any:
    """Return messages with edits applied and removed turns left out; the same object where nothing changes."""
    return remove_entries(apply_edits(given, tree, outcome), outcome.removed)


def edit_request(given: Any, tree: ContentTree, outcome: Outcome) -> Any:
    """Return a chat request with edits applied and removed turns left out; the same object where nothing changes."""
    changed: Any = apply_edits(given, tree, outcome)
    if not outcome.removed:
        return changed
    kept = remove_entries(value_at(changed, ("messages",)), outcome.removed)
    return replace_values(changed, {(("messages",), None): kept})


def apply_spoken_edits(given: object, tree: ContentTree, outcome: Outcome) -> object:
    """Return a chat response with the new texts of an outcome; what is spoken goes where its transcript is edited, as it says the
    same.
    """
    changed: Any = apply_edits(given, tree, outcome)
    for path in {tree.leaves[index].path for index in outcome.edits}:
        if path[-2:] == ("audio", "transcript") and fields_of(value_at(changed, path[:-1])).get("data"):
            changed = replace_values(changed, {((*path[:-1], "data"), None): ""})
    return changed


def edit_response(given: Any, tree: ContentTree, outcome: Outcome) -> Any:
    """Return a chat response with edits applied. An edited choice loses the fields that spell its text as it was."""
    changed: Any = apply_spoken_edits(given, tree, outcome)
    paths = {tree.leaves[index].path[:2] for index in outcome.edits}
    for place in (path for path in paths if len(path) == 2 and path[0] == "choices"):
        choice = fields_of(value_at(changed, place))
        gone: dict[tuple[Path, Path | None], Any] = {
            ((*place, name), None): None for name in SPELLED if name in choice
        }
        changed = replace_values(changed, gone) if gone else changed
    return changed


def response_payload(given: Any, tree: ContentTree) -> Payload:
    """Return a chat response whose tree is known, to check."""
    return body(given, tree, edit_response)


FORMS: Final = (
    BodyForm(lambda given, stage: is_messages(given), _read_messages, edit_messages),
    BodyForm(_is_request, _read_request, edit_request),
    BodyForm(_is_response, _read_response, edit_response),
    BodyForm(lambda given, stage: is_message(given), _read_message),
)
"""The forms of the API, in the order in which they are tried."""
