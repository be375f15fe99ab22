"""Payloads: a decoded text with its place."""

from __future__ import annotations

from guardrails.detectors.encodings import payloads


def test_a_payload_of_a_view_moves_to_the_raw_text() -> None:
    """Places in a view become those of the text that it is a view of."""
    found = payloads.Payload("ab", 1, 3, [1, 2, 3])
    assert found.shift(lambda start, end: (start * 10, end * 10)) == payloads.Payload(
        "ab", 10, 30, [10, 20, 30]
    )
    assert payloads.Payload("ab", 1, 3).shift(lambda start, end: (start + 1, end + 1)).starts is None
