"""The SDK of a server: where it sends what it is told, under which name, how much of it, and how it ends."""

from __future__ import annotations

import socket
import threading
import time

import pytest

from guardrails.telemetry import providers
from guardrails.telemetry.conventions import own_version
from guardrails.telemetry.providers import Exports, Providers
from tests.cases import each_case
from tests.telemetry.otlp_receiver import receiving


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch) -> None:
    """Leave none of OpenTelemetry's variables to a test but what it sets."""
    for name in (
        "OTEL_SERVICE_NAME",
        "OTEL_RESOURCE_ATTRIBUTES",
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        "OTEL_TRACES_SAMPLER",
    ):
        monkeypatch.delenv(name, raising=False)


def tell(given: Exports, times: int = 1) -> None:
    """Set up an SDK, tell it of some spans and of a log record, and end it."""
    made = Providers(given)
    for _ in range(times):
        made.tracer.start_span("told").end()
    made.logger.emit(body="said")
    made.close()


def test_spans_and_log_records_go_to_the_endpoint() -> None:
    """Each to its path below it, with what the service is; all that waits is sent at the end."""
    with receiving() as (url, taken):
        tell(Exports(endpoint=url + "/", service_name="chat-guard"), 3)

    assert ([each["name"] for each in taken.spans], [each["body"] for each in taken.logs]) == (
        ["told"] * 3,
        ["said"],
    )
    told = taken.spans[0]["resource"]
    assert (told["service.name"], told["service.version"]) == ("chat-guard", own_version())
    assert told["service.instance.id"] == taken.logs[0]["resource"]["service.instance.id"]


def test_what_is_not_given_is_as_opentelemetrys_variables_say(monkeypatch) -> None:
    """The endpoint, its headers, the name."""
    with receiving() as (url, taken):
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", url)
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "x-key=k1")
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip")
        monkeypatch.setenv("OTEL_SERVICE_NAME", "from-variable")
        tell(Exports())

    assert taken.spans[0]["resource"]["service.name"] == "from-variable"
    assert (taken.headers["x-key"], taken.headers["content-encoding"]) == ("k1", "gzip")


def test_a_service_that_nobody_names_is_called_guardrails() -> None:
    """The SDK would call it unknown."""
    with receiving() as (url, taken):
        tell(Exports(endpoint=url))

    assert taken.spans[0]["resource"]["service.name"] == "guardrails"


@each_case(("share", "least", "most"), [(0.0, 0, 0), (0.5, 20, 80), (1.0, 100, 100)])
def test_a_share_of_the_traces_is_sent(share, least, most) -> None:
    """Of those that begin here."""
    with receiving() as (url, taken):
        tell(Exports(endpoint=url, sample=share), 100)

    assert least <= len(taken.spans) <= most


def test_a_signal_that_is_not_wanted_is_not_sent(monkeypatch) -> None:
    """By OpenTelemetry's own variables."""
    monkeypatch.setenv("OTEL_LOGS_EXPORTER", "none")
    with receiving() as (url, taken):
        tell(Exports(endpoint=url))
    assert (len(taken.spans), len(taken.logs)) == (1, 0)

    monkeypatch.setenv("OTEL_TRACES_EXPORTER", "None")
    with receiving() as (url, taken):
        tell(Exports(endpoint=url))
    assert (len(taken.spans), len(taken.logs)) == (0, 0)


def test_a_receiver_that_does_not_answer_does_not_keep_a_server_from_ending(monkeypatch) -> None:
    """What it does not take in time is lost."""
    monkeypatch.setattr(providers, "CLOSING_S", 0.2)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "1")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        began = time.monotonic()
        tell(Exports(endpoint=f"http://127.0.0.1:{silent.getsockname()[1]}"))
        took = time.monotonic() - began
        for thread in threading.enumerate():
            if thread.name.startswith(("OtelBatch", "guardrails-telemetry")):
                thread.join(30)

    assert 0.2 <= took < 1.0
