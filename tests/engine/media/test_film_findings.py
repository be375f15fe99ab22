"""Looks at frames become findings with clips."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from guardrails.engine.media.film_findings import (
    FrameFindings,
    SegmentSettings,
    count_scores,
    find_doubtful,
    segments,
)
from guardrails.types import Finding, Listed
from tests.cases import each_case

HOW = SegmentSettings(hard=0.95, corroborate=2, of=3, enter=0.7, leave=0.5)


def looks(scores: str, shots: str = "", step: int = 1_000, box: bool = False) -> list[FrameFindings]:
    """Return a look a second: a digit is a score in tenths, `x` is 0.99; `shots` has a letter for each, one shot by default."""
    found = []
    for at, digit in enumerate(scores):
        score = 0.99 if digit == "x" else int(digit) / 10
        place = (at * 10, 0, 10, 10) if box else None
        finding = Finding("sexual.explicit", score, "nsfw", box=place)
        shot = ord(shots[at]) if shots else 0
        found.append(FrameFindings(at * step, (at + 1) * step, shot, (finding,) if score else ()))
    return found


def told(found: tuple[Finding, ...]) -> list[tuple[float, tuple[int, int] | None]]:
    """Return scores and clips."""
    return [(round(each.score, 2), each.clip) for each in found]


@each_case(
    ("scores", "shots", "expected"),
    [
        ("000000", "", []),
        ("008000", "", []),  # one look of six: nobody bears it out
        ("00x000", "", [(0.99, (2000, 3000))]),  # hard
        ("008800", "", [(0.8, (2000, 4000))]),
        ("008080", "", [(0.8, (2000, 5000))]),  # two of three neighbours, and one segment over the gap
        ("009200", "", [(0.2, (2000, 4000))]),  # as far as another one goes
        ("008000", "aabccc", [(0.8, (2000, 3000))]),  # a shot of one look
        ("008000", "aabbcc", []),  # of two, of which one says no
        ("088500", "", [(0.8, (1000, 4000))]),  # it goes on until it falls below `leave`
        ("055800", "", [(0.5, (1000, 4000))]),  # a lone 0.8 is worth what bears it out
        ("005880", "", [(0.8, (2000, 5000))]),  # and begins where it was that high
        ("088000088", "", [(0.8, (1000, 3000)), (0.8, (7000, 9000))]),  # a gap of four seconds
        ("033550", "", [(0.3, (1000, 3000)), (0.5, (3000, 5000))]),  # by tenths below `enter`
        ("888", "", [(0.8, (0, 3000))]),
        ("8", "", [(0.8, (0, 1000))]),
    ],
)
def test_scores_become_segments(scores: str, shots: str, expected: object) -> None:
    """What is borne out in its shot counts, and what belongs together is one finding."""
    assert told(segments(looks(scores, shots), HOW)) == expected


@each_case(
    ("scores", "shots", "expected"),
    [
        ("8", "", []),  # the next look of the shot may say no
        ("88", "", [(0.8, (0, 2000))]),
        ("0x", "", [(0.99, (1000, 2000))]),
        ("080", "abc", []),  # a closer look may say no
    ],
)
def test_what_may_be_taken_back_does_not_count_before_the_end(
    scores: str, shots: str, expected: object
) -> None:
    """Before a film has ended only what is sure is a finding."""
    assert told(segments(looks(scores, shots), HOW, closed=False)) == expected


@given(st.lists(st.sampled_from("0123456789x"), max_size=14), st.data())
def test_no_more_is_taken_back(scores: list[str], data: st.DataObject) -> None:
    """What counts before the end counts as much with every further look, and every clip lies in the film."""
    text = "".join(scores)
    shots = "".join(
        chr(97 + each)
        for each in sorted(data.draw(st.lists(st.integers(0, 4), min_size=len(text), max_size=len(text))))
    )
    before = 0.0
    for end in range(1, len(text) + 1):
        now = max(
            (each.score for each in segments(looks(text[:end], shots[:end]), HOW, closed=False)), default=0.0
        )
        assert now >= before
        before = now
    final = segments(looks(text, shots), HOW)
    assert max((each.score for each in final), default=0.0) >= before
    clips = [each.clip for each in final]
    assert all(clip is not None and 0 <= clip[0] < clip[1] <= 1000 * len(text) for clip in clips)


@given(st.lists(st.sampled_from("0123456789x"), min_size=1, max_size=14), st.integers(1, 9))
def test_no_threshold_misses_a_look(scores: list[str], tenth: int) -> None:
    """Of a rule with any threshold the clips hold every look that counts and reaches it."""
    given_looks = looks("".join(scores))
    found = [each.findings[0] if each.findings else None for each in given_looks]
    track = [(0.0 if each is None else each.score, each) for each in found]
    clips = [each.clip for each in segments(given_looks, HOW) if each.score >= tenth / 10 and each.clip]
    for look, score in zip(given_looks, count_scores(given_looks, track, HOW, closed=True), strict=True):
        if score >= tenth / 10:
            assert any(start <= look.start_ms < end for start, end in clips)


def test_boxes_are_held_together() -> None:
    """A finding with boxes has one that holds them all; whole frames and boxes are told apart."""
    (found,) = segments(looks("0880", box=True), HOW)
    assert (found.box, found.clip) == ((10, 0, 20, 10), (1000, 3000))
    mixed = [
        FrameFindings(
            each.start_ms, each.end_ms, 0, (*each.findings, Finding("sexual.explicit", 0.2, "nsfw"))
        )
        for each in looks("0880", box=True)
    ]
    assert {(each.box, each.score) for each in segments(mixed, HOW)} == {((10, 0, 20, 10), 0.8), (None, 0.2)}


@each_case(
    ("scores", "shots", "expected"),
    [
        ("0000", "", []),
        ("0080", "", [(1000, 3000)]),  # alone: around it
        ("0080", "aabb", [(2000, 3000)]),  # not over a cut
        ("0880", "", [(0, 1000), (2000, 3000)]),  # where it begins and ends
        ("0880", "abbc", [(2000, 3000)]),  # a cut begins it, and it may end before the next one
        ("0020", "", []),  # too little to be worth it
    ],
)
def test_what_is_looked_at_closely(scores: str, shots: str, expected: object) -> None:
    """A lone score and the ends of a segment, within a shot."""
    assert find_doubtful(looks(scores, shots), HOW) == expected


def test_a_picture_of_a_list_needs_no_other() -> None:
    """Who knows a picture does not guess; it counts before the end, too."""
    listed = Listed("deny.csv", "a", "pdq", 20, "same")
    seen = [
        FrameFindings(
            at * 1_000,
            at * 1_000 + 1_000,
            0,
            (Finding("custom.known_picture", 0.8, "known", listed=listed),) if at == 2 else (),
        )
        for at in range(5)
    ]
    for closed in (True, False):
        assert [(each.listed, each.clip) for each in segments(seen, HOW, closed=closed)] == [
            (listed, (2_000, 3_000))
        ]
    assert find_doubtful(seen, HOW) == [(1_000, 2_000), (2_000, 3_000)]
