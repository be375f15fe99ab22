"""The whole answer to what a change of a policy does."""

from __future__ import annotations

import json
from collections.abc import Callable

from guardrails.authoring.diff.change import PolicyVersion
from guardrails.authoring.diff.difference import PolicyDiff, compare_policies
from guardrails.authoring.diff.gates import parse_limit
from guardrails.authoring.diff.levels import Level
from guardrails.authoring.diff.traffic import pairs
from guardrails.authoring.diff.traffic.decisions import Decision
from guardrails.authoring.diff.traffic.effects import TrafficExample
from guardrails.authoring.rows import ContentRow
from guardrails.types import Action

Versions = Callable[..., tuple[PolicyVersion, PolicyVersion]]


def test_an_answer_is_json_all_the_way(versions: Versions) -> None:
    """Changes, advice, effects and gates are plain values."""
    old, new = versions(("custom.id > 0.5", "custom.id > 0.4"), ('"1.0.0"', '"1.1.0"'))
    found = compare_policies(old, new)
    pairs.compare_rows(*pairs.load_guards(old, new), pairs.read_suite_rows(old, new), found.effects)
    found.judge({"max_changes": parse_limit("0")})
    told = json.loads(json.dumps(found.to_dict()))
    assert (told["passed"], told["advice"]["level"], told["effects"]["rows"]) == (True, "major", 2)
    assert told["old"]["digest"] != told["new"]["digest"]
    assert [each["gate"] for each in told["gates"]] == ["max_changes"]


def test_the_version_counts_where_it_is_asked_for(versions: Versions) -> None:
    """A version that says less than the change is a reason only then."""
    found = compare_policies(*versions(("custom.id > 0.5", "custom.id > 0.4"), ('"1.0.0"', '"1.0.1"')))
    assert found.advice is not None
    assert (found.advice.level, found.passed) == (Level.MAJOR, True)
    found.check_version = True
    assert found.reasons == ["version: 1.0.0 → 1.0.1, but the change is major: 2.0.0 at least"]


def of(*decided: tuple[Decision, Decision], failed: int = 0) -> PolicyDiff:
    """Return an answer about these decisions."""
    found = PolicyDiff(None, None)
    for old, new in decided:
        found.effects.add(TrafficExample("t:1", "input"), old, new)
    if failed:
        found.effects.fail(TrafficExample("t:2", "input"), {"new": "dropped"}, failed)
    return found


def test_what_was_not_judged_and_what_failed_is_said() -> None:
    """Both are warnings; what was not judged counts against the gates, too."""
    found = of((Decision(Action.ALLOW), Decision(Action.ALLOW, failed=("d",))), failed=3)
    found.judge({"max_new_blocks": parse_limit("2")})
    assert len(found.warnings) == 2
    assert found.reasons == [
        "--max-new-blocks 2 is exceeded: 0 of 4 rows blocked now, and 3 that could not be judged"
    ]


def test_strict_fails_what_cannot_be_shown() -> None:
    """One row shows no share; that is a warning, and with strict a reason."""
    found = of((Decision(Action.ALLOW), Decision(Action.ALLOW)))
    found.judge({"max_new_blocks": parse_limit("1%")})
    assert found.passed
    assert found.warnings[0].startswith("1 rows cannot show --max-new-blocks 1%")
    found.strict = True
    assert found.reasons == found.warnings


def test_an_answer_without_policies_is_one_about_decisions() -> None:
    """A log of decisions needs no policies."""
    told = of((Decision(Action.ALLOW), Decision(Action.BLOCK))).to_dict()
    assert (told["old"], told["advice"], told["changes"]) == (None, None, [])


def test_what_it_does_may_be_graver_than_what_is_written(versions: Versions) -> None:
    """A list of terms that grows is minor by itself; that more is blocked by it is said."""
    old, new = versions(("[forbidden, banned]", "[forbidden, banned, worse]"))
    found = compare_policies(old, new)
    pairs.compare_rows(
        *pairs.load_guards(old, new), [ContentRow("t:1", "input", "a worse word")], found.effects
    )
    found.judge({})
    assert found.warnings == [
        "by what is written the change is minor, by what it does major: 1 decisions stricter"
    ]
    assert found.passed
