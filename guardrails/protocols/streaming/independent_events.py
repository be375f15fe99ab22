"""The events of a stream in, each of which is an answer for itself, such as a picture; what there is to judge of each out, and
which may go on by then.

None goes on before it was judged, and none waits for another, unless there is a text in it: texts that stand in the same place
of several are judged together as well, as a word that is cut over two events is still a word, and wait for the end.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from guardrails.engine.content import payload
from guardrails.engine.content.content_tree import ContentTree
from guardrails.engine.content.payload import Payload
from guardrails.engine.values.walk import find_strings
from guardrails.protocols.streaming.codec import malformed_event
from guardrails.types import Image, Place, Stage, Text
from guardrails.wire.pointers import Path

SAID: Final = Place(Stage.OUTPUT, role="assistant")


class IndependentEvents:
    """One stream. For each event `came`, `read`, the check of what that returns, and `passed`; `rest` at the end.

    Args:
        read: what there is to judge of an event alone.
        last: whether an event may be the last.
    """

    def __init__(
        self, read: Callable[[dict[str, Any]], ContentTree], last: Callable[[Mapping[str, Any]], bool]
    ) -> None:
        self._read, self._last = read, last
        self._said: dict[tuple[Path, bool], tuple[str, str]] = {}
        """Place, and whether it is that of a value → the last text there, and all of them."""
        self._waits = self._ended = False
        self._held: list[bytes] = []

    def read(self, event: dict[str, Any]) -> Payload:
        """Return what there is to judge of an event: its own, and what texts in it go on."""
        tree = self._read(event)
        self._waits = self._waits or any(isinstance(leaf.content, Text) for leaf in tree.leaves)
        pictures = {leaf.path for leaf in tree.leaves if isinstance(leaf.content, Image)}
        for path, text, is_value in find_strings(event):
            last, before = self._said.get((path, is_value), ("", ""))
            if path in pictures or text == last:
                continue
            self._said[path, is_value] = text, before + text
            if before:
                tree.text(before + text, path, SAID, editable=False)
        return payload.body(event, tree)

    def came(self, data: Mapping[str, Any], kind: str) -> None:
        """Take note of an event and its type; raises `BackendError` where that is not what it says itself."""
        if kind not in ("", data.get("type", kind)):
            raise malformed_event("event: it has two types")
        self._ended = self._ended or self._last(data)

    def passed(self, raw: bytes) -> bytes:
        """Take the bytes that the policy lets pass of the event that was read; return those that may go on by now."""
        if self._waits:
            self._held.append(raw)
            return b""
        return raw

    def rest(self) -> bytes:
        """Return what is left at the end; raises `BackendError` where no event was the last."""
        if not self._ended:
            raise malformed_event("stream, which ended before its end")
        return b"".join(self._held)
