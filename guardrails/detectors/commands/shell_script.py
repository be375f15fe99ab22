"""Reads a text as a script of the shell, and has each call in it looked at.

The text is parsed by tree-sitter's grammar of bash. Variables, functions, pipes, here-documents and the output of commands are
followed as far as they follow from the text alone; nothing is run. Where the grammar finds errors, as in prose or in commands of
Windows, each line is read by its words, too.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from itertools import islice
from time import thread_time
from typing import TYPE_CHECKING, Final

from guardrails import cancellation
from guardrails.detectors.commands.call_reader import CallReader, CommandFinding, LimitExceeded
from guardrails.detectors.commands.invocation import Invocation
from guardrails.detectors.commands.programs.program_table import is_severe
from guardrails.detectors.commands.shell_words import (
    DOWNLOADED,
    MARKERS,
    SECRET,
    UNKNOWN,
    Environment,
    expand_word,
    split_words,
)
from guardrails.detectors.commands.targets import is_credential, is_sensitive, normalize_path

if TYPE_CHECKING:
    from tree_sitter import Language, Node

NESTED: Final = 150
"""Nodes inside of nodes of the grammar that are followed."""
LONGEST_PARSE: Final = 1.0
"""Seconds of CPU time that one parse may take; pipes of thousands of commands take the square of their number."""
PIECE: Final = 65_536
"""Bytes that the parser is given at once."""
MOST_PARSED: Final = 2_000_000
"""Bytes that are parsed for one text, with all that stands inside."""
LONGEST_LINE: Final = 20_000
"""Characters of a line that is read by its words."""
MOST_MENTIONS: Final = 100
"""Programs that may do harm, in such a line, that are looked at."""
LONGEST_MENTION: Final = 600
"""Characters of each that are read."""
LONGEST_OUTPUT: Final = 100_000
"""Characters of what a script prints that are followed."""

_REDIRECTS: Final = frozenset(("file_redirect", "heredoc_redirect", "herestring_redirect"))
_CALLS: Final = frozenset(("command", "unset_command", "test_command"))
_SEPARATORS: Final = re.compile(r"[;\n]|&&|\|\||(?<![>&<])&(?![>&\d])|\|&?")
_BORDERS: Final = "\"'`)(,]}{[:"
_ESCAPED_BORDER: Final = re.compile(r"\\+[\"'`][\"'`)(,\]}{[:\\]*$")
_BRACES: Final = re.compile(r"\{[^{}]*,[^{}]*\}")
_PROGRAM: Final = re.compile(r"(?<![\w./\\-])[\w./\\:-]{2,80}(?=\s)")
_WINDOWS_WORDS: Final = re.compile(r"\"[^\"]*\"|'[^']*'|\S+")
_ASSIGNMENT: Final = re.compile(r"([A-Za-z_]\w*)(?:\[[^\]]*\])?(\+?)=")


@cache
def _language() -> Language:
    import tree_sitter
    import tree_sitter_bash

    return tree_sitter.Language(tree_sitter_bash.language())


def _parse(data: bytes) -> Node | None:
    """Parse a script; None where that takes too long.

    Raises:
        Cancelled: nobody waits for it any more.
    """
    from tree_sitter import Parser

    token, until = cancellation.current(), thread_time() + LONGEST_PARSE
    parser = Parser(_language())
    try:
        tree = parser.parse(
            lambda at, _point: data[at : at + PIECE],
            progress_callback=lambda _at, _error: token.cancelled or thread_time() > until,
        )
    except ValueError:  # stopped by the callback
        token.check()
        return None
    return tree.root_node


def _byte_offsets(text: str) -> list[int] | None:
    """Return which character each byte of a text in UTF-8 belongs to, None where each is its own."""
    if text.isascii():
        return None
    return [at for at, char in enumerate(text) for _ in range(len(char.encode()))] + [len(text)]


class ShellReader:
    """Reads texts as scripts, one behind the other: a later one sees what an earlier one defined.

    Attributes:
        calls: what is found, and what is remembered between calls.
    """

    def __init__(self) -> None:
        self._environment = Environment(self._capture)
        self.calls = CallReader(self.run, self._environment)
        self._parsed = 0

    @property
    def found(self) -> Sequence[CommandFinding]:
        """What the commands that were read would do."""
        return self.calls.found

    def read(self, text: str, start: int = 0) -> bool:
        """Read a text that begins at an offset; return whether the grammar reads all of it.

        Raises:
            LimitExceeded: there is more in it than is followed.
        """
        data, offsets = text.encode(), _byte_offsets(text)
        root = self._parse(data)
        if root is None:
            self._read_lines(text, start)
            raise LimitExceeded("commands whose grammar takes too long to read")
        walk = _Walk(self, data, lambda at: start + (at if offsets is None else offsets[at]))
        walk.node(root, "")
        if root.has_error:
            self._read_lines(text, start)
        return not root.has_error

    def run(self, source: str, stdin: str) -> str:
        """Read a text that a command runs; return what it prints. What is found in it stands where the command does."""
        plain = "".join(
            "$_" if char == UNKNOWN else char for char in source if char == UNKNOWN or char not in MARKERS
        )
        if not plain.strip():
            return ""
        with self.calls.deeper():
            data = plain.encode()
            root = self._parse(data)
            if root is None:
                raise LimitExceeded("commands whose grammar takes too long to read")
            printed = _Walk(self, data, None).node(root, stdin)
            if root.has_error:
                self._read_lines(plain, None)
            return printed

    def _parse(self, data: bytes) -> Node | None:
        cancellation.check()
        self._parsed += len(data)
        if self._parsed > MOST_PARSED:
            raise LimitExceeded("commands in commands of more characters than are parsed")
        return _parse(data)

    def _capture(self, source: str) -> str:
        """Return what a substitution stands for: what it prints, or the marks of what is not known of that."""
        source = source.strip()
        if source.startswith("<"):
            name = next(iter(self.words(source[1:].strip())), "")
            known = self.calls.files.get(normalize_path(name))
            if is_credential(name):
                self.calls.report("read_credentials")
            return known if known is not None else SECRET if is_sensitive(name) else UNKNOWN
        printed = self.run(source, "")
        known = "".join(char for char in printed if char not in MARKERS).rstrip("\n")
        return (
            known
            if known and DOWNLOADED not in printed
            else "".join(mark for mark in MARKERS if mark in printed)
        )

    def words(self, source: str) -> list[str]:
        """Return what a word of a script becomes."""
        return expand_word(source, self._environment)

    def assign(self, source: str) -> None:
        """Remember what a variable is set to."""
        found = _ASSIGNMENT.match(source)
        if found is None:
            return
        name, value = found[1], source[found.end() :]
        if value.startswith("("):
            inside = value[1:].rstrip().removesuffix(")")
            words = [word for a, b in split_words(inside) for word in self.words(inside[a:b])]
        else:
            words = self.words(value)
        before = self._environment.variables.get(name, "") if found[2] else ""
        self._environment.variables[name] = (before + " ".join(words))[:LONGEST_LINE]

    def _read_lines(self, text: str, start: int | None) -> None:
        """Read each line of a text by its words, as the grammar does not read all of it."""
        at = 0
        for separator in (*_SEPARATORS.finditer(text), None):
            end = len(text) if separator is None else separator.start()
            line = text[at : min(end, at + LONGEST_LINE)]
            if line.strip():
                if start is not None:
                    blank = len(line) - len(line.lstrip())
                    self.calls.span = (start + at + blank, start + at + len(line.rstrip()))
                self._read_line(line)
            at = end if separator is None else separator.end()

    def _read_line(self, line: str) -> None:
        """Read the words of a line as a call, and from each word on that is a program which may do harm."""
        cancellation.check()
        words: list[str] = []
        written: list[str] = []
        for first, last in split_words(line):
            bare = line[first:last]
            bare = bare if _BRACES.search(bare) else _ESCAPED_BORDER.sub("", bare.strip(_BORDERS))
            for word in self.words(bare):
                if word := word.strip(_BORDERS):
                    words.append(word)
                    written.append(bare)
        if not words:
            return
        if " " not in words[0] or len(words) > 1:
            self.calls.read(Invocation(words, written, folder=self.calls.folder))
        # A quote that never closes hides what stands behind it.
        found = (each for each in _PROGRAM.finditer(line) if is_severe(each[0]))
        for each in islice(found, MOST_MENTIONS):
            rest = re.split(r"\\*[\"'`]", line[each.start() : each.start() + LONGEST_MENTION])[0].split()
            with self.calls.mention():
                self.calls.read(Invocation(rest, rest, folder=self.calls.folder))


class _Walk:
    """A walk through the tree of one text. `place` gives the offset of a byte; None: findings stand where the outer call does."""

    def __init__(self, reader: ShellReader, data: bytes, place: Callable[[int], int] | None) -> None:
        self._reader, self._calls = reader, reader.calls
        self._data, self._place = data, place
        self._nested = 0

    def _text(self, start: int, end: int) -> str:
        return self._data[start:end].decode("utf-8", "replace")

    def node(self, node: Node, stdin: str) -> str:
        """Read a node with all below it; return what its commands print."""
        self._nested += 1
        if self._nested > NESTED:
            self._nested -= 1
            raise LimitExceeded("commands nested deeper than is followed")
        try:
            read = _NODES.get(node.type)
            return self._children(node, stdin) if read is None else read(self, node, stdin)
        finally:
            self._nested -= 1

    def _children(self, node: Node, stdin: str) -> str:
        printed: list[str] = []
        length = 0
        for child in node.children:
            if child.child_count or child.type in _NODES:
                said = self.node(child, stdin)
                if said and length < LONGEST_OUTPUT:
                    printed.append(said)
                    length += len(said)
        return "\n".join(printed)

    def pipeline(self, node: Node, stdin: str) -> str:
        """Read commands of which each reads what the one before prints."""
        for child in node.children:
            if child.is_named:
                stdin = self.node(child, stdin)
        return stdin

    def assignment(self, node: Node, stdin: str) -> str:
        """Read one or several assignments."""
        if node.type == "variable_assignment":
            self._locate(node)
            end = node.end_byte
            while (
                end < len(self._data)
                and self._data[end : end + 1] not in b" \t\r\n;|&)"
                and self._data[end - 1 : end] == b"$"
            ):
                end += 1
            self._reader.assign(self._text(node.start_byte, end))
            return ""
        return self._children(node, stdin)

    def loop(self, node: Node, stdin: str) -> str:
        """Read a loop over words: its variable stands for all of them."""
        name = node.child_by_field_name("variable")
        body = node.child_by_field_name("body")
        values = [child for child in node.children_by_field_name("value") if child is not None]
        if name is not None and values:
            source = self._text(values[0].start_byte, values[-1].end_byte)
            self._reader.assign(f"{self._text(name.start_byte, name.end_byte)}=({source})")
        return "" if body is None else self.node(body, stdin)

    def function(self, node: Node, stdin: str) -> str:
        """Remember a function, and read it as it stands."""
        name, body = node.child_by_field_name("name"), node.child_by_field_name("body")
        if name is None or body is None:
            return ""
        called, source = (
            self._text(name.start_byte, name.end_byte),
            self._text(body.start_byte, body.end_byte),
        )
        self._calls.functions[called] = source
        own = re.findall(rf"(?:^|[\s|;&({{]){re.escape(called)}(?=$|[\s|;&)}}])", source)
        if (len(own) > 1 and "&" in source) or re.search(
            rf"{re.escape(called)}\s*\|\s*{re.escape(called)}", source
        ):
            self._locate(node)
            self._calls.report("fork_bomb")
            return ""
        return self.node(body, stdin)

    def redirected(self, node: Node, stdin: str) -> str:
        """Read commands with what they read from and write to."""
        redirects = [child for child in node.children if child.type in _REDIRECTS]
        given, inputs, outputs, behind = self._redirects(redirects)
        printed = ""
        bodies = [child for child in node.children if child.type not in _REDIRECTS and child.is_named]
        for body in bodies:
            if body.type in _CALLS:
                printed = self._call(body, given if given is not None else stdin, inputs, outputs)
            else:
                printed = self.node(body, given if given is not None else stdin)
                self._write(node, printed, inputs, outputs)
        if not bodies:
            self._write(node, given or "", inputs, outputs)
        for child in behind:
            printed = self.node(child, printed if given is None or bodies else given)
        return "" if outputs and not behind else printed

    def _write(self, node: Node, printed: str, inputs: list[str], outputs: list[str]) -> None:
        """Have it noted what is written to files, and read, by several commands together."""
        if inputs or outputs:
            self._locate(node)
            self._calls.read(Invocation(["cat"], [], printed, inputs, outputs, self._calls.folder))

    def command(self, node: Node, stdin: str) -> str:
        """Read one call."""
        return self._call(node, stdin, [], [])

    def _call(self, node: Node, stdin: str, inputs: list[str], outputs: list[str]) -> str:
        inner = [child for child in node.children if child.type in _REDIRECTS]
        if inner:
            given, more_inputs, more_outputs, _ = self._redirects(inner)
            stdin = stdin if given is None else given
            inputs, outputs = [*inputs, *more_inputs], [*outputs, *more_outputs]
        words: list[str] = []
        written: list[str] = []
        self._locate(node)
        span = self._calls.span
        for source in self._sources(node):
            if not words and _ASSIGNMENT.match(source):
                self._reader.assign(source)
                continue
            expanded = self._reader.words(source)
            words += expanded
            plain = source.strip("\"'")
            written += [plain] * len(expanded) if len(expanded) < 2 else expanded
        if "\\" in "".join(written):  # where a backslash parts folders, it quotes no blank
            written = [
                word.strip("\"'")
                for word in _WINDOWS_WORDS.findall(self._text(node.start_byte, node.end_byte))
            ]
        self._calls.span = span
        call = Invocation(words or ["true"], written or ["true"], stdin, inputs, outputs, self._calls.folder)
        return self._calls.read(call)

    def _locate(self, node: Node) -> None:
        if self._place is not None:
            self._calls.span = (self._place(node.start_byte), self._place(node.end_byte))

    def _sources(self, node: Node) -> Iterator[str]:
        """Yield the words of a call as they are written: what stands without a blank between is one."""
        start = end = -1
        for child in node.children:
            if child.type in _REDIRECTS:
                continue
            gap = self._data[end : child.start_byte] if start >= 0 else b""
            if start < 0 or (gap and gap not in (b"\\\n", b"\\\r\n")):
                if start >= 0:
                    yield self._text(start, end)
                start = child.start_byte
            end = child.end_byte
        if start >= 0:
            yield self._text(start, end)

    def _redirects(self, nodes: Sequence[Node]) -> tuple[str | None, list[str], list[str], list[Node]]:
        """Return what redirections give: what is read, files that are read and written, and commands that stand in between."""
        given: str | None = None
        inputs: list[str] = []
        outputs: list[str] = []
        behind: list[Node] = []
        for node in nodes:
            if node.type == "heredoc_redirect":
                body = next((child for child in node.children if child.type == "heredoc_body"), None)
                given = "" if body is None else self._text(body.start_byte, body.end_byte)
                others = [
                    child
                    for child in node.children
                    if child.is_named and not child.type.startswith("heredoc")
                ]
                files = [child for child in others if child.type in _REDIRECTS]
                _, more_inputs, more_outputs, _ = self._redirects(files)
                inputs += more_inputs
                outputs += more_outputs
                behind += [child for child in others if child.type not in _REDIRECTS]
                continue
            source = self._text(node.start_byte, node.end_byte)
            operator = re.match(r"\d*(?:<<<|&>>?|>>|>&|<&|>\||<>|>|<)\s*", source)
            if operator is None:
                continue
            words = self._reader.words(source[operator.end() :].strip())
            sign = operator[0].strip().lstrip("0123456789")
            if sign == "<<<":
                given = " ".join(words)
            elif not (sign.endswith("&") and (words[:1] or [""])[0].isdigit()):
                (inputs if sign.startswith("<") else outputs).extend(words[:1])
        return given, inputs, outputs, behind


_NODES: Final[dict[str, Callable[[_Walk, Node, str], str]]] = {
    "pipeline": _Walk.pipeline,
    "variable_assignment": _Walk.assignment,
    "variable_assignments": _Walk.assignment,
    "for_statement": _Walk.loop,
    "function_definition": _Walk.function,
    "redirected_statement": _Walk.redirected,
    "command": _Walk.command,
    "unset_command": _Walk.command,
    "comment": lambda _walk, _node, _stdin: "",
}
"""Kind of node → what reads it; of all others what stands below is read in turn."""
