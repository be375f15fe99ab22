"""The metrics of one server process, in Prometheus' text format.

Label values are rule ids, actions, routes and the like, never a client's words, so that the number of series is bounded.
Each worker process has metrics of its own, and answers `/metrics` with those.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from itertools import accumulate
from typing import NamedTuple

from prometheus_client import CollectorRegistry, Gauge, generate_latest
from prometheus_client.metrics_core import CounterMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

from guardrails.engine.core.worker_pool import workers
from guardrails.proxy.access.capacity.account import CapacityAccount
from guardrails.types import PolicyRef, Stage, Verdict

BUCKETS = (
    0.0001,
    0.00025,
    0.0005,
    0.001,
    0.0025,
    0.005,
    0.01,
    0.025,
    0.05,
    0.1,
    0.25,
    0.5,
    1.0,
    2.5,
    5.0,
    10.0,
    30.0,
    120.0,
)
"""Upper bounds of the histograms' buckets, in seconds."""


class Family(NamedTuple):
    """A metric: its help text and the names of its labels."""

    help: str
    labels: tuple[str, ...] = ()


COUNTERS: Mapping[str, Family] = {
    "guardrails_requests_total": Family(
        "Requests that were answered, by route, status and action.", ("route", "status", "action")
    ),
    "guardrails_rules_fired_total": Family(
        "Rules that fired, by id, what they did and mode.", ("rule", "action", "mode")
    ),
    "guardrails_unavailable_total": Family(
        "Requests that could not be judged, by reason: capacity, timeout, service or crash.",
        ("reason", "route"),
    ),
    "guardrails_detector_failures_total": Family("Contents that a detector failed on.", ("detector",)),
    "guardrails_parallel_total": Family(
        "Requests under a policy with parallel, by when they were sent: beside their check or after.",
        ("sent",),
    ),
    "guardrails_reasks_total": Family(
        "Answers in a wrong format for which the model was asked again, by API.", ("api",)
    ),
    "guardrails_reloads_total": Family(
        "Loads of a policy whose files changed, by result: loaded, unchanged, failed or held.", ("result",)
    ),
    "guardrails_denied_total": Family(
        "Requests that were not let in, by the code of their error.", ("code",)
    ),
    "guardrails_connections_closed_total": Family(
        "Connections that were refused, or closed because the client is too slow, by reason.", ("reason",)
    ),
    "guardrails_clients_total": Family("Requests that were let in, by the id of their key.", ("key",)),
    "guardrails_fetches_total": Family(
        "Pictures of which there was only the address, by result: fetched, or left.", ("result",)
    ),
    "guardrails_films_total": Family(
        "Films that were asked for, by how they went out: whole, relayed, broken_off, or blocked at once.",
        ("how",),
    ),
    "guardrails_shadow_decisions_total": Family(
        "Contents that the shadow policy judged, by stage and by how its decision differs.", ("stage", "turn")
    ),
    "guardrails_shadow_rules_total": Family(
        "Rules of the shadow policy that fired, by id and what they would have done.", ("rule", "action")
    ),
    "guardrails_shadow_dropped_total": Family(
        "Contents that the shadow policy did not judge, by why.", ("why",)
    ),
    "guardrails_shadow_failures_total": Family(
        "Contents that the shadow policy could not judge, by error.", ("error",)
    ),
    "guardrails_shadow_unwritten_total": Family("Rows of the log of decisions that could not be written."),
    "guardrails_shed_total": Family("Requests that were refused because there was no room for them."),
    "guardrails_admission_refused_total": Family(
        "Those by what there was no room for: request (its checks would wait for too long), stream (too many are open) or"
        " concurrent (max_concurrent are under way).",
        ("kind",),
    ),
    "guardrails_upstream_requests_total": Family(
        "Requests that were sent to an upstream, by its name; each try is one.", ("upstream",)
    ),
    "guardrails_upstream_retries_total": Family(
        "Those of them that another try had gone before.", ("upstream",)
    ),
    "guardrails_upstream_failures_total": Family(
        "Those of them that failed: unreachable, timeout, broken or a status.", ("upstream", "why")
    ),
}
HISTOGRAMS: Mapping[str, Family] = {
    "guardrails_check_seconds": Family("Time that a check took, by stage.", ("stage",)),
    "guardrails_upstream_seconds": Family("Time from the request to the upstream to the end of its answer."),
}
GAUGES: Mapping[str, tuple[str, Callable[[Metrics], float]]] = {
    "guardrails_in_flight": ("Requests under way.", lambda metrics: metrics.in_flight),
    "guardrails_connections": ("Open connections of clients.", lambda metrics: metrics.connections()),
    "guardrails_event_loop_delay_seconds": (
        "Longest time of the last minute for which the event loop could serve nobody.",
        lambda metrics: metrics.loop_delay_s(),
    ),
    "guardrails_reload_failed": (
        "Whether the policy's files could not be loaded: the policy from before is served.",
        lambda metrics: metrics.reload_failed,
    ),
    "guardrails_reload_held": (
        "Whether the policy's files wait for SIGHUP, as they are weaker: the policy from before is served.",
        lambda metrics: metrics.reload_held,
    ),
    "guardrails_workers_abandoned": (
        "Workers stuck in a detector that ran out of time.",
        lambda metrics: workers().abandoned,
    ),
    "guardrails_workers_waiting": ("Jobs that wait for a worker.", lambda metrics: workers().waiting),
    "guardrails_admission_expected_wait_seconds": (
        "Time for which another request would wait before its checks begin.",
        lambda metrics: 0.0 if metrics.capacity is None else metrics.capacity.delay_s,
    ),
    "guardrails_admission_stream_load": (
        "Part of the machine that open streams take.",
        lambda metrics: 0.0 if metrics.capacity is None else metrics.capacity.stream_load,
    ),
    "guardrails_admission_cores": (
        "Processor cores that checks can use at a time.",
        lambda metrics: 0.0 if metrics.capacity is None else metrics.capacity.speed.usable_cores,
    ),
    "guardrails_admission_gain": (
        "How much more is let in than clocks say that the machine can do, or less, where work is late.",
        lambda metrics: 0.0 if metrics.capacity is None else metrics.capacity.speed.gain,
    ),
    "guardrails_shadow_waiting": (
        "Contents that wait for the shadow policy.",
        lambda metrics: metrics.shadow_waiting(),
    ),
}
"""Name → help text, and the value at the time of a scrape."""

Labels = tuple[tuple[str, str], ...]
"""The labels of a series with their names, in the order in which they were given."""

BOUNDS = (*map(floatToGoString, BUCKETS), "+Inf")


class Series(Collector):
    """The counters and histograms of one application. The library's own take locks, and check each time what holds for ever: ten
    times as long, and each request counts half a dozen.
    """

    def __init__(self) -> None:
        self._counts: dict[str, dict[tuple[str, ...], list[float]]] = {
            name: {} if family.labels else {(): [0.0]} for name, family in COUNTERS.items()
        }
        self._times: dict[str, dict[tuple[str, ...], list[float]]] = {
            name: {} if family.labels else {(): _no_times()} for name, family in HISTOGRAMS.items()
        }
        self._found: dict[tuple[str, Labels], list[float]] = {}

    def count(self, name: str, labels: Labels) -> None:
        """Count one event; raises `ValueError` for labels that the counter does not have."""
        cell = self._found.get((name, labels))
        if cell is None:
            values = _label_values(COUNTERS[name], labels)
            cell = self._found[name, labels] = self._counts[name].setdefault(values, [0.0])
        cell[0] += 1.0

    def observe(self, name: str, seconds: float, labels: Labels) -> None:
        """Count one duration; raises `ValueError` for labels that the histogram does not have."""
        add_time(self.histogram(name, labels), seconds)

    def histogram(self, name: str, labels: Labels) -> list[float]:
        """Return one series of a histogram, for `add_time`; raises `ValueError` for labels that the histogram does not have."""
        cell = self._found.get((name, labels))
        if cell is None:
            values = _label_values(HISTOGRAMS[name], labels)
            cell = self._found[name, labels] = self._times[name].setdefault(values, _no_times())
        return cell

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics."""
        for name, family in COUNTERS.items():
            counter = CounterMetricFamily(name, family.help, labels=family.labels)
            for values, (count,) in self._counts[name].copy().items():
                counter.add_metric(values, count)
            yield counter
        for name, family in HISTOGRAMS.items():
            histogram = HistogramMetricFamily(name, family.help, labels=family.labels)
            for values, (*counts, total) in self._times[name].copy().items():
                histogram.add_metric(values, [*zip(BOUNDS, accumulate(counts), strict=True)], total)
            yield histogram


def add_time(series: list[float], seconds: float) -> None:
    """Count one duration in a series of a histogram."""
    series[bisect_left(BUCKETS, seconds)] += 1.0
    series[-1] += seconds


def _no_times() -> list[float]:
    """Return a histogram without a duration: how many are in each bucket, and the sum of all."""
    return [0.0] * (len(BOUNDS) + 1)


def _label_values(family: Family, labels: Labels) -> tuple[str, ...]:
    """Return the values of labels in the order of their family; raises `ValueError` where it has other labels."""
    given = dict(labels)
    if given.keys() != set(family.labels):
        raise ValueError(
            f"the labels are {', '.join(family.labels) or 'none'}, not {', '.join(given) or 'none'}"
        )
    return tuple(given[name] for name in family.labels)


class Metrics:
    """The metrics of one process. Counted from its event loop alone.

    Attributes:
        in_flight: requests that are there as a whole and not yet answered.
        connections: returns how many connections of clients are open.
        loop_delay_s: returns the longest delay of the event loop in the last minute, in seconds.
        shadow_waiting: returns how many contents wait for the shadow policy.
        capacity: what is promised, and what the machine does; None where nobody keeps an account.
        reload_failed: whether the last change of the policy could not be loaded.
        reload_held: whether it waits for the operator.
    """

    def __init__(self) -> None:
        self.in_flight: int = 0
        self.connections: Callable[[], int] = int
        self.loop_delay_s: Callable[[], float] = float
        self.shadow_waiting: Callable[[], int] = int
        self.capacity: CapacityAccount | None = None
        self.reload_failed: bool = False
        self.reload_held: bool = False
        self._registry = CollectorRegistry()
        self._series = Series()
        self._check_times: dict[Stage, list[float]] = {}
        self._registry.register(self._series)
        for name, (help_, read) in GAUGES.items():
            Gauge(name, help_, registry=self._registry).set_function(partial(read, self))
        self._upstreams = Gauge(
            "guardrails_upstream_up",
            "Whether an upstream is up, as far as its last answers tell.",
            ("upstream",),
            registry=self._registry,
        )
        self._policies = Gauge(
            "guardrails_policy_info",
            "The policies that are served, by digest.",
            ("part", "name", "version", "digest"),
            registry=self._registry,
        )

    def count(self, name: str, **labels: str) -> None:
        """Count one event; raises `ValueError` for labels that the counter does not have."""
        self._series.count(name, tuple(labels.items()))

    def observe(self, name: str, seconds: float, **labels: str) -> None:
        """Count one duration; raises `ValueError` for labels that the histogram does not have."""
        self._series.observe(name, seconds, tuple(labels.items()))

    def watch_upstream(self, name: str, is_up: Callable[[], bool]) -> None:
        """Show whether an upstream is up at the time of a scrape."""
        self._upstreams.labels(upstream=name).set_function(is_up)

    def show_policies(self, policies: Iterable[tuple[str, PolicyRef]]) -> None:
        """Show which policies are served, each with its part (policy, floor or shadow), instead of those from before."""
        self._policies.clear()
        for part, ref in policies:
            self._policies.labels(part, ref.name, ref.version, ref.digest).set(1)

    def count_verdict(self, verdict: Verdict, seconds: float) -> None:
        """Count what one check says."""
        series = self._check_times.get(verdict.stage)
        if series is None:
            labels = (("stage", verdict.stage.value),)
            series = self._series.histogram("guardrails_check_seconds", labels)
            self._check_times[verdict.stage] = series
        add_time(series, seconds)
        for rule in (*verdict.rules, *verdict.shadow):
            self.count(
                "guardrails_rules_fired_total", rule=rule.id, action=str(rule.action), mode=rule.mode.value
            )
        for failure in verdict.errors:
            self.count("guardrails_detector_failures_total", detector=failure.detector)

    def text(self) -> str:
        """Return everything in Prometheus' text format."""
        return generate_latest(self._registry).decode()
