"""The application's own words: which system and developer texts of a content the operator, or the library's caller, declares.

At a proxy the role `system` is whatever a client sends, so that a role alone says nothing. A text counts as the application's own
where it equals a declared one: outside of its slots character by character, after line ends of all kinds are written alike, and
blanks, tabs and line ends around it are cut off. What fills the slots is judged once more, as a user's text. Conditions read the
result as `message.declared`; the operator's floor reads false. Nothing is learnt from what passes.
"""

from __future__ import annotations

import hashlib
import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from guardrails.detectors.encodings.extractors import DerivedText, PayloadPiece
from guardrails.detectors.file_watch import note_file
from guardrails.engine.content.content_tree import ContentTree, Leaf
from guardrails.engine.model import Request
from guardrails.errors import GuardrailsError
from guardrails.types import Stage, Text

DeclaredText = str | Path
"""A text of the application: a file, `sha256:` and a digest, or the text itself."""

Span = tuple[int, int]

ROLES: Final = ("system", "developer")
"""Whose texts may be the application's own."""

OUTER: Final = " \t\r\n"
"""What may stand around a text."""

SLOT: Final = re.compile(r"\{\{ *[A-Za-z_][A-Za-z0-9_.]* *\}\}|\{[A-Za-z_][A-Za-z0-9_.]*\}")
"""A place that the application fills: `{name}` or `{{name}}`."""

DIGEST: Final = re.compile(r"sha256:([0-9a-fA-F]{64})")

FILE_NAME: Final = re.compile(r"[!-~]+\.[A-Za-z]{2,8}")
"""What the name of a file looks like; a text in a language without blanks does not."""

FIXED: Final = 20
"""Letters and digits that a text with slots must have outside of them: with fewer it would fit anybody's words."""

APART: Final = 8
"""Letters and digits that must stand between two slots for their fillings to be judged apart: words that somebody cut over slots
which stand close together are judged together."""

MOST_SLOTS: Final = 64
MOST_CHARACTERS: Final = 1_000_000


class ApplicationTextError(GuardrailsError, ValueError):
    """A declared text that cannot be used: its file cannot be read, or it would fit too much."""


def normalize_newlines(text: str) -> str:
    """Return a text as it is compared: with line ends of one kind, without blanks and line ends around it."""
    return text.strip(OUTER).replace("\r\n", "\n").replace("\r", "\n")


def digest_text(text: str) -> str:
    """Return the SHA-256 of a text, as hexadecimal digits."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


@dataclass(frozen=True, slots=True)
class TextTemplate:
    """A text with slots. `literals` are what stands before, between and behind them."""

    literals: tuple[str, ...]

    @classmethod
    def parse(cls, text: str) -> TextTemplate:
        """Return the template that a text is.

        Raises:
            ApplicationTextError: it is empty, or has little but slots.
        """
        written = normalize_newlines(text)
        literals = (*SLOT.split(written),)
        if not written:
            raise ApplicationTextError("it is empty")
        if len(written) > MOST_CHARACTERS:
            raise ApplicationTextError(f"it has more than {MOST_CHARACTERS} characters")
        if len(literals) > MOST_SLOTS + 1:
            raise ApplicationTextError(f"it has more than {MOST_SLOTS} slots")
        if len(literals) > 1 and (fixed := sum(map(_count_signs, literals))) < FIXED:
            raise ApplicationTextError(
                f"it has {fixed} letters and digits outside of its slots, fewer than {FIXED}: it would fit texts of anybody"
            )
        return cls(literals)

    def find_fillings(self, text: str) -> tuple[Span, ...] | None:
        """Return what fills the slots of a normalized text, or None where the text is not from this template.

        A filling that holds what stands between slots could be read in several ways. Each slot is taken as far as it reaches in
        any of these, and what overlaps or stands close together is one filling, so that no reading hides a part.
        """
        first, last = self.literals[0], self.literals[-1]
        if len(self.literals) == 1:
            return () if text == first else None
        begin, end = len(first), len(text) - len(last)
        if end < begin or not (text.startswith(first) and text.endswith(last)):
            return None
        between = self.literals[1:-1]
        starts, at = [begin], begin
        for literal in between:
            at = text.find(literal, at, end)
            if at < 0:
                return None
            at += len(literal)
            starts.append(at)
        ends, at = [end], end
        for literal in reversed(between):
            at = text.rfind(literal, begin, at)
            ends.append(at)
        found: list[Span] = []
        for number, span in enumerate(zip(starts, reversed(ends), strict=True)):
            close = found and (span[0] < found[-1][1] or _count_signs(self.literals[number]) < APART)
            if close:
                found[-1] = (found[-1][0], span[1])
            else:
                found.append(span)
        return tuple((start, stop) for start, stop in found if text[start:stop].strip())


def _count_signs(text: str) -> int:
    return sum(map(str.isalnum, text))


@dataclass(frozen=True, slots=True)
class ApplicationTexts:
    """All texts that are declared: `exact` ones without slots, `digests` of such, and `templates`."""

    exact: frozenset[str] = frozenset()
    digests: frozenset[str] = frozenset()
    templates: tuple[TextTemplate, ...] = ()

    @classmethod
    def load(cls, declared: Iterable[DeclaredText]) -> ApplicationTexts:
        """Return declared texts: of files what they hold by now.

        Raises:
            ApplicationTextError: one cannot be used; the message names it.
            TypeError: one is neither a text nor a path.
        """
        templates: list[TextTemplate] = []
        digests: set[str] = set()
        for each in declared:
            if isinstance(each, Path):
                templates.append(read_template(each))
            elif not isinstance(each, str):
                raise TypeError(f"a text of the application is a text or a path, not {type(each).__name__!r}")
            elif digest := DIGEST.fullmatch(each.strip()):
                digests.add(digest[1].lower())
            elif why := _find_slip(each.strip()):
                raise ApplicationTextError(f"{each!r} is no text that could be declared: {why}")
            else:
                templates.append(_parse_named("application_text", each))
        exact = frozenset(each.literals[0] for each in templates if len(each.literals) == 1)
        slotted = tuple(dict.fromkeys(each for each in templates if len(each.literals) > 1))
        return cls(exact, frozenset(digests), slotted)

    def find_fillings(self, text: str) -> tuple[Span, ...] | None:
        """Return what fills the slots of a normalized text, or None where nobody declares the text."""
        if text in self.exact:
            return ()
        # A file that ends with a line end has another digest than what is sent of it.
        if self.digests and not self.digests.isdisjoint((digest_text(text), digest_text(text + "\n"))):
            return ()
        found = (each.find_fillings(text) for each in self.templates)
        return next((spans for spans in found if spans is not None), None)

    def mark(self, tree: ContentTree, request: Request) -> None:
        """Mark the texts of a tree that are the application's own, and add what fills their slots, to be judged as a user's."""
        if not (self.exact or self.digests or self.templates or request.system or request.trust_system):
            return
        fillings: dict[int, list[int]] = {}
        for index in range(len(tree.leaves)):
            leaf = tree.leaves[index]
            spans = self._find_spans(leaf, request)
            if spans is not None:
                _set_declared(tree, index)
                fillings[index] = [_add_filling(tree, index, span) for span in spans]
        if fillings:
            _mark_joined(tree, fillings)

    def _find_spans(self, leaf: Leaf, request: Request) -> tuple[Span, ...] | None:
        """Return what fills the slots of a leaf, where it is the application's own and not marked as such."""
        content = leaf.content
        place = content.place
        if (
            not isinstance(content, Text)
            or place.stage is not Stage.INPUT
            or place.role not in ROLES
            or place.declared
            or leaf.again
        ):
            return None
        if request.trust_system:
            return ()
        text = normalize_newlines(content.text)
        if request.system and text == normalize_newlines(request.system):
            return ()
        spans = self.find_fillings(text)
        return None if spans is None else (*_original_spans(content.text, spans),)


def read_template(path: Path) -> TextTemplate:
    """Return the template that a file holds; raises `ApplicationTextError` with the file's name."""
    note_file(path)
    try:
        written = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise ApplicationTextError(
            f"the text {str(path)!r} cannot be read: {error.strerror or error}"
        ) from None
    except ValueError:
        raise ApplicationTextError(f"the text {str(path)!r} is not UTF-8") from None
    return _parse_named(str(path), written)


def _find_slip(text: str) -> str | None:
    """Return what a text is that nobody means as one, None of any other."""
    if text.startswith("sha256:"):
        return "a digest has 64 hexadecimal digits behind 'sha256:'"
    if FILE_NAME.fullmatch(text):
        return "give a file as pathlib.Path"
    return None


def _parse_named(name: str, text: str) -> TextTemplate:
    try:
        return TextTemplate.parse(text)
    except ApplicationTextError as error:
        raise ApplicationTextError(f"the text {name!r} cannot be declared: {error}") from None


def _original_spans(text: str, spans: Sequence[Span]) -> Iterator[Span]:
    """Yield where spans of a normalized text stand in the text as it was written."""
    start = len(text) - len(text.lstrip(OUTER))
    # Places in the normalized text of line ends that were two characters.
    doubled = [found.start() - number for number, found in enumerate(re.finditer("\r\n", text[start:]))]
    for begin, end in spans:
        yield start + begin + bisect_left(doubled, begin), start + end + bisect_left(doubled, end)


def _set_declared(tree: ContentTree, index: int) -> None:
    leaf = tree.leaves[index]
    content = replace(leaf.content, place=replace(leaf.content.place, declared=True))
    tree.leaves[index] = replace(leaf, content=content)


def _add_filling(tree: ContentTree, index: int, span: Span) -> int:
    """Add what fills slots of a text, and return its index."""
    leaf = tree.leaves[index]
    assert isinstance(leaf.content, Text)
    start, end = span
    filled = leaf.content.text[start:end]
    piece = PayloadPiece(0, start, end, range(start, end + 1))
    place = replace(leaf.content.place, role="user", declared=False)
    tree.leaves.append(
        Leaf(
            Text(filled, place, leaf.content.context),
            leaf.path,
            leaf.inner,
            leaf.editable,
            parent=index,
            derived=DerivedText(filled, "", (piece,)),
        )
    )
    return len(tree.leaves) - 1


def _mark_joined(tree: ContentTree, fillings: dict[int, list[int]]) -> None:
    """Mark joined texts that hold one of the application's own, and join what is not its own of them."""
    for index in range(len(tree.leaves)):
        leaf = tree.leaves[index]
        parts = [part for part, _ in leaf.pieces]
        if leaf.across or not any(part in fillings for part in parts):
            continue
        place = leaf.content.place
        _set_declared(tree, index)
        others = [each for part in parts for each in fillings.get(part, [part])]
        role = "user" if any(tree.leaves[each].is_filling for each in others) else place.role
        tree.join(others, leaf.path, replace(place, role=role))
