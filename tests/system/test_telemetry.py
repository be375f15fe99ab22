"""`guardrails serve` with telemetry, before a fake model and a receiver of OTLP that is a process of its own and decodes what comes."""

from __future__ import annotations

import http.client
import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from guardrails.testing import RawReply, ScriptedUpstream
from tests.ports import free_port
from tests.system.serve_kit import Server, serving
from tests.telemetry.otlp_receiver import Taken, ask
from tests.waiting import WAIT_S, wait_until

ROOT = Path(__file__).parents[2]
TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
HEADERS = {
    "content-type": "application/json",
    "traceparent": f"00-{TRACE}-{PARENT}-01",
    "baggage": "tenant=acme",
}
CHAT = "POST /v1/chat/completions"
LATE = {"OTEL_BSP_SCHEDULE_DELAY": "600000", "OTEL_BLRP_SCHEDULE_DELAY": "600000"}
"""Nothing is sent before the end."""

USAGE = {"prompt_tokens": 11, "completion_tokens": 7}


@pytest.fixture
def receiver() -> Iterator[str]:
    """The address of a receiver in a process of its own."""
    command = [sys.executable, "-m", "tests.telemetry.otlp_receiver"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield f"http://127.0.0.1:{process.stdout.readline().strip()}"
        process.kill()


@contextmanager
def served(
    folder: Path, receiver: str, workers: int = 1, telemetry: dict[str, Any] | None = None, **environment: str
) -> Iterator[tuple[Server, ScriptedUpstream]]:
    """Run a server with telemetry before a model that says words of its own."""
    doc = {"endpoint": receiver, "service_name": "chat-guard", "conventions": "development"}
    doc = doc if telemetry is None else telemetry
    with ScriptedUpstream() as upstream:
        say(upstream, "upstreamwords")
        more = {"upstream": upstream.url, "telemetry": doc, "drain": {"notice_s": 0.0}}
        with serving(folder, workers, more, **environment) as server:
            yield server, upstream


def say(upstream: ScriptedUpstream, text: str) -> None:
    """Have the model answer with a text."""
    message = {"role": "assistant", "content": text}
    body = {"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "m-2", "usage": USAGE}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    upstream.reply_with(RawReply([json.dumps({**body, "choices": [choice]}).encode()]))


def stream(upstream: ScriptedUpstream, *texts: str) -> None:
    """Have the model stream texts."""
    head = {"id": "chatcmpl-2", "object": "chat.completion.chunk", "created": 1, "model": "m-2"}
    deltas: list[dict[str, Any]] = [
        {"index": 0, "delta": {"content": text}, "finish_reason": None} for text in texts
    ]
    events = [*({**head, "choices": [each]} for each in deltas)]
    events += [
        {**head, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]},
        {**head, "choices": [], "usage": USAGE},
    ]
    frames = [b"data: " + json.dumps(each).encode() + b"\n\n" for each in events]
    upstream.reply_with(RawReply([*frames, b"data: [DONE]\n\n"], content_type="text/event-stream"))


def chat(server: Server, text: str, **fields: Any) -> int:
    """Ask for an answer to a text, read all of it, and return its status."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=WAIT_S)
    body = {"model": "m-1", "messages": [{"role": "user", "content": text}], **fields}
    try:
        connection.request("POST", "/v1/chat/completions", json.dumps(body), HEADERS)
        answer = connection.getresponse()
        answer.read()
        return answer.status
    finally:
        connection.close()


def end(server: Server) -> None:
    """End a server by SIGTERM."""
    server.process.send_signal(signal.SIGTERM)
    status, output = server.end()
    assert status == 0, output


def of_requests(taken: Taken) -> list[list[dict[str, Any]]]:
    """Return the spans of each request, its own first, then those below by their beginnings."""
    servers = [each for each in taken.spans if each["kind"] == "server"]
    servers.sort(key=lambda each: each["began"])
    return [
        [
            each,
            *sorted(
                (below for below in taken.spans if below["parent"] == each["id"]),
                key=lambda below: below["began"],
            ),
        ]
        for each in servers
    ]


def names(spans: list[dict[str, Any]]) -> list[str]:
    """Return the names of spans."""
    return [each["name"] for each in spans]


def test_a_request_its_checks_and_its_upstream_are_in_the_clients_trace(receiver, tmp_path: Path) -> None:
    """All of it is there once the server has ended, as on SIGTERM; no word that was asked or answered is anywhere in it."""
    with served(tmp_path, receiver, **LATE) as (server, upstream):
        assert chat(server, "clientwords", temperature=0.5) == 200
        assert chat(server, "blockedwords zqxbomb") == 400
        stream(upstream, "streamed", "words")
        assert chat(server, "clientwords", stream=True) == 200
        stream(upstream, "streamed", "words", " zqxbomb")
        assert chat(server, "clientwords", stream=True) == 200
        asked = [dict(each.headers) for each in upstream.requests]
        assert ask(receiver).spans == []
        end(server)
    taken = ask(receiver)

    assert {each["trace"] for each in taken.spans} == {TRACE}
    whole, blocked, streamed, stopped = of_requests(taken)
    assert {each[0]["parent"] for each in (whole, blocked, streamed, stopped)} == {PARENT}
    checks = ["guardrails.check input", "guardrails.check output"]
    assert names(whole) == names(streamed) == names(stopped) == [CHAT, checks[0], "chat m-1", checks[1]]
    assert names(blocked) == [CHAT, checks[0]]
    assert len(taken.spans) == 14
    clients = [each[2] for each in (whole, streamed, stopped)]
    assert [each["traceparent"] for each in asked] == [f"00-{TRACE}-{each['id']}-01" for each in clients]
    assert {each["baggage"] for each in asked} == {"tenant=acme"}
    assert {each["attributes"]["gen_ai.usage.output_tokens"] for each in (whole[2], streamed[2])} == {7}
    assert {each["attributes"]["gen_ai.response.model"] for each in clients} == {"m-2"}
    actions = [each[0]["attributes"]["guardrails.action"] for each in (whole, blocked, streamed, stopped)]
    assert actions == ["allow", "block", "allow", "block"]
    assert {each["status"] for each in taken.spans} == {"unset"}
    for check in (blocked[1], stopped[3]):
        assert check["attributes"]["guardrails.rules"] == ["r"]
        assert check["attributes"]["guardrails.policy.name"] == "p"
    for request in (whole, streamed):
        assert all(request[0]["began"] <= each["ended"] <= request[0]["ended"] for each in request)
    assert taken.spans[0]["resource"]["service.name"] == "chat-guard"
    events = [each for each in taken.logs if each["event"] == "gen_ai.evaluation.result"]
    assert [each["span"] for each in events] == [blocked[1]["id"], stopped[3]["id"]]
    assert {each["attributes"]["gen_ai.evaluation.name"] for each in events} == {"r"}
    lines = [each for each in taken.logs if each["body"].startswith("block at ")]
    assert [each["trace"] for each in lines] == [TRACE, TRACE]
    for word in ("words", "streamed", "zqxbomb"):
        assert word not in taken.raw


def test_each_worker_tells_from_threads_of_its_own(receiver, tmp_path: Path) -> None:
    """They are forked from a process that has none; each sends what waits at its end."""
    with served(tmp_path, receiver, 2, **LATE) as (server, _):
        for _ in range(40):
            assert chat(server, "clientwords") == 200
        end(server)
    taken = ask(receiver)

    assert len(of_requests(taken)) == 40
    assert len(taken.spans) == 160
    assert len({each["resource"]["service.instance.id"] for each in taken.spans}) == 2


def test_a_worker_that_replaces_a_dead_one_tells_too(receiver, tmp_path: Path) -> None:
    """It sends as it goes."""
    with served(tmp_path, receiver, 2, OTEL_BSP_SCHEDULE_DELAY="50") as (server, _):
        for each in server.workers():
            subprocess.run(["kill", "-KILL", str(each)], check=True)
        wait_until(lambda: server.get("/readyz") == 200)
        assert chat(server, "clientwords") == 200
        wait_until(lambda: len(ask(receiver).spans) == 4)


def test_opentelemetrys_variables_say_what_the_settings_do_not(receiver, tmp_path: Path) -> None:
    """Where to, by what name, with which names, and which share."""
    environment = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": receiver,
        "OTEL_EXPORTER_OTLP_HEADERS": "x-key=k1",
        "OTEL_SERVICE_NAME": "from-variable",
        "OTEL_SEMCONV_STABILITY_OPT_IN": "gen_ai_latest_experimental",
    }
    with served(tmp_path, receiver, telemetry={}, **environment) as (server, _):
        chat(server, "clientwords")
        end(server)
    taken = ask(receiver)

    assert names(of_requests(taken)[0])[2] == "chat m-1"
    assert taken.spans[0]["resource"]["service.name"] == "from-variable"
    assert taken.headers["x-key"] == "k1"


def test_a_receiver_that_is_down_stops_nobody(tmp_path: Path) -> None:
    """Requests are served, and the server ends in time."""
    with served(tmp_path, f"http://127.0.0.1:{free_port()}", OTEL_BSP_SCHEDULE_DELAY="50") as (server, _):
        assert [chat(server, "clientwords") for _ in range(10)] == [200] * 10
        began = time.monotonic()
        end(server)
        assert time.monotonic() - began < 15.0


PROGRAM = """
import sys
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from guardrails import Blocked, Guard

provider = TracerProvider()
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(sys.argv[1] + "/v1/traces")))
trace.set_tracer_provider(provider)
guard = Guard.load(sys.argv[2]).with_telemetry()
answer = guard.wrap(lambda prompt: "modelwords")
with trace.get_tracer("application").start_as_current_span("work"):
    answer("clientwords")
    try:
        answer("clientwords zqxbomb")
    except Blocked:
        pass
provider.shutdown()
"""


def test_a_wrapped_call_is_told_of_by_the_applications_own_sdk(receiver, tmp_path: Path) -> None:
    """Its checks hang below the span that the application has begun."""
    policy = tmp_path / "p.yaml"
    policy.write_text(
        "format: 1\nname: p\ndetectors: {t: {use: terms, terms: [zqxbomb], category: custom.bomb}}\n"
        "rules: [{id: r, on: [input, output], when: custom.bomb > 0, then: block}]\n"
    )

    subprocess.run([sys.executable, "-c", PROGRAM, receiver, str(policy)], check=True, timeout=WAIT_S)
    taken = ask(receiver)

    [work] = taken.named("work")
    checks = sorted((each for each in taken.spans if each is not work), key=lambda each: each["began"])
    assert names(checks) == ["guardrails.check input", "guardrails.check output", "guardrails.check input"]
    assert {each["parent"] for each in checks} == {work["id"]}
    assert [each["attributes"]["guardrails.action"] for each in checks] == ["allow", "allow", "block"]
    assert "words" not in taken.raw
