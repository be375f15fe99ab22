"""Tells OpenTelemetry of a guard's verdicts: a span for each check, and an event for each rule that fired.

It knows OpenTelemetry's API alone: an application that sets up an SDK has these spans below its own.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from functools import lru_cache
from time import time_ns
from typing import Any, Final

from opentelemetry._logs import Logger, LogRecord, SeverityNumber, get_logger
from opentelemetry.trace import Span, Status, StatusCode, Tracer, get_tracer, set_span_in_context

from guardrails.errors import GuardrailsError
from guardrails.telemetry import conventions as names
from guardrails.telemetry.content import describe_content
from guardrails.types import FiredRule, PolicyRef, Stage, Verdict

LOG = logging.getLogger("guardrails")

NAMES: Final[Mapping[Stage, str]] = {stage: f"guardrails.check {stage.value}" for stage in Stage}
"""The names of the spans."""

OPTIONS: Final = frozenset({"conventions", "content"})

UNAVAILABLE: Final = Status(StatusCode.ERROR)
"""The status of a check that could not be done. A block has none: it is what a guard is for."""


class CheckTelemetry:
    """Tells of verdicts. Safe to share by threads.

    Args:
        tracer: takes the spans; by default what the application has set up.
        logger: takes the events; likewise.
        development: whether names that are in development are sent.
        content: whether what passed is in the spans.
    """

    def __init__(
        self,
        tracer: Tracer | None = None,
        logger: Logger | None = None,
        *,
        development: bool = False,
        content: bool = False,
    ) -> None:
        self.development, self._content = development, content
        version = names.own_version()
        self.use(tracer or get_tracer(names.SCOPE, version), logger or get_logger(names.SCOPE, version))

    @classmethod
    def load(cls, conventions: names.Conventions | None, *, content: bool) -> CheckTelemetry:
        """Return what tells the application's own SDK of verdicts.

        Args:
            conventions: which names are sent; None: those that the environment says.
            content: whether what passed is in the spans.

        Raises:
            GuardrailsError: there are no such conventions, or content is wanted and not the names that hold it.
        """
        if conventions not in (None, "stable", "development"):
            raise GuardrailsError(f"conventions must be 'stable' or 'development', not {conventions!r}")
        development = names.is_development(conventions, os.environ)
        if content and not development:
            raise GuardrailsError(names.CONTENT_NEEDS)
        return cls(development=development, content=content)

    def use(self, tracer: Tracer, logger: Logger) -> None:
        """Have others take spans and events from now on."""
        self._tracer, self._logger = tracer, logger

    def record(self, verdict: Verdict) -> None:
        """Tell of a verdict that was just made, below the span that is current here. Never raises: no check fails for this."""
        try:
            self._record(verdict)
        except Exception as error:
            LOG.error("telemetry of verdict %s failed: %s", verdict.id, type(error).__name__)

    def _record(self, verdict: Verdict) -> None:
        ended = time_ns()
        attributes: dict[str, Any] = {**_describe_policy(verdict.policy, verdict.stage)}
        attributes[names.ACTION.name] = str(verdict.action)
        attributes[names.VERDICT_ID.name] = verdict.id
        if verdict.rules:
            attributes[names.RULES.name] = [rule.id for rule in verdict.rules]
        if verdict.shadow:
            attributes[names.SHADOW_RULES.name] = [rule.id for rule in verdict.shadow]
        if verdict.errors:
            failed = dict.fromkeys(each.detector for each in verdict.errors)
            attributes[names.FAILED_DETECTORS.name] = [*failed]
        if verdict.unavailable is not None:
            attributes[names.UNAVAILABLE.name] = attributes[names.ERROR_TYPE.name] = (
                verdict.unavailable.reason
            )
        if self._content:
            attributes |= describe_content(verdict)
        began = ended - int(verdict.timings_ms.get("total", 0.0) * 1e6)
        span = self._tracer.start_span(NAMES[verdict.stage], attributes=attributes, start_time=began)
        if verdict.unavailable is not None:
            span.set_status(UNAVAILABLE)
        span.end(ended)
        if self.development:
            for rule in (*verdict.rules, *verdict.shadow):
                self._tell_rule(rule, verdict, span)

    def _tell_rule(self, rule: FiredRule, verdict: Verdict, span: Span) -> None:
        """Tell of a rule that fired, as the result of an evaluation."""
        attributes: dict[str, Any] = {
            names.EVALUATION_NAME.name: rule.id,
            names.EVALUATION_LABEL.name: str(rule.action),
            names.EVALUATION_WHY.name: rule.reason,
            names.VERDICT_ID.name: verdict.id,
            names.RULE_SEVERITY.name: str(rule.severity),
            names.RULE_MODE.name: rule.mode.value,
            **_describe_policy(verdict.policy, verdict.stage),
        }
        if rule.reason == "error":
            attributes[names.ERROR_TYPE.name] = verdict.errors[0].reason if verdict.errors else "crash"
        self._logger.emit(
            LogRecord(
                timestamp=time_ns(),
                context=set_span_in_context(span),
                severity_number=SeverityNumber.INFO,
                event_name=names.EVALUATION.name,
                attributes=attributes,
            )
        )


@lru_cache(256)
def _describe_policy(policy: PolicyRef, stage: Stage) -> Mapping[str, str]:
    """Return what is said of a policy at a stage."""
    return {
        names.STAGE.name: stage.value,
        names.POLICY_NAME.name: policy.name,
        names.POLICY_VERSION.name: policy.version,
        names.POLICY_DIGEST.name: policy.digest,
    }
