"""Streamed answers of Gemini's API on their way: in any cut the client reads what it would have read of a whole answer."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from guardrails import BackendError, Guard
from guardrails.engine.core.task_runner import INLINE_ON_LOOP
from guardrails.engine.model import Request
from guardrails.engine.redaction.vault import Vault
from guardrails.protocols.gemini import gemini_answer_fields
from guardrails.protocols.gemini.gemini_stream import GeminiCodec, build_refusal
from guardrails.protocols.gemini.protocol import withhold
from guardrails.protocols.streaming.relay import Relay
from guardrails.types import Place, Stage
from guardrails.wire import sse, strict_json
from tests.cases import each_case, scale
from tests.protocols.conftest import REFUSAL, AnswerReader, Said, ended

EVERYWHERE = "[output, tool_call, tool_result, retrieval]"
POLICY = f"""
detectors:
  bomb: {{use: terms, terms: [zqxbomb], category: custom.bomb}}
  mask: {{use: terms, terms: [zqxmask], category: custom.mask, match: substring}}
rules:
  - {{id: bomb, on: {EVERYWHERE}, when: custom.bomb > 0, then: block}}
  - {{id: mask, on: {EVERYWHERE}, when: custom.mask > 0, then: redact}}
unchecked: {{part: flag}}
"""
VAULT = """
detectors: {pii: {use: pii, entities: [email]}}
rules: [{id: keep, on: [input, output, tool_call], when: pii > 0, then: redact, with: vault}]
"""
SEALED = "RWFzdGVyIGVnZ3MgYXJlIGhpZGRlbiBoZXJlLCB0cnVseQ=="
CALL = {"functionCall": {"name": "f", "args": {"a": ["x"], "n": 1}}}


def text(words: str, **more: Any) -> dict[str, Any]:
    """Return a text part."""
    return {"text": words, **more}


def thought(words: str, **more: Any) -> dict[str, Any]:
    """Return a thought."""
    return {"text": words, "thought": True, **more}


def chunk(*parts: Any, index: int = 0, **fields: Any) -> dict[str, Any]:
    """Return a chunk with these parts of a candidate."""
    content = {"role": "model", "parts": [*parts]}
    return {
        "candidates": [{"content": content, "index": index, **fields}],
        "modelVersion": "m",
        "responseId": "r",
    }


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
    """One answer through a relay, as a proxy has it sent; `told` is what the client got of each chunk, and at the end."""

    def __init__(self, guard: Guard, who: Request | None = None, choices: int = 1) -> None:
        self._guard, self._who = guard, who or Request()
        self._relay = Relay(
            guard.pipeline, self._who, GeminiCodec(), gemini_answer_fields.read_response, None, choices
        )
        self.told: list[list[dict[str, Any]]] = []

    def gets(self, *sent: dict[str, Any]) -> Client:
        """Have the upstream send chunks."""
        for each in sent:
            if self._relay.stop is None:
                self._take(json.dumps(each).encode())
        return self

    def _take(self, data: bytes) -> None:
        read = strict_json.parse(data, halves=True)
        self._guard.pipeline.drive(self._relay.take([(read, "", sse.event(data))], INLINE_ON_LOOP))
        if self._relay.error is not None:
            raise self._relay.error
        self.told.append([event.data for event in self._relay.ready()])

    def ends(self) -> Client:
        """Have the upstream end."""
        said = Said(gemini_answer_fields.read_response, withhold)
        self.told.append([event.data for event in ended(self._guard, self._who, self._relay, said)])
        return self

    @property
    def answer(self) -> dict[str, Any]:
        """The answer that it reads."""
        return whole(each for some in self.told for each in some)

    @property
    def text(self) -> str:
        """What it has of texts and thoughts."""
        return "".join("".join(said(each)) for each in self.told)


def said(chunks: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the texts of chunks."""
    return [
        part["text"]
        for each in chunks
        for one in each.get("candidates", ())
        for part in one.get("content", {}).get("parts", ())
        if "text" in part
    ]


def whole(chunks: Any) -> dict[str, Any]:
    """Return the answer that chunks make up."""
    made = AnswerReader(GeminiCodec())
    for each in chunks:
        made.take(each)
    return made.answer()


def test_a_text_goes_on_as_far_as_it_is_certain(guard) -> None:
    """Not a character that the policy would redact, nor one behind it; and the rest as soon as that is clear."""
    client = Client(guard)
    so_far = [
        client.gets(chunk(text(each))).text for each in ("Say yes ", "zqx", "mas", "k well. ", "So it is. ")
    ]

    assert so_far[0].startswith("Say")
    assert so_far[4].startswith("Say yes [MASK] well")
    assert not any("zqx" in each for each in so_far)


def test_a_thought_ends_where_a_text_begins(guard) -> None:
    """It does not hold up what follows; what both make up is judged as well."""
    client = Client(guard).gets(
        chunk(thought("Hm, so ")), chunk(thought("it is.")), chunk(text("It ")), chunk(text("is so. "))
    )
    assert client.text.startswith("Hm, so it is.It is")

    client = Client(guard).gets(chunk(thought("It is zqx")), chunk(text("bomb. ")), chunk(text("Well. ")))
    assert client.ends().answer["candidates"][0]["finishReason"] == "SAFETY"
    assert "bomb" not in json.dumps(client.told)


@each_case(
    "held",
    [
        chunk(CALL),
        chunk(text("b"), finishReason="STOP"),
        chunk(text("b", thoughtSignature=SEALED)),
        chunk({"inlineData": {"mimeType": "image/png", "data": SEALED}}),
        chunk(text("b"), groundingMetadata={"webSearchQueries": ["x"]}),
        chunk(text("b"), logprobsResult={"logProbabilitySum": -1.0}),
        chunk(text("b", note="x")),
        {"promptFeedback": {"safetyRatings": []}},
    ],
)
def test_all_else_waits_for_the_whole_answer(guard, held) -> None:
    """And so does what comes behind it; at its end it is there."""
    sent = [chunk(text("A. ")), held, chunk(text("C. ")), chunk(text(""), finishReason="STOP")]
    client = Client(guard).gets(*sent)
    assert "A. ".startswith(client.text)

    made, expected = (each["candidates"][0] for each in (client.ends().answer, whole(sent)))
    assert "".join(said([{"candidates": [made]}])) == "".join(said([{"candidates": [expected]}]))
    assert {**made, "content": None} == {**expected, "content": None}


def test_numbers_and_ratings_go_on_with_their_text(guard) -> None:
    """What each chunk repeats holds nothing up; what is offensive among it is held, and never told."""
    rated = {"safetyRatings": [{"category": "HARM_CATEGORY_HATE_SPEECH", "probability": "LOW"}]}
    client = Client(guard).gets(
        {**chunk(text("A word. "), **rated), "usageMetadata": {"totalTokenCount": 1}},
        {**chunk(text("More. "), **rated), "usageMetadata": {"totalTokenCount": 2}},
        {"usageMetadata": {"totalTokenCount": 3}},
        chunk(text("Yes. "), safetyRatings=[{"category": "a zqxbomb"}], finishReason="STOP"),
    )

    assert client.text.startswith("A word. More.")
    assert "Yes" not in client.text
    assert client.ends().told[-1][-1]["candidates"] == [build_refusal(0, REFUSAL)]
    assert "zqx" not in json.dumps(client.told)


def test_candidates_are_stopped_each_for_itself(guard) -> None:
    """The other one goes on, and both say how they ended."""
    client = Client(guard, choices=2).gets(
        chunk(text("One ")),
        chunk(text("Two zqxbomb "), index=1),
        chunk(text("goes on. "), finishReason="STOP"),
        chunk(text(""), index=1, finishReason="STOP"),
    )

    first, second = client.ends().answer["candidates"]
    assert (first["content"]["parts"], first["finishReason"]) == ([text("One goes on. ")], "STOP")
    assert (second["finishReason"], second["finishMessage"]) == ("SAFETY", REFUSAL)
    assert "zqx" not in json.dumps(client.told)


def test_values_come_back_in_texts_alone(vault_guard) -> None:
    """In what people read, however it is cut: not in thoughts, nor in calls."""
    vault = Vault()
    vault.number_for("pii.email", "jo@x.org", Place(Stage.INPUT))
    call = {"functionCall": {"name": "f", "args": {"to": "[EMAIL_1]"}}}
    client = Client(vault_guard, Request(vault=vault)).gets(
        chunk(thought("To [EMAIL_1]?")),
        chunk(text("To [EM")),
        chunk(text("AIL_1].")),
        chunk(call),
        chunk(text("[EMAIL_1]"), finishReason="STOP"),
    )

    parts = client.ends().answer["candidates"][0]["content"]["parts"]
    assert parts == [thought("To [EMAIL_1]?"), text("To jo@x.org."), call, text("jo@x.org")]


KINDS = st.sampled_from([text, thought])
WORDS = st.sampled_from(["zqxmask", "zqxbomb", "zqx", "mask", "bomb", "so ", "é", "\U0001f600", " ", "."])
PARTS = st.one_of(
    st.builds(lambda kind, words: kind("".join(words)), KINDS, st.lists(WORDS, min_size=1, max_size=4)),
    st.just(CALL),
    st.just(text("zqx", thoughtSignature=SEALED)),
)


def cut(parts: Sequence[dict[str, Any]], sizes: Sequence[int]) -> list[dict[str, Any]]:
    """Return the chunks of an answer with these parts, cut by sizes, which are taken in turn."""
    out: list[dict[str, Any]] = []
    turn = 0
    for part in parts:
        rest, more = part.get("text", ""), {name: value for name, value in part.items() if name != "text"}
        if "text" not in part or "thoughtSignature" in part:
            out.append(chunk(part))
            continue
        while rest:
            size = sizes[turn % len(sizes)]
            out.append(chunk(text(rest[:size], **more)))
            rest, turn = rest[size:], turn + 1
    return [*out, chunk(text(""), finishReason="STOP")]


def judged(guard: Guard, answer: dict[str, Any]) -> dict[str, Any]:
    """Return a whole answer as the policy leaves it."""
    heard = Said(gemini_answer_fields.read_response, withhold)
    subject = heard.read(answer)
    outcome = guard.pipeline.check(subject.tree, Request())
    left: dict[str, Any] = withhold(answer, subject.tree, outcome, REFUSAL)
    return left


@settings(max_examples=scale(150), deadline=None)
@given(st.lists(PARTS, min_size=1, max_size=5), st.lists(st.integers(1, 9), min_size=1, max_size=4))
@example([thought("zqx"), text("mask")], [1])
@example([text("a zqx"), CALL, text("mask b")], [2])
def test_in_any_cut_the_client_reads_the_whole_answer(redactor, parts, sizes) -> None:
    """Redacted as it would be whole; and what it reads on the way is the beginning of that."""
    sent = cut(parts, sizes)
    expected = judged(redactor, whole(sent))["candidates"][0]["content"]["parts"]

    client = Client(redactor).gets(*sent)
    begun = client.text
    answer = client.ends().answer["candidates"][0]

    bare = [{name: value for name, value in part.items() if name != "thoughtSignature"} for part in expected]
    texts = "".join(part.get("text", "") for part in bare)
    told = answer["content"]["parts"]
    assert "".join(part.get("text", "") for part in told) == texts
    assert [part for part in told if "text" not in part] == [part for part in bare if "text" not in part]
    assert texts.startswith(begun)
    assert answer["finishReason"] == "STOP"


@settings(max_examples=scale(150), deadline=None)
@given(st.lists(PARTS, min_size=1, max_size=5), st.lists(st.integers(1, 9), min_size=1, max_size=4))
def test_in_any_cut_a_block_shows_a_beginning_at_most(guard, redactor, parts, sizes) -> None:
    """Of what the policy leaves of the rest, and nothing of what blocks."""
    sent = cut(parts, sizes)
    stopped = judged(guard, whole(sent))["candidates"][0]["finishReason"] == "SAFETY"

    client = Client(guard).gets(*sent).ends()

    last = client.told[-1][-1]["candidates"][0]
    assert (last["finishReason"] == "SAFETY") == stopped
    redacted = "".join(said([judged(redactor, whole(sent))]))
    assert redacted.startswith(client.text)


@each_case(
    "odd",
    [
        {"candidates": "x"},
        {"candidates": ["x"]},
        {"candidates": [{"index": -1}]},
        {"candidates": [{"index": 128}]},
        {"candidates": [{"index": True}]},
        {"candidates": [{"content": "x"}]},
        {"candidates": [{"content": {"parts": "x"}}]},
    ],
)
def test_what_is_no_chunk_is_refused(guard, odd) -> None:
    """Before anything of it is told."""
    with pytest.raises(BackendError):
        Client(guard).gets(odd)
