"""Completes conditions that are half written: a bracket or a quote that is open, an operator with nothing on one side of it."""

from __future__ import annotations

import re
from typing import Final

from guardrails.policy.cel.cel import CelError, parse
from guardrails.policy.cel.habits import LITERAL

JOINS: Final = ("&&", "||")
ENDS: Final = re.compile(r"(&&|\|\||[<>]=?|[=!]=)\s*$")
BEGINS: Final = re.compile(r"^\s*(&&|\|\||[<>]=?|[=!]=)")
DOUBLED: Final = re.compile(r"(&&|\|\|)\s*(&&|\|\||(?=\)))")
"""Two operators with nothing between, or one before a bracket that closes."""
NO_OPERATOR: Final = re.compile(r"\b([a-z_][\w.]*)\s+((?:0|1)?\.\d+|[01])(?![\w.])")
"""A name and a number with nothing between."""
USUAL: Final = {"a number": "0.8", "a name": "hate"}


def find_half(text: str) -> tuple[int, str, str] | None:
    """Return the place of what is missing or too much in a condition, the message, and what to write; None where that is not
    plain to see.
    """
    bare = LITERAL.sub(lambda found: "x" * len(found[0]), text)
    if found := ENDS.search(bare):
        return _complete_end(text, found.start(1), found[1])
    if found := BEGINS.search(bare):
        return _complete_begin(text, found.start(1), found[1])
    for quote in "\"'":
        if (at := bare.find(quote)) >= 0 and _parses(closed := text.rstrip() + quote):
            return at, "a text in quotes does not end", f"close the quote: {closed.strip()}"
    return _drop_doubled(text, bare) or _balance(text, bare) or _join(text, bare)


def _drop_doubled(text: str, bare: str) -> tuple[int, str, str] | None:
    if (found := DOUBLED.search(bare)) is None:
        return None
    whole = " ".join(f"{text[: found.start()].rstrip()} {found[2]} {text[found.end() :].strip()}".split())
    whole = whole.replace(" )", ")")
    message = f"nothing stands behind {found[1]!r}"
    return (found.start(), message, f"leave it out: {whole}") if _parses(whole) else None


def _complete_end(text: str, at: int, operator: str) -> tuple[int, str, str] | None:
    if operator in JOINS:
        rest = text[:at].strip()
        hint = f"write what else must hold, or leave {operator} out: {rest}"
        return (len(text), f"nothing stands behind {operator!r}", hint) if _parses(rest) else None
    whole = f"{text.rstrip()} {USUAL['a number']}".strip()
    hint = f"write a number from 0 to 1 there, such as {whole}"
    return (len(text), f"nothing stands behind {operator!r}", hint) if _parses(whole) else None


def _complete_begin(text: str, at: int, operator: str) -> tuple[int, str, str] | None:
    rest = text[at + len(operator) :].strip() if operator in JOINS else f"{USUAL['a name']} {text.strip()}"
    how = f"leave {operator} out: {rest}" if operator in JOINS else f"write a category there, such as {rest}"
    return (at, f"nothing stands before {operator!r}", how) if _parses(rest) else None


def _balance(text: str, bare: str) -> tuple[int, str, str] | None:
    """Of brackets: what lacks at the end, or is too much."""
    opened: list[int] = []
    for at, char in enumerate(bare):
        if char == "(":
            opened.append(at)
        elif char == ")" and opened:
            opened.pop()
        elif char == ")":
            without = text[:at] + text[at + 1 :]
            hint = f"leave it out: {without.strip()}"
            return (at, "there is a ')' too many", hint) if _parses(without) else None
    closed = text.rstrip() + ")" * len(opened)
    if opened and _parses(closed):
        return len(text), "the '(' is not closed", f"close the bracket: {closed.strip()}"
    return None


def _join(text: str, bare: str) -> tuple[int, str, str] | None:
    """Of a name and a number without an operator between."""
    if (found := NO_OPERATOR.search(bare)) is None:
        return None
    whole = f"{text[: found.end(1)]} >= {text[found.start(2) :]}".strip()
    message = f"between {found[1]} and {found[2]} an operator is missing"
    return (found.start(2), message, f"write {whole}") if _parses(whole) else None


def _parses(text: str) -> bool:
    try:
        parse(text)
    except CelError:
        return False
    return bool(text.strip())
