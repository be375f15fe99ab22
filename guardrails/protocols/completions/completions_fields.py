"""The field tables of OpenAI's older completion API: requests and text completions in, leaves out.

A prompt is one text or several, each to be completed for itself. Token ids are texts that nobody here can read: refused.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final

from guardrails.engine.content.content_tree import ContentTree
from guardrails.engine.content.field_readers import Reader, by_table, each, flag, refuse, spelling, text
from guardrails.engine.values.walk import LISTS
from guardrails.errors import RequestError
from guardrails.protocols.chat import chat_fields
from guardrails.types import Place, Stage, Text
from guardrails.wire.pointers import Path, pointer

ASKED: Final = Place(Stage.INPUT, role="user", message=0)
"""Where a prompt stands: what one user says, in one turn."""


def texts(tree: ContentTree, value: Any, path: Path, place: Place) -> None:
    """A text, or a list of texts; raises `RequestError` for anything else."""
    if value is None or isinstance(value, str):
        text(tree, value, path, ASKED)
        return
    if not isinstance(value, LISTS):
        raise RequestError("invalid_input", "must be a text or a list of texts", pointer(path))
    for index, entry in enumerate(value):
        if not isinstance(entry, str):
            raise RequestError(
                "unsupported_input",
                "must be a text: token ids are refused, the guard cannot read them",
                pointer((*path, index)),
            )
        tree.text(entry, (*path, index), ASKED)


def read_suffix(tree: ContentTree, value: Any, path: Path, place: Place) -> None:
    """A text that the model reads with the prompt."""
    text(tree, value, path, ASKED)


def _shared(*names: str) -> dict[str, Reader]:
    return {name: chat_fields.REQUEST.fields[name] for name in names}


REQUEST = by_table(
    {
        **_shared("model", "stop", "user", "metadata", "stream", "stream_options", "logit_bias", "n", "seed"),
        **_shared("temperature", "top_p", "top_k", "max_tokens", "presence_penalty", "frequency_penalty"),
        **_shared("response_format", "logprobs", "safety_identifier", "store"),
        "prompt": texts,
        "suffix": read_suffix,
        **dict.fromkeys(("best_of", "echo"), flag),
        # These are or change the prompt where the guard cannot read it.
        **dict.fromkeys(("prompt_embeds", "prompt_token_ids", "messages", "chat_template"), refuse),
    }
)


def read_request(body: Any) -> ContentTree:
    """Return the leaves of a request; raises `RequestError` for what is refused."""
    tree = ContentTree(roles=("user",))
    REQUEST(tree, body, (), Place(Stage.INPUT, role="user"))
    return tree


def spelled(tree: ContentTree, value: Any, path: Path, place: Place) -> None:
    """Log-probabilities, as lists of tokens, of numbers, and of the tokens that could have stood there: judged is what tokens
    spell together unless it was, and all else. Lists in the chat API's form are read as there.
    """
    if not isinstance(value, Mapping):
        spelling(tree, value, path, place)
        return
    known = {leaf.content.text for leaf in tree.leaves if isinstance(leaf.content, Text)}
    for name, inner in value.items():
        at = (*path, name)
        if name in LISTED and inner is not None:
            told = LISTED[name](inner)
            if told is None:
                tree.anything(inner, at, place)
            elif told not in known:
                tree.text(told, path, place)
        elif name in ("content", "refusal"):
            spelling(tree, inner, path, place)
        elif name not in LISTED:
            tree.unknown_field(inner, at, place)


def _tokens(value: Any) -> str | None:
    """Return what tokens spell, None where these are none."""
    if not isinstance(value, list) or not all(isinstance(token, str) for token in value):
        return None
    return "".join(value)


def _others(value: Any) -> str | None:
    """Return the tokens that could have stood in each place, None where there is anything else."""
    if not isinstance(value, list) or not all(isinstance(each, Mapping | None) for each in value):
        return None
    likely = [each for each in value if each is not None]
    if _numbers([number for each in likely for number in each.values()]) is None:
        return None
    return "\n".join(dict.fromkeys(token for each in likely for token in each))


def _numbers(value: Any) -> str | None:
    """Return that numbers say nothing, None where there is anything else."""
    return (
        ""
        if isinstance(value, list) and all(isinstance(each, int | float | None) for each in value)
        else None
    )


LISTED: Mapping[str, Callable[[Any], str | None]] = {
    "tokens": _tokens,
    "top_logprobs": _others,
    "token_logprobs": _numbers,
    "text_offset": _numbers,
}
"""Field of log-probabilities → what it tells, None where it has another form."""


CHOICE = by_table({**chat_fields.CHOICE.fields, "logprobs": spelled})


def choice(tree: ContentTree, value: Any, path: Path, place: Place) -> None:
    """One choice of a completion."""
    index = value.get("index") if isinstance(value, Mapping) else None
    CHOICE(tree, value, path, replace(place, choice_index=index if type(index) is int else int(path[-1])))


RESPONSE = by_table({**chat_fields.RESPONSE.fields, "choices": each(choice)})


def read_response(body: Any) -> ContentTree:
    """Return the leaves of a text completion."""
    tree = ContentTree()
    RESPONSE(tree, body, (), Place(Stage.OUTPUT, role="assistant"))
    return tree
