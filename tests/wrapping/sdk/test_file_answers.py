"""Answers that are files, without any call: bytes in, what is judged of them out, and back."""

from __future__ import annotations

from typing import Any

import pytest

from guardrails import BackendError, Guard
from guardrails.types import Audio, Image, Media, Stage, Video
from guardrails.wrapping.sdk.file_answers import AnswerFile, file_format, file_payload
from tests.cases import each_case
from tests.films import film, green, scene

MP4, PNG = b"\0\0\0\x18ftypisom", b"\x89PNG\r\n\x1a\n"


@each_case(
    ("raw", "media", "certain", "found"),
    [
        (MP4, "video/mp4", None, Video),
        (PNG, "image/png", None, Image),
        (PNG, "application/octet-stream", None, Image),
        (b"", "video/mp4", None, Video),
        (b"x", "audio/mpeg", Audio, Audio),
    ],
)
def test_a_file_is_judged_as_what_it_is(
    raw: bytes, media: str, certain: type[Media] | None, found: type[Media]
) -> None:
    """At output, with the type that it is said to be of."""
    wire = file_format(certain)
    assert wire.fits(media)
    file = wire.read(raw, media, {})
    content = file.content
    assert (type(content), content.data, content.declared) == (found, raw, media)
    assert content.place.stage is Stage.OUTPUT
    assert file_payload(file).tree.leaves[0].content is content
    assert (wire.write(file), wire.media is not None and wire.media(file)) == (raw, media)


def left(guard: Guard, file: AnswerFile) -> Any:
    """Return what a guard leaves of a file."""
    return guard.check(file_payload(file), "output").content


def test_what_is_redacted_is_a_file_again(looking: Any) -> None:
    """Of the type that it has now; where nothing changes it is the same."""
    wire = file_format()
    for ending, media, now in (("avi", "video/x-msvideo", "video/mp4"), ("webm", "video/webm", "video/webm")):
        plain, offending = (wire.read(film(frames, ending), media, {}) for frames in (scene(5), green(5)))
        assert left(looking("redact"), plain) is plain
        assert left(looking("block"), offending) is None
        made = left(looking("redact"), offending)
        assert made.kind == now
        assert wire.write(made) == made.content.data != offending.content.data


@each_case(
    ("raw", "media", "certain"),
    [
        (b"x", "", None),
        (b"x", "binary/octet-stream", None),
        (PNG, "image/png", Audio),
        (MP4, "video/mp4", Audio),
    ],
)
def test_what_is_no_such_file_is_refused(raw: bytes, media: str, certain: type[Media] | None) -> None:
    """Whatever its type says."""
    with pytest.raises(BackendError, match="no film, picture or sound"):
        file_format(certain).read(raw, media, {})


@each_case("media", ["application/json", "text/html", "text/event-stream", "application/pdf"])
def test_other_types_are_no_files(media: str) -> None:
    """Nobody could judge them."""
    assert not file_format().fits(media)


def test_a_header_stands_before_what_is_judged() -> None:
    """Where there is one; it is made of the request and of all that is known of the answer."""
    seen: list[Any] = []

    def header(*known: Any) -> bytes:
        seen.append(known)
        return b"head" if known[0] else b""

    wire = file_format(Audio, header)
    headed, plain = (wire.read(b"abc", "audio/pcm", asked) for asked in ({"a": 1}, {}))
    assert (headed.content.data, headed.content.declared) == (b"headabc", None)
    assert (plain.content.data, plain.content.declared) == (b"abc", "audio/pcm")
    assert seen == [({"a": 1}, "audio/pcm", b"abc", 3), ({}, "audio/pcm", b"abc", 3)]
    assert wire.write(headed) == wire.write(plain) == b"abc"
