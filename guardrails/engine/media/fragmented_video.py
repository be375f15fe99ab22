"""Checks a film that comes in fragments as short films, one after the other, with one verdict over all of them.

Each short film (`FilmWindow`) has the fragments that go out once it is judged, and what is shown before and after them for as
long as a score needs neighbours (`films: of`), and a closer look goes around: so each moment is judged among all that could
condemn it or bear it out before it leaves, as frames of a stream are (`frame_batches.py`). The first fragment of a window can be
decoded by itself; where such are rare, what is judged at once grows with what has to be decoded again, so that the work stays
in proportion. So it does where more is there than was sent: the first part is short, those behind it are longer.

Not every policy can judge a film so (`holding_rules`): what is redacted is made anew as a whole, a condition may ask for several
findings at once, and what is written or said in a film is one text.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from math import ceil
from pathlib import Path
from typing import Final

from guardrails.engine.content import value_reader
from guardrails.engine.content.payload import Payload
from guardrails.engine.media.film_findings import AROUND_MS
from guardrails.engine.media.film_settings import FilmSettings, settings_of_films
from guardrails.engine.streaming.stream_plan import reads
from guardrails.media.fragments.fragment import Fragment
from guardrails.policy.compiled import CompiledPolicy
from guardrails.types import (
    Action,
    Coverage,
    FilmCoverage,
    Finding,
    FiredRule,
    Mode,
    Place,
    Stage,
    Unchecked,
    Verdict,
    Video,
)
from guardrails.verdicts.ordered_ids import make_verdict_id

Clip = tuple[float, float]

AT_ONCE: Final = 4
"""So many times as long as what is shown before and after it may be what is judged at once, where it is there already."""

SOUNDS: Final = ("absent", "silent", "checked", "not_checked")
"""What is known of a sound; of several, the last of these holds."""


def holding_rules(policies: Sequence[CompiledPolicy], stages: tuple[Stage, ...]) -> dict[str, str]:
    """Return why films at some stages are judged as a whole: rule or detector → reason; empty where they may go out in parts."""
    found: dict[str, str] = {}
    for policy in policies:
        plan = policy.plan(stages)
        how = settings_of_films([policy], [plan])
        for rule in plan.rules:
            if not any(reads(rule, bound) for bound in how.bounds):
                continue  # of texts: all that are read here stand before the first fragment
            if rule.then is Action.REDACT:
                found[rule.id] = "it redacts films, which are made anew as a whole"
            elif rule.how.whole:
                found[rule.id] = rule.how.whole
        for bound in (*how.readers, *how.hearers):
            found[bound.name] = "what is written or said in a film is one text"
        for bound in how.bounds:
            if bound.film is not None:
                found[bound.name] = "it compares a film as a whole"
    return found


@dataclass(frozen=True, slots=True)
class FilmWindow:
    """Fragments to judge as one film: `body` goes out once they are, `lead` went out before, `tail` is known by now. Times are
    those of the whole film: the window begins at `offset_ms`, what goes out is shown in `clip`. `closed`: the film ends here.
    """

    lead: tuple[Fragment, ...]
    body: tuple[Fragment, ...]
    tail: tuple[Fragment, ...]
    offset_ms: float
    clip: Clip
    closed: bool

    @property
    def fragments(self) -> tuple[Fragment, ...]:
        """All of them."""
        return (*self.lead, *self.body, *self.tail)


class FilmWindows:
    """Makes windows of fragments: `add` takes these in their order, `next` returns a window once there is one."""

    def __init__(self, around_ms: float) -> None:
        """Take for how long there are neighbours before and after what goes out."""
        self._around = around_ms
        self._known: list[Fragment] = []
        self._starts: list[float] = []
        self._ends: list[float] = []
        self._next = 0
        self._lead = 0
        self._most = around_ms
        self._origin: float | None = None

    def add(self, fragments: Iterable[Fragment]) -> None:
        """Take more fragments."""
        for each in fragments:
            before = self._ends[-1] if self._ends else each.begin_ms or 0.0
            start = before if each.begin_ms is None else each.begin_ms
            self._known.append(each)
            self._starts.append(start)
            self._ends.append(max(before, start if each.end_ms is None else each.end_ms))
            self._origin = start if self._origin is None else self._origin

    def next(self, *, last: bool = False) -> FilmWindow | None:
        """Return the next window, None as long as more has to be known for it; `last`: no more fragments come."""
        count = len(self._known)
        if self._next == count:
            return None
        begin = self._starts[self._next]
        least = max(self._around, begin - self._starts[self._lead])
        if self._ends[-1] - begin < least + self._around and not last:
            return None
        body = max(self._count_until(self._next, begin + least), self._count_available(begin))
        tail = self._count_until(body, self._ends[body - 1] + self._around) if body < count else count + 1
        if tail > count and not last:
            return None
        if tail > count:  # all that is left
            body = tail = count
        self._most = min(2 * self._most, AT_ONCE * self._around)
        return self._make_window(body, tail, closed=last and tail == count)

    def _count_available(self, begin: float) -> int:
        """Return how many fragments there are up to the last that may be judged with those before, and has enough behind it."""
        until = min(begin + self._most, self._ends[-1] - self._around)
        found = (
            number for number in range(len(self._known) - 1, self._next, -1) if self._ends[number] <= until
        )
        return next(found, self._next) + 1

    def _count_until(self, first: int, at: float) -> int:
        """Return how many fragments there are up to the first, from the one at `first` on, that ends at a time or later; one more
        than there are where none does.
        """
        found = (number for number in range(first, len(self._known)) if self._ends[number] >= at)
        return next(found, len(self._known)) + 1

    def _make_window(self, body: int, tail: int, *, closed: bool) -> FilmWindow:
        known, lead, first, origin = self._known, self._lead, self._next, self._origin or 0.0
        window = FilmWindow(
            (*known[lead:first],), (*known[first:body],), (*known[body:tail],),
            self._starts[lead] - origin, (self._starts[first] - origin, self._ends[body - 1] - origin), closed,
        )  # fmt: skip
        self._next = body
        gone = self._leads() if body < len(known) else body
        for rows in (self._known, self._starts, self._ends):
            del rows[:gone]
        self._next, self._lead = body - gone, 0
        return window

    def _leads(self) -> int:
        """Return with which fragment the next window begins: the last that is early enough, and can be decoded by itself."""
        at = self._starts[self._next] - self._around
        found = (
            number
            for number in range(self._next, self._lead, -1)
            if self._starts[number] <= at and self._is_open(number)
        )
        return next(found, self._lead)

    def _is_open(self, number: int) -> bool:
        """Tell whether no picture needs what stands before a fragment: none is shown before the one that it begins with."""
        random = self._known[number].random_ms
        if random is None:
            return False
        for other in range(number, len(self._known)):
            if other > number and self._known[other].random_ms is not None:
                return True
            if self._starts[other] < random:
                return False
        return True


class FragmentedVideo:
    """One film that is judged window by window; `verdict` is what was judged so far."""

    def __init__(self, policies: Sequence[CompiledPolicy], place: Place, declared: str) -> None:
        """Take the policies, where the film stands, and what it is said to be."""
        stages = (place.stage, *place.also)
        self._how: FilmSettings = settings_of_films(policies, [policy.plan(stages) for policy in policies])
        around_ms = max(AROUND_MS, ceil(1_000 * self._how.decide.of / self._how.sampling.fps))
        self.windows = FilmWindows(around_ms)
        self._place, self._declared = place, declared
        self._id = make_verdict_id()
        self._film = FilmCoverage(place.path)
        self._took_s = 0.0
        self._last: Verdict | None = None
        self._action, self._complete = Action.ALLOW, True
        self._rules: dict[tuple[str, Mode], FiredRule] = {}
        self._findings: dict[tuple[object, ...], list[Finding]] = {}
        self._unchecked: dict[Unchecked, None] = {}
        self._timings: dict[str, float] = {}

    def subject(self, window: FilmWindow, path: Path) -> Payload:
        """Return what there is to judge of a window, which lies in a file; what is past a limit by now is named."""
        content = Video(place=self._place, source=path, declared=self._declared)
        found = value_reader.read(content, self._place.stage)
        found.tree.unchecked += [
            (Unchecked("limit", each, self._place.path), self._place)
            for each in self._exceeded_limits(window)
        ]
        return found

    def _exceeded_limits(self, window: FilmWindow) -> Iterable[str]:
        """Yield what of the whole film is past a limit, what goes out of a window included."""
        limits, film = self._how.limits, self._film
        frames = film.frames + sum(each.frames for each in window.body)
        if window.clip[1] > limits.seconds * 1_000:
            yield f"it is longer than {limits.seconds:g} s"
        if frames > limits.frames:
            yield f"it has more than {limits.frames} frames"
        if film.judged >= self._how.sampling.budget:
            yield f"more than {self._how.sampling.budget} frames of it would have to be looked at"
        if self._took_s > limits.grace + limits.wall_factor * limits.seconds:
            yield "it takes longer to judge than the longest film may"

    def took(self, window: FilmWindow, given: Payload, verdict: Verdict, seconds: float) -> None:
        """Take what a window was judged to be, in so many seconds. Of one that is blocked all counts, else what goes out."""
        clip = (float("-inf"), float("inf")) if verdict.blocked else window.clip
        self._last, self._action = verdict, max(self._action, verdict.action)
        self._complete = self._complete and verdict.complete
        self._took_s += seconds
        for rule in (*verdict.rules, *verdict.shadow):
            known = self._rules.get((rule.id, rule.mode))
            if known is None or rule.action > known.action:
                self._rules[rule.id, rule.mode] = rule
        for finding in verdict.findings:
            self._merge_finding(finding, window.offset_ms, clip)
        self._unchecked.update(dict.fromkeys(verdict.coverage.unchecked))
        for name, took_ms in verdict.timings_ms.items():
            self._timings[name] = self._timings.get(name, 0.0) + took_ms
        self._count_coverage(window, given, verdict)

    def _merge_finding(self, finding: Finding, offset_ms: float, clip: Clip) -> None:
        """Take a finding in a window: what goes on from one to the next is one."""
        key = (
            finding.category,
            finding.detector,
            finding.path,
            finding.origin,
            finding.span,
            finding.box is None,
        )
        known = self._findings.setdefault(key, [])
        if finding.clip is None:
            known[:] = [max([finding, *known], key=lambda each: each.score)]
            return
        start, end = (round(each + offset_ms) for each in finding.clip)
        if start >= clip[1] or end <= clip[0]:
            return
        before = known[-1] if known else None
        if before is not None and before.clip is not None and start <= before.clip[1]:
            best = max([before, finding], key=lambda each: each.score)
            known[-1] = replace(best, clip=(min(start, before.clip[0]), max(end, before.clip[1])))
        else:
            known.append(replace(finding, clip=(start, end)))

    def _count_coverage(self, window: FilmWindow, given: Payload, verdict: Verdict) -> None:
        """Count how much of the film was looked at; what windows have in common once."""
        film = self._film
        now = verdict.coverage.films[0] if verdict.coverage.films else FilmCoverage()
        clip = (window.clip[0] - window.offset_ms, window.clip[1] - window.offset_ms)
        counts = [each.within(clip, last=not window.tail) for each in given.tree.opened]
        self._film = replace(
            film,
            seconds=round(window.clip[1] / 1_000, 3),
            frames=film.frames + sum(each.frames for each in window.body),
            judged=film.judged + sum(judged for judged, _ in counts),
            cuts=film.cuts + sum(cuts for _, cuts in counts),
            largest_gap_ms=max(film.largest_gap_ms, now.largest_gap_ms),
            sound=max(film.sound, now.sound, key=SOUNDS.index),
            stopped=film.stopped or now.stopped,
        )

    @property
    def verdict(self) -> Verdict:
        """The verdict over all windows so far, of which there is one at least; its id stays the same."""
        assert self._last is not None
        rules = sorted(self._rules.values(), key=lambda rule: (-rule.action, -rule.severity))
        return replace(
            self._last,
            id=self._id,
            action=self._action,
            content=None,
            complete=self._complete,
            rules=tuple(rule for rule in rules if rule.mode is Mode.ENFORCE),
            shadow=tuple(rule for rule in rules if rule.mode is Mode.SHADOW),
            findings=tuple(finding for some in self._findings.values() for finding in some),
            coverage=Coverage(
                self._last.coverage.kinds,
                (*self._unchecked,),
                self._last.coverage.unknown_fields,
                (self._film,),
                not_seen=self._last.coverage.not_seen,
            ),
            timings_ms=self._timings,
        )
