"""Films of fragments, judged window by window: nothing less is found than in the whole."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardrails import Detection, Guard
from guardrails.engine.media.fragmented_video import FilmWindow, FilmWindows, FragmentedVideo
from guardrails.engine.model import Request
from guardrails.media.fragments.cutter import FilmCutter
from guardrails.media.fragments.fragment import Fragment, shorten_film
from guardrails.types import Action, Content, FilmCoverage, Finding, Image, Place, Stage, Verdict, Video
from tests.cases import each_case
from tests.films import FRAGMENTS, Pixels, film, green, scene, tone

PLACE = Place(Stage.OUTPUT, role="assistant")
POLICY = """
detectors: {{green: {{use: green_square}}, words: {{use: terms, terms: [zqxbomb], category: custom.bomb}}}}
rules:
  - {{id: green, on: output, when: custom.green_square > 0.5, then: {then}}}
  - {{id: words, on: output, when: custom.bomb > 0, then: block}}
films: {{fps: 4}}
{more}
"""


def policy(then: str = "block", more: str = "") -> str:
    """Return a policy that looks for green squares, of which each moment is judged among a second before and after."""
    return POLICY.format(then=then, more=more)


def fragmented(frames: Iterable[Pixels], ending: str = "mp4", **more: Any) -> bytes:
    """Return a film of fragments, each of a second."""
    return film(
        frames,
        ending,
        fps=10,
        g="10",
        woven=True,
        **({"packed": FRAGMENTS} if ending == "mp4" else {}),
        **more,
    )


def odd(before: int, count: int, after: int) -> Iterable[Pixels]:
    """Yield frames of which some have a green square."""
    return chain(scene(before), green(count), scene(after))


def taken(
    guard: Guard, data: bytes, path: Path, media: str, seconds: float = 0.1
) -> tuple[FragmentedVideo, list[FilmWindow], int]:
    """Judge a film window by window until one is blocked; return what came of it, and how many bytes went out."""
    film_ = FragmentedVideo(guard.pipeline.policies, PLACE, media)
    cutter, out = FilmCutter(), 0
    film_.windows.add([*cutter.feed(data), *cutter.close()])
    windows: list[FilmWindow] = []
    while (window := film_.windows.next(last=True)) is not None:
        windows.append(window)
        path.write_bytes(
            b"".join(shorten_film(io.BytesIO(data), cutter.head, window.fragments, closed=window.closed))
        )
        subject = film_.subject(window, path)
        outcome = guard.pipeline.check(subject.tree, Request())
        verdict = guard.verdict(subject, outcome, Stage.OUTPUT)
        film_.took(window, subject, verdict, seconds)
        if verdict.action > Action.FLAG:
            break
        out = window.body[-1].end
    return film_, windows, out


@pytest.fixture
def relayed(tmp_path: Path) -> Callable[..., tuple[Verdict, int]]:
    """Return a function: a guard and a film in, the verdict and how many bytes went out out."""

    def run(guard: Guard, data: bytes, media: str = "", seconds: float = 0.1) -> tuple[Verdict, int]:
        media = media or ("video/mp2t" if data[:1] == b"G" else "video/mp4")
        film_, _, out = taken(guard, data, tmp_path / "part", media, seconds)
        return film_.verdict, out

    return run


def whole(guard: Guard, data: bytes) -> Verdict:
    """Judge a film as a whole."""
    return guard.check(Video(data, PLACE), "output")


class Reads:
    """Would read what is written in pictures."""

    def detect(self, batch: Sequence[Content]) -> list[Detection]:
        """Find nothing."""
        return [Detection() for _ in batch]

    def extracts(self, contents: Sequence[Content]) -> list[list[Any]]:
        """Read nothing."""
        return [[] for _ in contents]


class Hears:
    """Would hear what is said."""

    def detect(self, batch: Sequence[Content]) -> list[Detection]:
        """Find nothing."""
        return [Detection() for _ in batch]

    def hears(self, sound: Any) -> None:
        """Hear nothing."""


PIXELS = "custom.green_square > 0.5"


@each_case(
    ("rules", "more", "reasons"),
    [
        (f"{{id: a, on: output, when: {PIXELS}, then: block}}", "", {}),
        (f"{{id: a, on: output, when: {PIXELS}, then: flag, mode: shadow}}", "", {}),
        (f"{{id: a, on: input, when: {PIXELS}, then: redact}}", "", {}),
        (f"{{id: a, on: output, when: {PIXELS}, then: redact}}", "", {"a": "redacts films"}),
        ("{id: a, on: output, when: 'count(\"custom.green_square\") > 2', then: flag}", "", {"a": "counts"}),
        (f"{{id: a, on: output, when: {PIXELS} && custom.bomb > 0, then: block}}", "", {"a": "several findings"}),
        (f"{{id: a, on: output, when: {PIXELS}, then: block, stream: whole}}", "", {"a": "stream: whole"}),
        ("{id: a, on: output, when: custom.green_square < 0.5, then: flag}", "", {"a": "upper bound"}),
        ("{id: a, on: output, when: custom.bomb > 0, then: redact}", "", {}),
        ("{id: a, on: output, when: 'count(\"custom.bomb\") > 2', then: block}", "", {}),
        (f"{{id: a, on: output, when: {PIXELS}, then: block}}", "seen: {use: reads}", {"seen": "one text"}),
        (f"{{id: a, on: output, when: {PIXELS}, then: block}}", "heard: {use: hears}", {"heard": "one text"}),
    ],
)  # fmt: skip
def test_what_needs_the_whole_film_holds_it(
    guard_of: Callable[..., Guard],
    kind_of: Callable[..., Any],
    rules: str,
    more: str,
    reasons: dict[str, str],
) -> None:
    """A redaction, a condition on several findings, and whatever makes one text of a film."""
    made = guard_of(
        "detectors:\n  green: {use: green_square}\n  words: {use: terms, terms: [zqxbomb], category: custom.bomb}\n"
        + (f"  {more}\n" if more else "")
        + f"rules: [{rules}]",
        detectors={"hears": kind_of(Hears()), "reads": kind_of(Reads())},
    )
    held = made.held_films()
    assert held.keys() == reasons.keys()
    assert all(reasons[name] in held[name] for name in held)


def test_a_floor_holds_a_film_too(guard_of: Callable[..., Guard]) -> None:
    """Neither policy sees less of it than it would alone."""
    made = guard_of(policy(), floor=policy("redact"))
    assert [*made.held_films()] == ["green"]
    assert not made.held_films("input")


rows = st.lists(
    st.tuples(st.integers(0, 3_000), st.booleans(), st.booleans(), st.booleans()), min_size=1, max_size=40
)


def made_of(shape: Sequence[tuple[int, bool, bool, bool]]) -> list[Fragment]:
    """Return fragments: how long each is, whether it has pictures, and if these need no others and none is shown before."""
    found, at, clock = list[Fragment](), 0, 0.0
    for number, (length, pictures, random, leads) in enumerate(shape):
        first = number == 0
        begin = clock - 40 if leads and not first else clock
        timed = {"begin_ms": begin, "end_ms": clock + length, "frames": 1} if pictures or first else {}
        anew = clock if (random and timed) or first else None
        found.append(Fragment(at, at + 10, at, random_ms=anew, **timed))
        at, clock = at + 10, clock + (length if timed else 0)
    return found


@pytest.mark.parametrize("around", [500, 3_000])
@given(shape=rows, at_once=st.integers(1, 9))
def test_each_moment_goes_out_among_its_neighbours(
    around: int, shape: list[tuple[int, bool, bool, bool]], at_once: int
) -> None:
    """What goes out is all of the film, in its order, each part with what is shown before and after it for long enough."""
    fragments = made_of(shape)
    windows, found = FilmWindows(around), list[FilmWindow]()
    for start in range(0, len(fragments), at_once):
        windows.add(fragments[start : start + at_once])
        while (window := windows.next()) is not None:
            assert window.tail
            found.append(window)
    while (window := windows.next(last=True)) is not None:
        found.append(window)
    assert windows.next(last=True) is None

    assert [each for window in found for each in window.body] == fragments
    for window in found:
        number = fragments.index(window.fragments[0])
        assert fragments[number : number + len(window.fragments)] == [*window.fragments]
        assert number == 0 or window.clip[0] - window.offset_ms >= around
        assert number == 0 or window.fragments[0].random_ms is not None
        ends = [each.end_ms for each in window.tail if each.end_ms is not None]
        is_last = window.fragments[-1] is fragments[-1]
        assert is_last or max(ends) - window.clip[1] >= around
        assert window.closed <= is_last


def test_where_few_pictures_need_no_other_more_is_judged_at_once() -> None:
    """So that the work is in proportion to the film, however it is made."""
    fragments = made_of([(1_000, True, False, False)] * 600)
    windows = FilmWindows(3_000)
    windows.add(fragments)
    found = [*iter(lambda: windows.next(last=True), None)]
    assert sum(len(window.fragments) for window in found if window is not None) < 4 * len(fragments)


@pytest.mark.parametrize(("ending", "sound"), [("mp4", True), ("ts", False)])
def test_a_clean_film_goes_out_whole(
    guard_of: Callable[..., Guard], relayed: Callable[..., tuple[Verdict, int]], ending: str, sound: bool
) -> None:
    """And its verdict is that of the whole film, with the same coverage, but for how many frames were looked at."""
    guard, data = guard_of(policy()), fragmented(scene(70), ending, sound=tone(7.0) if sound else None)
    verdict, out = relayed(guard, data)
    other = whole(guard, data)
    assert (out, verdict.action, verdict.complete) == (len(data), Action.ALLOW, True)
    assert (verdict.rules, verdict.findings, verdict.errors) == (other.rules, other.findings, other.errors)
    assert (verdict.coverage.kinds, verdict.coverage.unchecked) == (
        other.coverage.kinds,
        other.coverage.unchecked,
    )
    own, (film_,) = verdict.coverage.films[0], other.coverage.films
    assert isinstance(own, FilmCoverage)
    assert (own.frames, own.cuts, own.sound, own.stopped) == (70, film_.cuts, film_.sound, None)
    assert own.seconds == pytest.approx(film_.seconds, abs=0.05)
    assert 0.7 * film_.judged <= own.judged <= 1.5 * film_.judged


@pytest.mark.parametrize("ending", ["mp4"])
def test_what_is_flagged_is_told_with_the_times_of_the_film(
    guard_of: Callable[..., Guard], relayed: Callable[..., tuple[Verdict, int]], ending: str
) -> None:
    """Also where a stretch goes on from one window to the next: it is one."""
    guard, data = guard_of(policy("flag")), fragmented(odd(22, 30, 20), ending)
    verdict, out = relayed(guard, data)
    (finding,), (other,) = verdict.findings, whole(guard, data).findings
    assert (out, verdict.action, [rule.id for rule in verdict.rules]) == (len(data), Action.FLAG, ["green"])
    assert finding.clip is not None
    assert other.clip is not None
    assert finding.clip == pytest.approx(other.clip, abs=101)
    assert (finding.category, finding.detector) == (other.category, other.detector)
    assert verdict.coverage.films[0].cuts == 2


BLOCKED = [
    ("mp4", 0, 1),
    ("mp4", 40, 1),
    ("ts", 58, 2),
    ("mp4", 31, 2),
    ("mp4", 39, 1),
    ("mp4", 58, 2),
    ("ts", 31, 2),
]


@pytest.mark.parametrize(("ending", "before", "count"), BLOCKED[:3])
def test_nothing_goes_out_from_what_is_blocked_on(
    guard_of: Callable[..., Guard],
    relayed: Callable[..., tuple[Verdict, int]],
    ending: str,
    before: int,
    count: int,
) -> None:
    """Wherever it stands: at a beginning, at an end, next to a border."""
    guard, data = guard_of(policy()), fragmented(odd(before, count, 60 - before - count), ending)
    verdict, out = relayed(guard, data)
    cutter = FilmCutter()
    found = [*cutter.feed(data), *cutter.close()]
    origin = found[0].begin_ms or 0.0
    first = next(each for each in found if (each.end_ms or 0.0) - origin > before * 100 + 1)
    assert (verdict.action, whole(guard, data).action) == (Action.BLOCK, Action.BLOCK)
    assert out <= first.start
    assert out >= first.start - 50_000
    assert (out > 0) == (before >= 30)


class Unsure:
    """Finds green in the middle of a picture, and is not sure."""

    inline, pixels = False, True

    def detect(self, batch: Sequence[Content]) -> list[Detection]:
        """Judge pictures."""
        return [Detection(self.found(each) if isinstance(each, Image) else ()) for each in batch]

    def found(self, picture: Image) -> tuple[Finding, ...]:
        """Return what is found in one."""
        pixels: Any = picture.source
        view = pixels.frames[0].views[0]
        red, much, _ = view[view.shape[0] // 2, view.shape[1] // 2]
        return (Finding("custom.own", 0.8, "own"),) if much > 180 and red < 90 else ()


def painted(count: int, *spots: range) -> Iterable[Pixels]:
    """Yield frames, some of which have green in the middle, too little for a cut."""
    for number, pixels in enumerate(scene(count)):
        if any(number in spot for spot in spots):
            pixels = pixels.copy()
            pixels[45:75, 65:95] = (20, 220, 20)
        yield pixels


BORNE_OUT = """
detectors: {own: {use: own}}
rules: [{id: own, on: output, when: custom.own > 0.5, then: block}]
films: {fps: 2, corroborate: 2, of: 3}
"""


BORDERS = [(38, 8), (36, 6), (37, 6), (39, 8)]


@pytest.mark.parametrize(("at", "count"), BORDERS[:1])
def test_what_is_borne_out_beyond_a_border_does_not_go_out(
    guard_of: Callable[..., Guard],
    kind_of: Callable[..., Any],
    relayed: Callable[..., tuple[Verdict, int]],
    at: int,
    count: int,
) -> None:
    """Two unsure looks are enough, one in a fragment and one in the next; none of both goes out."""
    kind = kind_of(Unsure(), "custom.own", contents=frozenset({"image"}))
    guard = guard_of(BORNE_OUT, detectors={"own": kind})
    data = fragmented(painted(60, range(at, at + count)))
    verdict, out = relayed(guard, data)
    cutter = FilmCutter()
    found = [*cutter.feed(data), *cutter.close()]
    assert whole(guard, data).action is verdict.action is Action.BLOCK
    assert out <= found[at // 10].start


LIMITS = [
    ("limits: {film_seconds: 5}", 0.1, "longer than 5 s"),
    ("", 400.0, "longer to judge"),
    ("limits: {film_seconds: 3}", 0.1, "seconds long, which is more than 3"),
    ("limits: {film_seconds: 8}", 0.1, None),
    ("", 0.1, None),
]


@pytest.mark.parametrize(("more", "seconds", "reason"), LIMITS[:1])
def test_limits_are_those_of_the_whole_film(
    guard_of: Callable[..., Guard],
    relayed: Callable[..., tuple[Verdict, int]],
    more: str,
    seconds: float,
    reason: str | None,
) -> None:
    """Not of each window."""
    data = fragmented(scene(70))
    verdict, out = relayed(guard_of(policy(more=more)), data, seconds=seconds)
    reasons = [each.reason for each in verdict.coverage.unchecked if each.kind == "limit"]
    assert (out == len(data)) is (reason is None)
    assert bool(reasons) is (reason is not None)
    assert reason is None or any(reason in each for each in reasons)
    flagged, out = relayed(
        guard_of(policy(more=f"{more}\nunchecked: {{limit: flag}}")), data, seconds=seconds
    )
    assert (out, flagged.action > Action.ALLOW) == (len(data), reason is not None)


def test_the_budget_of_looks_is_that_of_the_whole_film(
    guard_of: Callable[..., Guard], relayed: Callable[..., tuple[Verdict, int]]
) -> None:
    """What windows have in common counts once."""
    data = fragmented(scene(70))
    looks = whole(guard_of(policy()), data).coverage.films[0].judged
    tight = POLICY.replace("fps: 4", f"fps: 4, max_frames: {looks // 2}").format(then="block", more="")
    roomy = POLICY.replace("fps: 4", f"fps: 4, max_frames: {2 * looks}").format(then="block", more="")
    verdict, out = relayed(guard_of(tight), data)
    assert (verdict.action, 0 < out < len(data)) == (Action.BLOCK, True)
    assert {each.kind for each in verdict.coverage.unchecked} == {"limit"}
    assert relayed(guard_of(roomy), data)[1] == len(data)


def test_what_a_film_says_of_itself_is_judged_with_each_part(
    guard_of: Callable[..., Guard], relayed: Callable[..., tuple[Verdict, int]]
) -> None:
    """It stands before the first."""
    data = fragmented(scene(40), metadata={"title": "a zqxbomb"})
    verdict, out = relayed(guard_of(policy()), data)
    assert (out, verdict.action, [rule.id for rule in verdict.rules]) == (0, Action.BLOCK, ["words"])


def test_the_verdict_keeps_its_id(guard_of: Callable[..., Guard], tmp_path: Path) -> None:
    """From the first part to the last: that is what headers name."""
    film_, windows, _ = taken(guard_of(policy()), fragmented(scene(50)), tmp_path / "part", "video/mp4")
    verdict = film_.verdict
    assert len(windows) > 2
    assert verdict.id == film_.verdict.id
    assert verdict.content is None
    assert verdict.to_dict()["complete"]
