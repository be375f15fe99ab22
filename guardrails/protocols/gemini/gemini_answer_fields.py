"""The field tables of Gemini's answers: an answer in, leaves out. Its names have one spelling; others are unknown fields."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from guardrails.engine.content.content_tree import ContentTree
from guardrails.engine.content.field_readers import (
    anything,
    by_table,
    each,
    figures,
    flag,
    keep,
    signature,
    text,
)
from guardrails.protocols.gemini.gemini_fields import parts
from guardrails.types import Place, Stage, Text
from guardrails.wire.pointers import Path

LISTED = ("chosenCandidates", "topCandidates")
"""Fields of log-probabilities with the tokens that stand there, and with those that could."""


def spelling(tree: ContentTree, value: Any, path: Path, place: Place) -> None:
    """Log-probabilities: what their tokens spell is judged unless it was, and which others could have stood there."""
    chosen, tops = _lists(value)
    if not all(map(_are_tokens, (chosen, *tops))):
        tree.anything(value, path, place)
        return
    known = {leaf.content.text for leaf in tree.leaves if isinstance(leaf.content, Text)}
    told = "".join(entry["token"] for entry in chosen)
    if told not in known:
        tree.text(told, path, place)
    tree.text("\n".join(dict.fromkeys(entry["token"] for top in tops for entry in top)), path, place)
    flag(tree, value.get("logProbabilitySum"), (*path, "logProbabilitySum"), place)


def _lists(value: Any) -> tuple[Any, list[Any]]:
    """Return the tokens of log-probabilities, and those that could have stood in each place; None for what are none."""
    if not isinstance(value, Mapping) or not value.keys() <= {*LISTED, "logProbabilitySum"}:
        return None, []
    others = value.get("topCandidates") or []
    if not isinstance(others, list) or not all(
        isinstance(top, Mapping) and {*top} <= {"candidates"} for top in others
    ):
        return None, []
    return value.get("chosenCandidates") or [], [top.get("candidates") or [] for top in others]


def _are_tokens(entries: Any) -> bool:
    """Whether these are tokens with their probabilities, and no more."""
    return isinstance(entries, list) and all(
        isinstance(entry, Mapping)
        and entry.keys() <= {"token", "tokenId", "logProbability"}
        and isinstance(entry.get("token"), str)
        and isinstance(entry.get("tokenId"), int | None)
        and isinstance(entry.get("logProbability"), int | float | None)
        for entry in entries
    )


def sources(tree: ContentTree, value: Any, path: Path, place: Place) -> None:
    """What an answer rests on: it was retrieved, and clients show it."""
    tree.anything(value, path, replace(place, stage=Stage.RETRIEVAL, also=(place.stage, *place.also)))


CITATION = each(
    by_table(
        {
            **dict.fromkeys(("startIndex", "endIndex"), flag),
            **dict.fromkeys(("uri", "title", "license"), text),
            "publicationDate": figures,
        }
    )
)
SUPPORT = each(
    by_table(
        {
            "segment": by_table(
                {**dict.fromkeys(("partIndex", "startIndex", "endIndex"), flag), "text": text}
            ),
            **dict.fromkeys(("groundingChunkIndices", "confidenceScores", "renderedParts"), figures),
        }
    )
)
GROUNDING = by_table(
    {
        **dict.fromkeys(("webSearchQueries", "imageSearchQueries", "retrievalQueries"), anything),
        **dict.fromkeys(("groundingChunks", "sourceFlaggingUris"), sources),
        "groundingSupports": SUPPORT,
        "searchEntryPoint": by_table({"renderedContent": text, "sdkBlob": signature}),
        "retrievalMetadata": figures,
        "googleMapsWidgetContextToken": signature,
    }
)
CANDIDATE = by_table(
    {
        "index": flag,
        "content": by_table({"role": keep, "parts": parts}),
        "finishReason": keep,
        "finishMessage": text,
        "safetyRatings": figures,
        **dict.fromkeys(("tokenCount", "avgLogprobs"), flag),
        "citationMetadata": by_table(dict.fromkeys(("citations", "citationSources"), CITATION)),
        "groundingMetadata": GROUNDING,
        "groundingAttributions": sources,
        "urlContextMetadata": by_table(
            {"urlMetadata": each(by_table({"retrievedUrl": text, "urlRetrievalStatus": keep}))}
        ),
        "logprobsResult": spelling,
    }
)


def candidate(tree: ContentTree, value: Any, path: Path, place: Place) -> None:
    """One candidate of an answer."""
    index = value.get("index") if isinstance(value, Mapping) else None
    CANDIDATE(tree, value, path, replace(place, choice_index=index if type(index) is int else int(path[-1])))


ANSWER = by_table(
    {
        "candidates": each(candidate),
        "promptFeedback": by_table(
            {"blockReason": keep, "blockReasonMessage": text, "safetyRatings": figures}
        ),
        **dict.fromkeys(("usageMetadata", "modelStatus"), figures),
        **dict.fromkeys(("modelVersion", "responseId", "createTime"), keep),
    }
)
COUNT = by_table(
    {
        **dict.fromkeys(("totalTokens", "cachedContentTokenCount"), flag),
        **dict.fromkeys(("promptTokensDetails", "cacheTokensDetails"), figures),
    }
)


def read_response(body: Any) -> ContentTree:
    """Return the leaves of an answer."""
    tree = ContentTree()
    ANSWER(tree, body, (), Place(Stage.OUTPUT, role="assistant"))
    return tree


def read_count(body: Any) -> ContentTree:
    """Return the leaves of a count, which holds numbers."""
    tree = ContentTree()
    COUNT(tree, body, (), Place(Stage.OUTPUT, role="assistant"))
    return tree
