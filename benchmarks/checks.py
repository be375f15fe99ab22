"""What a check by the default policy costs, beside the model's tokenizer and session run once over the same text.

    python benchmarks/checks.py [--rounds 7] [--only NAME ...]

Processor time of all threads, medians over texts that no cache has met: prose and records made of Python's own documentation,
as a user's message, a tool's result, an object, and in a conversation that comes again. Bare is what one would write by hand: the
text's tokens, in as many runs as they fill windows. Milliseconds depend on the machine and on what else it does, so that the aims
are for `TOKEN_US` microseconds a token of the bare session, as on the idle machine for which they were set, and compared with
`scaled`, what a check takes there. `read` is how many tokens the encoder reads for each of the text; of a conversation that goes
on, for each of what is new. The exit status is 1 where an aim is missed.
"""

from __future__ import annotations

import argparse
import json
import re
import statistics
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import inf
from pydoc_data.topics import topics
from random import Random
from time import process_time
from typing import Any

from guardrails import Guard
from guardrails.detectors.classifier.shipped_classifier import SHIPPED
from guardrails.inference.safety.folder import read_contents, read_manifest
from guardrails.inference.safety.session import Inputs, OnnxSession, pad_rows
from guardrails.inference.safety.windows import BertTokenizer
from guardrails.text import fold_text
from measure import machine, table

TOKEN_US = 65
"""Microseconds of a token on the machine that the aims are for."""
WINDOW = 126
LABELS = ("bug", "documentation", "good first issue", "needs review", "performance", "help wanted")


class Prose:
    """Sentences of Python's documentation, drawn without end."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)
        text = " ".join(
            line for topic in topics.values() for line in topic.splitlines() if line[:1].isalpha()
        )
        sentences = re.split(r"(?<=[.!?]) (?=[A-Z])", re.sub(r"[*`\"]", "", text))
        self._sentences = [each for each in sentences if 40 <= len(each) <= 200]
        self._drawn = 0

    def draw(self) -> str:
        """Return a sentence that came in no text before, as it has a number of its own."""
        self._drawn += 1
        return f"{self._random.choice(self._sentences)[:-1]} {self._drawn}."

    def text(self, size: int) -> str:
        """Return so many characters of prose."""
        found = self.draw()
        while len(found) < size:
            found += f" {self.draw()}"
        return found[:size]

    def record(self) -> dict[str, Any]:
        """Return a record as services list them."""
        number = self._random.randrange(10**6)
        user = self._random.choice(("octocat", "hubot", "monalisa", "torvalds", "gvanrossum"))
        return {
            "id": number,
            "state": self._random.choice(("open", "closed", "merged")),
            "created_at": f"2024-0{number % 9 + 1}-1{number % 10}T08:00:00Z",
            "user": {"login": user, "url": f"https://api.example.com/users/{user}", "site_admin": False},
            "title": " ".join(self.draw().split()[:6]),
            "body": self.draw(),
            "labels": self._random.sample(LABELS, 2),
            "score": self._random.random(),
        }

    def json(self, size: int) -> str:
        """Return so many characters of records as JSON."""
        records: list[dict[str, Any]] = []
        while len(text := json.dumps({"items": records, "total_count": len(records)})) < size:
            records.append(self.record())
        return text

    def chat(self, turns: int) -> list[dict[str, Any]]:
        """Return so many messages, of the user and of the model in turns."""
        sizes = {"user": 150, "assistant": 500}
        roles = ("user", "assistant") * turns
        return [{"role": role, "content": self.text(sizes[role])} for role in roles[:turns]]


@dataclass(frozen=True, slots=True)
class Check:
    """What is checked at a stage, after something that was checked `before` it; `new` is the text that nobody has met."""

    given: Any
    new: str
    stage: str = "input"
    before: Any = None


@dataclass(frozen=True, slots=True)
class Case:
    """A row of the table: what makes its checks, and the most that one may take: milliseconds, times of bare, and tokens that are
    read for each of the text.
    """

    name: str
    make: Callable[[Prose], Check]
    most_ms: float = inf
    most_of_bare: float = inf
    most_read: float = inf


def text(size: int) -> Callable[[Prose], Check]:
    """Return what makes a user's text of a size."""

    def make(prose: Prose) -> Check:
        found = prose.text(size)
        return Check(found, found)

    return make


def result(made: Callable[[Prose], str]) -> Callable[[Prose], Check]:
    """Return what makes a conversation in which a tool has returned a text."""

    def make(prose: Prose) -> Check:
        found = made(prose)
        function = {"name": "look_up", "arguments": "{}"}
        calls = [{"id": "call_1", "type": "function", "function": function}]
        given = [
            {"role": "user", "content": "What is new there?"},
            {"role": "assistant", "content": None, "tool_calls": calls},
            {"role": "tool", "tool_call_id": "call_1", "content": found},
        ]
        return Check(given, found)

    return make


def rows(stage: str) -> Callable[[Prose], Check]:
    """Return what makes a list of a hundred records at a stage."""

    def make(prose: Prose) -> Check:
        found = [prose.record() for _ in range(100)]
        return Check(found, json.dumps(found), stage)

    return make


def same_chat(prose: Prose) -> Check:
    """Return a conversation that comes again."""
    chat = prose.chat(21)
    return Check(chat, "", before=chat)


def next_turn(prose: Prose) -> Check:
    """Return a conversation that comes again with an answer and a question more."""
    chat = prose.chat(23)
    return Check(chat, "\n".join(each["content"] for each in chat[21:]), before=chat[:21])


CASES = (
    Case("60 characters", text(60), 6),
    Case("2 kB of prose", text(2_000), 40, most_read=1.1),
    Case(
        "20 kB of prose, a tool's result",
        result(lambda prose: prose.text(20_000)),
        most_of_bare=1.1,
        most_read=1.1,
    ),
    Case("20 kB of JSON, a tool's result", result(lambda prose: prose.json(20_000)), 80, most_read=1.1),
    Case("20 turns, unchanged", same_chat, 3),
    Case("20 turns and one more", next_turn, 30),
    Case("100 records as objects, a tool's result", rows("tool_result"), 100, most_read=1.1),
    Case("100 records as objects, input", rows("input"), 200, most_read=1.1),
)


class Bare:
    """The tokenizer and the session by hand, and how much the guard's sessions read."""

    def __init__(self) -> None:
        folder = SHIPPED["text-safety"]
        files = read_contents(folder, read_manifest(folder))
        self.tokens = BertTokenizer(files["tokenizer.json"])
        self._session = OnnxSession(files["encoder.onnx"])
        self.read = 0
        own, run = self._session, OnnxSession.run

        def count(session: OnnxSession, inputs: Inputs) -> Any:
            if session is not own:
                self.read += int(inputs[1].sum()) - 2 * len(inputs[1])
            return run(session, inputs)

        OnnxSession.run = count  # type: ignore[method-assign]

    def run(self, given: str) -> int:
        """Run the session over a text; return its tokens."""
        ids = self.tokens.ids(fold_text(given).text)
        for at in range(0, len(ids), WINDOW):
            self._session.run(pad_rows([self.tokens.row(ids[at : at + WINDOW])], self.tokens.pad))
        return len(ids)


@dataclass(frozen=True, slots=True)
class Figures:
    """Of one check: milliseconds bare and of the guard, the tokens of what is new, and those that the encoder read."""

    bare_ms: float
    guard_ms: float
    tokens: int
    read: int


def measure(guard: Guard, bare: Bare, check: Check) -> Figures:
    """Run both over one text."""
    if check.before is not None:
        guard.check(check.before, stage=check.stage)
    started = process_time()
    tokens = bare.run(check.new)
    bare_ms = (process_time() - started) * 1000
    bare.read = 0
    started = process_time()
    guard.check(check.given, stage=check.stage)
    return Figures(bare_ms, (process_time() - started) * 1000, tokens, bare.read)


def summarize(case: Case, found: Sequence[Figures], token_us: float) -> dict[str, object]:
    """Return a row of the table."""
    guard_ms, bare_ms = (
        statistics.median(each.guard_ms for each in found),
        statistics.median(each.bare_ms for each in found),
    )
    tokens = statistics.median(each.tokens for each in found)
    read = statistics.median(each.read for each in found)
    there = guard_ms * TOKEN_US / token_us
    of_bare, of_text = guard_ms / bare_ms if tokens else 0.0, read / tokens if tokens else 0.0
    aims = (
        (there, case.most_ms, "{} ms"),
        (of_bare, case.most_of_bare, "{} of bare"),
        (of_text, case.most_read, "{} read"),
    )
    return {
        "check": case.name,
        "ms": guard_ms,
        "bare ms": bare_ms,
        "of bare": f"{of_bare:.2f}" if tokens else None,
        "read": f"{of_text:.2f}" if tokens else None,
        "scaled": there,
        "at most": ", ".join(form.format(f"{most:g}") for _, most, form in aims if most < inf),
        "met": all(value <= most for value, most, _ in aims),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--only", nargs="*", default=[], help="parts of the names of rows")
    args = parser.parse_args()
    bare, guard, prose = Bare(), Guard.load(), Prose(22)
    cases = [each for each in CASES if not args.only or any(part in each.name for part in args.only)]
    found: dict[str, list[Figures]] = {case.name: [] for case in cases}
    for turn in range(args.rounds + 1):
        for case in cases:
            figures = measure(guard, bare, case.make(prose))
            if turn:  # the first warms up
                found[case.name].append(figures)
    every = [each for some in found.values() for each in some if each.tokens > WINDOW]
    token_us = statistics.median(each.bare_ms * 1000 / each.tokens for each in every) if every else TOKEN_US
    rows_ = [summarize(case, found[case.name], token_us) for case in cases]
    print(machine())
    print(f"Bare: {token_us:.0f} microseconds a token")
    print(table(rows_))
    sys.exit(not all(row["met"] for row in rows_))


if __name__ == "__main__":
    main()
