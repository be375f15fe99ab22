"""Reads what goes into and comes out of LangChain's runnables: messages by a field table, all else by the adapters of its types.

Where a rule changes a text, what holds it is copied with it, in its own type. Nothing is changed in place.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from guardrails.engine.content.content_tree import ContentTree
from guardrails.engine.content.field_readers import (
    anything,
    arguments,
    by_table,
    each,
    figures,
    flag,
    identifier,
    keep,
    parts,
    text,
)
from guardrails.engine.content.payload import Payload, apply_edits, body
from guardrails.engine.model import Outcome
from guardrails.engine.tools.tool_calls import place_call, place_result
from guardrails.engine.values.known_types import adapter_of
from guardrails.engine.values.plain import fields_of, to_plain
from guardrails.engine.values.walk import find_leaves
from guardrails.engine.values.writer import remove_entries, replace_values, value_at
from guardrails.errors import RequestError
from guardrails.protocols.chat import chat_fields
from guardrails.protocols.messages import messages_fields
from guardrails.types import Place, Stage
from guardrails.wire.lossless_json import write
from guardrails.wire.pointers import Path

ROLES = {
    "human": "user",
    "ai": "assistant",
    "AIMessageChunk": "assistant",
    "system": "system",
    "tool": "tool",
}
ROLES |= {"function": "function", "HumanMessageChunk": "user", "SystemMessageChunk": "system"}
ROLES |= {"ToolMessageChunk": "tool", "FunctionMessageChunk": "function"}
SPELLED = "logprobs"
"""What spells a message's text once more, in tokens."""

OWN = ("artifact",)
"""Fields of a message that the program keeps for itself, and no model reads."""


def call(tree: ContentTree, value: Any, path: Path, place: Place) -> None:
    """One call of a tool, whole or in pieces."""
    if not isinstance(value, Mapping):
        text(tree, value, path, place)
        return
    name, given = value.get("name"), value.get("args")
    arguments = given if isinstance(given, str) else write(given)
    here = place_call(tree, place, name, arguments, identity=value.get("id") or name)
    tree.call(here.tool or "", arguments, path, here)
    CALL(tree, value, path, here)


def part(tree: ContentTree, value: Any, path: Path, place: Place) -> None:
    """One part of a message's content, in the form of whichever provider."""
    kind = value.get("type") if isinstance(value, Mapping) else None
    if kind in ("tool_call", "tool_call_chunk", "invalid_tool_call", "server_tool_call"):
        call(tree, value, path, place)
    elif not isinstance(kind, str) or kind in chat_fields.PARTS or kind in chat_fields.PART_KINDS:
        chat_fields.part(tree, value, path, place)
    else:
        messages_fields.block(tree, value, path, place)


def metadata(tree: ContentTree, value: Any, path: Path, place: Place) -> None:
    """What the provider says of an answer: numbers and closed words, and tokens of a text that is judged elsewhere."""
    for name, inner in value.items() if isinstance(value, Mapping) else ():
        if name != SPELLED:
            figures(tree, {name: inner}, path, place)


CALL = by_table(
    {
        **dict.fromkeys(("id", "type"), keep),
        "name": identifier,
        "args": arguments,
        "index": flag,
        "error": text,
    }
)
MESSAGE = by_table(
    {
        **dict.fromkeys(("type", "id", "role", "status", "chunk_position"), keep),
        "content": parts(part, {**chat_fields.PARTS, **messages_fields.OWN}),
        "additional_kwargs": anything,
        "response_metadata": metadata,
        "usage_metadata": figures,
        "name": identifier,
        "tool_call_id": identifier,
        "example": flag,
        **dict.fromkeys(("tool_calls", "invalid_tool_calls", "tool_call_chunks"), each(call)),
    }
)


def find_messages(value: Any, path: Path = ()) -> Iterator[Path]:
    """Yield where the messages in a value stand, in order."""
    if is_message(value):
        yield path
        return
    adapter = None if type(value) is str else adapter_of(value)
    if adapter is not None and adapter.children is not None:
        for step, inner in adapter.children(value):
            yield from find_messages(inner, (*path, step))


def is_message(value: Any) -> bool:
    """Tell whether a value is a message of LangChain's."""
    return any(
        base.__name__ == "BaseMessage" and base.__module__.startswith("langchain_core.")
        for base in type(value).__mro__
    )


def read(value: Any, stage: Stage, *, tools: Mapping[str, Any] | None = None) -> Payload:
    """Return a value as what there is to judge: messages where their role says, definitions of tools, all else at the stage.

    The payload's content is `value`, what the value becomes (of a list of messages those that the policy removes are left out),
    and `tools`.

    Raises:
        RequestError: a message is of no known type, or the value contains itself or nests too deep.
    """
    find_leaves(value)  # refuses what has no end
    tree, messages = ContentTree(), [*find_messages(value)]
    numbers = _conversation(tree, value, messages, stage)
    Walk(tree, numbers).value(value, ("value",), Place(stage))
    for name, defined in (tools or {}).items():
        each(chat_fields.definition)(tree, defined, ("tools", name), Place(Stage.TOOL_DEFINITION))
    tree.beside_own_system()

    def edit(given: Any, leaves: ContentTree, outcome: Outcome) -> Any:
        changed: Any = apply_edits(given, leaves, outcome)
        edited = [leaves.leaves[index].path[1:] for index in outcome.edits]
        for path in messages:
            if any(where[: len(path)] == path for where in edited):
                changed = _drop_spelling(changed, ("value", *path))
        return _remove_messages(changed, [messages[index] for index in outcome.removed])

    return body({"value": value, "tools": tools or {}}, tree, edit)


def _drop_spelling(given: Any, path: Path) -> Any:
    """Return a value whose message at a path lacks what spells its text as it was."""
    kept = value_at(given, path).response_metadata
    if SPELLED not in kept:
        return given
    left = {name: value for name, value in kept.items() if name != SPELLED}
    return replace_values(given, {((*path, "response_metadata"), None): left})


def find_earlier_turns(value: Any) -> list[Path]:
    """Return where the messages in a value stand that come before the user's last, in the list that this stands in."""
    paths = [*find_messages(value)]
    last: dict[Path, Path] = {path[:-1]: path for path in paths if _is_of_user(value_at(value, path))}
    return [path for path in paths if path < last.get(path[:-1], path)]


def _is_of_user(message: Any) -> bool:
    return ROLES.get(str(getattr(message, "type", ""))) == "user"


def remove_messages(value: Any, gone: Sequence[Path]) -> Any:
    """Return a value without some of its messages."""
    return _remove_messages({"value": value}, gone)["value"]


def _remove_messages(given: Any, gone: Sequence[Path]) -> Any:
    """Return a value whose lists of messages lack some, the innermost lists first."""
    by_list: dict[Path, list[int]] = {}
    for path in gone:
        by_list.setdefault(path[:-1], []).append(int(path[-1]))
    for path in sorted(by_list, key=len, reverse=True):
        place = ("value", *path)
        left = remove_entries(value_at(given, place), by_list[path])
        given = replace_values(given, {(place, None): left})
    return given


def _conversation(tree: ContentTree, value: Any, messages: Sequence[Path], stage: Stage) -> dict[Path, int]:
    """Note whose turns the messages are; return their numbers."""
    roles = [_role(fields_of(value_at(value, path)), path) for path in messages]
    if stage is Stage.INPUT and roles:
        users = [index for index, role in enumerate(roles) if role == "user"]
        tree.turns = max(1, len(users))
        tree.current_from = users[-1] if users else 0
        tree.roles = tuple(roles)
    return {path: index for index, path in enumerate(messages)}


def _role(message: Mapping[str, Any], path: Path) -> str:
    kind = message.get("type")
    role = ROLES.get(str(kind)) or str(message.get("role", ""))
    if role not in chat_fields.STAGES:
        raise RequestError("unknown_role", "a message is of no known type", "/".join(map(str, ("", *path))))
    return role


class Walk:
    """Reads a value with messages in it. `numbers` has those of its messages, by where they stand."""

    def __init__(self, tree: ContentTree, numbers: Mapping[Path, int]) -> None:
        self.tree = tree
        self.numbers = numbers

    def value(self, value: Any, path: Path, place: Place) -> None:
        """Read a value and what is in it."""
        inner_path = path[1:]  # below `value`
        adapter = adapter_of(value)
        if inner_path in self.numbers:
            shown = {name: inner for name, inner in to_plain(value).items() if name not in OWN}
            self.message(shown, path, place)
        elif (
            adapter is None
            or adapter.children is None
            or not any(found[: len(inner_path)] == inner_path for found in self.numbers)
        ):
            self.tree.anything(value, path, place)
        else:
            for key in () if adapter.keys is None else adapter.keys(value):
                self.tree.text(str(key), path, place, editable=False)
            for step, inner in adapter.children(value):
                self.value(inner, (*path, step), place)

    def message(self, value: Mapping[str, Any], path: Path, place: Place) -> None:
        """Read a message: what goes in where its role says, what a model answered at the stage."""
        role = _role(value, path)
        at = chat_fields.STAGES[role]
        if place.stage is not Stage.INPUT:
            here = Place(place.stage if at in (Stage.INPUT, Stage.OUTPUT) else at, (), role)
        else:
            also = (Stage.INPUT,) if role == "assistant" else ()
            name = value.get("name")
            here = Place(at, also, role, message=self.numbers[path[1:]])
            if at is Stage.TOOL_RESULT:
                here = place_result(self.tree, here, value.get("tool_call_id") or name, name)
        MESSAGE(self.tree, value, path, here)
