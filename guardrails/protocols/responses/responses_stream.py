"""A streamed response (OpenAI's Responses API), for a relay: told as its events come, and cut short where it is stopped.

What the table of events does not know is not told: nobody here could judge it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from guardrails.engine.values.writer import replace_values, value_at
from guardrails.protocols.reply_values import drop_spelling
from guardrails.protocols.responses.event_kinds import KINDS, EventKind, Slot, find_texts, slot_of
from guardrails.protocols.responses.event_reader import EventReader
from guardrails.protocols.responses.event_writer import SentResponse, build_refusal, write_missing
from guardrails.protocols.streaming.codec import Event

FAILURE: Final = "error"
"""The type of an event that says that something failed; only the proxy's own are told."""


class ResponsesCodec(EventReader):
    """One response."""

    def __init__(self) -> None:
        super().__init__()
        self._told = SentResponse()
        self._number = -1
        self._unnoted: set[Slot] = set()
        """Parts a note on which was left out."""

    def record_sent(self, event: Event) -> Event | None:
        """Take note of an event that is sent. Its number is greater than the last one's; clients go by its name."""
        data, kind = event.data, KINDS.get(event.data["type"])
        if kind is None:
            return self._numbered(event, data) if data["type"] == FAILURE else None
        if kind.what == "note":
            noted = self._noted(kind, data)
            if noted is None:
                return None
            data = noted
        for path, slot in find_texts(kind, data):
            grown, part = self.texts.get(slot), value_at(data, path[:-1])
            if grown is not None and grown.changed and (new := drop_spelling(part)) is not part:
                data = replace_values(data, {(path[:-1], None): new})
        self._told.add(data)
        return self._numbered(event, data)

    def _numbered(self, event: Event, data: dict[str, Any]) -> Event:
        """Return an event that says this, with a number behind the last one's."""
        number = data.get("sequence_number")
        if type(number) is not int or number <= self._number:
            number = self._number + 1
            data = {**data, "sequence_number": number}
        self._number = number
        as_it_came = data is event.data and event.kind == data["type"]
        return Event(data["type"], data, event.raw if as_it_came else b"")

    @property
    def head(self) -> Mapping[str, Any]:
        """What was told of the response itself, empty where nothing was."""
        return self._told.head or {}

    def _noted(self, kind: EventKind, data: dict[str, Any]) -> dict[str, Any] | None:
        """Return a note as it is to be sent, None where it points into a text that was changed."""
        slot, note = slot_of(kind, data), data.get("annotation")
        grown = self.texts.get(slot)
        if grown is not None and grown.changed and isinstance(note, Mapping) and "start_index" in note:
            self._unnoted.add(slot)
            return None
        return {**data, "annotation_index": self._told.notes(slot)} if slot in self._unnoted else data

    def write_rest(self, answer: Mapping[str, Any]) -> list[Event] | None:
        """Return the events that are missing of a response; None where something else was told."""
        kinds = [item.get("type") for item in answer["output"]]
        if any(kinds[index : index + 1] != [self.type(index)] for index in self._told.items):
            return None
        found = {slot: path for path, slot in find_texts(KINDS["response.completed"], {"response": answer})}
        for slot, grown in self.texts.items():
            if slot not in found or (slot not in self.whole and grown.rest() is None):
                return None
            *holder, name = grown.path
            part = value_at(answer, tuple(holder))
            text = part[name] if slot in self.whole else grown.made
            if text != part[name]:
                answer = replace_values(
                    answer, {(tuple(holder), None): drop_spelling({**part, str(name): text})}
                )
            before = self._told.text(slot)
            if not text.startswith(before) or (text != before and slot in self._told.closed):
                return None
        return [*write_missing(answer, self._told)]

    def write_refusal(self, answer: Mapping[str, Any] | None, words: str) -> list[Event]:
        """Return the events that end a response with a refusal, behind what was told of it."""
        known = {"id": self.head["id"]} if "id" in self.head else {}
        base = {**self.head, "usage": None} if answer is None else {**answer, **known}
        output = self._told.output()
        if output and output[-1].get("type") == "message" and len(output) - 1 not in self._told.ended:
            content = [*(output[-1].get("content") or ()), *build_refusal(words)["content"]]
            output[-1] = {**output[-1], "content": content}
        else:
            output.append(build_refusal(words))
        ended = {"status": "incomplete", "incomplete_details": {"reason": "content_filter"}, "error": None}
        return [*write_missing({**base, **ended, "output": output}, self._told)]
