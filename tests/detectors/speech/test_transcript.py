"""What is said in sounds: when somebody speaks, what is asked of whom, and what becomes of failures."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from guardrails import Guard, PolicyErrors
from guardrails.cancellation import Cancelled, Token, within
from guardrails.detectors import PolicyFolder
from guardrails.detectors.binding import bind
from guardrails.detectors.kinds import find_kind
from guardrails.detectors.speech.transcribers import RemoteTranscriber
from guardrails.detectors.speech.transcript import (
    KIND,
    SoundTranscript,
    TranscriptConfig,
    TranscriptExtractor,
)
from guardrails.detectors.speech.transcript_text import Transcript
from guardrails.media.errors import MediaError
from guardrails.remote.endpoint import RemoteError
from guardrails.types import CLEAN, Audio, Unchecked
from tests.cases import each_case

Spoken = Callable[..., Any]


def quiet(seconds: float) -> Any:
    """Return silence."""
    return np.zeros(int(seconds * 16_000), np.float32)


def chunks(sound: Any, size: int = 1_600) -> Iterator[tuple[int, Any]]:
    """Yield a sound as a decoder does."""
    for at in range(0, len(sound), size):
        yield at // 16, sound[at : at + size]


def detector(transcriber: Any = None, **fields: Any) -> TranscriptExtractor:
    """Return a detector."""
    return TranscriptExtractor(TranscriptConfig.model_validate({"use": "transcript", **fields}), transcriber)


@pytest.fixture(scope="module")
def talk(spoken: Spoken) -> Any:
    """Two voices with a long pause between them."""
    return np.concatenate([quiet(1), spoken(2, 1), quiet(4), spoken(2, 3), quiet(1)])


def test_silence_has_nothing_to_read(transcribing: Any) -> None:
    """Nobody is asked, and nothing is unchecked."""
    served = RemoteTranscriber(transcribing.endpoint(), "whisper-1", plain=False)
    assert detector(served).hears(chunks(quiet(5))) == SoundTranscript()
    assert detector().hears(chunks(quiet(5))) == SoundTranscript()
    assert detector(served).hears(iter(())) == SoundTranscript()
    assert transcribing.asked == []


def test_speech_without_a_transcriber_is_unchecked(talk: Any) -> None:
    """With when it is, and nothing else."""
    heard = detector().hears(chunks(talk))
    assert len(heard.stretches) == 2
    assert sum(end - start for start, end in heard.stretches) > 3_500
    assert (heard.text, heard.error) == (None, None)
    [entry] = heard.unchecked
    assert entry.kind == "audio"
    assert entry.reason.startswith("speech that nobody transcribes (")


def test_what_is_said_comes_with_its_times(transcribing: Any, talk: Any) -> None:
    """Of all pieces in order, one text; what is not spoken is not sent."""
    words = [{"word": "number", "start": 1.0, "end": 1.5}]
    transcribing.answers = [(200, {"text": "my number", "words": words}), (200, {"text": "is 555"})]
    heard = detector(RemoteTranscriber(transcribing.endpoint(connections=1), "whisper-1", plain=False)).hears(
        chunks(talk)
    )
    assert heard.text is not None
    assert (heard.text.text, heard.unchecked, heard.error) == ("my number is 555", (), None)
    (first, _), second = heard.stretches
    assert heard.text.clip((3, 9)) == (first + 1_000, first + 1_500)
    assert heard.text.clip((13, 16)) == second
    assert sum(len(upload.sound) for upload in transcribing.asked) < 2 * 16_000 * 7


@pytest.mark.parametrize(
    ("answers", "error"),
    [
        ([(500, {})], "endpoint 'whisper': answered 500"),
        ([(200, {"text": "hello"}), (500, {})], "endpoint 'whisper': answered 500"),
        ([(200, {"text": "hello"}), (200, {})], "endpoint 'whisper': text is no text"),
    ],
)
def test_one_failure_is_that_of_the_whole(
    transcribing: Any, talk: Any, answers: list[tuple[int, Any]], error: str
) -> None:
    """What is said in the rest is not known; when somebody speaks is."""
    transcribing.answers = answers
    served = RemoteTranscriber(transcribing.endpoint(connections=1), "whisper-1", plain=False)
    heard = detector(served).hears(chunks(talk))
    assert heard.error == error
    assert len(heard.stretches) == 2


class Slow:
    """A transcriber that answers when it is told to, and counts."""

    concurrency = 2

    def __init__(self) -> None:
        self.futures: list[Future[Transcript]] = []
        self.begun = threading.Semaphore(0)

    def start(self, piece: Any) -> Future[Transcript]:
        """Keep the future."""
        self.futures.append(Future())
        self.begun.release()
        return self.futures[-1]

    def answer(self, count: int) -> None:
        """Answer the next pieces, each as it is asked for."""
        for at in range(count):
            assert self.begun.acquire(timeout=20)
            self.futures[at].set_result(Transcript(f"w{at}", (0, 1)))


def test_some_pieces_at_a_time_in_order(spoken: Spoken) -> None:
    """No more than the transcriber has use for."""
    sound = np.concatenate([each for _ in range(5) for each in (spoken(1, 1), quiet(3))])
    slow = Slow()
    thread = threading.Thread(target=slow.answer, args=(5,))
    thread.start()
    heard = detector(slow).hears(chunks(sound))
    thread.join()
    assert heard.text is not None
    assert heard.text.text == "w0 w1 w2 w3 w4"


def test_who_ends_early_gives_up(spoken: Spoken) -> None:
    """What a decoder raises goes through, and nothing is left under way."""

    def broken() -> Iterator[tuple[int, Any]]:
        yield from chunks(np.concatenate([spoken(1, 1), quiet(6)]))
        raise MediaError("truncated", "zqx")

    slow = Slow()
    with pytest.raises(MediaError, match="zqx"):
        detector(slow).hears(broken())
    assert [each.cancelled() for each in slow.futures] == [True]


class Failing:
    """A transcriber that cannot."""

    concurrency = 1

    def __init__(self, error: Exception) -> None:
        self.error, self.asked = error, 0

    def start(self, piece: Any) -> Future[Transcript]:
        """Fail."""
        self.asked += 1
        done: Future[Transcript] = Future()
        done.set_exception(self.error)
        return done


@each_case(
    ("error", "said"),
    [(RemoteError("endpoint 'x': zqx"), "endpoint 'x': zqx"), (ValueError("secret"), "raised ValueError")],
)
def test_after_a_failure_nothing_more_is_asked(spoken: Spoken, error: Exception, said: str) -> None:
    """What no service said is not repeated."""
    sound = np.concatenate([each for _ in range(4) for each in (spoken(1, 1), quiet(3))])
    failing = Failing(error)
    heard = detector(failing).hears(chunks(sound))
    assert (heard.error, heard.text, len(heard.stretches)) == (said, None, 4)
    assert failing.asked == 2  # the second began before the first was waited for


def test_more_speech_than_is_transcribed_is_a_limit(transcribing: Any, talk: Any) -> None:
    """The first seconds are; that the rest was not is told."""
    transcribing.answers = [(200, {"text": "hello"})]
    served = RemoteTranscriber(transcribing.endpoint(), "whisper-1", plain=False)
    heard = detector(served, seconds=4).hears(chunks(talk))
    assert heard.text is not None
    assert (heard.text.text, len(transcribing.asked)) == ("hello", 1)
    assert heard.unchecked == (Unchecked("limit", "more speech than is transcribed of one sound"),)


class Doubting:
    """A transcriber that is not sure of some pieces, by turns."""

    concurrency = 1

    def __init__(self, *doubts: str | None) -> None:
        self.doubts = [*doubts]

    def start(self, piece: Any) -> Future[Transcript]:
        """Write the same of each."""
        done: Future[Transcript] = Future()
        done.set_result(Transcript("zqx", (piece.start_ms, piece.end_ms), doubt=self.doubts.pop(0)))
        return done


def test_what_a_model_does_not_understand_is_unchecked(spoken: Spoken) -> None:
    """With when that was; what it wrote is judged all the same."""
    sound = np.concatenate([each for _ in range(4) for each in (spoken(1, 1), quiet(4))])
    heard = detector(Doubting("is unclear", None, "is no speech", "is unclear")).hears(chunks(sound))
    assert heard.text is not None
    assert heard.text.text == "zqx zqx zqx zqx"
    assert (heard.error, heard.lacks_transcriber) == (None, False)
    first, _, third, last = heard.stretches
    seconds = (first[1] - first[0] + last[1] - last[0]) / 1_000
    assert [(each.kind, each.reason) for each in heard.unchecked] == [
        ("audio", f"speech that is unclear ({seconds:.1f} s of it, from {first[0] / 1_000:.1f} s to {last[1] / 1_000:.1f} s)"),
        ("audio", f"speech that is no speech ({(third[1] - third[0]) / 1_000:.1f} s of it, from {third[0] / 1_000:.1f} s to {third[1] / 1_000:.1f} s)"),
    ]  # fmt: skip


def test_who_no_longer_waits_ends_it(spoken: Spoken) -> None:
    """Between two chunks, whatever transcribes."""
    token = Token()

    def given() -> Iterator[tuple[int, Any]]:
        yield from chunks(spoken(1, 1))
        token.cancel()
        yield 0, spoken(1, 1)
        raise AssertionError("it goes on")

    with within(token), pytest.raises(Cancelled):
        detector(Doubting()).hears(given())


def test_it_finds_nothing_itself() -> None:
    """What it hears is for the rules on texts."""
    assert detector().detect([Audio(b"x"), Audio(b"y")]) == [CLEAN, CLEAN]
    assert find_kind("transcript") is KIND
    assert KIND.contents == {"audio", "video"}


ENDPOINTS = "endpoints:\n  whisper: {url: 'http://127.0.0.1:9/v1'}\n  bedrock: {url: 'http://127.0.0.1:9', aws: {region: eu-central-1}}\n"


def policy(fields: str) -> str:
    """Return a policy with a transcriber."""
    return f"format: 1\nname: heard\ndetectors:\n  heard: {{use: transcript{fields}}}\n"


@each_case(
    "fields",
    [
        "",
        ", endpoint: whisper, model: whisper-1",
        ", endpoint: whisper, model: gpt-4o-transcribe, language: de",
        ", endpoint: whisper, model: x, answer: text, voice: 0.3, seconds: 60",
    ],
)
def test_policies_that_hold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fields: str) -> None:
    """No server is asked at load."""
    (tmp_path / "endpoints.yaml").write_text(ENDPOINTS)
    monkeypatch.setenv("GUARDRAILS_ENDPOINTS", str(tmp_path / "endpoints.yaml"))
    (tmp_path / "p.yaml").write_text(policy(fields))
    assert Guard.load(tmp_path / "p.yaml").check("hello").action == 0


@each_case(
    ("fields", "code", "message"),
    [
        (", endpoint: whisper", "missing_field", "an endpoint needs 'model'"),
        (", endpoint: other, model: x", "unknown_endpoint", "no endpoint 'other'"),
        (", endpoint: bedrock, model: x", "wrong_endpoint", "endpoint 'bedrock' is one of AWS"),
        (
            ", endpoint: whisper, model: x, device: cpu",
            "unused_field",
            "'device' is for models in this process",
        ),
        (", model: nowhere", "unreadable_model", "model 'nowhere': no such folder"),
        (", answer: text", "unused_field", "'answer' is for a server"),
        (", precision: float16", "unused_field", "'precision' is for a model, and there is none"),
        (", language: xx, endpoint: whisper, model: x", "unknown_language", "'xx' is not a language"),
        (", model: empty", "unreadable_model", "model 'empty': the folder has no config.json"),
        (", voice: 0", "invalid_value", "voice must be at least 0.05, not 0"),
        (
            ", model: whisper-tiny.en, device: cpu",
            "unused_field",
            "'device' is for models on torch, and 'whisper-tiny.en' runs without it",
        ),
        (
            ", model: whisper-tiny.en, language: de",
            "unknown_language",
            "model 'whisper-tiny.en' does not know the language 'de'",
        ),
        (
            ", model: whisper-tiny.en, language: en",
            "missing_extra",
            "model 'whisper-tiny.en': it is run by the package 'ctranslate2', which is not installed",
        ),
        (", model: whisper-base", "missing_extra", "model 'whisper-base': it is run by"),
    ],
)
def test_what_is_wrong_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fields: str, code: str, message: str
) -> None:
    """With its code, at load."""
    monkeypatch.setitem(sys.modules, "ctranslate2", None)
    (tmp_path / "endpoints.yaml").write_text(ENDPOINTS)
    (tmp_path / "empty").mkdir()
    monkeypatch.setenv("GUARDRAILS_ENDPOINTS", str(tmp_path / "endpoints.yaml"))
    (tmp_path / "p.yaml").write_text(policy(fields))
    with pytest.raises(PolicyErrors) as caught:
        Guard.load(tmp_path / "p.yaml")
    [problem] = caught.value
    assert (problem.code, message in problem.message) == (code, True)


def test_the_digest_is_of_the_model_of_voices_too(tmp_path: Path) -> None:
    """And the detector as a policy binds it hears."""
    config = TranscriptConfig(use="transcript")
    bound = bind("heard", KIND, config, _Files(tmp_path))
    assert bound.hears is not None
    assert bound.extracts is None
    assert bound.hears(chunks(quiet(1))) == SoundTranscript()
    assert (
        bound.digest
        != bind("heard", KIND, TranscriptConfig(use="transcript", voice=0.3), _Files(tmp_path)).digest
    )


class _Files(PolicyFolder):
    """A folder without endpoints."""

    def endpoint(self, name: str) -> Any:
        """There is none."""
        raise AssertionError(name)
