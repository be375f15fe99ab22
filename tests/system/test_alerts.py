"""The alert rules, as promtool runs them: each fires on what it is for, and none on a healthy server."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.test_deploy import ALERTS, rules

SERVER = 'job="guardrails", instance="a:9090"'
REQUESTS = {
    f'guardrails_requests_total{{{SERVER}, route="/v1/chat/completions", status="200", action="allow"}}': "0+60x120"
}
CHECKS = {f'guardrails_checks_total{{{SERVER}, stage="input", policy="p", result="allowed"}}': "0+60x1800"}
SLOW = "0+60x120"


def of(name: str, labels: str = "", values: str = "1x120") -> dict[str, str]:
    """Return one series of a server."""
    return {f"{name}{{{SERVER}{', ' if labels else ''}{labels}}}": values}


def buckets(name: str, labels: str, bound: str) -> dict[str, str]:
    """Return a histogram in which all lies above a bound."""
    low, high = (
        of(f"{name}_bucket", f'{labels}, le="{bound}"', "0x120"),
        of(f"{name}_bucket", f'{labels}, le="+Inf"', SLOW),
    )
    return {**low, **high}


FIRES: dict[str, tuple[dict[str, str], dict[str, str]]] = {
    "GuardrailsDown": (of("up", values="0x120"), {"job": "guardrails", "instance": "a:9090"}),
    "GuardrailsUnavailable": (
        REQUESTS | of("guardrails_unavailable_total", 'reason="timeout", route="r"', "0+6x120"),
        {"reason": "timeout"},
    ),
    "GuardrailsDetectorFails": (of("guardrails_detector_failures_total", 'detector="d"', "0+1x120"), {"detector": "d"}),
    "GuardrailsBypasses": (
        of("guardrails_checks_total", 'stage="input", policy="p", result="bypassed"', "0+1x120"),
        {"policy": "p"},
    ),
    "GuardrailsServerErrors": (
        REQUESTS | of("guardrails_requests_total", 'route="r", status="503", action="unavailable"', "0+6x120"),
        {},
    ),
    "GuardrailsRefusesLoad": (of("guardrails_admission_refused_total", 'kind="stream"', "0+1x120"), {"kind": "stream"}),
    "GuardrailsSaturated": (of("guardrails_admission_expected_wait_seconds", values="2x120"), {"instance": "a:9090"}),
    "GuardrailsEventLoopLate": (of("guardrails_event_loop_delay_seconds", values="2x120"), {"instance": "a:9090"}),
    "GuardrailsThreadsStuck": (of("guardrails_workers_abandoned"), {"instance": "a:9090"}),
    "GuardrailsWorkerDied": (
        of("guardrails_worker_deaths_total", 'why="signal"', "0+1x120"),
        {"instance": "a:9090", "why": "signal"},
    ),
    "GuardrailsUpstreamDown": (of("guardrails_upstream_up", 'upstream="u"', "0x120"), {"upstream": "u"}),
    "GuardrailsUpstreamFails": (
        of("guardrails_upstream_requests_total", 'upstream="u"', SLOW)
        | of("guardrails_upstream_failures_total", 'upstream="u", why="timeout"', "0+12x120"),
        {"upstream": "u"},
    ),
    "GuardrailsReloadFailed": (of("guardrails_reload_failed"), {"instance": "a:9090"}),
    "GuardrailsReloadHeld": (of("guardrails_reload_held"), {"instance": "a:9090"}),
    "GuardrailsPoliciesDiffer": (
        of("guardrails_policy_info", 'part="policy", name="p", version="1", digest="sha256:0"')
        | of("guardrails_policy_info", 'part="policy", name="p", version="2", digest="sha256:1"'),
        {"part": "policy", "name": "p"},
    ),
    "GuardrailsBlocksMore": (
        CHECKS | of("guardrails_checks_total", 'stage="input", policy="p", result="blocked"', "0+1x1440 1440+20x360"),
        {},
    ),
    "GuardrailsChecksSlow": (buckets("guardrails_check_seconds", 'stage="output"', "5.0"), {"stage": "output"}),
    "GuardrailsFirstTokenSlow": (buckets("guardrails_first_token_seconds", 'route="r"', "30.0"), {"route": "r"}),
    "GuardrailsFilesLow": (of("process_open_fds", values="90x120") | of("process_max_fds", values="100x120"), {"instance": "a:9090"}),
    "GuardrailsConnectionsRefused": (
        of("guardrails_connections_closed_total", 'reason="too_many_of_address"', "0+1x120"),
        {"instance": "a:9090"},
    ),
    "GuardrailsKeysRefused": (of("guardrails_denied_total", 'code="invalid_api_key"', "0+120x120"), {}),
    "GuardrailsRecordsLost": (of("guardrails_records_total", 'result="lost"', "0+1x120"), {"instance": "a:9090"}),
    "GuardrailsRecordsWait": (of("guardrails_records_waiting_bytes", values="20000000x120"), {"instance": "a:9090"}),
    "GuardrailsShadowBehind": (of("guardrails_shadow_dropped_total", 'why="queue"', "0+1x120"), {"why": "queue"}),
    "GuardrailsUncounted": (of("guardrails_series_dropped_total", values="0+1x120"), {}),
}  # fmt: skip
"""Alert → series on which it fires, a sample each minute, and the labels with which it does."""

HEALTHY = (
    REQUESTS
    | CHECKS
    | of("up")
    | of("guardrails_checks_total", 'stage="input", policy="p", result="blocked"', "0+1x1800")
    | of("guardrails_upstream_up", 'upstream="u"')
    | of("guardrails_upstream_requests_total", 'upstream="u"', SLOW)
    | of("guardrails_upstream_failures_total", 'upstream="u", why="timeout"', "0+1x120")
    | of("guardrails_policy_info", 'part="policy", name="p", version="1", digest="sha256:0"')
    | of("guardrails_reload_failed", values="0x120")
    | of("guardrails_reload_held", values="0x120")
    | of("guardrails_worker_deaths_total", 'why="signal"', "3x120")
    | of("guardrails_records_total", 'result="written"', SLOW)
    | of("guardrails_records_total", 'result="lost"', "0x120")
    | of("guardrails_records_waiting_bytes", values="4096x120")
    | of("process_open_fds", values="30x120")
    | of("process_max_fds", values="100x120")
)
"""What a server shows that has nothing wrong."""


def alert_tests(folder: Path, tests: list[dict[str, Any]]) -> subprocess.CompletedProcess[str]:
    """Have promtool run tests of the rules."""
    (folder / "tests.yaml").write_text(
        json.dumps({"rule_files": [str(ALERTS)], "evaluation_interval": "1m", "tests": tests})
    )
    command = ["promtool", "test", "rules", str(folder / "tests.yaml")]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def series(found: dict[str, str]) -> list[dict[str, str]]:
    """Return series as promtool's tests have them."""
    return [{"series": name, "values": values} for name, values in found.items()]


def render(text: str, labels: dict[str, str]) -> str:
    """Return an annotation as Prometheus fills it in."""
    return re.sub(r"\{\{ \$labels\.(\w+) \}\}", lambda found: labels.get(found[1], ""), text)


def test_the_rules_are_rules() -> None:
    """As promtool checks them."""
    checked = subprocess.run(
        ["promtool", "check", "rules", str(ALERTS)], capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stderr
    assert f"SUCCESS: {len(FIRES)} rules found" in checked.stdout


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule["alert"])
def test_an_alert_fires_on_what_it_is_for(tmp_path: Path, rule: dict[str, Any]) -> None:
    """Once it has lasted, with what it says filled in."""
    given, labels = FIRES[rule["alert"]]
    at = "26h" if "offset 1d" in rule["expr"] else "60m"
    expected = {
        "exp_labels": labels | rule["labels"],
        "exp_annotations": {name: render(text, labels) for name, text in rule["annotations"].items()},
    }
    asked = {"eval_time": at, "alertname": rule["alert"], "exp_alerts": [expected]}
    test = {"interval": "1m", "input_series": series(given), "alert_rule_test": [asked]}
    run = alert_tests(tmp_path, [test])
    assert run.returncode == 0, run.stdout + run.stderr


def test_no_alert_fires_on_a_healthy_server(tmp_path: Path) -> None:
    """After an hour, and after a day."""
    asked = [
        {"eval_time": at, "alertname": rule["alert"], "exp_alerts": []}
        for rule in rules()
        for at in ("60m", "115m")
    ]
    run = alert_tests(
        tmp_path, [{"interval": "1m", "input_series": series(HEALTHY), "alert_rule_test": asked}]
    )
    assert run.returncode == 0, run.stdout + run.stderr
