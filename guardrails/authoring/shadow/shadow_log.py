"""Logs of what a policy decided and what another one would have, on the same contents: rows of JSON, written by `serve --shadow`,
read by `guardrails diff --decisions`.

    {"time": "2026-11-26T01:30:00.123Z", "id": "vd_…", "route": "/v1/chat/completions", "stage": "input", "tenant": null,
     "model": "m", "ended": true,
     "live": {"policy": {"name": …, "version": …, "digest": …}, "action": "allow", "rules": [], "shadow": [], "failed": []},
     "shadow": {"policy": …, "action": "block", "rules": [{"id": "x", "action": "block", "categories": ["hate"]}], …},
     "otherwise": false, "took_ms": 1.2}
    {"time": …, "dropped": 12, "why": "queue_full"}            contents that the other policy did not judge

`id` is that of the live verdict, which the answer's headers carry. `ended` is false of what there was of an answer that the live
policy stopped. `otherwise` says that both redacted, and not the same. With
`content` in it a row is one of traffic, too (`authoring/rows.py`).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from guardrails.authoring.diff.traffic.decisions import Decision, read_decision
from guardrails.authoring.diff.traffic.effects import ChangeEffects, TrafficExample
from guardrails.authoring.rows import read_lines
from guardrails.errors import GuardrailsError
from guardrails.types import PolicyRef


class DecisionLogError(GuardrailsError):
    """A line that is none of a log; the message names file, line, cause and cure."""


def make_log_row(
    at: Mapping[str, Any],
    live: tuple[PolicyRef, Decision],
    shadow: tuple[PolicyRef, Decision],
    took_ms: float,
) -> dict[str, Any]:
    """Return a row of a log: `at` says when, where and for whom."""
    sides = {
        name: {"policy": ref.to_dict(), **decided.to_dict()}
        for name, (ref, decided) in (("live", live), ("shadow", shadow))
    }
    before, after = live[1].left, shadow[1].left
    otherwise = before is not None and after is not None and before != after
    return {**at, **sides, "otherwise": otherwise, "took_ms": round(took_ms, 3)}


def compare_log(
    path: str | Path,
    effects: ChangeEffects,
    digests: tuple[str, str] | None = None,
    *,
    watch: Callable[[ChangeEffects], None] = lambda effects: None,
) -> list[str]:
    """Add what a log says to `effects`; return warnings.

    Args:
        path: the log; also .gz, or `-` for standard input.
        effects: takes it.
        digests: those of the two policies that are meant: what others decided is left out, and said.
        watch: is told how far it is.

    Raises:
        DecisionLogError: it has a line that is none, or none at all.
        RowError: it cannot be read.
    """
    left_out = torn = count = 0
    held = ""
    for number, line in enumerate(read_lines(path), 1):
        count += 1
        if torn:
            raise _wrong(path, number - 1, held)
        if not line.strip():
            continue
        try:
            left_out += _add(json.loads(line), f"{path}:{number}", effects, digests)
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            if line.endswith("\n"):
                raise _wrong(path, number, f"{type(error).__name__}") from error
            torn, held = 1, "cut off"  # whoever writes it is not done with it
        watch(effects)
    if not count:
        raise DecisionLogError(f"{path}: is empty; it grows while `guardrails serve --shadow` has traffic")
    told = []
    if left_out:
        told.append(f"{path}: {left_out:,} rows are of other versions of the policies, and left out")
    if torn:
        told.append(f"{path}: its last line was cut off, and is left out")
    return told


def _wrong(path: str | Path, number: int, why: str) -> DecisionLogError:
    return DecisionLogError(
        f"{path}:{number}: is no row of a log of decisions ({why}); give one that `guardrails serve --shadow` wrote"
    )


def _add(data: Any, place: str, effects: ChangeEffects, digests: tuple[str, str] | None) -> bool:
    """Add one row; return whether it is of other policies than those that are meant."""
    if "dropped" in data:
        why, count = str(data.get("why", "dropped")), int(data["dropped"])
        if count < 1:
            raise ValueError(count)
        effects.fail(TrafficExample(place, ""), {"new": why}, count)
        return False
    live, shadow = data["live"], data["shadow"]
    refs = live["policy"], shadow["policy"]
    if digests is not None and tuple(ref["digest"] for ref in refs) != digests:
        return True
    case = TrafficExample(
        place,
        str(data["stage"]),
        tenant=data.get("tenant"),
        route=data.get("route"),
        policies=" → ".join(f"{ref['name']} {ref['version']} {ref['digest'][7:15]}" for ref in refs),
        id=data.get("id"),
    )
    if "error" in shadow:
        effects.fail(case, {"new": str(shadow["error"])})
        return False
    old, new = read_decision(live), read_decision(shadow)
    if data.get("otherwise"):
        old, new = mark_replaced(old, "live"), mark_replaced(new, "shadow")
    effects.add(case, old, new)
    return False


def mark_replaced(decided: Decision, left: str) -> Decision:
    """Return a decision of which is known that something else is left than of another."""
    return Decision(decided.action, decided.rules, decided.shadow, decided.failed, left)
