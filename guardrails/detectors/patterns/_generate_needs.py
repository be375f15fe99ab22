"""Makes `_needs.jsonl`: `python -m guardrails.detectors.patterns._generate_needs > FILE`.

It holds what every row of the built-in tables of `pii` and `secrets` needs. Write to another file and move it.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator

from guardrails.detectors.patterns.precomputed_needs import format_needs
from guardrails.detectors.patterns.table import compile_row
from guardrails.detectors.pii import pii_detector
from guardrails.detectors.secrets import secrets_detector


def make_lines() -> Iterator[str]:
    """Yield the lines of the file."""
    rows = [*pii_detector.CHOICE.rows, *secrets_detector.CHOICE.rows]
    yield from format_needs((row.pattern, compile_row(row).group) for row in rows)


if __name__ == "__main__":
    for line in make_lines():
        sys.stdout.write(f"{line}\n")
