"""What is written in pictures meets the rules on texts, and is covered where it stands."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from guardrails import Guard
from guardrails.detectors.images.text_layout import PlacedText, TextLine, place_lines
from guardrails.media.images.picture import open_picture
from guardrails.types import CLEAN, Content, Detection, Image

RULES = """
detectors:
  written: {use: own}
  pii: {use: pii, entities: [email]}
  words: {use: terms, terms: [zqxbomb], category: custom.bomb}
  short: {use: length, max_characters: 20, category: custom.long}
rules:
  - {id: pii, on: [input, output], when: pii > 0, then: redact}
  - {id: bomb, on: [input, output], when: custom.bomb > 0, then: block}
  - {id: long, on: [input, output], when: custom.long > 0, then: block}
"""
LINES = {
    1: (TextLine("mail jo@example.com today", (20, 10, 250, 20)), TextLine("or never", (20, 40, 80, 20))),
    2: (TextLine("a zqxbomb", (20, 10, 90, 20)),),
    3: (TextLine("nothing at all, in a text that is long", (20, 10, 90, 20)),),
    4: (TextLine(b64encode(b"write to jo@example.com").decode(), (20, 10, 250, 20)),),
}
"""What is written in pictures, by how they begin; the number of the picture is its first pixel."""


class Reads:
    """A reader of the test's own: it knows pictures by their first pixel, and sees what is black as nothing."""

    pixels = True

    def detect(self, batch: Sequence[Content]) -> list[Detection]:
        return [CLEAN] * len(batch)

    def extracts(self, batch: Sequence[Content]) -> list[tuple[PlacedText, ...]]:
        return [self._one(content) for content in batch]

    def _one(self, content: Content) -> tuple[PlacedText, ...]:
        assert isinstance(content, Image)
        view = content.source.views[0]
        number = int(view[0, 0, 0])
        if number == 9:
            raise ValueError("cannot read")
        left = [line for line in LINES.get(number, ()) if view[line.box[1] + 5, line.box[0] + 60].any()]
        made = place_lines(left, "ocr")
        return () if made is None else (made,)


def picture(number: int) -> np.ndarray:
    """Return the picture of a number."""
    pixels = np.full((80, 300, 3), 200, dtype=np.uint8)
    pixels[0, 0] = number
    return pixels


@pytest.fixture(scope="module")
def guard(guard_of: Callable[..., Guard], kind_of: Any) -> Guard:
    """A guard that reads pictures."""
    return guard_of(RULES, detectors={"own": kind_of(Reads(), contents=frozenset({"image"}))})


def test_a_text_in_a_picture_meets_the_rules_on_texts(guard: Guard) -> None:
    """At the stage of the picture, with its path, a box and its origin."""
    verdict = guard.check(picture(2), "output")
    [finding] = verdict.findings
    assert (finding.category, finding.detector, finding.origin, finding.span) == (
        "custom.bomb",
        "words",
        "ocr",
        None,
    )
    assert finding.box == (30, 10, 80, 20)
    assert (verdict.blocked, [rule.id for rule in verdict.rules]) == (True, ["bomb"])
    assert verdict.to_dict()["coverage"]["image"]["checked"] == 1  # type: ignore[index]


def test_a_rule_that_redacts_covers_it_in_the_picture(guard: Guard) -> None:
    """The line beside it stays, and what comes out is read again."""
    verdict = guard.check(picture(1), "output")
    assert (str(verdict.action), [rule.reason for rule in verdict.rules]) == ("redact", ["matched"])
    [finding] = verdict.findings
    assert finding.box is not None
    x, y, width, height = finding.box
    made: Any = verdict.content
    assert not made[y : y + height, x : x + width].any()
    assert (made[45:] == picture(1)[45:]).all()
    assert guard.check(made, "output").findings == ()


def test_what_stands_encoded_in_a_picture_is_covered_too(guard: Guard) -> None:
    """Two extractors, one after the other."""
    verdict = guard.check(picture(4), "output")
    assert str(verdict.action) == "redact"
    [finding] = verdict.findings
    assert (finding.category, finding.box is None, finding.span) == ("pii.email", False, None)
    assert open_picture(verdict.content).views[0][20, 150].tolist() == [0, 0, 0]


def test_what_is_said_of_texts_as_such_is_not_said_of_pictures(guard: Guard) -> None:
    """Such as how long they are, and that one is clean is no finding."""
    verdict = guard.check(picture(3), "output")
    assert (str(verdict.action), verdict.findings) == ("allow", ())
    assert str(guard.check(picture(7), "output").action) == "allow"


def test_a_picture_that_cannot_be_read_is_unchecked(guard: Guard) -> None:
    """Failure is never a pass."""
    verdict = guard.check(picture(9), "output")
    assert verdict.blocked
    assert {entry.kind for entry in verdict.coverage.unchecked} == {"part", "image"}
    assert verdict.coverage.kinds["image"].checked == 0


def test_in_a_conversation_the_picture_is_written_back(guard: Guard) -> None:
    """And the text beside it is left."""
    import io

    from PIL import Image as Pillow

    out = io.BytesIO()
    Pillow.fromarray(picture(1)).save(out, "PNG")
    url = f"data:image/png;base64,{b64encode(out.getvalue()).decode()}"
    parts = [{"type": "text", "text": "look at it"}, {"type": "image_url", "image_url": {"url": url}}]
    verdict = guard.check([{"role": "user", "content": parts}])
    assert str(verdict.action) == "redact"
    assert [finding.path for finding in verdict.findings] == ["/0/content/1/image_url/url"]
    [message] = verdict.content  # type: ignore[misc]
    assert message["content"][0] == parts[0]
    assert message["content"][1]["image_url"]["url"].startswith("data:image/png;base64,")
    assert message["content"][1] != parts[1]


def test_texts_alone_are_read_by_nobody(guard: Guard) -> None:
    """They are texts."""
    verdict = guard.check("mail me")
    assert (str(verdict.action), "written" in verdict.timings_ms) == ("allow", False)
