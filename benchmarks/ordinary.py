"""What the default policy stops of ordinary traffic, rule by rule.

    python benchmarks/ordinary.py                  # prompts of frameworks, objects and arguments: about three minutes
    python benchmarks/ordinary.py --data DIR       # and the harmless texts of DIR/dev/natural_benign_*.jsonl.gz
    python benchmarks/ordinary.py --show 5         # with the first five that each rule stops; --json for programs

Nothing here should be stopped: prompt templates of released frameworks, taken from their wheels (`ordinary_prompts.py`), each as
a system message and as a user's; structured objects and argument sets (`ordinary_objects.py`), checked and handed to a wrapped
function; and, where there is a folder, natural texts. The exit status is 1 where more is stopped than a bar allows.
"""

from __future__ import annotations

import argparse
import gzip
import json
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ordinary_objects
import ordinary_prompts
from guardrails import Blocked, Guard
from guardrails.errors import GuardrailsError
from measure import machine, table

BARS = {
    "prompts as system messages": 0.01,
    "prompts as user messages": 0.04,
    "objects, checked": 0.005,
    "objects, as arguments": 0.005,
    "natural texts": 0.01,
}
"""The share of each kind that may be stopped."""
Judge = Callable[[Any], tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Case:
    """One thing that passes through a guard: its kind, the part of the kind that it belongs to, and what it is."""

    kind: str
    part: str
    given: Any


def blocked_by(guard: Guard, content: Any) -> tuple[str, ...]:
    """Return the rules that stop a content, or the error that came instead of a verdict."""
    try:
        verdict = guard.check(content, stage="input")
    except (GuardrailsError, TypeError) as error:
        return (type(error).__name__,)
    return _blocking(verdict.rules) if verdict.blocked else ()


def blocked_call(guard: Guard, arguments: dict[str, Any]) -> tuple[str, ...]:
    """Return the rules that stop a call with these arguments."""
    try:
        guard.wrap(_answer)(**arguments)
    except Blocked as error:
        return _blocking(error.verdict.rules)
    except (GuardrailsError, TypeError) as error:
        return (type(error).__name__,)
    return ()


def _answer(**_arguments: Any) -> str:
    return "4"


def _blocking(rules: Sequence[Any]) -> tuple[str, ...]:
    return tuple(sorted({rule.id for rule in rules if rule.action == "block"})) or ("no rule",)


def cases(
    guard: Guard, prompts: Sequence[ordinary_prompts.Template], data: Path | None
) -> Iterator[tuple[Case, Judge]]:
    """Yield everything that is judged, with what judges it."""

    def check(content: Any) -> tuple[str, ...]:
        return blocked_by(guard, content)

    def call(arguments: dict[str, Any]) -> tuple[str, ...]:
        return blocked_call(guard, arguments)

    for each in prompts:
        for role in ("system", "user"):
            yield (
                Case(f"prompts as {role} messages", each.package, [{"role": role, "content": each.text}]),
                check,
            )
    for part, objects in (
        ("objects", ordinary_objects.objects()),
        ("single keys", ordinary_objects.single_keys()),
        ("names of models", ordinary_objects.model_arguments()),
    ):
        for content in objects:
            yield Case("objects, checked", part, content), check
            yield Case("objects, as arguments", part, content), call
    if data is not None:
        for part, text in natural(data):
            role = "system" if part == "framework_prompts" else "user"
            yield Case("natural texts", part, [{"role": role, "content": text}]), check


def natural(data: Path) -> Iterator[tuple[str, str]]:
    """Yield the harmless texts of the folder, each with the name of its set."""
    for path in sorted((data / "dev").glob("natural_benign_*.jsonl.gz")):
        with gzip.open(path, "rt", encoding="utf-8", newline="\n") as lines:
            for line in lines:
                yield (
                    path.name.removeprefix("natural_benign_").removesuffix(".jsonl.gz"),
                    json.loads(line)["text"],
                )


def judge(found: Sequence[tuple[Case, Judge]]) -> list[tuple[Case, tuple[str, ...]]]:
    """Return every case with the rules that stop it."""
    with ThreadPoolExecutor() as threads:
        return list(threads.map(lambda each: (each[0], each[1](each[0].given)), found))


def shares(judged: Sequence[tuple[Case, tuple[str, ...]]], of: Callable[[Case], str]) -> list[dict[str, Any]]:
    """Return a line for each group: how many were judged, how many were stopped, and by which rules."""
    groups: dict[str, list[tuple[str, ...]]] = {}
    for case, rules in judged:
        groups.setdefault(of(case), []).append(rules)
    rows = []
    for name, mine in groups.items():
        stopped = sum(map(bool, mine))
        by = Counter(rule for rules in mine for rule in rules)
        rows.append(
            {
                "name": name,
                "judged": len(mine),
                "stopped": stopped,
                "share": stopped / len(mine),
                "rules": dict(by),
            }
        )
    return rows


def lines(rows: Sequence[dict[str, Any]], title: str) -> list[dict[str, object]]:
    """Return the rows as they are shown."""
    return [
        {
            title: row["name"],
            "judged": f"{row['judged']}",
            "stopped": f"{row['stopped']}",
            "%": f"{100 * row['share']:.2f}",
            **(
                {"bar %": f"{100 * row['bar']:.1f} {'met' if row['met'] else 'MISSED'}"}
                if "bar" in row
                else {}
            ),
            "by": ", ".join(f"{rule} {count}" for rule, count in sorted(row["rules"].items())),
        }
        for row in rows
    ]


def examples(judged: Sequence[tuple[Case, tuple[str, ...]]], most: int) -> Iterator[str]:
    """Yield the first of each kind that each rule stops."""
    shown: Counter[tuple[str, str]] = Counter()
    for case, rules in judged:
        for rule in rules:
            shown[case.kind, rule] += 1
            if shown[case.kind, rule] <= most:
                yield f"{rule} | {case.kind} | {case.part} | {case.given!r:.300}"


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--data", type=Path, help="folder of the labelled texts, for the natural ones")
    parser.add_argument(
        "--wheels", type=Path, default=ordinary_prompts.default_cache(), help="where wheels are kept"
    )
    parser.add_argument("--policy", default="default")
    parser.add_argument(
        "--show", type=int, default=0, metavar="N", help="print the first N that each rule stops"
    )
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args(arguments)
    prompts = ordinary_prompts.templates(given.wheels)
    judged = judge(list(cases(Guard.load(given.policy), prompts, given.data)))
    kinds = shares(judged, lambda case: case.kind)
    for row in kinds:
        row |= {"bar": BARS[row["name"]], "met": row["share"] <= BARS[row["name"]]}
    parts = shares(judged, lambda case: f"{case.kind}: {case.part}")
    if given.json:
        print(json.dumps({"kinds": kinds, "parts": parts}, indent=1))
    else:
        print(machine(), f"policy {given.policy}", sep=", ")
        print(
            table(lines(kinds, "kind")),
            table(lines([row for row in parts if row["stopped"]], "part")),
            sep="\n\n",
        )
    for line in examples(judged, given.show):
        print(line, file=sys.stderr)
    return 0 if all(row["met"] for row in kinds) else 1


if __name__ == "__main__":
    raise SystemExit(main())
