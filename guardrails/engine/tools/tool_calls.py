"""Which tool a content belongs to, by calls and results, and what tools returned.

A call says its tool, and an id. A result says the id: its tool is the one that was called with it, earlier in the same walk, and
also the one that it names itself, if it does. Where no earlier call has the id nobody knows the tool (`Use.tools` is empty),
whatever the result says. APIs without ids have the name of the tool for one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final

from guardrails.engine.content.content_tree import ContentTree, Leaf
from guardrails.engine.values.json_text import write_arguments
from guardrails.types import Place, Returned, Stage, Text, ToolCall, Use

ROLES: Final[Mapping[Stage, str]] = {
    Stage.TOOL_DEFINITION: "system",
    Stage.TOOL_CALL: "assistant",
    Stage.TOOL_RESULT: "tool",
}

REMEMBERED: Final = 2_000_000
"""Characters of what tools returned that a session remembers."""


def tool_place(
    stage: Stage, name: str, server: str = "", *, arguments: str | None = None, changed: bool = False
) -> Place:
    """Return where the contents of one use of a tool stand; `arguments` is the JSON text of a call's."""
    use = Use(((name, server),), arguments, changed)
    return Place(stage, role=ROLES[stage], tool=name, use=use)


def trim_returned(heard: Sequence[Returned]) -> tuple[Returned, ...]:
    """Return what tools returned, the newest first to stay: older texts are forgotten, the tools that they came from never."""
    kept: list[Returned] = []
    forgotten: dict[tuple[tuple[str, str], ...], None] = {}
    room = REMEMBERED
    for each in reversed(heard):
        room -= len(each.text or "") + 1
        if each.text is None or room < 0:
            forgotten[each.tools] = None
        else:
            kept.append(each)
    return (*(Returned(tools) for tools in forgotten), *reversed(kept))


def find_returned(leaves: Sequence[Leaf]) -> Iterator[tuple[int, Returned]]:
    """Yield what tools returned that stands in leaves, with the leaf that it begins with; what the provider's own tools did
    also where it does not stand there.
    """
    groups: dict[object, tuple[int, tuple[tuple[str, str], ...], list[str]]] = {}
    for index, leaf in enumerate(leaves):
        content, at = leaf.content, leaf.content.place
        if leaf.again:
            continue
        use = at.use
        if at.stage is Stage.TOOL_RESULT and isinstance(content, Text):
            key = id(use) if use is not None else (at.message, at.tool)
            group = groups.setdefault(key, (index, () if use is None else use.tools, []))
            group[2].append(content.text)
        elif use is not None and use.hosted and isinstance(content, ToolCall):
            groups[id(use)] = (index, use.tools, [])
    for index, tools, texts in groups.values():
        yield index, Returned(tools, "\n".join(texts))


def place_call(
    tree: ContentTree,
    at: Place,
    name: object,
    arguments: object,
    *,
    identity: object = None,
    server: object = "",
    hosted: bool = False,
) -> Place:
    """Return where the contents of a call stand that is found at a place, and remember its id for results.

    Args:
        tree: what is collected.
        at: where the call is found.
        name: of the tool.
        arguments: its JSON text, or the value itself.
        identity: the id of the call, or what its result names it by.
        server: which has the tool.
        hosted: whether the provider makes the call.
    """
    tool = (_text(name), _text(server))
    given = (
        arguments if isinstance(arguments, str) else "" if arguments is None else write_arguments(arguments)
    )
    if isinstance(identity, str):
        tree.calls.setdefault(identity, []).append(tool)
    return replace(at, stage=Stage.TOOL_CALL, tool=tool[0], use=Use((tool,), given, hosted=hosted))


def place_definition(name: object) -> Place:
    """Return where the definition of a tool stands in a request."""
    return tool_place(Stage.TOOL_DEFINITION, _text(name))


def place_result(tree: ContentTree, at: Place, identity: object, claimed: object = None) -> Place:
    """Return where the contents of a result stand that is found at a place: which calls it is of, `identity` says; `claimed` is
    what the result says of its tool.
    """
    known = tree.calls.get(identity, []) if isinstance(identity, str) else []
    tools = dict.fromkeys(known)
    said = claimed if isinstance(claimed, str) else None
    if tools and said is not None and all(name != said for name, _ in tools):
        tools[said, ""] = None
    own = next(iter(tools))[0] if len(tools) == 1 else said
    return replace(at, tool=own, use=Use((*tools,)))


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
