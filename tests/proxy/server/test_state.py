"""What a server process shares: loading, warming up, and what goes on with the old guard."""

from __future__ import annotations

import asyncio

import pytest

from guardrails.errors import Overloaded
from guardrails.proxy.configuration.settings import Settings
from guardrails.proxy.server import state as states
from guardrails.proxy.server.reloading.loaded_policies import LoadedPolicies
from guardrails.proxy.server.state import State
from guardrails.types import CLEAN, Action, DetectorFailure, FiredRule, PolicyRef, Stage, Verdict
from guardrails.wire import strict_json

REF = PolicyRef("a name é", "1.0 beta", "sha256:0")


def verdict(action: Action, *rules: str, errors=()) -> Verdict:
    """Return a verdict with these rules."""
    fired = tuple(FiredRule(rule, action) for rule in rules)
    return Verdict(f"vd_{action}", action, Stage.INPUT, REF, None, rules=fired, errors=errors)


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
    assert state.failing_detectors == ["d"]
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
    assert state.failing_detectors == ["d"]


def test_a_failure_is_forgotten_after_a_while(policy_guard, monkeypatch) -> None:
    """The state of a server tells of now."""
    state = State(Settings("http://h"), policy_guard)
    state.record_verdict(verdict(Action.BLOCK, errors=(DetectorFailure("d", "boom"),)), 0.1)
    assert state.failing_detectors == ["d"]

    monkeypatch.setattr(states, "DEGRADED_S", 0.0)

    assert state.failing_detectors == []


def test_large_work_leaves_the_loop() -> None:
    """What a body's size makes slow runs on a worker, the rest right here."""
    import threading

    state = State(Settings("http://h"))

    async def threads() -> list[str]:
        return [
            await state.run_by_size(size, lambda: threading.current_thread().name)
            for size in (1, strict_json.LARGE)
        ]

    assert asyncio.run(threads()) == [threading.current_thread().name, "guardrails-worker"]


def test_what_has_begun_keeps_its_guard(policy_guard, guard_of) -> None:
    """A request's state goes on with the guard of its moment; numbers and failures are the server's, whoever tells them."""
    other = guard_of("rules: []")
    state = State(Settings("http://h"), policy_guard)
    before = state.current

    state.adopt(LoadedPolicies(state.settings, {"default": other}))

    assert before.guard is before.current.guard is policy_guard
    assert state.guard is state.current.guard is other
    before.record_verdict(verdict(Action.BLOCK, "a", errors=(DetectorFailure("d", "boom"),)), 0.1)
    assert state.failing_detectors == state.current.failing_detectors == ["d"]
    assert 'rule="a"' in state.metrics.text()
    assert f'digest="{other.policy.ref.digest}"' in state.metrics.text()
    assert policy_guard.policy.ref.digest not in state.metrics.text()


def test_a_server_knows_the_files_of_its_policy_also_where_loading_fails(tmp_path) -> None:
    """So that it can try again when they change."""
    policy = tmp_path / "p.yaml"
    state = State(Settings("http://h", policy=str(policy)))

    asyncio.run(state.start())

    assert state.files == {policy: None}
    assert (state.reload.state, state.metrics.reload_failed) == ("failed", True)
