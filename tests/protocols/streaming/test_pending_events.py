"""Events that are held: order, pieces, choices that are stopped, events that pass, and the end."""

from __future__ import annotations

from typing import Any

from guardrails import Stage
from guardrails.engine.redaction.restore_stream import RestoreStream
from guardrails.engine.redaction.vault import Vault
from guardrails.engine.streaming.text_channels import StreamedPart
from guardrails.protocols.streaming.codec import Event, EventReading
from guardrails.protocols.streaming.pending_events import PendingEvents
from guardrails.protocols.streaming.streamed_text import StreamedText
from guardrails.types import Place

PATH = ("text",)


def grown(text: str, mark: int, values: dict[str, str] | None = None) -> StreamedText:
    """Return a text that came, settled up to a place."""
    part = StreamedPart(Place(Stage.OUTPUT), Vault())
    made = StreamedText(("x",), part, None if values is None else RestoreStream(values))
    part.add(made.whole(text))
    part.settle(mark)
    return made


def add(held: PendingEvents, data: dict[str, Any], *texts: StreamedText, **more: Any) -> None:
    """Hold an event, with all that came of its texts."""
    item = EventReading(data, grows=tuple((text, PATH) for text in texts), **more)
    held.add(item, "k", data, b"raw", tuple(text.length for text in texts))


def test_events_go_on_in_their_order_once_they_are_settled() -> None:
    """As their bytes, if nothing of them changed."""
    held, text = PendingEvents(), grown("so it is", 0)
    add(held, {"a": 1})
    add(held, {"text": "so it is"}, text)
    add(held, {"b": 1})
    assert held.ready({}) == [Event("k", {"a": 1}, b"raw")]
    text.part.settle(8)
    assert held.ready({}) == [Event("k", {"text": "so it is"}, b"raw"), Event("k", {"b": 1}, b"raw")]
    assert held.ready({}) == []


def test_a_bare_event_goes_on_in_pieces() -> None:
    """One that says more does not."""
    for bare, told in ((True, [{"text": "so "}]), (False, [])):
        held, text = PendingEvents(), grown("so it is", 3)
        add(held, {"text": "so it is"}, text, bare=bare)
        assert [event.data for event in held.ready({})] == told
        text.part.settle(8)
        assert "".join(event.data["text"] for event in held.ready({})) == ("it is" if bare else "so it is")


def test_events_of_choices_that_are_stopped_are_left_out() -> None:
    """But for what stood before that; one that tells of another choice too is held."""
    held = PendingEvents()
    add(held, {"text": "so it"}, grown("so it", 3), bare=True, choices=(1,))
    add(held, {"a": 1}, choices=(1,), waits=True)
    add(held, {"b": 1}, choices=(0, 1), waits=True)
    assert [event.data for event in held.ready({1})] == [{"text": "so "}]
    assert [event.data for event in held.rest([])] == [{"b": 1}]


def test_an_event_may_pass_those_before_it() -> None:
    """Once; where nothing is held it goes in its turn."""
    held = PendingEvents()
    add(held, {"p": 0}, passes=True)
    add(held, {"a": 1}, waits=True)
    add(held, {"b": 1})
    add(held, {"p": 1}, passes=True)
    assert [event.data for event in held.ready({})] == [{"p": 0}, {"p": 1}]
    assert held.ready({}) == []
    assert [event.data for event in held.rest([])] == [{"a": 1}, {"b": 1}]


def test_at_the_end_all_is_told() -> None:
    """What a text keeps back because it might go on comes before what waited, and with its last event."""
    held, text = PendingEvents(), grown("dear [W_1", 9, {"[W_1]": "Jo"})
    add(held, {"text": "dear [W_1"}, text, bare=True)
    add(held, {"a": 1}, waits=True)
    assert [event.data for event in held.ready({})] == [{"text": "dear "}]
    assert [event.data for event in held.rest([text])] == [{"text": "[W_1"}, {"a": 1}]
