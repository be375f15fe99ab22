"""LangChain's tools, retrievers and embeddings, guarded as objects of their own classes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from importlib import import_module
from typing import Any, Final

from guardrails.errors import block_error
from guardrails.types import Stage, Verdict
from guardrails.wrapping.frameworks.subclass import is_own, with_methods
from guardrails.wrapping.frameworks.tool_calls import call_tool
from guardrails.wrapping.guarded_call import Call, Check, Flow, arun, run
from guardrails.wrapping.langchain.flows import anything, content_of
from guardrails.wrapping.langchain.values import read
from guardrails.wrapping.registry import Wrapper
from guardrails.wrapping.sdk.exchange import Terms


def wrap_tool(tool: Any, terms: Terms) -> Any:
    """Return a tool whose calls are judged before they are made, and its results before anybody has them.

    What a framework injects into a call (its state, its runtime) is no word of a model's, and is handed on.

    Raises:
        TypeError: it is wrapped already.
    """
    base: Any = type(tool)

    def flow(given: Any, identity: Any) -> Flow:
        shown = shown_arguments(tool, given)
        refuse = refusing(tool.name, identity)
        return call_tool(terms, tool.name, shown, refuse, read, content_of)

    def whole(given: Any, sent: Any) -> Any:
        return {**given, **sent} if isinstance(given, Mapping) else sent

    def run_(self: Any, tool_input: Any, *args: Any, **options: Any) -> Any:
        def call(sent: Any) -> Any:
            return base.run(self, whole(tool_input, sent), *args, **options)

        return run(flow(tool_input, options.get("tool_call_id")), terms, call)

    async def arun_(self: Any, tool_input: Any, *args: Any, **options: Any) -> Any:
        async def call(sent: Any) -> Any:
            return await base.arun(self, whole(tool_input, sent), *args, **options)

        return await arun(flow(tool_input, options.get("tool_call_id")), terms, call)

    return with_methods(tool, {"run": run_, "arun": arun_})


def shown_arguments(tool: Any, given: Any) -> Any:
    """Return the arguments of a call that a model may give."""
    if not isinstance(given, Mapping):
        return given
    injected = getattr(tool, "_injected_args_keys", ())
    schema = getattr(tool, "tool_call_schema", None)
    fields = getattr(schema, "model_fields", None)
    known = given.keys() if fields is None else {*fields}
    whole = getattr(getattr(tool, "args_schema", None), "model_fields", {})
    return {
        name: value
        for name, value in given.items()
        if name not in injected and (name in known or name not in whole)
    }


def refusing(name: str, identity: Any) -> Any:
    """Return what makes the answer to a block: a message of the tool's where a model called it, else the text."""
    if identity is None:
        return str
    messages = import_module("langchain_core.messages")
    return lambda text: messages.ToolMessage(content=text, tool_call_id=identity, name=name, status="error")


def wrap_retriever(retriever: Any, terms: Terms) -> Any:
    """Return a retriever whose queries are judged at `input`, and its documents at `retrieval`.

    Raises:
        TypeError: it is wrapped already.
    """
    base: Any = type(retriever)
    terms = replace(terms, output=Stage.RETRIEVAL)

    def refuse(text: str) -> Any:
        return [import_module("langchain_core.documents").Document(page_content=text)]

    def get(self: Any, query: Any, **options: Any) -> Any:
        return run(
            anything(terms, query, refuse),
            terms,
            lambda given: base._get_relevant_documents(self, given, **options),
        )

    async def aget(self: Any, query: Any, **options: Any) -> Any:
        return await arun(
            anything(terms, query, refuse),
            terms,
            lambda given: base._aget_relevant_documents(self, given, **options),
        )

    methods: dict[str, Any] = {"_get_relevant_documents": get}
    if is_own(retriever, "_aget_relevant_documents", "BaseRetriever"):
        methods["_aget_relevant_documents"] = aget
    return with_methods(retriever, methods)


def embed(terms: Terms, given: Any, stage: Stage) -> Flow:
    """Ask for vectors; there is no way to answer a block with one."""
    asked: Verdict[Any] = yield Check(given, stage)
    if asked.blocked:
        raise block_error(asked)
    return (yield Call((asked.content,)))


def wrap_embeddings(embeddings: Any, terms: Terms) -> Any:
    """Return embeddings that judge what they read: queries at `input`, documents at `retrieval`.

    Raises:
        TypeError: they are wrapped already.
        ValueError: another stage is named for what they return.
    """
    if terms.output is not Stage.OUTPUT:
        raise ValueError("output is not for embeddings: in what they return there is nothing to judge")
    base: Any = type(embeddings)

    def documents(self: Any, texts: Any, *args: Any, **options: Any) -> Any:
        return run(
            embed(terms, texts, Stage.RETRIEVAL),
            terms,
            lambda given: base.embed_documents(self, given, *args, **options),
        )

    def query(self: Any, text: Any, *args: Any, **options: Any) -> Any:
        return run(
            embed(terms, text, Stage.INPUT),
            terms,
            lambda given: base.embed_query(self, given, *args, **options),
        )

    async def adocuments(self: Any, texts: Any, *args: Any, **options: Any) -> Any:
        return await arun(
            embed(terms, texts, Stage.RETRIEVAL),
            terms,
            lambda given: base.aembed_documents(self, given, *args, **options),
        )

    async def aquery(self: Any, text: Any, *args: Any, **options: Any) -> Any:
        return await arun(
            embed(terms, text, Stage.INPUT),
            terms,
            lambda given: base.aembed_query(self, given, *args, **options),
        )

    methods = {"embed_documents": documents, "embed_query": query}
    twins = {"aembed_documents": adocuments, "aembed_query": aquery}
    # Those of LangChain's own come back to the former.
    own = {name: method for name, method in twins.items() if is_own(embeddings, name, "Embeddings")}
    return with_methods(embeddings, {**methods, **own})


EMBEDDINGS: Final = Wrapper(
    "langchain_core.Embeddings", "Guards what embeddings of LangChain read.", wrap_embeddings
)
