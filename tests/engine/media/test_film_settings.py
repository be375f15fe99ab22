"""How films are looked at for policies: a policy with a floor sees no less than each of both would alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from guardrails import Guard
from guardrails.engine.media.film_settings import SIDES, FilmSettings, film_limits, settings_of_films
from guardrails.types import Stage

GREEN = """
detectors:
  green: {use: green_square}
rules:
  - {id: green, on: [input, output], when: custom.green_square > 0.5, then: block}
"""
WORDS = """
detectors:
  words: {{use: terms, terms: [zqxbomb], category: custom.words}}
  own: {}
rules:
  - {{id: words, on: output, when: custom.words > 0.5, then: flag}}
"""


def written(text: str, films: dict[str, Any], limits: dict[str, Any]) -> str:
    """Return a policy with settings for films."""
    return f"{text}films: {films}\nlimits: {limits}\n"


@pytest.fixture
def how(guard_of: Callable[..., Guard]) -> Callable[..., FilmSettings]:
    """Return a function: the texts of a policy and of its floor in, how films of an answer are looked at out."""

    def look(policy: str, floor: str | None = None) -> FilmSettings:
        policies = guard_of(policy, floor=floor).pipeline.policies
        return settings_of_films(policies, [policy.plan((Stage.OUTPUT,)) for policy in policies])

    return look


def settings(found: FilmSettings) -> dict[str, float | None]:
    """Return all that policies say of films, by their names for it."""
    return {
        "film_bytes": found.limits.bytes,
        "film_pixels": found.limits.pixels,
        "film_seconds": found.limits.seconds,
        "fps": found.sampling.fps,
        "max_frames": found.sampling.budget,
        "hard": found.decide.hard,
        "corroborate": found.decide.corroborate,
        "of": found.decide.of,
        "enter": found.decide.enter,
        "leave": found.decide.leave,
    }


@pytest.mark.parametrize(
    ("name", "closer", "less"),
    [
        ("film_bytes", 2_000_000, 1_000_000),
        ("film_pixels", 8_000, 4_000),
        ("film_seconds", 90, 30),
        ("fps", 4.0, 0.5),
        ("max_frames", 500, 20),
        ("hard", 0.8, 0.99),
        ("corroborate", 1, 3),
        ("of", 5, 3),
        ("enter", 0.6, 0.9),
        ("leave", 0.2, 0.4),
    ],
)
def test_no_policy_sees_less_than_alone(
    how: Callable[..., FilmSettings], name: str, closer: float, less: float
) -> None:
    """Of each setting that counts which sees more, whichever policy says so."""

    def saying(value: float) -> str:
        own: tuple[dict[str, float], dict[str, float]] = ({}, {})
        own[name.startswith("film_")][name] = value
        return written(GREEN, *own)

    assert settings(how(saying(closer)))[name] == closer
    assert settings(how(saying(less)))[name] == less
    assert settings(how(saying(closer), saying(less)))[name] == closer
    assert settings(how(saying(less), saying(closer)))[name] == closer


def test_a_sound_is_listened_to_as_long_as_a_film_is_watched(how: Callable[..., FilmSettings]) -> None:
    """Limits of films are those of sounds."""
    found = how(written(GREEN, {}, {"film_bytes": 4_000, "film_seconds": 7}))
    assert (found.sound_limits.bytes, found.sound_limits.seconds) == (4_000, 7)
    assert (found.limits.bytes, found.limits.seconds) == (4_000, 7)


@pytest.mark.parametrize(
    ("policy", "floor", "gap", "damage"),
    [
        ({}, {}, None, True),
        ({"max_gap_ms": 900}, {"max_gap_ms": 200}, 200, False),
        ({"max_gap_ms": 900}, {}, 900, True),
        ({}, {"max_gap_ms": 900}, 900, True),
    ],
)
def test_what_is_missing_counts_as_it_would_for_each(
    how: Callable[..., FilmSettings],
    policy: dict[str, int],
    floor: dict[str, int],
    gap: int | None,
    damage: bool,
) -> None:
    """The shortest gap that any policy has counts, and all damage where one has none."""
    found = how(written(GREEN, policy, {}), written(GREEN, floor, {}))
    assert (found.max_gap_ms, found.damage) == (gap, damage)


def test_detectors_for_pictures_look_once_and_others_never(how: Callable[..., FilmSettings]) -> None:
    """A detector that two policies have is one; what no rule asks for, or looks at texts alone, looks at none."""
    assert [bound.name for bound in how(GREEN, GREEN).bounds] == ["green"]
    assert [bound.name for bound in how(GREEN, WORDS.format("{use: green_square}")).bounds] == ["green"]
    assert how(WORDS.format("{use: green_square}")).bounds == ()


@pytest.mark.parametrize(
    ("own", "readers", "hearers", "side"),
    [
        ("{use: green_square}", 0, 0, SIDES[0]),
        ("{use: image_text, read: [codes]}", 1, 0, SIDES[1]),
        ("{use: transcript}", 0, 1, SIDES[0]),
    ],
)
def test_frames_are_large_where_they_are_read(
    how: Callable[..., FilmSettings], own: str, readers: int, hearers: int, side: int
) -> None:
    """What is written in a frame needs more pixels than what is to be seen in it; who listens needs none."""
    found = how(WORDS.format(own))
    assert (len(found.readers), len(found.hearers), found.sampling.side) == (readers, hearers, side)
    assert how(GREEN, WORDS.format(own)).sampling.side == side


def test_limits_of_films_are_those_of_the_policies(guard_of: Callable[..., Guard]) -> None:
    """Who reads a film before it is judged reads as much of it as whoever judges it would."""
    guard = guard_of(written(GREEN, {}, {"film_bytes": 5}), floor=written(GREEN, {}, {"film_bytes": 9}))
    assert film_limits(guard.pipeline.policies).bytes == 9
