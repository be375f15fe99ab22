"""The words that raise a classifier's score."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from guardrails import Detection, Guard
from guardrails.authoring.explain.explanation import explain
from guardrails.authoring.explain.word_importance import FEWEST, PASSES, ScoreImportance
from guardrails.detectors.kinds import Kind
from guardrails.types import CLEAN, Finding

Toy = Callable[[Callable[[str], float]], tuple[Guard, Any]]
"""How a toy classifier scores a text → a guard with it, and the detector."""

RULES = """
detectors:
  own: {use: own}
rules:
  - {id: r, on: input, when: custom.own > 0.5, then: block}
"""


@pytest.fixture
def toy(guard_of: Callable[..., Guard], kind_of: Callable[..., Kind], own: Any) -> Toy:
    """Return a function that makes a guard with a toy classifier, which judges all of a text as one passage."""

    def make(score: Callable[[str], float]) -> tuple[Guard, Any]:
        def judge(content: Any) -> Detection:
            value = score(content.text)
            return (
                Detection((Finding("custom.own", value, "own", (0, len(content.text))),)) if value else CLEAN
            )

        detector = own(judge)
        detector.passages = True
        return guard_of(RULES, detectors={"own": kind_of(detector)}), detector

    return make


def raised(guard: Guard, text: str, **more: Any) -> ScoreImportance:
    """Return what raises the score of the only category that is found."""
    [found] = explain(guard, text, **more).raised
    return found


def words(found: ScoreImportance) -> list[str]:
    """Return the words, those that add most first."""
    return [word.text for word in found.words]


def counting(weights: dict[str, float]) -> Callable[[str], float]:
    """Return a score that is the sum of what the words of a text weigh, at most 1."""
    return lambda text: min(1.0, sum(weights.get(word.strip(".,!"), 0.0) for word in text.split()))


def test_each_word_adds_what_the_score_loses_without_it(toy: Toy) -> None:
    """The words that add most come first, each where it stands, without what stands around it."""
    guard, _ = toy(counting({"rage": 0.5, "fury": 0.25}))
    text = "so much fury, and rage!"
    found = raised(guard, text)
    assert [(word.text, text[slice(*word.span)], word.adds) for word in found.words] == [
        ("rage", "rage", 0.5),
        ("fury", "fury", 0.25),
    ]
    assert (found.score, found.category, found.finding, found.error) == (0.75, "custom.own", 1, None)


def test_words_that_say_the_same_are_left_out_together(toy: Toy) -> None:
    """Neither adds anything by itself."""
    guard, _ = toy(lambda text: 0.9 if "rage" in text or "fury" in text else 0.1)
    found = raised(guard, "rage and fury")
    assert found.words == ()
    assert found.left == 0.1
    assert {"rage", "fury"} <= {word.text for word in found.together}


def test_one_word_that_is_all_is_told_alone(toy: Toy) -> None:
    """There is nothing to leave out together with it."""
    guard, _ = toy(counting({"rage": 0.9}))
    found = raised(guard, "a lot of rage in here")
    assert (words(found), found.together, found.left) == (["rage"], (), None)


@pytest.mark.parametrize(
    ("length", "place", "passes"),
    [(500, 0, FEWEST), (500, 250, FEWEST), (500, 499, FEWEST), (500, 250, PASSES), (5_000, 4_000, PASSES)],
)
def test_a_long_text_takes_no_more_judgements(toy: Toy, length: int, place: int, passes: int) -> None:
    """Stretches are left out first, then the words of those that matter, so the word is found wherever it stands."""
    guard, detector = toy(counting({"rage": 0.9}))
    text = " ".join("rage" if at == place else f"w{at}" for at in range(length))
    found = raised(guard, text, passes=passes)
    assert words(found) == ["rage"]
    assert found.passes <= passes
    assert len(detector.seen) <= passes + 1  # the check itself


def test_the_work_is_bounded_however_long_a_text_is(toy: Toy) -> None:
    """Of one with far too many words some are looked at."""
    guard, detector = toy(lambda _: 0.9)
    assert raised(guard, "word " * 20_000, passes=FEWEST).passes <= FEWEST
    assert len(detector.seen) <= FEWEST + 1


def test_the_same_text_gives_the_same_words(toy: Toy) -> None:
    """There is no chance in it."""
    guard, _ = toy(counting({f"w{at}": 0.03 for at in range(40)}))
    text = " ".join(f"w{at}" for at in range(30))
    assert raised(guard, text) == raised(guard, text)


@pytest.mark.parametrize("text", ["怒りの言葉", "รักโกรธ怒", "so怒much"])
def test_scripts_without_blanks_are_taken_apart(toy: Toy, text: str) -> None:
    """Each of their characters is a word."""
    guard, _ = toy(lambda given: 0.9 if "怒" in given or "โ" in given.replace("怒", "") else 0.0)
    found = raised(guard, text)
    assert all(len(word.text) == 1 for word in (*found.words, *found.together))
    assert found.words or found.together


@pytest.mark.parametrize("passes", [0])
def test_nobody_has_to_look_for_words(toy: Toy, passes: int) -> None:
    """None are judged again then."""
    guard, detector = toy(counting({"rage": 0.9}))
    assert explain(guard, "rage", passes=passes).raised == ()
    assert len(detector.seen) == 1


def test_too_few_judgements_tell_nothing(toy: Toy) -> None:
    """That is an error."""
    guard, _ = toy(counting({"rage": 0.9}))
    with pytest.raises(ValueError, match="tell no words apart"):
        explain(guard, "rage", passes=FEWEST - 1)


def test_low_scores_are_not_asked_for(toy: Toy) -> None:
    """Models say something of every text."""
    guard, _ = toy(lambda _: 0.15)
    assert explain(guard, "fine").raised == ()


def test_a_model_that_fails_is_said_to(toy: Toy) -> None:
    """The verdict stands; only the words are not known."""
    calls = iter([0.9])
    guard, _ = toy(lambda _: next(calls))
    found = raised(guard, "rage")
    assert (found.words, found.error) == ((), "raised StopIteration")
    assert found.to_dict()["error"] == "raised StopIteration"


def test_other_detectors_have_no_words(guard_of: Callable[..., Guard]) -> None:
    """They say where what they find is."""
    text = "detectors:\n  w: {use: terms, terms: [rage], category: custom.x}\nrules:\n  - {id: r, on: input, when: custom.x > 0, then: block}\n"
    assert explain(guard_of(text), "rage").raised == ()


def test_the_shipped_model_names_the_words(guard_of: Callable[..., Guard]) -> None:
    """An insult is one for its words, not for those around."""
    text = (
        "detectors:\n  s: {use: classifier}\nrules:\n  - {id: r, on: input, when: toxic > 0.5, then: block}\n"
    )
    found = {
        each.category: each
        for each in explain(guard_of(text), "My dear friend, you stupid idiot, sit down.").raised
    }
    assert {"stupid", "idiot"} & set(words(found["toxic"]))
    assert not {"friend", "down"} & set(words(found["toxic"])[:1])
    assert found["toxic"].passes <= PASSES


def test_any_sequence_classifier_is_asked_in_the_same_way(
    guard_of: Callable[..., Guard], sequence_folder: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """By its own `detect`, so the model makes no difference."""
    folder = sequence_folder({"rage": {"bad": 4.0}, "fine": {"bad": -1.0}, "day": {}}, bias={"bad": -2.0})
    monkeypatch.setenv("GUARDRAILS_MODELS", str(folder.parent))
    guard = guard_of(f"""
detectors:
  own: {{use: classifier, model: {folder.name}, labels: {{bad: toxic}}}}
rules:
  - {{id: r, on: input, when: toxic > 0.5, then: block}}
""")
    found = raised(guard, "fine day rage")
    assert words(found) == ["rage"]
    assert found.words[0].span == (9, 13)
