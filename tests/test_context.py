"""Who asks, and what a content is judged beside."""

from __future__ import annotations

from collections.abc import Callable
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


@pytest.mark.parametrize(
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
