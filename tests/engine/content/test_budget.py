"""The operator's budget: at each bound all is judged, one more is refused before anything is."""

from __future__ import annotations

import asyncio
import pickle
import wave
from base64 import b64encode
from collections.abc import Callable
from dataclasses import fields
from io import BytesIO
from typing import Any

import numpy as np
import pytest
from PIL import Image as Pillow

from guardrails import Budget, Guard, RequestError
from guardrails.engine.content.budget import UNBOUNDED, estimate_windows
from guardrails.types import CLEAN
from tests.cases import each_case
from tests.hostile_texts import make_prose

POLICY = """
detectors:
  own: {use: own}
  green: {use: green_square}
rules:
  - {id: own, on: [input, output], when: custom.own > 0.5, then: block}
  - {id: green, on: [input, output], when: custom.green_square > 0.5, then: block}
"""
PIXELS = 40 * 30


def png(shade: int, frames: int = 1, size: tuple[int, int] = (40, 30)) -> bytes:
    """Return a picture of one grey, or so many frames of others."""
    made = BytesIO()
    first, *more = [Pillow.new("L", size, shade + at) for at in range(frames)]
    first.save(made, "PNG", save_all=frames > 1, append_images=more)
    return made.getvalue()


def uri(picture: bytes) -> str:
    """Return a picture as a data URI."""
    return "data:image/png;base64," + b64encode(picture).decode()


def user(*parts: Any) -> list[dict[str, Any]]:
    """Return messages with a part each: texts as they are, pictures as parts."""
    shown = [each if isinstance(each, str) else [picture_part(each)] for each in parts]
    return [{"role": "user", "content": each} for each in shown]


def picture_part(picture: bytes) -> dict[str, Any]:
    """Return a picture as the chat API has it."""
    return {"type": "image_url", "image_url": {"url": uri(picture)}}


CASES: dict[str, tuple[Budget, Any, Any]] = {
    "contents": (Budget(contents=3), user("a", "b", "c"), user("a", "b", "c", "d")),
    "contents in values": (Budget(contents=4), {"a": "b", "c": "d"}, {"a": "b", "c": ["d", "e"]}),
    "characters": (Budget(characters=6), user("abc", "def"), user("abc", "defg")),
    "characters of a text": (Budget(characters=6), "abcdef", "abcdefg"),
    "pictures": (Budget(pictures=2), user(png(1), png(2)), user(png(1), png(2), png(3))),
    "pictures in texts": (
        Budget(pictures=2),
        user(png(1), f"![]({uri(png(2))})"),
        user(png(1), f"![]({uri(png(2))}) ![]({uri(png(3))})"),
    ),
    "pixels": (Budget(pixels=2 * PIXELS), user(png(1), png(2)), user(png(1), png(2), png(3, size=(1, 1)))),
    "pixels of frames": (Budget(pixels=3 * PIXELS), png(1, frames=3), png(1, frames=4)),
    "pixels in texts": (
        Budget(pixels=2 * PIXELS),
        user(png(1), f"![]({uri(png(2))})"),
        user(png(1), f"![]({uri(png(2))}) ![]({uri(png(3))})"),
    ),
    "pixels of an array": (
        Budget(pixels=PIXELS),
        np.zeros((30, 40), dtype=np.uint8),
        np.zeros((30, 41), dtype=np.uint8),
    ),
    "pixels of a Pillow image": (Budget(pixels=PIXELS), Pillow.new("L", (40, 30)), Pillow.new("L", (41, 30))),
}


@pytest.fixture
def guards(
    guard_of: Callable[..., Guard], kind_of: Any, own: Any
) -> Callable[[Budget], tuple[Guard, list[Any]]]:
    """Return a function: a budget in, a guard and what its detectors were asked out."""

    def make(budget: Budget) -> tuple[Guard, list[Any]]:
        asked: list[Any] = []
        eye = own(lambda content: asked.append(content) or CLEAN)
        eye.pixels = True
        kind = kind_of(eye, contents=frozenset({"text", "image"}))
        loaded = guard_of(POLICY, detectors={"own": kind})
        return Guard(loaded.policy, budget=budget), asked

    return make


NO_ARGUMENTS = ("contents in values", "pixels of an array")
"""Cases of what a wrapped call does not judge among its arguments, or not as one."""

WAYS = [
    (how, case)
    for how in ("check", "acheck", "wrap")
    for case in CASES
    if how != "wrap" or case not in NO_ARGUMENTS
]


@each_case(("how", "case"), WAYS)
def test_what_is_over_the_budget_is_refused_before_it_is_judged(
    guards: Callable[..., Any], case: str, how: str
) -> None:
    """The message names what there is, how much of it there may be, and the operator's setting."""
    budget, within, over = CASES[case]
    guard, asked = guards(budget)
    called: list[object] = []

    def judged(content: Any) -> object:
        if how == "check":
            return guard.check(content)
        if how == "acheck":
            return asyncio.run(guard.acheck(content))
        return guard.wrap(lambda given: called.append(given) or "ok")(content)

    judged(within)
    assert asked
    asked.clear()
    called.clear()
    with pytest.raises(RequestError) as caught:
        judged(over)
    name = case.split()[0]
    assert caught.value.code == "request_too_large"
    assert str(getattr(budget, name)) in str(caught.value)
    assert f"max_{name} (in Python Budget({name}=" in str(caught.value)
    assert (asked, called) == ([], [])


@each_case("is_async", [False, True])
def test_a_reply_over_the_budget_does_not_pass(guards: Callable[..., Any], *, is_async: bool) -> None:
    """Of a wrapped call the caller gets the error, and nothing of the reply."""
    guard, _ = guards(Budget(characters=10))

    def reply(prompt: str, times: int) -> str:
        return prompt * times

    async def areply(prompt: str, times: int) -> str:
        return prompt * times

    def asked(times: int) -> str:
        return (
            asyncio.run(guard.wrap(areply)("abcd", times)) if is_async else guard.wrap(reply)("abcd", times)
        )

    assert asked(2) == "abcdabcd"
    with pytest.raises(RequestError, match="12 characters are more than the 10"):
        asked(3)


def test_joined_and_encoded_texts_do_not_count(guards: Callable[..., Any]) -> None:
    """Only what stands in the body: what is read of it besides has bounds of its own."""
    guard, _ = guards(Budget(contents=2, characters=50))
    parts = [{"type": "text", "text": each} for each in ("ab", b64encode(b"some words in here").decode())]
    verdict = guard.check([{"role": "user", "content": parts}])
    assert verdict.coverage.kinds["text"].parts >= 2


def sound(frames: int) -> dict[str, Any]:
    """Return a sound of so many samples as the chat API has it."""
    made = BytesIO()
    with wave.open(made, "wb") as file:
        file.setparams((1, 2, 8_000, frames, "NONE", ""))
        file.writeframes(bytes(2 * frames))
    data = b64encode(made.getvalue()).decode()
    return {"type": "input_audio", "input_audio": {"data": data, "format": "wav"}}


def test_films_and_sounds_are_counted_by_themselves(guards: Callable[..., Any]) -> None:
    """Pictures are no files in this sense."""
    guard, _ = guards(Budget(files=2))
    parts = [sound(9), sound(10), picture_part(png(1))]

    guard.check([{"role": "user", "content": parts}])
    with pytest.raises(RequestError, match=r"3 files are more than the 2 .* max_files"):
        guard.check([{"role": "user", "content": [*parts, sound(11)]}])


@each_case(
    ("text", "windows"),
    [
        ("the words of a letter " * 400, 22),
        ("7.4-" * 2_200, 91),
        ("\u4e2d" * 3_200, 33),
        ("\ud800" * 3_200, 33),
        ("", 0),
    ],
)
def test_windows_are_told_by_the_characters(text: str, windows: int) -> None:
    """English has a token for four letters, all else one for each character."""
    assert estimate_windows([text]) == windows


def test_as_much_english_as_may_be_said_has_few_enough_windows() -> None:
    """The bounds of the default budget belong together."""
    assert estimate_windows([make_prose(Budget().characters)]) <= Budget().windows


def test_windows_count_where_a_detector_reads_them(
    guard_of: Callable[..., Guard], kind_of: Any, own: Any
) -> None:
    """Of long and of short texts alike, before any is judged."""
    asked: list[Any] = []
    detector = own(lambda content: asked.append(content) or CLEAN)
    texts = user(*("7.4-" * 24 for _ in range(101)))
    policies = {
        passages: Guard(
            guard_of(
                "detectors: {own: {use: own}}\n"
                "rules: [{id: own, on: input, when: custom.own > 0.5, then: block}]",
                detectors={"own": kind_of(detector)},
            ).policy,
            budget=Budget(windows=100),
        )
        for passages in (False, True)
        if setattr(detector, "passages", passages) is None
    }

    policies[False].check(texts)
    policies[True].check(texts[:100])
    asked.clear()
    with pytest.raises(RequestError, match=r"101 windows are more than the 100 .* max_windows"):
        policies[True].check(texts)
    assert asked == []


def test_a_guard_that_is_loaded_anew_keeps_its_budget(tmp_path: Any) -> None:
    """It is the operator's, whatever the files say."""
    path = tmp_path / "p.yaml"
    path.write_text("format: 1\nname: p\n")
    budget = Budget(contents=7)
    guard = Guard.load(path, budget=budget)
    assert (guard.budget, guard.reload().budget) == (budget, budget)
    assert Guard.load(path).budget == Budget()
    assert pickle.loads(pickle.dumps(budget)) == budget


@each_case("value", [0, -1, 1.5, "3", True, None])
@each_case("name", [each.name for each in fields(Budget)])
def test_a_budget_is_made_of_whole_numbers(name: str, value: Any) -> None:
    """Anything else is an error that names the field."""
    with pytest.raises(ValueError, match=f"{name} of a budget"):
        Budget(**{name: value})


def test_nothing_bounds_what_is_unbounded() -> None:
    """For what is no request."""
    assert UNBOUNDED.allows(contents=1 << 40, characters=1 << 40, pictures=1 << 40, pixels=1 << 40) is None
