"""The field tables of the speech API: what is to be said, and the pieces of a streamed sound."""

from __future__ import annotations

import io
import wave
from base64 import b64encode
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from guardrails import RequestError
from guardrails.media.video.file_type import detect_file_type
from guardrails.protocols.audio import speech_fields
from guardrails.types import Audio, Stage, Text
from tests.cases import each_case
from tests.films import taped


@each_case(
    ("body", "found"),
    [
        ({"model": "m", "voice": "alloy", "input": "Hello.", "speed": 1.5}, ["Hello."]),
        ({"input": "Hello.", "instructions": "softly", "voice": {"id": "v 1"}}, ["Hello.", "softly", "v 1"]),
        ({"input": ["a", {"b": "c"}]}, ["a", "b", "c"]),
    ],
)
def test_what_is_to_be_said_stands_at_input(body: Any, found: list[str]) -> None:
    """Words of structure are none of it."""
    tree = speech_fields.read_request(body)
    assert [leaf.content.text for leaf in tree.leaves if isinstance(leaf.content, Text)] == found
    assert {leaf.content.place.stage for leaf in tree.leaves} == {Stage.INPUT}
    assert tree.unknown == []


@given(st.binary(min_size=1), st.integers(1, 9))
def test_the_pieces_of_a_stream_are_one_sound(data: bytes, size: int) -> None:
    """However it is cut."""
    pieces = [b64encode(data[at : at + size]).decode() for at in range(0, len(data), size)]
    events: list[dict[str, Any]] = [{"type": "speech.audio.delta", "audio": each} for each in pieces]
    [leaf] = speech_fields.read_stream(
        {"events": [*events, {"type": "speech.audio.done", "usage": {"total_tokens": 1}}]}
    ).leaves
    assert isinstance(leaf.content, Audio)
    assert leaf.content.data == data
    assert not leaf.editable


@each_case("piece", ["a b", "é", 7, None, "AAA", ["AAAA"]])
def test_what_is_no_base64_is_refused(piece: Any) -> None:
    """Nobody knows what a client makes of it."""
    with pytest.raises(RequestError):
        speech_fields.read_stream({"events": [{"type": "speech.audio.delta", "audio": piece}]})


def test_what_a_stream_tells_beside_its_sound_is_judged() -> None:
    """As any answer."""
    tree = speech_fields.read_stream({"events": [{"type": "a b", "note": "see"}]})
    assert [(leaf.content.text, leaf.path) for leaf in tree.leaves if isinstance(leaf.content, Text)] == [
        ("a b", ("events", 0, "type")),
        ("note", ("events", 0, "note")),
        ("see", ("events", 0, "note")),
    ]


BARE = {"response_format": "pcm"}


@given(st.binary(max_size=400), st.sampled_from(["", "application/octet-stream", "audio/pcm", "audio/raw"]))
@example(b"", "audio/pcm")
@example(b"\xff\xff\x00\x00\x00\x00", "audio/pcm")  # which begins as a frame of MP3 may
def test_bare_samples_get_the_header_of_a_file(data: bytes, media: str) -> None:
    """Of one channel, 16 bits and 24 kHz, and of their length; behind it they are as they were."""
    before = speech_fields.wav_header(BARE, media, data, len(data))
    if not before:
        assert detect_file_type(data) is not None
        return
    with wave.open(io.BytesIO(before + data)) as file:
        assert file.getparams()[:4] == (1, 2, 24_000, len(data) // 2)
        assert file.readframes(len(data)) == data


SILENCE = np.zeros(24, "<i2").tobytes()
TAPED = taped(np.zeros(16_000), "mp3", "libmp3lame")
FRAMES = TAPED[TAPED.index(b"\xff\xf3") :]


@each_case(
    ("asked", "media", "head"),
    [
        ({}, "audio/pcm", SILENCE),
        ({"response_format": "wav"}, "audio/pcm", SILENCE),
        ({"response_format": ["pcm"]}, "audio/pcm", SILENCE),
        (BARE, "audio/mpeg", SILENCE),
        (BARE, "audio/l16", SILENCE),
        (BARE, "text/html", SILENCE),
        (BARE, "audio/pcm", b"RIFF\0\0\0\0WAVE"),
        (BARE, "audio/pcm", b"ID3\3" + SILENCE),
        (BARE, "", b"OggS" + SILENCE),
        (BARE, "audio/pcm", FRAMES),
        (BARE, "", FRAMES),
    ],
)
def test_what_is_no_bare_samples_gets_none(asked: Any, media: str, head: bytes) -> None:
    """What was not asked for, what is said to be something else, and what begins like a file."""
    assert speech_fields.wav_header(asked, media, head, 1_000) == b""


def test_the_bare_samples_of_a_stream_are_one_sound() -> None:
    """Where they were asked for."""
    told = [{"type": "speech.audio.delta", "audio": b64encode(SILENCE).decode()}] * 2
    for asked, size in ((BARE, 44), ({}, 0)):
        [leaf] = speech_fields.read_stream(speech_fields.Events(events=told, asked=asked)).leaves
        assert isinstance(leaf.content, Audio)
        assert leaf.content.data[size:] == 2 * SILENCE
        assert leaf.content.data[:4] == (b"RIFF" if size else SILENCE[:4])
