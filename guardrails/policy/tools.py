"""Compiles a policy's lists of tools: which may be called, with which arguments, and whose results are untrusted.

A tool is its name and the server that has it. Names in `allow` are compared as they are written, case and all: another spelling
is another tool, which no list has. In `untrusted` they are compared without regard to case, width and spaces, as in conditions:
another spelling is no way out.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from guardrails.detectors import ConfigProblem
from guardrails.detectors.formats.json_schema import JsonSchema
from guardrails.detectors.formats.schema_source import compile_schema, find_unknown_keywords, load_schema
from guardrails.policy.loading.items import PolicyItem
from guardrails.policy.loading.problems import NOWHERE, Problems
from guardrails.policy.loading.source import Mark
from guardrails.policy.names import fold_tool_name
from guardrails.policy.schema import ToolDoc
from guardrails.text import replace_surrogates
from guardrails.text.matching import linear_patterns as re2
from guardrails.types import Tool

Fits = Callable[[str], bool]

UNKNOWN = "?"
"""What stands for a tool that nobody knows in `tool.sources` and `tool.carried`."""


@dataclass(frozen=True, slots=True)
class AllowedTool:
    """One entry of the list of allowed tools."""

    name: Fits
    server: Fits
    schema: JsonSchema | None


@dataclass(frozen=True, slots=True)
class ToolLists:
    """What one policy says of tools. `digest` names all of it, "" where it says nothing.

    `known` holds what conditions may name and is the same of every content: where the policy has no list.
    """

    allow: tuple[AllowedTool, ...] | None = None
    untrusted: tuple[Callable[[Tool], bool], ...] = ()
    digest: str = ""
    known: Mapping[str, object] = field(default_factory=dict)

    def entry(self, tool: Tool) -> AllowedTool | None:
        """Return the first entry that fits a tool, None where none does."""
        name, server = tool
        found = (entry for entry in self.allow or () if entry.name(name) and entry.server(server))
        return next(found, None)

    def lists(self, tool: Tool) -> bool:
        """Tell whether a tool is listed."""
        return self.allow is None or self.entry(tool) is not None

    def untrusted_names(self, tools: Sequence[Tool]) -> tuple[str, ...]:
        """Return the names of the untrusted tools among those that something may come from; with none, nobody knows: `?`."""
        if not self.untrusted:
            return ()
        if not tools:
            return (UNKNOWN,)
        return tuple(format_tool(tool) for tool in tools if any(fits(tool) for fits in self.untrusted))


NOTHING_LISTED: Mapping[str, object] = {"tool.listed": True, "tool.valid": True}
NOTHING_UNTRUSTED: Mapping[str, object] = {
    "tool.tainted": False,
    "tool.sources": [],
    "tool.carries": False,
    "tool.carried": [],
}


def format_tool(tool: Tool) -> str:
    """Write a tool as conditions see it."""
    name, server = tool
    return f"{server}/{name}" if server else name


def compile_glob(pattern: str) -> Fits:
    """Return what tells whether a name fits a pattern, in time that is linear in the name."""
    if not set("*?") & {*pattern}:
        return pattern.__eq__
    if pattern == "*":
        return lambda name: True
    expression = "".join({"*": "(?s:.*)", "?": "(?s:.)"}.get(char) or re.escape(char) for char in pattern)
    compiled = re2.compile(replace_surrogates(expression))
    return lambda name: compiled.fullmatch(replace_surrogates(name)) is not None


def compile_untrusted(pattern: str) -> Callable[[Tool], bool]:
    """Return what tells whether a tool fits `tool` or `server/tool`; the whole of it may also be the name of a tool."""
    pattern = fold_tool_name(pattern)
    whole = compile_glob(pattern)
    server, slash, name = pattern.partition("/")
    if not slash:
        return lambda tool: whole(fold_tool_name(tool[0]))
    of, called = compile_glob(server), compile_glob(name)
    return lambda tool: (
        (of(fold_tool_name(tool[1])) and called(fold_tool_name(tool[0]))) or whole(fold_tool_name(tool[0]))
    )


def compile_tools(lists: Mapping[str, PolicyItem], problems: Problems) -> ToolLists:
    """Compile the lists of a policy; those that the loader has found wrong are left alone."""
    allow: list[AllowedTool] | None = None
    written: list[object] = []
    item = lists.get("allow")
    if item is not None:
        allow, named = [], dict[tuple[str, str], int]()
        for index, given in enumerate(item.data["allow"]):
            doc = _valid(given)
            if doc is None:
                continue
            first = _find_covering(doc, named)
            if first is not None:
                there = item.mark(("allow", first))
                message = f"no call comes to this entry: the one in line {there.line} fits {doc.name!r} too"
                problems.add(
                    item.mark(("allow", index)), "unreachable_entry", message, "put the narrower one first"
                )
            named.setdefault((doc.name, doc.server), index)
            schema, text = _schema(doc, item, index, problems)
            allow.append(AllowedTool(compile_glob(doc.name), compile_glob(doc.server), schema))
            written.append([doc.name, doc.server, text])
    untrusted = [
        each for item in [lists.get("untrusted")] if item for each in item.data["untrusted"]
        if isinstance(each, str)
    ]  # fmt: skip
    digest = ""
    if lists:
        resolved = json.dumps([None if allow is None else written, untrusted], sort_keys=True)
        digest = hashlib.sha256(resolved.encode("utf-8", "surrogatepass")).hexdigest()
    known = {**({} if allow is not None else NOTHING_LISTED), **({} if untrusted else NOTHING_UNTRUSTED)}
    return ToolLists(
        None if allow is None else tuple(allow), tuple(map(compile_untrusted, untrusted)), digest, known
    )


def _valid(given: object) -> ToolDoc | None:
    return Problems().validate(ToolDoc, given, NOWHERE, "") if isinstance(given, dict) else None


def _find_covering(doc: ToolDoc, named: Mapping[tuple[str, str], int]) -> int | None:
    """Return the entry that already fits all that one would: the same, or a wider one before a name that has no pattern."""
    for (name, server), index in named.items():
        if (name, server) == (doc.name, doc.server):
            return index
        plain = not set("*?") & {*doc.name}
        if plain and compile_glob(name)(doc.name) and server in ("*", doc.server):
            return index
    return None


def _schema(doc: ToolDoc, item: PolicyItem, index: int, problems: Problems) -> tuple[JsonSchema | None, str]:
    """Return the schema of an entry's arguments, and the text of it."""
    given = doc.arguments
    if given is None:
        return None, ""
    at: tuple[str | int, ...] = ("allow", index, "arguments")
    found: list[ConfigProblem] = []
    if given.keys() == {"file"} and isinstance(given["file"], str):
        reading = _Reading(item)
        schema = load_schema(given["file"], reading, found, (*at, "file"), strict=True)
        text = reading.text
    else:
        text = json.dumps(given, sort_keys=True)
        found += find_unknown_keywords(given, at)
        schema = compile_schema(given, found, at) if not found else None
    for problem in found:
        place = item.mark(problem.path) if problem.place is None else Mark(*problem.place)
        problems.add(place, problem.code, problem.message, problem.hint)
    return schema, text


class _Reading:
    """Reads a file, and remembers what stands in it."""

    def __init__(self, item: PolicyItem) -> None:
        self._item = item
        self.text = ""

    def read(self, name: str) -> tuple[str, str]:
        self.text, shown = self._item.read(name)
        return self.text, shown
