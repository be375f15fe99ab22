"""What is known of rows beforehand, and what is compiled then: the same as without, and later."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
import regex

from guardrails.detectors.patterns import table
from guardrails.detectors.patterns.patterns_detector import MergedPatterns, PatternsDetector
from guardrails.detectors.patterns.precomputed_rows import (
    RowKey,
    format_prefixes,
    format_rows,
    look_up_prefixes,
    look_up_row,
)
from guardrails.detectors.patterns.streaming.open_prefixes import find_open_prefixes
from guardrails.detectors.patterns.table import CompiledRow, PatternRow, PatternTable, compile_unknown_row
from guardrails.detectors.pii import pii_detector
from guardrails.detectors.secrets import secrets_detector
from guardrails.policy.loading._generate_pattern_rows import describe_row, list_rows
from tests.cases import each_case

TABLES = {
    "pii": pii_detector.CHOICE.rows,
    "pii, specimens": pii_detector.CHOICE.reported,
    "secrets": secrets_detector.CHOICE.rows,
}


@pytest.fixture
def compiled(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is compiled by any engine from here on."""
    found: list[str] = []
    of_re2, of_set, of_regex = table._compile_re2, table._Side._compiled, regex.compile

    def note_set(forms: list[str]) -> object:
        found.append("set")
        return of_set(forms)

    monkeypatch.setattr(table, "_compile_re2", lambda text: [found.append("re2"), of_re2(text)][1])
    monkeypatch.setattr(table._Side, "_compiled", staticmethod(note_set))
    monkeypatch.setattr(regex, "compile", lambda text: [found.append("regex"), of_regex(text)][1])
    return found


@each_case("name", [*TABLES])
def test_the_built_in_tables_are_compiled_as_texts_ask_for_them(name: str, compiled: list[str]) -> None:
    """Nothing at load, though each row is there; a text without any of them builds one filter and no engine."""
    compiled.clear()
    made = PatternTable(TABLES[name])
    assert len(made) == len(TABLES[name])
    assert made.linear
    assert made.search("nothing to see here") == []
    assert compiled == []
    assert made.search("write to jo@example.com, AKIAIOSFODNN7EXAMPLQ") != []
    assert 0 < len(compiled) < 12


def test_the_built_in_tables_fit_together() -> None:
    """All rows as one set, which no load checks any more: RE2 has room for them, for texts of either kind."""
    rows = [*dict.fromkeys(list_rows())]
    PatternTable(rows).build()


def test_a_row_that_is_not_known_is_compiled_at_load(compiled: list[str]) -> None:
    """A policy's own patterns are tried as they are loaded: what is wrong with them is an error of the policy."""
    PatternTable([PatternRow(r"\bmine-\d{4}\b", "custom.x")])
    assert {*compiled} == {"re2", "regex", "set"}
    known = pii_detector.CHOICE.rows[0]
    assert table.compile_row(known).known
    assert not table.compile_row(replace(known, pattern=known.pattern + "x")).known


@each_case("name", [*TABLES])
def test_what_is_known_is_what_would_be_worked_out(name: str) -> None:
    """For every row: group, forms, needs and engines; no row of these is left to `regex` alone."""
    for row in TABLES[name]:
        worked_out, known = compile_unknown_row(row), table.compile_row(row)
        assert look_up_row(row.key) == describe_row(worked_out)
        assert look_up_prefixes(row.key) == find_open_prefixes(row.pattern)
        assert known.known
        assert _facts(known) == _facts(worked_out)


def _facts(entry: CompiledRow) -> list[object]:
    assert entry.ascii is not None
    assert entry.wide is not None
    forms = [
        (form.pattern, form.spans, form.engine.pattern, form.needs) for form in (entry.ascii, entry.wide)
    ]
    return [entry.group, entry.slow.pattern, forms]


def test_streams_of_several_tables_compile_few_engines(compiled: list[str]) -> None:
    """A stream of the first words builds what every text needs, and no engine of a row."""
    detectors = [
        PatternsDetector(name, PatternTable(TABLES[name]), view="codes") for name in ("pii", "secrets")
    ]
    stream = MergedPatterns.get(detectors).stream(None)
    stream.feed("It was a bright day in April, and the two of them ")
    assert compiled == []


@each_case("pattern", [r"\bmy own-\d{4}\b", r"(?a)x", "", "(?i)straße"])
def test_of_other_rows_nothing_is_known(pattern: str) -> None:
    """Whatever a policy has of its own."""
    assert look_up_row(RowKey(pattern, 0)) is None
    assert look_up_prefixes(RowKey(pattern, 0)) is None


def test_a_row_has_one_line_whatever_the_order() -> None:
    """Twins count once, groups apart."""
    rows = [PatternRow(r"(?a)abc\d", "custom.x"), PatternRow(r"(abc)\d", "custom.x", group=1)]
    known = [(row.key, found) for row in rows if (found := describe_row(compile_unknown_row(row)))]
    made = [*format_rows([*known, known[0]])]
    assert made == [*format_rows(known[::-1])]
    assert len({json.loads(line)[0] for line in made}) == len(made) == 2
    prefixes = [(row.key, find_open_prefixes(row.pattern)) for row in rows]
    assert format_prefixes(prefixes) == format_prefixes(prefixes[::-1])
