"""Streams: why replies are held is said with how long, and only of what replies wait for."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from guardrails.authoring.lint import held_streams
from guardrails.authoring.lint.scene import LintWorkbench
from guardrails.guard import Guard
from guardrails.policy.compile import compile_policy
from guardrails.policy.loading.load import load
from tests.cases import each_case


@pytest.fixture
def bench(tmp_path: Path) -> Callable[..., LintWorkbench]:
    """Return a function: patterns, a rule and more in, a bench for the policy out."""

    def make(patterns: str, rule: str = "when: custom.p > 0, then: block", more: str = "") -> LintWorkbench:
        path = tmp_path / "policy.yaml"
        path.write_text(
            f"format: 1\nname: tested\ndetectors: {{p: {{use: patterns, patterns: [{patterns}]}}}}\n"
            f"rules: [{{id: a, on: output, {rule}}}]\n{more}"
        )
        policy = load(path, tests=())
        return LintWorkbench(policy, compile_policy(policy), date(2026, 11, 26), False)

    return make


def test_a_rule_that_repairs_is_meant_to_hold(tmp_path: Path) -> None:
    """`on_fail` says that the whole text is wanted."""
    text = "format: 1\nname: t\ndetectors: {f: {use: format, kind: json}}\nrules:\n  - {id: a, on: output, when: custom.format > 0, then: block"
    for more, found in ((", on_fail: repair}", 0), ("}", 1)):
        path = tmp_path / "p.yaml"
        path.write_text(text + more)
        policy = load(path, tests=())
        made = LintWorkbench(policy, compile_policy(policy), date(2026, 11, 26), False)
        assert len([*held_streams.held_stream(made)]) == found


@each_case("said", ["", ", stream: segment"])
def test_what_lint_advises_for_a_format_does_not_break_it(tmp_path: Path, said: str) -> None:
    """Where the rule follows the advice (`stream: whole`), valid JSON still passes, and lint does not say `stream: segment`."""
    text = (
        "format: 1\nname: t\ndetectors: {f: {use: format, kind: json}}\n"
        "rules:\n  - {id: a, on: output, when: custom.format > 0, then: block"
    )
    path = tmp_path / "p.yaml"
    path.write_text(f"{text}{said}}}")
    policy = load(path, tests=())
    (found,) = held_streams.held_stream(
        LintWorkbench(policy, compile_policy(policy), date(2026, 11, 26), False)
    )
    assert "segment" not in found.cure
    assert "stream: whole" in found.cure
    path.write_text(f"{text}, stream: whole}}")
    stream = Guard.load(path).stream(stage="output")
    reply = '{"a": "' + "One sentence. Another one. " * 40 + '"}'
    assert "".join([*map(stream.feed, reply), stream.flush()]) == reply


@pytest.mark.parametrize(
    ("rule", "reason"),
    [
        ("when: 'custom.p > 0.5 && count(\"custom.p\") > 0', then: block", "joins several findings"),
        ("when: 'count(\"custom.p\") > 1', then: block", "counts findings"),
        ("when: custom.p > 0.2 && custom.p < 0.5, then: block", "an upper bound"),
        ("when: custom.p < 0.5, then: block", "an upper bound"),
        (
            "when: 'custom.p > 0 && content.language == \"en\"', then: block",
            "content.language of the whole text",
        ),
        ("when: custom.p > 0, then: redact, redact: [custom.p]", "redact: names categories"),
    ],
)
def test_why_a_reply_is_held_is_said_with_how_long(
    bench: Callable[..., LintWorkbench], rule: str, reason: str
) -> None:
    """The reason is that of the condition, and the delay is in seconds."""
    (found,) = held_streams.held_stream(bench("zqx", rule))
    assert reason in found.message
    assert "shown 10 s later" in found.message
    assert found.cure.endswith("stream: whole if it is meant")


def test_what_was_asked_for_is_contradicted_where_it_is_written(bench: Callable[..., LintWorkbench]) -> None:
    """A rule that says `segment` in vain is told at that word."""
    workbench = bench("zqx", "when: custom.p < 0.5, then: block, stream: segment")
    (found,) = held_streams.held_stream(workbench)
    assert "though it says stream: segment" in found.message
    assert found.mark == workbench.rows[0].item.mark(("stream",))


@pytest.mark.parametrize(
    ("pattern", "endless"),
    [
        ("'BEGIN.+END'", True),
        ("'zqx[^;]*;'", True),
        ("'zqx.{0,300};'", False),
        ("'zqx\\S+;'", False),
        ("'zqx\\s+;'", False),
    ],
)
def test_only_what_goes_on_through_prose_is_endless(
    bench: Callable[..., LintWorkbench], pattern: str, endless: bool
) -> None:
    """A run of letters, or of spaces, ends by itself."""
    assert bool([*held_streams.endless_pattern(bench(pattern))]) is endless


def test_what_happens_at_the_limit_is_said(bench: Callable[..., LintWorkbench]) -> None:
    """The policy's own limit, and what it does there."""
    (found,) = held_streams.endless_pattern(
        bench("'BEGIN.+END'", more="limits: {max_hold: 900, on_limit: hold}\n")
    )
    assert "after 900 characters it is held to its end" in found.message


def test_what_only_records_holds_nothing(bench: Callable[..., LintWorkbench]) -> None:
    """Flag rules are judged beside the stream."""
    workbench = bench("'BEGIN.+END', '(?r)zqx'", "when: custom.p > 0, then: flag")
    for check in (held_streams.endless_pattern, held_streams.pattern_holds_stream, held_streams.held_stream):
        assert [*check(workbench)] == []
