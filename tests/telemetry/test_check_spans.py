"""What OpenTelemetry is told of a guard's verdicts, as its own SDK keeps it."""

from __future__ import annotations

import asyncio
import logging

import pytest
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF
from opentelemetry.trace import SpanKind, StatusCode

from guardrails import Guard, GuardrailsError
from guardrails.telemetry.check_spans import CheckTelemetry
from guardrails.types import Action, DetectorFailure, FiredRule, Mode, Severity, Stage, Unavailable
from tests.cases import each_case
from tests.telemetry.telemetry_kit import POLICY, RULE, keeping, make_verdict, stability_of

POLICY_TEXT = """
detectors:
  bomb: {use: terms, terms: [zqxbomb], category: custom.bomb}
  mask: {use: terms, terms: [zqxmask], category: custom.mask}
rules:
  - {id: bomb.block, on: [input, output], when: custom.bomb > 0, then: block, severity: high}
  - {id: mask.redact, on: [input, output], when: custom.mask > 0, then: redact}
"""


def test_a_span_tells_what_was_decided_and_by_what() -> None:
    """Below the span that is current, for as long as the check was at work."""
    with keeping() as sdk:
        telemetry = CheckTelemetry(sdk.tracer, sdk.logger)
        with sdk.tracer.start_as_current_span("parent") as parent:
            telemetry.record(
                make_verdict(Action.FLAG, Stage.OUTPUT, rules=(FiredRule("a.flag", Action.FLAG),))
            )

    span, _ = sdk.spans
    assert (span.name, span.kind, span.status.status_code) == (
        "guardrails.check output",
        SpanKind.INTERNAL,
        StatusCode.UNSET,
    )
    assert span.parent.span_id == parent.get_span_context().span_id
    assert (span.end_time - span.start_time) / 1e6 == 5.0
    assert dict(span.attributes) == {
        "guardrails.stage": "output",
        "guardrails.action": "flag",
        "guardrails.rules": ("a.flag",),
        "guardrails.verdict.id": "vd_1",
        "guardrails.policy.name": POLICY.name,
        "guardrails.policy.version": POLICY.version,
        "guardrails.policy.digest": POLICY.digest,
    }


def test_a_block_is_no_error_and_a_check_that_could_not_be_done_is_one() -> None:
    """The former is what a guard is for."""
    failure = DetectorFailure("safety", "zqxwords", reason="timeout")
    with keeping() as sdk:
        telemetry = CheckTelemetry(sdk.tracer, sdk.logger)
        telemetry.record(make_verdict(Action.BLOCK, rules=(RULE,)))
        telemetry.record(
            make_verdict(Action.BLOCK, errors=(failure, failure), unavailable=Unavailable("timeout", ("a",)))
        )

    blocked, unavailable = sdk.spans
    assert blocked.status.status_code is StatusCode.UNSET
    assert blocked.attributes["guardrails.action"] == "block"
    assert unavailable.status.status_code is StatusCode.ERROR
    found = {name: unavailable.attributes[name] for name in ("guardrails.unavailable", "error.type")}
    assert found == {"guardrails.unavailable": "timeout", "error.type": "timeout"}
    assert unavailable.attributes["guardrails.detectors.failed"] == ("safety",)


def test_settled_names_alone_are_sent_unless_others_are_wanted() -> None:
    """No event either: its name is in development."""
    with keeping() as sdk:
        CheckTelemetry(sdk.tracer, sdk.logger).record(make_verdict(Action.BLOCK, rules=(RULE,)))

    [span] = sdk.spans
    assert {stability_of(name) for name in span.attributes} == {"stable"}
    assert sdk.records == []


def test_each_rule_that_fired_is_an_evaluation() -> None:
    """By the Logs API, below the span of its check; those in shadow too, and what failed says so."""
    high = FiredRule("b.block", Action.BLOCK, severity=Severity.HIGH, mode=Mode.SHADOW)
    failed = FiredRule("c.flag", Action.FLAG, reason="error")
    with keeping() as sdk:
        CheckTelemetry(sdk.tracer, sdk.logger, development=True).record(
            make_verdict(
                Action.BLOCK,
                rules=(RULE, failed),
                shadow=(high,),
                errors=(DetectorFailure("safety", "x", reason="timeout"),),
            )
        )

    [span] = sdk.spans
    assert span.attributes["guardrails.rules.shadow"] == ("b.block",)
    assert {each.event_name for each in sdk.records} == {"gen_ai.evaluation.result"}
    assert {each.span_id for each in sdk.records} == {span.context.span_id}
    told = [dict(each.attributes) for each in sdk.records]
    shown = [
        (
            each["gen_ai.evaluation.name"],
            each["gen_ai.evaluation.score.label"],
            each["gen_ai.evaluation.explanation"],
            each["guardrails.rule.severity"],
            each["guardrails.rule.mode"],
            each.get("error.type"),
        )
        for each in told
    ]
    assert shown == [
        ("hate.block", "block", "matched", "medium", "enforce", None),
        ("c.flag", "flag", "error", "medium", "enforce", "timeout"),
        ("b.block", "block", "matched", "high", "shadow", None),
    ]
    assert all(stability_of(name) for each in told for name in each)
    assert all(each["guardrails.verdict.id"] == "vd_1" for each in told)


def test_content_is_sent_where_it_is_asked_for_alone() -> None:
    """What passed, and nothing of what was blocked."""
    with keeping() as sdk:
        CheckTelemetry(sdk.tracer, sdk.logger, development=True).record(make_verdict())
        asked = CheckTelemetry(sdk.tracer, sdk.logger, development=True, content=True)
        asked.record(make_verdict())
        asked.record(make_verdict(Action.BLOCK))

    without, told, blocked = sdk.spans
    assert "zqxwords" not in without.to_json() + blocked.to_json()
    assert "zqxwords" in told.attributes["gen_ai.input.messages"]


def test_a_guard_with_telemetry_tells_of_checks_and_streams(guard_of) -> None:
    """Sync and async ones, and of a stream once it has ended; the guard that it was made of tells nothing."""
    guard = guard_of(POLICY_TEXT)
    with keeping() as sdk:
        watched = guard.with_telemetry(conventions="development")
        watched.telemetry.use(sdk.tracer, sdk.logger)
        watched.check("a zqxbomb")
        asyncio.run(watched.acheck("a zqxmask", stage="output"))
        stream = watched.stream(stage="output")
        stream.feed("all is well")
        stream.flush()
        guard.check("a zqxbomb")
        watched.without_reports().check("a zqxbomb")

    told = [(span.name, span.attributes["guardrails.action"]) for span in sdk.spans]
    assert told == [
        ("guardrails.check input", "block"),
        ("guardrails.check output", "redact"),
        ("guardrails.check output", "allow"),
    ]
    assert [each.attributes["gen_ai.evaluation.name"] for each in sdk.records] == [
        "bomb.block",
        "mask.redact",
    ]
    assert not any("zqx" in span.to_json() for span in sdk.spans)


def test_telemetry_goes_on_after_a_reload() -> None:
    """As who asks does."""
    watched = Guard.load("pii-only").with_telemetry()

    assert watched.reload().telemetry is watched.telemetry


def test_without_an_sdk_nothing_happens() -> None:
    """The API alone does nothing."""
    guard = Guard.load("pii-only").with_telemetry()

    assert guard.check("hello").action == "allow"


@each_case(
    ("options", "told"),
    [
        ({"content": True, "conventions": "stable"}, "content needs conventions: development"),
        ({"conventions": "newest"}, "conventions must be 'stable' or 'development', not 'newest'"),
    ],
)
def test_wrong_options_are_an_error(options, told) -> None:
    """At once, and in words."""
    with pytest.raises(GuardrailsError, match=told):
        Guard.load("pii-only").with_telemetry(**options)


def test_traces_that_are_not_sampled_have_no_spans() -> None:
    """Events have no samples: a rule that fired is told of."""
    with keeping(ALWAYS_OFF) as sdk:
        CheckTelemetry(sdk.tracer, sdk.logger, development=True).record(
            make_verdict(Action.BLOCK, rules=(RULE,))
        )

    assert (sdk.spans, len(sdk.records)) == ([], 1)


def test_a_failure_of_the_sdk_changes_no_verdict(caplog) -> None:
    """It is logged, without its words."""

    class Broken:
        def start_span(self, *given, **more):
            raise RuntimeError("zqxwords")

    telemetry = CheckTelemetry(Broken())
    with caplog.at_level(logging.ERROR):
        telemetry.record(make_verdict())

    assert caplog.messages == ["telemetry of verdict vd_1 failed: RuntimeError"]
