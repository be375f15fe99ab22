"""The files of what is known beforehand are up to date."""

from __future__ import annotations

import gzip
import json

import pytest

from guardrails import Guard
from guardrails.detectors.patterns import table
from guardrails.detectors.patterns.precomputed_rows import PREFIXES, ROWS, _digest
from guardrails.policy.loading._generate_pattern_rows import list_rows, make_files
from guardrails.policy.shipped import shipped_names
from tests.cases import each_case


@pytest.mark.parametrize("step", [5])
def test_the_files_are_those_of_the_tables(step: int) -> None:
    """If not: `python -m guardrails.policy.loading._generate_pattern_rows`. One row of so many is worked out, each is there."""
    listed = [*dict.fromkeys(list_rows())]
    known = {json.loads(line)[0]: line for line in ROWS.read_text(encoding="ascii").splitlines()}
    # The same text may be compressed otherwise by another release of zlib.
    known_prefixes = json.loads(gzip.decompress(PREFIXES.read_bytes()))
    assert {*known_prefixes} == {_digest(row.key) for row in listed}
    assert {*known} <= {*known_prefixes}
    assert [*known] == sorted(known)

    rows, prefixes = make_files(listed[::step])
    made, made_prefixes = rows.splitlines(), json.loads(gzip.decompress(prefixes))
    assert made == [known[digest] for digest in sorted(known.keys() & made_prefixes.keys())]
    assert made_prefixes == {digest: known_prefixes[digest] for digest in made_prefixes}


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
