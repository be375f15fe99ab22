"""Reads the YAML text of a policy as plain Python data with the place of each key, value and character, or all problems of the
file.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

from guardrails.errors import PolicyError, PolicyErrors
from guardrails.policy.loading import scalars
from guardrails.policy.loading.compose import (
    MAX_CHARACTERS,
    BranchNode,
    Composer,
    NodeEntry,
    ScalarNode,
    SourceText,
)

Path = tuple[str | int, ...]

# What both parsers refuse; asked here, because the C parser gives the place in bytes.
_UNPRINTABLE = "[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]"
# Only one of the parsers takes a byte order mark at the start of a line as part of a text.
_FORBIDDEN = re.compile(_UNPRINTABLE + "|(?<=[\r\n\x85\u2028\u2029])\ufeff")


@dataclass(frozen=True, slots=True)
class Mark:
    """A place in a file. Lines and columns start at 1; columns count characters, but no byte order mark."""

    file: str
    line: int
    col: int


@dataclass(frozen=True, slots=True, eq=False)
class Source:
    """One file, read. `data` holds dict, list, str, int, float, bool and None only, and no object twice.
    `problems` are those that did not stop the reading, such as a doubled key: the rest can still be judged.

    A path is the keys and indices that lead to a value: ("rules", 0, "when"). No method raises: a path that
    does not exist stands for its nearest ancestor that does.
    """

    file: str
    data: object
    _text: SourceText = field(repr=False)
    _root: NodeEntry = field(repr=False)
    problems: tuple[PolicyError, ...] = ()

    @property
    def text(self) -> str:
        """The text of the file, without a byte order mark; the indices of entries and nodes count its characters."""
        return self._text.text

    def entry(self, path: Path) -> NodeEntry | None:
        """Return the node at `path` and where it is used, None where there is none."""
        entry, found = self._find(path)
        return entry if found else None

    def mark(self, path: Path) -> Mark:
        """Return the place of the value at `path`: the alias, if it is one; below an alias, the original."""
        return self._mark(self._find(path)[0].start)

    def key_mark(self, path: Path) -> Mark:
        """Return the place of the key of the mapping entry at `path`; that of the value if it has no key."""
        entry, found = self._find(path)
        return self._mark(entry.key if found else entry.start)

    def inside(self, path: Path, offset: int) -> Mark:
        """Return the place of character `offset` of the text at `path`, whatever the style of the scalar.

        An offset past either end counts as that end. The start of the value stands for what has no such
        place: a mapping or list, and a text that cannot be followed.
        """
        entry, found = self._find(path)
        node = entry.node
        if not found or not isinstance(node, ScalarNode):
            return self._mark(entry.start)
        places = scalars.map_positions(self._text.text, node.start, node.end, node.style, node.text)
        if places is None:
            return self._mark(node.start)
        return self._mark(places[min(max(offset, 0), len(node.text))])

    def raw(self, path: Path) -> str | None:
        """Return the text of the plain scalar at `path`, before its type is resolved: "1.10", not 1.1.

        None for a quoted or block scalar, a mapping, a list, and a path that does not exist.
        """
        entry, found = self._find(path)
        plain = found and isinstance(entry.node, ScalarNode) and entry.node.style == ""
        return entry.node.text if plain and isinstance(entry.node, ScalarNode) else None

    def _mark(self, index: int) -> Mark:
        return Mark(self.file, *self._text.place(index))

    def _find(self, path: Path) -> tuple[NodeEntry, bool]:
        entry = self._root
        for step in path:
            child = entry.node.children.get(step) if isinstance(entry.node, BranchNode) else None
            if child is None:
                return entry, False
            entry = child
        return entry, True


UTF_16: Final = "the file is UTF-16, which Windows calls 'Unicode'", "save it as UTF-8"
DOCUMENT: Final = (
    "the file is a document of a word processor, and no text",
    "save it as plain text (.txt) in UTF-8, then call it .yaml",
)
FORMS: Final = {
    b"\xff\xfe": UTF_16,
    b"\xfe\xff": UTF_16,
    b"PK\x03\x04": DOCUMENT,
    b"\xd0\xcf\x11\xe0": DOCUMENT,
    b"%PDF": DOCUMENT,
}
"""How files begin that are no UTF-8 → what they are, and what to do."""


def read_yaml(text: str | bytes, file: str) -> Source:
    """Read the YAML 1.2 text of a policy.

    Args:
        text: The content of the file. Bytes must be UTF-8; a byte order mark is accepted.
        file: The name that marks and errors carry.

    Returns:
        The values, their places, and the problems that did not stop the reading.

    Raises:
        PolicyErrors: The file cannot be read to its end; nothing else is raised, whatever the content.
    """
    source = SourceText(_decode(text, file), file)
    composer = Composer(source)
    root = composer.document()
    return Source(file, _data(root.node), source, root, tuple(composer.problems))


def _decode(content: str | bytes, file: str) -> str:
    # UTF-8 takes at most four bytes for a character: no need to decode what is too large anyway.
    if len(content) > (4 if isinstance(content, bytes) else 1) * (MAX_CHARACTERS + 1):
        raise PolicyErrors([_too_large(file)])
    try:
        text = content.decode() if isinstance(content, bytes) else content
    except UnicodeDecodeError as error:
        before = error.object[: error.start].decode().lstrip("\ufeff")
        message, hint = f"byte 0x{error.object[error.start]:02X} is not UTF-8", "save it as UTF-8"
        for begin, known in FORMS.items():
            if error.object.startswith(begin):
                before, (message, hint) = "", known
        problem = SourceText(before, file).problem(len(before), "invalid_encoding", message, hint)
        raise PolicyErrors([problem]) from None
    # The parsers count a byte order mark differently.
    text = text.lstrip("\ufeff")
    if len(text) > MAX_CHARACTERS:
        raise PolicyErrors([_too_large(file)])
    if found := _FORBIDDEN.search(text):
        message = f"character {found[0]!r} is not allowed in YAML"
        hint = "remove it, or write it as an escape in double quotes"
        if found[0] == "\0" and text.count("\0") > len(text) // 3:
            message, hint = UTF_16
        raise PolicyErrors([SourceText(text, file).problem(found.start(), "yaml_syntax", message, hint)])
    return text


def _too_large(file: str) -> PolicyError:
    message = f"the file has more than {MAX_CHARACTERS:,} characters"
    return PolicyError(file, 1, 1, "too_large", message, "move long lists to files of terms")


def _data(node: ScalarNode | BranchNode) -> object:
    if isinstance(node, ScalarNode):
        return node.value
    if node.is_mapping:
        return {key: _data(entry.node) for key, entry in node.children.items()}
    return [_data(entry.node) for entry in node.children.values()]
