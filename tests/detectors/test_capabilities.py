"""What a detector may do besides `detect`, and what is said where a name is only nearly one of these."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from guardrails import Guard
from guardrails.detectors import ConfigProblems
from guardrails.detectors.capabilities import CAPABILITIES, find_mistaken, read_capabilities
from guardrails.detectors.kinds import BUILTIN, find_kind
from guardrails.errors import PolicyErrors
from guardrails.types import CLEAN
from tests.cases import each_case


class Plain:
    """A detector with nothing but `detect`."""

    def detect(self, batch: Any) -> Any:
        """Find nothing."""
        return [CLEAN for _ in batch]


def with_attributes(**attributes: Any) -> Any:
    """Return a detector that has these as well."""
    return type("Own", (Plain,), attributes)()


async def awaited(self: Any, batch: Any) -> Any:
    """Find nothing."""
    return [CLEAN for _ in batch]


def test_a_plain_detector_has_no_capabilities() -> None:
    """What it does not say is not known of it."""
    assert read_capabilities(Plain()) == {}


def test_capabilities_are_read_by_their_names() -> None:
    """Of the class and of the object; private names and others are the detector's own."""
    others = {
        "tokenizer": object(),
        "file": "a",
        "time": 1.0,
        "filter": "a",
        "model": "a",
        "detector": Plain(),
    }
    detector = with_attributes(tier=1, adetect=awaited, _streams=3, passages=True, **others)
    detector.identity = "sha256:12"
    found = read_capabilities(detector)
    assert found.keys() == {"tier", "adetect", "passages", "identity"}
    assert (found["tier"], found["identity"]) == (1, "sha256:12")


@each_case(
    ("name", "meant"),
    [
        ("streams", "stream"),
        ("steam", "stream"),
        ("streaming", "stream"),
        ("async_detect", "adetect"),
        ("detect_async", "adetect"),
        ("a_detect", "adetect"),
        ("passage", "passages"),
        ("pixel", "pixels"),
        ("frames", "film"),
        ("atonce", "at_once"),
        ("content", "contents"),
        ("in_line", "inline"),
        ("tiers", "tier"),
        ("extract", "extracts"),
        ("transcribe", "hears"),
    ],
)
def test_a_name_that_is_nearly_a_capability_is_an_error(name: str, meant: str) -> None:
    """The error names the right word, and how to keep the name."""
    with pytest.raises(ConfigProblems) as caught:
        read_capabilities(with_attributes(**{name: lambda self, given: None}))
    [problem] = caught.value.problems
    assert problem.code == "invalid_detector"
    assert (problem.message, problem.hint) == (
        f"Own.{name} is no capability of a detector",
        f"did you mean '{meant}'? Else begin the name with an underscore",
    )


@each_case(
    ("name", "value", "problem"),
    [
        ("tier", 3, "must be 0, 1 or 2"),
        ("tier", True, "must be 0, 1 or 2"),
        ("inline", "yes", "must be True or False"),
        ("passages", 1, "must be True or False"),
        ("contents", "text", "must be a set of"),
        ("contents", {"pictures"}, "must be a set of"),
        ("contents", frozenset(), "must be a set of"),
        ("identity", object(), "must be a value that JSON can hold"),
        ("stream", 3, "must be a method"),
        ("stream", lambda self: None, "must take 1 argument"),
        ("stream", awaited, "must be no async method"),
        ("adetect", lambda self, batch: [], "must be an async method"),
        ("at_once", lambda self, one, two: None, "must take 1 argument"),
        ("detect", lambda self: [], "must take 1 argument"),
        ("detect", awaited, "must be no async method"),
    ],
)
def test_a_capability_of_the_wrong_form_is_an_error(name: str, value: Any, problem: str) -> None:
    """It is named, with what it must be."""
    with pytest.raises(ConfigProblems, match=f"Own.{name} {problem}"):
        read_capabilities(with_attributes(**{name: value}))


@each_case("name", ["check", "detects", "predict", None])
def test_a_class_without_detect_is_told_of_it(name: str | None) -> None:
    """Where a method looks like it, that is named."""
    given = type("Own", (), {} if name is None else {name: lambda self, batch: []})()
    with pytest.raises(ConfigProblems, match=r"Own\.detect is missing") as caught:
        read_capabilities(given)
    hint = caught.value.problems[0].hint
    assert hint == (
        f"rename {name!r} to 'detect'" if name else "write detect(self, batch) -> list[Detection]"
    )


def test_fields_of_a_class_are_told_apart_from_what_looks_like_them() -> None:
    """A class that has the field itself may have the other name as well."""
    assert find_mistaken(type("Own", (), {"catagories": ()}), ("categories",)) == ("catagories", "categories")
    assert find_mistaken(type("Own", (), {"catagories": (), "categories": ()}), ("categories",)) is None
    assert find_mistaken(Plain, ("categories",)) is None


@each_case("name", [*CAPABILITIES])
def test_every_capability_is_described(name: str) -> None:
    """In a sentence, for the guide."""
    assert CAPABILITIES[name].doc.endswith(".")


def test_detectors_of_this_package_keep_the_rules() -> None:
    """Each that can be built without a file, a model of one's own or a service has only capabilities of the right form."""
    guard = Guard.load("strict")
    assert {name for name in BUILTIN if find_kind(name) is not None} == {*BUILTIN}
    assert all(read_capabilities(bound.detector) is not None for bound in guard.policy.detectors)


def test_a_misspelt_capability_is_an_error_of_the_policy(
    guard_of: Callable[..., Guard], kind_of: Callable[..., Any]
) -> None:
    """With its place in the file and the right word: nothing is held whole in silence."""
    with pytest.raises(PolicyErrors, match=r":4:3: invalid_detector: detector 'mine': Own.steam .* 'stream'"):
        guard_of(
            "detectors:\n  mine: {use: own}\nrules:\n  - {id: a, on: input, when: custom.own > 0, then: block}\n",
            detectors={"own": kind_of(with_attributes(steam=lambda self, context: None))},
        )
