"""Models and retrievers of LlamaIndex, guarded: chats and completions, whole or in a stream, and what is retrieved."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import replace
from importlib import import_module
from typing import Any, Final

from guardrails.types import Stage, Verdict
from guardrails.wrapping import guarded_call
from guardrails.wrapping.frameworks.model_calls import Message, ModelForm, ask_model, stream_model
from guardrails.wrapping.frameworks.subclass import with_methods
from guardrails.wrapping.frameworks.tool_calls import write_arguments
from guardrails.wrapping.guarded_call import Call, Check, Flow, arun, message_of, run
from guardrails.wrapping.registry import Wrapper
from guardrails.wrapping.sdk.exchange import Terms

TYPES: Final = "llama_index.core.base.llms.types"
ROLES: Final = {"chatbot": "assistant", "model": "assistant"}


def read_block(block: Any) -> Any:
    """Return a block of a message as a part of one of the chat API's."""
    if block.block_type == "text":
        return {"type": "text", "text": block.text}
    if block.block_type == "image":
        url = block.url
        if url is None:
            data = base64.b64encode(block.resolve_image().read()).decode()
            url = f"data:{block.image_mimetype or 'image/png'};base64,{data}"
        return {"type": "image_url", "image_url": {"url": str(url)}}
    return {"type": block.block_type, block.block_type: write_arguments(block.model_dump(mode="json"))}


def is_said(block: Any) -> bool:
    """Tell whether a block is of a message's content, rather than a thought or a call of a tool."""
    return block.block_type not in ("thinking", "tool_call", "cache")


def read_message(message: Any) -> dict[str, Any]:
    """Return a message as the chat API has it."""
    role = str(getattr(message.role, "value", message.role))
    content = [read_block(block) for block in message.blocks if is_said(block)]
    said: dict[str, Any] = {"role": ROLES.get(role, role), "content": content}
    thoughts = [block.content or "" for block in message.blocks if block.block_type == "thinking"]
    calls = [
        {
            "id": block.tool_call_id or f"call_{at}",
            "type": "function",
            "function": {"name": block.tool_name, "arguments": write_arguments(block.tool_kwargs)},
        }
        for at, block in enumerate(message.blocks)
        if block.block_type == "tool_call"
    ]
    if thoughts:
        said["reasoning_content"] = "".join(thoughts)
    if calls:
        said["tool_calls"] = calls
    identity = message.additional_kwargs.get("tool_call_id")
    return {**said, "tool_call_id": identity} if identity and said["role"] == "tool" else said


def write_message(message: Any, left: Message) -> Any:
    """Return a message as the policy leaves it, None where it changes anything but texts."""
    old = read_message(message)
    if {**old, "content": left["content"]} != left:
        return None
    texts, blocks = iter(left["content"]), list[Any]()
    for block in message.blocks:
        new = next(texts) if is_said(block) else None
        if new is None or new == read_block(block):
            blocks.append(block)
        elif block.block_type == "text":
            blocks.append(block.model_copy(update={"text": new["text"]}))
        else:
            return None
    return message.model_copy(update={"blocks": blocks})


class ChatForm(ModelForm):
    """Messages and chat responses."""

    def read_message(self, message: Any) -> Message:
        return read_message(message)

    def write_message(self, message: Any, left: Message) -> Any:
        return write_message(message, left)

    def read_answer(self, answer: Any) -> Message:
        return read_message(answer.message)

    def write_answer(self, answer: Any, left: Message) -> Any:
        message = write_message(answer.message, left)
        if message is None:
            return None
        return answer.model_copy(update={"message": message, "raw": None, "logprobs": None})

    def write_refusal(self, text: str) -> Any:
        types = import_module(TYPES)
        return types.ChatResponse(
            message=types.ChatMessage(content=text, role=types.MessageRole.ASSISTANT), delta=text
        )

    def read_text(self, piece: Any) -> str:
        return piece.delta or ""

    def is_text(self, piece: Any) -> bool:
        thinks = piece.additional_kwargs.get("thinking_delta")
        return not thinks and all(map(is_said, piece.message.blocks))

    def write_piece(self, piece: Any, text: str, shown: str) -> Any:
        block = import_module(TYPES).TextBlock(text=shown)
        others = [] if text else [each for each in piece.message.blocks if not is_said(each)]
        changes: dict[str, Any] = {"blocks": [*others, block]}
        if not others:
            changes["additional_kwargs"] = {}
        told = {
            "message": piece.message.model_copy(update=changes),
            "delta": text,
            "raw": piece.raw if text == (piece.delta or "") else None,
            "logprobs": None,
        }
        return piece.model_copy(update=told)

    def read_whole(self, pieces: Sequence[Any]) -> Message:
        return {**read_message(pieces[-1].message), "content": ""}  # each has all of those before it

    def write_held(self, pieces: Sequence[Any], shown: str) -> list[Any]:
        return [self.write_piece(pieces[-1], "", shown)]

    def write_refusal_piece(self, text: str) -> Any:
        return self.write_refusal(text)


class CompletionForm(ModelForm):
    """Prompts and completions."""

    def read_message(self, message: Any) -> Message:
        return {"role": "user", "content": message}

    def write_message(self, message: Any, left: Message) -> Any:
        return left["content"]

    def read_answer(self, answer: Any) -> Message:
        return {"role": "assistant", "content": answer.text}

    def write_answer(self, answer: Any, left: Message) -> Any:
        return answer.model_copy(update={"text": left["content"], "raw": None, "logprobs": None})

    def write_refusal(self, text: str) -> Any:
        return import_module(TYPES).CompletionResponse(text=text, delta=text)

    def read_text(self, piece: Any) -> str:
        return piece.delta or ""

    def write_piece(self, piece: Any, text: str, shown: str) -> Any:
        raw = piece.raw if text == (piece.delta or "") else None
        return piece.model_copy(update={"text": shown, "delta": text, "raw": raw, "logprobs": None})

    def write_refusal_piece(self, text: str) -> Any:
        return self.write_refusal(text)


CHAT: Final = ChatForm()
COMPLETION: Final = CompletionForm()


class LlamaCall:
    """A call of a model: its form, and its arguments."""

    def __init__(self, form: ModelForm, args: Sequence[Any], options: dict[str, Any]) -> None:
        self.form, self._options = form, options
        field = "messages" if form is CHAT else "prompt"
        self._given = args[0] if args else options.pop(field)
        self._args = args[1:]

    @property
    def prompt(self) -> tuple[Any, ...]:
        """What a flow is told of it: the form, the messages, and the tools."""
        messages = self._given if self.form is CHAT else [self._given]
        return self.form, messages, self._options.get("tools")

    def make(self, method: Any, model: Any, left: Any) -> Any:
        """Make the call with what the policy leaves of the messages."""
        given = left if self.form is CHAT else left[0]
        return method(model, given, *self._args, **self._options)


def model_methods(base: Any, terms: Terms, name: str, form: ModelForm) -> dict[str, Any]:
    """Return the methods of a model that chat, or complete: whole or in a stream, sync or async."""

    def whole(self: Any, *args: Any, **options: Any) -> Any:
        asked = LlamaCall(form, args, options)
        method = getattr(base, name)
        return run(ask_model(terms, *asked.prompt), terms, lambda left: asked.make(method, self, left))

    async def awhole(self: Any, *args: Any, **options: Any) -> Any:
        asked = LlamaCall(form, args, options)
        method = getattr(base, f"a{name}")
        return await arun(ask_model(terms, *asked.prompt), terms, lambda left: asked.make(method, self, left))

    def stream(self: Any, *args: Any, **options: Any) -> Iterator[Any]:
        asked = LlamaCall(form, args, options)
        method = getattr(base, f"stream_{name}")
        flow = stream_model(terms, *asked.prompt)
        return guarded_call.stream(flow, terms, lambda left: asked.make(method, self, left))

    async def astream(self: Any, *args: Any, **options: Any) -> AsyncIterator[Any]:
        asked = LlamaCall(form, args, options)

        async def ask(left: Any) -> AsyncIterator[Any]:
            async for piece in await asked.make(getattr(base, f"astream_{name}"), self, left):
                yield piece

        return guarded_call.astream(stream_model(terms, *asked.prompt), terms, ask)

    return {name: whole, f"a{name}": awhole, f"stream_{name}": stream, f"astream_{name}": astream}


def wrap(model: Any, terms: Terms) -> Any:
    """Return a model of the same class with a guard around what it is asked and what it answers.

    Raises:
        TypeError: it is wrapped already.
        ValueError: another stage is named for its answers.
    """
    if terms.output is not Stage.OUTPUT:
        raise ValueError("output is not for models: what a model generates stands at output")
    base: Any = type(model)
    chat = model_methods(base, terms, "chat", CHAT)
    return with_methods(model, {**chat, **model_methods(base, terms, "complete", COMPLETION)})


def retrieve(terms: Terms, bundle: Any) -> Flow:
    """Describe a query of a retriever: what is asked is judged at `input`, the texts of the nodes at `retrieval`."""
    asked: Verdict[Any] = yield Check(bundle.query_str, Stage.INPUT)
    if asked.blocked:
        return [node_of(message_of(terms, asked))]
    same = asked.content == bundle.query_str
    nodes = yield Call((bundle if same else replace(bundle, query_str=asked.content),))
    verdict: Verdict[Any] = yield Check([each.node.get_content() for each in nodes], Stage.RETRIEVAL, asked)
    if verdict.blocked:
        return [node_of(message_of(terms, verdict))]
    told: Any = verdict.content
    return [
        each if text == each.node.get_content() else with_text(each, text)
        for each, text in zip(nodes, told, strict=True)
    ]


def with_text(found: Any, text: str) -> Any:
    """Return what was found with another text."""
    node = found.node.model_copy(deep=True)
    node.set_content(text)
    return found.model_copy(update={"node": node})


def node_of(text: str) -> Any:
    """Return a text as something that was found."""
    schema = import_module("llama_index.core.schema")
    return schema.NodeWithScore(node=schema.TextNode(text=text))


def wrap_retriever(retriever: Any, terms: Terms) -> Any:
    """Return a retriever of the same class with a guard around its queries and what it finds."""
    base: Any = type(retriever)

    def _retrieve(self: Any, query_bundle: Any) -> Any:
        return run(retrieve(terms, query_bundle), terms, lambda given: base._retrieve(self, given))

    async def _aretrieve(self: Any, query_bundle: Any) -> Any:
        return await arun(retrieve(terms, query_bundle), terms, lambda given: base._aretrieve(self, given))

    return with_methods(retriever, {"_retrieve": _retrieve, "_aretrieve": _aretrieve})


WRAPPER: Final = Wrapper("llama_index.LLM", "Guards what a model of LlamaIndex is asked and answers.", wrap)
RETRIEVER: Final = Wrapper(
    "llama_index.BaseRetriever",
    "Guards the queries of a retriever of LlamaIndex, and what it finds.",
    wrap_retriever,
)
