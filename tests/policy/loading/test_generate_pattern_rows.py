"""The files of what is known beforehand are up to date."""

from __future__ import annotations

import gzip
import json

import pytest

from guardrails import Guard
from guardrails.detectors.patterns import table
from guardrails.detectors.patterns.precomputed_rows import PREFIXES, ROWS
from guardrails.policy.loading._generate_pattern_rows import make_files
from guardrails.policy.shipped import shipped_names
from tests.cases import each_case


def test_the_files_are_those_of_the_tables() -> None:
    """If not: `python -m guardrails.policy.loading._generate_pattern_rows`."""
    rows, prefixes = make_files()
    assert ROWS.read_text(encoding="ascii") == rows
    # The same text may be compressed otherwise by another release of zlib.
    assert json.loads(gzip.decompress(PREFIXES.read_bytes())) == json.loads(gzip.decompress(prefixes))


@each_case("name", shipped_names())
def test_a_shipped_policy_is_loaded_without_a_pattern_compiled(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A start takes no time for engines that no text has asked for: neither of RE2 nor of `regex`, nor of several as one."""
    compiled: list[object] = []
    monkeypatch.setattr(table, "_compile_re2", compiled.append)
    monkeypatch.setattr(table, "_compile_regex", compiled.append)
    monkeypatch.setattr(table._Side, "_compiled", staticmethod(compiled.append))
    Guard.load(name)
    assert compiled == []
