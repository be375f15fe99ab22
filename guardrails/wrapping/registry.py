"""What `Guard.wrap` knows of clients and frameworks: a wrapper for each, known by the names of classes, so that nothing is
imported for an object that nobody has made.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final

from guardrails.registry.by_class import ClassRegistry
from guardrails.registry.registered import Registry
from guardrails.registry.sources import PluginError, PluginOrigin
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
    """

    name: str
    doc: str
    wrap: Callable[[Any, Terms], Any]
    origin: PluginOrigin | None = None


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
        (
            *("anthropic.Anthropic", "anthropic.AsyncAnthropic"),
            *("anthropic.AnthropicVertex", "anthropic.AsyncAnthropicVertex"),
            *("anthropic.AnthropicBedrockMantle", "anthropic.AsyncAnthropicBedrockMantle"),
        ),
        "guardrails.wrapping.apis.anthropic:WRAPPER",
    ),
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
    "transformers.TextGenerationPipeline": "guardrails.wrapping.transformers:WRAPPER",
}
"""Name of a class → the `Wrapper` of its objects, as `module:attribute`."""

WRAPPERS: Final = ClassRegistry(Registry("wrappers", Wrapper, BUILTIN, _read_wrapper))
"""The wrappers by the classes of what they wrap."""
