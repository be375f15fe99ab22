"""Streamed texts: deltas in, what a person may see so far out, and a verdict at the end (`Guard.stream`).

One object for each stream; nothing is shared between them. `feed` and `flush` block the thread while detectors work, their
twins `afeed` and `aflush` do not block the event loop. Once a text is stopped, `blocked` says so, `verdict` has why, and
nothing more is shown.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from guardrails.checker import Checker
from guardrails.context import Context
from guardrails.engine.content.payload import text
from guardrails.engine.content.places import ROLES
from guardrails.engine.core.task_runner import INLINE_ON_LOOP
from guardrails.engine.detector_task import Task
from guardrails.engine.model import Outcome, Request
from guardrails.engine.redaction.restore_stream import RestoreStream
from guardrails.engine.streaming.stream import stop_outcome
from guardrails.engine.streaming.text_channels import TextChannels
from guardrails.errors import GuardUnavailable
from guardrails.types import Stage, StageName, Verdict

Steps = Generator[list[Task], None, str]


class TextStream:
    """One streamed text. Made by `Guard.stream`."""

    def __init__(
        self, checker: Checker, stage: Stage, request: Request, beside: tuple[str, str, str]
    ) -> None:
        self._checker, self._stage, self._request, self._beside = checker, stage, request, beside
        probe = self._subject("")
        leaf = probe.tree.leaves[0].content
        self._voices = TextChannels(checker.pipeline, request, leaf.context)
        self._part = self._voices.part(leaf.place)
        values = request.vault.values if request.vault is not None and ROLES[stage] == "assistant" else {}
        self._restoring = RestoreStream(values)
        self._came: list[str] = []
        self._verdict: Verdict | None = None
        self._ended = False

    def _subject(self, given: str) -> Any:
        subject = text(given, self._stage)
        subject.tree.beside(*self._beside)
        return subject

    @property
    def verdict(self) -> Verdict | None:
        """The verdict, None before `flush` unless the text is stopped."""
        return self._verdict

    @property
    def blocked(self) -> bool:
        """Whether the text is stopped: nothing more of it is shown, and no more of it needs to be made."""
        return self._verdict is not None and self._verdict.blocked

    def feed(self, delta: str) -> str:
        """Take the next part of the text and return what may be shown now.

        Raises:
            ValueError: after `flush`.
            GuardUnavailable: the workers are full.
        """
        try:
            return self._checker.pipeline.drive(self.feeding(delta, None))
        except GuardUnavailable as error:
            raise self._checker.refuse(error, self._stage, self._request) from None

    async def afeed(self, delta: str) -> str:
        """The twin of `feed` that does not block the event loop."""
        try:
            return await self._checker.pipeline.adrive(self.feeding(delta, INLINE_ON_LOOP))
        except GuardUnavailable as error:
            raise self._checker.refuse(error, self._stage, self._request) from None

    def flush(self) -> str:
        """End the text and return the rest of what may be shown: nothing where it is stopped."""
        try:
            return self._checker.pipeline.drive(self.flushing(None))
        except GuardUnavailable as error:
            raise self._checker.refuse(error, self._stage, self._request) from None

    async def aflush(self) -> str:
        """The twin of `flush` that does not block the event loop."""
        try:
            return await self._checker.pipeline.adrive(self.flushing(INLINE_ON_LOOP))
        except GuardUnavailable as error:
            raise self._checker.refuse(error, self._stage, self._request) from None

    def feeding(self, delta: str, inline: int | None) -> Steps:
        """Return the steps of `feed`; `inline` as for `Pipeline.check_steps`."""
        if self._skips(delta):
            return ""
        yield from self._voices.feed(self._part, delta, inline)
        if self._voices.stop is not None:
            self._stop((yield from self._judge_whole(inline)))
        return self._restoring.feed(self._part.take())

    def flushing(self, inline: int | None) -> Steps:
        """Return the steps of `flush`."""
        if self._ends():
            return ""
        yield from self._voices.finish(inline)
        return self._end((yield from self._judge_whole(inline)))

    def _judge_whole(self, inline: int | None) -> Generator[list[Task], None, Outcome]:
        tree, pipeline = self._whole().tree, self._checker.pipeline
        pipeline.budget.admits(tree.leaves)
        return (yield from pipeline.check_steps(tree, self._request, inline))

    def _skips(self, delta: str) -> bool:
        if self._ended:
            raise ValueError("the stream has ended: feed() after flush()")
        if self._verdict is None:
            self._came.append(delta)
        return self._verdict is not None

    def _ends(self) -> bool:
        ended, self._ended = self._ended or self._verdict is not None, True
        return ended

    def _whole(self) -> Any:
        return self._subject("".join(self._came))

    def _stop(self, outcome: Outcome) -> None:
        subject = self._whole()
        outcome = stop_outcome(outcome, self._voices.stop, self._request, 0, subject.tree.leaves)
        self._verdict = self._checker.verdict(
            subject, outcome, self._stage, self._request.vault, who=self._request
        )

    def _end(self, outcome: Outcome) -> str:
        """Take the outcome for the whole text; return the rest of what may be shown."""
        shown, subject = self._part.text, self._whole()
        content = outcome.edits.get(0, "".join(self._came))
        if self._voices.stop is not None or not content.startswith(shown):
            self._stop(outcome)
            return ""
        self._verdict = self._checker.verdict(
            subject, outcome, self._stage, self._request.vault, who=self._request
        )
        if self._verdict.blocked:
            return ""
        return self._restoring.feed(content[len(shown) :], last=True)


def open_stream(checker: Checker, stage: StageName, context: Context) -> TextStream:
    """Return a filter for one streamed text.

    Raises:
        ValueError: it goes on from what an earlier check handed out, at a stage where somebody else than the model could name
            that: such a text must be read as a whole.
    """
    at, context = Stage(stage), checker.fill(context)
    request = context.request(checker.read("", at, context).tree.turns)
    if request.vault is not None and not request.vault.is_empty and ROLES[at] != "assistant":
        raise ValueError(f"a stream at {at.value!r} cannot go on from a vault: check() the whole text")
    return TextStream(checker, at, request, context.beside())
