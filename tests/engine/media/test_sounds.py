"""The sound of films: heard track by track, and named where it is not."""

from __future__ import annotations

import io
import wave
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from guardrails.detectors.binding import BoundDetector
from guardrails.detectors.speech.transcript import SoundTranscript
from guardrails.engine.media.sounds import SoundCheck
from guardrails.media.audio.recording import open_recording as recorded
from guardrails.media.errors import MediaError
from guardrails.media.video.film_source import open_film
from guardrails.types import Unchecked
from tests.cases import each_case
from tests.films import film, scene

SILENCE = np.zeros(48_000, np.float32)


def hearer(heard: SoundTranscript) -> BoundDetector:
    """Return a transcriber that hears something, whatever it listens to."""

    def hears(chunks: Any) -> SoundTranscript:
        assert sum(len(samples) for _, samples in chunks) >= 16_000
        return heard

    return BoundDetector("own", None, frozenset(), hears=hears)  # type: ignore[arg-type]


SPOKEN = SoundTranscript(((0, 500),))
LEFT = Unchecked("audio", "nobody transcribes it")


@each_case(
    ("hearers", "state", "unchecked"),
    [
        ((), "silent", []),
        ((hearer(SoundTranscript()),), "silent", []),
        ((hearer(SPOKEN),), "checked", []),
        ((hearer(SoundTranscript(SPOKEN.stretches, None, (LEFT,))),), "not_checked", [LEFT]),
        ((hearer(SPOKEN), hearer(SoundTranscript(error="no", reason="service"))), "not_checked", [Unchecked("part", "what is said in it could not be transcribed: no", failure="service")]),
    ],
)  # fmt: skip
def test_what_is_known_of_a_sound(
    hearers: tuple[BoundDetector, ...], state: str, unchecked: list[Unchecked]
) -> None:
    """Silence is nothing to judge; what was not transcribed is named."""
    with open_film(film(scene(30), sound=SILENCE)) as found:
        hearing = SoundCheck(found, hearers)
        assert hearing.state == "not_checked"  # not yet
        for track in hearing.tracks:
            hearing.listen(track)
        assert (hearing.state, [*hearing.unchecked]) == (state, unchecked)


def test_no_sound_is_nothing_to_hear() -> None:
    """A film without any track of sound."""
    with open_film(film(scene(30))) as found:
        assert (SoundCheck(found, ()).state, SoundCheck(found, ()).tracks) == ("absent", [])


class Broken:
    """A film whose sound breaks off, as decoders say it."""

    def __init__(self, **told: Any) -> None:
        self.tracks = [type("Track", (), {"kind": "audio", "index": 3})()]
        self.told = {"stopped": None, "corrupt": 0, **told}

    @contextmanager
    def sound(self, track: int, channel: int | None) -> Iterator[Any]:
        """Give a second of silence."""
        assert (track, channel) == (3, None)
        if "error" in self.told:
            raise self.told["error"]

        class Sound(list[Any]):
            stopped, corrupt, apart = self.told["stopped"], self.told["corrupt"], frozenset[int]()

        yield Sound([(0, np.zeros(16_000, np.float32))])


@each_case(
    ("told", "said"),
    [
        ({"stopped": "crashed"}, "the sound was not heard to its end: crashed"),
        ({"corrupt": 2}, "2 packets of the sound are damaged"),
        ({"error": MediaError("undecodable", "broken")}, "the sound cannot be decoded: broken"),
    ],
)
def test_what_cannot_be_heard_is_named(told: dict[str, Any], said: str) -> None:
    """It is a part that nobody judged."""
    hearing = SoundCheck(Broken(**told), (hearer(SoundTranscript()),))  # type: ignore[arg-type]
    hearing.listen(3)
    assert ([*hearing.unchecked], hearing.state) == ([Unchecked("part", said)], "not_checked")


TONES = [(0.3 * np.sin(np.arange(48_000) * speed)).astype(np.float32) for speed in (0.1, 0.4)]


@each_case(
    ("sides", "heard", "times"),
    [
        (np.stack([TONES[0], TONES[0]]), SoundTranscript(), 1),
        (np.stack([TONES[0] + TONES[1], TONES[0] - TONES[1]]), SoundTranscript(), 3),
        (np.stack(TONES), SPOKEN, 3),
        (np.stack(TONES), SoundTranscript(unchecked=(LEFT,), lacks_transcriber=True), 1),
        (np.stack(TONES), SoundTranscript(unchecked=(LEFT,)), 3),
        (np.stack(TONES), SoundTranscript(error="no"), 1),
    ],
    ids=["one", "turned over", "two", "nobody transcribes", "unclear", "failed"],
)
def test_what_one_side_alone_has_is_heard_too(sides: Any, heard: SoundTranscript, times: int) -> None:
    """A mix of both has lost it; whoever knows already that something was not judged need not listen again."""
    listened = []

    def hears(chunks: Any) -> SoundTranscript:
        listened.append(sum(len(samples) for _, samples in chunks))
        return heard

    own = BoundDetector("own", None, frozenset(), hears=hears)  # type: ignore[arg-type]
    with recorded(taped(sides)) as found:
        hearing = SoundCheck(found, (own,))  # type: ignore[arg-type]
        hearing.listen(0)
    assert listened == [48_000] * times


def test_a_voice_that_the_mix_has_lost_is_told(spoken: Callable[..., Any]) -> None:
    """Turned over on one side, behind a sound that both have."""
    voice = np.concatenate([np.zeros(16_000, np.float32), spoken(2, 1)])
    same = np.random.default_rng(2).normal(0, 0.05, len(voice)).astype(np.float32)
    for sides, state in (([same, same], "silent"), ([same + voice, same - voice], "not_checked")):
        with recorded(taped(np.clip(np.stack(sides), -1, 1))) as found:
            hearing = SoundCheck(found, ())  # type: ignore[arg-type]
            hearing.listen(0)
        assert (hearing.state, {each.kind for each in hearing.unchecked}) == (
            state, set() if state == "silent" else {"audio"}
        )  # fmt: skip


def taped(sides: Any) -> bytes:
    """Return a file of sound with two channels."""
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(16_000)
        file.writeframes((sides.T * 32_767).astype("<i2").tobytes())
    return out.getvalue()
