"""Models behind OpenAI-compatible servers: what they are asked, and what is taken for an answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from guardrails.remote.chat import AnswerToken, ModelAnswer, ask_chat, ask_completion
from guardrails.remote.endpoint import RemoteError

MESSAGES = [{"role": "user", "content": "zqx"}]


def said(content: Any = "safe", finish: Any = "stop", logprobs: Any = None, **message: Any) -> dict[str, Any]:
    """Return a chat completion as vLLM writes it."""
    return {
        "id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "m", "prompt_logprobs": None,
        "choices": [{
            "index": 0, "finish_reason": finish, "stop_reason": None, "logprobs": logprobs,
            "message": {"role": "assistant", "content": content, "refusal": None, "tool_calls": [], **message},
        }],
        "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
    }  # fmt: skip


def token(text: Any = "safe", logprob: Any = -0.5, top: Any = None) -> dict[str, Any]:
    """Return a token of such an answer, with the likeliest in its place."""
    top = [[text, logprob], ["unsafe", -1.0]] if top is None else top
    return {
        "token": text, "logprob": logprob, "bytes": None,
        "top_logprobs": [{"token": each, "logprob": value, "bytes": None} for each, value in top],
    }  # fmt: skip


def written(text: Any = "safe", finish: Any = "stop", logprobs: Any = None) -> dict[str, Any]:
    """Return a completion as vLLM writes it."""
    return {
        "id": "cmpl-1", "object": "text_completion", "created": 1, "model": "m",
        "choices": [{"index": 0, "text": text, "finish_reason": finish, "stop_reason": None, "logprobs": logprobs}],
    }  # fmt: skip


def columns(**changed: Any) -> dict[str, Any]:
    """Return the probabilities of such a completion."""
    return {
        "tokens": ["safe"], "token_logprobs": [-0.5], "top_logprobs": [{"safe": -0.5, "unsafe": -1.0}],
        "text_offset": [0], **changed,
    }  # fmt: skip


Ask = Callable[..., ModelAnswer]


@pytest.fixture
def ask(far: Any, reply: Any, run: Any) -> Ask:
    """Return a function: what the server answers in, what `ask_chat` makes of it out."""

    def ask(body: Any, **more: Any) -> ModelAnswer:
        far.plays(reply(body))
        return run(ask_chat(far.endpoint(retries=0), "m", MESSAGES, **{"max_tokens": 8, **more}))

    return ask


@pytest.fixture
def complete(far: Any, reply: Any, run: Any) -> Ask:
    """Return a function: what the server answers in, what `ask_completion` makes of it out."""

    def complete(body: Any, **more: Any) -> ModelAnswer:
        far.plays(reply(body))
        return run(ask_completion(far.endpoint(retries=0), "m", "a prompt", **{"max_tokens": 8, **more}))

    return complete


def test_a_chat_is_asked_for_what_is_needed(far, ask) -> None:
    """At temperature 0, with probabilities where they are wanted."""
    ask(said())
    ask(said(logprobs={"content": [token()]}), top=5, extra={"chat_template_kwargs": {"a": 1}}, max_tokens=3)

    plain, full = far.asked
    assert (plain.path, full.path) == ("/v1/chat/completions",) * 2
    assert plain.json == {"model": "m", "messages": MESSAGES, "max_tokens": 8, "temperature": 0}
    assert full.json == {
        "model": "m", "messages": MESSAGES, "max_tokens": 3, "temperature": 0, "logprobs": True, "top_logprobs": 5,
        "chat_template_kwargs": {"a": 1},
    }  # fmt: skip


def test_a_completion_is_asked_for_what_is_needed(far, complete) -> None:
    """The prompt goes as it is."""
    complete(written())
    complete(written(logprobs=columns()), top=5, extra={"stop": ["x"]})

    plain, full = far.asked
    assert (plain.path, full.path) == ("/v1/completions",) * 2
    assert plain.json == {"model": "m", "prompt": "a prompt", "max_tokens": 8, "temperature": 0}
    assert full.json == {
        "model": "m", "prompt": "a prompt", "max_tokens": 8, "temperature": 0, "logprobs": 5, "stop": ["x"]
    }  # fmt: skip


def test_an_answer_has_its_tokens(ask, complete) -> None:
    """With the likeliest in the place of each; None where none were asked for."""
    tokens = (AnswerToken("safe", -0.5, (("safe", -0.5), ("unsafe", -1.0))),)
    assert ask(said("")) == complete(written("")) == ModelAnswer("")
    assert ask(said(logprobs={"content": [token()]}), top=2) == ModelAnswer("safe", tokens)
    assert complete(written(logprobs=columns()), top=2) == ModelAnswer("safe", tokens)


def test_a_probability_a_hair_above_one_is_one(ask) -> None:
    """Servers round."""
    answer = ask(said(logprobs={"content": [token(logprob=1e-6, top=[["safe", 1e-6]])]}), top=1)
    assert answer.tokens == (AnswerToken("safe", 0.0, (("safe", 0.0),)),)


def test_an_answer_that_goes_on_is_none_unless_it_may(ask, complete) -> None:
    """What was cut off may have been about to say the opposite."""
    for answer, ask_for in ((said("Not", "length"), ask), (written("Not", "length"), complete)):
        with pytest.raises(
            RemoteError, match=r"^endpoint 'far': the model did not come to an end of its answer$"
        ):
            ask_for(answer)
        assert ask_for(answer, may_be_cut=True).text == "Not"


ENVELOPES: list[tuple[Any, str]] = [
    ([], "the answer is no object"),
    ("safe", "the answer is no object"),
    (None, "the answer is no object"),
    ({}, "the answer has not exactly one choice"),
    ({"error": {"message": "zqx"}}, "the answer has not exactly one choice"),
    ({"choices": None}, "the answer has not exactly one choice"),
    ({"choices": []}, "the answer has not exactly one choice"),
    ({"choices": {"0": {}}}, "the answer has not exactly one choice"),
    ({"choices": [{}, {}]}, "the answer has not exactly one choice"),
    ({"choices": ["safe"]}, "the answer has no choice"),
    ({"choices": [{}]}, "the model did not come to an end of its answer"),
]


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        *ENVELOPES,
        (said(finish=None), "the model did not come to an end of its answer"),
        (said(finish="content_filter"), "the model did not come to an end of its answer"),
        (said(finish="tool_calls"), "the model did not come to an end of its answer"),
        (said(None), "the answer has no text"),
        (said(0), "the answer has no text"),
        (said([{"type": "text", "text": "safe"}]), "the answer has no text"),
        (said(None, refusal="I can't."), "the model refused to answer"),
        (said("safe", refusal="I can't."), "the model refused to answer"),
        ({"choices": [{"finish_reason": "stop", "message": None}]}, "the answer has no message"),
        ({"choices": [{"finish_reason": "stop", "message": "safe"}]}, "the answer has no message"),
    ],
)
def test_what_is_no_answer_is_an_error(ask, body, wrong) -> None:
    """It says what is wrong, and nothing of what was answered."""
    with pytest.raises(RemoteError) as error:
        ask(body)
    assert str(error.value) == f"endpoint 'far': {wrong}"


@pytest.mark.parametrize(
    "logprobs",
    [
        None, [], "x", {}, {"content": None}, {"content": []}, {"content": {"0": token()}}, {"content": [None]},
        {"content": ["safe"]}, {"content": [{}]}, {"content": [token(None)]}, {"content": [token(7)]},
        {"content": [token(logprob=None)]}, {"content": [token(logprob="-1")]}, {"content": [token(logprob=True)]},
        {"content": [token(logprob=0.5)]}, {"content": [token(logprob=10**400)]},
        {"content": [token(logprob=-(10**400))]}, {"content": [{**token(), "top_logprobs": None}]},
        {"content": [{**token(), "top_logprobs": [None]}]}, {"content": [{**token(), "top_logprobs": [["a", -1]]}]},
        {"content": [{**token(), "top_logprobs": {"a": -1}}]}, {"content": [token(top=[[None, -1.0]])]},
        {"content": [token(top=[["a", None]])]}, {"content": [token(), token(top=[["a", 2]])]},
    ],
)  # fmt: skip
def test_probabilities_that_are_none_are_an_error(ask, logprobs) -> None:
    """A judge that reads probabilities has none to go by then."""
    with pytest.raises(RemoteError, match=r"^endpoint 'far': "):
        ask(said(logprobs=logprobs), top=2)


@pytest.mark.parametrize(
    ("body", "more"),
    [
        *((body, {}) for body, _ in ENVELOPES),
        (written(None), {}),
        (written(finish=None), {}),
        (said(), {}),
        (written(), {"top": 1}),
        *(
            (written(logprobs=columns(**changed)), {"top": 1})
            for changed in (
                {"tokens": None}, {"tokens": []}, {"tokens": [1]}, {"token_logprobs": [None]}, {"token_logprobs": []},
                {"token_logprobs": [-0.5, -0.5]}, {"top_logprobs": None}, {"top_logprobs": [None]},
                {"top_logprobs": [["a", -1]]}, {"top_logprobs": [{"a": "x"}]}, {"top_logprobs": [{"a": 1}]},
            )
        ),
    ],
)  # fmt: skip
def test_a_completion_is_read_as_strictly(complete, body, more) -> None:
    """In its own form."""
    with pytest.raises(RemoteError, match=r"^endpoint 'far': "):
        complete(body, **more)


@pytest.mark.parametrize("status", [400, 401, 429, 500])
def test_no_answer_is_an_error(far, reply, run, status: int) -> None:
    """As for every request."""
    far.plays(reply(said(), status))
    with pytest.raises(RemoteError, match=f"^endpoint 'far': answered {status}$"):
        run(ask_chat(far.endpoint(retries=0), "m", MESSAGES, max_tokens=1))
