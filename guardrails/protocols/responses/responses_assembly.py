"""The events of a streamed response (OpenAI's Responses API) in, the whole response out: what was streamed is judged.

The last event holds the whole response. Some servers leave out of it what they have sent as items: these are put together
from the events before it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from guardrails.protocols.responses.event_kinds import LAST
from guardrails.protocols.responses.event_writer import SentResponse
from guardrails.protocols.streaming.assembler import has_half_pair
from guardrails.protocols.streaming.codec import malformed_event


class ResponseAssembler:
    """Puts one response together."""

    def __init__(self) -> None:
        self._whole: dict[str, Any] | None = None
        self._came = SentResponse()

    @property
    def finished(self) -> bool:
        """Whether its last event came."""
        return self._whole is not None

    def take(self, data: Mapping[str, Any]) -> bool:
        """Take an event; returns True at the end of the response.

        Raises:
            BackendError: it is malformed, or of an unknown type.
        """
        kind = data.get("type")
        if not isinstance(kind, str) or not kind.startswith("response."):
            raise malformed_event("event of an unknown type")
        if not kind.endswith(".delta") and has_half_pair(data):
            raise malformed_event("event, which holds half a surrogate pair")
        if kind in LAST:
            self._whole = self._ended(data.get("response"))
        else:
            self._came.add(data)
        return self.finished

    def answer(self) -> dict[str, Any]:
        """Return the response; raises `BackendError` before its end."""
        if self._whole is None:
            raise malformed_event("stream, which ended before its end")
        return self._whole

    def _ended(self, response: Any) -> dict[str, Any]:
        if not isinstance(response, dict) or response.get("object", "response") != "response":
            raise malformed_event("response")
        output = response.get("output") or self._came.output()
        if not isinstance(output, list) or not all(isinstance(item, dict) for item in output):
            raise malformed_event("response")
        return {**response, "output": output}
