"""The text of a model's answer in, its JSON out: what two parsers could read in two ways is no answer."""

from __future__ import annotations

from typing import Any

from guardrails.engine.fields import decode
from guardrails.errors import BackendError


def broken(why: str) -> BackendError:
    """Return the exception for an answer that cannot be judged."""
    return BackendError(f"the model's answer cannot be judged: {why}", 502, "upstream_invalid")


def parsed(written: str) -> dict[str, Any]:
    """Return the mapping that a JSON text is.

    Raises:
        BackendError: it is none.
    """
    value, sound = decode(written)
    if not sound or not isinstance(value, dict):
        raise broken("it is no JSON object that has each key once")
    return value
