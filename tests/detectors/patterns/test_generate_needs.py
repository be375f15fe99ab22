"""How the file of what rows need is made."""

from __future__ import annotations

from guardrails.detectors.patterns._generate_needs import made
from guardrails.detectors.patterns.precomputed_needs import FILE


def test_the_file_is_current() -> None:
    """If not: `python -m guardrails.detectors.patterns._generate_needs > FILE`, into another file, and move it."""
    assert [*made()] == FILE.read_text(encoding="ascii").splitlines()
