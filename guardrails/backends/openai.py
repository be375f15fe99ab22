"""The calls of OpenAI's API: how each is read, how its stream is put together, and how a block is answered in kind."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from guardrails.backends.answers import broken
from guardrails.backends.calls import Calls
from guardrails.backends.client import wrap as guarded
from guardrails.backends.events import Event
from guardrails.backends.exchange import Api, Body, Terms
from guardrails.backends.grown import Grown
from guardrails.backends.openai_responses import COUNTED, FETCHED, RESPONSES
from guardrails.engine import chat, subject
from guardrails.engine.fields import Leaves, Path
from guardrails.engine.outcome import Outcome
from guardrails.engine.reply import reply
from guardrails.engine.subject import Subject
from guardrails.engine.tables import WORD, anything, by_table, figures, flag, keep, text
from guardrails.types import Place, Restorer, Stage

PADDING = "obfuscation"
"""Random characters that hide the length of a delta."""

MOST_CHOICES = 128
SWAPPED = {"delta": "message", "message": "delta"}
"""What a chunk calls a field → what a completion calls it."""

HEAD = ("id", "object", "created", "model", "service_tier", "system_fingerprint")
KEPT = (*HEAD, "usage")
"""What is kept of an answer of which nothing else is."""

NO_USAGE = {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}


def chat_request(body: Body) -> Subject:
    """Read a chat request."""
    leaves = chat.request(body)
    return subject.body(body, leaves, subject.request)


def chat_response(body: Body) -> Subject:
    """Read a chat or text completion."""
    return subject.response(body, chat.response(body))


def joined(chunks: Sequence[Body]) -> Grown:
    """Put the chunks of a completion together.

    Raises:
        BackendError: they are no chunks.
    """
    whole = Grown()
    for at, chunk in enumerate(chunks):
        for name, value in chunk.items():
            if name == "choices" and isinstance(value, list):
                for place, choice in enumerate(value):
                    _choice(whole, choice, at, ("choices", place))
            elif name != PADDING or not isinstance(value, str) or WORD.fullmatch(value) is None:
                whole.grow(name, value, (at, (name,)))
    return whole


def _choice(whole: Grown, choice: Any, at: int, path: Path) -> None:
    index = choice.get("index", 0) if isinstance(choice, Mapping) else None
    if type(index) is not int or not 0 <= index < MOST_CHOICES:
        raise broken("a chunk of its stream has a choice without an index")
    grown = whole.field("choices").slot(index)
    for name, value in choice.items():
        grown.grow(SWAPPED.get(name, name), value, (at, (*path, name)))


def withheld(
    content: Callable[[str], dict[str, Any]],
) -> Callable[[Any, Subject, Outcome, str], dict[str, Any]]:
    """Return a function that refuses the blocked choices of a completion, all for what belongs to none of them, and keeps
    the others as the policy leaves them; `content` makes what a refused choice says of the message.
    """

    def withhold(completion: Any, heard: Subject, outcome: Outcome, message: str) -> dict[str, Any]:
        changed: Any = subject.response(completion, heard.leaves)._apply(outcome)
        found = heard.leaves.found
        places = [found[index].path if index >= 0 else () for index in outcome.blocked]
        everything = any(path[:1] != ("choices",) or len(path) < 2 for path in places)
        refused = {path[1] for path in places if len(path) > 1}
        gone = {path[0] for path in places if path}
        choices = [
            _refused(choice, position, content(message)) if everything or position in refused else choice
            for position, choice in enumerate(changed.get("choices", ()))
        ]
        names = [name for name in changed if not everything or (name in KEPT and name not in gone)]
        kept = {name: changed[name] for name in names}
        return {**kept, "choices": choices or [_refused({}, 0, content(message))]}

    return withhold


def _refused(choice: Body, position: int, content: dict[str, Any]) -> dict[str, Any]:
    index = choice.get("index")
    return {
        "index": index if type(index) is int else position,
        **content,
        "logprobs": None,
        "finish_reason": "content_filter",
    }


def refusal(
    kind: str, content: Callable[[str], dict[str, Any]]
) -> Callable[[str, Body, Body], dict[str, Any]]:
    """Return a function that answers a request with a message alone, as a completion of a kind."""

    def refuse(message: str, body: Body, answer: Body) -> dict[str, Any]:
        head = {"id": "guardrails-" + os.urandom(12).hex(), "object": kind, "created": int(time.time())}
        options = body.get("stream_options")
        counted = not body.get("stream") or (isinstance(options, Mapping) and options.get("include_usage"))
        usage = {"usage": NO_USAGE} if counted else {}
        return {
            **head,
            "model": body.get("model", ""),
            "choices": [_refused({}, 0, content(message))],
            **usage,
        }

    return refuse


def chat_chunks(completion: Body) -> list[Event]:
    """Cut a completion into chunks: of each choice its role, a delta a field, and why it ended."""
    return _chunks(completion, "chat.completion.chunk", _chat_parts)


def text_chunks(completion: Body) -> list[Event]:
    """Cut a text completion into chunks, one for each choice."""
    return _chunks(completion, "text_completion", lambda choice: [dict(choice)])


def _chunks(completion: Body, kind: str, parts: Callable[[Body], list[dict[str, Any]]]) -> list[Event]:
    head = {**{name: completion[name] for name in HEAD if name in completion}, "object": kind}
    choices: list[Body] = completion["choices"]
    chunks = [{**head, "choices": [part]} for choice in choices for part in parts(choice)]
    if completion.get("usage") is not None:
        chunks.append({**head, "choices": [], "usage": completion["usage"]})
    return [Event("", chunk) for chunk in chunks]


def _chat_parts(choice: Body) -> list[dict[str, Any]]:
    index = choice.get("index", 0)
    message = dict(choice.get("message") or {})
    deltas: list[dict[str, Any]] = [{"role": message.pop("role", None) or "assistant"}]
    for name, value in message.items():
        if name == "tool_calls" and isinstance(value, list):
            value = [{"index": at, **call} for at, call in enumerate(value) if isinstance(call, Mapping)]
        if value not in (None, "", []):
            deltas.append({name: value})
    rest = {name: value for name, value in choice.items() if name not in ("index", "message")}
    last = {"index": index, "delta": {}, "finish_reason": None, **rest}
    return [{"index": index, "delta": delta, "finish_reason": None} for delta in deltas] + [last]


def tokens_or_texts(leaves: Leaves, value: Any, path: Path, place: Place) -> None:
    """A text, or a list of texts; token ids are text that nobody here can read."""
    if isinstance(value, list) and any(not isinstance(entry, str) for entry in value):
        leaves.cannot("part", "no detector reads token ids", path, place)
    anything(leaves, value, path, place)


FLAGS = (
    "best_of",
    "dimensions",
    "echo",
    "frequency_penalty",
    "logprobs",
    "max_tokens",
    "n",
    "presence_penalty",
)
PROMPTED = by_table(
    {
        "model": keep,
        "prompt": tokens_or_texts,
        "input": tokens_or_texts,
        "suffix": text,
        "stop": anything,
        "user": text,
        "encoding_format": keep,
        "logit_bias": figures,
        "stream_options": figures,
        **dict.fromkeys((*FLAGS, "seed", "stream", "temperature", "top_p"), flag),
    }
)
"""The field table of requests that hold a prompt or texts rather than a conversation."""


def prompted(body: Body) -> Subject:
    """Read a request for a text completion, for embeddings, or for a moderation."""
    leaves = Leaves()
    PROMPTED(leaves, body, (), Place(Stage.INPUT))
    return subject.body(body, leaves)


def text_reply(completion: Any, restorer: Restorer) -> Any:
    """Return a text completion with the user's own values in it again."""
    choices = completion.get("choices")
    if not isinstance(choices, list):
        return completion
    changed = [_restored(choice, restorer) for choice in choices]
    return completion if changed == choices else {**completion, "choices": changed}


def _restored(choice: Any, restorer: Restorer) -> Any:
    said = choice.get("text") if isinstance(choice, Mapping) else None
    shown = restorer.restore(said) if isinstance(said, str) else said
    return choice if shown == said else {**choice, "text": shown, "logprobs": None}


def _message(message: str) -> dict[str, Any]:
    return {"message": {"role": "assistant", "content": None, "refusal": message}}


def _text(message: str) -> dict[str, Any]:
    return {"text": message}


CHAT = Api(
    chat_request,
    chat_response,
    refusal("chat.completion", _message),
    withheld(_message),
    joined,
    chat_chunks,
    restore=reply,
)
COMPLETIONS = Api(
    prompted,
    chat_response,
    refusal("text_completion", _text),
    withheld(_text),
    joined,
    text_chunks,
    restore=text_reply,
)
TEXTS = Api(prompted)

CALLS = Calls(
    {
        "POST /chat/completions": CHAT,
        "POST /completions": COMPLETIONS,
        "POST /embeddings": TEXTS,
        "POST /moderations": TEXTS,
        "POST /responses": RESPONSES,
        "POST /responses/input_tokens": COUNTED,
        "GET /responses/*": FETCHED,
        "POST /responses/*/cancel": FETCHED,
        # Nothing here is a prompt or an answer of a model.
        "DELETE /chat/completions/*": None,
        "DELETE /responses/*": None,
        **dict.fromkeys(
            [f"* /{name}/**" for name in ("files", "uploads", "models", "fine_tuning/jobs")], None
        ),
        **dict.fromkeys(["* /organization/**", "* /projects/**"], None),
        **dict.fromkeys(["GET /vector_stores/**", "DELETE /vector_stores/**"], None),
        **dict.fromkeys(
            ["POST /vector_stores", "POST /vector_stores/*", "POST /vector_stores/*/files"], None
        ),
        **dict.fromkeys(["POST /vector_stores/*/files/*", "POST /vector_stores/*/file_batches"], None),
        "POST /vector_stores/*/file_batches/*/cancel": None,
    }
)
"""What a wrapped client may call; all else is refused."""


def wrap(client: Any, terms: Terms) -> Any:
    """Return a client of OpenAI's with a guard around every call."""
    return guarded(client, terms, CALLS)
