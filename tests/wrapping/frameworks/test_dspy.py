"""Language models of DSPy with stand-ins for its classes; with it: `tests/system/frameworks/test_dspy.py`."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import pytest

from guardrails import Blocked, RequestError
from guardrails.testing import FakeGuard
from guardrails.types import Stage
from guardrails.wrapping.frameworks.dspy import set_text, wrap
from guardrails.wrapping.sdk.exchange import Terms

GUARD = FakeGuard(blocks=["bomb"], redacts=["mask"])


class Settings:
    """Settings that hold a stream."""

    send_stream: Any = None

    @contextmanager
    def context(self, send_stream: Any) -> Iterator[None]:
        """Set the stream for a while."""
        before, self.send_stream = self.send_stream, send_stream
        yield
        self.send_stream = before


@pytest.fixture(autouse=True)
def settings(monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Stand-ins for the library; its settings."""
    made = Settings()
    monkeypatch.setitem(sys.modules, "dspy", SimpleNamespace(settings=made))  # type: ignore[arg-type]
    return made


class Delta(dict[str, Any]):
    """A piece of an answer, which is read by attributes too."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return self[name]


class Model:
    """A language model that says what it is told to."""

    def __init__(self, settings: Settings, *answers: Any) -> None:
        self.settings, self.answers = settings, [*answers]
        self.heard: list[Any] = []

    def __call__(self, prompt: Any = None, *, messages: Any = None, **options: Any) -> list[Any]:
        """Answer."""
        self.heard.append(prompt or messages)
        return self.answers

    async def acall(self, prompt: Any = None, *, messages: Any = None, **options: Any) -> list[Any]:
        """Answer, letter by letter."""
        if self.settings.send_stream is not None:
            for letter in (*self.answers[0], None):
                delta = Delta(content=letter, tool_calls=["x"])
                finish = "stop" if letter is None else None
                choice = SimpleNamespace(delta=delta, finish_reason=finish)
                await self.settings.send_stream.send(SimpleNamespace(choices=[choice]))
            await self.settings.send_stream.send(SimpleNamespace(choices=[]))
        return self(prompt, messages=messages)


def test_prompts_and_answers_are_judged(settings: Settings) -> None:
    """Texts, and mappings with more than a text."""
    model = wrap(Model(settings, "a mask", {"text": "mask"}), Terms(GUARD, answers=False))
    assert model("a mask") == ["a [REDACT]", {"text": "[REDACT]"}]
    assert model(messages=[{"role": "user", "content": "mask"}])[0] == "a [REDACT]"
    assert model.heard == ["a [REDACT]", [{"role": "user", "content": "[REDACT]"}]]
    with pytest.raises(Blocked):
        model("bomb")
    with pytest.raises(RequestError, match="ask the model by a prompt or messages"):
        model(object())
    polite = wrap(Model(settings, "a bomb", "x"), Terms(GUARD, answers=True))
    assert polite("hello") == ["Stopped by policy.", "x"]
    assert polite("bomb") == ["Stopped by policy."]


class Stream:
    """What DSPy sends tokens to."""

    def __init__(self) -> None:
        self.sent: list[Any] = []

    async def send(self, chunk: Any) -> None:
        """Take a chunk."""
        self.sent.append(chunk.choices[0].delta)


@pytest.mark.parametrize(("answer", "told"), [("a mask.", "a [REDACT]."), ("a bomb", "")])
def test_tokens_are_judged(settings: Settings, answer: str, told: str) -> None:
    """Nothing but their text goes on, and nothing of what is blocked."""
    settings.send_stream = stream = Stream()
    model = wrap(Model(settings, answer), Terms(GUARD, answers=True))
    asyncio.run(model.acall("hello"))
    assert "".join(delta["content"] for delta in stream.sent) == told
    assert {delta["tool_calls"] for delta in stream.sent} <= {None}
    assert settings.send_stream is stream


def test_a_chunk_says_its_text_alone() -> None:
    """Also where it is an object."""
    delta = SimpleNamespace(role="assistant", content="x", tool_calls=[1])
    set_text(delta, "y")
    assert vars(delta) == {"role": "assistant", "content": "y", "tool_calls": None}


def test_answers_stand_at_output(settings: Settings) -> None:
    """Nowhere else."""
    with pytest.raises(ValueError, match="output is not for models"):
        wrap(Model(settings), Terms(GUARD, answers=False, output=Stage.RETRIEVAL))
