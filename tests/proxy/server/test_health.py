"""The routes that judge nothing."""

from __future__ import annotations

import threading

import openai
import pytest

from guardrails.types import CLEAN


def test_models_are_the_upstreams(proxy, fake, kit) -> None:
    """Byte for byte, asked for with the client's own key; the real SDK reads them."""
    raw = b'{"object": "list", "data": [{"id": "m", "object": "model", "created": 1, "owned_by": "x"}]}'
    fake.answers(raw)

    assert kit.send(proxy, "/v1/models").raw == raw
    with openai.OpenAI(base_url=f"{proxy}/v1", api_key="k", max_retries=0) as client:
        assert [model.id for model in client.models.list()] == ["m"]
    assert (fake.asked[1].method, fake.asked[1].path) == ("GET", "/v1/models")
    assert fake.asked[1].headers["authorization"] == "Bearer k"


@pytest.mark.parametrize(
    ("reply", "status", "code"),
    [
        ({"body": b"<html>"}, 502, "upstream_invalid"),
        (
            {"body": {"error": {"message": "key", "code": "invalid_api_key"}}, "status": 401},
            401,
            "invalid_api_key",
        ),
    ],
)
def test_models_that_fail_are_errors(proxy, fake, kit, reply, status, code) -> None:
    """In OpenAI's shape."""
    fake.answers(**reply)

    answer = kit.send(proxy, "/v1/models")

    assert (answer.status, answer.error["code"]) == (status, code)


def test_ready_is_false_until_the_detectors_are(serve, guard_of, kind_of, kit) -> None:
    """The process is alive before; the policy is named from the start; it is ready when every detector answered."""
    release = threading.Event()

    def judge(content):
        assert release.wait(kit.wait_s)
        return CLEAN

    guard = guard_of(
        "detectors: {d: {use: own}}\nlimits: {deadline_ms: 20000}\n"
        "rules: [{id: r, on: input, when: custom.own > 0, then: block}]",
        detectors={"own": kind_of(judge, tier=1)},
    )
    url = serve(guard, wait_ready=False)

    before = kit.send(url, "/readyz")
    assert kit.send(url, "/healthz").json == {"status": "ok"}
    release.set()
    while (after := kit.send(url, "/readyz")).status != 200:
        assert after.json["ready"] is False

    assert (before.status, before.json["ready"]) == (503, False)
    assert before.json["policy"] == guard.policy.ref.to_dict() == after.json["policy"]
    assert (after.json["ready"], after.json["degraded"], after.json["failing_detectors"]) == (True, False, [])
    assert after.json["stuck_workers"] == 0
    admission = after.json["admission"]
    assert [*admission] == ["expected_wait_s", "stream_load", "streams", "saturated_s"]
    assert admission["streams"] == admission["stream_load"] == admission["saturated_s"] == 0
    assert (before.json["reload"]["state"], after.json["reload"]["state"]) == ("loading", "current")


def test_metrics_are_prometheus_text(proxy, kit) -> None:
    """With the content type that Prometheus expects."""
    answer = kit.send(proxy, "/metrics")

    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert b"# TYPE guardrails_in_flight gauge\nguardrails_in_flight 0.0\n" in answer.raw


def test_upstream_time_is_counted(serve, kit) -> None:
    """The guard's own time and the upstream's stand apart."""
    url = serve()
    kit.chat(url, kit.asking("hi"))

    text = kit.send(url, "/metrics").raw.decode()

    assert "guardrails_upstream_seconds_count 1" in text
    for stage in ("input", "output"):
        assert f'guardrails_check_seconds_count{{stage="{stage}"}} 1' in text
