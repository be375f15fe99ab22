"""OpenAI's audio API through its released SDK, wrapped: what is to be said, how it sounds, and what was heard is judged."""

from __future__ import annotations

import io
import json
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import openai
import pytest

from guardrails import BackendError, Blocked, Guard
from tests.cases import each_case
from tests.films import film, scene, tone

pytestmark = pytest.mark.filterwarnings("ignore:.*deprecated:DeprecationWarning")


@pytest.fixture(scope="module")
def silence(audio_kit: Any) -> bytes:
    """A file in which nobody speaks."""
    made: bytes = audio_kit.taped(np.zeros(16_000, np.float32))
    return made


@pytest.fixture(scope="module")
def voice(audio_kit: Any, spoken: Callable[..., Any]) -> bytes:
    """A file in which somebody speaks."""
    made: bytes = audio_kit.taped(spoken(2, 1))
    return made


@pytest.fixture
def hears(
    client: Any,
    audio_kit: Any,
    kit: Any,
    transcriber: Any,
    guard_of: Callable[..., Guard],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Any:
    """A client whose guard has what is said transcribed."""
    return client(audio_kit.listening(guard_of, kit.POLICY, transcriber.url, tmp_path, monkeypatch))


def gives(fake: Any, kit: Any, data: bytes, media: str = "audio/wav", **more: Any) -> None:
    """Let the upstream answer with a file, in pieces."""
    half = len(data) // 2
    fake.reply = kit.RawReply([data[:half], data[half:]], content_type=media, **more)


SPEECH: dict[str, Any] = {"model": "m", "voice": "alloy", "input": "x"}
WAYS: dict[str, Callable[..., bytes]] = {
    "whole": lambda own, **more: own("audio.speech.create", **{**SPEECH, **more}).content,
    "raw": lambda own, **more: own("audio.speech.with_raw_response.create", **{**SPEECH, **more}).content,
    "streamed": lambda own, **more: own.read("audio.speech.create", **{**SPEECH, **more})[1],
}
"""The ways to have a sound: its bytes."""

EACH = pytest.mark.parametrize("way", WAYS)


@EACH
def test_what_is_to_be_said_is_judged(client: Any, fake: Any, kit: Any, silence: bytes, way: str) -> None:
    """Before anybody says it; what goes on says what is left."""
    gives(fake, kit, silence)
    for more in ({"input": "the zqxbomb"}, {"instructions": "like a zqxbomb"}):
        with pytest.raises(Blocked, match="Not that"):
            WAYS[way](client(on_block="answer"), **more)
    assert fake.asked == []
    assert WAYS[way](client(), input="a zqxmask", response_format="wav") == silence
    assert fake.asked[0].path == "/v1/audio/speech"
    assert fake.asked[0].json == {**SPEECH, "input": "a [MASK]", "response_format": "wav"}


SAID = [
    *(("all is well", "allow", way) for way in WAYS),
    *(("the zqxbomb", "block", way) for way in WAYS),
    *(("a zqxmask", "redact", way) for way in WAYS),
    ("a zqxflag", "flag", "whole"),
]


@pytest.mark.parametrize(
    ("said", "action", "way"),
    [("all is well", "allow", "whole"), ("the zqxbomb", "block", "streamed"), ("a zqxmask", "redact", "raw")],
)
@pytest.mark.parametrize("form", ["pcm"])
def test_what_is_said_in_a_sound_is_judged_before_it_is_had(
    hears: Any, fake: Any, kit: Any, audio_kit: Any, transcriber: Any, spoken: Any, way: str, form: str, said: str,
    action: str,
) -> None:  # fmt: skip
    """By what a transcriber hears, of a file and of bare samples; these stay so, also where something in them is silent now."""
    transcriber.answers({"text": said})
    sound = (audio_kit.bare if form == "pcm" else audio_kit.taped)(spoken(2, 1))
    gives(fake, kit, sound, f"audio/{form}")
    if action == "block":
        with pytest.raises(Blocked, match="Not that"):
            WAYS[way](hears, response_format=form)
    else:
        got = WAYS[way](hears, response_format=form)
        assert (got == sound) == (action != "redact")
        assert len(got) == len(sound)
        assert any(got[100:]) == (action != "redact")
    assert len(transcriber.asked) == 1


HELD = [
    ("all is well", True, "streamed"),
    ("the zqxbomb", False, "streamed"),
    ("a zqxmask", False, "whole"),
    ("all is well", True, "whole"),
    ("all is well", True, "raw"),
]


@pytest.mark.parametrize(("said", "passes", "way"), HELD[:3])
@pytest.mark.parametrize("form", ["pcm"])
def test_a_streamed_sound_is_held_until_it_was_judged(
    hears: Any, fake: Any, kit: Any, audio_kit: Any, transcriber: Any, spoken: Any, way: str, form: str, said: str,
    passes: bool,
) -> None:  # fmt: skip
    """All of its pieces as one, which nothing can be redacted in; then it goes on in the same pieces, and nothing beside them."""
    transcriber.answers({"text": said})
    sound = (audio_kit.bare if form == "pcm" else audio_kit.taped)(spoken(2, 1))
    pieces = [b64encode(each).decode() for each in (sound[:9_999], sound[9_999:])]
    told: list[dict[str, Any]] = [
        *({"type": "speech.audio.delta", "audio": each} for each in pieces),
        {"type": "speech.audio.done", "usage": {"total_tokens": 3}},
    ]
    raw = b": zqxbomb\n\nid: zqxbomb\n" + audio_kit.events(*told)
    gives(fake, kit, raw, "text/event-stream; charset=utf-8")
    asked = {"response_format": form, "stream_format": "sse"}
    if not passes:
        with pytest.raises(Blocked):
            WAYS[way](hears, **asked)
        return
    lines = WAYS[way](hears, **asked).decode().splitlines()
    assert [json.loads(line[6:]) for line in lines if line.startswith("data: ")] == told
    assert [line[7:] for line in lines if line.startswith("event: ")] == [each["type"] for each in told]
    assert "zqxbomb" not in "".join(lines)


@each_case("samples", [False, True], ids=["file", "samples"])
def test_speech_that_nobody_transcribes_follows_the_policy(
    client: Any, guard_of: Any, kit: Any, fake: Any, audio_kit: Any, spoken: Any, samples: bool
) -> None:
    """By default it goes on; where that is chosen it is stopped. Silence says nothing."""
    made = audio_kit.bare if samples else audio_kit.taped
    asked = {"response_format": "pcm" if samples else "wav"}
    strict = client(guard_of(kit.POLICY + "unchecked: {audio: block}\n"))
    for sound in (made(spoken(2, 1)), made(np.zeros(16_000))):
        gives(fake, kit, sound, "application/octet-stream")
        assert WAYS["whole"](client(), **asked) == sound
    assert WAYS["whole"](strict, **asked) == sound
    gives(fake, kit, made(spoken(2, 1)), "application/octet-stream")
    with pytest.raises(Blocked):
        WAYS["whole"](strict, **asked)


@EACH
@each_case(
    ("data", "media", "error"),
    [
        (b"no sound at all", "audio/mpeg", Blocked),
        (b"", "audio/mpeg", Blocked),
        (b"x" * 4_800, "audio/pcm", Blocked),
        (b"<script>", "text/html", BackendError),
        (b'{"url": "https://x.example"}', "application/json", BackendError),
        (b"\x89PNG\r\n\x1a\n", "image/png", BackendError),
        (
            b'data: {"type": "speech.audio.delta", "audio": "no Base64"}\n\n',
            "text/event-stream",
            BackendError,
        ),
        (b"data: []\n\n", "text/event-stream", BackendError),
        (b"data: \xff\n\n", "text/event-stream", BackendError),
    ],
)
def test_what_is_no_sound_is_not_had(
    client: Any, fake: Any, kit: Any, data: bytes, media: str, error: Any, way: str
) -> None:
    """Samples are one where they were asked for alone."""
    gives(fake, kit, data, media)
    with pytest.raises(error):
        WAYS[way](client())


@EACH
def test_a_part_of_a_sound_is_not_had(client: Any, fake: Any, kit: Any, silence: bytes, way: str) -> None:
    """Nobody could judge it."""
    gives(fake, kit, silence[:900], status=206)
    with pytest.raises(BackendError, match="without the header Range"):
        WAYS[way](client())


def test_a_transcriber_that_fails_lets_nothing_pass(
    hears: Any, fake: Any, kit: Any, transcriber: Any, voice: bytes
) -> None:
    """What is said is not known."""
    transcriber.answers({"error": {}}, 500)
    gives(fake, kit, voice)
    with pytest.raises(Blocked):
        WAYS["whole"](hears)


def hear(own: Any, sound: Any, to: str = "transcriptions", **more: Any) -> Any:
    """Have a sound transcribed."""
    return own(f"audio.{to}.create", model="m", file=sound, **more)


TO = each_case("to", ["transcriptions", "translations"])


@pytest.mark.parametrize("to", ["translations"])
@pytest.mark.parametrize(
    "given",
    [lambda sound: ("a.wav", sound, "audio/wav"), io.BytesIO, lambda sound: sound],
    ids=["named", "open", "bytes"],
)
def test_what_is_said_in_a_sound_is_judged_before_it_is_sent(
    hears: Any, fake: Any, audio_kit: Any, transcriber: Any, spoken: Callable[..., Any], given: Any, to: str
) -> None:
    """However it is given: what was judged goes out."""
    fake.answers({"text": "Hello."})
    fine, offending = (audio_kit.taped(spoken(1, seed)) for seed in (1, 2))
    assert hear(hears, given(fine), to).text == "Hello."
    assert (fake.asked[0].path, fake.asked[0].raw.count(fine)) == (f"/v1/audio/{to}", 1)
    transcriber.answers({"text": "the zqxbomb"})
    with pytest.raises(Blocked, match="Not that"):
        hear(hears, given(offending), to)
    assert len(fake.asked) == 1


def test_what_is_said_in_a_film_is_judged_before_it_is_sent(
    client: Any, looking: Any, fake: Any, offending: bytes
) -> None:
    """And what it shows; where that is covered it is a film again."""
    fake.answers({"text": "Hello."})
    plain = film(scene(12), sound=tone(0.4))
    given = ("a.mp4", plain, "video/mp4")
    assert hear(client(looking("block")), given).text == "Hello."
    assert plain in fake.asked[-1].raw
    with pytest.raises(Blocked):
        hear(client(looking("block")), ("a.mp4", offending, "video/mp4"))
    assert hear(client(looking("redact")), ("a.mp4", offending, "video/mp4")).text == "Hello."
    assert offending not in fake.asked[-1].raw
    assert len(fake.asked) == 2


@each_case(
    "more",
    [
        {"prompt": "the zqxbomb"},
        {"language": "a zqxbomb"},
        {"known_speaker_names": ["x", "zqxbomb"], "known_speaker_references": ["data:audio/wav;base64,UklGRg==", "x"]},
        {"file": ("zqxbomb.wav", b"RIFF", "audio/wav")},
        {"file": ("a.wav", b"no sound", "audio/wav")},
        {"extra_body": {"x_new": "zqxbomb"}},
    ],
)  # fmt: skip
def test_what_is_sent_beside_a_sound_is_judged(client: Any, fake: Any, silence: bytes, more: Any) -> None:
    """Each text, the name of the file, and what is no sound."""
    given: dict[str, Any] = {"file": ("a.wav", silence, "audio/wav"), **more}
    with pytest.raises(Blocked):
        hear(client(), given.pop("file"), **given)
    assert fake.asked == []


SRT = "1\n00:00:00,000 --> 00:00:01,000\nHello @\n\n"
FORMS: dict[str, tuple[str, str]] = {
    "text": ("text/plain; charset=utf-8", "Hello @\n"),
    "srt": ("text/plain", SRT),
    "vtt": ("text/vtt", "WEBVTT\n\n00:00:00.000 --> 00:00:01.000\nHello @\n"),
    "json": ("application/json", json.dumps({"text": "Hello @"})),
    "verbose_json": (
        "application/json",
        json.dumps(
            {"text": "Hello @", "duration": 1.5, "language": "english", "segments": [{"id": 0, "text": "Hello @"}]}
        ),
    ),
}  # fmt: skip
"""What is asked for, and how it is answered."""


@pytest.mark.parametrize("to", ["transcriptions"])
@pytest.mark.parametrize("form", FORMS)
def test_what_was_heard_is_judged_in_every_form(
    client: Any, fake: Any, kit: Any, silence: bytes, to: str, form: str
) -> None:
    """As it came, redacted, or not at all."""
    media, raw = FORMS[form]

    def heard(word: str) -> Any:
        gives(fake, kit, raw.replace("@", word).encode(), media)
        answer = hear(client(), silence, to, response_format=form)
        return answer if isinstance(answer, str) else answer.model_dump_json()

    for said, left in (("there", "there"), ("zqxmask", "[MASK]")):
        answer = heard(said)
        assert f"Hello {left}" in answer
        assert "zqxmask" not in answer
    assert heard("there") == raw.replace("@", "there") or "json" in form
    with pytest.raises(Blocked):
        heard("zqxbomb")


def spelled(text: str, size: int = 3) -> list[dict[str, Any]]:
    """Return the events of a stream that says a text."""
    deltas = [
        {"type": "transcript.text.delta", "delta": text[at : at + size]} for at in range(0, len(text), size)
    ]
    return [*deltas, {"type": "transcript.text.done", "text": text}]


@each_case(
    ("said", "left"), [("Hello there.", "Hello there."), ("a zqxmask.", "a [MASK]."), ("a zqxbomb.", None)]
)
@each_case("raw", [False, True])
def test_a_stream_of_what_was_heard_is_held_until_it_was_judged(
    client: Any, fake: Any, kit: Any, audio_kit: Any, silence: bytes, said: str, left: str | None, raw: bool
) -> None:
    """In the SDK's own types; a word that is cut over two events is a word."""
    gives(fake, kit, audio_kit.events(*spelled(said)), "text/event-stream")
    own = client()

    def got() -> Any:
        if raw:
            asked = {"model": "m", "file": silence, "stream": True}
            return own.read("audio.transcriptions.create", **asked)[1].decode()
        return hear(own, silence, stream=True)

    if left is None:
        with pytest.raises(Blocked):
            got()
        return
    if raw:
        assert f'"text":"{left}"' in got().replace('"text": "', '"text":"')
        assert said == left or "zqx" not in got()
        return
    events = got()
    assert type(events[-1]) is openai.types.audio.TranscriptionTextDoneEvent
    assert events[-1].text == left
    assert "".join(event.delta for event in events[:-1]) == left
    assert b'name="stream"\r\n\r\ntrue' in fake.asked[-1].raw


def test_a_stream_in_which_the_model_fails_says_so(
    client: Any, fake: Any, kit: Any, audio_kit: Any, silence: bytes
) -> None:
    """In its own words, which are judged."""
    for said, told in (("a cat", openai.APIError), ("a zqxbomb", Blocked)):
        gives(fake, kit, audio_kit.events({"type": "error", "error": {"message": said}}), "text/event-stream")
        with pytest.raises(told):
            hear(client(), silence, stream=True)


@TO
@each_case(
    ("data", "media"),
    [(b"x", "audio/wav"), (b"\xff\xfe", "text/plain"), (b"[1]", "application/json"), (b"<p>", "text/html")],
)
def test_other_answers_are_refused(
    client: Any, fake: Any, kit: Any, silence: bytes, to: str, data: bytes, media: str
) -> None:
    """What is neither JSON nor a text."""
    gives(fake, kit, data, media)
    with pytest.raises(BackendError):
        hear(client(), silence, to)


def test_azures_client_is_guarded_too(policy_guard: Guard, fake: Any, kit: Any, silence: bytes) -> None:
    """At its own paths; the deployment is the model."""
    bare = openai.AzureOpenAI(
        azure_endpoint=fake.url.removesuffix("/v1"), api_key="k", api_version="1", max_retries=0
    )
    gives(fake, kit, silence)
    with policy_guard.wrap(bare) as made:
        assert made.audio.speech.create(model="d", voice="alloy", input="a zqxmask").content == silence
        with pytest.raises(Blocked):
            made.audio.speech.create(model="d", voice="alloy", input="a zqxbomb")
        fake.answers({"text": "a zqxmask"})
        assert made.audio.transcriptions.create(model="d", file=silence).text == "a [MASK]"
    paths = [f"/openai/deployments/d/audio/{name}?api-version=1" for name in ("speech", "transcriptions")]
    assert [each.path for each in fake.asked] == paths
