"""OpenAI's moderations: what is asked, and what is read of the answer."""

from __future__ import annotations

import math
from base64 import b64decode
from typing import Any

from guardrails.types import Image
from tests.cases import each_case

LABELS = (
    "harassment", "harassment/threatening", "hate", "hate/threatening", "illicit", "illicit/violent", "self-harm",
    "self-harm/intent", "self-harm/instructions", "sexual", "sexual/minors", "violence", "violence/graphic",
)  # fmt: skip


def result(**scores: Any) -> dict[str, Any]:
    """Return one result as the API writes it; `_` stands for `/` in names, and None leaves one out."""
    given = {
        name.replace("_", "/").replace("self/harm", "self-harm"): score for name, score in scores.items()
    }
    values = {**dict.fromkeys(LABELS, 0.001), **given}
    return {
        "flagged": any(isinstance(each, float) and each > 0.5 for each in values.values()),
        "categories": dict.fromkeys(LABELS, False),
        "category_scores": {label: score for label, score in values.items() if score is not None},
        "category_applied_input_types": {label: ["text"] for label in LABELS},
    }


def answer(*results: Any) -> dict[str, Any]:
    """Return a whole answer."""
    return {"id": "modr-1", "model": "omni-moderation-2024-09-26", "results": [*results]}


def by_text(asked: Any) -> Any:
    """Score hate where a text says `zqx`."""
    return answer(*(result(hate=0.9 if "zqx" in str(each) else 0.0) for each in asked.json["input"]))


def test_a_text_is_judged(far, guard, kit) -> None:
    """Each score is one of ours; small ones are no findings."""
    far.says(answer(result(hate=0.93, self_harm_intent=0.4, violence=0.05)))
    verdict = guard("service: openai", "hate >= 0.5", url=f"{far.url}/v1").check("a text")

    assert str(verdict.action) == "block"
    assert kit.found(verdict) == [("hate", 0.93, (0, 6)), ("self_harm.intent", 0.4, (0, 6))]
    assert far.asked[0].path == "/v1/moderations"
    assert far.asked[0].json == {"model": "omni-moderation-latest", "input": ["a text"]}


def test_texts_of_one_check_share_a_request(far, guard, kit) -> None:
    """Also the pieces of a long one; each finding has the span of its own."""
    far.answer = by_text
    text = "All is well here. " * 200 + "Then zqx comes. " + "All is well here. " * 200
    guarded = guard("service: openai, characters: 1000", "hate >= 0.5")
    verdict = guarded.check([{"role": "user", "content": "a"}, {"role": "user", "content": text}])

    assert len(far.asked) == 1
    assert len(far.asked[0].json["input"]) > 8
    place = text.index("zqx")
    assert [
        (each.path, each.category) for each in verdict.findings if each.span[0] <= place < each.span[1]
    ] == [("/1/content", "hate")]


def test_a_request_has_so_many_texts(far, guard) -> None:
    """Thirty-two; what is more goes beside it."""
    far.answer = by_text
    verdict = guard("service: openai").check([{"role": "user", "content": f"text {n}"} for n in range(40)])
    assert sorted(len(each.json["input"]) for each in far.asked) == [8, 32]
    assert str(verdict.action) == "allow"


def test_a_picture_is_a_request_of_its_own(far, guard, kit) -> None:
    """As a data URI, for one result."""
    far.says(answer(result(violence_graphic=0.8)))
    verdict = guard("service: openai", "violence >= 0.5").check(kit.png)

    assert str(verdict.action) == "block"
    assert kit.found(verdict) == [("violence.graphic", 0.8, None)]
    (part,) = far.asked[0].json["input"]
    kind, _, data = part["image_url"]["url"].partition(",")
    assert (part["type"], kind, b64decode(data)) == ("image_url", "data:image/png;base64", kit.png)
    assert verdict.coverage.not_seen == (
        "sexual.minors",
        "weapons",
        "hate",
        "drugs",
    )  # it has no score of these


@each_case(
    "image",
    [
        Image(b"zqx"),
        Image(b""),
        Image(url="http://127.0.0.1:1/a.png"),
        Image(b"RIFFxxxxWAVE"),
        Image(b"BMxxxx"),
    ],
    ids=["none", "empty", "address", "sound", "other"],
)
def test_a_picture_that_cannot_be_asked_is_unchecked(far, guard, image) -> None:
    """It is not sent, and not found to be clean; an address is never handed on to be fetched elsewhere."""
    verdict = guard("service: openai").check(image)
    assert str(verdict.action) == "block"
    assert [rule.id for rule in verdict.rules] == ["unchecked.part"]
    assert far.asked == []


def test_a_model_that_reads_no_pictures_gets_none(far, guard, kit) -> None:
    """It is said that nobody judged them."""
    verdict = guard("service: openai, model: text-moderation-latest").check(kit.png)
    assert str(verdict.action) == "block"
    assert [each.kind for each in verdict.coverage.unchecked] == ["part"]
    assert far.asked == []


def test_only_what_is_wanted_must_be_there(far, guard, kit) -> None:
    """A server with fewer categories serves a policy that wants no others; leaves of what is wanted are."""
    far.says(answer(result(illicit=None, illicit_violent=None, sexual_minors=0.7, hate=0.9)))
    wanted = guard("service: openai, categories: [sexual, violence]", "sexual >= 0.5")
    assert kit.found(wanted.check("a")) == [("sexual.minors", 0.7, (0, 1))]
    failed = kit.failed(guard("service: openai").check("a"))
    assert failed == "endpoint 'far': category_scores of 'illicit' is no number from 0 to 1"


def test_labels_can_be_added_and_changed(far, guard, kit) -> None:
    """A server with a category of its own must give it then; one label may stand for several categories."""
    labels = "labels: {brand: custom.brand, violence: [violence, illicit.violent], hate: []}"
    far.says(answer(result(brand=0.6, violence=0.7, hate=0.9)))
    guarded = guard(f"service: openai, model: own, {labels}", "custom.brand > 0.5")
    assert kit.found(guarded.check("a")) == [
        ("custom.brand", 0.6, (0, 1)), ("illicit.violent", 0.7, (0, 1)), ("violence", 0.7, (0, 1))
    ]  # fmt: skip
    assert far.asked[0].json["model"] == "own"
    far.says(answer(result()))
    assert "'brand'" in kit.failed(guarded.check("b"))


@each_case(
    "body",
    [
        None, [], "zqx", 1, {}, {"results": None}, {"results": {}}, {"results": []}, answer(None), answer("flagged"),
        answer({}), answer({"flagged": False}), answer({"category_scores": None}), answer({"category_scores": []}),
        answer({"flagged": True, "category_scores": {}}), answer(result(hate=None)), answer(result(hate="0.1")),
        answer(result(hate=True)), answer(result(hate=-0.1)), answer(result(hate=1.01)), answer(result(hate=math.nan)),
        answer(result(hate=math.inf)), answer(result(hate=10**400)), answer(result(hate=[0.1])),
        answer(result(), result()), {"error": {"message": "zqx", "code": "x"}}, answer(result())["results"],
        {"results": {"0": result()}},
    ],
)  # fmt: skip
def test_what_is_no_answer_has_failed(far, guard, kit, body) -> None:
    """The error names the endpoint and quotes nothing."""
    far.says(body)
    said = kit.failed(guard("service: openai").check("a text"))
    assert said.startswith("endpoint 'far': ")
    assert "zqx" not in said


def test_fewer_results_than_texts_have_failed(far, guard, kit) -> None:
    """Nobody knows whose result is missing."""
    far.says(answer(result()))
    verdict = guard("service: openai").check(
        [{"role": "user", "content": "a"}, {"role": "user", "content": "b"}]
    )
    assert str(verdict.action) == "block"
    assert {each.error for each in verdict.errors} == {
        "endpoint 'far': the answer has 1 results for 2 inputs"
    }
