"""The metrics of a server, in Prometheus' text format: what all of its processes counted, whichever of them is asked.

What is counted lies in memory that they share (`counting`). Gauges are read when one asks; those of other processes are as of a
second ago, and are added up, or the worst of them is shown.
"""

from __future__ import annotations

import json
import logging
import os
import platform
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from time import process_time, time
from typing import Final, NamedTuple

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from guardrails.engine.core.findings_cache import CACHES
from guardrails.engine.core.worker_pool import workers
from guardrails.proxy.access.capacity.account import CapacityAccount
from guardrails.proxy.server.counting.process import count_files, limit_files, resident_bytes
from guardrails.proxy.server.counting.results import result_of
from guardrails.proxy.server.counting.series import Series, Values, add_time
from guardrails.proxy.server.counting.slots import Slots, create_slots
from guardrails.proxy.server.counting.tokens import TokenCount
from guardrails.types import PolicyRef, Stage, Verdict

LOG = logging.getLogger("guardrails.proxy")

PROCESSOR: Final = "process_cpu_seconds_total"
HITS: Final = "guardrails_findings_cache_hits_total"
MISSES: Final = "guardrails_findings_cache_misses_total"
RECORDS: Final = "guardrails_records_total"

SHOW_S: Final = 1.0
"""How often a process shows others its gauges."""

Shown = Mapping[Values, float]
"""The series of a gauge."""

Labels = tuple[tuple[str, str], ...]
"""The labels of a counter, each with its value."""

Merge = Callable[[Iterable[float]], float]


class RecordCounts(NamedTuple):
    """What became of the records of decisions of one process: so many were `written`, or `lost` as they could not be; and so many
    bytes wait for their store.
    """

    written: int = 0
    lost: int = 0
    waiting_bytes: int = 0


class GaugeFamily(NamedTuple):
    """A gauge: its help text, its value in one process, by the values of its labels or alone, and what is shown of several."""

    help: str
    read: Callable[[Metrics], float | Shown]
    merge: Merge = sum
    labels: tuple[str, ...] = ()


GAUGES: Final[Mapping[str, GaugeFamily]] = {
    "guardrails_in_flight": GaugeFamily("Requests under way.", lambda metrics: metrics.in_flight),
    "guardrails_connections": GaugeFamily(
        "Open connections of clients.", lambda metrics: metrics.connections()
    ),
    "guardrails_event_loop_delay_seconds": GaugeFamily(
        "Longest time of the last minute for which the event loop could serve nobody.",
        lambda metrics: metrics.loop_delay_s(),
        max,
    ),
    "guardrails_reload_failed": GaugeFamily(
        "Whether the policy's files could not be loaded: the policy from before is served.",
        lambda metrics: metrics.reload_failed,
        max,
    ),
    "guardrails_reload_held": GaugeFamily(
        "Whether the policy's files wait for SIGHUP, as they are weaker: the policy from before is served.",
        lambda metrics: metrics.reload_held,
        max,
    ),
    "guardrails_workers_abandoned": GaugeFamily(
        "Workers stuck in a detector that ran out of time.",
        lambda metrics: workers().abandoned,
    ),
    "guardrails_workers_waiting": GaugeFamily(
        "Jobs that wait for a worker.", lambda metrics: workers().waiting
    ),
    "guardrails_admission_expected_wait_seconds": GaugeFamily(
        "Time for which another request would wait before its checks begin.",
        lambda metrics: 0.0 if metrics.capacity is None else metrics.capacity.delay_s,
        max,
    ),
    "guardrails_admission_stream_load": GaugeFamily(
        "Part of the machine that open streams take.",
        lambda metrics: 0.0 if metrics.capacity is None else metrics.capacity.stream_load,
        max,
    ),
    "guardrails_admission_cores": GaugeFamily(
        "Processor cores that checks can use at a time.",
        lambda metrics: 0.0 if metrics.capacity is None else metrics.capacity.speed.usable_cores,
    ),
    "guardrails_admission_gain": GaugeFamily(
        "How much more is let in than clocks say that the machine can do, or less, where work is late.",
        lambda metrics: 0.0 if metrics.capacity is None else metrics.capacity.speed.gain,
        min,
    ),
    "guardrails_shadow_waiting": GaugeFamily(
        "Contents that wait for the shadow policy.",
        lambda metrics: metrics.shadow_waiting(),
    ),
    "guardrails_records_waiting_bytes": GaugeFamily(
        "Size of the records that wait in the journal for their store.",
        lambda metrics: metrics.records().waiting_bytes,
    ),
    "guardrails_queue_wait_seconds": GaugeFamily(
        "Time for which the job that waits longest has waited for a worker.",
        lambda metrics: workers().delay_s,
        max,
    ),
    "guardrails_upstream_up": GaugeFamily(
        "Whether an upstream is up, as far as its last answers tell.",
        lambda metrics: {(name,): float(is_up()) for name, is_up in metrics.upstreams.copy().items()},
        min,
        ("upstream",),
    ),
    "guardrails_policy_info": GaugeFamily(
        "The policies that are served, by digest.",
        lambda metrics: dict.fromkeys(metrics.policies, 1.0),
        max,
        ("part", "name", "version", "digest"),
    ),
    "guardrails_build_info": GaugeFamily(
        "What serves: its version, and that of Python.",
        lambda metrics: {(metrics.version, platform.python_version()): 1.0},
        max,
        ("version", "python"),
    ),
    "guardrails_worker_processes": GaugeFamily("Processes that serve.", lambda metrics: 1.0),
    "guardrails_draining": GaugeFamily(
        "Whether the server was told to end.", lambda metrics: metrics.draining(), max
    ),
    "process_resident_memory_bytes": GaugeFamily(
        "Memory of the processes that serve; what they share counts for each.",
        lambda metrics: resident_bytes(),
    ),
    "process_open_fds": GaugeFamily("Files that they have open.", lambda metrics: count_files(), max),
    "process_max_fds": GaugeFamily("Files that each may have open.", lambda metrics: limit_files(), min),
    "process_start_time_seconds": GaugeFamily(
        "When the first of them started, in seconds since 1970.", lambda metrics: metrics.started, min
    ),
}
"""What is read when one asks."""


TOTAL: Final = "total"
"""Under which timings hold what all of a check took."""


class Metrics:
    """The metrics of one process, and of the others with which it shares memory. Counted from its event loop alone.

    Attributes:
        in_flight: requests that are there as a whole and not yet answered.
        connections: returns how many connections of clients are open.
        loop_delay_s: returns the longest delay of the event loop in the last minute, in seconds.
        shadow_waiting: returns how many contents wait for the shadow policy.
        draining: returns whether the server was told to end.
        records: returns what became of the records of this process.
        capacity: what is promised, and what the machine does; None where nobody keeps an account.
        reload_failed: whether the last change of the policy could not be loaded.
        reload_held: whether it waits for the operator.
        upstreams: tells of each upstream by name whether it is up.
        policies: part, name, version and digest of each policy that is served.
        version: that of this program.
        started: when this process began to count.
    """

    def __init__(self, slots: Slots | None = None, version: str = "") -> None:
        self.in_flight: int = 0
        self.connections: Callable[[], int] = int
        self.loop_delay_s: Callable[[], float] = float
        self.shadow_waiting: Callable[[], int] = int
        self.draining: Callable[[], bool] = bool
        self.records: Callable[[], RecordCounts] = RecordCounts
        self.capacity: CapacityAccount | None = None
        self.reload_failed: bool = False
        self.reload_held: bool = False
        self.upstreams: dict[str, Callable[[], bool]] = {}
        self.policies: tuple[Values, ...] = ()
        self.version: str = version
        self.started: float = time()
        self._slots = slots or create_slots(1)
        self._slot = self._slots.own_slot
        self._slot.claim(os.getpid())
        self._series = Series(self._slots)
        self._sampled: dict[tuple[str, Labels], float] = {
            (HITS, ()): CACHES.hits,
            (MISSES, ()): CACHES.misses,
        }
        self._lock = threading.Lock()
        self._check_times: dict[Stage, memoryview[float]] = {}
        self._registry = CollectorRegistry()
        self._registry.register(_Page(self))

    def count(self, name: str, by: float = 1.0, /, **labels: str) -> None:
        """Count an event, or several; raises `ValueError` for labels that the counter does not have."""
        self._series.count(name, tuple(labels.items()), by)

    def declare(self, name: str, **labels: str) -> None:
        """Show a counter from the start, at zero; raises `ValueError` for labels that it does not have."""
        self._series.declare(name, tuple(labels.items()))

    def observe(self, name: str, seconds: float, **labels: str) -> None:
        """Count one duration; raises `ValueError` for labels that the histogram does not have."""
        self._series.observe(name, seconds, tuple(labels.items()))

    def watch_upstream(self, name: str, is_up: Callable[[], bool]) -> None:
        """Show whether an upstream is up at the time of a scrape."""
        self.upstreams[name] = is_up

    def forget_upstream(self, name: str) -> None:
        """Show an upstream no more."""
        self.upstreams.pop(name, None)

    def show_policies(self, policies: Iterable[tuple[str, PolicyRef]]) -> None:
        """Show which policies are served, each with its part (policy, floor or shadow), instead of those from before."""
        self.policies = tuple((part, ref.name, ref.version, ref.digest) for part, ref in policies)

    def count_verdict(self, verdict: Verdict, seconds: float) -> None:
        """Count what one check says."""
        series, stage = self._check_times.get(verdict.stage), verdict.stage.value
        if series is None:
            series = self._series.histogram("guardrails_check_seconds", (("stage", stage),))
            self._check_times[verdict.stage] = series
        add_time(series, seconds)
        result = result_of(verdict)
        self.count("guardrails_checks_total", stage=stage, policy=verdict.policy.name, result=result)
        for rule in (*verdict.rules, *verdict.shadow):
            self.count(
                "guardrails_decisions_total",
                rule=rule.id,
                stage=stage,
                action=str(rule.action),
                mode=rule.mode.value,
            )
        for failure in verdict.errors:
            self.count("guardrails_detector_failures_total", detector=failure.detector)
        for name, took_ms in verdict.timings_ms.items():
            if name != TOTAL:
                self.observe("guardrails_detector_seconds", took_ms / 1000.0, detector=name)
        for name, took_ms in verdict.rule_timings_ms.items():
            self.count("guardrails_rule_seconds_total", took_ms / 1000.0, rule=name)

    def count_tokens(self, model: str | None, tokens: TokenCount) -> None:
        """Count what an answer of a model took."""
        for kind, count in zip(("input", "output"), tokens.counts, strict=True):
            if count:
                self.count("guardrails_tokens_total", count, model=model or "", kind=kind)

    @contextmanager
    def shown_to_others(self) -> Iterator[None]:
        """Show other processes how this one is within a block, where there are others."""
        ended = threading.Event()

        def show() -> None:
            while not ended.wait(SHOW_S):
                self.show()

        if len(self._slots.all) == 1:
            yield
            return
        self.show()
        thread = threading.Thread(target=show, name="guardrails-gauges", daemon=True)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()

    def show(self) -> None:
        """Show other processes how this one is by now."""
        self._sample()
        rows = {name: [[*values, value] for values, value in self._read(name).items()] for name in GAUGES}
        if not self._slot.write_state(json.dumps(rows).encode()):
            LOG.warning(
                "this process has too many upstreams or policies to show them: gauges are as they were"
            )

    def _sample(self) -> None:
        """Count what others count for this process, since it was last looked at."""
        records = self.records()
        found: dict[tuple[str, Labels], float] = {
            (PROCESSOR, ()): process_time(),
            (HITS, ()): CACHES.hits,
            (MISSES, ()): CACHES.misses,
            (RECORDS, (("result", "written"),)): records.written,
            (RECORDS, (("result", "lost"),)): records.lost,
        }
        with self._lock:
            for (name, labels), value in found.items():
                self._series.count(name, labels, value - self._sampled.get((name, labels), 0.0))
            self._sampled = found

    def _read(self, name: str) -> Shown:
        value = GAUGES[name].read(self)
        return value if isinstance(value, Mapping) else {(): float(value)}

    def gauges(self) -> Iterator[Metric]:
        """Yield the gauges, of all processes."""
        self._sample()
        others = [
            json.loads(raw)
            for slot in self._slots.all
            if slot is not self._slot and (raw := slot.read_state())
        ]
        for name, family in GAUGES.items():
            found = {values: [value] for values, value in self._read(name).items()}
            for state in others:
                for *values, value in state.get(name, ()):
                    found.setdefault(tuple(values), []).append(value)
            gauge = GaugeMetricFamily(name, family.help, labels=family.labels)
            for each, all_values in found.items():
                gauge.add_metric(each, family.merge(all_values))
            yield gauge

    def collect(self) -> Iterator[Metric]:
        """Yield everything."""
        gauges = [*self.gauges()]
        yield from self._series.sums.collect()
        yield from gauges

    def text(self) -> str:
        """Return everything in Prometheus' text format."""
        return generate_latest(self._registry).decode()


class _Page(Collector):
    """What a scrape reads."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def collect(self) -> Iterator[Metric]:
        return self._metrics.collect()
