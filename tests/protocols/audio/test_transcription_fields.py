"""The field tables of transcriptions: what is sent with a sound, and every form of what was heard."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardrails import Guard
from guardrails.engine.content.payload import body as subject
from guardrails.protocols.audio import transcription_fields
from guardrails.types import Audio, Media, Text, Video
from guardrails.wire.forms import Upload
from tests.cases import each_case

MASK = "rules:\n  - {id: m, on: output, when: custom.m > 0, then: redact}\n"
POLICY = "detectors:\n  m: {use: terms, terms: [zqx mask], category: custom.m}\n" + MASK


@pytest.fixture(scope="module")
def guard(guard_of: Callable[..., Guard]) -> Guard:
    """A guard that redacts two words."""
    return guard_of(POLICY)


def left(guard: Guard, body: Any) -> Any:
    """Return what is left of an answer."""
    return guard.check(
        subject(body, transcription_fields.read_response(body), transcription_fields.edit_response), "output"
    ).content


@each_case(
    ("upload", "kind"),
    [
        (Upload(b"RIFF....WAVE", "a.wav", "audio/wav"), Audio),
        (Upload(b"....ftypisom", "a.mp4", "video/mp4"), Video),
        (Upload(b"....ftypisom", "a.m4a", "audio/mp4"), Audio),
        (Upload(b"\x89PNG", "a.png", "image/png"), Audio),
        (Upload(b"what", "a", ""), Audio),
    ],
)
def test_what_is_to_be_heard_is_a_sound_or_a_film(upload: Upload, kind: type[Media]) -> None:
    """Whatever else it is said to be; its name is judged."""
    tree = transcription_fields.read_request(
        {"file": upload, "known_speaker_references[]": ["data:audio/wav;base64,AAAA", "x"]}
    )
    assert [type(leaf.content) for leaf in tree.leaves] == [kind, Text, Audio, Text]
    assert [entry.kind for entry, _ in tree.unchecked] == ["audio"]


def test_a_file_may_stand_in_a_list() -> None:
    """As it does where a field may have several."""
    upload = Upload(b"RIFF....WAVE", "a.wav", "audio/wav")
    tree = transcription_fields.read_request({"file": [upload]})
    assert [(type(leaf.content), leaf.path) for leaf in tree.leaves] == [
        (Audio, ("file", 0)),
        (Text, ("file", 0)),
    ]
    assert tree.unchecked == []


@given(st.text())
def test_a_text_is_its_lines(text: str) -> None:
    """With their ends; what is no UTF-8 is none."""
    found = transcription_fields.lines(text.encode("utf-8", "replace"))
    assert "".join(found["lines"]) == text.encode("utf-8", "replace").decode()
    with pytest.raises(UnicodeDecodeError):
        transcription_fields.lines(b"\xff" + text.encode("utf-8", "replace"))


def texts(body: Any) -> list[str]:
    """Return the texts of an answer that are judged alone."""
    found = transcription_fields.read_response(body).leaves
    return [leaf.content.text for leaf in found if isinstance(leaf.content, Text) and not leaf.pieces]


@each_case(
    ("raw", "found"),
    [
        ("Hello.\nYou.\n", ["Hello.\n", "You.\n"]),
        ("1\n00:00:00,000 --> 00:00:01,000\nHello.\n\n", ["Hello.\n"]),
        ("\ufeffWEBVTT\r\n\r\n00:00.000 --> 00:01.000\r\nHello.\r\n", ["Hello.\r\n"]),
        ("WEBVTT - note\n", ["WEBVTT - note\n"]),
        ("00:00:00,000 --> 00:00:01,000 align:start\n", ["00:00:00,000 --> 00:00:01,000 align:start\n"]),
        ("1\nnot a time\n", ["1\n", "not a time\n"]),
        ("4111111\n00:00:00,000 --> 00:00:01,000\n", ["4111111\n"]),
        ("", []),
    ],
)
def test_lines_that_say_only_when_are_no_text(raw: str, found: list[str]) -> None:
    """Numbers and times of subtitles; everything else is."""
    assert texts(transcription_fields.Lines(lines=raw.splitlines(keepends=True))) == found


@given(
    st.lists(
        st.sampled_from(["a zqx", "mask b", "1", "00:00:00,000 --> 00:00:01,000", "", "WEBVTT"]), max_size=9
    )
)
def test_lines_stay_lines(guard: Guard, lines: list[str]) -> None:
    """As many, each with its end, whatever is redacted."""
    before = transcription_fields.Lines(lines=[each + "\n" for each in lines])
    after = left(guard, before)
    assert len(after["lines"]) == len(lines)
    assert all(each.endswith("\n") for each in after["lines"])
    for old, new in zip(before["lines"], after["lines"], strict=True):
        assert old == new or "zqx" in old or "mask" in old


WHOLE: dict[str, Any] = {
    "text": "a zqx mask b",
    "segments": [{"id": 0, "text": "a zqx", "tokens": [1]}, {"id": 1, "text": " mask b", "tokens": [2]}],
    "words": [{"word": "zqx"}, {"word": "mask"}],
    "logprobs": [{"token": "zqx", "logprob": -1.0}],
    "language": "en",
}


def test_a_changed_answer_is_not_spelled_again(guard: Guard) -> None:
    """Neither by words nor by tokens; segments stay where they say what the text says."""
    after = left(guard, WHOLE)
    assert after == {
        "text": "a [M] b", "segments": [{"id": 0, "text": "a [M]", "tokens": []}, {"id": 1, "text": " b", "tokens": []}],
        "language": "en",
    }  # fmt: skip
    other = {**WHOLE, "segments": [{"id": 0, "text": "something else"}]}
    assert left(guard, other)["segments"] == []
    harmless = {**WHOLE, "text": "a b", "segments": [], "words": [], "logprobs": []}
    assert left(guard, harmless) is harmless


def test_the_events_of_a_stream_are_one_text(guard: Guard) -> None:
    """What is found over several of them is taken from each."""
    events = [
        {"type": "transcript.text.delta", "delta": "a zqx", "logprobs": []},
        {"type": "transcript.text.delta", "delta": " mask b"},
        {"type": "transcript.text.done", "text": "a zqx mask b"},
    ]
    after = left(guard, transcription_fields.Events(events=events))["events"]
    assert [each.get("delta", each.get("text")) for each in after] == ["a [M]", " b", "a [M] b"]
    assert "logprobs" not in after[0]


@each_case("body", [{"lines": 5}, {"lines": [{"a": "see"}]}, {"events": None}, {"events": ["see"]}])
def test_an_answer_in_json_is_never_taken_for_another_form(guard: Guard, body: Any) -> None:
    """Whatever its fields are called."""
    assert left(guard, body) == body
    assert transcription_fields.read_response(body).unknown == ["/" + next(iter(body))]
