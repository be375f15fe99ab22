"""Requests of our own to an upstream that is down."""

from __future__ import annotations

import asyncio

import pytest

from guardrails.errors import GuardrailsError
from guardrails.protocols.providers import OPENAI
from guardrails.proxy.configuration.settings import Settings
from guardrails.proxy.server.metrics import Metrics
from guardrails.proxy.upstreams.health import health_checks
from guardrails.proxy.upstreams.routing import Upstreams
from tests.cases import each_case


class Turns:
    """A wait that ends when the test says so."""

    def __init__(self) -> None:
        self.asked: list[float] = []
        self.waiting, self.go = asyncio.Event(), asyncio.Event()

    async def sleep(self, seconds: float) -> None:
        """Wait for the test."""
        self.asked.append(seconds)
        self.waiting.set()
        await self.go.wait()
        self.go.clear()

    async def turn(self) -> None:
        """Let one wait end, and return at the next."""
        await self.waiting.wait()
        self.waiting.clear()
        self.go.set()
        await self.waiting.wait()


def watched(fake, replies, **fields) -> tuple[list[bool], list[float]]:
    """Return whether an upstream was up before each reply to a request of ours, and after all, and the waits."""

    async def run() -> tuple[list[bool], list[float]]:
        turns, up = Turns(), []
        given = {"url": fake.url, "models": ["*"], "tries": 1, "failures": 1, "check_s": 7.0, **fields}
        upstreams = Upstreams(Settings(upstreams={"a": given}), Metrics(), sleep=turns.sleep)
        await upstreams.open()
        try:
            fake.answers({}, 503)
            with pytest.raises(GuardrailsError):
                async with upstreams.answer("POST", "/chat/completions", {}, b"{}", OPENAI, model="m"):
                    pass
            for reply in replies:
                up.append(upstreams.health()["a"])
                fake.answers(**reply)
                await turns.turn()
            return [*up, upstreams.health()["a"]], turns.asked
        finally:
            await upstreams.close()

    return asyncio.run(run())


@each_case("status", [200, 403, 404])
def test_one_that_answers_again_is_up(fake, monkeypatch, status) -> None:
    """No client's request need be the one to see; while it is up nothing is sent."""
    monkeypatch.setenv("A_KEY", "sk-a")

    up, waits = watched(
        fake, [{"body": {}, "status": 503}, {"body": {}, "status": status}, {"body": {}}], key_env="A_KEY"
    )

    assert up == [False, False, True, True]
    assert [(each.method, each.path) for each in fake.asked[1:]] == [("GET", "/v1/models")] * 2
    assert fake.asked[1].headers["authorization"] == "Bearer sk-a"
    assert set(waits) == {7.0}


def test_one_that_does_not_answer_stays_down(fake, monkeypatch) -> None:
    """It is not waited for, and asked again the next time."""
    monkeypatch.setattr(health_checks, "WATCH_S", 0.1)

    up, _ = watched(fake, [{"body": b"", "garbage": b""}, {"body": b"x", "hang": True}, {"body": {}}])

    assert up[:3] == [False, False, False]
    assert up[3] is True
