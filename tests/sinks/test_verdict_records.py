"""Verdicts in the program's log, and in lists that it asks for."""

from __future__ import annotations

import asyncio
import copy
import logging
import threading
from collections.abc import Callable
from typing import Any

import pytest

from guardrails import Detection, Guard
from tests.cases import each_case

POLICY = """
detectors:
  words: {use: terms, terms: [zqxbomb], category: custom.bomb}
  mask: {use: terms, terms: [zqxmask], category: custom.mask}
  own: {use: own}
rules:
  - {id: bomb.block, on: [input, output], when: custom.bomb > 0, then: block, message: Not that.}
  - {id: mask.redact, on: [input, output], when: custom.mask > 0, then: redact}
  - {id: own.flag, on: input, when: custom.own > 0, then: flag, on_error: flag}
"""


@pytest.fixture(scope="module")
def guard(guard_of: Callable[..., Guard], kind_of: Callable[..., Any]) -> Guard:
    """Return a guard with a detector that fails at a word."""

    def judge(content: Any) -> Detection:
        if "fail" in content.text:
            raise ValueError(f"no, {content.text}")
        return Detection()

    return guard_of(POLICY, detectors={"own": kind_of(judge, "custom.own")})


def lines(caplog: pytest.LogCaptureFixture) -> list[logging.LogRecord]:
    """Return the lines that tell of verdicts."""
    return [record for record in caplog.records if hasattr(record, "verdict_id")]


@each_case(
    ("text", "level", "action", "rules"),
    [
        ("a zqxbomb", logging.INFO, "block", ["bomb.block"]),
        ("a zqxmask", logging.INFO, "redact", ["mask.redact"]),
        ("it fails", logging.WARNING, "flag", ["own.flag"]),
        ("fine", None, "allow", []),
    ],
)
def test_a_verdict_is_one_line_of_the_log(
    guard: Guard,
    caplog: pytest.LogCaptureFixture,
    text: str,
    level: int | None,
    action: str,
    rules: list[str],
) -> None:
    """With fields for programs; at WARNING where something failed; none for what is allowed."""
    with caplog.at_level(logging.DEBUG, logger="guardrails"):
        verdict = guard.check(text)

    assert verdict.action == action
    if level is None:
        assert not lines(caplog)
        return
    [line] = lines(caplog)
    assert (line.name, line.levelno) == ("guardrails", level)
    told: Any = line
    assert (told.action, told.rules, told.stage, told.policy) == (action, rules, "input", verdict.policy.name)
    assert (told.verdict_id, told.duration_ms) == (verdict.id, round(verdict.timings_ms["total"], 3))
    assert all(rule in line.getMessage() for rule in rules)


def test_no_line_holds_what_was_judged(guard: Guard, caplog: pytest.LogCaptureFixture) -> None:
    """Neither the content, nor what was found, nor the words of an error, which may quote it."""
    with caplog.at_level(logging.DEBUG, logger="guardrails"):
        guard.check("zqxbomb for my aunt Matilda, fail", user={"id": "u-17"})

    [line] = lines(caplog)
    told = f"{line.getMessage()} {vars(line)}"
    assert "own failed" in told
    assert not [word for word in ("zqxbomb", "Matilda", "u-17", "no, ") if word in told]


def test_a_level_that_is_not_wanted_costs_nothing(guard: Guard, caplog: pytest.LogCaptureFixture) -> None:
    """What a server asks itself as it starts is not written at all."""
    with caplog.at_level(logging.WARNING, logger="guardrails"):
        guard.check("zqxbomb")
    with caplog.at_level(logging.DEBUG, logger="guardrails"):
        guard.without_reports().check("zqxbomb")
    assert not lines(caplog)


def test_a_block_collects_all_verdicts_of_a_guard(guard: Guard, guard_of: Callable[..., Guard]) -> None:
    """Of checks, wrapped functions and streams; also those that allow; of no other guard, and none behind its end."""
    other = guard_of("rules: []")
    ask = guard.wrap(lambda prompt: "a zqxmask")
    with guard.record() as outer:
        with guard.record() as verdicts:
            guard.check("fine")
            other.check("fine")
            assert ask("hello") == "a [MASK]"
            stream = guard.stream()
            stream.feed("zqxmask")
            stream.flush()
        guard.with_context(user={"id": "u"}).check("zqxbomb")
    guard.check("fine")

    assert [(each.stage.value, str(each.action)) for each in verdicts] == [
        ("input", "allow"),
        ("input", "allow"),
        ("output", "redact"),
        ("output", "redact"),
    ]
    assert outer[:4] == verdicts
    assert [str(each.action) for each in outer[4:]] == ["block"]


def test_verdicts_on_answers_that_must_fit_a_schema_count(guard: Guard) -> None:
    """Those of each attempt, also where a guard is copied, which is the same one."""
    answers = iter(["no", "{}", "{}"])
    ask = guard.wrap(lambda prompt: next(answers), schema={"type": "object"}, reask=1)
    with guard.record() as verdicts:
        with copy.copy(guard).record() as others:
            assert ask("hello") == "{}"
        assert ask("hello") == "{}"
    stages = ["input", "output", "input", "output", "input", "output"]
    assert [each.stage.value for each in verdicts] == stages
    assert [str(each.action) for each in verdicts][:4] == ["allow", "block", "allow", "allow"]
    assert others == verdicts[:4]


def test_tasks_count_and_threads_do_not(guard: Guard) -> None:
    """As context variables are passed on; blocks of tasks at once stay apart."""

    async def ask(count: int) -> int:
        with guard.record() as verdicts:
            await asyncio.gather(*(guard.acheck(f"fine {at}") for at in range(count)))
            await asyncio.to_thread(guard.check, "fine")
            thread = threading.Thread(target=guard.check, args=("fine",))
            thread.start()
            await asyncio.to_thread(thread.join)
        return len(verdicts)

    async def main() -> list[int]:
        return await asyncio.gather(*map(ask, (1, 2, 3)))

    assert asyncio.run(main()) == [2, 3, 4]
