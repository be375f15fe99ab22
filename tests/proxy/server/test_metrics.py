"""What `/metrics` shows."""

from __future__ import annotations

import re
from functools import partial

import pytest
from prometheus_client import REGISTRY

from guardrails.proxy.server.counting.families import BUCKETS, COUNTERS, HISTOGRAMS
from guardrails.proxy.server.metrics import Metrics
from guardrails.types import Action, DetectorFailure, FiredRule, Mode, PolicyRef, Stage, Verdict
from tests.proxy.metrics_kit import counted, samples

PAGE = """\
counter guardrails_admission_refused_total kind: Those by what there was no room for: request (its checks would wait for too long), stream (too many are open) or concurrent (max_concurrent are under way).
counter guardrails_checks_total policy,result,stage: Checks, by stage, policy and result: allowed, blocked, masked, bypassed (it passed although a detector failed), unavailable (it could not be judged), or what rules in shadow would do: would_block, would_mask.
counter guardrails_clients_total key: Requests that were let in, by the id of their key.
counter guardrails_connections_closed_total reason: Connections that were refused, or closed because the client is too slow, by reason.
counter guardrails_decisions_total action,mode,rule,stage: Rules that fired, by id, stage, what they did and mode.
counter guardrails_denied_total code: Requests that were not let in, by the code of their error.
counter guardrails_detector_failures_total detector: Contents that a detector failed on.
counter guardrails_fetches_total result: Pictures of which there was only the address, by result: fetched, or left.
counter guardrails_films_total how: Films that were asked for, by how they went out: whole, relayed, broken_off, or blocked at once.
counter guardrails_findings_cache_hits_total : Texts and pictures of which findings were remembered.
counter guardrails_findings_cache_misses_total : Texts and pictures of which nothing was remembered.
counter guardrails_parallel_total sent: Requests under a policy with parallel, by when they were sent: beside their check or after.
counter guardrails_reasks_total api: Answers in a wrong format for which the model was asked again, by API.
counter guardrails_records_total result: Decisions that were put on record, by result: written, or lost as they could not be.
counter guardrails_reloads_total result: Loads of a policy whose files changed, by result: loaded, unchanged, failed or held.
counter guardrails_requests_total action,route,status: Requests that were answered, by route, status and action.
counter guardrails_rule_seconds_total rule: Time that the conditions and exceptions of a rule took, by its id; without a finding most are not tried.
counter guardrails_rules_fired_total action,mode,rule: Old name of guardrails_decisions_total, without its other labels.
counter guardrails_series_dropped_total : Events that could not be counted by their labels, as there is no room for more series.
counter guardrails_shadow_decisions_total stage,turn: Contents that the shadow policy judged, by stage and by how its decision differs.
counter guardrails_shadow_dropped_total why: Contents that the shadow policy did not judge, by why.
counter guardrails_shadow_failures_total error: Contents that the shadow policy could not judge, by error.
counter guardrails_shadow_rules_total action,rule: Rules of the shadow policy that fired, by id and what they would have done.
counter guardrails_shadow_unwritten_total : Rows of the log of decisions that could not be written.
counter guardrails_shed_total : Requests that were refused because there was no room for them.
counter guardrails_team_requests_total action,team: Requests that were answered, by the team of their key and action.
counter guardrails_tokens_total kind,model: Tokens of answers, as upstreams count them, by the model that was asked for and kind: input or output.
counter guardrails_unavailable_total reason,route: Requests that could not be judged, by reason: capacity, timeout, service or crash.
counter guardrails_upstream_failures_total upstream,why: Those of them that failed: unreachable, timeout, broken or a status.
counter guardrails_upstream_requests_total upstream: Requests that were sent to an upstream, by its name; each try is one.
counter guardrails_upstream_retries_total upstream: Those of them that another try had gone before.
counter guardrails_worker_deaths_total why: Worker processes that were replaced, by why: signal, status (they ended by themselves) or silent.
counter process_cpu_seconds_total : Processor time of the processes that serve.
gauge guardrails_admission_cores : Processor cores that checks can use at a time.
gauge guardrails_admission_expected_wait_seconds : Time for which another request would wait before its checks begin.
gauge guardrails_admission_gain : How much more is let in than clocks say that the machine can do, or less, where work is late.
gauge guardrails_admission_stream_load : Part of the machine that open streams take.
gauge guardrails_build_info python,version: What serves: its version, and that of Python.
gauge guardrails_connections : Open connections of clients.
gauge guardrails_draining : Whether the server was told to end.
gauge guardrails_event_loop_delay_seconds : Longest time of the last minute for which the event loop could serve nobody.
gauge guardrails_in_flight : Requests under way.
gauge guardrails_policy_info digest,name,part,version: The policies that are served, by digest.
gauge guardrails_queue_wait_seconds : Time for which the job that waits longest has waited for a worker.
gauge guardrails_records_waiting_bytes : Size of the records that wait in the journal for their store.
gauge guardrails_reload_failed : Whether the policy's files could not be loaded: the policy from before is served.
gauge guardrails_reload_held : Whether the policy's files wait for SIGHUP, as they are weaker: the policy from before is served.
gauge guardrails_shadow_waiting : Contents that wait for the shadow policy.
gauge guardrails_upstream_up upstream: Whether an upstream is up, as far as its last answers tell.
gauge guardrails_worker_processes : Processes that serve.
gauge guardrails_workers_abandoned : Workers stuck in a detector that ran out of time.
gauge guardrails_workers_waiting : Jobs that wait for a worker.
gauge process_max_fds : Files that each may have open.
gauge process_open_fds : Files that they have open.
gauge process_resident_memory_bytes : Memory of the processes that serve; what they share counts for each.
gauge process_start_time_seconds : When the first of them started, in seconds since 1970.
histogram guardrails_check_seconds stage: Time that a check took, by stage.
histogram guardrails_detector_seconds detector: Time that a detector took in one check, by its name; what was remembered takes none.
histogram guardrails_first_token_seconds route: Time from the head of a request to the first piece of a streamed answer, by route.
histogram guardrails_held_seconds : Time for which text of a streamed answer was held until it was certain that it may go on.
histogram guardrails_request_seconds route: Time from the head of a request to the end of its answer, by route.
histogram guardrails_upstream_answer_seconds model,upstream: Time from the request to an upstream to the end of its answer, by upstream and the model that was asked for.
histogram guardrails_upstream_seconds : Time from the request to the upstream to the end of its answer.
"""
"""Type, name, labels and help of each metric: what dashboards and alerts of operators are written for."""


def test_the_page_has_these_metrics() -> None:
    """Every one is shown from the start with its type and help; a series has these labels, and there are no others."""
    metrics = Metrics()
    empty = metrics.text()
    for name, family in COUNTERS.items():
        metrics.count(name, **dict.fromkeys(family.labels, "x"))
    for name, family in HISTOGRAMS.items():
        metrics.observe(name, 0.2, **dict.fromkeys(family.labels, "x"))
    metrics.watch_upstream("a", lambda: True)
    metrics.show_policies([("policy", PolicyRef("p", "1", "sha256:0"))])
    page = metrics.text()

    types = dict(re.findall(r"^# TYPE (\S+) (\S+)$", page, re.MULTILINE))
    helps = dict(re.findall(r"^# HELP (\S+) (.*)$", page, re.MULTILINE))
    shown = {
        name: [{label for label, _ in labels} - {"le"} for labels in samples(page, name + suffix)]
        for name, kind in types.items()
        for suffix in [("_bucket" if kind == "histogram" else "")]
    }
    assert all(series == [series[0]] * len(series) for series in shown.values())
    rows = [f"{types[name]} {name} {','.join(sorted(shown[name][0]))}: {helps[name]}\n" for name in types]
    assert "".join(sorted(rows)) == PAGE
    assert dict(re.findall(r"^# TYPE (\S+) (\S+)$", empty, re.MULTILINE)) == types
    assert "_created" not in page


def test_labels_are_quoted() -> None:
    """Whatever they hold."""
    metrics = Metrics()
    metrics.count("guardrails_denied_total", code='a"b\\c\nd')

    assert 'guardrails_denied_total{code="a\\"b\\\\c\\nd"} 1.0\n' in metrics.text()
    assert counted(metrics.text(), "guardrails_denied_total", code='a"b\\c\nd') == 1


def test_a_label_that_is_not_declared_is_an_error() -> None:
    """So is one that is missing."""
    for labels in ({}, {"code": "x", "more": "y"}, {"reason": "x"}):
        with pytest.raises(ValueError, match=r"label"):
            Metrics().count("guardrails_denied_total", **labels)


def test_each_application_has_metrics_of_its_own() -> None:
    """Nor are they those of whoever else counts in the process."""
    first, second = Metrics(), Metrics()
    first.count("guardrails_shed_total")

    assert [counted(each.text(), "guardrails_shed_total") for each in (first, second)] == [1, 0]
    assert not any(family.name.startswith("guardrails") for family in REGISTRY.collect())


def test_the_policies_are_those_that_are_served_now() -> None:
    """Each with its part; those from before are gone."""
    metrics = Metrics()
    metrics.show_policies([("policy", PolicyRef("old", "1", "sha256:0"))])
    metrics.show_policies(
        [("policy", PolicyRef('a "name"', "1", "sha256:0")), ("floor", PolicyRef("floor", "2", "sha256:1"))]
    )

    assert samples(metrics.text(), "guardrails_policy_info") == {
        (("digest", "sha256:0"), ("name", 'a "name"'), ("part", "policy"), ("version", "1")): 1,
        (("digest", "sha256:1"), ("name", "floor"), ("part", "floor"), ("version", "2")): 1,
    }


def test_a_histogram_counts_from_below() -> None:
    """Buckets are cumulative, a bound belongs to its bucket, the last has all."""
    metrics = Metrics()
    for seconds in (0.0, BUCKETS[3], 1000.0):
        metrics.observe("guardrails_check_seconds", seconds, stage="input")

    text = metrics.text()

    for bound, count in ((str(BUCKETS[2]), 1), (str(BUCKETS[3]), 2), (str(BUCKETS[-1]), 2), ("+Inf", 3)):
        assert counted(text, "guardrails_check_seconds_bucket", stage="input", le=bound) == count
    assert counted(text, "guardrails_check_seconds_count", stage="input") == 3
    assert counted(text, "guardrails_check_seconds_sum", stage="input") == pytest.approx(1000.001)


def test_a_verdict_is_counted() -> None:
    """Rules by what they did and mode, and by time; failures by detector, time by stage."""
    verdict = Verdict(
        "vd", Action.BLOCK, Stage.OUTPUT, PolicyRef("p", "1", "sha256:0"), None,
        rules=(FiredRule("a", Action.BLOCK),), shadow=(FiredRule("b", Action.REDACT, mode=Mode.SHADOW),),
        errors=(DetectorFailure("d", "a private text"),), rule_timings_ms={"a": 250.0},
    )  # fmt: skip
    metrics = Metrics()
    metrics.count_verdict(verdict, 0.01)

    text = metrics.text()

    assert counted(text, "guardrails_rules_fired_total", rule="a", action="block", mode="enforce") == 1
    assert counted(text, "guardrails_rules_fired_total", rule="b", action="redact", mode="shadow") == 1
    assert counted(text, "guardrails_rule_seconds_total", rule="a") == 0.25
    assert counted(text, "guardrails_detector_failures_total", detector="d") == 1
    assert counted(text, "guardrails_check_seconds_count", stage="output") == 1
    assert "private" not in text


def test_the_last_load_is_shown() -> None:
    """Whether it failed, and whether it waits for the operator."""
    metrics = Metrics()
    for failed, held in ((False, False), (True, False), (False, True)):
        metrics.reload_failed, metrics.reload_held = failed, held

        assert counted(metrics.text(), "guardrails_reload_failed") == failed
        assert counted(metrics.text(), "guardrails_reload_held") == held


def test_upstreams_are_shown_as_they_are_when_one_looks() -> None:
    """By name, none where there are none."""
    metrics = Metrics()
    assert samples(metrics.text(), "guardrails_upstream_up") == {}
    up = {"a": True, "b": True}
    for name in up:
        metrics.watch_upstream(name, partial(up.__getitem__, name))
    up["b"] = False

    assert samples(metrics.text(), "guardrails_upstream_up") == {
        (("upstream", "a"),): 1,
        (("upstream", "b"),): 0,
    }
