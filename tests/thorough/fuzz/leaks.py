"""The policy of harnesses of bodies, and where a word of it stands in a body that goes on."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

POLICY = """
format: 1
name: fuzz
detectors:
  never: {use: terms, terms: [zqxbomb], category: custom.never}
  gone: {use: terms, terms: [zqxveil], category: custom.gone}
rules:
  - id: never
    on: [input, output, tool_definition, tool_call, tool_result, retrieval]
    when: custom.never > 0
    then: block
  - id: gone
    on: [input, output, tool_definition, tool_call, tool_result, retrieval]
    when: custom.gone > 0
    then: redact
unchecked: {part: flag, audio: flag, sealed: flag}
"""

WORD = re.compile(r"(?<![^\s.,;:!?'\"()-])zqx(?:bomb|veil)(?![^\s.,;:!?'\"()-])")
"""A term that stands alone: what may be judged as another word is none."""


def holds_word(value: Any) -> bool:
    """Tell whether a term of the policy stands in a body, in a text or a key of it."""
    return any(WORD.search(text) for text in texts(value))


def texts(value: Any) -> Iterator[str]:
    """Yield all texts and keys of a value."""
    waiting = [value]
    while waiting:
        each = waiting.pop()
        if isinstance(each, str):
            yield each
        elif isinstance(each, dict):
            yield from each
            waiting += each.values()
        elif isinstance(each, list | tuple):
            waiting += each
