"""What films and sounds are written as: encoders that are there, and families for each sound that is read."""

from __future__ import annotations

import av
import pytest

from guardrails.media.audio.recording import SOUNDS
from guardrails.media.errors import MediaError
from guardrails.media.rewrite.container_families import ENCODERS, FAMILIES, find_encoder
from guardrails.media.rewrite.recode_tracks import SAMPLES, encoder_input
from guardrails.media.video.file_type import ISO, MOV, RIFF, STARTS
from tests.cases import each_case


@each_case("name", FAMILIES)
def test_each_encoder_of_sound_is_there_and_takes_samples_that_can_be_made(name: str) -> None:
    """Of the family, and of each codec that is kept in it."""
    family = FAMILIES[name]
    for codec in sorted({family.sound, *family.same}):
        found = av.Codec(ENCODERS.get(codec, codec), "w")
        assert encoder_input(found.audio_formats or (), "none") in SAMPLES


def test_each_sound_that_is_read_has_a_family() -> None:
    """By its format."""
    kinds = (*ISO.values(), *RIFF.values(), *(kind for _, kind in STARTS), MOV)
    formats = {kind.format for kind in kinds if kind.what == "sound" and kind.reader in SOUNDS}
    assert {f"sound/{each}" for each in (*formats, "mp4", "mov", "webm", "matroska")} <= FAMILIES.keys()


@each_case(
    ("have", "expected"),
    [({"libx264", "mpeg4"}, "libx264"), ({"mpeg4", "aac"}, "mpeg4")],
)
def test_the_best_encoder_is_taken(have: set[str], expected: str) -> None:
    """Of those that FFmpeg was built with."""
    assert find_encoder(FAMILIES["mp4"].frames, have) == expected


def test_no_encoder_is_an_error() -> None:
    """And not another kind of film."""
    with pytest.raises(MediaError) as caught:
        find_encoder(FAMILIES["webm"].frames, {"libx264"})
    assert caught.value.code == "unsupported_type"
