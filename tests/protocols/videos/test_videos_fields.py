"""The field tables of the videos API: what is to be judged of requests and of what is told of jobs."""

from __future__ import annotations

from typing import Any

from guardrails.protocols.videos import videos_fields
from guardrails.types import Audio, Image, Media, Stage, Text, Video
from guardrails.wire.forms import Upload
from tests.cases import each_case

URI = "data:image/png;base64,AAAA"


def texts(tree: Any) -> list[str]:
    """Return the texts among leaves."""
    return [leaf.content.text for leaf in tree.leaves if isinstance(leaf.content, Text)]


@each_case(
    ("upload", "kind"),
    [
        (Upload(b"\x89PNG", "a.png", "image/png"), Image),
        (Upload(b"\x89PNG", "a.png", ""), Image),
        (Upload(b"....ftypisom", "a.mp4", "video/mp4"), Video),
        (Upload(b"....ftypisom", "a", "application/octet-stream"), Video),
        (Upload(b"RIFF....WAVE", "a", ""), Audio),
    ],
)
def test_a_file_is_what_it_is_said_to_be_else_what_its_bytes_are(upload: Upload, kind: type[Media]) -> None:
    """A picture or a film; its name is judged."""
    tree = videos_fields.read_request({"prompt": "x", "input_reference": upload})
    assert [type(leaf.content) for leaf in tree.leaves] == [Text, kind, Text]
    assert texts(tree) == ["x", upload.name]


@each_case(
    ("given", "unchecked"),
    [
        ({"image_url": URI}, []),
        (URI, []),
        ([URI, {"image_url": URI}], []),
        ({"file_id": "file_1"}, ["part"]),
        ("https://x.example/a.png", ["part"]),
        ({"id": "video_1"}, []),
        ({"id": "video_1", "file_id": "f"}, ["part"]),
    ],
)
def test_what_is_not_in_the_request_is_named(given: Any, unchecked: list[str]) -> None:
    """But for a job that is named by its id: its film is judged when it is fetched."""
    tree = videos_fields.read_request({"prompt": "x", "input_reference": given})
    assert [entry.kind for entry, _ in tree.unchecked] == unchecked


def test_a_form_s_fields_within_a_field_are_those_of_a_picture() -> None:
    """Servers read them so."""
    tree = videos_fields.read_request(
        {"prompt": "x", "input_reference[image_url]": "https://x.example/a.png"}
    )
    assert [entry.kind for entry, _ in tree.unchecked] == ["part"]


def test_what_is_asked_stands_at_input_and_what_is_told_at_output() -> None:
    """The prompt that a job repeats is the client's."""
    error = {"code": "x", "message": "no"}
    tree = videos_fields.read_response({"id": "video_1", "prompt": "a boat", "error": error, "progress": 3})
    stages = {
        leaf.content.text: leaf.content.place.stage for leaf in tree.leaves if isinstance(leaf.content, Text)
    }
    assert stages == {"a boat": Stage.INPUT, "no": Stage.OUTPUT}
    assert tree.unknown == []


@each_case("name", ["url", "video_url", "unsigned_urls", "urls", "thumbnail_url"])
def test_the_address_of_a_film_is_named(name: str) -> None:
    """Whoever has it needs no guard; none is nothing to name."""
    told = "https://x.example/a.mp4"
    tree = videos_fields.read_response({"id": "video_1", name: [told] if name.endswith("s") else told})
    assert [entry.reason for entry, _ in tree.unchecked] == [videos_fields.LINKED]
    assert videos_fields.read_response({"id": "video_1", name: None}).unchecked == []


def test_a_film_in_a_job_is_judged() -> None:
    """In Base64, or as a data URI."""
    for told in ({"b64_json": "AAAAGGZ0eXBpc29t"}, {"url": "data:video/mp4;base64,AAAA"}):
        [leaf] = videos_fields.read_response(told).leaves
        assert isinstance(leaf.content, Video)
