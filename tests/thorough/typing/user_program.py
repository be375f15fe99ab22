"""A program as a careful user writes one: it must pass the strictest type checks, and run."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TypedDict, assert_type

from guardrails import (
    Action,
    Blocked,
    Content,
    Coverage,
    Detection,
    Detector,
    Finding,
    Guard,
    PolicyErrors,
    Severity,
    Stage,
    Text,
    Verdict,
)

POLICY = {
    "format": 1,
    "name": "words",
    "detectors": {
        "bad": {"use": "terms", "terms": ["badword"], "category": "custom.bad"},
        "mild": {"use": "terms", "terms": ["mildword"], "category": "custom.mild"},
    },
    "rules": [
        {"id": "bad", "on": ["input", "output"], "when": "custom.bad > 0", "then": "block", "severity": "high"},
        {"id": "mild", "on": ["input", "output"], "when": "custom.mild > 0", "then": "redact"},
    ],
}  # fmt: skip


class Message(TypedDict):
    """One turn of a chat."""

    role: str
    content: str


seen: list[str] = []


def log(verdict: Verdict) -> None:
    """Keep what was decided."""
    seen.append(f"{verdict.id} {verdict.action}")


guard = Guard.load(POLICY, on_verdict=log)


def check_texts() -> None:
    """A verdict knows what was given."""
    verdict = guard.check("a mildword", stage="input", user={"id": "u1", "tier": "gold"}, tenant="acme")
    assert_type(verdict, Verdict[str])
    assert_type(verdict.content, str | None)
    assert_type(verdict.action, Action)
    assert_type(verdict.stage, Stage)
    assert_type(verdict.findings, tuple[Finding, ...])
    assert_type(verdict.coverage, Coverage)
    assert_type(verdict.to_dict(), dict[str, object])
    assert verdict.content == "a [MILD]"
    assert verdict.action == "redact"
    assert verdict.action >= "flag"
    assert verdict.action in ("flag", "redact")
    assert verdict.stage == "input"
    assert verdict.rules[0].severity < Severity.HIGH
    match verdict.action:
        case "redact":  # pyright: ignore[reportUnnecessaryComparison] - it takes an action for its number
            pass
        case _:
            raise AssertionError(verdict.action)


def exit_status(action: Action) -> int:
    """Every action is dealt with: a checker says so where one is forgotten."""
    match action:
        case Action.ALLOW | Action.FLAG:
            return 0
        case Action.REDACT:
            return 1
        case Action.BLOCK:
            return 2


def check_messages() -> None:
    """The shape that was given comes back."""
    messages: list[Message] = [{"role": "user", "content": "badword"}]
    verdict = guard.check(messages, Stage.INPUT, complete=True)
    assert_type(verdict, Verdict[list[Message]])
    assert verdict.blocked
    assert exit_status(verdict.action) == 2
    reply = guard.check({"answer": "fine"}, "output", after=verdict, sources=["one", "two"])
    assert_type(reply.content, dict[str, str] | None)
    assert_type(guard.check(Text("fine")).content, Text | None)
    if Path("picture.png").exists():
        assert_type(guard.check(Path("picture.png"), "output"), Verdict[Path])


def keep(verdicts: Sequence[Verdict]) -> list[str]:
    """A verdict of anything is a `Verdict`, without a word on of what."""
    contents: list[object] = [verdict.content for verdict in verdicts]
    return [
        f"{verdict.id} {type(content).__name__}" for verdict, content in zip(verdicts, contents, strict=True)
    ]


async def check_async() -> None:
    """The twin has the same types."""
    verdict = await guard.acheck("fine", stage="tool_result", metadata={"route": "a"})
    assert_type(verdict, Verdict[str])
    assert keep([verdict, guard.check([1, 2]), guard.check("x")])


@guard.wrap
def ask(prompt: str, *, temperature: float = 0.0) -> str:
    """Answer."""
    return f"{prompt} at {temperature}"


@guard.wrap
def words(prompt: str) -> Iterator[str]:
    """Answer word by word."""
    yield from prompt.split()


@guard.wrap
async def later(prompt: str) -> str:
    """Answer later."""
    return prompt


@guard.wrap
async def words_later(prompt: str) -> AsyncIterator[str]:
    """Answer word by word, later."""
    yield prompt


@guard.wrap(on_block="answer", tenant="acme")
def answer(prompt: str) -> str:
    """Answer a block with the rule's message."""
    return prompt


class Client:
    """Somebody's own client."""

    def __call__(self, prompt: str) -> str:
        return prompt


def wrap_functions() -> None:
    """What is wrapped has the type that it had."""
    assert_type(ask("fine", temperature=0.5), str)
    assert_type(words("fine"), Iterator[str])
    assert_type(answer("badword"), str)
    client: Callable[[str], str] = guard.wrap(Client(), on_block="answer", user={"id": "u1"}, model="m")
    assert client("badword") == "Stopped by policy."
    search = guard.wrap(str.split, output="retrieval")
    assert search("one two") == ["one", "two"]
    try:
        ask("badword")
    except Blocked as blocked:
        assert_type(blocked.verdict, Verdict)
        assert_type(blocked.verdict.message, str | None)


async def wrap_async() -> None:
    """Also where it waits."""
    assert_type(await later("fine"), str)
    assert "".join([piece async for piece in words_later("fine")]) == "fine"


def stream_text() -> None:
    """A stream says what may be shown so far, and has a verdict in the end."""
    stream = guard.stream(stage="output", system="Be brief.")
    shown = stream.feed("fine ") + stream.flush()
    assert_type(shown, str)
    assert_type(stream.verdict, Verdict | None)
    assert_type(guard.held("output"), Mapping[str, str])
    assert_type(guard.held_films(), Mapping[str, str])


class Shouting:
    """A detector of one's own."""

    def detect(self, batch: Sequence[Content]) -> list[Detection]:
        """Find what is written in capitals."""
        return [self.judge(content) for content in batch]

    def judge(self, content: Content) -> Detection:
        """Judge one content."""
        if isinstance(content, Text) and content.text.isupper():
            return Detection((Finding("custom.shouting", 1.0, "shouting", (0, len(content.text))),))
        return Detection()


detector: Detector = Shouting()


def read_problems() -> None:
    """Everything that is wrong with a policy, each with its place."""
    try:
        Guard.load("format: 1\nnam: x\n")
    except PolicyErrors as errors:
        assert_type(
            [(error.file, error.line, error.col, error.code) for error in errors],
            list[tuple[str, int, int, str]],
        )


def main() -> None:
    """Run all of it."""
    check_texts()
    check_messages()
    asyncio.run(check_async())
    wrap_functions()
    asyncio.run(wrap_async())
    stream_text()
    read_problems()
    assert detector.detect([Text("HELLO")])[0].findings
    assert len(seen) > 10
    assert_type(guard.reload(), Guard)
    assert_type(guard.policy.ref.digest, str)


if __name__ == "__main__":
    main()
