"""The telemetry of one server: what is told of its requests and its checks, from when it begins to serve until it ends."""

from __future__ import annotations

import logging
from typing import Final

from opentelemetry._logs import NoOpLogger
from opentelemetry.trace import NoOpTracer

from guardrails.telemetry import conventions as names
from guardrails.telemetry.check_spans import CheckTelemetry
from guardrails.telemetry.log_bridge import LogBridge
from guardrails.telemetry.providers import Exports, Providers
from guardrails.telemetry.request_spans import RequestTelemetry

TALKATIVE: Final = (
    "opentelemetry.baggage.propagation",
    "opentelemetry.trace.span",
    "opentelemetry.attributes",
)
"""Loggers that warn of what a client's headers hold, in the client's own words."""


class ServerTelemetry:
    """What a server tells OpenTelemetry. Until it is opened, and after it was closed, nothing is told.

    Args:
        exports: where telemetry goes.
        development: whether names that are in development are sent.
        content: whether what passed is in the spans of checks.
        logs: whether the lines of the log go there as well.

    Attributes:
        checks: what guards tell of their verdicts.
        requests: what the server tells of requests.
    """

    def __init__(
        self, exports: Exports, *, development: bool = False, content: bool = False, logs: bool = True
    ) -> None:
        self._exports, self._has_logs = exports, logs
        self.checks = CheckTelemetry(
            NoOpTracer(), NoOpLogger(names.SCOPE), development=development, content=content
        )
        self.requests = RequestTelemetry(NoOpTracer(), development=development)
        self._providers: Providers | None = None
        self._bridge: LogBridge | None = None

    def open(self) -> None:
        """Begin, in the process that serves: this starts threads."""
        for name in TALKATIVE:
            logging.getLogger(name).setLevel(logging.ERROR)
        providers = self._providers = Providers(self._exports)
        tracer, logger = providers.tracer, providers.logger
        self.requests.tracer = tracer
        self.checks.use(tracer, logger)
        if self._has_logs:
            self._bridge = LogBridge(logger)
            self._bridge.attach()

    def close(self) -> None:
        """End, and send what waits; takes some seconds where nobody receives it."""
        if self._bridge is not None:
            self._bridge.detach()
        self.requests.tracer = NoOpTracer()
        self.checks.use(NoOpTracer(), NoOpLogger(names.SCOPE))
        if self._providers is not None:
            self._providers.close()
        self._providers = self._bridge = None
