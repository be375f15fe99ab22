"""`POST /v1/completions`: prompts are judged before the model, texts after it."""

from __future__ import annotations

import threading
from typing import Any

import openai
import pytest

from tests.cases import each_case
from tests.proxy.contract_completions import asking, frames, text_chunk, text_completion

PATH = "/v1/completions"


def streams(fake: Any, whole: dict[str, Any], size: int = 3) -> None:
    """Have the upstream stream an answer in pieces."""
    fake.streams(*frames(whole, size), done=False)


def said(answer: Any, index: int = 0) -> tuple[str, list[str]]:
    """Return what a client reads of a choice, and why it ended."""
    bodies = answer.frames if "event-stream" in answer.headers["content-type"] else [answer.json]
    choices = [each for body in bodies for each in body["choices"] if each["index"] == index]
    return "".join(each["text"] for each in choices), [
        each["finish_reason"] for each in choices if each["finish_reason"]
    ]


def test_what_passes_is_passed_on_byte_for_byte(proxy, fake, kit) -> None:
    """Both ways; to the path of that API alone."""
    body = b'{"model": "m",  "prompt": "hi", "suffix": "you", "temperature": 1.0}'
    whole = text_completion("Hello.")
    fake.answers(whole)

    answer = kit.send(proxy, PATH, body, {"authorization": "Bearer k"})

    assert (answer.status, answer.json, answer.action) == (200, whole, ("allow", ""))
    assert (fake.asked[0].path, fake.asked[0].raw) == ("/v1/completions", body)
    assert fake.asked[0].headers["authorization"] == "Bearer k"


def test_a_stream_is_passed_on_while_it_comes(proxy, fake, kit) -> None:
    """Nothing of it waits for the end but what might become something else; nothing is left out."""
    asked = threading.Event()
    fake.streams(text_chunk("Hello there. "), asked, text_chunk("You. "), text_chunk("", "stop"))
    with openai.OpenAI(base_url=f"{proxy}/v1", api_key="k", max_retries=0, timeout=kit.wait_s) as client:
        stream = client.completions.create(model="m", prompt="hi", stream=True)
        first = next(stream).choices[0].text
        asked.set()
        rest = [each.choices[0] for each in stream]
    assert first.startswith("Hello")
    assert first + "".join(each.text for each in rest) == "Hello there. You. "
    assert rest[-1].finish_reason == "stop"


@each_case(
    ("body", "param"),
    [
        (asking("a zqxbomb"), "prompt"),
        (asking(["x", "a zqxbomb"]), "prompt"),
        (asking(suffix="zqxbomb", stream=True), "prompt"),
    ],
)
def test_a_blocked_request_is_400_and_no_model_is_asked(proxy, fake, kit, body, param) -> None:
    """In OpenAI's shape."""
    answer = kit.send(proxy, PATH, body)

    assert (answer.status, answer.action) == (400, ("block", "bomb.block"))
    assert (answer.error["code"], answer.error["param"]) == ("content_filter", param)
    assert "Not that." in answer.error["message"]
    assert fake.asked == []


def test_token_ids_are_refused(proxy, fake, kit) -> None:
    """Nobody here can read them."""
    for prompt in ([1, 2], [[1, 2]], ["a", 1]):
        answer = kit.send(proxy, PATH, asking(prompt))
        assert (answer.status, answer.error["code"]) == (400, "unsupported_input")
    assert fake.asked == []


def test_a_prompt_is_redacted(proxy, fake, kit) -> None:
    """The one of several that has it, and what follows the completion."""
    fake.answers(text_completion("x", "y"))
    kit.send(proxy, PATH, asking(["a zqxmask", "b"], suffix="zqxmask!"))

    assert fake.asked[0].json == asking(["a [MASK]", "b"], suffix="[MASK]!")


@each_case("streamed", [False, True])
@each_case(
    ("text", "shown", "end"),
    [("a zqxmask b", "a [MASK] b", "stop"), ("see zqxbomb", "Not that.", "content_filter"), ("fine", "fine", "stop")],
)  # fmt: skip
def test_an_answer_is_judged(proxy, fake, kit, streamed, text, shown, end) -> None:
    """Whole, and streamed in pieces that cut the word: what went on before a block stays."""
    whole = text_completion(text)
    streams(fake, whole) if streamed else fake.answers(whole)

    answer = kit.send(proxy, PATH, asking(stream=streamed))

    begun = "see " if streamed and end == "content_filter" else ""
    assert said(answer) == (begun + shown, [end])
    assert b"zqx" not in answer.raw


@each_case("streamed", [False, True])
def test_only_the_blocked_choice_is_withheld(proxy, fake, kit, streamed) -> None:
    """Of `n` choices, and of those of several prompts."""
    whole = text_completion("one. ", "zqxbomb", "a zqxmask", "four. ")
    streams(fake, whole) if streamed else fake.answers(whole)

    answer = kit.send(proxy, PATH, asking(["p", "q"], n=2, stream=streamed))

    assert [said(answer, index) for index in range(4)] == [
        ("one. ", ["stop"]),
        ("Not that.", ["content_filter"]),
        ("a [MASK]", ["stop"]),
        ("four. ", ["stop"]),
    ]


@each_case("streamed", [False, True])
def test_log_probabilities_of_a_changed_text_are_dropped(proxy, fake, kit, streamed) -> None:
    """They spell it."""
    whole = text_completion("a zqxmask", "fine")
    for choice in whole["choices"]:
        choice["logprobs"] = {"tokens": [choice["text"]], "token_logprobs": [-1.0], "text_offset": [0]}
    streams(fake, whole) if streamed else fake.answers(whole)

    answer = kit.send(proxy, PATH, asking(n=2, logprobs=1, stream=streamed))

    spelled = [
        each["logprobs"]
        for body in (answer.frames if streamed else [answer.json])
        for each in body["choices"]
        if each["logprobs"] is not None
    ]
    assert spelled == [whole["choices"][1]["logprobs"]]
    assert b"zqx" not in answer.raw


def test_an_echoed_prompt_is_judged_as_an_answer(serve, guard_of, fake, kit) -> None:
    """What only may not be said is not said either where the model repeats it."""
    guard = guard_of(
        "detectors: {d: {use: terms, terms: [zqxbomb], category: custom.d}}\n"
        "rules: [{id: d, on: output, when: custom.d > 0, then: block, message: Not that.}]"
    )
    fake.answers(text_completion("say zqxbomb now"))
    answer = kit.send(serve(guard), PATH, asking("say zqxbomb", echo=True))
    assert said(answer) == ("Not that.", ["content_filter"])


VAULT = """
detectors: {pii: {use: pii, entities: [email]}}
rules: [{id: keep, on: [input, output], when: pii > 0, then: redact, with: vault}]
"""


@each_case("streamed", [False, True])
def test_a_users_own_values_come_back(serve, guard_of, fake, kit, streamed) -> None:
    """Whole, and streamed in pieces that cut the placeholder."""
    whole = text_completion("to [EMAIL_1], not [EMAIL_2]. ")
    streams(fake, whole) if streamed else fake.answers(whole)

    answer = kit.send(serve(guard_of(VAULT)), PATH, asking("I am jo@example.com", stream=streamed))

    assert fake.asked[0].json["prompt"] == "I am [EMAIL_1]"
    assert said(answer)[0] == "to jo@example.com, not [EMAIL_2]. "


def test_a_server_that_does_not_stream_is_streamed(proxy, fake, kit) -> None:
    """A chunk for each choice, and what it cost."""
    whole = text_completion("a zqxmask", "b")
    fake.answers(whole)

    answer = kit.send(proxy, PATH, asking(n=2, stream=True))

    assert [said(answer, index) for index in range(2)] == [("a [MASK]", ["stop"]), ("b", ["stop"])]
    assert answer.frames[-1]["usage"] == whole["usage"]
    assert answer.raw.endswith(b"data: [DONE]\n\n")


@each_case(
    "frame",
    [
        text_chunk(["zqxbomb"]),  # type: ignore[arg-type]
        text_chunk({"a": "zqxbomb"}),  # type: ignore[arg-type]
        {**text_chunk("x"), "choices": ["zqxbomb"]},
        {**text_chunk("x"), "choices": "zqxbomb"},
        text_chunk("x", index=-1),
    ],
)
def test_a_malformed_chunk_ends_the_stream_with_an_error(proxy, fake, kit, frame) -> None:
    """Nothing of it goes on."""
    fake.streams(text_chunk("Hello. "), frame, text_chunk("", "stop"))

    answer = kit.send(proxy, PATH, asking(stream=True))

    assert answer.frames[-1]["error"]["code"] == "upstream_invalid"
    assert b"zqx" not in answer.raw


@each_case("raw", [b"{}", b"[]", b'{"choices":"x"}', b'{"choices":[1]}', b"<html>"])
def test_what_is_no_completion_is_the_upstreams_fault(proxy, fake, kit, raw) -> None:
    """502."""
    fake.answers(raw)
    assert kit.send(proxy, PATH, asking()).status == 502


@each_case("streamed", [False, True])
def test_openais_client_reads_it(proxy, fake, streamed) -> None:
    """The real SDK, both ways, and a block of the request as its own error."""
    whole = text_completion("see zqxbomb")
    streams(fake, whole) if streamed else fake.answers(whole)
    with openai.OpenAI(base_url=f"{proxy}/v1", api_key="k", max_retries=0) as client:
        answer = client.completions.create(model="m", prompt="hi", stream=streamed)
        choices = [each.choices[0] for each in answer if each.choices] if streamed else answer.choices
        assert "".join(each.text for each in choices) == ("see Not that." if streamed else "Not that.")
        assert choices[-1].finish_reason == "content_filter"
        with pytest.raises(openai.BadRequestError) as caught:
            client.completions.create(model="m", prompt="zqxbomb")
        assert (caught.value.code, caught.value.param) == ("content_filter", "prompt")
