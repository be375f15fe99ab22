"""Sounds: real files of every container, and every way in which somebody may try to get past."""

from __future__ import annotations

import io
import os
import signal
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from guardrails.errors import MissingExtra
from guardrails.media.audio.recording import SOUNDS, AudioLimits, Recording, detect_sound_type, open_recording
from guardrails.media.errors import MediaError
from guardrails.media.video.file_type import HEAD
from tests import films
from tests.cases import each_case

Tape = Callable[..., bytes]

FORMATS = [
    ("wav", "pcm_s16le", "wav"),
    ("wav", "pcm_f32le", "wav"),
    ("mp3", "mp3", "mp3"),
    ("ipod", "aac", "m4a"),
    ("mp4", "aac", "mp4"),
    ("adts", "aac", "aac"),
    ("ogg", "libopus", "ogg"),
    ("flac", "flac", "flac"),
    ("aiff", "pcm_s16be", "aiff"),
    ("webm", "libopus", "webm"),
    ("matroska", "flac", "matroska"),
]
USUAL = [FORMATS[0], FORMATS[2], FORMATS[3], FORMATS[6]]
"""Those that most sounds come in."""

ONCE = AudioLimits()


tone = partial(films.tone, rate=16_000)


def listened(recording: Recording, track: int | None = None) -> tuple[list[int], Any, str | None, int]:
    """Return when pieces begin, all samples, why it ended early, and how much was damaged."""
    with recording.sound(track=track) as sound:
        pieces = [*sound]
        samples = np.concatenate([samples for _, samples in pieces]) if pieces else np.zeros(0)
        return [start for start, _ in pieces], samples, sound.stopped, sound.corrupt


def loudest(samples: Any) -> float:
    """Return the frequency that is the loudest."""
    return float(np.abs(np.fft.rfft(samples)).argmax() * 16_000 / len(samples))


@pytest.mark.parametrize(("container", "codec", "format_"), USUAL)
def test_every_format_is_heard_to_its_end(tape: Tape, container: str, codec: str, format_: str) -> None:
    """In pieces of about a second, one after the other, with what the file says of itself."""
    data = tape(tone(), container, codec, metadata={"title": "zqx"})
    with open_recording(data) as recording:
        assert recording.format == format_
        assert recording.size == len(data)
        assert [track.kind for track in recording.tracks] == ["audio"]
        assert recording.seconds == pytest.approx(2.0, abs=0.2)
        assert container == "adts" or ("title", "zqx") in recording.metadata
        starts, samples, stopped, corrupt = listened(recording)
    assert (stopped, corrupt) == (None, 0)
    assert len(samples) / 16_000 == pytest.approx(2.0, abs=0.15)
    assert starts == sorted(starts)
    assert samples.dtype == np.float32
    assert loudest(samples) == pytest.approx(440, abs=3)


@each_case("kind", ["bytes", "path", "file"])
def test_wherever_it_comes_from(tape: Tape, tmp_path: Path, kind: str) -> None:
    """The same is heard, and its digest is that of the file."""
    data = tape(tone())
    path = tmp_path / "a.wav"
    path.write_bytes(data)
    source: Any = {"bytes": data, "path": path, "file": io.BytesIO(data)}[kind]
    with open_recording(source) as recording:
        assert len(recording.sha256) == 64
        _, samples, _, _ = listened(recording)
    assert np.allclose(samples, tone(), atol=1e-3)


def code_of(source: Any, limits: AudioLimits = ONCE, declared: str | None = None) -> str:
    """Return the code of the error with which a sound is not opened."""
    with pytest.raises(MediaError) as caught:
        open_recording(source, limits, declared)
    return caught.value.code


@each_case(
    ("data", "code"),
    [
        (b"", "empty"),
        (b"hello there", "unsupported_type"),
        (b"ffconcat version 1.0\nfile /etc/passwd\n", "unsupported_type"),
        (b"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nhttp://127.0.0.1/a.ts\n", "unsupported_type"),
        (b"\x89PNG\r\n\x1a\n" + b"0" * 99, "mistyped"),
        (b"<svg>" + b" " * 99, "unsupported_type"),
        (b"RIFF\x00\x00\x00\x00WAVE", "undecodable"),
        (b"RIFF\x00\x00\x00\x00AVI ", "mistyped"),
        (b"OggS" + bytes(500), "undecodable"),
        (b"fLaC" + bytes(500), "undecodable"),
        (b"ID3" + bytes(500), "undecodable"),
        (b"\x00\x00\x00\x18ftypM4A \x00\x00\x00\x00M4A mp42", "undecodable"),
        (b"G" + bytes(187) + b"G" + bytes(187), "mistyped"),
    ],
)
def test_what_is_no_sound_is_refused(data: bytes, code: str) -> None:
    """By its bytes, and nothing in it is followed."""
    assert code_of(data) == code


@each_case(
    ("declared", "well"),
    [
        (None, True),
        ("", True),
        ("audio/mpeg", True),
        ("audio/mp3; codecs=zqx", True),
        (".MP3", True),
        ("mp3", True),
        ("application/octet-stream", True),
        ("audio/wav", False),
        ("wav", False),
        ("video/mp4", False),
        ("image/png", False),
        ("zqx", False),
    ],
)
def test_what_it_is_said_to_be_has_to_agree(tape: Tape, declared: str | None, well: bool) -> None:
    """Another reader would make something else of it."""
    data = tape(tone(0.5), "mp3", "mp3")
    if well:
        open_recording(data, declared=declared).close()
    else:
        assert code_of(data, declared=declared) == "mistyped"


def test_a_suffix_is_a_declaration(tape: Tape, tmp_path: Path) -> None:
    """Where it is one of a sound."""
    data = tape(tone(0.5), "mp3", "mp3")
    for name, well in (("a.mp3", True), ("a.bin", True), ("a.wav", False)):
        path = tmp_path / name
        path.write_bytes(data)
        if well:
            open_recording(path).close()
        else:
            assert code_of(path) == "mistyped"


def test_a_film_is_no_sound(reel: Callable[..., bytes], scene_of: Callable[..., Any]) -> None:
    """Somebody would see it: it is judged as a film, or not at all."""
    frame = scene_of()
    for container in ("mp4", "matroska"):
        data = reel((frame(number) for number in range(9)), container)
        assert code_of(data) == "mistyped"
        assert code_of(data, declared="audio/mp4" if container == "mp4" else "audio/x-matroska") == "mistyped"


def test_limits_are_kept(tape: Tape) -> None:
    """What is too large or has too many tracks is not opened; what is too long is heard to there, and says so."""
    data = tape(tone(6))
    assert code_of(data, replace(ONCE, bytes=len(data) - 1)) == "too_many_bytes"
    assert code_of(io.BytesIO(data), replace(ONCE, bytes=len(data) - 1)) == "too_many_bytes"
    assert (
        code_of(tape(tone(0.5), "matroska", "flac", tracks=3), replace(ONCE, tracks=2)) == "too_many_tracks"
    )
    with open_recording(data, replace(ONCE, seconds=2.0)) as recording:
        _, samples, stopped, _ = listened(recording)
    assert stopped == "seconds"
    assert 2.0 <= len(samples) / 16_000 < 4.0


def test_each_track_is_heard_by_its_number(tape: Tape) -> None:
    """A film in two languages has two."""
    with open_recording(tape(tone(), "matroska", "flac", tracks=2)) as recording:
        numbers = [track.index for track in recording.tracks]
        assert numbers == [0, 1]
        assert [len(listened(recording, number)[1]) for number in numbers] == [32_000, 32_000]


def test_a_voice_on_both_sides_is_not_mixed_away(tape: Tape) -> None:
    """Turned over on one of them it would be silence."""
    with open_recording(tape(np.stack([tone(), -tone()]))) as recording:
        _, samples, _, _ = listened(recording)
    assert np.abs(samples).max() > 0.25


@each_case(("container", "codec"), [("mp3", "mp3"), ("flac", "flac")])
def test_covers_are_pictures_beside_it(
    tape: Tape, draw: Callable[..., Any], file_of: Callable[..., bytes], container: str, codec: str
) -> None:
    """They come as they are in the file, to be judged as such."""
    pictures = [file_of(draw(seed=number), "jpeg") for number in range(2)]
    with open_recording(tape(tone(), container, codec, covers=pictures)) as recording:
        assert [(track.kind, track.picture) for track in recording.tracks] == [
            ("audio", False), ("video", True), ("video", True)
        ]  # fmt: skip
        assert list(recording.covers()) == pictures
        assert len(listened(recording)[1]) > 31_000
    with open_recording(tape(tone())) as recording:
        assert recording.covers() == ()


@pytest.mark.parametrize(("container", "codec", "format_"), USUAL)
def test_what_is_cut_off_is_told_or_shorter(tape: Tape, container: str, codec: str, format_: str) -> None:
    """And never a crash: half of a file is an error, or what can be heard of it."""
    data = tape(tone(4), container, codec)
    half = data[: len(data) // 2]
    if format_ in ("m4a", "mp4"):  # what is where stands at its end
        assert code_of(half) == "undecodable"
        return
    with open_recording(half) as recording:
        _, samples, _, _ = listened(recording)
    assert 16_000 <= len(samples) <= 3 * 16_000


def test_a_process_that_is_killed_is_told(tape: Tape) -> None:
    """The sound ends there, and says that it was not heard to its end."""
    with open_recording(tape(tone(60))) as recording, recording.sound() as sound:
        next(sound)
        os.kill(sound._process._process.pid, signal.SIGKILL)
        for _ in sound:
            pass
        assert sound.stopped == "crashed"


def test_who_leaves_ends_it(tape: Tape) -> None:
    """Nothing runs on for somebody who is gone."""
    with open_recording(tape(tone(60))) as recording:
        sound = recording.sound()
        next(sound)
        sound.close()
        assert sound.stopped == "closed"
        assert sound._process._process.returncode is not None


def test_a_file_that_changes_is_refused(tape: Tape, tmp_path: Path) -> None:
    """What is judged is what was opened."""
    path = tmp_path / "a.wav"
    path.write_bytes(tape(tone()))
    with open_recording(path) as recording:
        path.write_bytes(tape(tone(3)))
        with pytest.raises(MediaError, match="was changed"):
            recording.sound()


def test_without_the_decoder_the_command_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """That installs it."""
    monkeypatch.setitem(sys.modules, "av", None)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingExtra, match=r"guardrails-middleware\[video\]"):
        open_recording(b"x")


def test_every_reader_has_names(tape: Tape) -> None:
    """Each format is of a reader that can be declared."""
    for container, codec, _ in FORMATS:
        found = detect_sound_type(tape(tone(0.2), container, codec)[:HEAD], None)
        assert found.reader in SOUNDS
        assert detect_sound_type(tape(tone(0.2), container, codec)[:HEAD], SOUNDS[found.reader][0]) == found
