"""What fired on pictures → pictures with that covered: the findings of redact rules in, new pictures out, or blocks.

A finding with a box has that covered in every frame, one without has the whole picture covered, each as its rule says. The new
picture is in the shape of the old one; in a body it is Base64 again, as it was. Whoever asks judges it once more before it goes
on (`engine/core/pipeline.py`), and refuses it where something is still found.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from guardrails.detectors import BoundDetector
from guardrails.engine.content.content_tree import Leaf, Leaves
from guardrails.engine.core.detection_round import Task
from guardrails.engine.core.rule_evaluation import Fired
from guardrails.engine.media.ocr_text import in_picture
from guardrails.engine.redaction.film_redaction import Redone, covered_film, silenced
from guardrails.media.audio.recording import AudioLimits, Recording
from guardrails.media.images.edit import Box, How
from guardrails.media.images.picture import Picture, open_picture
from guardrails.media.images.redact import covered_boxes, redact_picture
from guardrails.media.limits import PictureLimits
from guardrails.media.pixel_pool import get_pixel_pool
from guardrails.media.rewrite.recode import MEDIA, SLOWER, family_of
from guardrails.media.video.film_source import Film, OpenedFile, VideoLimits
from guardrails.policy.compiled import Rule
from guardrails.types import CLEAN, Action, Audio, Content, Detection, Finding, Image, Media, Mode

NAME: Final = "covering"
"""Under which timings hold what redaction took."""

GROWN: Final = 4
"""How many times as large as it was a file may be once it was written again."""

HOWS: Final[tuple[How, ...]] = ("placeholder", "blur", "pixelate", "solid")
"""The ways to cover, in the order in which they are done: the last leaves the least."""

Wanted = Mapping[int, Sequence[tuple[Rule, Finding]]]
"""Index of a leaf → what is to be covered in it, and for which rule."""


@dataclass(frozen=True, slots=True)
class Covered:
    """The new picture of each leaf that has one, and as blocks those that could not be redacted."""

    edits: Mapping[int, Any] = field(default_factory=dict)
    blocks: Sequence[Fired] = ()


UNCOVERED: Final = Covered()
"""Nothing was to be covered."""


def wanted(leaves: Sequence[Leaf], fired: Sequence[Sequence[Fired]]) -> Wanted:
    """Return what enforced rules want covered, by leaf."""
    found: dict[int, list[tuple[Rule, Finding]]] = {}
    for each in (each for some in fired for each in some if each.rule.mode is Mode.ENFORCE):
        for index, finding in each.replace:
            for picture, own in in_picture(finding, leaves, index):
                found.setdefault(picture, []).append((each.rule, own))
    return found


class Covering:
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
        self._made: dict[int, tuple[Any, Picture | Redone]] = {}
        self._kept: dict[int, tuple[Any, Picture | Redone]] = {}
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
                new = covered_film(content.source, self._wanted[index], self._film_limits)
                self._made[index] = (new.data, new)
            elif isinstance(content.source, Recording):
                new = silenced(content.source, self._wanted[index], self._sound_limits)
                self._made[index] = (new.data, new)
            elif isinstance(content, Image):
                self._made[index] = covered(content.source, self._wanted[index], self._limits)
        return [CLEAN] * len(batch)

    def again(self, leaves: Leaves, timings: dict[str, float]) -> Iterator[tuple[int, Leaves]]:
        """Yield the pictures that were made in time, each as leaves of its own."""
        timings[NAME] = timings.get(NAME, 0.0) + self.task.took_ms
        made_in_time = self._made.copy()  # an abandoned worker may go on
        self._kept = {index: made for index, made in made_in_time.items() if leaves.found[index].editable}
        for index, (_, picture) in [*self._kept.items()]:
            content = leaves.found[index].content
            assert isinstance(content, Media)
            new = replace(content, source=picture, declared=None)
            leaf = replace(leaves.found[index], content=new)
            yield index, replace(leaves, found=[leaf], unchecked=[], unknown=[], films={})

    def refuse(self, index: int) -> None:
        """Take back a picture in which something is still found."""
        del self._kept[index]

    def settled(self) -> Covered:
        """Return what the pictures became."""
        edits = {}
        for index, (made, picture) in self._kept.items():
            written = _written(self._leaves[index], made, picture)
            if written is not None:
                edits[index] = written
        left = [index for index in self._wanted if index not in edits]
        rules = {(index, rule.id): rule for index in left for rule, _ in self._wanted[index]}
        blocks = [Fired(rule, Action.BLOCK, "not_redacted", (index,)) for (index, _), rule in rules.items()]
        return Covered(edits, blocks)


def covered(
    picture: Picture, found: Sequence[tuple[Rule, Finding]], limits: PictureLimits
) -> tuple[Any, Picture]:
    """Return what a picture was made of with findings covered, and the picture that this is.

    Raises:
        MediaError: it cannot be decoded at its full size.
        Overloaded: all processes that decode are busy.
    """
    made: Any = None
    under: tuple[Box, ...] = ()
    for how in HOWS:
        own = [finding for rule, finding in found if rule.cover == how]
        if own:
            boxes = [finding.box for finding in own if finding.box is not None]
            made = redact_picture(picture, boxes, how, whole=len(boxes) < len(own), limits=limits)
            under += covered_boxes(picture, boxes, whole=len(boxes) < len(own))
            most = replace(limits, bytes=max(limits.bytes, GROWN * len(picture.data)))
            picture = open_picture(made, most, pool=get_pixel_pool())
    return made, replace(picture, covered=under)


def _written(leaf: Leaf, made: Any, picture: Picture | Redone) -> Any:
    """Return what stands in the place of a leaf, in a body Base64; None where that says another type."""
    if leaf.base64 is None:
        return made
    if isinstance(leaf.content, Audio):
        return leaf.base64 + b64encode(made).decode()  # it stays what it is
    before, was = leaf.base64, leaf.content.source.format  # type: ignore[union-attr] # it is a picture or a film
    is_film = isinstance(picture, Redone)
    now = family_of(was) if isinstance(picture, Redone) else picture.format
    if before:
        before = f"data:{MEDIA[now] if is_film else 'image/' + now};base64,"
    elif was != now:
        return None
    return before + b64encode(made).decode()
