"""The routes that judge nothing."""

from __future__ import annotations

import threading
from shutil import rmtree

import openai

from guardrails import Guard
from guardrails.proxy.access.keys import hash_key
from guardrails.proxy.configuration.settings import Settings
from guardrails.proxy.server.health import answer_probe
from guardrails.proxy.server.state import State
from guardrails.types import CLEAN
from tests.cases import each_case
from tests.records.records_kit import POLICY
from tests.waiting import wait_until


def test_models_are_the_upstreams(proxy, fake, kit) -> None:
    """Byte for byte, asked for with the client's own key; the real SDK reads them."""
    raw = b'{"object": "list", "data": [{"id": "m", "object": "model", "created": 1, "owned_by": "x"}]}'
    fake.answers(raw)

    assert kit.send(proxy, "/v1/models").raw == raw
    with openai.OpenAI(base_url=f"{proxy}/v1", api_key="k", max_retries=0) as client:
        assert [model.id for model in client.models.list()] == ["m"]
    assert (fake.asked[1].method, fake.asked[1].path) == ("GET", "/v1/models")
    assert fake.asked[1].headers["authorization"] == "Bearer k"


@each_case(
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


@each_case("key", [None, "9fK2xQ7mWv4bT8nYc3RjLp6s"])
def test_strangers_are_told_the_status_alone(monkeypatch, key) -> None:
    """Who has not the operator's key, or where there is none, is not on this machine."""
    if key is not None:
        monkeypatch.setenv("GUARDRAILS_ADMIN_KEY", key)
    state = State(Settings("http://h"))
    scope = {
        "type": "http",
        "path": "/readyz",
        "method": "GET",
        "client": ("10.0.0.9", 5),
        "headers": [(b"host", b"localhost")],
    }
    local = {**scope, "client": ("127.0.0.1", 5)}
    owner = {**scope, "headers": [*scope["headers"], (b"authorization", f"Bearer {key}".encode())]}

    assert (answer_probe(state, scope).status_code, answer_probe(state, scope).body) == (503, b"")
    assert bool(answer_probe(state, local).body) is (key is None)
    assert bool(answer_probe(state, owner).body) is (key is not None)
    assert answer_probe(state, {**scope, "path": "/healthz"}).body == b'{"status":"ok"}'


def test_a_model_is_found_among_those_that_are_listed(serve, fake, kit) -> None:
    """Also one with a slash in its name; a key finds its own alone, and its list has these alone."""
    fake.answers(
        {
            "object": "list",
            "data": [{"id": "gpt-4o", "object": "model"}, {"id": "meta/llama", "object": "model"}],
        }
    )
    url = serve()
    own = serve(keys=[{"id": "shop", "sha256": hash_key("k"), "models": ["gpt-*"]}])
    sent = {"authorization": "Bearer k"}

    assert kit.send(url, "/v1/models/meta/llama").json == {"id": "meta/llama", "object": "model"}
    assert kit.send(url, "/v1/models/meta%2Fllama").status == 200
    for base in ("/v1", "/openai/v1"):
        assert [each["id"] for each in kit.send(own, f"{base}/models", headers=sent).json["data"]] == [
            "gpt-4o"
        ]
        assert kit.send(own, f"{base}/models/gpt-4o", headers=sent).status == 200
        gone = kit.send(own, f"{base}/models/meta/llama", headers=sent)
        assert (gone.status, gone.error["code"]) == (404, "model_not_found")
    assert kit.send(url, "/v1/models/none").error["code"] == "model_not_found"
    assert {request.path for request in fake.asked} == {"/v1/models"}


def test_counters_are_there_before_they_count(serve, kit) -> None:
    """So that an alert sees the first event."""
    told = kit.send(serve(), "/metrics").raw.decode()
    for line in (
        "guardrails_shed_total 0.0",
        'guardrails_admission_refused_total{kind="concurrent"} 0.0',
        'guardrails_connections_closed_total{reason="slow_head"} 0.0',
        'guardrails_upstream_requests_total{upstream="default"} 0.0',
    ):
        assert line in told


@each_case(("on_error", "action"), [("answer", "allow"), ("block", "block")])
def test_records_that_cannot_be_written_are_told(serve, kit, tmp_path, on_error, action) -> None:
    """By `/readyz`, which says what is wrong with their store, by counters, and by the verdict where that was asked for."""
    folder = tmp_path / "records"
    guard = Guard.load(POLICY, records={"path": str(folder), "on_error": on_error})
    url = serve(guard)
    assert kit.send(url, "/readyz").json["records"] == {"problem": None, "lost": 0}
    assert kit.send(url, "/v1/check", {"text": "Hello."}).status == 200
    assert 'guardrails_records_total{result="written"} 1.0' in kit.send(url, "/metrics").raw.decode()
    guard.records.close()
    rmtree(folder)

    refused = kit.send(url, "/v1/check", {"text": "Hello."})

    assert refused.json["action"] == action
    assert (refused.json["unavailable"] is None) is (action == "allow")
    assert kit.send(url, "/readyz").json["records"]["lost"] == 1
    wait_until(lambda: kit.send(url, "/readyz").json["records"]["problem"])
