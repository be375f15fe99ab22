"""What goes into and comes out of LangChain's runnables in, leaves out, and the same values with edits: types are kept.

Messages, prompts, documents and models of pydantic are read as JSON (`Spread`), judged by field tables, and where a rule
changes a text, copied with it. Nothing is changed in place.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
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
from guardrails.engine.content.payload import Payload, apply_edits
from guardrails.engine.model import Outcome
from guardrails.engine.tools.tool_calls import place_call, place_result
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


@dataclass
class Spread:
    """A value as JSON (`shown`), with where its messages stand and how it becomes itself again."""

    shown: Any
    again: Callable[[Any], Any]
    messages: list[Path] = field(default_factory=list)


def spread(value: Any, path: Path = ()) -> Spread:
    """Return a value as JSON.

    Raises:
        TypeError: it is of a type that cannot be checked.
    """
    if value is None or isinstance(value, str | int | float):
        return Spread(value, lambda new: new)
    if isinstance(value, list | tuple):
        return _several(value, path)
    if isinstance(value, Mapping):
        return _mapping(value, path)
    kinds = {base.__name__ for base in type(value).__mro__ if base.__module__.startswith("langchain_core.")}
    if "BaseMessage" in kinds:
        shown = value.model_dump(exclude={"artifact"})
        return Spread(shown, lambda new: _message(value, shown, new), [path])
    if "ChatPromptValue" in kinds:
        inner = _several(value.messages, path)
        return Spread(
            inner.shown, lambda new: value.model_copy(update={"messages": inner.again(new)}), inner.messages
        )
    if hasattr(value, "model_dump"):
        shown = value.model_dump(mode="json")
        return Spread(shown, lambda new: type(value).model_validate(new))
    raise TypeError(f"cannot check a {type(value).__name__}: give texts, messages, documents or JSON values")


def _several(value: Any, path: Path) -> Spread:
    entries = [spread(entry, (*path, index)) for index, entry in enumerate(value)]
    found = [place for entry in entries for place in entry.messages]

    def again(new: Any) -> Any:
        changed = [entry.again(one) for entry, one in zip(entries, new, strict=True)]
        return tuple(changed) if isinstance(value, tuple) else changed

    return Spread(
        [entry.shown for entry in entries], _unless_same([e.shown for e in entries], value, again), found
    )


def _mapping(value: Mapping[Any, Any], path: Path) -> Spread:
    entries = {name: spread(inner, (*path, name)) for name, inner in value.items()}
    found = [place for entry in entries.values() for place in entry.messages]
    shown = {name: entry.shown for name, entry in entries.items()}

    def again(new: Any) -> Any:
        return {name: entry.again(new[name]) for name, entry in entries.items()}

    return Spread(shown, _unless_same(shown, value, again), found)


def _unless_same(shown: Any, value: Any, again: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda new: value if new == shown else again(new)


def _message(message: Any, old: Mapping[str, Any], new: Mapping[str, Any]) -> Any:
    """Return a message with the fields that changed, without what spells its text as it was."""
    changed = {name: value for name, value in new.items() if value != old[name]}
    if not changed:
        return message
    kept = changed.get("response_metadata", message.response_metadata)
    changed["response_metadata"] = {name: value for name, value in kept.items() if name != SPELLED}
    return message.model_copy(update=changed)


def read(given: Spread, stage: Stage, *, tools: Mapping[str, Any] | None = None) -> Payload:
    """Return a spread value as what there is to judge: messages where their role says, definitions of tools, all else at the
    stage.

    The subject's content is `value`, what the value becomes (of a list of messages those that the policy removes are left
    out), and `tools`.
    """
    tree = ContentTree()
    told = _conversation(tree, given, stage)
    Walk(tree, set(given.messages), told).value(given.shown, ("value",), Place(stage))
    for name, defined in (tools or {}).items():
        each(chat_fields.definition)(tree, defined, ("tools", name), Place(Stage.TOOL_DEFINITION))
    tree.beside(tree.system())
    body = {"value": given.shown, "tools": tools or {}}

    def apply(outcome: Outcome) -> object:
        changed: Any = apply_edits(body, tree, outcome)
        gone = {given.messages[index] for index in outcome.removed}
        return {**changed, "value": _without(given.again(changed["value"]), gone)}

    return Payload(tree, apply)


def _without(value: Any, gone: set[Path]) -> Any:
    """Return a value whose lists of messages lack some."""
    if not gone:
        return value
    if isinstance(value, list | tuple):
        kept = [_without(entry, {path[1:] for path in gone if path[:1] == (index,) and len(path) > 1})
                for index, entry in enumerate(value) if (index,) not in gone]  # fmt: skip
        return tuple(kept) if isinstance(value, tuple) else kept
    if isinstance(value, Mapping):
        return {
            name: _without(inner, {path[1:] for path in gone if path[:1] == (name,)})
            for name, inner in value.items()
        }
    return value.model_copy(update={"messages": _without(value.messages, gone)})


def _conversation(tree: ContentTree, given: Spread, stage: Stage) -> dict[Path, int]:
    """Note whose turns the messages are; return their numbers."""
    roles = [_role(_at(given.shown, path), path) for path in given.messages]
    if stage is Stage.INPUT and roles:
        users = [index for index, role in enumerate(roles) if role == "user"]
        tree.turns = max(1, len(users))
        tree.current_from = users[-1] if users else 0
        tree.roles = tuple(roles)
    return {path: index for index, path in enumerate(given.messages)}


def _at(value: Any, path: Path) -> Any:
    for step in path:
        value = value[step]
    return value


def _role(message: Mapping[str, Any], path: Path) -> str:
    kind = message.get("type")
    role = ROLES.get(str(kind)) or str(message.get("role", ""))
    if role not in chat_fields.STAGES:
        raise RequestError("unknown_role", "a message is of no known type", "/".join(map(str, ("", *path))))
    return role


class Walk:
    """Reads a spread value. `told` has the numbers of its messages."""

    def __init__(self, tree: ContentTree, places: set[Path], told: Mapping[Path, int]) -> None:
        self.tree = tree
        self.places = places
        self.told = told

    def value(self, value: Any, path: Path, place: Place) -> None:
        """Read a value and what is in it."""
        inner_path = path[1:]  # below `value`
        if inner_path in self.places:
            self.message(value, path, place)
        elif not any(found[: len(inner_path)] == inner_path for found in self.places):
            self.tree.anything(value, path, place)
        elif isinstance(value, Mapping):
            for name, inner in value.items():
                self.tree.text(str(name), path, place, editable=False)
                self.value(inner, (*path, name), place)
        else:
            for index, inner in enumerate(value):
                self.value(inner, (*path, index), place)

    def message(self, value: Mapping[str, Any], path: Path, place: Place) -> None:
        """Read a message: what goes in where its role says, what a model answered at the stage."""
        role = _role(value, path)
        at = chat_fields.STAGES[role]
        if place.stage is not Stage.INPUT:
            here = Place(place.stage if at in (Stage.INPUT, Stage.OUTPUT) else at, (), role)
        else:
            also = (Stage.INPUT,) if role == "assistant" else ()
            name = value.get("name")
            here = Place(at, also, role, message=self.told[path[1:]])
            if at is Stage.TOOL_RESULT:
                here = place_result(self.tree, here, value.get("tool_call_id") or name, name)
        MESSAGE(self.tree, value, path, here)
