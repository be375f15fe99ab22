"""What a server counts: events in, Prometheus text out.

Labels are rule ids, actions and the like, never a client's words, so that their number is bounded.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable, Mapping

from guardrails.engine.core.worker_pool import workers
from guardrails.types import PolicyRef, Verdict

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

Labels = tuple[tuple[str, str], ...]

COUNTERS: Mapping[str, str] = {
    "guardrails_requests_total": "Requests that were answered, by route, status and action.",
    "guardrails_rules_fired_total": "Rules that fired, by id, what they did and mode.",
    "guardrails_detector_failures_total": "Contents that a detector failed on.",
    "guardrails_parallel_total": "Requests under a policy with parallel, by when they were sent: beside their check or after.",
    "guardrails_reloads_total": "Loads of a policy whose files changed, by result: loaded, unchanged, failed or held.",
    "guardrails_denied_total": "Requests that were not let in, by the code of their error.",
    "guardrails_connections_closed_total": "Connections that were refused, or closed because the client is too slow, by reason.",
    "guardrails_clients_total": "Requests that were let in, by the id of their key.",
    "guardrails_fetches_total": "Pictures of which there was only the address, by result: fetched, or left.",
    "guardrails_films_total": "Films that were asked for, by how they went out: whole, relayed, broken_off, or blocked at once.",
    "guardrails_shadow_decisions_total": "Contents that the shadow policy judged, by stage and by how its decision differs.",
    "guardrails_shadow_rules_total": "Rules of the shadow policy that fired, by id and what they would have done.",
    "guardrails_shadow_dropped_total": "Contents that the shadow policy did not judge, by why.",
    "guardrails_shadow_failures_total": "Contents that the shadow policy could not judge, by error.",
    "guardrails_shadow_unwritten_total": "Rows of the log of decisions that could not be written.",
    "guardrails_shed_total": "Requests that were refused because too many were under way.",
    "guardrails_upstream_requests_total": "Requests that were sent to an upstream, by its name; each try is one.",
    "guardrails_upstream_retries_total": "Those of them that another try had gone before.",
    "guardrails_upstream_failures_total": "Those of them that failed: unreachable, timeout, broken or a status.",
}
HISTOGRAMS: Mapping[str, str] = {
    "guardrails_check_seconds": "Time that a check took, by stage.",
    "guardrails_upstream_seconds": "Time from the request to the upstream to the end of its answer.",
}


class Histogram:
    """Counts of durations by bucket."""

    def __init__(self) -> None:
        self.counts = [0] * (len(BUCKETS) + 1)
        self.total = 0.0

    def observe(self, seconds: float) -> None:
        """Count one duration."""
        self.counts[bisect_left(BUCKETS, seconds)] += 1
        self.total += seconds


class Metrics:
    """The numbers of one process. Used from its event loop alone."""

    def __init__(self) -> None:
        self.in_flight = 0
        """Requests that are there as a whole and not yet answered."""
        self.connections: Callable[[], int] = int
        """Returns how many connections of clients are open."""
        self.policies: tuple[tuple[str, PolicyRef], ...] = ()
        """The policies that are served, and the floor if there is one, each with which of these it is."""
        self.reload_failed = False
        self.reload_held = False
        self.shadow_waiting: Callable[[], int] = int
        """Returns how many contents wait for the shadow policy."""
        self.upstreams: Callable[[], Mapping[str, bool]] = dict
        """Returns of each upstream by name whether it is up."""
        self._counters: dict[str, Counter[Labels]] = {name: Counter() for name in COUNTERS}
        self._histograms: dict[str, dict[Labels, Histogram]] = {name: {} for name in HISTOGRAMS}

    def count(self, name: str, **labels: str) -> None:
        """Count one event."""
        self._counters[name][tuple(labels.items())] += 1

    def observe(self, name: str, seconds: float, **labels: str) -> None:
        """Count one duration."""
        histograms, key = self._histograms[name], tuple(labels.items())
        if key not in histograms:
            histograms[key] = Histogram()
        histograms[key].observe(seconds)

    def checked(self, verdict: Verdict, seconds: float) -> None:
        """Count what one check says."""
        self.observe("guardrails_check_seconds", seconds, stage=verdict.stage.value)
        for rule in (*verdict.rules, *verdict.shadow):
            self.count(
                "guardrails_rules_fired_total", rule=rule.id, action=str(rule.action), mode=rule.mode.value
            )
        for failure in verdict.errors:
            self.count("guardrails_detector_failures_total", detector=failure.detector)

    def text(self) -> str:
        """Write everything in Prometheus' text format."""
        gauges = {
            "guardrails_in_flight": ("Requests under way.", self.in_flight),
            "guardrails_connections": ("Open connections of clients.", self.connections()),
            "guardrails_reload_failed": (
                "Whether the policy's files could not be loaded: the policy from before is served.",
                int(self.reload_failed),
            ),
            "guardrails_reload_held": (
                "Whether the policy's files wait for SIGHUP, as they are weaker: the policy from before is served.",
                int(self.reload_held),
            ),
            "guardrails_workers_abandoned": (
                "Workers stuck in a detector that ran out of time.",
                workers().abandoned,
            ),
            "guardrails_workers_waiting": ("Jobs that wait for a worker.", workers().waiting),
            "guardrails_shadow_waiting": ("Contents that wait for the shadow policy.", self.shadow_waiting()),
        }
        lines: list[str] = []
        for name, help_ in COUNTERS.items():
            lines += _head(name, help_, "counter")
            lines += [
                f"{name}{_labels(labels)} {value}" for labels, value in sorted(self._counters[name].items())
            ]
        for name, help_ in HISTOGRAMS.items():
            lines += _head(name, help_, "histogram")
            for labels, histogram in sorted(self._histograms[name].items()):
                lines += _buckets(name, labels, histogram)
        for name, (help_, value) in gauges.items():
            lines += [*_head(name, help_, "gauge"), f"{name} {value}"]
        lines += _head(
            "guardrails_upstream_up", "Whether an upstream is up, as far as its last answers tell.", "gauge"
        )
        for name, up in self.upstreams().items():
            lines.append(f"guardrails_upstream_up{_labels((('upstream', name),))} {int(up)}")
        lines += _head("guardrails_policy_info", "The policies that are served, by digest.", "gauge")
        for part, ref in self.policies:
            labels = (("part", part), ("name", ref.name), ("version", ref.version), ("digest", ref.digest))
            lines.append(f"guardrails_policy_info{_labels(labels)} 1")
        return "\n".join((*lines, ""))


def _head(name: str, help_: str, type_: str) -> list[str]:
    return [f"# HELP {name} {help_}", f"# TYPE {name} {type_}"]


def _buckets(name: str, labels: Labels, histogram: Histogram) -> Iterable[str]:
    below = 0
    for bound, count in zip((*map(str, BUCKETS), "+Inf"), histogram.counts, strict=True):
        below += count
        yield f"{name}_bucket{_labels((*labels, ('le', bound)))} {below}"
    yield f"{name}_sum{_labels(labels)} {histogram.total:.6f}"
    yield f"{name}_count{_labels(labels)} {below}"


def _labels(labels: Labels) -> str:
    if not labels:
        return ""
    quoted = (
        (name, value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")) for name, value in labels
    )
    return "{" + ",".join(f'{name}="{value}"' for name, value in quoted) + "}"
