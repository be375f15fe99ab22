"""Azure's Prompt Shields: whether what a model will read is an attack on it.

`POST /contentsafety/text:shieldPrompt`. What a person says is a user's prompt (a hit is `jailbreak`); what a tool returns or
declares and what was retrieved are documents (a hit is `injection`). What a model itself says is neither, and is not sent.
"""

from __future__ import annotations

from typing import Final

from guardrails.detectors.llm.llm_detector import JudgeAnswer, JudgeRequest
from guardrails.detectors.services import Service
from guardrails.detectors.services.azure import VERSION
from guardrails.detectors.services.config import RemoteConfig
from guardrails.detectors.services.labels import ServiceLabels
from guardrails.detectors.services.reading import PerStageJudge, read_boolean, read_list, read_mapping
from guardrails.remote.client import get_client
from guardrails.remote.endpoint import Endpoint
from guardrails.types import Stage

PROMPT: Final = "userPrompt"
DOCUMENTS: Final = "documents"

READ_AS: Final = {
    Stage.INPUT: PROMPT,
    Stage.TOOL_RESULT: DOCUMENTS,
    Stage.RETRIEVAL: DOCUMENTS,
    Stage.TOOL_DEFINITION: DOCUMENTS,
}
"""Stage → as what the service reads it."""


class AzurePromptShield:
    """What one ask is answered with."""

    def __init__(self, endpoint: Endpoint, labels: ServiceLabels) -> None:
        self._endpoint, self._labels = endpoint, labels

    async def ask(self, ask: JudgeRequest, stage: Stage) -> JudgeAnswer:
        """Put one ask to the service, at one of its stages."""
        label = READ_AS.get(stage)
        if label is None or not self._labels.resolve(label):
            return JudgeAnswer()
        body = {label: ask.read if label == PROMPT else [ask.read]}
        answer = read_mapping(
            await get_client(self._endpoint).post(f"/contentsafety/text:shieldPrompt{VERSION}", body),
            "object",
        )
        analysis = (
            answer.get("userPromptAnalysis")
            if label == PROMPT
            else read_list(answer.get("documentsAnalysis"), "documentsAnalysis", 1)[0]
        )
        attack = read_boolean(
            read_mapping(analysis, f"analysis of {label}").get("attackDetected"), "attackDetected"
        )
        return JudgeAnswer(dict.fromkeys(self._labels.resolve(label), 1.0 if attack else 0.0))


def _judge(_config: RemoteConfig, endpoint: Endpoint, labels: ServiceLabels) -> PerStageJudge:
    return PerStageJudge(AzurePromptShield(endpoint, labels).ask)


SERVICE: Final = Service(
    labels={PROMPT: "jailbreak", DOCUMENTS: "injection"},
    judge=_judge,
    size=10_000,  # the service's own limit
)
