"""Errors of media: a code for programs, a sentence for people."""

from __future__ import annotations

import pickle

from guardrails.errors import GuardrailsError
from guardrails.media.errors import CODES, MediaError


def test_an_error_has_a_code_and_is_one_of_the_house() -> None:
    """It survives the way between processes."""
    error = MediaError("truncated", "the png file ends before its picture does")
    assert isinstance(error, GuardrailsError)
    again = pickle.loads(pickle.dumps(error))
    assert (again.code, str(again)) == ("truncated", str(error))
    assert len({*CODES}) == len(CODES)
