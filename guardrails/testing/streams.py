"""Writes a whole answer as the stream of an API, each text of it in as many pieces as the script says."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final

from guardrails.engine.redaction.vault import Vault
from guardrails.engine.streaming.text_channels import StreamedPart
from guardrails.engine.values.writer import replace_values, value_at
from guardrails.protocols.protocol import Body, StreamFormat
from guardrails.protocols.streaming.codec import Event
from guardrails.protocols.streaming.streamed_text import StreamedText
from guardrails.types import Place
from guardrails.wire import sse
from guardrails.wire.lossless_json import write
from guardrails.wire.pointers import Path

Cut = Callable[[str], list[str]]
"""A text → its pieces."""


def write_stream(name: str, stream: StreamFormat, answer: Body, cut: Cut) -> list[bytes]:
    """Return the bytes of a stream, an event each, and its end.

    Args:
        name: of the protocol.
        stream: how its streams are written.
        answer: the whole answer.
        cut: makes pieces of a text.
    """
    framing = stream.framing
    writer = framing.writer()
    whole = WRITERS.get(name, stream.events)(answer)
    written = [
        writer.feed(sse.event(write(event.data, ascii_only=True).encode(), event.kind.encode()))
        for event in cut_events(stream, whole, cut)
    ]
    return [piece for piece in (*written, writer.feed(framing.tail), writer.flush()) if piece]


def cut_events(stream: StreamFormat, events: Iterable[Event], cut: Cut) -> Iterator[Event]:
    """Yield events with each that holds nothing but a piece of a text as several, by what the codec of the stream reads in it."""
    codec = stream.codec()
    for event in events:
        reading = codec.read(event.data, event.kind, _begin)
        for grown, path in reading.grows:
            grown.whole(value_at(event.data, path))
        bare = reading.bare and len(reading.grows) == 1 and not reading.waits
        for data in _cut_data(event.data, reading.grows[0][1], cut) if bare else [event.data]:
            sent = codec.record_sent(Event(event.kind, data))
            if sent is not None:
                yield sent


def _cut_data(data: dict[str, Any], path: Path, cut: Cut) -> Iterator[dict[str, Any]]:
    for piece in cut(value_at(data, path)) or [""]:
        yield replace_values(data, {(path, None): piece})


def _begin(path: Path, place: Place, *joined: str, **more: Any) -> StreamedText:
    return StreamedText(path, StreamedPart(place, Vault()), None)


def _write_text_chunks(answer: Body) -> Iterator[Event]:
    """Write a text completion as OpenAI's servers do: what each choice says, and then why it ended."""
    head = {name: value for name, value in answer.items() if name not in ("choices", "usage")}
    for choice in answer["choices"]:
        yield Event("", {**head, "choices": [{**choice, "finish_reason": None}]})
        yield Event("", {**head, "choices": [{**choice, "text": ""}]})
    if "usage" in answer:
        yield Event("", {**head, "choices": [], "usage": answer["usage"]})


def _write_candidates(answer: Body) -> Iterator[Event]:
    """Write an answer of Gemini's API as its servers do: a chunk for each part, and a last one that says why it ended."""
    kept = {name: value for name, value in answer.items() if name not in ("candidates", "usageMetadata")}
    for candidate in answer["candidates"]:
        for part in candidate["content"]["parts"]:
            said = {"content": {"role": "model", "parts": [part]}, "index": candidate["index"]}
            yield Event("", {"candidates": [said], **kept})
    ends = [{**each, "content": {"role": "model", "parts": [{"text": ""}]}} for each in answer["candidates"]]
    yield Event("", {**answer, "candidates": ends})


def _write_lines(answer: Body) -> Iterator[Event]:
    """Write an answer of Ollama's chat API as its server does: what it says, what it calls, and a last line that says no more."""
    head = {name: answer[name] for name in ("model", "created_at")}
    message = answer["message"]
    calls = message.get("tool_calls")
    said = {"role": message["role"], "content": message["content"]}
    yield Event("", {**head, "message": said, "done": False})
    if calls:
        yield Event("", {**head, "message": {**said, "content": "", "tool_calls": calls}, "done": False})
    yield Event("", {**answer, "message": {**said, "content": ""}})


WRITERS: Final[Mapping[str, Callable[[Body], Iterator[Event]]]] = {
    "openai.completions": _write_text_chunks,
    "gemini.stream": _write_candidates,
    "ollama.chat": _write_lines,
}
"""Name of a protocol → how its servers write an answer, where the protocol writes one that it holds in fewer events."""
