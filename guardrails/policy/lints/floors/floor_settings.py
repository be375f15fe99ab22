"""What a policy says of all that it judges, beside the operator's floor: numbers and words that the floor's take the place of."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from guardrails.policy.lints.floors.floor_pairs import FloorPair
from guardrails.policy.lints.issue import LintFinding
from guardrails.policy.lints.scene.scene import LintContext
from guardrails.policy.loading.source import Mark
from guardrails.policy.schema import FilmsDoc, LimitsDoc, MediaDoc
from guardrails.types import Action

CURE: Final = "leave it out, or write what the floor has, or what is stricter"

Undone = Callable[[Any, Any], bool]
"""The policy's value and the floor's in, whether the floor's takes its place out."""

MORE: Final = frozenset({"max_hold", "hard", "corroborate", "enter", "leave"})
"""Numbers of which the smaller holds, of all others the larger: none of the two sees less than it would alone."""


def _larger(own: Any, floor: Any) -> bool:
    return bool(own > floor)


def _smaller(own: Any, floor: Any) -> bool:
    return bool(own < floor)


def _longer(own: Any, floor: Any) -> bool:
    """Tell whether a gap is longer; None is none at all."""
    return own is not None and (floor is None or bool(own > floor))


def _lenient(own: Any, floor: Any) -> bool:
    return Action[str(own).upper()] < Action[str(floor).upper()]


def _other(wanted: object) -> Undone:
    return lambda own, floor: own == wanted != floor


OTHERWISE: Final[Mapping[str, Undone]] = {
    "limits.on_limit": _other("hold"),
    "limits.windows": lambda own, floor: False,  # each has detectors of its own for that
    "films.max_gap_ms": _longer,
    "media.mistyped": _other("read"),
    "media.metadata": _other("keep"),
    "history": _other("remove"),
    "parallel": _other(True),
}
"""Fields that are no numbers of which the larger or the smaller holds."""


def _report_undone(name: str, *, section: str) -> Undone:
    if section == "unchecked":
        return _lenient
    return OTHERWISE.get(f"{section}.{name}") or (_larger if name in MORE else _smaller)


def _written(scene: LintContext, *path: str) -> Mark | None:
    """Return where a field is written, in the nearest of the policy's files."""
    for source in scene.policy.sources:
        if source.entry(path) is not None:
            return source.mark(path)
    return None


def _fields(scene: LintContext) -> Iterator[tuple[tuple[str, ...], object]]:
    """Yield the fields with their values, those that nobody wrote too."""
    policy = scene.policy
    for section, names in (
        ("unchecked", policy.unchecked.model_dump()),
        ("limits", {name: getattr(policy.limits, name) for name in LimitsDoc.model_fields}),
        ("films", {name: getattr(policy.films, name) for name in FilmsDoc.model_fields}),
        ("media", {name: getattr(policy.media, name) for name in MediaDoc.model_fields}),
    ):
        for name, value in names.items():
            yield (section, name), value
    yield ("history",), policy.history
    yield ("parallel",), policy.parallel is not None


def find_undone_settings(pair: FloorPair) -> Iterator[LintFinding]:
    """Yield what the policy says of all contents and the floor undoes."""
    there = dict(_fields(pair.floor))
    for path, own in _fields(pair.scene):
        name, theirs = ".".join(path), there[path]
        undone = OTHERWISE[name] if len(path) == 1 else _report_undone(path[1], section=path[0])
        mark = _written(pair.scene, *path)
        if mark is not None and undone(own, theirs):
            message = f"{name}: {_plain(own)} has no effect: under the floor it is {_plain(theirs)}"
            yield LintFinding(mark, message, CURE, name)


def unkept_by_floor(scene: LintContext) -> Iterator[LintFinding]:
    """The floor has contents kept with records, and the policy has not: a floor's word on it does not count (--floor)."""
    if scene.floor is None:
        return
    own, theirs = scene.compiled.keeps_content, scene.floor.compiled.keeps_content
    if theirs and theirs != own and own is not True:
        message = (
            f"the floor's records: {{content: {_plain(theirs)}}} has no effect: of what is judged under this policy "
            f"{'what is flagged alone' if own else 'nothing'} is kept"
        )
        mark = _written(scene, "records", "content") or scene.root.mark(("name",))
        cure = f"write records: {{content: {_plain(theirs)}}} in the policy, or leave it out of the floor"
        yield LintFinding(mark, message, cure, "records.content")


LISTED: Final = frozenset({"tool.listed", "tool.valid"})
FOLLOWED: Final = frozenset({"tool.tainted", "tool.sources", "tool.carries", "tool.carried"})
"""What rules ask for of the two lists of tools."""


def tools(pair: FloorPair) -> Iterator[LintFinding]:
    """Yield tools that the policy lists, or trusts, and the floor does not, where a rule of the floor asks for that."""
    own, floor = pair.scene.compiled.tools, pair.floor.compiled.tools
    for name, leaves in (("allow", LISTED), ("untrusted", FOLLOWED)):
        mine, theirs = (each.policy.tools.get(name) for each in (pair.scene, pair.floor))
        side = next((each for each in pair.under if leaves & {*each.row.rule.condition.context}), None)
        if mine is None or theirs is None or side is None:
            continue
        if name == "allow":
            for index, entry in enumerate(mine.data[name]):
                tool = (entry["name"], entry.get("server", "*"))  # of a pattern, whether another covers it
                if not floor.lists(tool):
                    message = f"listing the tool {entry['name']!r} has no effect: {side.still()}"
                    yield LintFinding(mine.mark((name, index)), message, CURE, entry["name"])
            continue
        gone = [each for each in theirs.data[name] if not own.untrusted_names([_tool(each)])]
        if gone:
            message = f"leaving {', '.join(map(repr, gone))} out of the untrusted tools has no effect: {side.still()}"
            yield LintFinding(mine.key_mark((name,)), message, CURE, name)


def _tool(pattern: str) -> tuple[str, str]:
    """Return `tool` or `server/tool` as a tool's name and its server."""
    server, slash, name = pattern.partition("/")
    return (name, server) if slash else (pattern, "")


def _plain(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
