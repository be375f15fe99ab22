"""The table of counters and histograms: what each says, by which labels, and the names that they had before.

Label values are rule ids, actions, routes and the like, never a client's words. Where their number is not bounded by this
program, the first so many have a series of their own, and all others together have one, `other`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from prometheus_client.utils import floatToGoString

BUCKETS: Final = (
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


COUNTERS: Final[Mapping[str, Family]] = {
    "guardrails_requests_total": Family(
        "Requests that were answered, by route, status and action.", ("route", "status", "action")
    ),
    "guardrails_checks_total": Family(
        "Checks, by stage, policy and result: allowed, blocked, masked, bypassed (it passed although a detector failed),"
        " unavailable (it could not be judged), or what rules in shadow would do: would_block, would_mask.",
        ("stage", "policy", "result"),
    ),
    "guardrails_decisions_total": Family(
        "Rules that fired, by id, stage, what they did and mode.", ("rule", "stage", "action", "mode")
    ),
    "guardrails_team_requests_total": Family(
        "Requests that were answered, by the team of their key and action.", ("team", "action")
    ),
    "guardrails_tokens_total": Family(
        "Tokens of answers, as upstreams count them, by the model that was asked for and kind: input or output.",
        ("model", "kind"),
    ),
    "guardrails_unavailable_total": Family(
        "Requests that could not be judged, by reason: capacity, timeout, service or crash.",
        ("reason", "route"),
    ),
    "guardrails_rule_seconds_total": Family(
        "Time that the conditions and exceptions of a rule took, by its id; without a finding most are not tried.",
        ("rule",),
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
    "guardrails_records_total": Family(
        "Decisions that were put on record, by result: written, or lost as they could not be.", ("result",)
    ),
    "guardrails_shed_total": Family("Requests that were refused because there was no room for them."),
    "guardrails_admission_refused_total": Family(
        "Those by what there was no room for: request (its checks would wait for too long), stream (too many are open) or"
        " concurrent (max_concurrent are under way).",
        ("kind",),
    ),
    "guardrails_findings_cache_hits_total": Family("Texts and pictures of which findings were remembered."),
    "guardrails_findings_cache_misses_total": Family("Texts and pictures of which nothing was remembered."),
    "guardrails_worker_deaths_total": Family(
        "Worker processes that were replaced, by why: signal, status (they ended by themselves) or silent.",
        ("why",),
    ),
    "guardrails_series_dropped_total": Family(
        "Events that could not be counted by their labels, as there is no room for more series."
    ),
    "process_cpu_seconds_total": Family("Processor time of the processes that serve."),
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
HISTOGRAMS: Final[Mapping[str, Family]] = {
    "guardrails_request_seconds": Family(
        "Time from the head of a request to the end of its answer, by route.", ("route",)
    ),
    "guardrails_first_token_seconds": Family(
        "Time from the head of a request to the first piece of a streamed answer, by route.", ("route",)
    ),
    "guardrails_held_seconds": Family(
        "Time for which text of a streamed answer was held until it was certain that it may go on."
    ),
    "guardrails_check_seconds": Family("Time that a check took, by stage.", ("stage",)),
    "guardrails_detector_seconds": Family(
        "Time that a detector took in one check, by its name; what was remembered takes none.", ("detector",)
    ),
    "guardrails_upstream_answer_seconds": Family(
        "Time from the request to an upstream to the end of its answer, by upstream and the model that was asked for.",
        ("upstream", "model"),
    ),
    "guardrails_upstream_seconds": Family("Time from the request to the upstream to the end of its answer."),
}


class OldName(NamedTuple):
    """A counter under the name that it had before, without labels that came later."""

    new: str
    labels: tuple[str, ...]

    @property
    def help(self) -> str:
        """What is said of it."""
        return f"Old name of {self.new}, without its other labels."


OLD: Final[Mapping[str, OldName]] = {
    "guardrails_rules_fired_total": OldName("guardrails_decisions_total", ("rule", "action", "mode")),
}
"""Names from before, which are shown beside the new."""

OTHER: Final = "other"
"""What stands in a label whose value has no series of its own."""

MOST: Final[Mapping[str, int]] = {
    "key": 256,
    "team": 256,
    "policy": 256,
    "model": 64,
    "upstream": 256,
    "rule": 1_024,
    "detector": 512,
}
"""Label → how many values of it a metric tells apart. All other labels have values that stand in this program."""

Labels = tuple[tuple[str, str], ...]
"""The labels of a series with their names, in the order in which they were given."""

BOUNDS: Final = (*map(floatToGoString, BUCKETS), "+Inf")
"""How the bounds of buckets are written."""
