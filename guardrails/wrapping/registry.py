"""Something to wrap in, the module of this package that can wrap it out: one row for each kind of backend.

A kind is known by the names of its classes, so that nothing is imported for an object that nobody has made.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

from guardrails.wrapping.sdk.exchange import Terms

Wrapper = Callable[[Any, Terms], Any]

BACKENDS: tuple[tuple[str, tuple[str, ...], str], ...] = (
    ("openai", ("OpenAI", "AsyncOpenAI"), "apis.openai"),
    ("anthropic", ("Anthropic", "AsyncAnthropic"), "apis.anthropic"),
    ("langchain_core", ("Runnable",), "langchain.runnables"),
    ("transformers", ("TextGenerationPipeline",), "transformers"),
)
"""The package of a class, the names that it may have there, and the module here that wraps its objects."""


def wrapper_of(backend: object) -> Wrapper | None:
    """Return what wraps an object, None if it is no backend of a known kind."""
    for base in type(backend).__mro__:
        for package, names, module in BACKENDS:
            if base.__name__ in names and base.__module__.partition(".")[0] == package:
                wrap: Wrapper = import_module(f"guardrails.wrapping.{module}").wrap
                return wrap
    return None
