"""Who asks, and what a content is judged beside."""

from __future__ import annotations

import asyncio
import pickle
import threading
from collections.abc import Callable, Iterator
from dataclasses import fields
from typing import Any

import pytest

from guardrails.context import NO_CONTEXT, Context, ContextOptions, read_context
from guardrails.engine.redaction.vault import Vault
from guardrails.guard import Guard
from guardrails.types import Returned, Verdict
from tests.cases import each_case

POLICY = """
detectors: {pii: {use: pii, entities: [email]}}
rules: [{id: r, on: [input, output], when: pii > 0, then: redact, with: vault}]
tests: [{input: "jo@example.com", expect: {action: redact}}]
"""
HEARD = (Returned((("t", ""),), "x"),)


@pytest.fixture(scope="module")
def before(guard_of: Callable[..., Guard]) -> Verdict:
    """The verdict of a prompt with an address in it, behind a system prompt."""
    turns = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "I am jo@example.com"}]
    return guard_of(POLICY).check({"model": "m", "messages": turns})


def test_options_are_the_fields_of_a_context() -> None:
    """All of them, and nothing else."""
    assert {field.name for field in fields(Context)} == set(ContextOptions.__annotations__)


def test_a_reply_goes_on_from_the_verdict_before_it(before: Verdict) -> None:
    """What was handed out comes along, and what it is judged beside; what the caller says comes first."""
    context = Context(after=before)
    assert isinstance(before.restorer, Vault)
    assert context.vault is before.restorer
    assert context.request(1).vault is before.restorer
    assert context.beside() == (before.system, before.prompt, before.sources)
    assert before.system == "Be brief."
    own = Context(after=before, system="Be kind.", sources=["a", "b"], heard=HEARD)
    assert own.beside()[0] == "Be kind."
    assert own.beside()[2].startswith("a")
    assert own.request(1).heard == HEARD


@each_case(
    ("given", "user", "client"),
    [({}, {}, {}), ({"user": {"id": "jo"}, "client": {"language": "de"}}, {"id": "jo"}, {"language": "de"})],
)
def test_conditions_read_who_asks(given: Any, user: Any, client: Any) -> None:
    """Nobody has no fields."""
    request = Context(**given, tenant="acme", model="m").request(3)
    assert (request.user, request.client, request.tenant) == (user, client, "acme")
    assert (request.model, request.turns, request.vault, request.heard) == ("m", 3, None, ())


@each_case(
    ("options", "message"),
    [
        ({"tennant": "acme"}, r"check\(\) has no option 'tennant'; did you mean 'tenant'\?"),
        ({"complet": True}, r"check\(\) has no option 'complet'; did you mean 'complete'\?"),
        ({"user": "bob"}, r"check\(\): user must be a mapping, such as \{\"id\": \"u1\"\}, not a value of type 'str'"),
        ({"client": 3}, r"client must be a mapping.*, not a value of type 'int'"),
        ({"metadata": ["a"]}, r"metadata must be a mapping.*, not a value of type 'list'"),
        ({"tenant": 3}, r"tenant must be a text, not a value of type 'int'"),
        ({"model": {}}, r"model must be a text, not a value of type 'dict'"),
        ({"after": "vd_1"}, r"after must be the verdict of what came before, not a value of type 'str'"),
        ({"system": None}, r"system must be a text, not None"),
        ({"prompt": b"x"}, r"prompt must be a text, not a value of type 'bytes'"),
        ({"sources": 3}, r"sources must be a text or a list of texts, not a value of type 'int'"),
        ({"sources": b"x"}, r"sources must be .*, not a value of type 'bytes'"),
        ({"heard": "x"}, r"heard must be a list of what tools returned, not a value of type 'str'"),
    ],
)  # fmt: skip
def test_an_option_that_cannot_be_is_an_error(options: Any, message: str) -> None:
    """Its message names the right word, and nothing of the value."""
    with pytest.raises(TypeError, match=message):
        read_context("check", options, "stage", "complete")


def test_options_that_can_be_make_a_context(before: Verdict) -> None:
    """None is as good as nothing where there may be nothing."""
    given: ContextOptions = {"user": None, "tenant": None, "after": before, "sources": ("a",), "heard": HEARD}
    assert read_context("check", given) == Context(**given)
    assert read_context("check", {}) is NO_CONTEXT


CALLERS = """
rules:
  - {id: staff, on: [input, output], when: 'request.user.tier == "staff"', then: flag, on_error: allow}
  - {id: guest, on: [input, output], when: 'request.user.tier == "guest"', then: flag, on_error: allow}
  - {id: acme, on: [input, output], when: 'request.tenant == "acme"', then: flag, on_error: allow}
"""
STAFF, GUEST = {"tier": "staff"}, {"tier": "guest"}


@pytest.fixture(scope="module")
def who(guard_of: Callable[..., Guard]) -> Guard:
    """A guard whose rules say who asks."""
    return guard_of(CALLERS)


def told(verdict: Verdict) -> list[str]:
    """Return the rules that fired."""
    return sorted(rule.id for rule in verdict.rules)


def test_a_guard_may_know_who_asks(who: Guard) -> None:
    """It shares all else with the one that it was made of; what a check says itself goes before."""
    staff = who.with_context(user=STAFF)

    assert staff.pipeline is who.pipeline
    assert (told(staff.check("x")), told(who.check("x"))) == (["staff"], [])
    assert told(staff.check("x", user=GUEST)) == ["guest"]
    assert told(staff.check("x", user={})) == []
    assert told(staff.check("x", user=None)) == ["staff"]
    assert told(staff.with_context(tenant="acme").check("x")) == ["acme", "staff"]
    assert told(asyncio.run(staff.acheck("x"))) == ["staff"]
    assert told(pickle.loads(pickle.dumps(Guard.load({**RULES}).with_context(user=STAFF))).check("x")) == [
        "staff"
    ]
    stream = staff.stream()
    stream.feed("x")
    stream.flush()
    assert stream.verdict is not None
    assert told(stream.verdict) == ["staff"]


RULES = {
    "format": 1,
    "name": "p",
    "rules": [{"id": "staff", "on": "input", "when": 'request.user.tier == "staff"', "then": "flag"}],
}


def test_a_block_tells_all_that_is_called_inside(who: Guard) -> None:
    """Functions that were wrapped before too; blocks may stand in one another, and what is said at the call goes before."""
    ask, staffs = who.wrap(lambda prompt: "y"), who.wrap(lambda prompt: "y", user=STAFF)

    def seen(function: Callable[[str], str]) -> list[list[str]]:
        with who.record() as verdicts:
            function("x")
        return [told(each) for each in verdicts]

    with who.with_context(user=GUEST):
        assert seen(ask) == [["guest"]] * 2
        assert seen(staffs) == [["staff"]] * 2
        with who.with_context(tenant="acme"):
            assert seen(ask) == [["acme", "guest"]] * 2
            assert told(who.with_context(user=STAFF).check("x")) == ["acme", "staff"]
        assert told(who.check("x")) == ["guest"]
    assert seen(ask) == [[]] * 2


def test_a_block_that_fails_ends_too(who: Guard) -> None:
    """Nobody asks as somebody else afterwards; one guard may open several blocks."""
    staff = who.with_context(user=STAFF)
    with pytest.raises(KeyError), staff, staff:
        raise KeyError
    assert told(who.check("x")) == []


def test_tasks_see_their_own_block_and_threads_none(who: Guard) -> None:
    """As context variables are: a task sees what held where it was made, `to_thread` as well, a thread of its own nothing."""
    shared = {tier: who.with_context(user={"tier": tier}) for tier in ("staff", "guest")}

    async def ask(tier: str) -> list[list[str]]:
        found: list[list[str]] = []
        with shared[tier]:
            await asyncio.sleep(0)
            found.append(told(await who.acheck("x")))
            found.append(told(await asyncio.to_thread(who.check, "x")))
            async with asyncio.TaskGroup() as group:
                task = group.create_task(who.acheck("x"))
            found.append(told(task.result()))
            thread = threading.Thread(target=lambda: found.append(told(who.check("x"))))
            thread.start()
            await asyncio.to_thread(thread.join)
        found.append(told(await who.acheck("x")))
        return found

    async def main() -> list[list[list[str]]]:
        return await asyncio.gather(*map(ask, ("staff", "guest", "staff")))

    assert asyncio.run(main()) == [[[tier]] * 3 + [[], []] for tier in ("staff", "guest", "staff")]


def test_generators_ask_where_they_are_read(who: Guard) -> None:
    """As all code of a generator runs there."""

    @who.wrap
    def ask(prompt: str) -> Iterator[str]:
        yield "y"

    with who.with_context(user=STAFF), who.record() as inside:
        assert [*ask("x")] == ["y"]
    assert [told(each) for each in inside] == [["staff"]] * 2


def test_a_misspelt_caller_is_an_error(who: Guard) -> None:
    """At once, with a suggestion; who asks is no other option of a check."""
    with pytest.raises(TypeError, match="did you mean 'tenant'"):
        who.with_context(tennant="acme")  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="user must be a mapping"):
        who.with_context(user="u1")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="no option 'system'"):
        who.with_context(system="x")  # type: ignore[call-arg]
