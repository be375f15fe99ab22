"""Redacts pictures: makes new ones in which what was found is covered, or blocks where that cannot be.

A finding with a box has that covered in every frame, one without has the whole picture covered, each as its rule says. The new
picture is in the shape of the old one; in a body it is Base64 again, as it was. Whoever asks judges it once more before it goes
on (`engine/core/pipeline.py`), and refuses it where something is still found.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from guardrails.detectors.binding import BoundDetector
from guardrails.engine.content.content_tree import ContentTree, Leaf
from guardrails.engine.detector_task import Task
from guardrails.engine.formats.metadata_texts import is_metadata
from guardrails.engine.media.ocr_text import locate_in_picture
from guardrails.engine.model import RuleMatch
from guardrails.engine.redaction.film_redaction import RedactedFilm, redact_film, silence_sound
from guardrails.media.audio.recording import AudioLimits, Recording
from guardrails.media.images.edit import Box, How
from guardrails.media.images.picture import Picture, open_picture
from guardrails.media.images.redact import covered_boxes, redact_picture, rewrite_picture
from guardrails.media.limits import PictureLimits
from guardrails.media.pixel_pool import get_pixel_pool
from guardrails.media.rewrite.recode import MEDIA, SLOWER, family_of
from guardrails.media.uploads.strip_metadata import strip_metadata
from guardrails.media.video.film_source import Film, OpenedFile, VideoLimits
from guardrails.policy.compiled import Rule
from guardrails.types import (
    CLEAN,
    Action,
    Audio,
    Content,
    Detection,
    Finding,
    Image,
    Media,
    Mode,
    UnavailableReason,
)

NAME: Final = "covering"
"""Under which timings hold what redaction took."""

GROWN: Final = 4
"""How many times as large as it was a file may be once it was written again."""

HOWS: Final[tuple[How, ...]] = ("placeholder", "blur", "pixelate", "solid")
"""The ways to cover, in the order in which they are done: the last leaves the least."""

Wanted = Mapping[int, Sequence[tuple[Rule, Finding]]]
"""Index of a leaf → what is to be covered in it, and for which rule."""


@dataclass(frozen=True, slots=True)
class MediaEdits:
    """The new picture of each leaf that has one, and as blocks those that could not be redacted."""

    edits: Mapping[int, Any] = field(default_factory=dict)
    blocks: Sequence[RuleMatch] = ()


NO_MEDIA_EDITS: Final = MediaEdits()
"""Nothing was to be covered."""


def find_wanted(leaves: Sequence[Leaf], fired: Sequence[Sequence[RuleMatch]]) -> Wanted:
    """Return what enforced rules want covered, by leaf."""
    found: dict[int, list[tuple[Rule, Finding]]] = {}
    for each in (each for some in fired for each in some if each.rule.mode is Mode.ENFORCE):
        for index, finding in each.replace:
            for picture, own in locate_in_picture(finding, leaves, index):
                found.setdefault(picture, []).append((each.rule, own))
    return found


class MediaRedaction:
    """Pictures and films that are to be redacted: `task` does it, `again` gives what came of it to be judged, `settled` the end
    of it.
    """

    def __init__(
        self,
        leaves: Sequence[Leaf],
        wanted: Wanted,
        limits: PictureLimits,
        film_limits: VideoLimits,
        sound_limits: AudioLimits,
    ) -> None:
        self._wanted = wanted
        self._limits, self._film_limits, self._sound_limits = limits, film_limits, sound_limits
        self._leaves = leaves
        self._made: dict[int, tuple[Any, Picture | RedactedFilm]] = {}
        self._kept: dict[int, tuple[Any, Picture | RedactedFilm]] = {}
        self._failures: dict[int, UnavailableReason] = {}
        contents = [leaves[index].content for index in wanted]
        sources = [each.source for each in contents if isinstance(each, Media)]
        wall_s = SLOWER * sum(each.wall_s for each in sources if isinstance(each, OpenedFile))
        self.task = Task(
            BoundDetector(NAME, self, frozenset(), inline=False), [*wanted], contents, patience_s=wall_s
        )

    def detect(self, batch: Sequence[Content]) -> list[Detection]:
        """Redact the pictures, one after the other."""
        for index, content in zip(self._wanted, batch, strict=True):
            assert isinstance(content, Media)
            if isinstance(content.source, Film):
                new = redact_film(content.source, self._wanted[index], self._film_limits)
                self._made[index] = (new.data, new)
            elif isinstance(content.source, Recording):
                new = silence_sound(content.source, self._wanted[index], self._sound_limits)
                self._made[index] = (new.data, new)
            elif isinstance(content, Image):
                self._made[index] = redact_media(content.source, self._wanted[index], self._limits)
        return [CLEAN] * len(batch)

    def again(self, tree: ContentTree, timings: dict[str, float]) -> Iterator[tuple[int, ContentTree]]:
        """Yield the pictures that were made in time, each as leaves of its own."""
        timings[NAME] = timings.get(NAME, 0.0) + self.task.took_ms
        made_in_time = self._made.copy()  # an abandoned worker may go on
        self._kept = {index: made for index, made in made_in_time.items() if tree.leaves[index].editable}
        for index, (_, picture) in [*self._kept.items()]:
            content = tree.leaves[index].content
            assert isinstance(content, Media)
            new = replace(content, source=picture, declared=None)
            leaf = replace(tree.leaves[index], content=new)
            yield index, replace(tree, leaves=[leaf], unchecked=[], unknown=[], films={})

    def refuse(self, index: int, failure: UnavailableReason | None = None) -> None:
        """Take back a picture in which something is still found, or that could not be judged again for a `failure`."""
        del self._kept[index]
        if failure is not None:
            self._failures[index] = failure

    def settled(self) -> MediaEdits:
        """Return what the pictures became."""
        edits = {}
        for index, (made, picture) in self._kept.items():
            written = write_picture(self._leaves[index], made, picture)
            if written is not None:
                edits[index] = written
        left = [index for index in self._wanted if index not in edits]
        rules = {(index, rule.id): rule for index in left for rule, _ in self._wanted[index]}
        for answer in self.task.answers:  # given up, for all of those that were not done by then
            if answer.error is not None and answer.reason in ("timeout", "capacity"):
                self._failures.update((index, answer.reason) for index in left if index not in self._made)
        blocks = [
            RuleMatch(rule, Action.BLOCK, "not_redacted", (index,), cause=self._failures.get(index))
            for (index, _), rule in rules.items()
        ]
        return MediaEdits(edits, blocks)


def redact_media(
    picture: Picture, found: Sequence[tuple[Rule, Finding]], limits: PictureLimits
) -> tuple[Any, Picture]:
    """Return what a picture was made of with findings covered, and the picture that this is. One of which something is found
    in its metadata alone stays as it is, without that.

    Raises:
        MediaError: it cannot be decoded at its full size.
        GuardUnavailable: all processes that decode are busy.
    """
    made: Any = None
    under: tuple[Box, ...] = ()
    shown = [(rule, finding) for rule, finding in found if not is_metadata(finding.origin)]
    if not shown:
        made = strip_metadata(picture, limits)
        made = rewrite_picture(picture, limits) if made is None else made
        most = replace(limits, bytes=max(limits.bytes, GROWN * len(picture.data)))
        return made, open_picture(made, most, pool=get_pixel_pool())
    for how in HOWS:
        own = [finding for rule, finding in shown if rule.cover == how]
        if own:
            boxes = [finding.box for finding in own if finding.box is not None]
            made = redact_picture(picture, boxes, how, whole=len(boxes) < len(own), limits=limits)
            under += covered_boxes(picture, boxes, whole=len(boxes) < len(own))
            most = replace(limits, bytes=max(limits.bytes, GROWN * len(picture.data)))
            picture = open_picture(made, most, pool=get_pixel_pool())
    return made, replace(picture, covered=under)


def write_picture(leaf: Leaf, made: Any, picture: Picture | RedactedFilm) -> Any:
    """Return what stands in the place of a leaf, in a body Base64; None where that says another type."""
    if leaf.base64 is None:
        return made
    if isinstance(leaf.content, Audio):
        return leaf.base64 + b64encode(made).decode()  # it stays what it is
    before, was = leaf.base64, leaf.content.source.format  # type: ignore[union-attr] # it is a picture or a film
    is_film = isinstance(picture, RedactedFilm)
    now = family_of(was) if isinstance(picture, RedactedFilm) else picture.format
    if before:
        before = f"data:{MEDIA[now] if is_film else 'image/' + now};base64,"
    elif was != now:
        return None
    return before + b64encode(made).decode()
