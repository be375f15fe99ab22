"""The telemetry of a server, from its beginning to its end."""

from __future__ import annotations

import logging
import threading

from guardrails.proxy.server.logs.request_entry import RequestEntry
from guardrails.telemetry.providers import Exports
from guardrails.telemetry.server import TALKATIVE, ServerTelemetry
from guardrails.types import Action
from tests.telemetry.otlp_receiver import receiving
from tests.telemetry.telemetry_kit import RULE, make_verdict

LOG = logging.getLogger("guardrails.proxy")


def threads() -> set[str]:
    """Return the names of the SDK's threads."""
    return {each.name for each in threading.enumerate() if each.name.startswith("OtelBatch")}


def test_a_server_tells_between_its_beginning_and_its_end() -> None:
    """Of checks, requests and lines of the log; before and after it nothing is told, and there is no thread."""
    with receiving() as (url, taken):
        telemetry = ServerTelemetry(Exports(endpoint=url), development=True)

        def tell() -> None:
            span = telemetry.requests.begin({}, "POST", "/v1/check", "http")
            telemetry.checks.record(make_verdict(Action.BLOCK, rules=(RULE,)))
            LOG.error("it happened")
            span.end(RequestEntry("req_1", status=200))

        tell()
        assert threads() == set()
        telemetry.open()
        assert threads() == {"OtelBatchSpanRecordProcessor", "OtelBatchLogRecordProcessor"}
        tell()
        telemetry.close()
        tell()

    assert [each["name"] for each in taken.spans] == ["guardrails.check input", "POST /v1/check"]
    assert sorted(each["event"] or each["body"] for each in taken.logs) == [
        "gen_ai.evaluation.result",
        "it happened",
    ]
    assert threads() == set()


def test_lines_of_the_log_may_stay_here() -> None:
    """Events go all the same."""
    with receiving() as (url, taken):
        telemetry = ServerTelemetry(Exports(endpoint=url), development=True, logs=False)
        telemetry.open()
        LOG.error("it happened")
        telemetry.checks.record(make_verdict(Action.BLOCK, rules=(RULE,)))
        telemetry.close()

    assert [each["event"] for each in taken.logs] == ["gen_ai.evaluation.result"]


def test_a_server_that_was_not_opened_can_be_closed() -> None:
    """As one that failed to start is."""
    ServerTelemetry(Exports()).close()

    assert threads() == set()


def test_no_logger_of_opentelemetrys_quotes_a_clients_headers(caplog) -> None:
    """It would warn of malformed baggage in the client's words."""
    with receiving() as (url, _):
        telemetry = ServerTelemetry(Exports(endpoint=url))
        telemetry.open()
        malformed = {b"baggage": b"zqxwords,=", b"tracestate": b"zqx=1,zqx=2"}
        telemetry.requests.begin(malformed, "GET", "/", "http").end(RequestEntry("req_1", status=200))
        telemetry.close()

    assert "zqx" not in caplog.text
    assert {logging.getLogger(name).level for name in TALKATIVE} == {logging.ERROR}
