"""The chunks of an answer of Gemini's API make up an answer."""

from __future__ import annotations

from typing import Any

import pytest

from guardrails import BackendError
from guardrails.protocols.gemini.gemini_stream import GeminiCodec
from tests.cases import each_case
from tests.protocols.conftest import AnswerReader

SEALED = "RWFzdGVyIGVnZ3MgYXJlIGhpZGRlbiBoZXJlLCB0cnVseQ=="
CALL = {"functionCall": {"name": "f", "args": {"a": 1.5}}}


def chunk(*parts: Any, index: int = 0, **fields: Any) -> dict[str, Any]:
    """Return a chunk with these parts of a candidate; texts are text parts."""
    made = [part if isinstance(part, dict) else {"text": part} for part in parts]
    return {"candidates": [{"content": {"role": "model", "parts": made}, "index": index, **fields}]}


def made(*given: Any) -> AnswerReader:
    """Return what read these chunks."""
    chunks = AnswerReader(GeminiCodec())
    for each in given:
        assert not chunks.take(each)
    return chunks


@each_case(
    ("chunks", "parts"),
    [
        (["a", "b"], [{"text": "ab"}]),
        ([{"text": "a", "thought": True}, {"text": "b", "thought": True}, "c"], [{"text": "ab", "thought": True}, {"text": "c"}]),
        ([{"text": "a", "thought": False}, "b"], [{"text": "ab", "thought": False}]),
        (["a", CALL, CALL, "b", "c"], [{"text": "a"}, CALL, CALL, {"text": "bc"}]),
        (["a", {"text": "", "thoughtSignature": SEALED}, "b"], [{"text": "a", "thoughtSignature": SEALED}, {"text": "b"}]),
        (["a", {"text": "b", "note": "x"}, "c"], [{"text": "a"}, {"text": "b", "note": "x"}, {"text": "c"}]),
        (["a", {"text": "b", "thought": "x"}], [{"text": "a"}, {"text": "b", "thought": "x"}]),
        (["\ud83d", "\ude00"], [{"text": "\N{GRINNING FACE}"}]),
        (["", ""], [{"text": ""}]),
    ],
)  # fmt: skip
def test_texts_of_a_kind_go_on(chunks: list[Any], parts: list[Any]) -> None:
    """Until another part, or a signature, ends them; cut in any way."""
    whole = made(*map(chunk, chunks)).answer()["candidates"][0]["content"]
    assert whole == {"role": "model", "parts": parts}
    assert made(chunk(*chunks)).answer()["candidates"][0]["content"]["parts"] == parts


def test_what_stands_beside_is_as_the_last_chunk_has_it() -> None:
    """But for lists that go on."""
    cited = [{"citationMetadata": {"citations": [{"uri": each}]}} for each in "ab"]
    whole = made(
        {
            **chunk("a", **cited[0], safetyRatings=[1]),
            "modelVersion": "m",
            "usageMetadata": {"totalTokenCount": 1},
        },
        {**chunk("b", **cited[1], safetyRatings=[2]), "usageMetadata": {"totalTokenCount": 2}},
        chunk("", finishReason="STOP"),
        {"responseId": "r"},
    ).answer()

    [candidate] = whole.pop("candidates")
    assert whole == {"modelVersion": "m", "usageMetadata": {"totalTokenCount": 2}, "responseId": "r"}
    assert candidate["citationMetadata"] == {"citations": [{"uri": "a"}, {"uri": "b"}]}
    assert (candidate["safetyRatings"], candidate["finishReason"]) == ([2], "STOP")


def test_candidates_take_turns() -> None:
    """Each has its own parts."""
    whole = made(chunk("b", index=1), chunk("a"), chunk("d", index=1), chunk("c")).answer()
    assert [each["content"]["parts"] for each in whole["candidates"]] == [[{"text": "ac"}], [{"text": "bd"}]]


@each_case(
    ("chunks", "finished"),
    [
        ([], False),
        ([chunk("a")], False),
        ([chunk("a", finishReason="STOP")], True),
        ([chunk("a", finishReason="STOP"), chunk("b", index=1)], False),
        ([{"candidates": [{"finishReason": "SAFETY"}]}], True),
        ([{"promptFeedback": {"safetyRatings": []}}], False),
        ([{"promptFeedback": {"blockReason": "SAFETY"}}], True),
        ([{"promptFeedback": {"blockReason": "SAFETY"}}, chunk("a")], False),
    ],
)
def test_an_answer_is_finished_once_each_candidate_says_why(chunks: list[Any], finished: bool) -> None:
    """Or the prompt, where there are none."""
    assert made(*chunks).is_finished is finished


ODD: dict[str, list[Any]] = {
    "no list": [{"candidates": {}}],
    "no candidate": [{"candidates": ["a"]}],
    "no index": [chunk("a", index="0")],  # type: ignore[arg-type]
    "too many": [chunk("a", index=128)],
    "no content": [{"candidates": [{"content": ["a"]}]}],
    "no parts": [{"candidates": [{"content": {"parts": "a"}}]}],
    "half a character": [chunk("a\ud83d")],
    "half a character in a call": [chunk({"functionCall": {"name": "\ud83d"}})],
    "half a character beside": [chunk("a", finishMessage="\ud83d")],
    "half a character outside": [{"note": "\ud83d"}],
    "half a character in a signature": [chunk({"text": "a", "thoughtSignature": "\ud83d"})],
    "a candidate is missing": [chunk("a", index=1)],
}


@each_case("chunks", ODD.values(), ids=ODD)
def test_what_is_malformed_is_refused(chunks: list[Any]) -> None:
    """Nobody knows what a client would make of it."""
    with pytest.raises(BackendError):
        made(*chunks).answer()
