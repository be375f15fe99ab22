"""Lines of the log as records of OpenTelemetry."""

from __future__ import annotations

import logging

from guardrails.telemetry.log_bridge import LogBridge
from tests.telemetry.telemetry_kit import keeping, stability_of

LOG = logging.getLogger("guardrails.proxy")


def test_lines_go_on_with_their_trace(caplog) -> None:
    """Those of the package's loggers, as long as the bridge is there."""
    caplog.set_level(logging.DEBUG, "guardrails")
    with keeping() as sdk:
        bridge = LogBridge(sdk.logger)
        bridge.attach()
        with sdk.tracer.start_as_current_span("request") as span:
            LOG.warning("the policy %s is %s", "p", "weaker")
        logging.getLogger("others").warning("not ours")
        LOG.debug("a detail")
        bridge.detach()
        LOG.warning("after it")

    warned, detail = sdk.records
    assert (warned.body, warned.severity_text, detail.severity_text) == (
        "the policy p is weaker",
        "WARN",
        "DEBUG",
    )
    assert warned.span_id == span.get_span_context().span_id
    assert dict(warned.attributes) == {"guardrails.logger": "guardrails.proxy"}
    assert {stability_of(name) for name in warned.attributes} == {"stable"}


def test_an_exception_is_told_by_its_class(caplog) -> None:
    """Its words may quote a request."""
    with keeping() as sdk:
        bridge = LogBridge(sdk.logger)
        bridge.attach()
        try:
            raise ValueError("zqxwords")
        except ValueError:
            LOG.exception("a request failed")
        bridge.detach()

    [record] = sdk.records
    assert (record.body, record.severity_text) == ("a request failed", "ERROR")
    assert dict(record.attributes) == {
        "guardrails.logger": "guardrails.proxy",
        "exception.type": "ValueError",
    }


def test_a_line_that_cannot_be_handed_on_ends_nothing(monkeypatch) -> None:
    """As with any handler of Python's `logging`."""
    seen: list[logging.LogRecord] = []
    with keeping() as sdk:
        bridge = LogBridge(sdk.logger)
        monkeypatch.setattr(bridge, "handleError", seen.append)
        bridge.emit(logging.LogRecord("guardrails", logging.INFO, "", 0, "%d", ("no number",), None))

    assert (len(seen), sdk.records) == (1, [])
