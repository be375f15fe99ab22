"""Where a text may stand in OpenAI's audio API, for the contract matrix: speech that is asked for, and what was heard.

What is said in sounds, and texts and subtitles that are no JSON, are tried by `test_audio.py`.
"""

from __future__ import annotations

import io
import json
import wave
from typing import Any

from guardrails.protocols.audio import speech_fields, transcription_fields

from .conftest import Answer, RawReply
from .contract import Api, Failure
from .image_kit import form


def silence() -> bytes:
    """Return a file in which nobody speaks."""
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16_000)
        file.writeframes(bytes(3_200))
    return out.getvalue()


def asking(said: Any = "Hello.", **fields: Any) -> dict[str, Any]:
    """Return a request for speech."""
    return {"model": "m", "voice": "alloy", "input": said, **fields}


ERRORS: dict[str, Any] = {
    "upstream's error": Failure(400, {"error": {"message": "@", "type": "invalid_request_error", "param": None, "code": None}}),
    "upstream's error, unknown field": Failure(500, {"error": {"message": "x", "x_new": "@"}, "text": "@"}),
}  # fmt: skip
DONE = {"type": "speech.audio.done", "usage": {"input_tokens": 1}}

SPOKEN: dict[str, Any] = {
    "input": asking("@"),
    "input, a structure": asking({"text": ["@"]}),
    "voice, id": asking(voice={"id": "@"}),
    "voice, unknown field": asking(voice={"id": "v", "x_new": "@"}),
    **{f"field {name}": asking(**{name: "@"}) for name in speech_fields.REQUEST.fields if name != "input"},
    "metadata, deep": asking(metadata={"a": "@"}),
    "unknown field": asking(x_new={"a": ["@"]}),
    "name of a field": asking(**{"@": 1}),
}
SOUNDED: dict[str, Any] = {
    "audio": [{"type": "speech.audio.delta", "audio": "@"}, DONE],
    "type": [{"type": "@"}, DONE],
    "usage": [{**DONE, "usage": "@"}],
    "usage, deep": [{**DONE, "usage": {"x_new": {"a": "@"}}}],
    "error": [{"type": "x", "error": "@"}],
    "unknown field": [{**DONE, "x_new": ["@"]}],
    "name of a field": [{**DONE, "@": 1}],
    "streams only: an error": [{"type": "error", "error": {"message": "@", "type": "server_error"}}],
    "streams only: a field of SSE": [": @\n\n", "id: @\nretry: @\n", DONE],
    **ERRORS,
}

HEARD: dict[str, Any] = {
    **{f"field {name}": {"model": "m", name: "@"} for name in transcription_fields.REQUEST.fields if name != "stream"},
    "field stream": {"stream": "@"},
    "beside a file": {"model": "m", "prompt": "@", "file": ["audio"]},
    "unknown field": {"model": "m", "x_new": "@"},
    "name of a field": {"model": "m", "@": "1"},
}  # fmt: skip


def told(text: Any = "Hello.", **fields: Any) -> dict[str, Any]:
    """Return what was heard."""
    return {"text": text, **fields}


def timed(*texts: str, **fields: Any) -> list[dict[str, Any]]:
    """Return segments."""
    return [{"id": at, "start": at, "end": at + 1, "text": each, **fields} for at, each in enumerate(texts)]


TOLD: dict[str, Any] = {
    **{f"field {name}": told(**{name: "@"}) for name in transcription_fields.ANSWER.fields},
    "text, a structure": told(["@"]),
    "segment": told(segments=timed("@")),
    "two segments": told(segments=timed("@<", "@>")),
    **{f"segment's {name}": told(segments=timed("x", **{name: "@"})) for name in transcription_fields.SEGMENT.fields},
    "segment, unknown field": told(segments=timed("x", x_new="@")),
    "word": told(words=[{"word": "@", "start": 0, "end": 1}]),
    "two words": told(words=[{"word": "@<"}, {"word": "@>"}]),
    **{f"word's {name}": told(words=[{"word": "x", name: "@"}]) for name in transcription_fields.WORD.fields},
    "language's code": told(languages=[{"code": "@"}]),
    "usage, deep": told(usage={"type": "tokens", "x_new": {"a": "@"}}),
    "logprobs, token": told(logprobs=[{"token": "@", "logprob": -1.0, "bytes": []}]),
    "unknown field": told(x_new={"a": ["@"]}),
    "name of a field": told(**{"@": 1}),
    "streams only: a delta that the end does not say": [
        {"type": "transcript.text.delta", "delta": "@<"},
        {"type": "transcript.text.delta", "delta": "@>"},
        {"type": "transcript.text.done", "text": "x"},
    ],
    "streams only: segment": [{"type": "transcript.text.segment", "id": "s", "text": "@", "speaker": "A"}],
    "streams only: speaker": [{"type": "transcript.text.segment", "id": "s", "text": "x", "speaker": "@"}],
    "streams only: type": [{"type": "@", "text": "x"}],
    **ERRORS,
}  # fmt: skip


def formed(body: Any) -> tuple[bytes, dict[str, str]]:
    """Return a request as a form; what stands in a list is a file, or where it says `audio` one in which nobody speaks."""
    files = {name: [silence()] if value == ["audio"] else value for name, value in body.items()}
    raw, headers = form(
        *(
            (name, (value[0] if isinstance(value[0], bytes) else value[0].encode()))
            if isinstance(value, list)
            else (name, value)
            for name, value in files.items()
        )
    )
    return raw.replace(b"a.png", b"a.wav").replace(b"image/png", b"audio/wav"), headers


def sounded(whole: Any, size: int) -> list[bytes]:
    """Return a stream without a sound."""
    return [b"data: " + json.dumps(DONE).encode() + b"\n\n"]


def frames(whole: dict[str, Any], size: int) -> list[bytes]:
    """Return what was heard as a stream: its text in pieces, and then all of it."""
    text = whole.get("text")
    pieces = [text[at : at + size] for at in range(0, len(text), size)] if isinstance(text, str) else []
    events = [
        *({"type": "transcript.text.delta", "delta": each} for each in pieces),
        {"type": "transcript.text.done", **whole},
    ]
    return [b"data: " + json.dumps(each).encode() + b"\n\n" for each in events]


def ending(answer: Answer) -> str:
    """Tell how an answer with status 200 ended: as it should."""
    return ""


SPEECH: Any = Api(
    "/v1/audio/speech", SPOKEN, RawReply([silence()], content_type="audio/wav"), SOUNDED, asking(), sounded, ending,  # type: ignore[arg-type]
    errors=True, streaming={"stream_format": "sse"},
)  # fmt: skip
BARE: Any = Api(
    "/v1/audio/speech", {"input": asking("@", response_format="pcm")}, RawReply([bytes(4_800)], content_type="audio/pcm"),  # type: ignore[arg-type]
    {place: told for place, told in SOUNDED.items() if place != "audio"},  # in which any bytes are samples
    asking(response_format="pcm"), sounded, ending, name="/v1/audio/speech, bare samples", errors=True,
    streaming={"stream_format": "sse"},
)  # fmt: skip
TRANSCRIPTIONS, TRANSLATIONS = (
    Api(path, HEARD, told(), TOLD, {"model": "m"}, frames, ending, form=formed, errors=True)
    for path in ("/v1/audio/transcriptions", "/v1/audio/translations")
)
AUDIO = (SPEECH, BARE, TRANSCRIPTIONS, TRANSLATIONS)
