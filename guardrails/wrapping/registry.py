"""What `Guard.wrap` knows of clients and frameworks: a wrapper for each, known by the names of classes, so that nothing is
imported for an object that nobody has made.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from types import FunctionType
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


BUILTIN: Final = {
    **dict.fromkeys(("openai.OpenAI", "openai.AsyncOpenAI"), "guardrails.wrapping.apis.openai:WRAPPER"),
    **dict.fromkeys(
        ("anthropic.Anthropic", "anthropic.AsyncAnthropic"), "guardrails.wrapping.apis.anthropic:WRAPPER"
    ),
    "crewai.BaseLLM": "guardrails.wrapping.frameworks.crewai:WRAPPER",
    "dspy.BaseLM": "guardrails.wrapping.frameworks.dspy:WRAPPER",
    "langchain_core.Embeddings": "guardrails.wrapping.langchain.tools:EMBEDDINGS",
    "langchain_core.Runnable": "guardrails.wrapping.langchain.runnables:WRAPPER",
    **dict.fromkeys(
        ("litellm.completion", "litellm.acompletion"), "guardrails.wrapping.frameworks.litellm:WRAPPER"
    ),
    "llama_index.BaseRetriever": "guardrails.wrapping.frameworks.llama_index:RETRIEVER",
    "llama_index.LLM": "guardrails.wrapping.frameworks.llama_index:WRAPPER",
    "pydantic_ai.Model": "guardrails.wrapping.frameworks.pydantic_ai:WRAPPER",
    "smolagents.Model": "guardrails.wrapping.frameworks.smolagents:WRAPPER",
    "transformers.TextGenerationPipeline": "guardrails.wrapping.transformers:WRAPPER",
}
"""Name of a class, or of a function, → the `Wrapper` of its objects, or of it, as `module:attribute`."""

WRAPPERS: Final = ClassRegistry(Registry("wrappers", Wrapper, BUILTIN, _read_wrapper))
"""The wrappers by the classes of what they wrap."""


def find_wrapper(value: object) -> Wrapper | None:
    """Return the wrapper of an object, by its class, or of a function of a library, by its name."""
    if not isinstance(value, FunctionType):
        return WRAPPERS.find(type(value))
    name = f"{value.__module__.partition('.')[0]}.{value.__name__}"
    return WRAPPERS.registry.find(name, PluginSources(packages=())) if name in BUILTIN else None
