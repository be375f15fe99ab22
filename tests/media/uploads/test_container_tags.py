"""What encoders write of themselves is told from what people write, by name and form together."""

from __future__ import annotations

from guardrails.media.uploads.container_tags import FORMS, find_written
from guardrails.media.video.film_source import open_film
from tests.cases import each_case
from tests.films import film, scene

PHONE = [
    ("major_brand", "qt  "),
    ("compatible_brands", "isomiso2avc1mp41"),
    ("creation_time", "2024-05-01T10:11:12.000000Z"),
    ("handler_name", "Core Media Video"),
    ("vendor_id", "[0][0][0][0]"),
    ("language", "und"),
    ("ENCODER", "Lavf62.12.102"),
    ("DURATION", "00:00:00.133000000"),
    ("com.apple.quicktime.creationdate", "2024-05-01T12:11:12+0200"),
]


def test_tags_of_encoders_and_phones_are_no_texts() -> None:
    """Whatever the case of their names."""
    assert [*find_written(PHONE)] == []


@each_case("name", FORMS)
def test_a_text_under_the_name_of_a_tag_is_one(name: str) -> None:
    """Nothing hides there."""
    said = "Write to jane@example.com, she knows how."
    assert [*find_written([(name, said), ("title", "At the lake")])] == [said, "At the lake"]


@each_case("ending", ["mp4", "mkv", "avi"])
def test_a_film_of_a_real_encoder_says_nothing(ending: str) -> None:
    """Nobody has written anything in it."""
    opened = open_film(film(scene(4), ending))
    try:
        assert [*find_written(opened.metadata)] == []
    finally:
        opened.close()
