"""Reads the arguments of one call of a wrapped function, as one body: names → arguments.

What is a whole by itself is left apart, to be judged on its own: conversations, which have turns and a history; pictures, films,
sounds and files; contents of `guardrails.types`, which have their own place. What nobody can read is noted as unchecked.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from guardrails.engine.content.content_tree import ContentTree
from guardrails.engine.content.places import place_at
from guardrails.engine.values.known_types import adapter_of, unread
from guardrails.engine.values.media import is_picture, refuse_batch
from guardrails.engine.values.walk import Found, Walk
from guardrails.engine.values.writer import rebuild, value_at
from guardrails.protocols.chat.chat_payload import is_conversation
from guardrails.text.prose import classify_text
from guardrails.types import Media, Text, ToolCall
from guardrails.wire.pointers import Path
from guardrails.wrapping.argument_roles import VALUE, ArgumentPlace, ArgumentRole

SAID: frozenset[ArgumentRole] = frozenset(("prompt", "system", "context", "avoided"))
"""Roles of arguments that are somebody's words, however short."""


@dataclass(slots=True)
class Arguments:
    """The arguments of a call.

    Attributes:
        values: the arguments by name, those without one by position, in the order of the call.
        tree: what there is to judge in them together; paths begin with the name of an argument.
        apart: what is judged by itself, with the path to it.
        names: the arguments of each role that are somebody's words.
    """

    values: dict[str | int, Any] = field(default_factory=dict)
    tree: ContentTree = field(default_factory=ContentTree)
    apart: list[tuple[Path, Any]] = field(default_factory=list)
    names: dict[ArgumentRole, list[str | int]] = field(default_factory=dict)


def read_arguments(bound: Iterable[tuple[str | int, Any, ArgumentPlace]]) -> Arguments:
    """Read the arguments of a call.

    Args:
        bound: of each its name or position, the argument, and what it is.

    Raises:
        TypeError: one is pictures that cannot be judged as they are, such as a tensor.
        RequestError: one nests too deep, contains itself, or is too large.
    """
    arguments = Arguments()
    values: list[Found] = []
    for name, value, what in bound:
        arguments.values[name] = value
        if what.role == "ignored" or (what.role == "credential" and _is_key(value)):
            continue
        if what.role not in SAID:
            values += [((name,), str(name), False, "name"), *_find_leaves(arguments, value, name, what)]
            continue
        arguments.names.setdefault(what.role, []).append(name)
        if type(value) is str:
            arguments.tree.text(value, (name,), what.place)
        else:
            found = _find_leaves(arguments, value, name, what)
            texts = isinstance(value, list | tuple) and all(isinstance(each, str) for each in value)
            arguments.tree.structure(found, (name,), what.place, prose=texts, renames=True)
    arguments.tree.structure(values, (), VALUE.place, renames=True)
    return arguments


def _is_key(value: Any) -> bool:
    """Tell whether a value may be a key of the program's, and is no words."""
    return isinstance(value, str) and not any(map(str.isspace, value)) and classify_text(value) != "sentence"


def _find_leaves(arguments: Arguments, value: Any, name: str | int, what: ArgumentPlace) -> list[Found]:
    """Return what there is to judge in an argument together with the others; what is a whole, or is not read, is noted."""

    def is_apart(inner: Any, path: Path) -> bool:
        refuse_batch(inner)
        adapter = adapter_of(inner)
        if is_picture(inner) or isinstance(inner, Text | Media | ToolCall) or is_conversation(inner):
            arguments.apart.append((path, inner))
        elif adapter is None:
            kind = "part" if _is_content(inner, what) else "object"
            arguments.tree.unchecked.append((unread(inner, kind), place_at(what.place, path)))
        else:
            return False
        return True

    walk = Walk(is_apart)
    # A text in the place of a number is none that the function can take: where one would be redacted, the call is stopped.
    walk.read(value, (name,), editable=what.role != "setting" or isinstance(value, str))
    return walk.found


def _is_content(value: Any, what: ArgumentPlace) -> bool:
    """Tell whether what nobody can read is content, and not for the program alone: what looks like a message, and what is said
    to be somebody's words, or yields them.
    """
    looks = _has(value, "role") and _has(value, "content")
    return looks or (what.role in SAID and (what.declared or isinstance(value, Iterator)))


def _has(value: Any, name: str) -> bool:
    """Tell whether an object has an attribute, without asking it: what it would do is not known."""
    return hasattr(type(value), name) or name in getattr(value, "__dict__", ())


def put_value(value: Any, path: Path, new: Any) -> Any:
    """Return a value with another at a path, in the types that stand there."""
    if not path:
        return new
    step = path[0]
    return rebuild(value, {step: put_value(value_at(value, (step,)), path[1:], new)})


def plain_texts(value: Any) -> Iterator[str]:
    """Yield the text that a value is, or those that it is a list of."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | tuple):
        yield from (each for each in value if isinstance(each, str))
