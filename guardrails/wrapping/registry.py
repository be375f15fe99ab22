"""What `Guard.wrap` knows of clients and frameworks: a wrapper for each, known by the names of classes, so that nothing is
imported for an object that nobody has made.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import FunctionType, MethodType
from typing import Any, Final

from guardrails.registry.by_class import ClassRegistry
from guardrails.registry.registered import Registry
from guardrails.registry.sources import PluginError, PluginOrigin, PluginSources
from guardrails.wrapping.sdk.exchange import Terms


@dataclass(frozen=True, slots=True)
class Wrapper:
    """How the objects of a class are wrapped.

    Attributes:
        name: the top package of the class, a dot, and the class: `openai.OpenAI`. Classes below it are wrapped by it too.
        doc: what is guarded of an object, in one sentence.
        wrap: returns a guarded object of the same class; given the object and the `Terms`: by which guard, whether blocks are
            answered, who asks. Raises `TypeError` or `ValueError`, with the cure, for what cannot be guarded.
        origin: where it comes from; None: built in, or the application's own.
        takes_schema: whether answers of what it wraps can be held to a schema (`Terms.formatted`).
    """

    name: str
    doc: str
    wrap: Callable[[Any, Terms], Any]
    origin: PluginOrigin | None = None
    takes_schema: bool = False


def _read_wrapper(name: str, given: object, origin: PluginOrigin | None) -> Wrapper:
    if not isinstance(given, Wrapper):
        kind = type(given).__name__
        raise PluginError(
            "invalid_plugin", f"the wrapper {name!r} is a {kind}", "give a guardrails.plugins.Wrapper"
        )
    return replace(given, name=name, origin=origin)


GENERATORS: Final[Mapping[str, str]] = {
    "haystack": "AzureOpenAI AzureOpenAIResponses Fallback HuggingFaceAPI HuggingFaceLocal OpenAI OpenAIResponses",
    "haystack_integrations": "AmazonBedrock Anthropic Cohere GoogleGenAI HuggingFaceAPI LiteLLM LlamaCpp LlamaStack "
    "MetaLlama Mistral Nvidia Ollama OpenRouter TogetherAI TransformersAPI VLLM WatsonX",
}
"""Package → the providers of whose models it has chat generators; these have no class in common."""

REFUSED: Final = (
    "agents.AgentBase",
    "crewai.BaseAgent",
    "crewai.Crew",
    "crewai.Flow",
    "crewai.Task",
    "dspy.Module",
    "haystack.Agent",
    "haystack.PipelineBase",
    "instructor.Instructor",
    "langgraph.StateGraph",
    "litellm.Router",
    "llama_index.AgentWorkflow",
    "llama_index.BaseChatEngine",
    "llama_index.BaseIndex",
    "llama_index.BaseQueryEngine",
    "llama_index.BaseWorkflowAgent",
    "pydantic_ai.AbstractAgent",
    "smolagents.MultiStepAgent",
)
"""Classes whose objects cannot be wrapped; what is to be wrapped instead, `frameworks/refusals.py` says."""

BUILTIN: Final = {
    **dict.fromkeys(("openai.OpenAI", "openai.AsyncOpenAI"), "guardrails.wrapping.apis.openai:WRAPPER"),
    **dict.fromkeys(
        ("openai.ResponsesToolRunner", "openai.AsyncResponsesToolRunner"),
        "guardrails.wrapping.apis.openai:RUNNER",
    ),
    **dict.fromkeys(
        (
            *("anthropic.Anthropic", "anthropic.AsyncAnthropic"),
            *("anthropic.AnthropicVertex", "anthropic.AsyncAnthropicVertex"),
            *("anthropic.AnthropicBedrockMantle", "anthropic.AsyncAnthropicBedrockMantle"),
        ),
        "guardrails.wrapping.apis.anthropic:WRAPPER",
    ),
    **dict.fromkeys(REFUSED, "guardrails.wrapping.frameworks.refusals:WRAPPER"),
    **dict.fromkeys(
        [
            f"{package}.{provider}ChatGenerator"
            for package, providers in GENERATORS.items()
            for provider in providers.split()
        ],
        "guardrails.wrapping.frameworks.haystack:WRAPPER",
    ),
    "agents.Model": "guardrails.wrapping.frameworks.agent_models:WRAPPER",
    "crewai.BaseLLM": "guardrails.wrapping.frameworks.crewai:WRAPPER",
    "diffusers.DiffusionPipeline": "guardrails.wrapping.diffusers.pipelines:WRAPPER",
    "dspy.BaseLM": "guardrails.wrapping.frameworks.dspy:WRAPPER",
    "langchain_core.Embeddings": "guardrails.wrapping.langchain.tools:EMBEDDINGS",
    **dict.fromkeys(
        ("anthropic.AnthropicBedrock", "anthropic.AsyncAnthropicBedrock"),
        "guardrails.wrapping.apis.anthropic:BEDROCK",
    ),
    **dict.fromkeys(("google.Client", "google.AsyncClient"), "guardrails.wrapping.apis.google_genai:WRAPPER"),
    "botocore.BedrockRuntime": "guardrails.wrapping.apis.bedrock:WRAPPER",
    **dict.fromkeys(
        ("cohere.ClientV2", "cohere.AsyncClientV2", "cohere.Client", "cohere.AsyncClient"),
        "guardrails.wrapping.apis.cohere:WRAPPER",
    ),
    "mistralai.Mistral": "guardrails.wrapping.apis.mistral:WRAPPER",
    **dict.fromkeys(("ollama.Client", "ollama.AsyncClient"), "guardrails.wrapping.apis.ollama:WRAPPER"),
    "langchain_core.Runnable": "guardrails.wrapping.langchain.runnables:WRAPPER",
    **dict.fromkeys(
        ("litellm.completion", "litellm.acompletion"), "guardrails.wrapping.frameworks.litellm:WRAPPER"
    ),
    "llama_index.BaseRetriever": "guardrails.wrapping.frameworks.llama_index:RETRIEVER",
    "llama_index.LLM": "guardrails.wrapping.frameworks.llama_index:WRAPPER",
    "pydantic_ai.Model": "guardrails.wrapping.frameworks.pydantic_ai.models:WRAPPER",
    "smolagents.Model": "guardrails.wrapping.frameworks.smolagents:WRAPPER",
    "transformers.TextGenerationPipeline": "guardrails.wrapping.transformers:WRAPPER",
}
"""Name of a class, or of a function, → the `Wrapper` of its objects, or of it, as `module:attribute`."""

WRAPPERS: Final = ClassRegistry(Registry("wrappers", Wrapper, BUILTIN, _read_wrapper))
"""The wrappers by the classes of what they wrap."""


def find_wrapper(value: object) -> Wrapper | None:
    """Return the wrapper of an object, by its class, or of a function or method of a library, by its name."""
    if not isinstance(value, FunctionType | MethodType):
        return WRAPPERS.find(type(value))
    name = f"{value.__module__.partition('.')[0]}.{value.__name__}"
    return WRAPPERS.registry.find(name, PluginSources(packages=())) if name in BUILTIN else None
