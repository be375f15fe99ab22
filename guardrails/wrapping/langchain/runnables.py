"""A runnable of LangChain's in, the same guarded out: it works in chains, and its messages are of LangChain's own types.

A model becomes one of the same class whose `_generate`, `_stream` and their twins are guarded, the places through which all
of its methods (`invoke`, `batch`, `stream`, `bind_tools`, `with_structured_output`, …) go. LangChain's caches stand in front
of these, so that a guarded model uses none. All other runnables are guarded as a whole: what is put in, and what comes out.
Streams go on as they grow (`streams.py`).
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextvars import ContextVar
from importlib import import_module
from typing import Any, Final

from guardrails.types import Stage
from guardrails.wrapping import guarded_call
from guardrails.wrapping.frameworks.subclass import with_methods
from guardrails.wrapping.guarded_call import Flow, aclose, arun, close, run
from guardrails.wrapping.langchain.flows import anything, chat, texts
from guardrails.wrapping.langchain.graphs import wrap_graph
from guardrails.wrapping.langchain.streams import anything_stream, chat_stream, text_stream
from guardrails.wrapping.langchain.tools import wrap_retriever, wrap_tool
from guardrails.wrapping.registry import Wrapper
from guardrails.wrapping.sdk.exchange import Terms

INSIDE: ContextVar[tuple[int, ...]] = ContextVar("guardrails_inside", default=())
"""The models that are being asked in this thread or task: what one asks of itself is judged already."""

CORE = "langchain_core."
Asked = Callable[..., Flow]
EVENTS = ("_stream_chat_model_events", "_astream_chat_model_events")
"""Other ways to stream that a model may have: without them LangChain uses `_stream`."""


def overrides(base: Any, name: str) -> bool:
    """Tell whether a model has a method of its own, rather than LangChain's, which comes back to another one."""
    owner = next(kind for kind in base.__mro__ if name in vars(kind))
    return owner.__name__ not in ("BaseChatModel", "BaseLLM")


@contextlib.contextmanager
def asking(model: Any) -> Iterator[None]:
    """Note that a model is being asked."""
    token = INSIDE.set((*INSIDE.get(), id(model)))
    try:
        yield
    finally:
        INSIDE.reset(token)


class Asking:
    """The pieces of a model's stream: while one is made, the model is being asked."""

    def __init__(self, model: Any, pieces: Iterator[Any]) -> None:
        self._model, self._pieces = model, pieces

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        with asking(self._model):
            return next(self._pieces)

    def close(self) -> None:
        """End the stream."""
        close(self._pieces)


class AsyncAsking:
    """Its twin on an event loop."""

    def __init__(self, model: Any, pieces: AsyncIterator[Any]) -> None:
        self._model, self._pieces = model, pieces

    def __aiter__(self) -> AsyncIterator[Any]:
        return self

    async def __anext__(self) -> Any:
        with asking(self._model):
            return await anext(self._pieces)

    async def aclose(self) -> None:
        """End the stream."""
        await aclose(self._pieces)


def sync_methods(base: Any, terms: Terms, ask: Asked, ask_stream: Asked) -> dict[str, Any]:
    """Return the synchronous methods that are put in front of a model's own."""

    def _generate(self: Any, given: Any, stop: Any = None, run_manager: Any = None, **options: Any) -> Any:
        def call(*args: Any, **more: Any) -> Any:
            with asking(self):
                return base._generate(self, *args, **more)

        if id(self) in INSIDE.get():
            return call(given, stop=stop, **options)
        return run(ask(terms, given, stop, options), terms, call)

    def _stream(
        self: Any, given: Any, stop: Any = None, run_manager: Any = None, **options: Any
    ) -> Iterator[Any]:
        def call(*args: Any, **more: Any) -> Iterator[Any]:
            return Asking(self, base._stream(self, *args, **more))

        if id(self) in INSIDE.get():
            return call(given, stop=stop, **options)
        return guarded_call.stream(ask_stream(terms, given, stop, options), terms, call)

    return {"_generate": _generate, "_stream": _stream}


def async_methods(base: Any, terms: Terms, ask: Asked, ask_stream: Asked) -> dict[str, Any]:
    """Return their twins on an event loop."""

    async def _agenerate(
        self: Any, given: Any, stop: Any = None, run_manager: Any = None, **options: Any
    ) -> Any:
        async def call(*args: Any, **more: Any) -> Any:
            with asking(self):
                return await base._agenerate(self, *args, **more)

        if id(self) in INSIDE.get():
            return await call(given, stop=stop, **options)
        return await arun(ask(terms, given, stop, options), terms, call)

    def _astream(
        self: Any, given: Any, stop: Any = None, run_manager: Any = None, **options: Any
    ) -> AsyncIterator[Any]:
        def call(*args: Any, **more: Any) -> AsyncIterator[Any]:
            return AsyncAsking(self, base._astream(self, *args, **more))

        if id(self) in INSIDE.get():
            return call(given, stop=stop, **options)
        return guarded_call.astream(ask_stream(terms, given, stop, options), terms, call)

    return {"_agenerate": _agenerate, "_astream": _astream}


def wrap_model(model: Any, terms: Terms) -> Any:
    """Return a model of the same class with a guard around what it is asked and what it answers.

    Raises:
        TypeError: it is wrapped already.
    """
    base: Any = type(model)
    flows: tuple[Asked, Asked] = (texts, text_stream)
    if any(kind.__name__ == "BaseChatModel" for kind in base.__mro__):
        flows = (chat, chat_stream)
    methods = {**sync_methods(base, terms, *flows), **async_methods(base, terms, *flows)}
    own = {name: method for name, method in methods.items() if overrides(base, name)}
    hidden = {name: None for name in EVENTS if hasattr(base, name)}
    return with_methods(model.model_copy(update={"cache": False}), own, hidden)


@functools.cache
def runnable_class() -> Any:
    """Return the class of guarded runnables, made when one is first needed."""
    runnables = import_module("langchain_core.runnables")

    class GuardedRunnable(runnables.Runnable):  # type: ignore[misc,name-defined]
        """A runnable with a guard around what is put in and what comes out."""

        def __init__(self, inner: Any, terms: Terms) -> None:
            self.inner, self.terms = inner, terms
            self.name = inner.get_name()

        @property
        def InputType(self) -> Any:
            return self.inner.InputType

        @property
        def OutputType(self) -> Any:
            return self.inner.OutputType

        def invoke(self, input: Any, config: Any = None, **kwargs: Any) -> Any:
            return run(
                anything(self.terms, input),
                self.terms,
                lambda given: self.inner.invoke(given, config, **kwargs),
            )

        async def ainvoke(self, input: Any, config: Any = None, **kwargs: Any) -> Any:
            return await arun(
                anything(self.terms, input),
                self.terms,
                lambda given: self.inner.ainvoke(given, config, **kwargs),
            )

        def stream(self, input: Any, config: Any = None, **kwargs: Any) -> Iterator[Any]:
            return guarded_call.stream(
                anything_stream(self.terms, input),
                self.terms,
                lambda given: self.inner.stream(given, config, **kwargs),
            )

        def astream(self, input: Any, config: Any = None, **kwargs: Any) -> AsyncIterator[Any]:
            return guarded_call.astream(
                anything_stream(self.terms, input),
                self.terms,
                lambda given: self.inner.astream(given, config, **kwargs),
            )

    return GuardedRunnable


AS_THEMSELVES: Final[Mapping[str, Callable[[Any, Terms], Any]]] = {
    "BaseTool": wrap_tool,
    "BaseRetriever": wrap_retriever,
    "Pregel": wrap_graph,
}
"""Classes of runnables whose objects stay what they are, as others look for these classes → how they are wrapped."""

PUBLIC = (
    "invoke",
    "ainvoke",
    "stream",
    "astream",
    "generate",
    "agenerate",
    "generate_prompt",
    "agenerate_prompt",
)


def wrap(runnable: Any, terms: Terms) -> Any:
    """Return a model of LangChain's guarded inside, any other runnable guarded as a whole."""
    kind = type(runnable)
    names = {each.__name__ for each in kind.__mro__}
    if {"BaseChatModel", "BaseLLM"} & names and all(
        getattr(kind, name).__module__.startswith(CORE) for name in PUBLIC
    ):
        if terms.output is not Stage.OUTPUT:
            raise ValueError("output is not for models: where their answers stand is known")
        return wrap_model(runnable, terms)
    for name, wrap_as in AS_THEMSELVES.items():
        if name in names:
            return wrap_as(runnable, terms)
    return runnable_class()(runnable, terms)


WRAPPER: Final = Wrapper(
    "langchain_core.Runnable", "Guards what a runnable of LangChain is given, and what it answers.", wrap
)
