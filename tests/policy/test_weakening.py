"""Which changes of a policy make it weaker, and which do not."""

from __future__ import annotations

from pathlib import Path

from guardrails.policy.compile import compile_policy
from guardrails.policy.compiled import CompiledPolicy
from guardrails.policy.loading.load import load
from guardrails.policy.weakening import POLICY_FIELDS, RULE_FIELDS, Weakening, find_weakenings
from tests.cases import each_case

POLICY = """format: 1
name: p
detectors:
  a: {use: terms, terms: [foo, bar], category: custom.a}
  f: {use: format, kind: json, category: custom.f}
rules:
  - {id: a.block, on: [input, output], when: custom.a > 0, then: block}
  - {id: a.shadow, on: [input, output], when: custom.a > 0, then: block, mode: shadow}
  - {id: f.block, on: output, when: custom.f > 0, then: block}
exceptions:
  - {id: e, reason: none, matches: [bar]}
unchecked: {audio: block}
limits: {characters: 1000}
history: block
"""
RULE = "{id: a.block, on: [input, output], when: custom.a > 0, then: block}"
FORMAT_RULE = "{id: f.block, on: output, when: custom.f > 0, then: block}"


def compiled(path: Path, text: str) -> CompiledPolicy:
    """Return a compiled policy."""
    path.write_text(text)
    return compile_policy(load(path))


def replaced(old: str, new: str) -> str:
    """Return the policy with something in place of what it has."""
    assert old in POLICY
    return POLICY.replace(old, new)


def rule(new: str) -> str:
    """Return the policy with another rule in the place of the first."""
    return replaced(RULE, new)


WEAKER = {
    "rule removed": (replaced(f"  - {RULE}\n", ""), ["p: a.block: rule_removed"]),
    "rule renamed": (rule(RULE.replace("a.block", "b.block")), ["p: a.block: rule_removed"]),
    "no rules": ("format: 1\nname: p\nhistory: block\nunchecked: {audio: block}\n", ["p: a.block: rule_removed", "p: f.block: rule_removed"]),
    "on": (
        rule(RULE.replace("[input, output]", "output")),
        ["p: a.block: weaker_on ([input, output] to [output])"],
    ),
    "on another": (
        rule(RULE.replace("[input, output]", "[input, tool_call]")),
        ["p: a.block: weaker_on ([input, output] to [input, tool_call])"],
    ),
    "then redact": (
        rule(RULE.replace("then: block", "then: redact")),
        ["p: a.block: weaker_then (block to redact)"],
    ),
    "then flag": (
        rule(RULE.replace("then: block", "then: flag")),
        ["p: a.block: weaker_then (block to flag)", "p: a.block: weaker_on_error (block to flag)"],
    ),
    "mode": (
        rule(RULE.replace("then: block", "then: block, mode: shadow")),
        ["p: a.block: weaker_mode (enforce to shadow)"],
    ),
    "on_error flag": (
        rule(RULE.replace("then: block", "then: block, on_error: flag")),
        ["p: a.block: weaker_on_error (block to flag)"],
    ),
    "on_error allow": (
        rule(RULE.replace("then: block", "then: block, on_error: allow")),
        ["p: a.block: weaker_on_error (block to allow)"],
    ),
    "stream": (
        rule(RULE.replace("then: block", "then: block, stream: annotate")),
        ["p: a.block: weaker_stream (default to annotate)"],
    ),
    "on_fail": (
        replaced(FORMAT_RULE, FORMAT_RULE.replace("then: block", "then: block, on_fail: repair")),
        ["p: f.block: weaker_on_fail (default to repair)"],
    ),
    "unchecked": (
        replaced("audio: block", "audio: allow"),
        ["p: unchecked.audio: weaker_unchecked (block to allow)"],
    ),
    "unchecked by default": (
        replaced("unchecked: {audio: block}\n", ""),
        ["p: unchecked.audio: weaker_unchecked (block to flag)"],
    ),
    "history": (replaced("history: block\n", ""), ["p: history: weaker_history (block to remove)"]),
    "parallel": (POLICY + "parallel: true\n", ["p: parallel: weaker_parallel (false to true)"]),
}  # fmt: skip

AS_STRICT = {
    "the same": POLICY,
    "name": replaced("name: p", "name: q"),
    "condition": rule(RULE.replace("custom.a > 0", "custom.a > 0.9")),
    "message": rule(RULE.replace("then: block", "then: block, message: No.")),
    "severity": rule(RULE.replace("then: block", "then: block, severity: low")),
    "more stages": rule(RULE.replace("[input, output]", "[input, output, tool_call]")),
    "new rule": replaced(RULE, f"{RULE}\n  - {RULE.replace('a.block', 'b.block')}"),
    "shadow rule removed": replaced(
        "  - {id: a.shadow, on: [input, output], when: custom.a > 0, then: block, mode: shadow}\n", ""
    ),
    "shadow rule weaker": replaced("then: block, mode: shadow", "then: flag, mode: shadow"),
    "shadow rule enforced": replaced(", mode: shadow", ""),
    "stream whole": rule(RULE.replace("then: block", "then: block, stream: whole")),
    "detector": replaced("[foo, bar]", "[foo]"),
    "exception": replaced("matches: [bar]", "matches: [foo, bar]"),
    "unchecked": replaced("audio: block", "audio: block, language: block"),
    "limits": replaced("characters: 1000", "characters: 10"),
}


@each_case(("text", "found"), WEAKER.values(), ids=[*WEAKER])
def test_what_is_weaker_is_found(tmp_path: Path, text: str, found: list[str]) -> None:
    """With the rule, what of it, and from what to what."""
    old, new = compiled(tmp_path / "old.yaml", POLICY), compiled(tmp_path / "new.yaml", text)

    assert [*map(str, find_weakenings(old, new))] == found


BOTH_WAYS = ("rule renamed", "on another")
"""Changes by which something is lost in either direction."""


@each_case("text", [text for name, (text, _) in WEAKER.items() if name not in BOTH_WAYS])
def test_what_is_stricter_is_not(tmp_path: Path, text: str) -> None:
    """The same changes, taken back."""
    old, new = compiled(tmp_path / "old.yaml", text), compiled(tmp_path / "new.yaml", POLICY)

    assert [*find_weakenings(old, new)] == []


@each_case("text", AS_STRICT.values(), ids=[*AS_STRICT])
def test_other_changes_are_not_weaker(tmp_path: Path, text: str) -> None:
    """What a rule acts on is tuned; only whether and how it acts counts."""
    old, new = compiled(tmp_path / "old.yaml", POLICY), compiled(tmp_path / "new.yaml", text)

    assert [*find_weakenings(old, new)] == []


def test_every_field_that_is_compared_has_a_case() -> None:
    """A field that is added to a table is added to the cases."""
    codes = {reason.split()[2] for _, found in WEAKER.values() for reason in found}

    assert {f"weaker_{name}" for name in (*RULE_FIELDS, *POLICY_FIELDS)} <= codes


def test_rules_that_were_weaker_before_do_not_count(tmp_path: Path) -> None:
    """A rule that annotated, flagged or allowed on failure may go on with it."""
    text = rule("{id: a.block, on: input, when: custom.a > 0, then: flag, on_error: allow, stream: annotate}")
    old, new = (compiled(tmp_path / name, text) for name in ("old.yaml", "new.yaml"))

    assert [*find_weakenings(old, new)] == []


def test_a_label_has_no_values() -> None:
    """What anybody may read."""
    assert Weakening("p", "a", "weaker_then", "block", "flag").label == "p: a: weaker_then"
