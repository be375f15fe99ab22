"""What an answer says of itself besides its tokens: which model gave it, its id, and why it ended."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from time import time_ns
from typing import Any, Final

from guardrails.proxy.server.counting.tokens import INNER, TokenCount
from guardrails.wire.program_names import is_program_name

MODELS: Final = ("model", "modelVersion")
IDS: Final = ("id", "responseId")
REASONS: Final = ("finish_reason", "finishReason", "stop_reason", "stopReason", "done_reason")
CHOICES: Final = ("choices", "candidates")
MOST_REASONS: Final = 128


class AnswerFacts(TokenCount):
    """What one answer says of itself; of a stream, what its events say.

    Attributes:
        model: the model that gave it; "" where it does not say so, as for `id`.
        id: its id.
        finish_reasons: why each of its choices ended.
        first_at_ns: when the first event of a stream was there, in nanoseconds since 1970; 0 of a whole answer.
    """

    def __init__(self) -> None:
        super().__init__()
        self.model = self.id = ""
        self.finish_reasons: list[str] = []
        self.first_at_ns = 0

    def see(self, told: Mapping[str, Any]) -> None:
        """Take what an answer says, or an event of one."""
        super().see(told)
        self._read(told)
        for name in INNER:
            if isinstance(inner := told.get(name), Mapping):
                self._read(inner)

    def watch(
        self, events: Iterable[tuple[dict[str, Any], str, bytes]]
    ) -> Iterator[tuple[dict[str, Any], str, bytes]]:
        """Yield events as they come, and take what they say."""
        self.first_at_ns = self.first_at_ns or time_ns()
        return super().watch(events)

    def _read(self, told: Mapping[str, Any]) -> None:
        self.model = self.model or _find(told, MODELS)
        self.id = self.id or _find(told, IDS)
        self._take_reason(told)
        if isinstance(delta := told.get("delta"), Mapping):
            self._take_reason(delta)
        for name in CHOICES:
            if isinstance(choices := told.get(name), list):
                for choice in choices:
                    if isinstance(choice, Mapping):
                        self._take_reason(choice)

    def _take_reason(self, told: Mapping[str, Any]) -> None:
        if (reason := _find(told, REASONS)) and len(self.finish_reasons) < MOST_REASONS:
            self.finish_reasons.append(reason)


def _find(told: Mapping[str, Any], names: tuple[str, ...]) -> str:
    """Return the first of these fields that is a name and no text, "" where none is."""
    return next((value for name in names if is_program_name(value := told.get(name))), "")
