"""How the policies have films and sounds looked at: by which detectors, how closely, and under which limits.

Of several policies no one sees less than it would alone: the highest limits count, and the lowest thresholds.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Final

from guardrails.detectors.binding import BoundDetector
from guardrails.engine.media.film_findings import SegmentSettings
from guardrails.engine.media.picture_decoding import reads_mistyped
from guardrails.media.audio.recording import AudioLimits
from guardrails.media.video.film_source import Sampling, VideoLimits
from guardrails.policy.compiled import CompiledPolicy, DetectionPlan
from guardrails.types import Action, Image

SIDES: Final = (512, 960)
"""Pixels of the longer side of frames: for classifiers, which look at 224 and at parts, and for what is written in them."""


@dataclass(frozen=True, slots=True)
class FilmSettings:
    """How films at some stages are looked at: by which detectors, by what reads and transcribes, and how closely. A gap longer
    than `max_gap_ms` is named, and with `damage` whatever is damaged, however short.
    """

    bounds: tuple[BoundDetector, ...]
    readers: tuple[BoundDetector, ...]
    hearers: tuple[BoundDetector, ...]
    limits: VideoLimits
    sound_limits: AudioLimits
    sampling: Sampling
    decide: SegmentSettings
    max_gap_ms: int | None
    damage: bool

    @property
    def key(self) -> Hashable:
        """What two have alike that see the same in a film."""
        digests = (tuple(each.digest for each in some) for some in (self.bounds, self.readers, self.hearers))
        limits = (self.limits, self.sound_limits, self.sampling, self.decide, self.max_gap_ms, self.damage)
        return (*digests, *limits)


def film_limits(policies: Sequence[CompiledPolicy]) -> VideoLimits:
    """Return the limits of films: a floor sees no less than it would alone. One that is sure to be blocked for its length is not
    watched to its limit first.
    """
    limits = [policy.limits for policy in policies]
    return VideoLimits(
        bytes=max(each.film_bytes for each in limits),
        pixels=max(each.film_pixels for each in limits),
        seconds=max(each.film_seconds for each in limits),
        by_bytes=reads_mistyped(policies),
        refuse_long=any(policy.unchecked["limit"] is Action.BLOCK for policy in policies),
    )


def sound_limits(policies: Sequence[CompiledPolicy]) -> AudioLimits:
    """Return the limits of sounds, likewise."""
    return AudioLimits(
        bytes=max(policy.limits.film_bytes for policy in policies),
        seconds=max(policy.limits.film_seconds for policy in policies),
        by_bytes=reads_mistyped(policies),
    )


def settings_of_films(policies: Sequence[CompiledPolicy], plans: Sequence[DetectionPlan]) -> FilmSettings:
    """Return how films are looked at for some plans, those of the policies: a floor sees no less than it would alone."""
    films = [policy.films for policy in policies]
    bounds = {
        bound.digest: bound
        for plan in plans
        for tier in plan.tiers
        for bound in tier
        if bound.pixels and Image.kind in bound.contents
    }
    every = {bound.digest: bound for policy in policies for bound in policy.detectors}
    readers = tuple(bound for bound in every.values() if bound.extracts is not None)
    gaps = [each.max_gap_ms for each in films if each.max_gap_ms is not None]
    return FilmSettings(
        (*bounds.values(),),
        readers,
        tuple(bound for bound in every.values() if bound.hears is not None),
        film_limits(policies),
        sound_limits(policies),
        Sampling(
            fps=max(each.fps for each in films),
            budget=max(each.max_frames for each in films),
            side=SIDES[bool(readers)],
        ),
        SegmentSettings(
            hard=min(each.hard for each in films),
            corroborate=min(each.corroborate for each in films),
            of=max(each.of for each in films),
            enter=min(each.enter for each in films),
            leave=min(each.leave for each in films),
        ),
        min(gaps, default=None),
        len(gaps) < len(films),
    )
