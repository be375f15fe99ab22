"""The texts of one answer as they grow, and how much of each may be shown.

A `StreamedPart` is one text of the answer. What people or machines read as one text, though it comes in several parts, is a
`TextChannel` (DESIGN §4.4: parts are judged each and joined): a part shows what is settled in all its channels, one of which is
its own. Values are replaced as `engine/redaction/edits.py` does it in whole texts, and numbered in the order in which they are
shown.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from functools import partial
from typing import Final

from guardrails.engine.core.pipeline import Pipeline
from guardrails.engine.detector_task import Task
from guardrails.engine.message_languages import NOBODY, Reader
from guardrails.engine.model import Change, Request, Span
from guardrails.engine.redaction.edits import SEEN, changes, replace_spans
from guardrails.engine.redaction.vault import Vault
from guardrails.engine.streaming.rule_decisions import StreamStop
from guardrails.engine.streaming.stream_evaluator import Steps, StreamEvaluator
from guardrails.types import Place, Text

REMEMBERED: Final = 20_000
"""Characters shown in which a placeholder of the model's own is looked for when the next value is numbered."""


class StreamedPart:
    """One text. `length` is that of what came, `shown` how much of it was taken, `text` what it became so far."""

    def __init__(self, place: Place, vault: Vault, reader: Reader = NOBODY) -> None:
        self.place = place
        self._vault, self._reader = vault, reader
        self._rest = self._before = self._shown_text = ""
        self._spans: list[Span] = []
        self._came: list[str] = []
        self.length = self.shown = self.mark = 0
        self.changed = False
        self.pieces: list[str] = []

    @property
    def text(self) -> str:
        """What was shown of it, all together."""
        return "".join(self.pieces)

    @property
    def raw(self) -> str:
        """All of it, as it came."""
        return "".join(self._came)

    def add(self, delta: str) -> None:
        """Take what follows."""
        self._rest += delta
        self._came.append(delta)
        self.length += len(delta)

    def replace(self, span: Span) -> None:
        """Have a stretch replaced."""
        self._spans.append(span)

    def between(self, start: int, end: int) -> str:
        """Return what came between two places that were not shown yet."""
        return self._rest[start - self.shown : end - self.shown]

    def settle(self, mark: int) -> None:
        """Let what lies before a place be shown, but no part of what is replaced over it."""
        while over := [span.start for span in self._spans if span.start < mark < span.end]:
            mark = min(over)
        self.mark = max(self.mark, mark)

    def take(self, end: int | None = None) -> str:
        """Return what may be shown in addition; of what came behind `end` no more than is replaced with what came before it."""
        until = self.mark if end is None else min(end, self.mark)
        while over := [span.end for span in self._spans if span.start < until < span.end]:
            until = max(over)
        size = until - self.shown
        if size <= 0:
            return ""
        made: list[Change] = []
        if self._spans:
            due = [span for span in self._spans if span.start < until]
            self._spans = [span for span in self._spans if span.start >= until]
            moved = [
                Span(
                    each.start - self.shown,
                    each.end - self.shown,
                    each.rule,
                    each.finding,
                    each.leads,
                    each.rest,
                )
                for each in due
            ]
            text = Text(self._rest[:size], self.place)
            told = {"before": self._before, "shown": self._shown_text}
            made = [*changes(text, moved, self._vault, reserve=True, reader=self._reader, **told)]
        end = made[-1].end if made else 0
        self._before = ((self._before if not made else "") + self._rest[end:size])[-REMEMBERED:]
        self._shown_text = (self._shown_text + self._rest[:size])[-SEEN:]
        out = replace_spans(self._rest[:size], made)
        self.changed = self.changed or bool(made)
        self._rest = self._rest[size:]
        self.shown = until
        if out:
            self.pieces.append(out)
        return out


class TextChannel:
    """Parts that are read as one text. As long as there is one alone, and it grows, that is watched by itself, and a joined voice
    sleeps: it wakes up for what follows that part, and reads it then.
    """

    def __init__(self, begin: Callable[[], StreamEvaluator], *, sleeps: bool) -> None:
        self._begin = begin
        self._watch = None if sleeps else begin()
        self._parts: list[tuple[StreamedPart, int]] = []

    @property
    def stop(self) -> StreamStop | None:
        """Why it must not go on, None as long as it may."""
        return None if self._watch is None else self._watch.stop

    @property
    def is_whole(self) -> bool:
        """Whether it is held to the end of the answer."""
        return self._watch is not None and self._watch.is_whole

    @property
    def is_due(self) -> bool:
        """Whether it sleeps although more than one part is there."""
        return self._watch is None and len(self._parts) > 1

    def join(self, part: StreamedPart) -> None:
        """Let a part follow."""
        self._parts.append((part, sum(own.length for own, _ in self._parts)))

    def wake(self, inline: int | None) -> Steps:
        """Read what there is so far, where it was not read yet."""
        if self._watch is None:
            self._watch = self._begin()
            yield from self.steps("".join(part.raw for part, _ in self._parts), inline)

    def steps(self, delta: str, inline: int | None, *, last: bool = False) -> Steps:
        """Take what the last of the parts got, unless it sleeps."""
        if self._watch is None:
            return
        yield from self._watch.steps(delta, inline, last=last)
        for span in self._watch.take_spans():
            self._spread(span)

    def _spread(self, span: Span) -> None:
        """Hand a stretch to the parts in which it lies and was not shown; only the first is replaced by something."""
        touched: list[tuple[StreamedPart, int, int]] = []
        for part, begin in self._parts:
            start, end = max(span.start - begin, part.shown), min(span.end - begin, part.length)
            if start < end:
                touched.append((part, start, end))
        rest = "".join(part.between(start, end) for part, start, end in touched[1:])
        for at, (part, start, end) in enumerate(touched):
            leads = at == 0 and span.leads
            part.replace(Span(start, end, span.rule, span.finding, leads, rest + span.rest if leads else ""))

    def mark(self, part: StreamedPart) -> int:
        """Return how far a part of it is settled."""
        if self._watch is None:
            return part.length
        begin = next(start for own, start in self._parts if own is part)
        return min(max(self._watch.mark - begin, 0), part.length)


class TextChannels:
    """All the texts of one answer, of one choice or several.

    Args:
        pipeline: the policies.
        request: who asked; its vault is gone on from.
        context: what the answer is judged beside (`Text.context`).
        choices: how many choices it has; one that is stopped does not stop the others.

    Attributes:
        stops: the choices that are stopped, and why.
    """

    def __init__(
        self,
        pipeline: Pipeline,
        request: Request,
        context: Mapping[str, str] | None = None,
        choices: int = 1,
    ) -> None:
        self._pipeline, self._request, self._context = pipeline, request, context
        self._choices = choices
        self.stops: dict[int | None, StreamStop] = {}
        self.vault = Vault(request.vault)
        self._joined: dict[tuple[object, ...], TextChannel] = {}
        self._of: dict[int, list[TextChannel]] = {}
        self._passing: dict[int, list[TextChannel]] = {}
        self._open: dict[int, StreamedPart] = {}
        self._parts: list[StreamedPart] = []
        self._is_finished = False

    @property
    def stop(self) -> StreamStop | None:
        """Why the answer must not go on, None as long as some choice of it may."""
        done = len(self.stops) >= self._choices or None in self.stops
        return next(iter(self.stops.values())) if done else None

    @property
    def is_whole(self) -> bool:
        """Whether what there is so far is held to the end of the answer."""
        return any(voice.is_whole for voices in self._of.values() for voice in voices)

    def part(
        self, place: Place, *joined: tuple[object, ...], passing: Sequence[tuple[object, ...]] = ()
    ) -> StreamedPart:
        """Begin a text; `joined` are the keys of the voices that it goes on with, besides its own, `passing` of those for whose
        next part it does not wait once it has ended: that part alone is held to what they make up.
        """
        part = StreamedPart(place, self.vault, Reader(self._request))
        voices = [TextChannel(partial(self._watch, place, joined=False), sleeps=False)]
        for key in (*joined, *passing):
            if key not in self._joined:
                self._joined[key] = TextChannel(partial(self._watch, place, joined=True), sleeps=True)
            voices.append(self._joined[key])
        for voice in voices:
            voice.join(part)
        self._of[id(part)] = voices
        self._passing[id(part)] = voices[1 + len(joined) :]
        self._open[id(part)] = part
        self._parts.append(part)
        return part

    def _watch(self, place: Place, *, joined: bool) -> StreamEvaluator:
        return StreamEvaluator(self._pipeline, place, self._request, self._context, joined=joined)

    def feed(self, part: StreamedPart, delta: str, inline: int | None) -> Generator[list[Task], None, None]:
        """Take what follows in a part."""
        for voice in self._of[id(part)]:
            if voice.is_due:
                yield from voice.wake(inline)
        part.add(delta)
        for voice in self._of[id(part)]:
            yield from voice.steps(delta, inline)
        self._settle()

    def end(self, part: StreamedPart, inline: int | None) -> Generator[list[Task], None, None]:
        """Take the end of a part; what it is joined with may go on."""
        if id(part) in self._open:
            for voice in self._of[id(part)]:
                yield from voice.wake(inline)
            yield from self._end(part, inline)

    def _end(self, part: StreamedPart, inline: int | None) -> Generator[list[Task], None, None]:
        if self._open.pop(id(part), None) is not None:
            yield from self._of[id(part)][0].steps("", inline, last=True)
            passing = self._passing.pop(id(part))
            self._of[id(part)] = [voice for voice in self._of[id(part)] if voice not in passing]
            self._settle()

    def close(self, key: tuple[object, ...], inline: int | None) -> Generator[list[Task], None, None]:
        """Take the end of a voice that parts were joined to; no other is joined to it."""
        if (voice := self._joined.pop(key, None)) is not None:
            yield from voice.steps("", inline, last=True)
            self._settle()

    def finish(self, inline: int | None) -> Generator[list[Task], None, None]:
        """Take the end of the answer."""
        self._is_finished = True
        for part in [*self._open.values()]:
            yield from self._end(part, inline)
        for voice in self._joined.values():
            yield from voice.steps("", inline, last=True)
        self._settle()

    def _settle(self) -> None:
        """Let parts be shown as far as all their voices are settled, up to where they are stopped."""
        stopped = dict(self.stops)
        for part in self._parts:
            choice, voices = part.place.choice_index, self._of[id(part)]
            if choice in stopped:
                continue
            stop = next((voice.stop for voice in voices if voice.stop is not None), None)
            if stop is not None:
                self.stops.setdefault(choice, stop)
            # A text that is held whole waits for the end of the answer, at which that is judged, and not for its own.
            if part.mark < part.length and (self._is_finished or not any(each.is_whole for each in voices)):
                part.settle(min(voice.mark(part) for voice in voices))
