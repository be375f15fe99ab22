"""The text of a model's answer in, its JSON out: what two parsers could read in two ways is no answer."""

from __future__ import annotations

from typing import Any

from guardrails.errors import BackendError, RequestError
from guardrails.wire import strict_json


def broken(why: str) -> BackendError:
    """Return the exception for an answer that cannot be judged."""
    return BackendError(f"the model's answer cannot be judged: {why}", 502, "upstream_invalid")


def parsed(written: str, *, halves: bool = False) -> dict[str, Any]:
    """Return the mapping that a JSON text is. `halves` lets half surrogate pairs pass, as the pieces of a stream may have.

    Raises:
        BackendError: it is none, or one that could be read in two ways.
    """
    try:
        return strict_json.parse_object(written, halves=halves)
    except RequestError as error:
        raise broken(f"it is no JSON object that has each key once ({error.code})") from None
