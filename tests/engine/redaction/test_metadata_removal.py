"""Where a policy wants it, pictures go on without their metadata: those that nothing was found in, too."""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Callable
from typing import Any

import pytest

from guardrails import Guard
from tests.cases import each_case
from tests.films import film, scene
from tests.media.uploads.test_strip_metadata import SECRET, tagged
from tests.media.uploads_kit import google_motion_photo

POLICY = """
detectors: {green: {use: green_square}}
rules: [{id: green, on: [input, output], when: custom.green_square > 0.5, then: block}]
media: {metadata: METADATA}
"""


@pytest.fixture(scope="module")
def strips(guard_of: Callable[..., Guard]) -> Guard:
    """A guard that removes metadata."""
    return guard_of(POLICY.replace("METADATA", "strip"))


@each_case("format_", ["JPEG", "PNG", "WEBP", "AVIF"])
def test_an_allowed_picture_goes_on_without_metadata(strips: Guard, format_: str) -> None:
    """The action stays what it is: no rule has found anything."""
    data = tagged(format_, orientation=6)
    verdict: Any = strips.check(data, "input")
    assert str(verdict.action) == "allow"
    assert SECRET.encode() in data
    assert SECRET.encode() not in verdict.content


def test_a_policy_that_keeps_it_changes_nothing(guard_of: Callable[..., Guard]) -> None:
    """Which is the default; under a floor that removes it, it is removed."""
    data = tagged("JPEG")
    keeps = POLICY.replace("METADATA", "keep")
    assert guard_of(keeps).check(data, "input").content == data
    floored = guard_of(keeps, floor=POLICY.replace("METADATA", "strip"))
    assert floored.check(data, "input").content != data


def test_a_picture_in_a_body_is_written_anew(strips: Guard) -> None:
    """As the data URI that it was."""
    data = tagged("JPEG", orientation=6)
    uri = "data:image/jpeg;base64," + b64encode(data).decode()
    parts = [{"type": "text", "text": "What is this?"}, {"type": "image_url", "image_url": {"url": uri}}]
    verdict: Any = strips.check({"model": "m", "messages": [{"role": "user", "content": parts}]}, "input")
    left = verdict.content["messages"][0]["content"][1]["image_url"]["url"]
    assert str(verdict.action) == "allow"
    assert SECRET.encode() not in b64decode(left.partition(",")[2])


def test_the_film_of_a_motion_photo_is_gone(strips: Guard) -> None:
    """With all else behind the picture."""
    verdict: Any = strips.check(google_motion_photo(film(scene(4))), "input")
    assert str(verdict.action) == "allow"
    assert b"ftyp" not in verdict.content


def test_what_is_blocked_stays_blocked(strips: Guard) -> None:
    """Nothing is written of it."""
    assert strips.check(google_motion_photo(film(scene(4)), green=True), "input").content is None
