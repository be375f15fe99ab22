"""What a server process shares: loading, warming up, and what headers say."""

from __future__ import annotations

import asyncio

import pytest

from guardrails.errors import Overloaded
from guardrails.proxy import state as states
from guardrails.proxy.settings import Settings
from guardrails.proxy.state import Report, State, who_asks
from guardrails.types import CLEAN, Action, DetectorFailure, FiredRule, PolicyRef, Stage, Verdict

REF = PolicyRef("a name é", "1.0 beta", "sha256:0")


def verdict(action: Action, *rules: str, errors=()) -> Verdict:
    """Return a verdict with these rules."""
    fired = tuple(FiredRule(rule, action) for rule in rules)
    return Verdict(f"vd_{action}", action, Stage.INPUT, REF, None, rules=fired, errors=errors)


def test_the_report_takes_the_strictest() -> None:
    """The strictest action, each rule once in order, both ids; a header holds nothing but ASCII."""
    report = Report(REF)
    report.add(verdict(Action.BLOCK, "a", "b"))
    report.add(verdict(Action.FLAG, "c", "a"))

    headers = report.headers()

    assert headers == {
        "x-guardrails-action": "block",
        "x-guardrails-rules": "a,b,c",
        "x-guardrails-policy": "a%20name%20%C3%A9@1.0%20beta;sha256:0",
        "x-guardrails-verdict-id": "vd_block,vd_flag",
    }
    report.add(verdict(Action.ALLOW, errors=(DetectorFailure("d", "boom"),)))
    assert report.headers()["x-guardrails-degraded"] == "true"


def test_a_server_without_a_policy_says_so(tmp_path, caplog) -> None:
    """It never becomes ready, tells clients to come back, and has the located errors in its log."""
    policy = tmp_path / "p.yaml"
    policy.write_text("format: 1\nname: p\nrulez: []\n")
    state = State(Settings("http://h", policy=str(policy)))
    with pytest.raises(Overloaded):
        _ = state.guard

    asyncio.run(state.start())

    assert not state.ready
    assert state.problem
    assert f"{policy}:3:1" in caplog.text
    with pytest.raises(Overloaded, match="cannot be loaded"):
        _ = state.guard


def test_a_server_loads_its_policy() -> None:
    """By name, as the settings say, and is ready afterwards."""
    state = State(Settings("http://h", policy="default"))

    asyncio.run(state.start())

    assert state.ready
    assert state.guard.policy.ref.name == "default"


def test_a_detector_that_is_not_up_yet_is_asked_again(guard_of, kind_of, monkeypatch) -> None:
    """Ready is who answers, not who was built."""
    monkeypatch.setattr(states, "RETRY_S", 0.001)
    asked = []

    def judge(content):
        asked.append(content)
        if len(asked) < 3:
            raise RuntimeError("loading")
        return CLEAN

    guard = guard_of(
        "detectors: {d: {use: own}}\nrules: [{id: r, on: input, when: custom.own > 0, then: block}]",
        detectors={"own": kind_of(judge)},
    )
    state = State(Settings("http://h"), guard)

    asyncio.run(state.start())

    assert state.ready
    assert state.failing == ["d"]
    assert len(asked) >= 3


def test_a_service_that_is_down_does_not_keep_a_server_from_its_work(guard_of, kind_of) -> None:
    """It may come back; its rules follow `on_error` until then, and its detector is named as failing."""

    class Down:
        """A detector whose service does not answer."""

        def detect(self, batch):
            raise AssertionError

        async def adetect(self, batch):
            raise ConnectionError

    guard = guard_of(
        "detectors: {d: {use: own}}\nrules: [{id: r, on: input, when: custom.own > 0, then: block}]",
        detectors={"own": kind_of(Down(), tier=2)},
    )
    state = State(Settings("http://h"), guard)

    asyncio.run(state.start())

    assert state.ready
    assert state.failing == ["d"]


def test_a_failure_is_forgotten_after_a_while(policy_guard, monkeypatch) -> None:
    """The state of a server tells of now."""
    state = State(Settings("http://h"), policy_guard)
    state.saw(verdict(Action.BLOCK, errors=(DetectorFailure("d", "boom"),)), 0.1)
    assert state.failing == ["d"]

    monkeypatch.setattr(states, "DEGRADED_S", 0.0)

    assert state.failing == []


def test_large_work_leaves_the_loop() -> None:
    """What a body's size makes slow runs on a worker, the rest right here."""
    import threading

    state = State(Settings("http://h"))

    async def threads() -> list[str]:
        return [
            await state.by_size(size, lambda: threading.current_thread().name) for size in (1, states.LARGE)
        ]

    assert asyncio.run(threads()) == [threading.current_thread().name, "guardrails-worker"]


@pytest.mark.parametrize("metadata", ["x", ["x"], 1, None])
def test_who_asks_is_no_more_than_was_said(metadata) -> None:
    """What is no mapping is no metadata; a client fills neither user nor tenant."""
    who = who_asks({"user": "jo"}, {"metadata": metadata, "model": 7, "user": "jo", "tenant": "t"}, 2)

    assert (who.metadata, who.model, who.user, who.tenant, who.turns) == (None, None, {}, None, 2)
