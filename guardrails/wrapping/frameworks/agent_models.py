"""Models of OpenAI's Agents SDK, of whatever provider, guarded. The SDK has them all speak OpenAI's API of responses, by whose
description they are judged: what they are asked, and what they answer, whole or event by event.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from importlib import import_module
from typing import Any, Final

from guardrails.engine.core.task_runner import INLINE_ON_LOOP
from guardrails.errors import block_error
from guardrails.protocols.registry import load_protocols
from guardrails.protocols.reply_values import restore_reply
from guardrails.types import Stage, Verdict
from guardrails.wrapping.frameworks.subclass import with_methods
from guardrails.wrapping.registry import Wrapper
from guardrails.wrapping.sdk.calls import to_plain_json
from guardrails.wrapping.sdk.exchange import Exchange, Terms


def read_tool(tool: Any) -> dict[str, Any]:
    """Return the definition of a tool as a model reads it."""
    told = {"type": "function", "name": tool.name}
    schema = getattr(tool, "params_json_schema", None)
    return {**told, "description": getattr(tool, "description", "") or "", "parameters": schema or {}}


class AgentCall:
    """The checks around one call of a model."""

    def __init__(self, terms: Terms, system: str | None, given: Any, tools: Sequence[Any]) -> None:
        protocol = next(each for each in load_protocols() if each.name == "openai.responses")
        body: dict[str, Any] = {"input": to_plain_json(given)}
        if system:
            body["instructions"] = system
        if tools:
            body["tools"] = [*map(read_tool, tools)]
        self._terms, self._given, self._body = terms, given, body
        self._exchange = Exchange(terms, protocol, body)

    async def ask(self) -> tuple[Any, Any] | None:
        """Judge what the model is asked; return the instructions and the input that it may be given, None where it is blocked.

        Raises:
            Blocked: it is blocked and nothing is to be answered, or the policy changes a tool's definition.
        """
        exchange = self._exchange
        subject = exchange.protocol.request_payload(self._body)
        verdict: Verdict[Any] = await self._terms.guard.acheck(subject, Stage.INPUT, **exchange.asking)
        exchange.asked = verdict
        if verdict.blocked:
            exchange.message(verdict)
            return None
        left: Any = verdict.content
        if left.get("tools") != self._body.get("tools"):
            raise block_error(verdict)
        same = left["input"] == self._body["input"]
        return left.get("instructions"), self._given if same else left["input"]

    def refusal(self) -> dict[str, Any]:
        """Return the answer to a block of what was asked."""
        verdict, refuse = self._exchange.asked, self._exchange.protocol.refuse
        assert refuse is not None
        assert verdict is not None
        return dict(refuse(verdict.refusal, {}))

    async def judge(self, items: Sequence[Any]) -> Sequence[Any]:
        """Judge the items of an answer; return those that the caller may have, or what answers a block."""
        exchange, said = self._exchange, [item.model_dump(mode="json", exclude_unset=True) for item in items]
        subject = exchange.read({"status": "completed", "output": said})
        told = {**exchange.asking, "after": exchange.asked}
        verdict: Verdict[Any] = await self._terms.guard.acheck(subject, Stage.OUTPUT, **told)
        if verdict.blocked:
            assert exchange.protocol.refuse is not None
            return read_items(exchange.protocol.refuse(exchange.message(verdict), {})["output"])
        left: Any = verdict.content
        if verdict.restorer is not None and verdict.restorer.values:
            left = restore_reply(left, verdict.restorer)
        pairs = zip(items, said, left["output"], strict=True)
        return [item if new == old else type(item).construct(**new) for item, old, new in pairs]

    async def stream(self, events: AsyncIterator[Any]) -> AsyncIterator[Any]:
        """Yield what may go on of the events of an answer."""
        exchange, pipeline, seen = self._exchange, self._terms.guard.pipeline, list[Any]()
        streams = exchange.protocol.stream
        assert streams is not None
        judge = exchange.judge
        relay = judge.relay(streams.codec(), lambda rest: exchange.read(rest).tree)
        async for event in events:
            seen.append(event)
            data = event.model_dump(mode="json", exclude_unset=True)
            came = [(data, event.type, b"%d" % (len(seen) - 1))]
            await pipeline.adrive(relay.take(came, INLINE_ON_LOOP))
            for each in relay.ready():
                yield seen[int(each.raw)] if each.raw else write_event(each.data, seen)
            if relay.stop is not None or relay.error is not None:
                break
        if relay.error is not None:
            raise relay.error
        for each in await pipeline.adrive(judge.ended(relay, exchange, INLINE_ON_LOOP)):
            yield seen[int(each.raw)] if each.raw else write_event(each.data, seen)

    def refusal_events(self) -> list[Any]:
        """Return the events that answer a block of what was asked."""
        streams = self._exchange.protocol.stream
        assert streams is not None
        return [write_event(event.data, ()) for event in streams.events(self.refusal())]


def read_items(items: Sequence[Any]) -> list[Any]:
    """Return items of an answer as the SDK has them."""
    made = import_module("openai.types.responses").ResponseOutputMessage
    return [made.model_validate(item) for item in items]


def write_event(data: Any, seen: Sequence[Any]) -> Any:
    """Return an event as the SDK has it; of a kind that came before as leniently as it read that."""
    kind = next((type(event) for event in seen if event.type == data["type"]), None)
    if kind is not None:
        return kind.construct(**data)
    adapter = import_module("pydantic").TypeAdapter
    return adapter(import_module("openai.types.responses").ResponseStreamEvent).validate_python(data)


def wrap(model: Any, terms: Terms) -> Any:
    """Return a model of the same class with a guard around what it is asked and what it answers.

    Raises:
        TypeError: it is wrapped already.
        ValueError: another stage is named for its answers.
    """
    if terms.output is not Stage.OUTPUT:
        raise ValueError("output is not for models: what a model generates stands at output")
    base: Any = type(model)

    async def get_response(
        self: Any,
        system_instructions: Any,
        input: Any,
        model_settings: Any,
        tools: Any,
        *args: Any,
        **options: Any,
    ) -> Any:
        call = AgentCall(terms, system_instructions, input, tools)
        sent = await call.ask()
        if sent is None:
            agents = import_module("agents")
            output = read_items(call.refusal()["output"])
            return agents.ModelResponse(output=output, usage=agents.Usage(), response_id=None)
        answer = await base.get_response(self, *sent, model_settings, tools, *args, **options)
        answer.output = [*(await call.judge(answer.output))]
        return answer

    async def stream_response(
        self: Any,
        system_instructions: Any,
        input: Any,
        model_settings: Any,
        tools: Any,
        *args: Any,
        **options: Any,
    ) -> AsyncIterator[Any]:
        call = AgentCall(terms, system_instructions, input, tools)
        sent = await call.ask()
        if sent is None:
            for event in call.refusal_events():
                yield event
            return
        events = base.stream_response(self, *sent, model_settings, tools, *args, **options)
        async for event in call.stream(events):
            yield event

    return with_methods(model, {"get_response": get_response, "stream_response": stream_response})


WRAPPER: Final = Wrapper(
    "agents.Model", "Guards what a model of OpenAI's Agents SDK is asked and answers.", wrap
)
