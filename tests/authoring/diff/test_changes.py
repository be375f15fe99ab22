"""What differs between two versions of a policy."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from guardrails.authoring.diff.change import PolicyVersion
from guardrails.authoring.diff.changes import find_changes, highest_level
from guardrails.authoring.diff.levels import Level
from tests.cases import each_case, scale

Versions = Callable[..., tuple[PolicyVersion, PolicyVersion]]

RULE = "when: custom.word > 0, then: block, message: No."
LAST = "then: redact}"


@each_case(
    ("old", "new", "expected"),
    [
        ("format: 1", "# a remark\nformat: 1", []),
        ("on: [input, output]", "on: [output, input]", []),
        ("then: redact}", "then: redact, with: placeholder, mode: enforce, on_error: block}", []),
        ("message: No.", "message: Never.", ["wording rule word.block message"]),
        ("message: No.", "message: No., tags: [a]", ["wording rule word.block tags"]),
        ("when: custom.word > 0", "when: custom.word > 0.0", ["wording rule word.block when"]),
        ("a forbidden word", "some forbidden word", ["tests tests "]),
        ("{action: redact}", "{action: redact, rules: [id.redact]}", ["tests tests "]),
        ("name: small", "name: small\ndescription: x", ["wording policy description"]),
        ("custom.id > 0.5", "custom.id > 0.7", ["laxer rule id.redact when"]),
        ("custom.id > 0.5", "custom.id > 0.4", ["stricter rule id.redact when"]),
        ("custom.id > 0.5", "custom.id > 0.5 && content.length > 3", ["condition rule id.redact when"]),
        ("on: input", "on: [input, tool_call]", ["stricter rule id.redact on"]),
        ("on: [input, output]", "on: input", ["laxer rule word.block on"]),
        ("on: [input, output]", "on: retrieval", ["stricter rule word.block on"]),
        ("then: block, message", "then: flag, message", ["laxer rule word.block then", "laxer rule word.block on_error"]),
        (LAST, "then: redact, with: mask}", ["replaced rule id.redact with"]),
        (LAST, "then: redact, redact: [custom.word]}", ["stricter rule id.redact redact"]),
        (LAST, "then: redact, mode: shadow}", ["rule_off rule id.redact mode"]),
        (LAST, "then: redact, severity: high}", ["order rule id.redact severity"]),
        (LAST, "then: redact, scope: message}", ["condition rule id.redact scope"]),
        (LAST, "then: redact, stream: whole}", ["pace rule id.redact stream"]),
        (LAST, "then: redact, stream: annotate}", ["laxer rule id.redact stream"]),
        (LAST, "then: redact, on_error: allow}", ["laxer rule id.redact on_error"]),
        ("id: id.redact", "id: ids.redact", ["rule_renamed rule id.redact id"]),
        ("id: id.redact, on: input", "id: other, on: output", ["rule_removed rule id.redact ", "rule_enforced rule other "]),
        ("exceptions:", "  - {id: n, on: input, when: custom.id > 0, then: block, mode: shadow}\nexceptions:", ["rule_added rule n "]),
        ("exceptions:", "  - {id: n, on: input, when: custom.id > 0, then: flag}\nexceptions:", ["rule_added rule n "]),
        ("exceptions:", "  - {id: n, on: input, when: custom.id > 0, then: block}\nexceptions:", ["rule_enforced rule n "]),
        ("reason: a name", "reason: a brand", ["wording exception known reason"]),
        ("2100-01-01", "2101-01-01", ["laxer exception known expires"]),
        (", expires: 2100-01-01", "", ["laxer exception known expires"]),
        ("2100-01-01", "2099-01-01", ["stricter exception known expires"]),
        ("matches: [banned]", "matches: [banned, forbidden]", ["laxer exception known matches"]),
        ("rules: [word.block], ", "", ["laxer exception known rules"]),
        ("reason: a name", "when: request.tenant == 'a', reason: a name", ["stricter exception known when"]),
        ("id: known", "id: known2", ["exception_removed exception known ", "exception_added exception known2 "]),
        ("[forbidden, banned]", "[forbidden]", ["finds_otherwise detector words terms"]),
        ("  ids:", "  more: {use: terms, terms: [x], category: custom.x}\n  ids:", ["detector_added detector more ", "category_added category custom.x "]),
        ("  words:", "  wordz:", ["detector_renamed detector words "]),
        ("exceptions:", "unchecked: {audio: block}\nexceptions:", ["stricter unchecked audio"]),
        ("exceptions:", "unchecked: {limit: flag}\nexceptions:", ["laxer unchecked limit"]),
        ("exceptions:", "limits: {characters: 1000}\nexceptions:", ["stricter limits characters"]),
        ("exceptions:", "limits: {max_hold: 9999}\nexceptions:", ["laxer limits max_hold"]),
        ("exceptions:", "limits: {on_limit: hold}\nexceptions:", ["laxer limits on_limit"]),
        ("exceptions:", "films: {fps: 2.0}\nexceptions:", ["default films fps"]),
        ("exceptions:", "media: {mistyped: read}\nexceptions:", ["default media mistyped"]),
        ("exceptions:", "records: {content: flagged}\nexceptions:", ["default records content"]),
        ("exceptions:", "history: block\nexceptions:", ["default policy history"]),
        ("exceptions:", "tools: {untrusted: [web]}\nexceptions:", ["tools tools untrusted"]),
        ("name: small", "name: large", ["policy_renamed policy name"]),
        ('"1.0.0"', '"1.0.1"', []),
    ],
)  # fmt: skip
def test_names_each_difference(old: str, new: str, expected: list[str], versions: Versions) -> None:
    """Each difference has one entry, by what it is and where; what means the same is none."""
    found = find_changes(*versions((old, new)))
    assert [f"{each.kind} {each.what} {each.name}" for each in found] == expected


def test_the_order_of_rules_is_a_difference(versions: Versions) -> None:
    """Rules of equal severity go in the order of the file."""
    one = "  - {id: word.block, on: [input, output], when: custom.word > 0, then: block, message: No.}\n"
    two = "  - {id: id.redact, on: input, when: custom.id > 0.5, then: redact}\n"
    found = find_changes(*versions((one + two, two + one)))
    assert [(each.kind, each.old, each.new) for each in found] == [
        ("order", ["word.block", "id.redact"], ["id.redact", "word.block"])
    ]


def test_the_gravest_comes_first_and_has_both_places(versions: Versions) -> None:
    """People read the top; both files are named, where they have it."""
    old, new = versions(("message: No.", "message: Never."), ("custom.id > 0.5", "custom.id > 0.4"))
    found = find_changes(old, new)
    assert [each.level for each in found] == [Level.MAJOR, Level.PATCH]
    assert found[0].places == (f"{old.policy.file}:9:38", f"{new.policy.file}:9:38")
    assert highest_level([]) is Level.NONE


def test_what_is_inherited_is_compared_as_it_is_resolved(tmp_path: Path, versions: Versions) -> None:
    """A rule that moves to a parent has not changed; an override of it has."""
    old, _ = versions()
    shutil.copy(old.policy.file, tmp_path / "parent.yaml")
    child = tmp_path / "child.yaml"
    head = 'format: 1\nname: small\nversion: "1.0.0"\nextends: parent.yaml\n'
    child.write_text(head)
    assert find_changes(old, PolicyVersion.load(child)) == []
    child.write_text(f"{head}override:\n  rules:\n    - {{id: word.block, then: flag}}\n")
    found = find_changes(old, PolicyVersion.load(child))
    assert [(each.kind, each.name) for each in found] == [("laxer", "then"), ("laxer", "on_error")]
    assert found[0].places[1] == f"{child}:7:30"


EDITS = (
    ("then: redact}", "then: flag}"),
    ("custom.id > 0.5", "custom.id > 0.25"),
    ("[forbidden, banned]", "[banned]"),
    ("on: [input, output]", "on: output"),
    ("matches: [banned]", "categories: [custom.word]"),
    ("exceptions:", "unchecked: {part: flag}\nexceptions:"),
    ("exceptions:", "limits: {encoding_depth: 1}\nexceptions:"),
    ("message: No.", "message: {de: Nein.}"),
    ("'ID-", "'IDS-"),
    ("exceptions:", "parallel: false\nexceptions:"),
)


@given(st.lists(st.sampled_from(EDITS), unique=True))
@settings(max_examples=scale(60), suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_nothing_that_a_verdict_depends_on_is_missed(
    versions: Versions, edits: list[tuple[str, str]]
) -> None:
    """Where the digests of two versions differ there is a change, and where none differs there is none but of words."""
    old, new = versions(*edits)
    found = find_changes(old, new)
    if old.compiled.ref.digest != new.compiled.ref.digest:
        assert found
    else:
        assert all(each.level is Level.PATCH for each in found)
