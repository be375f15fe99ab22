"""Decodes the pictures of a content tree for detectors: each once, before they run, on a worker.

What cannot be decoded stays with the reason in its place, and becomes `unchecked: image`. A picture that nothing looks at is not
decoded, and one of which only the address is known is not fetched. A file that this guard has decoded before has frames that are
decoded when a detector wants them, as the cache may have what all of them found. So are those of pictures that were decoded first
and dropped for others: all of a request are never held together where they are large (`media/pixel_pool.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Final, TypeVar

from guardrails.cancellation import check
from guardrails.detectors.binding import BoundDetector
from guardrails.engine.content.budget import UNBOUNDED, Budget
from guardrails.engine.content.content_tree import Leaf
from guardrails.engine.core.worker_pool import workers
from guardrails.engine.detector_task import Task
from guardrails.errors import GuardUnavailable
from guardrails.media.errors import MediaError, describe_os_error
from guardrails.media.images.decode_cache import ShapeCache
from guardrails.media.images.picture import Picture, UnopenedPicture, measure_picture
from guardrails.media.limits import PictureLimits
from guardrails.media.pixel_pool import get_pixel_pool
from guardrails.policy.compiled import CompiledPolicy
from guardrails.types import CLEAN, Content, Detection, Image

T = TypeVar("T")

NAME: Final = "pictures"
"""Under which timings hold what decoding took."""

FRAMES: Final = 5
"""How many times as many pixels all frames of a picture may have together as one of them."""


class PictureDecoding:
    """Pictures that are to be decoded: `task` does it, `settle` takes what came of it. No pixel of any is decoded where all
    together have more than the budget allows.
    """

    def __init__(
        self,
        leaves: Sequence[int],
        contents: Sequence[Content],
        limits: PictureLimits,
        seen: ShapeCache | None = None,
        budget: Budget = UNBOUNDED,
    ) -> None:
        self._limits, self._seen, self._budget = limits, seen, budget
        self._pixels = 0
        self._made: list[Picture | MediaError] = []
        self.task = Task(BoundDetector(NAME, self, frozenset(), inline=False), [*leaves], [*contents])

    def detect(self, batch: Sequence[Content]) -> list[Detection]:
        """Decode the pictures, one after the other, each to be dropped as room for the next is needed."""
        sized = [self._read_header(each) for each in batch]
        self._pixels = sum(each.pixels for each in sized if isinstance(each, UnopenedPicture))
        if self._pixels <= self._budget.pixels:
            for each in sized:
                check()
                self._made.append(each if isinstance(each, MediaError) else self._decode(each))
        return [CLEAN] * len(batch)

    def _read_header(self, content: Content) -> UnopenedPicture | MediaError:
        assert isinstance(content, Image)
        return _catch_media_error(lambda: _read_size(content, self._limits))

    def _decode(self, given: UnopenedPicture) -> Picture | MediaError:
        return _catch_media_error(lambda: given.open(self._seen, get_pixel_pool()))

    def settle(self, leaves: list[Leaf], timings: dict[str, float]) -> None:
        """Put the decoded pictures into the leaves; those that were not done in time are none. Raises `RequestError` where they
        have more pixels than the budget allows.
        """
        timings[NAME] = timings.get(NAME, 0.0) + self.task.took_ms
        self._budget.allows(pixels=self._pixels)
        made = (*self._made,)  # an abandoned worker may go on
        reasons = [answer.reason for answer in self.task.answers if answer.error is not None]
        for position, index in enumerate(self.task.leaves):
            late = MediaError("timeout", "it was not decoded in time", reasons[0] if reasons else "timeout")
            source = made[position] if position < len(made) else late
            content = leaves[index].content
            assert isinstance(content, Image)
            leaves[index] = replace(leaves[index], content=replace(content, source=source))


def limits_of(policies: Sequence[CompiledPolicy]) -> PictureLimits:
    """Return the limits of pictures: a floor sees no less than it would alone."""
    limits = [policy.limits for policy in policies]
    pixels = max(each.picture_pixels for each in limits)
    return PictureLimits(
        bytes=max(each.picture_bytes for each in limits),
        pixels=pixels,
        total_pixels=FRAMES * pixels,
        frames=max(each.picture_frames for each in limits),
        by_bytes=reads_mistyped(policies),
    )


def reads_mistyped(policies: Sequence[CompiledPolicy]) -> bool:
    """Tell whether a file is judged that is said to be of another type than it is: where all policies want that."""
    return all(policy.media.mistyped == "read" for policy in policies)


def prepare_decoding(
    policies: Sequence[CompiledPolicy],
    leaves: Sequence[Leaf],
    *,
    read: bool = False,
    seen: ShapeCache | None = None,
    budget: Budget = UNBOUNDED,
) -> PictureDecoding | None:
    """Return what decodes the pictures that some detector looks at, or that are all `read`, and that are not decoded yet; None
    where there are none. Files that were `seen` are decoded when a detector wants their pixels; all together may have as many as
    the budget allows.
    """
    found = [index for index, leaf in enumerate(leaves) if _is_due(leaf.content, policies, read)]
    if not found:
        return None
    return PictureDecoding(
        found, [leaves[index].content for index in found], limits_of(policies), seen, budget
    )


def _is_due(content: Content, policies: Sequence[CompiledPolicy], read: bool) -> bool:
    if not isinstance(content, Image) or isinstance(content.source, Picture | MediaError):
        return False
    if content.source is None and not content.data and content.url is not None:
        return False
    stages = (content.place.stage, *content.place.also)
    if read:
        return any(policy.plan(stages).rules for policy in policies)
    return any(
        bound.pixels and Image.kind in bound.contents
        for policy in policies
        for tier in policy.plan(stages).tiers
        for bound in tier
    )


def release_pictures(leaves: Sequence[Leaf]) -> None:
    """Keep no pixels of pictures among leaves any longer, and give much memory back: who wants them later decodes them again."""
    for leaf in leaves:
        source = leaf.content.source if isinstance(leaf.content, Image) else None
        if isinstance(source, Picture):
            source.release()
    if get_pixel_pool().due:
        with suppress(GuardUnavailable):  # another check will see to it
            workers().submit(get_pixel_pool().trim)


def decode_picture(content: Image, limits: PictureLimits) -> Picture | MediaError:
    """Return a picture decoded, or why it cannot be."""
    return _catch_media_error(lambda: _read_size(content, limits).open(None, None))


def _read_size(content: Image, limits: PictureLimits) -> UnopenedPicture:
    source = content.data if content.source is None else content.source
    return measure_picture(source, limits, content.declared)


def _catch_media_error(read: Callable[[], T]) -> T | MediaError:
    """Return what reading a picture gives, or why it cannot be judged."""
    try:
        return read()
    except MediaError as error:
        return error
    except GuardUnavailable as error:
        return MediaError("timeout", str(error), "capacity")
    except OSError as error:
        return describe_os_error(error)
    except Exception as error:  # what came as pixels may raise what it likes
        return MediaError("undecodable", f"it cannot be read ({type(error).__name__})")
