"""Writes a content as fields of a row of the log, where it may hold any (`authoring/rows.py` reads them).

One text is that text; anything else becomes messages in OpenAI's form, each with the role that it had or that its stage has.
Pictures and the like, and definitions of tools, are not written: `without` says how many there were.
"""

from __future__ import annotations

from typing import Any

from guardrails.engine.content.content_tree import ContentTree, Leaf
from guardrails.engine.content.places import ROLES
from guardrails.engine.model import Request
from guardrails.types import Media, Stage, Text, ToolCall


def content_fields(tree: ContentTree, who: Request) -> dict[str, Any]:
    """Return the content of leaves that nobody judged yet, and who asked, as fields of a row."""
    out: dict[str, Any] = {"content": _content(tree), "user": dict(who.user)}
    if who.metadata is not None:
        out["metadata"] = dict(who.metadata)
    prompt = next(
        (each["prompt"] for leaf in tree.leaves if (each := leaf.content.context) and "prompt" in each), ""
    )
    if prompt:
        out["prompt"] = prompt
    if without := sum(not _is_written(leaf) for leaf in tree.leaves):
        out["without"] = without
    return out


def _is_written(leaf: Leaf) -> bool:
    """Tell whether a row can hold a leaf: a definition of a tool stands in no message."""
    return not isinstance(leaf.content, Media) and leaf.content.place.stage is not Stage.TOOL_DEFINITION


def _content(tree: ContentTree) -> Any:
    own = [leaf for leaf in tree.leaves if not leaf.again and _is_written(leaf)]
    texts = [leaf.content for leaf in own if isinstance(leaf.content, Text)]
    if len(own) == 1 and texts:
        return texts[0].text
    messages: list[dict[str, Any]] = []
    last: object = None
    for leaf in own:
        content, place = leaf.content, leaf.content.place
        key = (place.message, place.choice_index, place.role or ROLES[place.stage])
        if key != last:
            messages.append({"role": place.role or ROLES[place.stage], "content": []})
            last = key
        if isinstance(content, ToolCall):
            call = {"name": content.name, "arguments": content.arguments}
            calls = messages[-1].setdefault("tool_calls", [])
            calls.append({"id": f"call_{len(calls)}", "type": "function", "function": call})
        elif isinstance(content, Text) and place.stage is not Stage.TOOL_CALL:
            messages[-1]["content"].append({"type": "text", "text": content.text})
    return messages
