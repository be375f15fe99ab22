"""Counts the tokens that an upstream says an answer took, in whatever API it says so."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

NAMES: Final[Mapping[str, int]] = {
    "prompt_tokens": 0,
    "input_tokens": 0,
    "promptTokenCount": 0,
    "prompt_eval_count": 0,
    "completion_tokens": 1,
    "output_tokens": 1,
    "candidatesTokenCount": 1,
    "eval_count": 1,
}
"""The names of a count → whether it is of the answer."""

USAGES: Final = ("usage", "usageMetadata")
INNER: Final = ("message", "response")
"""What an event may hold that has the counts in it: Anthropic's first, the last of OpenAI's responses."""


class TokenCount:
    """The tokens of one answer: of a stream, in which counts grow, the most that was told.

    Attributes:
        counts: those of the request, and those of the answer.
    """

    def __init__(self) -> None:
        self.counts = [0, 0]

    def see(self, told: Mapping[str, Any]) -> None:
        """Take what an answer says, or an event of one; what is no count is left out."""
        for name in USAGES:
            if name in told:
                self._take(told[name])
        for name in INNER:
            if name in told and isinstance(inner := told[name], Mapping) and "usage" in inner:
                self._take(inner["usage"])
        if "eval_count" in told or "prompt_eval_count" in told:
            self._take(told)

    def watch(
        self, events: Iterable[tuple[dict[str, Any], str, bytes]]
    ) -> Iterator[tuple[dict[str, Any], str, bytes]]:
        """Yield events as they come, and take what they say."""
        for event in events:
            self.see(event[0])
            yield event

    def _take(self, usage: object) -> None:
        if not isinstance(usage, Mapping):
            return
        for name, at in NAMES.items():
            count = usage.get(name)
            if isinstance(count, int) and not isinstance(count, bool) and 0 <= count < 1 << 40:
                self.counts[at] = max(self.counts[at], count)
