"""Makes `_needs.jsonl`: `python -m guardrails.detectors._generate_needs > FILE`.

It holds what every row of the built-in tables of `pii` and `secrets` needs. Write to another file and move it.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator

from guardrails.detectors import pii, secrets
from guardrails.detectors.known_needs import lines
from guardrails.detectors.table import compile_row


def made() -> Iterator[str]:
    """Yield the lines of the file."""
    rows = [*pii.CHOICE.rows, *secrets.CHOICE.rows]
    yield from lines((row.pattern, compile_row(row).group) for row in rows)


if __name__ == "__main__":
    for line in made():
        sys.stdout.write(f"{line}\n")
