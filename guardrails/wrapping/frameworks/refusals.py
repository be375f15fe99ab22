"""Objects of frameworks that cannot be guarded as a whole, and what to wrap in their place."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from guardrails.registry.by_class import class_name
from guardrails.wrapping.registry import Wrapper
from guardrails.wrapping.sdk.exchange import Terms

CURES: Final[Mapping[str, str]] = {
    "agents.AgentBase": "wrap the client of its model, or give it the guardrails of guard.openai_agents()",
    "crewai.BaseAgent": "wrap its model: Agent(llm=guard.wrap(LLM(…)))",
    "crewai.Crew": "wrap the models of its agents: Agent(llm=guard.wrap(LLM(…)))",
    "crewai.Flow": "wrap the models that it asks: guard.wrap(LLM(…))",
    "crewai.Task": "wrap the model of its agent: Agent(llm=guard.wrap(LLM(…)))",
    "dspy.Module": "wrap the language model: dspy.configure(lm=guard.wrap(dspy.LM(…)))",
    "haystack.Agent": "wrap its generator: Agent(chat_generator=guard.wrap(OpenAIChatGenerator(…)))",
    "haystack.PipelineBase": "wrap the chat generators in it",
    "instructor.Instructor": "wrap the client: instructor.from_openai(guard.wrap(OpenAI()))",
    "langgraph.StateGraph": "wrap the compiled graph: guard.wrap(graph.compile())",
    "litellm.Router": "wrap its functions: guard.wrap(router.completion), guard.wrap(router.acompletion)",
    "llama_index.BaseChatEngine": "wrap its model and its retriever",
    "llama_index.BaseIndex": "wrap its retriever: guard.wrap(index.as_retriever())",
    "llama_index.BaseQueryEngine": "wrap its model and its retriever",
    "llama_index.AgentWorkflow": "wrap the models of its agents: FunctionAgent(llm=guard.wrap(OpenAI(…)))",
    "llama_index.BaseWorkflowAgent": "wrap its model: FunctionAgent(llm=guard.wrap(OpenAI(…)))",
    "pydantic_ai.AbstractAgent": "wrap its model: Agent(guard.wrap(OpenAIChatModel(…)))",
    "smolagents.MultiStepAgent": "wrap its model: CodeAgent(model=guard.wrap(OpenAIModel(…)))",
}
"""Name of a class → what to do instead."""


def refuse(value: Any, terms: Terms) -> Any:
    """Raise `TypeError` with the cure."""
    kind = type(value)
    cure = next(CURES[name] for base in kind.__mro__ if (name := class_name(base)) in CURES)
    raise TypeError(f"cannot wrap a {kind.__name__}: {cure}")


WRAPPER: Final = Wrapper(
    "agents.AgentBase", "Says what to wrap in the place of an object of a framework.", refuse
)
