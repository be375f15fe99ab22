"""How a pipeline is asked, without the library: `tests/system/test_wrapped_transformers.py` has it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from guardrails import Blocked, Guard, RequestError
from guardrails.wrapping.guarded_call import run
from guardrails.wrapping.sdk.exchange import Terms
from guardrails.wrapping.transformers import entries, flow, joined, options_of
from tests.cases import each_case

CHAT = [{"role": "user", "content": "hi"}]


@each_case(
    ("inputs", "found"),
    [
        ("x", (["x"], True)),
        (CHAT, ([CHAT], True)),
        (SimpleNamespace(messages=CHAT), ([CHAT], True)),
        (["x", "y"], (["x", "y"], False)),
        ([CHAT, CHAT], ([CHAT, CHAT], False)),
        ([], ([], False)),
    ],
)
def test_prompts_are_told_apart(inputs: Any, found: Any) -> None:
    """Texts and chats, one or several."""
    assert entries(inputs) == found


@each_case("inputs", [1, None, [1], ["x", 1], [["x"]], iter(["x"]), {"a": "x"}])
def test_other_inputs_are_refused(inputs: Any) -> None:
    """What cannot be read is not passed on."""
    with pytest.raises(TypeError, match="cannot check a"):
        entries(inputs)


def test_options_are_judged(policy_guard: Guard) -> None:
    """What holds text; what leads around the guard is refused."""
    for options in ({"stop_sequence": "zqxbomb"}, {"stop_strings": ["zqxbomb"]}, {"documents": [{"t": "zqxbomb"}]}, {"tools": [{"name": "zqxbomb"}]}):  # fmt: skip
        assert policy_guard.check(options_of(options)).blocked
    assert not policy_guard.check(options_of({"max_new_tokens": 3, "tools": None, "documents": None, "streamer": None})).blocked  # fmt: skip
    with pytest.raises(RequestError, match="before they are judged"):
        options_of({"streamer": object()})


@each_case(
    ("prompt", "new", "shown"),
    [
        ("a ", "b", "a b"),
        ("zqxmask ", "b", "[MASK] b"),
        ("a", "zqxmask", "a[MASK]"),
        ("", "zqxbomb", None),
        ("zqx", "bomb", None),
    ],
)
def test_a_generated_text_is_judged_alone_and_with_its_prompt(
    policy_guard: Guard, prompt: str, new: str, shown: str | None
) -> None:
    """A word may stand in either, or over both."""
    assert policy_guard.check(joined(prompt, new), "output").content == shown


def test_what_is_more_than_text_is_refused(policy_guard: Guard) -> None:
    """Token ids spell what is judged elsewhere."""
    terms = Terms(policy_guard, False)
    with pytest.raises(TypeError, match="more than texts"):
        run(flow(terms, "x", {}), terms, lambda _: [{"generated_text": "x", "generated_token_ids": [1]}])


def test_only_prompts_that_pass_are_asked(policy_guard: Guard) -> None:
    """In one call, in their order."""
    heard: list[Any] = []

    def call(given: Any) -> Any:
        heard.append(given)
        return [[{"generated_text": f"{each} ok"}] for each in given]

    terms = Terms(policy_guard, True)
    refused = [{"generated_text": "Not that."}]
    assert run(flow(terms, ["a", "zqxbomb", "zqxmask"], {}), terms, call) == [
        [{"generated_text": "a ok"}],
        refused,
        [{"generated_text": "[MASK] ok"}],
    ]
    assert heard == [["a", "[MASK]"]]
    assert run(flow(terms, ["zqxbomb"], {}), terms, call) == [refused]
    assert len(heard) == 1
    with pytest.raises(Blocked):
        run(flow(Terms(policy_guard, False), ["a", "zqxbomb"], {}), terms, call)
