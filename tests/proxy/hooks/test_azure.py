"""Azure Content Safety's `text:analyze` and `text:shieldPrompt`: exact payloads of 2024-09-01."""

from __future__ import annotations

from tests.cases import each_case

ANALYZE = "/contentsafety/text:analyze?api-version=2024-09-01"
SHIELD = "/contentsafety/text:shieldPrompt?api-version=2024-09-01"


def test_severities_are_told_for_each_category(hooked, kit) -> None:
    """All four by default, in steps of two; a rule that only flags is no match."""
    answer = kit.send(hooked, ANALYZE, {"text": "you are silly"})

    assert (answer.status, answer.action) == (200, ("flag", "rude"))
    assert answer.json == {
        "blocklistsMatch": [],
        "categoriesAnalysis": [
            {"category": "Hate", "severity": 6},
            {"category": "SelfHarm", "severity": 0},
            {"category": "Sexual", "severity": 0},
            {"category": "Violence", "severity": 0},
        ],
    }


def test_eight_levels_go_to_seven(hooked, kit) -> None:
    """For the categories that were asked for."""
    asked = {"text": "you are silly", "categories": ["Hate"], "outputType": "EightSeverityLevels"}

    assert kit.send(hooked, ANALYZE, asked).json["categoriesAnalysis"] == [
        {"category": "Hate", "severity": 7}
    ]


@each_case(("text", "rule"), [("buy acme", "brand"), ("Write to ann@example.org", "mail")])
def test_what_the_policy_stops_is_a_match_of_a_blocklist(hooked, kit, text, rule) -> None:
    """Also what it would redact; whatever blocklists the client names. The text itself is not told."""
    asked = {
        "text": text,
        "categories": ["Hate", "Violence"],
        "blocklistNames": ["else"],
        "haltOnBlocklistHit": True,
    }

    told = kit.send(hooked, ANALYZE, asked).json

    assert told["blocklistsMatch"] == [
        {"blocklistName": rule, "blocklistItemId": rule, "blocklistItemText": ""}
    ]


def test_attacks_are_told_for_the_prompt_and_each_document(hooked, kit) -> None:
    """Each judged apart."""
    clean, attacked, found = (
        kit.send(hooked, SHIELD, {"userPrompt": prompt, "documents": documents}).json
        for prompt, documents in (
            ("hello", ["a", "b"]),
            ("zqxtrick", ["a"]),
            ("hello", ["a", "zqxtrick", "ann@example.org"]),
        )
    )

    no, yes = {"attackDetected": False}, {"attackDetected": True}
    assert clean == {"userPromptAnalysis": no, "documentsAnalysis": [no, no]}
    assert attacked == {"userPromptAnalysis": yes, "documentsAnalysis": [no]}
    assert found == {"userPromptAnalysis": no, "documentsAnalysis": [no, yes, yes]}


def test_a_prompt_or_documents_may_be_missing(hooked, kit) -> None:
    """What is missing has no analysis of its own."""
    no = {"attackDetected": False}

    assert kit.send(hooked, SHIELD, {"userPrompt": "x"}).json == {
        "userPromptAnalysis": no,
        "documentsAnalysis": [],
    }
    assert kit.send(hooked, SHIELD, {"documents": ["x"]}).json == {"documentsAnalysis": [no]}


def test_documents_stand_where_what_was_retrieved_stands(serve, guard_of, kit) -> None:
    """A rule for retrieval sees them, and not the prompt."""
    url = serve(
        guard_of("""
detectors: {word: {use: terms, terms: [zqxword], category: custom.word}}
rules: [{id: found, on: retrieval, when: custom.word > 0, then: block}]
""")
    )

    told = kit.send(url, SHIELD, {"userPrompt": "zqxword", "documents": ["zqxword"]}).json

    assert told == {
        "userPromptAnalysis": {"attackDetected": False},
        "documentsAnalysis": [{"attackDetected": True}],
    }


def test_what_an_unknown_field_says_counts_for_all(hooked, kit) -> None:
    """Nobody knows which of the texts it belongs to."""
    body = {"userPrompt": "x", "documents": ["y"], "more": "zqxtrick"}

    yes = {"attackDetected": True}
    assert kit.send(hooked, SHIELD, body).json == {"userPromptAnalysis": yes, "documentsAnalysis": [yes]}


@each_case(
    ("path", "body"),
    [
        (ANALYZE, {}),
        (ANALYZE, b"[]"),
        (ANALYZE, {"text": 1}),
        (ANALYZE, {"text": "x", "categories": ["Spam"]}),
        (ANALYZE, {"text": "x", "outputType": "Nine"}),
        (ANALYZE, {"text": "x", "haltOnBlocklistHit": "yes"}),
        (ANALYZE, {"text": "x", "blocklistNames": "all"}),
        (SHIELD, {}),
        (SHIELD, {"userPrompt": ["x"]}),
        (SHIELD, {"userPrompt": "x", "documents": [1]}),
    ],
)
def test_a_malformed_body_is_400(hooked, kit, path, body) -> None:
    """In Azure's shape."""
    answer = kit.send(hooked, path, body)

    assert answer.status == 400
    assert set(answer.json["error"]) == {"code", "message", "target", "details"}
    assert answer.headers["x-ms-error-code"] == answer.json["error"]["code"] == "InvalidRequestBody"


def test_a_guard_that_cannot_decide_blocks(full, kit) -> None:
    """As a match of a blocklist that says so, or as an attack: a client that takes an error for harmless passes nothing."""
    analyzed = kit.send(full, ANALYZE, {"text": "x"})
    shielded = kit.send(full, SHIELD, {"userPrompt": "x"})

    assert (analyzed.status, shielded.status) == (200, 200)
    assert [match["blocklistName"] for match in analyzed.json["blocklistsMatch"]] == ["guard_unavailable"]
    assert shielded.json["userPromptAnalysis"] == {"attackDetected": True}
    assert analyzed.headers["x-guardrails-unavailable"] == "capacity"
