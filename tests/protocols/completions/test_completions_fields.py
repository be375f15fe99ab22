"""The field tables of text completions: bodies in, leaves out."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardrails import RequestError
from guardrails.engine.content.content_tree import ContentTree
from guardrails.protocols.completions.completions_fields import read_request, read_response
from guardrails.types import Stage, Text
from tests.cases import each_case


def told(tree: ContentTree) -> list[tuple[str, str]]:
    """Return each text with its place."""
    return [
        (leaf.content.place.path, leaf.content.text) for leaf in tree.leaves if isinstance(leaf.content, Text)
    ]


@each_case(
    ("body", "texts"),
    [
        ({"prompt": "a"}, [("/prompt", "a")]),
        ({"prompt": ["a", "b"]}, [("/prompt/0", "a"), ("/prompt/1", "b")]),
        ({"prompt": None, "suffix": "c"}, [("/suffix", "c")]),
        ({"prompt": "a", "suffix": {"x": "c"}}, [("/prompt", "a"), ("/suffix/x", "x"), ("/suffix/x", "c")]),
        (
            {"prompt": "a", "echo": True, "best_of": 2, "n": 2, "logprobs": 5, "stream": True},
            [("/prompt", "a")],
        ),
        ({"prompt": "a", "logit_bias": {"50256": -100}, "stop": ["b"]}, [("/prompt", "a"), ("/stop/0", "b")]),
        ({"prompt": [], "model": "m", "user": "jo"}, [("/user", "jo")]),
        ({"prompt": ""}, []),
    ],
)
def test_a_request_is_read(body, texts) -> None:
    """What the model reads is what a user says in one turn."""
    tree = read_request(body)
    assert told(tree) == texts
    assert {leaf.content.place.stage for leaf in tree.leaves} <= {Stage.INPUT}
    assert tree.unknown == []


def test_an_answer_is_judged_beside_what_was_asked() -> None:
    """The prompts and what stands behind them, and nothing else of the request."""
    tree = read_request({"prompt": ["a", "b"], "suffix": "c", "user": "jo", "stop": "x"})
    assert tree.prompt() == "a\nb\nc"
    assert (tree.turns, tree.roles) == (1, ("user",))


@each_case(
    ("body", "code", "path"),
    [
        ({"prompt": [1, 2]}, "unsupported_input", "/prompt/0"),
        ({"prompt": ["a", [1]]}, "unsupported_input", "/prompt/1"),
        ({"prompt": [[1, 2], [3]]}, "unsupported_input", "/prompt/0"),
        ({"prompt": ["a", None]}, "unsupported_input", "/prompt/1"),
        ({"prompt": 1}, "invalid_input", "/prompt"),
        ({"prompt": {"text": "a"}}, "invalid_input", "/prompt"),
        ({"prompt": "a", "prompt_embeds": "x"}, "unsupported_field", "/prompt_embeds"),
        ({"prompt": "a", "messages": []}, "unsupported_field", "/messages"),
    ],
)
def test_what_nobody_can_judge_is_refused(body, code, path) -> None:
    """Token ids above all."""
    with pytest.raises(RequestError) as caught:
        read_request(body)
    assert (caught.value.code, caught.value.path) == (code, path)


def answer(text: str = "x", logprobs: Any = None) -> dict[str, Any]:
    """Return an answer with one choice, its second."""
    return {"choices": [{"index": 1, "text": text, "logprobs": logprobs, "finish_reason": "stop"}]}


LISTS = {"token_logprobs": [-1.0, None], "text_offset": [0, 1]}


@each_case(
    ("logprobs", "texts"),
    [
        (None, []),
        ({"tokens": ["he", "y"], **LISTS, "top_logprobs": None}, []),
        ({"tokens": ["h", "o"], **LISTS}, ["ho"]),
        ({"tokens": ["hey"], "top_logprobs": [None, {"a": -1.0, "b": None}, {"a": -2}]}, ["a\nb"]),
        ({"tokens": ["hey"], "top_logprobs": [{"a": "b"}]}, ["a", "b"]),
        ({"tokens": [{"token": "a"}]}, ["token", "a"]),
        ({"token_logprobs": ["a"], "text_offset": "b"}, ["a", "b"]),
        ({"tokens": ["hey"], "x": ["y"]}, ["x", "y"]),
        ({"content": [{"token": "h", "logprob": -1.0}, {"token": "o", "logprob": -1.0}]}, ["ho", ""]),
        ("a", ["a"]),
        (["a"], ["a"]),
    ],
)
def test_log_probabilities_are_judged_as_what_they_spell(logprobs, texts) -> None:
    """Unless it is the choice's text, which is judged anyhow; whatever has another form is judged piece by piece."""
    found = told(read_response(answer("hey", logprobs)))
    assert found[0] == ("/choices/0/text", "hey")
    assert [text for _, text in found[1:]] == [text for text in texts if text]


def test_a_choice_is_told_by_its_index() -> None:
    """By its place where it has none that is a number."""
    body = {"choices": [{"index": 3, "text": "a"}, {"text": "b"}, {"index": True, "text": "c"}, "d"]}
    places = [leaf.content.place for leaf in read_response(body).leaves]
    assert [(place.choice_index, place.stage) for place in places[:3]] == [
        (index, Stage.OUTPUT) for index in (3, 1, 2)
    ]
    assert places[3].path == "/choices/3"


@given(st.recursive(st.text("ab", min_size=1) | st.none() | st.integers(), lambda inner: st.lists(inner) | st.dictionaries(st.text("cd", min_size=1), inner), max_leaves=6))  # fmt: skip
def test_every_text_of_log_probabilities_is_judged(value: Any) -> None:
    """Whatever their form, joined or alone; names that a table knows aside."""

    def texts(given: Any) -> list[str]:
        if isinstance(given, dict):
            return [text for name, inner in given.items() for text in (name, *texts(inner))]
        if isinstance(given, list):
            return [text for inner in given for text in texts(inner)]
        return [given] if isinstance(given, str) else []

    shown = "\n".join(
        text for _, text in told(read_response(answer("", {"top_logprobs": value, "y": value})))
    )
    assert all(text in shown for text in texts(value))
