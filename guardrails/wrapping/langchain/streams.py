"""What LangChain's models and runnables stream, as flows of one guarded call (`wrapping/guarded_call.py`): pieces in, those
that may go on out.

A text goes on as it grows: that of strings, of `AIMessageChunk`s, of chunks of a completion. A piece that says anything else
(calls of tools, lists of parts, why it ended) waits for the end with all behind it. There everything is judged as if it had
not been streamed.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from guardrails.engine.content.content_tree import ContentTree
from guardrails.engine.content.payload import Payload
from guardrails.engine.model import Outcome
from guardrails.protocols.streaming.codec import Event, EventReading, Patch
from guardrails.protocols.streaming.streamed_text import StreamedText
from guardrails.types import Place, Stage, Verdict
from guardrails.wrapping.guarded_call import END, Call, Check, Flow, Give, Next, Run, message_of
from guardrails.wrapping.langchain.chunk_forms import (
    Chunks,
    Completions,
    Form,
    Messages,
    Others,
    Texts,
    added,
)
from guardrails.wrapping.langchain.flows import asking, content_of, sent, shown_of
from guardrails.wrapping.langchain.values import read
from guardrails.wrapping.sdk.exchange import Terms, response_checker_of

WHOLE = "whole"
"""The kind of an event that is a piece of our own; of others the data is the number of a piece and its text."""


class PieceCodec:
    """Reads pieces of a form for a relay; `count` is how many were told, the last of them perhaps in part."""

    is_finished = True

    def __init__(self, form: Form, pieces: Sequence[Any]) -> None:
        self._form, self._pieces = form, pieces
        self._text: StreamedText | None = None
        self.count = 0

    def read(self, data: dict[str, Any], kind: str, begin: Callable[..., StreamedText]) -> EventReading:
        """Read a piece."""
        form, piece = self._form, self._pieces[data["at"]]
        if data["text"] is None:
            return EventReading(data, waits=True)
        if self._text is None:
            self._text = begin(form.path, Place(Stage.OUTPUT, role=form.role), shown=True)
        grows, spelled = ((self._text, ("text",)),), ((("spelled",), False),)
        return EventReading(
            data, grows=grows, bare=form.is_bare(piece), spelled=spelled, waits=form.waits(piece)
        )

    def finish(self) -> tuple[Patch, ...]:
        """Take the end of the pieces; return the patch by which the whole is what LangChain adds them up to."""
        return (Patch("set", (), self._form.whole(self._pieces)),)

    def record_sent(self, event: Event) -> Event:
        """Take note of a piece that is sent, and put it in the place of its number."""
        if event.kind == WHOLE:
            return event
        at = event.data["at"]
        again, self.count = at < self.count, max(self.count, at + 1)
        piece = self._pieces[at]
        same = bool(event.raw)
        told = self._form.copy(piece) if same else self._form.told(piece, event.data["text"], again=again)
        return Event(WHOLE, {"piece": told})

    def write_rest(self, answer: Mapping[str, Any]) -> list[Event] | None:
        """Return what was not told as one piece; `answer` holds the whole, and what is left of what was judged of it."""
        rest = "" if self._text is None else self._text.rest()
        if rest is None or self.count == len(self._pieces):
            return None
        piece = self._form.left(self._pieces[self.count :], answer["whole"], answer["left"], rest)
        return [Event(WHOLE, {"piece": piece})]

    def write_refusal(self, answer: Mapping[str, Any] | None, words: str) -> list[Event]:
        """Return the piece that answers a block."""
        return [Event(WHOLE, {"piece": self._form.refusal(words)})]


class PieceHandler:
    """What is done with an answer that comes in pieces (`response_checker.ResponseHandler`)."""

    def __init__(self, terms: Terms, form: Form, pieces: Sequence[Any]) -> None:
        self._terms, self._form, self._pieces = terms, form, pieces

    def read(self, answer: Any) -> Payload:
        """Read the pieces as one."""
        return read(self._form.shown(answer, self._pieces), Stage.OUTPUT)

    def passed(self, answer: Any, heard: Payload, verdict: Verdict, outcome: Outcome) -> Any:
        """Return the whole, and what is left of what was judged of it."""
        return {"whole": answer, "left": None if verdict.blocked else shown_of(verdict)}

    def message(self, verdict: Verdict) -> str:
        """Return the words that answer a block."""
        return message_of(self._terms, verdict)


def give_grown(terms: Terms, asked: Verdict, form: Form, first: Any) -> Flow:
    """Give what may go on of a stream whose first piece came; return what is left of it, or what answers a block."""
    judge, pieces = response_checker_of(terms.guard, terms.context, asked), list[Any]()
    relay = judge.relay(PieceCodec(form, pieces), lambda _: ContentTree())
    piece = first
    while piece is not END:
        pieces.append(piece)
        data = {"at": len(pieces) - 1, "text": form.text(piece), "spelled": True}
        yield Run(functools.partial(relay.take, [(data, "", b"as it came")]))
        if relay.stop is not None:
            break
        for event in relay.ready():
            yield Give(event.data["piece"])
        piece = yield Next()
    said = PieceHandler(terms, form, pieces)
    rest = yield Run(functools.partial(judge.ended, relay, said))
    return [event.data["piece"] for event in rest]


def chat_stream(terms: Terms, messages: Any, stop: Any, options: Mapping[str, Any]) -> Flow:
    """Ask a chat model for a stream."""
    return (yield from _asked(terms, messages, stop, options, Chunks()))


def text_stream(terms: Terms, prompt: Any, stop: Any, options: Mapping[str, Any]) -> Flow:
    """Ask a model that completes texts for a stream."""
    return (yield from _asked(terms, prompt, stop, options, Completions()))


def _asked(terms: Terms, prompt: Any, stop: Any, options: Mapping[str, Any], form: Form) -> Flow:
    asked: Verdict = yield asking(prompt, stop, options)
    if asked.blocked:
        return [form.refusal(message_of(terms, asked))]
    content: Any = asked.content
    yield Call((content["value"]["prompt"],), sent(options, content))
    first = yield Next()
    return (yield from give_grown(terms, asked, form, first))


def anything_stream(terms: Terms, value: Any) -> Flow:
    """Ask a runnable for a stream. What does not stand at `output` is held to its end."""
    asked: Verdict = yield Check(read(value, Stage.INPUT), Stage.INPUT)
    if asked.blocked:
        return [message_of(terms, asked)]
    content: Any = asked.content
    yield Call((content["value"],))
    first = yield Next()
    if terms.output is Stage.OUTPUT:
        form = next(form for form in (Texts(), Messages(), Others()) if form.fits(first))
        return (yield from give_grown(terms, asked, form, first))
    pieces: list[Any] = []
    while first is not END:
        pieces.append(first)
        first = yield Next()
    whole = added(pieces)
    verdict: Verdict = yield Check(read(whole, terms.output), terms.output, asked)
    if verdict.blocked:
        return [message_of(terms, verdict)]
    told = content_of(verdict)
    return pieces if told is whole or told == whole else [told]
