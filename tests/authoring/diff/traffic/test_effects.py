"""What a change of policy does to traffic."""

from __future__ import annotations

from itertools import product

from hypothesis import given
from hypothesis import strategies as st

from guardrails.authoring.diff.traffic.decisions import Decision, DecisiveRule
from guardrails.authoring.diff.traffic.effects import (
    MOST_NAMES,
    OTHERS,
    SAME,
    TURNS,
    ChangeEffects,
    NamedCounts,
    TrafficExample,
    classify_turn,
    find_causes,
)
from guardrails.types import Action
from tests.cases import each_case

ALLOW, FLAG, REDACT, BLOCK = Action.ALLOW, Action.FLAG, Action.REDACT, Action.BLOCK


def decided(action: Action, *rules: tuple[str, Action], left: object = None) -> Decision:
    """Return a decision by rules that name the category of their own name."""
    return Decision(
        action, tuple(DecisiveRule(name, did, (f"custom.{name}",)) for name, did in rules), left=left
    )


@each_case(
    ("old", "new", "expected"),
    [
        (ALLOW, ALLOW, SAME),
        (ALLOW, FLAG, "flag"),
        (FLAG, ALLOW, "flag"),
        (ALLOW, REDACT, "new_redaction"),
        (FLAG, REDACT, "new_redaction"),
        (ALLOW, BLOCK, "new_block"),
        (REDACT, BLOCK, "new_block"),
        (BLOCK, REDACT, "new_allow"),
        (BLOCK, ALLOW, "new_allow"),
        (REDACT, FLAG, "new_allow"),
        (REDACT, ALLOW, "new_allow"),
    ],
)
def test_each_pair_of_actions_is_one_turn(old: Action, new: Action, expected: str) -> None:
    """No change is counted twice, and none is not counted."""
    assert classify_turn(Decision(old), Decision(new)) == expected


@each_case(("left", "expected"), [("[A]", SAME), ("[B]", "content"), (None, SAME)])
def test_another_redaction_is_a_change_where_it_is_known(left: object, expected: str) -> None:
    """Two policies that redact may leave different texts."""
    assert classify_turn(Decision(REDACT, left="[A]"), Decision(REDACT, left=left)) == expected


@each_case(
    ("old", "new", "expected"),
    [
        (decided(ALLOW), decided(BLOCK, ("a", BLOCK), ("b", FLAG)), ["a"]),
        (decided(FLAG, ("a", FLAG)), decided(BLOCK, ("a", BLOCK)), ["a"]),
        (decided(BLOCK, ("a", BLOCK), ("b", BLOCK)), decided(FLAG, ("b", FLAG)), ["a", "b"]),
        (decided(BLOCK, ("a", BLOCK)), decided(ALLOW), ["a"]),
        (decided(REDACT, ("a", REDACT)), decided(BLOCK, ("a", REDACT), ("b", BLOCK)), ["b"]),
        (decided(REDACT, ("a", REDACT), left=1), decided(REDACT, ("b", REDACT), left=2), ["a", "b"]),
        (decided(REDACT, ("a", REDACT), left=1), decided(REDACT, ("a", REDACT), left=2), ["a"]),
    ],
)
def test_a_change_has_its_rules(old: Decision, new: Decision, expected: list[str]) -> None:
    """Those of the stricter decision that do less in the other."""
    assert [each.id for each in find_causes(old, new)] == expected


def test_counts_by_rule_category_and_group() -> None:
    """What changed is counted under what changed it, and for whom; examples are the first ones."""
    effects = ChangeEffects(most=2)
    for number in range(3):
        case = TrafficExample(f"t:{number}", "input", tenant="a", lang="de", text="words")
        effects.add(case, decided(ALLOW), decided(BLOCK, ("x", BLOCK)))
    effects.add(TrafficExample("t:3", "output"), decided(BLOCK, ("x", BLOCK)), decided(BLOCK, ("y", BLOCK)))
    effects.fail(TrafficExample("t:4", "input"), {"new": "overloaded"})
    told = effects.to_dict()
    assert (told["rows"], told["changed"], told["failed"], told["other_rules"]) == (5, 3, 1, 1)
    assert told["rules"] == {"x": {"new": 3, "new_block": 3, "old": 1}, "y": {"new": 1}}
    assert told["categories"] == {"custom.x": {"new_block": 3}}
    assert told["by"]["tenant"] == {"a": {"new_block": 3}}  # type: ignore[index] # it is a mapping
    assert told["errors"] == {"new: overloaded": 1}
    assert [each["place"] for each in effects.examples["new_block"]] == ["t:0", "t:1"]
    assert effects.examples["failed"] == [{"place": "t:4", "stage": "input", "new": "overloaded"}]


def test_shadow_rules_and_failed_detectors_are_counted() -> None:
    """What a rule in shadow would do is part of the answer, as is that a detector said nothing."""
    effects = ChangeEffects()
    effects.add(
        TrafficExample("t:1", "input"), Decision(ALLOW), Decision(ALLOW, shadow=("s",), failed=("d",))
    )
    assert effects.to_dict()["shadow_rules"] == {"s": {"new": 1}}
    assert effects.to_dict()["detector_failures"] == {"d": {"new": 1}}
    assert (effects.degraded, effects.changed) == (1, 0)


def test_memory_is_bounded() -> None:
    """A million tenants do not need a million counters; none of their rows is lost."""
    group = NamedCounts()
    for number in range(MOST_NAMES + 50):
        group.add(f"tenant {number}", SAME)
    assert len(group.counts) == MOST_NAMES + 1
    assert group.counts[OTHERS] == {SAME: 50}


PAIRS = [(old, new) for old, new in product(Action, Action)]


@given(st.lists(st.sampled_from(PAIRS)))
def test_every_row_is_counted_once(pairs: list[tuple[Action, Action]]) -> None:
    """The matrix, the turns and the rows agree, whatever the traffic."""
    effects = ChangeEffects()
    for old, new in pairs:
        effects.add(TrafficExample("t:1", "input"), Decision(old), Decision(new))
    assert effects.rows == len(pairs) == sum(effects.turns.values()) == sum(effects.matrix.values())
    assert effects.changed == sum(old is not new for old, new in pairs)
    assert {*effects.turns} <= {SAME, *TURNS}
