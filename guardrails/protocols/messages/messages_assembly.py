"""The events of a streamed message (Anthropic's API) in, the whole message out: what was streamed is judged.

The order is fixed (a start, blocks one after the other, each with its deltas and its end, the message's delta, the end),
so what comes in another order, or is of a type that no table has, is the upstream's fault and ends the stream.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from guardrails.protocols.messages.messages_stream import DELTAS, FIELDS
from guardrails.protocols.streaming.assembler import has_half_pair, join_surrogates
from guardrails.protocols.streaming.codec import malformed_event


class MessageAssembler:
    """Puts one message together; `finished` says whether it is whole."""

    def __init__(self) -> None:
        self._message: dict[str, Any] | None = None
        self._blocks: list[dict[str, Any]] = []
        self._texts: dict[str, list[str]] | None = None
        """What the open block grows by, by field; None between blocks."""
        self._ended = self.finished = False

    def take(self, data: Mapping[str, Any]) -> bool:
        """Take an event; returns True at the end of the message.

        Raises:
            BackendError: it is malformed, unknown, or out of order.
        """
        kind = data.get("type")
        if not isinstance(kind, str) or kind not in FIELDS:
            raise malformed_event("event of an unknown type")
        # Only a delta may hold half of a character.
        if kind != "content_block_delta" and has_half_pair(data):
            raise malformed_event(kind)
        getattr(self, f"_{kind}")(data)
        return self.finished

    def answer(self) -> dict[str, Any]:
        """Return the message; raises `BackendError` before its end."""
        if self._message is None or not self.finished:
            raise malformed_event("stream, which ended before its end")
        return {**self._message, "content": self._blocks}

    def _ping(self, data: Mapping[str, Any]) -> None:
        """A sign of life."""

    def _message_start(self, data: Mapping[str, Any]) -> None:
        message = data.get("message")
        if self._message is not None or not isinstance(message, dict):
            raise malformed_event("message_start")
        if message.get("type") != "message" or message.get("content") != []:
            raise malformed_event("message_start")
        if not isinstance(message.get("usage"), dict | None):
            raise malformed_event("message_start")
        self._message = message

    def _content_block_start(self, data: Mapping[str, Any]) -> None:
        block = data.get("content_block")
        if self._message is None or self._ended or self._texts is not None or not isinstance(block, dict):
            raise malformed_event("content_block_start")
        if not _is(data.get("index"), len(self._blocks)) or not isinstance(block.get("type"), str):
            raise malformed_event("content_block_start")
        self._blocks.append(dict(block))
        self._texts = {}

    def _content_block_delta(self, data: Mapping[str, Any]) -> None:
        delta, here = data.get("delta"), _is(data.get("index"), len(self._blocks) - 1)
        if self._texts is None or not here or not isinstance(delta, dict):
            raise malformed_event("content_block_delta")
        block, kind = self._blocks[-1], delta.get("type")
        if kind == "citations_delta" and block["type"] == "text":
            self._cited(block, delta)
            return
        row = DELTAS.get(kind) if isinstance(kind, str) else None
        if row is None or block["type"] not in row[2] or not isinstance(delta.get(row[0]), str):
            raise malformed_event("content_block_delta")
        if "signature" in self._texts or (block["type"] == "thinking" and block.get("signature")):
            raise malformed_event("content_block_delta")  # a thought ends with its signature
        self._texts.setdefault(row[1], []).append(delta[row[0]])

    @staticmethod
    def _cited(block: dict[str, Any], delta: Mapping[str, Any]) -> None:
        cited, known = delta.get("citation"), block.get("citations")
        if has_half_pair(cited) or not isinstance(cited, dict) or not isinstance(known, list | None):
            raise malformed_event("content_block_delta")
        block["citations"] = [*(known or ()), cited]

    def _content_block_stop(self, data: Mapping[str, Any]) -> None:
        if self._texts is None or not _is(data.get("index"), len(self._blocks) - 1):
            raise malformed_event("content_block_stop")
        block = self._blocks[-1]
        for name, texts in self._texts.items():
            begun = block.get(name)
            if name == "input":
                if begun:
                    raise malformed_event("content_block_start")
                begun = ""
            if not isinstance(begun, str | None):
                raise malformed_event("content_block_start")
            text = join_surrogates("".join((begun or "", *texts)))
            block[name] = text if text or name != "input" else {}
        self._texts = None

    def _message_delta(self, data: Mapping[str, Any]) -> None:
        delta, usage = data.get("delta"), data.get("usage")
        if self._message is None or self._texts is not None or not isinstance(delta, dict):
            raise malformed_event("message_delta")
        if not isinstance(usage, dict | None):
            raise malformed_event("message_delta")
        self._ended = True
        known = self._message.get("usage") or {}
        counts = {
            name: value for name, value in (usage or {}).items() if value is not None or name not in known
        }
        more = {"context_management": data["context_management"]} if "context_management" in data else {}
        self._message = {**self._message, **delta, **more, "usage": {**known, **counts}}

    def _message_stop(self, data: Mapping[str, Any]) -> None:
        if not self._ended or self._texts is not None:
            raise malformed_event("message_stop")
        self.finished = True


def _is(value: Any, index: int) -> bool:
    return type(value) is int and value == index
