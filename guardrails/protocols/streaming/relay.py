"""Relays one streamed answer: what of its events may go on, in their order, with what a policy changes changed.

A `StreamCodec` knows one API and reads each event once: it says which growing texts stand in it, what else in it is to be
judged, whether it must wait for the end of the answer, and by which patches the whole answer is built of it. The texts go to
`TextChannels`; an event is held (`pending_events.py`) until all of them are settled, but for pieces of a text, which go on as
soon as they are. At the end the whole answer is judged as if it had not been streamed; what waited goes on then, or the codec
writes how the answer ends. Nothing here waits: what may take long is yielded as tasks.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from guardrails.engine.content.content_tree import ContentTree, Leaf
from guardrails.engine.core.pipeline import Pipeline
from guardrails.engine.detector_task import Task
from guardrails.engine.model import Outcome, Request
from guardrails.engine.redaction.restore_stream import RestoreStream
from guardrails.engine.streaming.rule_decisions import StreamStop
from guardrails.engine.streaming.stream import add_rules, stop_outcome
from guardrails.engine.streaming.text_channels import TextChannels
from guardrails.engine.values.writer import replace_values, value_at
from guardrails.errors import GuardrailsError
from guardrails.protocols.streaming.assembler import Assembler
from guardrails.protocols.streaming.codec import (
    Event,
    EventReading,
    ReceivedEvent,
    StreamCodec,
    malformed_event,
)
from guardrails.protocols.streaming.pending_events import PendingEvents
from guardrails.protocols.streaming.streamed_text import StreamedText
from guardrails.types import Action, Media, Place, Text
from guardrails.wire.pointers import Path

Steps = Generator[list[Task], None, None]

UNSHOWN: Final = StreamStop(None, "unchecked", 0, "image")
"""Why an answer stops that drew what is blocked; the check of that says so itself."""

REMEMBERED = 64
"""What events hold besides texts and was found to be harmless, remembered for as many events: it comes again in each."""


class Relay:
    """One answer on its way.

    Args:
        pipeline: the policies.
        request: who asked, with the vault of the request's check.
        codec: of the API.
        leaves: reads an answer of the API.
        context: what the answer is judged beside (`Text.context`).
        choices: how many choices were asked for.

    Attributes:
        is_refused: whether it was ended with a refusal.
        is_last: whether an event came behind which no other may.
        error: what is wrong with the first event that cannot be read; neither it nor what follows counts.
    """

    def __init__(
        self,
        pipeline: Pipeline,
        request: Request,
        codec: StreamCodec,
        tree: Callable[[Any], ContentTree],
        context: Mapping[str, str] | None = None,
        choices: int = 1,
    ) -> None:
        self._pipeline, self._request, self._codec, self._leaves = pipeline, request, codec, tree
        self._voices = TextChannels(pipeline, request, context, choices)
        self._choices = choices
        self._held = PendingEvents()
        self._assembler = Assembler()
        self._restorings: dict[tuple[str, int | None], RestoreStream] = {}
        self._texts: list[StreamedText] = []
        self._harmless: set[str] = set()
        self._anew = self.is_refused = self.is_last = False
        self.error: GuardrailsError | None = None
        self._alone: list[Outcome] = []
        """Of what the whole answer does not hold."""
        self._blocked: ContentTree | None = None
        """What of that stopped the answer."""

    def begin(
        self, path: Path, place: Place, *joined: str, passing: Sequence[str] = (), shown: bool = False
    ) -> StreamedText:
        """Begin a growing text, which stands at a path of the whole answer and goes on the texts that were begun with the same
        names in `joined`, the widest last, or in `passing`, for more of which it does not wait once it has ended; `shown` says
        that people read it, so that a user's own values are put back.

        Raises:
            RequestError: the answer has more texts than the budget allows.
        """
        self._pipeline.budget.allows(contents=len(self._texts) + 1)
        names, others = ([(name, place.choice_index) for name in given] for given in (joined, passing))
        part = self._voices.part(place, *names, passing=others)
        vault, restoring = self._request.vault, None
        if shown and vault is not None and vault.values:
            restoring = RestoreStream(vault.values)
            if joined:
                restoring = self._restorings.setdefault((joined[-1], place.choice_index), restoring)
        grown = StreamedText(path, part, restoring)
        self._texts.append(grown)
        return grown

    @property
    def stop(self) -> StreamStop | None:
        """Why the answer must not go on, None as long as it may."""
        stop = self._voices.stop
        return UNSHOWN if stop is None and self._blocked is not None else stop

    @property
    def request(self) -> Request:
        """Who asked, with what the texts that went on were given: the whole answer is judged after that, so that values have the
        same numbers in it.
        """
        vault = self._voices.vault
        return self._request if vault.is_empty else replace(self._request, vault=vault)

    @property
    def is_begun(self) -> bool:
        """Whether anything went on yet."""
        return any(grown.told for grown in self._texts)

    @property
    def is_finished(self) -> bool:
        """Whether a whole answer came, also without a last event that says so."""
        return self._codec.is_finished

    def answer(self) -> Any:
        """Return the whole answer, with everything in it that the events held; raises `BackendError` where some are missing."""
        self._assembler.apply(self._codec.finish())
        return self._assembler.answer()

    def take(self, events: Iterable[ReceivedEvent], inline: int | None) -> Steps:
        """Take events that came together, up to the last of all (`is_last`), or to one with which something is wrong (`error`);
        yields what is to be run for them. Their texts are judged at once.
        """
        fresh: dict[int, tuple[StreamedText, list[str]]] = {}
        for item, (data, kind, raw) in self._read(events):
            ends: list[int] = []
            for grown, path in item.grows:
                piece = value_at(data, path)
                self._assembler.append(grown.path, piece)
                fresh.setdefault(id(grown), (grown, []))[1].append(grown.whole(piece))
                ends.append(grown.length)
            if item.closes or item.ends:
                yield from self._feed(fresh, inline)
            for grown in item.closes:
                grown.closes = True
                yield from self._voices.end(grown.part, inline)
            for name in item.ends:
                yield from self._voices.close((name, None), inline)
            self._anew = self._anew or item.anew
            if item.rest is not None and not item.waits and self.stop is None:
                yield from self._judge(item, inline)
            self._held.add(item, kind, data, raw, tuple(ends))
        yield from self._feed(fresh, inline)

    def _read(self, events: Iterable[ReceivedEvent]) -> Iterator[tuple[EventReading, ReceivedEvent]]:
        """Read events, and build the whole answer of them; yield each as the codec reads it, and as it came."""
        try:
            for event in events:
                data, kind, _ = event
                if kind not in ("", data.get("type", kind)):
                    raise malformed_event("event: it has two types")
                item = self._codec.read(data, kind, self.begin)
                if any(grown.closes for grown, _ in item.grows):
                    raise malformed_event("event: a text goes on behind its end")
                self._assembler.apply(item.patches)
                yield item, event
                if item.is_last:
                    self.is_last = True
                    return
        except GuardrailsError as error:
            self.error = error

    def _feed(self, fresh: dict[int, tuple[StreamedText, list[str]]], inline: int | None) -> Steps:
        """Have the texts judged that came; in the order in which they began."""
        for grown, pieces in fresh.values():
            yield from self._voices.feed(grown.part, "".join(pieces), inline)
        fresh.clear()

    def _judge(self, item: EventReading, inline: int | None) -> Steps:
        """Judge what else an event holds. What may not go on by itself waits; where only this event holds it, it goes on as the
        policy leaves it, or the answer stops.
        """
        found = self._leaves(item.rest)
        outcome = yield from self._outcome(found, inline)
        if outcome is None:
            return
        if item.alone:
            self._alone.append(outcome)
        if outcome.action <= Action.FLAG:
            return
        drawn = {index for index, leaf in enumerate(found.leaves) if isinstance(leaf.content, Media)}
        if item.alone and outcome.action is Action.REDACT and drawn == {*outcome.edits}:
            [new] = outcome.edits.values()
            item.data = replace_values(item.data, {(item.alone, None): new})
            return
        if item.alone and outcome.action is Action.BLOCK:
            self._blocked = found
        item.waits = self._anew = True

    def _outcome(self, found: ContentTree, inline: int | None) -> Generator[list[Task], None, Outcome | None]:
        """Return the outcome of the check of what an event holds; None where there is nothing, or it is known to be harmless."""
        if not found.leaves and not found.unchecked:
            return None
        pictured = any(isinstance(leaf.content, Media) for leaf in found.leaves)  # too large to be remembered
        texts = (
            ()
            if pictured
            else [(leaf.path, getattr(leaf.content, "text", leaf.content)) for leaf in found.leaves]
        )
        known = repr(texts)
        if not pictured and known in self._harmless and not found.unchecked:
            return None
        outcome = yield from self._pipeline.check_steps(found, self._request, inline)
        if outcome.action <= Action.FLAG and not pictured and len(self._harmless) < REMEMBERED:
            self._harmless.add(known)
        return outcome

    def ready(self) -> list[Event]:
        """Return the events that may go on by now, of an answer that is stopped those before that place."""
        return self._told(self._held.ready(self._voices.stops))

    def finish(self, inline: int | None) -> Steps:
        """Take the end of the answer; yields what is to be run for it."""
        if self.stop is None:
            yield from self._voices.finish(inline)

    def so_far(self) -> ContentTree:
        """Return the texts so far, and what stopped the answer beside them, for the verdict on one that is stopped."""
        texts = (Leaf(Text(grown.came, grown.part.place)) for grown in self._texts)
        found = [leaf for leaf in texts if getattr(leaf.content, "text", "")]
        if self._blocked is None:
            return ContentTree(leaves=found)
        return replace(self._blocked, leaves=[*self._blocked.leaves, *found])

    def stopped(self, outcome: Outcome, leaves: Sequence[Leaf] = ()) -> Outcome:
        """Return the outcome of what there was of an answer, as the block that its stream came to where it was stopped; `leaves`
        are those of its check.
        """
        return (
            outcome if self.stop is None else stop_outcome(outcome, self.stop, self._request, leaves=leaves)
        )

    def settled(self, tree: ContentTree, outcome: Outcome) -> Outcome:
        """Return the outcome of the whole answer as it holds after what went on of it: choices that were stopped are, and so is
        all of an answer that is judged otherwise than the texts that went on.
        """
        new = {tree.leaves[index].path: text for index, text in outcome.edits.items()}
        for grown in self._texts:
            grown.final = new.get(grown.path, grown.came)
        for alone in self._alone:
            outcome = add_rules(outcome, alone)
        for choice, stop in self._voices.stops.items():
            own = [i for i, leaf in enumerate(tree.leaves) if leaf.content.place.choice_index == choice]
            if not outcome.blocked.intersection(own):
                outcome = stop_outcome(outcome, stop, self._request, own[0] if own else -1, tree.leaves)
        alive = (grown for grown in self._texts if grown.part.place.choice_index not in self._voices.stops)
        if not outcome.blocked and any(not grown.final.startswith(grown.told) for grown in alive):
            return stop_outcome(outcome, None, self._request)
        return outcome

    def end(self, tree: ContentTree, outcome: Outcome, answer: Mapping[str, Any]) -> list[Event] | None:
        """Return all events that are left of an answer that is not blocked, once its outcome is `settled`; None where they do
        not make it up.

        Args:
            tree: of the whole answer.
            outcome: of its check.
            answer: what the policy leaves of it.
        """
        own = {grown.path for grown in self._texts}
        # What did not pass by itself goes on only as the whole answer has it; so does what was not decided as it came, and
        # what several choices have in an order of their own.
        anew = self._anew or (bool(outcome.edits) and (self._choices > 1 or self._voices.is_whole))
        kept = not anew and all(
            tree.leaves[index].path in own and not tree.leaves[index].inner for index in outcome.edits
        )
        if not kept:
            rest = self._codec.write_rest(answer)
            return None if rest is None else self._told(rest)
        rest = self._held.rest(self._texts)
        return None if any(grown.told != grown.final for grown in self._texts) else self._told(rest)

    def refused(self, answer: Mapping[str, Any] | None, words: str) -> list[Event]:
        """Return the events that end an answer that is stopped, at its end where there is a whole one to be withheld."""
        self.is_refused = True
        return self._told(self._codec.write_refusal(answer, words))

    def _told(self, events: list[Event]) -> list[Event]:
        """Return events as they are to be sent."""
        return [told for event in events if (told := self._codec.record_sent(event)) is not None]
