"""The types that the engine's packages share."""

from __future__ import annotations

from dataclasses import FrozenInstanceError

import pytest

from guardrails.engine.model import Change, Outcome, Request
from guardrails.types import Action, Coverage


def test_a_request_has_the_language_that_the_client_names() -> None:
    """Anything but a text is no language."""
    assert Request(client={"language": "fr"}).language == "fr"
    assert Request(client={"language": ["fr"]}).language is None
    assert Request().language is None


def test_what_one_check_knows_is_not_changed_by_another() -> None:
    """Requests are shared by the checks of a call; an outcome is begun anew by each."""
    with pytest.raises(FrozenInstanceError):
        Request().tenant = "acme"  # type: ignore[misc] # that is the mistake
    one, two = (Outcome(Action.ALLOW, (), (), (), Coverage({}, ()), (), True) for _ in range(2))
    one.timings["total"] = 1.0
    assert two.timings == {}
    assert Change(0, 1, "x").spans == ()
