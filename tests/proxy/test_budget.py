"""The operator's budget at the proxy: 413 for a request in the shape of each API, 502 for an answer, and nothing sent on."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from guardrails.proxy.configuration.settings import Settings
from guardrails.proxy.server.serve import running

POLICY = """
format: 1
name: tested
detectors: {green: {use: green_square}}
rules: [{id: green, on: [input, output], when: custom.green_square > 0.5, then: block}]
"""


def png(shade: int) -> str:
    """Return a picture of 4 x 4 pixels in Base64."""
    made = BytesIO()
    Image.new("L", (4, 4), shade).save(made, "PNG")
    return b64encode(made.getvalue()).decode()


def openai(text: str, pictures: list[str]) -> Any:
    """Return a message with a text and pictures, as the chat API has it."""
    parts = [
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{each}"}} for each in pictures
    ]
    return {"model": "m", "messages": [{"role": "user", "content": [{"type": "text", "text": text}, *parts]}]}


def responses(text: str, pictures: list[str]) -> Any:
    """Likewise, as the responses API has it."""
    parts = [{"type": "input_image", "image_url": f"data:image/png;base64,{each}"} for each in pictures]
    content = [{"type": "input_text", "text": text}, *parts]
    return {"model": "m", "input": [{"role": "user", "content": content}]}


def anthropic(text: str, pictures: list[str]) -> Any:
    """Likewise, as Anthropic's API has it."""
    sources = [{"type": "base64", "media_type": "image/png", "data": each} for each in pictures]
    parts = [{"type": "image", "source": each} for each in sources]
    content = [{"type": "text", "text": text}, *parts]
    return {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": content}]}


def gemini(text: str, pictures: list[str]) -> Any:
    """Likewise, as Gemini's API has it."""
    parts = [{"inlineData": {"mimeType": "image/png", "data": each}} for each in pictures]
    return {"contents": [{"role": "user", "parts": [{"text": text}, *parts]}]}


def ollama(text: str, pictures: list[str]) -> Any:
    """Likewise, as Ollama's API has it."""
    return {
        "model": "m",
        "stream": False,
        "messages": [{"role": "user", "content": text, "images": pictures}],
    }


def check(text: str, pictures: list[str]) -> Any:
    """Likewise, as `/v1/check` has it."""
    return {"messages": openai(text, pictures)["messages"]}


APIS: dict[str, tuple[Callable[[str, list[str]], Any], str]] = {
    "/v1/chat/completions": (openai, "invalid_request_error"),
    "/v1/responses": (responses, "invalid_request_error"),
    "/v1/messages": (anthropic, "request_too_large"),
    "/v1beta/models/m:generateContent": (gemini, "INVALID_ARGUMENT"),
    "/api/chat": (ollama, "invalid_request_error"),
    "/v1/check": (check, "invalid_request_error"),
}
"""Path → its requests, and the type of its error."""

BOUNDS = {"contents": 3, "characters": 120, "pictures": 2, "pixels": 32}
"""What a request with a text of 120 characters and two pictures holds."""

TEXT, PICTURES = "hello " * 20, [png(10), png(20)]


@pytest.fixture
def serve(fake: Any, tmp_path: Path) -> Iterator[Callable[..., str]]:
    """Return a function: settings in, the address of a proxy with the policy above out."""
    policy = tmp_path / "policy.yaml"
    policy.write_text(POLICY)
    with ExitStack() as stack:
        yield lambda **given: stack.enter_context(
            running(Settings(fake.url, port=0, policy=str(policy), **given))
        )


def test_a_request_over_the_budget_is_refused_in_each_shape(serve: Any, fake: Any, kit: Any) -> None:
    """At each bound it goes on; one under that it is a 413 with one code, which names the setting, and goes nowhere."""
    within = serve(**{f"max_{name}": most for name, most in BOUNDS.items()})
    over = {name: serve(**{f"max_{name}": most - 1}) for name, most in BOUNDS.items()}
    for path, (asking, kind) in APIS.items():
        body = asking(TEXT, PICTURES)
        for name, url in over.items():
            answer = kit.send(url, path, body)
            told = (path, name, answer.status, answer.error["code"], answer.error["type"])
            assert told == (path, name, 413, "request_too_large", kind)
            assert f"max_{name}" in answer.error["message"]
        assert fake.asked == []
        kit.send(within, path, body)
        assert len(fake.asked) == (path != "/v1/check")
        fake.asked.clear()


@pytest.mark.parametrize(
    ("path", "body", "choices"),
    [
        ("/v1/chat/completions", {**openai("hi", []), "n": 3}, 3),
        ("/v1/completions", {"model": "m", "prompt": ["a", "b"], "n": 2}, 4),
        (
            "/v1beta/models/m:generateContent",
            {**gemini("hi", []), "generationConfig": {"candidateCount": 3}},
            3,
        ),
    ],
)
def test_more_choices_than_the_budget_has_are_not_asked_for(
    serve: Any, fake: Any, kit: Any, path: str, body: Any, choices: int
) -> None:
    """They are counted over all prompts."""
    answer = kit.send(serve(max_choices=choices - 1), path, body)

    assert (answer.status, answer.error["code"], fake.asked) == (413, "request_too_large", [])
    assert f"{choices} choices are more than the {choices - 1}" in answer.error["message"]
    kit.send(serve(max_choices=choices), path, body)
    assert len(fake.asked) == 1


def test_a_hook_answers_it_as_its_gateway_reads_it(serve: Any, kit: Any) -> None:
    """Portkey lets pass what is answered with an error, so there it is a verdict."""
    body = {"request": {"json": openai(TEXT, [])}, "eventType": "beforeRequestHook"}

    answer = kit.send(serve(max_characters=119), "/hooks/portkey", body)

    assert (answer.status, answer.json["verdict"]) == (200, False)
    assert answer.json["data"]["rule"] == "request_too_large"


@pytest.mark.parametrize("streamed", [False, True])
def test_an_answer_over_the_budget_is_the_upstreams_fault(
    serve: Any, fake: Any, kit: Any, *, streamed: bool
) -> None:
    """502 that says why; a stream that has begun ends with that error, and never as if it were whole."""
    reply = "a reply of thirty characters.." * 4
    if streamed:
        fake.streams(*kit.pieces(reply))
    else:
        fake.answers(kit.completion(reply))

    answer = kit.chat(serve(max_characters=100), kit.asking("hello", stream=streamed))

    if streamed:
        error = answer.frames[-1]["error"]
        assert b"[DONE]" not in answer.raw
        assert all(
            choice["finish_reason"] is None for each in answer.frames[:-1] for choice in each["choices"]
        )
    else:
        assert answer.status == 502
        error = answer.error
        assert reply.encode() not in answer.raw
    assert error["code"] == "upstream_invalid"
    assert "max_characters" in error["message"]


def test_inputs_of_one_request_count_together(serve: Any, kit: Any) -> None:
    """Each of a moderation is judged by itself; the budget is the request's."""
    url = serve(max_contents=3)
    answers = [kit.send(url, "/v1/moderations", {"input": ["text"] * count}) for count in (3, 4)]

    assert [answer.status for answer in answers] == [200, 413]
    assert answers[1].error["code"] == "request_too_large"


def test_a_stream_of_very_many_texts_ends_once_they_are_over_the_budget(
    serve: Any, fake: Any, kit: Any
) -> None:
    """Each choice takes memory for as long as the stream goes on, so that it is not taken to its end first."""
    chunks = [kit.chunk({"content": "text"}, index=index) for index in range(20)]
    fake.streams(*chunks)

    answer = kit.chat(serve(max_contents=3), kit.asking("hello", stream=True, n=20))

    error = answer.frames[-1]["error"]
    assert error["code"] == "upstream_invalid"
    assert "4 contents are more than the 3" in error["message"]
    assert b"[DONE]" not in answer.raw
