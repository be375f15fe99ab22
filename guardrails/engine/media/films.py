"""Checks films and sounds: what detectors for pictures find in them, and what is said there, with clips; one engine, not one
for each medium.

A film is watched once, in steps of some frames, so that a rule that is sure to block ends it early; what a single frame says is
looked at again more closely (`segments`). Every frame is looked at for cuts by the process that decodes; detectors look at those
that it hands out. Then its sound is listened to. Whatever could not be looked at is named: what is over or past a limit as
`limit`, the rest as `video`, or as `part` of a file of sound alone.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from guardrails.detectors.binding import BoundDetector
from guardrails.detectors.images.text_layout import Clip, PlacedText, TextLine, place_lines
from guardrails.engine.content.content_tree import ContentTree, Leaf
from guardrails.engine.core.observers import CURRENT, FilmRecord
from guardrails.engine.detector_task import Task
from guardrails.engine.media.film_cache import CachedFilm, FilmCache
from guardrails.engine.media.film_findings import find_doubtful
from guardrails.engine.media.film_settings import FilmSettings, settings_of_films
from guardrails.engine.media.frames import UNTOUCHED, Frames
from guardrails.engine.media.ocr_text import add_texts
from guardrails.engine.media.sounds import SoundCheck
from guardrails.engine.media.unreadable_media import UNREADABLE, describe_unreadable
from guardrails.engine.redaction.film_redaction import RedactedFilm
from guardrails.errors import GuardUnavailable, MissingExtra
from guardrails.media.audio import recording
from guardrails.media.audio.recording import Recording
from guardrails.media.errors import MediaError, describe_os_error
from guardrails.media.uploads.container_tags import find_written
from guardrails.media.video import film_source
from guardrails.media.video.film_source import Film, WatchAccount, WatchRun
from guardrails.policy.compiled import CompiledPolicy
from guardrails.types import CLEAN, Audio, Content, Detection, FilmCoverage, Image, Unchecked, Video

if TYPE_CHECKING:
    from guardrails.media.video.film_source import Caption, FrameSample, MediaTrack

NAME: Final = "films"
"""Under which timings hold what watching films took, detectors included."""

AT_ONCE: Final = 8
"""Frames of one step."""

CLOSER: Final = 12
"""Clips of one film that are looked at more closely."""

CLOSER_FRAMES: Final = 8
"""Frames of each that detectors look at."""

LIMITS: Final = frozenset({"budget", "seconds", "frames", "pixels", "wall_clock", "memory", "tracks"})
"""Why a film is not watched to its end that a limit says."""

UNREAD: Final = {
    "subtitle": "it has subtitles that are drawn, which nobody reads",
    "attachment": "a file is attached to it, which nobody reads",
}
"""What tracks that nobody reads are, by their kind."""

CAPTIONED: Final = "it has captions inside of its frames (CEA-608 or 708), which nobody reads"

BEHIND: Final = (
    "bytes of the file belong to no part of it that is played, such as another film behind it, and nobody reads them; without "
    "them it is what `ffmpeg -i FILE -map 0 -c copy NEW` writes"
)

FONTS: Final = ("font", "opentype")
"""Words in the types of fonts."""

COVER: Final = "cover"
"""The origin of pictures that players show beside a sound."""

NOT_WATCHED: Final = "it was not watched: what was found before blocks"


class FilmCheck:
    """One film that is watched, or sound that is listened to: `task` looks at some more of it, until `done`, or until what was
    found blocks already (`ended_early`).
    """

    def __init__(
        self, index: int, content: Video | Audio, how: FilmSettings, known: FilmCache | None = None
    ) -> None:
        """Take a film, the leaf with that index, and what is `known` of those that were looked at before."""
        self.index, self.ended_early = index, False
        self._content, self._how = content, how
        self._films = known
        self._key: Hashable = None
        self._known: CachedFilm | None = None
        self._steps: deque[Callable[[], None]] = deque([self._begin])
        self._film: Film | Recording | None = None
        self._watch: WatchRun | None = None
        self._frames: Frames | None = None
        self._hearing: SoundCheck | None = None
        self._said: list[PlacedText] = []
        self._covers: Sequence[bytes] = ()
        self._seen: WatchAccount | None = None
        self._broken: MediaError | None = None
        self._looked = self._released = False
        self._task: Task | None = None

    @property
    def done(self) -> bool:
        """Whether there is nothing left to do."""
        return not self._steps

    @property
    def task(self) -> Task:
        """The next step."""
        bound = BoundDetector(NAME, self, frozenset(), inline=False)
        wall_s = float(self._how.limits.seconds) if self._film is None else self._film.wall_s
        self._task = Task(bound, [self.index], [self._content], patience_s=wall_s)
        return self._task

    def detect(self, batch: Sequence[Content]) -> list[Detection]:
        """Do one step; on a worker."""
        try:
            self._steps.popleft()()
        except MediaError as error:
            self._breaks(error)
        except MissingExtra as error:
            self._breaks(MediaError("unsupported_type", str(error)))
        except GuardUnavailable as error:
            self._breaks(MediaError("timeout", str(error), "capacity"))
        except OSError as error:
            self._breaks(describe_os_error(error))
        return [CLEAN] * len(batch)

    def settle(self, timings: dict[str, float]) -> None:
        """Take note of a step that was done, or given up."""
        assert self._task is not None
        timings[NAME] = timings.get(NAME, 0.0) + self._task.took_ms
        for answer in self._task.answers:
            if answer.error is not None and self._broken is None:
                self._breaks(MediaError("timeout", f"it could not be watched: {answer.error}", answer.reason))
        observer = CURRENT.get()
        if observer is not None and self._film is not None:
            seen = self._watch.seen if self._watch is not None else self._seen
            length, most = self._film.seconds, self._how.limits.seconds
            of = None if length is None else min(length, most)
            observer.on_progress(0.0 if seen is None else seen.seconds, of, self._looked)

    def close(self) -> None:
        """Watch no more."""
        self._steps.clear()
        if self._watch is not None:
            self._seen = self._watch.seen
            self._watch.close()
            self._watch = None

    def release(self) -> None:
        """Close the film, once nobody needs it any more; for every film that was begun with."""
        self._released = True
        self.close()
        if self._film is not None and self._film is not self._content.source:
            self._film.close()

    def _breaks(self, error: MediaError) -> None:
        self._broken = error
        self.close()

    def _begin(self) -> None:
        content, how = self._content, self._how
        source: Any = content.data if content.source is None else content.source
        redone = source if isinstance(source, RedactedFilm) else UNTOUCHED
        source = source.data if isinstance(source, RedactedFilm) else source
        if isinstance(source, Film | Recording):
            self._film = source
        elif isinstance(content, Video):
            self._film = film_source.open_film(source, how.limits, content.declared)
        else:
            self._film = recording.open_recording(source, how.sound_limits, content.declared)
        if self._released:  # a step that took too long ends after all
            self.release()
            return
        if self._films is not None and redone is UNTOUCHED and self._film.sha256:
            self._key = (self._film.sha256, content.kind, how.key)
            self._known = self._films.get(self._key)
            if self._known is not None:
                return
        self._hearing = SoundCheck(self._film, how.hearers)
        if isinstance(self._film, Recording):
            self._said, self._covers = [*_metadata_lines(self._film.metadata)], self._film.covers()
            self._begin_sound(self._hearing)
            return
        subtitled = any(track.kind == "subtitle" for track in self._film.tracks)
        self._said = [
            *_metadata_lines(self._film.metadata),
            *_caption_lines(self._film.subtitles() if subtitled else ()),
        ]
        self._frames = Frames(self._film, content.place, how.bounds, how.readers, redone)
        self._watch = self._film.watch(how.sampling)
        self._steps.append(partial(self._look, self._watch, self._frames, self._hearing))

    def _look(self, watch: WatchRun, frames: Frames, hearing: SoundCheck) -> None:
        """Look at some frames; after the last ones it is known what to look at more closely."""
        samples = [*islice(watch, AT_ONCE)]
        frames.add(samples)
        if len(samples) == AT_ONCE:
            self._steps.append(partial(self._look, watch, frames, hearing))
            return
        self._seen = watch.seen
        self._steps += [partial(self._look_closely, frames, *each) for each in self._find_doubtful(frames)]
        self._begin_sound(hearing)

    def _begin_sound(self, hearing: SoundCheck) -> None:
        """Go on to the sound."""
        self._steps.append(self._end_frames)
        self._steps += [partial(hearing.listen, track) for track in hearing.tracks]

    def _end_frames(self) -> None:
        """No more frames come."""
        self._looked = True

    def _find_doubtful(self, frames: Frames) -> list[tuple[int, Clip]]:
        """Return what to look at more closely: the number of a track, and a clip."""
        found = (
            (number, clip)
            for number, track in frames.tracks.items()
            for bound in self._how.bounds
            for clip in find_doubtful(track.looks(bound.digest), self._how.decide)
        )
        return [*dict.fromkeys(found)][:CLOSER]

    def _look_closely(self, frames: Frames, number: int, clip: Clip) -> None:
        """Look at some frames of a clip that were not looked at yet; none of them begins a shot, as those were."""
        film = self._film
        assert isinstance(film, Film)
        known = {start for start, _, _ in frames.tracks[number].frames}
        step = (clip[1] - clip[0]) / (CLOSER_FRAMES + 1)
        due = clip[0] + step
        chosen: list[FrameSample] = []
        with film.watch(replace(self._how.sampling, clip=clip, track=number)) as watch:
            for sample in watch:
                if sample.start_ms >= due and sample.start_ms not in known:
                    chosen.append(_assign_shot(sample, frames))
                    due = max(due + step, sample.start_ms + 1)
        frames.add(chosen)

    def detections(self) -> dict[str, Detection]:
        """Return what each detector says of the film so far, by digest."""
        frames, decide = self._frames, self._how.decide
        if self._known is not None:
            return dict(self._known.detections)
        if frames is None:
            return {bound.digest: CLEAN for bound in self._how.bounds}
        return {
            bound.digest: frames.detection(bound, decide, closed=self._looked) for bound in self._how.bounds
        }

    def within(self, clip: tuple[float, float], *, last: bool) -> tuple[int, int]:
        """Return how many frames of a clip were looked at, and how many cuts are in it (`Frames.within`): of a film that is
        known, its share of them.
        """
        if self._known is not None:
            film = self._known.coverage
            share = min(1.0, (clip[1] - clip[0]) / max(1.0, 1_000 * film.seconds))
            return round(share * film.judged), round(share * film.cuts)
        return (0, 0) if self._frames is None else self._frames.within(clip, last=last)

    def scores(self) -> dict[str, list[tuple[Clip, float]]]:
        """Return by category what each frame that was looked at scores, 0 where nothing is found in it."""
        tracks = () if self._frames is None else self._frames.tracks.values()
        found: dict[str, dict[Clip, float]] = {}
        for look in (
            each for track in tracks for bound in self._how.bounds for each in track.looks(bound.digest)
        ):
            for finding in look.findings:
                own, clip = found.setdefault(finding.category, {}), (look.start_ms, look.end_ms)
                own[clip] = max(own.get(clip, 0.0), finding.score)
        every = sorted({(start, end) for track in tracks for start, end, _ in track.frames})
        return {category: [(clip, own.get(clip, 0.0)) for clip in every] for category, own in found.items()}

    def leaf(self, tree: ContentTree) -> Leaf:
        """Return its leaf, with what the file is: a film, or why it is none; as it was where nobody looked."""
        leaf = tree.leaves[self.index]
        source = self._broken if self._film is None else self._film
        return leaf if source is None else replace(leaf, content=replace(self._content, source=source))

    @property
    def is_read(self) -> bool:
        """Whether it is judged where no detector looks at pictures: a sound is heard, and what is written in a film is read."""
        return bool(self._how.readers) or isinstance(self._content, Audio)

    @property
    def covers(self) -> Sequence[bytes]:
        """The pictures that players show beside a sound."""
        return self._covers if self._known is None else self._known.covers

    def texts(self) -> list[PlacedText]:
        """Return what is written and said in it."""
        if self._known is not None:
            return [*self._known.texts]
        written = () if self._frames is None else self._frames.texts()
        return [*self._said, *written, *(() if self._hearing is None else self._hearing.texts)]

    def unchecked(self) -> Iterator[Unchecked]:
        """Yield what was not looked at."""
        if self._film is None:
            if self._broken is None:
                yield Unchecked(UNREADABLE[self._content.kind], NOT_WATCHED)
            return  # else the leaf itself says what is wrong
        if self._known is not None:
            yield from self._known.unchecked
            return
        yield from _unread(self._film.tracks)
        if self._film.behind:
            yield Unchecked("part", f"{self._film.behind} {BEHIND}")
        if self._broken is not None:
            yield describe_unreadable(self._content, self._broken)
        if self._frames is not None and self._frames.unread is not None:
            yield Unchecked("video", self._frames.unread, failure="crash")
        if self._seen is not None:
            yield from _unseen_parts(self._seen, self._how)
        if self._hearing is not None:
            yield from self._hearing.unchecked

    def coverage(self) -> FilmCoverage:
        """Return how much was looked at."""
        if self._known is not None:
            return replace(self._known.coverage, path=self._content.place.path)
        frames, seen = self._frames, self._seen
        seconds = self._film.seconds if isinstance(self._film, Recording) else None
        return FilmCoverage(
            path=self._content.place.path,
            seconds=(seconds or 0.0) if seen is None else seen.seconds,
            frames=0 if seen is None else seen.decoded,
            judged=0 if frames is None else frames.count,
            cuts=0 if seen is None else seen.cuts,
            read=0 if frames is None else frames.read,
            largest_gap_ms=0 if seen is None else seen.largest_gap_ms,
            sound="absent" if self._hearing is None else self._hearing.state,
            stopped=None if seen is None else seen.stopped,
        )

    def remember(self) -> None:
        """Keep what it came to, if that is whole."""
        if self._films is None or self._key is None or self._known is not None or not self._is_whole():
            return
        known = CachedFilm(self.detections(), self.texts(), self.covers, [*self.unchecked()], self.coverage())
        if not any(each.error is not None for each in known.detections.values()):
            self._films.add(self._key, known)

    def _is_whole(self) -> bool:
        """Tell whether it was looked at and listened to until its end, and nothing failed."""
        if not self._looked or self._steps or self.ended_early or self._broken is not None:
            return False
        read = self._frames is None or self._frames.unread is None
        heard = self._hearing is not None and all(each.kind == "audio" for each in self._hearing.unchecked)
        return read and heard and (self._seen is None or self._seen.stopped is None)


def open_films(
    policies: Sequence[CompiledPolicy], leaves: Sequence[Leaf], known: FilmCache | None = None
) -> list[FilmCheck]:
    """Return the films among leaves that some detector looks at, or something reads or transcribes, not watched yet; and the
    sounds for which there is any rule. What is `known` of one is not looked at again, unless somebody looks on.
    """
    known = known if CURRENT.get() is None else None
    found = []
    for index, leaf in enumerate(leaves):
        content = leaf.content
        if not isinstance(content, Video | Audio) or isinstance(content.source, MediaError):
            continue
        if content.source is None and not content.data and content.url is not None:
            continue  # only its address is known, and nobody fetches it
        plans = [policy.plan((content.place.stage, *content.place.also)) for policy in policies]
        how = settings_of_films(policies, plans)
        some = how.bounds or how.readers or how.hearers or isinstance(content, Audio)
        if some and any(plan.rules for plan in plans):
            found.append(FilmCheck(index, content, how, known))
    return found


def add_film_contents(film: FilmCheck, tree: ContentTree) -> None:
    """Put into leaves what a film is, what is written and said in it, and what was not looked at."""
    film.remember()
    leaf = tree.leaves[film.index] = film.leaf(tree)
    place = leaf.content.place
    tree.unchecked += [(replace(each, path=place.path), place) for each in film.unchecked()]
    tree.films[film.index] = film.coverage()
    texts = film.texts()
    add_texts(tree, film.index, texts)
    for cover in film.covers:
        content = Image(cover, replace(place, origin=COVER), context=leaf.content.context)
        tree.leaves.append(replace(leaf, content=content, editable=False, base64=None))
    if (observer := CURRENT.get()) is not None:
        lines = [(text.origin, line.text, line.clip) for text in texts for _, line in text.lines]
        observer.on_film(FilmRecord(place.path, film.scores(), lines))


def _assign_shot(sample: FrameSample, frames: Frames) -> FrameSample:
    """Return a frame with the shot in which it lies, as shots are counted where the whole film is watched."""
    track = frames.tracks.get(sample.track)
    before = [] if track is None else [each for each in track.frames if each[0] <= sample.start_ms]
    return replace(sample, shot=max(before)[2] if before else -1)


def _metadata_lines(metadata: Sequence[tuple[str, str]]) -> Iterator[PlacedText]:
    """Yield what a file says of itself."""
    if (
        text := place_lines(
            (TextLine(value, None, whole=True) for value in find_written(metadata)), "metadata"
        )
    ) is not None:
        yield text


def _caption_lines(captions: Sequence[Caption]) -> Iterator[PlacedText]:
    """Yield subtitles."""
    lines = (TextLine(each.text, None, whole=True, clip=(each.start_ms, each.end_ms)) for each in captions)
    if (text := place_lines(lines, "subtitle")) is not None:
        yield text


def _unread(tracks: Sequence[MediaTrack]) -> Iterator[Unchecked]:
    """Yield what is in a file beside pictures and sound, may be shown, and is read by nobody; fonts say nothing."""
    left = {track.kind for track in tracks if not (track.read or any(word in track.codec for word in FONTS))}
    yield from (Unchecked("part", reason) for kind, reason in UNREAD.items() if kind in left)


def _unseen_parts(seen: WatchAccount, how: FilmSettings) -> Iterator[Unchecked]:
    if seen.captioned:
        yield Unchecked("part", CAPTIONED)
    if seen.stopped is not None:
        kind = "limit" if seen.stopped in LIMITS else "video"
        yield Unchecked(kind, f"it was watched for {seen.seconds:.1f} s, then stopped: {seen.stopped}")
    if how.max_gap_ms is not None and seen.largest_gap_ms > how.max_gap_ms:
        reason = f"{seen.largest_gap_ms} ms without a frame are more than the policy's {how.max_gap_ms}"
        yield Unchecked("video", reason)
    elif how.damage and (seen.corrupt or seen.lost):
        yield Unchecked("video", f"{seen.corrupt} frames of it are damaged, {seen.lost} are missing")
