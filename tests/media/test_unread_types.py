"""Types that nothing reads are told apart by their bytes, and each refusal says what to do."""

from __future__ import annotations

import pytest

from guardrails.engine.values.media_types import MEDIA, medium
from guardrails.media.errors import MediaError
from guardrails.media.images.outline import read_outline, sniff_format
from guardrails.media.limits import FORMATS
from guardrails.media.unread_types import CURES, UNREAD, UnreadType, find_cure, find_unread
from guardrails.media.video.file_type import NAMED, detect_film_type
from guardrails.types import Audio, Image, Video
from tests.cases import each_case

KINDS = {"picture": Image, "film": Video, "sound": Audio}


@each_case("given", UNREAD, ids=lambda each: each.name)
def test_a_type_is_told_by_its_beginning(given: UnreadType) -> None:
    """Whatever stands behind it, and by its ending where it is one of media."""
    for start in given.starts:
        assert sniff_format(start + b"\7" * 64) == given.name
        if given.what in KINDS:
            assert medium(start + b"\7" * 64) is KINDS[given.what]
    for ending in given.endings if given.what in KINDS else ():
        assert MEDIA[f".{ending}"] is KINDS[given.what]
        assert ending not in (*FORMATS, *NAMED)


@each_case("given", UNREAD, ids=lambda each: each.name)
def test_a_refusal_says_what_to_do(given: UnreadType) -> None:
    """Write it as something else, or give what it says."""
    assert find_cure(given.name) == CURES[given.what]
    for start in given.starts:
        with pytest.raises(MediaError, match=f"type {given.name}.*: {CURES[given.what]}"):
            read_outline(start + b"\7" * 64)
        if given.what == "film":
            with pytest.raises(
                MediaError, match=f"files of type {given.name} are not read as films.*: write it as mp4"
            ):
                detect_film_type(start + b"\7" * 64, None)


def test_what_is_none_of_them_has_a_cure_too() -> None:
    """A page of the web is given as a text; of what nobody knows a picture is wanted."""
    assert find_cure("html") == CURES["document"]
    assert find_cure("unknown") == CURES["picture"]
    assert {each.what for each in find_unread("film")} == {"film"}
