"""Films in which something is found that rules redact: covered, cut, silenced, and judged again."""

from __future__ import annotations

import io
from base64 import b64decode, b64encode
from collections.abc import Callable
from functools import cache
from itertools import chain
from typing import Any

import av
import numpy as np
import pytest

from guardrails import Guard
from guardrails.detectors.speech.transcript import SoundTranscript
from guardrails.detectors.speech.transcript_text import SpokenText, TimedWord
from guardrails.engine.redaction.film_redaction import WHOLE, media_edits
from guardrails.media.rewrite.recode import FilmEdit
from guardrails.types import CLEAN, Audio, Detection, Finding, Video
from tests.cases import each_case
from tests.films import SQUARE, film, green, scene, taped, tone

GREEN = """
detectors:
  green: {use: green_square}
  words: {use: terms, terms: [zqxbomb], category: custom.bomb}
rules:
  - {id: green, on: [input, output], when: custom.green_square > 0.5, then: redact%s}
  - {id: bomb, on: [input, output], when: custom.bomb > 0, then: redact%s}
"""


@pytest.fixture
def redacting(guard_of: Callable[..., Guard]) -> Callable[..., Guard]:
    """Return a function: how a rule covers what it finds in films in, a guard out."""

    def make(how: str = "", **more: Any) -> Guard:
        said = f", with: {{video: {how}}}" if how else ""
        return guard_of(GREEN % (said, said), **more)

    return make


def frames(data: bytes) -> list[tuple[float, Any]]:
    """Return when each frame of a film is shown, and its pixels."""
    with av.open(io.BytesIO(data)) as found:
        return [(float(frame.time), frame.to_ndarray(format="rgb24")) for frame in found.decode(video=0)]


def is_green(pixels: Any) -> bool:
    """Tell whether the square is there."""
    x, y, wide, high = SQUARE
    inside = pixels[y + 10 : y + high - 10, x + 10 : x + wide - 10].reshape(-1, 3).mean(0)
    return bool(inside[1] > 180 and inside[0] < 90)


@cache
def filmed() -> bytes:
    """Return a film with a green square in its third second."""
    return film(chain(scene(60), green(30), scene(60, 2)))


HOWS = ("", "solid", "placeholder", "cut")
SHAPES = (bytes, Video, io.BytesIO)


@pytest.mark.parametrize(("how", "shape"), [("", bytes), ("placeholder", Video), ("cut", io.BytesIO)])
def test_a_stretch_is_covered_and_the_rest_stays(
    redacting: Callable[..., Guard], how: str, shape: Any
) -> None:
    """In every frame of it; frames elsewhere look as they did, at the times that they had, but for what was cut."""
    guard = redacting(how)
    verdict = guard.check(shape(filmed()), "output")
    assert (verdict.action.name, [rule.id for rule in verdict.rules]) == ("REDACT", ["green"])
    made: Any = verdict.content.data if isinstance(verdict.content, Video) else verdict.content
    before, after = frames(filmed()), frames(made)
    assert not any(is_green(pixels) for _, pixels in after)
    if how == "cut":
        assert 90 <= len(after) <= 120
    else:
        assert [round(at, 3) for at, _ in after] == [round(at, 3) for at, _ in before]
        for (_, old), (_, new) in zip(before[:40], after[:40], strict=True):
            assert np.abs(old.astype(int) - new.astype(int)).mean() < 12
    assert guard.check(made, "output").action.name == "ALLOW"


def test_what_the_file_says_goes(redacting: Callable[..., Guard]) -> None:
    """A film that was redacted has no subtitles and no texts about itself, and all its frames."""
    data = film(scene(60), "mkv", metadata={"title": "zqxbomb"}, captions=[(0, 900, "A zqxbomb.")])
    verdict = redacting().check(data, "output")
    made: Any = verdict.content
    assert [rule.id for rule in verdict.rules] == ["bomb"]
    assert b"zqxbomb" not in made
    assert len(frames(made)) == 60


def test_what_is_said_is_made_silent(guard_of: Callable[..., Guard], kind_of: Any) -> None:
    """For as long as it is said; the rest is heard as before."""

    class Hearer:
        inline = False

        def detect(self, batch: Any) -> list[Detection]:
            return [CLEAN] * len(batch)

        def hears(self, chunks: Any) -> SoundTranscript:
            sound = np.concatenate([samples for _, samples in chunks])
            heard = np.abs(sound[16_000 : 2 * 16_000]).max() > 0.1
            words = (TimedWord(0, 5, (0, 900)), TimedWord(6, 13, (1_100, 1_900)))
            return SoundTranscript(
                ((0, 2_000),), SpokenText("hello zqxbomb", "speech", (), words=words) if heard else None
            )

    policy = GREEN.replace("detectors:\n", "detectors:\n  own: {use: own}\n") % ("", "")
    guard = guard_of(policy, detectors={"own": kind_of(Hearer(), contents=frozenset({"video"}))})
    verdict = guard.check(film(scene(90), sound=tone(3, loud=0.4)), "output")
    assert (verdict.action.name, [each.clip for each in verdict.findings]) == ("REDACT", [(1_100, 1_900)])
    with av.open(io.BytesIO(verdict.content)) as made:  # type: ignore[arg-type]
        sound = np.concatenate([np.asarray(frame.to_ndarray())[0] for frame in made.decode(audio=0)])
    assert np.abs(sound[48_000 + 7_000 : 2 * 48_000 - 7_000]).max() < 0.01
    assert min(np.abs(sound[12_000:36_000]).max(), np.abs(sound[108_000:132_000]).max()) > 0.3


LISTENING = """
detectors:
  own: {use: own}
  words: {use: terms, terms: [zqxbomb], category: custom.bomb}
rules:
  - {id: bomb, on: [input, output], when: custom.bomb > 0, then: redact}
"""


def listening(guard_of: Callable[..., Guard], kind_of: Any, hears: Callable[[Any], SoundTranscript]) -> Guard:
    """Return a guard that redacts what is heard in a sound."""

    class Hearer:
        inline = False

        def detect(self, batch: Any) -> list[Detection]:
            return [CLEAN] * len(batch)

        def hears(self, chunks: Any) -> SoundTranscript:
            return hears(np.concatenate([samples for _, samples in chunks]))

    own = kind_of(Hearer(), contents=frozenset({"video"}))
    return guard_of(LISTENING, detectors={"own": own})


def says(sound: Any) -> SoundTranscript:
    """Hear a word in the second second of a sound, where that is not silent."""
    words = (TimedWord(0, 5, (0, 900)), TimedWord(6, 13, (1_100, 1_900)))
    loud = np.abs(sound[16_000 : 2 * 16_000]).max() > 0.1
    return SoundTranscript(
        ((0, 2_000),), SpokenText("hello zqxbomb", "speech", (), words=words) if loud else None
    )


def second(data: bytes) -> float:
    """Return how loud a sound is in the middle of its second second."""
    with av.open(io.BytesIO(data)) as made:
        sound = np.concatenate(
            [np.asarray(frame.to_ndarray(), float).ravel() for frame in made.decode(audio=0)]
        )
    return float(np.abs(sound[16_000 + 3_200 : 2 * 16_000 - 3_200]).max())


@each_case("shape", [bytes, Audio, io.BytesIO], ids=["bytes", "content", "file"])
def test_a_sound_alone_is_made_silent(guard_of: Callable[..., Guard], kind_of: Any, shape: Any) -> None:
    """In the shape in which it came; it is heard once more before it goes on."""
    guard = listening(guard_of, kind_of, says)
    data = taped(tone(3, loud=0.4, rate=16_000))
    verdict = guard.check(shape(data), "output")
    assert (verdict.action.name, [each.clip for each in verdict.findings]) == ("REDACT", [(1_100, 1_900)])
    made: Any = verdict.content.data if isinstance(verdict.content, Audio) else verdict.content
    assert (second(data) > 1_000, second(made)) == (True, 0.0)
    assert guard.check(made, "output").action.name == "ALLOW"


def test_a_sound_in_a_body_is_base64_again(guard_of: Callable[..., Guard], kind_of: Any) -> None:
    """Of the type that is said to be there."""
    data = taped(tone(3, loud=0.4, rate=16_000), "mp3", "mp3")
    part = {"type": "input_audio", "input_audio": {"data": b64encode(data).decode(), "format": "mp3"}}
    verdict = listening(guard_of, kind_of, says).check([{"role": "user", "content": [part]}], "input")
    assert verdict.action.name == "REDACT"
    made: Any = verdict.content
    sound = made[0]["content"][0]["input_audio"]
    assert sound["format"] == "mp3"
    assert second(b64decode(sound["data"])) < 0.01


def test_a_sound_in_which_something_is_still_heard_is_blocked(
    guard_of: Callable[..., Guard], kind_of: Any
) -> None:
    """However silent it is."""

    def always(_: Any) -> SoundTranscript:
        return SoundTranscript(
            ((0, 2_000),), SpokenText("zqxbomb", "speech", (), words=(TimedWord(0, 7, (100, 200)),))
        )

    verdict = listening(guard_of, kind_of, always).check(taped(tone(2, rate=16_000)), "output")
    assert (verdict.action.name, verdict.content) == ("BLOCK", None)
    assert [each.reason for each in verdict.rules] == ["not_redacted"]


@pytest.mark.parametrize("how", ["blur"])
def test_a_film_in_which_something_is_still_found_is_blocked(
    redacting: Callable[..., Guard], how: str
) -> None:
    """It is judged again; what covering does not help, as of a square that is as green pixelated, is not let out."""
    verdict = redacting(how).check(filmed(), "output")
    assert (verdict.action.name, verdict.content) == ("BLOCK", None)
    assert [(each.id, each.reason) for each in verdict.rules] == [("green", "not_redacted")]
    assert verdict.to_dict()["coverage"]["films"][0]["frames"] == 150  # type: ignore[index]


@pytest.mark.parametrize("how", ["solid"])
def test_faces_are_covered_in_every_frame(guard_of: Callable[..., Guard], face_drawn: Any, how: str) -> None:
    """A model sees one around a black box, too: that is the one that was covered."""
    rule = f"{{id: faces, on: output, when: pii.face > 0, then: redact, with: {{video: {how}}}}}"
    guard = guard_of("detectors:\n  faces: {use: image_faces}\nrules:\n  - " + rule)
    verdict = guard.check(film([face_drawn(150, (320, 240), (80, 40))] * 40), "output")
    assert (verdict.action.name, [each.category for each in verdict.findings]) == ("REDACT", ["pii.face"])
    (finding,) = verdict.findings
    assert finding.box is not None
    x, y, wide, high = finding.box
    assert 80 <= x < x + wide <= 240
    assert 30 <= y < y + high <= 200


@each_case(
    ("cover", "finding", "expected"),
    [
        ("solid", {"clip": (5, 9), "box": (1, 2, 3, 4)}, [FilmEdit((5, 9), "solid", ((1, 2, 3, 4),))]),
        ("blur", {"clip": (5, 9)}, [FilmEdit((5, 9), "blur")]),
        ("cut", {"clip": (5, 9), "box": (1, 2, 3, 4)}, [FilmEdit((5, 9), "cut")]),
        ("cut", {"clip": (5, 9), "origin": "speech"}, [FilmEdit((5, 9), "mute")]),
        ("solid", {"clip": (5, 9), "origin": "speech>base64"}, [FilmEdit((5, 9), "mute")]),
        ("solid", {"origin": "speech"}, [FilmEdit(WHOLE, "mute")]),
        ("solid", {"clip": (5, 9), "origin": "subtitle"}, []),
        ("solid", {"origin": "metadata"}, []),
        ("solid", {}, [FilmEdit(WHOLE, "solid")]),
        ("solid", {"clip": (5, 9), "box": (1, 2, 3, 4), "origin": "ocr"}, [FilmEdit((5, 9), "solid", ((1, 2, 3, 4),))]),
    ],
)  # fmt: skip
def test_what_is_done_about_a_finding(cover: str, finding: dict[str, Any], expected: list[FilmEdit]) -> None:
    """By where it comes from, and as its rule says."""

    class Rule:
        cover_film = cover

    assert media_edits([(Rule(), Finding("custom.x", 1.0, "d", **finding))]) == expected  # type: ignore[list-item]
