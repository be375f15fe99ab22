"""What conditions of one policy may read of the use of tools in one check (`tool.*`).

A call is tainted by what untrusted tools returned before it: in the conversation that is checked, or in what was heard of one
before (`Request.heard`). It carries what its arguments hold of that (`taint.py`). Which tool a result comes from is what the
call with its id says, not what the result says of itself; where no call before it has that id, nobody knows, and it counts as
untrusted. What cannot be told is unknown, so that the rule's `on_error` decides.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final

from guardrails.engine.content.content_tree import Leaf
from guardrails.engine.tools.taint import MOST_SOURCES, Decoding, TaintTraces
from guardrails.engine.tools.tool_calls import find_returned
from guardrails.engine.values.json_text import find_literals, is_unsound_json, parse_json_text
from guardrails.engine.values.walk import find_leaves
from guardrails.errors import RequestError
from guardrails.policy.names import FOLLOWED, OF_CALLS, fold_tool_name
from guardrails.policy.tools import ToolLists
from guardrails.text import replace_surrogates
from guardrails.types import Content, Place, Returned, Stage, Tool, ToolCall, Use
from guardrails.wire.lossless_json import Number

BASIC: Final = ("tool.server", "tool.changed")
"""What is the same for all policies, and known without `ToolContext`."""

OF_TOOLS: Final = (Stage.TOOL_DEFINITION, Stage.TOOL_CALL, Stage.TOOL_RESULT)
"""The stages at which contents belong to a tool."""

PREPARED: Final = ("tool.listed", *OF_CALLS)
"""What needs `ToolContext`."""

LONGEST: Final = 5.0
"""Seconds of CPU time that all calls of a check may take together."""

WIDEST: Final = 2**63
"""What a whole number in a condition is smaller than."""


class Arguments(dict[str, Any]):
    """The decoded arguments of a call, with what conditions said of them: they are read once, not for each text in them."""

    __slots__ = ("said",)

    def __init__(self, given: Mapping[str, Any]) -> None:
        super().__init__(given)
        self.said: dict[tuple[object, ...], bool | None] = {}


Facts = dict[str, object]
"""What is known of one call, by the names that conditions have for it; what is missing is unknown."""

CANNOT: Final = (TimeoutError, RecursionError, RequestError)
"""What stops the reading of arguments that are out of all measure."""

UNSOUND: Final = "unsound"
"""Under which a call's facts say that its arguments are no sound JSON; no condition has a name for it."""

READS_ARGUMENTS: Final = frozenset(("tool.arguments", "tool.valid"))
"""What conditions read of a call's arguments themselves."""

ELSEWHERE: Final[Mapping[str, object]] = {
    "tool.valid": True,
    "tool.arguments": {},
    "tool.tainted": False,
    "tool.sources": [],
    "tool.carries": False,
    "tool.carried": [],
}
"""What is known of contents that belong to no call."""


class ToolContext:
    """What one policy's conditions may read of tools in one check. `prepare` comes first.

    Args:
        tools: what the policy says of tools.
        names: the names that its conditions have for that.
        tree: what is checked.
        heard: what tools returned before.
        decoding: how deep encodings are followed.
    """

    def __init__(
        self,
        tools: ToolLists,
        names: frozenset[str],
        leaves: Sequence[Leaf],
        heard: Sequence[Returned],
        decoding: Decoding,
    ) -> None:
        self._tools, self._names = tools, names
        # What stands behind the last call comes to none.
        last = max((at for at, leaf in enumerate(leaves) if isinstance(leaf.content, ToolCall)), default=-1)
        self._leaves, self._heard = leaves[: last + 1], heard
        self._decoding = decoding
        self._facts: dict[int, Facts] = {}
        self._sources: dict[str, None] = {}
        self._lists: dict[tuple[Tool, ...], bool] = {}

    @property
    def validates(self) -> bool:
        """Whether arguments are held against a schema, which may take its time."""
        schemas = any(entry.schema is not None for entry in self._tools.allow or ())
        return bool(self._leaves) and schemas and "tool.valid" in self._names

    @property
    def size(self) -> int:
        """How many characters `prepare` reads."""
        contents = (leaf.content for leaf in self._leaves)
        calls = sum(len(content.arguments) for content in contents if isinstance(content, ToolCall))
        if not self._leaves or not self._names.intersection(FOLLOWED):
            return calls
        return calls + sum(len(each.text or "") for each in self._results())

    def _results(self) -> Iterator[Returned]:
        yield from self._heard
        yield from (each for _, each in find_returned(self._leaves))

    def prepare(self) -> None:
        """Find out all that conditions ask for. Whatever stops it leaves the rest unknown."""
        if not self._leaves:
            return
        follows = bool(self._tools.untrusted) and bool(self._names.intersection(FOLLOWED))
        traces = TaintTraces(self._decoding) if self._names.intersection(FOLLOWED[2:]) else None
        forgot = False
        results = dict(find_returned(self._leaves)) if follows else {}
        for each in self._heard if follows else ():
            forgot = self._hear(each, traces) or forgot
        until = time.thread_time() + LONGEST
        for index, leaf in enumerate(self._leaves):
            content = leaf.content
            if isinstance(content, ToolCall) and content.place.use is not None:
                if time.thread_time() > until:
                    return
                facts = self._facts[id(content.place.use)] = Facts()
                with suppress(*CANNOT):
                    self._judge(content.place.use, facts)
                if follows:
                    with suppress(*CANNOT):
                        self._follow(content.place.use, facts, None if forgot else traces)
            if index in results:
                forgot = self._hear(results[index], traces) or forgot

    def _hear(self, result: Returned, traces: TaintTraces | None) -> bool:
        """Take what a tool returned; return whether it is not known any more."""
        strangers = self._tools.untrusted_names(result.tools)
        self._sources.update(dict.fromkeys(strangers))
        if strangers and result.text and traces is not None:
            traces.add(result.text, strangers)
        return bool(strangers) and result.text is None

    def _judge(self, use: Use, facts: Facts) -> None:
        """Find out what a call asks for. Arguments that are no sound JSON are known to be none, and fit no entry."""
        value, sound = parse_json_text(use.arguments or "{}") if use.arguments is not None else (None, False)
        if "tool.arguments" in self._names and isinstance(value, dict) and sound:
            facts["tool.arguments"] = Arguments(_plain(value))
        unsound = use.arguments is not None and not sound and is_unsound_json(use.arguments)
        facts[UNSOUND] = unsound
        if "tool.valid" in self._names:
            facts["tool.valid"] = not unsound and all(self._fits(tool, use, sound) for tool in use.tools)

    def _fits(self, tool: tuple[str, str], use: Use, sound: bool) -> bool:
        entry = self._tools.entry(tool)
        if entry is None or entry.schema is None:
            return True
        return sound and not entry.schema.errors(use.arguments or "{}")

    def _follow(self, use: Use, facts: Facts, traces: TaintTraces | None) -> None:
        """Find out what came to a call from untrusted tools."""
        facts["tool.tainted"] = bool(self._sources)
        if len(self._sources) <= MOST_SOURCES:
            facts["tool.sources"] = [*self._sources]
        if traces is not None and use.arguments is not None:
            carried = traces.found(*_texts(use.arguments))
            if carried is not None:
                facts |= {"tool.carries": bool(carried), "tool.carried": carried}

    def is_unsound(self, content: Content) -> bool:
        """Tell whether a content belongs to a call whose arguments are no JSON, or could be read in two ways."""
        at = content.place
        facts = None if at.use is None or at.stage is not Stage.TOOL_CALL else self._facts.get(id(at.use))
        return facts is not None and facts.get(UNSOUND) is True

    def value(self, name: str, content: Content) -> object:
        """Return what a condition reads of a content, None where it is unknown."""
        if name in self._tools.known:
            return self._tools.known[name]
        at = content.place
        if name == "tool.listed":
            return at.stage not in OF_TOOLS or self._listed(at)
        if at.stage is not Stage.TOOL_CALL:
            return ELSEWHERE[name]
        facts = None if at.use is None else self._facts.get(id(at.use))
        return None if facts is None else facts.get(name)

    def _listed(self, at: Place) -> bool:
        tools = ((at.tool or "", ""),) if at.use is None else at.use.tools
        if tools not in self._lists:  # each content of a definition asks
            self._lists[tools] = bool(tools) and all(map(self._tools.lists, tools))
        return self._lists[tools]


def basic_value(name: str, content: Content) -> object:
    """Return what a condition reads of a content's tool that is the same for all policies (`BASIC`)."""
    use = content.place.use
    if name == "tool.changed":
        return use is not None and use.changed
    servers = {server for _, server in use.tools} if use is not None else set()
    return fold_tool_name(servers.pop()) if len(servers) == 1 else ""


def _texts(arguments: str) -> tuple[list[str], list[str]]:
    """Return the texts in a call's arguments, and those that are no keys; of what is no sound JSON all of it and its literals."""
    value, sound = parse_json_text(arguments or "{}")
    found = [
        (str(text), role) for _, text, _, role in (find_leaves(value) if sound else find_literals(arguments))
    ]
    whole = [] if sound else [arguments]
    return [*whole, *(text for text, _ in found)], [text for text, role in found if role == "value"]


def _plain(value: Any) -> Any:
    """Return a JSON value as conditions take it: numbers that CEL has, texts that can be encoded."""
    if isinstance(value, str):
        return replace_surrogates(value)
    if isinstance(value, dict):
        return {replace_surrogates(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    if isinstance(value, Number):
        return float(value)
    if isinstance(value, int) and not isinstance(value, bool) and not -WIDEST <= value < WIDEST:
        return math.inf if value > 0 else -math.inf
    return value
