"""Streamed messages on their way: in any cut the client reads what it would have read of a whole message, in Anthropic's order."""

from __future__ import annotations

import itertools
import json
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from guardrails import Guard
from guardrails.engine.content.content_tree import ContentTree
from guardrails.engine.core.task_runner import INLINE_ON_LOOP
from guardrails.engine.model import Request
from guardrails.protocols.messages import messages_fields
from guardrails.protocols.messages.messages_stream import MessagesCodec, write_events
from guardrails.protocols.messages.protocol import withhold
from guardrails.protocols.streaming.codec import Event
from guardrails.protocols.streaming.relay import Relay
from guardrails.types import Action
from guardrails.wire import sse, strict_json
from tests.cases import each_case, scale
from tests.protocols.conftest import AnswerReader, Said, ended

EVERYWHERE = "[output, tool_call, tool_result, retrieval]"
POLICY = f"""
detectors:
  bomb: {{use: terms, terms: [zqxbomb], category: custom.bomb}}
  mask: {{use: terms, terms: [zqxmask], category: custom.mask, match: substring}}
rules:
  - {{id: bomb, on: {EVERYWHERE}, when: custom.bomb > 0, then: block}}
  - {{id: mask, on: {EVERYWHERE}, when: custom.mask > 0, then: redact}}
"""
VAULT = """
detectors: {pii: {use: pii, entities: [email]}}
rules: [{id: keep, on: [input, output, tool_call], when: pii > 0, then: redact, with: vault}]
"""
WORDS = "Not that."
SEALED = "RWFzdGVyIGVnZ3MgYXJlIGhpZGRlbiBoZXJlLCB0cnVseQ=="
CALL = {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {"a": ["x"], "n": 1}}
CITED = {"type": "char_location", "cited_text": "green", "document_index": 0}
FOUND = {"type": "web_search_tool_result", "tool_use_id": "s", "content": [{"type": "web_search_result", "title": "All about it."}]}  # fmt: skip
HEAD = {"id": "msg_1", "type": "message", "role": "assistant", "model": "m", "usage": {"input_tokens": 3, "output_tokens": 1}}  # fmt: skip
START = {
    "type": "message_start",
    "message": {**HEAD, "content": [], "stop_reason": None, "stop_sequence": None},
}
PING = {"type": "ping"}
END = {
    "type": "message_delta",
    "delta": {"stop_reason": "end_turn", "stop_sequence": None},
    "usage": {"output_tokens": 9},
}
STOP = {"type": "message_stop"}
DELTAS = {"text": ("text_delta", "text"), "thinking": ("thinking_delta", "thinking"), "compaction": ("compaction_delta", "content")}  # fmt: skip


@pytest.fixture(scope="module")
def guard(guard_of) -> Guard:
    """A guard that blocks zqxbomb and redacts zqxmask."""
    return guard_of(POLICY)


@pytest.fixture(scope="module")
def redactor(guard_of) -> Guard:
    """A guard that redacts both."""
    return guard_of(POLICY.replace("then: block", "then: redact"))


@pytest.fixture(scope="module")
def vault_guard(guard_of) -> Guard:
    """A guard that numbers addresses."""
    return guard_of(VAULT)


class Client:
    """One answer through a relay, as a proxy has it sent.

    Attributes:
        told: what the client got, event by event of the upstream, and at the end.
        blocked: whether the answer was.
    """

    def __init__(self, guard: Guard, who: Request | None = None) -> None:
        self._guard, self._who = guard, who or Request()
        self.codec = MessagesCodec()
        self._relay = Relay(guard.pipeline, self._who, self.codec, messages_fields.read_response)
        self.told: list[list[Event]] = []
        self.blocked = False

    def gets(self, *sent: dict[str, Any]) -> Client:
        """Have the upstream send events, of which the last may end the message."""
        for each in sent:
            if self._relay.stop is None:
                self._take(each)
        if self._relay.stop is not None or sent[-1]["type"] == "message_stop":
            self._end()
        return self

    def _take(self, sent: dict[str, Any]) -> None:
        data, kind = json.dumps(sent).encode(), sent["type"]
        read, raw = strict_json.parse(data, halves=True), sse.event(data, kind.encode())
        self._guard.pipeline.drive(self._relay.take([(read, kind, raw)], INLINE_ON_LOOP))
        assert self._relay.error is None
        self.told.append(self._relay.ready())

    def _end(self) -> None:
        said = Said(messages_fields.read_response, withhold)
        self.told.append(ended(self._guard, self._who, self._relay, said))
        self.blocked = self._relay.is_refused

    @property
    def events(self) -> list[Event]:
        """All that the client got."""
        return [*itertools.chain.from_iterable(self.told)]

    @property
    def kinds(self) -> list[str]:
        """What kinds of events it got."""
        return [event.kind for event in self.events]

    @property
    def message(self) -> dict[str, Any]:
        """The message that it reads; asserts that the protocol's order was kept."""
        return read(self.events)

    @property
    def texts(self) -> list[str]:
        """The texts of the blocks so far."""
        out: list[str] = []
        for event in self.events:
            block = event.data.get("content_block", event.data.get("delta", {}))
            text = "".join(
                block.get(name) or "" for _, name in DELTAS.values() if isinstance(block.get(name), str)
            )
            if event.kind == "content_block_start":
                out.append(text)
            elif event.kind == "content_block_delta":
                out[event.data["index"]] += text
        return out


def read(told: Sequence[Event]) -> dict[str, Any]:
    """Return the message that events make up; all of them, in Anthropic's order."""
    blocks = AnswerReader(MessagesCodec())
    ends = []
    for event in told:
        assert not event.raw or event.raw == sse.event(
            event.raw.split(b"data: ")[1].strip(), event.kind.encode()
        )
        assert event.kind == event.data["type"]
        ends.append(blocks.take(event.data))
    assert ends.index(True) == len(ends) - 1
    return blocks.answer()


def block(index: int, given: dict[str, Any], sizes: Sequence[int] = (3,)) -> list[dict[str, Any]]:
    """Return the events of a block, its text cut into pieces of these sizes, and so on."""
    begun, deltas = dict(given), list[dict[str, Any]]()
    kind, name = ("input_json_delta", "input") if "input" in given else DELTAS.get(given["type"], ("", ""))
    if name:
        text = json.dumps(given[name]) if name == "input" else given[name]
        begun[name] = {} if name == "input" else ""
        field = "partial_json" if name == "input" else name
        deltas = [{"type": kind, field: piece} for piece in cut(text, sizes)]
    if "signature" in given:
        begun["signature"] = ""
        deltas.append({"type": "signature_delta", "signature": given["signature"]})
    if "citations" in given:
        begun["citations"] = []
        deltas += [{"type": "citations_delta", "citation": each} for each in given["citations"]]
    return [
        {"type": "content_block_start", "index": index, "content_block": begun},
        *({"type": "content_block_delta", "index": index, "delta": each} for each in deltas),
        {"type": "content_block_stop", "index": index},
    ]


def cut(text: str, sizes: Sequence[int]) -> list[str]:
    """Return a text in pieces of these sizes, over and over."""
    out: list[str] = []
    lengths = itertools.cycle(sizes)
    while text:
        size = next(lengths)
        out.append(text[:size])
        text = text[size:]
    return out


def stream(*blocks: dict[str, Any], sizes: Sequence[int] = (3,)) -> list[dict[str, Any]]:
    """Return the events of a message with these blocks."""
    told = [event for index, each in enumerate(blocks) for event in block(index, each, sizes)]
    return [START, PING, *told, END, STOP]


def text(said: str, **fields: Any) -> dict[str, Any]:
    """Return a text block."""
    return {"type": "text", "text": said, **fields}


def thought(said: str, signature: str = SEALED) -> dict[str, Any]:
    """Return a thinking block."""
    return {"type": "thinking", "thinking": said, "signature": signature}


def delta(name: str, index: int = 0, **fields: Any) -> dict[str, Any]:
    """Return a delta of a block."""
    return {"type": "content_block_delta", "index": index, "delta": {"type": name, **fields}}


ALL = (thought("Hm, well."), text("Grass is green.", citations=[CITED]), CALL, FOUND, text("Yes."), {"type": "compaction", "content": "It was asked."})  # fmt: skip


@each_case("sizes", [(1,), (3,), (100,), (2, 7)])
def test_what_is_allowed_is_the_message_that_came(guard, sizes) -> None:
    """Blocks of every kind with all that belongs to them, and the numbers of the end."""
    sent = stream(*ALL, sizes=sizes)

    client = Client(guard).gets(*sent)

    assert client.message == read([Event(each["type"], each) for each in sent])
    assert all(event.raw for event in client.events if event.kind != "content_block_delta")


def test_each_piece_goes_on_as_soon_as_it_is_certain(guard) -> None:
    """Signs of life and beginnings at once, words when the next begins, ends of blocks when nothing can go on there."""
    sent = [
        START,
        PING,
        *block(0, thought("Let me see"), (11,)),
        *block(1, text("It is so"), (6,)),
        END,
        STOP,
    ]

    client = Client(guard).gets(*sent)

    assert [[event.kind.removeprefix("content_block_") for event in some] for some in client.told] == [
        ["message_start"],
        ["ping"],
        ["start"],
        ["delta"],  # Let me
        [],  # the signature waits for the last word
        [],
        [],
        ["delta", "delta", "stop", "start", "delta"],  # see, the signature, It
        ["delta"],
        [],
        [],
        [],
        ["delta", "stop", "message_delta", "message_stop"],
    ]


PIECES = ["zqxmask", "zqxbomb", "zqx", "mask", "bomb", " ", "fine", "é", "\U0001f600", ". "]
KINDS = [
    text,
    lambda said: thought(said),
    lambda said: thought(said, ""),
    lambda said: {"type": "compaction", "content": said},
]
BETWEEN = [CALL, FOUND, {"type": "redacted_thinking", "data": SEALED}]
TEXTS = st.lists(st.sampled_from(PIECES), max_size=8).map("".join)
BLOCKS = st.lists(
    st.one_of(
        st.builds(lambda said: text(said), TEXTS),
        st.builds(lambda kind, said: kind(said), st.sampled_from(KINDS), TEXTS),
        st.sampled_from(BETWEEN),
    ),
    min_size=1,
    max_size=5,
).map(lambda blocks: apart(blocks) if len(blocks) > 2 else blocks)


def apart(blocks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return blocks of which no word goes on in a later one of its kind, but for texts."""
    names = {"thinking": "thinking", "compaction": "content"}
    return [
        {**each, names[each["type"]]: own(each) + ". "} if each["type"] in names else each for each in blocks
    ]


def own(each: dict[str, Any]) -> str:
    """Return a block's own text."""
    return each.get(DELTAS.get(each["type"], ("", ""))[1], "")


@settings(max_examples=scale(150))
@given(BLOCKS, st.lists(st.integers(1, 9), min_size=1, max_size=6))
@example([text("zqx"), text("mask is")], [2])
@example([text("a zqx"), thought("bomb"), text("bomb")], [2])
@example([thought("zqxmask"), CALL, text("zqxmask")], [4])
@example([text("zqx"), CALL, text("mask")], [1])
def test_no_cut_changes_what_is_read(guard, redactor, blocks, sizes) -> None:
    """Redacted, it is the whole message, but for signed thoughts, which lose their signature instead; blocked, a beginning
    of that which holds no part of what blocks, then a refusal.
    """
    client = Client(guard).gets(*stream(*blocks, sizes=sizes))

    whole = {**HEAD, "content": blocks}
    leaves = messages_fields.read_response(whole)
    outcome = guard.pipeline.check(leaves, Request())
    assert client.blocked == (outcome.action is Action.BLOCK)
    content = client.message["content"]
    if not client.blocked:
        left = edited(whole, leaves, outcome)
        assert [own(each) for each in content] == [own(each) for each in left]
        assert [each["type"] for each in content] == [each["type"] for each in blocks]
        for now, before in zip(content, blocks, strict=True):
            if "signature" in before:
                assert now["signature"] == (before["signature"] if own(now) == own(before) else "")
        return
    assert client.message["stop_reason"] == "refusal"
    assert client.message["stop_details"]["explanation"] == WORDS
    told = "".join(map(own, content))
    masked = edited(whole, leaves, redactor.pipeline.check(leaves, Request()))
    assert told == WORDS or "".join(map(own, masked)).partition("[BOMB]")[0].startswith(told)


def edited(whole: dict[str, Any], leaves: ContentTree, outcome: Any) -> list[dict[str, Any]]:
    """Return the blocks of a message with the edits of an outcome, signed ones too."""
    content: list[dict[str, Any]] = [dict(each) for each in whole["content"]]
    for index, new in outcome.edits.items():
        _, at, name = leaves.leaves[index].path[:3]
        content[int(at)][str(name)] = new
    return content


@each_case("word", ["bomb", "mask"])
def test_a_word_split_over_thoughts_far_apart_stops_before_its_end(guard, word) -> None:
    """Texts do not wait for a further thought, which is held to what it makes up with the last one."""
    client = Client(guard).gets(*stream(thought("a zqx"), text("It is so. "), thought(word), sizes=(2,)))

    assert client.blocked
    assert client.texts[0] == "a zqx"
    assert client.texts[1].startswith("It is")
    assert word not in "".join(client.texts)
    assert client.message["stop_reason"] == "refusal"


@each_case("word", ["zqxmask", "zqxbomb"])
def test_a_call_waits_for_the_end(guard, word) -> None:
    """It is judged as the JSON that it becomes: whole, edited, or nothing of it; what follows it waits as well."""
    call = {**CALL, "input": {"a": f"{word} b"}}
    sent = stream(thought("Hm. "), call, text("Well. "), sizes=(4,))

    client = Client(guard).gets(*sent[:-1])
    assert "tool_use" not in str(client.events)
    client.gets(sent[-1])

    assert word not in str(client.events)
    if word == "zqxbomb":
        assert (client.texts, client.message["stop_reason"]) == (["Hm. "], "refusal")
        return
    content = client.message["content"]
    assert json.loads(content[1]["input"]) == {"a": "[MASK] b"}
    assert [content[0], content[2]] == [thought("Hm. "), text("Well. ")]


def test_what_a_policy_edits_besides_texts_is_told_at_the_end(guard) -> None:
    """A citation in a block that is open, a call behind it, a signed thought that was told edited: what is missing, once."""
    cited = {**CITED, "cited_text": "zqxmask"}
    said = text("Grass is green. It is", citations=[CITED, cited, CITED])
    call = {**CALL, "input": {"a": "zqxmask"}}

    client = Client(guard).gets(*stream(thought("a zqxmask. "), said, call, thought("zqxmask"), text("x")))

    first, second, third, last = client.message["content"]
    assert first == thought("a [MASK]. ", "")
    assert second == {**said, "citations": [CITED, {**CITED, "cited_text": "[MASK]"}, CITED]}
    assert json.loads(third["input"]) == {"a": "[MASK]"}
    assert last == text("x")  # a thought that was not begun is left out, as of a whole message
    assert client.message["usage"] == {"input_tokens": 3, "output_tokens": 9}


def test_a_text_may_begin_with_its_block(guard) -> None:
    """It is held as long as it may go on to something, and goes on in the deltas that follow."""
    start = {"type": "content_block_start", "index": 0, "content_block": text("a zqx")}
    end = {"type": "content_block_stop", "index": 0}
    for word, read_ in (("bomb", WORDS), ("mask", "a [MASK]"), (". ", "a zqx. ")):
        client = Client(guard).gets(START, start, delta("text_delta", text=word), end, END, STOP)
        assert client.message["content"] == [text(read_)]


def test_a_thought_may_begin_with_its_signature(guard) -> None:
    """It is whole then, and not signed any more where it is edited."""
    for said, signature in (("Hm.", SEALED), ("zqxmask", "")):
        start = {"type": "content_block_start", "index": 0, "content_block": thought(said)}
        client = Client(guard).gets(START, start, {"type": "content_block_stop", "index": 0}, END, STOP)
        assert client.message["content"] == [thought(said.replace("zqxmask", "[MASK]"), signature)]


def test_half_of_a_character_waits_for_the_other(guard) -> None:
    """Some servers cut where JavaScript does."""
    halves = [delta("text_delta", text=piece) for piece in ("a \ud83d", "\ude00 b")]
    start, *_, end = block(0, text(""))

    assert Client(guard).gets(START, start, *halves, end, END, STOP).message["content"] == [
        text("a \U0001f600 b")
    ]


BOMB = {"type": "text", "text": "zqxbomb "}
BEGINNINGS = {
    "a text": ([*block(0, BOMB)], [text(WORDS)]),
    "a thought": ([*block(0, thought("zqxbomb "))], [thought("", ""), text(WORDS)]),
    "after a text": ([*block(0, text("Yes. ")), *block(1, BOMB)], [text("Yes. "), text("")]),
    "in a text": ([*block(0, text("Yes. zqxbomb "))], [text("Yes. ")]),
    "after a result": ([*block(0, FOUND), *block(1, BOMB)], [FOUND, text("")]),
    "a result": ([*block(0, {**FOUND, "content": "zqxbomb"})], [text(WORDS)]),
    "a citation": (
        [*block(0, text("", citations=[{**CITED, "cited_text": "zqxbomb"}]))],
        [text(WORDS, citations=[])],
    ),
}


@each_case("name", BEGINNINGS)
def test_a_refusal_ends_what_was_told(guard, name) -> None:
    """The open block is closed, and our words are said where nothing was; no second start, and the tokens as they are known."""
    sent, content = BEGINNINGS[name]

    client = Client(guard).gets(START, *sent, END, STOP)

    assert client.blocked
    assert client.message == {
        **HEAD,
        "content": content,
        "stop_reason": "refusal",
        "stop_sequence": None,
        "stop_details": {"type": "refusal", "category": None, "explanation": WORDS},
        "usage": {"input_tokens": 3, "output_tokens": client.message["usage"]["output_tokens"]},
    }
    assert client.message["usage"]["output_tokens"] in (1, 9)
    assert client.kinds.count("message_start") == 1


@each_case("usage", [{}, {"usage": None}, {"usage": {"output_tokens": None}}])
def test_a_refusal_may_know_no_tokens(guard, usage) -> None:
    """A start need not tell of any."""
    start = {"type": "message_start", "message": {"type": "message", "content": [], **usage}}

    client = Client(guard).gets(start, *block(0, BOMB))

    assert client.message["usage"]["output_tokens"] == 0


@each_case("fields", [{"id": "a zqxbomb"}, {"x_new": "zqxbomb"}, {"usage": {"x_new": "a zqxbomb"}}])
def test_nothing_of_a_head_that_is_blocked_is_told(guard, fields) -> None:
    """All waits behind it; the refusal has a head of its own, whether the whole is blocked or a text on the way."""
    start = {"type": "message_start", "message": {**START["message"], **fields}}
    for sent in ([*block(0, text("Yes. ")), END, STOP], block(0, BOMB)):
        client = Client(guard).gets(start, *sent)
        assert client.blocked
        assert client.message["content"] == [text(WORDS)]
        assert "zqx" not in str(client.events)


@each_case("event", [START, PING, END, STOP, *block(0, text("fine. ", citations=[CITED]))])
def test_what_no_message_holds_is_not_told(guard, event) -> None:
    """Fields of events, and of deltas, that nobody has judged."""
    sent = [START, PING, *block(0, text("fine. ", citations=[CITED])), END, STOP]
    noted = {**event, "note": "zqxbomb"}
    if event["type"] == "content_block_delta":
        noted["delta"] = {**event["delta"], "note": "zqxbomb"}

    client = Client(guard).gets(*(noted if each == event else each for each in sent))

    assert client.message == Client(guard).gets(*sent).message
    assert "note" not in str(client.events)


@each_case(
    "ends",
    [
        [{**END, "delta": {**END["delta"], "stop_sequence": "zqxbomb"}}, END],
        [{**END, "usage": {"output_tokens": 1, "note": "zqxbomb"}}, {**END, "usage": {"note": "x"}}],
        [{**END, "delta": {**END["delta"], "content": "zqxbomb"}}],
        [{**END, "delta": {**END["delta"], "usage": {"note": "zqxbomb"}}}],
        [{**END, "context_management": {"x": "zqxbomb"}}, {**END, "context_management": {"x": "y"}}],
        [
            {
                **END,
                "delta": {**END["delta"], "context_management": "zqxbomb"},
                "context_management": {"x": "y"},
            }
        ],
    ],
)
def test_what_is_taken_back_is_not_told(guard, ends) -> None:
    """Only what the whole message holds in the end, which is what was judged."""
    client = Client(guard).gets(START, *block(0, text("It is fine")), *ends, STOP)

    assert client.texts == ["It is fine"]
    assert client.message["stop_reason"] == "end_turn"
    assert "zqx" not in str(client.events)


def test_a_start_that_is_taken_back_is_not_told(guard) -> None:
    """What waits because of it goes on as the whole message has it."""
    start = {"type": "message_start", "message": {**START["message"], "stop_sequence": "zqxbomb"}}

    client = Client(guard).gets(start, *block(0, text("It is fine")), END, STOP)

    assert client.message["content"] == [text("It is fine")]
    assert "zqx" not in str(client.events)


def test_servers_that_leave_out_names_are_given_them(guard) -> None:
    """Anthropic's clients go by the name of an event."""
    relay = Relay(guard.pipeline, Request(), MessagesCodec(), messages_fields.read_response)
    guard.pipeline.drive(relay.take([(dict(PING), "", b"data: {}")], INLINE_ON_LOOP))

    assert relay.ready() == [Event("ping", PING)]


def test_a_sign_of_life_goes_before_what_waits(guard) -> None:
    """Behind a call that waits for the end as well."""
    client = Client(guard).gets(START, *block(0, CALL)[:2], PING)

    assert [event.kind for event in client.told[-1]] == ["ping"]


@pytest.fixture(scope="module")
def who(vault_guard) -> Request:
    """A request whose user named an address, which the model knows as [EMAIL_1]."""
    asked = messages_fields.read_request({"messages": [{"role": "user", "content": "mail jo@example.com"}]})
    return Request(vault=vault_guard.pipeline.check(asked, Request()).vault)


VALUE = "jo@example.com"
RESTORED = {
    "at the end": ([text("It is [EMAIL_1]")], [f"It is {VALUE}"]),
    "in the middle": ([text("[EMAIL_1] is it.\nYes")], [f"{VALUE} is it.\nYes"]),
    "before a call": ([text("It is [EMAIL_1]"), CALL], [f"It is {VALUE}", ""]),
    "behind a call": ([CALL, text("It is [EMAIL_1]")], ["", f"It is {VALUE}"]),
    "not in thoughts": ([thought("It is [EMAIL_1]"), text("It is [EMAIL_1]")], ["It is [EMAIL_1]", f"It is {VALUE}"]),
    "not in calls": ([{**CALL, "input": {"a": "[EMAIL_1]"}}], [""]),
    "not in a link": ([text("https://x.example/"), text("[EMAIL_1]")], ["https://x.example/", "[EMAIL_1]"]),
    "not where one may begin": ([text("a [EMAIL_1]"), text(".evil.example/")], ["a [EMAIL_1]", ".evil.example/"]),
    "not behind a call": ([CALL, text("a [EMAIL_1]"), text(".evil.example/")], ["", "a [EMAIL_1]", ".evil.example/"]),
}  # fmt: skip


@each_case("sizes", [(1,), (4,), (100,)])
@each_case("name", RESTORED)
def test_a_users_own_values_are_put_back_into_texts(vault_guard, who, name, sizes) -> None:
    """As far as no link can be made of them; a value that ends a block comes before its end."""
    blocks, texts = RESTORED[name]

    client = Client(vault_guard, who).gets(*stream(*blocks, sizes=sizes))

    assert [own(each) for each in client.message["content"]] == texts


def test_a_value_may_begin_a_block(vault_guard, who) -> None:
    """What was kept back of a text that began with its block follows in a delta: a block begins once."""
    start = {"type": "content_block_start", "index": 0, "content_block": text("It is [EMAIL_1]")}

    client = Client(vault_guard, who).gets(
        START, start, {"type": "content_block_stop", "index": 0}, END, STOP
    )

    assert client.message["content"] == [text(f"It is {VALUE}")]


def test_an_answer_that_is_not_what_was_told_is_not_told(guard) -> None:
    """Other blocks, another citation, more behind an end."""
    said = text("Yes, that is so. ", citations=[CITED])
    for other in (
        [said, said],
        [text("Yes, that is so. ", citations=[{**CITED, "cited_text": "x"}])],
        [text("Yes, that is so. ", citations=[CITED, CITED])],
        [text("Yes, that is so. ", citations=[CITED], note="x")],
        [CALL],
    ):
        client = Client(guard).gets(
            *stream(said)[:-2], {"type": "content_block_start", "index": 1, "content_block": FOUND}
        )
        assert client.codec.write_rest({**HEAD, "content": [*other, FOUND]}) is None


def test_a_whole_message_is_written_and_read_again() -> None:
    """A delta a field; calls as JSON; what was managed with the end, where clients look for it."""
    message = {
        **HEAD,
        "content": [*ALL],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "context_management": {"x": 1},
    }

    told = [*write_events(message)]

    assert read(told) == {
        **message,
        "content": [{**each, "input": '{"a":["x"],"n":1}'} if each is CALL else each for each in ALL],
    }
    assert told[-2].data["context_management"] == {"x": 1}
    assert [event.kind for event in told].count("content_block_delta") == 7
