"""Perspective's `comments:analyze`: exact payloads of v1alpha1."""

from __future__ import annotations

from typing import Any

from tests.cases import each_case

PATH = "/v1alpha1/comments:analyze?key=k"
ASKED: dict[str, Any] = {
    "comment": {"text": "you are silly"},
    "languages": ["en"],
    "doNotStore": True,
    "spanAnnotations": True,
    "clientToken": "c1",
    "requestedAttributes": {"TOXICITY": {}, "THREAT": {"scoreThreshold": 0.2}},
}


def score(value: float) -> dict[str, Any]:
    """Return a score."""
    return {"value": value, "type": "PROBABILITY"}


def test_attributes_have_the_scores_of_their_categories(hooked, kit) -> None:
    """Where they stand; one below its threshold is left out."""
    answer = kit.send(hooked, PATH, ASKED)

    assert answer.status == 200
    assert answer.json == {
        "attributeScores": {
            "TOXICITY": {
                "spanScores": [{"begin": 8, "end": 13, "score": score(1.0)}],
                "summaryScore": score(1.0),
            }
        },
        "languages": ["en"],
        "detectedLanguages": ["en"],
        "clientToken": "c1",
    }


def test_a_clean_comment_scores_nothing(hooked, kit) -> None:
    """The whole of it is the span."""
    told = kit.send(hooked, PATH, {**ASKED, "comment": {"text": "hello"}}).json

    whole = [{"begin": 0, "end": 5, "score": score(0.0)}]
    assert told["attributeScores"] == {"TOXICITY": {"spanScores": whole, "summaryScore": score(0.0)}}


@each_case("text", ["zqxbomb", "Write to ann@example.org"])
def test_what_the_policy_stops_scores_highest(hooked, kit, text) -> None:
    """In all attributes, if the rule speaks of none of them: no threshold lets it pass."""
    asked = {
        "comment": {"text": text},
        "requestedAttributes": {"TOXICITY": {}, "THREAT": {"scoreThreshold": 0.9}},
    }

    told = kit.send(hooked, PATH, asked).json

    assert told["attributeScores"] == {name: {"summaryScore": score(1.0)} for name in ("TOXICITY", "THREAT")}
    assert "clientToken" not in told


def test_a_rule_raises_the_attributes_that_it_speaks_of(serve, guard_of, kit) -> None:
    """And no others."""
    url = serve(
        guard_of("""
detectors: {rude: {use: terms, terms: [silly], category: harassment}}
rules: [{id: rude, on: input, when: harassment > 0, then: block}]
""")
    )
    asked = {"comment": {"text": "silly"}, "requestedAttributes": {"INSULT": {}, "SEXUALLY_EXPLICIT": {}}}

    told = kit.send(url, PATH, asked).json["attributeScores"]

    assert {name: each["summaryScore"]["value"] for name, each in told.items()} == {
        "INSULT": 1.0,
        "SEXUALLY_EXPLICIT": 0.0,
    }


@each_case(
    "fields",
    [
        {"comment": None},
        {"comment": {"text": 1}},
        {"requestedAttributes": None},
        {"requestedAttributes": {"NICENESS": {}}},
        {"requestedAttributes": {"TOXICITY": []}},
        {"requestedAttributes": {"TOXICITY": {"scoreThreshold": "high"}}},
        {"requestedAttributes": {"TOXICITY": {"scoreThreshold": True}}},
        {"languages": "en"},
        {"spanAnnotations": 1},
        {"clientToken": 1},
        {"context": "x"},
    ],
)
def test_a_malformed_body_is_400(hooked, kit, fields) -> None:
    """In Google's shape."""
    answer = kit.send(hooked, PATH, {**ASKED, **fields})

    assert answer.status == 400
    assert set(answer.json["error"]) == {"code", "message", "status"}
    assert (answer.json["error"]["code"], answer.json["error"]["status"]) == (400, "INVALID_ARGUMENT")


def test_a_guard_that_cannot_decide_scores_highest(full, kit) -> None:
    """A client that takes an error for harmless passes nothing; a header says why."""
    answer = kit.send(full, PATH, ASKED)

    assert answer.status == 200
    assert {each["summaryScore"]["value"] for each in answer.json["attributeScores"].values()} == {1.0}
    assert answer.headers["x-guardrails-unavailable"] == "capacity"
