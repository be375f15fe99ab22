"""Lists of terms: entries that are the same as another, that another stands in, or that are too short to mean anything."""

from __future__ import annotations

import re
from collections.abc import Iterator

from guardrails.policy.lints.issue import LintFinding
from guardrails.policy.lints.scene.scene import LintContext
from guardrails.policy.lints.scene.term_lists import ListedTerm

SHORT = {"substring": 2, "word": 1}
"""Characters of a term up to which it is found nearly everywhere, by how it is looked for."""

REGEX = re.compile(r"\\[bBdDsSwW]|\(\?|\.[*+]|\[[a-zA-Z0-9]-[a-zA-Z0-9]|[a-z]\||^\^|\w\$$")
"""What hardly any term has, and many patterns do."""

MOST = 5_000
"""Terms of a list up to which one that stands in another is looked for."""


def duplicate_term(scene: LintContext) -> Iterator[LintFinding]:
    """A term is the same as another once case, accents and look-alike characters are undone."""
    for each in scene.term_lists:
        first: dict[str, ListedTerm] = {}
        for entry in each.entries:
            before = first.setdefault(entry.form, entry)
            if before is not entry:
                at = f"{before.mark.file}:{before.mark.line}"
                same = (
                    "is there already"
                    if before.text == entry.text
                    else f"is the same as {before.text!r} here"
                )
                yield LintFinding(
                    entry.mark, f"term {entry.text!r} {same} ({at})", "remove it", each.name, entry.fix
                )


def pattern_in_terms(scene: LintContext) -> Iterator[LintFinding]:
    """A term is a regular expression: here it is looked for as it is written."""
    for each in scene.term_lists:
        for entry in each.entries:
            if REGEX.search(entry.text):
                message = (
                    f"term {entry.text!r} looks like a regular expression, and is looked for as it is written"
                )
                cure = "write the words out, or move it to a detector with use: patterns"
                yield LintFinding(entry.mark, message, cure, each.name)


def short_term(scene: LintContext) -> Iterator[LintFinding]:
    """A term is so short that it is found nearly everywhere."""
    for each in scene.term_lists:
        inside = each.config.match == "substring"
        for entry in each.entries:
            size = len(entry.form)
            if size <= SHORT[each.config.match] and entry.form.isascii() and entry.form.isalnum():
                where = "within words" if inside else "as a word of its own"
                cure = "write more of it" + (", or match: word" if inside else "")
                message = f"term {entry.text!r} has {size} character{'s' * (size > 1)} and is found {where}"
                yield LintFinding(entry.mark, message, cure, each.name)


def contained_term(scene: LintContext) -> Iterator[LintFinding]:
    """A term holds another one of its list, which is found wherever it is."""
    for each in scene.term_lists:
        forms = {entry.form: entry.text for entry in each.entries if len(each.entries) <= MOST}
        for entry in each.entries if forms else ():
            inner = _inside(entry.form, forms, words=each.config.match == "word")
            if inner is not None:
                message = f"term {entry.text!r} holds {forms[inner]!r}, which is found wherever it is"
                yield LintFinding(
                    entry.mark, message, "leave it out, unless all of it is to be replaced", each.name
                )


def _inside(form: str, forms: dict[str, str], *, words: bool) -> str | None:
    """Return a shorter form that stands in one."""
    parts = form.split(" ") if words else [*form[:MOST]]
    joint = " " if words else ""
    most = min(len(parts) - 1, 64)
    spans = ((start, start + size) for size in range(1, most + 1) for start in range(len(parts) - size + 1))
    return next((piece for start, end in spans if (piece := joint.join(parts[start:end])) in forms), None)
