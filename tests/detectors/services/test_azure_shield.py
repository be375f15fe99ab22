"""Azure's Prompt Shields: as what each stage is read, and what is read of the answer."""

from __future__ import annotations

from typing import Any

from guardrails.types import Place, Stage, Text
from tests.cases import each_case


def answer(prompt: Any = None, document: Any = None) -> dict[str, Any]:
    """Return an answer as the API writes it."""
    return {
        "userPromptAnalysis": None if prompt is None else {"attackDetected": prompt},
        "documentsAnalysis": [] if document is None else [{"attackDetected": document}],
    }


def by_body(asked: Any) -> Any:
    """Detect an attack where a text says `zqx`."""
    body = asked.json
    if "userPrompt" in body:
        return answer(prompt="zqx" in body["userPrompt"])
    return answer(document="zqx" in body["documents"][0])


@each_case(
    ("stage", "body", "category"),
    [
        ("input", {"userPrompt": "a zqx"}, "jailbreak"),
        ("tool_result", {"documents": ["a zqx"]}, "injection"),
        ("retrieval", {"documents": ["a zqx"]}, "injection"),
        ("tool_definition", {"documents": ["a zqx"]}, "injection"),
    ],
)
def test_what_a_model_reads_is_judged(far, guard, kit, stage, body, category) -> None:
    """A person's words as a prompt, what comes from elsewhere as a document."""
    far.answer = by_body
    guarded = guard("service: azure_shield", "jailbreak > 0.5 || injection > 0.5")
    verdict = guarded.check("a zqx", stage)
    assert kit.found(verdict) == [(category, 1.0, (0, 5))]
    (asked,) = far.asked
    assert (asked.path, asked.json) == ("/contentsafety/text:shieldPrompt?api-version=2024-09-01", body)
    assert str(guarded.check("a text", stage).action) == "allow"


@each_case("stage", ["output", "tool_call"])
def test_what_a_model_writes_is_not_sent(far, guard, stage) -> None:
    """It is no attack on the model that wrote it."""
    verdict = guard("service: azure_shield", "jailbreak > 0.5").check("a zqx", stage)
    assert (str(verdict.action), far.asked) == ("allow", [])


def test_a_turn_that_may_be_forged_is_a_prompt(far, guard) -> None:
    """A client may write an assistant's turn."""
    far.answer = by_body
    guarded = guard("service: azure_shield", "jailbreak > 0.5")
    assert guarded.check(Text("a zqx", Place(Stage.OUTPUT, also=(Stage.INPUT,)))).blocked


def test_what_is_not_wanted_is_not_asked(far, guard) -> None:
    """Each request costs."""
    guarded = guard("service: azure_shield, categories: [injection]", "injection > 0.5")
    assert str(guarded.check("a zqx", "input").action) == "allow"
    assert far.asked == []


@each_case(
    ("stage", "body"),
    [
        *(("input", body) for body in (
            None, [], {}, "zqx", answer(), answer(document=False), {"userPromptAnalysis": []},
            {"userPromptAnalysis": {}}, answer(prompt="false"), answer(prompt=0), {"userPromptAnalysis": False},
        )),
        *(("retrieval", body) for body in (
            None, {}, answer(), answer(prompt=False), {"documentsAnalysis": None}, {"documentsAnalysis": [None]},
            {"documentsAnalysis": [{}]}, answer(document=None), answer(document="no"), {"documentsAnalysis": [False]},
            {"documentsAnalysis": [{"attackDetected": False}] * 2}, {"documentsAnalysis": {"attackDetected": False}},
        )),
    ],
)  # fmt: skip
def test_what_is_no_answer_has_failed(far, guard, kit, stage, body) -> None:
    """The analysis of what was asked must be there."""
    far.says(body)
    said = kit.failed(guard("service: azure_shield", "jailbreak > 0.5 || injection > 0.5").check("a", stage))
    assert said.startswith("endpoint 'far': ")
    assert "zqx" not in said
