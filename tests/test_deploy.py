"""What is deployed speaks of metrics and settings that there are."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from guardrails.proxy.configuration.sources import load_settings
from guardrails.proxy.server.counting.families import COUNTERS, HISTOGRAMS
from guardrails.proxy.server.metrics import GAUGES
from tests.cases import each_case

DEPLOY = Path(__file__).parents[1] / "deploy"
ALERTS = DEPLOY / "prometheus" / "alerts.yaml"
DASHBOARD = DEPLOY / "grafana" / "guardrails.json"

METRIC = re.compile(r"\b((?:guardrails|process)_[a-z_]+)(?:\{([^}]*)\})?")
GROUPED = re.compile(r"\b(?:by|ignoring)\s*\(([^)]*)\)")
TIMES = "\N{MULTIPLICATION SIGN}"
OF_PROMETHEUS = {"job", "instance", "le"}
"""Labels that Prometheus adds, and that of buckets."""


def labels_of(name: str) -> tuple[str, ...] | None:
    """Return the labels of a metric of the server, by the name of a series of it; None where there is none."""
    if name in COUNTERS:
        return COUNTERS[name].labels
    if name in GAUGES:
        return GAUGES[name].labels
    family, _, suffix = name.rpartition("_")
    is_histogram = family in HISTOGRAMS and suffix in ("bucket", "count", "sum")
    return HISTOGRAMS[family].labels if is_histogram else None


def find_problems(query: str) -> Iterator[str]:
    """Yield what a query asks for that is not there."""
    known: set[str] = set(OF_PROMETHEUS)
    for name, selected in METRIC.findall(query):
        labels = labels_of(name)
        if labels is None:
            yield f"no metric {name}"
            continue
        known |= {*labels}
        named = re.findall(r"(\w+)\s*[=!]", selected)
        yield from (f"no label {each} of {name}" for each in named if each not in {*labels, *OF_PROMETHEUS})
    for group in GROUPED.findall(query):
        yield from (
            f"no label {each.strip()} in {query}" for each in group.split(",") if each.strip() not in known
        )


def rules() -> list[dict[str, Any]]:
    """Return the alerts."""
    [group] = yaml.safe_load(ALERTS.read_text())["groups"]
    found: list[dict[str, Any]] = group["rules"]
    return found


def queries_of_dashboard() -> list[str]:
    """Return every query of the dashboard."""
    board = json.loads(DASHBOARD.read_text())
    found = [target["expr"] for panel in board["panels"] for target in panel.get("targets", ())]
    return found + [each["expr"] for each in board["annotations"]["list"]]


@each_case("query", [*(rule["expr"] for rule in rules()), *queries_of_dashboard()])
def test_queries_ask_for_metrics_and_labels_of_the_table(query: str) -> None:
    """A renamed metric cannot leave a dashboard empty, or an alert silent."""
    assert METRIC.search(query) or query.startswith("up{")
    assert [*find_problems(query)] == []


@each_case(
    ("query", "problem"),
    [
        ("guardrails_nothing_total", "no metric guardrails_nothing_total"),
        ('rate(guardrails_shed_total{team="a"}[5m])', "no label team of guardrails_shed_total"),
        ("sum by (team) (guardrails_in_flight)", "no label team in sum by (team) (guardrails_in_flight)"),
        ("guardrails_check_seconds", "no metric guardrails_check_seconds"),
    ],
)
def test_what_is_not_there_is_found(query: str, problem: str) -> None:
    """By the check itself."""
    assert [*find_problems(query)] == [problem]


@each_case("rule", rules(), ids=lambda rule: rule["alert"])
def test_an_alert_says_what_is_wrong_and_what_to_do(rule: dict[str, Any]) -> None:
    """By labels that its query has."""
    assert rule["labels"]["severity"] in ("critical", "warning", "info")
    assert {*rule["annotations"]} == {"summary", "description"}
    text = " ".join(rule["annotations"].values())
    for label in re.findall(r"\$labels\.(\w+)", text):
        assert label in rule["expr"] or label == "instance"


def test_panels_have_places_of_their_own() -> None:
    """None lies over another, and each has an id."""
    panels = json.loads(DASHBOARD.read_text())["panels"]
    places = [(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in panels]
    assert len({*places}) == len(panels) == len({panel["id"] for panel in panels})


def test_the_example_of_settings_is_right() -> None:
    """As `guardrails serve --check` would read it; nobody has the key of its client."""
    found = load_settings(DEPLOY / "settings.yaml", {}, {}).settings
    assert found.keys[0].sha256 == "0" * 64
    assert found.admin is not None


def test_a_server_has_the_time_to_end_that_its_settings_say() -> None:
    """Before whoever runs it kills it: with compose, and with systemd."""
    found = load_settings(DEPLOY / "settings.yaml", {}, {}).settings
    needed = found.drain.notice_s + found.drain_s
    guard = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]["guard"]
    [unit] = re.findall(
        r"^TimeoutStopSec=(\d+)$", (DEPLOY / "systemd/guardrails.service").read_text(), re.MULTILINE
    )
    assert int(guard["stop_grace_period"].removesuffix("s")) > needed
    assert int(unit) > needed


def test_the_container_may_do_no_more_than_it_must() -> None:
    """It is nobody, and writes nowhere but in memory; what compose says is what the Containerfile serves."""
    guard = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]["guard"]
    image = (DEPLOY / "container" / "Containerfile").read_text()
    assert (guard["read_only"], guard["cap_drop"]) == (True, ["ALL"])
    assert re.findall(r"^USER (\d+):(\d+)$", image, re.MULTILINE) == [("65532", "65532")]
    assert f"CMD {json.dumps(guard['command'])}" in image
    assert [name for name in guard["environment"] if not name.startswith("GUARDRAILS_")] == []


def test_a_container_has_the_memory_that_the_sizing_page_works_out() -> None:
    """For the workers of the example, with large bodies."""
    page = (DEPLOY.parent / "docs/pages/guides/sizing.md").read_text()
    found = re.search(
        rf"memory = (\d+) MB \+ \(workers - 1\) {TIMES} (\d+) MB, .* workers {TIMES} (\d+) MB", page
    )
    assert found is not None
    first, further, bodies = map(int, found.groups())
    workers = load_settings(DEPLOY / "settings.yaml", {}, {}).settings.workers
    guard = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]["guard"]
    limit = int(guard["deploy"]["resources"]["limits"]["memory"].removesuffix("m"))
    assert limit >= first + (workers - 1) * further + workers * bodies


def test_the_arithmetic_of_the_sizing_page_is_right() -> None:
    """Each row of traffic comes to the cores that it says."""
    page = (DEPLOY.parent / "docs/pages/guides/sizing.md").read_text()
    rows = re.findall(r"\| ([(\d.][^|=]*) ÷ 0\.67 = ([\d.]+), so (\d+) \|", page)
    assert len(rows) >= 4
    for sums, told, cores in rows:
        terms = [math.prod(map(float, term.split(TIMES))) for term in sums.strip("()").split("+")]
        wanted = sum(terms) / 0.67
        assert wanted == pytest.approx(float(told), abs=0.05)
        assert math.ceil(wanted) == int(cores)
