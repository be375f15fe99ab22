"""The calls of OpenAI's API: how each is read, and how a block is answered in kind."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from typing import Any

from guardrails.engine.content import payload
from guardrails.engine.content.content_tree import ContentTree
from guardrails.engine.content.field_readers import anything, by_table, figures, flag, keep, text
from guardrails.engine.content.payload import Payload
from guardrails.engine.model import Outcome
from guardrails.protocols.chat import chat_fields, chat_payload
from guardrails.protocols.chat.chat_assembly import Chunks
from guardrails.protocols.chat.chat_stream import HEAD, ChatTeller
from guardrails.protocols.completions import completions_fields
from guardrails.protocols.completions.completions_stream import TextTeller
from guardrails.protocols.reply_values import restore_reply
from guardrails.types import Place, Stage
from guardrails.wire.pointers import Path
from guardrails.wrapping.apis import openai_audio, openai_videos
from guardrails.wrapping.apis.openai_images import EDITS, GENERATIONS, VARIATIONS
from guardrails.wrapping.apis.openai_responses import COUNTED, FETCHED, RESPONSES
from guardrails.wrapping.sdk.calls import Calls
from guardrails.wrapping.sdk.client import wrap as guarded
from guardrails.wrapping.sdk.exchange import Api, Body, Terms

KEPT = (*HEAD, "usage")
"""What is kept of an answer of which nothing else is."""

NO_USAGE = {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}


def chat_request(body: Body) -> Payload:
    """Read a chat request."""
    tree = chat_fields.request(body)
    return payload.body(body, tree, chat_payload.request)


def chat_response(body: Body) -> Payload:
    """Read a chat completion."""
    return chat_payload.response(body, chat_fields.response(body))


def text_response(body: Body) -> Payload:
    """Read a text completion."""
    return chat_payload.response(body, completions_fields.response(body))


def choices(body: Body) -> int:
    """Return how many choices a request asks for, of each of its prompts."""
    several, prompts = body.get("n"), body.get("prompt")
    return (several if isinstance(several, int) else 1) * (len(prompts) if isinstance(prompts, list) else 1)


def withheld(
    content: Callable[[str], dict[str, Any]],
) -> Callable[[Any, Payload, Outcome, str], dict[str, Any]]:
    """Return a function that refuses the blocked choices of a completion, all for what belongs to none of them, and keeps
    the others as the policy leaves them; `content` makes what a refused choice says of the message.
    """

    def withhold(completion: Any, heard: Payload, outcome: Outcome, message: str) -> dict[str, Any]:
        changed: Any = chat_payload.response(completion, heard.tree)._apply(outcome)
        found = heard.tree.leaves
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


def tokens_or_texts(tree: ContentTree, value: Any, path: Path, place: Place) -> None:
    """A text, or a list of texts; token ids are text that nobody here can read."""
    if isinstance(value, list) and any(not isinstance(entry, str) for entry in value):
        tree.cannot("part", "no detector reads token ids", path, place)
    anything(tree, value, path, place)


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


def prompted(body: Body) -> Payload:
    """Read a request for a text completion, for embeddings, or for a moderation."""
    tree = ContentTree()
    PROMPTED(tree, body, (), Place(Stage.INPUT))
    return payload.body(body, tree)


def _message(message: str) -> dict[str, Any]:
    return {"message": {"role": "assistant", "content": None, "refusal": message}}


def _text(message: str) -> dict[str, Any]:
    return {"text": message}


CHAT = Api(
    chat_request,
    chat_response,
    refusal("chat.completion", _message),
    withheld(_message),
    Chunks,
    ChatTeller,
    restore=restore_reply,
    choices=choices,
)
COMPLETIONS = Api(
    prompted,
    text_response,
    refusal("text_completion", _text),
    withheld(_text),
    Chunks,
    TextTeller,
    restore=restore_reply,
    choices=choices,
)
TEXTS = Api(prompted)

CALLS = Calls(
    {
        "POST /chat/completions": CHAT,
        "POST /completions": COMPLETIONS,
        "POST /embeddings": TEXTS,
        "POST /moderations": TEXTS,
        "POST /images/generations": GENERATIONS,
        "POST /images/edits": EDITS,
        "POST /images/variations": VARIATIONS,
        **openai_videos.CALLS,
        **openai_audio.CALLS,
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
"""What a wrapped client may call. What has prompts or answers in it is judged; what files hold is not (also not what is fetched
of them), nor what a fine-tuned model is made of. All else is refused, with nothing sent: batches, stored completions,
conversations, assistants and agents, containers, evals, realtime and live sessions, voices, and characters of films.
"""


def wrap(client: Any, terms: Terms) -> Any:
    """Return a client of OpenAI's with a guard around every call."""
    return guarded(client, terms, CALLS)
