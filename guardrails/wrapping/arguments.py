"""Reads the arguments of one call of a wrapped function, as one body: names → arguments.

What is a whole by itself is left apart, to be judged on its own: conversations, which have turns and a history; pictures, films,
sounds and files; contents of `guardrails.types`, which have their own place. What nobody can read is noted as unchecked.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from guardrails.engine.content.content_tree import ContentTree, place_at
from guardrails.engine.values.known_types import adapter_of, unread
from guardrails.engine.values.media import is_picture, refuse_batch
from guardrails.engine.values.walk import Walk
from guardrails.engine.values.writer import rebuild, value_at
from guardrails.protocols.chat.chat_payload import is_conversation
from guardrails.text.prose import classify_text
from guardrails.types import Media, Text, TextForm, ToolCall
from guardrails.wire.pointers import Path
from guardrails.wrapping.argument_roles import ArgumentPlace, ArgumentRole

SAID: frozenset[ArgumentRole] = frozenset(("prompt", "system", "context"))
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
    for name, value, what in bound:
        arguments.values[name] = value
        if what.role == "ignored":
            continue
        if what.role in SAID:
            arguments.names.setdefault(what.role, []).append(name)
        if type(value) is str:
            arguments.tree.text(value, (name,), what.place, form=_form(value, what))
        else:
            _read_value(arguments, value, name, what)
    return arguments


def _form(text: str, what: ArgumentPlace) -> TextForm:
    """Return who reads a text that is an argument: a setting of a few words is none."""
    kind = classify_text(text)
    said = what.role in SAID or kind == "sentence" or (kind == "phrase" and what.role == "value")
    return "prose" if said else "data"


def _read_value(arguments: Arguments, value: Any, name: str | int, what: ArgumentPlace) -> None:
    tree = arguments.tree

    def is_apart(inner: Any, path: Path) -> bool:
        refuse_batch(inner)
        adapter = adapter_of(inner)
        if is_picture(inner) or isinstance(inner, Text | Media | ToolCall) or is_conversation(inner):
            arguments.apart.append((path, inner))
        elif adapter is None:
            # With the look of a message it is content, whatever it is: it is not for the program alone.
            kind = "part" if _has(inner, "role") and _has(inner, "content") else "object"
            tree.unchecked.append((unread(inner, kind), place_at(what.place, path)))
        else:
            return False
        return True

    walk = Walk(is_apart)
    walk.read(value, (name,))
    if len(walk.found) == 1 and walk.found[0][0] == (name,):  # a number, a path, a text of a class of its own
        [(path, leaf, editable, _)] = walk.found
        if isinstance(leaf, str):
            tree.text(leaf, path, what.place, editable=editable, form=_form(leaf, what))
        else:
            tree.add(leaf, path, what.place, editable=editable)
        return
    texts = isinstance(value, list | tuple) and all(isinstance(each, str) for each in value)
    tree.structure(walk.found, (name,), what.place, prose=texts and what.role in SAID, renames=True)


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
