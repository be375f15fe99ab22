"""OpenAI's moderations, and whoever speaks their protocol: a score for each of their categories.

`POST /moderations`. All texts of a call go in one list, which has one result each; a picture goes alone, as a data URI,
because a list with a picture in it has one result for all of it. Each category that a label of ours stands for must be
there; what a model says of categories that it does not judge (a picture has no `hate`) is 0, as it writes it.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from typing import Any, Final

from guardrails import taxonomy
from guardrails.detectors.llm.llm_detector import JudgeAnswer, JudgeRequest
from guardrails.detectors.services import BOTH, TEXTS, Service
from guardrails.detectors.services.config import RemoteConfig
from guardrails.detectors.services.labels import ServiceLabels, best_scores
from guardrails.detectors.services.reading import (
    gather_requests,
    read_list,
    read_mapping,
    read_number,
    read_picture,
    skip_request,
)
from guardrails.remote.client import get_client
from guardrails.remote.endpoint import Endpoint
from guardrails.types import Text

SELF_HARM: Final = ("self_harm", "self_harm.intent", "self_harm.instructions")

MODEL: Final = "omni-moderation-latest"
TEXT_MODELS: Final = "text-moderation"
"""Models whose names begin so read no pictures."""

UNSEEN: Final = frozenset(
    {*taxonomy.OPENAI.values()} - {"violence", "violence.graphic", "sexual", *SELF_HARM}
)
"""What the service judges in texts alone, as its reference says."""

FORMATS: Final = ("png", "jpeg", "gif", "webp")


class OpenAIModerations:
    """The judge."""

    most = 32

    def __init__(self, config: RemoteConfig, endpoint: Endpoint, labels: ServiceLabels) -> None:
        self._model = config.model or MODEL
        self._endpoint, self._labels = endpoint, labels

    async def score(self, asks: Sequence[JudgeRequest]) -> list[JudgeAnswer]:
        """Answer each ask: the texts by one request, each picture by its own."""
        texts = [at for at, ask in enumerate(asks) if isinstance(ask.content, Text)]
        pictures = [at for at in range(len(asks)) if at not in texts]
        answers: dict[int, JudgeAnswer] = {}

        async def ask_texts() -> JudgeAnswer:
            found = await self._results([asks[at].read for at in texts], len(texts))
            answers.update(zip(texts, found, strict=True))
            return found[0]

        async def ask_picture(at: int) -> JudgeAnswer:
            answers[at] = await self._picture(asks[at])
            return answers[at]

        await gather_requests([*([ask_texts()] if texts else []), *map(ask_picture, pictures)])
        return [answers[at] for at in range(len(asks))]

    async def _picture(self, ask: JudgeRequest) -> JudgeAnswer:
        found = read_picture(ask, FORMATS)
        if found is None:
            return skip_request("no picture whose bytes the service reads (PNG, JPEG, GIF, WebP)")
        url = f"data:image/{found[0]};base64,{b64encode(found[1]).decode()}"
        return (await self._results([{"type": "image_url", "image_url": {"url": url}}], 1))[0]

    async def _results(self, given: list[Any], length: int) -> list[JudgeAnswer]:
        body = await get_client(self._endpoint).post("/moderations", {"model": self._model, "input": given})
        results = read_list(read_mapping(body, "object").get("results"), "results", length)
        return [JudgeAnswer(self._scores(read_mapping(each, "result"))) for each in results]

    def _scores(self, result: Any) -> dict[str, float]:
        scores = read_mapping(result.get("category_scores"), "category_scores")
        return best_scores(
            (category, score)
            for label in self._labels.expected
            for score in [read_number(scores.get(label), f"category_scores of {label!r}")]
            for category in self._labels.resolve(label)
        )


def _contents(config: RemoteConfig) -> frozenset[str]:
    return TEXTS if (config.model or MODEL).startswith(TEXT_MODELS) else BOTH


SERVICE: Final = Service(
    labels=taxonomy.OPENAI,
    judge=OpenAIModerations,
    size=2_000,  # OpenAI: shorter texts are judged better
    fields=frozenset({"model"}),
    contents=_contents,
    unseen=UNSEEN,
)
