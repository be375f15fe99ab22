"""Verdicts on contents of any form: who asks, and what a check goes on from."""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from guardrails.checker import Checker, escape_earlier_placeholders
from guardrails.engine.core import task_runner
from guardrails.engine.core.worker_pool import Workers
from guardrails.engine.redaction.vault import Vault
from guardrails.errors import Blocked, GuardUnavailable
from guardrails.guard import Guard
from guardrails.types import CLEAN, Action, Detection, Place, Stage, Unavailable, Verdict

POLICY = """
detectors: {pii: {use: pii, entities: [email]}}
rules: [{id: r, on: [input, output], when: pii > 0, then: redact, with: vault}]
tests: [{input: "jo@example.com", expect: {action: redact}}]
"""


@pytest.fixture(scope="module")
def checker(guard_of: Callable[..., Guard]) -> Checker:
    """A checker that numbers addresses."""
    return Checker(guard_of(POLICY).policy)


def test_a_checker_judges_without_a_guard_around_it(checker: Checker) -> None:
    """A verdict names the policy, the stage and what is left to use."""
    verdict = checker.check("mail jo@example.com")
    assert (verdict.action, verdict.stage, verdict.content) == (Action.REDACT, Stage.INPUT, "mail [EMAIL_1]")
    assert verdict.policy == checker.policy.ref


def test_check_and_acheck_take_the_same_arguments() -> None:
    """One is the twin of the other."""
    sync, twin = inspect.signature(Checker.check), inspect.signature(Checker.acheck)
    assert sync.parameters == twin.parameters


def test_a_misspelt_option_is_an_error_that_names_it(checker: Checker) -> None:
    """At once, before anything is judged."""
    wrong: Any = {"tennant": "acme"}
    with pytest.raises(TypeError, match=r"check\(\) has no option 'tennant'; did you mean 'tenant'\?"):
        checker.check("x", **wrong)
    with pytest.raises(TypeError, match=r"acheck\(\) has no option 'tennant'; did you mean 'tenant'\?"):
        asyncio.run(checker.acheck("x", **wrong))


def test_only_a_model_can_name_what_was_handed_out(checker: Checker) -> None:
    """A placeholder that somebody else writes is written otherwise; a model's own stays."""
    vault = Vault()
    vault.number_for("pii.email", "jo@example.com", Place(Stage.INPUT))
    assert escape_earlier_placeholders("[EMAIL_1]", Stage.INPUT, vault) == "[EMAIL-1]"
    assert escape_earlier_placeholders("[EMAIL_1]", Stage.OUTPUT, vault) == "[EMAIL_1]"
    assert escape_earlier_placeholders("[EMAIL_1]", Stage.INPUT, None) == "[EMAIL_1]"


def test_every_verdict_is_reported_once(checker: Checker) -> None:
    """Of both ways to check, before the caller has it."""
    seen: list[Verdict] = []
    reporting = Checker(checker.policy, on_verdict=seen.append)
    made = [reporting.check("jo@example.com"), asyncio.run(reporting.acheck("hello", "output"))]
    assert seen == made


def test_a_report_changes_nothing(checker: Checker, caplog: pytest.LogCaptureFixture) -> None:
    """Neither by what it does with the content, nor by an exception; the log has its place, and none of its words."""

    def spoil(verdict: Verdict) -> None:
        assert isinstance(verdict.content, dict)
        verdict.content["messages"][0]["content"] = "spoilt"
        raise ValueError("jo@example.com")

    body = {"messages": [{"role": "user", "content": "jo@example.com"}]}
    with caplog.at_level(logging.ERROR, "guardrails"):
        verdict = Checker(checker.policy, on_verdict=spoil).check(body)
    assert verdict.content == {"messages": [{"role": "user", "content": "[EMAIL_1]"}]}
    assert body["messages"][0]["content"] == "jo@example.com"
    [record] = caplog.records
    assert f"on_verdict raised ValueError; verdict {verdict.id} stands" in record.getMessage()
    assert "in spoil" in record.getMessage()
    assert "jo@" not in caplog.text.replace('raise ValueError("jo@example.com")', "")


def test_an_exception_that_ends_the_program_passes(checker: Checker) -> None:
    """Nothing is handed on."""

    def stop(verdict: Verdict) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Checker(checker.policy, on_verdict=stop).check("x")


def test_nothing_waits_for_a_report(checker: Checker) -> None:
    """What cannot be called at once is an error now, not at the first verdict."""

    async def later(verdict: Verdict) -> None: ...

    class Later:
        async def __call__(self, verdict: Verdict) -> None: ...

    wrong: Any
    for wrong, named in ((later, "an async function"), (Later(), "an async function"), (3, "type 'int'")):
        with pytest.raises(TypeError, match=named):
            Checker(checker.policy, on_verdict=wrong)


def test_checks_that_no_user_asked_for_are_reported_to_nobody(tmp_path: Path) -> None:
    """A guard without reports judges the same; the guard itself goes on with them."""
    told: list[Verdict] = []
    policy = {"format": 1, "name": "tested", "detectors": {}, "rules": []}
    guard = Guard.load(policy, on_verdict=told.append, sinks=[{"use": "jsonl", "path": str(tmp_path / "v")}])
    assert guard.without_reports().check("a text").action == "allow"
    assert (told, guard.without_reports().sinks) == ([], None)
    guard.check("a text")
    assert len(told) == 1


def test_a_check_that_is_refused_is_reported_as_a_verdict(
    guard_of: Callable[..., Guard], kind_of: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is raised, with a verdict that names the policy; whoever is told of verdicts is told of this one, too."""
    monkeypatch.setattr(task_runner, "workers", lambda: Workers(1, queue=0, spare=0))
    policy = (
        "detectors: {d: {use: own}}\nrules: [{id: r, on: [input, output], when: custom.own > 0, then: block}]"
    )
    guard = guard_of(policy, detectors={"own": kind_of(lambda content: Detection(), tier=1)})
    told: list[Verdict] = []
    guard.on_verdict = told.append
    stream = guard.stream()
    with guard.record() as verdicts:
        for check in (
            lambda: guard.check("text"),
            lambda: asyncio.run(guard.acheck("text")),
            lambda: guard.wrap(lambda prompt: prompt, on_block="answer")("text"),
            lambda: (stream.feed("text"), stream.flush()),
        ):
            with pytest.raises(GuardUnavailable) as raised:
                check()
            verdict = raised.value.verdict
            assert isinstance(raised.value, Blocked)
            assert (verdict.policy, verdict.unavailable) == (guard.policy.ref, Unavailable("capacity"))
            assert (raised.value.reason, raised.value.retry_after) == ("capacity", 1)
            assert told.pop() is verdict
    assert [each.unavailable for each in verdicts] == [Unavailable("capacity")] * 4


def test_what_cannot_be_judged_is_no_answer(
    guard_of: Callable[..., Guard], kind_of: Callable[..., Any]
) -> None:
    """A wrapped call raises whatever it does with blocks: a refusal in kind would be read as one of the content."""
    policy = "detectors: {d: {use: own}}\nrules: [{id: r, on: [input, output], when: custom.own > 0, then: block, message: No.}]"
    guard = guard_of(
        policy, detectors={"own": kind_of(lambda content: 1 / 0 if "bad" in content.text else CLEAN)}
    )
    for on_block in ("raise", "answer"):
        safe = guard.wrap(lambda prompt: prompt, on_block=on_block)
        assert safe("fine") == "fine"
        with pytest.raises(GuardUnavailable) as raised:
            safe("bad")
        assert (raised.value.reason, raised.value.retry_after) == ("crash", None)
        assert raised.value.verdict.unavailable == Unavailable("crash", ("r",))
        with pytest.raises(GuardUnavailable):
            [*guard.wrap(lambda prompt: iter(["fine ", "bad"]), on_block=on_block)("fine")]
