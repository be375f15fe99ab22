"""Gemini's answers: where each text of them stands, and what goes with a text that is edited."""

from __future__ import annotations

from typing import Any

import pytest

from guardrails.engine.model import Outcome
from guardrails.errors import RequestError
from guardrails.protocols.gemini import gemini_answer_fields, gemini_fields
from guardrails.types import Action, Coverage, Stage, Text
from tests.cases import each_case

SEALED = "RWFzdGVyIGVnZ3MgYXJlIGhpZGRlbiBoZXJlLCB0cnVseQ=="
OUT, CALLED, RETURNED, FOUND = Stage.OUTPUT, Stage.TOOL_CALL, Stage.TOOL_RESULT, Stage.RETRIEVAL


def answer(*parts: Any, **fields: Any) -> dict[str, Any]:
    """Return an answer with one candidate of these parts."""
    content = {"role": "model", "parts": [*parts]}
    return {"candidates": [{"content": content, "finishReason": "STOP", "index": 0, **fields}]}


def stages(body: Any) -> list[tuple[Stage, ...]]:
    """Return the stages of what says `said`."""
    return [
        (leaf.content.place.stage, *leaf.content.place.also)
        for leaf in gemini_answer_fields.read_response(body).leaves
        if isinstance(leaf.content, Text) and leaf.content.text == "said"
    ]


GROUNDED = {"segment": {"text": "said", "startIndex": 0, "endIndex": 4}, "groundingChunkIndices": [0]}


@each_case(
    ("body", "expected"),
    [
        (answer({"text": "said"}), (OUT,)),
        (answer({"text": "said", "thought": True}), (OUT,)),
        (answer({"functionCall": {"name": "f", "args": {"a": "said"}}}), (CALLED,)),
        (answer({"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "said"}}), (RETURNED, OUT)),
        (answer(finishMessage="said"), (OUT,)),
        (answer(citationMetadata={"citations": [{"uri": "said"}]}), (OUT,)),
        (answer(groundingMetadata={"webSearchQueries": ["said"]}), (OUT,)),
        (answer(groundingMetadata={"groundingChunks": [{"web": {"title": "said"}}]}), (FOUND, OUT)),
        (answer(groundingMetadata={"groundingSupports": [GROUNDED]}), (OUT,)),
        (answer(urlContextMetadata={"urlMetadata": [{"retrievedUrl": "said"}]}), (OUT,)),
        (answer(logprobsResult={"chosenCandidates": [{"token": "sa"}, {"token": "id", "tokenId": 3}]}), (OUT,)),
        (answer(logprobsResult={"topCandidates": [{"candidates": [{"token": "said", "logProbability": -1}]}]}), (OUT,)),
        (answer(logprobsResult={"chosenCandidates": [{"token": "x", "other": "said"}]}), (OUT,)),
        (answer(logprobsResult={"topCandidates": [{"other": "said"}]}), (OUT,)),
        (answer(logprobsResult="said"), (OUT,)),
        ({"promptFeedback": {"blockReason": "OTHER", "blockReasonMessage": "said"}}, (OUT,)),
        ({**answer(), "note": "said"}, (OUT,)),
    ],
)  # fmt: skip
def test_each_text_is_judged_where_it_stands(body: Any, expected: Any) -> None:
    """What an answer rests on was retrieved, and is shown."""
    assert stages(body) == [expected]


def test_an_answer_without_words_has_nothing_to_judge() -> None:
    """Words of the protocol, numbers, and tokens that spell the text once more; a signature is read as it is, and decoded."""
    spelt = {"chosenCandidates": [{"token": "Hel"}, {"token": "lo"}], "logProbabilitySum": -1.5}
    body = {
        **answer(
            {"text": "Hello", "thoughtSignature": SEALED},
            logprobsResult=spelt,
            avgLogprobs=-0.5,
            tokenCount=2,
        ),
        "usageMetadata": {
            "totalTokenCount": 3,
            "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 1}],
        },
        "modelVersion": "gemini-x",
        "responseId": "resp-1",
    }

    assert [
        getattr(leaf.content, "text", "") for leaf in gemini_answer_fields.read_response(body).leaves
    ] == [
        "Hello",
        SEALED,
        "Easter eggs are hidden here, truly",
    ]


def test_each_candidate_is_judged_for_itself() -> None:
    """By its index, else by its place."""
    body = {
        "candidates": [
            {"index": 1, "content": {"parts": [{"text": "a"}]}},
            {"content": {"parts": [{"text": "b"}]}},
        ]
    }
    found = gemini_answer_fields.read_response(body).leaves

    assert [leaf.content.place.choice_index for leaf in found] == [1, 1]


def test_an_edited_text_loses_what_spells_it() -> None:
    """Tokens, citations and what points into it go; where it comes from stays, and so do other candidates."""
    chunk = {"web": {"uri": "https://a.example", "title": "t"}}
    grounds = {"groundingChunks": [chunk], "groundingSupports": [GROUNDED]}
    more = {"avgLogprobs": -1.0, "citationMetadata": {"citations": []}, "groundingMetadata": grounds}
    body = answer({"text": "other"}, **more, logprobsResult={"chosenCandidates": [{"token": "other"}]})
    body["candidates"] += [{**body["candidates"][0], "index": 1, "content": {"parts": [{"text": "x"}]}}]
    tree = gemini_answer_fields.read_response(body)
    index = next(at for at, leaf in enumerate(tree.leaves) if getattr(leaf.content, "text", "") == "other")

    outcome = Outcome(Action.REDACT, (), (), (), Coverage(), (), True, edits={index: "[X]"})
    first, second = gemini_fields.edit_body(body, tree, outcome)["candidates"]

    content = {"role": "model", "parts": [{"text": "[X]"}]}
    assert first == {
        "content": content, "finishReason": "STOP", "index": 0, "groundingMetadata": {"groundingChunks": [chunk]},
    }  # fmt: skip
    assert second == body["candidates"][1]


def test_a_count_holds_numbers() -> None:
    """All else in it is judged."""
    assert not gemini_answer_fields.read_count(
        {"totalTokens": 3, "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 3}]}
    ).leaves
    assert gemini_answer_fields.read_count({"totalTokens": "said"}).leaves


def test_arguments_in_pieces_are_refused() -> None:
    """Their texts are split over parts that nobody puts together."""
    with pytest.raises(RequestError):
        gemini_answer_fields.read_response(
            answer({"functionCall": {"name": "f", "partialArgs": [{"stringValue": "x"}]}})
        )
