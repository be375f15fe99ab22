"""The reading of answers that nobody vouches for."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence
from typing import Any

import pytest

from guardrails.detectors.llm.llm_detector import JudgeAnswer, JudgeRequest, ScoredSpan
from guardrails.detectors.services.reading import (
    EndpointJudge,
    PerStageJudge,
    UnreadableResponse,
    gather_requests,
    merge_answers,
    read_boolean,
    read_count,
    read_list,
    read_mapping,
    read_number,
    read_picture,
    read_text,
    skip_request,
)
from guardrails.remote.endpoint import RemoteError
from guardrails.types import Image, Place, Stage, Text, Unchecked
from tests.cases import each_case

ODD: tuple[Any, ...] = (None, True, 0, 0.5, -1, "zqx", [], {}, math.nan, math.inf, 10**400)


@each_case(
    ("read", "taken"),
    [
        (lambda value: read_mapping(value, "x"), [{}]),
        (lambda value: read_list(value, "x"), [[]]),
        (lambda value: read_number(value, "x"), [0, 0.5]),
        (lambda value: read_boolean(value, "x"), [True]),
        (lambda value: read_text(value, "x"), ["zqx"]),
        (lambda value: read_count(value, "x"), [0]),
        (lambda value: read_list(value, "x", 1), []),
    ],
)
def test_each_kind_takes_its_own_alone(read, taken) -> None:
    """A truth value is no number, a text no list; an error quotes nothing."""
    for value in ODD:
        if any(value is each for each in (True,)) and True in taken and taken == [True]:
            assert read(value) is True
        elif not isinstance(value, bool) and any(
            value == each and type(value) is type(each) for each in taken
        ):
            assert read(value) == value
        else:
            with pytest.raises(UnreadableResponse) as error:
                read(value)
            assert "zqx" not in str(error.value)


@each_case(("value", "most", "score"), [(7, 7, 1.0), (0, 7, 0.0), (25, 100, 0.25), (1, 1.0, 1.0)])
def test_a_number_is_a_share_of_the_most(value, most, score) -> None:
    """So that every scale becomes ours."""
    assert read_number(value, "x", most) == score


def of(data: bytes = b"", **more: Any) -> JudgeRequest:
    """Return an ask for a picture."""
    return JudgeRequest("", Image(data, **more))


@each_case(
    ("data", "name"),
    [
        (b"\x89PNG\r\n\x1a\nx", "png"), (b"\xff\xd8\xff\xe0", "jpeg"), (b"GIF87ax", "gif"), (b"GIF89ax", "gif"),
        (b"RIFF\n\n\n\nWEBPVP8", "webp"), (b"BMxx", "bmp"), (b"II*\0xx", "tiff"), (b"MM\0*xx", "tiff"),
    ],
)  # fmt: skip
def test_a_picture_is_told_by_how_it_begins(data, name) -> None:
    """Where that is one of the formats that are asked for."""
    formats = ("png", "jpeg", "gif", "webp", "bmp", "tiff")
    assert read_picture(of(data), formats) == (name, data)
    assert read_picture(of(data), [each for each in formats if each != name]) is None


@each_case("data", [b"", b"x", b"RIFFxxxxWAVE", b"GIF88a", b" \x89PNG\r\n\x1a\n", b"<svg>"])
def test_what_is_no_picture_is_none(data) -> None:
    """Nor is one of which only an address is known."""
    assert (
        read_picture(of(data, url="http://127.0.0.1/a.png"), ("png", "jpeg", "gif", "webp", "bmp", "tiff"))
        is None
    )


def test_answers_to_one_ask_are_joined() -> None:
    """The best score of each category, everything else once."""
    spot, left = ScoredSpan("pii", 1.0, 0, 1), Unchecked("limit", "x")
    joined = merge_answers(
        [JudgeAnswer({"a": 0.1, "b": 0.5}, (spot,), (left,)), JudgeAnswer({"a": 0.9}, (spot,), (left,))]
    )
    assert joined == JudgeAnswer({"a": 0.9, "b": 0.5}, (spot,), (left,))


def test_the_first_failure_ends_the_others() -> None:
    """And is raised as it is."""
    ended = []

    async def waits() -> JudgeAnswer:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(True)
        raise AssertionError

    async def fails() -> JudgeAnswer:
        raise UnreadableResponse("x")

    with pytest.raises(UnreadableResponse):
        asyncio.run(gather_requests([waits(), fails()]))
    assert ended == [True]


class Judge:
    """Answers with what was read, or fails."""

    most = 8

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error
        self.asked: list[JudgeRequest] = []

    async def score(self, asks: Sequence[JudgeRequest]) -> list[JudgeAnswer]:
        """Answer each ask."""
        self.asked += asks
        if self.error is not None:
            raise self.error
        return [JudgeAnswer({ask.read: 1.0}) for ask in asks]


def test_a_service_gets_what_it_reads_alone() -> None:
    """The answers stay in order; what it does not read is unchecked."""
    judge = Judge()
    asks = [JudgeRequest("a", Text("a")), of(b"x"), JudgeRequest("b", Text("b"))]
    found = asyncio.run(EndpointJudge(judge, "far", frozenset({"text"})).score(asks))
    assert found == [
        JudgeAnswer({"a": 1.0}),
        skip_request("endpoint 'far' reads no image"),
        JudgeAnswer({"b": 1.0}),
    ]
    assert [ask.read for ask in judge.asked] == ["a", "b"]


def test_where_there_is_nothing_to_ask_it_is_not_asked() -> None:
    """Not even for an empty list."""
    judge = Judge()
    assert asyncio.run(EndpointJudge(judge, "far", frozenset({"text"})).score([of(b"x")])) == [
        skip_request("endpoint 'far' reads no image")
    ]
    assert judge.asked == []


@each_case(
    ("error", "said"),
    [(UnreadableResponse("x"), "endpoint 'far': x"), (RemoteError("endpoint 'far': y"), "endpoint 'far': y")],
)
def test_an_error_names_the_endpoint_once(error, said) -> None:
    """A request that failed has named it already."""
    with pytest.raises(RemoteError) as raised:
        asyncio.run(
            EndpointJudge(Judge(error), "far", frozenset({"text"})).score([JudgeRequest("a", Text("a"))])
        )
    assert str(raised.value) == said


@each_case(("once", "asked"), [(False, [Stage.OUTPUT, Stage.INPUT]), (True, [Stage.OUTPUT])])
def test_a_content_is_asked_for_at_each_of_its_stages(once, asked) -> None:
    """Where the service tells them apart."""
    seen: list[Stage] = []

    async def ask(ask: JudgeRequest, stage: Stage) -> JudgeAnswer:
        seen.append(stage)
        return JudgeAnswer({stage.value: 1.0})

    place = Place(Stage.OUTPUT, also=(Stage.INPUT, Stage.OUTPUT))
    (found,) = asyncio.run(PerStageJudge(ask, once=once).score([JudgeRequest("a", Text("a", place))]))
    assert seen == asked
    assert found.scores == {stage.value: 1.0 for stage in asked}
