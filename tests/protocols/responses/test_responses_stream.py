"""Streamed responses on their way: in any cut the client reads what it would have read of a whole response, as the protocol has it."""

from __future__ import annotations

import base64
import functools
import io
import itertools
import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image

from guardrails import Guard
from guardrails.engine.core.task_runner import INLINE_ON_LOOP
from guardrails.engine.model import Request
from guardrails.engine.redaction.vault import Vault
from guardrails.errors import BackendError
from guardrails.protocols.responses import responses_fields
from guardrails.protocols.responses.protocol import withhold
from guardrails.protocols.responses.responses_stream import ResponsesCodec
from guardrails.protocols.streaming.codec import Event
from guardrails.protocols.streaming.relay import Relay
from guardrails.types import Action
from guardrails.wire import sse, strict_json
from tests.cases import each_case, scale
from tests.protocols.conftest import Said, ended

EVERYWHERE = "[input, output, tool_definition, tool_call, tool_result, retrieval]"
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
CALL = {"type": "function_call", "id": "fc_1", "call_id": "c1", "name": "f", "arguments": '{"a": ["x"]}', "status": "completed"}  # fmt: skip
SEARCH = {"type": "web_search_call", "id": "ws_1", "status": "completed", "action": {"type": "search", "query": "green"}}  # fmt: skip
NOTE = {"type": "url_citation", "start_index": 0, "end_index": 3, "url": "https://x.example", "title": "t"}
FILE = {"type": "file_citation", "file_id": "f1", "filename": "f", "index": 0}
HEAD = {"id": "resp_1", "object": "response", "created_at": 1790000000, "model": "m", "error": None, "incomplete_details": None, "instructions": None, "metadata": {}, "tools": [], "tool_choice": "auto", "parallel_tool_calls": True, "temperature": 1.0, "top_p": 1.0}  # fmt: skip
USAGE = {"input_tokens": 3, "output_tokens": 2, "total_tokens": 5}
OWN = {"output_text": "text", "refusal": "refusal", "reasoning_text": "text", "summary_text": "text"}
EVENT = {"summary_text": "reasoning_summary_text"}
GROWING = {
    "function_call": ("arguments", "function_call_arguments"),
    "custom_tool_call": ("input", "custom_tool_call_input"),
}


def text(said: str, **more: Any) -> dict[str, Any]:
    """Return a part of a message."""
    return {"type": "output_text", "text": said, "annotations": [], "logprobs": [], **more}


def message(*parts: Any, identity: str = "msg_1") -> dict[str, Any]:
    """Return a message with these parts (texts are text parts)."""
    content = [each if isinstance(each, dict) else text(each) for each in parts]
    return {"type": "message", "id": identity, "role": "assistant", "status": "completed", "content": content}


def refusing(said: str) -> dict[str, Any]:
    """Return a part that refuses."""
    return {"type": "refusal", "refusal": said}


def thought(*summaries: str, content: Sequence[str] = (), **more: Any) -> dict[str, Any]:
    """Return what a model thought."""
    parts = [{"type": "summary_text", "text": each} for each in summaries]
    told = {"content": [{"type": "reasoning_text", "text": each} for each in content]} if content else {}
    return {"type": "reasoning", "id": "rs_1", "summary": parts, **told, **more}


def whole(*items: Any, **more: Any) -> dict[str, Any]:
    """Return a response."""
    return {**HEAD, "status": "completed", "output": [*items], "usage": USAGE, **more}


def cut(said: str, sizes: Sequence[int]) -> list[str]:
    """Return a text in pieces of these sizes, over and over."""
    out: list[str] = []
    for size in itertools.cycle(sizes):
        if not said:
            return out
        out.append(said[:size])
        said = said[size:]
    return out


def part_of(
    event: str, part: dict[str, Any], at: dict[str, Any], sizes: Sequence[int]
) -> Iterator[dict[str, Any]]:
    """Yield the events of a part."""
    name, word = OWN[part["type"]], EVENT.get(part["type"], part["type"])
    spelled = {"logprobs": []} if word == "output_text" else {}
    yield {
        "type": f"response.{event}.added",
        **at,
        "part": {**part, name: "", **({"annotations": []} if "annotations" in part else {})},
    }
    for piece in cut(part[name], sizes):
        yield {"type": f"response.{word}.delta", **at, "delta": piece, **spelled}
    for index, note in enumerate(part.get("annotations", [])):
        yield {
            "type": "response.output_text.annotation.added",
            **at,
            "annotation_index": index,
            "annotation": note,
        }
    yield {"type": f"response.{word}.done", **at, name: part[name], **spelled}
    yield {"type": f"response.{event}.done", **at, "part": part}


def item_of(index: int, item: dict[str, Any], sizes: Sequence[int] = (3,)) -> list[dict[str, Any]]:
    """Return the events of an item."""
    at = {"item_id": item.get("id", ""), "output_index": index}
    begun = {**item, **({"status": "in_progress"} if "status" in item else {})}
    begun |= {name: [] for name in ("summary", "content") if name in item}
    out: list[dict[str, Any]] = []
    if item["type"] in GROWING:
        name, word = GROWING[item["type"]]
        begun[name] = ""
        out += [{"type": f"response.{word}.delta", **at, "delta": piece} for piece in cut(item[name], sizes)]
        out.append({"type": f"response.{word}.done", **at, name: item[name]})
    for name, label, event in (
        ("summary", "summary_index", "reasoning_summary_part"),
        ("content", "content_index", "content_part"),
    ):
        for position, part in enumerate(item.get(name, ())):
            out += part_of(event, part, {**at, label: position}, sizes)
    return [
        {"type": "response.output_item.added", "output_index": index, "item": begun},
        *out,
        {"type": "response.output_item.done", "output_index": index, "item": item},
    ]


def begun(response: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the events with which a response begins."""
    head = {
        **response,
        "status": "in_progress",
        "output": [],
        "usage": None,
        "incomplete_details": None,
        "error": None,
    }
    return [
        {"type": "response.created", "response": head},
        {"type": "response.in_progress", "response": head},
    ]


def numbered(*events: dict[str, Any]) -> list[dict[str, Any]]:
    """Return events with their numbers."""
    return [{**each, "sequence_number": number} for number, each in enumerate(events)]


def streamed(response: dict[str, Any], sizes: Sequence[int] = (3,)) -> list[dict[str, Any]]:
    """Return the events of a response."""
    items = [event for index, item in enumerate(response["output"]) for event in item_of(index, item, sizes)]
    return numbered(
        *begun(response), *items, {"type": f"response.{response['status']}", "response": response}
    )


@pytest.fixture(scope="module")
def guard(guard_of) -> Guard:
    """A guard that blocks zqxbomb and redacts zqxmask."""
    return guard_of(POLICY)


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
        self._relay = Relay(guard.pipeline, self._who, ResponsesCodec(), responses_fields.read_response)
        self.told: list[list[Event]] = []
        self.blocked = False

    def gets(self, *sent: dict[str, Any], together: int = 1) -> Client:
        """Have the upstream send events, so many at a time, of which the last may end the response."""
        ended = False
        for at in range(0, len(sent), together):
            if self._relay.stop is None:
                ended = self._take(sent[at : at + together])
        if self._relay.stop is not None or ended:
            self._end()
        return self

    def _take(self, sent: Sequence[dict[str, Any]]) -> bool:
        came = []
        for each in sent:
            data, kind = json.dumps(each).encode(), each["type"]
            came.append((strict_json.parse(data, halves=True), kind, sse.event(data, kind.encode())))
        self._guard.pipeline.drive(self._relay.take(came, INLINE_ON_LOOP))
        self.told.append(self._relay.ready())
        if self._relay.error is not None:
            raise self._relay.error
        return self._relay.is_last

    def _end(self) -> None:
        said = Said(responses_fields.read_response, withhold)
        self.told.append(ended(self._guard, self._who, self._relay, said))
        self.blocked = self._relay.is_refused

    @property
    def events(self) -> list[Event]:
        """All that the client got."""
        return [*itertools.chain.from_iterable(self.told)]

    @property
    def data(self) -> list[dict[str, Any]]:
        """What the events say."""
        return [event.data for event in self.events]

    @property
    def kinds(self) -> list[str]:
        """What kinds of events it got, without what all of them begin with."""
        return [event.kind.removeprefix("response.") for event in self.events]

    @property
    def raw(self) -> str:
        """All that it got, as text."""
        return json.dumps(self.data)

    @property
    def response(self) -> dict[str, Any]:
        """The response that it reads; asserts that the events are in order and say the same."""
        return read(self.events)

    @property
    def texts(self) -> dict[tuple[int, str, int], str]:
        """What grew so far, by place."""
        out: dict[tuple[int, str, int], str] = {}
        for each in self.data:
            if each["type"].endswith("delta") and "arguments" not in each["type"]:
                out[place(each)] = out.get(place(each), "") + each["delta"]
        return out


def place(event: dict[str, Any]) -> tuple[int, str, int]:
    """Return where the part stands that an event is about."""
    name = "summary" if "summary_index" in event else "content"
    return event["output_index"], name, event[f"{name}_index"]


def read(told: Sequence[Event]) -> dict[str, Any]:
    """Return the response that events make up, after they were checked as a strict client would."""
    numbers = [event.data["sequence_number"] for event in told]
    assert numbers == sorted(set(numbers))
    assert all(event.kind == event.data["type"] for event in told)
    assert all(not event.raw or json.loads(event.raw.split(b"data: ")[1]) == event.data for event in told)
    kinds = [event.kind.removeprefix("response.") for event in told]
    assert kinds[:2] == ["created", "in_progress"]
    assert [kind in ("completed", "incomplete", "failed") for kind in kinds].index(True) == len(kinds) - 1
    items: dict[int, dict[str, Any]] = {}
    done: dict[int, dict[str, Any]] = {}
    texts: dict[tuple[int, str, int], str] = {}
    closed: dict[tuple[int, str, int], dict[str, Any] | None] = {}
    for kind, event in zip(kinds, (event.data for event in told), strict=True):
        index = event.get("output_index")
        assert "item_id" not in event or event["item_id"] == items[index].get("id", "")
        if kind == "output_item.added":
            assert index == len(items)
            assert index not in done
            items[index] = event["item"]
        elif kind == "output_item.done":
            assert index in items
            assert index not in done
            done[index] = event["item"]
        elif kind.endswith("part.added"):
            assert place(event) not in texts
            assert index not in done
            texts[place(event)] = ""
        elif kind.endswith("part.done"):
            assert event["part"].get(OWN[event["part"]["type"]]) == texts[place(event)]
            closed[place(event)] = event["part"]
        elif kind in (
            "output_text.delta",
            "refusal.delta",
            "reasoning_text.delta",
            "reasoning_summary_text.delta",
        ):
            assert place(event) not in closed
            texts[place(event)] += event["delta"]
        elif kind in (
            "output_text.done",
            "refusal.done",
            "reasoning_text.done",
            "reasoning_summary_text.done",
        ):
            assert place(event) not in closed
            closed[place(event)] = None
            assert event["refusal" if "refusal" in kind else "text"] == texts[place(event)]
    assert done.keys() == items.keys()
    assert closed.keys() == texts.keys()
    for (index, name, position), part in closed.items():
        assert done[index][name][position] == part
    response: dict[str, Any] = told[-1].data["response"]
    assert response["output"] == [done[index] for index in sorted(done)]
    return response


EVERYTHING = whole(
    thought("Hm, well.", "So.", content=["Let me see."]),
    SEARCH,
    message(text("Grass is green", annotations=[NOTE, FILE]), refusing("No more.")),
    CALL,
)


def test_what_is_allowed_goes_on_as_it_came(guard) -> None:
    """Byte by byte, numbers and all, before the end of the stream; but for the last word of a text that may go on, and calls."""
    sent = streamed(EVERYTHING, (1,))

    client = Client(guard).gets(*sent)

    assert client.data == sent
    assert all(event.raw for event in client.events)
    assert client.response == EVERYTHING
    early = [event.data for event in itertools.chain.from_iterable(client.told[:-1])]
    assert early == sent[: len(early)]
    assert sent[len(early)]["delta"] == "g"
    assert place(sent[len(early)]) == (2, "content", 0)


@each_case("size", [2, 4, 100])
def test_what_is_allowed_is_the_same_in_any_cut(guard, size) -> None:
    """A piece that is settled goes on before the rest of its event: the numbers rise, and the texts are the same."""
    client = Client(guard).gets(*streamed(EVERYTHING, (size,)))

    assert client.response == EVERYTHING
    assert client.texts == told_of(EVERYTHING)


def test_a_text_goes_on_while_it_grows(guard) -> None:
    """Each piece as soon as nothing that comes can change it: a word once it has ended."""
    client = Client(guard)
    sent = numbered(*begun(whole()), *item_of(0, message("Good day, zqxbo is no word."), (12,)))

    client.gets(*sent[:4])
    assert client.kinds == ["created", "in_progress", "output_item.added", "content_part.added"]
    client.gets(sent[4])
    assert client.texts == {(0, "content", 0): "Good day, "}
    client.gets(sent[5])
    assert client.texts == {(0, "content", 0): "Good day, zqxbo is no "}


def test_what_was_thought_does_not_wait_for_what_is_said(guard) -> None:
    """They are not read as one text: with the item its last word goes on, and what comes behind it."""
    client = Client(guard)
    sent = numbered(
        *begun(whole()), *item_of(0, thought("Hm, well"), (100,)), *item_of(1, message("Good day."), (100,))
    )

    client.gets(*sent[:7])
    assert client.texts == {(0, "summary", 0): "Hm, "}
    client.gets(*sent[7:11])
    assert client.texts == {(0, "summary", 0): "Hm, well", (1, "content", 0): "Good "}


PIECES = st.lists(
    st.sampled_from(["zqx", "bomb", "mask", " ", ". ", "a", "ok", "\n", "zq"]), min_size=1, max_size=6
).map("".join)
SIZES = st.lists(st.integers(1, 7), min_size=1, max_size=5)


def parts_of(response: dict[str, Any]) -> dict[tuple[int, str, int], dict[str, Any]]:
    """Return the parts of a response, by place."""
    return {
        (index, name, position): part
        for index, item in enumerate(response["output"])
        for name in ("summary", "content")
        for position, part in enumerate(item.get(name, ()))
    }


def told_of(response: dict[str, Any]) -> dict[tuple[int, str, int], str]:
    """Return the texts of a response, by place."""
    return {at: part[OWN[part["type"]]] for at, part in parts_of(response).items()}


PARTS = st.lists(st.one_of(PIECES, PIECES.map(refusing)), min_size=1, max_size=3)


@settings(max_examples=scale(300))
@given(st.lists(PARTS, min_size=1, max_size=3), PIECES, SIZES, st.integers(1, 40))
@example([["a zqx", "bomb"]], "ok", [3], 1)
@example([["a zqx"], ["bomb"]], "ok", [1], 1)
@example([["zqx", refusing("bomb")]], "ok", [1], 1)
@example([[refusing("zqx"), "ok", refusing("bomb")]], "ok", [1], 1)
@example([["zqx", refusing("ok")], ["bomb"]], "ok", [2], 1)
@example([["zqx"], ["mask ok"]], "zqx", [2], 1)
@example([["zqxma", "sk"], ["zqx", "mask"]], "mask", [7], 1)
def test_every_cut_reads_as_the_whole_does(guard, said, thinking, sizes, together) -> None:
    """A word split over parts and messages is still the word: what is redacted is what the whole response has, and of what is
    blocked nothing was told.
    """
    given = whole(
        thought(thinking), *(message(*parts, identity=f"msg_{at}") for at, parts in enumerate(said))
    )
    leaves = responses_fields.read_response(given)
    outcome = guard.pipeline.check(leaves, Request())

    client = Client(guard).gets(*streamed(given, sizes), together=together)

    assert client.blocked == (outcome.action is Action.BLOCK)
    if not client.blocked:
        assert client.response == withhold(given, leaves, outcome, WORDS)
        return
    last = client.response["output"][-1]
    assert last["content"][-1] == refusing(WORDS)
    texts = client.texts
    del texts[len(client.response["output"]) - 1, "content", len(last["content"]) - 1]
    raw = told_of(given)
    for run in read_as_one(given):
        found = guard.check("".join(raw[at] for at in run), stage="output").findings
        starts = [each.span[0] for each in found if each.category == "custom.bomb" and each.span]
        before = "".join(raw[at] for at in run)[: min(starts, default=None)]
        told = "".join(texts.get(at, "") for at in run).replace("[MASK]", "")
        assert told in {before[:end].replace("zqxmask", "") for end in range(len(before) + 1)}
        assert "zqxm" not in told


def read_as_one(response: dict[str, Any]) -> Iterator[list[tuple[int, str, int]]]:
    """Yield the places of texts of a response that are read as one text."""
    parts = parts_of(response)
    for index in range(len(response["output"])):
        own = [at for at in parts if at[0] == index]
        yield from ([at] for at in own)
        yield own
        yield [at for at in own if parts[at]["type"] == "refusal"]
        yield [at for at in own if parts[at]["type"] != "refusal"]
    yield [at for at in parts if parts[at]["type"] == "output_text"]


def open_message(*said: Any) -> dict[str, Any]:
    """Return a message that was cut short."""
    return {**message(*said), "status": "incomplete"}


REFUSED_MESSAGE = {
    "id": "msg_refused", "type": "message", "role": "assistant", "status": "incomplete", "content": [refusing(WORDS)],
}  # fmt: skip
CLOSING = ["output_text.done", "content_part.done"]
REFUSAL = [
    "content_part.added",
    "refusal.delta",
    "refusal.done",
    "content_part.done",
    "output_item.done",
    "incomplete",
]
BLOCKED: dict[str, tuple[list[dict[str, Any]], list[dict[str, Any]], list[str]]] = {
    "a text": (
        [message("Good day, zqxbomb it is.")],
        [open_message("Good day, ", refusing(WORDS))],
        [*CLOSING, *REFUSAL],
    ),
    "the first word": ([message("zqxbomb it is.")], [open_message("", refusing(WORDS))], [*CLOSING, *REFUSAL]),
    "a second part": (
        [message("Good day. ", "A fine zqxbomb it is.")],
        [open_message("Good day. ", "A fine ", refusing(WORDS))],
        [*CLOSING, *REFUSAL],
    ),
    "a second item": (
        [message("Good day. "), message("A fine zqxbomb it is.", identity="msg_2")],
        [message("Good day. "), {**open_message("A fine ", refusing(WORDS)), "id": "msg_2"}],
        [*CLOSING, *REFUSAL],
    ),
    "a refusal": (
        [message(refusing("I will not zqxbomb it."))],
        [open_message(refusing("I will not "), refusing(WORDS))],
        ["refusal.done", "content_part.done", *REFUSAL],
    ),
    "a summary": (
        [thought("Hm. ", "A fine zqxbomb it is.")],
        [thought("Hm. ", "A fine "), REFUSED_MESSAGE],
        ["reasoning_summary_text.done", "reasoning_summary_part.done", "output_item.done", "output_item.added", *REFUSAL],
    ),
    "a thought": (
        [thought(content=["A fine zqxbomb it is."])],
        [thought(content=["A fine "]), REFUSED_MESSAGE],
        ["reasoning_text.done", "content_part.done", "output_item.done", "output_item.added", *REFUSAL],
    ),
    "a call": (
        [message("Good day."), {**CALL, "arguments": '{"a": "zqxbomb"}'}],
        [open_message("Good ", refusing(WORDS))],
        [*CLOSING, *REFUSAL],
    ),
    "a call behind what is done": (
        [SEARCH, {**CALL, "arguments": '{"a": "zqxbomb"}'}],
        [SEARCH, REFUSED_MESSAGE],
        ["output_item.added", *REFUSAL],
    ),
    "a search": ([{**SEARCH, "action": {"type": "search", "query": "zqxbomb"}}], [{**SEARCH, "status": "incomplete"}, REFUSED_MESSAGE], []),
}  # fmt: skip


@each_case("name", BLOCKED)
def test_what_is_blocked_ends_in_a_refusal_behind_what_was_told(guard, name) -> None:
    """What is open is closed as it was told, a refusal in our words follows, and the response that ends it holds just that."""
    items, output, kinds = BLOCKED[name]

    client = Client(guard).gets(*streamed(whole(*items), (4,)))

    assert client.blocked
    response = client.response
    if name != "a search":
        assert response["output"] == output
        assert client.kinds[-len(kinds) :] == kinds
    assert {**response, "output": [], "usage": None} == {
        **HEAD, "status": "incomplete", "incomplete_details": {"reason": "content_filter"}, "output": [], "usage": None,
    }  # fmt: skip
    assert "zqx" not in client.raw


def test_what_was_not_told_at_all_is_refused_alone(guard) -> None:
    """Where even the head is not fit to be told, nothing of it is."""
    given = whole(message("Good day."), metadata={"a": "zqxbomb"})
    sent = streamed(given)

    client = Client(guard).gets(*sent)

    assert client.response["output"] == [REFUSED_MESSAGE]
    assert client.response["metadata"] == {}
    assert client.response["usage"] == USAGE
    assert "Good" not in client.raw
    assert "zqx" not in client.raw


def test_nothing_of_a_call_is_told_before_the_end(guard) -> None:
    """Then it is told as it came, or as a policy leaves it."""
    for arguments, left in (('{"a": ["x"]}', {"a": ["x"]}), ('{"a": "a zqxmask"}', {"a": "a [MASK]"})):
        call = {**CALL, "arguments": arguments}
        custom = {
            "type": "custom_tool_call",
            "id": "ct_1",
            "call_id": "c2",
            "name": "g",
            "input": "go on",
            "status": "completed",
        }
        sent = streamed(whole(message("Good day."), call, custom))
        client = Client(guard)

        client.gets(*sent[:-1])
        assert "call_" not in client.raw
        client.gets(sent[-1])

        assert json.loads(client.response["output"][1]["arguments"]) == left
        assert client.response["output"][2] == custom
        grown = [
            each["delta"] for each in client.data if each["type"] == "response.function_call_arguments.delta"
        ]
        assert json.loads("".join(grown)) == left
        assert "zqxmask" not in client.raw


@each_case("early", [True, False])
def test_what_points_into_a_changed_text_goes(guard, early) -> None:
    """Notes by offsets go where the text changed before them, those of files stay, and are counted anew; tokens go."""
    said = "say zqxmask now, will you" if early else "say so now, zqxmask"
    token = {"token": said, "logprob": -0.5, "bytes": [], "top_logprobs": []}
    given = whole(message(text(said, annotations=[NOTE, FILE], logprobs=[token])))
    sent = streamed(given, (100,))
    for each in sent:
        if each["type"] in ("response.output_text.delta", "response.output_text.done"):
            each["logprobs"] = [token]

    client = Client(guard).gets(*sent)

    left = text(said.replace("zqxmask", "[MASK]"), annotations=[FILE])
    assert client.response == whole(message(left))
    notes = [(each["annotation"], each["annotation_index"]) for each in client.data if "annotation" in each]
    assert notes == [(FILE, 0)]
    assert "zqx" not in client.raw
    assert "-0.5" not in client.raw


def test_tokens_of_a_text_that_stays_are_told(guard) -> None:
    """With it; what else could have stood there is judged, and of tokens that spell something else nothing is told."""
    other = {"token": "Bad", "logprob": -2.0, "bytes": []}
    good = {"token": "Good", "logprob": -0.5, "bytes": [*b"Good"], "top_logprobs": [other]}
    day = {"token": " day", "logprob": -0.25, "bytes": [*b" day"], "top_logprobs": []}
    for token, left in ((day, [good, day]), ({**day, "token": " zqx"}, [])):
        sent = streamed(whole(message(text("Good day", logprobs=left))), (100,))
        for each in sent:
            if each["type"] in ("response.output_text.delta", "response.output_text.done"):
                each["logprobs"] = [good, token] if each["type"].endswith("delta") else left
        client = Client(guard).gets(*sent)
        spelled = [each["logprobs"] for each in client.data if each["type"] == "response.output_text.delta"]
        assert [*itertools.chain.from_iterable(spelled)] == left
        assert client.response["output"][0]["content"][0]["logprobs"] == left
        assert "zqx" not in client.raw
    bad = {**good, "top_logprobs": [{**other, "token": "zqxbomb"}]}
    sent = streamed(whole(message(text("Good", logprobs=[bad]))), (100,))
    sent[4]["logprobs"] = [bad]
    client = Client(guard).gets(*sent)
    assert client.blocked
    assert "zqx" not in client.raw


def vaulted(guard: Guard, asked: str = "mail jo@example.com") -> Request:
    """Return who asks, after a check that numbered an address."""
    leaves = responses_fields.read_request({"input": asked})
    outcome = guard.pipeline.check(leaves, Request())
    assert isinstance(outcome.vault, Vault)
    return Request(vault=outcome.vault)


RESTORED: dict[str, tuple[list[Any], list[Any]]] = {
    "in a text": ([message("I wrote to [EMAIL_1] today.\nBye.")], [message("I wrote to jo@example.com today.\nBye.")]),
    "at its end": ([message("I wrote to [EMAIL_1]")], [message("I wrote to jo@example.com")]),
    "before a call": (
        [message("I write to [EMAIL_1]."), {**CALL, "arguments": '{"to": "[EMAIL_1]"}'}],
        [message("I write to jo@example.com."), {**CALL, "arguments": '{"to": "[EMAIL_1]"}'}],
    ),
    "not in a link": ([message("See https://x.example/[EMAIL_1] there.")], [message("See https://x.example/[EMAIL_1] there.")]),
    "not where a text may make it one": ([message("[EMAIL_1]"), message(".x.example/a", identity="msg_2")], [message("[EMAIL_1]"), message(".x.example/a", identity="msg_2")]),
    "not in a thought": ([thought("Write to [EMAIL_1]."), message("Done.")], [thought("Write to [EMAIL_1]."), message("Done.")]),
    "nor in a refusal": ([message(refusing("Not to [EMAIL_1]."))], [message(refusing("Not to [EMAIL_1]."))]),
}  # fmt: skip


@each_case("size", [1, 3, 100])
@each_case("name", RESTORED)
def test_values_of_the_user_are_put_back_where_people_read(vault_guard, name, size) -> None:
    """In every event that tells the text."""
    items, left = RESTORED[name]

    client = Client(vault_guard, vaulted(vault_guard)).gets(*streamed(whole(*items), (size,)))

    assert client.response == whole(*left)


REPEATED = ["output_text.done", "content_part.done", "output_item.done", "completed"]


def with_text(event: dict[str, Any], said: str | None) -> dict[str, Any]:
    """Return an event that repeats the text of the first part otherwise; None: without it."""
    copy: dict[str, Any] = json.loads(json.dumps(event))
    item = copy["response"]["output"][0] if "response" in copy else copy.get("item")
    part = item["content"][0] if item else copy.get("part", copy)
    if said is not None:
        part["text"] = said
    elif item:
        item["content"] = []
    else:
        del part["text"]
    return copy


@each_case("said", ["Good day. Or not", "Good", "Bad day.", None])
@each_case("kind", REPEATED)
def test_what_repeats_a_text_otherwise_is_the_upstreams_fault(guard, kind, said) -> None:
    """A client would not know which of the two to believe."""
    sent = streamed(whole(message("Good day.")))
    at = next(at for at, each in enumerate(sent) if each["type"] == f"response.{kind}")

    with pytest.raises(BackendError) as caught:
        Client(guard).gets(*sent[:at], with_text(sent[at], said), *sent[at + 1 :])
    assert caught.value.code == "upstream_invalid"


AT = {"item_id": "msg_1", "output_index": 0, "content_index": 0}
ODD: dict[str, tuple[int, dict[str, Any]]] = {
    "a head that tells of items": (2, {"type": "response.in_progress", "response": {**HEAD, "output": [message("zqx")]}}),
    "an item that was begun": (4, {"type": "response.output_item.added", "output_index": 0, "item": message("zqx")}),
    "an item that comes too early": (3, {"type": "response.output_item.added", "output_index": 7, "item": message()}),
    "the end of an item that was not begun": (3, {"type": "response.output_item.done", "output_index": 3, "item": message()}),
    "the end of another item": (4, {"type": "response.output_item.done", "output_index": 0, "item": CALL}),
    "a part that was begun": (5, {"type": "response.content_part.added", **AT, "part": text("")}),
    "a part that comes too early": (5, {"type": "response.content_part.added", **AT, "content_index": 7, "part": text("")}),
    "a part of another item": (5, {"type": "response.reasoning_summary_part.added", "output_index": 0, "summary_index": 0, "part": {"type": "summary_text", "text": ""}}),
    "the end of another part": (5, {"type": "response.content_part.done", **AT, "part": refusing("")}),
    "a text of another part": (5, {"type": "response.refusal.delta", **AT, "delta": "zqx"}),
    "a text of another item": (5, {"type": "response.reasoning_summary_text.delta", "output_index": 0, "summary_index": 0, "delta": "zqx"}),
    "a text nowhere": (5, {"type": "response.output_text.delta", **AT, "output_index": 7, "delta": "zqx"}),
    "the end of a text nowhere": (5, {"type": "response.output_text.done", **AT, "content_index": 7, "text": "zqx"}),
    "a note nowhere": (5, {"type": "response.output_text.annotation.added", **AT, "content_index": 7, "annotation": NOTE, "annotation_index": 0}),
    "arguments nowhere": (5, {"type": "response.function_call_arguments.delta", "output_index": 0, "item_id": "x", "delta": "zqx"}),
    "a search nowhere": (5, {"type": "response.web_search_call.searching", "output_index": 7, "item_id": "x"}),
}  # fmt: skip


@each_case("name", ODD)
def test_what_fits_nowhere_is_not_told(guard, name) -> None:
    """What comes behind it is told from the whole response, which is judged."""
    at, odd = ODD[name]
    given = whole(message("Good day zqxmask, all of you.", "So it is."))
    sent = [
        *begun(given),
        *item_of(0, given["output"][0], (4,)),
        {"type": "response.completed", "response": given},
    ]

    client = Client(guard).gets(*numbered(*sent[:at], odd, *sent[at:]))

    assert client.response == whole(message("Good day [MASK], all of you.", "So it is."))
    assert "zqx" not in client.raw


LATE: dict[str, dict[str, Any]] = {
    "a text": {"type": "response.output_text.delta", **AT, "delta": "zqx"},
    "a part": {"type": "response.content_part.added", **AT, "content_index": 1, "part": text("")},
    "the item": {"type": "response.output_item.done", "output_index": 0, "item": message("Good day.")},
}


@each_case("name", LATE)
def test_what_comes_behind_its_end_is_not_told(guard, name) -> None:
    """An item that is done does not go on."""
    given = whole(message("Good day."))
    sent = streamed(given)

    client = Client(guard).gets(*sent[:-1], LATE[name], sent[-1])

    assert client.response == given
    assert "zqx" not in client.raw


def test_texts_that_take_turns_are_not_told_on(guard) -> None:
    """Parts are read one behind the other: where an earlier one goes on, what was told of it is no longer true."""
    given = whole(message("Good day.", "So it is."))
    first, second = (
        item_of(0, given["output"][0], (4,)),
        {"type": "response.content_part.added", **AT, "content_index": 1, "part": text("")},
    )
    turn = {
        "type": "response.output_text.delta",
        **AT,
        "content_index": 1,
        "delta": "So it is.",
        "logprobs": [],
    }
    sent = numbered(
        *begun(given),
        *first[:4],
        second,
        turn,
        *first[4:6],
        {"type": "response.completed", "response": given},
    )

    client = Client(guard).gets(*sent)

    assert client.response == given


def test_a_head_of_something_else_is_the_upstreams_fault(guard) -> None:
    """It is no response that begins there."""
    with pytest.raises(BackendError):
        Client(guard).gets({"type": "response.created", "response": {**HEAD, "object": "zqx"}})


def test_a_stream_without_its_head_is_told_whole(guard) -> None:
    """It begins as the protocol says."""
    given = whole(message("Good day."))

    client = Client(guard).gets(*streamed(given)[2:])

    assert client.response == given
    assert not any(client.told[:-1])


TOLD_WHOLE: dict[str, list[dict[str, Any]]] = {
    "an item": [message("a zqx"), message("mask b", identity="msg_2")],
    "a thought": [thought("a zqxmask"), message("b")],
    "a call": [CALL],
}


@each_case("name", TOLD_WHOLE)
def test_what_comes_whole_is_told_at_the_end(guard, name) -> None:
    """Servers that send an item at once, or a text with its part, are read with all that they said."""
    items = TOLD_WHOLE[name]
    given = whole(*items)
    at_once = [
        {"type": f"response.output_item.{word}", "output_index": index, "item": item}
        for index, item in enumerate(items)
        for word in ("added", "done")
    ]
    leaves = responses_fields.read_response(given)
    left = withhold(given, leaves, guard.pipeline.check(leaves, Request()), WORDS)

    client = Client(guard).gets(
        *numbered(*begun(given), *at_once, {"type": "response.completed", "response": given})
    )

    assert client.response == left
    assert "zqx" not in client.raw


def test_parts_that_nobody_announced_are_read(guard) -> None:
    """Some servers leave out the events of parts; vLLM has a name of its own for them."""
    given = whole(thought(content=["Let me see."]), message("Good day."))
    sent = streamed(given)
    without = [each for each in sent if "part" not in each]
    client = Client(guard).gets(*without)
    assert client.data[-1]["response"] == given
    assert client.texts == told_of(given)
    assert sum(map(len, client.told[:-1])) > len(without) - 6

    own = [
        {**each, "type": each["type"].replace("content_part", "reasoning_part")}
        if each.get("output_index") == 0
        else each
        for each in sent
    ]
    client = Client(guard).gets(*own)
    assert [each["type"] for each in client.data].count("response.reasoning_part.done") == 1
    assert client.texts == told_of(given)


@each_case("ended", [True, False])
def test_items_that_the_end_leaves_out_are_told_with_it(guard, ended) -> None:
    """Those that were done, and what there is of one that was not."""
    given = whole(message("Good day zqxmask, all of you"))
    *sent, last = streamed(given, (4,))
    sent = sent if ended else sent[:-3]

    client = Client(guard).gets(*sent, {**last, "response": {**given, "output": []}})

    left = message("Good day [MASK], all of you")
    assert client.response["output"] == [left if ended else {**left, "status": "incomplete"}]


def test_a_failure_is_told_as_such(guard) -> None:
    """Also where the response that failed holds nothing of what was told."""
    error = {"code": "server_error", "message": "over"}
    sent = streamed(whole(message("Good day zqxmask, all of you")), (4,))[:10]
    failed = {**HEAD, "status": "failed", "error": error, "output": [], "usage": None}

    client = Client(guard).gets(*sent, {"type": "response.failed", "response": failed, "sequence_number": 10})

    assert not client.blocked
    assert client.kinds[-1] == "failed"
    assert client.response["error"] == error
    assert client.texts[0, "content", 0].startswith("Good day [MASK]")


@each_case("number", [None, 0, True, "zqx", 1.5])
def test_numbers_that_do_not_rise_are_written_anew(guard, number) -> None:
    """Some servers count wrong or not at all."""
    sent = [{**each, "sequence_number": number} for each in streamed(EVERYTHING, (1,))]

    client = Client(guard).gets(*sent)

    assert [each["sequence_number"] for each in client.data] == [*range(len(sent))]
    assert client.response == EVERYTHING


def test_only_as_many_numbers_are_written_anew_as_must_be(guard) -> None:
    """A number that is missing, or one that comes twice, is no reason to touch the others."""
    sent = streamed(whole(message("Good day, all of you. ")), (1,))
    for each in sent[6:]:
        each["sequence_number"] += 10
    sent[9]["sequence_number"] = sent[8]["sequence_number"]

    client = Client(guard).gets(*sent)

    assert [each["sequence_number"] for each in client.data] == [*range(6), *range(16, 16 + len(sent) - 6)]
    assert [not event.raw for event in client.events].count(True) == 1


STRANGE: dict[str, dict[str, Any]] = {
    "a new field": {"x_new": "zqxbomb"},
    "the name of a field": {"zqxbomb": 1},
    "another id": {"item_id": "zqxbomb"},
    "padding that says something": {"obfuscation": "a zqxbomb"},
    "padding that is none": {"obfuscation": ["zqxbomb"]},
    "tokens that are none": {"logprobs": "zqxbomb"},
    "a name of another protocol": {"delta_": {"a": "zqxbomb"}},
}


@each_case("name", STRANGE)
def test_what_the_protocol_does_not_have_is_left_out(guard, name) -> None:
    """Of any event but those that hold a response; all else goes on as it comes."""
    sent = streamed(EVERYTHING, (1,))
    more = STRANGE[name]
    added = [
        {**each, **more}
        if "response" not in each
        and (each.keys() & more.keys() or len(more.keys() & {"item_id", "logprobs"}) == 0)
        else each
        for each in sent
    ]

    client = Client(guard).gets(*added)

    assert "zqx" not in client.raw
    assert client.response == EVERYTHING
    assert len(client.data) == len(sent)


def test_events_of_unknown_types_are_left_out(guard) -> None:
    """Nobody here could judge what they say. The stream does not wait for them."""
    sent = streamed(EVERYTHING, (1,))
    odd = {"type": "response.x_new", "sequence_number": 0, "text": "zqxbomb", "delta": "zqxbomb"}

    client = Client(guard).gets(*itertools.chain.from_iterable((each, odd) for each in sent[:-1]), sent[-1])

    assert client.data == sent


def test_what_is_said_beside_a_text_is_judged_before_it_goes_on(guard) -> None:
    """Where a policy takes something from it, what comes behind it is told from the whole response."""
    bad = {**FILE, "filename": "a zqxmask"}
    given = whole(
        message(text("Grass is green. So it is.", annotations=[FILE, bad])),
        message("Bye. ", identity="msg_2"),
    )

    client = Client(guard).gets(*streamed(given, (4,)))

    assert client.response["output"][0]["content"][0]["annotations"] == [
        FILE,
        {**FILE, "filename": "a [MASK]"},
    ]
    assert client.texts == told_of(given)
    assert "zqx" not in client.raw


def drawing(*partial: str, result: str, **more: Any) -> list[dict[str, Any]]:
    """Return the events of a response that draws: these pictures on the way to the last."""
    item = {"type": "image_generation_call", "id": "ig_1", "status": "completed", "result": result}
    at = {"item_id": "ig_1", "output_index": 0}
    kind = "response.image_generation_call"
    return numbered(
        *begun(whole()),
        {"type": "response.output_item.added", "output_index": 0, "item": {**item, "status": "in_progress", "result": None}},
        {"type": f"{kind}.generating", **at},
        *(
            {"type": f"{kind}.partial_image", **at, "partial_image_index": index, "partial_image_b64": each, **more}
            for index, each in enumerate(partial)
        ),
        {"type": f"{kind}.completed", **at},
        {"type": "response.output_item.done", "output_index": 0, "item": item},
        {"type": "response.completed", "response": whole(item)},
    )  # fmt: skip


def partials(data: Sequence[dict[str, Any]]) -> list[str]:
    """Return the pictures on their way."""
    return [each["partial_image_b64"] for each in data if "partial_image_b64" in each]


def square(colour: tuple[int, int, int]) -> str:
    """Return a picture with a square of a colour in it, in Base64."""
    image, out = Image.new("RGB", (60, 40), (90, 90, 90)), io.BytesIO()
    image.paste(colour, (10, 10, 30, 30))
    image.save(out, "PNG")
    return base64.b64encode(out.getvalue()).decode()


PLAIN, GREEN = square((200, 40, 40)), square((0, 255, 0))


@pytest.fixture(scope="module")
def looking(guard_of) -> Callable[[str], Guard]:
    """Return a function that gives a guard which does this to green squares."""
    policy = POLICY.replace("rules:", "  green: {use: green_square}\nrules:", 1)
    rule = "  - {id: green, on: [output], when: custom.green_square > 0.5, then: THEN}\n"
    return functools.cache(lambda then: guard_of(policy + rule.replace("THEN", then)))


def test_pictures_on_their_way_go_on_as_they_come(looking) -> None:
    """Each before the next one is there, with its own number; so does the finished one."""
    sent = drawing(PLAIN, PLAIN, result=PLAIN, size="1024x1024")
    client = Client(looking("block")).gets(*sent)
    assert client.data == sent
    assert [len(each) for each in client.told[:-2]] == [1] * (len(sent) - 1)


def test_a_picture_on_its_way_is_covered(looking) -> None:
    """Where a rule says so, each of them, and the finished one; the rest is as it came, with the same numbers."""
    sent = drawing(PLAIN, GREEN, result=PLAIN)
    client = Client(looking("redact")).gets(*sent)

    first, second = partials(client.data)
    assert first == PLAIN
    assert second not in (PLAIN, GREEN)
    assert [
        {**each, "partial_image_b64": GREEN} if each.get("partial_image_b64") == second else each
        for each in client.data
    ] == sent


def test_a_picture_on_its_way_that_is_blocked_ends_the_response(looking) -> None:
    """With a refusal, behind what went on before; nothing of it or of what follows does, whatever the last one shows."""
    sent = drawing(PLAIN, GREEN, PLAIN, result=PLAIN)
    client = Client(looking("block")).gets(*sent)

    assert client.data[:5] == sent[:5]
    assert partials(client.data) == [PLAIN]
    assert GREEN not in json.dumps(client.data)
    last = client.data[-1]
    assert (last["type"], last["response"]["incomplete_details"]) == (
        "response.incomplete",
        {"reason": "content_filter"},
    )
    assert last["response"]["output"][-1]["content"][0]["refusal"] == WORDS
    numbers = [each["sequence_number"] for each in client.data]
    assert numbers == sorted({*numbers})


@each_case("broken", ["no Base64!", PLAIN[:-40], "", "eA=="])
def test_a_picture_on_its_way_that_cannot_be_judged_ends_the_response(looking, broken) -> None:
    """As the policy has it for pictures that cannot."""
    client = Client(looking("block")).gets(*drawing(broken, result=PLAIN))
    assert partials(client.data) == []
    assert client.data[-1]["type"] == "response.incomplete"


def test_a_finished_picture_is_covered_or_blocked(looking) -> None:
    """In its item, and in the response at the end."""
    sent = drawing(PLAIN, result=GREEN)
    covered = Client(looking("redact")).gets(*sent)
    blocked = Client(looking("block")).gets(*sent)
    for client in (covered, blocked):
        assert partials(client.data) == [PLAIN]
        assert GREEN not in json.dumps(client.data)
    done, last = covered.data[-2:]
    assert done["item"] == last["response"]["output"][0]
    assert done["item"]["result"] not in (PLAIN, GREEN)
    assert blocked.data[-1]["type"] == "response.incomplete"


@each_case("change", [{"output_index": 3}, {"size": "a zqxbomb"}, {"size": "so a zqxmask"}])
def test_a_picture_that_fits_nowhere_is_not_told(looking, change) -> None:
    """One of no item that draws, or one beside which something stands that may not."""
    sent = drawing(PLAIN, result=PLAIN, **change)
    client = Client(looking("redact")).gets(*sent)
    assert partials(client.data) == []
    assert "zqx" not in json.dumps(client.data)


def test_what_is_not_known_of_a_picture_is_left_out(looking) -> None:
    """Nobody could judge it."""
    client = Client(looking("block")).gets(*drawing(PLAIN, result=PLAIN, x_new="zqxbomb", item_id="zqxbomb"))
    assert partials(client.data) == [PLAIN]
    assert "zqx" not in json.dumps(client.data)
