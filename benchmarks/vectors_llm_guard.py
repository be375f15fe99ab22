"""The tests of llm-guard as vectors: its lexical scanners, played by our detectors, under its own assertions.

A redacted text equals one in a test when both leave the same text standing: what is put in the place is a matter of taste,
and so is a scanner's score. What needs a model is counted as such.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from guardrails.detectors import PolicyFolder
from guardrails.detectors.encodings import invisible
from guardrails.detectors.patterns import patterns_detector
from guardrails.detectors.pii import pii_detector
from guardrails.detectors.secrets import secrets_detector
from guardrails.detectors.terms import terms_detector
from guardrails.types import Text
from vectors_ast import Deliberate, Outcome, Untranslatable, cases, constants, module, outcome

LEXICAL = (
    "input_scanners/test_secrets.py", "input_scanners/test_invisible_text.py", "input_scanners/test_regex.py",
    "input_scanners/test_ban_substrings.py", "output_scanners/test_regex.py", "output_scanners/test_sensitive.py",
)  # fmt: skip
MODELS = (
    "input_scanners/test_anonymize.py",
    "input_scanners/test_ban_code.py",
    "input_scanners/test_ban_competitors.py",
)
"""Tests of scanners that find names or code by a model, some of them together with patterns."""

IGNORED = frozenset({"score"})
REASONS = (Deliberate("the password 'password' is a placeholder", "username:password@"),)
_PUT_IN = re.compile(r"\*{3,}|\[REDACTED\]|<[A-Z_]+>")


class Redacted:
    """A text and the spans that were taken out of it."""

    translated = True

    def __init__(self, text: str, spans: list[tuple[int, int]], mark: str) -> None:
        for start, end in sorted(spans, reverse=True):
            text = text[:start] + mark + text[end:]
        self.text = text

    def __eq__(self, expected: object) -> bool:
        assert isinstance(expected, str)
        ours, theirs = _PUT_IN.sub("\0", self.text), _PUT_IN.sub("\0", expected)
        return ours == theirs


class Scanner:
    """A scanner of theirs: a detector of ours, and what stands in the place of what it finds."""

    translated = True

    def __init__(self, kind: Any, config: Any, mark: str = "[REDACTED]") -> None:
        self._detector = kind.build("v", config, PolicyFolder(Path()))
        self._mark = mark

    def scan(self, *texts: str) -> tuple[Redacted, bool, float]:
        """`scan`: of several texts, the last is the one to look at."""
        text = texts[-1]
        spans = [each.span for each in self._detector.detect([Text(text)])[0].findings]
        return Redacted(text, spans, self._mark), not spans, 1.0 if spans else -1.0


class Names:
    """An enumeration of theirs: any name is itself."""

    translated = True

    def __getattr__(self, name: str) -> str:
        return name


def substrings(substrings: list[str], **_settings: Any) -> Scanner:
    """`BanSubstrings`."""
    return Scanner(terms_detector.KIND, terms_detector.TermsConfig(use="terms", terms=substrings))


def sensitive(entity_types: list[str], **_settings: Any) -> Scanner:
    """`Sensitive`."""
    known = {"EMAIL_ADDRESS": "email", "EMAIL_ADDRESS_RE": "email"}
    if not {*entity_types} <= {*known}:
        raise Untranslatable("needs a model")
    return Scanner(
        pii_detector.KIND,
        pii_detector.PiiConfig(use="pii", entities=sorted({known[each] for each in entity_types})),
    )


KNOWN: dict[str, Any] = {
    "Secrets": lambda: Scanner(secrets_detector.KIND, secrets_detector.SecretsConfig(use="secrets")),
    "InvisibleText": lambda: Scanner(invisible.KIND, invisible.InvisibleConfig(use="invisible"), ""),
    "Regex": lambda patterns_=(), **fields: Scanner(
        patterns_detector.KIND,
        patterns_detector.PatternsConfig(use="patterns", patterns=fields.get("patterns", patterns_)),
    ),
    "BanSubstrings": substrings,
    "Sensitive": sensitive,
    "MatchType": Names(),
    "convert_to_tag_chars": lambda text: "".join(chr(0xE0000 + ord(char)) for char in text),
}


def outcomes(root: Path) -> Iterator[Outcome]:
    """Yield what comes of every case of a checkout's lexical tests, and one for each case that needs a model."""
    for name in (*LEXICAL, *MODELS):
        tree = module(root / "tests" / name)
        known = constants(tree, KNOWN)
        short = name.replace("_scanners/test_", ": ").removesuffix(".py")
        for case in cases(tree, short, known):
            if isinstance(case, str) or name in MODELS:
                why = "needs a model" if name in MODELS else "parameters that are computed"
                yield Outcome(short, case if isinstance(case, str) else case.name, 0, "untranslated", why)
            else:
                yield outcome(case, known, IGNORED, REASONS)
