"""Values back in answers: in what a person reads of them, and nowhere else."""

from __future__ import annotations

from typing import Any

import pytest

from guardrails import Text
from guardrails.engine.redaction.vault import Vault
from guardrails.protocols.reply_values import restore_reply
from guardrails.types import Place, Stage

E = "[EMAIL_1]"


FILED = {"type": "file_citation", "index": 0}
SPELLED = {"logprobs": [{"token": "["}], "annotations": [{"type": "url_citation", "start_index": 0}, FILED]}
UNSPELLED = {"logprobs": [], "annotations": [FILED]}


@pytest.fixture
def vault() -> Vault:
    """A vault that handed out one number."""
    made = Vault()
    made.number_for("pii.email", "jo@x.org", Place(Stage.INPUT))
    return made


def said(content: Any, **more: Any) -> dict[str, Any]:
    """Return an assistant's message."""
    return {"role": "assistant", "content": content, **more}


def part(text: str, kind: str = "text") -> dict[str, Any]:
    """Return a part of a message."""
    return {"type": kind, "text": text}


@pytest.mark.parametrize(
    ("answer", "shown"),
    [
        (f"to {E}", "to jo@x.org"),
        (Text(f"to {E}"), Text("to jo@x.org")),
        (said(f"to {E}"), said("to jo@x.org")),
        ({"content": E}, {"content": "jo@x.org"}),
        (said([part(E), part(E, "output_text")]), said([part("jo@x.org"), part("jo@x.org", "output_text")])),
        ([said(E), said(E)], [said("jo@x.org"), said("jo@x.org")]),
        ((said(E),), (said("jo@x.org"),)),
        ({"choices": [{"message": said(E), "logprobs": {"content": []}}, {"message": said("hi"), "logprobs": 1}]},
         {"choices": [{"message": said("jo@x.org"), "logprobs": None}, {"message": said("hi"), "logprobs": 1}]}),
        ({"choices": [{"text": f"to {E}", "logprobs": {"tokens": []}}, {"text": "hi", "logprobs": 1}]},
         {"choices": [{"text": "to jo@x.org", "logprobs": None}, {"text": "hi", "logprobs": 1}]}),
        ({"message": said(E, thinking=E), "done": True, "logprobs": [1]},
         {"message": said("jo@x.org", thinking=E), "done": True, "logprobs": None}),
        ({"response": E, "thinking": E, "logprobs": [1]}, {"response": "jo@x.org", "thinking": E, "logprobs": None}),
        ({"response": "hi", "logprobs": [1]}, {"response": "hi", "logprobs": [1]}),
        ({"candidates": [{"content": {"parts": [{"text": E}, {"text": E, "thought": True}, {"functionCall": {"args": {"to": E}}}]},
                          "avgLogprobs": -1.0}, {"content": {"parts": [{"text": "hi"}]}, "avgLogprobs": -1.0}, {"index": 2}]},
         {"candidates": [{"content": {"parts": [{"text": "jo@x.org"}, {"text": E, "thought": True}, {"functionCall": {"args": {"to": E}}}]}},
                         {"content": {"parts": [{"text": "hi"}]}, "avgLogprobs": -1.0}, {"index": 2}]}),
        ({"type": "message", **said([part(E), {"type": "tool_use", "input": {"to": E}}])},
         {"type": "message", **said([part("jo@x.org"), {"type": "tool_use", "input": {"to": E}}])}),
        ({"output": [{"type": "function_call", "arguments": E}, said([{**part(E, "output_text"), **SPELLED}])]},
         {"output": [{"type": "function_call", "arguments": E}, said([{**part("jo@x.org", "output_text"), **UNSPELLED}])]}),
    ],
)  # fmt: skip
def test_values_come_back_in_texts_that_a_person_reads(vault: Vault, answer: Any, shown: Any) -> None:
    """Whatever the form of the answer; of a choice that changes, the fields go that spell it in tokens."""
    assert restore_reply(answer, vault) == shown


@pytest.mark.parametrize(
    "answer",
    [
        "hello",
        None,
        5,
        Text("hello"),
        {"role": "user", "content": E},
        {"role": "tool", "content": E},
        {"mail": E},
        [E],
        said(None, tool_calls=[{"function": {"name": "send", "arguments": f'{{"to": "{E}"}}'}}]),
        said("hi", reasoning_content=E, refusal=E, name=E),
        said([part(E, "thinking"), part(E, "image_url"), {"type": "text", "text": None}, E]),
        said([part("https://x.org/?q="), part(E)]),
        said([part("[a](/p?"), part(f"{E})")]),
        {"choices": [{"text": [E]}, E, {"message": E}, {"message": None, "text": E}]},
        {"choices": E},
    ],
)
def test_all_else_stays_the_same_object(vault: Vault, answer: Any) -> None:
    """Calls, thoughts, other roles and forms, and links that go on from one part into the next."""
    assert restore_reply(answer, vault) is answer


def test_a_link_may_go_on_in_the_next_message(vault: Vault) -> None:
    """Clients show the texts of a response as one: nothing is put back where that would make a link of a value."""
    answer = {
        "output": [said([part("see https://evil.example/", "output_text")]), said([part(E, "output_text")])]
    }
    assert restore_reply(answer, vault) == answer
