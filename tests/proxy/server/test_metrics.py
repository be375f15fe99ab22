"""Events in, Prometheus text out."""

from __future__ import annotations

import re

from guardrails.proxy.server.metrics import BUCKETS, COUNTERS, HISTOGRAMS, Metrics
from guardrails.types import Action, DetectorFailure, FiredRule, Mode, PolicyRef, Stage, Verdict

LINE = re.compile(r'[a-z_]+(\{[a-z]+="(?:[^"\\]|\\.)*"(,[a-z]+="(?:[^"\\]|\\.)*")*\})? [0-9.]+(e-?\d+)?')


def test_the_text_is_prometheus_format() -> None:
    """Each family with its help and type, each line well-formed, whatever a label holds."""
    metrics = Metrics()
    metrics.count("guardrails_requests_total", route='a"b\\c\nd', status="200")
    metrics.observe("guardrails_check_seconds", 0.2, stage="input")

    metrics.policies = (
        ("policy", PolicyRef('a "name"', "1", "sha256:0")),
        ("floor", PolicyRef("floor", "2", "sha256:1")),
    )
    lines = metrics.text().splitlines()

    assert r'guardrails_policy_info{part="policy",name="a \"name\"",version="1",digest="sha256:0"} 1' in lines
    assert 'guardrails_policy_info{part="floor",name="floor",version="2",digest="sha256:1"} 1' in lines
    families = {line.split()[2] for line in lines if line.startswith("# TYPE")}
    assert {*COUNTERS, *HISTOGRAMS} <= families
    assert all(LINE.fullmatch(line) for line in lines if not line.startswith("#"))
    assert metrics.text().endswith("\n")


def test_a_histogram_counts_from_below() -> None:
    """Buckets are cumulative, a bound belongs to its bucket, the last has all."""
    metrics = Metrics()
    for seconds in (0.0, BUCKETS[3], 1000.0):
        metrics.observe("guardrails_check_seconds", seconds, stage="input")

    text = metrics.text()

    for bound, count in ((str(BUCKETS[2]), 1), (str(BUCKETS[3]), 2), (str(BUCKETS[-1]), 2), ("+Inf", 3)):
        assert f'guardrails_check_seconds_bucket{{stage="input",le="{bound}"}} {count}\n' in text
    assert 'guardrails_check_seconds_count{stage="input"} 3' in text


def test_a_verdict_is_counted() -> None:
    """Rules by what they did and mode, failures by detector, time by stage."""
    verdict = Verdict(
        "vd", Action.BLOCK, Stage.OUTPUT, PolicyRef("p", "1", "sha256:0"), None,
        rules=(FiredRule("a", Action.BLOCK),), shadow=(FiredRule("b", Action.REDACT, mode=Mode.SHADOW),),
        errors=(DetectorFailure("d", "a private text"),),
    )  # fmt: skip
    metrics = Metrics()
    metrics.checked(verdict, 0.01)

    text = metrics.text()

    assert 'guardrails_rules_fired_total{rule="a",action="block",mode="enforce"} 1' in text
    assert 'guardrails_rules_fired_total{rule="b",action="redact",mode="shadow"} 1' in text
    assert 'guardrails_detector_failures_total{detector="d"} 1' in text
    assert 'guardrails_check_seconds_count{stage="output"} 1' in text
    assert "private" not in text


def test_the_last_load_is_shown() -> None:
    """Whether it failed, and whether it waits for the operator."""
    metrics = Metrics()
    for failed, held in ((False, False), (True, False), (False, True)):
        metrics.reload_failed, metrics.reload_held = failed, held

        lines = metrics.text().splitlines()

        assert f"guardrails_reload_failed {int(failed)}" in lines
        assert f"guardrails_reload_held {int(held)}" in lines


def test_upstreams_are_shown_as_they_are_when_one_looks() -> None:
    """By name, none where there are none."""
    metrics = Metrics()
    assert "guardrails_upstream_up{" not in metrics.text()
    metrics.upstreams = {"a": True, "b": False}.copy

    assert (
        'guardrails_upstream_up{upstream="a"} 1\nguardrails_upstream_up{upstream="b"} 0\n' in metrics.text()
    )
