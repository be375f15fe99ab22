"""The spans of a request to a proxy and of the upstreams that it asks, as OpenTelemetry's own SDK keeps them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from opentelemetry import baggage, context
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, DEFAULT_ON
from opentelemetry.trace import NoOpTracer, SpanKind, StatusCode, get_current_span

from guardrails.telemetry.request_spans import RequestSpan, RequestTelemetry
from tests.cases import each_case
from tests.telemetry.telemetry_kit import Sdk, keeping, stability_of

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
TRACED = {b"traceparent": f"00-{TRACE}-{PARENT}-01".encode()}
ROUTE = "/v1/chat/completions"
UPSTREAM = ("gpu-a", "https://models.example:8443/v1", "POST", "/chat/completions", "openai")


def ended(**more: Any) -> SimpleNamespace:
    """Return what is known of a request that has ended."""
    known = {"request_id": "req_1", "client": "", "status": 200, "action": "allow", "unavailable": ""}
    return SimpleNamespace(**{**known, **more})


@contextmanager
def request(
    sdk: Sdk, headers: dict[bytes, bytes] | None = None, *, development: bool = True, **end: Any
) -> Iterator[RequestSpan]:
    """Begin a request, and end it with the block."""
    telemetry = RequestTelemetry(sdk.tracer, development=development)
    span = telemetry.begin(headers or {}, "POST", ROUTE, "https")
    yield span
    span.end(ended(**end))


def test_a_request_goes_on_with_the_clients_trace_and_baggage() -> None:
    """Its span hangs below the client's, and is current until it ends."""
    with keeping() as sdk:
        with request(sdk, {**TRACED, b"baggage": b"tenant=acme"}) as span:
            assert span.trace_id == TRACE == f"{get_current_span().get_span_context().trace_id:032x}"
            assert baggage.get_baggage("tenant") == "acme"
        assert not get_current_span().get_span_context().is_valid
        assert baggage.get_baggage("tenant") is None

    [server] = sdk.spans
    assert (server.name, server.kind, f"{server.parent.span_id:016x}") == (
        f"POST {ROUTE}",
        SpanKind.SERVER,
        PARENT,
    )
    assert server.parent.is_remote
    assert dict(server.attributes) == {
        "http.request.method": "POST",
        "http.route": ROUTE,
        "url.scheme": "https",
        "http.response.status_code": 200,
        "guardrails.action": "allow",
        "guardrails.request.id": "req_1",
    }


def test_a_request_without_a_trace_begins_one() -> None:
    """And so does one whose header is malformed."""
    with keeping() as sdk:
        with request(sdk) as span:
            first = span.trace_id
        with request(sdk, {b"traceparent": b"00-zqx-1-01"}) as span:
            second = span.trace_id

    assert len({first, second, TRACE}) == 3
    assert [each.parent for each in sdk.spans] == [None, None]


def test_what_an_application_around_has_begun_goes_before_headers() -> None:
    """Its own span for the request is the parent."""
    with keeping() as sdk, sdk.tracer.start_as_current_span("outer") as outer, request(sdk, TRACED) as span:
        assert span.trace_id == f"{outer.get_span_context().trace_id:032x}"

    assert sdk.spans[0].parent.span_id == outer.get_span_context().span_id


@each_case(
    ("end", "status", "kind"),
    [
        ({"status": 400, "action": "block"}, StatusCode.UNSET, None),
        ({"status": 503, "action": "unavailable", "unavailable": "timeout"}, StatusCode.ERROR, "timeout"),
        ({"status": 200, "action": "unavailable", "unavailable": "crash"}, StatusCode.ERROR, "crash"),
        ({"status": 502}, StatusCode.ERROR, "502"),
        ({"status": 200, "action": "failed"}, StatusCode.ERROR, "failed"),
        ({"status": 499, "action": "none"}, StatusCode.UNSET, "client_gone"),
        ({"status": 404, "action": "none"}, StatusCode.UNSET, None),
    ],
)
def test_a_block_is_no_error_and_what_fails_is_one(end, status, kind) -> None:
    """Nor is what a client did wrong; a stream that broke off is one, whatever status it began with."""
    with keeping() as sdk, request(sdk, **end, client="shop"):
        pass

    [span] = sdk.spans
    assert (span.status.status_code, span.attributes.get("error.type")) == (status, kind)
    assert span.attributes.get("http.response.status_code") == (
        None if end["status"] == 499 else end["status"]
    )
    assert span.attributes["guardrails.client"] == "shop"


def test_an_upstream_is_asked_below_the_request() -> None:
    """Its span has what was asked for and what came of it, in numbers and names; the upstream gets its trace."""
    facts = SimpleNamespace(
        model="gpt-1-mini", id="chatcmpl-1", finish_reasons=["stop"], counts=[3, 4], first_at_ns=0
    )
    with keeping() as sdk, request(sdk, TRACED) as span:
        span.describe_question({"temperature": 1, "top_p": 0.5, "max_tokens": 7}, streams=True, choices=2)
        upstream = span.start_upstream(*UPSTREAM, "gpt-1", 0)
        headers = span.headers_for(upstream)
        upstream.close(200)
        facts.first_at_ns = upstream.began + 250_000_000
        span.describe_answer(facts)
        assert sdk.spans == []  # until all is known

    client, server = sdk.spans
    own = client.get_span_context()
    assert headers == {"traceparent": f"00-{TRACE}-{own.span_id:016x}-01"}
    assert (client.name, client.kind, client.parent.span_id) == (
        "chat gpt-1",
        SpanKind.CLIENT,
        server.context.span_id,
    )
    assert client.end_time <= server.end_time
    assert dict(client.attributes) == {
        "server.address": "models.example",
        "server.port": 8443,
        "http.request.method": "POST",
        "http.response.status_code": 200,
        "guardrails.upstream": "gpu-a",
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "gpt-1",
        "gen_ai.request.stream": True,
        "gen_ai.request.choice.count": 2,
        "gen_ai.request.max_tokens": 7,
        "gen_ai.request.temperature": 1.0,
        "gen_ai.request.top_p": 0.5,
        "gen_ai.response.id": "chatcmpl-1",
        "gen_ai.response.model": "gpt-1-mini",
        "gen_ai.response.finish_reasons": ("stop",),
        "gen_ai.response.time_to_first_chunk": 0.25,
        "gen_ai.usage.input_tokens": 3,
        "gen_ai.usage.output_tokens": 4,
    }


def test_settled_names_alone_are_sent_unless_others_are_wanted() -> None:
    """Of the upstream there is what HTTP has names for."""
    with keeping() as sdk, request(sdk, development=False) as span:
        assert not span.follows_answers
        span.describe_question({"temperature": 1}, streams=True, choices=1)
        span.start_upstream(*UPSTREAM, "gpt-1", 0).close(200)

    client, server = sdk.spans
    assert client.name == "POST"
    assert {stability_of(name) for each in (client, server) for name in each.attributes} == {"stable"}


def test_each_attempt_has_a_span_and_says_why_it_failed() -> None:
    """And which further attempt it is. What nobody closed ends with its request."""
    with keeping() as sdk, request(sdk, status=502) as span:
        span.start_upstream(*UPSTREAM, "m", 0).close(503, "503")
        span.start_upstream(*UPSTREAM, "m", 1).close(None, "timeout")
        span.start_upstream(*UPSTREAM, "m", 2)

    first, second, third, server = sdk.spans
    assert [each.attributes.get("error.type") for each in (first, second, third)] == ["503", "timeout", None]
    assert [each.attributes.get("http.request.resend_count") for each in (first, second, third)] == [
        None,
        1,
        2,
    ]
    codes = [each.status.status_code for each in (first, second, third, server)]
    assert codes == [StatusCode.ERROR, StatusCode.ERROR, StatusCode.UNSET, StatusCode.ERROR]


def test_baggage_goes_on_as_it_was_judged_or_not_at_all() -> None:
    """The client's own words, and none where nobody judged them."""
    words = {**TRACED, b"baggage": b"user=alice,%7aqx=1"}
    with keeping() as sdk, request(sdk, words) as span:
        without = span.headers_for(span.start_upstream(*UPSTREAM, "m", 0))
        span.baggage = words[b"baggage"].decode()
        judged = span.headers_for(span.start_upstream(*UPSTREAM, "m", 1))

    assert "baggage" not in without
    assert judged["baggage"] == "user=alice,%7aqx=1"


@each_case(
    ("path", "provider", "model", "name", "told"),
    [
        ("/messages", "anthropic", "claude", "chat claude", "anthropic"),
        ("/models/g:generateContent", "gemini", "g", "generate_content g", "gcp.gemini"),
        ("/chat/completions", "azure", None, "chat", "azure.ai.openai"),
        ("/chat/completions", "openai", "a zqxword or two", "chat", "openai"),
        ("/models", "openai", None, "POST", None),
    ],
)
def test_spans_are_named_by_operation_and_model(path, provider, model, name, told) -> None:
    """What has spaces is no model's name, and is left out: a client may write there what it likes."""
    with keeping() as sdk, request(sdk) as span:
        span.start_upstream("a", "http://a", "POST", path, provider, model, 0)

    client, _ = sdk.spans
    assert (client.name, client.attributes.get("gen_ai.provider.name")) == (name, told)
    assert client.attributes["server.port"] == 80
    assert "zqx" not in client.to_json()


def test_unknown_methods_are_no_names() -> None:
    """A client may make them up."""
    with keeping() as sdk:
        RequestTelemetry(sdk.tracer).begin({}, "ZQX", "other", "http").end(ended())

    [span] = sdk.spans
    assert (span.name, span.attributes["http.request.method"]) == ("HTTP other", "_OTHER")


def test_a_trace_that_the_client_does_not_sample_is_none_of_ours() -> None:
    """Nothing is sent of it, and the upstream is told so."""
    with (
        keeping(DEFAULT_ON) as sdk,
        request(sdk, {b"traceparent": f"00-{TRACE}-{PARENT}-00".encode()}) as span,
    ):
        headers = span.headers_for(span.start_upstream(*UPSTREAM, "m", 0))

    assert sdk.spans == []
    assert headers["traceparent"].startswith(f"00-{TRACE}-")
    assert headers["traceparent"].endswith("-00")


def test_nothing_is_left_behind_where_nothing_is_sampled() -> None:
    """The context is what it was."""
    before = context.get_current()
    with keeping(ALWAYS_OFF) as sdk, request(sdk):
        pass

    assert (sdk.spans, context.get_current()) == ([], before)


@given(
    st.dictionaries(
        st.sampled_from([b"traceparent", b"tracestate", b"baggage"]),
        st.one_of(
            st.binary(max_size=80), st.from_regex(rb"00-[0-9a-f]{32}-[0-9a-f]{16}-0[0-9a-f]", fullmatch=True)
        ),
    )
)
def test_no_header_of_a_client_stops_a_request(headers) -> None:
    """Whatever it holds; what goes on is a trace of one form."""
    with keeping() as sdk, request(sdk, headers) as span:
        sent = span.headers_for(span.start_upstream(*UPSTREAM, "m", 0))

    assert re.fullmatch(r"00-[0-9a-f]{32}-[0-9a-f]{16}-0[0-3]", sent["traceparent"])
    assert {*sent} <= {"traceparent", "tracestate"}
    assert len(sdk.spans) == 2 or sent["traceparent"].endswith("-00")


def test_an_sdk_that_is_switched_off_leaves_the_clients_trace_as_it_is() -> None:
    """And begins none."""
    telemetry = RequestTelemetry(NoOpTracer())
    for headers, trace in ((TRACED, TRACE), ({}, "")):
        span = telemetry.begin(headers, "POST", ROUTE, "http")
        sent = span.headers_for(span.start_upstream(*UPSTREAM, "m", 0))
        span.end(ended())
        assert span.trace_id == trace
        assert sent == ({"traceparent": TRACED[b"traceparent"].decode()} if trace else {})


def test_an_upstream_that_is_done_after_its_request_changes_nothing(caplog) -> None:
    """Its span was handed on."""
    with keeping() as sdk:
        with request(sdk) as span:
            upstream = span.start_upstream(*UPSTREAM, "m", 0)
        upstream.close(200)
        upstream.finish()

    assert (len(sdk.spans), caplog.messages) == (2, [])
