"""What a caller gives, read and given back in the same shape."""

from __future__ import annotations

import copy
import io
import types
import uuid
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from guardrails import Guard, Image, RequestError, Stage, Text, ToolCall, Video
from guardrails.engine.content.value_reader import (
    is_readable,
    read,
    read_pieces,
    read_structure,
    read_unread,
    says_nothing,
)
from guardrails.types import Place
from tests.cases import each_case

BAD, GOOD = "a zqxbomb b", "a [BOMB] b"


def user(content: Any) -> dict[str, Any]:
    """Return a user's message."""
    return {"role": "user", "content": content}


@each_case(
    ("given_", "stage", "redacted"),
    [
        (BAD, "input", GOOD),
        (Text(BAD, Place(Stage.OUTPUT)), "input", Text(GOOD, Place(Stage.OUTPUT))),
        (ToolCall("f", f'{{"a": ["{BAD}", 1]}}'), "input", ToolCall("f", f'{{"a": ["{GOOD}", 1]}}')),
        (user(BAD), "input", user(GOOD)),
        ([user(BAD), user("x")], "input", [user(GOOD), user("x")]),
        ((user(BAD),), "input", (user(GOOD),)),
        ({"model": "m", "messages": [user(BAD)]}, "input", {"model": "m", "messages": [user(GOOD)]}),
        (
            {"choices": [{"message": {"content": BAD}}]},
            "output",
            {"choices": [{"message": {"content": GOOD}}]},
        ),
        (
            {"choices": [{"message": {"content": BAD}}]},
            "input",
            {"choices": [{"message": {"content": GOOD}}]},
        ),
        ({"answer": BAD, "score": 0.5}, "output", {"answer": GOOD, "score": 0.5}),
        (["x", BAD], "retrieval", ["x", GOOD]),
        ([{"text": BAD, "id": 7}], "retrieval", [{"text": GOOD, "id": 7}]),
    ],
)
def test_what_was_given_comes_back_redacted_in_its_shape(
    bomb_redactor: Guard, given_: Any, stage: str, redacted: Any
) -> None:
    """Texts, messages, bodies and other JSON values; the original is not touched."""
    before = copy.deepcopy(given_)
    verdict = bomb_redactor.check(given_, stage)
    assert (str(verdict.action), verdict.content) == ("redact", redacted)
    assert given_ == before


@each_case(
    "given_",
    ["fine", "", Text("fine"), ToolCall("f", "{}"), user("fine"), [user("fine")], [], {}, {"a": "fine"}, ("a", "b"),
     {"messages": [user("fine")]}, {"choices": [{"message": {"content": "fine"}}]}],
)  # fmt: skip
def test_what_nothing_is_wrong_with_comes_back_itself(bomb_redactor: Guard, given_: Any) -> None:
    """Nothing is copied where nothing changes."""
    verdict = bomb_redactor.check(given_)
    assert str(verdict.action) == "allow"
    assert verdict.content is given_


def test_a_card_that_travels_as_a_number_is_redacted(guard_of: Any) -> None:
    """A card needs no quotes: in a call's arguments and in any JSON value."""
    rule = "  - {id: r, on: [input, tool_call], when: pii.credit_card > 0, then: redact}"
    guard = guard_of(f"detectors:\n  pii: {{use: pii}}\nrules:\n{rule}")
    for number in ("4111111111111111", "4111111111111111.0", "4.111111111111111e15"):
        content = guard.check(ToolCall("pay", f'{{"card": {number}, "sum": 12}}')).content
        assert content.arguments == '{"card": "[CREDIT_CARD]", "sum": 12}'
    assert guard.check({"card": 4111111111111111, "n": 1}).content == {"card": "[CREDIT_CARD]", "n": 1}


class Picture:
    """Stands for a PIL picture, which is told by its module."""


Picture.__module__ = "PIL.Image"


@each_case(
    "given_",
    [b"\x89PNG", bytearray(b"\xff"), memoryview(b"a\0b"), b"%PDF-1.7", Path("a.png"), Path("a.mp4"), Path("noending"), Picture(),
     Image(b"x"), Video(b"x")],
)  # fmt: skip
def test_media_are_never_passed_unread(bomb_redactor: Guard, given_: Any) -> None:
    """This policy has no detector for them, so they are unchecked, which blocks."""
    verdict = bomb_redactor.check(given_, "output")
    assert verdict.blocked
    assert [entry.kind for entry in verdict.coverage.unchecked] == ["part"]


def test_media_that_may_pass_come_back_themselves(guard_of: Any) -> None:
    """Where the policy lets unread parts pass they are not changed."""
    rule = "rules:\n  - {id: r, on: input, when: custom.w > 0, then: flag}\nunchecked: {part: flag}"
    guard = guard_of(f"detectors:\n  w: {{use: terms, terms: [x]}}\n{rule}")
    for given_ in (b"x", Path("a.png"), Picture(), Image(b"x")):
        assert guard.check(given_).content is given_


@each_case(("ending", "kind"), [(".png", "image"), (".mp4", "video"), (".wav", "audio")])
def test_a_path_is_the_file_there(ending: str, kind: str) -> None:
    """Which is taken for what its name says; among other values it is the text that it is written as."""
    assert read(Path(f"A{ending.upper()}"), Stage.INPUT).tree.leaves[0].content.kind == kind
    assert read([Path(f"A{ending}")], Stage.INPUT).tree.leaves[0].content == Text(
        f"A{ending}", Place(path="/0"), form="data"
    )


@each_case("given_", [None, 7, 1.5, True, uuid.uuid4(), iter("a"), object(), print, dict])
def test_what_cannot_be_checked_is_a_type_error(bomb_redactor: Guard, given_: Any) -> None:
    """It names the type and what to give instead."""
    with pytest.raises(TypeError, match=f"cannot check a {type(given_).__name__}: give a text"):
        bomb_redactor.check(given_)


def test_objects_of_other_libraries_say_how_to_give_them(bomb_redactor: Guard) -> None:
    """One that no adapter reads may have a mapping to give; among messages it is refused, in one it is noted with its place."""
    response = types.SimpleNamespace(model_dump=dict)
    with pytest.raises(TypeError, match=r"model_dump\(\)"):
        bomb_redactor.check(response)
    with pytest.raises(RequestError, match="must be a mapping, not SimpleNamespace"):
        bomb_redactor.check([user("x"), response])
    verdict = bomb_redactor.check(user([response]))
    assert verdict.blocked
    assert [(each.kind, each.path) for each in verdict.coverage.unchecked] == [("part", "/content/0")]
    assert "SimpleNamespace" in verdict.coverage.unchecked[0].reason


def test_of_several_pictures_each_is_checked(bomb_guard: Guard) -> None:
    """A batch says what to give in its place; so does one that a wrapped function is given."""
    says = "cannot check an array of 4 dimensions: give each picture of a batch by itself"
    with pytest.raises(TypeError, match=says):
        bomb_guard.check(np.zeros((2, 4, 4, 3), np.uint8))
    wrapped: Any = bomb_guard.wrap(lambda value: type(value).__name__)
    with pytest.raises(TypeError, match="cannot check an array of several pictures: give each"):
        wrapped(np.zeros((2, 8, 8, 3), np.uint8))


@each_case("given_", [np.zeros((2, 8, 8, 16), np.float32), np.zeros((8, 8, 3), np.uint8), "a text", 1])
def test_what_is_no_batch_is_not_refused(guard_of: Any, given_: Any) -> None:
    """Vectors go on as they are, pictures are judged."""
    wrapped: Any = guard_of("rules: []\nunchecked: {part: allow}").wrap(lambda value: type(value).__name__)
    assert wrapped(given_) == type(given_).__name__


@each_case(
    ("value", "readable", "nothing"),
    [
        ("", True, False),
        (None, True, True),
        (7, True, True),
        (4111111111111111, True, False),
        (uuid.uuid4(), True, True),
        ([], True, False),
        (np.zeros((4, 4)), True, False),
        (np.zeros(4), True, True),
        (io.BytesIO(b"x"), True, False),
        (io.StringIO("x"), False, False),
        (object(), False, False),
    ],
)
def test_values_say_something_or_nothing(value: Any, readable: bool, nothing: bool) -> None:
    """What nobody can read is neither."""
    assert (is_readable(value), says_nothing(value)) == (readable, nothing)


def test_the_name_of_a_part_cannot_be_changed(bomb_redactor: Guard) -> None:
    """What would be redacted in it blocks."""
    assert bomb_redactor.check({"zqxbomb": 1}).blocked
    assert bomb_redactor.check({"fine": 1}).content == {"fine": 1}


def test_a_structure_is_read_in_full_whatever_its_form(bomb_redactor: Guard) -> None:
    """Messages too, at the stage that is named."""
    payload = read_structure([user(BAD)], Stage.RETRIEVAL)
    assert {leaf.content.place.stage for leaf in payload.tree.leaves} == {Stage.RETRIEVAL}
    assert bomb_redactor.check(payload).content == [user(GOOD)]


def test_a_word_over_pieces_is_redacted_in_them(bomb_redactor: Guard) -> None:
    """At the same place of each; other places are not put together."""
    pieces = [{"a": "a zqx", "b": "zqx"}, {"a": "bomb b", "c": "bomb"}]
    verdict: Any = bomb_redactor.check(read_pieces(pieces, Stage.OUTPUT), "output")
    assert "".join(piece["a"] for piece in verdict.content) == GOOD
    assert (verdict.content[0]["b"], verdict.content[1]["c"]) == ("zqx", "bomb")
    fine = [{"a": "x"}, {"a": "y"}]
    assert bomb_redactor.check(read_pieces(fine, Stage.OUTPUT), "output").content is fine


def test_what_nobody_can_read_is_unchecked_as_the_caller_says(bomb_redactor: Guard) -> None:
    """An object of the program is allowed, a part is not."""
    given_ = object()
    assert bomb_redactor.check(read_unread(given_, Stage.INPUT, "object")).content is given_
    assert bomb_redactor.check(read_unread(given_, Stage.INPUT, "part")).blocked


def test_a_structure_at_the_stage_of_calls_is_read_as_a_call_too() -> None:
    """Detectors that judge a call as a whole see what its arguments are together; values that are no JSON are read alone."""
    kinds = [
        leaf.content.kind for leaf in read_structure({"argv": ["ls", "-l"]}, Stage.TOOL_CALL).tree.leaves
    ]
    assert kinds[-1] == "tool_call"
    assert "tool_call" not in [leaf.content.kind for leaf in read_structure(["ls"], Stage.INPUT).tree.leaves]
    odd = read_structure(["ls", b"x"], Stage.TOOL_CALL)
    assert "tool_call" not in [leaf.content.kind for leaf in odd.tree.leaves]
