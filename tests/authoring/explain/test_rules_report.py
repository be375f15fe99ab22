"""How rules look in an explanation."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

from guardrails import Guard
from guardrails.authoring.explain.explanation import explain
from guardrails.authoring.explain.rules_report import LISTED, quote_text, render_rules
from guardrails.authoring.terminal import Style
from tests.cases import each_case

DETECTORS = """
detectors:
  words: {use: terms, terms: [blast], category: custom.x}
  rage: {use: terms, terms: [rage], category: hate, score: 0.61}
  close: {use: terms, terms: [nearly], category: toxic, score: 0.8499}
rules:
"""


def shown(guard: Guard, text: str, *, every: bool = False, **context: Any) -> list[str]:
    """Return the lines about the rules."""
    notes = explain(guard, text, passes=0, **context).rules
    return [line.strip() for line in render_rules(notes, Style(io.StringIO()), every=every)]


@each_case(
    ("when", "text", "lines"),
    [
        (
            "hate > 0.5 && content.length > 2",
            "rage",
            [
                "FLAG  r  then flag, medium",
                "for 1",
                "true   all of",
                "true     hate > 0.5  0.61",
                "true     content.length > 2  4",
            ],
        ),
        (
            "!(hate > 0.9)",
            "rage",
            ["FLAG  r  then flag, medium", "for 1", "true   not", "false    hate > 0.9  0.61, 0.29 short"],
        ),
        (
            "content.length > 9 ? hate > 0.9 : hate > 0.1",
            "rage",
            [
                "FLAG  r  then flag, medium",
                "for 1",
                "true   the first decides between the others",
                "false    content.length > 9  4, 5 short",
                "false    hate > 0.9  0.61, 0.29 short",
                "true     hate > 0.1  0.61",
            ],
        ),
        (
            "hate >= 0.85",
            "rage",
            [
                "not fired  r  then flag, medium",
                "false  hate >= 0.85  0.61, 0.24 short",
                "missing: hate >= 0.85: 0.61, 0.24 short",
            ],
        ),
        (
            "toxic >= 0.85",
            "nearly",
            [
                "not fired  r  then flag, medium",
                "false  toxic >= 0.85  0.8499, 0.0001 short",
                "missing: toxic >= 0.85: 0.8499, 0.0001 short",
            ],
        ),
        (
            "hate > 0.61",
            "rage",
            [
                "not fired  r  then flag, medium",
                "false  hate > 0.61  0.61, not above",
                "missing: hate > 0.61: 0.61, not above",
            ],
        ),
        (
            "hate > 0.5 && hate < 0.6",
            "rage",
            [
                "not fired  r  then flag, medium",
                "false  all of",
                "true     hate > 0.5  0.61",
                "false    hate < 0.6  0.61, 0.01 too much",
                "missing: hate < 0.6: 0.61, 0.01 too much",
            ],
        ),
        (
            'count("hate") == 3',
            "rage",
            [
                "not fired  r  then flag, medium",
                'false  count("hate") == 3  1',
                'missing: count("hate") == 3: 1, 2 off',
            ],
        ),
        (
            'hate > 0.5 && request.tenant == "a"',
            "rage",
            [
                "not fired  r  then flag, medium",
                "false  all of",
                "true     hate > 0.5  0.61",
                "false    request.tenant == \"a\"  request.tenant is 'b'",
                'missing: no finding would be enough, as this is not true: request.tenant == "a"',
            ],
        ),
    ],
)
def test_a_condition_is_shown_term_by_term(
    guard_of: Callable[..., Guard], when: str, text: str, lines: list[str]
) -> None:
    """With what each term reads, and what is missing."""
    guard = guard_of(f"{DETECTORS}  - {{id: r, on: input, when: '{when}', then: flag}}")
    assert shown(guard, text, tenant="b")[1:] == lines


def test_what_nobody_could_decide_says_why(guard_of: Callable[..., Guard]) -> None:
    """And what decides instead."""
    rule = """  - {id: r, on: [input, tool_call], when: 'custom.x > 0 && tool.arguments.path == "a"', then: flag, on_error: block}"""
    assert shown(guard_of(DETECTORS + rule), "blast")[1:] == [
        "BLOCK  r  then flag, medium, its condition depends on what is not known",
        "?      all of",
        "true     custom.x > 0  1.00",
        '?        tool.arguments.path == "a"  tool.arguments.path is not known',
        "not known: tool.arguments.path, as it could not be found out of this call",
        "so on_error decides: block",
    ]


def test_what_is_absent_is_called_so(guard_of: Callable[..., Guard]) -> None:
    """Where it made a rule fire, and where it kept it from firing, with why it may be so."""
    rule = "  - {id: r, on: input, when: 'custom.x > 0 && request.user.tier != \"staff\"', then: flag}"
    assert shown(guard_of(DETECTORS + rule), "blast")[1:] == [
        "FLAG  r  then flag, medium",
        "for 1",
        "true   all of",
        "true     custom.x > 0  1.00",
        'true     request.user.tier != "staff"  request.user.tier is absent',
        "absent: request.user.tier, as nobody said who asks (user)",
    ]
    rule = "  - {id: r, on: input, when: 'custom.x > 0 && has(request.tenant)', then: flag}"
    assert shown(guard_of(DETECTORS + rule), "blast")[-3:] == [
        "false    has(request.tenant)  request.tenant is absent",
        "missing: no finding would be enough, as this is not true: has(request.tenant)",
        "absent: request.tenant, as nobody said for whom (tenant)",
    ]


def test_rules_without_anything_to_fire_for_are_summed_up(guard_of: Callable[..., Guard]) -> None:
    """So many of them; unless every one is asked for."""
    many = "".join(
        f"  - {{id: r{at}, on: input, when: hate > 0.{at + 1:03}, then: flag}}\n" for at in range(LISTED + 3)
    )
    other = "  - {id: out, on: output, when: hate > 0.1, then: flag}\n"
    guard = guard_of(DETECTORS + many + other)
    said = shown(guard, "fine")
    assert said[0] == f"rules  0 fired, {LISTED + 4} did not fire"
    assert said[1].startswith("nothing to fire for: r0, r1, ")
    assert said[1].endswith(" and 3 more")
    assert said[2] == "at other stages: out"
    every = shown(guard, "fine", every=True)
    assert sum(line.startswith("not fired") for line in every) == LISTED + 4
    assert "not tried by the check: nothing was found, and without that it cannot hold" in every


def test_exceptions_are_named(guard_of: Callable[..., Guard]) -> None:
    """With what they remove, and since when they do not."""
    guard = guard_of(f"""{DETECTORS}  - {{id: r, on: input, when: custom.x > 0 || hate > 0.5, then: flag}}
exceptions:
  - {{id: own, categories: [custom.x], reason: ours}}
  - {{id: old, categories: [hate], reason: it was, expires: "2020-01-01"}}
""")
    said = shown(guard, "blast rage")
    assert "exception own: removes finding 1" in said
    assert "exception old: expired on 2020-01-01 and keeps finding 2" in said


@each_case(
    ("text", "expected"),
    [("a\nb\x1b[31m", "'a\\nb\\x1b[31m'"), ("x" * 100, f"'{'x' * 59}…'"), ("\u202eabc", "'\\u202eabc'")],
)
def test_texts_do_nothing_to_a_terminal(text: str, expected: str) -> None:
    """What is not printable is spelt."""
    assert quote_text(text) == expected
