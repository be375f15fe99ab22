"""The vocabulary: ordered actions, contents that tell their kind, verdicts as plain JSON."""

from __future__ import annotations

import copy
import json
import pickle
from dataclasses import FrozenInstanceError
from typing import ClassVar

import pytest

from guardrails.types import (
    CLEAN,
    Action,
    Audio,
    Coverage,
    Detection,
    DetectorFailure,
    Finding,
    FiredRule,
    Image,
    KindCoverage,
    Listed,
    Media,
    Mode,
    Place,
    PolicyRef,
    Returned,
    Severity,
    Stage,
    Text,
    ToolCall,
    Unavailable,
    Unchecked,
    Use,
    Verdict,
    Video,
)
from tests.cases import each_case

POLICY = PolicyRef("p", "1.0", "sha256:00")


def verdict(action: Action = Action.ALLOW, **fields: object) -> Verdict:
    """Return a verdict with these fields."""
    return Verdict("vd_1", action, Stage.INPUT, POLICY, "text", **fields)


def test_a_place_is_the_same_whatever_use_of_a_tool_it_belongs_to() -> None:
    """A use is what several contents share: it is itself alone, and no part of where they stand."""
    one, two = Use((("read", "mail"),), "{}"), Use((("read", "mail"),), "{}")
    assert one != two
    assert Place(use=one) == Place(use=two) == Place()
    assert repr(Place(use=one)) == repr(Place())
    assert Returned((("read", "mail"),), "x") == Returned((("read", "mail"),), "x")
    assert verdict(heard=(Returned(()),)) == verdict()


@each_case(
    ("content", "kind"),
    [
        (Text("x"), "text"),
        (Image(b"x"), "image"),
        (Video(b"x"), "video"),
        (Audio(b"x"), "audio"),
        (Media(b"x"), "media"),
        (ToolCall("t", "{}"), "tool_call"),
    ],
)
def test_contents_tell_their_kind(content: Text, kind: str) -> None:
    """Every content names its kind, stands at a place, and cannot be changed."""
    assert content.kind == kind
    assert content.place.path == ""
    with pytest.raises((FrozenInstanceError, AttributeError)):
        content.place = Place()


def test_contents_stand_at_the_input_but_tool_calls() -> None:
    """A content without a place is an input; a tool call stands at its own stage."""
    assert Text("x").place.stage is Stage.INPUT
    assert ToolCall("t", "{}").place.stage is Stage.TOOL_CALL


def test_equal_values_are_equal_and_hashable() -> None:
    """Contents and findings are values: they can be compared, and be keys."""
    assert {Text("x"), Text("x")} == {Text("x")}
    assert {Finding("hate", 1.0, "d"), Finding("hate", 1.0, "d")} == {Finding("hate", 1.0, "d")}
    assert Image(b"x") != Video(b"x")


def test_a_clean_detection_is_settled_and_without_error() -> None:
    """`CLEAN` says: nothing found, nothing left out, nothing wrong."""
    assert Detection() == CLEAN
    assert (CLEAN.findings, CLEAN.settled, CLEAN.unchecked, CLEAN.error) == ((), None, (), None)


def test_a_finding_as_json() -> None:
    """A finding's JSON has each field of DESIGN §4.7, tuples as lists."""
    finding = Finding("pii.email", 1.0, "pii", (11, 25), (1, 2, 3, 4), (0, 40), "/a", 0, "base64")
    assert finding.to_dict() == {
        "category": "pii.email", "score": 1.0, "detector": "pii", "span": [11, 25], "box": [1, 2, 3, 4],
        "clip": [0, 40], "path": "/a", "choice_index": 0, "origin": "base64",
    }  # fmt: skip
    bare = Finding("hate", 0.5, "d").to_dict()
    assert [bare[name] for name in ("span", "box", "clip", "choice_index", "origin")] == [None] * 5
    assert "listed" not in bare
    known = Finding("custom.known", 0.9, "h", listed=Listed("deny.csv", "7", "pdq", 12, "mirrored"))
    assert known.to_dict()["listed"] == {
        "list": "deny.csv", "id": "7", "kind": "pdq", "distance": 12, "form": "mirrored",
    }  # fmt: skip


def test_a_verdict_as_json() -> None:
    """A verdict's JSON survives a round trip and lists shadow rules beside those that act."""
    rule = FiredRule("a", Action.BLOCK, "No.", Severity.HIGH, ("t",))
    shadow = FiredRule("b", Action.FLAG, mode=Mode.SHADOW)
    coverage = Coverage({"text": KindCoverage(2, 1, 9)}, (Unchecked("limit", "long", "/x", (3, 9)),), ("/y",))
    failure = DetectorFailure("d", "boom", "/x")
    full = verdict(
        Action.BLOCK, rules=(rule,), shadow=(shadow,), coverage=coverage, errors=(failure,), removed=("/z",)
    )
    data = json.loads(json.dumps(full.to_dict()))
    assert [(each["id"], each["mode"], each["action"]) for each in data["rules"]] == [
        ("a", "enforce", "block"),
        ("b", "shadow", "flag"),
    ]
    assert data["policy"] == {"name": "p", "version": "1.0", "digest": "sha256:00"}
    assert data["coverage"] == {
        "text": {"parts": 2, "checked": 1, "characters": 9},
        "unchecked": [{"kind": "limit", "reason": "long", "path": "/x", "span": [3, 9]}],
        "unknown_fields": ["/y"],
    }
    assert data["errors"] == [{"detector": "d", "error": "boom", "path": "/x", "reason": "crash"}]
    assert (data["removed"], data["unavailable"]) == (["/z"], None)


def test_a_verdict_says_that_the_check_could_not_be_done() -> None:
    """In JSON, and behind pickle."""
    made = verdict(Action.BLOCK, unavailable=Unavailable("timeout", ("a",)))
    assert made.to_dict()["unavailable"] == {"reason": "timeout", "rules": ["a"]}
    assert pickle.loads(pickle.dumps(made)).unavailable == made.unavailable


@each_case(
    ("messages", "expected"),
    [([], None), ([None], None), ([None, "second"], "second"), (["first", "second"], "first")],
)
def test_the_message_is_of_the_first_rule_that_has_one(
    messages: list[str | None], expected: str | None
) -> None:
    """The person who is refused is told what the most severe rule with a message says."""
    rules = tuple(FiredRule(str(at), Action.BLOCK, message) for at, message in enumerate(messages))
    assert (
        verdict(Action.BLOCK, rules=rules, shadow=(FiredRule("s", Action.BLOCK, "shadow"),)).message
        == expected
    )


@each_case("action", [*Action])
def test_only_a_block_is_blocked(action: Action) -> None:
    """`blocked` is true for the action block alone."""
    assert verdict(action).blocked is (action is Action.BLOCK)


class Restores:
    """What hands out one value."""

    values: ClassVar[dict[str, str]] = {"[EMAIL_1]": "jo@example.com"}

    def restore(self, text: str) -> str:
        """Put it back."""
        return text.replace("[EMAIL_1]", "jo@example.com")


def test_a_verdict_puts_values_back_and_shows_none() -> None:
    """Neither in its JSON nor as it is printed; without anything handed out a text stays."""
    kept = verdict(restorer=Restores())
    assert (kept.vault, kept.restore("to [EMAIL_1]")) == (Restores.values, "to jo@example.com")
    assert "jo@example.com" not in repr(kept) + str(kept.to_dict())
    assert (verdict().vault, verdict().restore("[EMAIL_1]")) == ({}, "[EMAIL_1]")


@each_case(
    "value",
    [
        Text("a", Place(Stage.OUTPUT, role="user", path="/a")),
        Image(b"x", declared="image/png"),
        Video(b"x"),
        Audio(b"x"),
        ToolCall("f", "{}"),
        Finding("pii.email", 1.0, "d", (0, 3), listed=Listed("l", "i", "k")),
        Detection((Finding("a", 0.5, "d"),), 3, (Unchecked("limit", "r"),), "e"),
        FiredRule("r", Action.BLOCK, "No.", Severity.HIGH, ("t",)),
        Coverage({"text": KindCoverage(1, 1, 4)}, (Unchecked("part", "r", "/a", (0, 1)),)),
        POLICY,
        Returned((("f", ""),), "a"),
    ],
)
def test_values_go_through_pickle(value: object) -> None:
    """Equal to what they were."""
    assert pickle.loads(pickle.dumps(value)) == value


def test_a_verdict_goes_through_pickle_without_what_was_checked() -> None:
    """Neither the content nor what is handed on to the next check leaves the process; a copy in it is the verdict itself."""
    given = verdict(
        Action.REDACT,
        rules=(FiredRule("r", Action.REDACT),),
        timings_ms={"total": 1.0},
        system="s",
        prompt="p",
        sources="q",
        heard=(Returned((), "t"),),
    )
    made = pickle.loads(pickle.dumps(given))
    assert made == Verdict(
        "vd_1", Action.REDACT, Stage.INPUT, POLICY, None, rules=given.rules, timings_ms={"total": 1.0}
    )
    assert (made.system, made.prompt, made.sources, made.heard, made.restorer) == ("", "", "", (), None)
    assert copy.copy(given) is given
    assert copy.deepcopy([given])[0] is given
