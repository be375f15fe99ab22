"""OpenAI's released SDK, wrapped, before a server that speaks the real protocol: nothing passes, types stay."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import openai
import pytest
from pydantic import BaseModel

from guardrails import BackendError, Blocked, Guard, RequestError
from tests.cases import each_case

BOMB, MASK = "zqxbomb", "zqxmask"
STREAMED = each_case("stream", [False, True], ids=["whole", "stream"])


def user(content: Any) -> list[dict[str, Any]]:
    """Return a conversation of one message."""
    return [{"role": "user", "content": content}]


def ask(client: Any, content: Any = "hi", **more: Any) -> Any:
    """Ask for a completion."""
    return client("chat.completions.create", model="m", messages=user(content), **more)


def answers(fake: Any, kit: Any, text: str, *, stream: bool) -> None:
    """Let the model answer a text."""
    if stream:
        fake.streams(*kit.pieces(text))
    else:
        fake.answers(kit.completion(text))


def text_of(answer: Any) -> str:
    """Return the text of a completion or of its chunks."""
    if isinstance(answer, list):
        return "".join(choice.delta.content or "" for chunk in answer for choice in chunk.choices)
    return str(answer.choices[0].message.content)


def refusal_of(answer: Any) -> tuple[str, str | None]:
    """Return what a refused choice says, and why it ended."""
    if not isinstance(answer, list):
        return answer.choices[0].message.refusal, answer.choices[0].finish_reason
    choices = [choice for chunk in answer for choice in chunk.choices]
    return "".join(choice.delta.refusal or "" for choice in choices), choices[-1].finish_reason


@STREAMED
@each_case(
    ("asked", "heard", "answered", "shown"),
    [
        ("hi", "hi", "Hello, you.", "Hello, you."),
        (f"a {MASK}!", "a [MASK]!", "Hello.", "Hello."),
        ("hi", "hi", f"a {MASK} and {MASK}.", "a [MASK] and [MASK]."),
    ],
)
def test_texts_are_checked_before_and_after(
    client: Any, fake: Any, kit: Any, stream: bool, asked: str, heard: str, answered: str, shown: str
) -> None:
    """The model hears what the policy leaves of the prompt, the caller what it leaves of the answer, in the SDK's types."""
    answers(fake, kit, answered, stream=stream)
    answer = ask(client(), asked, stream=stream)

    assert fake.asked[-1].json["messages"] == user(heard)
    assert text_of(answer) == shown
    kind = openai.types.chat.ChatCompletionChunk if stream else openai.types.chat.ChatCompletion
    assert all(type(each) is kind for each in (answer if stream else [answer]))


@STREAMED
def test_an_answer_that_nothing_is_wrong_with_is_the_same(
    client: Any, fake: Any, kit: Any, stream: bool
) -> None:
    """Chunk for chunk, with usage and fields that no table knows."""
    usage = {
        **kit.chunk(),
        "choices": [],
        "usage": {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3},
    }
    chunks = [*kit.pieces("Hello there."), usage]
    if stream:
        fake.streams(b": a comment\n\n", *chunks)
    else:
        fake.answers(kit.completion("Hello there.", odd={"x": 1.50}))
    wrapped = client()
    bare = ask(wrapped, stream=stream)

    if stream:
        assert [event.model_dump(exclude_unset=True) for event in bare] == [
            json.loads(json.dumps(chunk)) for chunk in chunks
        ]
    else:
        assert bare.odd == {"x": 1.5}


@STREAMED
@each_case("place", ["prompt", "answer"])
def test_a_block_is_raised(client: Any, fake: Any, kit: Any, stream: bool, place: str) -> None:
    """`Blocked` carries the verdict, unwrapped by the SDK and without a retry; a blocked prompt is not sent."""
    answers(fake, kit, f"say {BOMB} now" if place == "answer" else "Hello.", stream=stream)
    with pytest.raises(Blocked, match="Not that") as caught:
        ask(client(), BOMB if place == "prompt" else "hi", stream=stream)

    assert [rule.id for rule in caught.value.verdict.rules] == ["bomb.block"]
    assert len(fake.asked) == (place == "answer")


@STREAMED
@each_case("place", ["prompt", "answer"])
def test_a_block_may_be_answered_in_kind(client: Any, fake: Any, kit: Any, stream: bool, place: str) -> None:
    """As the API refuses: a refusal and `content_filter`; of the text a stream has what stood before the term."""
    answers(fake, kit, f"say {BOMB} now" if place == "answer" else "Hello.", stream=stream)
    answer = ask(client(on_block="answer"), BOMB if place == "prompt" else "hi", stream=stream)

    assert refusal_of(answer) == ("Not that.", "content_filter")
    assert text_of(answer) in (("say ",) if stream and place == "answer" else ("", "None"))
    assert len(fake.asked) == (place == "answer")


@each_case("include", [True, False])
def test_a_refused_prompt_is_counted_only_where_the_caller_asks_for_it(client: Any, include: bool) -> None:
    """Callers that did not ask for usage do not expect a chunk without choices."""
    chunks = ask(client(on_block="answer"), BOMB, stream=True, stream_options={"include_usage": include})
    assert [not chunk.choices for chunk in chunks].count(True) == include
    assert ask(client(on_block="answer"), BOMB).usage.total_tokens == 0


REQUESTS: dict[str, dict[str, Any]] = {
    "system": {"messages": [{"role": "system", "content": BOMB}, *user("hi")]},
    "developer": {"messages": [{"role": "developer", "content": BOMB}, *user("hi")]},
    "part": {"messages": user([{"type": "text", "text": "zqx"}, {"type": "text", "text": "bomb"}])},
    "name": {"messages": [{"role": "user", "content": "hi", "name": BOMB}]},
    "assistant": {"messages": [{"role": "assistant", "content": BOMB}]},
    "call": {
        "messages": [
            {
                "role": "assistant",
                "tool_calls": [
                    {
                        "id": "c",
                        "type": "function",
                        "function": {"name": "f", "arguments": json.dumps({"q": BOMB})},
                    }
                ],
            }
        ]
    },
    "result": {"messages": [{"role": "tool", "tool_call_id": "c", "content": BOMB}]},
    "tool": {
        "tools": [{"type": "function", "function": {"name": "f", "description": BOMB, "parameters": {}}}]
    },
    "schema": {
        "response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": {"title": BOMB}}}
    },
    "stop": {"stop": [BOMB]},
    "metadata": {"metadata": {"k": BOMB}},
    "user": {"user": BOMB},
    "extra body": {"extra_body": {"odd": {"deep": [BOMB]}}},
    "extra messages": {"extra_body": {"messages": user(BOMB)}},
    "base64": {"messages": user("enF4Ym9tYiBtYWtlcyBhIG5vaXNl enF4Ym9tYg==")},
}


@STREAMED
@each_case("place", REQUESTS)
def test_a_term_in_any_place_of_a_request_blocks(client: Any, fake: Any, stream: bool, place: str) -> None:
    """Nothing of it is sent."""
    body: dict[str, Any] = {"model": "m", "messages": user("hi"), "stream": stream, **REQUESTS[place]}
    if place == "name":
        body["messages"] = [*body["messages"]]
    with pytest.raises(Blocked):
        client()("chat.completions.create", **body)
    assert fake.asked == []


def call(arguments: str, name: str = "f") -> dict[str, Any]:
    """Return a message that calls a tool."""
    function = {"name": name, "arguments": arguments}
    return {
        "role": "assistant",
        "content": None,
        "tool_calls": [{"id": "c", "type": "function", "function": function}],
    }


ANSWERS: dict[str, tuple[Any, ...]] = {
    "text": (f"x {BOMB}",),
    "second choice": ("fine", f"x {BOMB}"),
    "arguments": (call(json.dumps({"q": BOMB})),),
    "tool": (call("{}", BOMB),),
    "refusal": ({"role": "assistant", "content": None, "refusal": BOMB},),
    "reasoning": ({"role": "assistant", "content": "fine", "reasoning_content": BOMB},),
    "unknown field": ({"role": "assistant", "content": "fine", "odd": {"deep": BOMB}},),
    "annotation": (
        {
            "role": "assistant",
            "content": "fine",
            "annotations": [{"type": "x", "url": f"https://{BOMB}.example"}],
        },
    ),
}


def chunks_of(kit: Any, messages: tuple[Any, ...]) -> list[Any]:
    """Return messages as the chunks of a stream whose strings are cut into single characters, the choices in turns."""
    streams = []
    for index, message in enumerate(messages):
        given = message if isinstance(message, dict) else {"role": "assistant", "content": message}
        deltas: list[dict[str, Any]] = [{"role": "assistant"}]
        for name, value in given.items():
            if name == "tool_calls":
                (one,) = value
                function = one["function"]
                deltas.append(
                    {name: [{"index": 0, **one, "function": {"name": function["name"], "arguments": ""}}]}
                )
                deltas += [
                    {name: [{"index": 0, "function": {"arguments": each}}]} for each in function["arguments"]
                ]
            elif isinstance(value, str) and name != "role":
                deltas += [{name: each} for each in value]
            elif value is not None and name != "role":
                deltas.append({name: value})
        streams.append([*(kit.chunk(delta, index=index) for delta in deltas), kit.chunk({}, "stop", index)])
    longest = max(map(len, streams))
    return [each[at] for at in range(longest) for each in streams if at < len(each)]


@STREAMED
@each_case("place", ANSWERS)
def test_a_term_in_any_place_of_an_answer_blocks(
    client: Any, fake: Any, kit: Any, texts: Callable[[Any], str], stream: bool, place: str
) -> None:
    """However a stream cuts it; answered in kind, the term is nowhere in what the caller gets."""
    fake.streams(*chunks_of(kit, ANSWERS[place])) if stream else fake.answers(kit.completion(*ANSWERS[place]))
    with pytest.raises(Blocked):
        ask(client(), stream=stream)
    answer = ask(client(on_block="answer"), stream=stream, n=len(ANSWERS[place]))
    shown = texts(answer)
    assert "Not that." in shown
    assert BOMB not in shown
    assert text_of(answer).startswith("fine") == (place == "second choice")


@STREAMED
@each_case("name", ["id", "model", "system_fingerprint", "usage", "odd"])
def test_a_term_in_the_head_of_an_answer_is_not_kept(
    client: Any, fake: Any, kit: Any, texts: Callable[[Any], str], stream: bool, name: str
) -> None:
    """Of an answer that is refused for it, the field goes too."""
    value = {"note": f"a {BOMB}"} if name == "usage" else f"a {BOMB}"
    chunks = [{**chunk, name: value} for chunk in kit.pieces("x")]
    fake.streams(*chunks) if stream else fake.answers({**kit.completion("x"), name: value})
    assert BOMB not in texts(ask(client(on_block="answer"), stream=stream))


@STREAMED
@each_case("place", [name for name in ANSWERS if name not in ("tool", "annotation")])
def test_a_term_in_any_place_of_an_answer_is_redacted(
    client: Any, fake: Any, kit: Any, texts: Callable[[Any], str], stream: bool, place: str
) -> None:
    """In whole and streamed answers alike, each chunk of its own type."""
    given = json.loads(json.dumps(ANSWERS[place]).replace(BOMB, MASK))
    fake.streams(*chunks_of(kit, given)) if stream else fake.answers(kit.completion(*given))
    shown = texts(ask(client(), stream=stream))
    assert "[MASK]" in shown
    assert MASK not in shown
    assert all(letter not in shown for letter in ('"content":"z"', '"content":"q"'))


@STREAMED
def test_log_probabilities_go_where_the_text_changed(client: Any, fake: Any, kit: Any, stream: bool) -> None:
    """They spell the text once more; a choice that nothing is wrong with keeps them."""
    probable = {
        "content": [{"token": MASK, "logprob": -0.1, "bytes": None, "top_logprobs": []}],
        "refusal": None,
    }
    if stream:
        chunks = [kit.chunk({"content": MASK}), kit.chunk({"content": "x"}, index=1)]
        for chunk in chunks:
            chunk["choices"][0]["logprobs"] = probable
        fake.streams(*chunks)
        chunks = ask(client(), stream=True)
        told = [[each.choices[0].logprobs for each in chunks if each.choices[0].index == at] for at in (0, 1)]
        assert not any(told[0])
        assert any(told[1])
    else:
        body = kit.completion(MASK, "x")
        for choice in body["choices"]:
            choice["logprobs"] = probable
        fake.answers(body)
        choices = ask(client()).choices
        assert choices[0].logprobs is None
        assert choices[1].logprobs is not None


def test_a_call_s_arguments_stay_json(client: Any, fake: Any, kit: Any) -> None:
    """An edit acts on the decoded value; the pieces of a stream still make up the whole."""
    arguments = json.dumps({"q": f'say "{MASK}"', "n": 1.5})
    fake.streams(*chunks_of(kit, (call(arguments),)))
    chunks = ask(client(), stream=True)
    pieces = [
        each.function.arguments or "" for chunk in chunks for each in chunk.choices[0].delta.tool_calls or ()
    ]
    assert json.loads("".join(pieces)) == {"q": 'say "[MASK]"', "n": 1.5}


class Reply(BaseModel):
    """A parsed answer."""

    word: str


@each_case(("said", "word"), [("x", "x"), (MASK, "[MASK]")])
def test_parsed_outputs_are_those_of_what_was_judged(
    client: Any, fake: Any, kit: Any, said: str, word: str
) -> None:
    """The SDK parses after the check."""
    fake.answers(kit.completion(json.dumps({"word": said})))
    answer = client()("chat.completions.parse", model="m", messages=user("hi"), response_format=Reply)
    assert answer.choices[0].message.parsed == Reply(word=word)


@each_case(("said", "shown"), [("Hello.", "Hello."), (f"a {MASK}.", "a [MASK]."), (BOMB, None)])
def test_the_stream_helper_is_guarded(
    fake: Any, kit: Any, policy_guard: Guard, said: str, shown: str | None
) -> None:
    """`with client.chat.completions.stream(…)`, its events and its final completion, sync and async."""
    fake.streams(*kit.pieces(said))
    asked = {"model": "m", "messages": user("hi")}

    def sync() -> tuple[str, Any]:
        with (
            policy_guard.wrap(openai.OpenAI(base_url=fake.url, api_key="k")) as client,
            client.chat.completions.stream(**asked) as stream,  # type: ignore[arg-type]
        ):
            deltas = [event.delta for event in stream if event.type == "content.delta"]
            return "".join(deltas), stream.get_final_completion().choices[0].message.content

    async def awaited() -> tuple[str, Any]:
        async with (
            policy_guard.wrap(openai.AsyncOpenAI(base_url=fake.url, api_key="k")) as client,
            client.chat.completions.stream(**asked) as stream,  # type: ignore[arg-type]
        ):
            deltas = [event.delta async for event in stream if event.type == "content.delta"]
            return "".join(deltas), (await stream.get_final_completion()).choices[0].message.content

    for run in (sync, lambda: asyncio.run(awaited())):
        if shown is None:
            with pytest.raises(Blocked):
                run()
        else:
            assert run() == (shown, shown)


@STREAMED
@each_case(
    ("asked", "answered", "shown"),
    [("hi", "Hello.", "Hello."), (MASK, f"a {MASK}", "a [MASK]"), (BOMB, "", None), ("hi", BOMB, None)],
)
def test_text_completions_are_guarded(
    client: Any, fake: Any, stream: bool, asked: str, answered: str, shown: str | None
) -> None:
    """The older endpoint too, with its prompts and its choices."""
    head = {"id": "c", "object": "text_completion", "created": 1, "model": "m"}
    cut = [answered[:4], answered[4:]] if stream else [answered]
    bodies = [
        {**head, "choices": [{"index": 0, "text": each, "finish_reason": "stop", "logprobs": None}]}
        for each in cut
    ]
    fake.streams(*bodies) if stream else fake.answers(bodies[0])
    kwargs = {"model": "m", "prompt": ["x", asked], "stream": stream}
    if shown is None:
        with pytest.raises(Blocked):
            client()("completions.create", **kwargs)
    answer = client(on_block="answer")("completions.create", **kwargs)
    events = answer if stream else [answer]
    assert "".join(event.choices[0].text for event in events) == (shown or "Not that.")
    assert events[-1].choices[0].finish_reason == ("content_filter" if shown is None else "stop")


def test_the_tokens_of_a_text_completion_are_judged(client: Any, fake: Any) -> None:
    """As what they spell, whatever the text says."""
    spelled = {"tokens": [BOMB[:3], BOMB[3:]], "token_logprobs": [-1.0, -1.0], "text_offset": [0, 3]}
    choice = {"index": 0, "text": "x", "finish_reason": "stop", "logprobs": spelled}
    fake.answers({"id": "c", "object": "text_completion", "created": 1, "model": "m", "choices": [choice]})
    with pytest.raises(Blocked):
        client()("completions.create", model="m", prompt="hi")


@each_case("given", [BOMB, ["x", BOMB]])
@each_case("method", ["embeddings.create", "moderations.create"])
def test_what_is_embedded_or_moderated_is_judged(client: Any, fake: Any, method: str, given: Any) -> None:
    """There is no way to refuse in kind, so that a block is raised."""
    with pytest.raises(Blocked):
        client(on_block="answer")(method, model="m", input=given)
    assert fake.asked == []


@each_case(
    ("method", "fields"),
    [
        ("embeddings.create", {"input": [1, 2]}),
        ("embeddings.create", {"input": "x", "extra_body": {"prompt_embeds": "AAAA"}}),
        ("embeddings.create", {"input": "x", "extra_body": {"chat_template": "{{ x }}"}}),
        ("moderations.create", {"input": [1, 2]}),
        ("completions.create", {"prompt": [1, 2]}),
        ("completions.create", {"prompt": ["x", [1]]}),
        ("completions.create", {"prompt": "x", "extra_body": {"prompt_embeds": "AAAA"}}),
        ("completions.create", {"prompt": "x", "extra_body": {"chat_template": "{{ x }}"}}),
    ],
    ids=str,
)
def test_prompts_that_nobody_here_can_read_are_refused(
    client: Any, fake: Any, method: str, fields: Any
) -> None:
    """As the proxy refuses them, by the same field tables: token ids, embeddings, templates of the server."""
    with pytest.raises(RequestError):
        client(on_block="answer")(method, model="m", **fields)
    assert fake.asked == []


def test_embeddings_pass_with_what_the_policy_leaves(client: Any, fake: Any) -> None:
    """The texts are redacted, the vectors are not looked at."""
    vector = {"object": "embedding", "index": 0, "embedding": [0.5, 4111111111111111.0]}
    fake.answers(
        {"object": "list", "model": "m", "data": [vector], "usage": {"prompt_tokens": 1, "total_tokens": 1}}
    )
    answer = client()("embeddings.create", model="m", input=[f"a {MASK}", "b"], encoding_format="float")
    assert fake.asked[-1].json["input"] == ["a [MASK]", "b"]
    assert answer.data[0].embedding == [0.5, 4111111111111111.0]


def test_values_of_the_user_come_back(
    guard_of: Callable[..., Guard], client: Any, fake: Any, kit: Any
) -> None:
    """Where a rule redacts `with: vault`, the model sees placeholders and the caller the values, streamed too."""
    guard = guard_of(
        """
detectors:
  pii: {use: pii, entities: [email]}
rules:
  - {id: mail, on: input, when: pii.email > 0, then: redact, with: vault}
"""
    )
    fake.answers(kit.completion("Mail to [EMAIL_1]."))
    assert text_of(ask(client(guard), "jo@example.com")) == "Mail to jo@example.com."
    assert fake.asked[-1].json["messages"] == user("[EMAIL_1]")
    fake.streams(*kit.pieces("Mail to [EMAIL_1]."))
    assert text_of(ask(client(guard), "jo@example.com", stream=True)) == "Mail to jo@example.com."
    blocking = guard_of(
        """
detectors:
  pii: {use: pii, entities: [email]}
  bomb: {use: terms, terms: [zqxbomb], category: custom.bomb}
rules:
  - {id: mail, on: input, when: pii.email > 0, then: redact, with: vault}
  - {id: bomb, on: output, when: custom.bomb > 0, then: block}
"""
    )
    fake.answers(kit.completion(BOMB, "Mail to [EMAIL_1]."))
    refused, kept = ask(client(blocking, on_block="answer"), "jo@example.com").choices
    assert (refused.finish_reason, kept.message.content) == ("content_filter", "Mail to jo@example.com.")
    choice = {"index": 0, "text": "Mail to [EMAIL_1].", "finish_reason": "stop"}
    fake.answers({"id": "c", "object": "text_completion", "created": 1, "model": "m", "choices": [choice]})
    answer = client(guard)("completions.create", model="m", prompt="jo@example.com")
    assert answer.choices[0].text == "Mail to jo@example.com."


def test_who_asks_is_what_the_caller_says(guard_of: Callable[..., Guard], client: Any) -> None:
    """The context of `wrap` and the request's model are what conditions read."""

    def of(condition: str) -> Guard:
        guard: Guard = guard_of(
            f"""
detectors:
  bomb: {{use: terms, terms: [zqxbomb], category: custom.bomb}}
rules:
  - {{id: one, on: input, when: custom.bomb > 0 && {condition}, then: block}}
"""
        )
        return guard

    by_model, by_tenant = of('request.model == "big"'), of('request.tenant == "acme"')
    assert text_of(ask(client(by_model), BOMB)) == "Hello."
    assert text_of(ask(client(by_tenant, tenant="other"), BOMB)) == "Hello."
    with pytest.raises(Blocked):
        client(by_model)("chat.completions.create", model="big", messages=user(BOMB))
    with pytest.raises(Blocked):
        ask(client(by_tenant, tenant="acme"), BOMB)


@each_case(
    "frames",
    [
        [b'data: {"choices": [{"delta": {"content": "x"}, "delta": {"content": "y"}}]}\n\n'],
        [b"data: {broken\n\n"],
        [b"data: [1]\n\n"],
        [b'data: {"choices": [1]}\n\n'],
        [b'data: {"choices": [{"index": -1}]}\n\n'],
        [b"data: \xff\n\n"],
        [b'event: zqx bomb\ndata: {"choices": []}\n\n'],
    ],
)
def test_a_stream_that_two_parsers_could_read_in_two_ways_is_refused(
    client: Any, fake: Any, frames: list[bytes]
) -> None:
    """Nothing of it is released."""
    fake.streams(*frames)
    with pytest.raises(BackendError, match=r"cannot be judged|malformed"):
        ask(client(), stream=True)


@each_case(
    ("body", "type"),
    [
        (b'{"a": 1, "a": 2}', "application/json"),
        (b"[]", "application/json"),
        (b'{"a": "\xff"}', "application/json"),
        (b"zqxbomb", "text/plain"),
        (b"", "application/json"),
    ],
)
def test_an_answer_that_cannot_be_read_is_refused(client: Any, fake: Any, body: bytes, type: str) -> None:
    """Whatever its type."""
    fake.answers(body, content_type=type)
    with pytest.raises(BackendError, match="cannot be judged") as caught:
        ask(client())
    assert "zqxbomb" not in str(caught.value)


def test_an_error_in_a_stream_is_the_sdk_s_own(client: Any, fake: Any, kit: Any) -> None:
    """It comes after what was said before it."""
    fake.streams(kit.chunk({"content": "x"}), {"error": {"message": "too much", "code": "overloaded"}})
    with pytest.raises(openai.APIError, match="too much"):
        ask(client(), stream=True)


def test_a_field_that_changes_the_prompt_is_refused(client: Any, fake: Any) -> None:
    """As at the proxy."""
    with pytest.raises(RequestError, match="chat_template"):
        ask(client(), extra_body={"chat_template": "x"})
    assert fake.asked == []
