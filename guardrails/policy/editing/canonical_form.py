"""Formats a policy file in its canonical order and layout, with every comment.

Fields stand in the order in which `policy/schema.py` declares them; lists and what is not declared keep theirs. Indentation is
two columns, lists are indented, sections are set apart by one blank line. What stands in brackets on one line stays so; brackets
over several lines are one line where that fits `WIDTH`, else as blocks. Texts and numbers stay as they are written.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from guardrails.detectors.kinds import find_kind
from guardrails.errors import GuardrailsError, PolicyErrors
from guardrails.policy.editing.layout import LayoutEntry, LayoutError, LayoutNode, parse_layout
from guardrails.policy.loading.cures.field_names import fields_by_name, inner_model
from guardrails.policy.loading.source import Source, read_yaml
from guardrails.policy.schema import ITEMS, OverrideDoc, PolicyDoc, RuleDoc
from guardrails.registry.sources import PluginError

WIDTH: Final = 110
MODELINE: Final = "# yaml-language-server:"


class FormattingError(GuardrailsError):
    """A file that cannot be formatted for certain; the message says why, and it is left as it is."""


def format_source(source: Source, of: type[BaseModel] = PolicyDoc) -> Source:
    """Return a file in the canonical form; its text is the same where it has it already.

    Args:
        source: the file as it was read.
        of: what declares its fields: `PolicyDoc`, or `TestsDoc` for a file of tests.

    Raises:
        PolicyErrors: what the file says cannot be read for certain, such as a doubled key.
        FormError: it is laid out in a way that is not followed, such as several documents. Nothing is lost then.
    """
    if source.problems:
        raise PolicyErrors([*source.problems])
    text = source.text.replace("\r\n", "\n").replace("\r", "\n")
    try:
        root = parse_layout(text)
        comments = sorted(_comments(root))
        if not _has_aliases(root):  # one might come to stand before what it names
            _sort_entries(root, of)
        head = _head(root)
        made = "\n".join(_trim_blank([*head, *_block(root, 0)])) + "\n"
        after = read_yaml(made, source.file)
        kept = after.data == source.data and sorted(_comments(parse_layout(made))) == comments
    except (LayoutError, PolicyErrors) as error:
        raise FormattingError(f"{source.file}: cannot be formatted: {error}") from error
    if not kept:
        hint = "write values with comments among them as blocks"
        raise FormattingError(f"{source.file}: cannot be formatted without changing what it says; {hint}")
    return after


def _comments(node: LayoutNode) -> Iterable[str]:
    for entry in node.entries or ():
        yield from (line for line in (*entry.above, entry.beside) if line)
        yield from _comments(entry.value)
    yield from (line for line in node.ending if line)


def _has_aliases(node: LayoutNode) -> bool:
    return node.text.startswith("*") or any(_has_aliases(entry.value) for entry in node.entries or ())


# --- order -----------------------------------------------------------------------------------------------------------


def _sort_entries(node: LayoutNode, model: type[BaseModel] | None) -> None:
    """Put the entries of a mapping, and of those in it, in the order of their declaration."""
    entries = node.entries
    if entries is None:
        return
    if not node.keyed:
        for entry in entries:
            _sort_entries(entry.value, model)
        return
    fields = {} if model is None else fields_by_name(model)
    places = {name: place for place, name in enumerate(fields)}
    first, above = (entries[0], entries[0].above) if entries else (None, [])
    entries.sort(key=lambda entry: places.get(_plain(entry.key), len(places)))
    if first is not None and entries[0] is not first and above[:1] != [""]:
        _swap_gaps(entries, first)
    for entry in entries:
        _sort_entries(entry.value, _below(model, _plain(entry.key), entry.value, fields))


def _swap_gaps(entries: list[LayoutEntry], first: LayoutEntry) -> None:
    """A blank line stands between entries, not above the first of them."""
    if entries[0].above[:1] == [""]:
        entries[0].above = entries[0].above[1:]
        first.above = ["", *first.above]


def _plain(key: str | None) -> str:
    return (key or "").strip("'\"")


def _below(
    model: type[BaseModel] | None, name: str, value: LayoutNode, fields: Mapping[str, FieldInfo]
) -> type[BaseModel] | None:
    """Return what a field's mapping, or those in its list, are declared as."""
    if name in ITEMS and name in fields and model is not OverrideDoc:
        return ITEMS[name]
    if model is OverrideDoc and name == "rules":
        return RuleDoc
    if model in (PolicyDoc, OverrideDoc) and name == "detectors":
        for entry in value.entries or ():
            _sort_entries(entry.value, _config(entry.value))
        return None
    return inner_model(fields[name].annotation) if name in fields else None


def _config(detector: LayoutNode) -> type[BaseModel] | None:
    use = next((each.value.text for each in detector.entries or () if _plain(each.key) == "use"), "")
    try:
        of = find_kind(_plain(use))
    except PluginError:  # linting says so; its fields stay in the order in which they are written
        return None
    return None if of is None else of.config


# --- layout ----------------------------------------------------------------------------------------------------------


def _head(root: LayoutNode) -> list[str]:
    """Take what is said of the whole file from the first entry: down to its last blank line, and the modeline."""
    if not root.entries:
        return []
    first = min(root.entries, key=lambda entry: entry.start)
    above = first.above
    cut = max((at + 1 for at, line in enumerate(above) if not line or line.startswith(MODELINE)), default=0)
    first.above = above[cut:]
    return above[:cut]


def _block(node: LayoutNode, indent: int, depth: int = 0) -> list[str]:
    """Return the lines of a collection as a block; blank lines stand between sections, and between entries of sections."""
    lines: list[str] = []
    entries = node.entries or []
    sections = [_is_section(entry) for entry in entries]  # before comments are taken out of them
    for at, entry in enumerate(entries):
        above = entry.above
        if depth > 1 or (at == 0 and depth):
            above = [line for line in above if line]
        elif at == 0 and above[:1] == [""]:
            above = above[1:]
        if depth == 0 and at > 0 and True in sections[at - 1 : at + 1] and above[:1] != [""]:
            above = ["", *above]
        above = [*above, *_at_dash(entry)]
        lines += [f"{' ' * indent}{line}" if line else "" for line in above]
        lines += _entry(entry, indent, depth)
    return lines + [f"{' ' * indent}{line}" if line else "" for line in node.ending]


def _at_dash(entry: LayoutEntry) -> list[str]:
    """Take the comments for which there is no place beside the dash of a block, or between it and what it begins with."""
    value = entry.value
    if entry.key is not None or not value.entries or _has_line(value, 0):
        return []
    first = value.entries[0]
    taken = [entry.beside, *first.above, *_at_dash(first)]
    entry.beside, first.above = "", []
    return [line for line in taken if line]


def _has_line(value: LayoutNode, indent: int) -> bool:
    """Tell whether an item of a list has a line that ends with it."""
    return value.entries is None or _is_inline(value, indent + 2) or _is_filled(value)


def _is_section(entry: LayoutEntry) -> bool:
    return bool(entry.value.entries) and not _is_inline(entry.value, 0)


def _entry(entry: LayoutEntry, indent: int, depth: int) -> list[str]:
    value, pad = entry.value, " " * indent
    head = f"{pad}-" if entry.key is None else f"{pad}{entry.key}:"
    beside = f" {entry.beside}" if entry.beside else ""
    if value.entries is None:
        first, *rest = _scalar(value.text, indent)
        told = f"{head} {first}".rstrip()
        return [told + ("" if rest else beside), *rest[:-1], *(line + beside for line in rest[-1:])]
    anchor = f" &{value.anchor}" if value.anchor else ""
    if _is_inline(value, len(head) + 1):
        return [f"{head}{anchor} {_flow(value)}{beside}"]
    if _is_filled(value):
        return _fill_lines(f"{head}{anchor} [", value, indent + 2, beside)
    inner = _block(value, indent + 2, depth + 1)
    if entry.key is None and not anchor:
        return [f"{head} {inner[0].lstrip()}", *inner[1:]]
    return [f"{head}{anchor}{beside}", *inner]


def _scalar(text: str, indent: int) -> list[str]:
    """Return the lines of a text, those behind the first moved to where the text stands now."""
    first, *rest = text.split("\n")
    if not rest:
        return [first]
    if first[:1] not in ("|", ">"):
        return [first, *(f"{' ' * (indent + 2)}{line.strip()}" if line.strip() else "" for line in rest)]
    digit = next((char for char in first.split("#")[0] if char.isdigit()), "")
    margins = [len(line) - len(line.lstrip(" ")) for line in rest if line.strip()]
    margin = margins[0] if margins else 0
    if digit:
        raise LayoutError(f"a text begins with {first!r}; write it in quotes, or without the digit")
    return [first, *(f"{' ' * (indent + 2)}{line[margin:]}" if line.strip() else "" for line in rest)]


def _is_inline(node: LayoutNode, column: int) -> bool:
    """Tell whether a collection stands in brackets on one line."""
    if not node.entries:
        return not node.ending
    return node.flow and _is_plain(node) and (not _is_broken(node) or column + len(_flow(node)) <= WIDTH)


def _is_broken(node: LayoutNode) -> bool:
    """Tell whether brackets go over several lines."""
    assert node.entries
    lines = {entry.line for entry in node.entries}
    return len(lines) > 1 or any(_is_broken(entry.value) for entry in node.entries if entry.value.entries)


def _is_plain(node: LayoutNode) -> bool:
    """Tell whether a collection, and all in it, can stand on one line: no comments, no texts of several lines."""
    return (
        (node.flow or not node.entries)
        and not node.ending
        and all(
            not entry.beside
            and not any(entry.above)
            and "\n" not in entry.value.text
            and (entry.value.entries is None or _is_plain(entry.value))
            for entry in node.entries or ()
        )
    )


def _flow(node: LayoutNode) -> str:
    if node.keyed:
        parts = [
            f"{entry.key}: {_written(entry.value)}" if _written(entry.value) else f"{entry.key}"
            for entry in node.entries or ()
        ]
        return f"{{{', '.join(parts)}}}"
    return f"[{', '.join(_written(entry.value) for entry in node.entries or ())}]"


def _written(node: LayoutNode) -> str:
    anchor = f"&{node.anchor} " if node.anchor else ""
    return anchor + (node.text if node.entries is None else _flow(node))


def _is_filled(node: LayoutNode) -> bool:
    """Tell whether a list is one of short texts, which fill lines."""
    return (
        node.flow
        and not node.keyed
        and _is_plain(node)
        and all(entry.value.entries is None for entry in node.entries or ())
    )


def _fill_lines(head: str, node: LayoutNode, indent: int, beside: str) -> list[str]:
    lines, line = [head + beside], " " * indent
    entries: Sequence[LayoutEntry] = node.entries or ()
    for entry in entries:
        part = f"{entry.value.text},"
        if line.strip() and len(line) + 1 + len(part) > WIDTH:
            lines.append(line)
            line = " " * indent
        line = f"{line}{' ' if line.strip() else ''}{part}"
    return [*lines, line, f"{' ' * (indent - 2)}]"]


def _trim_blank(lines: list[str]) -> list[str]:
    """Return lines without blank ones at either end."""
    while lines and not lines[0]:
        lines = lines[1:]
    while lines and not lines[-1]:
        lines = lines[:-1]
    return lines
