"""Two versions of a policy over the same traffic."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from guardrails import Content, Detection, Finding, Guard
from guardrails.authoring.diff.change import PolicyVersion
from guardrails.authoring.diff.traffic import pairs
from guardrails.authoring.diff.traffic.effects import ChangeEffects
from guardrails.authoring.rows import ContentRow, read_rows
from guardrails.detectors.kinds import Kind
from guardrails.engine.core.findings_cache import FindingsCache
from guardrails.policy.compile import compile_policy
from guardrails.policy.loading.load import load
from guardrails.registry.sources import PluginSources
from guardrails.types import Text
from tests.cases import each_case, scale

Versions = Callable[..., tuple[PolicyVersion, PolicyVersion]]


def compared(
    versions: tuple[PolicyVersion, PolicyVersion], rows: list[ContentRow], **options: object
) -> ChangeEffects:
    """Return the effects on some rows."""
    effects = ChangeEffects()
    pairs.compare_rows(*pairs.load_guards(*versions), rows, effects, **options)  # type: ignore[arg-type] # options of `compare`
    return effects


def test_counts_what_changes(versions: Versions, tmp_path: Path) -> None:
    """Rows of all forms are judged by both, for whom they are, and what changed has a place."""
    traffic = tmp_path / "t.jsonl"
    rows = [
        {"input": "a forbidden word", "tenant": "a"},
        {"text": "forbidden", "kind": "response", "lang": "en", "id": 7},
        {"messages": [{"role": "user", "content": "forbidden ID-12"}]},
        {"input": "nothing"},
        {"messages": [{"role": 5, "content": "x"}]},
    ]
    traffic.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    found = compared(versions(("then: block, message", "then: flag, message")), [*read_rows(traffic)])
    assert (found.rows, found.changed, found.failed) == (5, 3, 1)
    assert found.turns["new_allow"] == 3
    assert found.examples["new_allow"][1] == {
        "place": f"{traffic}:2",
        "id": "7",
        "stage": "output",
        "lang": "en",
        "text": "forbidden",
        "old": "block",
        "new": "flag",
        "rules": ["word.block"],
    }
    assert [*found.errors] == ["old: invalid_messages", "new: invalid_messages"] or found.errors.total() == 2


def test_texts_are_left_out_when_asked(versions: Versions) -> None:
    """Traffic may be somebody's; its places are enough."""
    rows = [ContentRow("t:1", "input", "a forbidden word")]
    change = ("then: block, message", "then: flag, message")
    assert "text" in compared(versions(change), rows).examples["new_allow"][0]
    assert "text" not in compared(versions(change), rows, texts=False).examples["new_allow"][0]


def test_the_floor_holds_under_both(versions: Versions, tmp_path: Path) -> None:
    """What the operator's floor blocks is blocked by both versions."""
    floor = tmp_path / "floor.yaml"
    floor.write_text(
        "format: 1\nname: floor\ndetectors: {w: {use: terms, terms: [forbidden], category: custom.w}}\n"
        "rules: [{id: floor.block, on: input, when: custom.w > 0, then: block}]\n"
    )
    old, new = versions(("then: block, message", "then: flag, message"))
    effects = ChangeEffects()
    pairs.compare_rows(
        *pairs.load_guards(old, new, floor), [ContentRow("t:1", "input", "forbidden")], effects
    )
    assert (effects.changed, effects.other_rules) == (0, 0)


def test_tests_are_traffic_each_once(versions: Versions) -> None:
    """What both versions test is judged once; what one tests alone is judged as well."""
    old, new = versions(
        ("  - {input: see ID-7", "  - {output: see ID-8, expect: {action: allow}}\n  - {input: see ID-7")
    )
    found = [(row.stage, row.content) for row in pairs.read_suite_rows(old, new)]
    assert found == [("input", "a forbidden word"), ("input", "see ID-7"), ("output", "see ID-8")]


def test_conversations_of_tests_are_traffic_at_input(versions: Versions) -> None:
    """A conversation stands at no stage of its own: it counts as what a person sends."""
    test = "  - {messages: [{role: user, content: see ID-9}], expect: {action: allow}}\n"
    old, new = versions(("  - {input: see ID-7", f"{test}  - {{input: see ID-7"))
    found = [row.stage for row in pairs.read_suite_rows(old, new) if not isinstance(row.content, str)]
    assert found == ["input"]


WORDS = st.lists(
    st.sampled_from(["forbidden", "banned", "ID-7", "fine", "IDS-3", "Zm9yYmlkZGVu", "für"]), max_size=12
)
CHANGES = (("custom.id > 0.5", "custom.id > 0"), ("'ID-", "'IDS-"), ("[forbidden, banned]", "[forbidden]"))


@given(st.lists(WORDS, min_size=1, max_size=4), st.sampled_from(CHANGES))
@settings(max_examples=scale(60), suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_sharing_changes_no_verdict(
    versions: Versions, texts: list[list[str]], change: tuple[str, str]
) -> None:
    """Guards that share what was found decide as two that share nothing do."""
    made = versions(change)
    shared, alone = pairs.load_guards(*made), tuple(Guard(each.compiled) for each in made)
    for row in [ContentRow("t:1", "input", " ".join(words)) for words in texts] * 2:
        for one, other in zip(shared, alone, strict=True):
            a, b = (replace(row.judge(each), id="", timings_ms={}) for each in (one, other))
            assert a == b


def test_a_detector_that_both_have_is_asked_once(
    tmp_path: Path, own: type, kind_of: Callable[..., Kind]
) -> None:
    """Also where another one differs, and for short texts that come alone."""

    def judge(content: Content) -> Detection:
        assert isinstance(content, Text)
        at = content.text.find("bad")
        return Detection((Finding("custom.own", 0.9, "own", (at, at + 3)),) if at >= 0 else ())

    counting = own(judge)
    made = []
    for name, terms in (("a", "forbidden"), ("b", "banned")):
        path = tmp_path / f"{name}.yaml"
        path.write_text(
            f"format: 1\nname: p\ndetectors:\n  own: {{use: own}}\n  w: {{use: terms, terms: [{terms}], category: custom.w}}\n"
            "rules:\n  - {id: a, on: input, when: custom.own > 0 || custom.w > 0, then: block}\n"
        )
        made.append(
            compile_policy(
                load(path, PluginSources().with_own("detectors", {"own": kind_of(counting, tier=1)}))
            )
        )
    cache = FindingsCache(8, every=True)
    old, new = (Guard(each, cache=cache) for each in made)
    for text in ("fine", "bad", "forbidden", "a much longer text that is fine as well, from start to end"):
        old.check(text, complete=True)
        before = len(counting.seen)
        new.check(text, complete=True)
        assert len(counting.seen) == before, text


@each_case(
    ("content", "expected"),
    [
        ("a forbidden word", "a forbidden word"),
        ("x " * 200 + "forbidden" + " y" * 200, "forbidden"),
        ([{"role": "user", "content": "see the forbidden one"}], "see the forbidden one"),
        ({"messages": [{"role": "user", "content": [{"type": "text", "text": "forbidden"}]}]}, "forbidden"),
    ],
)
def test_an_excerpt_shows_what_was_found(content: object, expected: str, versions: Versions) -> None:
    """Around the first finding that decides, wherever it stands in a body; never more than an excerpt."""
    guard = Guard(versions()[0].compiled)
    told = pairs.make_excerpt(content, guard.check(content), frozenset({"custom.word"}))
    assert expected in told
    assert len(told) <= pairs.EXCERPT + 2


@each_case("content", ["", "nothing " * 100, [{"role": "user", "content": ""}], {"a/b": ["~"]}])
def test_an_excerpt_without_a_finding_is_the_beginning(content: object, versions: Versions) -> None:
    """There is always something to find it by, but where it is empty."""
    guard = Guard(versions()[0].compiled)
    text = content if isinstance(content, str) else json.dumps(content)
    told = pairs.make_excerpt(content, guard.check(content))
    assert told.removesuffix("…") == text[: pairs.EXCERPT]


def test_a_fault_of_a_guard_ends_nothing(versions: Versions) -> None:
    """What cannot be judged at all is counted, with its reason, and the next row is judged."""
    rows = [ContentRow("t:1", "input", 5), ContentRow("t:2", "input", "forbidden")]
    found = compared(versions(), rows)
    assert (found.rows, found.failed, dict(found.errors)) == (
        2,
        1,
        {"old: TypeError": 1, "new: TypeError": 1},
    )


@each_case(
    ("labels", "expected"),
    [
        ({}, {}),
        ({"benign": True}, {"benign": {"new_allow": 1}}),
        ({"benign": False}, {"not benign": {"new_allow": 1}}),
        ({"hate": True, "benign": False, "spam": True, "pii": False}, {"hate+spam": {"new_allow": 1}}),
        ({"pii": False}, {}),
    ],
)
def test_labels_say_of_what_the_change_is(
    labels: dict[str, bool], expected: dict[str, object], versions: Versions
) -> None:
    """Blocks that are new on what is benign are false alarms, where that is known."""
    change = versions(("then: block, message", "then: flag, message"))
    found = compared(change, [ContentRow("t:1", "input", "forbidden", labels=labels)])
    assert found.by["label"].to_dict() == expected
