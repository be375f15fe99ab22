"""A compiled graph of LangGraph, guarded as a graph: its state, its modes of streaming and its checkpoints stay.

What is put in is judged at `input`. Of what a graph streams each chunk is judged as it comes, whatever its mode: states and
updates as a whole, in which messages stand where their role says; the pieces of a model's message as they grow. `invoke` and its
twin read `stream`, and are guarded by it. Streams of events show what every part of a graph says, before it is judged: they are
refused.
"""

from __future__ import annotations

import functools
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any

from guardrails.engine.content.content_tree import ContentTree
from guardrails.engine.values.writer import value_at
from guardrails.errors import RequestError, block_error
from guardrails.types import Stage, Verdict
from guardrails.wrapping import guarded_call
from guardrails.wrapping.frameworks.subclass import with_methods
from guardrails.wrapping.guarded_call import END, Call, Check, Flow, Give, Next, Run
from guardrails.wrapping.langchain.chunk_forms import Messages
from guardrails.wrapping.langchain.flows import content_of
from guardrails.wrapping.langchain.streams import PieceCodec, PieceHandler
from guardrails.wrapping.langchain.values import find_earlier_turns, read, remove_messages
from guardrails.wrapping.sdk.exchange import Terms, response_checker_of

EVENTS = ("stream_events", "astream_events")
MESSAGES = "messages"
"""The mode in which a model's messages come in pieces, each with what is said of it."""


class GrowingMessage:
    """A message of a model that comes in pieces. Each goes on with what was said of it."""

    def __init__(self, terms: Terms, asked: Verdict) -> None:
        self._form = Messages()
        self._pieces: list[Any] = []
        self._judge = response_checker_of(terms.guard, terms.context, asked)
        self._relay = self._judge.relay(PieceCodec(self._form, self._pieces), lambda _: ContentTree())
        self._handler = PieceHandler(terms, self._form, self._pieces)

    def feed(self, piece: Any) -> Flow:
        """Take a piece; return the pieces that may go on by then."""
        self._pieces.append(piece)
        data = {"at": len(self._pieces) - 1, "text": self._form.text(piece), "spelled": True}
        yield Run(functools.partial(self._relay.take, [(data, "", b"as it came")]))
        return (
            (yield from self.flush())
            if self.is_stopped
            else [each.data["piece"] for each in self._relay.ready()]
        )

    def flush(self) -> Flow:
        """Take the end; return the rest of the pieces. Raises `Blocked` where the policy stops the message."""
        rest = yield Run(functools.partial(self._judge.ended, self._relay, self._handler))
        return [each.data["piece"] for each in rest]

    @property
    def is_stopped(self) -> bool:
        """Whether the policy stops the message."""
        return self._relay.stop is not None


class Chunk:
    """One chunk of a graph's stream, in any of its forms: bare, behind its mode, behind the graph that it is of, a `StreamPart`.

    Attributes:
        key: tells what belongs to one message.
        message: a piece of a message, None in all other modes.
    """

    def __init__(self, chunk: Any, mode: Any, subgraphs: bool) -> None:
        self._chunk = chunk
        self._steps: tuple[Any, ...] = ()
        data, origin = chunk, None
        if isinstance(chunk, Mapping) and {"type", "data"} <= chunk.keys() and "ns" in chunk:
            self._steps, mode, data, origin = ("data",), chunk["type"], chunk["data"], chunk["ns"]
        elif isinstance(chunk, tuple) and (subgraphs or not isinstance(mode, str)):
            self._steps, data = (len(chunk) - 1,), chunk[-1]
            origin = chunk[0] if subgraphs else None
            mode = mode if isinstance(mode, str) else chunk[-2]
        self.message = None
        if mode == MESSAGES and isinstance(data, tuple) and Messages().fits(data[0]):
            self.message = data[0]
            self._steps = (*self._steps, 0)
        self.key = (repr(origin), getattr(self.message, "id", None))

    @property
    def is_last(self) -> bool:
        """Whether it is the last piece of a message."""
        return getattr(self.message, "chunk_position", None) == "last"

    def with_message(self, piece: Any) -> Any:
        """Return the chunk with another piece of its message."""
        return _replaced(self._chunk, self._steps, piece)


def _replaced(value: Any, steps: tuple[Any, ...], new: Any) -> Any:
    if not steps:
        return new
    inner = _replaced(value[steps[0]], steps[1:], new)
    if isinstance(value, Mapping):
        return {**value, steps[0]: inner}
    return (*value[: steps[0]], inner, *value[steps[0] + 1 :])


def graph_stream(terms: Terms, given: Any, mode: Any, subgraphs: bool) -> Flow:
    """Run a graph; give its chunks as they are judged."""
    asked: Verdict = yield Check(read(given, Stage.INPUT), Stage.INPUT)
    if asked.blocked:
        raise block_error(asked)
    content: Any = asked.content
    yield Call((content["value"],))
    growing: dict[Any, tuple[Chunk, GrowingMessage]] = {}
    while (chunk := (yield Next())) is not END:
        read_ = Chunk(chunk, mode, subgraphs)
        if read_.message is None:
            yield from _flushed(growing)
            yield Give((yield from _judged(terms, asked, chunk)))
            continue
        _, message = growing.setdefault(read_.key, (read_, GrowingMessage(terms, asked)))
        for piece in (yield from message.feed(read_.message)):
            yield Give(read_.with_message(piece))
        if read_.is_last:
            yield from _flushed(growing, read_.key)
    yield from _flushed(growing)
    return []


def _judged(terms: Terms, asked: Verdict, chunk: Any) -> Flow:
    """Return what the policy leaves of a chunk. Turns of before that are blocked are left out of it, so that one does not stop
    all that follow it in a state that is kept.
    """
    verdict: Verdict = yield Check(read(chunk, terms.output), terms.output, asked)
    if verdict.blocked and verdict.unavailable is None and (earlier := find_earlier_turns(chunk)):
        gone = []
        for path in earlier:
            alone: Verdict = yield Check(read([value_at(chunk, path)], terms.output), terms.output, asked)
            gone += [path] if alone.blocked and alone.unavailable is None else []
        chunk = remove_messages(chunk, gone)
        verdict = yield Check(read(chunk, terms.output), terms.output, asked)
    if verdict.blocked:
        raise block_error(verdict)
    told = content_of(verdict)
    return chunk if told == chunk else told


def _flushed(growing: dict[Any, tuple[Chunk, GrowingMessage]], *keys: Any) -> Flow:
    """Give what is left of messages that grow, of all where no key is given."""
    for key in keys or (*growing,):
        first, message = growing.pop(key)
        for piece in (yield from message.flush()):
            yield Give(first.with_message(piece))


def _refuse_events(*_: Any, **__: Any) -> Any:
    raise RequestError(
        "unguarded_call",
        "streams of events show what is not judged yet; use stream() or astream(), or wrap the model in the graph",
    )


def wrap_graph(graph: Any, terms: Terms) -> Any:
    """Return a graph that is guarded as a whole.

    Raises:
        TypeError: it is wrapped already.
        ValueError: blocks are to be answered: a state has no place for an answer.
    """
    if terms.answers:
        raise ValueError(
            "on_block='answer' is not for graphs, whose state has no place for it: catch Blocked, wrap the model in the graph, "
            "or give the agent guard.langchain() as middleware"
        )
    base: Any = type(graph)

    def mode_of(self: Any, options: Mapping[str, Any]) -> Any:
        mode = options.get("stream_mode") or self.stream_mode
        return mode if isinstance(mode, str) else (*mode,)

    def stream(self: Any, input: Any, config: Any = None, **options: Any) -> Iterator[Any]:
        flow = graph_stream(terms, input, mode_of(self, options), bool(options.get("subgraphs")))
        return guarded_call.stream(flow, terms, lambda given: base.stream(self, given, config, **options))

    def astream(self: Any, input: Any, config: Any = None, **options: Any) -> AsyncIterator[Any]:
        flow = graph_stream(terms, input, mode_of(self, options), bool(options.get("subgraphs")))
        return guarded_call.astream(flow, terms, lambda given: base.astream(self, given, config, **options))

    events = dict.fromkeys(EVENTS, _refuse_events)
    return with_methods(graph, {"stream": stream, "astream": astream, **events})
