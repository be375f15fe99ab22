"""What the tests of telemetry share: OpenTelemetry's own SDK, which keeps what it is told, and verdicts to tell it of."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_ON, Sampler

from guardrails.telemetry.conventions import ATTRIBUTES, Conventions
from guardrails.types import Action, FiredRule, PolicyRef, Stage, Verdict

POLICY = PolicyRef("chat", "1.2.0", "sha256:" + "0" * 64)
RULE = FiredRule("hate.block", Action.BLOCK, "Not that.")


@dataclass
class Sdk:
    """An SDK that keeps what it is told."""

    spans_kept: InMemorySpanExporter
    logs_kept: InMemoryLogRecordExporter
    traces: TracerProvider
    logs: LoggerProvider

    @property
    def tracer(self) -> Any:
        """What takes spans."""
        return self.traces.get_tracer("tested")

    @property
    def logger(self) -> Any:
        """What takes log records."""
        return self.logs.get_logger("tested")

    @property
    def spans(self) -> list[ReadableSpan]:
        """The spans that have ended, in that order."""
        return [*self.spans_kept.get_finished_spans()]

    @property
    def records(self) -> list[Any]:
        """The log records."""
        return [each.log_record for each in self.logs_kept.get_finished_logs()]


@contextmanager
def keeping(sampler: Sampler = ALWAYS_ON) -> Iterator[Sdk]:
    """Set up an SDK of a test's own."""
    spans, logs = InMemorySpanExporter(), InMemoryLogRecordExporter()
    traces, records = TracerProvider(sampler, shutdown_on_exit=False), LoggerProvider(shutdown_on_exit=False)
    traces.add_span_processor(SimpleSpanProcessor(spans))
    records.add_log_record_processor(SimpleLogRecordProcessor(logs))
    yield Sdk(spans, logs, traces, records)
    traces.shutdown()
    records.shutdown()


def make_verdict(action: Action = Action.ALLOW, stage: Stage = Stage.INPUT, **more: Any) -> Verdict[Any]:
    """Return a verdict."""
    content = None if action is Action.BLOCK else "zqxwords"
    given = {"policy": POLICY, "content": content, "timings_ms": {"total": 5.0}, **more}
    return Verdict(id="vd_1", action=action, stage=stage, **given)


def stability_of(name: str) -> Conventions:
    """Return how settled the name of an attribute is; fails for one that is not in the table."""
    [row] = [each for each in ATTRIBUTES if each.name == name]
    return row.stability
