"""Guarded calls of a framework's model, whatever its types are."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pytest

from guardrails import Blocked
from guardrails.testing import FakeGuard
from guardrails.wrapping import guarded_call
from guardrails.wrapping.frameworks.model_calls import ModelForm, ask_model, stream_model
from guardrails.wrapping.guarded_call import arun, run
from guardrails.wrapping.sdk.exchange import Terms
from tests.cases import each_case

GUARD = FakeGuard(blocks=["bomb"], redacts=["mask"])
TOOL = {"type": "function", "function": {"name": "f", "description": "Does it.", "parameters": {}}}


@dataclass(frozen=True)
class Said:
    """A message, an answer, or a piece of one, of a made-up framework."""

    text: str
    calls: str = ""


class SaidForm(ModelForm):
    """How these are read and written."""

    def read_message(self, message: Said) -> Mapping[str, Any]:
        return {"role": "user", "content": message.text}

    def write_message(self, message: Said, left: Mapping[str, Any]) -> Said:
        return replace(message, text=left["content"])

    def read_answer(self, answer: Said) -> Mapping[str, Any]:
        call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": answer.calls}}
        said = {"role": "assistant", "content": answer.text}
        return {**said, "tool_calls": [call]} if answer.calls else said

    def write_answer(self, answer: Said, left: Mapping[str, Any]) -> Said | None:
        return None if answer.calls else Said(left["content"])

    def read_text(self, piece: Said) -> str:
        return piece.text

    def is_text(self, piece: Said) -> bool:
        return not piece.calls

    def write_piece(self, piece: Said, text: str, shown: str) -> Said:
        assert shown.endswith(text)
        return Said(text, "" if text else piece.calls)

    def read_whole(self, pieces: Sequence[Said]) -> Mapping[str, Any]:
        return self.read_answer(Said("", "".join(piece.calls for piece in pieces)))


FORM = SaidForm()


def ask(prompt: Any, answer: Said, tools: Any = None, *, answers: bool = False) -> tuple[Any, list[Any]]:
    """Ask a model; return what the caller gets, and what the model heard."""
    terms, heard = Terms(GUARD, answers), list[Any]()

    def model(given: Any) -> Said:
        heard.append(given)
        return answer

    async def amodel(given: Any) -> Said:
        return answer

    messages = prompt if isinstance(prompt, list) else [Said(prompt)]
    said = run(ask_model(terms, FORM, messages, tools), terms, model)
    assert asyncio.run(arun(ask_model(terms, FORM, messages, tools), terms, amodel)) == said
    return said, heard


def test_what_passes_is_what_it_was() -> None:
    """The same objects."""
    prompt, answer = [Said("hello")], Said("hi", '{"q": "x"}')
    said, heard = ask(prompt, answer, [TOOL])
    assert said is answer
    assert heard[0][0] is prompt[0]


def test_prompts_and_answers_are_edited_in_their_own_types() -> None:
    """What has no form for that is blocked."""
    said, heard = ask("a mask", Said("my mask"))
    assert (said, heard) == (Said("my [REDACT]"), [[Said("a [REDACT]")]])
    with pytest.raises(Blocked):
        ask("hello", Said("", '{"q": "mask"}'))
    with pytest.raises(Blocked):
        ask("hello", Said("hi"), [{**TOOL, "function": {**TOOL["function"], "description": "mask"}}])  # type: ignore[dict-item]


@each_case(
    ("prompt", "answer", "times"),
    [("bomb", Said("hi"), 0), ("hello", Said("bomb"), 1), ("hello", Said("", '{"q": "bomb"}'), 1)],
)
def test_a_block_is_raised_or_answered(prompt: str, answer: Said, times: int) -> None:
    """A blocked prompt does not reach the model."""
    with pytest.raises(Blocked):
        ask(prompt, answer)
    said, heard = ask(prompt, answer, answers=True)
    assert (said, len(heard)) == ("Stopped by policy.", times)


def stream(pieces: Sequence[Said], prompt: str = "hello", *, answers: bool = False) -> Iterator[Any]:
    """Yield what the caller gets of a stream."""
    terms = Terms(GUARD, answers)
    flow = stream_model(terms, FORM, [Said(prompt)])
    return guarded_call.stream(flow, terms, lambda given: iter(pieces))


def test_a_stream_goes_on_as_it_is_judged() -> None:
    """Redacted across its pieces; what says more than text waits for the end."""
    pieces = [Said("a "), Said("ma"), Said("", '{"q":'), Said("sk."), Said("", '"x"}'), Said("")]
    given = [*stream(pieces)]
    assert "".join(piece.text for piece in given) == "a [REDACT]."
    assert [piece.calls for piece in given if piece.calls] == ['{"q":', '"x"}']
    assert [piece.calls for piece in given[-2:]] == ['{"q":', '"x"}']


@each_case("pieces", [[Said("a bo"), Said("mb")], [Said("a "), Said("", '{"q": "bomb"}')]])
def test_a_block_ends_a_stream(pieces: Sequence[Said]) -> None:
    """By an exception, or by the policy's message."""
    with pytest.raises(Blocked):
        [*stream(pieces)]
    assert [*stream(pieces, answers=True)][-1] == "Stopped by policy."
    with pytest.raises(Blocked):
        [*stream([Said("hi")], "bomb")]
    assert [*stream([Said("hi")], "bomb", answers=True)] == ["Stopped by policy."]
    with pytest.raises(Blocked):
        [*stream([Said("", '{"q": "mask"}')])]


def test_mappings_are_their_own_form() -> None:
    """Those of the chat API; a blocked turn of before is left out."""
    form = ModelForm()
    messages = [
        {"role": "user", "content": "bomb"},
        {"role": "assistant", "content": "no"},
        {"role": "user", "content": "a mask"},
    ]
    terms, heard = Terms(GUARD, answers=False), list[Any]()

    class Echo(ModelForm):
        def read_answer(self, answer: Any) -> Mapping[str, Any]:
            return {"role": "assistant", "content": answer}

        def write_answer(self, answer: Any, left: Mapping[str, Any]) -> Any:
            return left["content"]

    assert run(ask_model(terms, Echo(), messages), terms, lambda given: heard.append(given) or "hi") == "hi"
    assert heard == [[{"role": "user", "content": "a [REDACT]"}]]
    assert form.write_refusal("no") == form.write_refusal_piece("no") == "no"
    assert form.write_answer("x", {}) is None
