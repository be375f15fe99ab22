"""Whole answers of JSON, read and written."""

from __future__ import annotations

import pytest

from guardrails import BackendError
from guardrails.wrapping.sdk.body_formats import JSON, JSON_FORMAT


def test_json_is_read_and_written_as_it_came() -> None:
    """Numbers too."""
    assert JSON_FORMAT.fits(JSON)
    assert not JSON_FORMAT.fits("text/plain")
    answer = JSON_FORMAT.read(b'{"n": 1.50}', JSON, {})
    assert JSON_FORMAT.write(answer) == b'{"n":1.50}'


@pytest.mark.parametrize("raw", [b"\xff", b"[]", b"x", b'{"a":1,"A":2}'])
def test_what_is_no_object_is_the_models_fault(raw: bytes) -> None:
    """Also one that could be read in two ways."""
    with pytest.raises(BackendError, match="cannot be judged"):
        JSON_FORMAT.read(raw, JSON, {})
