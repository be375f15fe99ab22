"""The verdicts of one call of a wrapped client, on the object that the call returned: `response.guardrails`."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from guardrails.types import Verdict


@dataclass(slots=True)
class CallVerdicts:
    """What the policy said of one call.

    Attributes:
        input: of the request; None where there was nothing in it to judge.
        output: of the answer; None where the request was stopped, or as long as a stream goes on.
    """

    input: Verdict | None = None
    output: Verdict | None = None


def attach_verdicts(response: Any, verdicts: CallVerdicts) -> None:
    """Let an object that a client returns have the verdicts of its call, where it takes attributes, which a text does not. In a
    model of pydantic it is no field, so that it is not dumped, compared or shown.
    """
    with suppress(AttributeError, TypeError):
        object.__setattr__(response, "guardrails", verdicts)
