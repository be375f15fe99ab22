"""What the tests of the workshop share."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path

import pytest

from guardrails import Content, Detection, Finding, Guard
from guardrails.authoring.diff.change import PolicyVersion
from guardrails.authoring.testing import suite
from guardrails.detectors.kinds import Kind

Versions = Callable[..., tuple[PolicyVersion, PolicyVersion]]

POLICY = """format: 1
name: small
version: "1.0.0"
detectors:
  words: {use: terms, terms: [forbidden, banned], category: custom.word}
  ids: {use: patterns, patterns: ['ID-\\d+'], category: custom.id}
rules:
  - {id: word.block, on: [input, output], when: custom.word > 0, then: block, message: No.}
  - {id: id.redact, on: input, when: custom.id > 0.5, then: redact}
exceptions:
  - {id: known, rules: [word.block], matches: [banned], reason: a name, expires: 2100-01-01}
tests:
  - {input: a forbidden word, expect: {action: block}}
  - {input: see ID-7, expect: {action: redact}}
"""


@pytest.fixture
def versions(tmp_path: Path) -> Versions:
    """Return a function: pairs of texts in, a small policy and the same with each first text replaced by its second out."""
    numbers = itertools.count()

    def make(*changes: tuple[str, str]) -> tuple[PolicyVersion, PolicyVersion]:
        made = []
        for given in ((), changes):
            folder = tmp_path / f"{next(numbers)}"
            folder.mkdir()
            text = POLICY
            for old, new in given:
                assert old in text, old
                text = text.replace(old, new)
            path = folder / "p.yaml"
            path.write_text(text)
            made.append(PolicyVersion.load(path))
        return made[0], made[1]

    return make


@pytest.fixture
def scoring(guard_of: Callable[..., Guard], kind_of: Callable[..., Kind]) -> Callable[..., Guard]:
    """Return a function: rules in, a guard out whose one detector, `own`, finds the numbers of a text as scores of `custom.own`.

    `0.25 0.5` are two findings; a word `broken` makes it fail.
    """

    def judge(content: Content) -> Detection:
        words = getattr(content, "text", "").split()
        if "broken" in words:
            raise ValueError("broken")
        found = [word for word in words if word.replace(".", "", 1).isdigit()]
        return Detection(tuple(Finding("custom.own", float(word), "own") for word in found))

    def make(rules: str) -> Guard:
        text = f"detectors:\n  own: {{use: own}}\nrules:\n{rules}"
        return guard_of(text, detectors={"own": kind_of(judge, spans=False)})

    return make


TESTED = """format: 1
name: small
detectors:
  words: {use: terms, terms: [forbidden, blorp], category: custom.word}
  ids: {use: patterns, patterns: ['ID-\\d+'], category: custom.id}
  rare: {use: terms, terms: [zzz], category: custom.rare, score: 0.4}
rules:
  - {id: word.block, on: [input, output, tool_call], when: custom.word > 0, then: block, message: {en: "No.", de: "Nein."}}
  - {id: id.redact, on: [input, output, tool_result], when: custom.id > 0, then: redact}
  - {id: id.shadow, on: input, when: custom.id > 0, then: block, mode: shadow}
  - {id: rare.flag, on: output, when: custom.rare >= 0.5, then: flag}
exceptions:
  - {id: own, categories: [custom.id], matches: [ID-0], reason: ours}
"""


@pytest.fixture
def tested(tmp_path: Path) -> Callable[..., Guard]:
    """Return a function: tests as lines of YAML in, the guard of a small policy that has them in a file beside it out."""

    def make(*tests: str) -> Guard:
        (tmp_path / "small.yaml").write_text(TESTED)
        written = "".join(f"  - {test}\n" for test in tests) or "  []\n"
        (tmp_path / "small.test.yaml").write_text(f"tests:\n{written}")
        return suite.load_guard(tmp_path / "small.yaml")

    return make
