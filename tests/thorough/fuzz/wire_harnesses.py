"""Harnesses of what is read from the wire: JSON, forms, and streams of events, lines and messages, however they are cut."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pydantic_core

from guardrails.errors import RequestError
from guardrails.wire import event_stream, forms, ndjson, sse, strict_json
from guardrails.wire.lossless_json import Number
from tests.thorough.fuzz.harness import Harness, cut_at, split_head

JSON_TOKENS = (
    b'{"a":',
    b'"a":1,"A":2',
    b"[[[[",
    b"1e400",
    b"-0",
    b"NaN",
    b"\\ud800",
    b"\\u0000",
    b"\xef\xbb\xbf",
    b"//",
)
FORM = "multipart/form-data; boundary=b"


def read_json(data: bytes) -> None:
    """What is accepted is read alike by two other parsers, holds no key twice, and is written so that it reads the same."""
    try:
        value = strict_json.parse(data)
    except RequestError:
        return
    pairs: list[list[str]] = []
    assert plain(value) == json.loads(data, object_pairs_hook=lambda found: _note(found, pairs))
    assert all(len({key.casefold() for key in keys}) == len(keys) for keys in pairs)
    assert str(plain(value)) == str(_other(data, value))
    written = strict_json.dump(value)
    assert strict_json.dump(strict_json.parse(written)) == written


def _note(found: list[tuple[str, Any]], pairs: list[list[str]]) -> dict[str, Any]:
    pairs.append([key for key, _ in found])
    return dict(found)


def plain(value: Any) -> Any:
    """Return a JSON value with numbers as Python's parser has them."""
    if isinstance(value, dict):
        return {key: plain(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [plain(inner) for inner in value]
    return (
        -0
        if isinstance(value, Number) and value.written == "-0"
        else float(value)
        if isinstance(value, Number)
        else value
    )


def _other(data: bytes, value: Any) -> Any:
    """Return what pydantic's parser, which shares no code with Python's, reads."""
    return plain(pydantic_core.from_json(data))


def read_form(data: bytes) -> None:
    """A form that is accepted is written back as it was, also where a field is put in that says the same."""
    try:
        form = forms.form(data, FORM)
    except RequestError:
        return
    assert form.written(form.body) == data
    assert forms.form(form.written(form.body), form.media).body == form.body
    texts = {name: value for name, value in form.body.items() if isinstance(value, str)}
    for name in texts:
        changed = forms.form(form.written({**form.body, name: "[GONE]"}), form.media)
        assert changed.body == {**form.body, name: "[GONE]"}


def _reads_alike(reader: Callable[[], Any], data: bytes) -> list[Any]:
    """Return what a reader finds in a stream, which must be the same however that is cut."""
    cuts, stream = split_head(data)
    found = []
    for pieces in ([stream], cut_at(stream, cuts), cut_at(stream, b"\0")):
        reading = reader()
        events: list[Any] = []
        try:
            for piece in pieces:
                events += reading.feed(piece)
            if hasattr(reading, "flush"):
                events += reading.flush()
        except ValueError as error:
            events.append(str(error))
        found.append(events)
    assert found[0] == found[1] == found[2]
    return found[0]


def read_events(data: bytes) -> None:
    """Server-sent events are the same however they are cut, and read back as they are written."""
    events = _reads_alike(sse.Events, data)
    for event in events:
        written = sse.event(event.data, event.type, event.id, event.retry)
        reader = sse.Events()
        assert [*reader.feed(written), *reader.flush()] == [event]


def read_lines(data: bytes) -> None:
    """Lines of JSON are the same however they are cut; none is empty or holds a break."""
    for event in _reads_alike(ndjson.Lines, data):
        assert event.data.strip() == event.data != b""
        assert b"\n" not in event.data


def read_messages(data: bytes) -> None:
    """Messages of AWS's event streams are the same however they are cut, and what is written reads back."""
    for message in _reads_alike(event_stream.Messages, data):
        if isinstance(message, str):
            continue
        assert [*event_stream.Messages().feed(event_stream.dump(message.headers, message.payload))] == [
            message
        ]
    text = data.decode("utf-8", "ignore")
    whole = event_stream.Message({"a": text[:64], text[:16] or "b": text[64:128]}, data)
    assert [*event_stream.Messages().feed(event_stream.dump(whole.headers, whole.payload))] == [whole]


HARNESSES = (
    Harness("json", read_json, JSON_TOKENS),
    Harness(
        "form",
        read_form,
        (b"\r\n--b\r\n", b"\r\n--b--", b'; filename="x"', b"Content-Type: text/plain\r\n", b"--b"),
    ),
    Harness(
        "events",
        read_events,
        (b"\r\n", b"\r", b"\n\n", b"data:", b"data: ", b"event: x", b"id: 1", b"retry: 9", b"\xef\xbb\xbf"),
    ),
    Harness("lines", read_lines, (b"\n", b"\r\n", b'{"a": 1}', b" ")),
    Harness("messages", read_messages, (b"\0\0\0\x10", b"\x07\0\x05", b":event-type")),
)
