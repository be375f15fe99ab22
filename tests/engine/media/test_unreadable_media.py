"""Files that cannot be read are named by their kind, or by the limit that leaves them out."""

from __future__ import annotations

from guardrails.engine.media.unreadable_media import describe_unreadable
from guardrails.media.errors import MediaError
from guardrails.types import Audio, Image, Media, Place, Unchecked, Video
from tests.cases import each_case


@each_case(
    ("content", "code", "kind"),
    [
        (Image(b"x"), "undecodable", "image"),
        (Image(b"x"), "too_many_pixels", "image"),
        (Video(b"x"), "undecodable", "video"),
        (Video(b"x"), "too_many_frames", "limit"),
        (Audio(b"x"), "undecodable", "part"),
        (Audio(b"x"), "timeout", "limit"),
    ],
)
def test_the_kind_says_what_could_not_be_judged(content: Media, code: str, kind: str) -> None:
    """A limit of pictures is about the picture; `audio` is for speech that is only not transcribed."""
    assert describe_unreadable(content, MediaError(code, "why")) == Unchecked(kind, f"{code}: why", "")


def test_the_place_is_that_of_the_file() -> None:
    """In a body a path leads to it."""
    content = Image(b"x", Place(path="/images/0"))
    assert describe_unreadable(content, MediaError("undecodable", "why")).path == "/images/0"
