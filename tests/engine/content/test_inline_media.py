"""Pictures, films and sounds in bodies: data URIs and Base64 become these, and what is none is judged as a text and named."""

from __future__ import annotations

import io
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image as Pillow

from guardrails import Guard
from guardrails.engine.content import inline_media
from guardrails.engine.content.content_tree import ContentTree
from guardrails.engine.content.payload import Payload, body
from guardrails.engine.values import media_types
from guardrails.protocols.chat import chat_fields
from guardrails.protocols.gemini import gemini_answer_fields, gemini_fields
from guardrails.protocols.messages import messages_fields
from guardrails.protocols.moderations import moderations_fields
from guardrails.protocols.responses import responses_fields
from guardrails.types import Audio, Image, Media, Place, Stage, Text, Video
from tests.cases import each_case
from tests.films import film, green, scene

PLACE = Place(Stage.INPUT, role="user", message=0)


def filed(*, green: bool, format_: str = "PNG") -> bytes:
    """Return a picture as a file, with a green square or without."""
    image = Pillow.new("RGB", (60, 40), (90, 90, 90))
    if green:
        image.paste((0, 255, 0), (10, 10, 30, 30))
    out = io.BytesIO()
    image.save(out, format_)
    return out.getvalue()


def base64(data: bytes) -> str:
    """Return bytes in Base64."""
    return b64encode(data).decode()


PLAIN, GREEN = base64(filed(green=False)), base64(filed(green=True))


def read(reader: Callable[..., None], value: Any) -> ContentTree:
    """Return the leaves of a value, as a reader finds them."""
    tree = ContentTree()
    reader(tree, value, ("p",), PLACE)
    return tree


@given(st.binary(min_size=1))
def test_a_data_uri_is_the_bytes_in_it(data: bytes) -> None:
    """With the type that it says, and the head with which it is written back."""
    [leaf] = read(inline_media.uri, f"data:image/png;base64,{base64(data)}").leaves
    assert isinstance(leaf.content, Image)
    assert (leaf.content.data, leaf.content.declared, leaf.base64) == (
        data,
        "image/png",
        "data:image/png;base64,",
    )
    assert (leaf.content.place.path, leaf.content.place.role) == ("/p", "user")
    [leaf] = read(inline_media.base64, base64(data)).leaves
    assert type(leaf.content) is media_types.medium(data)
    assert isinstance(leaf.content, Media)
    assert (leaf.content.data, leaf.content.declared, leaf.base64) == (data, None, "")


@each_case(
    ("written", "declared"),
    [
        ("data:image/png;base64,AAAA", "image/png"),
        ("DATA:Image/PNG;Base64,AAAA", "image/png"),
        ("data:image/svg+xml;charset=utf-8;base64,AAAA", "image/svg+xml"),
        ("data:;base64,AAAA", None),
        ("data:application/pdf;base64,AAAA", "application/pdf"),
    ],
)
def test_a_head_says_the_type(written: str, declared: str | None) -> None:
    """In any case, with parameters or without; whether the bytes are of it is seen when they are decoded."""
    [leaf] = read(inline_media.uri, written).leaves
    assert isinstance(leaf.content, Image)
    assert leaf.content.declared == declared


@each_case(
    "written",
    [
        "https://pictures.example/a.png",
        "data:image/png;base64,",
        "data:image/png;base64,AAA",
        "data:image/png;base64,AA AA",
        "data:image/png;base64,AAAA\n",
        "data:image/png;base64,AA-_",
        "data:image/png;base64,AAAA=AAA",
        "data:image/png,AAAA",
        "data:image/png;base64;base64,AAAA",
        "file:///etc/passwd",
        "",
    ],
)
def test_what_is_no_sound_data_uri_is_a_text(written: str) -> None:
    """Two readers must not see two pictures in it; the part is named."""
    tree = read(inline_media.pictured(inline_media.uri), written)
    assert [leaf.content.text for leaf in tree.leaves if isinstance(leaf.content, Text)] == [written] * bool(
        written
    )
    [(entry, _)] = tree.unchecked
    malformed = written.startswith("data:")
    assert (entry.kind, entry.path) == ("part", "/p")
    assert entry.reason == (inline_media.MALFORMED if malformed else inline_media.NO_ADDRESS)


@each_case("value", [None, 7, ["data:image/png;base64,AAAA"], {"url": "x"}])
def test_what_is_no_text_is_judged_after_all(value: Any) -> None:
    """And the part is named as unchecked, as there is no picture in it."""
    assert len(read(inline_media.pictured(inline_media.uri), value).unchecked) == 1
    assert not any(isinstance(leaf.content, Image) for leaf in read(inline_media.uri, value).leaves)


CHAT = {"model": "m", "messages": [{"role": "user", "content": None}]}


def chatting(part: Any) -> tuple[Any, Callable[[Any], Payload]]:
    """Return a chat request with a part, and how it is read."""
    given_ = {"model": "m", "messages": [{"role": "user", "content": [part]}]}
    return given_, lambda body_: body(body_, chat_fields.read_request(body_))


def responding(item: Any) -> tuple[Any, Callable[[Any], Payload]]:
    """Return a request of the Responses API with an item, and how it is read."""
    given_ = {"model": "m", "input": [item]}
    return given_, lambda body_: body(body_, responses_fields.read_request(body_), responses_fields.edit_body)


def messaging(block: Any) -> tuple[Any, Callable[[Any], Payload]]:
    """Return a request of the Messages API with a block, and how it is read."""
    given_ = {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": [block]}]}
    return given_, lambda body_: body(body_, messages_fields.read_request(body_), messages_fields.edit_body)


def drawing(item: Any) -> tuple[Any, Callable[[Any], Payload]]:
    """Return an answer of the Responses API with an item, and how it is read."""
    given_ = {"id": "r", "object": "response", "output": [item]}
    return given_, lambda body_: body(
        body_, responses_fields.read_response(body_), responses_fields.edit_body
    )


URI = "data:image/png;base64,"
SOURCE = {"type": "base64", "media_type": "image/png"}
SCREEN = {"type": "computer_call_output", "call_id": "c"}
RESULT = {"type": "tool_result", "tool_use_id": "t"}
PLACES: Mapping[str, tuple[Callable[[str], tuple[Any, Any]], str]] = {
    "chat": (
        lambda data: chatting({"type": "image_url", "image_url": {"url": URI + data, "detail": "high"}}),
        "/messages/0/content/0/image_url/url",
    ),
    "chat, a string": (
        lambda data: chatting({"type": "image_url", "image_url": URI + data}),
        "/messages/0/content/0/image_url",
    ),
    "chat, input_image": (
        lambda data: chatting({"type": "input_image", "image_url": URI + data}),
        "/messages/0/content/0/image_url",
    ),
    "responses": (
        lambda data: responding({"role": "user", "content": [{"type": "input_image", "image_url": URI + data}]}),
        "/input/0/content/0/image_url",
    ),
    "responses, a screen": (
        lambda data: responding({**SCREEN, "output": {"type": "computer_screenshot", "image_url": URI + data}}),
        "/input/0/output/image_url",
    ),
    "responses, drawn": (
        lambda data: drawing({"type": "image_generation_call", "id": "i", "status": "completed", "result": data}),
        "/output/0/result",
    ),
    "messages": (
        lambda data: messaging({"type": "image", "source": {**SOURCE, "data": data}}),
        "/messages/0/content/0/source/data",
    ),
    "messages, a result": (
        lambda data: messaging({**RESULT, "content": [{"type": "image", "source": {**SOURCE, "data": data}}]}),
        "/messages/0/content/0/content/0/source/data",
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def guard_that(guard_of: Callable[..., Guard]) -> Callable[[str], Guard]:
    """Return a function: an action in, a guard that does that to green squares out."""
    policy = (
        "detectors:\n  green: {use: green_square}\nrules:\n"
        "  - {id: green, on: [input, output, tool_result], when: custom.green_square > 0.5, then: %s}\n"
    )
    return lambda action: guard_of(policy % action)


@each_case("name", PLACES)
def test_a_picture_is_judged_wherever_it_stands(guard_that: Callable[[str], Guard], name: str) -> None:
    """With its own path; one in which nothing is found leaves the body as it is."""
    make, path = PLACES[name]
    given_, reads = make(PLAIN)
    verdict = guard_that("block").check(reads(given_))
    assert (str(verdict.action), verdict.content) == ("allow", given_)
    assert verdict.coverage.kinds["image"].checked == 1
    given_, reads = make(GREEN)
    verdict = guard_that("block").check(reads(given_))
    assert verdict.blocked
    assert [(finding.path, finding.box) for finding in verdict.findings] == [(path, (10, 10, 20, 20))]


def at(value: Any, path: str) -> Any:
    """Return what stands at a JSON Pointer."""
    for part in path.split("/")[1:]:
        value = value[int(part) if isinstance(value, list) else part]
    return value


@each_case("name", PLACES)
def test_a_redacted_picture_is_written_back_where_it_stood(
    guard_that: Callable[[str], Guard], name: str
) -> None:
    """As Base64 of the same type, and nothing else is changed."""
    make, path = PLACES[name]
    given_, reads = make(GREEN)
    verdict = guard_that("redact").check(reads(given_))
    assert str(verdict.action) == "redact"
    made = at(verdict.content, path)
    assert made != at(given_, path)
    head = URI if at(given_, path).startswith("data:") else ""
    assert made.startswith(head)
    image = Pillow.open(io.BytesIO(b64decode(made[len(head) :], validate=True)))
    assert image.format == "PNG"
    assert not np.asarray(image.convert("RGB"))[10:30, 10:30].any()
    whole, _ = make(made[len(head) :])
    assert whole == verdict.content


@each_case("name", PLACES)
@each_case("data", ["AAAA", base64(filed(green=False))[:-40], base64(filed(green=False) + b"PK")])
def test_what_cannot_be_decoded_is_unchecked(
    guard_that: Callable[[str], Guard], name: str, data: str
) -> None:
    """The policy says what then; by default it blocks."""
    make, path = PLACES[name]
    given_, reads = make(data)
    verdict = guard_that("block").check(reads(given_))
    assert verdict.blocked
    assert [(entry.kind, entry.path) for entry in verdict.coverage.unchecked] == [("image", path)]


@each_case("name", PLACES)
def test_without_a_detector_a_picture_stays_a_part_that_nothing_reads(
    bomb_redactor: Guard, name: str
) -> None:
    """It is not decoded."""
    make, path = PLACES[name]
    given_, reads = make(PLAIN)
    verdict = bomb_redactor.check(reads(given_))
    assert verdict.blocked
    assert [(entry.kind, entry.path) for entry in verdict.coverage.unchecked] == [("part", path)]


@each_case("name", [name for name in PLACES if "drawn" not in name])
def test_a_picture_must_be_of_the_type_that_is_said(guard_that: Callable[[str], Guard], name: str) -> None:
    """A model's own reader may believe what is said."""
    make, _ = PLACES[name]
    given_, reads = make(base64(filed(green=False, format_="JPEG")))
    [entry] = guard_that("block").check(reads(given_)).coverage.unchecked
    assert entry.reason.startswith("mistyped: ")


def test_several_pictures_are_judged_each(guard_that: Callable[[str], Guard]) -> None:
    """One of three is found, and the others are left."""
    parts = [{"type": "image_url", "image_url": {"url": URI + data}} for data in (PLAIN, GREEN, PLAIN)]
    verdict = guard_that("redact").check([{"role": "user", "content": parts}])
    assert [finding.path for finding in verdict.findings] == ["/0/content/1/image_url/url"]
    [message] = verdict.content  # type: ignore[misc]
    assert [new == old for new, old in zip(message["content"], parts, strict=True)] == [True, False, True]


def test_the_moderation_api_says_what_a_picture_was_judged_on(guard_that: Callable[[str], Guard]) -> None:
    """A part with a picture is a content like any other."""
    part = {"type": "image_url", "image_url": {"url": URI + GREEN}}
    [tree] = moderations_fields.inputs([part], Stage.INPUT)
    assert [type(leaf.content) for leaf in tree.leaves] == [Image]
    assert tree.unchecked == []


@each_case(
    ("more", "named"),
    [
        ({}, False),
        ({"detail": "low"}, False),
        ({"x_new": {"a": "b", "count": 3}}, False),
        ({"file_id": None}, False),
        ({"file_id": "file-1"}, True),
        ({"data": GREEN}, True),
        ({"x_new": [f"data:image/png;base64,{GREEN}"]}, True),
        ({"x_new": "A" * inline_media.HIDDEN}, True),
        (
            {"image_url": {"url": f"data:image/png;base64,{PLAIN}", "x_new": {"url": "https://x.example/a"}}},
            True,
        ),
    ],
)
def test_a_part_that_may_hold_another_picture_is_named(more: Mapping[str, Any], named: bool) -> None:
    """A server may look at that one, which nobody has judged."""
    part = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PLAIN}"}, **more}
    tree = read(chat_fields.part, part)
    assert [type(leaf.content) for leaf in tree.leaves].count(Image) == 1
    assert [entry.kind for entry, _ in tree.unchecked] == ["part"] * named


def test_pictures_of_a_reply_are_pictures() -> None:
    """As some servers answer them, beside the text."""
    url = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{GREEN}"}}
    found = chat_fields.read_response(
        {"choices": [{"index": 0, "message": {"role": "assistant", "images": [url]}}]}
    ).leaves
    assert [leaf.content.place.path for leaf in found if isinstance(leaf.content, Image)] == [
        "/choices/0/message/images/0/image_url/url"
    ]


def asking(part: Any) -> tuple[Any, Callable[[Any], Payload]]:
    """Return a request of Gemini's API with a part, and how it is read."""
    given_ = {"contents": [{"role": "user", "parts": [part]}]}
    return given_, lambda body_: body(body_, gemini_fields.read_request(body_), gemini_fields.edit_body)


def replying(part: Any) -> tuple[Any, Callable[[Any], Payload]]:
    """Return an answer of Gemini's API with a part, and how it is read."""
    given_ = {"candidates": [{"index": 0, "content": {"role": "model", "parts": [part]}}]}
    return given_, lambda body_: body(
        body_, gemini_answer_fields.read_response(body_), gemini_fields.edit_body
    )


FILM_URI = "data:video/mp4;base64,"
FILMS: Mapping[str, tuple[Callable[[str], tuple[Any, Any]], str]] = {
    "chat": (
        lambda data: chatting({"type": "video_url", "video_url": {"url": FILM_URI + data}}),
        "/messages/0/content/0/video_url/url",
    ),
    "chat, a string": (
        lambda data: chatting({"type": "video_url", "video_url": FILM_URI + data}),
        "/messages/0/content/0/video_url",
    ),
    "chat, a file": (
        lambda data: chatting({"type": "file", "file": {"file_data": FILM_URI + data, "filename": "a.mp4"}}),
        "/messages/0/content/0/file/file_data",
    ),
    "chat, a file without a type": (
        lambda data: chatting({"type": "file", "file": {"file_data": data, "filename": "a.mp4"}}),
        "/messages/0/content/0/file/file_data",
    ),
    "responses, a file": (
        lambda data: responding({"role": "user", "content": [{"type": "input_file", "file_data": FILM_URI + data}]}),
        "/input/0/content/0/file_data",
    ),
    "gemini": (
        lambda data: asking({"inlineData": {"mimeType": "video/mp4", "data": data}}),
        "/contents/0/parts/0/inlineData/data",
    ),
    "gemini, a reply": (
        lambda data: replying({"inlineData": {"mimeType": "video/mp4", "data": data}}),
        "/candidates/0/content/parts/0/inlineData/data",
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def films() -> tuple[str, str]:
    """A film, and one with a green square, in Base64."""
    return base64(film(scene(10))), base64(film(green(10)))


@pytest.mark.parametrize("name", ["chat", "responses, a file", "gemini, a reply"])
def test_a_film_is_judged_wherever_it_stands(
    guard_that: Callable[[str], Guard], films: tuple[str, str], name: str
) -> None:
    """With its own path and its time; one in which nothing is found leaves the body as it is, and a new one is a film again."""
    make, path = FILMS[name]
    given_, reads = make(films[0])
    verdict = guard_that("block").check(reads(given_))
    assert (str(verdict.action), verdict.content) == ("allow", given_)
    given_, reads = make(films[1])
    verdict = guard_that("block").check(reads(given_))
    assert verdict.blocked
    assert {(finding.path, finding.clip) for finding in verdict.findings} == {(path, (0, 333))}
    verdict = guard_that("redact").check(reads(given_))
    assert str(verdict.action) == "redact"
    made = at(verdict.content, path)
    assert make(made.removeprefix(FILM_URI))[0] == verdict.content
    again = guard_that("block").check(b64decode(made.removeprefix(FILM_URI)))
    assert (str(again.action), again.coverage.kinds["video"].checked) == ("allow", 1)


def test_a_film_that_becomes_one_of_another_type_must_be_able_to_say_so(
    guard_that: Callable[[str], Guard],
) -> None:
    """A data URI says it; where the type stands elsewhere it is stopped."""
    old = base64(film(green(10), "avi"))
    part = {"type": "video_url", "video_url": {"url": "data:video/x-msvideo;base64," + old}}
    given_, reads = chatting(part)
    verdict = guard_that("redact").check(reads(given_))
    assert at(verdict.content, "/messages/0/content/0/video_url/url").startswith(FILM_URI)
    given_, reads = asking({"inlineData": {"mimeType": "video/x-msvideo", "data": old}})
    verdict = guard_that("redact").check(reads(given_))
    assert (verdict.blocked, verdict.rules[0].reason) == (True, "not_redacted")


WAVE = base64(b"RIFF\x2c\0\0\0WAVEfmt \x10\0\0\0\1\0\1\0\x80>\0\0\0}\0\0\2\0\x10\0data\x08\0\0\0" + bytes(8))


@each_case(
    ("given_", "reads"),
    [
        chatting({"type": "input_audio", "input_audio": {"data": WAVE, "format": "wav"}}),
        chatting({"type": "input_audio", "input_audio": {"data": "data:audio/wav;base64," + WAVE}}),
        chatting({"type": "audio_url", "audio_url": {"url": "data:audio/wav;base64," + WAVE}}),
        chatting({"type": "file", "file": {"file_data": WAVE}}),
        responding({"role": "user", "content": [{"type": "input_audio", "input_audio": {"data": WAVE, "format": "wav"}}]}),
        responding({"role": "user", "content": [{"type": "input_file", "file_data": "data:audio/x-wav;base64," + WAVE}]}),
        asking({"inlineData": {"mimeType": "audio/wav", "data": WAVE}}),
    ],
)  # fmt: skip
def test_a_sound_is_one_wherever_it_stands(given_: Any, reads: Callable[[Any], Payload]) -> None:
    """Its bytes are those that the model gets, and its type is what is said of it."""
    tree = reads(given_).tree
    [leaf] = [each for each in tree.leaves if not isinstance(each.content, Text)]
    assert isinstance(leaf.content, Audio)
    assert leaf.content.data == b64decode(WAVE)
    assert leaf.content.declared in (None, "wav", "audio/wav", "audio/x-wav")
    assert tree.unchecked == []


@each_case(
    ("head", "declared", "kind"),
    [
        (b"RIFF....WAVE", None, Audio),
        (b"....ftypisom", None, Video),
        (b"....ftypavif", None, Image),
        (b"\x89PNG", None, Image),
        (b"....ftypisom", "audio/mp4", Audio),
        (b"....ftypisom", "image/png", Image),
        (b"\x89PNG", "Video/mp4", Video),
        (b"RIFF....WAVE", "application/octet-stream", Audio),
        (b"", None, Image),
    ],
)
def test_a_file_is_what_is_said_else_what_its_bytes_are(
    head: bytes, declared: str | None, kind: type[Media]
) -> None:
    """Where both disagree it cannot be opened."""
    assert media_types.medium(head, declared) is kind


@each_case(
    ("uri", "says"),
    [
        (
            "data:application/pdf;base64,JVBERi0xLjcK",
            "files of type PDF: give what is written in it as a text",
        ),
        ("DATA:Application/PDF,%PDF-1.7", "type PDF"),
        ("data:application/x-own;base64,AAAA", "no detector reads files of this type"),
        ("data:image/png;base64,???", "the data URI of this picture is malformed"),
        ("data:;base64,???", "malformed"),
        ("https://example.org/a.pdf", ""),
        ("", ""),
    ],
)
def test_why_a_data_uri_is_not_read(uri: str, says: str) -> None:
    """By the type that it says, where that is one that people send; nothing else of it is quoted."""
    said = inline_media.unread(uri)
    assert says in said
    assert bool(says) == bool(said)
    assert "x-own" not in said


def test_a_pdf_is_named_as_what_it_is(guard_of: Callable[..., Guard]) -> None:
    """And the message says what can be sent in its place."""
    guard = guard_of(
        "detectors: {green: {use: green_square}}\nrules: [{id: g, on: input, when: custom.green_square > 0.5, then: block}]"
    )
    file = {"filename": "a.pdf", "file_data": f"data:application/pdf;base64,{base64(b'%PDF-1.7 and more')}"}
    verdict = guard.check([{"role": "user", "content": [{"type": "file", "file": file}]}], "input")
    assert verdict.blocked
    [entry] = verdict.coverage.unchecked
    assert (entry.kind, "type PDF" in entry.reason, "pages as pictures" in entry.reason) == (
        "part",
        True,
        True,
    )


PNG = filed(green=False)
MP4 = b"\0\0\0\x18ftypisom"


@each_case(
    ("head", "media", "certain", "found"),
    [
        (MP4, "video/mp4", None, Video),
        (PNG, "video/mp4", None, Video),
        (MP4, "image/webp", None, Image),
        (MP4, "application/octet-stream", None, Video),
        (PNG, "", None, Image),
        (b"OggS", "binary/octet-stream", None, Audio),
        (b"no film", "application/octet-stream", None, None),
        (b"", "", None, None),
        (MP4, "text/html", None, None),
        (MP4, "application/json", None, None),
        (b"samples", "audio/pcm", Audio, Audio),
        (b"samples", "application/octet-stream", Audio, Audio),
        (MP4, "video/mp4", Audio, None),
        (PNG, "image/png", Audio, None),
        (b"<p>", "text/html", Audio, None),
    ],
)
def test_an_answer_that_is_to_be_a_file_is_what_it_is_said_to_be(
    head: bytes, media: str, certain: type[Media] | None, found: type[Media] | None
) -> None:
    """Else what its bytes are; of a kind that is certain it may be said to be nothing."""
    assert inline_media.answering(head, media, certain) is found
