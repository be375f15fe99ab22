"""The audio API: what is to be said and what it sounds like is judged, and what is to be heard and what was heard."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import openai
import pytest

from guardrails import Guard
from tests.cases import each_case
from tests.proxy import audio_kit
from tests.proxy.audio_kit import bare, events, taped
from tests.proxy.conftest import EVERYWHERE, POLICY, Answer, Fake, RawReply
from tests.proxy.image_kit import form

CARDS = f"""
detectors:
  card: {{use: terms, terms: [zqx mask one], category: custom.card}}
rules:
  - {{id: card, on: {EVERYWHERE}, when: custom.card > 0, then: redact}}
"""


@pytest.fixture(scope="module")
def silence() -> bytes:
    """A file in which nobody speaks."""
    return taped(np.zeros(16_000, np.float32))


@pytest.fixture(scope="module")
def voice(spoken: Callable[..., Any]) -> bytes:
    """A file in which somebody speaks."""
    return taped(spoken(2, 1))


@pytest.fixture
def transcriber(fakes: list[Fake]) -> Fake:
    """The server that transcribes for the guard."""
    fakes[0].answers({"text": "all is well"})
    return fakes[0]


@pytest.fixture
def listening(
    transcriber: Fake, guard_of: Callable[..., Guard], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Guard:
    """A guard that has what is said transcribed."""
    return audio_kit.listening(guard_of, POLICY, transcriber.url, tmp_path, monkeypatch)


@pytest.fixture
def client(serve: Callable[..., str]) -> Iterator[Callable[..., openai.OpenAI]]:
    """Return a function: a guard in, a client of a proxy with it out."""
    made: list[openai.OpenAI] = []

    def start(guard: Guard | None = None) -> openai.OpenAI:
        made.append(openai.OpenAI(base_url=f"{serve(guard)}/v1", api_key="k", max_retries=0))
        return made[-1]

    yield start
    for each in made:
        each.close()


def gives(fake: Fake, data: bytes, media: str = "audio/wav") -> None:
    """Have the upstream answer with a file."""
    fake.reply = RawReply([data], content_type=media)


@contextmanager
def stopped(status: int) -> Iterator[None]:
    """Expect what is stopped."""
    with pytest.raises(openai.APIStatusError) as raised:
        yield
    body: Any = raised.value.body
    assert (raised.value.status_code, body["code"]) == (status, "content_filter")


def test_what_is_to_be_said_is_judged(client, fake, silence) -> None:
    """Before anybody says it; what goes on says what is left."""
    own = client()
    with stopped(400):
        own.audio.speech.create(model="m", voice="alloy", input="the zqxbomb")
    with stopped(400):
        own.audio.speech.create(model="m", voice="alloy", input="x", instructions="like a zqxbomb")
    assert not fake.asked
    gives(fake, silence)
    got = own.audio.speech.create(model="m", voice="alloy", input="a zqxmask", response_format="wav")
    assert got.read() == silence
    assert fake.asked[0].json["input"] == "a [MASK]"
    assert fake.asked[0].path == "/v1/audio/speech"


@pytest.mark.parametrize(
    ("said", "action"),
    [("all is well", "allow"), ("the zqxbomb", "block"), ("a zqxmask", "redact"), ("a zqxflag", "flag")],
)
def test_what_is_said_in_a_sound_is_judged_before_it_is_given_out(
    client, fake, transcriber, listening, voice, said, action
) -> None:
    """By what a transcriber hears; where that is to be redacted, the sound is silent for as long as it may be said."""
    own = client(listening)
    transcriber.answers({"text": said})
    gives(fake, voice)
    if action == "block":
        with stopped(403):
            own.audio.speech.create(model="m", voice="alloy", input="x")
    else:
        got = own.audio.speech.create(model="m", voice="alloy", input="x")
        sound = got.read()
        assert (sound == voice) == (action != "redact")
        assert len(sound) == len(voice)
        assert any(sound[100:]) == (action != "redact")
        assert got.response.headers["x-guardrails-action"] == action
        assert got.response.headers["content-type"] == "audio/wav"
    assert [each.path for each in transcriber.asked] == ["/v1/audio/transcriptions"]


def test_a_transcriber_that_fails_lets_nothing_pass(client, fake, transcriber, listening, voice) -> None:
    """Nor does a sound that is none, or an answer of another kind."""
    own = client(listening)
    transcriber.answers({"error": {}}, 500)
    gives(fake, voice)
    with pytest.raises(openai.InternalServerError) as raised:
        own.audio.speech.create(model="m", voice="alloy", input="x")
    assert raised.value.code == "guard_unavailable"
    assert raised.value.response.headers["x-guardrails-unavailable"] == "service"
    for media in ("text/html", "application/json", "image/png"):
        gives(fake, b"<script>", media)
        with pytest.raises(openai.InternalServerError):
            own.audio.speech.create(model="m", voice="alloy", input="x")


@pytest.mark.parametrize(("heard", "action"), [("silence", "allow"), ("voice", "flag")])
def test_speech_that_nobody_transcribes_follows_the_policy(client, fake, request, heard, action) -> None:
    """By default it goes on and is named; silence says nothing."""
    data = request.getfixturevalue(heard)
    gives(fake, data)
    got = client().audio.speech.create(model="m", voice="alloy", input="x")
    assert got.read() == data
    assert got.response.headers["x-guardrails-action"] == action
    assert got.response.headers["x-guardrails-rules"] == ("unchecked.audio" if action == "flag" else "")


@pytest.mark.parametrize(("said", "status"), [("all is well", 200), ("the zqxbomb", 400)])
def test_a_streamed_sound_is_held_until_it_was_judged(
    serve, fake, kit, transcriber, listening, voice, said, status
) -> None:
    """All of its pieces as one; then it goes on in the same pieces."""
    transcriber.answers({"text": said})
    cut = len(voice) // 2
    pieces = [b64encode(voice[:cut]).decode(), b64encode(voice[cut:]).decode()]
    usage = {"input_tokens": 1, "output_tokens": 2, "total_tokens": 3}
    told = [
        *({"type": "speech.audio.delta", "audio": each} for each in pieces),
        {"type": "speech.audio.done", "usage": usage},
    ]
    gives(fake, events(*told), "text/event-stream")
    body = {"model": "m", "voice": "alloy", "input": "x", "stream_format": "sse"}
    answer: Answer = kit.send(serve(listening), "/v1/audio/speech", body)
    assert answer.status == status
    if status == 200:
        assert answer.frames == told
    else:
        assert pieces[0].encode() not in answer.raw


BARE: dict[str, Any] = {"model": "m", "voice": "alloy", "input": "x", "response_format": "pcm"}


@pytest.mark.parametrize("media", ["audio/pcm", "application/octet-stream"])
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize(
    ("said", "action"), [("all is well", "allow"), ("the zqxbomb", "block"), ("a zqxflag", "flag")]
)
def test_bare_samples_are_heard_as_the_sound_that_they_are(
    serve, fake, kit, transcriber, listening, spoken, media, stream, said, action
) -> None:
    """Where they were asked for; they go on as they came."""
    transcriber.answers({"text": said})
    samples = bare(spoken(2, 1))
    told = [{"type": "speech.audio.delta", "audio": b64encode(samples).decode()}]
    if stream:
        gives(fake, events(*told), "text/event-stream")
    else:
        gives(fake, samples, media)
    body = {**BARE, "stream_format": "sse"} if stream else BARE
    answer: Answer = kit.send(serve(listening), "/v1/audio/speech", body)
    assert len(transcriber.asked) == 1
    assert answer.action[0] == action
    if action == "block":
        assert (answer.status, answer.error["code"]) == (400 if stream else 403, "content_filter")
    elif stream:
        assert answer.frames == told
    else:
        assert (answer.raw, answer.headers["content-type"]) == (samples, media)


def test_bare_samples_in_which_something_is_redacted_stay_bare(
    serve, fake, kit, transcriber, listening, spoken
) -> None:
    """They are as many, and silent."""
    transcriber.answers({"text": "a zqxmask"})
    samples = bare(spoken(2, 1))
    gives(fake, samples, "audio/pcm")
    answer: Answer = kit.send(serve(listening), "/v1/audio/speech", BARE)
    assert (answer.status, answer.action[0], answer.headers["content-type"]) == (200, "redact", "audio/pcm")
    assert answer.raw == bytes(len(samples))


@each_case(("seconds", "action"), [(0, "allow"), (2, "flag")])
def test_bare_samples_that_nobody_transcribes_follow_the_policy(
    serve, fake, kit, spoken, seconds, action
) -> None:
    """By default speech goes on and is named; silence says nothing."""
    samples = bare(spoken(seconds, 1)) if seconds else bytes(48_000)
    gives(fake, samples, "audio/pcm")
    answer: Answer = kit.send(serve(), "/v1/audio/speech", BARE)
    assert (answer.status, answer.raw) == (200, samples)
    assert answer.action == (action, "unchecked.audio" if action == "flag" else "")


@each_case(
    ("asked", "media"),
    [("wav", "audio/pcm"), ("pcm", "audio/l16"), ("PCM", "audio/pcm"), (None, "audio/pcm")],
)
def test_bare_samples_that_nobody_asked_for_are_no_sound(serve, fake, kit, spoken, asked, media) -> None:
    """What they are nobody knows."""
    gives(fake, bare(spoken(2, 1)), media)
    answer: Answer = kit.send(serve(), "/v1/audio/speech", {**BARE, "response_format": asked})
    assert answer.status == 403


def test_a_file_is_a_file_although_samples_were_asked_for(
    serve, fake, kit, transcriber, listening, voice
) -> None:
    """It is heard as what its bytes are; where it is said to be samples it is stopped, as it is not what is said."""
    transcriber.answers({"text": "the zqxbomb"})
    url = serve(listening)
    for media, heard in (("audio/wav", 1), ("application/octet-stream", 2), ("audio/pcm", 2)):
        gives(fake, voice[:-1] + bytes([heard]), media)
        answer: Answer = kit.send(url, "/v1/audio/speech", BARE)
        assert (answer.status, len(transcriber.asked)) == (403, heard)


SAID = "Hello there. All is well."


def test_what_was_heard_comes_in_every_form(client, fake, silence) -> None:
    """As the upstream says it, byte for byte."""
    own = client()
    ask: Callable[..., Any] = own.audio.transcriptions.create
    file = ("a.wav", silence, "audio/wav")
    fake.answers({"text": SAID})
    assert ask(model="m", file=file).text == SAID
    assert silence in fake.asked[-1].raw
    verbose = {
        "task": "transcribe", "language": "english", "duration": 1.0, "text": SAID,
        "segments": [
            {"id": 0, "seek": 0, "start": 0.0, "end": 0.5, "text": "Hello there.", "tokens": [1, 2], "temperature": 0.0,
             "avg_logprob": -0.1, "compression_ratio": 1.0, "no_speech_prob": 0.0},
            {"id": 1, "seek": 0, "start": 0.5, "end": 1.0, "text": " All is well.", "tokens": [3], "temperature": 0.0,
             "avg_logprob": -0.1, "compression_ratio": 1.0, "no_speech_prob": 0.0},
        ],
        "words": [{"word": "Hello", "start": 0.0, "end": 0.2}, {"word": "there", "start": 0.2, "end": 0.5}],
    }  # fmt: skip
    fake.answers(verbose)
    got = ask(
        model="m", file=file, response_format="verbose_json", timestamp_granularities=["word", "segment"]
    )
    assert [each.text for each in got.segments] == ["Hello there.", " All is well."]
    assert got.words[0].word == "Hello"
    assert fake.asked[-1].raw.count(b'name="timestamp_granularities[]"') == 2
    for form_, media, raw in (
        ("text", "text/plain; charset=utf-8", SAID + "\n"),
        (
            "srt",
            "text/plain",
            "1\n00:00:00,000 --> 00:00:01,000\nHello there.\n\n2\n00:00:01,000 --> 00:00:02,000\nAll is well.\n\n",
        ),
        ("vtt", "text/vtt", "WEBVTT\n\n00:00:00.000 --> 00:00:01.000\nHello there.\n\n"),
    ):
        gives(fake, raw.encode(), media)
        assert ask(model="m", file=file, response_format=form_) == raw
    fake.answers({"text": SAID})
    with pytest.warns(DeprecationWarning, match="deprecated"):  # of OpenAI's; other servers keep it
        translated = own.audio.translations.create(model="m", file=file)
    assert translated.text == SAID
    assert fake.asked[-1].path == "/v1/audio/translations"


@pytest.mark.parametrize(
    "more",
    [
        {"prompt": "the zqxbomb"},
        {"language": "a zqxbomb"},
        {
            "known_speaker_names": ["x", "zqxbomb"],
            "known_speaker_references": ["data:audio/wav;base64,UklGRg==", "x"],
        },
        {"keywords": ["zqxbomb"]},
        {"file": ("zqxbomb.wav", taped([0.0]), "audio/wav")},
        {"extra_body": {"x_new": "zqxbomb"}},
    ],
)
def test_what_is_sent_beside_a_sound_is_judged(client, fake, silence, more) -> None:
    """Each text, and the name of the file."""
    given: dict[str, Any] = {"model": "m", "file": ("a.wav", silence, "audio/wav"), **more}
    ask: Callable[..., Any] = client().audio.transcriptions.create
    with stopped(400):
        ask(**given)
    assert not fake.asked


def test_what_is_said_in_a_sound_is_judged_before_it_is_sent(
    client, fake, transcriber, listening, voice
) -> None:
    """And what its file says of itself."""
    own = client(listening)
    transcriber.answers({"text": "the zqxbomb"})
    with stopped(400):
        own.audio.transcriptions.create(model="m", file=("a.wav", voice, "audio/wav"))
    with stopped(400):
        own.audio.transcriptions.create(model="m", file=("a.mp4", b"....ftypisom", "video/mp4"))
    assert not fake.asked
    transcriber.answers({"text": "all is well"})
    fake.answers({"text": SAID})
    another = voice[:-2] + b"\x01\x00"
    assert own.audio.transcriptions.create(model="m", file=("a.wav", another, "audio/wav")).text == SAID


SRT = "1\n00:00:00,000 --> 00:00:01,000\nHello zqx\n\n2\n00:00:01,000 --> 00:00:02,000\nmask one, all is well.\n"


@each_case(
    ("media", "raw"),
    [
        ("application/json", {"text": "the zqxbomb"}),
        ("application/json", {"text": "x", "segments": [{"text": "zqx"}, {"text": "bomb"}]}),
        ("application/json", {"text": "x", "words": [{"word": "zqxbomb"}]}),
        ("application/json", {"text": "x", "segments": [{"text": "x", "speaker": "zqxbomb"}]}),
        ("application/json", {"text": "x", "x_new": "zqxbomb"}),
        ("text/plain", b"the zqxbomb\n"),
        ("text/vtt", b"WEBVTT - zqxbomb\n\n"),
        ("text/vtt", b"WEBVTT\n\n00:00.000 --> 00:01.000 zqxbomb\nx\n"),
        ("text/plain", b"1\n00:00:00,000 --> 00:00:01,000\nx zqxbomb\n"),
        ("text/event-stream", events({"type": "transcript.text.delta", "delta": "zqx"}, {"type": "transcript.text.delta", "delta": "bomb"}, {"type": "transcript.text.done", "text": "x"})),
        ("text/event-stream", events({"type": "transcript.text.done", "text": "zqxbomb"})),
        ("text/event-stream", events({"type": "transcript.text.segment", "text": "x", "speaker": "zqxbomb"})),
    ],
)  # fmt: skip
def test_what_was_heard_is_judged(serve, fake, kit, silence, media, raw) -> None:
    """In every form, also where it is cut in two."""
    gives(fake, raw if isinstance(raw, bytes) else json.dumps(raw).encode(), media)
    body, headers = form(("model", "m"), ("file", silence))
    answer: Answer = kit.send(
        serve(),
        "/v1/audio/transcriptions",
        body.replace(b"a.png", b"a.wav").replace(b"image/png", b"audio/wav"),
        headers,
    )
    assert (answer.status, answer.error["code"]) == (400, "content_filter")
    assert b"bomb" not in answer.raw.replace(b"bomb.block", b"")


def test_redaction_leaves_times_as_they_are(serve, fake, kit, silence, guard_of) -> None:
    """What was changed is not spelled again; a find over two cues leaves both."""
    url = serve(guard_of(CARDS))
    body, headers = form(("model", "m"), ("file", silence))
    body = body.replace(b"a.png", b"a.wav").replace(b"image/png", b"audio/wav")

    def ask() -> Answer:
        got: Answer = kit.send(url, "/v1/audio/transcriptions", body, headers)
        assert (got.status, got.action[0]) == (200, "redact"), got.raw
        return got

    segments = [
        {"id": 0, "start": 0.0, "end": 0.5, "text": "Hello zqx", "tokens": [1]},
        {"id": 1, "start": 0.5, "end": 1.0, "text": " mask one, you.", "tokens": [2]},
    ]
    whole = {
        "text": "Hello zqx mask one, you.",
        "segments": segments,
        "words": [{"word": "zqx", "start": 0.0, "end": 0.1}],
    }
    fake.answers(whole)
    told = ask().json
    assert "zqx" not in json.dumps(told)
    assert told["text"] == "Hello [CARD], you."
    assert [(each["start"], each["end"], each["tokens"]) for each in told["segments"]] == [
        (0.0, 0.5, []),
        (0.5, 1.0, []),
    ]
    assert "".join(each["text"] for each in told["segments"]) == told["text"]
    assert "words" not in told
    fake.answers(
        {**whole, "segments": [{**segments[0], "text": "Hello"}]}
    )  # which does not say what the text says
    assert ask().json["segments"] == []
    gives(fake, SRT.replace("zqx\n\n2", "zqx mask one\n\n2").encode(), "text/plain")
    lines = ask().raw.decode().splitlines()
    assert lines[:3] == ["1", "00:00:00,000 --> 00:00:01,000", "Hello [CARD]"]
    assert lines[3:6] == ["", "2", "00:00:01,000 --> 00:00:02,000"]
    deltas = [
        {"type": "transcript.text.delta", "delta": each} for each in ("Hello zqx", " mask", " one, you.")
    ]
    done = {
        "type": "transcript.text.done",
        "text": "Hello zqx mask one, you.",
        "logprobs": [{"token": "zqx", "logprob": -1.0, "bytes": []}],
    }
    gives(fake, events(*deltas, done), "text/event-stream")
    got = ask()
    assert "".join(each.get("delta", "") for each in got.frames) == "Hello [CARD], you."
    assert got.frames[-1] == {"type": "transcript.text.done", "text": "Hello [CARD], you."}


def test_a_stream_is_read_by_the_client_of_the_api(client, fake, silence) -> None:
    """It comes as one, at its end."""
    deltas = [{"type": "transcript.text.delta", "delta": each} for each in ("Hello", " there.")]
    gives(
        fake, events(*deltas, {"type": "transcript.text.done", "text": "Hello there."}), "text/event-stream"
    )
    ask: Callable[..., Any] = client().audio.transcriptions.create
    got = [*ask(model="m", file=("a.wav", silence, "audio/wav"), stream=True)]
    assert [each.type for each in got] == [
        "transcript.text.delta",
        "transcript.text.delta",
        "transcript.text.done",
    ]
    assert "".join(each.delta for each in got[:2]) == got[2].text == "Hello there."


def test_other_answers_are_refused(serve, fake, kit, silence) -> None:
    """What is neither JSON nor a text is none, and what is no form is no request."""
    body, headers = form(("model", "m"), ("file", silence))
    url = serve()
    for raw, media in ((b"x", "audio/wav"), (b"\xff\xfe", "text/plain"), (b"[1]", "application/json")):
        gives(fake, raw, media)
        answer: Answer = kit.send(
            url, "/v1/audio/transcriptions", body.replace(b"image/png", b"audio/wav"), headers
        )
        assert (answer.status, answer.error["code"]) == (502, "upstream_invalid")
    fake.asked.clear()
    answer = kit.send(url, "/v1/audio/transcriptions", {"model": "m"})
    assert (answer.status, answer.error["code"]) == (400, "unsupported_media_type")
    answer = kit.send(url, "/v1/audio/speech", {"model": "m", "input": "x", "stream": "yes"})
    assert answer.status == 400
    assert not fake.asked
