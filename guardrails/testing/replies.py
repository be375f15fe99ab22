"""What a scripted upstream is told to answer."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from guardrails.types import ToolCall


@dataclass(frozen=True, slots=True)
class Reply:
    """What a model says, in whatever API it is asked.

    Attributes:
        text: the text; several are the pieces that a stream brings it in.
        tool_calls: the tools that it calls.
        cut: how many characters of the text each piece of a stream has; 0: all of it, or as `text` is given. What a call is given
            comes in one piece.
    """

    text: str | Sequence[str] = ""
    tool_calls: Sequence[ToolCall] = ()
    cut: int = 0

    @property
    def whole_text(self) -> str:
        """The text without its cuts."""
        return self.text if isinstance(self.text, str) else "".join(self.text)

    def pieces(self, text: str) -> list[str]:
        """Return the pieces that a stream brings a text of the reply in."""
        if self.cut > 0:
            return [text[start : start + self.cut] for start in range(0, len(text), self.cut)]
        given = not isinstance(self.text, str) and text == self.whole_text
        return [*self.text] if given else [text]


@dataclass(frozen=True, slots=True)
class ErrorReply:
    """An error, as the API that is asked writes it."""

    status: int = 500
    message: str = "The upstream failed."
    code: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class RawReply:
    """Bytes of an answer.

    Attributes:
        pieces: the bytes; several are chunks, each sent by itself. An event among them is waited for.
        status: of HTTP.
        content_type: the header.
        headers: more of them.
        cut: the connection is closed instead of the body ended.
        hang: nothing more is written, and the connection stays open until the client goes.
        garbage: is written instead of an answer of HTTP.
        gate: is waited for before the first byte.
    """

    pieces: Sequence[bytes | threading.Event] = (b"{}",)
    status: int = 200
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)
    cut: bool = False
    hang: bool = False
    garbage: bytes | None = None
    gate: threading.Event | None = None
