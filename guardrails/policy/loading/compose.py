"""Composes the events of a YAML parser into nodes that know their places in the source, within limits of size."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Collection
from dataclasses import dataclass
from typing import NoReturn

import yaml

from guardrails.errors import PolicyError, PolicyErrors
from guardrails.policy.loading.cures.yaml_cures import LOADER, find_yaml_cure, quote_text
from guardrails.policy.loading.scalars import (
    CORE,
    TYPE_NAMES,
    ScalarProblem,
    Value,
    convert,
    quote_scalar,
    resolve,
)

MAX_CHARACTERS = 2**20
"""A policy of 500 rules has some 150,000; a million is a mistake or an attack."""
MAX_DEPTH = 32
"""The schema needs 8; every later stage may recurse over what passes here."""
MAX_NODES = 100_000
"""Keys and values, aliases expanded: 500 rules have some 15,000."""
THOUSAND = 3
"""Digits behind a comma that sets thousands apart."""
MAX_ALIASES = 100
"""References to anchors: enough to share what rules share."""

# Not the parser's YAML 1.1 line breaks (NEL, LS, PS): an editor's line numbers do not count these.
_LINE_BREAK = re.compile(r"\r\n|\r|\n")
_SURROGATE = re.compile("[\ud800-\udfff]")
_MAP = f"{CORE}map"
_SEQ = f"{CORE}seq"
_QUOTE = "quote a text that starts with one of & * ! % @ ` [ ] { } | > # ,"
_HINTS = (
    ("mapping values are not allowed", "quote a text that holds ': ', or check the indentation"),
    ("cannot start any token", _QUOTE),
    ("scanning an anchor", _QUOTE),
    ("scanning an alias", _QUOTE),
    ("tag", _QUOTE),
    ("directive", _QUOTE),
    ("end of stream", "close the quote"),
    (
        "expected ':'",
        "write key: value, with a space behind the colon, and a text of several lines behind '|'",
    ),
    (
        "expected ',' or",
        "put commas between, close the bracket, and quote a text that holds ' #', ': ' or brackets",
    ),
    ("expected '-' indicator", "begin each entry of the list with '- ', all in the same column"),
    (
        "expected <block end>",
        "begin all keys of a mapping in the same column, and quote a text that goes on behind a quote",
    ),
    ("found character '\\t'", "indent with spaces, not with tabs"),
    ("escape", "write a backslash twice in double quotes, or use single quotes"),
)


class SourceText:
    """The text of a file, with the lines and columns of its characters."""

    def __init__(self, text: str, file: str) -> None:
        self.text = text
        self.file = file
        self._starts: list[int] = []

    def place(self, index: int) -> tuple[int, int]:
        """Return the line and the column, both from 1, of the character at `index`."""
        self._starts = self._starts or [0, *(found.end() for found in _LINE_BREAK.finditer(self.text))]
        line = bisect_right(self._starts, index)
        return line, index - self._starts[line - 1] + 1

    def problem(self, index: int, code: str, message: str, hint: str) -> PolicyError:
        """Return an error that points to the character at `index`."""
        return PolicyError(self.file, *self.place(index), code, message, hint)


@dataclass(frozen=True, slots=True)
class ScalarNode:
    """A leaf: `text` is decoded, `value` is what it means, the indices enclose anchor, tag and quotes."""

    start: int
    end: int
    style: str
    text: str
    value: Value


@dataclass(frozen=True, slots=True)
class BranchNode:
    """A mapping, or a list with its indices for keys. `height` counts levels of branches, itself included."""

    children: dict[str | int, NodeEntry]
    is_mapping: bool
    height: int


@dataclass(frozen=True, slots=True)
class NodeEntry:
    """A node where it is used: the index of its key (in a list: of itself), and of itself or its alias."""

    key: int
    start: int
    node: ScalarNode | BranchNode


@dataclass(slots=True)
class _Anchor:
    node: ScalarNode | BranchNode | None = None  # None while the node is open
    nodes: int = 0
    characters: int = 0


def _span(event: yaml.Event) -> tuple[int, int]:
    assert event.start_mark
    assert event.end_mark
    return event.start_mark.index, event.end_mark.index


class Composer:
    """Composes the one document of a text; `problems` holds what was wrong and did not stop it."""

    def __init__(self, source: SourceText) -> None:
        self.problems: list[PolicyError] = []
        self._source = source
        self._events = yaml.parse(source.text, Loader=LOADER)
        self._reached = 0
        self._anchors: dict[str, _Anchor] = {}
        self._aliases = 0
        self._nodes = 0
        self._characters = 0

    def document(self) -> NodeEntry:
        """Return the root.

        Raises:
            PolicyErrors: The text cannot be read to its end; `problems` so far are among the errors.
        """
        self._next()
        if isinstance(self._next(), yaml.StreamEndEvent):
            self._stop(0, "empty_policy", "the file holds no policy", "start with 'format: 1'")
        root = self._entry(self._next(), None, 0)
        self._next()
        after = self._next()
        if isinstance(after, yaml.DocumentStartEvent):
            hint = "keep one policy to a file: remove the '---'"
            self._stop(_span(after)[0], "multiple_documents", "a second document starts here", hint)
        empty = isinstance(root.node, ScalarNode) and root.node.text == root.node.style == ""
        if empty and not self.problems:
            self._stop(root.start, "empty_policy", "the file holds no policy", "start with 'format: 1'")
        return root

    def _next(self) -> yaml.Event:
        try:
            event: yaml.Event = next(self._events)
        except yaml.YAMLError as error:
            self._syntax(error)
        except (ValueError, OverflowError) as error:
            # Escapes that name no character, in tags and (by the Python parser) in texts.
            self._stop(self._reached, "yaml_syntax", f"the value behind this cannot be read: {error}", _QUOTE)
        self._reached = _span(event)[1]
        return event

    def _report(self, index: int, code: str, message: str, hint: str) -> None:
        self.problems.append(self._source.problem(index, code, message, hint))

    def _stop(self, index: int, code: str, message: str, hint: str) -> NoReturn:
        self._report(index, code, message, hint)
        raise PolicyErrors(self.problems) from None

    def _syntax(self, error: yaml.YAMLError) -> NoReturn:
        mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
        message = str(getattr(error, "problem", None) or error)
        if context := getattr(error, "context", None):
            begun = getattr(error, "context_mark", None)
            since = f" that starts in line {self._source.place(begun.index)[0]}" if begun else ""
            message = f"{message} {context}{since}"
        index = mark.index if mark else self._reached
        begun = getattr(error, "context_mark", None) or mark
        if cure := find_yaml_cure(self._source.text, min(begun.index, index) if begun else index, index):
            self._stop(cure.index, "yaml_syntax", cure.message, cure.hint)
        hint = next((hint for part, hint in _HINTS if part in message), "check indents, quotes and brackets")
        if self._source.text[index : index + 1] == "\t":
            hint = "there is a tab here: indent with spaces"
        # The C parser looks ahead, and may reach its own limit before ours.
        self._stop(index, "too_deep" if "nesting depth" in message else "yaml_syntax", message, hint)

    def _count(self, index: int, nodes: int, characters: int) -> None:
        self._nodes += nodes
        self._characters += characters
        if self._nodes <= MAX_NODES and self._characters <= MAX_CHARACTERS:
            return
        if self._aliases:
            message = f"aliases expanded, it has over {MAX_NODES:,} values or {MAX_CHARACTERS:,} characters"
            self._stop(index, "too_many_aliases", message, "use fewer aliases to large values")
        message = f"the file has more than {MAX_NODES:,} keys and values"
        self._stop(index, "too_large", message, "move long lists to files of terms")

    def _entry(self, event: yaml.Event, key: int | None, depth: int) -> NodeEntry:
        start, end = _span(event)
        if isinstance(event, yaml.AliasEvent):
            node = self._alias(event.anchor or "", (start, end), depth)
        else:
            assert isinstance(event, yaml.ScalarEvent | yaml.CollectionStartEvent)
            anchor = _Anchor(None, self._nodes, self._characters)
            if event.anchor:
                self._anchors[event.anchor] = anchor
            self._count(start, 1, 0)
            if isinstance(event, yaml.ScalarEvent):
                node = self._scalar(event, (start, end))
            else:
                node = self._branch(event, start, depth + 1)
            anchor.nodes = self._nodes - anchor.nodes
            anchor.characters = self._characters - anchor.characters
            anchor.node = node
        return NodeEntry(start if key is None else key, start, node)

    def _alias(self, name: str, span: tuple[int, int], depth: int) -> ScalarNode | BranchNode:
        start, _ = span
        self._aliases += 1
        if self._aliases > MAX_ALIASES:
            self._stop(start, "too_many_aliases", f"more than {MAX_ALIASES} aliases", "write the values out")
        anchor = self._anchors.get(name)
        if anchor and anchor.node:
            self._count(start, anchor.nodes, anchor.characters)
            if isinstance(anchor.node, BranchNode):
                self._check_depth(start, depth + anchor.node.height)
            return anchor.node
        name = quote_scalar(f"*{name}")
        if anchor:
            hint = "remove it: a value cannot be part of itself"
            self._report(start, "recursive_alias", f"alias {name} is inside its own value", hint)
        else:
            hint = "write the anchor (with '&') above, or quote the text if it is no alias"
            self._report(start, "unknown_alias", f"alias {name} has no anchor above it", hint)
        return ScalarNode(*span, "", "", None)

    def _scalar(self, event: yaml.ScalarEvent, span: tuple[int, int]) -> ScalarNode:
        start, text, tag = span[0], event.value, event.tag
        self._count(start, 0, len(text))
        value: Value = text
        if _SURROGATE.search(text):
            self._report(start, "yaml_syntax", "an escape names half a character", "use \\U and eight digits")
        try:
            if tag is not None:
                value = (
                    convert(text, tag) if self._known_tag(tag, TYPE_NAMES, start) else self._line_from(start)
                )
            elif not event.style:
                value = resolve(text)
        except ScalarProblem as problem:
            self._report(start, problem.code, str(problem), "quote it if it is a text")
        return ScalarNode(*span, event.style or "", text, value)

    def _line_from(self, start: int) -> str:
        """Return the rest of a line, which is the value where a text begins with `!` and lacks its quotes."""
        return self._source.text[start:].split("\n", 1)[0].strip()

    def _known_tag(self, tag: str, fitting: Collection[str], start: int) -> bool:
        if tag in fitting:
            return True
        name = f"!!{tag.removeprefix(CORE)}" if tag.startswith(CORE) else tag
        if tag in TYPE_NAMES or tag in (_MAP, _SEQ):
            message = f"tag {quote_scalar(name)} does not fit the value"
            self._report(start, "invalid_value", message, "remove the tag")
        else:
            hint = "remove the tag"
            if not name.startswith("!!"):
                hint = f"{hint}; if it is none, quote the text: {quote_text(self._line_from(start))}"
            self._report(start, "unknown_tag", f"tag {quote_scalar(name)} is not known", hint)
        return False

    def _check_depth(self, start: int, depth: int) -> None:
        if depth > MAX_DEPTH:
            message = f"more than {MAX_DEPTH} levels of lists and mappings"
            self._stop(start, "too_deep", message, "no policy needs that many: check the brackets")

    def _branch(self, event: yaml.CollectionStartEvent, start: int, depth: int) -> BranchNode:
        self._check_depth(start, depth)
        is_mapping = isinstance(event, yaml.MappingStartEvent)
        if event.tag is not None:
            self._known_tag(event.tag, (_MAP if is_mapping else _SEQ,), start)
        children: dict[str | int, NodeEntry] = {}
        while not isinstance(first := self._next(), yaml.CollectionEndEvent):
            if is_mapping:
                self._pair(first, children, depth)
            else:
                children[len(children)] = self._entry(first, None, depth)
        heights = [entry.node.height for entry in children.values() if isinstance(entry.node, BranchNode)]
        return BranchNode(children, is_mapping, 1 + max(heights, default=0))

    def _pair(self, first: yaml.Event, children: dict[str | int, NodeEntry], depth: int) -> None:
        known = len(self.problems)
        key = self._entry(first, None, depth)
        sound = len(self.problems) == known and self._is_key(first, key)
        value = self._entry(self._next(), key.start, depth)
        if not isinstance(key.node, ScalarNode):
            return
        if not sound:
            self._join_number(key.node, value.node, children, known)
            return
        text = key.node.text
        if text in children:
            if self._is_missing_dash(key.start, children, text):
                return
            line = self._source.place(children[text].key)[0]
            message = f"key {quote_scalar(text)} is there already, in line {line}"
            hint = "remove or rename one of the two"
            if depth == 1 and isinstance(value.node, BranchNode):
                hint = f"move what stands below it to the end of the first {text!r}, and remove this line"
            self._report(key.start, "duplicate_key", message, hint)
        else:
            children[text] = value

    def _join_number(
        self,
        key: ScalarNode,
        value: ScalarNode | BranchNode,
        children: dict[str | int, NodeEntry],
        known: int,
    ) -> None:
        """Report a number that its comma cuts in two within { }, as one problem; `known` is how many there were before it."""
        name, before = next(reversed(children.items()), ("", None))
        if before is None or not isinstance(before.node, ScalarNode) or not isinstance(value, ScalarNode):
            return
        whole, part = before.node.text, key.text
        if value.text or before.node.style or not (whole.isdecimal() and part.isdecimal()):
            return
        decimal, joined = f"{whole}.{part}", f"{whole}{part}"
        hint = f"write {decimal}: a decimal has a point"
        if len(part) == THOUSAND and whole != "0":
            hint, decimal = f"write {joined}, without what sets thousands apart", joined
        del self.problems[known:]
        message = f"a comma ends a value within {{ }}: {whole},{part} is read as {whole} and a key {part!r}"
        self._report(before.start, "invalid_number", message, hint)
        node = ScalarNode(before.node.start, before.node.end, "", decimal, resolve(decimal))
        children[name] = NodeEntry(before.key, before.start, node)

    def _is_missing_dash(self, start: int, children: dict[str | int, NodeEntry], text: str) -> bool:
        """Report a new entry of a list that lacks its dash, once: its keys are those of the entry before."""
        first = next(iter(children))
        began = children[first].key
        begin = self._source.text.rfind("\n", 0, began) + 1
        if self._source.text[begin:began].strip() != "-":
            return False
        line = self._source.place(began)[0]
        if text == first:
            message = f"a new entry begins here, as {text!r} is there already (line {line}), and its dash is missing"
            self._report(
                start, "duplicate_key", message, f"write '- {text}: …', the dash two columns to the left"
            )
        return text == first or any(
            each.code == "duplicate_key" and "its dash" in each.message for each in self.problems[-1:]
        )

    def _is_key(self, event: yaml.Event, key: NodeEntry) -> bool:
        if not isinstance(key.node, ScalarNode):
            kind = "a mapping" if key.node.is_mapping else "a list"
            hint = "write a text before the ':'; quote it if it starts with '{' or '['"
            self._report(key.start, "invalid_key", f"a key must be a text, not {kind}", hint)
            return False
        text = key.node.text
        plain = isinstance(event, yaml.ScalarEvent) and not event.style and event.tag is None
        if plain and text == "<<":
            hint = "write the keys out: YAML 1.2 has no merge keys"
            self._report(key.start, "merge_key", "merge key '<<' is not supported", hint)
            return False
        if not isinstance(key.node.value, str):
            message = f"key {quote_scalar(text)} is read as {type(key.node.value).__name__}, not as a text"
            self._report(key.start, "invalid_key", message, f"quote it: {quote_scalar(text)}")
            return False
        return True
