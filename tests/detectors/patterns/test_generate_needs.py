"""How the file of what rows need is made."""

from __future__ import annotations

from guardrails.detectors.patterns._generate_needs import make_lines
from guardrails.detectors.patterns.precomputed_needs import FILE


def test_the_file_is_current() -> None:
    """If not: `python -m guardrails.detectors.patterns._generate_needs > FILE`, into another file, and move it."""
    assert [*make_lines()] == FILE.read_text(encoding="ascii").splitlines()
