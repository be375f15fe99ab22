"""Sets up OpenTelemetry's SDK for a server: spans and log records go to a receiver by OTLP over HTTP, from threads of their own.

What is not given here is as the standard variables say (`OTEL_EXPORTER_OTLP_ENDPOINT`, `OTEL_EXPORTER_OTLP_HEADERS`,
`OTEL_SERVICE_NAME`, `OTEL_TRACES_SAMPLER`, `OTEL_BSP_MAX_QUEUE_SIZE`, …). Threads do not survive a fork: a worker process sets up
what it needs once it runs.
"""

from __future__ import annotations

import os
import threading
import uuid
from time import monotonic
from typing import Any, Final, NamedTuple

from opentelemetry._logs import Logger
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased
from opentelemetry.trace import Tracer

from guardrails.telemetry import conventions as names

DEFAULT_NAME: Final = "guardrails"
UNKNOWN: Final = "unknown_service"
"""What the SDK calls a service whose name nobody says."""

CLOSING_S: Final = 5.0
"""Seconds that there are at the end of a server for what still waits."""

NONE: Final = "none"


class Exports(NamedTuple):
    """Where telemetry goes, and how much of it; None is as the environment says.

    Attributes:
        endpoint: the base URL of the receiver.
        service_name: the name of the service.
        sample: the share of the traces begun here that are sent.
    """

    endpoint: str | None = None
    service_name: str | None = None
    sample: float | None = None


class Providers:
    """The SDK of one server, at work from when it is made until it is closed."""

    def __init__(self, exports: Exports) -> None:
        resource = _describe_service(exports.service_name)
        root = None if exports.sample is None else ParentBased(TraceIdRatioBased(exports.sample))
        self._spans = TracerProvider(root, resource, shutdown_on_exit=False)
        self._logs = LoggerProvider(resource, shutdown_on_exit=False)
        endpoint = None if exports.endpoint is None else exports.endpoint.rstrip("/")
        if _is_wanted("OTEL_TRACES_EXPORTER"):
            spans = OTLPSpanExporter(None if endpoint is None else f"{endpoint}/v1/traces")
            self._spans.add_span_processor(BatchSpanProcessor(spans))
        if _is_wanted("OTEL_LOGS_EXPORTER"):
            logs = OTLPLogExporter(None if endpoint is None else f"{endpoint}/v1/logs")
            self._logs.add_log_record_processor(BatchLogRecordProcessor(logs))

    @property
    def tracer(self) -> Tracer:
        """What takes spans."""
        return self._spans.get_tracer(names.SCOPE, names.own_version())

    @property
    def logger(self) -> Logger:
        """What takes log records and events."""
        return self._logs.get_logger(names.SCOPE, names.own_version())

    def close(self) -> None:
        """Send what waits, and stop; what a receiver does not take in time is lost."""
        ends = monotonic() + CLOSING_S
        closing = [
            threading.Thread(target=each.shutdown, name="guardrails-telemetry-end", daemon=True)
            for each in (self._spans, self._logs)
        ]
        for thread in closing:
            thread.start()
        for thread in closing:
            thread.join(max(0.0, ends - monotonic()))


def _is_wanted(variable: str) -> bool:
    """Tell whether a signal is sent: the variable of its exporter does not say `none`."""
    return os.environ.get(variable, "").strip().lower() != NONE


def _describe_service(name: str | None) -> Resource:
    """Return what all telemetry of this process says of where it comes from."""
    own: dict[str, Any] = {
        names.SERVICE_VERSION.name: names.own_version(),
        names.SERVICE_INSTANCE.name: str(uuid.uuid4()),
    }
    told = Resource.create({})
    found = str(told.attributes.get(names.SERVICE_NAME.name, UNKNOWN))
    if name is not None or found.startswith(UNKNOWN):
        own[names.SERVICE_NAME.name] = name or DEFAULT_NAME
    return told.merge(Resource(own))
