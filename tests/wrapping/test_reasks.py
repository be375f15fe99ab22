"""Functions whose model is asked again where its answer does not fit."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

import pytest

from guardrails import Blocked, Guard, InvalidAnswer
from guardrails.detectors.kinds import Kind
from guardrails.protocols.reasks import Reask
from guardrails.types import Content, Detection, Finding, Text
from guardrails.wrapping.argument_roles import read_roles
from guardrails.wrapping.reasks import append_reask, find_prompt
from tests.cases import each_case

SCHEMA = {"type": "object", "required": ["name"], "properties": {"name": {"type": "string"}}}
GOOD = '{"name": "Jo"}'
NAMED = "{'name': 'Jo'}"
POLICY: dict[str, Any] = {
    "format": 1,
    "name": "p",
    "detectors": {
        "words": {"use": "terms", "terms": ["zqxbomb"], "category": "custom.words"},
        "pii": {"use": "pii", "entities": ["email"]},
    },
    "rules": [
        {"id": "words", "on": ["input", "output"], "when": "custom.words > 0", "then": "block"},
        {"id": "vault", "on": ["input", "output"], "when": "pii > 0", "then": "redact", "with": "vault"},
    ],
}


class Model:
    """A model that answers what a script says; `asked` is what it was asked."""

    def __init__(self, *answers: str) -> None:
        self.answers, self.asked = [*answers], list[Any]()

    def answer(self, prompt: Any) -> str:
        self.asked.append(prompt)
        return self.answers.pop(0)

    async def later(self, prompt: Any) -> str:
        return self.answer(prompt)

    def pieces(self, prompt: Any) -> Iterator[str]:
        answer = self.answer(prompt)
        yield from (answer[at : at + 3] for at in range(0, len(answer), 3))

    async def pieces_later(self, prompt: Any) -> AsyncIterator[str]:
        for piece in self.pieces(prompt):
            yield piece


@pytest.fixture(scope="module")
def guard() -> Guard:
    """A guard that blocks a word, and keeps addresses in a vault."""
    return Guard.load(POLICY)


async def _await(value: Awaitable[Any]) -> Any:
    return await value


async def _collect(pieces: AsyncIterator[str]) -> str:
    return "".join([piece async for piece in pieces])


FORMS: dict[str, tuple[Callable[[Model], Any], Callable[[Any], str]]] = {
    "function": (lambda model: model.answer, str),
    "coroutine": (lambda model: model.later, lambda value: asyncio.run(_await(value))),
    "generator": (lambda model: model.pieces, "".join),
    "async generator": (lambda model: model.pieces_later, lambda value: asyncio.run(_collect(value))),
    "awaitable that is returned": (
        lambda model: lambda prompt: model.later(prompt),
        lambda value: asyncio.run(_await(value)),
    ),
    "iterator that is returned": (lambda model: lambda prompt: model.pieces(prompt), "".join),
    "async iterator that is returned": (
        lambda model: lambda prompt: model.pieces_later(prompt),
        lambda value: asyncio.run(_collect(value)),
    ),
}


@each_case(("form", "read"), FORMS.values(), ids=[*FORMS])
def test_every_form_of_function_asks_again(guard: Guard, form: Any, read: Any) -> None:
    """What is broken is repaired; what is not is asked for again, with what is wrong, until it fits."""
    model = Model(NAMED)
    assert read(guard.wrap(form(model), schema=SCHEMA, reask=2)("Who?")) == GOOD
    assert model.asked == ["Who?"]

    model = Model("no", "{}", NAMED)
    assert read(guard.wrap(form(model), schema=SCHEMA, reask=2)("Who?")) == GOOD
    assert len(model.asked) == 3
    assert model.asked[1].startswith("Who?\n\nThe last answer was:\nno\n\n")
    assert "must have the property 'name'" in model.asked[2]


@each_case(("form", "read"), FORMS.values(), ids=[*FORMS])
def test_the_count_is_bounded(guard: Guard, form: Any, read: Any) -> None:
    """Then it is an error that says what is wrong, where, and what to do; or the words that answer a block."""
    model = Model(*["no"] * 9)
    with pytest.raises(InvalidAnswer, match=r"must be valid JSON.*reask") as raised:
        read(guard.wrap(form(model), schema=SCHEMA, reask=2)("Who?"))
    assert len(model.asked) == 3
    assert [problem.pointer for problem in raised.value.problems] == [""]
    assert isinstance(raised.value, Blocked)

    assert "policy" in read(guard.wrap(form(Model("no")), schema=SCHEMA, on_block="answer")("Who?"))


@each_case(("form", "read"), FORMS.values(), ids=[*FORMS])
def test_each_answer_and_each_prompt_is_judged(guard: Guard, form: Any, read: Any) -> None:
    """An answer that is blocked is not asked for again; one whose text would be blocked in a prompt stops there."""
    model = Model("zqxbomb", GOOD)
    with pytest.raises(Blocked, match="words"):
        read(guard.wrap(form(model), schema=SCHEMA, reask=2)("Who?"))
    assert len(model.asked) == 1


def find_bomb(content: Content) -> Detection:
    """Find a word, as a model does that takes long."""
    held = isinstance(content, Text) and "zqxbomb" in content.text
    return Detection((Finding("custom.own", 1.0, "own"),) if held else ())


@each_case("reask", [0, 1])
def test_rules_that_take_long_judge_what_does_not_fit_as_well(
    guard_of: Callable[..., Guard], kind_of: Callable[..., Kind], reask: int
) -> None:
    """A model of the policy's own that blocks is asked, although the schema stopped the answer before it."""
    guard = guard_of(
        """
detectors: {slow: {use: own}}
rules: [{id: slow, on: output, when: custom.own > 0.5, then: block}]
""",
        detectors={"own": kind_of(find_bomb, tier=1)},
    )
    for answer in ('{"name": 1, "x": "zqxbomb"}', "zqxbomb", {"name": 1, "x": "zqxbomb"}):
        model = Model()
        model.answers = [answer, GOOD]  # type: ignore[list-item] # what a function may return
        with pytest.raises(Blocked, match="slow") as raised:
            guard.wrap(model.answer, schema=SCHEMA, reask=reask)("Who?")
        assert not isinstance(raised.value, InvalidAnswer)
        assert len(model.asked) == 1


def test_a_prompt_that_asks_again_may_be_blocked() -> None:
    """By a rule that judges what is asked alone."""
    rules = [{**POLICY["rules"][0], "on": ["input"]}]
    model = Model("zqxbomb", GOOD)
    with pytest.raises(Blocked, match="input blocked by rule 'words'"):
        Guard.load({**POLICY, "rules": rules}).wrap(model.answer, schema=SCHEMA, reask=2)("Who?")
    assert len(model.asked) == 1


def test_values_of_the_user_have_the_same_numbers_again(guard: Guard) -> None:
    """What the model is told of its answer has placeholders as what it was told before; the caller gets the values."""
    model = Model("[EMAIL_1]", '{"name": "[EMAIL_1]"}')
    answer = guard.wrap(model.answer, schema=SCHEMA, reask=1)("Who has jo@example.com?")
    assert answer == '{"name": "jo@example.com"}'
    assert "jo@example.com" not in "".join(model.asked)
    assert model.asked[1].startswith("Who has [EMAIL_1]?\n\nThe last answer was:\n[EMAIL_1]\n")


def test_conversations_go_on_by_two_turns(guard: Guard) -> None:
    """By position or name; the caller's own list stays as it was."""
    messages = [{"role": "user", "content": "Who?"}]
    model = Model("no", GOOD)

    def ask(model_name: str, messages: list[dict[str, str]]) -> str:
        return model.answer(messages)

    assert guard.wrap(ask, schema=SCHEMA, reask=1)("gpt", messages=messages) == GOOD
    assert [turn["role"] for turn in model.asked[1]] == ["user", "assistant", "user"]
    assert len(messages) == 1


def test_without_a_prompt_nobody_is_asked_again(guard: Guard) -> None:
    """Nobody knows where to write what is wrong; the error is that of the first answer."""
    model = Model("no", GOOD)
    with pytest.raises(InvalidAnswer):
        guard.wrap(lambda a, b: model.answer(a), schema=SCHEMA, reask=1)("x", "y")
    assert len(model.asked) == 1


def test_rules_of_a_policy_ask_again_as_well() -> None:
    """`on_fail: reask` of a rule; where it flags, the last answer goes on."""
    form = {"use": "format", "kind": "json", "schema": SCHEMA, "category": "custom.form"}
    rule = {"id": "form", "on": "output", "when": "custom.form > 0", "on_fail": "reask", "reask": 1}
    for then, answers, last in (("block", ["no", NAMED], GOOD), ("flag", ["no", "still no"], "still no")):
        policy = {"format": 1, "name": "p", "detectors": {"form": form}, "rules": [{**rule, "then": then}]}
        model = Model(*answers)
        assert Guard.load(policy).wrap(model.answer)("Who?") == last
        assert len(model.asked) == 2


def f(model: str, question: str, style: str = "") -> None:
    """Answer a question."""


@each_case(
    ("args", "kwargs", "slot"),
    [
        (("gpt", "Who?"), {}, 1),
        (("gpt",), {"question": "Who?"}, "question"),
        (("gpt",), {}, None),
        (([{"role": "user", "content": "Who?"}], "x"), {}, 0),
        ((), {"body": {"messages": [{"role": "user", "content": "Who?"}]}}, "body"),
        ((1, 2), {}, None),
        ((), {}, None),
    ],
)
def test_which_argument_is_the_prompt(args: tuple[Any, ...], kwargs: dict[str, Any], slot: object) -> None:
    """A conversation, else a text that is called as prompts are, else the only one."""
    assert find_prompt(read_roles(f, {}), args, kwargs) == slot


@each_case("prompt", ["Who?", [{"role": "user", "content": "Who?"}]])
def test_what_is_not_judged_is_never_the_prompt(prompt: object) -> None:
    """What a model answered would go to it unseen."""
    roles = read_roles(f, {"ignored": ["question"]})
    assert find_prompt(roles, (), {"question": prompt}) is None
    assert find_prompt(roles, (), {"question": prompt, "style": "Who?"}) == "style"


def test_requests_and_tuples_keep_their_types() -> None:
    """A mapping with messages goes on in them."""
    turn = {"role": "user", "content": "Who?"}
    assert len(append_reask({"messages": [turn], "n": 1}, Reask("no", "JSON."))["messages"]) == 3
    assert type(append_reask((turn,), Reask("no", "JSON."))) is tuple
