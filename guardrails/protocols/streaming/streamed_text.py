"""A text of an answer that grows, on its way to whoever reads it: pieces in, what may go on out, users' own values put back."""

from __future__ import annotations

from typing import Any

from guardrails.engine.redaction.restore_stream import RestoreStream
from guardrails.engine.streaming.text_channels import StreamedPart
from guardrails.wire.pointers import Path


class StreamedText:
    """One growing text.

    Attributes:
        path: where it stands in the whole answer.
        part: what of it is settled.
        length: of all that came.
        final: what the check of the whole answer leaves of it, once that is known.
        closes: whether an event came that ends it.
        last: the last event that it grew by: its type, what a codec read, and where the piece stands.
    """

    def __init__(self, path: Path, part: StreamedPart, restoring: RestoreStream | None) -> None:
        self.path, self.part = path, part
        self._restoring = restoring
        self._half = ""
        self._came: list[str] = []
        self._made: list[str] = []
        self.final = ""
        self.length = 0
        self.closes = False
        self.last: tuple[str, Any, Path] | None = None

    def whole(self, piece: str) -> str:
        """Take a piece; return it without half of a surrogate pair at its end, and with one that came before."""
        piece = self._half + piece
        self._half = piece[-1:] if "\ud800" <= piece[-1:] <= "\udbff" else ""
        piece = piece.removesuffix(self._half) if self._half else piece
        if not piece.isascii() and any("\ud800" <= char <= "\udfff" for char in piece):
            piece = piece.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
        self._came.append(piece)
        self.length += len(piece)
        return piece

    @property
    def came(self) -> str:
        """All of it, as it came."""
        return "".join(self._came)

    @property
    def made(self) -> str:
        """What went on of it, values put back."""
        return "".join(self._made)

    @property
    def told(self) -> str:
        """What went on of it, as the policy left it."""
        return self.part.text

    @property
    def changed(self) -> bool:
        """Whether something else went on than came."""
        return self.part.changed or (self._restoring is not None and self.made != self.told)

    @property
    def holds(self) -> bool:
        """Whether something that may go on is kept back, because a value may stand in it."""
        return self._restoring is not None and bool(self._restoring.held)

    def goes_on(self, other: StreamedText) -> bool:
        """Tell whether people read it as one text with another one before it."""
        return self is not other and self._restoring is not None and self._restoring is other._restoring

    def take(self, end: int | None = None) -> str:
        """Return what may go on in addition, of what came up to `end`."""
        return self._put(self.part.take(end))

    def close(self, *, sure: bool) -> str:
        """Return what was kept back; with `sure` no other text goes on there, so that values may stand in it."""
        if self._restoring is None:
            return ""
        out = self._restoring.feed("", last=True) if sure else self._restoring.release()
        self._made.append(out)
        return out

    def rest(self) -> str | None:
        """Return what is left to tell of what finally is left of it, the values put back; None if something else was told."""
        told = self.told
        return (
            self._put(self.final[len(told) :]) + self.close(sure=True)
            if self.final.startswith(told)
            else None
        )

    def _put(self, text: str) -> str:
        out = text if self._restoring is None else self._restoring.feed(text)
        self._made.append(out)
        return out
