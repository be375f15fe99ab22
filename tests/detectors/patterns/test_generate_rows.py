"""The files of what is known beforehand are up to date."""

from __future__ import annotations

import gzip
import json

from guardrails.detectors.patterns._generate_rows import make_files
from guardrails.detectors.patterns.precomputed_rows import PREFIXES, ROWS


def test_the_files_are_those_of_the_tables() -> None:
    """If not: `python -m guardrails.detectors.patterns._generate_rows`."""
    rows, prefixes = make_files()
    assert ROWS.read_text(encoding="ascii") == rows
    # The same text may be compressed otherwise by another release of zlib.
    assert json.loads(gzip.decompress(PREFIXES.read_bytes())) == json.loads(gzip.decompress(prefixes))
