"""Says what to write instead of a value that cannot stand where it does, in the author's own words where that is plain to see."""

from __future__ import annotations

import difflib
from collections.abc import Mapping

from guardrails.policy.loading.source import Path

WORDS = {"yes": "true", "on": "true", "y": "true", "no": "false", "off": "false", "n": "false"}
"""Words that older YAML took for true and false."""


BLOCKED = (
    "deny",
    "reject",
    "refuse",
    "stop",
    "drop",
    "forbid",
    "ban",
    "prevent",
    "disallow",
    "block_all",
    "ablehnen",
    "bloquear",
)
REPLACED = (
    "mask",
    "anonymize",
    "anonymise",
    "remove",
    "replace",
    "hide",
    "censor",
    "scrub",
    "filter",
    "substitute",
)
RECORDED = (
    "warn",
    "warning",
    "log",
    "monitor",
    "alert",
    "record",
    "audit",
    "annotate",
    "notify",
    "report",
    "review",
)
ASKED = (
    "prompt",
    "request",
    "user",
    "question",
    "user_input",
    "in",
    "inbound",
    "incoming",
    "pre_call",
    "before",
)
ANSWERED = (
    "response",
    "reply",
    "answer",
    "assistant",
    "completion",
    "out",
    "outbound",
    "outgoing",
    "post_call",
    "after",
    "model",
)
VALUES: Mapping[str, Mapping[str, str]] = {
    "then": {
        **dict.fromkeys(BLOCKED, "write then: block"),
        **dict.fromkeys(REPLACED, "write then: redact"),
        **dict.fromkeys(RECORDED, "write then: flag (and review: a queue, where people are to look at it)"),
        **dict.fromkeys(
            ("allow", "pass", "permit", "accept", "ignore", "skip"),
            "what no rule is for passes anyway; to let something past a rule, write it under 'exceptions:', such as "
            "- {id: acme, rules: [hate.block], matches: [acme], reason: our name}, or narrow the rule's condition",
        ),
    },
    "on": {
        **dict.fromkeys(ASKED, "write on: input"),
        **dict.fromkeys(ANSWERED, "write on: output"),
        **dict.fromkeys(("both", "all", "any", "everything", "*"), "write on: [input, output]"),
        **dict.fromkeys(("document", "context", "rag", "source"), "write on: retrieval"),
        **dict.fromkeys(("tool", "tools", "function", "function_call"), "write on: tool_call, or on: tool_result"),
    },
    "mode": {
        **dict.fromkeys(("monitor", "audit", "log", "off", "test", "dry-run", "dry_run", "warn", "silent"), "write mode: shadow"),
        **dict.fromkeys(("on", "active", "enforced", "live", "block"), "write mode: enforce"),
    },
    "severity": {
        **dict.fromkeys(("error", "severe", "major"), "write severity: high"),
        **dict.fromkeys(("warning", "warn", "moderate", "normal"), "write severity: medium"),
        **dict.fromkeys(("info", "informational", "minor", "note"), "write severity: low"),
    },
}  # fmt: skip
"""A field → words of other products' policies → what to write."""

OVERRIDE_EXAMPLE = "such as override: {rules: [{id: hate.block, when: hate >= 0.9}]}: the inherited rule's id, and what changes"


def suggest_value(path: Path, value: object, literal: list[str], others: list[str]) -> str:
    """Return what to write instead of the value of a field, "" where that is not plain to see.

    Args:
        path: of the value.
        value: what stands there.
        literal: the texts and numbers that may, as Python writes them.
        others: the types that may, in words.
    """
    field = next((str(part) for part in reversed(path) if isinstance(part, str)), "")
    word = value.strip().lower() if isinstance(value, str) else ""
    known = VALUES.get(field, {}).get(word)
    return known or _cure_type(value, literal, others) or _cure_shape(path, value, others)


def _cure_type(value: object, literal: list[str], others: list[str]) -> str:
    """Return what to write instead of a value, if that is plain to see."""
    if isinstance(value, str):
        if value in literal:  # a number in quotes; texts stand there with theirs
            return "write it without quotes"
        if "true or false" in others and value.lower() in WORDS:
            return f"write {WORDS[value.lower()]}"
        if others == ["a list"] and not literal:
            return f"write a list: [{value}]"
        if {"a number", "a whole number"} & {*others} and value.replace(".", "", 1).isdigit():
            return "write it without quotes"
        allowed = [text.strip("'") for text in literal]
        close = difflib.get_close_matches(value.lower(), allowed, n=1, cutoff=0.5)
        return f"did you mean {close[0]!r}?" if close else ""
    if "a text" in others and isinstance(value, bool | int | float):
        return "put it in quotes"
    return "remove the key, or write a value" if value is None else ""


LISTED: Mapping[str, str] = {"rules": "id", "exceptions": "id", "tests": "input"}
"""A list of a policy → the field with which its entries begin."""


def _cure_shape(path: Path, value: object, others: list[str]) -> str:
    """Return how to write a list for a mapping, or a mapping for a list, with the author's own words."""
    name = str(path[-1]) if path else ""
    if name == "override":
        return OVERRIDE_EXAMPLE
    if name == "deny" or path[:1] == ("deny",):
        if isinstance(value, list) and value and isinstance(value[0], str) and len(path) == 1:
            return f"give each topic a name and a description: {value[0]}: {{definition: what it is about}}"
        return "'deny' holds topics by name, each with a definition or examples; 'competitors' is a list beside it"
    if "a list" in others and isinstance(value, dict) and value:
        first = next(iter(value))
        if isinstance(value[first], dict):
            return f"write a list: - {LISTED.get(name, 'id')}: {first}, and its fields below"
        return f"begin each entry with a dash: - {first}: {value[first]}"
    return ""


def describe(value: object) -> str:
    """Name a value's kind for a message, and show it if it is short."""
    if value is None:
        return "nothing (null)"
    if isinstance(value, bool):
        return "true" if value else "false"
    kinds = ((int, "the number"), (float, "the number"), (str, "the text"))
    for kind, word in kinds:
        if isinstance(value, kind):
            return f"{word} {value!r}" if len(repr(value)) <= 60 else word
    return "a list" if isinstance(value, list) else "a mapping"
