"""Where a text may stand in what Azure's clients ask and are answered, for the contract matrix.

These are the usual APIs at other paths, whose fields are all in their own tables; here are places of each kind.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from guardrails.proxy.routes.openai import azure_deployments

from .contract import Api
from .contract_audio import SPEECH, TRANSCRIPTIONS, TRANSLATIONS
from .contract_chat import CHAT
from .contract_completions import COMPLETIONS
from .contract_embeddings import EMBEDDINGS
from .contract_images import EDITED, EDITS, GENERATIONS
from .contract_responses import RESPONSES

ASKED = (
    "system",
    "user",
    "user, name",
    "earlier turn",
    "assistant, current turn",
    "call, arguments",
    "tool result",
    "two parts",
    "part image_url, url",
    "tool, description",
    "field moderation",
    "field user",
    "unknown field",
    "name of a field",
)
ANSWERED = (
    "second choice",
    "both choices",
    "refusal",
    "reasoning_content",
    "call, arguments",
    "name of a field",
    "log-probabilities",
    "choice, unknown field",
    "field moderation",
    "unknown field",
    "upstream's error",
    "streams only: an error",
    "streams only: padding",
    "streams only: after the end",
    "streams only: choices take turns",
)

ALSO = (
    "prompt",
    "input",
    "instructions",
    "text",
    "embedding",
    "revised_prompt",
    "picture, url",
    "mask, url",
    "beside a picture",
    "beside a file",
    "two segments",
    "field prompt",
    "field text",
    "usage, deep",
    *ASKED,
    *ANSWERED,
)
"""The places of the other APIs."""


def some(
    api: Api, asked: Collection[str], answered: Collection[str], base: str = azure_deployments.BASE
) -> Api:
    """Return an API at Azure's path, with some of its places."""
    return replace(
        api,
        path=base + api.path.removeprefix(azure_deployments.USUAL),
        name=api.name and base + api.name.removeprefix(azure_deployments.USUAL),
        asks={place: body for place, body in api.asks.items() if place in asked},
        answers={place: body for place, body in api.answers.items() if place in answered},
    )


NEWER = tuple(
    some(api, ALSO, ALSO, azure_deployments.NEWER)
    for api in (
        *(CHAT, COMPLETIONS, EMBEDDINGS, GENERATIONS, EDITS, EDITED),
        *(SPEECH, TRANSCRIPTIONS, TRANSLATIONS, RESPONSES),
    )
)
"""The same below `/openai/v1`."""

DEPLOYMENTS = (
    some(CHAT, ASKED, ANSWERED),
    some(COMPLETIONS, ALSO, ALSO),
    some(EMBEDDINGS, ALSO, ALSO),
    some(GENERATIONS, ALSO, ALSO),
    some(EDITS, ALSO, ALSO),
    some(EDITED, ALSO, ALSO),
    some(SPEECH, ALSO, ALSO),
    some(TRANSCRIPTIONS, ALSO, ALSO),
    some(TRANSLATIONS, ALSO, ALSO),
    some(RESPONSES, ALSO, ALSO, "/openai"),
    *NEWER,
)
