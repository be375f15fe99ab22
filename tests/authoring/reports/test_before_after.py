"""Parts of a content before and after a policy."""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import chain

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from guardrails import Guard
from guardrails import Image as Picture
from guardrails.authoring.reports.before_after import (
    MASK,
    ReportStyle,
    mask_text,
    render_checked,
    render_result,
)
from guardrails.engine.core.observers import FilmRecord
from guardrails.media.limits import PictureLimits
from tests.cases import each_case
from tests.films import film, green, scene

LOOKS, OPEN = ReportStyle(True, PictureLimits(), 12), ReportStyle(False, PictureLimits(), 12)

POLICY = """
detectors:
  words: {use: terms, category: custom.word, terms: [secretword]}
  bad: {use: terms, category: custom.bad, terms: [zqxbomb]}
  green: {use: green_square}
rules:
  - {id: word, on: [input, output], when: custom.word > 0, then: redact}
  - {id: bad, on: [input, output], when: custom.bad > 0, then: block}
  - {id: green, on: [input, output], when: custom.green_square > 0.5, then: redact}
"""


@pytest.fixture(scope="module")
def guard(guard_of: Callable[..., Guard]) -> Guard:
    """Return a guard that redacts one word and green squares, and blocks another word."""
    return guard_of(POLICY)


def before(guard: Guard, content: object, looks: ReportStyle = LOOKS) -> str:
    """Return what is shown of a content as it was given."""
    verdict = guard.check(content)
    return "".join(render_checked(content, verdict, [*enumerate(verdict.findings, 1)], looks))


def after(guard: Guard, content: object) -> str:
    """Return what is shown of what becomes of a content."""
    return "".join(render_result(content, guard.check(content), LOOKS))


@each_case(
    ("text", "left", "seen"),
    [
        ("card 4111 1111, ok", "card [CARD], ok", "card ▒▒▒▒ ▒▒▒▒, ok"),
        ("Al also", "[NAME] also", "▒▒ also"),
        ("a b", "a b", "a b"),
        ("a\nb", "", "▒\n▒"),
        ("", "x", ""),
    ],
)
def test_what_is_gone_is_masked(text: str, left: str, seen: str) -> None:
    """Words that are not left are, each character of them; the text keeps its length and its lines."""
    assert mask_text(text, left) == seen


@given(st.text("ab1 .\n", max_size=30), st.text("ab1 .\n", max_size=30))
def test_what_is_shown_is_left(text: str, left: str) -> None:
    """Whatever became of a text: what is shown of it stands in what is left, in the same order; the rest has a mask."""
    seen = mask_text(text, left)
    rest = iter(left)
    assert len(seen) == len(text)
    assert all(new in (old, MASK) for old, new in zip(text, seen, strict=True))
    assert all(char in rest for char in seen if char != MASK and not char.isspace())


def test_of_a_redacted_text_the_rest_is_shown(guard: Guard) -> None:
    """With a mark where something was found; and as it is where that is asked for."""
    text = "say secretword now"
    assert "say <mark>▒▒▒▒▒▒▒▒▒▒<sup>1</sup></mark> now" in before(guard, text)
    assert "say <mark>secretword<sup>1</sup></mark> now" in before(guard, text, OPEN)
    assert "say [WORD] now" in after(guard, text)


def test_of_a_blocked_text_nothing_is_shown(guard: Guard) -> None:
    """But how long it is and where something was found, which is left away by who reads aloud."""
    shown = before(guard, "make a zqxbomb")
    assert '<div class="text" aria-hidden="true">▒▒▒▒ ▒ <mark>▒▒▒▒▒▒▒<sup>1</sup></mark></div>' in shown
    assert "14 characters, masked" in shown
    assert "make a <mark>zqxbomb<sup>1</sup></mark>" in before(guard, "make a zqxbomb", OPEN)


def test_turns_that_are_removed_are_masked(guard: Guard) -> None:
    """With their answers; and later ones are compared with what became of them, wherever they stand now."""
    chat = [
        {"role": "user", "content": "hello there"},
        {"role": "user", "content": "make a zqxbomb"},
        {"role": "assistant", "content": "a kind answer"},
        {"role": "user", "content": "say secretword now"},
    ]
    verdict = guard.check(chat)
    assert verdict.removed == ("/1", "/2")
    shown = before(guard, chat)
    assert "hello there" in shown
    assert "say <mark>▒" in shown
    assert "make" not in shown
    assert "a kind" not in shown
    left = after(guard, chat)
    assert "/1 is removed." in left
    assert re.findall(r'class="text">([^<]*)<', left) == ["say [WORD] now"]


def test_of_a_redacted_picture_that_is_shown_which_is_left(guard: Guard) -> None:
    """With the boxes over it; the picture as it was only where that is asked for."""
    image = Image.new("RGB", (60, 40), "white")
    image.paste((0, 255, 0), (10, 10, 30, 30))
    shown = before(guard, image)
    assert "As the policy leaves it." in shown
    assert "<svg" in shown
    sources = [
        re.findall(r'src="([^"]+)"', markup)
        for markup in (shown, after(guard, image), before(guard, image, OPEN))
    ]
    assert sources[0] == sources[1] != sources[2]


def test_a_picture_that_is_none_is_named(guard: Guard) -> None:
    """With the reason, and without any of its bytes."""
    shown = before(guard, Picture(b"<script>"))
    assert "This picture cannot be shown: " in shown
    assert "script" not in shown


def test_parts_beyond_many_are_counted(guard: Guard) -> None:
    """Those in which something is found are shown first."""
    chat = [{"role": "user", "content": f"number {at}"} for at in range(150)]
    chat.append({"role": "user", "content": "say secretword now"})
    shown = before(guard, chat)
    assert "51 more parts are not shown." in shown
    assert "<mark>" in shown
    many = [{"role": "user", "content": "say secretword now"}] * 101
    assert "1 more parts are not shown." in after(guard, many)


def test_what_has_no_form_is_named(guard: Guard) -> None:
    """A verdict on something that cannot be read again is still shown."""
    assert "This content cannot be shown." in "".join(render_checked(object(), guard.check("a"), [], LOOKS))


def test_lines_of_a_film_are_shown_as_far_as_they_may_be(guard_of: Callable[..., Guard]) -> None:
    """All of one that is as it was, none of one that is blocked; of a redacted one none near what was found, nor what its file
    said.
    """
    policy = """
detectors: {green: {use: green_square}}
rules: [{id: green, on: input, when: custom.green_square > 0.5, then: %s}]
"""
    data = film(chain(scene(60), green(30), scene(60, 2)))
    lines = [
        ("speech", "early words", (0, 1_000)),
        ("speech", "hidden words", (2_200, 2_600)),
        ("subtitle", "gone words", (0, 1_000)),
    ]
    told = {"": FilmRecord("", {}, lines)}
    shown = {}
    for action in ("flag", "redact", "block"):
        verdict = guard_of(policy % action).check(data)
        numbered = [*enumerate(verdict.findings, 1)]
        page = "".join(render_checked(data, verdict, numbered, ReportStyle(True, PictureLimits(), 0), told))
        shown[action] = [text for _, text, _ in lines if text in page]
    assert shown == {
        "flag": ["early words", "hidden words", "gone words"],
        "redact": ["early words"],
        "block": [],
    }
