"""The checks around one call, without any call: requests, answers and verdicts in, bodies and bytes out."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardrails import BackendError, Blocked, Guard
from guardrails.backends.anthropic import MESSAGES
from guardrails.backends.events import Event, dump, read
from guardrails.backends.exchange import JSON, STREAM, Api, Exchange, Terms
from guardrails.backends.grown import Grown
from guardrails.backends.openai import CHAT
from guardrails.backends.openai_responses import RESPONSES
from guardrails.engine import subject
from guardrails.engine.fields import Leaves
from guardrails.types import Place, Stage

BOMB, MASK = "zqxbomb", "zqxmask"


def anything(stage: Stage) -> Any:
    """Return a reader that judges all of a body."""

    def reader(body: Any) -> Any:
        leaves = Leaves()
        leaves.anything(body, (), Place(stage))
        return subject.body(body, leaves)

    return reader


def joined(events: Any) -> Grown:
    """Put events together."""
    whole = Grown()
    for at, event in enumerate(events):
        whole.add(event, (at, ()))
    return whole


API = Api(
    anything(Stage.INPUT),
    anything(Stage.OUTPUT),
    lambda message, body, answer: {"no": message, "of": answer.get("id")},
    join=joined,
    split=lambda answer: [Event("whole", dict(answer))],
    done=False,
)


def exchange(guard: Guard, body: Any, *, answers: bool = False, api: Api = API) -> Exchange:
    """Return an exchange whose request passed."""
    made = Exchange(Terms(guard, answers, {"tenant": "acme"}), api, body)
    assert made.ask(guard.check(API.request(body), "input")) is None  # type: ignore[misc]
    return made


def said(made: Exchange, raw: bytes, kind: str) -> bytes:
    """Return what may be had of an answer."""
    return made.said(made.terms.guard.check(made.hear(raw, kind), "output", **made.after))


def test_a_request_is_sent_as_the_policy_leaves_it(policy_guard: Guard) -> None:
    """With the model as context, unless the caller says another one."""
    made = exchange(policy_guard, {"model": "m", "text": MASK})
    assert made.body == {"model": "m", "text": "[MASK]"}
    assert (made.asking, made.after["after"]) == ({"model": "m", "tenant": "acme"}, made.asked)
    assert exchange(policy_guard, {"model": 1}).asking == {"tenant": "acme"}


@pytest.mark.parametrize(("stream", "kind"), [(False, JSON), (True, STREAM)])
def test_an_answer_passes_byte_for_byte_or_changed(policy_guard: Guard, stream: bool, kind: str) -> None:
    """Whole or in pieces."""
    fine, mask = [b'{"a":  "x", "n": 1.50}', json.dumps({"a": MASK}).encode()]
    if stream:
        fine, mask = b"data: " + fine + b"\n\n", b'data: {"a": "zqx"}\n\ndata: {"a": "mask"}\n\n'
    made = exchange(policy_guard, {"stream": stream})
    assert said(made, fine, kind) == fine
    changed = said(made, mask, kind)
    assert [each.data for each in read(changed)[0]] == ([{"a": "[MASK]"}, {"a": ""}] if stream else [])
    assert stream or json.loads(changed) == {"a": "[MASK]"}


@pytest.mark.parametrize("stream", [False, True])
def test_a_block_is_raised_or_answered(policy_guard: Guard, stream: bool) -> None:
    """Before the call and after it, in the form that was asked for."""
    raw = json.dumps({"id": "x", "a": BOMB}).encode()
    raw, kind = (b"data: " + raw + b"\n\n", STREAM) if stream else (raw, JSON)
    with pytest.raises(Blocked):
        said(exchange(policy_guard, {}), raw, kind)
    answer = said(exchange(policy_guard, {}, answers=True), raw, kind)
    expected = {"no": "Not that.", "of": "x"}
    assert (read(answer)[0][0].data if stream else json.loads(answer)) == expected

    blocked = policy_guard.check(API.request({"a": BOMB}), "input")  # type: ignore[misc]
    asking = Exchange(Terms(policy_guard, True), API, {"a": BOMB, "stream": stream})
    answered = asking.ask(blocked)
    assert answered is not None
    assert (read(answered)[0][0].data if stream else json.loads(answered)) == {"no": "Not that.", "of": None}
    with pytest.raises(Blocked):
        Exchange(Terms(policy_guard, False), API, {}).ask(blocked)
    with pytest.raises(Blocked):
        Exchange(Terms(policy_guard, True), Api(API.request), {}).ask(blocked)


def test_a_change_without_a_place_is_written_anew(policy_guard: Guard) -> None:
    """Where a field is said in two ways, the stream is made of the whole."""
    raw = b'data: {"a": "zqxmask"}\n\ndata: {"a": {"b": "x"}}\n\n'
    (event,), _ = read(said(exchange(policy_guard, {}), raw, STREAM))
    assert event.data == {"a": ["[MASK]", {"b": "x"}]}


def test_an_answer_that_cannot_be_read_is_refused(policy_guard: Guard) -> None:
    """Of a type that nobody knows, of none, or too deep; a stream where none is known."""
    deep = b'{"a": ' + b"[" * 99 + b"]" * 99 + b"}"
    for raw, kind in [(b"x", "text/html"), (b"x", ""), (b"\xff", JSON), (b"x", JSON), (deep, JSON)]:
        with pytest.raises(BackendError):
            exchange(policy_guard, {}).hear(raw, kind)
    whole = Api(API.request, API.response)
    with pytest.raises(BackendError):
        exchange(policy_guard, {}, api=whole).hear(b"data: {}\n\n", STREAM)


WORDS = st.lists(
    st.sampled_from(["zqx", "mask", "bomb", " ", "fine", "\n", "é", "😀", '"', "z"]), max_size=12
).map("".join)


def chat_events(pieces: list[str]) -> list[dict[str, Any]]:
    """Return the chunks of a completion."""
    head = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    return [
        {**head, "choices": [{"index": 0, "delta": {"content": piece}, "finish_reason": None}]}
        for piece in pieces
    ]


def message_events(pieces: list[str]) -> list[dict[str, Any]]:
    """Return the events of a message of Anthropic's."""
    block = {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}
    deltas = [
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": each}}
        for each in pieces
    ]
    return [block, *deltas, {"type": "content_block_stop", "index": 0}]


def response_events(pieces: list[str]) -> list[dict[str, Any]]:
    """Return the events of a response of OpenAI's."""
    place = {"item_id": "i", "output_index": 0, "content_index": 0}
    part = {"type": "output_text", "text": "", "annotations": []}
    item = {"id": "i", "type": "message", "role": "assistant", "status": "in_progress", "content": []}
    return [
        {"type": "response.output_item.added", "output_index": 0, "item": item},
        {"type": "response.content_part.added", **place, "part": part},
        *({"type": "response.output_text.delta", **place, "delta": each} for each in pieces),
        {"type": "response.output_text.done", **place, "text": "".join(pieces)},
    ]


APIS: dict[str, tuple[Api, Any, Any]] = {
    "chat": (CHAT, chat_events, lambda data: data["choices"][0]["delta"].get("content")),
    "messages": (MESSAGES, message_events, lambda data: data.get("delta", {}).get("text")),
    "responses": (RESPONSES, response_events, lambda data: data.get("delta")),
}


@pytest.mark.parametrize("name", APIS)
@given(text=WORDS, data=st.data())
def test_however_a_stream_is_cut_its_text_is_that_of_the_whole(
    policy_guard: Guard, name: str, text: str, data: st.DataObject
) -> None:
    """The pieces make up what the policy leaves of the whole text; a block is raised exactly where the whole has one."""
    api, events, piece_of = APIS[name]
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=6)))
    pieces = [text[a:b] for a, b in itertools.pairwise([0, *cuts, len(text)])]
    raw = dump([Event("", event) for event in events(pieces)], done=False)
    made = Exchange(Terms(policy_guard, False), api, {})
    whole = policy_guard.check(text, "output")
    if whole.blocked:
        with pytest.raises(Blocked):
            said(made, raw, STREAM)
        return
    released, _ = read(said(made, raw, STREAM))
    assert "".join(piece_of(event.data) or "" for event in released) == whole.content
    assert len(released) == len(events(pieces))
