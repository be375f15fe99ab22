"""What stands in the file and is not read as it looks: a condition that a comment cuts off, curly quotes within a text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from guardrails.policy.lints.issue import LintFinding
from guardrails.policy.lints.scene.scene import LintContext
from guardrails.policy.loading.compose import BranchNode, NodeEntry, ScalarNode
from guardrails.policy.loading.source import Path

COMMENT: Final = re.compile(r"[ \t]+#([^\r\n]*)")
JOINED: Final = re.compile(r"&&|\|\|")
CURLY: Final = re.compile("[“„«].*[”“»]|[\u2018\u201a].*[\u2019\u2018]", re.DOTALL)


def cut_condition(scene: LintContext) -> Iterator[LintFinding]:
    """A ` #` begins a comment in the middle of a condition: what stands behind it does not count."""
    for row in scene.rows:
        source, path = row.item.place(("when",))
        entry = source.entry(path)
        if entry is None or not isinstance(entry.node, ScalarNode) or entry.node.style:
            continue
        found = COMMENT.match(source.text, entry.node.end)
        if found and JOINED.search(found[1]):
            message = f"the condition of rule {row.doc.id!r} ends before '#': what follows is a comment, and does not count"
            yield row.found(
                "when", message, "put the comment on a line of its own, above, or the condition in quotes"
            )


def curly_quotes(scene: LintContext) -> Iterator[LintFinding]:
    """A text stands in curly quotes, which are no quotes in YAML: they are part of the text."""
    for source in scene.policy.sources:
        for path, node in _scalars(source.entry(()), ()):
            if node.style == "" and CURLY.fullmatch(node.text):
                message = f"the curly quotes are part of the text {node.text[:60]}"
                yield LintFinding(
                    source.mark(path), message, f'write straight ones: "{node.text[1:-1][:60]}"'
                )


def _scalars(entry: NodeEntry | None, path: Path) -> Iterator[tuple[Path, ScalarNode]]:
    if entry is None:
        return
    if isinstance(entry.node, BranchNode):
        for key, child in entry.node.children.items():
            yield from _scalars(child, (*path, key))
    else:
        yield path, entry.node
