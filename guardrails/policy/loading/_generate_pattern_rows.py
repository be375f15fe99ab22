"""Makes the files of `detectors/patterns/precomputed_rows.py`: `python -m guardrails.policy.loading._generate_pattern_rows`.

They hold what every row becomes of the built-in tables of `pii` and `secrets`, and of the patterns in shipped policies.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from guardrails.detectors.patterns.dialect import translate
from guardrails.detectors.patterns.literals import find_needs
from guardrails.detectors.patterns.patterns_detector import PatternsConfig, list_pattern_rows
from guardrails.detectors.patterns.precomputed_rows import (
    PREFIXES,
    ROWS,
    PrecomputedRow,
    format_prefixes,
    format_rows,
)
from guardrails.detectors.patterns.streaming.open_prefixes import find_open_prefixes
from guardrails.detectors.patterns.table import CompiledRow, PatternRow, compile_unknown_row
from guardrails.detectors.pii import pii_detector
from guardrails.detectors.secrets import secrets_detector
from guardrails.policy.loading.load import load
from guardrails.policy.shipped import shipped_names


def list_rows() -> Iterator[PatternRow]:
    """Yield every row of the built-in tables, then those of the shipped policies."""
    for choice in (pii_detector.CHOICE, secrets_detector.CHOICE):
        yield from choice.rows
        yield from choice.reported
    for policy in map(load, shipped_names()):
        for name, detector in policy.detectors.items():
            if isinstance(detector.config, PatternsConfig):
                yield from (row for _, row in list_pattern_rows(name, detector.config))


def describe_row(entry: CompiledRow) -> PrecomputedRow | None:
    """Return what loading makes of a row; None for one that RE2 cannot run, which is compiled at load as ever."""
    pattern, forms = entry.row.pattern, translate(entry.row.pattern)
    if forms is None or entry.wide is None:
        return None
    needs = (find_needs(pattern, entry.group, wide=wide) for wide in (False, True))
    return PrecomputedRow(entry.group, forms, *needs)


def make_files(listed: Sequence[PatternRow]) -> tuple[str, bytes]:
    """Return the file of these rows and that of their open prefixes."""
    entries = [compile_unknown_row(row) for row in listed]
    rows = ((entry.row.key, found) for entry in entries if (found := describe_row(entry)) is not None)
    prefixes = ((row.key, find_open_prefixes(row.pattern)) for row in listed)
    return "".join(f"{line}\n" for line in format_rows(rows)), format_prefixes(prefixes)


if __name__ == "__main__":
    made = make_files([*list_rows()])
    ROWS.write_text(made[0], encoding="ascii")
    PREFIXES.write_bytes(made[1])
