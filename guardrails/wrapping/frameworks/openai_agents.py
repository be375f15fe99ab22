"""A guard as the guardrails of OpenAI's Agents SDK: before an agent runs, behind its answer, and around its function tools.

A guardrail of the SDK says yes or no and cannot edit what it sees. What a policy would redact trips it therefore too, unless
`on_redact="pass"` says that somebody else edits: the client of the model, wrapped by the same guard.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any, Final, Literal, TypeAlias

from guardrails.protocols.registry import load_protocols
from guardrails.types import Action, Stage, ToolCall, Verdict
from guardrails.wrapping.sdk.exchange import Terms

OnRedact: TypeAlias = Literal["trip", "pass"]
"""What a guardrail does where a policy would redact."""

ON_REDACT: Final = ("trip", "pass")


class AgentGuardrails:
    """Guardrails for `agents.Agent` and `agents.function_tool`. Made by `Guard.openai_agents`.

    Attributes:
        input_guardrail: for `Agent(input_guardrails=[…])`. It runs before the model is asked.
        output_guardrail: for `Agent(output_guardrails=[…])`.
        tool_input_guardrail: for `function_tool(tool_input_guardrails=[…])`: a call that is blocked is not made, and the model
            reads the policy's message instead.
        tool_output_guardrail: for `function_tool(tool_output_guardrails=[…])`: the model reads what the policy leaves of a
            result, its message where the result is blocked.
    """

    def __init__(self, terms: Terms, on_redact: OnRedact) -> None:
        agents: Any = import_module("agents")
        self._agents, self._terms = agents, terms
        self._trips_at = Action.BLOCK if on_redact == "pass" else Action.REDACT
        self.input_guardrail: Any = agents.InputGuardrail(
            self._judge_input, name="guardrails", run_in_parallel=False
        )
        self.output_guardrail: Any = agents.OutputGuardrail(self._judge_output, name="guardrails")
        self.tool_input_guardrail: Any = agents.ToolInputGuardrail(self._judge_call, name="guardrails")
        self.tool_output_guardrail: Any = agents.ToolOutputGuardrail(self._judge_result, name="guardrails")

    async def _judge_input(self, context: Any, agent: Any, given: Any) -> Any:
        subject = given if isinstance(given, str) else read_items(given)
        return self._tripped(await self._check(subject, Stage.INPUT))

    async def _judge_output(self, context: Any, agent: Any, answer: Any) -> Any:
        return self._tripped(await self._check(answer, Stage.OUTPUT))

    async def _judge_call(self, data: Any) -> Any:
        call = ToolCall(data.context.tool_name, data.context.tool_arguments)
        verdict = await self._check(call, Stage.TOOL_CALL)
        made = self._agents.ToolGuardrailFunctionOutput
        if verdict.action >= Action.REDACT:
            return made.reject_content(verdict.refusal, output_info=verdict)
        return made.allow(output_info=verdict)

    async def _judge_result(self, data: Any) -> Any:
        verdict = await self._check(data.output, Stage.TOOL_RESULT)
        made = self._agents.ToolGuardrailFunctionOutput
        if verdict.blocked:
            return made.reject_content(verdict.refusal, output_info=verdict)
        if verdict.action >= Action.REDACT:
            return made.reject_content(str(verdict.content), output_info=verdict)
        return made.allow(output_info=verdict)

    async def _check(self, subject: object, stage: Stage) -> Verdict[Any]:
        verdict: Verdict[Any] = await self._terms.guard.acheck(subject, stage, **self._terms.context)
        return verdict

    def _tripped(self, verdict: Verdict[Any]) -> Any:
        return self._agents.GuardrailFunctionOutput(
            output_info=verdict, tripwire_triggered=verdict.action >= self._trips_at
        )


def read_items(items: Any) -> Any:
    """Return what there is to judge of an agent's input: items of OpenAI's API of responses."""
    responses = next(each for each in load_protocols() if each.name == "openai.responses")
    return responses.request_payload({"input": items})


def make_guardrails(terms: Terms, on_redact: OnRedact = "trip") -> AgentGuardrails:
    """Return a guard as the guardrails of OpenAI's Agents SDK.

    Raises:
        ValueError: there is no such way to go on where a policy would redact.
        ImportError: the SDK is not installed.
    """
    if on_redact not in ON_REDACT:
        raise ValueError(f"on_redact must be 'trip' or 'pass', not {on_redact!r}")
    return AgentGuardrails(terms, on_redact)
