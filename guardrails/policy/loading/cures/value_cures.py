"""Says what to write instead of a value that cannot stand where it does, in the author's own words where that is plain to see."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Mapping
from typing import Any, Final

from guardrails.detectors.language.scripts import find_language
from guardrails.policy.loading.cures.habit_words import ACTIONS, BOOLEANS, VALUES
from guardrails.policy.loading.cures.number_cures import read_number
from guardrails.policy.loading.scalars import ScalarProblem, resolve
from guardrails.policy.loading.source import Path

STRICTEST: Final = ("block", "redact", "flag", "allow")
"""Actions, in the order in which they win."""

PLAIN: Final = re.compile(r"\w(?:[\w .@/+%<>=-]*[\w%.])?")
"""Texts that need no quotes in a list or mapping on one line."""

LONGEST: Final = 120
"""Characters of a proposal, beyond which it is cut."""

COMPARED: Final = re.compile(r"(?:[<>]=?|[=!]=) *[\d.]+")
"""What stands behind the name of a category in a condition."""

LISTED: Final[Mapping[str, str]] = {"rules": "id", "exceptions": "id", "tests": "name"}
"""A list of a policy → the field that holds what its entries are called."""

ENTRIES: Final[Mapping[str, str]] = {
    "rules": "- {id: hate.stop, on: input, when: hate >= 0.8, then: block}",
    "exceptions": "- {id: acme, matches: [acme], reason: our name}",
    "tests": "- {input: hello, expect: {action: allow}}",
    "findings": "- {category: {value}}",
    "allow": "- {name: {value}}",
    "heard": "- {name: {value}, text: what it returned}",
}
"""A list of mappings → an entry of it; `{value}` stands for the author's word."""

MAPPINGS: Final[Mapping[str, str]] = {
    "override": "override: {rules: [{id: jailbreak.block, mode: shadow}]}",
    "detectors": "words: {use: terms, terms: [foo], category: custom.words}",
    "limits": "limits: {characters: {value}}",
    "unchecked": "unchecked: {language: {value}}",
    "films": "films: {fps: {value}}",
    "records": "records: {content: {value}}",
    "expect": "expect: {action: {value}}",
    "disable": "disable: [{value}]",
    "tools": "tools: {allow: [{name: {value}}]}",
}
"""A mapping → how it may look; `{value}` stands for the author's word."""

USUAL: Final[Mapping[str, str]] = {
    "limits": "200000",
    "unchecked": "flag",
    "films": "1.0",
    "records": "false",
    "expect": "allow",
    "disable": "jailbreak.block",
    "tools": "web_search",
}
"""What stands for the author's word where there is none."""

OWN_TEXT: Final = (("with",), ("with", "text"))
"""Where the text stands that a redaction writes."""

OVERRIDE_EXAMPLE: Final = f"such as {MAPPINGS['override']}: the inherited rule's id, and what changes"


def write_flow(value: object) -> str:
    """Return a value as YAML on one line, cut where it is long."""
    if isinstance(value, str):
        return _write_text(value)
    if isinstance(value, list):
        inner = ", ".join(map(write_flow, value))
        written = f"[{inner}]"
    elif isinstance(value, dict):
        written = "{" + ", ".join(f"{key}: {write_flow(each)}" for key, each in value.items()) + "}"
    else:
        written = json.dumps(value)
    return written if len(written) <= LONGEST else f"{written[:LONGEST]}…"


def _write_text(text: str) -> str:
    try:
        plain = PLAIN.fullmatch(text) is not None and resolve(text) == text
    except ScalarProblem:
        plain = False
    if plain:
        return text
    quotable = text.isprintable() and "'" not in text
    return f"'{text}'" if quotable else json.dumps(text, ensure_ascii=False)


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
    allowed = [text.strip("'") for text in literal]
    if known := VALUES.get(field, {}).get(word):
        return known
    if (action := ACTIONS.get(word)) in allowed:
        return f"write {action}" if isinstance(path[-1], int) else f"write {field}: {action}"
    for cure in (_cure_text, _cure_number, _cure_condition, _cure_mapping, _cure_list, _cure_choice):
        if hint := cure(path, value, allowed, others):
            return hint
    return ""


def _cure_text(path: Path, value: object, allowed: list[str], others: list[str]) -> str:
    """Of a text where something else is wanted."""
    if not isinstance(value, str):
        return ""
    if value in allowed:
        return "write it without quotes"
    if {"de", "en"} <= {*allowed} and (code := find_language(value)) in allowed:
        return f"write {code}"
    if path[-1:] == ("languages",) and value.lower() in ("all", "any", "*"):
        return "leave the line out: without it all languages are meant"
    if "true or false" in others and value.lower() in BOOLEANS:
        return f"write {BOOLEANS[value.lower()]}"
    parts = _split(value, path)
    if "a list" in others and allowed and len(parts) > 1:
        dashes = "a space behind each dash, or " if value.lstrip().startswith("-") else ""
        return f"write {dashes}a list: [{', '.join(parts)}]"
    if "a list" in others and not allowed and path[-1] not in MAPPINGS:
        if (entry := ENTRIES.get(str(path[-1]))) and "{value}" in entry and len(path) > 1:
            return f"write a list: [{_fill(entry[2:], value)}]"
        return f"write a list: {write_flow(parts)}"
    if len(words := value.split()) > 1 and all(word in allowed for word in words):
        return f"a comma is missing: write {', '.join(words)}"
    close = difflib.get_close_matches(value.lower(), allowed, n=1, cutoff=0.5)
    return f"did you mean {close[0]!r}?" if close else ""


def _split(text: str, path: Path) -> list[str]:
    """Return the entries of a list that was written as a text; patterns hold commas of their own."""
    if "patterns" in path:
        return [text]
    between = r"(?:^|\s+)-\s*" if text.lstrip().startswith("-") else r"\s*[,;]\s*|\s+and\s+|\s*\+\s*"
    return [part for part in re.split(between, text) if part]


def _fill(example: str, value: object) -> str:
    return example.replace("{value}", write_flow(value))


def _cure_number(path: Path, value: object, allowed: list[str], others: list[str]) -> str:
    """Of a number that is written in another way, or stands where none is wanted."""
    if isinstance(value, int | float) and "a text" in others and path[-1] != "when":
        return "put it in quotes"
    if isinstance(value, bool):
        return ""
    if isinstance(value, float) and value.is_integer() and str(int(value)) in allowed:
        return f"write {path[-1]}: {int(value)}"
    whole = "a whole number" in others
    if isinstance(value, float) and value.is_integer() and whole:
        return f"write {int(value)}, or {int(value * 1000)} if the point was to set thousands apart"
    if isinstance(value, str) and (whole or "a number" in others):
        return read_number(str(path[-1]), value.strip(), whole=whole)
    return ""


def _cure_condition(path: Path, value: object, allowed: list[str], others: list[str]) -> str:
    """Of a condition that is no text."""
    if path != ("when",) or value is None:
        return ""
    if isinstance(value, list) and value and all(isinstance(each, str) for each in value):
        return f"write one text: when: {' && '.join(value)} (all of them), or with || (one is enough)"
    if isinstance(value, dict) and (compared := _compare(value) or _compare_all(value)):
        return f"write it as a text: when: {compared}"
    if isinstance(value, int | float) and not isinstance(value, bool):
        return f"write what is compared with it, such as when: hate >= {value if 0 < value <= 1 else 0.8}"
    return "write what must hold, such as when: hate >= 0.8"


def _compare_all(value: dict[str, Any]) -> str:
    """Return categories with their numbers, or `any` and `all` of some conditions, as one condition; "" where it is neither."""
    for name, operator in (("any", " || "), ("or", " || "), ("all", " && "), ("and", " && ")):
        parts = value.get(name)
        if len(value) == 1 and isinstance(parts, list) and all(isinstance(each, str) for each in parts):
            return operator.join(parts)
    terms = []
    for name, bound in value.items():
        number = isinstance(bound, int | float) and not isinstance(bound, bool)
        if not number and not (isinstance(bound, str) and COMPARED.fullmatch(bound)):
            return ""
        terms.append(f"{name} >= {bound}" if number else f"{name} {bound}")
    return " && ".join(terms)


def _compare(value: dict[str, Any]) -> str:
    numbers = [
        each for each in value.values() if isinstance(each, int | float) and not isinstance(each, bool)
    ]
    names = [each for each in value.values() if isinstance(each, str) and re.fullmatch(r"[\w.]+", each)]
    if len(value) == 1 and numbers:
        names = [*value]
    return f"{names[0]} >= {numbers[0]}" if len(numbers) == 1 and names else ""


def _cure_mapping(path: Path, value: object, allowed: list[str], others: list[str]) -> str:
    """Of something else where a mapping is wanted."""
    name = str(path[-1]) if path else ""
    if name == "message" and isinstance(value, list):
        spoken = dict(zip(("en", "de", "es", "fr"), value, strict=False))
        return f"write one text, or each by its language: message: {write_flow(spoken)}"
    if not path:
        return ""
    if path in OWN_TEXT and (text := _read_own_text(value)):
        return f"for a text of your own write with: {write_flow({'text': {'en': text}})}"
    if path[:1] == ("deny",) and "a mapping" in others:
        return _cure_topics(path, value)
    if "a mapping" not in others or isinstance(value, dict):
        return ""
    if value is None:
        shown = MAPPINGS.get(name, "").replace("{value}", USUAL.get(name, ""))
        where = "write below it" if name == "detectors" else "write"
        return f"remove the line, or {where} {shown}" if shown else ""
    if name == "override" and isinstance(value, list):
        return _cure_override(value)
    if name == "detectors" and isinstance(value, list):
        return _cure_detectors(value)
    if name in MAPPINGS:
        first = value[0] if isinstance(value, list) and value else value
        return f"write {_fill(MAPPINGS[name], first)}" if isinstance(first, str | int) else ""
    entry = ENTRIES.get(str(path[-2]), "") if isinstance(path[-1], int) and len(path) > 1 else ""
    return f"write {_fill(entry[2:], value)}" if entry else ""


def _read_own_text(value: object) -> str:
    """Return the text that a redaction is to write, also where it begins with a bracket, as placeholders do."""
    inner = value[0] if isinstance(value, list) and value else ""
    return value if isinstance(value, str) else f"[{inner}]" if inner and isinstance(inner, str) else ""


def _cure_override(value: list[Any]) -> str:
    changed = [each if isinstance(each, dict) else {"id": each, "mode": "shadow"} for each in value]
    if not all(isinstance(each.get("id"), str) for each in changed):
        return OVERRIDE_EXAMPLE
    return f"write override: {write_flow({'rules': changed})}"


def _cure_detectors(value: list[Any]) -> str:
    """Return a list of detectors as a mapping: each has its name before the colon."""
    first = value[0] if value and isinstance(value[0], dict) else {"use": "terms", "terms": ["foo"]}
    fields = {key: each for key, each in first.items() if key not in ("name", "id")}
    name = first.get("name", first.get("id", "words"))
    return f"give each its name and no dash: {name}: {write_flow(fields)}"


def _cure_topics(path: Path, value: object) -> str:
    if len(path) > 1 and isinstance(value, str):
        return f"write {path[-1]}: {write_flow({'definition': value})}"
    named = value if isinstance(value, list) else [value]
    if len(path) == 1 and named and isinstance(named[0], str):
        first = re.sub(r"\W+", "_", named[0]).strip("_")
        return f"give each topic a name and a description: {first}: {{definition: what it is about}}"
    return (
        "'deny' holds topics by name, each with a definition or examples; 'competitors' is a list beside it"
    )


def _cure_list(path: Path, value: object, allowed: list[str], others: list[str]) -> str:
    """Of something else where a list is wanted, or of a list where one value is."""
    name = str(path[-1]) if path else ""
    if isinstance(value, list) and (
        given := [each for each in STRICTEST if each in value and each in allowed]
    ):
        return f"write one; the strictest would win anyway: {name}: {given[0]}"
    if "a list" not in others:
        return ""
    if value is None and name in ENTRIES:
        return f"remove the line, or write an entry below it: {_fill(ENTRIES[name], 'x')}"
    if isinstance(value, dict) and value:
        first = next(iter(value))
        if allowed and first in allowed:
            return f"write {name}: [{', '.join(key for key in value if key in allowed)}]"
        if name not in LISTED and name not in ENTRIES:
            return f"write a list: {write_flow([*value])}"
        if isinstance(value[first], dict):
            return f"write a list: - {LISTED.get(name, 'id')}: {first}, and its fields below"
        return f"begin each entry with a dash: - {first}: {value[first]}"
    return ""


def _cure_choice(path: Path, value: object, allowed: list[str], others: list[str]) -> str:
    """Of what is none of the values that are possible, and near to none."""
    if value is None:
        key = str(path[-1]) if path else ""
        if ":" in key:
            name, _, text = key.partition(":")
            return f"write a space behind the colon: {name}: {write_flow(text.strip())}"
        if path and isinstance(path[-1], int):
            return "put it in quotes if it is a word, or remove it"
        return "remove the key, or write a value"
    if isinstance(value, dict) and (given := [each for each in value.values() if each in allowed]):
        return f"write {path[-1]}: {given[0]}"
    if (
        isinstance(value, dict)
        and len(value) == 1
        and path
        and isinstance(path[-1], int)
        and "a text" in others
    ):
        ((key, text),) = value.items()
        return f"a text with ': ' in it stands in quotes: write \"{key}: {text}\""
    if path == ("user",) and isinstance(value, str):
        return f"write user: {{tier: {write_flow(value)}}}"
    if allowed and path and isinstance(path[-1], str) and not isinstance(value, str):
        return f"such as {path[-1]}: {allowed[0]}"
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
