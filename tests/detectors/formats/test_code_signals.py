"""The table of signals: patterns that RE2 takes, for languages that exist."""

from __future__ import annotations

import re2

from guardrails.detectors.formats.code_signals import LANGUAGES, PLAIN, SIGNALS
from tests.cases import each_case


@each_case(("languages", "points", "pattern"), SIGNALS)
def test_each_row_is_sound(languages: str, points: float, pattern: str) -> None:
    """The pattern compiles, is no prose, and speaks for known languages with points in 0..3."""
    compiled = re2.compile(pattern)
    for line in (
        "",
        "Please take the bus, if it comes, for me and return home (or do not): thank you.",
        "- one more thing",
    ):
        assert compiled.search(line) is None
    assert {*languages.split()} <= LANGUAGES.keys()
    assert 0 < points <= 3


def test_names_are_of_one_language() -> None:
    """An info string means one language or none."""
    names = [*LANGUAGES, *(other for others in LANGUAGES.values() for other in others), *PLAIN]
    assert len(names) == len({*names})
    assert {language for languages, _, _ in SIGNALS for language in languages.split()} == {*LANGUAGES}
