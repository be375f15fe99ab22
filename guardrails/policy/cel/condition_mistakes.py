"""Finds parts of a condition that parse, and are wrong as a whole: each check returns code, place, message and hint, or None."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Final, Protocol

from guardrails import taxonomy
from guardrails.policy.cel.cel import CelNode
from guardrails.policy.cel.habits import propose_condition
from guardrails.policy.cel.wording import FUNCTIONS

Problem = tuple[str, int, str, str]

EQUALITIES: Final = {"_==_": "==", "_!=_": "!="}
BETWEEN: Final = {"_-_": "-", "_/_": "/"}
NOTHING: Final = ("null", "None", "nil", "undefined")
"""What other languages call a value that is not there."""
TRUTHS: Final = ("True", "False", "TRUE", "FALSE")


class KnownNames(Protocol):
    """What conditions may name."""

    @property
    def categories(self) -> Collection[str]:
        """Every category that can be found."""
        ...

    def suggest(self, name: str) -> str:
        """Return what most likely was meant by a name that is no category."""
        ...

    def text_leaf(self, dotted: str) -> str:
        """Return the context leaf that holds a text, "" where a name is none."""
        ...


def find_foreign_call(node: CelNode, text: str, names: KnownNames) -> Problem | None:
    """Of a function that other languages have: `IF(…)`, `len(…)`, `contains(…)`."""
    if node.name not in FUNCTIONS:
        return None
    begin = text.rfind(node.name, 0, node.offset + 1)
    if begin < 0 or text[:begin].rstrip().endswith("."):
        return None  # of a value: request.model.contains("gpt")
    proposed = propose_condition(text)
    hint = f"write {proposed}" if proposed else FUNCTIONS[node.name]
    return "condition_type", begin, f"{node.name!r} is not a function that conditions know", hint


def find_hyphenated(node: CelNode, text: str, names: KnownNames) -> Problem | None:
    """Of a category that is written with `-` or `/`, which are minus and division."""
    parts = [arg.dotted_name() for arg in node.args]
    if node.name not in BETWEEN or None in parts or all(part in names.categories for part in parts):
        return None
    written = BETWEEN[node.name].join(map(str, parts))
    start = node.start()
    if not text.startswith(written, start):
        return None
    if written.startswith("detector."):
        hint = "a name with '-' cannot stand in a condition: write '_' in it"
        return "unknown_detector", start, f"{written!r} names no detector", hint
    meant = taxonomy.find_meant(written)
    known = meant in taxonomy.CATEGORIES or meant in names.categories
    hint = f"did you mean {meant!r}?" if known else names.suggest(written.replace("-", "").replace("/", "."))
    message = f"{written!r} is not a category: names have '_' and '.' in them, no {BETWEEN[node.name]!r}"
    return "unknown_category", start, message, hint


def find_bare_text(node: CelNode, text: str, names: KnownNames) -> Problem | None:
    """Of a value of the request that is compared with a text without quotes, a number, or nothing."""
    if node.name not in EQUALITIES:
        return None
    for one, other in (node.args, tuple(reversed(node.args))):
        leaf = names.text_leaf(one.dotted_name() or "")
        written = re.match(r"[\w.]+", text[other.start() :])
        if not leaf or written is None or isinstance(other.value, str | bool):
            continue
        word, at = written[0], other.start()
        bare = other.kind == "ident" and word not in names.categories and word not in TRUTHS
        if word in NOTHING:
            asked = f"!has({leaf})" if node.name == "_==_" else f"has({leaf})"
            return "condition_type", at, f"whether {leaf} has a value is asked by has()", f"write {asked}"
        if bare or (other.kind == "const" and other.value is not None):
            what = "a text, and stands without quotes" if bare else f"a number, and {leaf} is a text"
            return "condition_type", at, f"{word} is {what}", f'write {leaf} {EQUALITIES[node.name]} "{word}"'
    return None
