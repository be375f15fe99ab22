"""What is said: transcripts become one text, and stretches of it times."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from guardrails.detectors.images.text_layout import locate_span
from guardrails.detectors.speech.transcript_text import TimedWord, Transcript, join_transcripts
from tests.cases import each_case

TALK = (
    Transcript(
        " hello there ", (1_000, 3_000), (TimedWord(0, 7, (1_000, 1_400)), TimedWord(7, 13, (1_500, 2_000)))
    ),
    Transcript("", (4_000, 5_000)),
    Transcript("my number", (10_000, 12_000)),
    Transcript("is 555", (20_000, 21_000), (TimedWord(3, 6, (20_500, 21_000)),)),
)


def test_transcripts_are_one_text() -> None:
    """With a space between them, as a pause separates no words of a name or a number."""
    text = join_transcripts(TALK)
    assert text is not None
    assert (text.text, text.origin) == ("hello there my number is 555", "speech")
    assert text.hides((0, 1))
    assert text.originals((2, 4)) == [(2, 4)]
    assert join_transcripts(()) is None
    assert join_transcripts([Transcript("  ", (0, 1))]) is None


@each_case(
    ("part", "clip"),
    [
        ("hello", (1_000, 1_400)),
        ("e", (1_000, 1_400)),
        ("there", (1_500, 2_000)),
        ("hello there", (1_000, 2_000)),
        ("number", (10_000, 12_000)),
        ("there my", (1_500, 12_000)),
        ("555", (20_500, 21_000)),
        ("is", (10_000, 21_000)),
        ("number is 555", (10_000, 21_000)),
    ],
)
def test_a_stretch_has_the_time_of_its_words(part: str, clip: tuple[int, int]) -> None:
    """That of the whole piece where no words have times; of those around it where its own has none."""
    text: Any = join_transcripts(TALK)
    start = text.text.index(part)
    assert text.clip((start, start + len(part))) == clip
    assert text.box((start, start + len(part))) is None
    assert locate_span([text], (start, start + len(part))) == (None, clip)


@given(st.lists(st.tuples(st.text("ab \n", max_size=6), st.booleans()), min_size=1, max_size=5), st.data())
def test_every_stretch_of_a_text_has_a_time(pieces: list[tuple[str, bool]], data: st.DataObject) -> None:
    """Within those of the pieces."""
    made = [
        Transcript(
            text,
            (at * 1_000, at * 1_000 + 500),
            (TimedWord(0, 1, (at * 1_000, at * 1_000 + 100)),) if timed and text else (),
        )
        for at, (text, timed) in enumerate(pieces)
    ]
    text = join_transcripts(made)
    if text is None:
        return
    start = data.draw(st.integers(0, len(text.text) - 1))
    clip: Any = text.clip((start, data.draw(st.integers(start + 1, len(text.text)))))
    assert 0 <= clip[0] < clip[1] <= len(pieces) * 1_000
