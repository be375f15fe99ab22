"""The verdicts of a call on what a wrapped client returns."""

from __future__ import annotations

import asyncio
import copy
import pickle
from collections.abc import Callable, Iterator
from typing import Any

import anthropic
import openai
import pytest

from guardrails import Guard
from guardrails.sinks.call_verdicts import CallVerdicts, attach_verdicts
from guardrails.testing import ScriptedUpstream

POLICY = """
detectors:
  bomb: {use: terms, terms: [zqxbomb], category: custom.bomb}
  mask: {use: terms, terms: [zqxmask], category: custom.mask}
rules:
  - {id: bomb.block, on: [input, output], when: custom.bomb > 0, then: block}
  - {id: mask.redact, on: [input, output], when: custom.mask > 0, then: redact}
"""


@pytest.fixture(scope="module")
def guard(guard_of: Callable[..., Guard]) -> Guard:
    """Return a guard of two words."""
    return guard_of(POLICY)


@pytest.fixture(scope="module")
def upstream() -> Iterator[ScriptedUpstream]:
    """Return a model behind all APIs."""
    with ScriptedUpstream() as server:
        yield server


def openai_client(upstream: ScriptedUpstream) -> openai.OpenAI:
    """Return a client of OpenAI's SDK."""
    return openai.OpenAI(base_url=upstream.url, api_key="none", max_retries=0)


def asked(text: str) -> Any:
    """Return the arguments of a call."""
    return {"model": "m", "messages": [{"role": "user", "content": text}]}


def actions(response: Any) -> tuple[str, str | None]:
    """Return the actions for request and answer."""
    found: CallVerdicts = response.guardrails
    assert found.input is not None
    return str(found.input.action), None if found.output is None else str(found.output.action)


def test_a_response_has_the_verdicts_of_its_call(guard: Guard, upstream: ScriptedUpstream) -> None:
    """Of what was sent and of what came back; also where a block is answered."""
    with guard.wrap(openai_client(upstream), on_block="answer") as client:
        assert actions(client.chat.completions.create(**asked("a zqxmask"))) == ("redact", "allow")
        assert actions(client.responses.create(model="m", input="fine")) == ("allow", "allow")
        refused: Any = client.chat.completions.create(**asked("a zqxbomb"))
        assert actions(refused) == ("block", None)
        assert refused.guardrails.input.rules[0].id == "bomb.block"
        assert actions(client.chat.completions.with_raw_response.create(**asked("fine"))) == (
            "allow",
            "allow",
        )
    root = upstream.url.removesuffix("/v1")
    with guard.wrap(anthropic.Anthropic(base_url=root, api_key="none", max_retries=0)) as claude:
        assert actions(claude.messages.create(max_tokens=9, **asked("a zqxmask"))) == ("redact", "allow")


def test_it_is_no_field_of_the_response(guard: Guard, upstream: ScriptedUpstream) -> None:
    """It is not dumped, not shown, does not count for equality, and is kept by copies and pickle, there without contents."""
    with openai_client(upstream) as bare, guard.wrap(openai_client(upstream)) as client:
        plain, response = (each.chat.completions.create(**asked("fine")) for each in (bare, client))
        same = plain.model_copy(update={"id": response.id, "created": response.created})

    assert same == response
    assert response == same
    assert response.model_dump() == same.model_dump()
    assert response.model_dump_json() == same.model_dump_json()
    assert "guardrails" not in repr(response)
    for copied in (copy.copy(response), copy.deepcopy(response), pickle.loads(pickle.dumps(response))):
        assert actions(copied) == ("allow", "allow")
    assert b"zqx" not in pickle.dumps(response)


def test_a_stream_has_them_once_it_ends(guard: Guard, upstream: ScriptedUpstream) -> None:
    """That of the request from the start; sync and async."""

    async def read() -> Any:
        client = guard.wrap(openai.AsyncOpenAI(base_url=upstream.url, api_key="none", max_retries=0))
        async with client:
            stream = await client.chat.completions.create(stream=True, **asked("a zqxmask"))
            before = actions(stream)
            async for _ in stream:
                pass
            return before, actions(stream)

    with guard.wrap(openai_client(upstream)) as client:
        stream: Any = client.chat.completions.create(stream=True, **asked("a zqxmask"))
        before = actions(stream)
        for _ in stream:
            pass
        assert (before, actions(stream)) == (("redact", None), ("redact", "allow"))
    assert asyncio.run(read()) == (("redact", None), ("redact", "allow"))


def test_what_takes_no_attributes_stays_as_it_is() -> None:
    """A text that a client returns is a text."""
    given: list[Any] = ["text", []]
    for each in given:
        attach_verdicts(each, CallVerdicts())
    assert given == ["text", []]
    assert not any(hasattr(each, "guardrails") for each in given)
