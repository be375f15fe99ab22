"""The tests of presidio's pattern recognizers as vectors: a text, how many there are, and where, for every country.

A recognizer reports a bare number with a low score and leaves it to words of context; our rows for such numbers look for
the words themselves. So each text is judged as it stands and, for kinds with context, after a word of it; it agrees when
either finds what is expected, or when both find nothing where nothing is expected.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from guardrails.detectors import PolicyFolder
from guardrails.detectors.pii import pii_detector
from guardrails.detectors.pii.entities import TABLE
from guardrails.detectors.pii.names import NATIONAL, presidio_entities
from guardrails.detectors.urls import urls_detector
from guardrails.types import Text
from vectors_ast import Case, Outcome, cases, constants, module

TESTS = Path("presidio-analyzer", "tests")
TEXTS = ("text", "iban")
MODELS = frozenset({"PERSON", "DATE_TIME", "NRP", "LOCATION"})

WIDER = frozenset(
    {"passport", "postal_code", "driving_licence", "phone", "vehicle_registration", "eu_vat_id"}
)
"""Kinds of ours that theirs are parts of."""

NAMES = presidio_entities(NATIONAL) | {
    # Which their recognizers find, but their registry does not list.
    "PH_MOBILE_NUMBER": "phone",
    "TR_PHONE_NUMBER": "phone",
}


def ours(entity: str) -> str | None:
    """Return our name for an entity of theirs, or None where our table has no such kind."""
    name = NAMES.get(entity)
    return name if name in pii_detector.ENTITIES else None


def context(name: str) -> str:
    """Return a word of context for a kind, with what separates it from the number; empty for kinds without."""
    words = [row.context[0] for row in TABLE if row.category == f"pii.{name}" and row.context]
    return f"{words[0]}: " if words else ""


def entity_of(tree: ast.Module) -> str | None:
    """Return what a test file's fixture `entities` names."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and node.name == "entities":
            found = [each.value for each in ast.walk(node) if isinstance(each, ast.Constant)]
            names = [each for each in found if isinstance(each, str) and each.isupper()]
            return names[0] if names else None
    return None


def spans_expected(values: dict[str, Any]) -> list[tuple[int, int]]:
    """Return the places that a case expects, where it names any."""
    places = next((v for k, v in values.items() if "position" in k or k == "expected_res"), ())
    flat = places if isinstance(places, list | tuple) else ()
    if len(flat) == 2 and all(isinstance(each, int) for each in flat):
        return [(flat[0], flat[1])]
    return [(each[0], each[1]) for each in flat if isinstance(each, list | tuple) and len(each) == 2]


class Finder:
    """Our detector for one of their entities."""

    def __init__(self, entity: str) -> None:
        if entity == "URL":
            self._detector: Any = urls_detector.KIND.build(
                "v", urls_detector.UrlsConfig(use="urls"), PolicyFolder(Path())
            )
            self.before = ""
        else:
            name = ours(entity)
            assert name is not None
            self._detector = pii_detector.KIND.build(
                "v", pii_detector.PiiConfig(use="pii", entities=[name]), PolicyFolder(Path())
            )
            self.before = context(name)

    def spans(self, text: str, before: str) -> list[tuple[int, int]]:
        """Return what is found in a text that follows some words."""
        findings = self._detector.detect([Text(before + text)])[0].findings
        return [(each.span[0] - len(before), each.span[1] - len(before)) for each in findings]

    def agrees(self, text: str, count: int, places: list[tuple[int, int]]) -> bool:
        """Say whether we find something at each place that is expected, and nothing where nothing is."""
        tries = [self.spans(text, before) for before in dict.fromkeys(("", self.before))]
        if not count:
            return not any(tries)
        return any(
            found and all(any(a < end and start < b for a, b in found) for start, end in places)
            for found in tries
        )


def outcomes(root: Path) -> Iterator[Outcome]:
    """Yield what comes of every case that gives a text and how many findings are expected."""
    for path in sorted((root / TESTS).glob("test_*_recognizer.py")):
        tree = module(path)
        entity = entity_of(tree)
        short = path.stem.removeprefix("test_").removesuffix("_recognizer")
        entity = "PHONE_NUMBER" if short == "phone" else entity
        if entity is None:
            continue
        usable = entity not in MODELS and (entity == "URL" or ours(entity) is not None)
        finder = Finder(entity) if usable else None
        for case in cases(tree, short, constants(tree, {})):
            if isinstance(case, str):
                yield Outcome(short, case, 0, "untranslated", "parameters that are computed")
            elif "expected_len" in case.values and any(name in case.values for name in TEXTS):
                yield judged(case, entity, finder)


def judged(case: Case, entity: str, finder: Finder | None) -> Outcome:
    """Return what comes of one case."""
    if finder is None:
        verdict = "untranslated" if entity in MODELS else "no kind"
        return Outcome(
            case.file, case.name, case.number, verdict, "needs a model" if entity in MODELS else entity
        )
    text = next(case.values[name] for name in TEXTS if name in case.values)
    count = int(case.values["expected_len"])
    if finder.agrees(text, count, spans_expected(case.values)):
        return Outcome(case.file, case.name, case.number, "agree")
    if not count and ours(entity) in WIDER:
        reason = "our kind is of every country: what is no number of one may be another's"
        return Outcome(case.file, case.name, case.number, "deliberate", reason)
    if entity == "URL" and text.startswith("http"):
        return Outcome(
            case.file, case.name, case.number, "deliberate", "what has a scheme is a link, whatever its host"
        )
    return Outcome(
        case.file, case.name, case.number, "differ", f"{entity}: {count} expected in {text[:120]!r}"
    )
