"""What differs is told, and nothing else is."""

from __future__ import annotations

from collections.abc import Callable

from guardrails import Guard
from guardrails.authoring.testing import suite
from tests.cases import each_case

SAME = [
    '{input: "fine", expect: {action: allow, rules: [], shadow: [], content: fine, categories: [], findings: [], unchecked: []}}',
    '{tool_call: forbidden, expect: {action: block, content: null, message: "No."}}',
    '{input: forbidden, client: {language: de}, expect: {message: "Nein."}}',
    '{input: "ID-1", expect: {action: redact, rules: [id.redact], shadow: [id.shadow], content: "[ID]", message: null}}',
    '{input: "ID-1, ID-2", expect: {findings: [{category: custom.id}, {category: custom.id, text: ID-1}]}}',
    '{input: "ID-1, ID-2", expect: {findings: [{category: custom.id, span: [0, 4], detector: ids, score: "> 0.5, <= 1"}]}}',
    '{output: "a zzz", expect: {rules: [], categories: [custom.rare], findings: [{category: custom, score: 0.4, path: ""}]}}',
    "{tool_call: {name: sh, arguments: {a: [x, blorp]}}, expect: {findings: [{category: custom.word, text: blorp, path: /arguments/a/1}]}}",
    "{tool_call: {name: sh, arguments: {a: fine}}, expect: {content: {name: sh, arguments: {a: fine}}}}",
    '{tool_call: {name: sh, arguments: {a: fine}}, expect: {content: {name: sh, arguments: \'{"a": "fine"}\'}}}',
    '{tool_result: {name: web, text: "ID-1"}, expect: {content: "[ID]", findings: [{category: custom.id, text: ID-1}]}}',
    "{messages: [{role: user, content: forbidden}, {role: user, content: fine}], expect: {action: redact, content: [{role: user, content: fine}]}}",
    '{messages: [{role: user, content: "see ID-1"}], expect: {findings: [{category: custom.id, text: ID-1, path: /0/content}]}}',
    '{input: "Zm9yYmlkZGVuIGZvcmJpZGRlbg==", expect: {findings: [{category: custom.word, origin: base64}]}}',
]


@each_case("test", SAME)
def test_says_nothing_where_all_is_as_expected(test: str, tested: Callable[..., Guard]) -> None:
    """Action, rules, shadow rules, categories, findings, content, message, and what was not judged."""
    assert [result.differences for result in suite.run_suite(tested(test))] == [()]


OTHER = [
    ('{input: "fine", expect: {action: block}}', "action is allow, not block (no rule fired)"),
    ("{input: forbidden, expect: {action: flag}}", "action is block, not flag (by word.block)"),
    ("{input: forbidden, expect: {rules: []}}", "rules are ['word.block'], not []"),
    ('{input: "ID-1", expect: {shadow: []}}', "shadow are ['id.shadow'], not []"),
    ('{input: "ID-1", expect: {content: "ID-1"}}', "content is '[ID]', not 'ID-1'"),
    ('{input: "ID-1", expect: {categories: []}}', "categories are ['custom.id'], not []"),
    ("{input: forbidden, expect: {message: null}}", "message is 'No.', not None"),
    ("{input: forbidden, expect: {unchecked: [limit]}}", "unchecked are [], not ['limit']"),
    (
        '{input: "ID-1", expect: {findings: []}}',
        "findings are custom.id 1.00 by ids 'ID-1' at 0..4, not nothing",
    ),
    (
        '{input: "ID-1", expect: {findings: [{category: custom.id}, {category: custom.id}]}}',
        "findings lack once more: category 'custom.id' (found: custom.id 1.00 by ids 'ID-1' at 0..4)",
    ),
    (
        '{input: "ID-1", expect: {findings: [{category: custom.id, score: "< 1"}]}}',
        "findings lack: category 'custom.id', score '< 1' (found: custom.id 1.00 by ids 'ID-1' at 0..4)",
    ),
    (
        '{input: "fine", expect: {findings: [{category: custom.id, text: ID-1}]}}',
        "findings lack: category 'custom.id', text 'ID-1' (found: nothing)",
    ),
]  # fmt: skip


@each_case(("test", "difference"), OTHER)
def test_says_what_differs(test: str, difference: str, tested: Callable[..., Guard]) -> None:
    """What is, and what was expected."""
    [result] = suite.run_suite(tested(test))
    assert result.differences == (difference,)
    assert result.failed


def test_each_expected_finding_needs_one_of_its_own(tested: Callable[..., Guard]) -> None:
    """In any order: the first may not take the only one that the second fits."""
    narrow, wide = "{category: custom.id, text: ID-1}", "{category: custom.id}"
    orders = [f"[{narrow}, {wide}]", f"[{wide}, {narrow}]", f"[{wide}, {wide}]"]
    guard = tested(*(f'{{input: "ID-1 or ID-2", expect: {{findings: {order}}}}}' for order in orders))
    assert [result.passed for result in suite.run_suite(guard)] == [True, True, True]


def test_a_detector_that_fails_is_a_difference(
    guard_of: Callable[..., Guard], kind_of: Callable[..., object]
) -> None:
    """A test that expects a block does not pass because nothing could be judged."""

    def broken(content: object) -> object:
        raise RuntimeError("out of order")

    guard = guard_of(
        "detectors:\n  mine: {use: own}\nrules:\n  - {id: r, on: input, when: custom.own > 0, then: block}\n"
        "tests:\n  - {input: a, expect: {action: block, rules: [r]}}\n",
        detectors={"own": kind_of(broken)},
    )
    [result] = suite.run_suite(guard)
    assert result.differences == (
        "rules are [], not ['r']",
        "the check could not be done (crash): undecided are r",
        "detector mine failed: raised RuntimeError",
    )
