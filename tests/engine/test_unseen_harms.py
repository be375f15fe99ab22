"""What nobody looked for in a picture stands in the coverage of its verdict, in its record, and in what people read."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import numpy as np
from PIL import Image as Pillow

from guardrails import Guard
from guardrails.detectors.images.image_hashes import ImageHashDetector
from guardrails.records.decision import describe_coverage
from guardrails.taxonomy import VISIBLE
from guardrails.types import CLEAN, Verdict
from tests.cases import each_case
from tests.films import film, scene

GREEN = "  {name}: {{use: green_square, category: {category}}}\n"
RULE = "  - {{id: {name}, on: output, when: {category} > 0.5, then: block}}\n"


def guard_for(guard_of: Callable[..., Guard], *categories: str) -> Guard:
    """Return a guard with a detector of pictures and a rule for each of these categories."""
    named = [(f"d{at}", category) for at, category in enumerate(categories)]
    detectors = "".join(GREEN.format(name=name, category=category) for name, category in named)
    rules = "".join(RULE.format(name=name, category=category) for name, category in named)
    return guard_of(f"detectors:\n{detectors}rules:\n{rules}")


def picture(*, green: bool = False) -> Any:
    """Return a grey or green picture."""
    return np.full((16, 16, 3), (0, 255, 0) if green else (90, 90, 90), dtype=np.uint8)


def missing(*seen: str) -> tuple[str, ...]:
    """Return all that pictures can show but for some."""
    return tuple(each for each in VISIBLE if each not in seen)


@each_case(
    ("categories", "seen"),
    [
        (["custom.other"], []),
        (["weapons"], ["weapons"]),
        (["sexual"], ["sexual.explicit", "sexual.suggestive"]),
        (["sexual.minors"], ["sexual.minors"]),
        (["violence"], ["violence.graphic"]),
        (["hate.threatening", "unsafe"], []),
        (["hate", "self_harm", "drugs"], ["hate", "self_harm", "drugs"]),
        ([*VISIBLE], [*VISIBLE]),
    ],
)
def test_what_no_detector_looks_for_is_not_seen(
    guard_of: Callable[..., Guard], categories: list[str], seen: list[str]
) -> None:
    """A coarser category sees what it holds, but for minors; a finer one, or `unsafe`, tells nothing of it."""
    verdict = guard_for(guard_of, *categories).check(picture(), "output")
    assert verdict.coverage.not_seen == missing(*seen)
    assert verdict.to_dict()["coverage"].get("not_seen", []) == [*missing(*seen)]
    assert describe_coverage(verdict.coverage).get("not_seen", []) == [*missing(*seen)]


def test_the_shipped_model_sees_no_more_than_sex() -> None:
    """As the verdict of the default policy says, which allows all the same; a text says nothing of it."""
    guard = Guard.load()
    verdict = guard.check(picture(), "output")
    assert (str(verdict.action), verdict.coverage.unchecked) == ("allow", ())
    assert verdict.coverage.not_seen == missing("sexual.explicit", "sexual.suggestive")
    assert "not_seen" not in guard.check("a text", "output").to_dict()["coverage"]


def test_what_one_picture_of_several_was_not_judged_by_is_told(guard_of: Callable[..., Guard]) -> None:
    """Detectors run at the stages of their rules."""
    guard = guard_of(
        "detectors:\n"
        + GREEN.format(name="a", category="weapons")
        + "rules:\n  - {id: a, on: output, when: weapons > 0.5, then: block}\n"
        "  - {id: b, on: input, when: 'content.kind == \"image\" && content.length > 9', then: flag}\n"
        "unchecked: {part: flag}\n"
    )
    assert "weapons" not in guard.check(picture(), "output").coverage.not_seen
    assert "weapons" in guard.check(picture(), "input").coverage.not_seen


def test_a_film_is_told_of_as_a_picture_is(guard_of: Callable[..., Guard]) -> None:
    """Its frames are pictures."""
    verdict = guard_for(guard_of, "weapons").check(film(scene(8)), "output")
    assert verdict.coverage.not_seen == missing("weapons")


def test_what_failed_has_not_seen(guard_of: Callable[..., Guard]) -> None:
    """A detector that crashed judged nothing."""
    guard = guard_of(
        "detectors:\n  d: {use: eyes}\n"
        "rules: [{id: r, on: output, when: weapons > 0.5, then: block, on_error: flag}]\n",
        detectors={"eyes": Eyes},
    )
    assert guard.check(picture(), "output").coverage.not_seen == missing()


class Eyes:
    """A detector of pictures that fails."""

    contents = frozenset({"image"})
    categories = ("weapons",)

    def detect(self, batch: Any) -> Any:
        """Fail."""
        raise RuntimeError


class Half(Eyes):
    """A detector that judges less in pictures than in texts."""

    contents = frozenset({"image", "text"})
    categories = ("weapons", "hate")
    sees = frozenset({"weapons"})

    def detect(self, batch: Any) -> Any:
        """Find nothing."""
        return [CLEAN for _ in batch]


def test_a_detector_may_say_what_of_all_it_sees_in_pictures(guard_of: Callable[..., Guard]) -> None:
    """As a service does that judges some categories in texts alone; so does a list of hashes, which knows pictures."""
    guard = guard_of(
        "detectors:\n  d: {use: half}\nrules: [{id: r, on: output, when: weapons > 0.5 || hate > 0.5, then: block}]\n",
        detectors={"half": Half},
    )
    assert guard.check(picture(), "output").coverage.not_seen == missing("weapons")
    assert ImageHashDetector.sees == frozenset()


def png() -> bytes:
    """Return the file of a picture."""
    out = io.BytesIO()
    Pillow.new("RGB", (16, 16)).save(out, "PNG")
    return out.getvalue()


def test_each_verdict_is_of_its_own_pictures(guard_of: Callable[..., Guard]) -> None:
    """In a message beside a text, too."""
    import base64

    url = f"data:image/png;base64,{base64.b64encode(png()).decode()}"
    guard = guard_of(
        "detectors:\n" + GREEN.format(name="a", category="drugs") + "rules:\n"
        "  - {id: a, on: input, when: drugs > 0.5, then: block}\n"
    )
    parts: list[Any] = [{"type": "text", "text": "hi"}, {"type": "image_url", "image_url": {"url": url}}]
    verdict: Verdict = guard.check([{"role": "user", "content": parts}])
    assert verdict.coverage.not_seen == missing("drugs")
