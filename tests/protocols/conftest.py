"""What tests of relays share: a chat answer that is streamed through one, and what its client reads."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest

from guardrails import Action, Guard
from guardrails.engine.content.content_tree import ContentTree
from guardrails.engine.content.payload import Payload, apply_edits, body
from guardrails.engine.core.task_runner import INLINE_ON_LOOP
from guardrails.engine.model import Outcome, Request
from guardrails.engine.redaction.vault import Vault
from guardrails.engine.streaming.text_channels import StreamedPart
from guardrails.engine.values.writer import value_at
from guardrails.protocols.chat import chat_fields
from guardrails.protocols.chat.chat_stream import ChatCodec
from guardrails.protocols.chat.protocol import withhold
from guardrails.protocols.reply_values import restore_reply
from guardrails.protocols.streaming.assembler import Assembler
from guardrails.protocols.streaming.codec import Event, StreamCodec
from guardrails.protocols.streaming.relay import Relay
from guardrails.protocols.streaming.response_checker import ResponseChecker
from guardrails.protocols.streaming.streamed_text import StreamedText
from guardrails.types import Place, Stage, Verdict
from guardrails.wire.pointers import Path

REFUSAL = "Not that."


class Said:
    """What is done with an answer that was streamed, as the proxy does it: `read` gives its leaves, `withhold` what is left of it."""

    def __init__(self, read: Callable[[Any], ContentTree], withhold: Callable[..., Any]) -> None:
        self._read, self._withhold = read, withhold

    def read(self, answer: Any) -> Payload:
        """Return what there is to judge."""
        return body(answer, self._read(answer))

    def passed(self, answer: Any, heard: Payload, verdict: Verdict, outcome: Outcome) -> Any:
        """Return the answer as its verdict lets it pass."""
        content = self._withhold(answer, heard.tree, outcome, REFUSAL)
        return content if verdict.restorer is None else restore_reply(content, verdict.restorer)

    def message(self, verdict: Verdict) -> str:
        """Return the words of a refusal."""
        return REFUSAL


class AnswerReader:
    """Reads a stream of an API to its whole answer, none of which is judged."""

    def __init__(self, codec: StreamCodec) -> None:
        self._codec, self._assembler = codec, Assembler()

    def take(self, data: dict[str, Any]) -> bool:
        """Take an event; return whether it is the last."""
        item = self._codec.read(data, data.get("type", ""), begin_text)
        for text, path in item.grows:
            text.whole(value_at(item.data, path))
        self._assembler.take(item)
        return item.is_last

    @property
    def is_finished(self) -> bool:
        """Whether the answer is whole."""
        return self._codec.is_finished

    def answer(self) -> Any:
        """Return the whole answer."""
        self._assembler.apply(self._codec.finish())
        return self._assembler.answer()


def begin_text(path: Path, place: Place, *joined: str, **more: Any) -> StreamedText:
    """Begin a text that grows and that nobody judges."""
    return StreamedText(path, StreamedPart(place, Vault()), None)


def ended(guard: Guard, who: Request, relay: Relay, said: Said) -> list[Event]:
    """Return what is left to send at the end of a stream."""
    judge = ResponseChecker(
        guard.pipeline,
        who,
        ("", "", ""),
        lambda heard, outcome, before: guard.verdict(heard, outcome, Stage.OUTPUT, before),
    )
    return guard.pipeline.drive(judge.ended(relay, said, INLINE_ON_LOOP))


class Chat:
    """One streamed completion on its way, driven as the proxy does it. `told` is what the client gets."""

    def __init__(self, guard: Guard, who: Request | None = None, choices: int = 1) -> None:
        self.guard, self.who = guard, who or Request()
        self.relay = Relay(guard.pipeline, self.who, ChatCodec(), chat_fields.read_response, None, choices)
        self.told: list[Event] = []
        self.outcome: Outcome | None = None
        self.failed = False

    def takes(self, *chunks: Mapping[str, Any]) -> list[Event]:
        """Take chunks; return the events that go on by then."""
        before = len(self.told)
        for chunk in chunks:
            if self.relay.stop is None:
                self.guard.pipeline.drive(self.relay.take([(dict(chunk), "", b"raw")], None))
                assert self.relay.error is None
                self.told += self.relay.ready()
        return self.told[before:]

    def ends(self) -> Chat:
        """Take the end."""
        pipeline, relay = self.guard.pipeline, self.relay
        if relay.stop is None:
            pipeline.drive(relay.finish(None))
        if relay.stop is not None:
            self.outcome = relay.stopped(pipeline.check(relay.so_far(), self.who))
            self.told += relay.refused(None, REFUSAL)
            return self
        answer = self.relay.answer()
        leaves = chat_fields.read_response(answer)
        self.outcome = outcome = relay.settled(leaves, pipeline.check(leaves, relay.request))
        content: Any = answer
        if outcome.action >= Action.REDACT:
            content = withhold(answer, leaves, outcome, REFUSAL)
        if self.who.vault is not None:
            content = restore_reply(content, self.who.vault)
        if outcome.action is Action.BLOCK:
            self.told += relay.refused(content, REFUSAL)
        else:
            rest = relay.end(leaves, outcome, content)
            self.failed = rest is None
            self.told += rest or []
        return self

    def whole(self) -> tuple[Outcome, set[int]]:
        """Return the outcome of the check of what came as a whole, and the choices that it refuses."""
        leaves = chat_fields.read_response(self.relay.answer())
        outcome = self.guard.pipeline.check(leaves, self.who)
        return outcome, {leaves.leaves[index].content.place.choice_index or 0 for index in outcome.blocked}

    def edited(self, outcome: Outcome) -> Any:
        """Return the whole answer with an outcome's edits."""
        answer = self.relay.answer()
        return apply_edits(answer, chat_fields.read_response(answer), outcome)

    def read(self) -> dict[int, dict[str, Any]]:
        """Return what a client makes of what it was told: the fields of each choice."""
        return read(self.told)


def read(told: Sequence[Event]) -> dict[int, dict[str, Any]]:
    """Return what a client makes of chunks."""
    choices: dict[int, dict[str, Any]] = {}
    for event in told:
        for choice in event.data.get("choices") or ():
            known = choices.setdefault(choice.get("index", 0), {"finish_reason": None})
            assert known["finish_reason"] is None, "a choice goes on behind its end"
            known["finish_reason"] = choice.get("finish_reason")
            for name, value in (choice.get("delta") or {}).items():
                if isinstance(value, str) and name != "role":
                    known[name] = known.get(name, "") + value
                elif value is not None:
                    known[name] = value
    return choices


@pytest.fixture(scope="session")
def chat_of() -> Callable[..., Chat]:
    """Return the class of streamed completions."""
    return Chat


def chunk(index: int = 0, finish: str | None = None, **delta: Any) -> dict[str, Any]:
    """Write a chunk of a completion."""
    choice = {"index": index, "delta": delta, "finish_reason": finish}
    return {"id": "c-1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}


@pytest.fixture(scope="session")
def chunk_of() -> Callable[..., dict[str, Any]]:
    """Return a function that writes chunks."""
    return chunk
