"""The calls of boto3's client for Bedrock's models; the released SDK itself is in `tests/system/clients/`."""

from __future__ import annotations

from typing import Any

import pytest

from guardrails import Blocked, RequestError
from guardrails.testing import FakeGuard
from guardrails.wrapping.apis.bedrock import wrap
from guardrails.wrapping.sdk.exchange import Terms


class BedrockRuntime:
    """A client as botocore makes one, as far as it is called."""

    def __init__(self) -> None:
        self.sent: list[Any] = []

    def _make_api_call(self, operation_name: str, api_params: dict[str, Any]) -> Any:
        self.sent.append(api_params)
        content = [{"text": "take zqxmask"}, {"reasoningContent": {"redactedContent": b"\x00sealed"}}]
        return {
            "output": {"message": {"role": "assistant", "content": content}},
            "stopReason": "end_turn",
            "ResponseMetadata": {"RequestId": "1"},
        }


def test_bytes_go_and_come_as_bytes() -> None:
    """In requests and answers, of which what is redacted is redacted."""
    bare = BedrockRuntime()
    terms = Terms(FakeGuard(blocks=["zqxbomb"], redacts=["zqxmask"]), answers=False)
    client = wrap(bare, terms)
    assert isinstance(client, BedrockRuntime)
    picture = {"image": {"format": "png", "source": {"bytes": b"\x89PNG"}}}
    turns = [{"role": "user", "content": [{"text": "hi"}, picture]}]
    answer = client._make_api_call("Converse", {"modelId": "m", "messages": turns})
    assert bare.sent[0]["messages"] == turns
    assert answer["output"]["message"]["content"] == [
        {"text": "take [REDACT]"},
        {"reasoningContent": {"redactedContent": b"\x00sealed"}},
    ]
    assert answer["ResponseMetadata"] == {"RequestId": "1"}
    stopped = {"modelId": "m", "messages": [{"role": "user", "content": [{"text": "zqxbomb"}]}]}
    with pytest.raises(Blocked):
        client._make_api_call("Converse", stopped)
    for operation, cure in (("InvokeModel", "converse"), ("ApplyGuardrail", "that was wrapped")):
        with pytest.raises(RequestError, match=cure):
            client._make_api_call(operation, {"modelId": "meta.llama"})
    with pytest.raises(TypeError, match="already"):
        wrap(client, terms)
    assert len(bare.sent) == 1
