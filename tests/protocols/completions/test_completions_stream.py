"""The chunks of a text completion: read for a relay, and written where one is cut short."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from guardrails import BackendError, Guard
from guardrails.engine.content.payload import Payload
from guardrails.protocols.chat import chat_fields
from guardrails.protocols.chat.chat_payload import response_payload
from guardrails.protocols.completions.completions_stream import CompletionCodec
from guardrails.protocols.streaming.relay import Relay
from guardrails.protocols.streaming.response_checker import ResponseChecker
from guardrails.wrapping.sdk.exchange import response_checker_of
from tests.cases import each_case

HEAD = {"id": "c", "object": "text_completion", "created": 1, "model": "m"}
POLICY = """
detectors:
  bomb: {use: terms, terms: [zqxbomb], category: custom.bomb}
  mask: {use: terms, terms: [zqxmask], category: custom.mask}
rules:
  - {id: bomb, on: output, when: custom.bomb > 0, then: block, message: Not that.}
  - {id: mask, on: output, when: custom.mask > 0, then: redact}
"""


@pytest.fixture(scope="module")
def guard(guard_of: Callable[..., Guard]) -> Guard:
    """A guard that blocks zqxbomb and redacts zqxmask."""
    return guard_of(POLICY)


def chunk(*choices: Any, **more: Any) -> dict[str, Any]:
    """Return a chunk of choices, each an index, a text, and more fields."""
    made = [{"index": index, "text": text, "logprobs": None, "finish_reason": None, **rest} for index, text, rest in choices]  # fmt: skip
    return {**HEAD, "choices": made, **more}


def relay(guard: Guard, choices: int = 1) -> tuple[Relay, ResponseChecker]:
    """Return what the chunks go through."""
    judge = response_checker_of(guard, {}, None)
    return judge.relay(CompletionCodec(), chat_fields.read_response, choices), judge


def told(guard: Guard, chunks: list[dict[str, Any]], whole: dict[str, Any], choices: int = 1) -> list[Any]:
    """Return what is told of chunks, which make up a whole completion."""
    made, judge = relay(guard, choices)
    out: list[Any] = []
    for each in chunks:
        guard.pipeline.drive(made.take([(each, "", b"raw")], None))
        out += [event.data for event in made.ready()]
    guard.pipeline.drive(made.finish(None))
    if made.stop is not None:
        return out + [event.data for event in made.refused(None, "Not that.")]
    subject: Payload = response_payload(whole, chat_fields.read_response(whole))
    verdict, outcome = guard.pipeline.drive(judge.whole(subject, None, made))
    if verdict.blocked:
        refused = [
            {**choice, "text": "Not that.", "finish_reason": "content_filter"}
            if "zqx" in choice["text"]
            else choice
            for choice in whole["choices"]
        ]
        return out + [event.data for event in made.refused({**whole, "choices": refused}, "Not that.")]
    content: Any = verdict.content
    rest = made.end(subject.tree, outcome, content)
    assert rest is not None
    return out + [event.data for event in rest]


def text_of(chunks: list[Any], index: int = 0) -> str:
    """Return the text of a choice."""
    choices = [choice for each in chunks for choice in each["choices"] if choice["index"] == index]
    return "".join(choice["text"] for choice in choices)


def completion(*texts: str, **more: Any) -> dict[str, Any]:
    """Return a whole completion."""
    return chunk(*((at, text, {"finish_reason": "stop"}) for at, text in enumerate(texts)), **more)


def test_what_is_settled_goes_on_as_it_came(guard: Guard) -> None:
    """Chunk for chunk, with why it ended and what it cost behind them."""
    usage = {"total_tokens": 2}
    chunks = [chunk((0, "Hello ", {})), chunk((0, "there ", {})), chunk((0, "you", {"finish_reason": "stop"})), {**HEAD, "choices": [], "usage": usage}]  # fmt: skip
    assert told(guard, chunks, completion("Hello there you", usage=usage)) == chunks


def test_a_changed_text_loses_what_spells_it(guard: Guard) -> None:
    """A word that is cut is replaced; its log-probabilities are left out."""
    spelled = {"logprobs": {"tokens": ["x"]}}
    chunks = [
        chunk((0, "a zqx", spelled)),
        chunk((0, "mask.", {})),
        chunk((0, "", {"finish_reason": "stop"})),
    ]
    out = told(guard, chunks, completion("a zqxmask."))
    assert text_of(out) == "a [MASK]."
    assert all(choice["logprobs"] is None for each in out for choice in each["choices"])


def test_what_spells_a_text_goes_where_it_comes_behind_it(guard: Guard) -> None:
    """In a chunk without a text."""
    ends = {"finish_reason": "stop", "logprobs": {"tokens": ["a zqxmask."]}}
    out = told(guard, [chunk((0, "a zqxmask.", {})), chunk((0, "", ends))], completion("a zqxmask."))
    assert text_of(out) == "a [MASK]."
    assert [choice["logprobs"] for each in out for choice in each["choices"]] == [None] * len(out)


def test_a_block_is_a_text_of_its_own(guard: Guard) -> None:
    """Behind what was told; of several choices the others go on."""
    out = told(guard, [chunk((0, "say ", {})), chunk((0, "zqxbomb. ", {}))], completion("say zqxbomb. "))
    assert (text_of(out).removeprefix("say "), out[-1]["choices"][0]["finish_reason"]) == (
        "Not that.",
        "content_filter",
    )
    chunks = [chunk((0, "fine. ", {}), (1, "zqxbomb. ", {})), chunk((0, "", {"finish_reason": "stop"}), (1, "", {"finish_reason": "stop"}))]  # fmt: skip
    whole = completion("fine. ", "zqxbomb. ", usage={"total_tokens": 2})
    out = told(guard, chunks, whole, 2)
    assert (text_of(out), text_of(out, 1)) == ("fine. ", "Not that.")
    assert out[-1]["usage"] == {"total_tokens": 2}


def test_what_was_told_otherwise_is_no_rest(guard: Guard) -> None:
    """The whole completion does not begin with it."""
    made, _ = relay(guard)
    codec = CompletionCodec()
    begun = codec.read(chunk((0, "Hello ", {})), "", made.begin)
    (grown, _), *_ = begun.grows
    guard.pipeline.drive(made.take([(chunk((0, "Hello ", {})), "", b"")], None))
    assert codec.write_rest(completion("Hello ")) is not None
    grown.part.pieces.append("Bye ")
    assert codec.write_rest(completion("Hello ")) is None


@each_case("choice", ["x", {"index": -1}, {"index": True}, {"index": 1000}, {"text": ["zqxbomb"]}])
def test_a_chunk_of_no_form_is_refused(guard: Guard, choice: Any) -> None:
    """A choice has an index, and its text is one."""
    with pytest.raises(BackendError):
        CompletionCodec().read({**HEAD, "choices": [choice]}, "", relay(guard)[0].begin)
