"""Azure AI Content Safety: the severity of each kind of harm in a text or a picture.

`POST /contentsafety/text:analyze` and `image:analyze`, with the resource's key in the header `Ocp-Apim-Subscription-Key`
(the operator's `key_header`). A score is the severity divided by 7, for texts (0 to 7) and for pictures (0, 2, 4, 6) alike, so
that one threshold means one severity: Azure's "low" begins at 0.28, "medium" at 0.57, "high" at 0.85.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from typing import Any, Final

from guardrails import taxonomy
from guardrails.detectors import ConfigProblem
from guardrails.detectors.llm.llm_detector import JudgeAnswer, JudgeRequest
from guardrails.detectors.services import BOTH, Service
from guardrails.detectors.services.config import RemoteConfig
from guardrails.detectors.services.labels import ServiceLabels, best_scores
from guardrails.detectors.services.reading import (
    UnreadableResponse,
    read_list,
    read_mapping,
    read_number,
    read_picture,
    read_text,
    skip_request,
)
from guardrails.remote.client import get_client
from guardrails.remote.endpoint import Endpoint
from guardrails.types import Text

VERSION: Final = "?api-version=2024-09-01"
SEVEREST: Final = 7
BLOCKLIST: Final = "custom.blocklist"
MOST_BYTES: Final = 4 << 20
"""Bytes of a picture."""

FORMATS: Final = ("png", "jpeg", "gif", "webp", "bmp", "tiff")


class AzureContentSafety:
    """The judge."""

    most = 1

    def __init__(self, config: RemoteConfig, endpoint: Endpoint, labels: ServiceLabels) -> None:
        self._blocklists = config.blocklists or []
        self._endpoint, self._labels = endpoint, labels
        # A label that is the name of a blocklist is no kind of harm that the service could be asked for.
        self._harms = [label for label in labels.expected if label not in self._blocklists]
        self._asked_for = {"categories": self._harms} if self._harms else {}

    async def score(self, asks: Sequence[JudgeRequest]) -> list[JudgeAnswer]:
        """Answer each ask."""
        return [
            await (self._text(ask) if isinstance(ask.content, Text) else self._picture(ask)) for ask in asks
        ]

    async def _text(self, ask: JudgeRequest) -> JudgeAnswer:
        body: dict[str, Any] = {"text": ask.read, "outputType": "EightSeverityLevels", **self._asked_for}
        if self._blocklists:
            body |= {"blocklistNames": self._blocklists, "haltOnBlocklistHit": False}
        answer = read_mapping(await self._post("text", body), "object")
        found = self._severities(answer)
        if self._blocklists:
            for each in read_list(answer.get("blocklistsMatch"), "blocklistsMatch"):
                name = read_text(
                    read_mapping(each, "blocklist's match").get("blocklistName"), "blocklistName"
                )
                found += [(category, 1.0) for category in self._labels.resolve(name, BLOCKLIST)]
        return JudgeAnswer(best_scores(found))

    async def _picture(self, ask: JudgeRequest) -> JudgeAnswer:
        found = read_picture(ask, FORMATS)
        if found is None or len(found[1]) > MOST_BYTES:
            return skip_request(
                "no picture whose bytes the service reads (PNG, JPEG, GIF, WebP, BMP, TIFF up to 4 MiB)"
            )
        content = {"content": b64encode(found[1]).decode()}
        body = {"image": content, "outputType": "FourSeverityLevels", **self._asked_for}
        return JudgeAnswer(
            best_scores(self._severities(read_mapping(await self._post("image", body), "object")))
        )

    async def _post(self, kind: str, body: object) -> Any:
        return await get_client(self._endpoint).post(f"/contentsafety/{kind}:analyze{VERSION}", body)

    def _severities(self, answer: Any) -> list[tuple[str, float]]:
        severities: dict[str, float] = {}
        for each in read_list(answer.get("categoriesAnalysis"), "categoriesAnalysis"):
            entry = read_mapping(each, "analysis of a category")
            label = read_text(entry.get("category"), "category")
            if label in severities:
                raise UnreadableResponse(f"the answer has {label[:40]!r} twice")
            severities[label] = read_number(entry.get("severity"), "severity", SEVEREST)
        missing = [label for label in self._harms if label not in severities]
        if missing:
            raise UnreadableResponse(f"the answer has no severity of {missing[0]!r}")
        return [
            (category, severities[label]) for label in self._harms for category in self._labels.resolve(label)
        ]


def _problems(config: RemoteConfig, _endpoint: Endpoint) -> list[ConfigProblem]:
    known = [*taxonomy.AZURE, *(config.blocklists or ())]
    hint = f"one of {', '.join(known)}; blocklists are named in 'blocklists'"
    return [
        ConfigProblem("unknown_label", f"the service has no {label!r}", ("labels", label), hint=hint)
        for label in config.labels
        if label not in known
    ]


SERVICE: Final = Service(
    labels=taxonomy.AZURE,
    judge=AzureContentSafety,
    size=10_000,  # the service's own limit
    also=lambda config: frozenset({BLOCKLIST} if config.blocklists else ()),
    fields=frozenset({"blocklists"}),
    contents=lambda _: BOTH,
    problems=_problems,
)
