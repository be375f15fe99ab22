"""Our side of the lexical job: the whole `guard.check` on the allow path, and the floor under it.

The policy is the shipped default without its model, which is measured in `inference.py`, plus a list of phrases and a table
of patterns, each pattern with a category and a rule of its own. The floor is what no guard built on these engines can avoid:
the same automaton and the same RE2 sets, called bare on the same views of the text. Both see the same texts in the
same order.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import re2

from guardrails import Guard
from guardrails.detectors.patterns.dialect import translate
from guardrails.detectors.patterns.patterns_detector import PatternsDetector
from guardrails.detectors.terms.term_matcher import build_automaton
from guardrails.engine.core.findings_cache import FindingsCache
from guardrails.text import fold_text, normalize_text
from lexical_corpus import Corpus

MODEL_RULES = ("minors.block", "self_harm.block", "harm.block", "harm.conversation.block")
WITHOUT_MODEL = {
    "disable": {"rules": list(MODEL_RULES), "detectors": ["safety", "attacks"]},
    "override": {
        "rules": [
            {"id": "jailbreak.block", "when": "detector.jailbreak_phrases.jailbreak > 0"},
            {"id": "injection.block", "when": "detector.injection_phrases.injection > 0"},
        ]
    },
}
"""What takes the model out of the default policy."""


def policy(corpus: Corpus) -> dict[str, Any]:
    """The policy of the job, as YAML's JSON."""
    patterns = [
        {"pattern": pattern, "category": f"custom.pattern_{index}"}
        for index, pattern in enumerate(corpus.patterns)
    ]
    rules = [
        {"id": f"pattern.{index}", "on": "input", "when": f"custom.pattern_{index} > 0", "then": "block"}
        for index in range(len(patterns))
    ]
    return {
        "format": 1,
        "name": "lexical",
        "extends": ["default"],
        **WITHOUT_MODEL,
        "detectors": {
            "phrases": {"use": "terms", "terms": corpus.phrases, "category": "custom.phrase"},
            "shapes": {"use": "patterns", "patterns": patterns},
        },
        "rules": [
            {"id": "phrase.block", "on": "input", "when": "custom.phrase > 0", "then": "block"},
            *rules,
        ],
    }


def guard(corpus: Corpus) -> Guard:
    """The guard of the job, loaded from a file as any policy is."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "lexical.yaml"
        path.write_text(json.dumps(policy(corpus)))
        made = Guard.load(path)
    # The same texts come round again: findings that are remembered would flatter us.
    made.pipeline.cache = FindingsCache(entries=0)
    return made


def checks(guard: Guard) -> Callable[[str], None]:
    """Return the whole check as a function that insists on the allow path."""

    def run(text: str) -> None:
        if guard.check(text).action:
            raise AssertionError("a clean text was not allowed")

    return run


def floor(guard: Guard, corpus: Corpus) -> Callable[[str], None]:
    """Return the bare engines over the same views: one RE2 set for each detector of patterns, one automaton for phrases."""
    tables = [_set(rows) for rows in _patterns(guard)]
    forms = [" ".join(fold_text(phrase).text.split()) for phrase in corpus.phrases]
    phrases = build_automaton(forms)

    def run(text: str) -> None:
        views = [text]
        if not text.isascii() and (other := normalize_text(text).text) is not text:
            views.append(other)
        for view in views:
            exact = view.isascii()
            for narrow, wide in tables:
                (narrow if exact else wide).Match(view)
        hay = fold_text(text).text.replace("\n", " ").replace("\t", " ").replace("\r", " ")
        phrases.find_matches_as_indexes(hay, overlapping=True)

    return run


def _patterns(guard: Guard) -> list[list[str]]:
    """Return the patterns that an input meets, by detector."""
    plan = guard.policy.plan(("input",))  # type: ignore[arg-type] # a Stage is a str
    detectors = [bound.detector for tier in plan.tiers for bound in tier]
    # The rows as compiled stay private to the table: nothing but this floor wants them.
    return [
        [entry.row.pattern for entry in it.table._filtered]
        for it in detectors
        if isinstance(it, PatternsDetector)
    ]


def _set(patterns: list[str]) -> tuple[Any, Any]:
    options = re2.Options()
    options.log_errors = False
    options.max_mem = 256 << 20
    narrow, wide = re2.Set.SearchSet(options), re2.Set.SearchSet(options)
    for pattern in patterns:
        forms = translate(pattern)
        assert forms is not None
        narrow.Add(forms.exact)
        wide.Add(forms.superset)
    narrow.Compile()
    wide.Compile()
    return narrow, wide
