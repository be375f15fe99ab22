"""Vision models behind a server that speaks vLLM's protocol: policies on pictures end to end, and faults that never pass."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as Pillow

from guardrails import Guard, PolicyErrors
from guardrails.detectors.images.vision import VISION_FORMS
from guardrails.detectors.images.vision.llavaguard import NAMES, NONE
from guardrails.types import Verdict
from tests.cases import each_case
from tests.detectors.llm.vllm_kit import said, serve_vllm
from tests.films import film, scene

MODELS = {
    "llama-guard-4": "meta-llama/Llama-Guard-4-12B",
    "shieldgemma-2": "google/shieldgemma-2-4b-it",
    "llavaguard": "AIML-TUDA/LlavaGuard-v1.2-7B-OV",
    "described": "Qwen/Qwen3-VL-8B-Instruct",
}
"""Form → a model of it, by whose name it is found."""

POLICIES = {"weapons": "No firearms are shown.", "custom.logo": "No logo of Example Ltd is shown."}


@pytest.fixture
def vllm() -> Iterator[Any]:
    """A server; `answer` says what it answers and `asked` what it was asked."""
    with serve_vllm("safe") as served:
        yield served


@pytest.fixture
def guard_with(vllm: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Guard]:
    """Return a function: the fields of a detector in, a guard out that blocks by a condition."""
    (tmp_path / "endpoints.yaml").write_text(
        f"endpoints:\n  vllm: {{url: 'http://127.0.0.1:{vllm.server_address[1]}/v1', retries: 0, breaker: {{failures: 999}}}}\n"
    )
    monkeypatch.setenv("GUARDRAILS_ENDPOINTS", str(tmp_path / "endpoints.yaml"))

    def make(form: str, when: str = "unsafe >= 0.5", **fields: Any) -> Guard:
        detector = {"use": "image_classifier", "endpoint": "vllm", "model": MODELS[form], **fields}
        path = tmp_path / "policy.yaml"
        path.write_text(
            f"format: 1\nname: tested\ndetectors:\n  eyes: {json.dumps(detector)}\n"
            f"rules:\n  - {{id: r, on: [input, output], when: '{when}', then: block}}\nfilms: {{fps: 2}}\n"
        )
        return Guard.load(path)

    return make


def picture(side: int = 64) -> Any:
    """Return the pixels of a grey square."""
    return np.full((side, side, 3), 90, dtype=np.uint8)


def scores(verdict: Verdict) -> dict[str, float]:
    """Return the score of each category."""
    return {each.category: each.score for each in verdict.findings}


def shown(body: Any) -> list[Pillow.Image]:
    """Return the pictures that a request shows."""
    urls = [
        part["image_url"]["url"]
        for message in body["messages"]
        if isinstance(message["content"], list)
        for part in message["content"]
        if part["type"] == "image_url"
    ]
    return [Pillow.open(io.BytesIO(base64.b64decode(url.partition(",")[2]))) for url in urls]


def assessment(rating: str, category: str = NONE) -> str:
    """Return an answer of LlavaGuard."""
    return json.dumps({"rating": rating, "category": category, "rationale": "It shows a square."})


def test_the_names_of_models_tell_their_forms() -> None:
    """Each form has a model here."""
    assert MODELS.keys() == VISION_FORMS.keys()


@pytest.mark.parametrize(
    ("form", "answer", "fields", "found"),
    [
        ("llama-guard-4", said("safe"), {}, {}),
        (
            "llama-guard-4",
            said("unsafe\nS10,S3"),
            {"probabilities": False},
            {"unsafe": 1, "hate": 1, "sexual": 1},
        ),
        (
            "llama-guard-4",
            said("unsafe\nS10", {"unsafe": 0.9, "safe": 0.1}),
            {},
            {"unsafe": 0.9, "hate": 0.9},
        ),
        ("llama-guard-4", said("safe", {"safe": 0.7, "unsafe": 0.3}), {}, {"unsafe": 0.3}),
        ("llavaguard", said(assessment("Safe")), {"probabilities": False}, {}),
        (
            "llavaguard",
            said(assessment("Unsafe", NAMES["O6"])),
            {"probabilities": False},
            {"unsafe": 1, "weapons": 1, "drugs": 1},
        ),
        (
            "llavaguard",
            said(assessment("Unsafe", NAMES["O7"]), {"Unsafe": 0.8, "Safe": 0.2}),
            {"categories": ["self_harm"]},
            {"self_harm": 0.8},
        ),
        ("described", said('{"violation": 0, "policies": []}'), {"policies": POLICIES}, {}),
        (
            "described",
            said('```json\n{"violation": 1, "policies": ["weapons"]}\n```'),
            {"policies": POLICIES},
            {"weapons": 1},
        ),
        (
            "shieldgemma-2",
            lambda body: (
                ("Yes", {"Yes": 0.75, "No": 0.25}) if "Gore" in str(body["messages"]) else ("No", {"No": 1.0})
            ),
            {},
            {"violence.graphic": 0.75},
        ),
    ],
)
def test_answers_become_categories(
    guard_with: Callable[..., Guard], vllm: Any, form: str, answer: Any, fields: Any, found: dict[str, float]
) -> None:
    """With the probability of the verdict where the server gives that of tokens."""
    vllm.answer = answer
    names = ["weapons", "custom.logo"] if form == "described" else [*dict.fromkeys(
        each for told in VISION_FORMS[form].labels.values() for each in told
    )]  # fmt: skip
    when = f"{(fields.get('categories') or names)[0]} >= 0.99"
    verdict = guard_with(form, when, **fields).check(picture(), "output")
    assert scores(verdict) == pytest.approx(found, abs=1e-3)
    assert verdict.errors == ()
    for path, body in vllm.asked:
        [image] = shown(body)
        assert (path, image.size, image.format) == ("/v1/chat/completions", (64, 64), "JPEG")
        assert (body["model"], body["temperature"]) == (MODELS[form], 0)


def test_each_policy_is_a_question_of_its_own(guard_with: Callable[..., Guard], vllm: Any) -> None:
    """For ShieldGemma 2; a policy of one's own is asked beside its three, and what is not wanted is not asked."""
    vllm.answer = said("No", {"No": 1.0})
    own = {"weapons": "No Weapons content: The image shall not contain firearms."}
    guard_with("shieldgemma-2", "weapons > 0.5", policies=own).check(picture(), "output")
    assert len(vllm.asked) == 4
    vllm.asked.clear()
    guard_with("shieldgemma-2", "weapons > 0.5", policies=own, categories=["weapons"]).check(
        picture(), "output"
    )
    [(_, body)] = vllm.asked
    assert body["messages"][0]["content"][1] == {"type": "text", "text": own["weapons"]}


def test_a_violation_blocks_and_what_no_policy_names_is_not_seen(
    guard_with: Callable[..., Guard], vllm: Any
) -> None:
    """The verdict tells what the model was not asked for."""
    vllm.answer = said('{"violation": 1, "policies": ["weapons"]}')
    verdict = guard_with("described", "weapons > 0.5", policies=POLICIES).check(picture(), "output")
    assert (str(verdict.action), [rule.id for rule in verdict.rules]) == ("block", ["r"])
    assert "weapons" not in verdict.coverage.not_seen
    assert "hate" in verdict.coverage.not_seen


def test_a_large_picture_is_sent_smaller(guard_with: Callable[..., Guard], vllm: Any) -> None:
    """And keeps its shape."""
    guard_with("llama-guard-4", side=128, probabilities=False).check(
        np.zeros((100, 400, 3), dtype=np.uint8), "output"
    )
    [image] = shown(vllm.asked[0][1])
    assert image.size == (128, 32)


def animation(frames: int) -> bytes:
    """Return a GIF whose frames differ."""
    made = [Pillow.new("RGB", (32, 32), (255 * at // frames, 0, 0)) for at in range(frames)]
    out = io.BytesIO()
    made[0].save(out, "PNG", save_all=True, append_images=made[1:], duration=50)
    return out.getvalue()


def test_frames_of_an_animation_are_judged_each(guard_with: Callable[..., Guard], vllm: Any) -> None:
    """With the time of what is found; more than `frames` of them are not shown, and said to be unchecked."""
    bright = 120

    def answer(body: Any) -> tuple[str, None]:
        [image] = shown(body)
        red = int(np.asarray(image)[0, 0, 0])
        return ("unsafe\nS10" if red > bright else "safe"), None

    vllm.answer = answer
    verdict = guard_with("llama-guard-4", probabilities=False).check(animation(3), "output")
    assert {(each.category, each.clip) for each in verdict.findings} == {
        ("unsafe", (100, 150)),
        ("hate", (100, 150)),
    }
    vllm.asked.clear()
    verdict = guard_with("llama-guard-4", probabilities=False, frames=2).check(animation(5), "output")
    assert len(vllm.asked) == 2
    assert [each.kind for each in verdict.coverage.unchecked] == ["limit"]


def test_frames_of_a_film_are_judged(guard_with: Callable[..., Guard], vllm: Any) -> None:
    """Those that every detector of pictures looks at."""
    vllm.answer = said("unsafe\nS10")
    verdict = guard_with("llama-guard-4", probabilities=False).check(film(scene(8)), "output")
    assert verdict.blocked
    assert {each.category for each in verdict.findings} == {"unsafe", "hate"}


@pytest.mark.parametrize(
    "answer",
    [
        said("I cannot help with that"),
        said("unsafe"),
        said("unsafe\nS99"),
        lambda _body: 500,
        lambda _body: b"not json",
        lambda _body: None,
        lambda _body: {"choices": []},
    ],
)
def test_what_is_no_answer_never_passes(guard_with: Callable[..., Guard], vllm: Any, answer: Any) -> None:
    """It is a failure of the service, by which the content is blocked."""
    vllm.answer = answer
    verdict = guard_with("llama-guard-4", probabilities=False).check(picture(), "output")
    assert verdict.blocked
    assert verdict.unavailable is not None
    assert verdict.errors[0].detector == "eyes"


@each_case(
    ("form", "fields", "code"),
    [
        ("described", {}, "missing_policies"),
        ("llavaguard", {"policies": POLICIES}, "unused_field"),
        ("described", {"policies": {"gun": "No guns."}}, "unknown_category"),
        ("llama-guard-4", {"labels": {"S77": "hate"}}, "unknown_label"),
        ("llama-guard-4", {"categories": ["weapons"]}, "unknown_category"),
        ("llama-guard-4", {"large": 100}, "unused_field"),
        ("llama-guard-4", {"prompts": {"hate": "a"}}, "unused_field"),
        ("llama-guard-4", {"boxes": "auto"}, "unused_field"),
        ("llama-guard-4", {"endpoint": "nowhere"}, "unknown_endpoint"),
    ],
)
def test_what_is_wrong_is_told_at_load(
    guard_with: Callable[..., Guard], form: str, fields: Any, code: str
) -> None:
    """With its place in the policy."""
    with pytest.raises(PolicyErrors) as caught:
        guard_with(form, **fields)
    assert code in [error.code for error in caught.value], [str(error) for error in caught.value]


def test_a_model_of_words_needs_a_server(guard_with: Callable[..., Guard]) -> None:
    """It does not run in this process."""
    with pytest.raises(PolicyErrors, match="behind a server"):
        guard_with("llavaguard", endpoint=None)
