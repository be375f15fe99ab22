"""Chunks of chat completions: which of their strings grow, what waits, and how an answer that is cut short ends."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from guardrails import Action, Guard
from guardrails.engine.content.content_tree import ContentTree
from guardrails.engine.model import Request
from guardrails.errors import BackendError
from guardrails.protocols.chat.chat_stream import ChatCodec, parts
from guardrails.protocols.streaming.relay import Relay
from tests.cases import each_case, scale

EVERYWHERE = "[output, tool_call]"
POLICY = f"""
detectors:
  bomb: {{use: terms, terms: [zqxbomb], category: custom.bomb}}
  mask: {{use: terms, terms: [zqxmask], category: custom.mask, match: substring}}
  pii: {{use: pii, entities: [email]}}
rules:
  - {{id: bomb, on: {EVERYWHERE}, when: custom.bomb > 0, then: block}}
  - {{id: mask, on: {EVERYWHERE}, when: custom.mask > 0 || pii > 0, then: redact}}
"""
WHOLE = POLICY.replace("then: redact", "then: redact, stream: whole")
VAULT = """
detectors: {pii: {use: pii, entities: [email]}}
rules: [{id: keep, on: [input, output, tool_call], when: pii > 0, then: redact, with: vault}]
"""
WORD = re.compile(r"(?:^|[^\w\]])zqxbomb\b")
CHUNK = {"id": "c-1", "object": "chat.completion.chunk", "created": 1, "model": "m"}
Chats = Callable[..., Any]
Chunk = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def guard(guard_of: Callable[..., Guard]) -> Guard:
    """A guard that blocks one word and redacts another."""
    return guard_of(POLICY)


@pytest.fixture(scope="module")
def whole_guard(guard_of: Callable[..., Guard]) -> Guard:
    """The same, whose redaction waits for the whole."""
    return guard_of(WHOLE)


@pytest.fixture(scope="module")
def vault_guard(guard_of: Callable[..., Guard]) -> Guard:
    """A guard that numbers values."""
    return guard_of(VAULT)


def texts(read: dict[int, dict[str, Any]], name: str = "content") -> list[str]:
    """Return a field of each choice."""
    return [choice.get(name, "") for _, choice in sorted(read.items())]


def test_chunks_go_on_as_they_came(guard: Guard, chat_of: Chats, chunk_of: Chunk) -> None:
    """Byte for byte, each as soon as it is certain: but for the one with which the answer ends."""
    one = chat_of(guard)
    first, *more = [chunk_of(role="assistant", content=""), chunk_of(content="Hello"), chunk_of(content=" you, "), chunk_of(content="so. ")]  # fmt: skip
    assert [event.raw for event in one.takes(first)] == [b"raw"]
    one.takes(*more)
    assert texts(one.read()) == ["Hello you, "]
    assert one.takes(chunk_of(finish="stop")) == []
    one.ends()
    assert one.told[-1].raw == b"raw"
    assert one.read() == {0: {"role": "assistant", "content": "Hello you, so. ", "finish_reason": "stop"}}


PIECES = ["zqxmask", "zqx", "mask ", "zqxbomb ", "bomb ", "jo@example.com ", "jo@", "example.com", " so it is. ", " ", "\n", "é", "🙂"]  # fmt: skip
FIELDS = ["content", "content", "refusal", "reasoning_content", "odd"]
deltas = st.lists(
    st.tuples(st.sampled_from([0, 0, 0, 1]), st.sampled_from(FIELDS), st.sampled_from(PIECES)), max_size=10
)


@pytest.mark.parametrize("name", ["guard", "whole_guard"])
@given(given=deltas, cuts=st.lists(st.integers(1, 4), min_size=1, max_size=6), both=st.booleans())
@example(given=[(0, "content", "zqx"), (1, "content", "mask "), (0, "content", "mask ")], cuts=[9], both=True)
@example(given=[(0, "odd", "zqxbomb "), (1, "content", "hello ")], cuts=[2], both=True)
@settings(max_examples=scale(100))
def test_a_client_reads_what_it_would_have_read_of_the_whole(
    request: pytest.FixtureRequest,
    chat_of: Chats,
    chunk_of: Chunk,
    name: str,
    given: list[tuple[int, str, str]],
    cuts: list[int],
    both: bool,
) -> None:
    """In every choice and every field, however the texts are cut; of what is refused nothing was told."""
    guard = request.getfixturevalue(name)
    one = chat_of(guard, choices=2)
    sent = [chunk_of(index, role="assistant", content="") for index in range(2)]
    for at, (index, field, piece) in enumerate(given):
        size = cuts[at % len(cuts)]
        sent += [
            chunk_of(index, **{field: piece[start : start + size]}) for start in range(0, len(piece), size)
        ]
    sent += [chunk_of(index, finish="stop") for index in range(2)]
    sent += [{**CHUNK, "choices": [], "usage": {"total_tokens": 3}}] * both
    one.takes(*sent)
    one.ends()
    assert one.failed is False
    shown = one.read()
    assert sorted(shown) == [0, 1]
    assert all(choice["finish_reason"] for choice in shown.values())
    outcome, refused = one.whole()
    assert one.outcome.action is outcome.action
    for index, choice in shown.items():
        if choice["finish_reason"] == "content_filter":
            assert index in refused
            assert "zqxmask" not in str(choice)
            assert not WORD.search(" ".join(str(value) for value in choice.values()))
        else:
            message = one.edited(outcome)["choices"][index]["message"]
            assert index not in refused
            assert all(choice.get(name, "") == message.get(name, "") for name in FIELDS)


@each_case(
    ("field", "value"),
    [
        ("tool_calls", [{"index": 0, "id": "t", "type": "function", "function": {"name": "f", "arguments": ""}}]),
        ("function_call", {"name": "f", "arguments": ""}),
        ("content", [{"type": "text", "text": "hello"}]),
        ("audio", {"id": "a", "transcript": "hello"}),
        ("annotations", [{"type": "url_citation", "url_citation": {"url": "https://x.example"}}]),
        ("odd", 5),
    ],
)  # fmt: skip
def test_what_is_no_text_waits_for_the_end(
    guard: Guard, chat_of: Chats, chunk_of: Chunk, field: str, value: object
) -> None:
    """And so does all that comes behind it."""
    one = chat_of(guard)
    one.takes(chunk_of(content="so it is, "))
    told = one.takes(chunk_of(**{field: value}), chunk_of(content="more of it, "))
    assert not any(event.data["choices"][0]["delta"].get(field) == value for event in told)
    one.takes(chunk_of(finish="stop"))
    one.ends()
    assert one.read()[0][field] == value if field != "content" else True
    assert "more of it, " in str(one.told)


def test_a_call_that_is_stopped_was_not_told(guard: Guard, chat_of: Chats, chunk_of: Chunk) -> None:
    """Whatever way its arguments were cut."""
    one = chat_of(guard)
    call = {"index": 0, "id": "t", "type": "function", "function": {"name": "f", "arguments": ""}}
    one.takes(chunk_of(tool_calls=[call]))
    for piece in ('{"a": "zqx', "bo", 'mb"}'):
        one.takes(chunk_of(tool_calls=[{"index": 0, "function": {"arguments": piece}}]))
    one.takes(chunk_of(finish="tool_calls"))
    one.ends()
    assert one.read()[0]["finish_reason"] == "content_filter"
    assert "zqx" not in str(one.told)


def test_a_call_is_told_with_what_is_redacted_in_it(guard: Guard, chat_of: Chats, chunk_of: Chunk) -> None:
    """Its texts were told before; the rest of the answer is written anew."""
    one = chat_of(guard)
    call = {
        "index": 0,
        "id": "t",
        "type": "function",
        "function": {"name": "f", "arguments": '{"a": "zqxmask"}'},
    }
    one.takes(chunk_of(content="I call it, "), chunk_of(tool_calls=[call]), chunk_of(finish="tool_calls"))
    one.ends()
    shown = one.read()[0]
    assert shown["content"] == "I call it, "
    assert shown["tool_calls"][0]["function"]["arguments"] == '{"a": "[MASK]"}'
    assert shown["finish_reason"] == "tool_calls"


@pytest.mark.parametrize("name", ["guard", "whole_guard"])
def test_what_spells_a_text_goes_where_it_was_changed(
    request: pytest.FixtureRequest, chat_of: Chats, chunk_of: Chunk, name: str
) -> None:
    """The log-probabilities of a chunk whose text stays go on with it."""
    one = chat_of(request.getfixturevalue(name))
    for text in ("so it is, ", "zqx", "mask", " and so on, ", "to its end. "):
        spelled = chunk_of(content=text)
        spelled["choices"][0]["logprobs"] = {"content": [{"token": text, "logprob": -1.0}]}
        one.takes(spelled)
    one.takes(chunk_of(finish="stop"))
    one.ends()
    assert "zqx" not in str(one.told)
    assert texts(one.read()) == ["so it is, [MASK] and so on, to its end. "]
    if name == "guard":
        assert one.told[0].data["choices"][0]["logprobs"]["content"][0]["token"] == "so it is, "


@each_case("name", ["logprobs", "token_ids"])
@each_case("said", [["a zqxmask so"], ["a zqx", "mask so"]])
@each_case("ends", [True, False])
def test_what_spells_a_text_goes_where_it_comes_behind_it(
    guard: Guard, chat_of: Chats, chunk_of: Chunk, name: str, said: list[str], ends: bool
) -> None:
    """In a chunk of its own, or with why it ended; another choice keeps its own."""
    ids = {"content": [{"token": text, "logprob": -1.0} for text in said]} if name == "logprobs" else [1, 2]
    one = chat_of(guard, choices=2)
    one.takes(*(chunk_of(content=text) for text in said), chunk_of(1, content="well, so it is"))
    for index in (0, 1):
        spelled = chunk_of(index, finish="stop" if ends else None)
        spelled["choices"][0][name] = ids if index == 0 else {"content": []}
        one.takes(spelled, *[chunk_of(index, finish="stop")] * (not ends))
    one.ends()
    assert texts(one.read()) == ["a [MASK] so", "well, so it is"]
    found = [(choice["index"], choice.get(name)) for event in one.told for choice in event.data["choices"]]
    assert {value for index, value in found if index == 0} == {None}
    assert (1, {"content": []}) in found


@each_case(
    "data",
    [
        {"choices": ["x"]},
        {"choices": "x"},
        {"choices": [None]},
        {"choices": [{"delta": {"content": "x"}, "index": "0"}]},
        {"choices": [{"delta": {"content": "x"}, "index": -1}]},
        {"choices": [{"delta": {"content": "x"}, "index": True}]},
        {"choices": [{"delta": {"content": "x"}, "index": 1 << 20}]},
    ],
)
def test_malformed_choices_are_the_upstreams_fault(data: dict[str, Any]) -> None:
    """Never an exception of another kind."""

    def begin(*_: object, **__: object) -> Any:
        raise AssertionError("no text begins")

    with pytest.raises(BackendError, match="malformed chunk"):
        ChatCodec().read(data, "", begin)


@each_case(
    ("field", "value"),
    [
        ("x_note", "zqxbomb"),
        ("system_fingerprint", "zqxbomb it"),
        ("obfuscation", "zqxbomb it"),
        ("obfuscation", "zqxbomb"),
    ],
)
def test_other_fields_are_judged_before_they_go_on(
    guard: Guard, chat_of: Chats, chunk_of: Chunk, field: str, value: str
) -> None:
    """Whatever they are called, padding too where it is no padding."""
    one = chat_of(guard)
    one.takes(
        {**chunk_of(content="so it is, "), field: value},
        chunk_of(content="and so on"),
        chunk_of(finish="stop"),
    )
    one.ends()
    assert "zqxbomb" not in str(one.told)
    assert one.outcome.action is Action.BLOCK


def test_padding_goes_on(guard: Guard, chat_of: Chats, chunk_of: Chunk) -> None:
    """It tells nothing, and changes with each chunk."""
    one = chat_of(guard)
    told = one.takes(*[{**chunk_of(content="so it is, "), "obfuscation": f"xY{at}"} for at in range(3)])
    assert told[0].data["obfuscation"] == "xY0"


@each_case(
    "more",
    [
        [{"id": "zqx"}, {"id": "bomb"}],
        [{"model": "some-zqx"}, {"model": "bomb"}],
        [{"x_note": "zqx"}, {"x_note": "bomb"}],
        [{"usage": {"note": "zqx"}}, {"usage": {"note": "bomb"}}],
        [{"name": "zqx"}, {"name": "bomb"}],
    ],
)
def test_what_comes_in_pieces_waits_for_the_rest(
    guard: Guard, chat_of: Chats, chunk_of: Chunk, more: list[dict[str, object]]
) -> None:
    """A field of a chunk, or of a delta, that says something else each time, though each alone says nothing."""
    one = chat_of(guard)
    for fields in more:
        one.takes({**chunk_of(content="so it is, "), **fields}, chunk_of(content="so, ", **fields))
    one.takes(chunk_of(finish="stop"))
    one.ends()
    assert "bomb" not in str(one.told)
    assert one.outcome.action is Action.BLOCK


class TestChoices:
    """Several choices at a time."""

    def test_one_is_refused_and_the_others_go_on(self, guard: Guard, chat_of: Chats, chunk_of: Chunk) -> None:
        """The one ends with a refusal, and says nothing more."""
        one = chat_of(guard, choices=2)
        one.takes(chunk_of(0, content="a zqxbomb so "), chunk_of(1, content="so it is, "))
        one.takes(chunk_of(0, content="more"), chunk_of(1, content="more"))
        one.takes(chunk_of(0, finish="stop"), chunk_of(1, finish="stop"))
        one.ends()
        assert one.read()[0]["finish_reason"] == "content_filter"
        assert one.read()[1] == {"content": "so it is, more", "finish_reason": "stop"}

    def test_numbers_follow_what_was_told(self, vault_guard: Guard, chat_of: Chats, chunk_of: Chunk) -> None:
        """Though the check of the whole reads the choices in their order; no value is told, and none is refused for it."""
        one = chat_of(vault_guard, choices=2)
        one.takes(
            chunk_of(1, content="an@example.com so on, "), chunk_of(0, content="jo@example.com so on, ")
        )
        one.takes(chunk_of(0, finish="stop"), chunk_of(1, finish="stop"))
        one.ends()
        assert "example.com" not in str(one.told)
        assert sorted(texts(one.read())) == ["[EMAIL_1] so on, ", "[EMAIL_2] so on, "]


class TestValues:
    """A user's own values in a model's words."""

    @each_case("size", [1, 3, 100])
    def test_they_are_put_back_where_people_read_them(
        self, vault_guard: Guard, chat_of: Chats, chunk_of: Chunk, size: int
    ) -> None:
        """Not in other fields, and not in links; the same as in the whole."""
        verdict = vault_guard.check("I am jo@example.com")
        one = chat_of(vault_guard, Request(vault=verdict.restorer))  # type: ignore[arg-type]
        text = "Dear [EMAIL_1], see https://x.example/[EMAIL_1] and [EMAIL_1]"
        one.takes(*[chunk_of(content=text[at : at + size]) for at in range(0, len(text), size)])
        one.takes(*[chunk_of(reasoning_content=text[at : at + size]) for at in range(0, len(text), size)])
        one.takes(chunk_of(finish="stop"))
        one.ends()
        shown = one.read()[0]
        assert shown["content"] == verdict.restore(text)
        assert shown["content"] == "Dear jo@example.com, see https://x.example/[EMAIL_1] and jo@example.com"
        assert shown["reasoning_content"] == text


def test_a_whole_completion_is_written_as_parts() -> None:
    """Its role, a delta a field, and why it ended; calls have an index."""
    call = {"id": "t", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    message = {"role": "assistant", "content": "hi", "refusal": None, "tool_calls": [call]}
    choice = {"index": 0, "message": message, "finish_reason": "stop", "logprobs": None}
    assert [*parts(choice)] == [
        {"delta": {"role": "assistant", "content": ""}, "finish_reason": None},
        {"delta": {"content": "hi"}, "finish_reason": None},
        {"delta": {"tool_calls": [{"index": 0, **call}]}, "finish_reason": None},
        {"delta": {}, "finish_reason": "stop", "logprobs": None},
    ]
    assert next(iter(parts(choice, begun=True, texts={"content": "i"})))["delta"] == {"content": "i"}


@each_case("value", ["", None, [], {}])
def test_a_name_that_nobody_knows_waits_only_until_it_was_judged(
    guard: Guard, chat_of: Chats, chunk_of: Chunk, value: Any
) -> None:
    """Servers have fields of their own in every chunk, most of them empty; one that may not be said stops all."""
    begun = chunk_of(role="assistant", content="")
    one = chat_of(guard)
    assert [event.data for event in one.takes(begun)] == [begun]
    first, second = (chunk_of(content=text, x_new=value) for text in ("Hello. You ", "there. And so. "))
    assert first in [event.data for event in one.takes(first, second)]

    other = chat_of(guard)
    other.takes(begun)
    assert (
        other.takes(chunk_of(content="Hello. You ", **{"the zqxbomb": value}), chunk_of(content="there. "))
        == []
    )
    other.takes(chunk_of(finish="stop"))
    assert "zqxbomb" not in str([event.data for event in other.ends().told])


def test_what_chunks_repeat_besides_their_text_is_merged_once(guard: Guard) -> None:
    """A chunk that says something costs a merge; whatever is said, the whole answer is that of all of them."""
    codec = ChatCodec()
    relay = Relay(guard.pipeline, Request(), codec, lambda _: ContentTree(leaves=[]))

    def read(**choice: Any) -> list[Any]:
        data = {**CHUNK, "choices": [{"index": 0, "finish_reason": None, **choice}]}
        return codec.read(data, "", relay.begin).patches

    assert read(delta={"role": "assistant", "content": ""})
    assert read(delta={"content": "a"})
    assert read(delta={"content": "b"}) == read(delta={"content": "c"}) == []
    logged = {"content": [{"token": "d"}]}
    assert read(delta={"content": "d"}, logprobs=logged) != []
    assert read(delta={"content": "d"}, logprobs=logged) != []
    assert read(delta={}, finish_reason="stop") != []
