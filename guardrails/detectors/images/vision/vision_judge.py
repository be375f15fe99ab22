"""The detector over a vision model behind an endpoint: what the model says of each frame of a picture."""

from __future__ import annotations

import asyncio
import io
from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from guardrails.detectors.images.reading.distinct_frames import pick_distinct_frames
from guardrails.detectors.images.vision.form import VisionForm
from guardrails.detectors.llm.guards.form import GuardQuestion, Labels
from guardrails.remote.chat import ModelAnswer, ask_chat
from guardrails.remote.endpoint import Endpoint, RemoteError
from guardrails.remote.loop import submit
from guardrails.types import CLEAN, Content, Detection, Finding, Image, Unchecked

if TYPE_CHECKING:
    from guardrails.media.images.picture import Picture, Pixels

QUALITY: Final = 90
"""Of the JPEG that is sent."""

MOST_AT_A_TIME: Final = 4
"""Views of pictures of one check that are asked about at a time, so that an animation leaves room for others at its endpoint."""

Clip = tuple[int, int]


@dataclass(frozen=True, slots=True)
class VisionQuestions:
    """A form as one detector uses it.

    Args:
        form: the form.
        labels: what its answers say that is wanted, with the categories that it finds.
        policies: policies in words by label.
        frames: frames of an animation that are judged; the rest is `unchecked: limit`.
        side: pixels of the longer side of what is sent, at most.
        partial: the score that a picture on its way in a stream must reach.
        least: the score below which nothing is reported.
        max_tokens: tokens of an answer at most.
        probabilities: whether the likelihood of tokens is asked for.
    """

    form: VisionForm
    labels: Labels
    policies: Mapping[str, str]
    frames: int = 16
    side: int = 1_024
    partial: float = 0.97
    least: float = 0.1
    max_tokens: int | None = None
    probabilities: bool = True


class VisionJudge:
    """The detector: some frames, all views of each, all questions about it."""

    inline = False
    pixels = True
    tier = 2

    def __init__(self, name: str, how: VisionQuestions, endpoint: Endpoint, model: str) -> None:
        self._name, self._how, self._endpoint, self._model = name, how, endpoint, model
        self.identity: list[Any] = [how.form.name, sorted(how.labels.items())]

    def detect(self, batch: Sequence[Content]) -> list[Detection]:
        """Wait for `adetect`; frames of films are judged so."""
        return submit(self.adetect(batch)).result()

    async def adetect(self, batch: Sequence[Content]) -> list[Detection]:
        """Judge all pictures, some views at a time."""
        free = asyncio.Semaphore(MOST_AT_A_TIME)
        return [*await asyncio.gather(*(self._detect_one(content, free) for content in batch))]

    async def _detect_one(self, content: Content, free: asyncio.Semaphore) -> Detection:
        if not isinstance(content, Image):
            return CLEAN
        picture = content.source
        frames = pick_distinct_frames(picture.frames, self._how.frames)
        clips = [(frame.start_ms, frame.end_ms) for frame in frames for _ in frame.views]
        work = [self._score(view, free) for frame in frames for view in frame.views]
        try:
            scored = await asyncio.gather(*work)
        except RemoteError as error:
            return Detection(error=str(error))
        least = self._how.partial if content.partial else self._how.least
        findings = tuple(self._findings(picture, zip(clips, scored, strict=True), least))
        left = len(picture.frames) - len(frames)
        reason = f"{left} frames of it were not shown to the model: raise frames of detector {self._name!r}"
        unchecked = (Unchecked("limit", reason),) if left else ()
        return Detection(findings, unchecked=unchecked) if findings or unchecked else CLEAN

    def _findings(
        self, picture: Picture, scored: Iterator[tuple[Clip, Mapping[str, float]]], least: float
    ) -> Iterator[Finding]:
        """Yield the highest finding of each category, with the time when that is seen."""
        best: dict[str, tuple[float, Clip]] = {}
        for clip, scores in scored:
            for category, score in scores.items():
                if score >= least and (category not in best or best[category][0] < score):
                    best[category] = score, clip
        for category, (score, clip) in best.items():
            yield Finding(category, score, self._name, clip=clip if picture.animated else None)

    async def _score(self, view: Pixels, free: asyncio.Semaphore) -> dict[str, float]:
        """Return the score of each category by the answers about a view; raises `RemoteError`."""
        how = self._how
        async with free:
            url = await asyncio.to_thread(encode_view, view, how.side)
            questions = how.form.questions(url, [*how.labels], how.policies)
            answers = await asyncio.gather(*map(self._ask, questions))
        found: dict[str, float] = {}
        for question, answer in zip(questions, answers, strict=True):
            for label, score in how.form.read(question, answer).items():
                for category in how.labels.get(label, ()):
                    found[category] = max(score, found.get(category, 0.0))
        return found

    async def _ask(self, question: GuardQuestion) -> ModelAnswer:
        form = self._how.form
        return await ask_chat(
            self._endpoint,
            self._model,
            question.messages,
            max_tokens=self._how.max_tokens or form.max_tokens,
            top=form.top if self._how.probabilities else 0,
            may_be_cut=form.may_be_cut,
        )


def encode_view(view: Pixels, side: int) -> str:
    """Return a view, made smaller where it is larger than a side, as the data URI of a JPEG."""
    from PIL import Image as Pillow

    image = Pillow.fromarray(view)
    image.thumbnail((side, side), Pillow.Resampling.BICUBIC)
    out = io.BytesIO()
    image.save(out, "JPEG", quality=QUALITY)
    return f"data:image/jpeg;base64,{b64encode(out.getvalue()).decode()}"
