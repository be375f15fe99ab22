"""Azure AI Content Safety: what is asked, and what is read of the answer."""

from __future__ import annotations

import math
from base64 import b64decode
from typing import Any

import pytest

from guardrails import PolicyErrors
from guardrails.types import Image
from tests.cases import each_case

HARMS = ("Hate", "SelfHarm", "Sexual", "Violence")
KEYED = "key: {env: ZQX_KEY}, key_header: Ocp-Apim-Subscription-Key"


def answer(matches: Any = (), **severities: Any) -> dict[str, Any]:
    """Return an answer as the API writes it; a severity of None leaves a category out."""
    values = {**dict.fromkeys(HARMS, 0), **severities}
    return {
        "blocklistsMatch": [
            {"blocklistName": name, "blocklistItemId": "1", "blocklistItemText": "zqx"} for name in matches
        ],
        "categoriesAnalysis": [
            {"category": name, "severity": value} for name, value in values.items() if value is not None
        ],
    }


def test_a_text_is_judged(far, guard, kit, monkeypatch) -> None:
    """In eight levels, with the resource's key in its own header."""
    monkeypatch.setenv("ZQX_KEY", "zqx-key")
    far.says(answer(Violence=4, Hate=1))
    verdict = guard("service: azure", "violence >= 0.5", endpoint=KEYED).check("a text")

    assert kit.found(verdict) == [("hate", 0.143, (0, 6)), ("violence", 0.571, (0, 6))]
    assert str(verdict.action) == "block"
    (asked,) = far.asked
    assert asked.path == "/contentsafety/text:analyze?api-version=2024-09-01"
    assert asked.headers["ocp-apim-subscription-key"] == "zqx-key"
    assert "authorization" not in asked.headers
    assert asked.json == {"text": "a text", "categories": [*HARMS], "outputType": "EightSeverityLevels"}


@each_case(("severity", "score"), [(0, None), (1, 0.143), (2, 0.286), (4, 0.571), (6, 0.857), (7, 1.0)])
def test_a_score_is_the_severity_by_seven(far, guard, kit, severity, score) -> None:
    """So that the same severity has the same score, whatever was judged."""
    far.says(answer(Hate=severity))
    verdict = guard("service: azure", "hate >= 0.9", then="flag").check("a")
    assert kit.found(verdict) == ([] if score is None else [("hate", score, (0, 1))])


def test_a_picture_is_judged(far, guard, kit) -> None:
    """In four levels."""
    far.says({"categoriesAnalysis": answer(Sexual=6)["categoriesAnalysis"]})
    verdict = guard("service: azure", "sexual >= 0.8").check(kit.jpeg)

    assert kit.found(verdict) == [("sexual", 0.857, None)]
    (asked,) = far.asked
    assert asked.path == "/contentsafety/image:analyze?api-version=2024-09-01"
    assert b64decode(asked.json["image"]["content"]) == kit.jpeg
    assert asked.json["outputType"] == "FourSeverityLevels"


@each_case("data", [b"", b"zqx", b"\x89PNG\r\n\x1a\n" + b"0" * (4 << 20)], ids=["none", "other", "large"])
def test_a_picture_that_it_does_not_read_is_unchecked(far, guard, data) -> None:
    """It is not sent."""
    verdict = guard("service: azure").check(Image(data, url="http://127.0.0.1:1/"))
    assert [rule.id for rule in verdict.rules] == ["unchecked.part"]
    assert far.asked == []


def test_a_blocklist_is_asked_for(far, guard, kit) -> None:
    """A hit is certain; a list may have a category of its own."""
    far.says(answer(["brands", "rivals"]))
    fields = "service: azure, blocklists: [brands, rivals], labels: {rivals: custom.rivals}, categories: [custom, hate]"
    verdict = guard(fields, "custom.blocklist > 0").check("zqx")

    assert kit.found(verdict) == [("custom.blocklist", 1.0, (0, 3)), ("custom.rivals", 1.0, (0, 3))]
    assert far.asked[0].json == {
        "text": "zqx", "categories": ["Hate"], "outputType": "EightSeverityLevels", "blocklistNames": ["brands", "rivals"],
        "haltOnBlocklistHit": False,
    }  # fmt: skip


def test_a_long_text_goes_in_pieces(far, guard, kit) -> None:
    """Of ten thousand characters, which is what one request may have."""
    far.answer = lambda asked: answer(Hate=6 if "zqx" in asked.json["text"] else 0)
    text = "All is well here. " * 1_000 + "Then zqx. " + "All is well here. " * 1_000
    verdict = guard("service: azure", "hate >= 0.5").check(text)
    (found,) = verdict.findings
    assert found.span[0] <= text.index("zqx") < found.span[1]
    assert len(far.asked) == 5
    assert max(len(each.json["text"]) for each in far.asked) <= 10_000


ENTRY = {"category": "Hate", "severity": 0}


@each_case(
    "body",
    [
        None, [], {}, "zqx", {"categoriesAnalysis": None}, {"categoriesAnalysis": {}}, {"categoriesAnalysis": []},
        {"categoriesAnalysis": [None] * 4}, {"categoriesAnalysis": [{}] * 4}, {"categoriesAnalysis": [ENTRY] * 4},
        {"error": {"code": "zqx", "message": "zqx"}}, answer(Hate=None), answer(Hate="0"), answer(Hate=True),
        answer(Hate=-1), answer(Hate=8), answer(Hate=math.nan), answer(Hate=[0]), answer(Hate={"value": 0}),
        {"categoriesAnalysis": [{"category": name} for name in HARMS]},
        {"categoriesAnalysis": [{"category": name.lower(), "severity": 0} for name in HARMS]},
        {"categoriesAnalysis": [*answer()["categoriesAnalysis"], {"category": "zqx", "severity": "x"}]},
    ],
)  # fmt: skip
def test_what_is_no_answer_has_failed(far, guard, kit, body) -> None:
    """Each kind of harm that was asked for must be there, once."""
    far.says(body)
    said = kit.failed(guard("service: azure").check("a text"))
    assert said.startswith("endpoint 'far': ")
    assert "zqx" not in said


@each_case(
    "matches", [..., None, {}, [None], ["brands"], [{}], [{"blocklistName": None}], [{"blocklistName": 1}]]
)
def test_blocklists_that_are_not_answered_have_failed(far, guard, kit, matches) -> None:
    """Where they were asked for."""
    body = answer() | {"blocklistsMatch": matches}
    far.says({name: value for name, value in body.items() if value is not ...})
    assert kit.failed(guard("service: azure, blocklists: [brands]").check("a")).startswith("endpoint 'far': ")


@each_case("label", ["hate", "brands", "Self-Harm"])
def test_a_label_is_one_of_the_service(guard, label) -> None:
    """It has four, and the blocklists that are named."""
    with pytest.raises(PolicyErrors, match=f"unknown_label: detector 'd': the service has no '{label}'"):
        guard(f"service: azure, labels: {{{label}: hate}}")
