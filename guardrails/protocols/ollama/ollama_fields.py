"""The field tables of Ollama's own API: requests for a chat, a completion or vectors, and answers to them, in; leaves out.

Ollama reads names without regard to case: one that it would take for a field of ours is refused in any other spelling. What it
would read as something else than what is judged here is refused as well: a template, a prompt without the model's own form, and
the token ids of an earlier conversation.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from guardrails.engine.content.content_tree import ContentTree
from guardrails.engine.content.field_readers import (
    Reader,
    Table,
    anything,
    arguments,
    each,
    figures,
    flag,
    identifier,
    keep,
    refused,
    seed,
    spelling,
    text,
)
from guardrails.engine.content.inline_media import base64, pictured
from guardrails.engine.tools.tool_calls import place_call, place_definition
from guardrails.engine.values.walk import LISTS, MAPPINGS
from guardrails.errors import RequestError
from guardrails.protocols.chat import chat_fields
from guardrails.protocols.completions.completions_fields import ASKED, read_suffix, texts
from guardrails.protocols.embeddings import embeddings_fields
from guardrails.types import Place, Stage
from guardrails.wire.pointers import Path, pointer

TOKENS: Final = 10_000_000
"""No vocabulary has so many: a larger number is no token, and may be anyone's."""


class Named(Table):
    """Reads a mapping by the readers of its fields; a name that is one of theirs but for its case is refused."""

    def __call__(self, tree: ContentTree, value: Any, path: Path, place: Place) -> None:
        for name in value if isinstance(value, MAPPINGS) else ():
            folded = str(name).casefold()
            if name != folded and folded in self.fields:
                raise RequestError(
                    "unsupported_field",
                    f"write {folded!r} so: servers read names without regard to case",
                    pointer((*path, name)),
                )
        Table.__call__(self, tree, value, path, place)


def images(tree: ContentTree, value: Any, path: Path, place: Place) -> None:
    """Pictures in Base64. What is none is judged as a text, and named."""
    for index, entry in enumerate(value) if isinstance(value, LISTS) else ():
        image(tree, entry, (*path, index), place)
    if not isinstance(value, LISTS):
        image(tree, value, path, place)


def image(tree: ContentTree, value: Any, path: Path, place: Place) -> None:
    """One picture."""
    if value not in (None, ""):
        pictured(base64)(tree, value, path, place)


FUNCTION = Named({"index": flag, "name": identifier, "arguments": arguments})
CALL = Named({"id": identifier, "type": chat_fields.kind_word, "function": FUNCTION})


def call(tree: ContentTree, value: Any, path: Path, place: Place) -> None:
    """One tool call, at the stage `tool_call`; its arguments are an object. Its result says its id, or the name of its tool."""
    function = value.get("function") if isinstance(value, Mapping) else None
    known = function if isinstance(function, Mapping) else {}
    name, given = known.get("name"), known.get("arguments")
    here = place_call(tree, place, name, given, identity=name)
    if known:
        tree.call(here.tool or "", here.use.arguments or "" if here.use else "", path, here)
    if isinstance(value, Mapping) and isinstance(value.get("id"), str):
        tree.calls.setdefault(value["id"], []).append((here.tool or "", ""))
    CALL(tree, value, path, here)


DEFINED = Named(
    {"name": identifier, "description": text, "parameters": anything, "strict": flag}, lenient=True
)
DEFINITION = Named({"type": chat_fields.kind_word, "items": anything, "function": DEFINED}, lenient=True)


def definition(tree: ContentTree, value: Any, path: Path, place: Place) -> None:
    """One tool definition: everything in it is read by the model."""
    function = value.get("function") if isinstance(value, Mapping) else None
    DEFINITION(
        tree, value, path, place_definition(function.get("name") if isinstance(function, Mapping) else None)
    )


MESSAGE = Named(
    {
        "role": keep,
        "content": chat_fields.content,
        "thinking": text,
        "images": images,
        "tool_calls": each(call),
        "tool_name": identifier,
        "tool_call_id": identifier,
    }
)


def messages(tree: ContentTree, value: Any, path: Path, place: Place) -> None:
    """The conversation of a request, oldest message first. Without one a model is loaded, and says nothing."""
    if value is not None:
        chat_fields.messages(tree, value, path, table=MESSAGE)


OPTIONS = Named(
    {
        "stop": anything,
        **dict.fromkeys(("num_ctx", "num_batch", "num_gpu", "main_gpu", "num_thread", "num_keep"), flag),
        "seed": seed,
        **dict.fromkeys(("num_predict", "draft_num_predict", "top_k", "top_p", "min_p", "tfs_z"), flag),
        **dict.fromkeys(("typical_p", "repeat_last_n", "temperature", "repeat_penalty"), flag),
        **dict.fromkeys(("presence_penalty", "frequency_penalty", "penalize_newline"), flag),
        **dict.fromkeys(("mirostat", "mirostat_tau", "mirostat_eta", "numa", "low_vram", "f16_kv"), flag),
        **dict.fromkeys(("logits_all", "vocab_only", "use_mmap", "use_mlock", "embedding_only"), flag),
    }
)  # fmt: skip


def unused(reason: str) -> Reader:
    """Read a field that is refused for a reason, unless it is empty, as Ollama's clients send it."""
    refuse = refused(reason)

    def read(tree: ContentTree, value: Any, path: Path, place: Place) -> None:
        if value not in ("", [], 0):
            refuse(tree, value, path, place)

    return read


RENDERED: Final = refused("the answer would be the model's own prompt")
SHARED: Final[Mapping[str, Reader]] = {
    "model": keep,
    "format": anything,
    "options": OPTIONS,
    "keep_alive": keep,
    "think": keep,
    **dict.fromkeys(("stream", "truncate", "shift", "logprobs", "top_logprobs"), flag),
    "_debug_render_only": RENDERED,
}
CHAT = Named(
    {
        **SHARED,
        "messages": messages,
        "tools": each(definition),
        **dict.fromkeys(("template", "raw", "context"), unused("this is no part of a chat")),
    }
)
SYSTEM: Final = Place(Stage.INPUT, role="system")


def system(tree: ContentTree, value: Any, path: Path, place: Place) -> None:
    """The system prompt of a completion."""
    text(tree, value, path, SYSTEM)


GENERATE = Named(
    {
        **SHARED,
        "prompt": read_suffix,
        "suffix": read_suffix,
        "system": system,
        "images": lambda tree, value, path, place: images(tree, value, path, ASKED),
        **dict.fromkeys(("width", "height", "steps"), flag),
        "template": unused("it changes the prompt where the guard cannot read it; set it in the model"),
        "raw": unused("it leaves out the model's own form and system prompt; use /v1/completions"),
        "context": unused("the guard cannot read token ids; send the conversation to /api/chat"),
        "messages": unused("this is no part of a completion; use /api/chat"),
    }
)
EMBED = Named(
    {
        **{name: SHARED[name] for name in ("model", "options", "keep_alive", "truncate")},
        "input": texts,
        "prompt": texts,
        "dimensions": flag,
        "stream": refused("embeddings are not streamed"),
    }
)


def read_request(body: Any) -> ContentTree:
    """Return the leaves of a chat request; raises `RequestError` for what is refused."""
    tree = ContentTree()
    CHAT(tree, body, (), Place(Stage.INPUT, role="user"))
    return tree


def read_prompt(body: Any) -> ContentTree:
    """Return the leaves of a request for a completion; raises `RequestError` for what is refused."""
    tree = ContentTree(roles=("user",))
    GENERATE(tree, body, (), Place(Stage.INPUT, role="user"))
    return tree


def read_embed_request(body: Any) -> ContentTree:
    """Return the leaves of a request for vectors; raises `RequestError` for what is refused."""
    if body.get("input") is None and body.get("prompt") is None:
        raise RequestError("invalid_input", "the body must have an 'input' (or a 'prompt')", "/input")
    tree = ContentTree(roles=("user",))
    EMBED(tree, body, (), Place(Stage.INPUT, role="user"))
    return tree


def tokens(tree: ContentTree, value: Any, path: Path, place: Place) -> None:
    """Token ids, which spell the prompt and the answer again: they go where any of it does. What else stands there is judged."""
    ids = isinstance(value, LISTS) and all(type(entry) is int and 0 <= entry < TOKENS for entry in value)
    if value is not None and not ids:
        tree.anything(value, path, place)


HEAD: Final = ("model", "created_at", "remote_model", "remote_host")
"""Fields that every line of a stream has."""

COUNTS: Final = (
    "total_duration",
    "load_duration",
    "prompt_eval_count",
    "prompt_eval_duration",
    "eval_count",
    "eval_duration",
)
ANSWERED: Final[Mapping[str, Reader]] = {
    **dict.fromkeys((*HEAD, "done_reason"), keep),
    **dict.fromkeys(("done", *COUNTS), flag),
}
MESSAGED = Named({**ANSWERED, "message": MESSAGE, "logprobs": spelling})
GENERATED = Named(
    {
        **ANSWERED,
        "response": text,
        "thinking": text,
        "tool_calls": each(call),
        "image": image,
        **dict.fromkeys(("completed", "total"), flag),
        "context": tokens,
        "logprobs": spelling,
    }
)
VECTORS = Named(
    {
        **{name: ANSWERED[name] for name in ("model", *COUNTS)},
        "embeddings": embeddings_fields.vector,
        "embedding": embeddings_fields.vector,
    }
)


SHOW = Named(
    {
        **dict.fromkeys(("model", "name"), keep),
        "verbose": unused("its lists are too long to be judged"),
        **dict.fromkeys(("system", "template", "options"), unused("it says nothing of the model")),
    }
)
SHOWN = Named(
    {
        **dict.fromkeys(("modified_at", "remote_model", "remote_host"), keep),
        **dict.fromkeys(("details", "model_info", "projector_info", "capabilities"), figures),
        **dict.fromkeys(("license", "modelfile", "parameters", "template", "system"), text),
        "messages": anything,
    }
)


def read_show_request(body: Any) -> ContentTree:
    """Return the leaves of a request for what there is to know of a model; raises `RequestError` for what is refused."""
    tree = ContentTree()
    SHOW(tree, body, (), Place(Stage.INPUT, role="user"))
    return tree


def _answered(table: Table, body: Any) -> ContentTree:
    tree = ContentTree()
    table(tree, body, (), Place(Stage.OUTPUT, role="assistant"))
    return tree


def read_response(body: Any) -> ContentTree:
    """Return the leaves of an answer to a chat request."""
    return _answered(MESSAGED, body)


def read_generated(body: Any) -> ContentTree:
    """Return the leaves of a completion."""
    return _answered(GENERATED, body)


def read_vectors(body: Any) -> ContentTree:
    """Return the leaves of an answer that holds vectors."""
    return _answered(VECTORS, body)


def read_show_response(body: Any) -> ContentTree:
    """Return the leaves of what there is to know of a model."""
    return _answered(SHOWN, body)
