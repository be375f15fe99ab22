"""What a proxy puts on record of a request and its answer."""

from __future__ import annotations

from pathlib import Path

import pytest

from guardrails import Guard
from guardrails.proxy.configuration.settings import Settings
from guardrails.proxy.server.serve import running
from tests.records.records_kit import close, recording_guard, stored

USAGE = {"prompt_tokens": 7, "completion_tokens": 9}


@pytest.fixture
def recording(tmp_path: Path) -> Guard:
    """A guard whose decisions are on record."""
    return recording_guard(tmp_path / "records")


@pytest.mark.parametrize("stream", [False, True])
def test_a_request_and_its_answer_are_on_record(
    fake, kit, recording: Guard, tmp_path: Path, stream: bool
) -> None:
    """Both with the request's id, route and model; the answer with its upstream and its tokens, also where those are told behind its
    last word.
    """
    if stream:
        fake.streams(*kit.pieces("all is well"), kit.chunk(choices=[], usage=USAGE))
    else:
        fake.answers(kit.completion("all is well") | {"usage": USAGE})

    with running(Settings(upstream=fake.url, port=0), recording) as proxy:
        kit.chat(proxy, kit.asking("hi", stream=stream), **{"x-request-id": "req-1"})
    close(recording)

    asked, answered = (each.to_dict() for each in stored(tmp_path / "records"))
    assert [
        (each["stage"], each["request_id"], each["route"], each["model"]) for each in (asked, answered)
    ] == [(stage, "req-1", "/v1/chat/completions", "m") for stage in ("input", "output")]
    assert answered["upstream"]
    assert (asked.get("tokens"), answered["tokens"]) == (None, {"input": 7, "output": 9})
